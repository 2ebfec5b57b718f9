"""The bounds by which a loan book is judged before a study runs on it."""

from __future__ import annotations

from functools import cache

from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

BOOK_CHECKS_FILE = DEFINITIONS / "book_checks.csv"


@cache
def bound(check: str) -> float:
    """Return the bound of a check in `book_checks.csv`."""
    return float(own_csv(BOOK_CHECKS_FILE).set_index("check").at[check, "value"])
