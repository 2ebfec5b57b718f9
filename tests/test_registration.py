"""A registration binds text, definitions, code and parameters, and reads no data."""

from __future__ import annotations

import datetime
import json

import pytest

from research import parameters, registration
from research.errors import UserError

DAY = datetime.date(2026, 1, 2)
OWN = {"dataset": "book.csv", "crosswalk": "walk.csv", "compare_datasets": []}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A study of a loan book that is not there: registering reads its name alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.csv").write_text("construct,source\nloan_amount,AMT\n", encoding="utf-8")
    return parameters.load("default", changes=OWN)


def registered(own, tmp_path):
    path = tmp_path / "registration.json"
    registration.write(path, own, DAY)
    return path


def test_a_run_that_keeps_to_its_registration_has_no_departures(own, tmp_path):
    path = registered(own, tmp_path)
    study = own.model_copy(update={"registration": str(path)})
    assert registration.state(study) == {"registered": "2026-01-02", "departures": []}
    assert json.loads(path.read_text(encoding="utf-8"))["data"] == ["book.csv"]


@pytest.mark.parametrize(
    ("changes", "departure"),
    [
        ({"folds": 5}, "parameter folds: registered 10, used 5"),
        ({"seed": 1}, "parameter seed: registered 20240607, used 1"),
        ({"dataset": "other.csv"}, "data: registered book.csv, used other.csv"),
    ],
)
def test_each_departure_is_named(own, tmp_path, changes, departure):
    record = registration.read(registered(own, tmp_path))
    changed = parameters.load("default", changes=OWN | changes)
    assert departure in registration.departures(changed, record)


def test_a_changed_crosswalk_or_text_is_a_departure(own, tmp_path):
    record = registration.read(registered(own, tmp_path))
    (tmp_path / "walk.csv").write_text("construct,source\nloan_amount,LIMIT\n", encoding="utf-8")
    assert registration.departures(own, record | {"claims": "0"}) == ["claims changed", "crosswalk changed"]


def test_public_data_cannot_be_registered(tmp_path):
    with pytest.raises(UserError, match="results were known"):
        registration.write(tmp_path / "r.json", parameters.load("default"), DAY)
    assert not (tmp_path / "r.json").exists()


def test_something_else_than_a_registration_is_refused(own, tmp_path):
    (tmp_path / "r.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(UserError, match="not a registration"):
        registration.read(tmp_path / "r.json")


def test_the_command_writes_a_registration_and_says_how_to_use_it(tmp_path, monkeypatch, research):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.csv").write_text("construct,source\n", encoding="utf-8")
    given = [f"-p{name}={json.dumps(value)}" for name, value in OWN.items()]
    code, said = research("register", "default", "out.json", *given)
    assert code == 0, said
    assert "registration: out.json" in said
    assert registration.read(tmp_path / "out.json")["parameters"]["dataset"] == "book.csv"
