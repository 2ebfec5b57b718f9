"""Who could be recognised in a source table: direct identifiers, which are never features, and rare combinations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd

from research.collect.constructs import names
from research.collect.headings import words
from research.collect.levels import personal
from research.collect.transforms import text
from research.errors import UserError
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

PATTERNS_FILE = DEFINITIONS / "identifier_patterns.csv"
SHARE = 0.2  # a column holds identifiers when a fifth of its values look like one
LONGEST = 100  # letters of a value that are looked at
LOOKED_AT = 10_000  # values of a column, drawn by lot, of which one must look like an identifier
LONGEST_EXAMPLE = 24
GB11643_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
GB11643_CHECK = "10X98765432"
GB32100_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
GB32100_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
BIRTH_DATE = "birth date"  # may be counted from (ages), never used as it is
FEW = 5  # a combination shared by fewer customers than this makes them stand out
AGE_BAND = 10  # years


def gb11643(number: str) -> bool:
    """Return True when a Chinese citizen number of 18 characters has the right check character (GB 11643-1999)."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], GB11643_WEIGHTS, strict=True))
    return GB11643_CHECK[total % 11] == number[17].upper()


def luhn(number: str) -> bool:
    """Return True when a card number has the right check digit (ISO/IEC 7812, Luhn)."""
    digits = [int(digit) for digit in reversed(number)]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return total % 10 == 0


def gb32100(number: str) -> bool:
    """Return True when a Chinese unified social credit code has the right check character (GB 32100-2015)."""
    total = sum(
        GB32100_SIGNS.index(sign) * weight for sign, weight in zip(number[:17], GB32100_WEIGHTS, strict=True)
    )
    return GB32100_SIGNS[-total % 31] == number[17]


CHECKSUMS = {"gb11643": gb11643, "luhn": luhn, "gb32100": gb32100}


@cache
def _patterns(part: str) -> list[Any]:
    """Return the patterns of identifiers in the name of a column, or in its values."""
    return [row for row in own_csv(PATTERNS_FILE).itertuples() if row.part == part]


def _named(column: object) -> list[str]:
    """Return the kinds of identifiers that the name of a column says it holds, as it stands or in plain words."""
    said = f"{str(column).lower().replace('_', ' ')[:LONGEST]}\n{words(str(column))}"
    return [row.kind for row in _patterns("column") if re.search(row.pattern, said, flags=re.MULTILINE)]


def identifiers(raw: pd.DataFrame) -> pd.DataFrame:
    """Find columns that look like direct identifiers, by name and by value.

    Returns: column, kind, evidence ("name of the column" or the share of values), n (values that look like one). The
    values themselves are never shown.
    """
    found = []
    for name in raw.columns:
        column, counts = raw[name].dropna(), None
        seen = _plain(text(column.sample(min(len(column), LOOKED_AT), random_state=0)).dropna())
        found += [(name, kind, "name of the column", int(text(column).count())) for kind in _named(name)]
        for row in _patterns("value"):
            if not seen.str.fullmatch(row.pattern, flags=re.ASCII).any():
                continue  # a fifth of all would show among so many
            if counts is None:
                cells = text(column).value_counts()
                counts = cells.groupby(_plain(cells.index)).sum()
            hits = counts[counts.index.str.fullmatch(row.pattern, flags=re.ASCII)]
            if row.check in CHECKSUMS:
                hits = hits[[CHECKSUMS[row.check](value) for value in hits.index]]
            n, known = int(hits.sum()), int(counts.sum())
            if row.check == "distinct" and len(hits) <= n / 2:
                continue  # a class that many share is nobody's number or name
            if n and n / known >= SHARE:
                found.append((name, row.kind, f"{n / known:.0%} of its values", n))
    table = pd.DataFrame(found, columns=["column", "kind", "evidence", "n"])
    return table.drop_duplicates(["column", "kind"]).reset_index(drop=True)


def _plain(values: Any) -> Any:
    """Full-width digits are digits; no identifier is longer, and patterns would take ages over a long text."""
    return values.str.normalize("NFKC").str[:LONGEST]


def _is_identifier(value: str) -> bool:
    plain = unicodedata.normalize("NFKC", value)[:LONGEST]
    return any(
        re.fullmatch(row.pattern, plain, flags=re.ASCII)
        and (row.check not in CHECKSUMS or CHECKSUMS[row.check](plain))
        for row in _patterns("value")
    )


def masked(values: Sequence[str], column: str) -> list[str]:
    """Return values of a column as they may be shown: what looks like an identifier, or is long, only by its length.

    In a column whose name gives an identifier away, no value is shown.
    """
    named, shown = bool(_named(column)), []
    for value in values:
        hidden = named or len(value) > LONGEST_EXAMPLE or _is_identifier(value) or personal(value)
        shown.append(f"(text of {len(value):,} characters)" if hidden else f"'{value}'")
    return shown


def refuse(found: pd.DataFrame, crosswalk: pd.DataFrame, label: str) -> None:
    """Raise UserError when a crosswalk reads one of the columns that `identifiers` found, as a construct or as the
    customer's number; ages may be counted.
    """
    kinds = found.drop_duplicates("column").set_index("column")["kind"]
    for row in crosswalk[crosswalk["fit"] != "absent"].itertuples():
        for column in (part.strip() for part in row.source.split(";")):
            kind = kinds.get(column)
            if kind and not (kind == BIRTH_DATE and row.transform.endswith("_between")):
                raise UserError(
                    f"{label}: column '{column}' looks like a direct identifier or personal data ({kind}) and is "
                    f"refused as '{row.construct}'; remove it from the file, or use a number that means nothing "
                    "outside the bank"
                )


def rare_combinations(customers: pd.DataFrame) -> pd.DataFrame:
    """Count the customers who share what others may know of them with few or nobody (k-anonymity).

    Looked at are the classes and age bands that an acquaintance or a public register could hold: protected and context
    constructs with the place of work, one by one and all together.

    Returns: combination, customers, smallest (size of the smallest group), alone (customers in a group of one), few
    (customers in groups below five). Empty without such constructs.
    """
    known = [*names("protected"), *names("context"), "industry", "occupation"]
    table = pd.DataFrame(index=customers.index)
    for name in dict.fromkeys(known):
        if name == "age" and name in customers:
            table[name] = customers[name] // AGE_BAND
        elif name in customers and isinstance(customers[name].dtype, pd.CategoricalDtype):
            table[name] = customers[name].astype(object)
    rows = []
    for columns in [*([name] for name in table), *([list(table)] if len(table.columns) > 1 else [])]:
        sizes = table[columns].groupby(columns, dropna=False)[columns[0]].transform("size")
        label = columns[0] if len(columns) == 1 else f"all {len(columns)} together"
        rows.append((label, len(table), int(sizes.min()), int((sizes == 1).sum()), int((sizes < FEW).sum())))
    return pd.DataFrame(rows, columns=["combination", "customers", "smallest", "alone", "few"])
