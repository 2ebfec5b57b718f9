"""Tiers: frozen cuts, ties and shares, on tables small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.segment.tiers import (
    TIERS,
    TierCuts,
    as_tiers,
    steady,
)

SHARES = {"premium": 0.2, "low": 0.3, "medium": 0.3, "high": 0.2}


def test_ten_customers_by_hand():
    risk = np.array([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    value = np.array([1, 2, 3, 4, 5, 60, 7, 80, 9, 10])
    tiers = TierCuts(SHARES).fit(risk, value).assign(risk, value)
    # two riskiest high, three next medium; of the other five the two most valuable (60 and 80) are premium
    assert list(tiers) == ["high"] * 2 + ["medium"] * 3 + ["premium", "low", "premium", "low", "low"]


def test_equal_risk_the_lower_value_goes_to_the_worse_tier():
    risk = np.ones(10)
    value = np.arange(10.0)
    tiers = TierCuts(SHARES).fit(risk, value).assign(risk, value)
    assert list(tiers) == ["high"] * 2 + ["medium"] * 3 + ["low"] * 3 + ["premium"] * 2


def test_equal_value_at_the_premium_cut_the_lower_risk_is_premium():
    risk = np.array([9.0, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    tiers = TierCuts(SHARES).fit(risk, np.ones(10)).assign(risk, np.ones(10))
    assert list(tiers) == ["high"] * 2 + ["medium"] * 3 + ["low"] * 3 + ["premium"] * 2


def test_customers_who_cannot_be_told_apart_stay_together():
    risk = np.array([5.0, 5, 5, 1, 1, 1, 1, 1, 1, 1])
    cuts = TierCuts({"premium": 0, "low": 0.8, "medium": 0, "high": 0.2}).fit(risk, np.zeros(10))
    assert list(cuts.assign(risk, np.zeros(10))) == ["high"] * 3 + ["low"] * 7  # 3 is nearer to 2 than 0


def test_everyone_equal_gives_one_tier():
    tiers = TierCuts().fit(np.zeros(50), np.zeros(50)).assign(np.zeros(3), np.zeros(3))
    assert len(set(tiers)) == 1


def test_shares_are_exact_when_values_differ():
    rng = np.random.default_rng(0)
    for _ in range(20):
        risk = rng.integers(0, 4, 1000).astype(float)  # massive ties, as with a small tree
        value = rng.normal(size=1000)
        counts = pd.Series(TierCuts().fit(risk, value).assign(risk, value)).value_counts()
        assert counts.to_dict() == {"premium": 100, "low": 500, "medium": 300, "high": 100}


def test_cuts_are_frozen_and_work_on_single_rows():
    rng = np.random.default_rng(1)
    risk, value = rng.normal(size=500), rng.normal(size=500)
    cuts = TierCuts().fit(risk, value)
    together = cuts.assign(risk, value)
    assert [cuts.assign(risk[[i]], value[[i]])[0] for i in range(500)] == list(together)
    assert set(cuts.assign(risk + 100, value)) == {"high"}
    assert list(cuts.assign(risk, value)) == list(together)


def test_premium_is_never_riskier_than_the_medium_cut():
    rng = np.random.default_rng(2)
    risk = rng.normal(size=1000)
    tiers = TierCuts().fit(risk, risk).assign(risk, risk)  # the riskiest are the most valuable
    assert risk[tiers == "premium"].max() < risk[tiers == "medium"].min()


def test_last_bits_do_not_decide():
    assert steady(np.array([0.1 + 0.2]))[0] == steady(np.array([0.3]))[0]
    assert steady(np.array([1e7 + 1e-9]))[0] == 1e7
    assert steady(np.array([-np.inf, 0.0, np.inf])).tolist() == [-np.inf, 0.0, np.inf]


def test_table_of_cuts():
    risk = np.arange(10.0)
    table = TierCuts(SHARES).fit(risk, -risk).table()
    assert table["tier"].tolist() == list(TIERS)
    assert table["risk_above"].tolist() == [-np.inf, -np.inf, 4.5, 7.5]
    assert table["value_above"].tolist()[0] == -1.5


def test_as_tiers_is_ordered_best_first():
    tiers = as_tiers(["high", "premium", None])
    assert list(tiers.categories) == list(TIERS)
    assert tiers.ordered
    assert pd.Series(tiers).min() == "premium"
    assert pd.isna(tiers[2])
    with pytest.raises(UserError, match="did you mean 'medium'"):
        as_tiers(["medum"])
