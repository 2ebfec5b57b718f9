"""The form of pairwise comparisons, from which experts' weights are computed (AHP)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.pairs import COMPARISON, EQUAL, comparison_pairs
from research.fieldwork.instruments.stamp import form_version


def comparison_form(
    path: str | Path, experts: Sequence[str], *, pairs: pd.DataFrame | None = None, invented: bool = False
) -> Path:
    """Write the workbook of pairwise comparisons (AHP), one sheet per expert. Return its path."""
    return wb.save(comparison_workbook(experts, pairs=pairs, invented=invented), path)


def comparison_workbook(
    experts: Sequence[str], *, pairs: pd.DataFrame | None = None, invented: bool = False
) -> Workbook:
    """Return the workbook of `comparison_form`."""
    pairs = comparison_pairs() if pairs is None else pairs
    book = wb.new_workbook("Pairwise comparisons by experts")
    for expert in _distinct(experts):
        _comparison_sheet(book.create_sheet(expert), expert, pairs, invented)
    wb.add_instructions(book, "ahp", invented=invented)
    wb.add_stamp(book, form="ahp", version=form_version(pairs))
    return book


def _comparison_sheet(sheet: Worksheet, expert: str, pairs: pd.DataFrame, invented: bool) -> None:
    top = wb.banner(sheet, 1, len(COMPARISON)) if invented else 1
    wb.labelled_field(sheet, top, "expert", "专家代码", expert)
    first = wb.header(sheet, top + 2, COMPARISON, height=18)
    for row, pair in enumerate(pairs.itertuples(), start=first):
        values = [
            pair.set,
            pair.left,
            pair.right,
            f"{pair.question_en}\n{pair.question_zh}",
            f"{pair.left_en} / {pair.left_zh}",
            f"{pair.right_en} / {pair.right_zh}",
        ]
        for column, value in enumerate(values, start=1):
            wb.text_cell(sheet, row, column, value)
        wb.field(sheet, row, 7)
        wb.field(sheet, row, 8)
        wb.choices(
            sheet, f"G{row}", [pair.left, EQUAL, pair.right], f"{pair.left}, {pair.right} or equal 同等"
        )
        sheet.row_dimensions[row].height = 44
    last = first + len(pairs) - 1
    wb.limits(sheet, f"H{first}:H{last}", 1, 9, "1 to 9 之间的整数")
    wb.widths(sheet, [18, 8, 8, 44, 26, 26, 16, 14])
    sheet.freeze_panes = sheet.cell(first, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top + 2}:{first - 1}")


def _distinct(experts: Sequence[str]) -> list[str]:
    names = [str(name).strip() for name in experts]
    if not names or len(set(names)) < len(names) or any(not name or len(name) > 31 for name in names):
        raise UserError(
            f"experts: {names}; expected at least one code, all different, each of 1 to 31 characters"
        )
    return names
