"""Captions of the figures of movement: migration and roll-rate matrices, vintage curves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from research.captions.wording import known, lie, listed, number, said, span

YEAR = 12


def migration_matrix(table: pd.DataFrame, title: str) -> str:
    """Say how many of each tier stay, and which move is the most frequent.

    Args:
        table: long matrix with `from`, `to`, `n` (of the row) and `estimate`, missing where it is withheld.
        title: whose moves over what time.
    """
    shown = known(table, "estimate").query("n > 0")
    start, end = shown["from"].astype(str), shown["to"].astype(str)
    stay, away = shown[start == end], shown[start != end]
    kept = [f"{row['from']} {number(row['estimate'], '.1%')}" for _, row in stay.iterrows()]
    hidden = table.loc[table["n"].isna() | (table["n"] > 0), "from"].astype(str).drop_duplicates()
    kept += [f"{name} withheld" for name in hidden[~hidden.isin(stay["from"].astype(str))]] if kept else []
    top = ""
    if len(away) and away["estimate"].max() > 0:
        row = away.loc[away["estimate"].idxmax()]
        top = f"the most frequent move shown is from {row['from']} to {row['to']} ({number(row['estimate'], '.1%')})"
    return said(title, f"stay where they are: {listed(kept)}" if kept else "", top)


def roll_rates(table: pd.DataFrame, title: str, buckets: Sequence[str]) -> str:
    """Say how many of each bucket of arrears roll on to the next, and how many are current again.

    Args:
        table: as for `migration_matrix`.
        title: whose arrears.
        buckets: names of the buckets in order, current first.
    """
    shown = known(table, "estimate").query("n > 0")
    cells = shown.set_index([shown["from"].astype(str), shown["to"].astype(str)])
    answers = []
    for words, moves in (
        ("a month later one bucket worse", list(pairwise(buckets))),
        ("current again", [(name, buckets[0]) for name in buckets[1:]]),
    ):
        found = [(start, cells.loc[(start, end)]) for start, end in moves if (start, end) in cells.index]
        names = [f"{start} {number(row['estimate'], '.1%')} of {row['n']:,.0f}" for start, row in found]
        answers += [f"{words}: {listed(names)}"] if names else []
    return said(title, *answers)


def vintage_curves(table: pd.DataFrame, shock: float) -> str:
    """Say how many of the latest and the earliest loans defaulted after as many months, and whether that lies apart.

    Args:
        table: `cohort`, `months_on_book`, `estimate`, `ci_low`, `ci_high`.
        shock: the month in which the shock begins.
    """
    title = (
        "Simulated bank, share defaulted by months on book, for loans made in the same half-year, the latest with its "
        f"interval; the shock begins in month {shock:.0f}"
    )
    shown = known(table, "estimate", "ci_low", "ci_high")
    cohorts = sorted(shown["cohort"].unique())
    if not cohorts:
        return said(title)
    curves = [
        shown[shown["cohort"] == name].set_index("months_on_book") for name in (cohorts[-1], cohorts[0])
    ]
    shared = curves[0].index.intersection(curves[1].index)
    month = shared[shared <= YEAR].max()
    if pd.isna(month):
        return said(title)
    late, early = (curve.loc[month] for curve in curves)
    first = f"after {month} months {span(late)} of the loans of months {cohorts[-1]} had defaulted"
    if len(cohorts) == 1:
        return said(title, first)
    together = f"{first} and {span(early)} of those of months {cohorts[0]}"
    return said(title, f"{together}; the intervals {lie(late, early)}")
