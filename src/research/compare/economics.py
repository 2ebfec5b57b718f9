"""Earn: what the ranking is worth, and what it costs not to know the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.compare.counting import centred_interval, draw_counts, weighted_sums
from research.compare.discrimination import hull
from research.compare.random_tiers import over_draws
from research.compare.resampling import OutOfFold
from research.errors import UserError
from research.tiers import TIERS


def expected_maximum_profit(
    y: np.ndarray, score: np.ndarray, roi: float = 0.2644, p0: float = 0.55, p1: float = 0.10
) -> tuple[float, float]:
    """Return the expected maximum profit per unit lent and the share of applicants rejected to reach it.

    Refusing a defaulter saves λ, refusing a good customer forgoes the return. λ, the loss given default, is 0 with
    probability p0, 1 with probability p1 and uniform in between; for each λ the cut-off of largest profit is
    chosen, then profit is averaged over λ (Verbraken, Bravo, Weber and Baesens 2014).

    Args:
        y: (n,) 0/1, 1 = default.
        score: (n,) higher = riskier.
        roi: return on investment of a good loan.
        p0, p1: probability of no loss and of full loss after default.
    """
    return profit_of_segments(*hull(y, score), roi, p0, p1)


def profit_of_segments(
    bad: np.ndarray, good: np.ndarray, roi: float = 0.2644, p0: float = 0.55, p1: float = 0.10
) -> tuple[float, float]:
    """Return the expected maximum profit and rejected share from the segments of the ROC hull (see `hull`)."""
    if not (roi > 0 and p0 >= 0 and p1 >= 0 and p0 + p1 <= 1):
        raise UserError(
            f"expected maximum profit: found roi={roi}, p0={p0}, p1={p1}, expected roi > 0, p0 + p1 <= 1"
        )
    n = bad.sum() + good.sum()
    # a segment is refused once λ × its bad customers outweighs roi × its good ones
    with np.errstate(divide="ignore"):
        switch = np.where(bad > 0, roi * good / np.where(bad > 0, bad, 1), np.inf)
    bounds = np.minimum(np.concatenate([[0.0], switch, [np.inf]]), 1.0)
    refused_bad = np.concatenate([[0.0], np.cumsum(bad)]) / n
    refused_good = np.concatenate([[0.0], np.cumsum(good)]) / n
    low, high = bounds[:-1], bounds[1:]
    density = 1 - p0 - p1
    profit = density * (refused_bad * (high**2 - low**2) / 2 - roi * refused_good * (high - low)).sum()
    fraction = density * ((refused_bad + refused_good) * (high - low)).sum()
    last = np.flatnonzero(np.concatenate([[0.0], switch]) <= 1).max()
    profit += p1 * (refused_bad[last] - roi * refused_good[last])
    fraction += p1 * (refused_bad[last] + refused_good[last])
    return float(profit), float(fraction)


@over_draws()
def regret(oof: OutOfFold, truth: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Measure how far out-of-fold tiers stay behind those of an all-knowing lender with the same tier sizes.

    The ideal ranks by the truth: the highest true PD are high risk, then medium; of the rest the highest true value is
    premium (`ideal_tiers`). Each measure is a share, 0 = nothing lost, never below 0:

    * `wrong_tier`: customers in another tier than the ideal one, of all customers;
    * `missed_risk`: expected defaults (true PD) that the ideal high-risk tier holds and this one does not;
    * `missed_value`: true value that the ideal premium tier holds and this one does not; a premium customer whose true
      risk is high or medium does not count;
    * `net_value_regret`: value after expected losses outside the high-risk tier, short of the most that leaving out as
      many customers could keep.

    Args:
        oof: out-of-fold predictions on simulated customers.
        truth: rows as in `oof.index`: `true_pd, true_value, true_value_after_risk`.
        resamples, seed: bootstrap of customers, the ideal held fixed.

    Returns:
        One row per measure, model, arm: `estimate, ci_low, ci_high, n`.
    """
    rows = np.flatnonzero(oof.tested)
    names = ("true_pd", "true_value", "true_value_after_risk")
    chance, worth, net = (truth[name].to_numpy(dtype=float)[rows] for name in names)
    counts = draw_counts(len(rows), resamples, seed)
    counts = np.concatenate([np.ones((1, len(rows)), dtype=np.uint8), counts])
    found = []
    for i, (model, arm) in enumerate(oof.pairs):
        parts = [_reached(oof.tier[i, r, rows], chance, worth, net) for r in range(oof.repeats)]
        columns = np.stack(
            [np.stack([best, ours], axis=1) for part in parts for best, ours in part.values()], axis=1
        )
        sums = weighted_sums(counts, columns.reshape(len(rows), -1)).reshape(
            -1, oof.repeats, len(parts[0]), 2
        )
        # a sample whose ideal tier is empty has nothing to lose
        best = np.where(sums[..., 0] > 0, sums[..., 0], np.nan)
        lost = (1 - sums[..., 1] / best).mean(axis=1)
        low, high = centred_interval(lost[0], lost[1:], 0)
        found += [
            {"measure": name, "model": model, "arm": arm, "estimate": lost[0, c], "ci_low": low[c], "ci_high": high[c],
             "n": len(rows)} for c, name in enumerate(parts[0])
        ]  # fmt: skip
    return pd.DataFrame(found)


def _reached(
    tier: np.ndarray, chance: np.ndarray, worth: np.ndarray, net: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return per measure what each customer adds under the ideal tiers and under the given ones."""
    ideal = ideal_tiers(chance, worth, np.bincount(tier, minlength=len(TIERS)))
    high, medium, premium = (TIERS.index(name) for name in ("high", "medium", "premium"))
    kept = np.ones(len(tier), dtype=bool)
    kept[np.argsort(net, kind="stable")[: int((tier == high).sum())]] = False
    sound = (ideal != high) & (ideal != medium)
    return {
        "wrong_tier": (np.ones(len(tier)), (ideal == tier).astype(float)),
        "missed_risk": (chance * (ideal == high), chance * (tier == high)),
        "missed_value": (worth * (ideal == premium), worth * ((tier == premium) & sound)),
        "net_value_regret": (net * kept, net * (tier != high)),
    }


def ideal_tiers(true_pd: np.ndarray, true_value: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return (n,) positions in `TIERS` ranked by the truth, with the given number of customers per tier."""
    n = len(true_pd)
    by_risk = np.argsort(-np.asarray(true_pd), kind="stable")
    ideal = np.full(n, TIERS.index("low"), dtype=np.int8)
    high, medium = int(sizes[TIERS.index("high")]), int(sizes[TIERS.index("medium")])
    ideal[by_risk[:high]] = TIERS.index("high")
    ideal[by_risk[high : high + medium]] = TIERS.index("medium")
    rest = by_risk[high + medium :]
    best = rest[np.argsort(-np.asarray(true_value)[rest], kind="stable")]
    ideal[best[: int(sizes[TIERS.index("premium")])]] = TIERS.index("premium")
    return ideal
