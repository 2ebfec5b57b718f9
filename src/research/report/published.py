"""Exhibits that the pages of the three models share."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from research import captions, figures
from research.report.disclosure import smallest
from research.report.exhibit import figure, table

SHARES = (".1%", ("share", "worth_share")), (".2%", ("rate", "ci_low", "ci_high"))


def together(counts: Iterable[float]) -> int | str:
    """Return a sum of counts for a sentence, or that it is withheld because one of them is."""
    total = sum(counts)
    return "withheld" if pd.isna(total) or 0 < total < smallest("loans") else int(total)


def show_tiers(rates: pd.DataFrame, overall: float, whose: str, rule: str) -> None:
    """Show a model's tiers as a figure of bad rates and a table of size, bad rate and value.

    Args:
        rates: `panel`, `tier`, `n`, `known`, `bad`, `rate`, …
        overall: the bad rate of all customers.
        whose: the model in the genitive, "RFM's".
        rule: its own rule in words, "its own leaves".
    """
    matched, own = rates["panel"].unique()
    figure(
        figures.tiers.tier_rates(rates, overall, "Bad rate, 95 % Jeffreys interval"),
        name="tier_rates",
        data=rates,
        caption=captions.tiers.tier_rates(
            rates, overall, whose, {matched: "with the study's tier shares", own: f"by {rule}"}
        ),
        alt="Two panels of four dots with intervals, one per tier, against the rate of all customers.",
    )
    columns = ["panel", "tier", "n", "share", "bad", "rate", "ci_low", "ci_high", "mean_worth", "worth_share"]
    table(
        rates[columns],
        name="tiers",
        caption=f"{whose[0].upper()}{whose[1:]} tiers: size, bad rate and value",
        formats={column: spec for spec, names in SHARES for column in names} | {"mean_worth": ",.0f"},
        labels={"panel": "Tiers by", "mean_worth": "Mean value", "worth_share": "Share of value"},
        within=None,
    )


def show_profile(profile: pd.DataFrame, shown: int = 12) -> None:
    """Show medians and middle halves of the constructs by tier; the picture has those that differ most.

    Args:
        profile: `construct`, `tier`, `n`, …; a construct that all but a few of a tier have loses its `n`.
        shown: constructs in the picture.
    """
    first = profile[profile["label"].isin(profile["label"].unique()[:shown])]
    figure(
        figures.tiers.tier_profile(first),
        name="profile",
        data=profile,
        caption=captions.tiers.tier_profile(first),
        alt="Small panels, one per construct, with the median and middle half of each tier.",
    )
