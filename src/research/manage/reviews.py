"""The review calendar: which part of the tiering is looked at how often, by whom, and what is decided."""

from __future__ import annotations

import pandas as pd

from research.paths import DEFINITIONS


def review_items() -> pd.DataFrame:
    """Return one row per review: item, requirement, label, label_zh, cadence_months, owner, reads, decides."""
    return pd.read_csv(DEFINITIONS / "review_calendar.csv")
