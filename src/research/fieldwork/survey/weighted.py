"""How strongly two weighted answers go together, with design-based intervals: every person a unit, one weight each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit

from research.contingency import cramers_v


class Linearised(NamedTuple):
    """An estimate, and what each person adds to its error: the parts add up to nought.

    Sums and differences of estimates have the sums and differences of the parts.
    """

    estimate: float
    influence: np.ndarray

    def interval(self) -> tuple[float, float]:
        """Return estimate ± t · √(n/(n−1) · Σ influence²), n − 1 degrees of freedom (Taylor linearisation), to 95 %.

        People who did not answer count among the n with an influence of nought, as members of no subpopulation do.
        """
        n = len(self.influence)
        if n < 2:
            return np.nan, np.nan
        error = np.sqrt(n / (n - 1) * np.square(self.influence).sum())
        half = float(stats.t.isf((1 - 0.95) / 2, n - 1) * error)
        return self.estimate - half, self.estimate + half

    def share_interval(self) -> tuple[float, float]:
        """Return the interval of a share, made on the logit scale so that it stays between 0 and 1."""
        p = self.estimate
        if not 0 < p < 1:
            return p, p
        centre = np.log(p / (1 - p))
        low, high = Linearised(centre, self.influence / (p * (1 - p))).interval()
        return float(expit(low)), float(expit(high))


def association(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> Linearised:
    """Return Cramér's V of two classifications of weighted people, corrected for bias.

    φ² = Σ p²ij / (pi· p·j) − 1 is taken of the weighted shares. Its expectation under independence is subtracted as
    `research.contingency.cramers_v` does, with Kish's effective number (Σw)² / Σw² for the number of people. The
    influence is that of φ² (Särndal, Swensson and Wretman 1992, §5.5), carried over to V by the chain rule; it is
    nought where the corrected φ² is.

    Args:
        rows, columns: codes from 0, one per person; −1 where there is none, which leaves the person out.
        weights: one per person, above nought.
    """
    used = (rows >= 0) & (columns >= 0)
    i, j, w = rows[used], columns[used], weights[used]
    table = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(table, (i, j), w)
    p = table / table.sum()
    by_row, by_column = p.sum(axis=1), p.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a class that nobody is in
        ratio = np.nan_to_num(p / np.outer(by_row, by_column))
        from_row = np.nan_to_num((p * ratio).sum(axis=1) / by_row)
        from_column = np.nan_to_num((p * ratio).sum(axis=0) / by_column)
    phi2 = float((p * ratio).sum() - 1)
    n = effective(w)
    r, c = int((by_row > 0).sum()), int((by_column > 0).sum())
    v = float(cramers_v(phi2 * n, n, r, c))
    influence = np.zeros(len(rows))
    if v > 0:
        slope = v / (2 * (phi2 - (r - 1) * (c - 1) / (n - 1)))
        influence[used] = slope * w / w.sum() * (2 * ratio - from_row[:, None] - from_column)[i, j]
    return Linearised(v, influence)


def effective(weights: np.ndarray) -> float:
    """Return Kish's effective number of people, (Σw)² / Σw²: their number over the design effect of the weights."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def mean(parts: list[Linearised]) -> Linearised:
    """Return the mean of estimates from the same people."""
    return Linearised(
        float(np.mean([part.estimate for part in parts])), np.mean([part.influence for part in parts], axis=0)
    )


def difference(first: Linearised, second: Linearised) -> Linearised:
    """Return the first estimate minus the second, both from the same people."""
    return Linearised(first.estimate - second.estimate, first.influence - second.influence)


def average(values: np.ndarray, weights: np.ndarray) -> Linearised:
    """Return the weighted mean of values, of 0 and 1 the share; a missing value leaves the person out."""
    used = ~np.isnan(values)
    w = np.where(used, weights, 0.0)
    estimate = float(np.where(used, values, 0.0) @ w / w.sum())
    return Linearised(estimate, np.where(used, w * (np.nan_to_num(values) - estimate) / w.sum(), 0.0))
