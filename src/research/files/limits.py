"""How large the things that people give may be: one table, so that no small file takes all memory, and one way out."""

from __future__ import annotations

import csv
import os
from functools import cache
from typing import NamedTuple

from research.errors import UserError, nearest
from research.paths import DEFINITIONS

VARIABLE = "RESEARCH_LIMITS"  # NAME=NUMBER, several separated by commas


class Limit(NamedTuple):
    """One row of `data/definitions/limits.csv`."""

    name: str
    most: int
    unit: str
    protects: str
    to_raise: str


@cache
def limits() -> dict[str, Limit]:
    """Return the limits by name, as they are unless raised."""
    with (DEFINITIONS / "limits.csv").open(encoding="utf-8", newline="") as file:
        rows = [Limit(row[0], int(row[1]), *row[2:]) for row in list(csv.reader(file))[1:]]
    return {row.name: row for row in rows}


def most(name: str) -> int:
    """Return a limit: that of the environment variable RESEARCH_LIMITS, else that of the table. Raises UserError."""
    return _raised(os.environ.get(VARIABLE, "")).get(name, limits()[name].most)


def within(name: str, found: int, where: str, *, more: bool = False) -> int:
    """Return what was found when it is within a limit.

    Args:
        name: of the limit.
        found: the number found.
        where: file, sheet or parameter, for the message.
        more: there may be more; nobody counted on.

    Raises:
        UserError: it is more; the message says what was found, what is allowed, why, and how to raise it.
    """
    allowed = most(name)
    if found <= allowed:
        return found
    limit = limits()[name]
    advice = f"{limit.to_raise}, or raise" if limit.to_raise else "raise"
    raise UserError(
        f"{where}: {'more than ' if more else ''}{(allowed if more else found):,} {limit.unit}, expected at most "
        f"{allowed:,} ({limit.protects}); {advice} it: {VARIABLE}={name}={'NUMBER' if more else found}"
    )


@cache
def _raised(text: str) -> dict[str, int]:
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in limits():
            raise UserError(f"{VARIABLE}: unknown limit '{name}'{nearest(name, limits())}")
        if not (number.isascii() and number.isdigit() and 0 < len(number) <= 15):
            raise UserError(f"{VARIABLE}: {name}: found '{number}', expected a whole number")
        found[name] = int(number)
    return found
