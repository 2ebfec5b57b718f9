"""Provenance: what changes it and what does not, and the account of a run for machines."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

import demo
from research import parameters
from research.pages import provenance
from research.pages.crate import write_crate
from research.pages.files import write_if_changed


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return demo.shared_run(tmp_path_factory) / "out"


@pytest.fixture(scope="module")
def crate(out) -> dict[str, dict]:
    content = json.loads((out / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    return {entity["@id"]: entity for entity in content["@graph"]}


def test_record_names_data_code_environment_and_parameters():
    record = provenance.collect(parameters.load("default"))
    assert record == provenance.collect(parameters.load("default"))
    assert record["seed"] == parameters.load("default").seed
    assert len(record["data"]["sha256"]) == len(record["code"]["sha256"]) == 64
    assert record["environment"]["packages"]["pandas"]
    assert record["study"]["parameters"]["dataset"] == "lendingclub2018"
    lock = provenance.ROOT / "requirements.lock"
    assert record["environment"]["lock"] == hashlib.sha256(lock.read_bytes()).hexdigest()


def test_parameters_and_data_change_their_hashes(tmp_path):
    plain, other = parameters.load("default"), parameters.load("default", changes={"seed": 1})
    assert provenance.study_hash(plain) != provenance.study_hash(other)
    assert provenance.data_hash(plain) == provenance.data_hash(other)
    book = tmp_path / "book.csv"
    book.write_text("id\n1\n", encoding="utf-8")
    own = parameters.load("default", dataset=str(book))
    before = provenance.data_hash(own)
    assert provenance.data_source(own) == "own file"
    assert provenance.collect(own)["data"]["name"] == "book.csv"
    book.write_text("id\n2\n", encoding="utf-8")
    assert provenance.data_hash(own) != before


def test_own_files_are_found():
    named = {path.name for path in provenance.data_files(parameters.load("default"))}
    assert "interviews" in named
    assert "survey_clean.xlsx" in named


def test_date_is_the_epoch_variable_else_the_commit(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert provenance.date() == "1970-01-02T00:00:00+00:00"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")

    for error in (subprocess.CalledProcessError(128, "git"), subprocess.TimeoutExpired("git", 1)):
        monkeypatch.setattr(provenance, "git", Mock(side_effect=error))
        assert provenance.date() == "1970-01-01T00:00:00+00:00"
        provenance.commit.cache_clear()
        assert provenance.commit() == {"commit": "unknown", "dirty": False}
        provenance.commit.cache_clear()


def test_unknown_package():
    assert provenance.version("no-such-package") == "not installed"


def test_crate_lists_every_file_with_its_hash(out, crate):
    parts = [part["@id"] for part in crate["./"]["hasPart"]]
    assert {
        "index.html", "06_first.html", "values.json", "study.yml", "results/06_first/rates.parquet",
    } <= set(parts)  # fmt: skip
    for part in parts:
        content = (out / part).read_bytes()
        assert crate[part]["sha256"] == hashlib.sha256(content).hexdigest()
        assert crate[part]["contentSize"] == str(len(content))


def test_crate_says_what_made_what_from_what(out, crate):
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    run = crate["#run"]
    assert run["@type"] == "CreateAction"
    assert run["instrument"] == {"@id": "#research"}
    assert {"@id": "study.yml"} in run["object"]
    assert {"@id": "#data"} in run["object"]
    assert {"@id": "index.html"} in run["result"]
    assert crate["#data"]["sha256"] == record["data"]["sha256"]
    assert record["code"]["commit"] in crate["#research"]["identifier"]
    assert crate["#lock"]["sha256"] == record["environment"]["lock"]
    references = [value for entity in crate.values() for value in entity.values() if isinstance(value, list)]
    linked = [one["@id"] for values in references for one in values if isinstance(one, dict)]
    assert set(linked) <= set(crate)


def test_crate_honours_the_epoch_and_is_reproducible(out, monkeypatch):
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    stems = ["06_first", "09_second"]
    kept = (out / "ro-crate-metadata.json").read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    once = write_crate(out, record, stems).read_bytes()
    assert json.loads(once)["@graph"][0]["datePublished"] == "1970-01-01T00:00:00+00:00"
    assert write_crate(out, record, stems).read_bytes() == once
    (out / "ro-crate-metadata.json").write_bytes(kept)


def test_files_are_written_only_when_they_change(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    assert write_if_changed(path, "a")
    before = path.stat().st_mtime_ns
    assert not write_if_changed(path, b"a")
    assert path.stat().st_mtime_ns == before
    assert write_if_changed(path, "b")
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]
