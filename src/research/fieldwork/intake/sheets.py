"""The sheets of a returned file, whatever it really is: xlsx, xlsm, or csv in the encodings that Excel writes."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from research.errors import UserError
from research.fieldwork.instruments.stamp import STAMP_SHEET
from research.files import limits
from research.files.archive import archive_name, open_archive, parsing, read_member
from research.files.textfiles import decode, read_text, reading
from research.files.workbooks import open_workbook

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATION = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_UNUSUAL = re.compile(rb"<(?:\w+:)?(?:f[ />]|mergeCell )|hidden=\"(?:1|true)\"")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,12}", re.ASCII)
STAMP_ROWS = 20
WORKBOOKS = (".xlsx", ".xlsm")


@dataclass
class Sheet:
    """A sheet's values (row 1 first) and what a plain reader would not see."""

    name: str
    rows: list[tuple]
    formulas: frozenset[str] = frozenset()
    merged: tuple[str, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[str] = frozenset()
    hidden: bool = False


@dataclass
class Returned:
    """A returned file: its visible sheets and the form's stamp (empty when it has none)."""

    path: Path
    sheets: list[Sheet]
    stamp: dict[str, str] = field(default_factory=dict)


def address(row: int, column: int) -> str:
    """Return a cell's address from 1-based numbers: (3, 2) → "B3"."""
    return f"{get_column_letter(column)}{row}"


def expand(
    paths: str | Path | Sequence[str | Path], kinds: tuple[str, ...] = (*WORKBOOKS, ".csv")
) -> list[Path]:
    """Return the files of a path, folder or list, sorted within a folder; keys and lock files are passed over."""
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            inside = [
                p for p in path.iterdir() if p.suffix.lower() in kinds and not p.name.startswith((".", "~"))
            ]
            found += sorted(p for p in inside if not p.name.endswith(".key.csv"))
        else:
            found.append(path)
    if not found:
        raise UserError(f"{', '.join(map(str, given)) or 'no path'}: no file to read")
    return found


def open_returned(path: str | Path) -> Returned:
    """Read a returned workbook or table.

    Raises:
        UserError: the file is missing, empty, protected by a password, damaged, unsafe, or no workbook at all; the
            message says what it is and what to do.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path}: a folder, expected a workbook (.xlsx, .xlsm) or a table (.csv)")
    with reading(path), path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise UserError(f"{path.name}: the file is empty")
    if head.startswith(_OLE):
        raise UserError(_ole_message(path))
    if head.startswith(b"PK"):
        return _workbook(path)
    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        return Returned(path, [Sheet(path.stem, _table(path))])
    raise UserError(
        f"{path.name}: not an Excel workbook inside; it looks like {_looks_like(head)}; "
        "open it and save it as .xlsx"
    )


def _workbook(path: Path) -> Returned:
    with open_workbook(path, rows="form_rows") as archive:
        names = set(archive.namelist())
        if "xl/workbook.xml" not in names:
            kind = "a Word document" if "word/document.xml" in names else "another kind of zip file"
            if "content.xml" in names and "mimetype" in names:
                kind = "an OpenDocument file"
            raise UserError(f"{path.name}: not an Excel workbook inside but {kind}; save it as .xlsx")
        parts = _sheet_parts(archive)
    returned = Returned(path, [])
    with (
        parsing(path),
        closing(load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book,
    ):
        for sheet in book.worksheets:
            if sheet.title == STAMP_SHEET:
                returned.stamp = {
                    str(row[0]): str(row[1])
                    for row in sheet.iter_rows(values_only=True, max_row=STAMP_ROWS, max_col=2)
                    if len(row) == 2
                }
                continue
            returned.sheets.append(_sheet(path, sheet, parts.get(sheet.title)))
    if not returned.sheets:
        raise UserError(f"{path.name}: no sheet to read")
    return returned


def _sheet(path: Path, sheet: object, part: str | None) -> Sheet:
    sheet.reset_dimensions()  # some writers state a wrong size
    rows = list(sheet.iter_rows(values_only=True))
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    read = Sheet(sheet.title, rows, hidden=sheet.sheet_state != "visible")
    if part is not None:
        with open_archive(path) as archive:
            _add_features(read, read_member(archive, part))
    return read


def _add_features(sheet: Sheet, xml: bytes) -> None:
    # formulas, merged and hidden cells are not in openpyxl's fast reader; most files have none
    if not _UNUSUAL.search(xml):
        return
    formulas, merged, hidden_rows, hidden_columns = set(), [], set(), set()
    for _, element in ElementTree.iterparse(io.BytesIO(xml), events=("end",)):
        tag = element.tag.rpartition("}")[2]
        if tag == "c" and any(child.tag.rpartition("}")[2] == "f" for child in element):
            formulas.add(element.get("r", ""))
        elif tag == "mergeCell":
            merged.append(element.get("ref", ""))
        elif tag == "row":
            if element.get("hidden") in {"1", "true"}:
                hidden_rows.add(int(element.get("r", "0")))
            element.clear()
        elif tag == "col" and element.get("hidden") in {"1", "true"}:
            last = min(int(element.get("max", "0")), limits.most("sheet_columns"))
            hidden_columns |= {get_column_letter(n) for n in range(int(element.get("min", "1")), last + 1)}
    sheet.formulas, sheet.merged = frozenset(formulas), tuple(merged)
    sheet.hidden_rows, sheet.hidden_columns = frozenset(hidden_rows), frozenset(hidden_columns)


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    try:
        book = ElementTree.fromstring(read_member(archive, "xl/workbook.xml"))
        links = ElementTree.fromstring(read_member(archive, "xl/_rels/workbook.xml.rels"))
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise UserError(
            f"{archive_name(archive)}: the workbook is damaged; open it and save it again"
        ) from None
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    parts = {}
    for space in (_MAIN, _STRICT):
        for sheet in book.iter(f"{space}sheet"):
            target = targets.get(
                sheet.get(f"{{{_RELATION}}}id") or sheet.get(f"{{{_STRICT_RELATION}}}id"), ""
            )
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in archive.namelist():
                parts[sheet.get("name", "")] = part
    return parts


def _table(path: Path) -> list[tuple]:
    text = read_text(path)
    sample = text[:20_000]
    delimiter = max(",;\t", key=lambda mark: sum(line.count(mark) for line in sample.splitlines()[:20]))
    rows: list[tuple] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            cells += len(row)
            rows.append(tuple(map(_typed, row)))
            limits.within("form_rows", len(rows), path.name, more=True)
            limits.within("sheet_columns", len(row), path.name)
            limits.within("sheet_cells", cells, path.name, more=True)
    except csv.Error as error:
        raise UserError(f"{path.name}, row {len(rows) + 1}: not readable as a table ({error})") from None
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    if not rows:
        raise UserError(f"{path.name}: the table is empty")
    return rows


def _typed(text: str) -> str | int | float | None:
    # a table has no types; what a spreadsheet would take for a number is one, codes such as 007 are not
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text or None


def _ole_message(path: Path) -> str:
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data or "EncryptionInfo".encode("utf-16-le") in data:
        return f"{path.name}: protected by a password; open it, remove the password and save it again"
    if "WordDocument".encode("utf-16-le") in data:
        return f"{path.name}: an old Word document, not a workbook"
    return f"{path.name}: a workbook in the format of Excel 97–2003; open it and save it as .xlsx"


def _looks_like(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for mark, kind in (
        (b"%pdf", "a PDF"),
        (b"<!doctype html", "a web page"),
        (b"<html", "a web page"),
        (b"<?xml", "an XML file"),
        (b"<table", "a web page"),
        (b"{", "a JSON file"),
        (b"\x89png", "a picture"),
        (b"\xff\xd8", "a picture"),
        (b"rar!", "an RAR archive"),
        (b"7z", "a 7-Zip archive"),
    ):
        if start.startswith(mark):
            return kind
    try:
        text = decode(head, "")
    except UserError:
        return "binary data"
    return "a CSV table (name it .csv)" if "," in text or "\t" in text or ";" in text else "plain text"
