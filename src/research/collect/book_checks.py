"""The bounds by which a loan book is judged before a study runs on it."""

from __future__ import annotations

from functools import cache

import pandas as pd

from research.paths import DEFINITIONS

BOOK_CHECKS_FILE = DEFINITIONS / "book_checks.csv"


@cache
def _values() -> dict[str, float]:
    table = pd.read_csv(BOOK_CHECKS_FILE, encoding="utf-8")
    return dict(zip(table["check"], table["value"].astype(float), strict=True))


def bound(check: str) -> float:
    """Return the bound of a check in `book_checks.csv`."""
    return _values()[check]
