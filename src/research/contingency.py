"""How strongly two classifications go together, written once for all families."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def cramers_v(statistic: ArrayLike, n: ArrayLike, rows: ArrayLike, columns: ArrayLike) -> np.ndarray:
    """Return Cramér's V corrected for bias (Bergsma 2013, J. Korean Stat. Soc. 42, 323–328).

    The excess of χ² / n over its expectation under independence, over the largest excess a table of this shape allows.
    NaN where that is 0: one row or column, or as many rows as cases.

    Args:
        statistic: Pearson's χ² of the table, without continuity correction; shape (...), as the other arguments.
        n: cases in the table.
        rows, columns: rows and columns in use.
    """
    statistic, n, rows, columns = (np.asarray(part, dtype=float) for part in (statistic, n, rows, columns))
    with np.errstate(invalid="ignore", divide="ignore"):
        phi2 = np.maximum(0, statistic / n - (rows - 1) * (columns - 1) / (n - 1))
        r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
        return np.sqrt(phi2 / (np.minimum(r, c) - 1))
