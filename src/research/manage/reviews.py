"""The review calendar: which part of the tiering is looked at when, by whom, and what is decided."""

from __future__ import annotations

import pandas as pd

from research.errors import UserError
from research.paths import DEFINITIONS


def review_items() -> pd.DataFrame:
    """Return one row per review: item, requirement, label, label_zh, cadence_months, owner, reads, decides."""
    return pd.read_csv(DEFINITIONS / "review_calendar.csv")


def calendar(start: str | pd.Timestamp, months: int = 12, items: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return every review that falls due in the `months` from `start`, in order of date.

    Args:
        start: a date; its month is the first. Reviews are due on the last day of a month.
        months: how far to look.

    Returns:
        `due` (date), `month` (1 = the start's month), then the columns of `review_items`.
    """
    table = review_items() if items is None else items
    if months < 1:
        raise UserError(f"the review calendar needs at least one month, found {months}")
    if (table["cadence_months"] < 1).any():
        item = table.loc[table["cadence_months"] < 1, "item"].iloc[0]
        raise UserError(f"review '{item}': cadence_months must be at least 1")
    first = pd.Timestamp(start).to_period("M")
    rows = [
        {"due": (first + month - 1).to_timestamp(how="end").normalize(), "month": month, **row}
        for row in table.to_dict("records")
        for month in range(row["cadence_months"], months + 1, row["cadence_months"])
    ]
    return pd.DataFrame(rows).sort_values(["due", "cadence_months", "item"], ignore_index=True)
