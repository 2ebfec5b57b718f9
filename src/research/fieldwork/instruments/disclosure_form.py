"""The form in which an author says what a reader must know of a language model that coded interviews."""

from __future__ import annotations

import pandas as pd
from openpyxl import Workbook

from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.stamp import form_version
from research.files.textfiles import read_yaml
from research.paths import DEFINITIONS

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


def disclosure_form(coder: str = "") -> Workbook:
    """Return the form for one model; `coder` is its name in the codings."""
    asked = items()
    book = wb.new_workbook("A language model as coder")
    wb.form_sheet(
        book, "model 模型", DISCLOSED,
        [(one.item, one.topic, one.asks_en, one.asks_zh, wb.LONG_FIELD) for one in asked.itertuples()],
        widths=[16, 11, 44, 40, 70],
        heights=[
            max(wb.row_height([(one.asks_en, 44), (one.asks_zh, 40)]), 32) for one in asked.itertuples()
        ],
        labelled=("coder", "Name of the model in the codings 编码中的模型名", coder, 5),
    )  # fmt: skip
    wb.add_instructions(book, "disclosure")
    wb.add_stamp(book, form="disclosure", version=form_version(asked))
    return book
