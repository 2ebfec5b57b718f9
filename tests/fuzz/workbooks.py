"""What can happen to a workbook: in its cells, in its sheets, and in the parts of its container."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from functools import cache
from random import Random

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from .mutations import some_bytes, value, word

PARTS = (
    b"", b"<", b"<a/>", b"not xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"\x00" * 50,
    '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), b'<?xml version="1.0" encoding="klingon"?><a/>',
)  # fmt: skip


@cache
def bare(data: bytes) -> bytes:
    """Return a workbook with the same sheets and values and nothing else, which is quicker to change and to read."""
    book = Workbook()
    book.remove(book.active)
    for sheet in load_workbook(io.BytesIO(data)).worksheets:
        copy = book.create_sheet(sheet.title)
        copy.sheet_state = sheet.sheet_state
        for row in sheet.iter_rows(max_row=60):
            for cell in row:
                if cell.value is not None:
                    copy.cell(cell.row, cell.column).value = cell.value
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def a_workbook(data: bytes, random: Random) -> bytes:
    """Return a workbook after changes of cells and sheets, of its parts, or of its bytes."""
    data = bare(data) if random.random() < 0.85 else data
    what = random.random()
    if what < 0.65:
        return edited(data, random)
    if what < 0.90:
        return with_parts(data, random)
    return some_bytes(data, random)


def edited(data: bytes, random: Random) -> bytes:
    """Change cells and sheets as a person or another program may."""
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(io.BytesIO(data))
            for _ in range(random.choice((1, 1, 2, 4, 12))):
                change(book, random.choice(book.worksheets), random)
            book.save(made)
        except Exception:  # openpyxl refuses to write what was asked for: the case is the sound workbook
            return data
    return made.getvalue()


def change(book: Workbook, sheet: Worksheet, random: Random) -> None:
    """Make one change."""
    row, column = random.randint(1, max(sheet.max_row, 1)), random.randint(1, max(sheet.max_column, 1))
    what = random.randrange(16)
    with contextlib.suppress(ValueError, TypeError, AttributeError):  # a merged cell takes no value
        if what < 7:
            cell = sheet.cell(row, column)
            cell.value = value(random)
            if random.random() < 0.1:
                cell.data_type = random.choice(("s", "n", "b", "e", "d", "f"))
        elif what == 7:
            sheet.delete_rows(row, random.choice((1, 1, 3, 1000)))
        elif what == 8:
            sheet.delete_cols(column, random.choice((1, 1, 3, 1000)))
        elif what == 9:
            sheet.insert_rows(row, random.choice((1, 3)))
        elif what == 10:
            sheet.insert_cols(column)
        elif what == 11:
            sheet.merge_cells(start_row=row, start_column=column, end_row=row + random.choice((0, 1, 50)),
                              end_column=column + random.choice((0, 1, 50)))  # fmt: skip
        elif what == 12:
            sheet.title = random.choice(("Sheet 1", "客户", "practitioners", "员工", "_form", "x" * 31))
        elif what == 13:
            random.choice((sheet.row_dimensions[row], sheet.column_dimensions["A"])).hidden = True
            sheet.sheet_state = random.choice(("visible", "hidden", "veryHidden"))
        elif what == 14:
            if random.random() < 0.5 and len(book.worksheets) > 1:
                book.remove(sheet)
            else:
                book.copy_worksheet(sheet)
        else:
            for cells in sheet.iter_cols(min_col=column, max_col=column):
                kept = value(random)
                for cell in cells:
                    cell.value = kept


def with_parts(data: bytes, random: Random) -> bytes:
    """Damage, drop, repeat, rename or replace a part of a zip container."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        parts = [(info.filename, source.read(info)) for info in source.infolist()]
    for _ in range(random.choice((1, 1, 2))):
        place = random.randrange(len(parts))
        name, content = parts[place]
        what = random.randrange(8)
        if what == 0 and len(parts) > 1:
            del parts[place]
        elif what == 1:
            parts[place] = (name, some_bytes(content, random))
        elif what == 2:
            parts[place] = (name, random.choice(PARTS))
        elif what == 3:
            parts.append((name, content))
        elif what == 4:
            parts[place] = (
                random.choice(
                    ("../evil.xml", "/abs.xml", "a\\b.xml", name.upper(), word(random)[:80] or "_")
                ),
                content,
            )
        elif what == 5:
            parts.append(
                (
                    random.choice(("xl/externalLinks/externalLink1.xml", "xl/vbaProject.bin", "x/../../y")),
                    content,
                )
            )
        elif what == 6:
            other = random.randrange(len(parts))
            parts[place], parts[other] = (name, parts[other][1]), (parts[other][0], content)
        else:
            parts[place] = (name, in_text(content, random))
    made = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(made, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as target,
    ):
        warnings.simplefilter("ignore")
        for name, content in parts:
            target.writestr(name, content)
    return made.getvalue()


def in_text(content: bytes, random: Random) -> bytes:
    """Replace one attribute's value or element's text of an XML part."""
    spots = [place for place, letter in enumerate(content) if letter in b'">']
    if not spots:
        return content
    start = random.choice(spots) + 1
    ends = [place for place in (content.find(mark, start) for mark in (b'"', b"<")) if place >= 0]
    fresh = word(random)[:500].replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return content[:start] + fresh.encode("utf-8", "replace") + content[min(ends, default=start) :]
