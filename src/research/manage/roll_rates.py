"""Roll rates: how arrears roll from one bucket to the next, month by month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.manage.migration import counts, moves, probabilities

CURRENT = "current"


def bucket_names(largest: int = 3) -> list[str]:
    """Return the buckets: current, 1 month, 2 months, …, `largest` months or more."""
    middle = [f"{count} month{'s' if count > 1 else ''}" for count in range(1, largest)]
    return [CURRENT, *middle, f"{largest}+ months"]


def buckets(status: pd.Series, largest: int = 3) -> pd.Series:
    """Return the bucket of each month's arrears.

    Args:
        status: months past due; zero and below is current (in the Taiwan data −2 no use, −1 paid in full and 0 minimum
            paid are all current).
        largest: the last bucket takes this many months and more.
    """
    if largest < 1:
        raise UserError(f"the last bucket needs at least one month, found {largest}")
    code = status.clip(lower=0, upper=largest)
    known = code.notna()
    codes = np.where(known, code.fillna(0), -1).astype(int)
    return pd.Series(
        pd.Categorical.from_codes(codes, bucket_names(largest), ordered=True), index=status.index
    )


def roll_rates(panel: pd.DataFrame, largest: int = 3, level: float = 0.95) -> pd.DataFrame:
    """Return the monthly transition matrix of arrears buckets, pooled over all months.

    Args:
        panel: `customer_id`, `period`, `status` (months past due). Rows with unknown status are left out, which makes
            the neighbouring moves withdrawn.
        largest: the last bucket (see `buckets`); a default state reached at that many months is simply this bucket.

    Returns:
        The long matrix of `migration.probabilities`.
    """
    long = panel[["customer_id", "period"]].assign(tier=buckets(panel["status"], largest))
    return probabilities(counts(moves(long[long["tier"].notna()], bucket_names(largest))), level)


def summary(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return what becomes of each bucket: the chance to get worse, stay, get better, and be current again.

    Args:
        matrix: the long matrix of `roll_rates`.

    Returns:
        One row per bucket somebody was in: `from`, `worse`, `stay`, `better`, `cured` (shares; cured is part of
        better), `n`.
    """
    rows = []
    for here, (name, part) in enumerate(matrix.groupby("from", sort=False, observed=True)):
        share, n = part["estimate"].to_numpy(float), int(part["n"].iloc[0])
        if n:
            rows.append(
                {
                    "from": name,
                    "worse": share[here + 1 :].sum(),
                    "stay": share[here],
                    "better": share[:here].sum(),
                    "cured": share[0] if here else np.nan,
                    "n": n,
                }
            )
    return pd.DataFrame(rows)
