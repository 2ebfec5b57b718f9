"""What workbooks of experts have in common: a sheet per expert, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.faults import NOTE, Fault, labelled_value, stop_on_errors
from research.fieldwork.intake.sheets import WORKBOOKS, Returned, Sheet, expand, open_returned

Examined = tuple[pd.DataFrame, list[Fault]]


def judgements_in(
    paths: str | Path | Sequence[str | Path], examine: Callable[[Returned], Examined]
) -> dict[Path, pd.DataFrame]:
    """Return the judgements of each file. Raises UserError for faults, and where there is no judgement."""
    found = {}
    for path in expand(paths, WORKBOOKS):
        frame, faults = examine(open_returned(path))
        stop_on_errors(faults, path.name)
        if frame.empty:
            raise UserError(f"{path.name}: no judgement in it")
        found[path] = frame
    return found


def expert_of(sheet: Sheet) -> tuple[str, list[Fault]]:
    """Return the code of the expert, and a note where the name of the sheet had to be taken for it."""
    value, cell = labelled_value(sheet, "expert")
    if tidy(value):
        return tidy(value), []
    found = f"no expert's code; the sheet's name '{sheet.name}' was taken"
    return tidy(sheet.name), [Fault(sheet.name, cell, found, "the expert's code", NOTE)]
