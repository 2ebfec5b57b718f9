"""Break-even by hand and by root finding; what may be said where amounts or rates are not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from research.manage import policy, portfolio, tier_sums
from research.manage.break_even import break_even, prevented
from research.manage.strategies import LEVERS, strategies
from research.tiers import TIERS
from ten_loans import ECONOMICS, LOANS, STRATEGIES, ten


def test_ten_loans_by_hand():
    rows = break_even(ten(), STRATEGIES, ECONOMICS, seed=1, draws=50).set_index("id")
    # Monitoring: a cut e of the high tier's PD brings 300·e interest and saves 850·e loss, and costs 2·3·50 = 300:
    # e* = 300/1150. At base it loses 115 − 300 = −185, or 92.50 for each of the two customers.
    assert rows.loc["M", "needed"] == pytest.approx(300 / 1150)
    assert rows.loc["M", "gain"] == pytest.approx(-92.5)
    assert rows.loc["M", "result"] == "beyond"
    # The simple process costs nothing: it pays as soon as it saves any time.
    assert rows.loc["S", "needed"] == pytest.approx(0)
    assert rows.loc["S", "result"] == "always"


def test_the_whole_loan_is_the_most_that_one_can_save():
    """Preventing e of the two cases saves (300 interest + 2000 loan)·e for 300 of work."""
    row = break_even(ten(), STRATEGIES, ECONOMICS.whole_loan(), seed=1, draws=50).set_index("id").loc["M"]
    assert row["needed"] == pytest.approx(300 / 2300)
    assert row["result"] == "hopeful"


def test_no_break_even_is_said_so():
    dear = STRATEGIES.assign(hours=[30.0, 0.0, 0.0])  # 3000 a year for at most 1150 saved
    row = break_even(ten(), dear, ECONOMICS, seed=1, draws=50).set_index("id").loc["M"]
    assert np.isnan(row["needed"])
    assert row["result"] == "never"


def test_both_intervals_hold_the_break_even_and_sampling_agrees_with_resampling_the_customers():
    rng, money = np.random.default_rng(2), portfolio.economics()
    risk = rng.beta(1, 12, 900)
    loans = pd.DataFrame({"loan_amount": rng.lognormal(9.5, 0.5, 900), "interest_rate": 0.05 + risk})
    tiers = pd.Series(np.where(risk > np.quantile(risk, 0.7), "high", "low"))
    table = strategies().query("id == 'T1a'").reset_index(drop=True)
    bad = pd.Series(
        (rng.random(900) < risk).astype(float)
    )  # outcomes, so that the error of the rate is in it
    frame = portfolio.book(loans, bad, tiers)
    row = break_even(frame, table, money, seed=3).iloc[0]
    again = []
    for _ in range(150):
        other = frame.iloc[rng.integers(0, 900, 900)].reset_index(drop=True)
        again.append(break_even(other, table, money, seed=1, draws=1)["needed"].iloc[0])
    low, high = np.quantile(again, policy.TAILS)
    assert row["sampling_high"] - row["sampling_low"] == pytest.approx(high - low, rel=0.25)
    assert row["sampling_low"] < row["needed"] < row["sampling_high"]
    assert row["assumed_low"] < row["needed"] < row["assumed_high"]


def test_without_a_rate_only_losses_and_work_are_judged_and_without_amounts_nothing():
    economics = portfolio.economics()
    frame = portfolio.book(LOANS.drop(columns="interest_rate"), LOANS["pd"], LOANS["tier"])
    rows = break_even(frame, strategies(), economics, seed=1, draws=20).set_index(["id", "lever"])
    for action in ("T3b", "T3d", "T4a"):
        assert (rows.loc[action, "result"] == "untestable").all()
    assert np.isfinite(rows.loc[("T1a", "pd"), "gain"])
    bare = portfolio.book(LOANS[["tier"]], LOANS["pd"], LOANS["tier"])
    assert set(break_even(bare, strategies(), economics, seed=1, draws=20)["result"]) == {"untestable"}


def test_closed_form_agrees_with_root_finding():
    economics = portfolio.economics()
    table = strategies()
    frame = portfolio.book(LOANS, LOANS["pd"], LOANS["tier"])
    book = tier_sums.sums(frame, economics)
    idle = policy.outcome(book, policy.nothing_done(), economics)["profit"].sum()
    rows = break_even(frame, table, economics, seed=1, draws=50).set_index(["id", "lever"])
    checked = 0
    for action, lever in rows.index:
        own = table[table["id"] == action]

        def gain(effect: float, own=own, lever=lever) -> float:
            effects = own["base"].where(own["lever"] != lever, effect).to_numpy(float)
            return float(
                policy.outcome(book, policy.levers(own, effects[None, :]), economics)["profit"].sum() - idle
            )

        least, most = LEVERS[lever]
        needed = rows.at[(action, lever), "needed"]
        if gain(least) * gain(most) >= 0:
            assert np.isnan(needed) or abs(gain(needed)) < 1e-6
            continue
        assert needed == pytest.approx(brentq(gain, least, most, xtol=1e-14), abs=1e-9)
        checked += 1
    assert checked >= 10


def test_one_prevented_case_by_hand():
    """3 hours for each of 1000 customers, 10 % of 30 cases prevented: 3 cases, 1000 hours for one."""
    rates = pd.DataFrame(
        {"tier": TIERS, "known": 1000, "bad": 30, "rate": 0.03, "ci_low": 0.02, "ci_high": 0.05}
    )
    row = prevented(rates, STRATEGIES).iloc[0]
    assert row["hours_for_one"] == pytest.approx(1000) and row["prevented"] == pytest.approx(0.3)
    assert row[["sampling_low", "sampling_high"]].tolist() == pytest.approx([600, 1500])
    assert row[["assumed_low", "assumed_high"]].tolist() == [pytest.approx(500), np.inf]
    assert prevented(rates, STRATEGIES, years=2.0).iloc[0]["hours_for_one"] == pytest.approx(2000)
    hidden = prevented(rates.assign(bad=np.nan, rate=np.nan, ci_low=np.nan, ci_high=np.nan), STRATEGIES)
    assert hidden[["prevented", "hours_for_one", "assumed_low"]].isna().all(axis=None)
