"""Reading one table of loans from a file: csv (also packed as .csv.gz), Parquet or xlsx, in UTF-8, UTF-16 or GBK."""

from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import io
import re
import zlib
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from research.errors import UserError
from research.files import limits
from research.files.archive import parsing
from research.files.textfiles import decode, is_file, own_csv, read_bytes, reading
from research.files.workbooks import open_workbook
from research.paths import DEFINITIONS, ROOT

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".xlsx")
TOTAL_WORDS_FILE = DEFINITIONS / "total_words.csv"
LEFT_OUT = "rows of totals left out"  # key of `DataFrame.attrs`
SEPARATORS = ",;\t|"
UNCLOSED = "quotation marks that do not close"
SMALL = 2**20  # what is packed small may be packed well
MOST_LINES = 5  # line numbers that a message names
TOTAL_WITHIN = 3  # a row of totals says so in one of its first columns
PLAIN = (str, int, float, bool, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)


def suffix(name: str | Path) -> str:
    """Return the kind of a file of loans in small letters, such as ".csv.gz"; empty when it is none."""
    lower = Path(name).name.lower()
    return next((kind for kind in (".csv.gz", *SUFFIXES) if lower.endswith(kind)), "")


def stem(name: str | Path) -> str:
    """Return the name of a file of loans without folder and kind."""
    return Path(name).name[: -len(suffix(name)) or None]


def find(path: str | Path) -> Path:
    """Return the file as given or, when there is none, the one of that name in the project."""
    given = Path(path)
    in_project = ROOT / given
    return given if is_file(given) or not is_file(in_project) else in_project


def _unpacked(data: bytes, name: str) -> bytes:
    """The content of a gzip file, read no further than a table of that many packed bytes can be long."""
    found = io.BytesIO()
    most = min(limits.most("table_bytes"), max(SMALL, limits.most("archive_ratio") * len(data)))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            while part := packed.read(2**20):
                found.write(part)
                if found.tell() > most:
                    told = f"more than {most:,} bytes from {len(data):,}"
                    raise UserError(f"{name}: unpacks to {told}; the file is refused")
    except (OSError, EOFError, zlib.error):
        raise UserError(f"{name}: not a gzip file, or a damaged one") from None
    return found.getvalue()


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(f"{number:,}" for number in numbers[:MOST_LINES])
    more = f" and {len(numbers) - MOST_LINES:,} more" if len(numbers) > MOST_LINES else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _check_rows(text: str, separator: str, name: str) -> None:
    """Raise UserError for rows that have more or fewer cells than the header; what they hold is never shown."""
    if '"' not in text:  # a row is then a line, and counting is ten times as fast as reading cells
        lines = filter(None, text.replace("\r", "\n").split("\n"))
        if len({line.count(separator) for line in lines}) == 1:
            return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    width, other, short = 0, [], []
    try:
        for cells in reader:
            if not cells or cells == [""]:
                continue
            width = width or len(cells)
            if len(cells) == width:
                continue
            strange = max((sign for sign in SEPARATORS if sign != separator), key="".join(cells).count)
            if len(cells) < width and "".join(cells).count(strange) >= width - len(cells):
                other.append((reader.line_num, strange))
            else:
                short.append((reader.line_num, len(cells)))
    except csv.Error:
        raise UserError(f"{name}, line {reader.line_num}: not readable as a table; {UNCLOSED}") from None
    if other:
        signs = {"\t": "a tab"}
        told = signs.get(other[0][1], f"'{other[0][1]}'")
        raise UserError(
            f"{name}, {_lines([line for line, _ in other])}: separated by {told}, the header by "
            f"{signs.get(separator, repr(separator))}; expected one separator"
        )
    if short:
        line, found = short[0]
        raise UserError(
            f"{name}, line {line}: {found} cells, expected {width} as in the header"
            + (f" (and so in {len(short) - 1:,} more rows)" if len(short) > 1 else "")
        )


def _read_csv(path: Path) -> pd.DataFrame:
    data = read_bytes(path, "table_bytes")
    text = decode(_unpacked(data, path.name) if suffix(path) == ".csv.gz" else data, path.name)
    if not text.strip():
        raise UserError(f"{path.name}: is empty; expected a header and rows")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    _once([name.strip() for name in next(csv.reader([first], delimiter=separator), [])], path)
    _check_rows(text, separator, path.name)
    try:
        # bytes: text in memory takes four times as much
        return pd.read_csv(io.BytesIO(text.encode()), sep=separator, low_memory=False, index_col=False)
    except pd.errors.ParserError as error:
        told = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        counted = f"line {told[2]}: {told[3]} cells, expected {told[1]}" if told else UNCLOSED
        raise UserError(f"{path.name}: not readable as a table; {counted}") from None


