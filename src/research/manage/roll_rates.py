"""Roll rates: how arrears roll from one bucket to the next, month by month."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    codes = status.clip(lower=0, upper=largest).fillna(-1).astype(int)
    return pd.Series(
        pd.Categorical.from_codes(codes, bucket_names(largest), ordered=True), index=status.index
    )


def roll_rates(panel: pd.DataFrame, largest: int = 3) -> pd.DataFrame:
    """Return the monthly transition matrix of arrears buckets, pooled over all months, see `migration.probabilities`.

    Args:
        panel: `customer_id`, `period`, `status` (months past due). Rows with unknown status are left out, which makes
            the neighbouring moves withdrawn.
        largest: the last bucket (see `buckets`); a default state reached at that many months is simply this bucket.
    """
    long = panel[["customer_id", "period"]].assign(tier=buckets(panel["status"], largest))
    return probabilities(counts(moves(long[long["tier"].notna()], bucket_names(largest))))


def summary(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return what becomes of each bucket that somebody was in, from the matrix of `roll_rates`.

    Returns:
        `from`, `worse`, `stay`, `better`, `cured` (shares; cured is the part of better that is current again), `n`.
    """
    rows = []
    for here, (name, part) in enumerate(matrix.groupby("from", sort=False, observed=True)):
        share, n = part["estimate"].to_numpy(float), int(part["n"].iloc[0])
        if n:
            worse, better = share[here + 1 :].sum(), share[:here].sum()
            rows.append((name, worse, share[here], better, share[0] if here else np.nan, n))
    return pd.DataFrame(rows, columns=["from", "worse", "stay", "better", "cured", "n"])
