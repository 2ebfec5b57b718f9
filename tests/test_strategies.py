"""Strategies of the tiers: complete, sourced, and laid out as the source does."""

from __future__ import annotations

import pandas as pd
import pytest

from research.compare.claims import definitions
from research.errors import UserError
from research.manage.strategies import actions, strategies

# Every action the source names, by tier, in our own words.
NAMED = {
    "high": {"Closer monitoring and control", "Stricter approval", "Personal repayment plan and support",
             "Extra guarantee or collateral"},
    "medium": {"Periodic monitoring and review", "Financial counselling and education",
               "Adjusted repayment plan for affordability", "Optimised loan structure"},
    "low": {"Simpler process and approval", "Preferential rate", "Flexible repayment options",
            "Loyalty programme and cross-sell"},
    "premium": {"Dedicated service", "Priority approval", "Cross-sell of high-value products"},
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return strategies()


def edited(tmp_path, table: pd.DataFrame, row: int, column: str, value: str):
    changed = table.astype(object)
    changed.loc[row, column] = value
    path = tmp_path / "strategies.csv"
    changed.to_csv(path, index=False)
    return path


def test_every_action_of_the_source_is_there(table):
    listed = actions(table)
    for tier, names in NAMED.items():
        assert set(listed.loc[listed["tier"] == tier, "action"]) == names
    assert len(listed) == 15


def test_every_effect_says_where_it_comes_from(table):
    none = table["source_status"] == "no source"
    assert (table.loc[none, "source"] == "assumption, no source").all()
    assert table.loc[~none, "source_url"].str.startswith(("http://", "https://")).all()
    assert (table.loc[~none, "source_says"].str.len() > 40).all()
    assert (table["falsified_by"].str.len() > 30).all()


def test_every_action_would_have_to_make_a_claim_true_that_loans_cannot_show(table):
    found = definitions().loc[table["claim"].unique()]
    assert set(found["rule"]) <= {"trial", "assumed"}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("tier", "hihg", r"row 2, column tier: found 'hihg'; did you mean 'high'"),
        ("lever", "pdd", r"row 2, column lever: found 'pdd'"),
        ("base", "much", r"row 2, column base: found 'much', expected a number"),
        ("base", "0.9", r"row 2: base 0.9 is not between low 0 and high 0.2"),
        ("high", "1.5", r"row 2: 0 to 1.5 leaves the range of lever pd, -1 to 1"),
        ("falsified_by", " ", r"row 2, column falsified_by: found nothing"),
        ("source_url", "", r"row 2: source_status 'size verified' does not fit source_url"),
        ("hours", "-1", r"row 2, column hours: found -1, expected zero or more"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, table, column, value, message):
    with pytest.raises(UserError, match=message):
        strategies(edited(tmp_path, table, 0, column, value))


def test_one_action_cannot_pull_a_lever_twice(tmp_path, table):
    path = tmp_path / "strategies.csv"
    pd.concat([table, table.iloc[[0]]]).to_csv(path, index=False)
    with pytest.raises(UserError, match="action T1a pulls lever pd twice"):
        strategies(path)


def test_a_missing_column_is_named(tmp_path, table):
    path = tmp_path / "strategies.csv"
    table.drop(columns="hours").to_csv(path, index=False)
    with pytest.raises(UserError, match="no column hours"):
        strategies(path)
