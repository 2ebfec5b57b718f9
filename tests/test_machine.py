"""Codings by a language model: one more coder, compared with people, counted apart, and disclosed item by item."""

from __future__ import annotations

import hashlib
from pathlib import Path

import krippendorff
import nbformat
import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.exhibits import machine as exhibits
from research.fieldwork import exchange, machine
from research.fieldwork.instruments import disclosure_form
from research.fieldwork.instruments.forms import coding_form
from research.fieldwork.instruments.workbook import save
from research.fieldwork.intake.check import check
from research.fieldwork.intake.disclosure import read_disclosures
from research.pages import checklists
from research.pages.index import disclosed as disclosed_on
from research.pages.show import exhibit_bundle

CASE = ["document", "segment", "code"]
UNITS = pd.DataFrame(
    {"document": "P01", "segment": list("1234567"), "text": "…", "participant": "P01", "group": "customer"}
)
BOOK = pd.DataFrame({"code": ["a", "b"], "parent": "", "definition": ""})
GIVEN = {"A": "1a 2a 3b 4a 5b", "B": "1a 2a 2b 3a 5b"}
# Of the model: 4 is refused, 5 has no row, 6 no code, 7 only a code that does not exist.
TABLE = "coder,run,document,segment,code\n" + "".join(
    f"model,1,P01,{cell[0]},{cell[1:]}\n" for cell in ["1a", "2b", "3a", "4refused", "6", "7loyalty"]
)
LABELS = pd.Series({"a": "Speed", "b": "Trust"})


def codings() -> pd.DataFrame:
    rows = [(coder, "P01", cell[0], cell[1:]) for coder, cells in GIVEN.items() for cell in cells.split()]
    return pd.DataFrame(rows, columns=["coder", *CASE])


PEOPLE = (codings(), UNITS, BOOK, pd.DataFrame({"coder": list(GIVEN), "document": "P01"}))


def read(tmp_path: Path, text: str = TABLE, name: str = "model.csv") -> machine.Machines:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return machine.read_machines(machine.open_codings([tmp_path / name]), UNITS, BOOK, ["A", "B"])


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(UserError) as told:
        read(tmp_path, text)
    return str(told.value)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_refusal_and_a_turn_without_a_row_are_not_turns_without_a_code(tmp_path: Path) -> None:
    given = read(tmp_path)
    states = given.answers.set_index("segment")["answer"].to_dict()
    assert states == {**dict.fromkeys("12367", "answered"), "4": "refused", "5": "unanswered"}
    row = machine.machine_answers(given).iloc[0]
    assert row[["turns", *machine.ANSWERS, "codes", "outside"]].tolist() == [7, 5, 1, 1, 3, 1]
    assert given.outside["code"].tolist() == ["loyalty"]


def test_agreement_with_each_person_equals_independent_implementations(tmp_path: Path) -> None:
    """Cohen's κ of scikit-learn and α of the package krippendorff, on turns answered and coded by anybody (1, 2, 3)."""
    table = machine.machine_agreement(read(tmp_path), *PEOPLE, resamples=0)
    cells = [f"{segment}{code}" for segment in "123" for code in "ab"]
    rated = {name: [int(cell in given.split()) for cell in cells] for name, given in GIVEN.items()}
    own = [int(cell in {"1a", "2b", "3a"}) for cell in cells]
    overall = table[table["scope"] == "overall"].set_index(["other", "measure"])
    for other, pair in (
        ("A", (rated["A"], own)),
        ("B", (rated["B"], own)),
        ("people", (rated["A"], rated["B"])),
    ):
        assert overall.loc[(other, "cohen_kappa"), "estimate"] == pytest.approx(cohen_kappa_score(*pair))
        alpha = krippendorff.alpha(np.array(pair), level_of_measurement="nominal")
        assert overall.loc[(other, "krippendorff_alpha"), "estimate"] == pytest.approx(alpha)
        assert overall.loc[(other, "krippendorff_alpha"), "n"] == len(cells)
    code = table[(table["code"] == "a") & (table["measure"] == "cohen_kappa")].set_index("other")
    assert code.loc["B", "estimate"] == pytest.approx(cohen_kappa_score(rated["B"][::2], own[::2]))
    assert code.loc["B", ["by_people", "by_model"]].tolist() == [3, 2]


