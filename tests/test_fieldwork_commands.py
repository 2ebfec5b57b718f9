"""`research fieldwork …` as a researcher types it."""

from __future__ import annotations

import hashlib

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
    assert "practitioners 从业人员!L12 — 7 — a whole number from 1 to 5, or empty" in result.output
    assert "survey_returned.xlsx: 15 errors, 20 notes" in result.output
    assert hashlib.sha256(returned.read_bytes()).hexdigest() == before
    assert load_workbook(tmp_path / "marked.xlsx")["practitioners 从业人员"]["L12"].comment is not None
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
    assert result.exit_code == 0 and "all codes" in result.output


def test_agreement_refuses_a_mixture(tmp_path):
    pd.DataFrame({"a": [1], "b": [1]}).to_csv(tmp_path / "t.csv", index=False)
    assert "found several tables" in fails("agreement", CODINGS[0], tmp_path / "t.csv")


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
        "import-survey",
        tmp_path / "lime.csv",
        "--platform",
        "limesurvey",
        "--group",
        "customer",
        "--out",
        tmp_path / "r.csv",
    )
    assert result.exit_code == 0 and "1 customers" in result.output
    assert run("check", tmp_path / "r.csv").exit_code == 0
