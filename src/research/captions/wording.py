"""Wording of captions: lists, numbers, intervals, and whether intervals lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from research.exhibits.numbers import number as formatted

NOTHING = "the numbers are missing or withheld"
Row = Mapping[str, Any] | pd.Series


def said(title: str, *answers: str) -> str:
    """Return a caption: what is drawn and what it answers; answers that are empty are passed over.

    >>> said("Bad rate by tier", "highest in high", "")
    'Bad rate by tier: highest in high'
    """
    return f"{title}: {'; '.join(filter(None, answers)) or NOTHING}"


def listed(names: Iterable[Any], most: int = 5) -> str:
    """Return names as a list in a sentence, the first `most` of them.

    >>> listed(["A", "B", "C"]), listed("ABCDE", most=2), listed([])
    ('A, B and C', 'A, B and 3 more', '')
    """
    shown = [str(name) for name in names]
    rest = len(shown) - most
    if rest > 0:
        shown = [*shown[:most], f"{rest} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def number(value: float, spec: str = "") -> str:
    """Return a number with a true minus and without a negative nought; without a format, about three digits.

    >>> number(-0.0123, ".1%"), number(-1234.5), number(0.01234)
    ('−1.2%', '−1,234', '0.0123')
    """
    return formatted(float(value), spec or (",.0f" if abs(value) >= 1000 else ".3g"))


def span(row: Row, spec: str = ".1%", estimate: str = "estimate", name: str = "") -> str:
    """Return an estimate with its 95 % interval, `ci_low` and `ci_high` of a row; the estimate alone without one.

    >>> span({"estimate": 0.1, "ci_low": 0.05, "ci_high": 0.2}, ".0%")
    '10% (95 % CI 5% to 20%)'
    """
    shown = f"{name}{' ' if name else ''}{number(row[estimate], spec)}"
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return shown
    return f"{shown} (95 % CI {number(row['ci_low'], spec)} to {number(row['ci_high'], spec)})"


def known(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows whose numbers are all there."""
    return table.dropna(subset=list(columns))


def apart(one: Row, other: Row) -> bool:
    """Return whether two intervals have no value in common; an overlap does not show that nothing differs."""
    return bool(one["ci_low"] > other["ci_high"] or other["ci_low"] > one["ci_high"])


def lie(one: Row, other: Row) -> str:
    """Return whether two intervals lie apart or overlap, see `apart`.

    >>> lie({"ci_low": 1, "ci_high": 2}, {"ci_low": 3, "ci_high": 4})
    'lie apart'
    """
    return "lie apart" if apart(one, other) else "overlap"


def outside(table: pd.DataFrame, null: float) -> pd.Series:
    """Return which rows have an interval that leaves out a value."""
    return (table["ci_low"] > null) | (table["ci_high"] < null)


def counted(count: int, of: int, noun: str, verbs: tuple[str, str] = ("", "")) -> str:
    """Return a count of many, with its verb in the singular or the plural.

    >>> counted(2, 7, "classes"), counted(7, 7, "classes"), counted(0, 7, "classes", ("lies", "lie"))
    ('2 of 7 classes', 'all 7 classes', 'none of 7 classes lies')
    """
    many = f"{count:,} of {of:,} {noun}" if count else f"none of {of:,} {noun}"
    if count == of > 1:
        many = f"all {of:,} {noun}" if of > 2 else f"both {noun}"
    return f"{many} {verbs[count > 1]}".rstrip()
