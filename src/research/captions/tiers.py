"""Captions of the figures of tiers: how risky, who, and where they sit in a model's own space."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from research.captions.wording import (
    apart,
    counted,
    known,
    lie,
    listed,
    number,
    outside,
    said,
    shown_of,
    span,
)
from research.intervals import jeffreys

RATE = ("rate", "ci_low", "ci_high")


def tier_rates(table: pd.DataFrame, overall: float, whose: str, panels: Mapping[str, str]) -> str:
    """Say by every rule whether the bad rates of the high-risk and the premium tier lie apart.

    Args:
        table: `panel`, `tier`, `rate`, `ci_low`, `ci_high`.
        overall: the bad rate of all customers.
        whose: the model in the genitive, "RFM's".
        panels: panel → the rule in words, "by its own leaves".
    """
    title = f"Bad rate of {whose} tiers; the dashed line is all customers ({number(overall, '.2%')})"
    answers = [f"{words} {_ends(table[table['panel'] == panel])}" for panel, words in panels.items()]
    return said(title, *answers)


def _ends(table: pd.DataFrame) -> str:
    tiers = known(table, *RATE).set_index("tier")
    if not {"high", "premium"} <= set(tiers.index):
        return "the rate of the high-risk or the premium tier is missing or withheld"
    high, premium = tiers.loc["high"], tiers.loc["premium"]
    wrong = " in the wrong order" if apart(high, premium) and high["rate"] <= premium["rate"] else ""
    ends = [span(row, ".2%", "rate") for row in (high, premium)]
    return f"the intervals of high risk, {ends[0]}, and premium, {ends[1]}, {lie(high, premium)}{wrong}"


def tier_profile(table: pd.DataFrame) -> str:
    """Say in which construct the medians of the tiers differ most, and between which tiers.

    Args:
        table: `label`, `unit`, `tier`, `median`, `q25`, `q75`; constructs that differ most come first.
    """
    title = "Medians and middle halves by tier, constructs that differ most first"
    for label, part in known(table, "median", "q25", "q75").groupby("label", sort=False):
        low, high = part.loc[part["median"].idxmin()], part.loc[part["median"].idxmax()]
        if low["median"] == high["median"]:
            continue
        spec = ".1%" if str(high["unit"]).startswith("share") else ""
        halves = "overlap" if low["q75"] >= high["q25"] else "do not overlap"
        return said(
            title,
            f"{label} comes first, with a median of {number(low['median'], spec)} in the tier {low['tier']} and "
            f"{number(high['median'], spec)} in {high['tier']}, whose middle halves {halves}",
        )
    return said(title, "" if table.empty else "no construct has medians that differ")


def rfm_grid(table: pd.DataFrame, overall: float) -> str:
    """Say in how many cells the bad rate differs from that of all customers, and where it is highest.

    Args:
        table: `r_score`, `f_score`, `known` (customers with an outcome), `rate`.
        overall: the bad rate of all customers.
    """
    title = "Customers and bad rate by recency and frequency score"
    shown = known(table, "known", "rate").query("known > 0")
    if shown.empty:
        return said(title)
    low, high = jeffreys(shown["rate"] * shown["known"], shown["known"])
    shown = shown.assign(ci_low=low, ci_high=high)
    away = counted(int(outside(shown, overall).sum()), len(shown), shown_of("cells", shown, table))
    top = shown.loc[shown["rate"].idxmax()]
    return said(
        title,
        f"the 95 % interval leaves out the rate of all customers ({number(overall, '.2%')}) in {away}",
        f"the highest {shown_of('rate', shown, table)}, {span(top, '.1%', 'rate')}, is at recency {top['r_score']:g} "
        f"and frequency {top['f_score']:g}",
    )


def cell_map(table: pd.DataFrame) -> str:
    """Say which cell of value, risk and need holds most customers, and how many cells are in use.

    Args:
        table: `a_level`, `b_level`, `c_level`, `tier`, `n` (missing where it is withheld).
    """
    title = "Customers in each cell of value, risk and need, coloured by the tier that the rule table gives"
    shown = table[table["n"] > 0]
    if shown.empty:
        return said(title)
    top = shown.loc[shown["n"].idxmax()]
    cells = shown["tier"].value_counts().rename(str)
    return said(
        title,
        f"the fullest cell, value {top['a_level']}, risk {top['b_level']}, need {top['c_level']}, is {top['tier']} and "
        f"has {top['n']:,.0f} of the {shown['n'].sum():,.0f} "
        f"{shown_of('customers', known(table, 'n'), table)}",
        f"of {len(shown)} cells in use {listed(f'{count} are {tier}' for tier, count in cells.items())}",
    )


def leaves(table: pd.DataFrame) -> str:
    """Say whether the bad rates of the riskiest and the safest rule lie apart, and how many neighbours do.

    Args:
        table: `pd`, `ci_low`, `ci_high`, riskiest first.
    """
    title = "Bad rate of each rule among the customers it was learned on, coloured by its tier"
    shown = known(table, "pd", "ci_low", "ci_high")
    if shown.empty:
        return said(title)
    if len(shown) == 1:
        return said(title, f"the only rule shown has {span(shown.iloc[0], '.2%', 'pd')}")
    first, last = shown.iloc[0], shown.iloc[-1]
    left = shown_of("", shown, table)
    neighbours = sum(apart(shown.iloc[at], shown.iloc[at + 1]) for at in range(len(shown) - 1))
    return said(
        title,
        f"the intervals of the riskiest{left}, {span(first, '.2%', 'pd')}, and the safest{left}, "
        f"{span(last, '.2%', 'pd')}, {lie(first, last)}",
        f"those of neighbours lie apart in {counted(neighbours, len(shown) - 1, 'pairs')}"
        if len(shown) > 2
        else "",
    )
