"""The published values, the command that checks them and the page made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from research import verification
from research.commands import verify as command
from research.errors import UserError
from research.paths import DOCS
from research.verification import MISSED, REPRODUCED, SKIPPED, markdown, published_values, shown, verify
from research.verification.checks import COMPUTATIONS, FOLDERS, published_table

VALUES = published_values()
ALWAYS = [group for group, (needs, _) in COMPUTATIONS.items() if not needs]
WITH_DATA = [group for group, (needs, _) in COMPUTATIONS.items() if needs]


def test_every_value_has_a_source_a_tolerance_and_a_computation():
    assert (
        VALUES["id"].is_unique and (VALUES["source"].str.len() > 5).all() and (VALUES["tolerance"] >= 0).all()
    )
    assert set(VALUES["group"]) == set(COMPUTATIONS)
    needs = {group: rows["needs"].unique().tolist() for group, rows in VALUES.groupby("group")}
    assert needs == {group: [needs] for group, (needs, _) in COMPUTATIONS.items()}


@pytest.mark.parametrize("group", ALWAYS)
def test_values_without_data_are_reproduced(group):
    results = verify([group])
    assert (results["status"] == REPRODUCED).all(), results.to_string()


@pytest.mark.parametrize("group", WITH_DATA)
def test_values_with_data_are_reproduced(group, verification_data, monkeypatch):
    needs = COMPUTATIONS[group][0]
    folder = verification_data(FOLDERS.get(needs, needs))
    monkeypatch.setenv("RESEARCH_VERIFICATION_DATA", str(folder.parent))
    results = verify([group])
    assert (results["status"] == REPRODUCED).all(), results.to_string()


def test_data_that_are_not_here_skip_the_check(monkeypatch, tmp_path):
    for name in ("RESEARCH_VERIFICATION_DATA", "RESEARCH_CACHE", "RESEARCH_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    results = verify(["taiwan", "irr"])
    assert (results["status"] == SKIPPED).all() and results["ours"].isna().all()
    assert results["note"].iloc[0] == "needs the data set taiwan"
    (tmp_path / "oracles").mkdir()  # a folder without the files is no data either
    assert (verify(["irr"])["status"] == SKIPPED).all()


def test_a_miss_is_a_miss_and_ends_with_1(monkeypatch):
    monkeypatch.setitem(COMPUTATIONS, "emp", ("", lambda: {"emp_profit": 0.0975, "emp_fraction": 0.324345}))
    results = verify(["emp"]).set_index("id")
    assert results["status"].to_dict() == {"emp_profit": MISSED, "emp_fraction": REPRODUCED}
    assert results.loc["emp_profit", "difference"] == pytest.approx(0.0975 - 0.0974701705)
    run = CliRunner().invoke(_app(), ["emp"])
    assert run.exit_code == 1 and "1 missed" in run.output


def test_a_value_that_is_not_computed_or_fails_is_missed(monkeypatch):
    monkeypatch.setitem(COMPUTATIONS, "emp", ("", lambda: {"emp_profit": 0.0974701705}))
    assert verify(["emp"])["status"].tolist() == [REPRODUCED, MISSED]

    def fails() -> dict[str, float]:
        raise UserError("no such column")

    monkeypatch.setitem(COMPUTATIONS, "emp", ("", fails))
    results = verify(["emp"])
    assert (results["status"] == MISSED).all() and results["note"].iloc[0] == "no such column"


def test_the_command_prints_all_and_writes_the_page(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "DOCS", tmp_path)
    run = CliRunner().invoke(_app(), ["demsar", "emp", "--write"])
    assert run.exit_code == 0 and "9 reproduced" in run.output
    page = (tmp_path / "verification.md").read_text(encoding="utf-8")
    assert (
        "| Friedman chi-square without tie correction | 9.28 | 9.2786 | -1.4e-03 | 0.005 | reproduced |"
        in page
    )
    assert [path.name for path in tmp_path.iterdir()] == ["verification.md"]
    with pytest.raises(UserError, match="did you mean 'demsar'"):
        verify(["demsa"])


def test_the_page_in_the_project_lists_every_value():
    page = (DOCS / "verification.md").read_text(encoding="utf-8")
    missing = [row.id for row in VALUES.itertuples() if f"| {row.description} | {row.printed} |" not in page]
    assert not missing and "missed" not in page


def test_numbers_are_shown_with_the_digits_of_their_source():
    row = pd.Series(
        {"printed": "0.600", "ours": 0.60017, "difference": 0.00017, "tolerance": 0.0005, "status": "x"}
    )
    assert shown(row) == {
        "published": "0.600", "ours": "0.60017", "difference": "+1.7e-04", "tolerance": "0.0005",
    }  # fmt: skip
    assert shown(row.replace({"x": SKIPPED}))["ours"] == ""
    assert shown(row.replace({0.60017: np.nan}))["difference"] == ""


def test_a_page_says_what_was_skipped(monkeypatch, tmp_path):
    monkeypatch.setenv("RESEARCH_VERIFICATION_DATA", str(tmp_path))
    page = markdown(verify(["nfwbs"]))
    assert "7 values: 7 skipped: data not here." in page and "needs the data set cfpb_nfwbs_2016" in page


def test_published_tables_have_the_published_shape():
    assert published_table("demsar_c45").shape == (14, 4)
    assert published_table("krippendorff_c").notna().sum().sum() == 41
    assert published_table("abstractors").to_numpy().sum() == 100
    assert (published_table("fleiss_psychiatrists").sum(axis=1) == 14).all()


def _app():
    import typer

    app = typer.Typer()
    app.command()(command.verify)
    return app


def test_the_package_offers_what_the_command_needs():
    assert verification.verify is verify and callable(verification.shown)
