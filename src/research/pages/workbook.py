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

from research.exhibits.words import N_, Words
from research.pages import markup, worded
from research.pages.payload import WITHHELD

LONGEST_NAME, LONGEST = 31, 32_767  # Excel's limits for the name of a sheet, and for a text
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # characters that a workbook cannot hold
WIDEST = 60
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip archive can say
CONTENTS = (N_("Sheet"), N_("Page"), N_("Name in results/"), N_("What it says"), N_("Rows"))
ORIGIN = N_("Rests on: {origin}.")
HEAD = 3  # the row of a sheet with the headings; above it what the table says, and what to know of it
STAMPS = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:)")


def workbook_bytes(tables: Mapping[str, Mapping[str, Any]], words: Words | None = None) -> bytes:
    """Return a workbook with a contents sheet and one sheet per table (`notebook/exhibit` → payload)."""
    words = words or Words()
    book = Workbook()
    contents = book.active
    contents.title = "Contents"
    write_row(contents, 1, list(map(words, CONTENTS)), bold=True)
    taken: set[str] = {"contents"}
    for line, (key, entry) in enumerate(tables.items(), start=2):
        stem, _, name = key.partition("/")
        sheet = book.create_sheet(sheet_name(stem, name, taken))
        caption = markup.without_markup(entry["caption"])
        write_row(contents, line, [sheet.title, stem, name, caption, len(entry["rows"])])
        contents.cell(line, 1).hyperlink = f"#'{sheet.title}'!A1"
        write_row(sheet, 1, [caption], bold=True)
        write_row(sheet, 2, [" ".join(notes(entry, words))])
        write_row(sheet, HEAD, list(worded.column_headings(entry, words)), bold=True)
        for number, row in enumerate(entry["rows"], start=HEAD + 1):
            write_row(sheet, number, row)
        columns = [column["name"] for column in entry["columns"]]
        for row, column in entry.get(WITHHELD, ()):
            sheet.cell(row + HEAD + 1, columns.index(column) + 1).value = words(markup.WITHHELD)
        sheet.freeze_panes = f"A{HEAD + 1}"
        fit_columns(sheet, HEAD)
        for number in range(1, HEAD):  # a sentence runs on over the columns beside it
            sheet.cell(number, 1).alignment = Alignment(wrap_text=False)
    contents.freeze_panes = "A2"
    fit_columns(contents)
    stream = io.BytesIO()
    book.save(stream)
    return without_times(stream.getvalue())


def notes(entry: Mapping[str, Any], words: Words) -> list[str]:
    """Return what to know of a table besides its caption: on what it rests, and what is withheld."""
    origin = worded.ORIGINS.get(entry.get("origin", ""))
    told = [words(ORIGIN, origin=words(origin))] if origin else []
    return told + ([words(markup.WITHHELD_NOTE, smallest=entry["smallest"])] if entry.get(WITHHELD) else [])


def write_row(sheet: Worksheet, number: int, values: list[Any], *, bold: bool = False) -> None:
    """Write a row; text stays text, whatever it begins with."""
    for position, value in enumerate(values, start=1):
        cell = sheet.cell(number, position)
        cell.value = (
            value
            if isinstance(value, int | float | bool | None)
            else UNPRINTABLE.sub("", str(value))[:LONGEST]
        )
        if isinstance(value, str):
            cell.data_type = "s"  # '=1+1' is somebody's answer, not a formula
        if bold:
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="top")


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


def fit_columns(sheet: Worksheet, first: int = 1) -> None:
    """Make columns as wide as their longest value from a row on, within reason."""
    for cells in sheet.iter_cols(min_row=first):
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
