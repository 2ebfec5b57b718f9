"""Windows before a reference date: a number of calendar months, a number of days, or the whole history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from research.errors import UserError

LONGEST = 120  # months


@dataclass(frozen=True)
class Window:
    """The days [reference − length, reference). With neither months nor days it is the whole history."""

    months: int | None = None
    days: int | None = None

    @property
    def label(self) -> str:
        """Return what ends the name of a feature: 12m, 180d or all."""
        if self.months:
            return f"{self.months}m"
        return f"{self.days}d" if self.days else "all"


def parse_windows(text: str) -> tuple[Window, ...]:
    """Read windows such as `3,6,12` (months), `180d` (days) or `all`; UserError names the one that is none."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,4})(m|d|)|all", part)
        size = int(match[1]) if match and match[1] else 0
        in_days = bool(match) and match[2] == "d"
        if not match or (part != "all" and size == 0) or (not in_days and size > LONGEST):
            expected = f"months from 1 to {LONGEST} such as 12, days such as 180d, or all"
            raise UserError(f"window '{part}': expected {expected}")
        found.append(Window(days=size) if in_days else Window(months=size or None))
    if not found:
        raise UserError(f"windows '{text}': expected at least one, such as 3,6,12")
    return tuple(dict.fromkeys(found))


def month_lengths(dates: Iterable[pd.Timestamp], months: Sequence[int]) -> pd.DataFrame:
    """Return the days in the last k calendar months before each date, one column `months_k` for each k.

    The same day of an earlier month is its last day when the month is too short: one month before 31 March is the
    end of February.
    """
    index = pd.DatetimeIndex(dates)
    lengths = {f"months_{k}": (index - (index - pd.DateOffset(months=k))).days for k in months}
    return pd.DataFrame(lengths, index=index, dtype="int64")
