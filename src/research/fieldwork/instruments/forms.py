"""Empty forms as Excel workbooks: the survey as a table, the questionnaire, the coding of interviews."""

from __future__ import annotations

import pandas as pd
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from research.errors import UserError
from research.fieldwork.instruments import codebook as codes
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.items import GROUP_LABELS, GROUPS, survey_items
from research.fieldwork.instruments.layout import (
    CODEBOOK,
    CONSENT,
    MAX_CODES,
    MEMO,
    OF_THE_BANK,
    PLACED,
    QUESTIONNAIRE,
    SLOTS,
    UNIT,
    background,
    survey_columns,
)
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.instruments.workbook import FIELD, LONG_FIELD

CODES = "coding 编码"
_BOOK = "codebook 编码本"
_PICK = "Choose from the list 请从列表选择"


def survey_form(*, rows: int = 300, invented: bool = False) -> Workbook:
    """Return the survey workbook: a sheet per group, `rows` empty rows for respondents, a column per item."""
    items = survey_items()
    book = wb.new_workbook("Survey of practitioners and customers")
    for group in GROUPS:
        _survey_sheet(book, group, items[items["group"].isin([group, "both"])], rows, invented)
    wb.add_instructions(book, "survey", invented=invented)
    wb.add_stamp(book, form="survey", version=form_version(items))
    return book


def _survey_sheet(book: Workbook, group: str, items: pd.DataFrame, rows: int, invented: bool) -> None:
    columns = survey_columns(items, group)
    n = len(columns)
    sheet, first = wb.form_sheet(
        book, GROUP_LABELS[group], columns, [[FIELD] * n] * rows, head=84, frozen=2, banner=n * invented,
        widths=[13, 10, *[27] * (n - len(items) - 4), 10, 10, *[19] * len(items)],
    )  # fmt: skip
    last = first + rows - 1
    letters = {key: get_column_letter(n) for n, key in enumerate(keys(columns), start=1)}
    place = {key: f"{letter}{first}:{letter}{last}" for key, letter in letters.items()}
    wb.choices(sheet, place["consent"], list(CONSENT.values()), "yes or no 同意或不同意")
    for asked in [*background(group), *([PLACED] if PLACED.key in place else [])]:
        wb.choices(sheet, place[asked.key], list(asked.options.values()), _PICK)
    wb.limits(sheet, place["weight"], 0.0001, 1000, "A number above 0 大于 0 的数", whole=False)
    wb.limits(sheet, place["duration_seconds"], 1, 86400, "Whole seconds 整秒数")
    for (low, high), same in items.groupby(["scale_min", "scale_max"], sort=True):
        _scale(sheet, " ".join(place[item] for item in same["item"]), low, high)
    sheet.page_setup.fitToWidth = 4
    sheet.print_title_cols = "A:A"
    sheet.print_area = f"A1:{get_column_letter(n)}{last}"  # empty rows are for pencils


def _scale(sheet: Worksheet, cells: str, low: int, high: int) -> None:
    wb.choices(sheet, cells, [str(n) for n in range(low, high + 1)], f"{low} to {high} 之间的整数")


def questionnaire(group: str) -> Workbook:
    """Return a questionnaire for one respondent of a group, to be filled on screen or printed."""
    items = survey_items(group=group)
    book = wb.new_workbook(f"Questionnaire for {group}s")
    sheet = book.create_sheet("questionnaire 问卷")

    def ask(row: int, key: str, english: str, chinese: str) -> None:
        wb.text_cell(sheet, row, 1, key, size=8)
        wb.text_cell(sheet, row, 2, english)
        wb.text_cell(sheet, row, 3, chinese)
        wb.field(sheet, row, 4)

    ahead = [asked for asked in survey_columns(items.iloc[:0], group) if asked not in OF_THE_BANK]
    for row, asked in enumerate(ahead, start=1):
        ask(row, asked.key, asked.english, asked.chinese)
        if asked.options:
            wb.choices(sheet, f"D{row}", list(asked.options.values()), _PICK)
    top = len(ahead) + 2
    first = wb.header(sheet, top, QUESTIONNAIRE, height=20)
    for row, item in enumerate(items.itertuples(), start=first):
        ask(row, item.item, item.wording_en, item.wording_zh)
        _scale(sheet, f"D{row}", item.scale_min, item.scale_max)
        sheet.row_dimensions[row].height = wb.row_height([(item.wording_en, 48), (item.wording_zh, 48)])
    wb.set_widths(sheet, [15, 48, 48, 20])
    sheet.freeze_panes = sheet.cell(first, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=False, titles=f"{top}:{first - 1}")
    wb.add_instructions(book, "questionnaire")
    wb.add_stamp(book, form="questionnaire", group=group, version=form_version(survey_items()))
    return book


def coding_form(
    units: pd.DataFrame,
    *,
    coder: str = "",
    codebook: pd.DataFrame | None = None,
    invented: bool = False,
    slots: int = MAX_CODES,
    kind: str = "coding",
) -> Workbook:
    """Return a coder's workbook: every segment of the transcripts with drop-downs for its codes.

    Args:
        units: document, segment, text, participant, group (see `transcripts.read_transcripts`).
        coder: the coder's code; may stay empty.
        codebook: see `codebook.read_codebook`; the starting codebook when not given.
        invented: label every sheet as invented for demonstration.
        slots: how many codes a segment may have.
        kind: of the form, which is stamped on it.
    """
    missing = [name for name in keys(UNIT) if name not in units.columns]
    if missing or units.empty:
        raise UserError(f"units for coding: {'missing ' + ', '.join(missing) if missing else 'no segment'}")
    codebook = codes.read_codebook() if codebook is None else codebook
    allowed = codes.assignable(codebook)
    book = wb.new_workbook("Coding of interviews")
    sheet, first = wb.form_sheet(
        book, CODES, [*UNIT, *SLOTS[:slots], MEMO],
        [[*unit, *[FIELD] * slots, LONG_FIELD] for unit in units[keys(UNIT)].to_numpy(dtype=object)],
        widths=[11, 9, 11, 13, 70, *[19] * slots, 28],
        heights=[min(wb.row_height([(text, 70)]), 400) for text in units["text"]],
        banner=6 * invented, labelled=("coder", "Coder's code 编码员代码", coder), frozen=6,
    )  # fmt: skip
    cells = f"F{first}:{get_column_letter(5 + slots)}{first + len(units) - 1}"
    listed = f"'{_BOOK}'!$A$5:$A${4 + len(allowed)}"
    wb.choices(sheet, cells, listed, "A code of the codebook 编码本中的编码")
    _codebook_sheet(book, codebook, allowed, invented)
    wb.add_instructions(book, kind, invented=invented, max_codes=slots)
    wb.add_stamp(book, form=kind, version=form_version(codebook))
    return book


def _codebook_sheet(book: Workbook, codebook: pd.DataFrame, allowed: list[str], invented: bool) -> None:
    above, by_code = codes.ancestors(codebook), codebook.set_index("code")
    rows = [
        [code, [code, *above[code]][-1], *(by_code.loc[code].get(key, "") for key in keys(CODEBOOK)[2:])]
        for code in allowed
    ]
    # data start in row 5, to which the drop-downs point
    wb.form_sheet(
        book, _BOOK, CODEBOOK, rows, widths=[22, 20, 22, 16, 34, 34, 34, 34], frozen=2, bold=True,
        heights=[wb.row_height([(str(value), 30) for value in row[4:]]) for row in rows],
        banner=8 * invented, start=2,
    )  # fmt: skip
