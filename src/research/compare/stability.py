"""Hold still: would the same customer get the same tier from another sample, or later?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from research.compare.resampling import Refits
from research.tiers import TIERS


def pairwise_rand(tier: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index of all pairs of b tierings (b, n), b (b - 1) / 2 values (Hubert and Arabie 1985).

    All contingency tables come from one product of indicator matrices.
    """
    b, n = tier.shape
    member = (
        (tier[:, None, :] == np.arange(len(TIERS))[None, :, None])
        .reshape(b * len(TIERS), n)
        .astype(np.float32)
    )
    tables = (member @ member.T).astype(float).reshape(b, len(TIERS), b, len(TIERS)).transpose(0, 2, 1, 3)
    first, second = np.triu_indices(b, 1)
    return _rand_of_tables(tables[first, second])


def tier_entropy(tier: np.ndarray) -> np.ndarray:
    """Return (n,) the entropy of each customer's tiers over b refits (b, n), in units of ln 4: 0 always the same."""
    share = np.stack([(tier == code).mean(axis=0) for code in range(len(TIERS))])
    return stats.entropy(share, axis=0) / np.log(len(TIERS))


def stability(refits: Refits) -> pd.DataFrame:
    """Summarise bootstrap refits.

    The interval of `ari` is a jackknife over refits (pairs of refits are not independent); that of `tier_entropy` is
    the mean ± 1.96 standard errors over customers; `moved` is the share of customers with more than one tier.

    Returns:
        One row per model, arm, measure: `estimate, ci_low, ci_high, n`.
    """
    rows = []
    for (model, arm), tier in zip(refits.pairs, refits.tier, strict=True):
        entropy = tier_entropy(tier)
        error = 1.96 * entropy.std(ddof=1) / np.sqrt(len(entropy))
        moved = (entropy > 0).mean()
        found = {
            "ari": _jackknife(pairwise_rand(tier), len(tier)),
            "tier_entropy": (entropy.mean(), max(entropy.mean() - error, 0.0), entropy.mean() + error),
            "moved": (moved, np.nan, np.nan),
        }
        for measure, (estimate, low, high) in found.items():
            rows.append(
                {"measure": measure, "model": model, "arm": arm, "estimate": estimate, "ci_low": low,
                 "ci_high": high, "n": tier.shape[1]}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _jackknife(values: np.ndarray, b: int) -> tuple[float, float, float]:
    """Return the mean of pairwise values and its interval from leaving out one refit at a time."""
    estimate = float(values.mean())
    if b < 4:
        return estimate, np.nan, np.nan
    first, second = np.triu_indices(b, 1)
    touched = np.bincount(first, weights=values, minlength=b) + np.bincount(
        second, weights=values, minlength=b
    )
    without = (values.sum() - touched) / (len(values) - (b - 1))
    error = np.sqrt((b - 1) / b * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, b - 1) * error
    return estimate, estimate - half, min(estimate + half, 1.0)


def _rand_of_tables(tables: np.ndarray) -> np.ndarray:
    def pairs(counts: np.ndarray) -> np.ndarray:
        return counts * (counts - 1) / 2

    together = pairs(tables).sum((-1, -2))
    rows, columns = pairs(tables.sum(-1)).sum(-1), pairs(tables.sum(-2)).sum(-1)
    chance = rows * columns / pairs(tables.sum((-1, -2)))
    ceiling = (rows + columns) / 2
    # both tierings put everybody in one tier: perfect agreement by convention
    return np.divide(together - chance, ceiling - chance, out=np.ones_like(ceiling), where=ceiling > chance)
