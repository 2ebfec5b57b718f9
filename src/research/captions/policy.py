"""Captions of the figures of the policy simulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from research.captions.wording import counted, known, listed, number, said, span
from research.figures.policy import RELATIVE

CHANGE = "tiered − uniform"
ALONE = "tiered − untargeted"


def by_tier(table: pd.DataFrame, measures: Iterable[str]) -> str:
    """Say in which tiers each measure rises or falls under the tiered policy.

    Args:
        table: `tier`, `policy`, `measure`, `estimate`, `ci_low`, `ci_high`.
        measures: those drawn.
    """
    title = "Each tier under the tiered policy (filled, with interval) and the uniform policy at equal volume (hollow)"
    changes = table[table["policy"] == CHANGE]
    answers = [(measure, _changes(changes[changes["measure"] == measure], ",.0f")) for measure in measures]
    return said(title, *(f"{measure} {words}" for measure, words in answers if words))


def officer_hours(table: pd.DataFrame) -> str:
    """Say in which tiers the hours per customer rise or fall.

    Args:
        table: `tier`, `policy`, `estimate`, `ci_low`, `ci_high` (hours per customer and year).
    """
    title = "Officer hours per customer and year, from the uniform to the tiered policy at equal volume (all assumed)"
    words = _changes(table[table["policy"] == CHANGE], ".1f")
    return said(title, f"the time for a customer {words}" if words else "")


def _changes(rows: pd.DataFrame, spec: str) -> str:
    """Return `rises in a (+1) and b (+2), falls in c (−1)`; a tier whose interval holds nil is neither."""
    shown = known(rows, "estimate", "ci_low", "ci_high")
    parts = []
    for words, part in (
        ("rises in", shown[shown["ci_low"] > 0]),
        ("falls in", shown[shown["ci_high"] < 0]),
        ("stays the same in", shown[(shown["ci_low"] == 0) & (shown["ci_high"] == 0)]),
    ):
        names = [f"{row.tier} ({number(row.estimate, f'+{spec}')})" for row in part.itertuples()]
        parts += [f"{words} {listed(names)}"] if names else []
    either = shown[(shown["ci_low"] <= 0) & (shown["ci_high"] >= 0) & (shown["ci_low"] < shown["ci_high"])]
    parts += [f"may rise or fall in {listed(either['tier'])}"] if len(either) else []
    return ", ".join(parts)


def gains(table: pd.DataFrame, titles: Mapping[str, str], aim: str) -> str:
    """Say for how many models the tiered policy gains, with the actions and by the tiering alone.

    Args:
        table: `model`, `policy`, `estimate`, `ci_low`, `ci_high`, differences of one measure.
        titles: model → name to show.
        aim: the measure; more profit is a gain, less of anything else.
    """
    title = f"What each model's tiers change in yearly {aim}, judged by realised outcomes"
    better = 1 if aim == "profit" else -1
    answers = []
    for policy, words in (
        (CHANGE, "actions and tiering together (left)"),
        (ALONE, "by the tiering alone (right)"),
    ):
        part = known(table[table["policy"] == policy], "estimate", "ci_low", "ci_high")
        if part.empty:
            continue
        up, down = (part[part["ci_low"] > 0], part[part["ci_high"] < 0])[::better]
        top = part.loc[(better * part["estimate"]).idxmax()]
        answers.append(
            f"{words}, the whole interval is a gain for {counted(len(up), len(part), 'models')} and a loss for "
            f"{len(down)}, the best is {span(top, '+,.0f', name=titles[top['model']])}"
        )
    return said(title, *answers)


def break_even(table: pd.DataFrame) -> str:
    """Say how many effects pay as assumed, and which of the others needs least more.

    Args:
        table: `action`, `lever`, `kind`, `base`, `break_even`, `gain_low`, `gain_base`, `gain_high`.
    """
    title = (
        "The effect each action needs to pay for itself (diamond) beside what is assumed (bar, dot at base)"
    )
    drawn = table[(table["kind"] == "effect") & table["lever"].isin(RELATIVE)]
    shown = known(drawn, "gain_low", "gain_base", "gain_high")
    if shown.empty:
        return said(title)
    pays = shown["gain_base"] >= 0
    towards = ~pays & (shown[["gain_low", "gain_high"]].max(axis=1) >= 0)
    at_base = counted(int(pays.sum()), len(shown), "effects", ("pays", "pay"))
    first = f"{at_base} at base, {int(towards.sum())} only towards the optimistic end"
    others = known(shown[~pays & (shown["base"] != 0)], "break_even")
    more = others["break_even"] / others["base"]
    nearest = ""
    if len(others):
        row = others.loc[more.idxmin()]
        needs, base = number(row["break_even"], ".0%"), number(row["base"], ".0%")
        nearest = f"nearest to paying is {row['action'].lower()}, which needs {needs} where {base} is assumed"
    return said(title, first, nearest)


def tornado(table: pd.DataFrame, money: str) -> str:
    """Say which assumption moves the result most, and how many alone turn its sign.

    Args:
        table: `label`, `at_low`, `at_base`, `at_high`, `swing`, widest first.
        money: the currency.
    """
    title = "One assumption at a time from its low to its high end, the widest first"
    shown = known(table, "at_low", "at_base", "at_high").query("swing > 0")
    if shown.empty:
        return said(title, "" if table.empty else "no assumption moves the result")
    row = shown.iloc[0]
    ends = [number(end, ",.0f") for end in sorted((row["at_low"], row["at_high"]))]
    turned = (shown[["at_low", "at_high"]].mul(shown["at_base"], axis=0) < 0).any(axis=1)
    return said(
        title,
        f"{row['label']} moves it most, from {ends[0]} to {ends[1]} ({money}; at base "
        f"{number(row['at_base'], ',.0f')})",
        f"the sign of the result turns with {counted(int(turned.sum()), len(shown), 'assumptions')} alone",
    )


def workload(table: pd.DataFrame) -> str:
    """Say which week is the busiest. `table`: `week` (Monday), `tier`, `contacts` (rounded)."""
    title = "Contacts per week if every customer is contacted once at the cadence of the tier (an assumption)"
    weeks = known(table, "contacts").groupby("week")["contacts"].sum()
    weeks = weeks[weeks > 0]
    if weeks.empty:
        return said(title)
    top = weeks.idxmax()
    rest = f", against {weeks.median():,.0f} in the median of {len(weeks)} weeks" if len(weeks) > 1 else ""
    return said(title, f"most fall in the week of {top.day} {top:%B %Y}, about {weeks[top]:,.0f}{rest}")
