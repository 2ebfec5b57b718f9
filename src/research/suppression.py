"""Which published counts must be withheld so that no small one can be computed from the others.

A published count is the number of people who meet conditions: tier premium; tier premium and outcome bad;
income missing. Tables say what their columns count (`Counts`); the people, one row each with the variables
that conditions name, say the rest. `protect` lists every published count of all tables, withholds the small
ones, and then plays the attacker: it knows all that is published, every total, which groups are empty, and
which variable follows from another (a rule has one tier, a class is made of levels), and asks by linear
programming, where that leaves a doubt by integer programming, how small and how large each withheld count can
be. While the answers lie closer together than the smallest count that may be shown, one more count is
withheld: the smallest of those that the bound leans on, which are the ones with a dual price.

Auditing and complementary suppression: Fischetti and Salazar-González 2001, Management Science 47, 1008-1027;
Hundepool et al. 2012, Statistical Disclosure Control, chapter 4. They look for the cheapest set of counts by one large
integer program; here counts are added one at a time, which is safe as well and withholds at most a little more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from research.attack import Conditions, System

WITHHELD = "withheld"  # attribute of a frame: column → labels of the rows whose value was left out
PROTECTED = "protected"  # attribute of a frame: nothing in it needs to be withheld any more
Levels = tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """A table of counts and what its numbers count.

    Attributes:
        frame: one row per group of people.
        groups: column → the variable of the people whose level it holds. `{name}` stands for the row's value
            in another column: {"level": "{construct}"} for a table that puts the levels of several constructs
            below each other.
        counts: column → which of the group it counts, variable → levels; {} for all of them. A column that
            the frame lacks is a count that follows from others, such as events that a rate tells.
        tells: count → columns that would tell it, withheld with it: rates, shares, intervals.
        describes: count → columns that describe the people counted, withheld when these are few: means,
            medians.
        within: what the rows are a subset of, variable → levels; {} for everybody.
        fixed: the counts are known anyway, such as the size of the book; they are never withheld.
    """

    frame: pd.DataFrame
    groups: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, Levels]] = field(default_factory=lambda: {"n": {}})
    tells: Mapping[str, Levels] = field(default_factory=dict)
    describes: Mapping[str, Levels] = field(default_factory=dict)
    within: Mapping[str, Levels] = field(default_factory=dict)
    fixed: bool = False


@dataclass(frozen=True)
class Cell:
    """A published count: where it stands, and its place among the distinct counts of all tables."""

    table: str
    row: int
    column: str
    count: int


def protect(tables: Mapping[str, Counts], people: pd.DataFrame, smallest: int) -> dict[str, pd.DataFrame]:
    """Return the frames of tables with every count that must be withheld missing, and what it would be told by.

    Args:
        tables: name → table.
        people: one row per person, one column of text per variable. Nobody's level is missing: "missing" is a level.
        smallest: counts from 1 to `smallest` − 1 are small, and a withheld count stays uncertain by at least
            as much.

    Raises:
        KeyError: a condition names a variable that the people do not have.
        ValueError: a count of a frame is not the number of people who meet its conditions.
    """
    found = withheld_cells(tables, people, smallest)
    return {name: emptied(table.frame, found[name]) for name, table in tables.items()}


def withheld_cells(
    tables: Mapping[str, Counts], people: pd.DataFrame, smallest: int, weight: np.ndarray | None = None
) -> dict[str, list[tuple[int, str]]]:
    """Return table → (row, column) of what must be withheld, counts that its frame lacks included; see `protect`.

    Each row of `people` may stand for several, as many as its `weight` (n,).
    """
    gone: dict[str, list[tuple[int, str]]] = {name: [] for name in tables}
    if smallest < 2 or not tables or not len(people):
        return gone
    system, cells = described(tables, people, weight)
    out = system.withheld(smallest)
    for cell in cells:
        if cell.count in out:
            table = tables[cell.table]
            few = system.values[cell.count] < smallest
            about = table.describes.get(cell.column, ()) if few else ()
            columns = [cell.column, *table.tells.get(cell.column, ()), *about]
            gone[cell.table] += [(cell.row, column) for column in columns]
    return gone


def described(
    tables: Mapping[str, Counts], people: pd.DataFrame, weight: np.ndarray | None = None
) -> tuple[System, list[Cell]]:
    """Return the equations of all published counts, and where each count stands; see `protect`."""
    if weight is not None:
        people, weight = people[weight > 0], weight[weight > 0]
    coded = {name: _coded(people[name]) for name in people.columns}
    cells: list[Cell] = []
    places: dict[Conditions, int] = {}
    fixed: set[int] = set()
    levels = {name: frozenset(found) for name, (_, found) in coded.items()}
    stated: dict[int, tuple[str, float]] = {}
    for name, table in tables.items():
        for row, entry in enumerate(table.frame.to_dict("records")):
            group = {
                variable.format_map(entry): (str(entry[column]),) for column, variable in table.groups.items()
            }
            for column, which in table.counts.items():
                conditions = {variable.format_map(entry): wanted for variable, wanted in which.items()}
                key = canonical([*group.items(), *conditions.items(), *table.within.items()], levels)
                count = places.setdefault(key, len(places))
                cells.append(Cell(name, row, column, count))
                if table.fixed:
                    fixed.add(count)
                if column in table.frame.columns and pd.notna(entry[column]):
                    stated[count] = (
                        f"table '{name}', row {row + 1}, column '{column}'",
                        float(entry[column]),
                    )
    system = System(list(places), fixed, coded, np.ones(len(people)) if weight is None else weight)
    for count, (where, value) in stated.items():
        if value != system.values[count]:
            found = f"{system.values[count]:g} people meet {dict(system.counts[count])}"
            raise ValueError(f"{where} counts {value:g}, but {found}")
    return system, cells


def _coded(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return the level of each person (n,) as a place among the levels, and these in words."""
    codes, found = pd.factorize(values)
    again, words = pd.factorize(np.array([str(level) for level in found], dtype=object))
    return again[codes], list(words)


def canonical(
    conditions: Iterable[tuple[str, Iterable[str]]], levels: Mapping[str, frozenset[str]]
) -> Conditions:
    """Return conditions in one form: one set of levels that occur per variable, none where every level will do."""
    joined: dict[str, frozenset[str]] = {}
    for variable, wanted in conditions:
        joined[variable] = joined.get(variable, levels[variable]) & frozenset(wanted)
    return frozenset((variable, wanted) for variable, wanted in joined.items() if wanted != levels[variable])


def emptied(frame: pd.DataFrame, cells: Iterable[tuple[int, str]]) -> pd.DataFrame:
    """Return the frame with cells (row position, column) missing, and which ones noted in its attributes."""
    places: dict[str, set[int]] = {}
    for row, column in cells:
        if column in frame:  # a count may be told by others alone
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
