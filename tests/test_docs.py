"""The documentation is true: its commands run, its links lead somewhere, its generated pages are up to date."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from anchors import leads_nowhere
from anchors import of_project as project_anchors
from research import parameters
from research.documentation import PAGES, commands, definitions, dependencies, glossary
from research.documentation import parameters as parameter_page
from research.paths import DOCS, ROOT
from research.runs import grid
from research.tiers import LABELS_ZH
from terminal import Terminal

TEXTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s+#.*$", re.MULTILINE)
LOOP = re.compile(r"(^for .*?^done$)", re.MULTILINE | re.DOTALL)
SHELL = {"sh", "bash"}
KINDS = {*SHELL, "text", "txt", "yaml", "python"}  # text is output, txt an excerpt of a file
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")

# Commands that are not run as they stand: what begins with the first, how it is treated instead, and why.
INSTEAD = [
    ("make", "dry run", "installs packages or takes minutes; the commands it would run are checked"),
    (
        "research run",
        "one notebook",
        "takes minutes; in the tutorial once with one notebook, else its plan is made",
    ),
    ("research batch", "plan", "many runs; all of them are planned and checked"),
    (
        "research bundle",
        "options",
        "needs a finished run; other tests bundle one, here its options are checked",
    ),
    (
        "research compare",
        "options",
        "needs finished runs; other tests compare some, here its options are checked",
    ),
    ("research verify", "one group", "fits models for some minutes; one group of checks is computed"),
    (
        "papermill",
        "inspected",
        "other tests execute the notebooks; the notebook and its parameters are checked",
    ),
    ("jupyter nbconvert", "read", "its notebook was not executed here; other tests make the page"),
    ("research comments", "read", "needs comments and a finished run; other tests make both"),
    ("dask", "read", "runs until it is stopped; other tests start a scheduler and workers"),
    ("research paper", "options", "needs a finished run; other tests fill a manuscript from one"),
    (
        "research trial",
        "options",
        "needs lists of customers; other tests hold a trial, here its options are checked",
    ),
    ("research tables", "options", "needs a finished run; other tests write tables of one"),
    ("for", "read", "repeats such a command; the shell reads it and its notebook is checked"),
]
RUN_PAGES = ("tutorial.md",)  # the run of the own loan book is made in another locale in test_faults
ONE_NOTEBOOK = "02_classification"


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, its text, and the line it begins at."""

    kind: str
    text: str
    line: int

    def commands(self) -> list[str]:
        """Return the commands of a block of the shell."""
        found = []
        for part in LOOP.split(self.text.replace("\\\n", " ")):
            lines = [part] if LOOP.fullmatch(part) else part.splitlines()
            found += [COMMENT.sub("", line).strip() for line in lines if shlex.split(line, comments=True)]
        return found


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [Block(m.group(1), m.group(2), text[: m.start()].count("\n") + 1) for m in BLOCK.finditer(text)]


def prose(path: Path) -> str:
    return BLOCK.sub("", path.read_text(encoding="utf-8"))


def plain(command: str) -> str:
    """Return a command without the folder of the environment before its name."""
    return command.removeprefix(".venv/bin/")


def treatment(command: str) -> str:
    return next((how for start, how, _ in INSTEAD if f"{plain(command)} ".startswith(f"{start} ")), "run")


TYPED = {path: [c for b in blocks(path) if b.kind in SHELL for c in b.commands()] for path in TEXTS}
RUNNABLE = [path for path in TEXTS if any(b.kind in SHELL | {"python", "yaml"} for b in blocks(path))]


@pytest.fixture(scope="module")
def one_terminal(tmp_path_factory) -> Iterator[Terminal]:
    home = tmp_path_factory.mktemp("docs")
    opened = Terminal(home / "project", home / "cache")
    yield opened
    opened.close()


@pytest.fixture
def terminal(one_terminal) -> Iterator[Terminal]:
    """A working copy as it was; what a page makes is removed after it, so that no page rests on another."""
    before = one_terminal.files()
    yield one_terminal
    for path in one_terminal.files() - before:
        path.unlink()


def test_blocks_say_what_they_are():
    for path in TEXTS:
        fences = re.findall(r"^```", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(path)), path.name
        assert {block.kind for block in blocks(path)} <= KINDS, path.name
        placeholder = r"<\w+>|\.\.\.|\b(?:FILE|NAME|PATH|FOLDER|CROSSWALK)\b"
        assert [command for command in TYPED[path] if re.search(placeholder, command)] == [], path.name


