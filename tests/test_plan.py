"""What a run needs is checked before anything starts: one message with every mistake, nothing written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

import demo
from research.collect import datasets
from research.commands.contacts import contacts
from research.errors import UserError
from research.pages import notebooks
from research.parameters import load
from research.paths import EXAMPLES
from research.runs import grid
from research.runs import plan as plans
from research.study import contents as steps

BOOK = EXAMPLES / "loan_book_example.csv"
CROSSWALK = EXAMPLES / "loan_book_crosswalk.csv"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """A folder with a loan book, its crosswalk beside it, and faulty files; the cache is not there yet."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copy(BOOK, "book.csv")
    shutil.copy(CROSSWALK, "book_crosswalk.csv")
    shutil.copy(BOOK, "alone.csv")
    Path("folder.csv").mkdir()
    Path("empty").mkdir()
    Path("nonsense.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    Path("nonsense.xlsx").write_text("no workbook", encoding="utf-8")
    Path("other").mkdir()
    shutil.copy(BOOK, "other/book.csv")
    demo.write(tmp_path / "books", "01_one", [("text", "# One?"), ("parameters", demo.PARAMETERS)])
    own = '\nfeedback: str = ""  # a log\nstart: str = "2026-01-05"  # a day\nmodel: str = "tree"  # a model'
    demo.write(tmp_path / "books", "02_two", [("text", "# Two?"), ("parameters", demo.PARAMETERS + own)])
    return tmp_path


def planned(**changes: object) -> plans.Plan:
    return plans.plan("default", changes=changes, out=Path("out"), notebooks=notebooks.find(Path("books")))


MISTAKES = [
    ({"dataset": "nofile.csv"}, "nofile.csv: no such file"),
    ({"dataset": "credit_dta"}, "dataset: unknown data set 'credit_dta'; did you mean 'credit_data'?"),
    ({"dataset": "empty"}, "dataset: empty: a folder, expected a name from 'research datasets' or a file of loans"),
    ({"dataset": "nonsense.xls"}, "dataset: unknown data set 'nonsense.xls'"),
    ({"dataset": "folder.csv"}, "folder.csv: a folder, expected a file"),
    ({"dataset": "alone.csv"}, "alone.csv: a file needs a crosswalk: 'alone_crosswalk.csv' beside it"),
    ({"dataset": "alone.csv", "crosswalk": "none.csv"}, "crosswalk 'none.csv' is neither a file nor shipped"),
    ({"dataset": "nonsense.csv", "crosswalk": "book_crosswalk.csv"}, "the data have no column"),
    ({"dataset": "book.csv", "crosswalk": "nonsense.csv"}, "nonsense.csv: missing columns construct"),
    ({"crosswalk": "book_crosswalk.csv"}, "beside the data set 'lendingclub2018', which has its own"),
    ({"compare_datasets": ["credit_data", "nofile.csv"]}, "nofile.csv: no such file"),
    ({"compare_datasets": ["alone.csv"]}, "alone.csv: a file needs a crosswalk"),
    ({"compare_datasets": ["credit"]}, "compare_datasets: unknown data set 'credit'; did you mean"),
    ({"compare_datasets": ["book.csv", "other/book.csv"]}, "two files are called 'book.csv'"),
    ({"fieldwork.survey": "none.xlsx"}, "fieldwork.survey: found 'none.xlsx', no such file or folder"),
    ({"fieldwork.survey": "nonsense.xlsx"}, "nonsense.xlsx: not "),
    ({"fieldwork.items": "none.csv"}, "fieldwork.items: found 'none.csv'"),
    ({"fieldwork.codebook": "none.csv"}, "fieldwork.codebook: found 'none.csv'"),
    ({"fieldwork.codebook": "nonsense.csv"}, "nonsense.csv: "),
    ({"fieldwork.interviews": "none"}, "fieldwork.interviews: found 'none'"),
    ({"fieldwork.interviews": "empty"}, "empty"),
    ({"fieldwork.codings": ["none.xlsx"]}, "fieldwork.codings: found 'none.xlsx'"),
    ({"fieldwork.names": "none.txt"}, "fieldwork.names: found 'none.txt'"),
    ({"fieldwork.waivers": "none.csv"}, "fieldwork.waivers: found 'none.csv'"),
    ({"fieldwork.vignettes": "nonsense.xlsx"}, "nonsense.xlsx: not "),
    ({"fieldwork.ahp": "none.xlsx"}, "fieldwork.ahp: found 'none.xlsx'"),
    ({"fieldwork.ahp": "", "weights": "survey"}, "fieldwork.ahp: found nothing"),
    ({"fieldwork.declarations": "none.yml"}, "fieldwork.declarations: none.yml: no such file"),
    ({"feedback": "none.xlsx"}, "none.xlsx: no such file"),
    ({"feedback": "nonsense.xlsx"}, "nonsense.xlsx: not "),
    ({"start": "tomorrow"}, "-p start tomorrow: expected a date such as 2026-03-31"),
    ({"start": "9999-12-31"}, "-p start 9999-12-31: expected a day from"),
    ({"model": "treee"}, "unknown model 'treee'; did you mean 'tree'?"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_told_before_anything_is_written(place, changes, message) -> None:
    before = sorted(place.rglob("*"))
    with pytest.raises(UserError) as told:
        planned(**changes)
    assert message in str(told.value)
    assert sorted(place.rglob("*")) == before


def test_all_mistakes_of_a_run_are_in_one_message() -> None:
    with pytest.raises(UserError) as told:
        planned(
            dataset="nofile.csv",
            compare_datasets=["credit"],
            start="soon",
            **{"fieldwork.survey": "none.xlsx"},
        )
    lines = str(told.value).splitlines()
    assert len(lines) == 4
    for part in ("nofile.csv", "'credit'", "-p start soon", "fieldwork.survey"):
        assert any(part in line for line in lines)


def test_a_batch_lists_the_mistakes_of_all_its_runs(place) -> None:
    text = (
        "list: [{dataset: nofile.csv}, {dataset: credit_data}, {crosswalk: a.csv, fieldwork.survey: no.xlsx}]"
    )
    Path("grid.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as told:
        grid.plans(grid.read(Path("grid.yml")), Path("out"), notebooks.find(Path("books")))
    assert str(told.value).startswith("2 of 3 runs cannot start, so none did:")
    for part in ("nofile.csv: no such file", "which has its own", "fieldwork.survey: found 'no.xlsx'"):
        assert part in str(told.value)
    assert not Path("out").exists() and not Path("cache").exists()


def test_a_contact_plan_is_checked_like_a_run() -> None:
    for dataset, message in (("nofile.csv", "no such file"), ("credit_dta", "did you mean 'credit_data'")):
        with pytest.raises(UserError, match=message):
            contacts("default", Path("plan.xlsx"), dataset=dataset)
    with pytest.raises(UserError, match="expected a day from"):
        contacts("default", Path("plan.xlsx"), start="9999-12-31")
    Path("study.yml").write_text("fieldwork: {survey: none.xlsx}", encoding="utf-8")
    with pytest.raises(UserError, match=r"fieldwork\.survey"):
        contacts("study.yml", Path("plan.xlsx"))
    assert not Path("plan.xlsx").exists() and not Path("cache").exists()


def test_the_command_ends_with_code_2_and_one_message(place, research) -> None:
    out = place / "reports"
    code, said = research("run", "default", "-p", "dataset=nofile.csv", "--out", out)
    assert code == 2
    assert "nofile.csv" in said and "Traceback" not in said
    assert not out.exists() and not (place / "cache").exists()


def test_a_cache_that_others_can_write_to_is_told_by_the_plan(place) -> None:
    (place / "cache").mkdir()
    (place / "cache").chmod(0o777)
    with pytest.raises(UserError, match="expected a private folder"):
        planned()


def test_a_cache_or_an_output_that_cannot_be_a_folder_is_told(place, monkeypatch) -> None:
    books = notebooks.find(Path("books"))
    for out in ("book.csv", "book.csv/reports"):
        with pytest.raises(UserError, match=r"book\.csv is a file, expected a folder"):
            plans.plan("default", out=Path(out), notebooks=books)
    with pytest.raises(UserError, match="too long"):
        plans.plan("default", out=Path("x", "n" * 300), notebooks=books)
    monkeypatch.setenv("RESEARCH_CACHE", "book.csv")
    with pytest.raises(UserError, match=r"RESEARCH_CACHE book\.csv: .*is a file"):
        planned()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_an_output_that_cannot_be_written_is_told(place) -> None:
    (place / "closed").mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot be written to"):
        plans.plan("default", out=place / "closed" / "out", notebooks=notebooks.find(place / "books"))


def test_a_study_without_mistakes_writes_nothing_either(place) -> None:
    before = sorted(place.rglob("*"))
    plan = planned(dataset="book.csv", compare_datasets=["credit_data"])
    assert plan.study.dataset == "book.csv"
    assert sorted(place.rglob("*")) == before


def test_the_crosswalk_beside_a_file_is_used_and_a_named_one_goes_first(place) -> None:
    assert len(steps.customers(load("quick", dataset="book.csv"))) == 400
    shutil.copy("book_crosswalk.csv", "mine.csv")
    Path("book_crosswalk.csv").write_text("nothing", encoding="utf-8")
    assert (
        len(steps.customers(load("quick", changes={"dataset": "book.csv", "crosswalk": "mine.csv"}))) == 400
    )


def test_the_crosswalk_of_a_study_stays_with_its_own_data_set(place) -> None:
    values = {"dataset": "alone.csv", "crosswalk": "book_crosswalk.csv"}
    Path("mine.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert load("mine.yml").crosswalk == "book_crosswalk.csv"
    assert load("mine.yml", dataset="credit_data").crosswalk == ""
    assert load("mine.yml", dataset="alone.csv").crosswalk == "book_crosswalk.csv"


def test_a_compared_own_file_is_covered_and_described(place) -> None:
    shutil.copy("book.csv", "second.csv")
    shutil.copy("book_crosswalk.csv", "second_crosswalk.csv")
    changes = {
        "dataset": "alone.csv",
        "crosswalk": "book_crosswalk.csv",
        "compare_datasets": ["alone.csv", "credit_data", "second.csv"],
    }
    study = load("quick", changes=changes)
    assert set(steps.coverage(study)["dataset"]) == {"alone.csv", "second.csv", *datasets.names()}
    assert steps.data_sets(study)["dataset"].tolist() == ["alone.csv", "second.csv", "credit_data"]
    assert steps.data_sets(study)["rows"].tolist() == [400, 400, 4454]
