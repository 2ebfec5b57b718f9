"""Roll rates: how arrears roll from one bucket to the next, month by month."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from research.errors import UserError
from research.manage.migration import counts, moves, probabilities

CURRENT = "current"
BUCKET = re.compile(rf"{CURRENT}|\d+\+? months?")


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


def roll_rates(
    panel: pd.DataFrame, largest: int = 3, ends: pd.DataFrame | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return the monthly transition matrix of arrears buckets, pooled over all months.

    Args:
        panel: `customer_id`, `period`, `status` (months past due). Rows with unknown status are left out, which makes
            the neighbouring moves withdrawn.
        largest: the last bucket (see `buckets`); a default state reached at that many months is simply this bucket.
        ends: optional `customer_id`, `period`, `state` of customers who ended in a state of their own, such as closed.

    Returns:
        The long matrix of `migration.migration`.
    """
    names = bucket_names(largest)
    long = panel[["customer_id", "period"]].assign(tier=buckets(panel["status"], largest))
    absorbing = [] if ends is None else sorted(ends["state"].unique())
    if absorbing:
        states = pd.CategoricalDtype([*names, *absorbing])
        closed = ends[["customer_id", "period"]].assign(tier=ends["state"].astype(states))
        taken = pd.MultiIndex.from_frame(closed[["customer_id", "period"]])
        ended = long["customer_id"].isin(closed["customer_id"])
        ended[ended] = pd.MultiIndex.from_frame(long.loc[ended, ["customer_id", "period"]]).isin(taken)
        long = pd.concat([long[~ended].astype({"tier": states}), closed], ignore_index=True)
    long = long[long["tier"].notna()]
    return probabilities(counts(moves(long, names, absorbing)), "exclude", level)


def summary(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return what becomes of each bucket: the chance to get worse, stay, get better, be current again, and to end.

    Args:
        matrix: the long matrix of `roll_rates`.

    Returns:
        One row per bucket somebody was in: `from`, `worse`, `stay`, `better`, `cured` (shares; cured is part of
        better), `ended` (share in a state that is no bucket, such as closed; neither better nor worse), `n`.
    """
    seen = matrix.loc[matrix["n"] > 0, "from"]
    names = [state for state in dict.fromkeys(matrix["to"]) if BUCKET.fullmatch(state)]
    place = {name: rank for rank, name in enumerate(names)}  # other states have no rank
    rows = []
    for name, part in matrix.groupby("from", sort=False, observed=True):
        if name not in set(seen):
            continue
        rank = part["to"].map(place).to_numpy(float)
        share = part["estimate"].to_numpy(float)
        here = place[name]
        rows.append(
            {
                "from": name,
                "worse": share[rank > here].sum(),
                "stay": share[rank == here].sum(),
                "better": share[rank < here].sum(),
                "cured": share[rank == 0].sum() if here else np.nan,
                "ended": share[np.isnan(rank)].sum(),
                "n": int(part["n"].iloc[0]),
            }
        )
    return pd.DataFrame(rows)
