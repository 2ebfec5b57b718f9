"""Where each item of the study's source is in the reports, and which test holds it."""

from __future__ import annotations

import pandas as pd

from research.documentation.tables import code, table, text
from research.paths import DEFINITIONS

FILE = DEFINITIONS / "traceability.csv"


def items() -> pd.DataFrame:
    """Return `id, item, section, test`, a row per item; a section is notebook#anchor, a test a file."""
    return pd.read_csv(FILE, dtype=str, keep_default_na=False)


def page() -> str:
    """Return `docs/traceability.md`."""
    lines = [
        "# Traceability",
        "",
        "Where each item of the study's source is in the reports, and which test holds it. Written by",
        "`make docs` from `data/definitions/traceability.csv`; a test fails when an item has no section.",
        "",
    ]
    rows = [
        (row.id, row.item, ", ".join(map(code, row.section.split())),
         ", ".join(f"[{test}](../tests/{test})" for test in row.test.split()))
        for row in items().itertuples()
    ]  # fmt: skip
    return text(lines + table(("id", "item", "section", "test"), rows))
