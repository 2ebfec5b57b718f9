"""The form in which an author says what a reader must know of a language model that coded interviews."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.stamp import form_version
from research.paths import DEFINITIONS
from research.textfiles import read_yaml

DISCLOSED = [
    Column("item", "Item", "项目"),
    Column("topic", "Topic", "主题"),
    Column("asks_en", "What is asked", "问题（英文）"),
    Column("asks_zh", "What is asked, in Chinese", "问题"),
    Column("answer", "Answer", "回答"),
]


def items() -> pd.DataFrame:
    """Return the items: `item`, `topic`, `kind`, `asks_en`, `asks_zh`, and the `id` of the item in the checklist."""
    found = pd.DataFrame(read_yaml(DEFINITIONS / "checklists" / "coreq_llm.yml")["items"])
    return found.rename(columns={"key": "item", "asks": "asks_en"}).drop(columns="researcher")


def disclosure_form(path: str | Path, coder: str = "") -> Path:
    """Write the form for one model; `coder` is its name in the codings. Return its path."""
    asked = items()
    book = wb.new_workbook("A language model as coder")
    sheet = book.create_sheet("model 模型")
    wb.labelled_field(sheet, 1, "coder", "Name of the model in the codings 编码中的模型名", coder, column=5)
    first = wb.header(sheet, 3, DISCLOSED, height=18)
    for row, item in enumerate(asked.itertuples(), start=first):
        for column, value in enumerate((item.item, item.topic, item.asks_en, item.asks_zh), start=1):
            wb.text_cell(sheet, row, column, value)
        wb.field(sheet, row, 5, wrap=True)
        sheet.row_dimensions[row].height = max(wb.row_height([(item.asks_en, 44), (item.asks_zh, 40)]), 32)
    wb.widths(sheet, [16, 11, 44, 40, 70])
    sheet.freeze_panes = sheet.cell(first, 1)
    wb.protect(sheet)
    wb.page(sheet, landscape=True, titles=f"3:{first - 1}")
    wb.add_instructions(book, "disclosure")
    wb.add_stamp(book, form="disclosure", version=form_version(asked))
    return wb.save(book, path)
