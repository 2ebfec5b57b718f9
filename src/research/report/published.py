"""Exhibits that the pages of the three models share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from research import captions, figures
from research.report.disclosure import protected, smallest
from research.report.exhibit import figure, table
from research.suppression import PROTECTED, WITHHELD, emptied

SHARES = (".1%", ("share", "worth_share")), (".2%", ("rate", "ci_low", "ci_high"))


def together(counts: Iterable[float]) -> int | str:
    """Return a sum of counts for a sentence, or that it is withheld because one of them is."""
    total = sum(counts)
    return "withheld" if pd.isna(total) or 0 < total < smallest("loans") else int(total)


def rankings(
    rates: pd.DataFrame, tests: pd.DataFrame, own: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tiers of all rankings, and the tests made of them, as they may be shown.

    Args:
        rates: of `ranking_rates`; its unseen customers are protected here.
        tests: a row per `ranking` and `judged`; one whose tiers are not all shown gets the result `withheld`.
        own: model → its tiers on the customers it was set up on, protected already.
    """
    unseen = rates[rates["judged"].isin(["unseen", "chance"])].reset_index(drop=True)
    parts = [protected(unseen, within=[("ranking", "judged")], keep=["overall"])]
    for name, frame in own.items():
        overall = rates["overall"].iloc[0]
        parts.append(frame.assign(ranking=name, judged=frame["panel"], overall=overall)[[*rates.columns]])
    whole, by = stacked(parts), ["ranking", "judged"]
    counted = whole[whole["judged"] != "chance"]
    hidden = counted[counted[["n", "bad"]].isna().any(axis=1)].groupby(by).size()
    gone = pd.MultiIndex.from_frame(tests[by]).isin(hidden.index)
    numbers = [column for column in tests.columns if column not in (*by, "result")]
    safe = emptied(tests, [(int(row), column) for row in np.flatnonzero(gone) for column in numbers])
    safe.loc[gone, "result"] = "withheld"
    return whole, safe


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return protected tables below each other; what each notes as left out is noted under the new numbers."""
    made = pd.concat(frames, ignore_index=True)
    noted: dict[str, list[int]] = {}
    start = 0
    for frame in frames:
        for column, rows in frame.attrs.get(WITHHELD, {}).items():
            if column in made:
                noted.setdefault(column, []).extend(
                    start + int(at) for at in np.flatnonzero(frame.index.isin(rows))
                )
        start += len(frame)
    made.attrs = {WITHHELD: noted} if noted else {}
    if all(PROTECTED in frame.attrs for frame in frames):
        made.attrs[PROTECTED] = True
    return made


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