def test_runs_of_a_model_are_compared_with_each_other_and_the_first_with_people(tmp_path: Path) -> None:
    second = TABLE.replace("model,1", "model,2").replace("2,P01,1,a", "2,P01,1,b").partition("\n")[2]
    given = read(tmp_path, TABLE + second)
    runs = machine.machine_runs(given, UNITS, BOOK, resamples=0).iloc[0]
    first, again = [1, 0, 0, 1, 1, 0], [0, 1, 0, 1, 1, 0]  # 1a 2b 3a and 1b 2b 3a
    alpha = krippendorff.alpha(np.array([first, again]), level_of_measurement="nominal")
    assert (runs["runs"], runs["estimate"]) == (2, pytest.approx(alpha))
    alone = machine.machine_agreement(read(tmp_path, name="one.csv"), *PEOPLE, resamples=0)
    pd.testing.assert_frame_equal(machine.machine_agreement(given, *PEOPLE, resamples=0), alone)


def test_a_decided_consensus_is_compared_with_as_well(tmp_path: Path) -> None:
    rows = [("2", "b", "drop"), ("3", "a", "keep"), ("3", "b", ""), ("4", "a", "keep")]
    decided = pd.DataFrame(rows, columns=["segment", "code", "decision"]).assign(document="P01")
    table = machine.machine_agreement(read(tmp_path), *PEOPLE, decided, resamples=0)
    found = table[(table["other"] == "consensus") & (table["measure"] == "cohen_kappa")].set_index("code")
    # consensus 1a 2a 3a, 3b is not rated; the model 1a 2b 3a
    assert found.loc["all codes", "estimate"] == pytest.approx(
        cohen_kappa_score([1, 0, 1, 0, 1], [1, 0, 0, 1, 1])
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("P01,6,", "P01,9,"), "model!D6 — P01 · 9 — a turn of the interviews"),
        (("model,1,P01,6", ",1,P01,6"), "model!A6 — empty — the name of the model"),
        (("P01,6,", "P01,3,no answer"), "model · 1 · P01 · 3: answered and unanswered at once"),
        (("model,1", "A,1"), "'A' is the name of a coder who is a person"),
        (("document,segment", "doc,seg"), "model.csv: expected a project, a coding workbook or a table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_place(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert told in refused(tmp_path, TABLE.replace(*change))


def test_a_word_for_a_refusal_that_is_a_code_of_the_codebook_is_that_code(tmp_path: Path) -> None:
    book = pd.concat([BOOK, pd.DataFrame({"code": ["refused"], "parent": "", "definition": ""})])
    (tmp_path / "model.csv").write_text(TABLE, encoding="utf-8")
    given = machine.read_machines(machine.open_codings([tmp_path / "model.csv"]), UNITS, book, ["A", "B"])
    assert "refused" in set(given.codings["code"]) and "refused" not in set(given.answers["answer"])


def test_a_run_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(TABLE, encoding="utf-8")
    opened = machine.open_codings([tmp_path / "one.csv", tmp_path / "two.csv"])
    with pytest.raises(UserError, match="model 'model', run 1, is in two files"):
        machine.read_machines(opened, UNITS, BOOK, ["A", "B"])


def test_a_model_in_a_project_is_told_from_the_people_in_it(tmp_path: Path) -> None:
    own = pd.DataFrame(
        [("model", "P01", "1", "a"), ("model", "P01", "4", "refused")], columns=["coder", *CASE]
    )
    both = pd.concat([codings(), own])
    book = pd.concat(
        [BOOK, pd.DataFrame({"code": ["refused"], "parent": "", "definition": ""})], ignore_index=True
    )
    none = pd.DataFrame(columns=["coder", "document", "segment", "memo"])
    seen = pd.DataFrame({"coder": ["A", "B", "model"], "document": "P01"})
    texts = UNITS.assign(text=[f"turn {n}" for n in UNITS["segment"]])
    tables = exchange.Interviews(book, texts, both, none, seen, pd.DataFrame(columns=["document", "text"]))
    path = tmp_path / "all.qdpx"
    exchange.write_qda(exchange.from_interviews(tables), path)
    given = machine.read_machines(machine.open_codings([path]), texts, BOOK, ["A", "B"])
    assert given.codings[CASE].to_numpy().tolist() == [["P01", "1", "a"]]
    assert machine.machine_answers(given)[["coder", "answered", "refused"]].to_numpy().tolist() == [
        ["model", 6, 1]
    ]
    with pytest.raises(UserError, match="another text than that of the interviews"):
        machine.read_machines(machine.open_codings([path]), UNITS, BOOK, ["A", "B"])
    with pytest.raises(
        UserError, match=r"all\.qdpx: a project without a coder \(user\) but A, B, model, who are people"
    ):
        machine.read_machines(machine.open_codings([path]), texts, BOOK, ["A", "B", "model"])


def test_a_model_may_fill_a_coding_workbook(tmp_path: Path) -> None:
    path = save(coding_form(UNITS, coder="model", codebook=BOOK), tmp_path / "model.xlsx")
    book = load_workbook(path)
    for row, code in ((6, "a"), (7, "拒答")):
        book["coding 编码"].cell(row, 6).value = code
    book.save(path)
    given = machine.read_machines(machine.open_codings([path]), UNITS, BOOK, ["A", "B"])
    assert machine.machine_answers(given)[list(machine.ANSWERS)].to_numpy().tolist() == [[6, 1, 0]]


def disclosed(path: Path, answers: dict[str, object], coder: str = "model") -> Path:
    save(disclosure_form.disclosure_form(coder), path)
    book = load_workbook(path)
    sheet = book["model 模型"]
    rows = {sheet.cell(row, 1).value: row for row in range(6, sheet.max_row + 1)}
    for item, answer in answers.items():
        sheet.cell(rows[item], 5).value = answer
    book.save(path)
    return path


def test_what_is_stated_is_read_and_what_is_not_is_said_to_be_so(tmp_path: Path) -> None:
    stated = {
        "model": "model 3",
        "first_day": "2026年5月2日",
        "last_day": "2026-05-09",
        "temperature": "0",
        "prompt": "Code.",
    }
    path = disclosed(tmp_path / "d.xlsx", stated)
    assert check(path) == []
    found = read_disclosures([path])["model"]
    assert found["first_day"] == "2026-05-02" and found["temperature"] == "0"
    assert found["prompt_sha256"] == hashlib.sha256(b"Code.").hexdigest()
    frame = machine.disclosure(read(tmp_path), {"model": found})
    made = {"disclosure": frame, "answers": machine.machine_answers(read(tmp_path))}
    (table,) = exhibits.disclosures(made, "reported")
    assert str(table.caption) == "Of 28 things that a reader should know of model, 7 are stated."
    assert table.frame.set_index("item")["shown"][["model", "why"]].tolist() == ["model 3", "not stated"]
    with pytest.raises(UserError, match="a disclosure of 'other', which is no model of the codings"):
        machine.disclosure(read(tmp_path), {"other": found})


def test_the_prompt_may_be_a_file_beside_the_form(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_bytes(b"Name every code.")
    found = read_disclosures([disclosed(tmp_path / "d.xlsx", {"prompt_file": "prompt.txt"})])["model"]
    assert found["prompt_sha256"] == hashlib.sha256(b"Name every code.").hexdigest()
    with pytest.raises(UserError, match="has another form"):
        read_disclosures([tmp_path / "d.xlsx", disclosed(tmp_path / "e.xlsx", {})])


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"first_day": "2 May"}, "E8 — '2 May' — a day such as 2026-05-31"),
        ({"first_day": "2026-05-09", "last_day": "2026-05-02"}, "E9 — 2026-05-02 — no day before the first"),
        ({"temperature": "low"}, "E10 — 'low' (text) — a number from 0 up"),
        ({"runs": 0}, "E21 — 0 — a whole number from 1 up"),
        ({"prompt_file": "../d.xlsx"}, "E16 — '../d.xlsx' — the name of a file in the folder of this form"),
        ({"prompt": "Code.", "prompt_sha256": "0" * 64}, "E17 — another SHA-256 — that of the prompt given here"),
        ({"prompt_sha256": "abc"}, "E17 — 'abc' — 64 digits 0-9 a-f"),
    ],
)  # fmt: skip
def test_every_fault_of_a_disclosure_names_its_cell(
    tmp_path: Path, answers: dict[str, object], told: str
) -> None:
    assert [told in str(fault) for fault in check(disclosed(tmp_path / "d.xlsx", answers))] == [True]