@pytest.mark.parametrize("path", RUNNABLE, ids=[path.relative_to(ROOT).as_posix() for path in RUNNABLE])
def test_commands_of_the_page(path, terminal):
    """Every block is used in the order of the page, in one working copy; output shown after it has to appear."""
    printed, typed = "", Typed(terminal, path.name in RUN_PAGES)
    for block in blocks(path):
        place = f"{path.name}, line {block.line}"
        if block.kind in SHELL:
            printed = "".join(
                typed.type(command, place, allowed_codes(block)) for command in block.commands()
            )
        elif block.kind == "python":
            printed = typed.finished(terminal.shell(f"python -c {shlex.quote(block.text)}"), place)
        elif block.kind == "yaml":
            written(block, terminal, place)
        elif block.kind == "text" and printed:
            missing = not_printed(block.text, printed)
            assert missing is None, f"{place}: '{missing}' is not in the output:\n{printed}"


def allowed_codes(block: Block) -> set[int]:
    """Return the exit code that the comment of a block announces, `# ends with code 1`; 0 else."""
    return {int(code) for code in re.findall(r"#.*ends with code (\d)", block.text)} or {0}


class Typed:
    """Types the commands of a page as they stand, or as INSTEAD says."""

    def __init__(self, terminal: Terminal, runs: bool) -> None:
        self.terminal = terminal
        self.runs = runs  # whether the next `research run` is executed

    def type(self, command: str, place: str, codes: set[int]) -> str:
        """Return what a command printed, nothing when it was only checked."""
        how, words = treatment(command), shlex.split(plain(command))
        place = f"{place}: {command}"
        if how == "dry run":
            return dry_run(command, self.terminal, place)
        if how in ("read", "inspected"):
            self.finished(self.terminal.shell(f"bash -n -c {shlex.quote(command)}"), place)
            inspect_notebooks(words, place)
            return ""
        if words[0] != "research":
            return self.finished(self.terminal.shell(command), place, codes)
        check_words(words[1:], place)
        if how == "options":
            return ""
        if how == "one group":
            words = ["research", "verify", "demsar"]
        if how == "one notebook" and self.runs:
            words, self.runs = [*without(words, "--only"), "--only", ONE_NOTEBOOK], False
            how = "run"
        only_plan = how in ("one notebook", "plan")
        words = without(words, "--cluster") if only_plan else words  # a plan asks no scheduler
        printed = self.finished(self.terminal.research(words[1:], only_plan=only_plan), place, codes)
        return "" if only_plan and codes == {0} else printed

    @staticmethod
    def finished(result: tuple[int, str], place: str, codes: Iterable[int] = (0,)) -> str:
        """Return what was printed by a command that ended as it should."""
        code, printed = result
        assert code in codes, f"{place}: exit code {code}\n{printed}"
        assert "Traceback" not in printed, f"{place}\n{printed}"
        return printed


def inspect_notebooks(words: list[str], place: str) -> None:
    """Check that the notebooks named exist and have the parameters given."""
    from papermill import inspect_notebook

    named = [word for word in words if word.startswith("notebooks/")]
    given = {words[n + 1] for n, word in enumerate(words) if word == "-p"}
    for name in named:
        assert given <= set(inspect_notebook(str(ROOT / name))), place


def without(words: list[str], option: str) -> list[str]:
    """Return a command without an option and its value."""
    kept = list(words)
    while option in kept:
        at = kept.index(option)
        del kept[at : at + 2]
    return kept


def dry_run(command: str, terminal: Terminal, place: str) -> str:
    code, printed = terminal.shell(f"{command} --dry-run --always-make")
    assert code == 0, f"{place}: {command}: {printed}"
    for line in printed.splitlines():
        if plain(line).startswith("research "):
            check_words(shlex.split(plain(line))[1:], place)
            if plain(line).startswith("research run "):
                parameters.find(shlex.split(line)[2])
    return ""


def check_words(words: list[str], place: str) -> None:
    """Check that the words after `research` are a command with options that it has."""
    known = {name: function for name, function, _ in commands.commands()}
    name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
    assert name is not None, f"{place}: research {' '.join(words)}: no such command"
    below = words[1:2] if known[name] is None else []  # a group is followed by a command or by nothing
    assert [word for word in below if not word.startswith("-")] == [], (
        f"{place}: {name}: no such command {below}"
    )
    given = commands.given(known[name]) if known[name] else []
    options = {option for one in given for option in one.names} | {"--help"}
    used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert used <= options, f"{place}: research {name}: no such option {sorted(used - options)}"


