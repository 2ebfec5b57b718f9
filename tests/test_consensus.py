"""Decisions on what coders differ in: read back cell by cell, made a consensus, and never taken for reliability."""

from __future__ import annotations

import shutil
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.fieldwork.exchange import read_qda, to_interviews
from research.fieldwork.instruments.workbook import save
from research.fieldwork.intake.check import check
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.intake.decisions import open_decisions, read_decisions
from research.fieldwork.interviews import coder_agreement, resolution
from research.parameters import Study, load
from research.paths import EXAMPLES
from research.study import contents as steps
from research.study.interviews import machine_key

INTERVIEWS = EXAMPLES / "interviews"
CODINGS = [str(INTERVIEWS / f"coding_{coder}.xlsx") for coder in "AB"]
CASE = ["document", "segment", "code"]
UNITS = pd.DataFrame(
    {"document": "P01", "segment": list("123456"), "text": "…", "participant": "P01", "group": "customer"}
)
BOOK = pd.DataFrame({"code": ["a", "b"], "parent": "", "definition": ""})
GIVEN = {"A": "1a 2a 2b 3a 5b", "B": "1a 2b 3b 4a 5b"}
FIRST = 4  # row of the first disagreement


def codings(given: dict[str, str] = GIVEN) -> pd.DataFrame:
    rows = [(coder, "P01", cell[0], cell[1:]) for coder, cells in given.items() for cell in cells.split()]
    return pd.DataFrame(rows, columns=["coder", *CASE])


def assigned(given: dict[str, str] = GIVEN) -> pd.DataFrame:
    return pd.DataFrame({"coder": list(given), "document": "P01"})


def differing(given: dict[str, str] = GIVEN, units: pd.DataFrame = UNITS) -> tuple[pd.DataFrame, str]:
    cases = coder_agreement.disagreements(codings(given), units, BOOK, assigned(given))
    return cases, resolution.codings_version(codings(given), assigned(given), cases)


def filled(path: Path, decisions: list[str], by: str = "A, B", reason: str = "read again") -> Path:
    """The workbook of the disagreements of `GIVEN` (2a, 3a, 3b, 4a) with a decision in each row."""
    cases, version = differing()
    save(resolution.resolution_form(cases, version), path)
    book = load_workbook(path)
    sheet = book["disagreements 分歧"]
    for row, decision in enumerate(decisions, start=FIRST):
        for column, value in zip("IJK", (decision, by, reason), strict=True):
            sheet[f"{column}{row}"] = value if decision else None
    book.save(path)
    return path


def changed(path: Path, cells: dict[str, object]) -> Path:
    book = load_workbook(path)
    for cell, value in cells.items():
        book["disagreements 分歧"][cell] = value
    book.save(path)
    return path


