"""Has the population moved? PSI of a score, CSI of the constructs behind it, verdict bands and a real error rate.

PSI = Σ (a − e) ln(a / e) over bins, with e the shares of the reference sample and a those of the current one. Bins are
deciles of the reference and stay fixed. When any cell of either sample is empty, ½ is added to every count of both
(the Jeffreys prior of a multinomial), so that the index stays finite and treats both samples alike; otherwise nothing
is added. Missing values are a bin of their own.

The bands (0.10, 0.25) know neither the sample size nor the number of bins. Beside them stands the p-value of no change:
PSI / (1/n + 1/m) is asymptotically chi-square with B − 1 degrees of freedom (Yurdakul and Naranjo 2020,
doi:10.21314/JRMV.2020.227). It supposes two independent samples; when most customers are in both, the p-value is too
large and the test misses changes rather than inventing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import chi2

from research.errors import UserError, nearest
from research.paths import DEFINITIONS

ADDED = 0.5
MISSING = "missing"


@cache
def _bands() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "monitoring_bands.csv")


def bands(measure: str | None = None) -> pd.DataFrame:
    """Return the verdict bands: measure, verdict, lower, upper, signal (green, amber, red), action, source."""
    table = _bands().copy()
    if measure is None:
        return table
    if measure not in set(table["measure"]):
        raise UserError(f"no verdict bands for '{measure}'{nearest(measure, table['measure'])}")
    return table[table["measure"] == measure].reset_index(drop=True)


def judge(values: Sequence[float], measure: str) -> pd.DataFrame:
    """Return the verdict and the signal of each value; a value on a bound belongs to the worse band, NaN to none."""
    table = bands(measure)
    values = np.asarray(values, dtype=float)
    row = np.searchsorted(table["lower"].to_numpy()[1:], values, side="right")
    known = np.isfinite(values) | np.isposinf(values)
    return pd.DataFrame(
        {
            column: np.where(known, table[column].to_numpy(object)[np.where(known, row, 0)], "not known")
            for column in ("verdict", "signal")
        }
    )


def bin_edges(reference: pd.Series, bins: int = 10) -> np.ndarray:
    """Return inner bin edges: quantiles of the reference, without repeats (ties make fewer bins)."""
    values = reference.dropna().to_numpy(float)
    if len(values) == 0:
        raise UserError(f"'{reference.name}' has no value in the reference sample")
    return np.unique(np.quantile(values, np.arange(1, bins) / bins))


def bin_counts(reference: pd.Series, current: pd.Series, bins: int = 10) -> pd.DataFrame:
    """Return the counts of both samples in bins fixed by the reference: `bin`, `expected`, `actual`.

    Numbers fall into quantile bins (a value on an edge belongs to the bin below), categories into their own; a category
    the reference does not have is in `new`. A bin for missing values is there when either sample has one.
    """
    if pd.api.types.is_numeric_dtype(reference) and reference.nunique() > 2:
        edges = bin_edges(reference, bins)
        shown = [f"{value:.4g}" for value in edges]
        names = ["all"] if not shown else [f"≤ {shown[0]}"]
        names += [f"{low} to {high}" for low, high in pairwise(shown)]
        names += [f"> {shown[-1]}"] if shown else []
        sides = [_numbers(sample, edges, len(names)) for sample in (reference, current)]
    else:
        levels = sorted(reference.dropna().astype(str).unique())
        names = [*levels, "new"]
        sides = [_levels(sample, levels) for sample in (reference, current)]
    missing = [int(sample.isna().sum()) for sample in (reference, current)]
    table = pd.DataFrame(
        {"bin": [*names, MISSING], "expected": [*sides[0], missing[0]], "actual": [*sides[1], missing[1]]}
    )
    return table[(table["expected"] + table["actual"]) > 0].reset_index(drop=True)


def _numbers(sample: pd.Series, edges: np.ndarray, size: int) -> np.ndarray:
    place = np.searchsorted(edges, sample.dropna().to_numpy(float), side="left")
    return np.bincount(place, minlength=size)


def _levels(sample: pd.Series, levels: list[str]) -> list[int]:
    found = sample.dropna().astype(str).value_counts()
    known = found.reindex(levels, fill_value=0)
    return [*known.astype(int), int(found.sum() - known.sum())]


def psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Return the population stability index of two count vectors over the same bins."""
    return float(contributions(expected, actual).sum())


