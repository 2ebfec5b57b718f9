"""How much riskier the high-risk tier is than the rest, with an interval that carries the partition too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from research.compare import random_tiers
from research.compare.counting import tier_tables
from research.compare.resampling import OutOfFold
from research.tiers import TIERS

HIGH = TIERS.index("high")


@random_tiers.over_draws()
def high_tier_odds(oof: OutOfFold) -> pd.DataFrame:
    """Return the odds of a bad outcome in the high-risk tier over the odds in the rest, customers unseen by the model.

    log OR = ln(a d / (b c)) with Woolf's variance 1/a + 1/b + 1/c + 1/d (1955); a table with an empty cell gets half a
    customer in each (Haldane 1956, Anscombe 1956). Every repeat is another partition with other refits: the log odds
    ratios are averaged, and the variance is the mean of Woolf's plus (1 + 1 / R) times the variance between repeats
    (Rubin 1987, for multiple imputations). With one repeat the second part is not known and is left out.

    Returns:
        One row per model and arm: `model, arm, log_odds, variance, estimate` (odds ratio), `ci_low, ci_high, bad_high,
        n_high, bad_rest, n_rest` (means over repeats), `partitions` (repeats). NaN where either side has no customer or
        nobody in the book is bad, or all are.
    """
    rows = []
    tables = tier_tables(oof).sum(axis=2)  # (m, r, 4, 2)
    for i, (model, arm) in enumerate(oof.pairs):
        high, rest = tables[i, :, HIGH], np.delete(tables[i], HIGH, axis=1).sum(axis=1)
        found = [_woolf(h, r) for h, r in zip(high, rest, strict=True)]
        log_odds, within = (np.array(part) for part in zip(*found, strict=True))
        repeats = len(log_odds)
        between = log_odds.var(ddof=1) * (1 + 1 / repeats) if repeats > 1 else 0.0
        mean, variance = float(log_odds.mean()), float(within.mean() + between)
        half = norm.ppf(0.975) * np.sqrt(variance)
        rows.append(
            {
                "model": model,
                "arm": arm,
                "log_odds": mean,
                "variance": variance,
                "estimate": np.exp(mean),
                "ci_low": np.exp(mean - half),
                "ci_high": np.exp(mean + half),
                "bad_high": high[:, 1].mean(),
                "n_high": high.sum(axis=1).mean(),
                "bad_rest": rest[:, 1].mean(),
                "n_rest": rest.sum(axis=1).mean(),
                "partitions": repeats,
            }
        )
    return pd.DataFrame(rows)


def _woolf(high: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    """Return the log odds ratio and its variance of two (good, bad) counts."""
    cells = np.array([high[1], high[0], rest[1], rest[0]], dtype=float)
    sides, outcomes = (cells[:2].sum(), cells[2:].sum()), (cells[::2].sum(), cells[1::2].sum())
    if min(*sides, *outcomes) == 0:
        return np.nan, np.nan
    if (cells == 0).any():
        cells = cells + 0.5
    a, b, c, d = cells
    return float(np.log(a * d / (b * c))), float((1 / cells).sum())
