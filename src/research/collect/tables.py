"""Reading one table from a file: csv, Parquet or xlsx, in UTF-8 or GBK."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.paths import ROOT

ENCODINGS = ("utf-8-sig", "gb18030")  # GB18030 contains GBK and GB2312
SUFFIXES = (".csv", ".parquet", ".xlsx")


def find(path: str | Path) -> Path:
    """Return the file as given or, when there is none, the one of that name in the project."""
    given = Path(path)
    in_project = ROOT / given
    return given if given.is_file() or not in_project.is_file() else in_project


def _read_csv(path: Path) -> pd.DataFrame:
    data = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            first = data.decode(encoding).split("\n", 1)[0]
        except UnicodeDecodeError:
            continue
        separator = max(",;\t", key=first.count)
        return pd.read_csv(path, encoding=encoding, sep=separator, low_memory=False)
    raise UserError(f"{path.name}: neither UTF-8 nor GBK; save the file as UTF-8")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a csv, Parquet or xlsx file (first sheet) as it is, one row per customer or loan.

    Raises UserError when the file is missing, of another kind, empty or has unnamed or repeated columns.
    """
    path = find(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path.name}: kind '{path.suffix}'; expected one of {', '.join(SUFFIXES)}")
    readers = {".csv": _read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    try:
        table = readers[path.suffix.lower()](path)
    except UserError:
        raise
    except Exception as error:  # readers raise many kinds; the user needs the file and the cause
        raise UserError(f"{path.name}: cannot be read as {path.suffix[1:]} ({error})") from None
    table.columns = [str(name).strip() for name in table.columns]
    unnamed = [name for name in table.columns if not name or name.startswith("Unnamed:")]
    if unnamed:
        place = list(table.columns).index(unnamed[0]) + 1
        raise UserError(f"{path.name}: column {place} has no name in the first row")
    if not len(table):
        raise UserError(f"{path.name}: has a header but no rows")
    return table
