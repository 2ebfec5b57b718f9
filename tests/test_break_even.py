"""Break-even by hand and by root finding; the claimed benefits and what may be said about them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from research.manage import benefits, policy, portfolio, sensitivity, tier_sums
from research.manage.break_even import break_even, gain_curve, tier_break_even
from research.manage.strategies import LEVERS, strategies
from research.tiers import TIERS
from ten_loans import ECONOMICS, LOANS, STRATEGIES, ten


def test_ten_loans_by_hand():
    rows = break_even(ten(), STRATEGIES, ECONOMICS, seed=1, draws=50).set_index("id")
    # Monitoring: a cut e of the high tier's PD brings 300·e interest and saves 850·e loss, and costs 2·3·50 = 300:
    # e* = 300/1150. At base it loses 115 − 300 = −185, or 92.50 for each of the two customers.
    assert rows.loc["M", "break_even"] == pytest.approx(300 / 1150)
    assert rows.loc["M", "pays_when"] == "≥ 0.2609"
    assert rows.loc["M", "gain_base"] == pytest.approx(-185)
    assert rows.loc["M", "gain_base_per_customer"] == pytest.approx(-92.5)
    assert rows.loc["M", "verdict"] == "does not pay within the assumed range"
    # The simple process costs nothing: it pays as soon as it saves any time.
    assert rows.loc["S", "break_even"] == pytest.approx(0)
    assert rows.loc["S", "verdict"] == "pays over the whole assumed range"


def test_no_break_even_is_said_so():
    dear = STRATEGIES.assign(hours=[30.0, 0.0, 0.0])  # 3000 a year for at most 1150 saved
    row = break_even(ten(), dear, ECONOMICS, seed=1, draws=50).set_index("id").loc["M"]
    assert np.isnan(row["break_even"])
    assert row["pays_when"] == ""
    assert row["verdict"] == "no break-even within range"


def test_interval_agrees_with_resampling_the_customers():
    rng, money = np.random.default_rng(2), portfolio.economics()
    risk = rng.beta(1, 12, 900)
    loans = pd.DataFrame({"loan_amount": rng.lognormal(9.5, 0.5, 900), "interest_rate": 0.05 + risk})
    tiers = pd.Series(np.where(risk > np.quantile(risk, 0.7), "high", "low"))
    table = strategies().query("id == 'T1a'").reset_index(drop=True)
    frame = portfolio.book(loans, pd.Series(risk), tiers, money)[
        ["tier", "pd", "ead", "rate", "cover", "churn"]
    ]
    row = break_even(frame, table, money, seed=3).iloc[0]
    again = []
    for _ in range(150):
        other = frame.iloc[rng.integers(0, 900, 900)].reset_index(drop=True)
        again.append(break_even(other, table, money, seed=1, draws=1)["break_even"].iloc[0])
    assert (row["ci_high"] - row["ci_low"]) / (2 * 1.96) == pytest.approx(np.std(again), rel=0.2)
    assert row["ci_low"] < row["break_even"] < row["ci_high"]


def test_without_a_rate_only_losses_and_work_are_judged():
    economics = portfolio.economics()
    frame = portfolio.book(LOANS.drop(columns="interest_rate"), LOANS["pd"], LOANS["tier"], economics)
    rows = break_even(frame, strategies(), economics, seed=1, draws=20).set_index(["id", "lever"])
    for action in ("T1b", "T3b", "T3d", "T4a"):
        assert rows.loc[action, "verdict"].str.startswith("not testable here").all()
    assert np.isfinite(rows.loc[("T1a", "pd"), "gain_base"])
    tiers = tier_break_even(frame, strategies(), economics).set_index("tier")
    assert (
        tiers.loc["medium", "verdict"]
        != tiers.loc["low", "verdict"]
        == "not testable here: the data set has no contract rate"
    )


def test_closed_form_agrees_with_root_finding():
    economics = portfolio.economics()
    table = strategies()
    frame = portfolio.book(LOANS, LOANS["pd"], LOANS["tier"], economics)
    book = tier_sums.sums(frame, economics)
    idle = policy.outcome(book, policy.nothing_done(), economics)["profit"].sum()
    rows = break_even(frame, table, economics, seed=1, draws=50)
    checked = 0
    for place, row in rows.iterrows():
        own = table[table["id"] == row["id"]]
        position = list(own.index).index(place)

        def gain(effect: float, own=own, position=position) -> float:
            effects = own["base"].to_numpy(float).copy()
            effects[position] = effect
            return float(
                policy.outcome(book, policy.levers(own, effects[None, :]), economics)["profit"].sum() - idle
            )

        least, most = LEVERS[row["lever"]]
        if gain(least) * gain(most) >= 0:
            assert np.isnan(row["break_even"]) or abs(gain(row["break_even"])) < 1e-6
            continue
        assert row["break_even"] == pytest.approx(brentq(gain, least, most, xtol=1e-14), abs=1e-9)
        checked += 1
    assert checked >= 10


def test_tier_needs_a_multiple_of_its_effects():
    rows = tier_break_even(ten(), STRATEGIES, ECONOMICS).set_index("tier")
    # The high tier's only effect is monitoring at 0.10: it needs 0.2609/0.10 times as much.
    assert rows.loc["high", "multiple"] == pytest.approx(300 / 1150 / 0.10)
    assert rows.loc["premium", "verdict"] == "pays whatever the effects"  # cross-sell costs nothing here
    assert rows.loc["medium", "verdict"] == "no actions"
    assert list(rows.index) == list(TIERS)
    assert rows["n"].sum() == 10


def test_gain_curve_crosses_nil_at_the_break_even():
    table = STRATEGIES.assign(high=[0.5, -0.7, 0.10])
    curve = gain_curve(ten(), table, ECONOMICS, "M", "pd")
    assert np.interp(0.0, curve["gain"], curve["effect"]) == pytest.approx(300 / 1150)


def test_ratio_of_rates_agrees_with_a_textbook():
    # Agresti (2002), Categorical Data Analysis, section 3.1: heart attacks 189 of 11 034 on placebo and 104 of 11 037
    # on aspirin; relative risk 1.82, 95 % interval 1.43 to 2.31.
    event = pd.Series([1.0] * 189 + [0.0] * (11_034 - 189) + [1.0] * 104 + [0.0] * (11_037 - 104))
    placebo = pd.Series([True] * 11_034 + [False] * 11_037)
    ratio, low, high, n = benefits.ratio_of_rates(event, placebo)
    assert (ratio, low, high) == pytest.approx((1.82, 1.43, 2.31), abs=0.005)
    assert n == 22_071


def test_ratio_of_rates_leaves_censored_customers_out():
    event = pd.Series([1.0, 0.0, np.nan, 1.0, 0.0, 0.0])
    group = pd.Series([True, True, True, False, False, False])
    ratio, _, _, n = benefits.ratio_of_rates(event, group)
    assert ratio == pytest.approx(1.5)
    assert n == 5
    assert np.isnan(benefits.ratio_of_rates(event * 0, group)[0])


def test_value_lift_by_hand_and_by_bootstrap():
    value = pd.Series([6.0, 1.0, 1.0, 1.0, 1.0])
    group = pd.Series([True, False, False, False, False])
    assert benefits.value_lift(value, group)[0] == pytest.approx(0.6 / 0.2)
    rng = np.random.default_rng(3)
    worth = pd.Series(rng.lognormal(0, 0.5, 2000))
    best = worth.rank(pct=True) > 0.8
    _lift, low, high, n = benefits.value_lift(worth, best)
    drawn = rng.integers(0, 2000, size=(2000, 2000))
    v, g = worth.to_numpy()[drawn], best.to_numpy()[drawn]
    again = (v * g).sum(axis=1) / v.sum(axis=1) / g.mean(axis=1)
    assert n == 2000
    assert (low, high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), rel=0.02)
    assert np.isnan(benefits.value_lift(worth - 5, best)[0])


@pytest.fixture(scope="module")
def evidence_parts():
    frame = ten()
    return (
        frame,
        policy.compare(frame, STRATEGIES, ECONOMICS, seed=1, draws=500, sampling=False),
        break_even(frame, STRATEGIES.assign(id=["T1a", "S", "X"]), ECONOMICS, seed=1, draws=50),
        sensitivity.by_tier(frame, STRATEGIES, ECONOMICS, seed=1, draws=500, sampling=False),
    )


def test_evidence_never_lets_an_assumption_support_a_claim(evidence_parts):
    value = pd.Series([30, 30, 1, 1, 1, 1, 1, 1, 1, 1], index=LOANS.index, dtype=float)
    default = pd.Series([0, 0, 0, 0, 0, 0, 0, 1, 1, 1], index=LOANS.index, dtype=float)
    rows = benefits.hypothesis_evidence(*evidence_parts, default=default, value=value)
    assert set(rows.loc[rows["depends_on"] == "assumption", "answer"]) <= {
        "not supported",
        "not testable here",
    }
    found = rows.set_index("quantity")
    assert found.loc["default_rate_ratio", "estimate"] == pytest.approx(8)  # 2 of 2 against 1 of 8
    assert found.loc["default_rate_ratio", "answer"] == "supported"
    assert found.loc["premium_value_lift", "estimate"] == pytest.approx(60 / 68 / 0.2)
    assert found.loc["premium_value_lift", "answer"] == "supported"
    # More hours under the tiers at every draw (23 ± 0.2·6 of 20): the claim fails within its own assumptions.
    assert found.loc["officer_hours_ratio", "answer"] == "not supported"
    assert found.loc["hours_freed_low", "estimate"] == pytest.approx(3)
    assert "26.1%" in found.loc["expected_loss_ratio", "remark"]
    assert found.loc["potential_premium_lift", "answer"] == "not testable here"
    counts = benefits.answers(rows).set_index("hypothesis")
    assert counts.sum().sum() == len(rows)


def test_statement_says_what_was_found(evidence_parts):
    _, comparison, break_evens, _ = evidence_parts
    words = benefits.statement(comparison, break_evens, "Decision tree")
    assert words.startswith(
        "2 of 3 levers pay at their assumed base effect; closer monitoring of the high-risk tier pays"
    )
    assert "at least 26.1%" in words
    assert "yearly profit by −10 (" in words
    assert "Aimed by the tiers (Decision tree)" in words
    assert " %" not in words


def test_statement_tells_a_profit_that_is_not_clear_and_the_currency(evidence_parts):
    _, comparison, break_evens, _ = evidence_parts
    aimed = (comparison["policy"] == "tiered − untargeted") & (comparison["measure"] == "profit")
    table = comparison.copy()
    table.loc[aimed, ["estimate", "ci_low", "ci_high"]] = [-17.0, -110.0, 61.0]
    words = benefits.statement(table, break_evens, "Decision tree", "US dollar")
    assert words.endswith("whether yearly profit gains by it is not clear: −17 (−110 to +61).")
    assert "yearly profit in US dollar by −10" in words
    table.loc[aimed, ["estimate", "ci_low", "ci_high"]] = [17.0, 11.0, 61.0]
    assert "not clear" not in benefits.statement(table, break_evens, "Decision tree", "invented")
    table.loc[aimed, ["estimate", "ci_low", "ci_high"]] = np.nan
    assert "not clear" not in benefits.statement(table, break_evens, "Decision tree")


def test_evidence_without_measures_is_not_testable(evidence_parts):
    rows = benefits.hypothesis_evidence(*evidence_parts).set_index("quantity")
    assert rows.loc["default_rate_ratio", "answer"] == "not testable here"
    assert rows.loc["default_rate_ratio", "remark"] == "the data set has no outcome"
    assert rows.loc["premium_value_lift", "remark"] == "the data set measures no value"


def test_potential_premium_needs_two_reviews(evidence_parts):
    potential = pd.Series([0, 0, 1, 1, 1, 0, 0, 0, 0, 0], index=LOANS.index, dtype=float)
    became = pd.Series([0, 0, 1, 1, 0, 1, 0, 0, 0, 0], index=LOANS.index, dtype=float)
    rows = benefits.hypothesis_evidence(*evidence_parts, potential=potential, became_premium=became)
    row = rows.set_index("quantity").loc["potential_premium_lift"]
    assert row["estimate"] == pytest.approx((2 / 3) / (1 / 7))
    assert row["answer"] in {"supported", "not supported"}


def test_lift_needs_values_that_make_a_whole():
    group = pd.Series([True, False, False])
    assert np.isnan(benefits.value_lift(pd.Series([1.0, -0.5, 2.0]), group)[0])
    assert np.isnan(benefits.value_lift(pd.Series([0.0, 0, 0]), group)[0])
    assert benefits.value_lift(pd.Series([0.0, 0, 0]), group)[3] == 3
    assert benefits.value_lift(pd.Series([np.nan] * 3), group)[3] == 0
    assert benefits.value_lift(pd.Series([2.0, 0, 2]), group)[0] == pytest.approx((2 / 4) / (1 / 3))


@pytest.mark.parametrize(
    ("found", "direction", "depends_on", "answer"),
    [
        ((1.2, 1.1, 1.3), "greater", "data", "supported"),
        ((1.2, 0.9, 1.3), "greater", "data", "not supported"),
        ((0.8, 0.7, 0.9), "less", "data", "supported"),
        ((0.8, 0.7, 1.0), "less", "data", "not supported"),
        ((1.2, 1.1, 1.3), "greater", "assumption", "not testable here"),
        ((0.9, 0.8, 1.0), "greater", "assumption", "not supported"),
        ((1.1, 1.0, 1.2), "less", "assumption", "not supported"),
        ((1.0, 0.5, 2.5), "less", "assumption", "not testable here"),
        ((np.nan, 0.7, 0.9), "less", "data", "not testable here"),
    ],
)
def test_what_may_be_said_of_a_claim(found, direction, depends_on, answer):
    assert benefits._answer(*found, 1.0, direction, depends_on) == answer


def test_evidence_is_taken_at_equal_volume():
    rows = [
        ("x", "as lent", "profit", 1),
        ("x", "equal volume", "profit", 2),
        ("x", "equal volume", "capital", 3),
    ]
    table = pd.DataFrame(rows, columns=["policy", "basis", "measure", "estimate"]).assign(ci_low=0, ci_high=9)
    assert benefits._pick(table, "x", "profit") == (2, 0, 9)


def test_evidence_tells_the_policy_at_equal_volume_and_why_something_is_missing(evidence_parts):
    _, comparison, _, split = evidence_parts
    rows = benefits.hypothesis_evidence(*evidence_parts).set_index("quantity")
    wanted = comparison.query(
        "policy == 'tiered − uniform' and basis == 'equal volume' and measure == 'profit'"
    )
    assert rows.loc["profit_difference", ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        wanted[["estimate", "ci_low", "ci_high"]].iloc[0].tolist()
    )
    other = comparison.query(
        "policy == 'tiered − uniform' and basis == 'equal expected loss' and measure == 'profit'"
    )
    assert wanted["estimate"].iloc[0] != other["estimate"].iloc[0]
    low = split.query("policy == 'tiered − uniform' and tier == 'low' and measure == 'officer hours'").iloc[0]
    freed = rows.loc["hours_freed_low"]
    assert (freed["ci_low"], freed["ci_high"]) == (-low["ci_high"], -low["ci_low"])
    assert freed["ci_low"] <= freed["estimate"] <= freed["ci_high"]
    assert rows.loc["profit_difference", "remark"].startswith("rests on the assumed effects")
    assert rows.loc["officer_hours_ratio", "remark"].startswith("fails over the whole range")
    assert rows.loc["hours_freed_low", "remark"].startswith("hours are assumed")
    assert rows.loc["potential_premium_lift", ["n", "remark"]].tolist() == [
        0, "needs the same customers at two reviews",
    ]  # fmt: skip
    value = pd.Series([30, 30, 1, 1, 1, 1, 1, 1, 1, 1], index=LOANS.index, dtype=float)
    known = benefits.hypothesis_evidence(*evidence_parts, value=value).set_index("quantity")
    assert known.loc["premium_value_lift", "remark"] == ""
    assert (benefits.answers(rows.reset_index())[["supported", "not supported"]] >= 0).all().all()
    assert benefits.answers(rows.reset_index())["supported"].tolist() == [0, 0, 0, 0]


def test_effects_are_scaled_up_to_what_is_possible_and_no_further():
    """A cut of PD by all of it brings 1150; twice that would pay for 2000 of work, but PD cannot fall below nil."""
    table = STRATEGIES[STRATEGIES["id"] == "M"].assign(base=0.2, hours=20.0)
    row = tier_break_even(ten(), table, ECONOMICS).set_index("tier").loc["high"]
    assert row["verdict"] == "no break-even within range" and np.isnan(row["multiple"])
    cheap = tier_break_even(ten(), table.assign(hours=5.0), ECONOMICS).set_index("tier").loc["high"]
    assert cheap["multiple"] == pytest.approx(500 / 230)


def test_the_interval_of_a_break_even_contains_it():
    row = break_even(ten(), STRATEGIES, ECONOMICS, seed=1, draws=400, level=0.9).set_index("id").loc["M"]
    assert row["ci_low"] < row["break_even"] < row["ci_high"]
    wide = break_even(ten(), STRATEGIES, ECONOMICS, seed=1, draws=400).set_index("id").loc["M"]
    assert wide["ci_low"] < row["ci_low"] and row["ci_high"] < wide["ci_high"]
