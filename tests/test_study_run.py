"""The real notebooks run from end to end on a quick study, and their numbers hold together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import papermill
import pytest
from lxml import html as parser

from research.pages import values
from research.parameters import load
from research.paths import NOTEBOOKS, ROOT
from research.study import contents as steps

QUICK = load("quick")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the quick study, shared by the tests of this module."""
    out = tmp_path_factory.mktemp("reports") / "quick run 快速"
    command = [sys.executable, "-m", "research.cli", "run", "quick", "--out", str(out), "--jobs", "2"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_notebook_has_a_page_and_the_index_links_it(run: Path) -> None:
    index = (run / "index.html").read_text(encoding="utf-8")
    for path in NOTEBOOKS.glob("*.ipynb"):
        assert (run / f"{path.stem}.html").is_file()
        assert f'href="{path.stem}.html"' in index


def test_values_equal_what_the_steps_return(run: Path) -> None:
    text = json.dumps(json.loads((run / "values.json").read_text(encoding="utf-8")))
    facts = steps.about(QUICK)
    assert facts["rows"] == 4454
    assert str(facts["outcome_rate"]) in text


def test_pages_stay_small_and_their_numbers_are_those_of_values_json(run: Path) -> None:
    known = dict(values.flatten(json.loads((run / "values.json").read_text(encoding="utf-8"))))
    met = 0
    for path in run.glob("*.html"):
        assert path.stat().st_size < 1_500_000, path.name
        tree = parser.fromstring(path.read_bytes())
        told = tree.xpath("string(//script[@id='numbers-record'])")
        for exhibit in tree.xpath("//*[@data-key]"):
            key, facts = exhibit.get("data-key"), json.loads(told)["exhibits"][exhibit.get("data-key")]
            named = [
                (f"{key.partition('/')[0]}/{one.get('data-name')}", one.get("value"))
                for one in exhibit.xpath(".//data[@data-name]")
            ]
            for row, cells in enumerate(exhibit.xpath(".//tbody/tr") if "columns" in facts else (), start=1):
                columns = facts.get("rows", {}).get(str(row), facts["columns"])
                for cell, names in zip(cells, columns, strict=True):
                    pairs = zip(names, cell.xpath("./data/@value"), strict=True) if len(cell) else ()
                    named += [(f"{key}[{row}].{name}", value) for name, value in pairs if value]
            for name, value in named:
                assert (name not in known) if facts.get("alone") else (float(known[name]) == float(value)), (
                    name
                )
            met += len(named)
    assert met > 3000


def test_results_are_written_in_full_precision(run: Path) -> None:
    tables = list((run / "results").rglob("*.parquet"))
    assert len(tables) > 40
    scoreboard = next(path for path in tables if path.stem.endswith("all_measures"))
    frame = pd.read_parquet(scoreboard)
    auc = frame[(frame["measure"] == "auc") & (frame["arm"] == "as practised")]
    assert auc["estimate"].between(0.3, 1).all()
    assert (auc["ci_low"] <= auc["estimate"]).all()


def test_an_unchanged_run_does_nothing(run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.glob("*.html")}
    command = [sys.executable, "-m", "research.cli", "run", "quick", "--out", str(run)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert before == {path: path.stat().st_mtime_ns for path in run.glob("*.html")}
    assert "Nothing changed" in done.stdout + done.stderr


def test_a_notebook_runs_by_itself_with_plain_papermill(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(
        str(NOTEBOOKS / "04_models.ipynb"),
        str(out),
        parameters={"study": "quick", "dataset": "credit_data"},
        progress_bar=False,
        start_timeout=900,
        cwd=str(tmp_path),
    )
    assert "There is no section on {ranking}" in out.read_text(encoding="utf-8")


def test_the_data_notebook_describes_an_own_loan_book() -> None:
    book = load(
        "quick",
        dataset="data/examples/loan_book_example.csv",
        changes={"crosswalk": "data/examples/loan_book_crosswalk.csv"},
    )
    rows = steps.data_sets(book)
    assert rows.loc[0, "dataset"] == "loan_book_example.csv"  # a page does not tell the folder
    assert rows.loc[0, "rows"] == len(steps.customers(book))
    fits = steps.coverage(book)
    own = fits[(fits["dataset"] == "loan_book_example.csv") & (fits["role"] == "predictor")]
    assert rows.loc[0, "absent"] == (own["fit"] == "absent").sum() > 0
