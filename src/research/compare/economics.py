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
    """Return `net_value_regret`: how far out-of-fold tiers stay behind an all-knowing lender who refuses as many.

    It is value after expected losses outside the high-risk tier, short of the most that leaving out as many customers
    could keep, as a share of that most: 0 = nothing lost, never below 0.

    Args:
        oof: out-of-fold predictions on simulated customers.
        truth: rows as in `oof.index`: `true_value_after_risk`.
        resamples, seed: bootstrap of customers, the best choice held fixed.

    Returns:
        One row per model, arm: `measure, model, arm, estimate, ci_low, ci_high, n`.
    """
    rows = np.flatnonzero(oof.tested)
    net = truth["true_value_after_risk"].to_numpy(dtype=float)[rows]
    counts = draw_counts(len(rows), resamples, seed)
    counts = np.concatenate([np.ones((1, len(rows)), dtype=np.uint8), counts])
    found = []
    for i, (model, arm) in enumerate(oof.pairs):
        columns = []
        for r in range(oof.repeats):
            refused = oof.tier[i, r, rows] == TIERS.index("high")
            kept = np.ones(len(rows), dtype=bool)
            kept[np.argsort(net, kind="stable")[: refused.sum()]] = False
            columns += [net * kept, net * ~refused]
        sums = weighted_sums(counts, np.stack(columns, axis=1)).reshape(-1, oof.repeats, 2)
        # a sample in which nothing could be kept has nothing to lose
        best = np.where(sums[..., 0] > 0, sums[..., 0], np.nan)
        lost = (1 - sums[..., 1] / best).mean(axis=1)
        low, high = centred_interval(lost[0], lost[1:], 0)
        found.append({"model": model, "arm": arm, "estimate": lost[0], "ci_low": low, "ci_high": high})
    return pd.DataFrame(found).assign(measure="net_value_regret", n=len(rows))
