"""Small counts are not published: tables are protected before they are shown or drawn.

`protected(frame)` returns the frame without counts of persons from 1 to the threshold, without what they could be
computed from, and without the complementary cells that would give them away by subtraction. Which column counts
persons, which counts events among them, and which only names a row is said in `data/definitions/disclosure.csv`; a
numeric column that is not listed there is taken to be computed from the persons of its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from research.collect import constructs
from research.paths import DEFINITIONS
from research.report.payload import WITHHELD
from research.report.suppression import PERSONS, Counts, suppress

EXEMPT = ("simulated", "invented")  # nobody stands behind these numbers
SINGLE = 3  # so many constructs as columns are a customer's row
Grouping = str | Sequence[str]


@dataclass
class Page:
    """What a page may show: the smallest count of persons."""

    small_cell: int = 5


PAGE = Page()


def withhold_below(small_cell: int) -> None:
    """Set the smallest count of persons that this notebook shows; 0 or 1: all."""
    PAGE.small_cell = small_cell


def count(value: float, of: float | None = None) -> int | None:
    """Return a count of persons for a sentence, None when it, or the rest of `of`, is small or missing."""
    if pd.isna(value) or small(value) or (of is not None and small(of - value)):
        return None
    return int(value)


def small(value: float) -> bool:
    """Return whether a count is too small to be shown; nobody is not too few."""
    return 0 < value < PAGE.small_cell


def protected(
    frame: pd.DataFrame,
    *,
    within: Sequence[Grouping] | None = ((),),
    of: float | pd.Series | None = None,
    keep: Iterable[str] = (),
    origin: str = "real",
) -> pd.DataFrame:
    """Return a table of counts that can be published; what is left out is NaN.

    Args:
        frame: one row per group of persons.
        within: how rows add up to totals that a reader knows: each entry names the columns whose values form a group
            of rows that is a whole, such as "standard" for classes of several standards. The default `((),)` is the
            whole table; ("from", "to") is a two-way table. None: no two rows exclude each other.
        of: how many there are of whom each row counts some, one number or one per row; a row of all but a few loses
            its count too.
        keep: numeric columns that say nothing of the persons in a row.
        origin: simulated and invented data are left alone.
    """
    table = linked({"": frame}, within={"": within}, keep=keep, origin=origin)[""]
    first = Columns.of(frame)
    for name in persons_in(frame):
        if name not in (first.persons, first.base):
            groups = list(dict.fromkeys(key for grouping in within or () for key in _names(grouping)))
            alone = frame[[*groups, name]]
            cells = linked({"": alone}, within={"": within}, keep=groups, origin=origin)[""]
            gone = np.flatnonzero(cells[name].isna() & table[name].notna())
            table = emptied(table, [(int(row), name) for row in gone])
    if of is not None and origin not in EXEMPT:
        for name in persons_in(frame):
            few = np.flatnonzero((of - table[name]).map(small))
            table = emptied(table, [(int(row), name) for row in few])
    return table


def nearest(counts: pd.Series) -> pd.Series:
    """Return counts as the nearest multiples of the smallest count that is shown."""
    base = max(PAGE.small_cell, 1)
    return (counts / base).round() * base


def rounded(frame: pd.DataFrame, share: str, origin: str = "real") -> pd.DataFrame:
    """Return a table whose shares of `n` stand for multiples of the smallest count, and its `count` with them.

    For answers on a scale, where complementary cells would leave nothing: how many gave an answer stays open by half
    the smallest count either way.
    """
    if origin in EXEMPT or PAGE.small_cell < 2:
        return frame
    persons = nearest(frame[share] * frame["n"])
    return frame.assign(**{share: persons / frame["n"]}, **({"count": persons} if "count" in frame else {}))


def linked(
    frames: Mapping[str, pd.DataFrame],
    *,
    within: Mapping[str, Sequence[Grouping] | None],
    equal: Iterable[tuple[tuple[str, int], Sequence[tuple[str, int]]]] = (),
    keep: Iterable[str] = (),
    origin: str = "real",
) -> dict[str, pd.DataFrame]:
    """Protect tables that share cells, so that none gives away what another leaves out.

    Args:
        frames: name → table, each as for `protected`.
        within: name → how its rows add up, as for `protected`.
        equal: pairs ((table, row), [(table, row), …]): the first counts the persons of the others together.
        keep, origin: as for `protected`.
    """
    columns = {name: Columns.of(frame, keep) for name, frame in frames.items()}
    if origin in EXEMPT or PAGE.small_cell < 2 or not all(found.persons for found in columns.values()):
        return dict(frames)
    start, sums = 0, []
    first: dict[str, int] = {}
    for name, frame in frames.items():
        first[name] = start
        groups = groups_of(frame, within[name], columns[name].known_rows(frame))
        sums += [[start + row for row in group] for group in groups]
        start += len(frame)
    values = stacked([columns[name].counts(frame) for name, frame in frames.items()])
    counts = Counts(
        values,
        part_of={"events": "known"} if "known" in values else {},
        both_sides=frozenset({"events"}),
        sums=sums,
        equal=[
            (first[table] + row, [first[name] + at for name, at in children])
            for (table, row), children in equal
        ],
    )
    out = suppress(counts, PAGE.small_cell)
    return {
        name: columns[name].without(
            frame, {(row - first[name], part) for row, part in out if 0 <= row - first[name] < len(frame)}
        )
        for name, frame in frames.items()
    }


def stacked(tables: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the counts of several tables below each other; rows of a table without a quantity have NaN."""
    quantities = dict.fromkeys(name for table in tables for name in table)
    return {
        name: np.concatenate([table.get(name, np.full(len(table[PERSONS]), np.nan)) for table in tables])
        for name in quantities
    }


