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
    row = np.searchsorted(table["lower"].to_numpy()[1:], values, side="right")  # NaN lies in the last band
    found = table[["verdict", "signal"]].iloc[row].reset_index(drop=True)
    found[np.isnan(values)] = "not known"
    return found


def bin_edges(reference: pd.Series, bins: int = 10) -> np.ndarray:
    """Return inner bin edges: quantiles of the reference, without repeats (ties make fewer bins)."""
    return np.unique(np.quantile(reference.dropna().to_numpy(float), np.arange(1, bins) / bins))


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
        places = [np.searchsorted(edges, sample.dropna().to_numpy(float)) for sample in (reference, current)]
    else:
        levels = sorted(reference.dropna().astype(str).unique())
        names = [*levels, "new"]  # one that is none of the levels has the place −1
        places = [pd.Index(levels).get_indexer(side.dropna().astype(str)) for side in (reference, current)]
    counts = {}
    for side, sample, place in zip(("expected", "actual"), (reference, current), places, strict=True):
        counts[side] = [*np.bincount(place % len(names), minlength=len(names)), sample.isna().sum()]
    table = pd.DataFrame({"bin": [*names, MISSING], **counts})
    return table[(table["expected"] + table["actual"]) > 0].reset_index(drop=True)


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


def stability(expected: Sequence[float], actual: Sequence[float], measure: str = "psi") -> dict[str, object]:
    """Return the index of two count vectors with its verdict, as one row.

    `benchmark` is the value that chance alone exceeds in one case of twenty when nothing changed:
    (1/n + 1/m) χ²(0.95; B − 1); `p_value` belongs to the same test. With one bin both are NaN.
    """
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    value, dof = psi(expected, actual), len(expected) - 1
    noise = 1 / expected.sum() + 1 / actual.sum()
    return {
        "measure": measure,
        "estimate": value,
        "benchmark": noise * chi2.ppf(0.95, dof) if dof else np.nan,
        "p_value": chi2.sf(value / noise, dof) if dof else np.nan,
        **judge([value], measure).iloc[0].to_dict(),
        "n": int(actual.sum()),
    }


def construct_stability(reference: pd.DataFrame, current: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the CSI of each construct (`construct` and the columns of `stability`), the largest first."""
    rows = []
    for name in names:
        if reference[name].notna().any():
            table = bin_counts(reference[name], current[name])
            rows.append({"construct": name, **stability(table["expected"], table["actual"], "csi")})
    table = pd.DataFrame(rows)
    return table.sort_values(["estimate", "construct"], ascending=[False, True], ignore_index=True)


def over_time(values: pd.DataFrame, column: str, reference: Sequence[int]) -> pd.DataFrame:
    """Return the index of every period against the pooled reference periods: `period`, the columns of `stability`.

    Args:
        values: long frame with `period` and the column.
        reference: the periods that make the reference sample.
    """
    base, rows = values.loc[values["period"].isin(list(reference)), column], []
    for period, part in values.groupby("period", sort=True):
        table = bin_counts(base, part[column])
        rows.append({"period": period, **stability(table["expected"], table["actual"])})
    return pd.DataFrame(rows)
