"""Criterion 7: what the ranking is worth, and what it costs not to know the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.compare.discrimination import hull
from research.compare.resampling import TIERS
from research.errors import UserError


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


def regret(
    tier: np.ndarray,
    true_tier: np.ndarray,
    true_pd: np.ndarray,
    true_value: np.ndarray,
    lgd: float = 0.45,
    true_need: np.ndarray | None = None,
) -> pd.DataFrame:
    """Measure how far tiers stay behind those an all-knowing lender would give, at the same tier sizes.

    Ideal tiers come from the truth by ranking: the highest true PD are high risk, then medium; of the rest the
    highest true value is premium. The sizes are those of `tier`.

    * `wrong_tier`: share of customers in another tier than `true_tier`.
    * `missed_risk`: share of the expected defaults that ideal high-risk tiers would hold and these do not.
    * `missed_value`: the same for the true value of the premium tier.
    * `net_value_regret`: the shortfall of true value minus PD × lgd × value outside the high-risk tier, as a share of
      the ideal.
    * `missed_need`: the same as missed_value for the sum of true need in the premium tier (where given).

    Args:
        tier, true_tier: (n,) positions in `TIERS`.
        true_pd, true_value, true_need: (n,) the truth of the simulation.
        lgd: loss given default as a share of value.

    Returns:
        One row per measure: `measure, estimate, n`.
    """
    tier, n = np.asarray(tier), len(tier)
    sizes = np.bincount(tier, minlength=len(TIERS))
    ideal = ideal_tiers(true_pd, true_value, sizes)
    high, premium = len(TIERS) - 1, 0
    net = true_value * (1 - true_pd * lgd)

    def shortfall(amount: np.ndarray, best: np.ndarray, ours: np.ndarray) -> float:
        total = float(amount[best].sum())
        return 1 - float(amount[ours].sum()) / total if total else np.nan

    found = {
        "wrong_tier": float((tier != np.asarray(true_tier)).mean()),
        "missed_risk": shortfall(true_pd, ideal == high, tier == high),
        "missed_value": shortfall(true_value, ideal == premium, tier == premium),
        "net_value_regret": shortfall(net, ideal != high, tier != high),
    }
    if true_need is not None:
        found["missed_need"] = shortfall(np.asarray(true_need), ideal == premium, tier == premium)
    return pd.DataFrame([{"measure": name, "estimate": value, "n": n} for name, value in found.items()])


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
