"""A column of a form: how it is headed and what may stand in it. From it a form is written, checked and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Column:
    """A column: its key and heading (English, Chinese), and what may be filled in (`text`: anything).

    Attributes:
        options: choice → its text in the drop-down.
        low, high: limits that belong to the range of a number; a whole one unless `kind` says otherwise.
        labels: words that stand for numbers.
        expected: what a fault says should be there.
        shown: number format of what the form itself states in the column.
    """

    key: str
    english: str
    chinese: str
    kind: Literal["text", "choice", "whole", "number", "duration"] = "text"
    options: Mapping[str, str] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    labels: Mapping[str, float] = field(default_factory=dict)
    expected: str = ""
    shown: str | None = None


def choice(key: str, english: str, chinese: str, options: Mapping[str, str], expected: str) -> Column:
    """Return a column with a drop-down."""
    return Column(key, english, chinese, "choice", options, expected=expected)


def keys(columns: Sequence[Column]) -> list[str]:
    """Return the keys of columns."""
    return [column.key for column in columns]