def _once(names: list[str], path: Path) -> None:
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise UserError(f"{path.name}: column '{twice}' is there twice; expected each column once")


def _read_xlsx(path: Path) -> pd.DataFrame:
    with open_workbook(path, unpacked="table_bytes"):
        pass  # refuses what is unsafe before openpyxl reads it
    return pd.read_excel(path, engine="openpyxl")


def _read_parquet(path: Path) -> pd.DataFrame:
    schema = pq.read_schema(path)
    _once(schema.names, path)
    for field in schema:  # one at a time: nothing else looks at the bytes before they are shown or compared
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            try:
                pq.read_table(path, columns=[field.name]).validate(full=True)
            except pa.ArrowInvalid:
                told = f"column '{field.name}' holds text that is not UTF-8; write it as UTF-8"
                raise UserError(f"{path.name}: {told}") from None
    return pd.read_parquet(path, engine="pyarrow").reset_index(drop=True)


@cache
def _total_words() -> tuple[frozenset[str], str]:
    """The first letters and the pattern of a cell that names a total; a colon or a count in brackets may follow."""
    words = own_csv(TOTAL_WORDS_FILE)["word"]
    signs = "|".join(re.escape(word).replace(r"\ ", r"[\s_-]?") for word in words)
    letters = frozenset(word[0].lower() for word in words)
    return letters, rf"(?:{signs})\s*(?:[:：]|[(（][^()（）]{{0,20}}[)）])?"


def _totals(table: pd.DataFrame) -> pd.Series:
    """Mark the rows that are sums of others: the first cell that is not empty names a total."""
    found = pd.Series(False, index=table.index)
    empty = pd.Series(True, index=table.index)
    letters, pattern = _total_words()
    for name in table.columns[:TOTAL_WITHIN]:
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column):
            cells = column[empty].astype("string").str.slice(0, 60).str.strip()
            worded = cells[cells.str.slice(0, 1).str.lower().isin(letters).astype(bool)]
            plain = worded.str.replace(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])", "", regex=True)
            named = plain.str.fullmatch(pattern, flags=re.IGNORECASE)
            found[named.index[named.fillna(False).astype(bool)]] = True
            empty[cells.index[cells.fillna("") != ""]] = False
        else:
            empty &= column.isna()
    return found


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a csv, Parquet or xlsx file (first sheet) as it is, one row per customer or loan.

    Rows of totals (合计, Total, 小计 …) are no customers and are left out; `attrs[LEFT_OUT]` counts them.

    Raises UserError when the file is missing, of another kind, empty, has unnamed or repeated columns, or rows of more
    or fewer cells than the header, or with another separator.
    """
    path = find(path)
    with reading(path):
        pass  # an ordinary file
    kind = suffix(path)
    if not kind:
        raise UserError(f"{path.name}: kind '{path.suffix}'; expected one of {', '.join(SUFFIXES)}")
    readers = {".csv": _read_csv, ".csv.gz": _read_csv, ".parquet": _read_parquet, ".xlsx": _read_xlsx}
    with parsing(path, f"{kind[1:]} file"):
        table = readers[kind](path)
    table.columns = [str(name).strip() for name in table.columns]
    for place, name in enumerate(table.columns, 1):
        if not name or name.startswith("Unnamed:"):
            raise UserError(f"{path.name}: column {place} has no name in the first row")
    _once(list(table.columns), path)
    for name in table.columns[table.dtypes.map(pd.api.types.is_object_dtype).to_numpy(bool)]:
        for odd in (value for value in table[name].dropna() if not isinstance(value, PLAIN)):
            found = f"column '{name}' holds {type(odd).__name__}"
            raise UserError(f"{path.name}: {found}, expected numbers, text or dates")
    totals = _totals(table)
    if totals.any():
        table = table[~totals].reset_index(drop=True)
        table.attrs[LEFT_OUT] = int(totals.sum())
    if not len(table):
        raise UserError(f"{path.name}: has a header but no rows")
    return table
