"""Find the risky: how well a score separates bad from good customers.

All functions take y (n,) 0/1 and a score (n,) that is higher for riskier customers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import isotonic_regression
from scipy.special import betainc

from research.errors import UserError


def curve(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bad and good customers at each distinct score, from the riskiest score down (two arrays)."""
    y, score = _checked(y, score)
    order = np.argsort(-score, kind="stable")
    ranked, bad = score[order], y[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    bad_so_far = np.cumsum(bad)[last]
    good_so_far = last + 1 - bad_so_far
    return np.diff(bad_so_far, prepend=0.0), np.diff(good_so_far, prepend=0.0)


def auc_of_groups(bad: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return the AUC from counts per score group, riskiest group first on the last axis; ties count one half."""
    bad, good = np.asarray(bad, dtype=float), np.asarray(good, dtype=float)
    beaten = good.sum(axis=-1, keepdims=True) - np.cumsum(good, axis=-1)
    pairs = bad.sum(axis=-1) * good.sum(axis=-1)
    won = (bad * (beaten + good / 2)).sum(axis=-1)
    return np.divide(won, pairs, out=np.full(won.shape, np.nan), where=pairs > 0)


def ks_of_groups(bad: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return the largest distance between the two cumulative distributions; groups on the last axis."""
    bad, good = np.asarray(bad, dtype=float), np.asarray(good, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.cumsum(bad, -1) / bad.sum(-1, keepdims=True) - np.cumsum(good, -1) / good.sum(
            -1, keepdims=True
        )
    return np.abs(gap).max(axis=-1)


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve."""
    return float(auc_of_groups(*curve(y, score)))


def gini(y: np.ndarray, score: np.ndarray) -> float:
    """Return the Gini coefficient 2 AUC - 1 (also called accuracy ratio or area ratio)."""
    return 2 * auc(y, score) - 1


def hull(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bad and good customers per segment of the ROC convex hull, steepest segment first.

    The hull is the isotonic fit of the default rate on the score: pooling adjacent violators (Fawcett and
    Niculescu-Mizil 2007).
    """
    return hull_of_groups(*curve(y, score))


def hull_of_groups(bad: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hull segments of counts per score group, riskiest group first (one-dimensional)."""
    size = bad + good
    bad, good, size = bad[size > 0], good[size > 0], size[size > 0]
    fit = isotonic_regression(bad / size, weights=size, increasing=False)
    starts = fit.blocks[:-1]
    return np.add.reduceat(bad, starts), np.add.reduceat(good, starts)


def h_measure(y: np.ndarray, score: np.ndarray) -> float:
    """Return the H-measure with the default severity: cost ~ Beta(2, 1 + good / bad).

    H = 1 - L / L_max, where L is the smallest expected misclassification loss over thresholds, averaged over the
    cost distribution (Hand 2009; default of Hand and Anagnostopoulos 2014, mode at the share of bad customers).
    """
    return h_of_segments(*hull(y, score))


def h_of_segments(bad: np.ndarray, good: np.ndarray) -> float:
    """Return the H-measure from the segments of the ROC convex hull (see `hull`)."""
    n_bad, n_good = bad.sum(), good.sum()
    share = n_bad / (n_bad + n_good)
    a, b = 2.0, 1.0 + n_good / n_bad

    def false_alarm(cost: np.ndarray) -> np.ndarray:
        return a / (a + b) * betainc(a + 1, b, cost)

    def missed(cost: np.ndarray) -> np.ndarray:
        return b / (a + b) * betainc(a, b + 1, cost)

    switch = np.concatenate([[1.0], bad / (bad + good), [0.0]])
    alarms = np.concatenate([[0.0], np.cumsum(good)]) / n_good
    misses = 1 - np.concatenate([[0.0], np.cumsum(bad)]) / n_bad
    loss = (1 - share) * (alarms * -np.diff(false_alarm(switch))).sum()
    loss += share * (misses * -np.diff(missed(switch))).sum()
    worst = (1 - share) * false_alarm(share) + share * (missed(1.0) - missed(share))
    return float(1 - loss / worst)


def delong(y: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the AUC (m,) and covariance (m, m) of m scores of the same customers, by one sort per score.

    The placement of a bad customer is the share of good customers it beats (ties one half), and the reverse;
    the covariance of the means of placements is that of DeLong et al. (1988), after Sun and Xu (2014).

    Args:
        y: (n,) 0/1.
        scores: (m, n) or (n,).
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    checked = np.asarray(y, dtype=float)
    n_bad, n_good = int(checked.sum()), int(len(checked) - checked.sum())
    if min(n_bad, n_good) < 2:
        raise UserError(
            f"outcome: found {n_bad} bad and {n_good} good customers, expected two of each at least"
        )
    bad = checked == 1
    of_bad, of_good = np.empty((len(scores), n_bad)), np.empty((len(scores), n_good))
    for row, score in enumerate(scores):
        _checked(checked, score)
        order = np.argsort(score)
        ranked = score[order]
        start = np.append(True, ranked[1:] != ranked[:-1])
        group = np.cumsum(start) - 1
        bad_in = np.bincount(group, weights=bad[order])
        good_in = np.bincount(group) - bad_in
        place_bad = (np.cumsum(good_in) - good_in / 2) / n_good
        place_good = 1 - (np.cumsum(bad_in) - bad_in / 2) / n_bad
        place = np.empty(len(score))
        place[order] = np.where(bad[order], place_bad[group], place_good[group])
        of_bad[row], of_good[row] = place[bad], place[~bad]
    return of_bad.mean(axis=1), _covariance(of_bad) / n_bad + _covariance(of_good) / n_good


def _covariance(rows: np.ndarray) -> np.ndarray:
    # einsum rather than numpy.cov, whose matrix product starts threads for a few thousand numbers
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.einsum("ik,jk->ij", centred, centred) / (rows.shape[1] - 1)


def delong_interval(y: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Return one row `measure, estimate, ci_low, ci_high, n` for the AUC, the interval clipped to 0..1."""
    areas, covariance = delong(y, score)
    half = stats.norm.ppf(0.975) * np.sqrt(covariance[0, 0])
    low, high = np.clip([areas[0] - half, areas[0] + half], 0, 1)
    return pd.DataFrame(
        [{"measure": "auc", "estimate": areas[0], "ci_low": low, "ci_high": high, "n": len(y)}]
    )


def _checked(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, score = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    if np.isnan(score).any():
        raise UserError(f"risk score: found {int(np.isnan(score).sum())} missing values, expected none")
    return y, score