def contributions(expected: Sequence[float], actual: Sequence[float]) -> np.ndarray:
    """Return each bin's part of the PSI: (a − e) ln(a / e), shares after the rule for empty cells."""
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    if expected.sum() <= 0 or actual.sum() <= 0:
        raise UserError("a stability index needs customers in both samples")
    added = ADDED if (expected == 0).any() or (actual == 0).any() else 0.0
    e, a = expected + added, actual + added
    e, a = e / e.sum(), a / a.sum()
    return (a - e) * np.log(a / e)


def stability(
    expected: Sequence[float], actual: Sequence[float], measure: str = "psi", level: float = 0.95
) -> dict[str, object]:
    """Return the index of two count vectors with its benchmark and verdict, as one row.

    `benchmark` is the value that chance alone exceeds with probability 1 − level when nothing changed:
    (1/n + 1/m) χ²(level; B − 1); `p_value` belongs to the same test. With one bin both are NaN.
    """
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    value = psi(expected, actual)
    noise = 1 / expected.sum() + 1 / actual.sum()
    dof = len(expected) - 1
    return {
        "measure": measure,
        "estimate": value,
        "benchmark": noise * chi2.ppf(level, dof) if dof else np.nan,
        "dof": dof,
        "p_value": chi2.sf(value / noise, dof) if dof else np.nan,
        **judge([value], measure).iloc[0].to_dict(),
        "bins": len(expected),
        "smoothed": bool((expected == 0).any() or (actual == 0).any()),
        "n_reference": int(expected.sum()),
        "n": int(actual.sum()),
    }


def construct_stability(
    reference: pd.DataFrame, current: pd.DataFrame, constructs: Sequence[str] | None = None, bins: int = 10
) -> pd.DataFrame:
    """Return the CSI of each construct, the largest first.

    Args:
        constructs: columns of both frames; all shared columns that are no dates when not given.

    Returns:
        `construct` and the columns of `stability`, with `shift`: the change of the mean in standard deviations of the
        reference (numbers only, NaN for categories).
    """
    shared = [name for name in reference.columns if name in current.columns]
    names = list(constructs) if constructs is not None else shared
    for name in names:
        if name not in shared:
            raise UserError(f"construct '{name}' is not in both samples{nearest(name, shared)}")
    rows = []
    for name in names:
        old, new = reference[name], current[name]
        if pd.api.types.is_datetime64_any_dtype(old) or old.notna().sum() == 0:
            continue
        table = bin_counts(old, new, bins)
        shift = np.nan
        if pd.api.types.is_numeric_dtype(old) and old.std() > 0:
            shift = (new.mean() - old.mean()) / old.std()
        rows.append(
            {"construct": name, **stability(table["expected"], table["actual"], "csi"), "shift": shift}
        )
    columns = ["construct"] if not rows else list(rows[0])
    table = pd.DataFrame(rows, columns=columns)
    return (
        table.sort_values(["estimate", "construct"], ascending=[False, True], ignore_index=True)
        if rows
        else table
    )


def over_time(
    values: pd.DataFrame, column: str, reference: Sequence[int], bins: int = 10, measure: str = "psi"
) -> pd.DataFrame:
    """Return the index of every period against the pooled reference periods.

    Args:
        values: long frame with `period` and the column.
        reference: the periods that make the reference sample.

    Returns:
        `period`, the columns of `stability`, and `in_reference`.
    """
    chosen = values["period"].isin(list(reference))
    if not chosen.any():
        raise UserError(f"none of the reference periods {list(reference)} is in the data")
    base = values.loc[chosen, column]
    rows = []
    for period, part in values.groupby("period", sort=True):
        table = bin_counts(base, part[column], bins)
        row = stability(table["expected"], table["actual"], measure)
        rows.append({"period": period, **row, "in_reference": period in set(reference)})
    return pd.DataFrame(rows)
