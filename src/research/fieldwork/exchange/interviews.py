"""The study's tables of interviews, as they are exchanged."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

# column of the codebook → how a code's description names it in other programs
LABELS = {
    "when_to_use": "When to use",
    "when_not": "When not",
    "example": "Example",
    "label_en": "Name (en)",
    "label_zh": "Name (zh)",
    "relates_to": "Relates to",
    "stance": "Stance",
}
CASE_FACTS = ("group", "language", "role")
ASSIGNED = "assigned to "


class Interviews(NamedTuple):
    """The tables of the interview strand; `documents` holds the whole texts (document, text)."""

    codebook: pd.DataFrame
    units: pd.DataFrame
    codings: pd.DataFrame
    memos: pd.DataFrame
    assignments: pd.DataFrame
    documents: pd.DataFrame
