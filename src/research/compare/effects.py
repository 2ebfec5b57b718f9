"""What resampled customers say of a whole book, and the paired variance of a difference between two models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.compare import calibration, ordering
from research.compare.counting import centred_interval, draw_counts, weighted_sums
from research.compare.discrimination import delong
from research.compare.resampling import OutOfFold, Pair
from research.intervals import jeffreys
from research.tiers import TIERS


def book_bootstrap(oof: OutOfFold, resamples: int = 1000, seed: int = 0) -> dict[str, np.ndarray]:
    """Return `ordered_share` and `ece` of the tiers, (1 + resamples, m): the whole book first, then bootstrap samples.

    The whole book is judged in every repeat and the repeats are averaged; each sample is judged in one repeat, in turn,
    so that the samples also carry the variation between partitions.
    """
    rows = np.flatnonzero(oof.tested)
    counts = draw_counts(len(rows), resamples, seed)
    whole = np.ones((1, len(rows)), dtype=np.uint8)
    expected, bad = oof.expected(), oof.y[rows] == 1
    ordered, error = np.zeros((2, 1 + resamples, len(oof.pairs)))
    for r in range(oof.repeats):
        judged = np.concatenate([whole, counts[r :: oof.repeats]])
        for pair in range(len(oof.pairs)):
            member = oof.tier[pair, r, rows][:, None] == np.arange(len(TIERS))
            outcomes = np.stack([member & ~bad[:, None], member & bad[:, None]], axis=-1)
            tables = weighted_sums(judged, outcomes.reshape(len(rows), -1)).reshape(
                len(judged), len(TIERS), 2
            )
            due = weighted_sums(judged, member * expected[pair, r, rows][:, None])
            for table, values in (
                (ordered, ordering.strictly_ordered(tables)),
                (error, calibration.ece_of_tiers(tables[..., 1], tables.sum(axis=-1), due)),
            ):
                table[0, pair] += values[0] / oof.repeats
                table[1 + r :: oof.repeats, pair] = values[1:]
    return {"ordered_share": ordered, "ece": error}


def tier_effects(oof: OutOfFold, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return `measure, model, arm, estimate, ci_low, ci_high, n` of `book_bootstrap`, see `centred_interval`.

    `ordered_share` is the share of samples itself, with its Jeffreys interval.
    """
    found, rows = book_bootstrap(oof, resamples, seed), []
    share, error = found["ordered_share"][1:].mean(axis=0), found["ece"]
    for measure, point, (low, high) in (
        ("ordered_share", share, jeffreys(share * resamples, np.full(len(share), resamples))),
        ("ece", error[0], centred_interval(error[0], error[1:], 0, 1)),
    ):
        for i, (model, arm) in enumerate(oof.pairs):
            rows.append({"measure": measure, "model": model, "arm": arm, "estimate": point[i], "ci_low": low[i],
                         "ci_high": high[i]})  # fmt: skip
    return pd.DataFrame(rows).assign(n=int(oof.tested.sum()))


def stratified_variance(oof: OutOfFold, one: Pair, other: Pair) -> float:
    """Return the variance of the mean difference of two AUCs over folds by DeLong et al. (1988), paired within folds.

    A fold is a stratum with models of its own: the variance of its difference comes from its customers alone, those of
    the K folds are added and divided by K², and repeats are averaged (they judge the same customers again). NaN where a
    fold has fewer than two customers of an outcome or a model was not fitted.
    """
    if one not in oof.pairs or other not in oof.pairs:
        return np.nan
    places, found = [oof.pairs.index(pair) for pair in (one, other)], []
    for r in range(oof.repeats):
        parts = []
        for k in range(oof.folds):
            rows = oof.fold[r] == k
            y = oof.y[rows]
            if min(y.sum(), (1 - y).sum()) < 2:
                return np.nan
            _, covariance = delong(y, oof.score[places, r][:, rows])
            parts.append(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        found.append(sum(parts) / oof.folds**2)
    return float(np.mean(found))
