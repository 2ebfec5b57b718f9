"""Empty forms as Excel workbooks: the survey as a table, the questionnaire, the coding of interviews."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

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

_PICK = "Choose from the list 请从列表选择"


def survey_form(
    path: str | Path, *, rows: int = 300, items: pd.DataFrame | None = None, invented: bool = False
) -> Path:
    """Write the survey workbook: a sheet per group, a row per respondent, a column per item. Return its path."""
    return wb.save(survey_workbook(rows=rows, items=items, invented=invented), path)


def survey_workbook(*, rows: int, items: pd.DataFrame | None = None, invented: bool = False) -> Workbook:
    """Return the survey workbook with `rows` empty rows in each group's sheet."""
    items = survey_items() if items is None else items
    book = wb.new_workbook("Survey of practitioners and customers")
    for group in GROUPS:
        _survey_sheet(book, group, items[items["group"].isin([group, "both"])], rows, invented)
    wb.add_instructions(book, "survey", invented=invented)
    wb.add_stamp(book, form="survey", version=form_version(items))
    return book


def _survey_sheet(book: Workbook, group: str, items: pd.DataFrame, rows: int, invented: bool) -> None:
    sheet = book.create_sheet(GROUP_LABELS[group])
    columns = survey_columns(items, group)
    top = wb.banner(sheet, 1, len(columns)) if invented else 1
    first = wb.header(sheet, top, columns, height=84)
    last = first + rows - 1
    for row in range(first, last + 1):
        for column in range(1, len(columns) + 1):
            wb.field(sheet, row, column)
    letters = {key: get_column_letter(n) for n, key in enumerate(keys(columns), start=1)}
    place = {key: f"{letter}{first}:{letter}{last}" for key, letter in letters.items()}
    wb.choices(sheet, place["consent"], list(CONSENT.values()), "yes or no 同意或不同意")
    for asked in [*background(group), *([PLACED] if PLACED.key in place else [])]:
        wb.choices(sheet, place[asked.key], list(asked.options.values()), _PICK)
    wb.limits(sheet, place["weight"], 0.0001, 1000, "A number above 0 大于 0 的数", whole=False)
    wb.limits(sheet, place["duration_seconds"], 1, 86400, "Whole seconds 整秒数")
    for (low, high), same in items.groupby(["scale_min", "scale_max"], sort=True):
        cells = " ".join(place[item] for item in same["item"])
        wb.choices(sheet, cells, [str(n) for n in range(low, high + 1)], f"{low} to {high} 之间的整数")
    before = len(columns) - len(items)
    wb.widths(sheet, [13, 10, *[27] * (before - 4), 10, 10, *[19] * len(items)])
    sheet.freeze_panes = sheet.cell(first, 2)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top}:{first - 1}", pages_wide=4)
    sheet.print_title_cols = "A:A"
    sheet.print_area = f"A1:{get_column_letter(len(columns))}{last}"  # empty rows are for pencils


def questionnaire(path: str | Path, group: str, *, items: pd.DataFrame | None = None) -> Path:
    """Write a questionnaire for one respondent of a group, to be filled on screen or printed. Return its path."""
    items = survey_items(group=group) if items is None else items[items["group"].isin([group, "both"])]
    book = wb.new_workbook(f"Questionnaire for {group}s")
    sheet = book.create_sheet("questionnaire 问卷")
    row = 1
    for asked in survey_columns(items.iloc[:0], group):
        if asked in OF_THE_BANK:
            continue
        wb.text_cell(sheet, row, 1, asked.key, size=8)
        wb.text_cell(sheet, row, 2, asked.english)
        wb.text_cell(sheet, row, 3, asked.chinese)
        wb.field(sheet, row, 4)
        if asked.options:
            wb.choices(sheet, f"D{row}", list(asked.options.values()), _PICK)
        row += 1
    top = row + 1
    row = wb.header(sheet, top, QUESTIONNAIRE, height=20)
    for item in items.itertuples():
        wb.text_cell(sheet, row, 1, item.item, size=8)
        wb.text_cell(sheet, row, 2, item.wording_en)
        wb.text_cell(sheet, row, 3, item.wording_zh)
        wb.field(sheet, row, 4)
        answers = [str(n) for n in range(item.scale_min, item.scale_max + 1)]
        wb.choices(sheet, f"D{row}", answers, f"{item.scale_min} to {item.scale_max} 之间的整数")
        sheet.row_dimensions[row].height = wb.row_height([(item.wording_en, 48), (item.wording_zh, 48)])
        row += 1
    wb.widths(sheet, [15, 48, 48, 20])
    sheet.freeze_panes = sheet.cell(top + 3, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=False, titles=f"{top}:{top + 2}")
    wb.add_instructions(book, "questionnaire")
    wb.add_stamp(book, form="questionnaire", group=group, version=form_version(survey_items()))
    return wb.save(book, path)


