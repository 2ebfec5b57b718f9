"""Vintage curves: hand-computed incidence, censoring, competing events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect.simulate import simulate
from research.manage.vintages import grouped, loan_histories, vintage_curves


def curve(months, events, smallest=1):
    loans = pd.DataFrame({"start": 0, "months": months, "event": events})
    return vintage_curves(loans, smallest=smallest)


def test_without_censoring_it_is_the_share_of_the_loans_made():
    """Ten loans: defaults in months 2 and 4, one repaid in month 3, the others censored at the end."""
    table = curve([2, 4, 3] + [5] * 7, [1, 1, 2] + [0] * 7)
    assert list(table["estimate"].round(12)) == [0, 0.1, 0.1, 0.2, 0.2]
    assert list(table["at_risk"]) == [10, 10, 9, 8, 7]
    assert table["complete"].all()
    assert (table["n"] == 10).all()


def test_censoring_takes_loans_out_of_the_denominator_but_leaving_does_not():
    """Five loans: censored at 1, default at 2 of 4 still followed: ¼. Leaving at 1 instead: 1/5 by Aalen–Johansen."""
    censored = curve([1, 2, 3, 3, 3], [0, 1, 0, 0, 0]).set_index("months_on_book")
    assert censored.loc[2, "estimate"] == pytest.approx(1 / 4)
    assert not censored.loc[2, "complete"]
    left = curve([1, 2, 3, 3, 3], [2, 1, 0, 0, 0]).set_index("months_on_book")
    assert left.loc[2, "estimate"] == pytest.approx(1 / 5)


def test_the_interval_is_about_the_binomial_one_without_censoring():
    rng = np.random.default_rng(2)
    default = rng.random(4000) < 0.05
    table = curve(np.where(default, rng.integers(1, 12, 4000), 12), default.astype(int))
    row = table.iloc[-1]
    p = default.mean()
    error = 1.96 * np.sqrt(p * (1 - p) / 4000)
    assert row["estimate"] == pytest.approx(p)
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(error, rel=0.05)
    assert row["ci_low"] < p < row["ci_high"]


def test_a_curve_ends_where_too_few_are_followed():
    table = curve([3] * 40 + [9] * 10, [0] * 50, smallest=30)
    assert table["months_on_book"].max() == 3
    assert (table["estimate"] == 0).all()


def test_vintages_of_the_simulated_bank_after_the_shock_are_worse():
    bank = simulate(20_000, seed=4)
    loans = loan_histories(bank.panel)
    assert len(loans) == 20_000
    assert loans["event"].eq(1).sum() == bank.panel["defaulted"].sum()
    loans["cohort"] = grouped(loans["start"], 6)
    table = vintage_curves(loans, "cohort")
    year = table[table["months_on_book"] == 12].set_index("cohort")["estimate"]
    assert list(year.index) == ["00–05", "06–11", "12–17", "18–23"]
    assert year["18–23"] > 1.4 * year["00–05"]
    plain = loans[loans["cohort"] == "00–05"]
    share = ((plain["event"] == 1) & (plain["months"] <= 12)).mean()
    assert year["00–05"] == pytest.approx(share)
    for _, part in table.groupby("cohort"):
        assert part["estimate"].is_monotonic_increasing


def test_a_curve_ends_below_thirty_followed_by_default():
    loans = pd.DataFrame({"start": 0, "months": [1] * 10 + [2] * 30 + [3] * 10, "event": 0})
    loans.loc[loans["months"] == 3, "months"] = [3] * 10
    assert vintage_curves(loans)["months_on_book"].tolist() == [1, 2]
    thirty = pd.DataFrame({"start": 0, "months": [1] * 10 + [2] * 30, "event": 0})
    table = vintage_curves(thirty)
    assert table["at_risk"].tolist() == [40, 30]
