"""Find the risky: does the default rate rise from tier to tier?

Tables have tiers on the second last axis (premium first) and (good, bad) on the last; further axes in front are
folds or bootstrap samples.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.contingency_tables import Table


def default_rates(tables: np.ndarray) -> np.ndarray:
    """Return (..., 4) default rate per tier; NaN for an empty tier."""
    size = tables.sum(axis=-1)
    return np.divide(tables[..., 1], size, out=np.full(size.shape, np.nan), where=size > 0)


def strictly_ordered(tables: np.ndarray) -> np.ndarray:
    """Return (...) True where every tier has customers and a higher default rate than the tier before it."""
    return (np.diff(default_rates(tables), axis=-1) > 0).all(axis=-1)


def trend_effect(tables: np.ndarray) -> np.ndarray:
    """Return (...) the correlation of tier rank and outcome, the effect size of the trend: z = r sqrt(N)."""
    tables = np.asarray(tables, dtype=float)
    rank = np.arange(tables.shape[-2], dtype=float)
    size, bad, n = tables.sum(axis=-1), tables[..., 1], tables.sum(axis=(-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (size * rank).sum(-1) / n
        share = bad.sum(-1) / n
        covariance = (bad * rank).sum(-1) / n - mean * share
        spread = (size * rank**2).sum(-1) / n - mean**2
        return covariance / np.sqrt(spread * share * (1 - share))


def cochran_armitage(table: np.ndarray) -> pd.DataFrame:
    """Test one (4, 2) table for a trend of the default rate over tiers (Cochran 1954, Armitage 1955).

    statsmodels computes the permutation form of the statistic, which has N - 1 where the test has N; it is scaled back.

    Returns:
        One row `statistic` (z, above 0 when riskier tiers default more), `p_value`, `effect` (correlation), `n`.
    """
    n = float(np.sum(table))
    z = Table(np.asarray(table, dtype=float)).test_ordinal_association().zscore * np.sqrt(n / (n - 1))
    effect = float(trend_effect(table))
    return pd.DataFrame([{"statistic": z, "p_value": 2 * norm.sf(abs(z)), "effect": effect, "n": int(n)}])


def information_value(tables: np.ndarray) -> np.ndarray:
    """Return (...) the information value of the groups on the second last axis.

    IV = sum over groups of (share of good - share of bad) × ln(share of good / share of bad); a group with customers
    of one kind only gets half a customer of the other kind, an empty group counts nothing (Siddiqi 2006).
    """
    tables = np.asarray(tables, dtype=float)
    used = tables.sum(axis=-1) > 0
    filled = np.where((tables == 0) & used[..., None], 0.5, tables)
    totals = tables.sum(axis=-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = filled / totals
        parts = (share[..., 0] - share[..., 1]) * np.log(share[..., 0] / share[..., 1])
    return np.where(used, parts, 0.0).sum(axis=-1)
