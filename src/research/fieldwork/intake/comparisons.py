"""Experts' pairwise comparisons of criteria."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.pairs import EQUAL, comparison_pairs
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.intake.cells import Reading, read_choice, read_number, tidy
from research.fieldwork.intake.experts import Examined, accepted, check_kind, expert_of, expert_sheets, names
from research.fieldwork.intake.faults import NOTE, Fault, Table, judge, sheet_features, skip_labels
from research.fieldwork.intake.sheets import Returned, expand


def read_ahp(paths: str | Path | Sequence[str | Path], *, accept_faults: bool = False) -> pd.DataFrame:
    """Return the experts' comparisons: expert, set, left, right, value (1/9 to 9, left over right).

    Raises:
        UserError: a file cannot be read, an expert appears twice, or there are faults (unless accepted).
    """
    files = expand(paths, (".xlsx", ".xlsm"))
    frames = [accepted(path, examine_ahp, accept_faults) for path in files]
    judged = pd.concat(frames, ignore_index=True)
    again = judged.duplicated(["expert", "set", "left", "right"])
    if again.any():
        raise UserError(
            f"{names(files)}: expert {judged.loc[again, 'expert'].iloc[0]} is there twice; expected one sheet per "
            "expert"
        )
    return judged


def examine_ahp(returned: Returned) -> Examined:
    """Return expert, set, left, right, value of one file, and its faults."""
    check_kind(returned, "ahp")
    pairs = comparison_pairs()
    faults = []
    version = returned.stamp.get("version")
    if version not in {None, form_version(pairs)}:
        faults.append(
            Fault("_form", "B2", f"form version {version}", f"form version {form_version(pairs)}", NOTE)
        )
    known = {(p.set, p.left, p.right) for p in pairs.itertuples()}
    records = []
    needed = {"set", "left", "right", "more_important", "degree"}
    for sheet, table in expert_sheets(returned, sorted(needed), needed):
        skip_labels(table, {"set": {"Set", "组"}, "left": {"Left", "左"}, "right": {"Right", "右"}})
        faults += sheet_features(table)
        expert, judged = expert_of(sheet, faults), set()
        for row in table.data_rows():
            pair = tuple(tidy(table.value(row, name)) for name in ("set", "left", "right"))
            if pair not in known:
                faults.append(
                    Fault(sheet.name, table.cell(row, "set"), f"pair {' '.join(pair)}", "a pair of the form")
                )
                continue
            value = _comparison(table, row, pair, faults)
            if value is not None:
                judged.add(pair)
                records.append(
                    dict(
                        zip(("expert", "set", "left", "right", "value"), (expert, *pair, value), strict=True)
                    )
                )
        if judged and len(judged) < len(known):
            faults.append(
                Fault(
                    sheet.name,
                    table.cell(table.header_row, "degree"),
                    f"{len(known) - len(judged)} of {len(known)} pairs not judged",
                    "every pair",
                    NOTE,
                )
            )
    return pd.DataFrame.from_records(records, columns=["expert", "set", "left", "right", "value"]), faults


def _comparison(table: Table, row: int, pair: tuple[str, ...], faults: list[Fault]) -> float | None:
    _, left, right = pair
    side, fault = judge(
        table,
        row,
        "more_important",
        read_choice(table.value(row, "more_important"), {left: left, right: right, "equal": EQUAL}),
        f"{left}, {right} or equal",
    )
    raw = table.value(row, "degree")
    reading = read_number(raw, 1, 9)
    if isinstance(raw, (dt.date, dt.datetime)):
        reading = Reading(None, f"a date ({raw:%d %b}): a fraction was typed", lost=True)
    degree, odd = judge(table, row, "degree", reading, "a whole number from 1 to 9")
    faults += [f for f in (fault, odd) if f]
    lost = [f for f in (fault, odd) if f and f.level != NOTE]
    if lost or (side is None and degree is None):
        return None
    if side == "equal":
        if degree not in {None, 1.0}:
            faults.append(
                Fault(
                    table.sheet.name, table.cell(row, "degree"), f"equal, but degree {degree:g}", "1 or empty"
                )
            )
            return None
        return 1.0
    if side is None and degree == 1.0:
        return 1.0
    if side is None or degree is None:
        name = "more_important" if side is None else "degree"
        expected = f"{left}, {right} or equal" if side is None else "a whole number from 1 to 9"
        faults.append(
            Fault(table.sheet.name, table.cell(row, name), "empty, though the pair was begun", expected)
        )
        return None
    return degree if side == left else 1 / degree
