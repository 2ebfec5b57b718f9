"""Hold still: would the same customer get the same tier from another sample, or later?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from research.compare.counting import centred_interval, draw_counts, weighted_sums
from research.compare.random_tiers import over_draws
from research.compare.resampling import OutOfFold, Refits, tier_codes
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


def population_stability(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return (...) the population stability index of two distributions over the groups of the last axis.

    PSI = sum (actual - expected) × ln(actual / expected) of shares; an empty group gets half a customer so that the
    index stays finite.

    Args:
        expected, actual: (..., groups) counts.
    """
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    used = (expected + actual) > 0
    e = np.where(expected == 0, 0.5, expected) / expected.sum(axis=-1, keepdims=True)
    a = np.where(actual == 0, 0.5, actual) / actual.sum(axis=-1, keepdims=True)
    return np.where(used, (a - e) * np.log(a / e), 0.0).sum(axis=-1)


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


@over_draws()
def psi_over_time(oof: OutOfFold, date: Any, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compare the tier shares of the earlier and the later half of the loans, out of fold.

    Args:
        oof: out-of-fold predictions.
        date: (n,) date of each loan; loans without one are left out.
        resamples, seed: bootstrap of customers; the interval is that of `centred_interval`.

    Returns:
        One row per model and arm: `measure` (psi), `estimate, ci_low, ci_high, n`; no rows with fewer than two dates.
    """
    dates = pd.Series(pd.to_datetime(np.asarray(date)))
    rows = np.flatnonzero(oof.tested & dates.notna().to_numpy())
    days = dates.iloc[rows]
    later = (days > days.median()).to_numpy()
    if not len(rows) or not later.any():
        return pd.DataFrame(columns=["measure", "model", "arm", "estimate", "ci_low", "ci_high", "n"])
    counts = draw_counts(len(rows), resamples, seed)
    period = np.stack([~later, later], axis=1)
    found = []
    for i, (model, arm) in enumerate(oof.pairs):
        member = oof.tier[i][:, rows, None] == np.arange(len(TIERS))
        columns = member.transpose(1, 0, 2)[:, :, None, :] & period[:, None, :, None]
        found.append({"model": model, "arm": arm, **_index(columns, counts)})
    return pd.DataFrame(found)[["measure", "model", "arm", "estimate", "ci_low", "ci_high", "n"]]


def psi_of_panel(before: Any, after: Any, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Compare the tier shares of the same customers at two dates, cut points frozen.

    Args:
        before, after: (n,) tier names at the two dates, in the same order.
        resamples, seed: bootstrap of customers.

    Returns:
        One row: `measure` (psi), `estimate, ci_low, ci_high, n`.
    """
    tiers = np.stack([tier_codes(before), tier_codes(after)], axis=1)
    columns = tiers[:, None, :, None] == np.arange(len(TIERS))
    return pd.DataFrame([_index(columns, draw_counts(len(tiers), resamples, seed))])


def _index(columns: np.ndarray, counts: np.ndarray) -> dict[str, Any]:
    """Return the index and its interval from places (n, repeats, 2 periods, tiers) and resamples (b, n)."""
    counts = np.concatenate([np.ones((1, len(columns)), dtype=np.uint8), counts])
    sums = weighted_sums(counts, columns.reshape(len(columns), -1)).reshape(-1, *columns.shape[1:])
    psi = population_stability(sums[:, :, 0], sums[:, :, 1]).mean(axis=1)
    low, high = centred_interval(psi[0], psi[1:], 0)
    return {
        "measure": "psi",
        "estimate": psi[0],
        "ci_low": float(low),
        "ci_high": float(high),
        "n": len(columns),
    }


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
