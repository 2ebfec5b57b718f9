"""How the project's Excel workbooks are written: one look, protected headers, a stamp, the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.stamp import STAMP_SHEET
from research.files.inert import write_csv
from research.files.textfiles import own_yaml
from research.files.wholefiles import whole
from research.paths import DEFINITIONS

LONGEST_TEXT = 32_767  # of a cell
INSTRUCTIONS = "instructions 说明"
INVENTED = "INVENTED FOR DEMONSTRATION 示例数据（虚构）"
FIELD, LONG_FIELD = (
    object(),
    object(),
)  # in place of a value: a cell to be filled in, with a word or with a text
EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)

_LINE = Side(style="thin", color="B7C0CC")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_KEY_FILL = PatternFill("solid", fgColor="DCE3EC")
_HEAD_FILL = PatternFill("solid", fgColor="1F3A5F")
_FIELD_FILL = PatternFill("solid", fgColor="FFFBE6")
_BANNER_FILL = PatternFill("solid", fgColor="FDE2E0")
FONT = "Noto Sans CJK SC"  # replaced by the reader's own sans serif where it is not installed


def new_workbook(title: str) -> Workbook:
    """Return a workbook without sheets whose properties do not depend on when it was made."""
    book = Workbook()
    book.remove(book.active)
    book.properties.title = title
    book.properties.creator = "Loan Customer Stratification Study"
    book.properties.created = EPOCH
    for name, horizontal, wrap in (("field", "center", None), ("field text", "left", True)):
        style = NamedStyle(name, font=Font(name=FONT, size=10), fill=_FIELD_FILL, border=_BOX)
        style.alignment = Alignment(vertical="top", horizontal=horizontal, wrap_text=wrap)
        style.protection = Protection(locked=False)
        book.add_named_style(style)
    return book


def add_stamp(book: Workbook, **values: object) -> None:
    """Write the form's kind and version to a sheet that Excel does not list (it is "very hidden")."""
    sheet = book.create_sheet(STAMP_SHEET)
    for row, (key, value) in enumerate(values.items(), start=1):
        sheet.cell(row, 1, key)
        sheet.cell(row, 2, str(value))
    sheet.sheet_state = "veryHidden"


def add_instructions(book: Workbook, form: str, *, invented: bool = False, **values: object) -> Worksheet:
    """Add the first sheet: title and numbered instructions of a form, English beside Chinese.

    Texts are those of `data/definitions/form_instructions.yml`; `values` fill their placeholders.
    """
    definitions = own_yaml(DEFINITIONS / "form_instructions.yml")
    title = definitions[form]["title"]
    values["agreement"] = definitions["agreement"]
    entries = definitions[form]["lines"] + (definitions[form].get("invented", []) if invented else [])
    lines = [(entry["en"].format(**values), entry["zh"].format(**values)) for entry in entries]
    sheet = book.create_sheet(INSTRUCTIONS, 0)
    row = _banner(sheet, 3) if invented else 1
    sheet.cell(row, 1, title).font = Font(name=FONT, size=15, bold=True, color="1F3A5F")
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=3)
    sheet.row_dimensions[row].height = 30
    for number, (english, chinese) in enumerate(lines, start=1):
        row += 1
        sheet.cell(row, 1, number).font = Font(name=FONT, size=10, color="667788")
        for column, text in ((2, english), (3, chinese)):
            cell = sheet.cell(row, column, text)
            cell.font = Font(name=FONT, size=10.5)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 15.5 * max(_lines(english, 58), _lines(chinese, 58)) + 5
    set_widths(sheet, [5, 58, 58])
    sheet.sheet_view.showGridLines = False
    protect(sheet)
    page(sheet, landscape=True)
    return sheet


def _banner(sheet: Worksheet, columns: int) -> int:
    """Write the label of invented data across the first row; return the next row."""
    cell = sheet.cell(1, 1, INVENTED)
    cell.font = Font(name=FONT, size=10, bold=True, color="9C1C12")
    for column in range(1, columns + 1):
        sheet.cell(1, column).fill = _BANNER_FILL
    return 2


