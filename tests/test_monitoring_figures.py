"""What the monitoring figures say: labels, marks and numbers are on the canvas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.figures import monitoring, movement, warning
from research.manage import drift, rates


def texts(figure) -> str:
    found = [item.get_text() for axes in figure.axes for item in [*axes.texts, axes.xaxis.label]]
    return "\n".join([*found, *(axes.get_title(loc="left") for axes in figure.axes)])


@pytest.fixture
def matrix() -> pd.DataFrame:
    rows = [
        ("low", "low", 90, 0.9),
        ("low", "high", 10, 0.1),
        ("high", "low", 0, 0.0),
        ("high", "high", 50, 1.0),
    ]
    table = pd.DataFrame(rows, columns=["from", "to", "count", "estimate"])
    return table.assign(n=[100, 100, 50, 50])


def test_a_matrix_shows_share_and_count_and_says_none(matrix):
    figure = movement.migration_matrix(matrix, "Tier", "Later")
    said = texts(figure)
    for word in ("90.0%", "90", "10.0%", "none", "100.0%"):
        assert word in said
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["low\nn = 100", "high\nn = 50"]


def test_an_empty_row_is_left_out(matrix):
    matrix.loc[matrix["from"] == "high", ["n", "count", "estimate"]] = [0, 0, np.nan]
    assert len(movement.migration_matrix(matrix).axes[0].get_yticklabels()) == 1


def test_vintages_are_labelled_at_their_end():
    table = pd.DataFrame({"cohort": ["00–05"] * 3 + ["06–11"] * 2, "months_on_book": [1, 2, 3, 1, 2]})
    table["estimate"] = [0.0, 0.01, 0.02, 0.0, 0.03]
    table["ci_low"], table["ci_high"] = table["estimate"] * 0.8, table["estimate"] * 1.2
    said = texts(movement.vintage_curves(table, highlight="06–11"))
    assert "00–05" in said
    assert "06–11" in said


def test_stability_and_trigger_mark_the_shock():
    table = pd.DataFrame(
        {"period": range(6), "estimate": [0.01, 0.02, 0.01, 0.3, 0.2, 0.15], "series": "abc"}
    )
    said = texts(monitoring.stability_over_time(table, drift.bands("psi"), event=3, event_name="shock"))
    for word in ("abc", "shock", "stable", "shifted"):
        assert word in said
    fired = table.rename(columns={"estimate": "psi"}).assign(fired=[False] * 4 + [True, False])
    figure = monitoring.trigger_timeline(fired, {"psi": "PSI"}, drift.bands(), 3, "shock")
    assert "review called" in texts(figure)
    assert "PSI" in texts(figure)


def test_the_funnel_names_what_lies_outside():
    groups = pd.DataFrame({"unit": ["near", "far"], "events": [10, 40], "expected": [10.0, 10.0]})
    made = rates.ratio_funnel(groups, "unit")
    limits = rates.ratio_limits(np.linspace(5, 20, 30))
    figure = monitoring.funnel(made, limits, "unit", "expected", "Expected", "Ratio")
    said = texts(figure)
    assert "far" in said
    assert "near" not in said


def test_lead_times_say_what_was_missed():
    table = pd.DataFrame(
        {"label": "Deposits down", "lead_months": [1.0, 4.0, np.nan], "share": [0.3, 0.3, 0.4]}
    )
    said = texts(warning.lead_times(table))
    assert "missed 40%" in said
    assert "Deposits down" in said


def test_the_worth_of_rules_names_every_rule():
    table = pd.DataFrame(
        {"label": ["A", "B"], "hit_rate": [0.2, 0.9], "precision": [0.3, 0.5], "base_rate": 0.1}
    )  # fmt: skip
    for name in ("hit", "precision"):
        column = "hit_rate" if name == "hit" else name
        table[f"{name}_low"], table[f"{name}_high"] = table[column] - 0.05, table[column] + 0.05
    said = texts(warning.warning_worth(table))
    assert all(word in said for word in ("A", "B", "picked blindly"))


def test_rates_and_constructs():
    table = pd.DataFrame({"tier": ["low", "high"], "measure": "Defaulted", "estimate": [0.02, 0.1]})
    table["ci_low"], table["ci_high"] = table["estimate"] * 0.8, table["estimate"] * 1.2
    assert "Defaulted" in texts(monitoring.event_rates(table.assign(n=100)))
    shifts = pd.DataFrame({"label": ["Income", "Age"], "estimate": [0.3, 0.01], "benchmark": 0.02})
    figure = monitoring.construct_shift(shifts, drift.bands("csi"))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Income", "Age"]
    months = pd.DataFrame({"period": range(4), "events": [5, 6, 5, 30], "n": 500})
    chart = rates.control_chart(months, [0, 1, 2]).assign(tier="high")
    assert "high" in texts(monitoring.rates_over_time(chart, "Defaults", 3, "shock"))
