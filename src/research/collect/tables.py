"""Reading one table of loans from a file: csv, Parquet or xlsx, in UTF-8, UTF-16 or GBK."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import re
from pathlib import Path

import pandas as pd

from research.archive import parsing
from research.errors import UserError
from research.paths import ROOT
from research.textfiles import decode, is_file, read_bytes, reading
from research.workbooks import open_workbook

SUFFIXES = (".csv", ".parquet", ".xlsx")
PLAIN = (str, int, float, bool, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)


def find(path: str | Path) -> Path:
    """Return the file as given or, when there is none, the one of that name in the project."""
    given = Path(path)
    in_project = ROOT / given
    return given if is_file(given) or not is_file(in_project) else in_project


def _read_csv(path: Path) -> pd.DataFrame:
    text = decode(read_bytes(path, "table_bytes"), path.name)
    if not text.strip():
        raise UserError(f"{path.name}: is empty; expected a header and rows")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    names = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise UserError(f"{path.name}: column '{twice}' is there twice; expected each column once")
    try:
        table = pd.read_csv(io.StringIO(text), sep=separator, low_memory=False)
    except pd.errors.ParserError as error:
        told = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        place = (
            f"line {told[2]}: {told[3]} cells, expected {told[1]}"
            if told
            else "quotation marks that do not close"
        )
        raise UserError(f"{path.name}: not readable as a table; {place}") from None
    if not isinstance(
        table.index, pd.RangeIndex
    ):  # pandas takes surplus cells for row names, shifting all others
        raise UserError(
            f"{path.name}: rows have more cells than the header; name every column in the first row"
        )
    return table


def _read_xlsx(path: Path) -> pd.DataFrame:
    with open_workbook(path, unpacked="table_bytes"):
        pass  # refuses what is unsafe before openpyxl reads it
    return pd.read_excel(path, engine="openpyxl")


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, engine="pyarrow").reset_index(drop=True)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a csv, Parquet or xlsx file (first sheet) as it is, one row per customer or loan.

    Raises UserError when the file is missing, of another kind, empty or has unnamed or repeated columns.
    """
    path = find(path)
    with reading(path):
        pass  # an ordinary file
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path.name}: kind '{path.suffix}'; expected one of {', '.join(SUFFIXES)}")
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".xlsx": _read_xlsx}
    with parsing(path, f"{path.suffix[1:]} file"):
        table = readers[path.suffix.lower()](path)
    table.columns = [str(name).strip() for name in table.columns]
    unnamed = [name for name in table.columns if not name or name.startswith("Unnamed:")]
    if unnamed:
        place = list(table.columns).index(unnamed[0]) + 1
        raise UserError(f"{path.name}: column {place} has no name in the first row")
    if not len(table):
        raise UserError(f"{path.name}: has a header but no rows")
    for name in (name for name, kind in table.dtypes.items() if pd.api.types.is_object_dtype(kind)):
        odd = next((value for value in table[name].dropna() if not isinstance(value, PLAIN)), None)
        if odd is not None:
            raise UserError(
                f"{path.name}: column '{name}' holds {type(odd).__name__}, expected numbers, text or dates"
            )
    return table