def groups_of(frame: pd.DataFrame, within: Sequence[Grouping] | None, known: np.ndarray) -> list[list[int]]:
    """Return the rows of every group, as positions; rows that were left out before are in none."""
    rows = pd.Series(np.arange(len(frame)))[known]
    if within is None:
        return [[row] for row in rows]
    found = []
    for grouping in within:
        names = _names(grouping)
        if not names:
            found.append(rows.tolist())
            continue
        keys = frame[names].astype(str).agg("\0".join, axis=1).reset_index(drop=True)[known]
        found += [part.tolist() for _, part in rows.groupby(keys, sort=False)]
    return found


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

    def known_rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows have a count."""
        return frame[self.persons].notna().to_numpy()

    def counts(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return persons, known and events per row; events that are only given as a rate are computed from it."""
        found = {PERSONS: frame[self.persons].fillna(0).to_numpy(float)}
        if self.known:
            found["known"] = frame[self.known].fillna(0).to_numpy(float)
        if self.events:
            found["events"] = frame[self.events].fillna(0).to_numpy(float)
        elif self.rate:
            whole = found.get("known", found[PERSONS])
            found["events"] = np.round(frame[self.rate].fillna(0).to_numpy(float) * whole)
        return found

    def without(self, frame: pd.DataFrame, out: Iterable[tuple[int, str]]) -> pd.DataFrame:
        """Return the frame without cells; persons take their whole row along."""
        events = [name for name in (self.events, *self.detail) if name]
        taken = {
            "events": events,
            "known": [*filter(None, [self.known]), *events],
            PERSONS: [self.persons, *filter(None, [self.known]), *events, *self.other],
        }
        cells = [(row, column) for row, part in out for column in taken[part]]
        if self.base:
            few = np.flatnonzero((frame[self.base] > 0) & (frame[self.base] < PAGE.small_cell))
            cells += [(int(row), column) for row in few for column in taken[PERSONS]]
        return emptied(frame, cells)


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


def emptied(frame: pd.DataFrame, cells: Iterable[tuple[int, str]]) -> pd.DataFrame:
    """Return the frame with cells (row position, column) missing, and which ones noted in its attributes."""
    places: dict[str, set[int]] = {}
    for row, column in cells:
        places.setdefault(column, set()).add(row)
    table = frame.copy()
    for column, rows in places.items():
        values = table[column].astype(object if table[column].dtype == bool else float)
        values.iloc[sorted(rows)] = np.nan
        table[column] = values
    table.attrs = dict(frame.attrs)
    if places:
        earlier = frame.attrs.get(WITHHELD, {})
        table.attrs[WITHHELD] = {
            column: sorted({*earlier.get(column, ()), *(frame.index[row] for row in places.get(column, ()))})
            for column in {**earlier, **places}
        }
    return table


@cache
def roles() -> dict[str, str]:
    """Return column → role, in the order of the definition."""
    table = pd.read_csv(DEFINITIONS / "disclosure.csv", dtype=str)
    return dict(zip(table["column"], table["role"], strict=True))
