"""The form of pairwise comparisons, from which experts' weights are computed (AHP)."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl import Workbook

from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.pairs import COMPARISON, EQUAL, comparison_pairs
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.instruments.workbook import FIELD

_WIDTHS = [18, 8, 8, 44, 26, 26, 16, 14]


def comparison_form(experts: Sequence[str], *, invented: bool = False) -> Workbook:
    """Return the workbook of pairwise comparisons (AHP), one sheet per expert.

    Raises:
        UserError: no expert, or codes that are no names of sheets or not all different.
    """
    names = [str(name).strip() for name in experts]
    if not names or len(set(names)) < len(names) or any(not name or len(name) > 31 for name in names):
        raise UserError(
            f"experts: {names}; expected at least one code, all different, each of 1 to 31 characters"
        )
    pairs = comparison_pairs()
    rows = [
        (pair.set, pair.left, pair.right, f"{pair.question_en}\n{pair.question_zh}",
         f"{pair.left_en} / {pair.left_zh}", f"{pair.right_en} / {pair.right_zh}", FIELD, FIELD)
        for pair in pairs.itertuples()
    ]  # fmt: skip
    book = wb.new_workbook("Pairwise comparisons by experts")
    for expert in names:
        sheet, first = wb.form_sheet(
            book, expert, COMPARISON, rows, widths=_WIDTHS, heights=[44] * len(rows),
            banner=len(COMPARISON) * invented, labelled=("expert", "专家代码", expert),
        )  # fmt: skip
        for row, pair in enumerate(pairs.itertuples(), start=first):
            sides = [pair.left, EQUAL, pair.right]
            wb.choices(sheet, f"G{row}", sides, f"{pair.left}, {pair.right} or equal 同等")
        wb.limits(sheet, f"H{first}:H{first + len(pairs) - 1}", 1, 9, "1 to 9 之间的整数")
    wb.add_instructions(book, "ahp", invented=invented)
    wb.add_stamp(book, form="ahp", version=form_version(pairs))
    return book
