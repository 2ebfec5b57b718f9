"""All tables of a run as one Excel workbook; the same tables give the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from research.pages.payload import WITHHELD

LONGEST_NAME = 31  # Excel's limit for the name of a sheet
WIDEST = 60
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip archive can say
STAMPS = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def workbook_bytes(tables: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Return a workbook with a contents sheet and one sheet per table (`notebook/exhibit` → payload)."""
    book = Workbook()
    contents = book.active
    contents.title = "Contents"
    write_row(contents, 1, ["sheet", "notebook", "exhibit", "caption", "rows"], bold=True)
    taken: set[str] = {"contents"}
    for line, (key, entry) in enumerate(tables.items(), start=2):
        stem, _, name = key.partition("/")
        sheet = book.create_sheet(sheet_name(stem, name, taken))
        write_row(contents, line, [sheet.title, stem, name, entry["caption"], len(entry["rows"])])
        contents.cell(line, 1).hyperlink = f"#'{sheet.title}'!A1"
        columns = [column["name"] for column in entry["columns"]]
        write_row(sheet, 1, columns, bold=True)
        for number, row in enumerate(entry["rows"], start=2):
            write_row(sheet, number, row)
        for row, column in entry.get(WITHHELD, ()):
            sheet.cell(row + 2, columns.index(column) + 1).value = WITHHELD
        sheet.freeze_panes = "A2"
        fit_columns(sheet)
    contents.freeze_panes = "A2"
    fit_columns(contents)
    stream = io.BytesIO()
    book.save(stream)
    return without_times(stream.getvalue())


def write_row(sheet: Worksheet, number: int, values: list[Any], *, bold: bool = False) -> None:
    """Write a row; text stays text, whatever it begins with."""
    for position, value in enumerate(values, start=1):
        cell = sheet.cell(number, position)
        cell.value = value if isinstance(value, int | float | bool | None) else printable(str(value))
        if isinstance(value, str):
            cell.data_type = "s"  # '=1+1' is somebody's answer, not a formula
        if bold:
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def printable(text: str) -> str:
    """Return text without the control characters that a workbook cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)[:32_767]


def sheet_name(stem: str, name: str, taken: set[str]) -> str:
    """Return a sheet name that Excel allows and that is not taken."""
    number = re.match(r"\d+", stem)
    wanted = f"{number.group() if number else stem} {name}"[:LONGEST_NAME]
    title, count = wanted, 1
    while title.lower() in taken:
        count += 1
        title = f"{wanted[: LONGEST_NAME - len(str(count)) - 1]}~{count}"
    taken.add(title.lower())
    return title


def fit_columns(sheet: Worksheet) -> None:
    """Make columns as wide as their longest value, within reason."""
    for cells in sheet.iter_cols():
        longest = max((len(str(cell.value)) for cell in cells if cell.value is not None), default=8)
        sheet.column_dimensions[cells[0].column_letter].width = min(max(longest + 2, 8), WIDEST)


def without_times(content: bytes) -> bytes:
    """Return the same archive with fixed times, so that equal content means equal bytes."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            data = old.read(item.filename)
            if item.filename == "docProps/core.xml":
                data = STAMPS.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", data)
            entry = zipfile.ZipInfo(item.filename, FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            new.writestr(entry, data)
    return stream.getvalue()
