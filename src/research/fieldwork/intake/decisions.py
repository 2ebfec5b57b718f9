"""What coders decided about their disagreements, out of the workbook in which they wrote it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.layout import CASE, RESOLUTION
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    form_tables,
    read_cell,
    sheet_features,
    stop_on_errors,
)
from research.fieldwork.intake.sheets import Returned, open_returned

DECIDED = keys(RESOLUTION[-3:])
_DECISION = RESOLUTION[-3]
_STALE = (
    "{name}: was made from other codings than these, so its decisions may not hold for them; write it anew with "
    "--disagreements, and decide again what is new"
)


def open_decisions(path: str | Path) -> Returned:
    """Open the workbook of `resolution.resolution_form`. Raises UserError when it cannot be read or is no such one."""
    returned = open_returned(path)
    if returned.stamp.get("form") != "resolution":
        raise UserError(f"{returned.path.name}: expected the workbook that --disagreements writes")
    return returned


def read_decisions(returned: Returned, disagreements: pd.DataFrame, version: str) -> pd.DataFrame:
    """Return the disagreements with what was decided about each.

    Args:
        returned: see `open_decisions`.
        disagreements: see `coder_agreement.disagreements`, of the codings as they are now.
        version: of these codings, see `resolution.codings_version`.

    Returns:
        The rows of `disagreements` with `decision` (keep, drop; empty: undecided), `decided_by` and `reason`.

    Raises:
        UserError: the codings have changed since the workbook was made, or there are faults.
    """
    if returned.stamp.get("version") != version:
        raise UserError(_STALE.format(name=returned.path.name))
    given, faults = examine_decisions(returned, set(disagreements[CASE].itertuples(index=False, name=None)))
    stop_on_errors(faults, returned.path.name)
    found = disagreements.merge(given, on=CASE, how="left", validate="one_to_one")
    found[DECIDED] = found[DECIDED].fillna("")
    return found


def examine_decisions(
    returned: Returned, known: set[tuple[str, str, str]] | None = None
) -> tuple[pd.DataFrame, list[Fault]]:
    """Return the rows of a workbook of decisions and its faults.

    Args:
        returned: see `open_decisions`.
        known: document, segment and code of each disagreement; without it any row may be one.

    Returns:
        The columns of `CASE` and `DECIDED`, each case once; and the faults.
    """
    table = form_tables(returned, RESOLUTION, 5, [*CASE, "decision"])[0]
    faults, rows, seen = sheet_features(table), [], set()
    for row in table.data_rows():
        case = tuple(tidy(table.value(row, name)) for name in CASE)
        if case in seen or (known is not None and case not in known):
            told = "a second time" if case in seen else "on which the coders do not differ"
            faults.append(table.fault(row, "code", f"{' '.join(case)}, {told}", "each row as it was written"))
            continue
        seen.add(case)
        decision, odd = read_cell(table, row, _DECISION)
        by, reason = (tidy(table.value(row, name)) for name in DECIDED[1:])
        faults += odd or _incomplete(table, row, str(decision or ""), by, reason)
        rows.append((*case, decision or "", by, reason))
    return pd.DataFrame(rows, columns=[*CASE, *DECIDED]), faults


def _incomplete(table: Table, row: int, decision: str, by: str, reason: str) -> list[Fault]:
    """A reason without a decision is an answer that would be lost; a decision without a name or a reason is weak."""
    if not decision:
        found = "empty, though a name or a reason is given"
        return [table.fault(row, "decision", found, _DECISION.expected)] if by or reason else []
    asked = {"decided_by": (by, "who decided"), "reason": (reason, "a few words why")}
    return [
        table.fault(row, name, f"{decision}, without {name.replace('_', ' ')}", expected, NOTE)
        for name, (value, expected) in asked.items()
        if not value and name in table.columns
    ]
