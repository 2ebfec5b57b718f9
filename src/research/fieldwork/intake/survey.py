"""Survey answers out of returned workbooks, tables and single questionnaires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.items import GROUP_LABELS, GROUPS, background_questions, survey_items
from research.fieldwork.instruments.layout import (
    AGREED,
    BRANCH,
    GROUP,
    PLACED,
    QUESTIONNAIRE,
    background,
    known_survey_columns,
    survey_columns,
)
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.intake.cells import key, tidy
from research.fieldwork.intake.faults import (
    ERROR,
    NOTE,
    Fault,
    Table,
    check_kind,
    form_table,
    read_cell,
    sheet_features,
    stop_on_errors,
    version_faults,
)
from research.fieldwork.intake.sheets import Returned, Sheet, address, expand, open_returned

_KIND = {"practitioner": ("practitioner", "从业", "员工"), "customer": ("customer", "client", "客户", "顾客")}
_MOSTLY_EMPTY = 0.5
_TWINS_FROM = 10  # answers, and three different ones: short or straight-lined rows are alike by chance


@dataclass(frozen=True)
class Answered:
    """A row: who, where, the answers (None: left out), faults of the id alone and of all cells."""

    respondent: str
    place: str
    record: dict[str, object] | None
    of_id: list[Fault]
    faults: list[Fault]


def read_survey(
    paths: str | Path | Sequence[str | Path],
    *,
    instrument: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the answers of one or more returned files.

    Args:
        paths: a workbook, table or questionnaire, a folder of them, or a list of files.
        instrument: see `items.survey_items`; the study's survey when not given.

    Returns:
        Indexed by respondent_id: group, the background fields, tier, branch, weight and duration_seconds (each only if
        any was given), then a float column per item; NaN where a question was not answered or not asked. Rows without
        consent are left out.

    Raises:
        UserError: a file cannot be read, has no answers, or has faults that lose answers.
    """
    instrument = survey_items() if instrument is None else instrument
    frames, files = [], expand(paths)
    for path in files:
        frame, faults = examine_survey(open_returned(path), instrument)
        stop_on_errors(faults, path.name)
        frames.append(frame)
    answers = pd.concat(frames)
    names = ", ".join(path.name for path in files)
    if answers.empty:
        raise UserError(f"{names}: no respondent with consent and an id")
    again = answers.index.duplicated()
    if again.any():
        twice = ", ".join(sorted(set(answers.index[again]))[:10])
        raise UserError(f"{names}: respondents {twice} are in more than one file")
    given = ("tier", "branch", "weight", "duration_seconds")
    unused = [name for name in given if answers[name].replace("", np.nan).isna().all()]
    return answers.drop(columns=unused)


