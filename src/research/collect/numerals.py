"""Numbers as people and banks write them: per cent signs, thousands marks, decimal commas, full-width digits.

How a column writes its numbers is decided once for the column, from the values that can be read in one way only.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

LARGEST_WHOLE = 2.0**53  # up to here a float counts every whole number; nothing in a bank is larger
LONGEST = 60  # characters of a cell that can be one number
MARKS = r"^'|[\s$€£¥₩₹元’]|(?<=\d)'(?=\d{3})|(?i:RMB|CNY|USD|EUR|GBP)"
PLAIN = r"[+-]?\d+"
POINT, COMMA = ".", ","
# 1,234: a thousand, or one and a fraction
GROUPED = {mark: rf"[+-]?[1-9]\d{{0,2}}[{mark}]\d{{3}}" for mark in (POINT, COMMA)}


@dataclass(frozen=True)
class Reading:
    """A column read as numbers.

    Attributes:
        values: float64, NaN where a cell is empty or no number.
        said: how the column writes its numbers, in words; empty when as programs do.
        problem: why that cannot be decided; empty when it can.
    """

    values: pd.Series
    said: str = ""
    problem: str = ""


def _cells(values: pd.Series) -> pd.Series:
    """The cells as text in half-width signs, without currency marks, spaces and the brackets of a negative amount."""
    cells = values.astype("string").str.slice(0, 500).str.normalize("NFKC").str.replace(MARKS, "", regex=True)
    cells = cells.str.replace("−", "-")
    cells = cells.str.replace(r"^\((.+)\)$|^(.+)-$", r"-\1\2", regex=True)
    return cells.mask(cells.str.len() > LONGEST, "x").mask(cells == "")


def _like(cells: pd.Series, pattern: str) -> pd.Series:
    return cells.str.fullmatch(pattern).fillna(False).astype(bool)


def _only(cells: pd.Series, decimal: str, group: str) -> int:
    """Count the cells that can be read only with this decimal mark."""
    point, comma = f"[{decimal}]", f"[{group}]"
    certain = _like(
        cells,
        rf"[+-]?(?:\d{{1,3}}(?:{comma}\d{{2,3}})+{point}\d+"  # 1,234.5
        rf"|\d{{1,3}}(?:{comma}\d{{2,3}})*{comma}\d{{2,3}}{comma}\d{{3}}"  # 1,234,567
        rf"|(?:\d*{point}(?:\d{{1,2}}|\d{{4,}})|0+{point}\d+|\d{{4,}}{point}\d+|{point}\d+))",  # 1.5, 0.125, 1234.567
    )
    return int(certain.sum())


def _bare(cells: pd.Series) -> pd.Series:
    return cells.str.replace(r"%$|[eE][+-]?\d{1,3}$", "", regex=True)


def votes(values: pd.Series) -> tuple[int, int]:
    """Count the cells of a text column that can only have a decimal point, and only a decimal comma."""
    cells = _bare(_cells(values))
    return _only(cells, POINT, COMMA), _only(cells, COMMA, POINT)


def _decimal(cells: pd.Series, hint: str) -> tuple[str, str]:
    """Return the decimal mark of a column, and why it cannot be told (empty when it can)."""
    points, commas = _only(cells, POINT, COMMA), _only(cells, COMMA, POINT)
    if points or commas:
        return (POINT if points >= commas else COMMA), ""
    grouped = {mark: _like(cells, pattern) for mark, pattern in GROUPED.items()}
    found = [mark for mark in grouped if grouped[mark].any()]
    if not found:
        return POINT, ""
    if hint:
        return hint, ""
    whole = pd.to_numeric(cells[_like(cells, PLAIN)], errors="coerce").abs()
    if len(found) == 1 and len(whole) and whole.max() < 1000:
        # 950 beside 1,200: who writes three decimals would have written 950,000
        return (POINT if found[0] == COMMA else COMMA), ""
    count = int(sum(marked.sum() for marked in grouped.values()))
    return POINT, (
        f"the mark '{found[0]}' may be one of thousands or of decimals in {count:,} values; write . or , into the "
        "column decimal of the crosswalk"
    )


def _parsed(cells: pd.Series, decimal: str) -> pd.Series:
    group = COMMA if decimal == POINT else POINT
    valid = _like(
        cells,
        rf"[+-]?(?:\d{{1,3}}(?:[{group}]\d{{2,3}})*[{group}]\d{{3}}|\d+)?(?:[{decimal}]\d*)?(?:[eE][+-]?\d{{1,3}})?",
    )
    plain = cells.where(valid).str.replace(group, "").str.replace(decimal, POINT)
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def _finite(values: pd.Series) -> pd.Series:
    return values.where(values.abs() <= LARGEST_WHOLE)


def read(values: pd.Series, *, decimal: str = "", hint: str = "", percentages: bool = False) -> Reading:
    """Read a column as numbers.

    Args:
        values: any column; numbers stay as they are, apart from infinite ones and those beyond 2**53.
        decimal: the decimal mark where it is known, "." or ",".
        hint: the decimal mark of the other columns of the table, for a column that does not tell its own.
        percentages: True when what follows takes the column for percentages, so that 12.5% and 12.5 are both 12.5;
            otherwise 12.5% is 0.125, and a column with and without the sign is a problem.
    """
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return Reading(_finite(values.astype("float64")))
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        return Reading(pd.Series(float("nan"), index=values.index))
    cells = _cells(values)
    signed = cells.str.endswith("%").fillna(False).astype(bool)
    bare = cells.str.replace(r"%$", "", regex=True)
    mark, problem = (decimal, "") if decimal else _decimal(_bare(cells), hint)
    numbers = _finite(_parsed(bare, mark))
    said = ["decimal comma"] if mark == COMMA and bare.str.contains("[,.]").any() else []
    if signed.any():
        unsigned = numbers.notna() & ~signed & (numbers != 0)
        said.append(f"per cent sign in {int(signed.sum()):,} values")
        if not percentages:
            numbers = numbers.where(~signed, numbers / 100)
            if unsigned.any() and not problem:
                problem = (
                    f"{int(signed.sum()):,} values have a per cent sign and {int(unsigned.sum()):,} have none; "
                    "where all are percentages use the transform multiply with 0.01"
                )
    return Reading(numbers, "; ".join(said), problem)
