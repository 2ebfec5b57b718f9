"""Find the valuable, part the needs: do the tiers differ in value and in need?"""

from __future__ import annotations

import numpy as np
from scipy.stats import entropy
from sklearn.metrics.cluster import expected_mutual_information

from research import contingency


def eta_squared(size: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return (...) the share of the variance of value that lies between tiers (one-way ANOVA η²).

    `size`, `total`, `squares`: (..., 4) customers, sum of value, sum of squared value per tier.
    """
    n = size.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = total.sum(-1) ** 2 / n
        between = (
            np.divide(total**2, size, out=np.zeros_like(total, dtype=float), where=size > 0).sum(-1) - centre
        )
        return between / (squares.sum(-1) - centre)


def concentration(size: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return (...) the Lorenz concentration of value over tiers, premium first: 2 × area above the diagonal.

    0 when every tier holds its share of customers, towards 1 when the premium end holds all value, below 0
    when the high-risk end holds more (the Gini coefficient of the Lorenz curve ordered by tier).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = size / size.sum(-1, keepdims=True)
        value = np.cumsum(total, -1) / total.sum(-1, keepdims=True)
    before = np.concatenate([np.zeros((*value.shape[:-1], 1)), value[..., :-1]], axis=-1)
    return (share * (before + value)).sum(-1) - 1


def premium_value_share(total: np.ndarray) -> np.ndarray:
    """Return (...) the share of all value that sits in the premium tier."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return total[..., 0] / total.sum(-1)


def premium_gap(size: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return (...) how much more a premium customer is worth than one of the rest, in standard deviations of all.

    `size`, `total`, `squares`: (..., 4) customers, sum of value, sum of squared value per tier, premium first.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        n, mean = size.sum(-1), total.sum(-1) / size.sum(-1)
        spread = np.sqrt((squares.sum(-1) - n * mean**2) / (n - 1))
        rest = (total.sum(-1) - total[..., 0]) / (n - size[..., 0])
        return (total[..., 0] / size[..., 0] - rest) / spread


def cramers_v(tables: np.ndarray) -> np.ndarray:
    """Return (...) the bias-corrected Cramér's V of the last two axes (Bergsma 2013); empty rows and columns drop."""
    tables = np.asarray(tables, dtype=float)
    n = tables.sum(axis=(-1, -2))
    row, column = tables.sum(-1, keepdims=True), tables.sum(-2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = row * column / n[..., None, None]
        chi2 = np.divide(
            (tables - expected) ** 2, expected, out=np.zeros_like(tables), where=expected > 0
        ).sum((-1, -2))
    return contingency.cramers_v(chi2, n, (row > 0).sum((-1, -2)), (column > 0).sum((-1, -2)))


def adjusted_mutual_information(tables: np.ndarray) -> np.ndarray:
    """Return (...) the adjusted mutual information of the last two axes (Vinh, Epps and Bailey 2010).

    (MI - E[MI]) / ((H_rows + H_columns) / 2 - E[MI]); the expectation is scikit-learn's. 1 when both sides have one
    group only, as in scikit-learn.
    """
    tables = np.asarray(tables, dtype=float)
    n = tables.sum(axis=(-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        joint = tables / n[..., None, None]
        rows, columns = joint.sum(-1), joint.sum(-2)
        both = entropy(rows, axis=-1) + entropy(columns, axis=-1)
        mutual = both - entropy(joint.reshape(*joint.shape[:-2], -1), axis=-1)
        expected = np.array(
            [expected_mutual_information(t, int(t.sum())) for t in tables.reshape(-1, *tables.shape[-2:])]
        )
    gain, room = mutual - expected.reshape(n.shape), both / 2 - expected.reshape(n.shape)
    return np.divide(gain, room, out=np.ones_like(gain), where=both > 0)