def test_a_disclosure_is_of_a_named_model(tmp_path: Path) -> None:
    (fault,) = check(disclosed(tmp_path / "d.xlsx", {}, coder=""))
    assert str(fault) == "model 模型!E1 — no name — the model's name in the codings"


def made(tmp_path: Path, text: str = TABLE) -> dict[str, pd.DataFrame]:
    given = read(tmp_path, text)
    return {
        "answers": machine.machine_answers(given),
        "agreement": machine.machine_agreement(given, *PEOPLE, resamples=0),
        "runs": machine.machine_runs(given, UNITS, BOOK, resamples=0),
    }


def test_the_page_says_how_a_model_answered_or_that_none_coded(tmp_path: Path) -> None:
    none = {"answers": pd.DataFrame()}
    assert [str(said) for said in exhibits.answers(none)] == [
        "No codings by a language model were given, and none was run."
    ]
    said = " ".join(map(str, exhibits.answers(made(tmp_path))))
    assert said.startswith("A model counts nowhere among the coders")
    assert (
        "Of 7 turns, model answered 5, refused 1 and gave no answer to 1; only those that it answered are compared"
        in said
    )
    assert "Codes of model that the codebook does not have: 1; they are compared with nothing." in said
    assert "One run of model was given" in said


def test_the_table_sets_people_beside_the_model(tmp_path: Path) -> None:
    (table,) = exhibits.agreement(made(tmp_path), LABELS, "reported")
    assert table.frame["label"].tolist() == [exhibits.ALL_CODES, "Speed", "Trust"]
    assert [str(heading) for heading in table.headings.values()][-2:] == ["With A", "With B"]
    two = made(tmp_path, TABLE + TABLE.replace("model,", "other,").partition("\n")[2])
    assert [one.name for one in exhibits.agreement(two, LABELS, "reported")] == ["machine_1", "machine_2"]


