"""Tiers × outcome tables and the bootstrap by counting.

Statistics of tiers depend on the customers only through small tables of counts. A bootstrap sample is a vector of
how often each customer was drawn; one matrix product turns all samples into tables, for all models at once and on
the same samples, so that differences between models are paired.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from research.compare.discrimination import auc_of_groups
from research.compare.resampling import TIERS, OutOfFold

CHUNK_CELLS = 8_000_000


def draw_counts(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield (b, n) float32 blocks: how often each customer is drawn in each bootstrap sample."""
    rng = np.random.default_rng(seed)
    block = max(1, CHUNK_CELLS // max(n, 1))
    for first in range(0, resamples, block):
        size = min(block, resamples - first)
        counts = np.empty((size, n), dtype=np.float32)
        for row in counts:
            row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
        yield counts


def bootstrap_sums(columns: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return (resamples, c) bootstrap sums of the columns (n, c); the samples depend on n and seed only."""
    columns = np.ascontiguousarray(columns, dtype=np.float32)
    return np.concatenate([counts @ columns for counts in draw_counts(len(columns), resamples, seed)]).astype(
        float
    )


def bootstrap_auc(y: np.ndarray, score: np.ndarray, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """Return (resamples,) AUCs of bootstrap samples of customers; one sort serves all samples.

    NaN for a sample without bad or without good customers.
    """
    y, score = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    order = np.argsort(-score, kind="stable")
    ranked, bad = score[order], y[order] == 1
    tied = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))
    distinct = tied[-1] + 1 == len(ranked)
    areas = np.empty(resamples)
    rng = np.random.default_rng(seed)
    n = len(ranked)
    for sample in range(resamples):
        counts = np.bincount(rng.integers(0, n, n), minlength=n)
        if distinct:
            areas[sample] = _auc_of_distinct(counts, bad)
        else:
            positive = np.bincount(tied, weights=counts * bad)
            areas[sample] = auc_of_groups(positive, np.bincount(tied, weights=counts) - positive)
    return areas


def _auc_of_distinct(counts: np.ndarray, bad: np.ndarray) -> float:
    # a customer drawn twice ties with itself only, and both copies share one outcome: no half pairs
    positive = np.where(bad, counts, 0)
    n_bad = positive.sum()
    n_good = counts.sum() - n_bad
    if n_bad == 0 or n_good == 0:
        return np.nan
    above = np.cumsum(positive)
    return float((above[~bad] * counts[~bad]).sum() / (n_bad * n_good))


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
