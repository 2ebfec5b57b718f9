"""Survey answers out of returned workbooks, tables and single questionnaires."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.forms import CONSENT, background_choices
from research.fieldwork.instruments.items import (
    GROUP_LABELS,
    GROUPS,
    background_questions,
    survey_items,
)
from research.fieldwork.intake.cells import read_choice, read_duration, read_number, tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    find_table,
    judge,
    skip_labels,
    stop_on_errors,
)
from research.fieldwork.intake.sheets import Returned, Sheet, address, expand, open_returned
from research.fieldwork.intake.survey_table import (
    explain_missing_table,
    group_of,
    header_faults,
    missing_items,
    survey_table,
    version_faults,
)

ANSWER_LABELS = {
    "strongly disagree": 1,
    "disagree": 2,
    "neither": 3,
    "neither agree nor disagree": 3,
    "neutral": 3,
    "agree": 4,
    "strongly agree": 5,
    "非常不同意": 1,
    "不同意": 2,
    "一般": 3,
    "中立": 3,
    "同意": 4,
    "非常同意": 5,
}
_CONSENT = {"yes": CONSENT[0], "no": CONSENT[1]}
_GROUP_CHOICES = {"practitioner": "practitioner 从业人员", "customer": "customer 客户"}
_MOSTLY_EMPTY = 0.5


def read_survey(
    paths: str | Path | Sequence[str | Path],
    *,
    instrument: pd.DataFrame | None = None,
    accept_faults: bool = False,
) -> pd.DataFrame:
    """Return the answers of one or more returned files.

    Args:
        paths: a workbook, table or questionnaire, a folder of them, or a list of files.
        instrument: see `instruments.survey_items`; the study's survey when not given.
        accept_faults: read a faulty cell as missing, and the second of two equal ids not at all, instead of stopping.

    Returns:
        Indexed by respondent_id: group, the background fields, weight and duration_seconds (both only if any was
        given), then a float column per item; NaN where a question was not answered or not asked. Rows without consent
        are left out. `attrs["faults"]` lists what was unusual.

    Raises:
        UserError: a file cannot be read, has no answers, or has faults that lose answers (unless accepted).
    """
    instrument = survey_items() if instrument is None else instrument
    frames, faults = [], []
    for path in expand(paths):
        frame, found = examine_survey(open_returned(path), instrument)
        if not accept_faults:
            stop_on_errors(found, path.name)
        frames.append(frame)
        faults += [(path.name, fault) for fault in found]
    answers = pd.concat(frames) if len(frames) > 1 else frames[0]
    if answers.empty:
        raise UserError(f"{', '.join(p.name for p in expand(paths))}: no respondent with consent and an id")
    again = answers.index.duplicated()
    if again.any() and not accept_faults:
        raise UserError(
            f"{', '.join(p.name for p in expand(paths))}: respondents "
            f"{', '.join(sorted(set(answers.index[again]))[:10])} are in more than one file"
        )
    answers = answers[~again]
    for column in ("weight", "duration_seconds"):
        if answers[column].isna().all():
            answers = answers.drop(columns=column)
    answers.attrs["faults"] = [f"{name}: {fault}" for name, fault in faults]
    return answers


def examine_survey(returned: Returned, instrument: pd.DataFrame) -> tuple[pd.DataFrame, list[Fault]]:
    """Return the answers of one file (as `read_survey` does) and its faults."""
    faults = version_faults(returned, instrument)
    old = any("version" in fault.found for fault in faults)
    records: list[dict] = []
    seen: dict[str, str] = {}
    groups: set[str] = set()
    for sheet in returned.sheets:
        single = find_table(sheet, ["item", "answer", "wording_en", "wording_zh"], 2)
        if single is not None and "answer" in single.columns and "item" in single.columns:
            records += _questionnaire(sheet, single, instrument, faults, seen)
            groups |= {record["group"] for record in records}
            continue
        table = survey_table(sheet, instrument)
        if table is None:
            explain_missing_table(sheet, faults)
            continue
        group = group_of(table, instrument)
        groups |= {group} if group else set(GROUPS)
        records += _rows(table, group, instrument, faults, seen, old)
    if not groups:
        raise UserError(
            f"{returned.path.name}: no sheet with survey items such as {instrument['item'].iloc[0]}; "
            f"sheets: {', '.join(sheet.name for sheet in returned.sheets)}"
        )
    if returned.stamp.get("form") == "survey":
        faults += [
            Fault(GROUP_LABELS[g], "A1", "no such sheet", "the sheet of the form", NOTE)
            for g in GROUPS
            if g not in groups
        ]
    return _frame(records, instrument), faults


def _frame(records: list[dict], instrument: pd.DataFrame) -> pd.DataFrame:
    background = list(dict.fromkeys(background_questions()["field"]))
    columns = ["respondent_id", "group", *background, "weight", "duration_seconds", *instrument["item"]]
    frame = pd.DataFrame.from_records(records, columns=columns)
    numeric = ["weight", "duration_seconds", *instrument["item"]]
    frame[numeric] = frame[numeric].astype("float64")
    return frame.set_index("respondent_id")


def _rows(
    table: Table,
    group: str | None,
    instrument: pd.DataFrame,
    faults: list[Fault],
    seen: dict[str, str],
    old: bool,
) -> list[dict]:
    faults += header_faults(table, group)
    specs = [
        (i.item, table.columns[i.item] - 1, i.scale_min, i.scale_max, i.group)
        for i in instrument.itertuples()
        if i.item in table.columns
    ]
    choices = {g: background_choices(g) for g in GROUPS}
    formulas = bool(table.sheet.formulas)
    records, answers_seen = [], {}
    for row in table.data_rows():
        who, respondent, usable = _respondent(table, row, group, faults, seen)
        if not usable:
            continue
        record: dict[str, object] = {"respondent_id": respondent, "group": who}
        _background(table, row, record, choices.get(who, {}), faults)
        values = table.sheet.rows[row - 1]
        missing, asked = [], 0
        for item, column, low, high, for_group in specs:
            if for_group not in ("both", who):
                continue
            asked += 1
            value = values[column] if column < len(values) else None
            if type(value) is int and low <= value <= high and not formulas:
                record[item] = value
                continue
            expected = f"a whole number from {low} to {high}, or empty"
            got, fault = judge(
                table, row, item, read_number(value, low, high, labels=ANSWER_LABELS), expected
            )
            record[item] = got
            if fault:
                faults.append(fault)
            elif got is None:
                missing.append(item)
        if asked and len(missing) > _MOSTLY_EMPTY * asked:
            faults.append(
                Fault(
                    table.sheet.name,
                    table.cell(row, missing[0]),
                    f"{len(missing)} of {asked} answers empty",
                    "a complete questionnaire",
                    NOTE,
                )
            )
        _note_twin(table, row, record, [s[0] for s in specs], answers_seen, faults)
        records.append(record)
    groups = {str(record["group"]) for record in records} | ({group} if group else set())
    faults += missing_items(table, groups, instrument, old)
    return records


def _respondent(
    table: Table, row: int, group: str | None, faults: list[Fault], seen: dict[str, str]
) -> tuple[str | None, str, bool]:
    sheet, raw = table.sheet.name, table.value(row, "respondent_id")
    respondent = tidy(f"{raw:g}" if isinstance(raw, float) else raw)
    place = table.cell(row, "respondent_id") if "respondent_id" in table.columns else f"A{row}"
    who = group
    if group is None:
        reading = read_choice(table.value(row, "group"), _GROUP_CHOICES)
        who, fault = judge(table, row, "group", reading, "practitioner or customer")
        if fault or who is None:
            faults.append(
                fault or Fault(sheet, table.cell(row, "group"), "empty", "practitioner or customer")
            )
    if not respondent:
        faults.append(Fault(sheet, place, "answers without a respondent id", "a code such as P001"))
        return who, "", False
    if isinstance(raw, str) and raw != respondent:
        faults.append(Fault(sheet, place, f"'{raw}', read as {respondent}", "a code without spaces", NOTE))
    if respondent in seen:
        faults.append(
            Fault(
                sheet,
                place,
                f"respondent {respondent} a second time (first at {seen[respondent]})",
                "each respondent once",
            )
        )
        return who, respondent, False
    seen[respondent] = f"{sheet}!{place}"
    if "consent" in table.columns:
        consent, fault = judge(
            table, row, "consent", read_choice(table.value(row, "consent"), _CONSENT), "yes or no"
        )
        if consent == "no":
            faults.append(
                Fault(sheet, table.cell(row, "consent"), "no consent; the row is left out", "yes", NOTE)
            )
            return who, respondent, False
        if fault or consent is None:
            faults.append(
                fault
                or Fault(
                    sheet, table.cell(row, "consent"), "consent is empty; the row is left out", "yes or no"
                )
            )
            return who, respondent, False
    return who, respondent, who is not None


def _background(
    table: Table, row: int, record: dict, choices: dict[str, dict[str, str]], faults: list[Fault]
) -> None:
    for name, options in choices.items():
        if name in table.columns:
            reading = read_choice(table.value(row, name), options)
            record[name], fault = judge(table, row, name, reading, f"one of: {'; '.join(options)}")
            faults += [fault] if fault else []
    if "weight" in table.columns:
        reading = read_number(table.value(row, "weight"), 1e-9, 1e6, whole=False)
        record["weight"], fault = judge(table, row, "weight", reading, "a number above 0, or empty")
        faults += [fault] if fault else []
    if "duration_seconds" in table.columns:
        reading = read_duration(table.value(row, "duration_seconds"))
        record["duration_seconds"], fault = judge(
            table, row, "duration_seconds", reading, "seconds, or empty"
        )
        faults += [fault] if fault else []


def _note_twin(
    table: Table, row: int, record: dict, items: list[str], known: dict, faults: list[Fault]
) -> None:
    answers = tuple(record.get(item) for item in items)
    given = [a for a in answers if a is not None]
    if len(given) < 10 or len(set(given)) < 3:
        return  # short or straight-lined rows are alike by chance; the quality of responses is analysed later
    if answers in known:
        faults.append(
            Fault(
                table.sheet.name,
                table.cell(row, "respondent_id"),
                f"the same answers as respondent {known[answers]}",
                "a questionnaire of its own",
                NOTE,
            )
        )
    known.setdefault(answers, record["respondent_id"])


def _questionnaire(
    sheet: Sheet, table: Table, instrument: pd.DataFrame, faults: list[Fault], seen: dict[str, str]
) -> list[dict]:
    # a questionnaire is turned on its side and read as a table of one row, with its own cell addresses
    skip_labels(
        table,
        {
            "item": {"Item", "题号"},
            "answer": {"Answer 1 to 5", "回答 1 至 5"},
            "wording_en": {"Statement", "陈述(英文)"},
            "wording_zh": {"Statement in Chinese", "陈述"},
        },
    )
    column = table.columns["answer"]
    cells: dict[str, tuple[object, int]] = {}
    for row, values in enumerate(sheet.rows, start=1):
        name = next((tidy(v) for v in values[:1] if v is not None), "")
        if name and row != table.header_row:
            cells[name] = (values[column - 1] if column <= len(values) else None, row)
    return [_one(sheet, cells, column, instrument, faults, seen)] if cells else []


def _one(
    sheet: Sheet,
    cells: dict[str, tuple[object, int]],
    column: int,
    instrument: pd.DataFrame,
    faults: list[Fault],
    seen: dict[str, str],
) -> dict:
    names = list(cells)
    flat = Sheet(sheet.name, [tuple(names), tuple(cells[name][0] for name in names)])
    turned = {address(2, n): address(cells[name][1], column) for n, name in enumerate(names, start=1)}
    flat.formulas = frozenset(flat_cell for flat_cell, real in turned.items() if real in sheet.formulas)
    table = survey_table(flat, instrument)
    if table is None:
        raise UserError(f"{sheet.name}: no item of the survey in the first column")
    group = group_of(table, instrument)
    found: list[Fault] = []
    records = _rows(table, group, instrument, found, seen, old=False)
    turned |= {"A1": "A1"}
    faults += [
        Fault(f.sheet, turned.get(f.cell, f.cell), f.found, f.expected, f.level)
        for f in found
        if not f.found.startswith("a renamed sheet")
    ]
    return records[0] if records else {"respondent_id": None, "group": group}