def written(block: Block, terminal: Terminal, place: str) -> None:
    """Write a YAML block to the file that its first line names, and check that it is a study or a batch."""
    content = yaml.safe_load(block.text)
    head = re.match(r"# (\S+\.yml)\b", block.text)
    target = terminal.folder / (head.group(1) if head else "example.yml")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(block.text, encoding="utf-8")
    if "study" in content:
        grid.read(target)
    elif set(content) <= set(parameters.Study.model_fields):
        parameters.validate(content, place)
    else:
        pytest.fail(f"{place}: neither a study nor a batch")


def not_printed(shown: str, printed: str) -> str | None:
    """Return the first shown line that the output lacks; … stands for anything, spaces count once."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    at = 0
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = re.compile(re.escape(line).replace("…", ".*"))
        found = next((n for n in range(at, len(lines)) if pattern.fullmatch(lines[n])), None)
        if line.strip() != "…" and found is None:
            return line
        at = at if found is None else found + 1
    return None


def test_every_command_is_run_or_has_its_reason():
    """The table of exceptions is short, used, and explains itself; all other commands are run as they stand."""
    typed = [command for found in TYPED.values() for command in found]
    assert len(typed) > 40
    by_way: dict[str, list[str]] = {}
    for command in typed:
        by_way.setdefault(treatment(command), []).append(command)
    assert len(by_way["run"]) > 0.4 * len(typed), {way: len(found) for way, found in by_way.items()}
    assert all(len(reason) > 20 for _, _, reason in INSTEAD)
    for start, *_ in INSTEAD:
        assert any(plain(command).startswith(start) for command in typed), f"{start}: not used"


def in_the_text() -> Iterator[tuple[Path, str]]:
    """Yield (page, what stands there as code) outside of blocks."""
    for path in TEXTS:
        for said in CODE.findall(prose(path)):
            yield path, said


def test_commands_in_the_text_exist():
    targets = {name for name, _ in commands.targets()}
    for path, said in in_the_text():
        words = plain(said).split()
        if words[0] == "research" and len(words) > 1 and words[1].islower():
            check_words(words[1:], path.name)
        if words[0] == "make" and len(words) > 1:
            assert f"`make {words[1]}`" in targets, f"{path.name}: {said}"


def test_links_lead_somewhere():
    links = [(path, one or other) for path in TEXTS for one, other in LINK.findall(prose(path))]
    for path, link in links:
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), f"{path.name}: {link}"
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name}: {link}"
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target), f"{path.name}: {link}: known are {sorted(anchors(target))}"


def anchors(path: Path) -> set[str]:
    """Return the anchors that a Git server makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    plain_text = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain_text}


def test_files_in_the_text_exist():
    """A path in the text exists, unless a run makes it or a block of the page has the reader write it."""
    heads = ((path, re.match(r"# (\S+\.yml)\b", block.text)) for path in TEXTS for block in blocks(path))
    made = {(path, head.group(1)) for path, head in heads if head}
    sections = project_anchors()
    of_project = re.compile(r"(data|docs|src|studies|tests|notebooks|bench|\.ci)/[\w./*-]*")
    for path, said in in_the_text():
        if of_project.fullmatch(said) and (path, said) not in made:
            assert list(ROOT.glob(said.rstrip("/"))), f"{path.name}: {said}"
        if re.fullmatch(r"\d\d_[a-z]+(#[\w-]+)?", said):
            assert not leads_nowhere(said, sections), f"{path.name}: {said}"


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name):
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), f"docs/{name}: run `make docs`"


def test_every_parameter_and_option_says_what_it_is():
    assert sorted(name for name, field in parameter_page.fields() if not field.description) == []
    assert sorted(name for name, _ in parameter_page.fields()) == sorted(parameters.names())
    silent = [
        (name, one.names)
        for name, function, _ in commands.commands()
        if function is not None
        for one in commands.given(function)
        if not one.about
    ]
    assert silent == []


def test_the_signatures_name_the_options_that_the_commands_have():
    """The reference reads signatures; typer's own help is the oracle."""
    from typer.testing import CliRunner

    from research import cli

    for name, function, _ in commands.commands():
        if function is None:
            continue
        helped = CliRunner().invoke(
            cli.app, [*name.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}
        )
        assert helped.exit_code == 0, helped.output
        told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", helped.output)) - {"--help"}
        named = {
            option for one in commands.given(function) for option in one.names if option.startswith("--")
        }
        assert named <= told, name
        assert {option for option in told - named if not option.startswith("--no-")} == set(), name


