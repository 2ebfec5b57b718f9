"""Do customers flagged as potential premium become premium? Lift over those not flagged, and against value alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import hypergeom
from statsmodels.stats.proportion import confint_proportions_2indep

RULE, VALUE, RANDOM = "rule", "value", "random"
COLUMNS = ["flag", "flagged", "arrived", "rest", "arrived_rest", "estimate", "ci_low", "ci_high"]


def highest(value: np.ndarray, count: int) -> np.ndarray:
    """Return True for the `count` highest values, (n,); of equal ones the first, a missing value last."""
    chosen = np.zeros(len(value), dtype=bool)
    chosen[np.argsort(-np.where(np.isnan(value), -np.inf, value), kind="stable")[:count]] = True
    return chosen


def lift(flagged: np.ndarray, arrived: np.ndarray) -> dict[str, float]:
    """Return how many times as often flagged customers arrived as the others, with the log interval of the ratio.

    Args:
        flagged, arrived: (n,) True or False.

    Returns:
        `flagged`, `arrived` (of these), `rest`, `arrived_rest`, `estimate`, `ci_low`, `ci_high`; the last three are NaN
        where nobody arrived on one of the sides.
    """
    n, hits, others, found = (
        int(side.sum()) for side in (flagged, flagged & arrived, ~flagged, ~flagged & arrived)
    )
    ratio = low = high = np.nan
    if min(hits, found) > 0:
        ratio = (hits / n) / (found / others)
        low, high = confint_proportions_2indep(hits, n, found, others, compare="ratio", method="log")
    return dict(zip(COLUMNS[1:], (n, hits, others, found, ratio, low, high), strict=True))


def by_lot(n: int, arrived: int, flagged: int) -> dict[str, float]:
    """Return the lift of flags drawn by lot: one on average, between the quantiles of all draws (hypergeometric)."""
    hits = hypergeom.ppf([0.025, 0.975], n, arrived, flagged)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (hits / flagged) / ((arrived - hits) / (n - flagged))
    return {"flagged": flagged, "rest": n - flagged, "estimate": 1.0, "ci_low": low, "ci_high": high}


def against(rule: np.ndarray, value: np.ndarray, arrived: np.ndarray) -> dict[str, object]:
    """Compare two ways to flag, where only those that one of them flags can differ.

    Args:
        rule, value, arrived: (n,) True or False.

    Returns:
        `gap`: share that arrived of those only the rule flags, less that of those only value flags, with Newcombe's
        interval `gap_low`, `gap_high`, and `result`: better, worse or open (the rule against value alone).
    """
    mine, other = rule & ~value, value & ~rule
    gap = low = high = np.nan
    if mine.any() and other.any():
        gap = arrived[mine].mean() - arrived[other].mean()
        sides = arrived[mine].sum(), mine.sum(), arrived[other].sum(), other.sum()
        low, high = confint_proportions_2indep(*sides, method="newcomb")
    result = "better" if low > 0 else "worse" if high < 0 else "open"
    return {"gap": gap, "gap_low": low, "gap_high": high, "result": result}


def flags(rule: np.ndarray, value: np.ndarray, arrived: np.ndarray) -> pd.DataFrame:
    """Return the lift of a rule, of value alone, and of flags by lot, as many flags each.

    Args:
        rule, value, arrived: (n,) True or False, of customers who could arrive.

    Returns:
        A row each of `rule`, `value`, `random`: the columns of `lift`, and those of `against` in the row of the rule.
    """
    rows = [
        {"flag": RULE, **lift(rule, arrived), **against(rule, value, arrived)},
        {"flag": VALUE, **lift(value, arrived)},
        {"flag": RANDOM, **by_lot(len(arrived), int(arrived.sum()), int(rule.sum()))},
    ]
    return pd.DataFrame(rows)
