"""Survey answers out of the exports of survey platforms, by a mapping file per platform."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.items import GROUPS, background_questions, survey_items
from research.fieldwork.instruments.layout import (
    ANSWER_LABELS,
    BRANCH,
    DURATION,
    PLACED,
    WEIGHT,
    survey_columns,
)
from research.fieldwork.intake.cells import Reading, read_number, tidy
from research.fieldwork.intake.faults import NOTE, Fault, reading, stop_on_errors
from research.fieldwork.intake.platform_mapping import read_mapping
from research.fieldwork.intake.sheets import Sheet, address, open_returned
from research.files.inert import write_csv


@dataclass
class PlatformImport:
    """Answers as `read_survey` gives them, the faults, and what was left out."""

    responses: pd.DataFrame
    faults: list[Fault] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)


def read_platform(
    path: str | Path,
    platform: str | Path,
    *,
    group: str | None = None,
    accept_faults: bool = False,
) -> PlatformImport:
    """Read an export of a survey platform.

    Args:
        path: the export (.csv or .xlsx).
        platform: qualtrics, limesurvey, wenjuanxing, or the path of a mapping file.
        group: practitioner or customer, where the export holds one group and no column says so.
        accept_faults: read a faulty answer as missing instead of stopping.

    Raises:
        UserError: the file or mapping cannot be read, the respondent or group column is missing, no item is found, an
            item of the instrument has no column, or answers are faulty (both unless accepted).
    """
    mapping, instrument = read_mapping(platform), survey_items()
    sheet = open_returned(path).sheets[0]
    columns = _Columns(sheet, mapping, instrument, Path(path).name)
    if group is not None and group not in GROUPS:
        raise UserError(f"group '{group}', expected practitioner or customer")
    if group is None and columns.group is None:
        raise UserError(
            f"{Path(path).name}: no column '{mapping.get('group', {}).get('column', 'group')}' that tells "
            "practitioners from customers; name the group of the file"
        )
    found = _read_rows(sheet, mapping, columns, group, instrument)
    asked = instrument[instrument["group"].isin({"both", *found.responses["group"]})]["item"]
    if lost := [item for item in asked if item not in columns.items]:
        place, told = address(mapping["rows"]["names"], 1), f"no column for {', '.join(lost)}"
        found.faults.insert(0, Fault(sheet.name, place, told, "a column for each item"))
    if not accept_faults:
        stop_on_errors(found.faults, Path(path).name)
    return found


def write_responses(responses: pd.DataFrame, path: str | Path) -> Path:
    """Write answers as a CSV that `read_survey` reads. Return the path."""
    return write_csv(responses, path, index=True)


class _Columns:
    """Which column holds what, 0-based."""

    def __init__(self, sheet: Sheet, mapping: dict[str, Any], instrument: pd.DataFrame, where: str) -> None:
        rows = mapping["rows"]
        if len(sheet.rows) < rows["data"] - 1:
            raise UserError(f"{where}: {len(sheet.rows)} rows, expected a header of {rows['data'] - 1}")
        self.names = [tidy(value) for value in sheet.rows[rows["names"] - 1]]
        self.wordings = [tidy(value) for value in sheet.rows[rows.get("wordings", rows["names"]) - 1]]
        self.items = self._items(mapping, instrument)
        respondent = self.find(mapping["respondent"])
        if respondent is None:
            raise UserError(
                f"{where}: no column '{mapping['respondent']}' in row {rows['names']}; is it an export of "
                f"{mapping['platform']}? Found: {', '.join(self.names[:8])}"
            )
        if not self.items:
            raise UserError(
                f"{where}: no column matches an item of the survey; name them under 'map' in the mapping"
            )
        self.respondent = respondent
        self.duration = self.find(mapping.get("duration"))
        self.weight = self.find(mapping.get("weight", "weight"))
        self.group = self.find(mapping.get("group", {}).get("column"))
        self.consent = self.find(mapping.get("consent", {}).get("column"))
        self.background = self._background()
        used = {self.respondent, self.duration, self.weight, self.group, self.consent}
        used |= set(self.items.values()) | set(self.background.values())
        self.rest = [name for n, name in enumerate(self.names) if n not in used and name]

    def answers(self) -> Iterator[tuple[str, int]]:
        """Yield key and column of every question, weight and duration among them."""
        yield from self.background.items()
        for name, column in ((WEIGHT.key, self.weight), (DURATION.key, self.duration)):
            if column is not None:
                yield name, column
        yield from self.items.items()

    def find(self, name: str | None) -> int | None:
        """Return the column of a name, or of a question whose text contains it."""
        if not name:
            return None
        plain = _plain(name)
        exact = [n for n, header in enumerate(self.names) if _plain(header) == plain]
        free = [n for n in range(len(self.wordings)) if n not in self.items.values()]
        inside = [n for n in free if len(plain) > 3 and plain in _plain(self.wordings[n])]
        return next(iter(exact + inside), None)

    def _items(self, mapping: dict[str, Any], instrument: pd.DataFrame) -> dict[str, int]:
        found: dict[str, int] = {}
        explicit = {_plain(column): item for column, item in (mapping.get("map") or {}).items()}
        unknown = sorted(set(explicit.values()) - set(instrument["item"]))
        if unknown:
            raise UserError(
                f"map: item '{unknown[0]}' is not in the survey{nearest(unknown[0], instrument['item'])}"
            )
        pattern = re.compile(mapping.get("item_pattern", r"(?P<item>.+)"))
        by_id = {_plain(item): item for item in instrument["item"]}
        texts = [(_plain(w), i.item) for i in instrument.itertuples() for w in (i.wording_en, i.wording_zh)]
        for way in mapping["items"]:
            for column, (name, wording) in enumerate(zip(self.names, self.wordings, strict=False)):
                item = None
                if way == "map":
                    item = explicit.get(_plain(name))
                elif way == "names":
                    match = pattern.fullmatch(name)
                    item = by_id.get(_plain(match["item"])) if match else None
                else:
                    item = next((item for text, item in texts if text in _plain(wording)), None)
                if item is not None and column not in found.values():
                    found.setdefault(item, column)
        return found

    def _background(self) -> dict[str, int]:
        found = {}
        for question in background_questions().itertuples():
            places = map(self.find, (question.field, question.wording_zh, question.wording_en))
            column = next((place for place in places if place is not None), None)
            if column is not None and column not in self.items.values():
                found[question.field] = column
        plain = [_plain(name) for name in self.names]
        return found | {c.key: plain.index(c.key) for c in (PLACED, BRANCH) if c.key in plain}


def _read_rows(
    sheet: Sheet, mapping: dict[str, Any], columns: _Columns, group: str | None, instrument: pd.DataFrame
) -> PlatformImport:
    first = mapping["rows"]["data"]
    asked = {g: {c.key: c for c in survey_columns(instrument, g)} for g in GROUPS}
    records: list[dict[str, Any]] = []
    faults: list[Fault] = []
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    for number, values in enumerate(sheet.rows[first - 1 :], start=first):
        if all(value is None for value in values):
            continue
        row = _Row(sheet.name, number, values, mapping)
        if not _kept(row, mapping, columns):
            left_out["not an answer that was sent"] += 1
            continue
        if columns.consent is not None and not row.says(columns.consent, mapping["consent"]["accepted"]):
            left_out["no consent"] += 1
            continue
        who = group or row.which(columns.group, mapping["group"]["values"])
        respondent = mapping.get("respondent_prefix", "") + tidy(row.raw(columns.respondent))
        if who is None or not tidy(row.raw(columns.respondent)) or respondent in seen:
            column, shown = (columns.group, "group") if who is None else (columns.respondent, "respondent")
            expected = "practitioner or customer" if who is None else "a number or code, once"
            faults.append(row.fault(column, f"{shown} '{tidy(row.raw(column))}'", expected))
            continue
        seen.add(respondent)
        record: dict[str, Any] = {"respondent_id": respondent, "group": who}
        for name, at in columns.answers():
            if name in asked[who]:
                record[name], odd = row.read(at, asked[who][name])
                faults += odd
        records.append(record)
    return PlatformImport(_frame(records, columns, instrument), faults, dict(left_out), columns.rest)


class _Row:
    """One row of an export."""

    def __init__(self, sheet: str, number: int, values: Sequence[object], mapping: dict[str, Any]) -> None:
        self.sheet, self.number, self.values = sheet, number, values
        self.missing = {tidy(text).lower() for text in mapping.get("missing", [])}
        self.pattern = re.compile(mapping["answer_pattern"]) if "answer_pattern" in mapping else None
        self.labels = ANSWER_LABELS | {tidy(k).lower(): v for k, v in (mapping.get("answers") or {}).items()}

    def raw(self, column: int | None) -> object:
        value = self.values[column] if column is not None and column < len(self.values) else None
        return None if tidy(value).lower() in self.missing else value

    def says(self, column: int, accepted: Sequence[object]) -> bool:
        return tidy(self.raw(column)).lower() in {tidy(text).lower() for text in accepted}

    def which(self, column: int | None, values: dict[str, Sequence[object]]) -> str | None:
        given = values.items() if column is not None else ()
        return next((group for group, accepted in given if self.says(column, accepted)), None)

    def read(self, at: int, column: Column) -> tuple[Any, list[Fault]]:
        """Return an answer and its faults; words and durations are a platform's habit and not unusual."""
        found = self._reading(self.raw(at), column)
        if found.lost:
            return found.value, [self.fault(at, found.found, column.expected)]
        if found.found and column.kind == "number":
            return found.value, [self.fault(at, found.found, column.expected, NOTE)]
        return found.value, []

    def _reading(self, value: object, column: Column) -> Reading:
        if column.kind != "whole":
            return reading(column, value)
        match = self.pattern.fullmatch(tidy(value)) if self.pattern else None
        return read_number(match["answer"] if match else value, column.low, column.high, labels=self.labels)

    def fault(self, column: int | None, shown: str, expected: str, level: str = "error") -> Fault:
        return Fault(self.sheet, address(self.number, (column or 0) + 1), shown, expected, level)


def _kept(row: _Row, mapping: dict[str, Any], columns: _Columns) -> bool:
    for rule in mapping.get("keep", []):
        column = columns.find(rule["column"])
        if column is None:
            continue
        if rule.get("filled") and not tidy(row.raw(column)):
            return False
        if "values" in rule and not row.says(column, rule["values"]):
            return False
    return True


def _frame(records: list[dict[str, Any]], columns: _Columns, instrument: pd.DataFrame) -> pd.DataFrame:
    items = [item for item in instrument["item"] if item in columns.items]
    ahead = ["respondent_id", "group", *columns.background]
    ahead += ["weight"] if columns.weight is not None else []
    ahead += ["duration_seconds"] if columns.duration is not None else []
    frame = pd.DataFrame.from_records(records, columns=[*ahead, *items])
    numbers = [name for name in (*items, "weight", "duration_seconds") if name in frame.columns]
    frame[numbers] = frame[numbers].astype("float64")
    return frame.set_index("respondent_id")


def _plain(text: object) -> str:
    """Return letters and digits only, in lower case: what remains of a name in every export."""
    return re.sub(r"[\W_]+", "", tidy(text).lower())
