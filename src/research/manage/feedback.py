"""What officers report back: the interaction log of a returned contact plan, checked cell by cell (P9)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from scipy import stats

from research.errors import UserError, nearest
from research.files.archive import parsing
from research.files.workbooks import open_workbook
from research.intervals import jeffreys
from research.manage.contact_workbook import FITS, LOG, LOG_COLUMNS, LOG_ROWS, choices, plain_text
from research.tiers import TIERS

MOST_FAULTS = 20
MOST_COLUMNS = 100


def read_feedback(path: Path) -> pd.DataFrame:
    """Read the interaction log of a returned workbook and check every cell.

    Returns:
        One row per contact, the columns `LOG_COLUMNS`: `contact_date` (datetime64), `satisfaction` (float, 1–5), the
        others text, empty where nothing was entered.

    Raises:
        UserError: not a readable workbook, or faults in it; each is `sheet!cell: found …, expected …`.
    """
    path = Path(path)
    sheet_rows = _log_rows(path)
    header = [plain_text(cell) if cell is not None else "" for cell in next(sheet_rows, ())]
    places = {}
    for key, (label, _) in LOG_COLUMNS.items():
        if label not in header:
            raise UserError(
                f"{path.name}, {LOG}!1: no column '{label}'; found {', '.join(filter(None, header)) or 'nothing'}"
            )
        places[key] = header.index(label)
    options, faults, rows = choices(), [], []
    for number, line in enumerate(sheet_rows, 2):
        if number > LOG_ROWS + 1 or all(cell is None or not str(cell).strip() for cell in line):
            continue
        found = {key: line[place] if place < len(line) else None for key, place in places.items()}
        rows.append(_checked(found, places, number, options, faults))
    if faults:
        told = "1 cell does not fit" if len(faults) == 1 else f"{len(faults)} cells do not fit"
        more = [f"… and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise UserError("\n".join([f"{path.name}: {told}", *faults[:MOST_FAULTS], *more]))
    frame = pd.DataFrame(rows, columns=list(LOG_COLUMNS))
    frame["contact_date"] = pd.to_datetime(frame["contact_date"])
    frame["satisfaction"] = frame["satisfaction"].astype(float)
    return frame


def _log_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    with open_workbook(path, unpacked="log_bytes"):
        pass  # refuses what is unsafe before openpyxl reads it
    with (
        parsing(path),
        closing(load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book,
    ):
        if LOG not in book.sheetnames:
            raise UserError(f"{path.name}: no sheet '{LOG}'{nearest(LOG, book.sheetnames)}")
        sheet = book[LOG]
        sheet.reset_dimensions()
        yield from sheet.iter_rows(values_only=True, max_row=LOG_ROWS + 1, max_col=MOST_COLUMNS)


def _checked(
    found: dict[str, Any], places: dict[str, int], number: int, options: dict[str, tuple[str, ...]], faults: list[str]
) -> dict[str, Any]:  # fmt: skip
    def fault(key: str, expected: str) -> None:
        cell = f"{get_column_letter(places[key] + 1)}{number}"
        shown = "nothing" if found[key] is None else f"'{plain_text(found[key])}'"
        faults.append(f"{LOG}!{cell}: found {shown}, expected {expected}")

    row = {key: "" if found[key] is None else plain_text(found[key]) for key in LOG_COLUMNS}
    day = found["contact_date"]
    if isinstance(day, str):
        try:
            day = datetime.datetime.strptime(day.strip(), "%Y-%m-%d")
        except ValueError:
            day = None
    if not isinstance(day, datetime.date):
        fault("contact_date", "a date such as 2026-03-31")
        day = None
    row["contact_date"] = day
    if not row["customer_id"]:
        fault("customer_id", "a customer of the plan")
    for key, allowed in options.items():
        if row[key] and row[key] not in allowed:
            fault(key, f"one of {', '.join(allowed)}")
    if not row["outcome"]:
        fault("outcome", f"one of {', '.join(options['outcome'])}")
    score, row["satisfaction"] = row["satisfaction"], np.nan
    if score in {"1", "2", "3", "4", "5"}:
        row["satisfaction"] = float(score)
    elif found["satisfaction"] is not None:
        fault("satisfaction", "a whole number from 1 to 5")
    if row["tier_fit"] in {"too strict", "too lenient"} and not row["suggested_tier"]:
        fault("suggested_tier", f"one of {', '.join(TIERS)}, because the tier was called {row['tier_fit']}")
    return row


def feedback_summary(feedback: pd.DataFrame, tiers: pd.Series) -> pd.DataFrame:
    """Sum up the returned log by tier and overall.

    Returns:
        Columns `tier` (and `all`), `measure` (`share reached`; `share where the tier fits`, of those who could tell;
        `mean satisfaction`), `estimate`, `ci_low`, `ci_high`, `n`. Shares have Jeffreys intervals, means Student's; NaN
        where n is too small.
    """
    placed = feedback["customer_id"].map(tiers.rename(index=str).astype(object)).fillna("not in the plan")
    rows = []
    for tier in [*TIERS, "not in the plan", "all"]:
        part = feedback if tier == "all" else feedback[placed == tier]
        if tier == "not in the plan" and part.empty:
            continue
        told = part[part["tier_fit"].isin(FITS[:3])]
        for measure, hits, size in (
            ("share reached", (part["outcome"] == "reached").sum(), len(part)),
            ("share where the tier fits", (told["tier_fit"] == "fits").sum(), len(told)),
        ):
            rows.append((tier, measure, hits / size if size else np.nan, *jeffreys(hits, size), size))
        scores = part["satisfaction"].dropna()
        mean, n = scores.mean(), len(scores)
        error = scores.sem() * stats.t.ppf(0.975, n - 1) if n > 1 else np.nan
        rows.append((tier, "mean satisfaction", mean, mean - error, mean + error, n))
    return pd.DataFrame(rows, columns=["tier", "measure", "estimate", "ci_low", "ci_high", "n"])
