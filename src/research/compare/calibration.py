"""State the risk: do predicted default probabilities come true?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.compare.random_tiers import over_draws
from research.compare.resampling import OutOfFold
from research.intervals import jeffreys
from research.tiers import TIERS


def brier(y: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean squared distance of probability and outcome (Brier 1950)."""
    return float(np.mean((np.asarray(probability) - np.asarray(y)) ** 2))


def brier_of_tiers(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return (...) the Brier score of tier probabilities from counts.

    Args:
        tables: (..., 4, 2) counts (good, bad) per tier.
        expected: (..., 4) predicted default probability per tier.
    """
    squares = tables[..., 1] * (1 - expected) ** 2 + tables[..., 0] * expected**2
    return squares.sum(axis=-1) / tables.sum(axis=(-1, -2))


def ece_of_tiers(bad: np.ndarray, size: np.ndarray, expected_bad: np.ndarray) -> np.ndarray:
    """Return (...) the expected calibration error with tiers as bins: sum |bad - expected bad| / customers."""
    return np.abs(bad - expected_bad).sum(axis=-1) / size.sum(axis=-1)


def expected_calibration_error(y: np.ndarray, probability: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error over quantile bins of the probability (Naeini et al. 2015).

    Equal probabilities stay in one bin, so a model with few distinct probabilities has few bins.
    """
    y, probability = np.asarray(y, dtype=float), np.asarray(probability, dtype=float)
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    group = np.searchsorted(edges, probability, side="left")
    gap = np.bincount(group, weights=y - probability)
    return float(np.abs(gap).sum() / len(y))


def tier_calibration(oof: OutOfFold) -> pd.DataFrame:
    """Compare observed and expected defaults per tier, out of fold.

    Counts are means over repeats, so `n` is a number of customers and the Jeffreys interval does not shrink
    with repetition. `inside`: the expected rate lies within the interval.

    Returns:
        One row per model, arm, tier: `observed, ci_low, ci_high, expected, observed_to_expected, inside, n`. The
        interval of random tiers is the spread of the draws.
    """
    rows = _calibration(oof)
    rows.insert(
        rows.columns.get_loc("n"), "inside", rows["expected"].between(rows["ci_low"], rows["ci_high"])
    )
    return rows


@over_draws(of="observed")
def _calibration(oof: OutOfFold) -> pd.DataFrame:
    size, bad, expected = pooled_tiers(oof)
    low, high = jeffreys(bad, size)
    rows = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for i, (model, arm) in enumerate(oof.pairs):
            for t, tier in enumerate(TIERS):
                rate = expected[i, t] / size[i, t]
                rows.append(
                    {"model": model, "arm": arm, "tier": tier, "observed": bad[i, t] / size[i, t],
                     "ci_low": low[i, t], "ci_high": high[i, t], "expected": rate,
                     "observed_to_expected": bad[i, t] / expected[i, t], "n": size[i, t]}
                )  # fmt: skip
    return pd.DataFrame(rows)


def pooled_tiers(oof: OutOfFold) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (m, 4) customers, bad customers and expected bad customers per tier, means over repeats."""
    expected = oof.expected()
    m, shape = len(oof.pairs), (len(oof.pairs), len(TIERS))
    size, bad, due = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for r in range(oof.repeats):
        rows = oof.fold[r] >= 0
        for i in range(m):
            tier = oof.tier[i, r, rows]
            size[i] += np.bincount(tier, minlength=len(TIERS))
            bad[i] += np.bincount(tier, weights=oof.y[rows], minlength=len(TIERS))
            due[i] += np.bincount(tier, weights=expected[i, r, rows], minlength=len(TIERS))
    return size / oof.repeats, bad / oof.repeats, due / oof.repeats
