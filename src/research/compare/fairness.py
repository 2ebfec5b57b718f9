"""Be fair: do protected groups reach the good tiers equally often?

The favourable decision is a place in the premium or low-risk tier. Two ratios compare the worst-off with the best-off
group: of all customers (demographic parity) and of customers who did not default (equal opportunity). The four-fifths
rule asks for a ratio of 0.8 at least (29 CFR 1607.4(D)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.compare.counting import centred_interval, draw_counts, weighted_sums
from research.compare.random_tiers import over_draws
from research.compare.resampling import OutOfFold
from research.tiers import TIERS

FAVOURABLE = [TIERS.index(tier) for tier in ("premium", "low")]
AGE_CUTS = (-np.inf, 30, 45, 60, np.inf)
AGE_LABELS = ("under 30", "30 to 44", "45 to 59", "60 and over")
FOUR_FIFTHS = 0.8
SMALLEST_GROUP = 30


def protected_groups(attribute: Any, name: str = "") -> pd.Series:
    """Return the group of each customer: ages in four bands, categories as they are, missing stays missing."""
    series = pd.Series(attribute).reset_index(drop=True)
    if name == "age" or pd.api.types.is_numeric_dtype(series):
        return pd.cut(series, AGE_CUTS, right=False, labels=list(AGE_LABELS)).astype(object)
    return series.astype(object)


def fairness(oof: OutOfFold, protected: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return both ratios for each attribute with intervals from resampled customers (see `centred_interval`).

    A group with fewer than 30 customers who did not default is left out of the ratio, `groups` counts the rest; with
    fewer than two groups there is no row. A ratio of extremes over several groups is biased downwards in small samples,
    so the verdict reads the interval: `passes` when all of it reaches 0.8, `fails` when none does, else `open`.

    Args:
        oof: out-of-fold predictions.
        protected: one column per attribute (`age`, `sex`, `marital_status`), rows as in `oof.index`.
        resamples, seed: bootstrap of customers.

    Returns:
        One row per measure, attribute, model, arm: `estimate, ci_low, ci_high, n, groups, four_fifths`.
    """
    rows = _compared(oof, protected, resamples, seed)
    passes, fails = rows["ci_low"] >= FOUR_FIFTHS, rows["ci_high"] < FOUR_FIFTHS
    return rows.assign(four_fifths=np.select([passes, fails], ["passes", "fails"], "open"))


@over_draws()
def _compared(oof: OutOfFold, protected: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    rows = []
    for attribute in protected.columns:
        found, n, groups = _resampled(oof, protected_groups(protected[attribute], attribute), resamples, seed)
        for i, (model, arm) in enumerate(oof.pairs):
            for measure, (point, sample) in found.items():
                low, high = centred_interval(point[i], sample[:, i], 0, 1)
                rows.append(
                    {"measure": measure, "attribute": attribute, "model": model, "arm": arm, "estimate": point[i],
                     "ci_low": low, "ci_high": high, "n": n, "groups": groups}
                )  # fmt: skip
    columns = ["measure", "attribute", "model", "arm", "estimate", "ci_low", "ci_high", "n", "groups"]
    return pd.DataFrame(rows, columns=columns)


def worst_attribute(table: pd.DataFrame) -> pd.DataFrame:
    """Return the lowest ratio over attributes for each measure, model and arm: the rows of *be fair*."""
    worst = table.loc[table.groupby(["measure", "model", "arm"], sort=False)["estimate"].idxmin()]
    return worst[["measure", "model", "arm", "estimate", "ci_low", "ci_high", "n"]].reset_index(drop=True)


def _columns(oof: OutOfFold, group: pd.Series) -> np.ndarray:
    """Return (n, 1 + m, groups, 2) places and favourable places of all and of good customers.

    A customer has one place per repeat.
    """
    codes, names = pd.factorize(group, sort=True)
    member = ((codes[:, None] == np.arange(len(names))) & oof.tested[:, None]).astype(np.int16)
    # whole numbers, the repeats in which a place is favourable, keep the sums exact in single precision
    chosen = np.isin(oof.tier, FAVOURABLE).sum(axis=1, dtype=np.int16).T
    weight = np.concatenate([np.full((len(codes), 1), oof.repeats, dtype=np.int16), chosen], axis=1)
    columns = weight[:, :, None] * member[:, None, :]
    good = (np.nan_to_num(oof.y, nan=1.0) == 0)[:, None, None]
    return np.stack([columns, columns * good], axis=-1)


def _resampled(
    oof: OutOfFold, group: pd.Series, resamples: int, seed: int
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], int, int]:
    columns = _columns(oof, group)[oof.tested]
    large = columns[:, 0, :, 1].sum(axis=0) / oof.repeats >= SMALLEST_GROUP
    if large.sum() < 2:
        return {}, 0, int(large.sum())
    columns = columns[:, :, large]
    counts = draw_counts(len(columns), resamples, seed)
    sample = weighted_sums(counts, columns.reshape(len(columns), -1)).reshape(resamples, *columns.shape[1:])
    point, sample = _ratios(columns.sum(axis=0, dtype=float)[None]), _ratios(sample)
    names = ("demographic_parity_ratio", "equal_opportunity_ratio")
    found = {measure: (point[0, :, c], sample[..., c]) for c, measure in enumerate(names)}
    return found, int(columns[:, 0, :, 0].sum() / oof.repeats), int(large.sum())


def _ratios(sums: np.ndarray) -> np.ndarray:
    """Return (b, m, 2) lowest over highest group rate from sums (b, 1 + m, groups, 2)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = sums[:, 1:] / sums[:, :1]
        return rates.min(axis=2) / rates.max(axis=2)