def coding_form(
    path: str | Path,
    units: pd.DataFrame,
    *,
    coder: str = "",
    codebook: pd.DataFrame | None = None,
    invented: bool = False,
) -> Path:
    """Write a coder's workbook: every segment of the transcripts with drop-downs for its codes.

    Args:
        path: the workbook to write.
        units: document, segment, text, participant, group (see `transcripts.read_transcripts`).
        coder: the coder's code; may stay empty.
        codebook: see `codebook.read_codebook`; the starting codebook when not given.
        invented: label every sheet as invented for demonstration.
    """
    return wb.save(coding_workbook(units, coder=coder, codebook=codebook, invented=invented), path)


def coding_workbook(
    units: pd.DataFrame,
    *,
    coder: str = "",
    codebook: pd.DataFrame | None = None,
    invented: bool = False,
    slots: int = MAX_CODES,
    kind: str = "coding",
) -> Workbook:
    """Return the workbook of `coding_form`, with room for `slots` codes of a segment; `kind` is stamped on it."""
    missing = [
        name for name in ("document", "segment", "text", "participant", "group") if name not in units.columns
    ]
    if missing or units.empty:
        raise UserError(f"units for coding: {'missing ' + ', '.join(missing) if missing else 'no segment'}")
    codebook = codes.read_codebook() if codebook is None else codebook
    allowed = codes.assignable(codebook)
    book = wb.new_workbook("Coding of interviews")
    sheet = book.create_sheet("coding 编码")
    top = wb.banner(sheet, 1, 6) if invented else 1
    wb.labelled_field(sheet, top, "coder", "Coder's code 编码员代码", coder)
    columns = [*UNIT, *SLOTS[:slots], MEMO]
    first = wb.header(sheet, top + 2, columns, height=18)
    row = first
    for unit in units.itertuples():
        for column, key in enumerate(keys(UNIT), start=1):
            wb.text_cell(sheet, row, column, getattr(unit, key))
        for column in range(6, 6 + slots):
            wb.field(sheet, row, column)
        wb.field(sheet, row, 6 + slots, wrap=True)
        sheet.row_dimensions[row].height = min(wb.row_height([(unit.text, 70)]), 400)
        row += 1
    cells = f"F{first}:{get_column_letter(5 + slots)}{row - 1}"
    wb.choices(
        sheet, cells, f"'codebook 编码本'!$A$5:$A${4 + len(allowed)}", "A code of the codebook 编码本中的编码"
    )
    wb.widths(sheet, [11, 9, 11, 13, 70, *[19] * slots, 28])
    sheet.freeze_panes = sheet.cell(first, 6)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top + 2}:{first - 1}")
    _codebook_sheet(book, codebook, allowed, invented)
    wb.add_instructions(book, kind, invented=invented, max_codes=slots)
    wb.add_stamp(book, form=kind, version=form_version(codebook))
    return book


def _codebook_sheet(book: Workbook, codebook: pd.DataFrame, allowed: list[str], invented: bool) -> None:
    sheet = book.create_sheet("codebook 编码本")
    if invented:
        wb.banner(sheet, 1, 8)
    above = codes.ancestors(codebook)
    row = wb.header(sheet, 2, CODEBOOK, height=18)  # data start in row 5, to which the drop-downs point
    by_code = codebook.set_index("code")
    for code in allowed:
        entry = by_code.loc[code]
        values = [code, [code, *above[code]][-1], *(entry.get(key, "") for key in keys(CODEBOOK)[2:])]
        for column, value in enumerate(values, start=1):
            wb.text_cell(sheet, row, column, value, bold=column == 1)
        sheet.row_dimensions[row].height = wb.row_height([(str(value), 30) for value in values[4:]])
        row += 1
    wb.widths(sheet, [22, 20, 22, 16, 34, 34, 34, 34])
    sheet.freeze_panes = "B5"
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles="2:4")