def test_of_many_people_the_lowest_and_the_highest_are_shown(tmp_path: Path) -> None:
    many = pd.concat([codings().assign(coder=f"{name}{n}") for n in range(3) for name, _ in [("P", n)]])
    seen = pd.DataFrame({"coder": [f"P{n}" for n in range(6)], "document": "P01"})
    given = read(tmp_path)
    frames = {
        "answers": machine.machine_answers(given),
        "agreement": machine.machine_agreement(given, many, UNITS, BOOK, seen, resamples=0),
    }
    (table,) = exhibits.agreement(frames, LABELS, "reported")
    assert list(table.headings)[-2:] == ["lowest", "highest"] and len(table.headings) == 6


def test_the_checklists_take_what_page_10_states(tmp_path: Path) -> None:
    given = read(tmp_path)
    frames = {
        "answers": machine.machine_answers(given),
        "disclosure": machine.disclosure(given, {"model": {"model": "model 3"}}),
    }
    shown = [nbformat.v4.new_output("display_data", data=exhibit_bundle(one)) for one in
             exhibits.disclosures(frames, "reported")]  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=shown)])
    nbformat.write(notebook, tmp_path / "10_interviews.ipynb")
    stated = disclosed_on([tmp_path / "09_survey.ipynb", tmp_path / "10_interviews.ipynb"])
    assert list(stated) == ["model"] and stated["model"]["model"] == "model 3" and not stated["model"]["why"]


def test_the_checklist_of_a_model_has_its_answers_or_says_not_stated() -> None:
    ((one, declared),) = checklists.of_models({"model": {"model": "model 3"}})
    lines, contradictions = checklists.fill(one, {}, declared)
    assert contradictions == [] and one.name == "Codings by a language model: model"
    assert [(line.state, line.words) for line in lines[:2]] == [
        ("declared", "model 3"),
        ("not done", "Not stated."),
    ]
    assert "not yet a standard" in one.source


def test_the_command_compares_a_model_and_counts_it_nowhere(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    pd.concat([codings(), UNITS[CASE[:2]].assign(coder="A")]).to_csv(people, index=False)
    (tmp_path / "model.csv").write_text(TABLE, encoding="utf-8")
    form, out = disclosed(tmp_path / "d.xlsx", {"model": "model 3"}), tmp_path / "out.xlsx"
    given = ("--machine", tmp_path / "model.csv", "--disclosure", form, "--out", out)
    result = run("agreement", people, "--resamples", 0, *given)
    assert result.exit_code == 0, result.exception
    assert (
        "model, run 1: of 7 units 5 answered, 1 refused, 1 unanswered" in result.output
        and "not stated: provider" in result.output
    )
    book = load_workbook(out)
    assert book.sheetnames == [
        "agreement",
        "model answers",
        "model agreement",
        "model runs",
        "model disclosure",
    ]
    raters = [cell.value for cell in book["agreement"][1]].index("raters")
    assert {row[raters].value for row in book["agreement"].iter_rows(min_row=2)} == {2}  # people alone
    told = run("agreement", people, "--disclosure", form)
    assert isinstance(told.exception, UserError) and "name its codings with --machine" in str(told.exception)
