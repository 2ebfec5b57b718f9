"""Tiers × outcome tables and the bootstrap by counting.

Statistics of tiers depend on the customers only through small tables of counts. A bootstrap sample is a vector of
how often each customer was drawn; one matrix product turns all samples into tables, for all models at once and on
the same samples, so that differences between models are paired.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.compare.discrimination import auc_of_groups
from research.compare.resampling import OutOfFold
from research.tiers import TIERS

BLOCK_CELLS = 4_000_000


def draw_counts(n: int, resamples: int, seed: int) -> np.ndarray:
    """Return (resamples, n) uint8: how often each of n customers is drawn in each bootstrap sample.

    A count above 255 cannot occur below 256 customers and has no practical probability above.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), dtype=np.uint8)
    for row in counts:
        row[:] = np.bincount(_draw(rng, n), minlength=n)
    return counts


def weighted_sums(counts: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return (resamples, c) sums of the columns (n, c) over each sample.

    Whole numbers are summed in single precision, which is exact up to 16 million; others in double precision, so that
    the sums do not depend on how a machine splits the product beyond the usual rounding.
    """
    exact = columns.dtype == bool or np.issubdtype(columns.dtype, np.integer)
    columns = np.ascontiguousarray(columns, dtype=np.float32 if exact else np.float64)
    block = max(1, BLOCK_CELLS // max(counts.shape[1], 1))
    parts = [
        counts[first : first + block].astype(columns.dtype) @ columns
        for first in range(0, len(counts), block)
    ]
    return np.concatenate(parts).astype(float)


def centred_interval(
    point: np.ndarray, sample: np.ndarray, low: float = -np.inf, high: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % percentile interval of a bootstrap sample (b, ...), moved by the bootstrap bias.

    Measures such as a calibration error or a ratio of extremes are biased in small samples, and resampling adds the
    bias again: the plain percentile interval can miss its own estimate. Subtracting mean(sample) - point undoes that.
    The result is clipped to low..high; NaN where no sample has a value.
    """
    never = np.isnan(sample).all(axis=0)
    sample = np.where(never, 0.0, sample)
    bias = np.where(never, np.nan, np.nanmean(sample, axis=0) - point)
    ends = np.nanquantile(sample, [0.025, 0.975], axis=0) - bias
    return np.clip(ends[0], low, high), np.clip(ends[1], low, high)


def bootstrap_auc(y: np.ndarray, score: np.ndarray, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """Return (resamples,) AUCs of bootstrap samples of customers; one sort serves all samples.

    NaN for a sample without bad or without good customers.
    """
    y, score = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    order = np.argsort(-score, kind="stable")
    ranked, bad = score[order], y[order] == 1
    group = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))
    n, groups = len(ranked), group[-1] + 1
    rng = np.random.default_rng(seed)
    if groups == n:
        place = np.flatnonzero(bad)
        return np.array(
            [_auc_of_draws(np.bincount(_draw(rng, n), minlength=n), place) for _ in range(resamples)]
        )
    cell = 2 * group + bad
    areas = np.empty(resamples)
    for sample in range(resamples):
        counts = np.bincount(cell[_draw(rng, n)], minlength=2 * groups).reshape(groups, 2)
        areas[sample] = auc_of_groups(counts[:, 1], counts[:, 0])
    return areas


def _draw(rng: np.random.Generator, n: int) -> np.ndarray:
    # 32-bit draws take less than half the time of 64-bit ones
    return rng.integers(0, n, n, dtype=np.int32)


def _auc_of_draws(counts: np.ndarray, place: np.ndarray) -> float:
    """Return the AUC of a sample of distinct scores, riskiest first, bad customers at `place`.

    A bad customer beats all draws behind it; those of other bad customers are then taken off, and whoever is in front,
    a pair of bad customers is counted once: sum over i < j of c_i c_j = ((sum c)² - sum c²) / 2.
    """
    of_bad = counts[place]
    n, n_bad = counts.sum(), of_bad.sum()
    if n_bad == 0 or n_bad == n:
        return np.nan
    behind = n - np.cumsum(counts)[place]
    won = of_bad @ behind - (n_bad**2 - of_bad @ of_bad) / 2
    return float(won / (n_bad * (n - n_bad)))


def tier_tables(oof: OutOfFold) -> np.ndarray:
    """Return (m, r, k, 4, 2) counts: tier × (good, bad) of the test customers of each fold."""
    outcome = np.nan_to_num(oof.y).astype(int)
    return _fold_sums(oof, 2, outcome)


def category_tables(oof: OutOfFold, codes: np.ndarray, categories: int) -> np.ndarray:
    """Return (m, r, k, 4, categories) counts of a customer attribute by tier; code -1 = not known, not counted."""
    return _fold_sums(oof, categories, np.asarray(codes))


def tier_sums(oof: OutOfFold, amounts: np.ndarray) -> np.ndarray:
    """Return (m, r, k, 4) sums of an amount by tier; missing amounts count nothing."""
    return _fold_sums(oof, 1, np.where(np.isnan(amounts), -1, 0), np.nan_to_num(amounts))[..., 0]


def _fold_sums(
    oof: OutOfFold, width: int, codes: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    m, cells = len(oof.pairs), oof.folds * len(TIERS) * width
    sums = np.empty((m, oof.repeats, oof.folds, len(TIERS), width))
    for r in range(oof.repeats):
        rows = (oof.fold[r] >= 0) & (codes >= 0)
        base = oof.fold[r, rows].astype(np.int64) * len(TIERS)
        weight = None if weights is None else weights[rows]
        for i in range(m):
            cell = (base + oof.tier[i, r, rows]) * width + codes[rows]
            sums[i, r] = np.bincount(cell, weights=weight, minlength=cells).reshape(sums.shape[2:])
    return sums


def need_codes(need: Any, bins: int = 4) -> tuple[np.ndarray, int]:
    """Return codes (n,) and their number: categories as they are, numbers cut at their quantiles; -1 = missing."""
    series = pd.Series(np.asarray(need) if not isinstance(need, pd.Series) else need).reset_index(drop=True)
    if pd.api.types.is_numeric_dtype(series) and series.nunique() > bins:
        codes = pd.qcut(series, bins, labels=False, duplicates="drop")
        codes = codes.fillna(-1).to_numpy().astype(int)
        return codes, int(codes.max()) + 1
    codes, found = pd.factorize(series, sort=True)
    return codes, len(found)
