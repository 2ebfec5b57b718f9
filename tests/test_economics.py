"""Expected maximum profit and regret against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from research.compare.counting import centred_interval, draw_counts
from research.compare.economics import expected_maximum_profit, regret
from research.compare.resampling import OutOfFold
from research.errors import UserError
from research.verification.checks import published_table

RNG = np.random.default_rng(5)


def test_profit_as_published_by_empulse():
    # example of `empcs_score` in the documentation of empulse
    y, score = published_table("empulse_example").to_numpy(dtype=float).T
    profit, fraction = expected_maximum_profit(y, score)
    assert profit == pytest.approx(0.09747017050000001, abs=1e-15)
    assert fraction == pytest.approx(0.324345, abs=1e-6)


@pytest.mark.parametrize("decimals", [9, 1])
@pytest.mark.parametrize("parameters", [(0.2644, 0.55, 0.10), (0.1, 0.3, 0.3), (0.6, 0.0, 0.0)])
def test_profit_is_the_average_of_best_profits(decimals, parameters):
    roi, p0, p1 = parameters
    y = (RNG.random(300) < 0.25).astype(float)
    score = np.round(RNG.normal(size=300) + y, decimals)
    cuts = np.append(np.unique(score), np.inf)
    bad = np.array([((score >= cut) & (y == 1)).mean() for cut in cuts])
    good = np.array([((score >= cut) & (y == 0)).mean() for cut in cuts])
    losses = np.linspace(0, 1, 20_001)
    best = (np.outer(losses, bad) - roi * good).max(axis=1)
    direct = (1 - p0 - p1) * integrate.simpson(best, x=losses) + p1 * best[-1] + p0 * best[0]
    assert expected_maximum_profit(y, score, roi, p0, p1)[0] == pytest.approx(direct, abs=1e-8)


@pytest.mark.parametrize("decimals", [9, 1])
def test_profit_equals_empulse(decimals):
    metrics = pytest.importorskip("empulse.metrics", reason="the optional extra 'profit' is not installed")
    y = (RNG.random(500) < 0.25).astype(int)
    score = np.round(1 / (1 + np.exp(-RNG.normal(size=500) - y)), decimals)
    assert expected_maximum_profit(y, score)[0] == pytest.approx(metrics.empcs_score(y, score), abs=1e-12)
    theirs = metrics.empcs_score(y, score, success_rate=0.4, default_rate=0.2, roi=0.1)
    assert expected_maximum_profit(y, score, 0.1, 0.4, 0.2)[0] == pytest.approx(theirs, abs=1e-12)


def test_profit_of_no_information_and_of_full_knowledge():
    y = np.array([0.0] * 8 + [1.0] * 2)
    # nobody is refused: 0.2 × λ never exceeds roi × 0.8 below λ = 1.06
    assert expected_maximum_profit(y, np.zeros(10)) == (0.0, 0.0)
    profit, fraction = expected_maximum_profit(y, y)
    assert profit == pytest.approx(0.2 * (0.35 / 2 + 0.10)) and fraction == pytest.approx(0.2 * 0.45)
    with pytest.raises(UserError, match="expected roi > 0"):
        expected_maximum_profit(y, y, p0=0.8, p1=0.3)


def placed(tiers: list[int]) -> OutOfFold:
    """Return predictions with the given tiers, one repeat, one fold."""
    n, shape = len(tiers), (1, 1, len(tiers))
    scores, size = np.zeros(shape), np.array([[n]])
    return OutOfFold((("m", "equal"),), pd.RangeIndex(n), np.zeros(n), np.zeros((1, n), int), scores, scores,
                     np.array(tiers, dtype=np.int8).reshape(shape), np.full((1, 1, 1, 4), 0.5), size, size)  # fmt: skip


def test_regret_is_zero_for_the_best_refusals_and_counts_what_is_lost():
    truth = pd.DataFrame({"true_value_after_risk": [-4.0, 1.0, 2.5, 3.8, 4.9]})
    none = regret(placed([3, 2, 1, 1, 0]), truth, resamples=20)
    assert none["estimate"].item() == pytest.approx(0)
    # by hand: 1.0 is left out instead of the loss of 4
    found = regret(placed([2, 3, 1, 0, 1]), truth, resamples=20)
    assert found["estimate"].item() == pytest.approx(1 - 7.2 / 12.2)
    # samples that lack the best customers have nothing to lose; they do not count
    many = regret(placed([2, 3, 1, 0, 1]), truth, resamples=200)
    assert np.isfinite(many[["ci_low", "ci_high"]].to_numpy()).all()


def test_the_interval_of_regret_is_that_of_resampled_customers():
    net = np.array([1.0, 2, 3, 4, 5])
    truth, refused = pd.DataFrame({"true_value_after_risk": net}), np.array([0, 0, 1, 0, 0], dtype=bool)
    for seed in range(4):
        drawn = draw_counts(5, 200, seed).astype(float)
        best = drawn @ np.where(net == 1, 0, net)
        lost = 1 - drawn @ np.where(refused, 0, net) / np.where(best > 0, best, np.nan)
        low, high = centred_interval(np.array(1 - 12 / 14), lost, 0)
        row = regret(placed([2, 1, 3, 0, 1]), truth, resamples=200, seed=seed).iloc[0]
        assert (row["ci_low"], row["ci_high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))


def test_regret_is_never_below_zero():
    rng = np.random.default_rng(3)
    truth = pd.DataFrame({"true_value_after_risk": rng.lognormal(size=200) - 2 * rng.random(200)})
    for _ in range(20):
        found = regret(placed(rng.integers(0, 4, 200).tolist()), truth, resamples=20)
        assert (found["estimate"] >= 0).all() and (found["ci_low"] >= 0).all()
