"""Figures of the policy simulation say what is in their data."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest

from research.figures import policy as drawn
from research.manage import policy, sensitivity
from research.manage.break_even import break_even
from ten_loans import ECONOMICS, STRATEGIES, ten


def texts(figure) -> list[str]:
    return [item.get_text() for axes in figure.axes for item in (*axes.texts, *axes.get_yticklabels())]


@pytest.fixture(scope="module")
def split() -> pd.DataFrame:
    return sensitivity.by_tier(ten(), STRATEGIES, ECONOMICS, seed=1, draws=50)


def test_tornado_draws_what_moves_and_leaves_the_style_alone():
    before = dict(mpl.rcParams)
    table = sensitivity.tornado(ten(), STRATEGIES.assign(unit="relative cut"), ECONOMICS)
    figure = drawn.tornado(table, "Yearly profit", most=5)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [label.replace("\n", " ") for label in labels] == table["label"].head(5).tolist()
    assert len(figure.axes[0].patches) == 10
    assert dict(mpl.rcParams) == before


def test_break_even_names_what_is_needed():
    shown = texts(
        drawn.break_even(break_even(ten(), STRATEGIES.assign(hours=[3.0, 0, 0]), ECONOMICS, seed=1, draws=50))
    )
    assert "26%" in shown
    assert "Monitoring: PD" in shown
    none = texts(
        drawn.break_even(
            break_even(ten(), STRATEGIES.assign(hours=[30.0, 0, 0]), ECONOMICS, seed=1, draws=50)
        )
    )
    assert "none in range" in none


def test_hours_say_what_changes(split):
    shown = texts(drawn.officer_hours(split))
    assert "5.0 h (+6 h in all)" in shown
    assert "1.0 h (−3 h in all)" in shown


def test_panels_follow_the_measures(split):
    figure = drawn.by_tier(split, {"profit": "Profit", "expected loss": "Loss"})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Profit", "Loss"]


def test_gains_keep_the_order_of_the_titles():
    table = policy.compare_models({"tree": ten(), "abc": ten()}, STRATEGIES, ECONOMICS, seed=1, draws=20)
    rows = table[(table["basis"] == "equal volume") & (table["measure"] == "profit")]
    figure = drawn.gains(
        rows, {"abc": "ABC", "tree": "Tree"}, {"tiered − uniform": "Against uniform"}, "Profit"
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["ABC", "Tree"]


def test_workload_has_a_bar_per_week_and_tier():
    weeks = pd.DataFrame(
        {"week": pd.to_datetime(["2026-01-05"] * 2), "tier": ["high", "low"], "contacts": [3, 4]}
    )
    figure = drawn.workload(weeks)
    assert sorted(patch.get_height() for patch in figure.axes[0].patches) == [3, 4]
