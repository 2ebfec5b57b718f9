"""Tests between models: on one data set from resampled folds, and across data sets from ranks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from research.errors import UserError


def corrected_interval(values: np.ndarray, test_train_ratio: float) -> tuple[float, float, float]:
    """Return the mean of resampled values and its 95 % interval by the Nadeau-Bengio variance (1/J + n2/n1) s²."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if len(values) < 2:
        return mean, np.nan, np.nan
    error = np.sqrt((1 / len(values) + test_train_ratio) * values.var(ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1) * error)
    return mean, mean - half, mean + half


def corrected_t(differences: np.ndarray, test_train_ratio: float) -> pd.DataFrame:
    """Test whether two models differ, from the differences of their scores on the same J train-test splits.

    t = mean / sqrt((1 / J + n_test / n_train) × s²), J - 1 degrees of freedom, two-sided: training sets overlap, so the
    plain variance is too small (Nadeau and Bengio 2003; for repeated k-fold Bouckaert and Frank 2004). Splits without
    a value for both models are left out, `n` counts the rest.

    Returns:
        One row `difference, ci_low, ci_high, statistic, dof, p_value, n`.
    """
    return pd.DataFrame([_corrected(differences, test_train_ratio)])


def _corrected(differences: np.ndarray, test_train_ratio: float) -> dict[str, float]:
    d = np.asarray(differences, dtype=float)
    d = d[~np.isnan(d)]
    mean, low, high = corrected_interval(d, test_train_ratio)
    if len(d) < 2:
        statistic = p_value = np.nan
    elif np.ptp(d) == 0:
        # the same difference on every split: no difference at all, or a certain one
        statistic, p_value = (0.0, 1.0) if mean == 0 else (np.inf * np.sign(mean), 0.0)
    else:
        statistic = mean / np.sqrt((1 / len(d) + test_train_ratio) * d.var(ddof=1))
        p_value = float(2 * stats.t.sf(abs(statistic), len(d) - 1))
    return {
        "difference": mean,
        "ci_low": low,
        "ci_high": high,
        "statistic": statistic,
        "dof": max(len(d) - 1, 0),
        "p_value": p_value,
        "n": len(d),
    }


def average_ranks(scores: pd.DataFrame) -> pd.Series:
    """Return the mean rank of each model (columns) over data sets (rows); 1 = highest, ties share their ranks."""
    return scores.rank(axis=1, ascending=False).mean()


def friedman(scores: pd.DataFrame) -> pd.DataFrame:
    """Test whether models differ across data sets, by ranks, without a correction for ties.

    χ²_F = 12 N / (k (k + 1)) × (sum R² - k (k + 1)² / 4) and the Iman-Davenport F_F = (N - 1) χ²_F / (N (k - 1) - χ²_F)
    with k - 1 and (k - 1)(N - 1) degrees of freedom (Demšar 2006).

    Args:
        scores: one row per data set, one column per model; higher is better.

    Returns:
        Two rows `test, statistic, dof, dof_2, p_value, models, datasets`.
    """
    n, k = _shape(scores)
    ranks = average_ranks(scores).to_numpy()
    chi2 = 12 * n / (k * (k + 1)) * ((ranks**2).sum() - k * (k + 1) ** 2 / 4)
    room = n * (k - 1) - chi2
    f = (n - 1) * chi2 / room if room > 1e-12 else np.inf
    dof, dof_2 = k - 1, (k - 1) * (n - 1)
    return pd.DataFrame(
        [{"test": "Friedman", "statistic": chi2, "dof": dof, "dof_2": np.nan, "p_value": stats.chi2.sf(chi2, dof)},
         {"test": "Iman-Davenport", "statistic": f, "dof": dof, "dof_2": dof_2, "p_value": stats.f.sf(f, dof, dof_2)}]
    ).assign(models=k, datasets=n)  # fmt: skip


def critical_difference(models: int, datasets: int, alpha: float = 0.05) -> float:
    """Return the Nemenyi critical difference of mean ranks, q_alpha sqrt(k (k + 1) / (6 N)) (Demšar 2006).

    q_alpha is the quantile of the studentised range with infinite degrees of freedom divided by sqrt(2).
    """
    q = stats.studentized_range.ppf(1 - alpha, models, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(models * (models + 1) / (6 * datasets)))


def nemenyi(scores: pd.DataFrame) -> pd.DataFrame:
    """Compare all pairs of models across data sets by the distance of their mean ranks (Nemenyi, by scikit-posthocs).

    Returns:
        One row per pair of the columns of `scores`, as for `friedman`: `model_a, model_b, rank_a, rank_b, p_value`.
    """
    import scikit_posthocs  # slow to import, used here only

    _shape(scores)
    ranks = average_ranks(scores)
    found = scikit_posthocs.posthoc_nemenyi_friedman(scores.to_numpy()).to_numpy()
    rows = [
        {"model_a": a, "model_b": b, "rank_a": ranks[a], "rank_b": ranks[b], "p_value": found[i, j]}
        for (i, a), (j, b) in combinations(enumerate(scores.columns), 2)
    ]
    return pd.DataFrame(rows)


def _shape(scores: pd.DataFrame) -> tuple[int, int]:
    n, k = scores.shape
    if scores.isna().to_numpy().any():
        raise UserError(
            "ranks across data sets: found missing scores, expected every model on every data set"
        )
    if n < 2 or k < 2:
        raise UserError(
            f"ranks across data sets: found {n} data sets and {k} models, expected two of each at least"
        )
    return n, k
