"""Effect sizes of tiers, and differences between models, from one bootstrap of customers.

Models are compared on the same samples, so the interval of a difference is paired. This is the inference for a time
split, where there is one test set and no folds to compare.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from research.compare import calibration, ordering, separation
from research.compare.counting import centred_interval, draw_counts, weighted_sums
from research.compare.discrimination import auc_of_groups, delong, ks_of_groups
from research.compare.resampling import OutOfFold, Pair
from research.intervals import jeffreys
from research.tiers import TIERS

BOUNDS = {
    "tier_auc": (0, 1), "tier_ks": (0, 1), "information_value": (0, np.inf), "brier": (0, 1), "ece": (0, 1),
    "high_lift": (0, np.inf), "high_capture": (0, 1), "eta_squared": (0, 1), "premium_value_share": (0, 1),
}  # fmt: skip


def book_bootstrap(
    oof: OutOfFold, value: np.ndarray | None = None, resamples: int = 1000, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return each measure of the pooled tiers, (1 + resamples, m): the whole book first, then bootstrap samples.

    The whole book is judged in every repeat and the repeats are averaged; each sample is judged in one repeat, in turn,
    so that the samples also carry the variation between partitions. Measures: `tier_auc, tier_gini, tier_ks,
    trend_effect, information_value, ordered_share, brier, ece, rate_difference` (default rate of high minus premium),
    `high_lift` (default rate of high over that of the book), `high_capture` (share of all defaults in the high tier)
    and, with a value, `eta_squared, concentration, premium_value_share`.
    """
    rows = np.flatnonzero(oof.tested)
    counts = draw_counts(len(rows), resamples, seed)
    whole = np.ones((1, len(rows)), dtype=np.uint8)
    expected, y = oof.expected(), oof.y[rows]
    amounts = None if value is None else np.asarray(value, dtype=float)[rows]
    found: dict[str, np.ndarray] = {}
    for r in range(oof.repeats):
        judged = np.concatenate([whole, counts[r :: oof.repeats]])
        for pair in range(len(oof.pairs)):
            sums = _sums(judged, oof.tier[pair, r, rows], y, expected[pair, r, rows], amounts)
            for name, values in _measures(*sums).items():
                table = found.setdefault(name, np.zeros((1 + resamples, len(oof.pairs))))
                table[0, pair] += values[0] / oof.repeats
                table[1 + r :: oof.repeats, pair] = values[1:]
    return found


def tier_effects(
    oof: OutOfFold,
    value: np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
    only: Collection[str] = (),
) -> pd.DataFrame:
    """Return `measure, model, arm, estimate, ci_low, ci_high, n` of `book_bootstrap`, see `centred_interval`.

    `only` names the measures wanted, all when empty. `ordered_share` is the share of samples itself, with its Jeffreys
    interval.
    """
    n, rows = int(oof.tested.sum()), []
    for measure, values in book_bootstrap(oof, value, resamples, seed).items():
        if only and measure not in only:
            continue
        point, sample = values[0], values[1:]
        low, high = centred_interval(point, sample, *BOUNDS.get(measure, (-np.inf, np.inf)))
        if measure == "ordered_share":
            point = sample.mean(axis=0)
            low, high = jeffreys(point * resamples, np.full(len(point), resamples))
        for i, (model, arm) in enumerate(oof.pairs):
            rows.append({"measure": measure, "model": model, "arm": arm, "estimate": point[i], "ci_low": low[i],
                         "ci_high": high[i], "n": n})  # fmt: skip
    return pd.DataFrame(rows)


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


def _sums(
    counts: np.ndarray, tier: np.ndarray, y: np.ndarray, expected: np.ndarray, value: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float]:
    """Return sums by tier for one model, one repeat and the given samples.

    Returns:
        (b, 4, 2) good and bad customers; (b, 4, 3) sums of expected, its square, and expected of the bad; (b, 4, 3)
        customers with a value, sums of value minus its mean, and of its square, or None; that mean.
    """
    member = tier[:, None] == np.arange(len(TIERS))

    def by_tier(amounts: list[np.ndarray]) -> np.ndarray:
        columns = np.stack([member * amount[:, None] for amount in amounts], axis=-1)
        return weighted_sums(counts, columns.reshape(len(y), -1)).reshape(len(counts), len(TIERS), -1)

    bad = y == 1
    tables, calibrated = by_tier([~bad, bad]), by_tier([expected, expected**2, expected * bad])
    if value is None:
        return tables, calibrated, None, 0.0
    mean = float(np.nanmean(value))
    known = ~np.isnan(value)
    centred = np.nan_to_num(value - mean)
    return tables, calibrated, by_tier([known.astype(float), centred, centred**2]), mean


def _measures(
    tables: np.ndarray, calibrated: np.ndarray, worth: np.ndarray | None, mean: float
) -> dict[str, np.ndarray]:
    """Return (b,) of each measure from the sums of `_sums`."""
    good, bad = tables[..., 0], tables[..., 1]
    due, due_squared, due_bad = np.moveaxis(calibrated, -1, 0)
    area = auc_of_groups(bad[..., ::-1], good[..., ::-1])
    rates, n = ordering.default_rates(tables), tables.sum((-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "tier_auc": area,
            "tier_gini": 2 * area - 1,
            "tier_ks": ks_of_groups(bad[..., ::-1], good[..., ::-1]),
            "trend_effect": ordering.trend_effect(tables),
            "information_value": ordering.information_value(tables),
            "ordered_share": ordering.strictly_ordered(tables).astype(float),
            "brier": (bad.sum(-1) - 2 * due_bad.sum(-1) + due_squared.sum(-1)) / n,
            "ece": calibration.ece_of_tiers(bad, good + bad, due),
            "rate_difference": rates[..., -1] - rates[..., 0],
            "high_lift": rates[..., -1] / (bad.sum(-1) / n),
            "high_capture": bad[..., -1] / bad.sum(-1),
        }
    if worth is not None:
        known, centred, squares = np.moveaxis(worth, -1, 0)
        total = centred + known * mean
        found |= {
            "eta_squared": separation.eta_squared(known, centred, squares),
            "concentration": separation.concentration(known, total),
            "premium_value_share": separation.premium_value_share(total),
        }
    return found