def header(sheet: Worksheet, row: int, columns: Sequence[Column], height: float) -> int:
    """Write three header rows: machine key, English label, Chinese label; return the first data row."""
    for column, described in enumerate(columns, start=1):
        cell = sheet.cell(row, column, described.key)
        cell.font = Font(name=FONT, size=8, color="55606E")
        cell.fill = _KEY_FILL
        cell.alignment = Alignment(horizontal="center", vertical="center", shrink_to_fit=True)
        cell.border = _BOX
        for offset, text in ((1, described.english), (2, described.chinese)):
            cell = sheet.cell(row + offset, column, text)
            cell.font = Font(name=FONT, size=9.5, bold=offset == 1, color="FFFFFF")
            cell.fill = _HEAD_FILL
            cell.alignment = Alignment(wrap_text=True, vertical="top", horizontal="left")
            cell.border = _BOX
    sheet.row_dimensions[row + 1].height = height
    sheet.row_dimensions[row + 2].height = height * 0.8
    return row + 3


def put(sheet: Worksheet, row: int, column: int, value: object) -> Cell:
    """Write a value and return its cell; text stays text, whatever it begins with, as far as a workbook can hold it."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT]
        cell.data_type = "s"  # '=1+1' is somebody's words, not a formula
    else:
        cell.value = value
    return cell


def text_cell(
    sheet: Worksheet,
    row: int,
    column: int,
    value: object,
    *,
    bold: bool = False,
    size: float = 10,
    number_format: str | None = None,
) -> None:
    """Write a locked cell with a border and wrapped text."""
    cell = put(sheet, row, column, value)
    cell.font = Font(name=FONT, size=size, bold=bold)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.border = _BOX
    if number_format:
        cell.number_format = number_format


def field(sheet: Worksheet, row: int, column: int, value: object = None, *, wrap: bool = False) -> None:
    """Make a cell that the reader fills: unlocked, tinted, bordered."""
    # named styles: a style per cell takes seconds in a large form
    put(sheet, row, column, value).style = "field text" if wrap else "field"


def labelled_field(
    sheet: Worksheet, row: int, key: str, label: str, value: object = None, column: int = 2
) -> None:
    """Write `label` (with its machine key, after which the importer looks) and a field right of it."""
    text_cell(sheet, row, column - 1, f"{key} · {label}", bold=True, size=9.5)
    field(sheet, row, column, value)
    sheet.row_dimensions[row].height = 30


def form_sheet(
    book: Workbook,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[object]],
    *,
    widths: Sequence[float],
    heights: Iterable[float] = (),
    banner: int = 0,
    labelled: tuple[object, ...] | None = None,
    start: int = 1,
    head: float = 18,
    frozen: int = 1,
    bold: bool = False,
) -> tuple[Worksheet, int]:
    """Add the sheet of a form: banner, labelled field, headings, rows, and how all is protected and printed.

    Args:
        book: the workbook.
        name: of the sheet.
        columns: what the columns are.
        rows: a value, `FIELD` or `LONG_FIELD` per column.
        widths: of the columns, in characters.
        heights: of the rows, in points; by default those of the spreadsheet.
        banner: columns over which the label of invented data reaches; 0 for none.
        labelled: what stands after sheet and row in `labelled_field`.
        start: row of the headings where nothing stands above them.
        head: their height.
        frozen: the first column that moves.
        bold: whether the first column stands out.

    Returns:
        The sheet, and the first row of `rows` in it.
    """
    sheet = book.create_sheet(name)
    top = _banner(sheet, banner) if banner else start
    if labelled is not None:
        labelled_field(sheet, top, *labelled)
        top += 2
    first = header(sheet, top, columns, height=head)
    for row, values in enumerate(rows, start=first):
        for column, (described, value) in enumerate(zip(columns, values, strict=True), start=1):
            if value is FIELD or value is LONG_FIELD:
                field(sheet, row, column, wrap=value is LONG_FIELD)
            else:
                form = described.shown
                text_cell(sheet, row, column, value, bold=bold and column == 1, number_format=form)
    for row, height in enumerate(heights, start=first):
        sheet.row_dimensions[row].height = height
    set_widths(sheet, widths)
    sheet.freeze_panes = sheet.cell(first, frozen)
    protect(sheet)
    page(sheet, landscape=True, titles=f"{top}:{first - 1}")
    return sheet, first


def choices(sheet: Worksheet, cells: str, options: Sequence[str] | str, prompt: str) -> None:
    """Attach a drop-down; `options` is a list, or a reference to cells that hold the list."""
    formula = options if isinstance(options, str) else '"' + ",".join(options) + '"'
    if len(formula) > 255:
        raise ValueError("Excel allows 255 characters for a list in a cell; give a reference to cells")
    rule = DataValidation(type="list", formula1=formula, allow_blank=True, showErrorMessage=True)
    _attach(sheet, rule, cells, prompt)


def limits(sheet: Worksheet, cells: str, low: float, high: float, prompt: str, *, whole: bool = True) -> None:
    """Attach number limits; low and high belong to the range."""
    kind, ends = "whole" if whole else "decimal", {"formula1": str(low), "formula2": str(high)}
    rule = DataValidation(type=kind, operator="between", **ends, allow_blank=True, showErrorMessage=True)
    _attach(sheet, rule, cells, prompt)


def _attach(sheet: Worksheet, rule: DataValidation, cells: str, prompt: str) -> None:
    rule.errorTitle, rule.error = "Not possible 不可填写", prompt
    rule.promptTitle, rule.prompt = "Answer 填写", prompt
    rule.showInputMessage = True
    for area in cells.split():
        rule.add(area)
    sheet.add_data_validation(rule)


def set_widths(sheet: Worksheet, values: Sequence[float]) -> None:
    """Set the column widths from the left, in characters."""
    for column, width in enumerate(values, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def protect(sheet: Worksheet) -> None:
    """Lock all cells but the fields; no password, so that a researcher can unlock a sheet knowingly."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.formatRows = False


