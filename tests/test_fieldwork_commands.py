"""`research fieldwork …` as a researcher types it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pandas as pd
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.paths import EXAMPLES

INTERVIEWS = EXAMPLES / "interviews"
CODINGS = [str(INTERVIEWS / f"coding_{coder}.xlsx") for coder in "AB"]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def fails(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


@pytest.mark.parametrize("kind", ["survey", "questionnaire", "ahp"])
def test_forms_are_written(tmp_path, kind):
    out = tmp_path / f"{kind}.xlsx"
    result = run("form", kind, out, "--rows", 3, "--experts", 2)
    assert result.exit_code == 0 and "wrote" in result.output
    assert load_workbook(out)["_form"]["B1"].value == kind


def test_coding_form_needs_transcripts(tmp_path):
    out = tmp_path / "c.xlsx"
    assert "--transcripts FOLDER" in fails("form", "coding", out)
    assert run("form", "coding", out, "--transcripts", INTERVIEWS, "--coder", "C").exit_code == 0
    assert load_workbook(out)["coding 编码"]["B1"].value == "C"


def test_vignette_form_is_drawn_from_the_customers(tmp_path):
    out = tmp_path / "v.xlsx"
    result = run("form", "vignettes", out, "--experts", 1, "--customers", 5, "--dataset", "credit_data")
    assert result.exit_code == 0, result.exception
    key = pd.read_csv(tmp_path / "v.key.csv")
    assert len(key) == 5 and set(key["dataset"]) == {"credit_data"}


def test_form_refuses_another_ending(tmp_path):
    assert "ends in .xlsx" in fails("form", "survey", tmp_path / "x.pdf")


def test_check_lists_faults_and_marks_a_copy(tmp_path):
    returned = EXAMPLES / "survey_returned.xlsx"
    before = hashlib.sha256(returned.read_bytes()).hexdigest()
    result = run("check", returned, "--annotated", tmp_path / "marked.xlsx")
    assert result.exit_code == 1
    assert "practitioners 从业人员!M12 — 7 — a whole number from 1 to 5, or empty" in result.output
    assert "survey_returned.xlsx: 15 errors, 20 notes" in result.output
    assert hashlib.sha256(returned.read_bytes()).hexdigest() == before
    assert load_workbook(tmp_path / "marked.xlsx")["practitioners 从业人员"]["M12"].comment is not None
    clean = run("check", EXAMPLES / "survey_clean.xlsx")
    assert clean.exit_code == 0 and "no fault" in clean.output


def test_agreement_of_coding_workbooks(tmp_path):
    out, todo = tmp_path / "agreement.csv", tmp_path / "todo.xlsx"
    result = run("agreement", *CODINGS, "--resamples", 20, "--out", out, "--disagreements", todo)
    assert result.exit_code == 0, result.exception
    assert "Cohen κ" in result.output and "unfair_treatment" in result.output
    table = pd.read_csv(out)
    overall = table[
        (table["scope"] == "overall") & (table["base"] == "all") & (table["measure"] == "cohen_kappa")
    ]
    assert 0.6 < overall["estimate"].iloc[0] < 0.85
    assert load_workbook(todo)["disagreements 分歧"].max_row > 20


@pytest.mark.parametrize("name", ["wide.csv", "wide.xlsx", "long.csv"])
def test_agreement_of_a_plain_table(tmp_path, name):
    # hand: 4 of 5 agree; a has x 3/5, b has x 2/5: expected 0.6·0.4 + 0.4·0.6 = 0.48; κ = (0.8 − 0.48)/0.52 = 0.615
    wide = pd.DataFrame({"unit": range(1, 6), "a": list("xxyyx"), "b": list("xyyyx")})
    if name == "long.csv":
        wide.melt("unit", var_name="coder", value_name="code").to_csv(tmp_path / name, index=False)
    elif name == "wide.csv":
        wide.to_csv(tmp_path / name, index=False)
    else:
        wide.to_excel(tmp_path / name, index=False)
    result = run("agreement", tmp_path / name, "--resamples", 10)
    assert result.exit_code == 0, result.exception
    assert "0.615" in result.output and "2 coders on 5 units" in result.output


def test_agreement_of_a_list_with_several_codes_per_segment(tmp_path):
    rows = [
        ("A", "d", 1, "x"),
        ("A", "d", 1, "y"),
        ("B", "d", 1, "x"),
        ("A", "d", 2, "y"),
        ("B", "d", 2, "y"),
    ]
    pd.DataFrame(rows, columns=["coder", "document", "segment", "code"]).to_csv(
        tmp_path / "l.csv", index=False
    )
    result = run("agreement", tmp_path / "l.csv", "--resamples", 10)
    assert result.exit_code == 0 and "coders: A, B · unit: document, segment" in result.output
    assert "the codes taken together" in result.output and "Per code" in result.output


def test_agreement_refuses_a_mixture(tmp_path):
    pd.DataFrame({"a": [1], "b": [1]}).to_csv(tmp_path / "t.csv", index=False)
    assert "found several tables" in fails("agreement", CODINGS[0], tmp_path / "t.csv")


def test_agreement_names_its_columns_and_refuses_those_that_are_no_coders(tmp_path):
    table = pd.DataFrame({
        "segment": range(30), "remark": [f"remark {k} was made by somebody" for k in range(30)],
        "A": list("xyz") * 10, "B": list("xyy") * 10,
    })  # fmt: skip
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame({"about": ["these codes"]}).to_excel(book, sheet_name="about", index=False)
        table.to_excel(book, sheet_name="codes", index=False)
    told = fails("agreement", tmp_path / "t.xlsx", "--sheet", "codes")
    assert "column 'remark' holds 30 different values" in told and "--coders A,B" in told
    assert "did you mean 'codes'" in fails("agreement", tmp_path / "t.xlsx", "--sheet", "code")
    options = ["--sheet", "codes", "--coders", "A,B", "--resamples", 10]
    result = run("agreement", tmp_path / "t.xlsx", *options)
    assert result.exit_code == 0 and "coders: A, B · unit: segment · not used: remark" in result.output
    assert "sheet 'about'; others: codes" in run("agreement", tmp_path / "t.xlsx").output


def test_agreement_says_when_a_word_for_missing_is_counted(tmp_path):
    table = pd.DataFrame({"A": ["NA", "x", "y"] * 4, "B": ["NA", "x", "x"] * 4})
    table.to_csv(tmp_path / "t.csv", index=False)
    result = run("agreement", tmp_path / "t.csv", "--resamples", 10)
    assert "'NA' is counted as a code (8 times)" in result.output
    result = run("agreement", tmp_path / "t.csv", "--resamples", 10, "--missing", "NA")
    assert "counted as a code" not in result.output


def _distinct(folder):
    rows = range(20_000)
    return pd.DataFrame({name: [f"{name}{k}" for k in rows] for name in "abcde"}), []


def _no_coders(folder):
    rows = range(20_000)
    columns = {f"column {n}": [f"{n * k % 9973}" for k in rows] for n in range(1, 121)}
    return pd.DataFrame(columns), []


def _named(folder):
    rows = range(20_000)
    return pd.DataFrame({name: [f"{name}{k}" for k in rows] for name in "abc"}), ["--coders", "a,b,c"]


def _codes(folder):
    rows = [(coder, "d", k // 4, f"code{k}") for coder in "AB" for k in range(20_000)]
    return pd.DataFrame(rows, columns=["coder", "document", "segment", "code"]), []


def test_agreement_of_what_is_no_rating_ends_in_a_message(tmp_path):
    """Within 5 s of its own and 1 GiB above what the libraries take at their import."""
    asked = []
    for make in (_distinct, _no_coders, _named, _codes):
        table, options = make(tmp_path)
        table.to_csv(tmp_path / f"{make.__name__}.csv", index=False)
        asked.append([str(tmp_path / f"{make.__name__}.csv"), *map(str, options)])
    code = (
        "import json, resource, sys, time\n"
        "from typer.testing import CliRunner\n"
        "from research.commands.fieldwork import app\n"
        "held = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + 2**30, held + 2**30))\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    start = time.process_time()\n"
        "    error = CliRunner().invoke(app, ['agreement', *words]).exception\n"
        "    print(json.dumps([type(error).__name__, time.process_time() - start, str(error)]))\n"
        "    del error  # and the tables of its frames\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asked)], capture_output=True, text=True, check=False
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in told] == ["UserError"] * len(asked), done.stdout + done.stderr
    for _, seconds, message in told:
        assert (seconds < 5 and "expected" in message) or "--coders" in message


def test_import_and_export_of_a_project(tmp_path, verification_data):
    source = verification_data("refi_qda") / "atlas8_mac_TestProject.qdpx"
    result = run("import-qda", source, "--out", tmp_path / "atlas")
    assert result.output.startswith("14 codes, 16 codings, 12 sources")
    assert "not held: 1 in Graphs" in result.output
    assert len(pd.read_csv(tmp_path / "atlas" / "codebook.csv")) == 14
    result = run("export-qda", tmp_path / "atlas", "--out", tmp_path / "again.qdpx")
    assert result.output.startswith("14 codes, 16 codings, 12 sources")


def test_export_of_coding_workbooks(tmp_path):
    out = tmp_path / "own.qdpx"
    result = run("export-qda", *CODINGS, "--transcripts", INTERVIEWS, "--out", out)
    assert result.exit_code == 0 and ", 24 sources, 268 selections, 2 users, 24 cases" in result.output
    back = run("import-qda", out, "--out", tmp_path / "back")
    assert back.output.splitlines()[0] == result.output.splitlines()[0]
    units = pd.read_csv(tmp_path / "back" / "units.csv")
    assert len(units) == 268 and set(units["language"]) == {"en", "zh"}
    result = run("export-qda", *CODINGS, "--out", tmp_path / "book.qdc")
    assert result.exit_code == 0
    assert "35 codes" in result.output and "codings" not in result.output


def test_deidentify_blocks_until_waived(tmp_path):
    names = ["--names", INTERVIEWS / "names.txt"]
    told = fails("deidentify", INTERVIEWS, *names, "--waiver-form", tmp_path / "w.csv")
    assert "2 places could identify someone" in told and "老李头" not in told
    assert len(pd.read_csv(tmp_path / "w.csv")) == 1
    result = run("deidentify", INTERVIEWS, *names, "--waivers", INTERVIEWS / "waivers.csv")
    assert result.exit_code == 0 and "24 transcripts, 268 turns: nothing open" in result.output


def test_import_of_a_platform(tmp_path):
    from research.fieldwork.instruments.items import survey_items

    items = list(survey_items(group="customer")["item"])
    frame = pd.DataFrame(
        [["2024-03-01", 1, *["A3"] * len(items)]],
        columns=["submitdate", "id", *(i.replace("_", "") for i in items)],
    )
    frame.to_csv(tmp_path / "lime.csv", index=False)
    result = run(
        "import-survey", tmp_path / "lime.csv", "--platform", "limesurvey", "--group", "customer", "--out",
        tmp_path / "r.csv",
    )  # fmt: skip
    assert result.exit_code == 0 and "1 customers" in result.output
    assert run("check", tmp_path / "r.csv").exit_code == 0
