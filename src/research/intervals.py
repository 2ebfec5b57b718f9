"""The interval of a rate, and that of resampled values, written once for all families."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv  # scipy.stats, whose beta.ppf is the same, takes long to import


def jeffreys(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the Jeffreys interval of events / n: quantiles of Beta(events + ½, n − events + ½).

    The lower end is 0 when there are no events and the upper end is 1 when there are only events, so that the interval
    contains the rate (Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286). Where n is 0 both ends are NaN.

    Args:
        events, n: counts of one shape; means of counts over repeats are allowed.
        level: the coverage aimed at.
    """
    events, n = np.asarray(events, dtype=float), np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    low = np.where(events == 0, 0.0, betaincinv(events + 0.5, n - events + 0.5, tail))
    high = np.where(events == n, 1.0, betaincinv(events + 0.5, n - events + 0.5, 1 - tail))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def percentile(drawn: ArrayLike, resamples: int) -> tuple[float, float]:
    """Return the middle 95 % of what `resamples` resamples gave; NaN where fewer than half of them gave a number."""
    known = np.asarray(drawn, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) < max(resamples / 2, 1):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - 0.95) / 2, 1 - (1 - 0.95) / 2])
    return float(low), float(high)
