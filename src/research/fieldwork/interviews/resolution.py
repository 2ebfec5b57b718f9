"""The workbook in which coders resolve their disagreements, and the codings that they agree on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.intake.cells import read_choice, tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    find_table,
    judge,
    sheet_features,
    skip_labels,
    stop_on_errors,
)
from research.fieldwork.intake.sheets import open_returned

DECISIONS = {"keep": "keep 保留", "drop": "drop 删除"}
_KEYS = ["document", "segment", "participant", "text", "code", "definition", "applied_by", "not_applied_by"]
_LABELS = [
    ("Document", "文档"),
    ("Segment", "片段"),
    ("Participant", "受访者"),
    ("Text", "文本"),
    ("Code", "编码"),
    ("Definition", "定义"),
    ("Applied by", "使用者"),
    ("Not applied by", "未使用者"),
    ("Decision", "决定"),
    ("Reason", "理由"),
]


def resolution_form(path: str | Path, disagreements: pd.DataFrame, *, invented: bool = False) -> Path:
    """Write the rows of `coder_agreement.disagreements` as a workbook with a decision to take for each."""
    if disagreements.empty:
        raise UserError("the coders agree on every code of every segment; there is nothing to resolve")
    book = wb.new_workbook("Disagreements of coders")
    sheet = book.create_sheet("disagreements 分歧")
    top = wb.banner(sheet, 1, len(_LABELS)) if invented else 1
    first = wb.header(sheet, top, [*_KEYS, "decision", "reason"], _LABELS, height=18)
    for row, entry in enumerate(disagreements.to_dict("records"), start=first):
        for column, key in enumerate(_KEYS, start=1):
            wb.text_cell(sheet, row, column, entry.get(key, ""))
        wb.field(sheet, row, len(_KEYS) + 1)
        wb.field(sheet, row, len(_KEYS) + 2, wrap=True)
        texts = [(str(entry.get("text", "")), 60), (str(entry.get("definition", "")), 34)]
        sheet.row_dimensions[row].height = min(wb.row_height(texts), 400)
    cells = f"I{first}:I{first + len(disagreements) - 1}"
    wb.choices(sheet, cells, list(DECISIONS.values()), "keep or drop the code 保留或删除该编码")
    wb.widths(sheet, [10, 9, 11, 60, 22, 34, 12, 13, 12, 30])
    sheet.freeze_panes = sheet.cell(first, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"{top}:{first - 1}")
    wb.add_instructions(book, "resolution", invented=invented)
    wb.add_stamp(book, form="resolution", version="1")
    return wb.save(book, path)


def read_resolution(path: str | Path) -> pd.DataFrame:
    """Return the decisions: document, segment, code, decision (keep or drop), reason.

    Raises:
        UserError: the file cannot be read, a decision cannot be understood, or one is missing.
    """
    returned = open_returned(path)
    for sheet in returned.sheets:
        table = find_table(sheet, [*_KEYS, "decision", "reason"], 4)
        if table is not None and {"document", "segment", "code", "decision"} <= set(table.columns):
            break
    else:
        raise UserError(
            f"{returned.path.name}: no sheet with the columns document, segment, code and decision"
        )
    skip_labels(
        table, {key: set(map(tidy, texts)) for key, texts in zip([*_KEYS, "decision"], _LABELS, strict=False)}
    )
    faults, rows = sheet_features(table), []
    for row in table.data_rows():
        reading = read_choice(table.value(row, "decision"), DECISIONS)
        decision, fault = judge(table, row, "decision", reading, "keep or drop")
        if decision is None and fault is None:
            fault = Fault(sheet.name, table.cell(row, "decision"), "empty", "keep or drop")
        faults += [fault] if fault is not None and fault.level != NOTE else []
        entry = {name: tidy(table.value(row, name)) for name in ("document", "segment", "code")}
        rows.append(entry | {"decision": decision, "reason": tidy(table.value(row, "reason"))})
    stop_on_errors(faults, returned.path.name)
    return pd.DataFrame.from_records(rows, columns=["document", "segment", "code", "decision", "reason"])


def agreed_codings(codings: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the codings after resolution: document, segment, code, each once.

    A code that was in dispute stays when the decision is to keep it; all others stay as they are.
    """
    keys = ["document", "segment", "code"]
    given = codings[keys].drop_duplicates()
    dropped = decisions.loc[decisions["decision"] == "drop", keys]
    marked = given.merge(dropped.assign(dropped=True), on=keys, how="left")
    return marked.loc[marked["dropped"].isna(), keys].reset_index(drop=True)