def test_the_catalogue_describes_every_definition_and_nothing_else():
    files = definitions.catalogue()["files"]
    listed = {definitions.entry_of(path) for path in definitions.files()}
    assert listed == set(files)
    for path in definitions.files():
        entry = definitions.entry_of(path)
        if path.suffix == ".csv":
            silent = [
                column for column in definitions.columns(path) if not definitions.meaning(entry, column)
            ]
            assert silent == [], f"docs/data/definitions.yml: {path.name}"
    for name, entry in files.items():
        inside = [
            path
            for path in definitions.files()
            if definitions.entry_of(path) == name and path.suffix == ".csv"
        ]
        have = {column for path in inside for column in definitions.columns(path)}
        assert set(entry.get("columns", {})) <= have, f"docs/data/definitions.yml: {name}"


def test_the_glossary_agrees_with_the_names_of_the_tiers():
    terms = glossary.terms().set_index("term")["term_zh"]
    assert terms.index.is_unique
    assert not (glossary.terms() == "").any(axis=None)
    assert {tier: terms[tier if tier == "premium" else f"{tier} risk"] for tier in LABELS_ZH} == LABELS_ZH


def test_every_package_has_a_purpose_and_a_licence():
    named = set(dependencies.direct()["package"])
    assert set(dependencies.purposes()) == named
    record = dependencies.licences().set_index("package")["licence"]
    assert set(record.index) == set(dependencies.locked()["package"])
    assert sorted(record.index[record == dependencies.NOT_STATED]) == []


@pytest.mark.every_python
def test_the_record_of_licences_is_what_installed_packages_state():
    record = dependencies.licences().set_index("package")["licence"]
    stated = {name: dependencies.stated_licence(name) for name in record.index}
    differing = {
        name: (record[name], licence)
        for name, licence in stated.items()
        if licence not in (None, dependencies.NOT_STATED, *record[name].split(dependencies.OTHER_WORDS))
    }
    assert differing == {}


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT License", ""),
        ("GPL-3.0", "strong"),
        ("GNU General Public License v3 (GPLv3)", "strong"),
        ("AGPL-3.0 (licence file)", "strong"),
        ("LGPL-3.0-only", "weak"),
        ("MPL-2.0 AND MIT", "weak"),
        ("Apache Software License or GNU General Public License (GPL)", ""),
    ],
)
def test_copyleft_is_recognised(licence, kind):
    assert dependencies.copyleft(licence) == kind


def test_only_what_the_study_imports_is_a_package_of_the_study():
    """A package that nothing under src/ imports is for tests, or has its reason here."""
    needed_without_import = {
        "jupyterlab": "read by hand", "seaborn": "given environment", "pyarrow": "Parquet of pandas",
        "duckdb": "engine of ibis",
    }  # fmt: skip
    imports = {
        "pyyaml": "yaml", "python-docx": "docx", "scikit-learn": "sklearn", "ipython": "IPython",
        "ibis-framework": "ibis",
    }  # fmt: skip
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    packages = dependencies.direct()
    unused = [
        name
        for name in packages.loc[packages["used"] == "run", "package"]
        if not re.search(
            rf"^\s*(?:from|import) {imports.get(name, name.replace('-', '_'))}\b", code, re.MULTILINE
        )
        and name not in needed_without_import
    ]
    assert unused == []


def test_the_checks_notice_what_is_wrong(tmp_path):
    """A command, an option, an output and an anchor that do not exist are told."""
    for wrong in (["rum"], ["run", "--jbos", "2"], ["fieldwork", "chek"]):
        with pytest.raises(AssertionError, match="no such"):
            check_words(wrong, "page")
    assert not_printed("wrote a.xlsx\n…\n… errors", "wrote a.xlsx\nmore\n15 errors\n") is None
    assert not_printed("wrote b.xlsx", "wrote a.xlsx\n") == "wrote b.xlsx"
    assert not_printed("second\nfirst", "first\nsecond\n") == "first"
    page = tmp_path / "page.md"
    page.write_text(
        "# A title, 中文\n\n```sh\n# no heading\nls -a # all\nfor n in 1 2; do\n  ls\ndone\n```\n"
    )
    assert anchors(page) == {"a-title-中文"}
    assert [one.commands() for one in blocks(page)] == [["ls -a", "for n in 1 2; do\n  ls\ndone"]]
