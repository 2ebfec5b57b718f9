"""Frames and values as plain JSON and back, in full precision: what an exhibit carries beside its picture."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.suppression import WITHHELD

MIME = "application/vnd.research.exhibit+json"
KINDS = {"table": "Table", "figure": "Figure"}  # the numbered ones


def plain(value: Any) -> Any:
    """Return a JSON value for a Python, numpy or pandas scalar; missing becomes None, infinity a word."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        return number if math.isfinite(number) else ("inf" if number > 0 else "-inf")
    if isinstance(value, dt.datetime | dt.date | pd.Timestamp):
        return value.isoformat()
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray | pd.Series | pd.Index):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    return str(value)


def tidy(frame: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Return the frame with a meaningful index turned into columns and column names as unique text."""
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame.copy()
    # A filter leaves gaps in the default numbering; the numbers mean nothing to a reader.
    counted = (
        table.index.nlevels == 1 and table.index.name is None and pd.api.types.is_integer_dtype(table.index)
    )
    columns = [column_name(column) for column in table.columns]
    if counted:
        table.columns = columns
        return renumbered(table, frame)
    levels = [column_name(name) if name is not None else "" for name in table.index.names]
    names = [level or ("row" if len(levels) == 1 else f"row_{i + 1}") for i, level in enumerate(levels)]
    index = table.index.to_frame(index=False)
    table = table.reset_index(drop=True)
    table.columns = columns
    index.columns = names
    table = pd.concat([index, table], axis=1)
    if table.columns.duplicated().any():
        twice = table.columns[table.columns.duplicated()].tolist()
        raise ValueError(f"the table has more than one column named {twice}; rename them")
    return renumbered(table, frame)


def renumbered(table: pd.DataFrame, frame: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Return a table numbered from 0; what its frame notes as left out is noted under the new numbers."""
    table = table.reset_index(drop=True)
    noted = frame.attrs.get(WITHHELD, {})
    places = {
        column: np.flatnonzero(frame.index.isin(rows) & table[column].isna()).tolist()
        for column, rows in noted.items()
        if column in table.columns
    }
    table.attrs = {**frame.attrs, WITHHELD: {column: rows for column, rows in places.items() if rows}}
    if not noted:
        del table.attrs[WITHHELD]
    return table


def column_name(column: Hashable) -> str:
    """Return a column label as text; the levels of a MultiIndex are joined by ' · '."""
    if isinstance(column, tuple):
        return " · ".join(str(part) for part in column if str(part))
    return str(column)


def kind_of(series: pd.Series) -> str:
    """Return boolean, integer, number, date or text for a column."""
    if pd.api.types.is_bool_dtype(series):
        return "boolean"
    if pd.api.types.is_integer_dtype(series):
        return "integer"
    if pd.api.types.is_float_dtype(series):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    if series.dtype == object:
        known = series.dropna()
        if len(known) and known.map(lambda v: isinstance(v, bool | np.bool_)).all():
            return "boolean"
        if len(known) and known.map(lambda v: isinstance(v, int | float | np.number)).all():
            return "number"
    return "text"


def frame_to_payload(frame: pd.DataFrame, withheld: Collection[tuple[int, str]] = ()) -> dict[str, Any]:
    """Return `{"columns": [{"name", "dtype"}], "rows": [[…]]}` of a tidy frame; `withheld` says which cells."""
    noted = {WITHHELD: [list(cell) for cell in sorted(withheld)]} if withheld else {}
    return noted | {
        "columns": [{"name": name, "dtype": kind_of(frame[name])} for name in frame.columns],
        "rows": [[plain(value) for value in row] for row in frame.itertuples(index=False, name=None)],
    }


def payload_to_frame(data: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame of `frame_to_payload` with its dtypes (integers with gaps become floats)."""
    made = {
        column["name"]: column_of([row[place] for row in data["rows"]], column["dtype"])
        for place, column in enumerate(data["columns"])
    }
    frame = pd.DataFrame(made)
    frame.columns = pd.Index(list(made), dtype=object)
    return frame


def column_of(values: list[Any], kind: str) -> pd.Series:
    """Return the values of a column of a payload as a series of its kind."""
    gaps = None in values
    match kind:
        case "integer" if not gaps:
            return pd.Series(values, dtype="int64")
        case "integer" | "number":
            return pd.Series(
                [math.nan if value is None else float(value) for value in values], dtype="float64"
            )
        case "boolean":
            return pd.Series(values, dtype="boolean" if gaps else "bool")
        case "date":
            return pd.to_datetime(pd.Series(values, dtype="object"))
    return pd.Series([None if value is None else str(value) for value in values], dtype="string")


def exhibits(notebook: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return (cell number, payload) of every exhibit in a notebook's outputs; cells count from 1."""
    return [
        (number, output["data"][MIME])
        for number, cell in enumerate(notebook["cells"], start=1)
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]


def exhibit_numbers(notebook: Mapping[str, Any], stem: str) -> dict[str, str]:
    """Return exhibit name → 'Table 3.1' in order of appearance; exhibits without number map to their kind.

    Those of the supplement are counted by themselves: 'Table 3.S1'.
    """
    found = re.match(r"\d+", stem)
    chapter = f"{int(found.group())}." if found else ""
    counts: dict[tuple[str, bool], int] = {}
    numbers: dict[str, str] = {}
    for _, payload in exhibits(notebook):
        kind, extra = payload["kind"], bool(payload.get("supplement"))
        counts[kind, extra] = counts.get((kind, extra), 0) + 1
        place = f"{chapter}{'S' if extra else ''}{counts[kind, extra]}"
        numbers[payload["name"]] = f"{KINDS[kind]} {place}" if kind in KINDS else kind
    return numbers
