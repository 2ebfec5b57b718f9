"""The command line: quick to answer, plain about mistakes, exit codes that a script can use."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import demo
from research import cli
from research.commands import run as run_command
from research.errors import UserError
from research.pages import notebooks
from research.paths import ROOT
from research.runs.progress import Line, Progress, summary


def research(
    *arguments: str, code: str = "from research.cli import main; main()", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment},
        check=False,
    )


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process and return its exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["research", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as leave:
            code = leave.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_help_lists_every_verb_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom research.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pandas', 'papermill', 'nbconvert', 'pydantic', 'grimp'} & set(sys.modules)))"
    )
    done = research("--help", code=code)
    assert done.stdout.rstrip().endswith("[]"), done.stdout + done.stderr
    for verb in cli.VERBS:
        assert verb in done.stdout


def test_what_is_due_is_found_before_anything_heavy_is_imported(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom research.runs import pipeline, plan\n"
        "asked = plan.plan('default', jobs=2, out=Path(sys.argv[1]))\n"
        "(asked.out / 'study.yml').write_text(pipeline.study_file(asked.study), encoding='utf-8')\n"
        "assert {why for _, why in pipeline.foresee(asked)} == {'not run before'}\n"
        "print(sorted({'pandas', 'pooch', 'papermill', 'nbconvert'} & set(sys.modules)))"
    )
    done = research(str(tmp_path), code=code)
    assert done.stdout.rstrip() == "[]", done.stdout + done.stderr


def test_every_verb_can_be_loaded():
    for verb in cli.VERBS:
        assert cli.load(verb).name == verb


def test_a_mistake_is_one_message_and_exit_code_2(command):
    code, out, err = command("run", "defalt")
    assert code == 2
    assert err == "research: study 'defalt' is not in studies/; did you mean 'default'?\n"
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "-p", "seed"], "-p seed: expected name=value"),
        (["run", "-p", "seed=[1"], "expected a number, word or [list]"),
        (["run", "-p", "sed=1"], "did you mean 'seed'?"),
        (["run", "-p", "seed=many"], "seed"),
        (
            ["run", "-p", "simulated_customers=500"],
            "found 500 — expected at least 2000; with fewer, a tier may have no",
        ),
        (["batch", "nowhere.yml"], "nowhere.yml: no such file"),
    ],
)
def test_mistakes_of_parameters(command, arguments, message):
    code, _, err = command(*arguments)
    assert code == 2
    assert message in err


def test_unknown_verb_and_option(command):
    assert command("rn")[0] == 2
    assert command("run", "--jbos", "2")[0] == 2


def test_assignments_are_read_as_yaml():
    texts = [
        "seed=7",
        "weights=survey",
        "models=[rfm, tree]",
        "tier_shares.high=0.2",
        "title=a=b",
        "crosswalk=",
    ]
    assert run_command.assignments(texts) == {
        "seed": 7,
        "weights": "survey",
        "models": ["rfm", "tree"],
        "tier_shares.high": 0.2,
        "title": "a=b",
        "crosswalk": None,
    }
    with pytest.raises(UserError, match="expected name=value"):
        run_command.assignments(["=3"])


def test_run_reports_and_exits(command, monkeypatch, tmp_path):
    folder = tmp_path / "notebooks"
    demo.write(folder, "01_fine", [("text", "# Fine"), demo.SECOND[1]])
    demo.write(folder, "02_broken", [("text", "# Broken"), demo.SECOND[1], ("code", "1 / 0")])
    found = notebooks.find(folder)
    monkeypatch.setattr("research.pages.notebooks.find", lambda: found)
    out = str(tmp_path / "out")
    code, _, err = command("run", "default", "--out", out, "--jobs", "2")
    assert code == 1
    assert "02_broken: In [3] `1 / 0`: ZeroDivisionError: division by zero" in err
    code, _, err = command("run", "default", "--out", out, "--only", "01_fine")
    assert code == 0
    assert "Nothing changed: 1 notebooks are up to date." in err
    assert f"Read {Path(out) / 'index.html'}" in err


def test_report_tells_what_moved():
    class Told:
        lines = ()
        unchanged = True
        failed = ()
        faults = ("index.html links to x.html, which does not exist",)
        collected = {
            "reproduced": 1,
            "compared": 13,
            "moved": [{"name": f"a/b.{i}", "reference": 1, "now": 2} for i in range(12)],
        }

        class plan:
            out = Path("reports/x")

    text = io.StringIO()
    run_command.report(Told, Console(file=text, width=200))
    assert "1 of 13 reference values reproduced." in text.getvalue()
    assert text.getvalue().count("moved: a/b.") == 10
    assert "and 2 more" in text.getvalue()
    assert "links to x.html" in text.getvalue()


def test_progress_prints_lines_without_a_terminal_and_a_table_with_one():
    text = io.StringIO()
    with Progress(["01_a", "02_b"], Console(file=text, width=200)) as progress:
        progress.start("01_a")
        progress.cell("01_a", 2, 5)
        progress.finish("01_a", "ran")
        progress.finish("02_b", "failed", message="In [1] `x`: NameError: [x]")
    assert "01_a ran (" in text.getvalue()
    assert "02_b failed (0.0 s): In [1] `x`: NameError: [x]" in text.getvalue()

    screen = io.StringIO()
    with Progress(["01_a"], Console(file=screen, force_terminal=True, width=80)) as live:
        live.start("01_a")
        live.cell("01_a", 2, 5)
        Console(file=text, width=80).print(live.table())
    assert "cell 2 of 5" in text.getvalue()


def test_summary_has_seconds_and_warnings():
    text = io.StringIO()
    lines = [Line("01_a", "ran", 1.25, warnings=2), Line("02_b", "unchanged"), Line("03_c", "stopped")]
    Console(file=text, width=100).print(summary(lines))
    shown = text.getvalue().splitlines()
    assert shown[1].split() == ["01_a", "ran", "1.2", "2", "warnings"]
    assert shown[2].split() == ["02_b", "unchanged"]
    assert shown[3].split() == ["03_c", "not", "run"]


def test_values_file_of_the_reference_is_json():
    reference = ROOT / "reports" / "reference" / "values.json"
    if not reference.exists():
        pytest.skip("no reference values yet: `research run default --update-reference` writes them")
    assert json.loads(reference.read_text(encoding="utf-8"))["study"]["name"] == "default"


def test_a_terminal_without_chinese_or_dashes_ends_no_command():
    """One process, whose output is ASCII, takes one command after the other."""
    code = (
        "import sys\nfrom research.cli import main\n"
        "for words in (['fieldwork', 'check', '没有.xlsx'], ['datasets', 'list'], ['--help']):\n"
        "    sys.argv[1:] = words\n"
        "    try:\n        main()\n        ended = 0\n"
        "    except SystemExit as leave:\n        ended = leave.code or 0\n"
        "    print('ended with', ended)\n"
    )
    done = research(code=code, PYTHONIOENCODING="ascii")
    assert re.findall(r"ended with (\d)", done.stdout) == ["2", "0", "0"], done.stderr
    assert "no such file" in done.stderr and "\\u6ca1" in done.stderr and "Traceback" not in done.stderr


def test_a_working_folder_that_is_gone_is_told(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); from research.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "datasets"], capture_output=True, text=True, cwd=gone, check=False
    )
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert "the working folder is gone" in result.stderr


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    import research as package

    for words in (["-c", "from research.cli import main; main()"], ["-m", "research"]):
        result = subprocess.run(
            [sys.executable, *words, "--version"], capture_output=True, text=True, cwd=ROOT, check=True
        )
        assert result.stdout == f"research {package.__version__}\n"
    assert package.__version__ == version("research")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("research fie", "fieldwork"), ("research fieldwork ag", "agreement"), ("research run --wa", "--watch")],
)
def test_a_shell_is_told_how_to_go_on(command, monkeypatch, typed, offered):
    asked = {"_RESEARCH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert command()[1].split() == [offered]
