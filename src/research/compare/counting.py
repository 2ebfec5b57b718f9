"""Tiers × outcome tables and the bootstrap by counting.

Statistics of tiers depend on the customers only through small tables of counts. A bootstrap sample is a vector of
how often each customer was drawn; one matrix product turns all samples into tables, for all models at once and on
the same samples, so that differences between models are paired.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

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
        # 32-bit draws take less than half the time of 64-bit ones
        row[:] = np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n)
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