def examine_survey(returned: Returned, instrument: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Return the answers of one file (as `read_survey` does) and its faults."""
    check_kind(returned, "survey", "questionnaire")
    faults = version_faults(returned, form_version(instrument))
    old = any("version" in fault.found for fault in faults)
    records: list[dict[str, object]] = []
    seen: dict[str, str] = {}
    groups: set[str] = set()
    for sheet in returned.sheets:
        single = form_table(sheet, QUESTIONNAIRE, 2, ("item", "answer"))
        if single is not None:
            rows, own, asked = _questionnaire(sheet, single, instrument)
        elif (table := _survey_table(sheet, instrument)) is not None:
            rows, own, asked = _sheet(table, instrument, old)
        else:
            if any(key(sheet.name) == key(label) for label in GROUP_LABELS.values()):
                faults.append(
                    Fault(sheet.name, "A1", "no header row with item ids", "the header rows of the form")
                )
            continue
        groups |= asked
        faults += own
        for row in rows:
            if row.respondent in seen:
                found = f"respondent {row.respondent} a second time (first at {seen[row.respondent]})"
                faults += [*row.of_id, Fault(sheet.name, row.place, found, "each respondent once")]
                continue
            faults += row.faults
            if row.respondent:
                seen[row.respondent] = f"{sheet.name}!{row.place}"
            if row.record is not None:
                records.append(row.record)
    if not groups:
        raise UserError(
            f"{returned.path.name}: no sheet with survey items such as {instrument['item'].iloc[0]}; "
            f"sheets: {', '.join(sheet.name for sheet in returned.sheets)}"
        )
    if returned.stamp.get("form") == "survey":
        missing = [g for g in GROUPS if g not in groups]
        faults += [
            Fault(GROUP_LABELS[g], "A1", "no such sheet", "the sheet of the form", NOTE) for g in missing
        ]
    return _frame(records, instrument), faults


def _frame(records: list[dict[str, object]], instrument: pd.DataFrame) -> pd.DataFrame:
    asked = list(dict.fromkeys(background_questions()["field"]))
    numeric = ["weight", "duration_seconds", *instrument["item"]]
    frame = pd.DataFrame.from_records(
        records, columns=["respondent_id", "group", *asked, PLACED.key, BRANCH.key, *numeric]
    )
    frame[numeric] = frame[numeric].astype("float64")
    return frame.set_index("respondent_id")


def _survey_table(sheet: Sheet, instrument: pd.DataFrame) -> Table | None:
    known = [column for same in known_survey_columns(instrument).values() for column in same]
    table = form_table(sheet, known, 4)
    return table if table is not None and set(instrument["item"]) & set(table.columns) else None


def _group_of(table: Table, instrument: pd.DataFrame) -> str | None:
    """The group of a sheet; None where it is stated row by row."""
    if "group" in table.columns:
        return None
    name = tidy(table.sheet.name).lower()
    named = [group for group, words in _KIND.items() if any(word in name for word in words)]
    if len(named) == 1:
        return named[0]
    for group in GROUPS:
        own = set(instrument.loc[instrument["group"] == group, "item"]) | {q.key for q in background(group)}
        if own & set(table.columns):
            return group
    raise UserError(
        f"{table.sheet.name}: cannot tell whether the respondents are practitioners or customers; name the "
        f"sheet '{GROUP_LABELS['practitioner']}' or add a column 'group'"
    )


def _header_faults(table: Table, group: str | None) -> list[Fault]:
    """Faults of the sheet's name, of repeated columns, and of merged, hidden and formula cells."""
    sheet, row, faults = table.sheet, table.header_row, []
    if group and not any(key(sheet.name) == key(label) for label in GROUP_LABELS.values()):
        faults.append(
            Fault(sheet.name, "A1", f"a renamed sheet (read as {group}s)", GROUP_LABELS[group], NOTE)
        )
    known = {key(name) for name in table.columns}
    names = pd.Series([key(value) for value in sheet.rows[row - 1]])
    for column in np.flatnonzero(names.duplicated() & names.isin(known)):
        found = f"a second column '{names[column]}'"
        faults.append(Fault(sheet.name, address(row, int(column) + 1), found, "each item once"))
    if "respondent_id" not in table.columns:
        faults.append(Fault(sheet.name, f"A{row}", "no column respondent_id", "a code for each respondent"))
    return faults + sheet_features(table)


def _sheet(table: Table, instrument: pd.DataFrame, old: bool) -> tuple[list[Answered], list[Fault], set[str]]:
    """The rows of a sheet, the faults of the sheet itself, and the groups that were asked."""
    group = _group_of(table, instrument)
    items = set(instrument["item"])
    fixed = {GROUP.key, AGREED.key, "respondent_id"}
    asked = {
        g: [c for c in survey_columns(instrument, g) if c.key in table.columns and c.key not in fixed]
        for g in GROUPS
    }
    rows = [_row(table, row, group, asked, items) for row in table.data_rows()]
    faults = _header_faults(table, group)
    groups = {str(row.record["group"]) for row in rows if row.record} | ({group} if group else set())
    level, older = (NOTE, " (older form)") if old else (ERROR, "")
    for item, who in zip(instrument["item"], instrument["group"], strict=True):
        if item not in table.columns and who in {*groups, "both"}:
            place = f"A{table.header_row}"
            faults.append(
                Fault(table.sheet.name, place, f"no column {item}{older}", "all items of the form", level)
            )
    return rows, faults + _twins(table, rows, items), {group} if group else set(GROUPS)


def _row(
    table: Table, row: int, group: str | None, asked: dict[str, list[Column]], items: set[str]
) -> Answered:
    who, respondent, place, of_id = _respondent(table, row, group)
    if not respondent:
        return Answered("", place, None, of_id, of_id)
    agreed, faults = _agreed(table, row)
    if not agreed or who is None:
        return Answered(respondent, place, None, of_id, of_id + faults)
    record: dict[str, object] = {"respondent_id": respondent, "group": who}
    values, formulas, missing = table.sheet.rows[row - 1], bool(table.sheet.formulas), []
    for column in asked[who]:
        at = table.columns[column.key] - 1
        value = values[at] if at < len(values) else None
        whole = column.kind == "whole" and type(value) is int and not formulas
        if whole and column.low <= value <= column.high:  # nearly every cell: what is odd takes its time
            record[column.key] = value
            continue
        record[column.key], found = read_cell(table, row, column)
        faults += found
        if column.key in items and record[column.key] is None and not found:
            missing.append(column.key)
    n = sum(column.key in items for column in asked[who])
    if n and len(missing) > _MOSTLY_EMPTY * n:
        found = f"{len(missing)} of {n} answers empty"
        faults.append(table.fault(row, missing[0], found, "a complete questionnaire", NOTE))
    return Answered(respondent, place, record, of_id, of_id + faults)


def _respondent(table: Table, row: int, group: str | None) -> tuple[str | None, str, str, list[Fault]]:
    """The group and id of a row, the address of the id, and the faults of both."""
    sheet, raw = table.sheet.name, table.value(row, "respondent_id")
    respondent = tidy(f"{raw:g}" if isinstance(raw, float) else raw)
    place = table.cell(row, "respondent_id") if "respondent_id" in table.columns else f"A{row}"
    who, faults = group, []
    if group is None:
        who, faults = read_cell(table, row, GROUP)
        if who is None and not faults:
            faults = [table.fault(row, "group", "empty", GROUP.expected)]
    if not respondent:
        faults = [*faults, Fault(sheet, place, "answers without a respondent id", "a code such as P001")]
    elif isinstance(raw, str) and raw != respondent:
        found = f"'{raw}', read as {respondent}"
        faults = [*faults, Fault(sheet, place, found, "a code without spaces", NOTE)]
    return who, respondent, place, faults


def _agreed(table: Table, row: int) -> tuple[bool, list[Fault]]:
    if "consent" not in table.columns:
        return True, []
    consent, faults = read_cell(table, row, AGREED)
    if consent == "no":
        return False, [table.fault(row, "consent", "no consent; the row is left out", "yes", NOTE)]
    if consent is None:
        empty = table.fault(row, "consent", "consent is empty; the row is left out", AGREED.expected)
        return False, faults or [empty]
    return True, faults


def _twins(table: Table, rows: list[Answered], items: set[str]) -> list[Fault]:
    """Rows with the same answers as an earlier one; how good responses are is analysed later."""
    faults, known = [], {}
    order = [name for name in table.columns if name in items]
    for row in rows:
        answers = tuple(row.record.get(item) for item in order) if row.record else ()
        given = [a for a in answers if a is not None]
        if len(given) < _TWINS_FROM or len(set(given)) < 3:
            continue
        earlier = known.setdefault(answers, row.respondent)
        if earlier != row.respondent:
            found = f"the same answers as respondent {earlier}"
            faults.append(Fault(table.sheet.name, row.place, found, "a questionnaire of its own", NOTE))
    return faults


def _questionnaire(
    sheet: Sheet, table: Table, instrument: pd.DataFrame
) -> tuple[list[Answered], list[Fault], set[str]]:
    """A questionnaire is turned on its side and read as a table of one row, with its own cell addresses."""
    column = table.columns["answer"]
    cells: dict[str, tuple[object, int]] = {}
    for row, values in enumerate(sheet.rows, start=1):
        name = next((tidy(v) for v in values[:1] if v is not None), "")
        if name and row != table.header_row:
            cells[name] = (values[column - 1] if column <= len(values) else None, row)
    if not cells:
        return [], [], set()
    names = list(cells)
    flat = Sheet(sheet.name, [tuple(names), tuple(cells[name][0] for name in names)])
    turned = {address(2, n): address(cells[name][1], column) for n, name in enumerate(names, start=1)}
    flat.formulas = frozenset(cell for cell, real in turned.items() if real in sheet.formulas)
    lying = _survey_table(flat, instrument)
    if lying is None:
        raise UserError(f"{sheet.name}: no item of the survey in the first column")
    rows, faults, groups = _sheet(lying, instrument, old=False)

    def placed(found: list[Fault]) -> list[Fault]:
        kept = [fault for fault in found if not fault.found.startswith("a renamed sheet")]
        return [replace(fault, cell=turned.get(fault.cell, fault.cell)) for fault in kept]

    turn = [
        replace(
            row, place=turned.get(row.place, row.place), of_id=placed(row.of_id), faults=placed(row.faults)
        )
        for row in rows
    ]
    return turn, placed(faults), groups
