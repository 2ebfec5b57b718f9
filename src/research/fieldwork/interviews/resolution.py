"""The workbook in which coders resolve their disagreements: a record of what they decided, and why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.layout import RESOLUTION


def resolution_form(path: str | Path, disagreements: pd.DataFrame, *, invented: bool = False) -> Path:
    """Write the rows of `coder_agreement.disagreements` as a workbook with a decision to take for each."""
    if disagreements.empty:
        raise UserError("the coders agree on every code of every segment; there is nothing to resolve")
    book = wb.new_workbook("Disagreements of coders")
    sheet = book.create_sheet("disagreements 分歧")
    top = wb.banner(sheet, 1, len(RESOLUTION)) if invented else 1
    *shown, decision, _ = RESOLUTION
    shown = keys(shown)
    first = wb.header(sheet, top, RESOLUTION, height=18)
    for row, entry in enumerate(disagreements.to_dict("records"), start=first):
        for column, key in enumerate(shown, start=1):
            wb.text_cell(sheet, row, column, entry.get(key, ""))
        wb.field(sheet, row, len(shown) + 1)
        wb.field(sheet, row, len(shown) + 2, wrap=True)
        texts = [(str(entry.get("text", "")), 60), (str(entry.get("definition", "")), 34)]
        sheet.row_dimensions[row].height = min(wb.row_height(texts), 400)
    cells = f"I{first}:I{first + len(disagreements) - 1}"
    wb.choices(sheet, cells, list(decision.options.values()), "keep or drop the code 保留或删除该编码")
    wb.widths(sheet, [10, 9, 11, 60, 22, 34, 12, 13, 12, 30])
    sheet.freeze_panes = sheet.cell(first, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top}:{first - 1}")
    wb.add_instructions(book, "resolution", invented=invented)
    wb.add_stamp(book, form="resolution", version="1")
    return wb.save(book, path)
