"""`research contacts`: from a study to a workbook that names customers, or one message."""

from __future__ import annotations

import datetime

import pytest
from openpyxl import load_workbook

from research.commands.contacts import contacts
from research.errors import UserError
from research.paths import REPORTS
from research.runs.plan import first_day


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(folder / "cache"))
        contacts("default", folder / "plan.xlsx", model="tree", start="2026-01-05", dataset="credit_data")
    return folder / "plan.xlsx"


def test_a_study_becomes_a_plan(written):
    book = load_workbook(written, read_only=True)
    rows = list(book["Contact plan"].iter_rows(min_row=2, values_only=True))
    header, lines = rows[0], rows[1:]
    assert len(lines) == 4454
    place = {name.split(" ")[0]: header.index(name) for name in header}
    assert lines[0][place["Customer"]] == "1"
    assert all(line[place["Actions"]] for line in lines)
    assert (
        sum("than" in (line[header.index("Why this tier: indicators 分层依据")] or "") for line in lines)
        > 4000
    )
    assert min(line[place["Next"]] for line in lines) == datetime.datetime(2026, 1, 5)


def test_the_workbook_says_where_the_data_come_from(written):
    book = load_workbook(written, read_only=True)
    assert any("Real data" in str(row[0]) for row in book["Read me"].iter_rows(values_only=True) if row)


def test_only_its_owner_may_read_it(written):
    assert written.stat().st_mode & 0o777 == 0o600


def test_it_does_not_lie_among_reports(tmp_path):
    (tmp_path / "run" / "results").mkdir(parents=True)
    (tmp_path / "run" / "provenance.json").touch()
    for place in (
        tmp_path / "run" / "plan.xlsx",
        tmp_path / "run" / "results" / "plan.xlsx",
        REPORTS / "plan.xlsx",
    ):
        with pytest.raises(UserError, match="made to be passed on"):
            contacts("default", place, dataset="credit_data")
        assert not place.exists()


def test_mistakes_are_one_message(tmp_path):
    with pytest.raises(UserError, match=r"found '.csv', expected a file name ending in .xlsx"):
        contacts("default", tmp_path / "plan.csv")
    with pytest.raises(UserError, match="--start tomorrow: expected a date such as 2026-03-31"):
        contacts("default", tmp_path / "plan.xlsx", start="tomorrow")
    with pytest.raises(UserError, match="unknown model 'treee'; did you mean 'tree'"):
        contacts("default", tmp_path / "plan.xlsx", model="treee", dataset="credit_data")
    with pytest.raises(UserError, match="--model rfm: "):
        contacts("default", tmp_path / "plan.xlsx", model="rfm", dataset="credit_data")
    assert not list(tmp_path.iterdir())
    assert first_day("2026-03-31") == datetime.date(2026, 3, 31)
