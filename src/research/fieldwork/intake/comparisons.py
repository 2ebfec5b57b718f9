"""Experts' pairwise comparisons of criteria."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.columns import choice
from research.fieldwork.instruments.pairs import COMPARISON, DEGREE, EQUAL, comparison_pairs
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.intake.cells import Reading, tidy
from research.fieldwork.intake.experts import Examined, expert_of, judgements_in
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    check_kind,
    form_tables,
    judge,
    read_cell,
    reading,
    sheet_features,
    version_faults,
)
from research.fieldwork.intake.sheets import Returned


def read_ahp(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Return the experts' comparisons: expert, set, left, right, value (1/9 to 9, left over right).

    Raises:
        UserError: a file cannot be read, an expert appears twice, or there are faults.
    """
    found = judgements_in(paths, examine_ahp)
    judged = pd.concat(found.values(), ignore_index=True)
    again = judged.duplicated(["expert", "set", "left", "right"])
    if again.any():
        raise UserError(
            f"{', '.join(path.name for path in found)}: expert {judged.loc[again, 'expert'].iloc[0]} is there twice; "
            "expected one sheet per expert"
        )
    return judged


def examine_ahp(returned: Returned) -> Examined:
    """Return expert, set, left, right, value of one file, and its faults."""
    check_kind(returned, "ahp")
    pairs = comparison_pairs()
    known = {(p.set, p.left, p.right) for p in pairs.itertuples()}
    needed = ("set", "left", "right", "more_important", "degree")
    tables = form_tables(returned, [c for c in COMPARISON if c.key in needed], len(needed), needed)
    parts = [_judged_pairs(table, known) for table in tables]
    records = [record for found, _ in parts for record in found]
    frame = pd.DataFrame.from_records(records, columns=["expert", "set", "left", "right", "value"])
    faults = version_faults(returned, form_version(pairs))
    return frame, faults + [fault for _, found in parts for fault in found]


def _judged_pairs(
    table: Table, known: set[tuple[str, str, str]]
) -> tuple[list[tuple[str, str, str, str, float]], list[Fault]]:
    expert, faults = expert_of(table.sheet)
    faults = sheet_features(table) + faults
    records, judged = [], set()
    for row in table.data_rows():
        pair = tuple(tidy(table.value(row, name)) for name in ("set", "left", "right"))
        if pair not in known:
            faults.append(table.fault(row, "set", f"pair {' '.join(pair)}", "a pair of the form"))
            continue
        value, odd = _comparison(table, row, pair)
        faults += odd
        if value is not None:
            judged.add(pair)
            records.append((expert, *pair, value))
    if judged and len(judged) < len(known):
        found = f"{len(known) - len(judged)} of {len(known)} pairs not judged"
        faults.append(table.fault(table.header_row, "degree", found, "every pair", NOTE))
    return records, faults


def _comparison(table: Table, row: int, pair: tuple[str, ...]) -> tuple[float | None, list[Fault]]:
    """How much the left side counts against the right; None where that is not said, with the faults."""
    _, left, right = pair
    options = {left: left, right: right, "equal": EQUAL}
    sides = choice("more_important", "", "", options, f"{left}, {right} or equal")
    side, faults = read_cell(table, row, sides)
    raw = table.value(row, "degree")
    read = reading(DEGREE, raw)
    if isinstance(raw, (dt.date, dt.datetime)):
        read = Reading(None, f"a date ({raw:%d %b}): a fraction was typed", lost=True)
    degree, odd = judge(table, row, DEGREE, read)
    faults = faults + odd
    if any(fault.level != NOTE for fault in faults) or (side is None and degree is None):
        return None, faults
    if side == "equal":
        if degree in {None, 1.0}:
            return 1.0, faults
        return None, [*faults, table.fault(row, "degree", f"equal, but degree {degree:g}", "1 or empty")]
    if side is None and degree == 1.0:
        return 1.0, faults
    if side is None or degree is None:
        empty = sides if side is None else DEGREE
        found = "empty, though the pair was begun"
        return None, [*faults, table.fault(row, empty.key, found, empty.expected)]
    return (degree if side == left else 1 / degree), faults