def decided(tmp_path: Path, *decisions: str) -> pd.DataFrame:
    cases, version = differing()
    return read_decisions(open_decisions(filled(tmp_path / "resolve.xlsx", list(decisions))), cases, version)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def fails(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_what_counts_is_what_coders_agree_on_and_what_they_keep(tmp_path: Path) -> None:
    found = decided(tmp_path, "keep 保留", "drop", "keep", "")
    assert found["decision"].tolist() == ["keep", "drop", "keep", ""]
    assert set(found["decided_by"]) == {"A, B", ""} and found["reason"].tolist()[0] == "read again"
    counted = resolution.settled(codings(), found)
    places = sorted({f"{row.segment}{row.code}" for row in counted.itertuples()})
    assert places == ["1a", "2a", "2b", "3b", "5b"]
    assert len(counted) == 8  # each stays the coding of who gave it


def test_decisions_are_counted_by_code_and_by_coder(tmp_path: Path) -> None:
    found = decided(tmp_path, "keep", "drop", "keep", "")
    table = coder_agreement.code_agreement(codings(), UNITS, BOOK, assignments=assigned(), resamples=0)
    alpha = table[(table["measure"] == "krippendorff_alpha") & (table["base"] == "coded")]
    codes = resolution.by_code(found, alpha).set_index("code")
    assert codes.loc["a", ["differ", "keep", "drop", "undecided"]].tolist() == [3, 1, 1, 1]
    assert codes.loc["all codes", ["differ", "keep", "drop", "undecided"]].tolist() == [4, 2, 1, 1]
    assert codes["estimate"].tolist() == alpha["estimate"].tolist()  # before, of coders who worked alone
    coders = resolution.by_coder(codings(), UNITS, BOOK, assigned(), found, resamples=0).set_index("coder")
    # 2a is kept: as A; 3a is dropped and 3b kept: both as B. B would have to add 2a, A to add 3b and remove 3a.
    assert coders.loc["A", ["decided", "followed", "changed", "added", "removed"]].tolist() == [3, 1, 2, 1, 1]
    assert coders.loc["B", ["decided", "followed", "changed", "added", "removed"]].tolist() == [3, 2, 1, 1, 0]


def test_agreement_with_the_consensus_equals_independent_implementations(tmp_path: Path) -> None:
    """Cohen's κ of scikit-learn, α of the package krippendorff; the undecided case is one that nobody rated."""
    found = decided(tmp_path, "keep", "drop", "keep", "")
    coders = resolution.by_coder(codings(), UNITS, BOOK, assigned(), found, resamples=0).set_index("coder")
    settled = {"1a", "2a", "2b", "3b", "5b"}
    cells = [f"{segment}{code}" for segment in "12345" for code in "ab" if f"{segment}{code}" != "4a"]
    for coder in "AB":
        own = [int(cell in GIVEN[coder].split()) for cell in cells]
        after = [int(cell in settled) for cell in cells]
        assert coders.loc[coder, "kappa"] == pytest.approx(cohen_kappa_score(own, after))
        assert coders.loc[coder, "alpha"] == pytest.approx(
            krippendorff.alpha(np.array([own, after]), level_of_measurement="nominal")
        )


def test_every_fault_of_a_decision_names_its_cell(tmp_path: Path) -> None:
    path = filled(tmp_path / "resolve.xlsx", ["keep", "maybe", "", "drop"])
    changed(path, {"K6": "we talked", "J7": None, "E5": "c"})
    cases, version = differing()
    with pytest.raises(UserError) as told:
        read_decisions(open_decisions(path), cases, version)
    assert "disagreements 分歧!E5 — P01 3 c, on which the coders do not differ — each row" in str(told.value)
    assert "disagreements 分歧!I6 — empty, though a name or a reason is given — keep or drop" in str(
        told.value
    )
    faults = [str(fault) for fault in check(path)]  # without the codings any row may be a disagreement
    assert any("!I5 — 'maybe' (text) — keep or drop" in fault for fault in faults)
    assert any("!J7 — drop, without decided by — who decided" in fault for fault in faults)
    changed(path, {"E5": "a", "E6": "a", "I5": "keep"})
    assert any("!E6 — P01 3 a, a second time" in str(fault) for fault in check(path))


def test_a_row_that_was_removed_is_undecided(tmp_path: Path) -> None:
    path = filled(tmp_path / "resolve.xlsx", ["keep", "drop", "keep", "drop"])
    book = load_workbook(path)
    book["disagreements 分歧"].delete_rows(FIRST + 1)
    book.save(path)
    found = read_decisions(open_decisions(path), *differing())
    assert found["decision"].tolist() == ["keep", "", "keep", "drop"]


@pytest.mark.parametrize(
    "other",
    [{"A": "1a 2a 2b 3a", "B": GIVEN["B"]}, {**GIVEN, "C": "1a"}, {"A": GIVEN["A"] + " 6a", "B": GIVEN["B"] + " 6a"}],
)  # fmt: skip
def test_decisions_on_other_codings_are_refused(tmp_path: Path, other: dict[str, str]) -> None:
    path = filled(tmp_path / "resolve.xlsx", ["keep"] * 4)
    with pytest.raises(UserError, match=r"resolve\.xlsx: was made from other codings than these"):
        read_decisions(open_decisions(path), *differing(other))


def test_decisions_on_another_text_are_refused_and_spacing_is_no_other_text(tmp_path: Path) -> None:
    path = filled(tmp_path / "resolve.xlsx", ["keep"] * 4)
    assert len(read_decisions(open_decisions(path), *differing(units=UNITS.assign(text=" … ")))) == 4
    with pytest.raises(UserError, match="was made from other codings"):
        read_decisions(open_decisions(path), *differing(units=UNITS.assign(text="another")))
    with pytest.raises(UserError, match="expected the workbook that --disagreements writes"):
        open_decisions(CODINGS[0])


def test_a_consensus_is_a_coding_workbook_and_no_coder(tmp_path: Path) -> None:
    found = decided(tmp_path, "keep", "drop", "keep", "")
    counted = resolution.settled(codings(), found)
    made = resolution.consensus_form(UNITS, counted, found, BOOK, {"by code": BOOK})
    path = save(made, tmp_path / "consensus.xlsx")
    read = read_coding(path, codebook=BOOK)
    assert read.assignments["coder"].tolist() == ["consensus"]
    assert [f"{r.segment}{r.code}" for r in read.codings.itertuples()] == ["1a", "2a", "2b", "3b", "5b"]
    assert read.memos[["segment", "memo"]].to_numpy().tolist() == [["4", "undecided 未决定: a"]]
    assert load_workbook(path)["by code"]["A2"].value == "a"
    with pytest.raises(UserError, match=r"consensus\.xlsx: the consensus of coders, and no coder of its own"):
        read_coding([path, *CODINGS])


def test_more_codes_of_a_segment_than_a_form_has_fit_the_consensus(tmp_path: Path) -> None:
    book = pd.DataFrame({"code": [f"c{n}" for n in range(9)], "parent": "", "definition": ""})
    given = pd.DataFrame({"coder": "A", "document": "P01", "segment": "2", "code": book["code"]})
    none = pd.DataFrame(columns=[*CASE, "decision"])
    path = save(resolution.consensus_form(UNITS, given, none, book, {}), tmp_path / "c.xlsx")
    assert read_coding(path, codebook=book).codings["code"].tolist() == book["code"].tolist()
    with pytest.raises(UserError, match="'c0' is no code below a theme of the codebook"):
        resolution.consensus_form(UNITS, given, none, BOOK, {})


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disagreements of the example, every second one kept; the last stays undecided."""
    path = tmp_path_factory.mktemp("resolved") / "resolve.xlsx"
    assert run("agreement", *CODINGS, "--resamples", 0, "--disagreements", path).exit_code == 0
    book = load_workbook(path)
    sheet = book["disagreements 分歧"]
    for row in range(FIRST, sheet.max_row):
        sheet[f"I{row}"], sheet[f"J{row}"], sheet[f"K{row}"] = ("keep", "drop")[row % 2], "A, B", "talked"
    book.save(path)
    return path


def test_the_command_tells_before_and_after_and_writes_the_consensus(tmp_path: Path, resolved: Path) -> None:
    out, table = tmp_path / "consensus.xlsx", tmp_path / "tables.xlsx"
    result = run(
        "agreement", *CODINGS, "--resamples", 0, "--decisions", resolved, "--consensus", out, "--out", table
    )
    assert result.exit_code == 0, result.exception
    cases = load_workbook(resolved)["disagreements 分歧"].max_row - FIRST + 1
    assert f"undecided, and not in the consensus: 1 of {cases} disagreements" in result.output
    assert f"of {cases - 1} decisions were as A had coded" in result.output
    assert "which is no reliability" in result.output
    sheets = load_workbook(table).sheetnames
    assert sheets == ["agreement", "by code", "by coder", "decisions"]
    project = tmp_path / "consensus.qdpx"
    assert run("export-qda", out, "--out", project).exit_code == 0
    back = to_interviews(read_qda(project))
    assert set(back.codings["coder"]) == {"consensus"}
    assert f"wrote {out}: {len(back.codings)} codes that count" in result.output.replace("\n", "")


def test_what_decisions_need_is_told_before_anything_is_computed(tmp_path: Path, resolved: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text("unit,A,B\n1,a,a\n2,b,a\n3,a,b\n4,b,b\n", encoding="utf-8")
    assert "are of codes given to units: expected coding workbooks" in fails(
        "agreement", wide, "--decisions", resolved
    )
    out = tmp_path / "c.xlsx"
    assert "--consensus follows from decisions" in fails("agreement", *CODINGS, "--consensus", out)
    assert "decisions, not codings" in fails("agreement", *CODINGS, resolved)
    assert not out.exists()


def test_a_table_with_numbered_segments_is_resolved_as_well(tmp_path: Path) -> None:
    table, form = tmp_path / "codings.csv", tmp_path / "resolve.xlsx"
    table.write_text(
        "coder,document,segment,code\nA,P01,1,x\nB,P01,1,x\nA,P01,2,y\nB,P01,2,x\n", encoding="utf-8"
    )
    assert run("agreement", table, "--resamples", 0, "--disagreements", form).exit_code == 0
    changed(form, {"I4": "keep", "J4": "A, B", "K4": "talked"})
    book, out = tmp_path / "codebook.csv", tmp_path / "consensus.xlsx"
    book.write_text("code,parent\nx,\ny,\n", encoding="utf-8")
    given = ("--resamples", 0, "--decisions", form, "--codebook", book, "--consensus", out)
    result = run("agreement", table, *given)
    assert result.exit_code == 0, result.exception
    read = read_coding(out, codebook=pd.read_csv(book, keep_default_na=False))
    assert len(read.codings) == 2 and "undecided: P01 · 2 · " in result.output


@pytest.fixture
def folder(tmp_path: Path, resolved: Path) -> Path:
    """The example's transcripts and codings with what was decided beside them."""
    copy = Path(shutil.copytree(INTERVIEWS, tmp_path / "interviews"))
    shutil.copyfile(resolved, copy / "resolve.xlsx")
    return copy


def test_a_study_counts_the_consensus_and_judges_agreement_by_the_coders_alone(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    plan: Study = load(changes={"bootstrap": 100, "fieldwork": {"interviews": str(folder)}})
    found, agreed = steps.interviews(plan), steps.coders_agreement(plan)
    alone = read_coding(CODINGS)
    before = coder_agreement.code_agreement(*alone[:2], assignments=alone.assignments, resamples=0)
    keys = ["scope", "code", "base", "measure"]
    both = agreed["codes"].merge(before[[*keys, "estimate"]], on=keys, suffixes=("", "_alone"))
    assert len(both) > 300 and both["estimate"].to_numpy() == pytest.approx(
        both["estimate_alone"].to_numpy(), nan_ok=True
    )
    assert set(found["assignments"]["coder"]) == {"A", "B"}
    places = set(found["counted"][CASE].itertuples(index=False, name=None))
    dropped = found["decisions"].query("decision != 'keep'")[CASE]
    assert not places & set(dropped.itertuples(index=False, name=None))
    counts = steps.themes(plan)["frequencies"].query("group == 'all'").set_index("code")["segments"]
    codes = found["counted"].drop_duplicates(CASE)["code"].value_counts()
    assert counts[codes.index].tolist() == codes.tolist()
    curve = steps.theme_saturation(plan)["curve"]
    assert curve["codes"].sum() == len(found["counted"].drop_duplicates(["document", "code"]))
    assert agreed["settled"].query("code == 'all codes'")["undecided"].tolist() == [1]
    assert agreed["after"]["coder"].tolist() == ["A", "B"]


def test_a_study_compares_a_model_with_people_and_counts_it_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    given = read_coding(CODINGS[1]).codings.assign(coder="model")
    given[["coder", *CASE]].to_csv(tmp_path / "model.csv", index=False)
    work = {"machine": [str(tmp_path / "model.csv")]}
    plan: Study = load(changes={"bootstrap": 100, "fieldwork": work})
    made, found = steps.machine_coders(plan), steps.interviews(plan)
    assert set(found["assignments"]["coder"]) == set(found["counted"]["coder"]) == {"A", "B"}
    overall = (
        made["agreement"].query("scope == 'overall' and measure == 'krippendorff_alpha'").set_index("other")
    )
    assert overall.loc["B", "estimate"] == 1 and overall.loc["A", "estimate"] < 1
    assert overall.loc["A", "estimate"] == pytest.approx(overall.loc["people", "estimate"])
    assert made["answers"]["unanswered"].tolist() == [
        len(found["units"]) - len(given[CASE[:2]].drop_duplicates())
    ]
    assert (made["disclosure"]["answer"] == "").all() and machine_key(plan) != machine_key(load(changes={}))
    assert all(frame.empty for frame in steps.machine_coders(load(changes={"bootstrap": 100})).values())
