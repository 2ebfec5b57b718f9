"""What an exhibit may show of people: small counts are withheld before a table is shown or drawn.

The count tables of an own loan book come out of `research.study.counts` already protected together. What
reaches a page otherwise is protected here: a table by itself (`protected`), and a count that is none of those
published is not shown at all (`matched`). From which count on something may be shown is decided by the plan
and its data (`research.collect.publication`). Which column counts persons, which counts events among them,
and which only names a row is said in `data/definitions/disclosure.csv`; a numeric column that is not listed
there is taken to be computed from the persons of its row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from research import parameters
from research.collect import constructs
from research.collect.publication import smallest_count
from research.paths import DEFINITIONS
from research.suppression import PROTECTED, WITHHELD, Counts, emptied, withheld_cells

SINGLE = 3  # so many constructs as columns are a customer's row
EVERYBODY: tuple[tuple[str, ...], ...] = ((),)
Grouping = str | Sequence[str]


def smallest(origin: str = "real") -> int:
    """Return the smallest count of people that may be shown here; 0 where all may be.

    `origin`: who they are, as for `research.collect.publication.smallest_count`.
    """
    plan = parameters.loaded()
    return smallest_count(plan if plan is not None else parameters.Study(dataset="unknown.csv"), origin)


def count(value: float, of: float | None = None, origin: str = "loans") -> int | None:
    """Return a count of persons for a sentence, None when it, or the rest of `of`, is small or missing."""
    least = smallest(origin)
    if pd.isna(value) or 0 < value < least or (of is not None and 0 < of - value < least):
        return None
    return int(value)


def protected(
    frame: pd.DataFrame,
    *,
    within: Sequence[Grouping] | None = EVERYBODY,
    keep: Iterable[str] = (),
    origin: str = "real",
) -> pd.DataFrame:
    """Return a table of counts, protected by itself; what is left out is NaN.

    This is enough for a table that shares with others no more than totals that are shown. Tables that share
    more are protected together, by `research.suppression.protect`.

    Args:
        frame: one row per group of persons.
        within: how rows add up to totals that a reader knows: each entry names the columns whose values form
            a group of rows that is a whole, such as "standard" for classes of several standards. The default
            `((),)` is the whole table; ("from", "to") is a two-way table. None: no two rows exclude each
            other.
        keep: numeric columns that say nothing of the persons in a row.
        origin: who the persons are.
    """
    table = without_small(frame, within=within, keep=keep, origin=origin)
    if smallest(origin) > 1:
        table = table.copy(deep=False)
        table.attrs = {**table.attrs, PROTECTED: True}
    return table


def without_small(
    frame: pd.DataFrame,
    *,
    within: Sequence[Grouping] | None = EVERYBODY,
    keep: Iterable[str] = (),
    origin: str = "real",
) -> pd.DataFrame:
    """Return the table of `protected` without the note that it was."""
    least = smallest(origin)
    columns = Columns.of(frame, keep)
    if least < 2 or not columns.persons:
        return frame
    # A mean over draws counts nobody; that of persons, or of their events, may be a whole number by chance.
    numbers = frame[[name for name in (columns.persons, columns.events) if name]].fillna(0)
    counted = np.flatnonzero((numbers % 1 == 0).all(axis=1))
    part = frame.iloc[counted]

    def cells(kind: Columns) -> list[tuple[int, str]]:
        return [(int(counted[row]), name) for row, name in alone(part, kind, within or (), least)]

    table = emptied(frame, cells(columns))
    for name in persons_in(frame):
        if name not in (columns.persons, columns.base):
            table = emptied(table, cells(Columns(name, "", "", "", "", (), ())))
    return table


def alone(
    frame: pd.DataFrame, columns: Columns, within: Sequence[Grouping], least: int
) -> list[tuple[int, str]]:
    """Return the cells to leave out of a table for what it says by itself."""
    rows = np.flatnonzero(frame[columns.persons].notna())
    names = list(dict.fromkeys(name for grouping in within for name in _names(grouping)))
    groups = frame.iloc[rows][names].astype(str).set_axis([f"by {name}" for name in names], axis=1)
    groups = groups.assign(row=rows.astype(str)).reset_index(drop=True)
    parts = columns.parts(frame.iloc[rows])
    people = pd.concat([groups.assign(outcome=outcome) for outcome in parts], ignore_index=True)
    known = {"known": {"outcome": ("bad", "good")}} if columns.known else {}
    events = {"events": {"outcome": ("bad",)}} if columns.events or columns.rate else {}
    wanted = {"persons": {}, **known, **events}
    tables = {"": Counts(groups, {"row": "row"}, wanted)}
    for place, grouping in enumerate(within):
        by = {f"by {name}": f"by {name}" for name in _names(grouping)}
        whole = groups[list(by)].drop_duplicates() if by else groups.head(1)[[]]
        tables[f"total {place}"] = Counts(whole, by, wanted, fixed=True)
    found = withheld_cells(tables, people, least, np.concatenate(list(parts.values())))[""]
    cells = [(int(rows[row]), column) for row, kind in found for column in columns.told_by(kind)]
    if columns.base:
        few = np.flatnonzero((frame[columns.base] > 0) & (frame[columns.base] < least))
        cells += [(int(row), column) for row in few for column in columns.told_by("persons")]
    return cells


def matched(frame: pd.DataFrame, known: Collection[float]) -> pd.DataFrame:
    """Return a table without the counts of persons that no step has protected, and what these would tell.

    A base of a statistic, such as the number of complete cases, is a count like any other: beside a total that
    differs from it by a few it tells of these few.

    Args:
        frame: a table that no step has protected.
        known: counts that are in every report.
    """
    columns = Columns.of(frame)
    cells = []
    for kind, names in (
        ("persons", persons_in(frame)), ("known", [columns.known]), ("events", [columns.events])
    ):  # fmt: skip
        for name in filter(None, names):
            unknown = np.flatnonzero(frame[name].notna() & ~frame[name].isin([0, *known]))
            taken = [name, *(part for part in columns.told_by(kind) if part not in columns.other)]
            cells += [(int(row), column) for row in unknown for column in taken]
    return emptied(frame, cells)


def _names(grouping: Grouping) -> list[str]:
    return [grouping] if isinstance(grouping, str) else list(grouping)


@dataclass(frozen=True)
class Columns:
    """What the columns of a table say of persons."""

    persons: str
    base: str
    known: str
    events: str
    rate: str
    detail: tuple[str, ...]
    other: tuple[str, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, keep: Iterable[str] = ()) -> Columns:
        """Read the roles of a frame's columns; `persons` is empty when it counts nobody."""
        role = roles()
        numeric = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
        by_role = {
            wanted: [name for name in role if role[name] == wanted and name in numeric]
            for wanted in ("known", "events", "event_rate", "event_detail")
        }
        persons, base = (*persons_in(frame), "", "")[:2]
        base = base if (persons, base) == ("count", "n") else ""
        events, rate = (*by_role["events"], "")[0], (*by_role["event_rate"], "")[0]
        about_events = bool(events or rate)
        detail = (*by_role["event_rate"], *by_role["event_detail"]) if about_events else ()
        special = {persons, *by_role["known"], *by_role["events"], *detail}
        other = [
            name
            for name in numeric
            if name not in special and role.get(name) != "label" and name not in set(keep)
        ]
        known = (*by_role["known"], "")[0]
        return cls(persons, base, known, events, rate, tuple(detail), tuple(other))

    def parts(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return outcome → persons with it per row; events that are only given as a rate are computed from it."""
        persons = frame[self.persons].to_numpy(float)
        known = frame[self.known].fillna(0).to_numpy(float) if self.known else persons
        bad = np.zeros(len(frame))
        if self.events:
            bad = frame[self.events].fillna(0).to_numpy(float)
        elif self.rate:
            bad = np.round(frame[self.rate].fillna(0).to_numpy(float) * known)
        bad = np.clip(bad, 0, known)
        return {"bad": bad, "good": known - bad, "unknown": np.clip(persons - known, 0, None)}

    def told_by(self, kind: str) -> list[str]:
        """Return the columns that tell a count of persons, known or events; persons take their whole row along."""
        events = [name for name in (self.events, *self.detail) if name]
        known = [*filter(None, [self.known]), *events]
        return {"events": events, "known": known, "persons": [self.persons, *known, *self.other]}[kind]


def persons_in(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a frame that count persons, the one that says who is in a row first."""
    return [
        name
        for name, role in roles().items()
        if role == "persons"
        and name in frame.columns
        and pd.api.types.is_numeric_dtype(frame[name])
        and not pd.api.types.is_bool_dtype(frame[name])
    ]


def cells_left_out(frame: pd.DataFrame) -> set[tuple[int, str]]:
    """Return the cells (row position, column) of a frame numbered from 0 that were left out."""
    return {(row, column) for column, rows in frame.attrs.get(WITHHELD, {}).items() for row in rows}


def single_persons(frame: pd.DataFrame) -> str:
    """Return what makes a frame one of single customers: their numbers, or several of their constructs side by side."""
    identity = [name for name in constructs.names(role="identity") if name in frame.columns]
    own = [name for name in constructs.names(role="predictor") if name in frame.columns]
    return ", ".join(identity or (own if len(own) >= SINGLE else []))


@cache
def roles() -> dict[str, str]:
    """Return column → role, in the order of the definition."""
    table = pd.read_csv(DEFINITIONS / "disclosure.csv", dtype=str)
    return dict(zip(table["column"], table["role"], strict=True))