def page(sheet: Worksheet, *, landscape: bool, titles: str | None = None) -> None:
    """Set A4, margins, repeated title rows, a fit to the page width and page numbers."""
    setup = sheet.page_setup
    setup.paperSize = sheet.PAPERSIZE_A4
    setup.orientation = "landscape" if landscape else "portrait"
    setup.fitToWidth, setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.5
    sheet.page_margins.top, sheet.page_margins.bottom, sheet.page_margins.footer = 0.6, 0.75, 0.35
    if titles:
        sheet.print_title_rows = titles
    sheet.oddFooter.left.text = "&A"
    sheet.oddFooter.right.text = "&P / &N"
    sheet.print_options.horizontalCentered = True


def add_tables(book: Workbook, tables: Mapping[str, pd.DataFrame]) -> None:
    """Add a sheet for each table: a row of headings, numbers as numbers, text as text."""
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        for column, heading in enumerate(table, start=1):
            text_cell(sheet, 1, column, str(heading).replace("_", " "), bold=True)
            values = table[heading].astype(object).where(table[heading].notna(), None)
            for row, value in enumerate(values, start=2):
                form = "0.000" if isinstance(value, float) else None
                text_cell(sheet, row, column, value, number_format=form)
        set_widths(sheet, [max(10, min(60, *map(len, map(str, [c, *table[c]])))) for c in table])
        sheet.freeze_panes = "A2"
        page(sheet, landscape=True, titles="1:1")


def write_tables(tables: Mapping[str, pd.DataFrame], path: Path, title: str) -> Path:
    """Write tables as a workbook (.xlsx) with a sheet for each, else the first of them as a csv; return the path."""
    if path.suffix.lower() != ".xlsx":
        return write_csv(next(iter(tables.values())), path)
    book = new_workbook(title)
    add_tables(book, tables)
    return save(book, path)


def _lines(text: str, width: int) -> int:
    units = sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
    return -(-units // width)


def row_height(texts: Iterable[tuple[str, float]]) -> float:
    """Return the height that the tallest of (text, column width) needs."""
    return 14 * max(_lines(text, max(int(width * 0.95), 1)) for text, width in texts) + 4


def save(book: Workbook, path: str | Path) -> Path:
    """Write a workbook under a temporary name, then rename; equal workbooks give equal bytes."""
    path = Path(path)
    buffer = io.BytesIO()
    book.save(buffer)
    with whole(path) as new:
        new.write_bytes(without_times(buffer.getvalue()))
    return path


def without_times(data: bytes) -> bytes:
    # openpyxl stamps the time of saving into the properties and into each zip entry
    stamp = EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(member.filename, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content)
    return out.getvalue()
