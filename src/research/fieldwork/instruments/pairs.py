"""The pairs that experts compare, as defined in `data/definitions/ahp.csv`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.paths import DEFINITIONS
from research.textfiles import read_csv

EQUAL = "equal 同等"


def comparison_pairs(path: str | Path | None = None) -> pd.DataFrame:
    """Return the pairs that experts compare: columns set, left, right and their labels and questions (en, zh)."""
    source = Path(path) if path is not None else DEFINITIONS / "ahp.csv"
    columns = [
        "set",
        "left",
        "right",
        "left_en",
        "left_zh",
        "right_en",
        "right_zh",
        "question_en",
        "question_zh",
    ]
    return read_csv(source, columns)
