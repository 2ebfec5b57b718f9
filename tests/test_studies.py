"""Every shipped study can be planned, and runs whole on the verification data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from research.collect import datasets
from research.errors import UserError
from research.parameters import load
from research.paths import STUDIES
from research.runs import grid, pipeline
from research.runs import plan as plans

NAMES = sorted(path.stem for path in STUDIES.glob("*.yml"))
FOLDERS = {"taiwan": "taiwan_default", "berka": "berka_pkdd99", "south_german": "south_german_credit"}
SMALL = {"folds": 3, "repeats": 1, "bootstrap": 100, "stability_refits": 2, "simulated_customers": 2000}
EVERYWHERE = ["01", "05", "06"]  # the notebooks that use every data set of a study


@pytest.fixture
def data(verification_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data sets that are fetched be found; a test is skipped where they are not there."""
    homes = {verification_data(folder).parent for folder in FOLDERS.values()}
    monkeypatch.setenv("RESEARCH_DATA", str(homes.pop()))
    pytest.importorskip("empulse", reason="the extra 'profit' brings two of the data sets")


@pytest.mark.parametrize("name", NAMES)
def test_every_study_is_planned(name: str, data: None, tmp_path: Path) -> None:
    plan = plans.plan(name, out=tmp_path / "out")
    assert plan.study.name == name
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(path.stem for path in (STUDIES / "batches").glob("*.yml")))
def test_every_batch_is_planned(name: str, data: None, tmp_path: Path) -> None:
    asked = grid.read(STUDIES / "batches" / f"{name}.yml")
    assert len(grid.plans(asked, tmp_path / "out")) == len(asked.runs)


def test_all_data_is_all_data() -> None:
    assert set(load("all_data").compare_datasets) == set(datasets.names())


def test_data_that_are_not_here_are_named_with_the_way_to_get_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RESEARCH_DATA", raising=False)
    with pytest.raises(UserError, match=r"berka \(research datasets fetch berka\)"):
        plans.plan("all_data", out=tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_study_runs_whole_with_few_folds(name: str, data: None, tmp_path: Path) -> None:
    """Of a study with many data sets, those notebooks that use them all; the others are the same as of `default`."""
    many = len(load(name).compare_datasets) > 3
    result = pipeline.run(
        plans.plan(name, changes=SMALL, only=EVERYWHERE if many else (), out=tmp_path / "out"), quiet=True
    )
    assert result.exit_code == 0, [line.message for line in result.failed] + result.faults
