"""Levels of categorical constructs that may leave the customer table: no text of a few, nobody's name or address.

A class in the words of the study (of a map, of a rule of classification) is a class however few it has: its count is
withheld, its name tells nothing. Any other text is the source's own, and may be a name in the wrong column.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pandas as pd

from research.collect.constructs import sorted_by
from research.collect.transforms import named_maps
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

PERSONAL_FILE = DEFINITIONS / "personal_text.csv"
LONGEST = 200  # letters of a level that are looked at


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(row.kind, re.compile(row.pattern, re.ASCII)) for row in own_csv(PERSONAL_FILE).itertuples()]


@cache
def words() -> frozenset[str]:
    """Return the classes that definitions name: what maps give, and what standards of classification sort by."""
    named = set().union(*(table.values() for table in named_maps().values()), *sorted_by().values())
    return frozenset(word for word in named if re.search(r"[^\W\d]", word))


def personal(text: str) -> str:
    """Return what a text tells of a person, such as "e-mail"; empty when it does not look like anything of the kind.

    >>> personal("call 138 0013 8000"), personal("Self-employed")
    ('number in groups', '')
    """
    plain = "".join(
        str(digit) if (digit := unicodedata.decimal(sign, None)) is not None else sign
        for sign in unicodedata.normalize("NFKC", text)[:LONGEST]
        if unicodedata.category(sign) != "Cf"  # signs without width
    )
    return next((kind for kind, pattern in _patterns() if pattern.search(plain)), "")


def pooled(customers: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Return the customers with levels that may leave the table.

    Levels that look like something of a person become "masked (n levels)", other levels of fewer customers than
    `smallest` "other (n levels)", unless the study's definitions name them.
    """
    table = customers.copy(deep=False)
    for name, found in hidden(customers, smallest).groupby("construct", sort=False):
        become = {}
        for kind, levels in found.groupby("becomes", sort=False)["level"]:
            many = f"{len(levels)} level" + "s" * (len(levels) > 1)
            become |= dict.fromkeys(levels, f"{kind} ({many})")
        values = customers[name].astype(object)
        table[name] = values.map(become).fillna(values).astype("category")
    return table


def hidden(customers: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Return the levels that may not leave the table: construct, level, n, becomes (masked or other), kind."""
    found = []
    for name in customers.select_dtypes("category").columns:
        for level, n in customers[name].value_counts().items():
            kind = "" if level in words() else personal(str(level))
            if kind or (0 < n < smallest and level not in words()):
                found.append((name, level, int(n), "masked" if kind else "other", kind or "few customers"))
    return pd.DataFrame(found, columns=["construct", "level", "n", "becomes", "kind"])


def told(customers: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Say which constructs have such levels, without the levels: construct, looks like, levels, customers."""
    counts = hidden(customers, smallest).groupby(["construct", "kind"], sort=False)["n"].agg(["size", "sum"])
    return counts.reset_index().set_axis(["construct", "looks_like", "levels", "customers"], axis=1)
