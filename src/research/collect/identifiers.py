"""Direct identifiers in a source table: names, phones, identity numbers, cards. They are never features."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd

from research.collect.transforms import text
from research.errors import UserError
from research.paths import DEFINITIONS

PATTERNS_FILE = DEFINITIONS / "identifier_patterns.csv"
SHARE = 0.2  # a column holds identifiers when a fifth of its values look like one
GB11643_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
GB11643_CHECK = "10X98765432"


def gb11643(number: str) -> bool:
    """Return True when a Chinese citizen number of 18 characters has the right check character (GB 11643-1999)."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], GB11643_WEIGHTS, strict=True))
    return GB11643_CHECK[total % 11] == number[17].upper()


def luhn(number: str) -> bool:
    """Return True when a card number has the right check digit (ISO/IEC 7812, Luhn)."""
    digits = [int(digit) for digit in reversed(number)]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return total % 10 == 0


CHECKSUMS = {"gb11643": gb11643, "luhn": luhn}


@cache
def _patterns() -> pd.DataFrame:
    return pd.read_csv(PATTERNS_FILE, dtype=str, keep_default_na=False)


def identifiers(raw: pd.DataFrame) -> pd.DataFrame:
    """Find columns that look like direct identifiers, by name and by value.

    Returns: column, kind, evidence ("name of the column" or the share of values), n (values that look like one). The
    values themselves are never shown.
    """
    found = []
    for name in raw.columns:
        plain = str(name).lower().replace("_", " ")
        values = text(raw[name]).dropna()
        for row in _patterns().itertuples():
            if row.part == "column":
                if re.search(row.pattern, plain):
                    found.append((name, row.kind, "name of the column", len(values)))
                continue
            hits = values[values.str.fullmatch(row.pattern)]
            if row.checksum:
                hits = hits[hits.map(CHECKSUMS[row.checksum]).astype(bool)]
            if len(values) and len(hits) / len(values) >= SHARE:
                found.append((name, row.kind, f"{len(hits) / len(values):.0%} of its values", len(hits)))
    table = pd.DataFrame(found, columns=["column", "kind", "evidence", "n"])
    return table.drop_duplicates(["column", "kind"]).reset_index(drop=True)


def refuse_identifiers(raw: pd.DataFrame, crosswalk: pd.DataFrame, label: str) -> None:
    """Raise UserError when a crosswalk reads a direct identifier, as a construct or as the customer's number."""
    kinds = identifiers(raw).drop_duplicates("column").set_index("column")["kind"]
    for row in crosswalk[crosswalk["fit"] != "absent"].itertuples():
        for column in (part.strip() for part in row.source.split(";")):
            if column in kinds.index:
                raise UserError(
                    f"{label}: column '{column}' looks like a direct identifier ({kinds[column]}) and is refused as "
                    f"'{row.construct}'; remove it from the file, or use a number that means nothing outside the bank"
                )
