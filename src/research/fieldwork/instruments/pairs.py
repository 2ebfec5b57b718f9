"""The pairs that experts compare, as defined in `data/definitions/ahp.csv`, and the columns of their form."""

from __future__ import annotations

import pandas as pd

from research.fieldwork.instruments.columns import Column
from research.files.textfiles import read_csv
from research.paths import DEFINITIONS

EQUAL = "equal 同等"
DEGREE = Column(
    "degree", "How much, 1 to 9", "程度 1 至 9", "whole", low=1, high=9, expected="a whole number from 1 to 9"
)
COMPARISON = [
    Column("set", "Set", "组"),
    Column("left", "Left", "左"),
    Column("right", "Right", "右"),
    Column("question", "Question", "问题"),
    Column("left_label", "Left side", "左方"),
    Column("right_label", "Right side", "右方"),
    Column("more_important", "More important", "更重要的一方"),
    DEGREE,
]


def comparison_pairs() -> pd.DataFrame:
    """Return the pairs that experts compare: columns set, left, right and their labels and questions (en, zh)."""
    sides = ["left_en", "left_zh", "right_en", "right_zh"]
    return read_csv(DEFINITIONS / "ahp.csv", ["set", "left", "right", *sides, "question_en", "question_zh"])
