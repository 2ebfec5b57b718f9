"""What workbooks of experts have in common: a sheet per expert, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.columns import Column
from research.fieldwork.intake.cells import key, tidy
from research.fieldwork.intake.faults import NOTE, Fault, Table, form_table, labelled_value, stop_on_errors
from research.fieldwork.intake.sheets import Returned, Sheet, open_returned

Examined = tuple[pd.DataFrame, list[Fault]]


def names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)


def accepted(path: Path, examine: Callable[[Returned], Examined], accept_faults: bool) -> pd.DataFrame:
    frame, faults = examine(open_returned(path))
    if not accept_faults:
        stop_on_errors(faults, path.name)
    if frame.empty:
        raise UserError(f"{path.name}: no judgement in it")
    return frame


def expert_tables(returned: Returned, columns: Sequence[Column], needed: Sequence[str]) -> list[Table]:
    tables = [form_table(sheet, columns, len(needed), needed) for sheet in returned.sheets]
    found = [table for table in tables if table is not None]
    if not found:
        raise UserError(
            f"{returned.path.name}: no sheet with the columns {', '.join(sorted(needed))}; sheets: "
            f"{', '.join(sheet.name for sheet in returned.sheets)}"
        )
    return found


def expert_of(sheet: Sheet) -> tuple[str, list[Fault]]:
    value, cell = labelled_value(sheet, "expert")
    if tidy(value):
        return tidy(value), []
    found = f"no expert's code; the sheet's name '{sheet.name}' was taken"
    return tidy(sheet.name), [Fault(sheet.name, cell or "A1", found, "the expert's code", NOTE)]


def check_kind(returned: Returned, kind: str) -> None:
    stated = returned.stamp.get("form", kind)
    if key(stated) != kind:
        raise UserError(f"{returned.path.name}: a form of the kind '{stated}', expected '{kind}'")
