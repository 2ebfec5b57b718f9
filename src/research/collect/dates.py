"""Dates as people and banks write them: several forms in one column, serial day numbers, months without a day."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from research.collect.numerals import read
from research.errors import UserError

FIRST, LAST = pd.Timestamp("1900-01-01"), pd.Timestamp("2100-12-31")  # what lies outside is no date of a bank
LONGEST = 40

# Forms that can be told from each other, tried in this order where no form is given
FORMS = (
    "%Y/%m/%d", "%Y.%m.%d", "%Y%m", "%Y/%m", "%Y.%m", "%Y年%m月%d日", "%Y年%m月", "%b-%Y", "%b %Y", "%d-%b-%Y",
    "%d%b%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
)  # fmt: skip
DAY_OR_MONTH = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})")
ISO = re.compile(
    r"(?:\d{4}|\d{8}|\d{4}-\d{1,2}|\d{4}-\d{1,2}-\d{1,2}|\d{8}[T ].*|\d{4}-\d{1,2}-\d{1,2}[T ].*)"
)


def _excel(days: pd.Series) -> pd.Series:
    """Serial days of Excel: 1 is 1900-01-01, and 60 the 29 February 1900 that never was."""
    kept = days.where((days >= 1) & (days.round() != 60))
    return _since("1899-12-30", kept + (kept < 60), "D")


def _since(origin: str, values: pd.Series, unit: str) -> pd.Series:
    per_day = 86_400 if unit == "s" else 1
    inside = values.where(values.abs() < 100_000 * per_day)
    return pd.Timestamp(origin) + pd.to_timedelta(inside, unit=unit)


SERIAL = {
    "excel": _excel,
    "excel1904": lambda days: _since("1904-01-01", days, "D"),
    "sas": lambda days: _since("1960-01-01", days, "D"),
    "sasdatetime": lambda seconds: _since("1960-01-01", seconds, "s"),
}


def _cells(values: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(values):  # 202301.0 is the month 202301
        known = values.dropna()
        if len(known) and (known == known.round()).all() and known.abs().max() < 1e15:
            values = values.astype("Int64")
    codes, found = pd.factorize(values.astype("string"))  # of a million dates few are different
    cells = pd.Series(found, dtype="string").str.slice(0, 200).str.normalize("NFKC").str.strip()
    cells = cells.mask((cells == "") | (cells.str.len() > LONGEST))
    return cells.reindex(codes).set_axis(values.index)


def _strict(cells: pd.Series, form: str) -> pd.Series:
    try:
        found = pd.to_datetime(cells, format=form, errors="coerce")
    except (ValueError, re.error):
        raise UserError(
            f"argument '{form}': not a format of dates such as %Y-%m-%d, nor one of {', '.join(SERIAL)}"
        ) from None
    if isinstance(found.dtype, pd.DatetimeTZDtype):
        found = found.dt.tz_localize(None)
    return found.astype("datetime64[us]")


def _iso(cells: pd.Series) -> pd.Series:
    fitting = cells.where(cells.str.fullmatch(ISO).fillna(False).astype(bool))
    zone = fitting.str.contains(r"(?:[zZ]|[+-]\d{2}:?\d{2})$", regex=True).fillna(False).astype(bool)
    local = fitting.str.replace(r"(?<=\d)(?:[zZ]|[+-]\d{2}:?\d{2})$", "", regex=True).where(zone, fitting)
    return pd.to_datetime(local, format="ISO8601", errors="coerce").astype("datetime64[us]")


def day_or_month_first(values: pd.Series) -> str:
    """Say how a column writes 03/04/2023: "day", "month", "unclear", or "" when it holds no such dates."""
    parts = _cells(values).dropna().drop_duplicates().str.extract(f"^{DAY_OR_MONTH.pattern}$").dropna()
    if parts.empty:
        return ""
    first, second = parts[0].astype(int), parts[2].astype(int)
    day, month = int((first > 12).sum()), int((second > 12).sum())
    if not day and not month:
        return "" if (first == second).all() else "unclear"
    return "day" if day >= month else "month"


def _any_form(cells: pd.Series, order: str) -> pd.Series:
    found = _iso(cells)
    forms = list(FORMS)
    if order in ("day", "month"):
        forms += ["%d/%m/%Y", "%d-%m-%Y"] if order == "day" else ["%m/%d/%Y", "%m-%d-%Y"]
    elif not order:  # 05/05/2023 is the same either way
        forms += ["%d/%m/%Y", "%d-%m-%Y"]
    for form in forms:
        rest = cells[found.isna() & cells.notna()]
        if rest.empty:
            break
        found = found.fillna(_strict(rest, form).reindex(found.index))
    return found


def read_dates(values: pd.Series, form: str = "") -> pd.Series:
    """Return dates without their time zone; what is no date between 1900 and 2100 becomes missing.

    Args:
        values: a column of dates, text or numbers.
        form: strptime formats or words for serial numbers (excel, excel1904, sas, sasdatetime), several separated by
            "|" and tried in turn; empty: the usual forms that can be told from each other, mixed as they come.

    Raises:
        UserError: a format that is none.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        found = values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
    else:
        cells = _cells(values)
        unique = pd.Series(cells.dropna().unique(), dtype="string")
        if unique.empty:  # nothing to read, and pandas maps nothing by no dates
            return pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
        if form:
            read_as = pd.Series(pd.NaT, index=unique.index, dtype="datetime64[us]")
            for part in filter(None, (piece.strip() for piece in form.split("|"))):
                made = SERIAL[part](read(unique).values) if part in SERIAL else _strict(unique, part)
                read_as = read_as.fillna(_inside(made))
        else:
            read_as = _any_form(unique, day_or_month_first(unique))
        found = cells.map(pd.Series(read_as.to_numpy(), index=unique.to_numpy(dtype=object)))
        found = found.astype("datetime64[us]")
    return _inside(found)


def _inside(found: pd.Series) -> pd.Series:
    return found.where((found >= FIRST) & (found < LAST + pd.Timedelta(days=1))).astype("datetime64[us]")


def months_between(start: pd.Series, end: pd.Series) -> pd.Series:
    """Return calendar months from one date to another: whole ones, and days left over as parts of 30.4375.

    From 15 January to 15 March is 2, whatever February has, and so is from 31 December to 28 February. An end before
    the start is negative.
    """
    whole = (end.dt.year - start.dt.year) * 12 + (end.dt.month - start.dt.month)
    day = np.minimum(start.dt.day, end.dt.days_in_month)
    return (whole + (end.dt.day - day) / 30.4375).astype("float64")
