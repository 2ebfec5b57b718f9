"""Page 06, action by action: what each would prevent, and the effect at which it repays its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from research.exhibits import style
from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.strategies import (
    ASSUMED,
    EFFECT,
    LEVERS,
    NEEDED,
    PAYS,
    RANK,
    RESULTS,
    action_named,
    counted,
    hours_saved,
    tier_in_text,
)
from research.exhibits.words import N_, Said, Words, chosen

PREVENTED = {
    "shown": N_("No action takes fewer hours for one prevented case of {outcome} than {action}: {hours:,.2g}; it "
                "would prevent {prevented:.2g} of {cases:.2g} cases per hundred customers of the {tier} tier."),
    "withheld": N_("Officer hours for one prevented case of {outcome}; the tiers have too few cases to be published."),
}  # fmt: skip


def prevented(rows: pd.DataFrame, outcome: str) -> Exhibit:
    """Show how many outcomes each action would prevent, and the hours for one: `rows` of `break_even.prevented`."""
    given: dict[str, Any] = {"outcome": outcome}
    if known := rows["hours_for_one"].notna().any():
        row = rows.loc[rows["hours_for_one"].idxmin()]
        given |= {"action": row["action"][:1].lower() + row["action"][1:], "hours": row["hours_for_one"],
                  "tier": tier_in_text(row["tier"]), "prevented": row["prevented"],
                  "cases": 100 * row["rate"]}  # fmt: skip
    said = Said(PREVENTED["shown" if known else "withheld"], given)
    return Exhibit(
        "prevented", rows, said, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "action": N_("Action"), "bad": N_("Cases"), "base": N_("Prevented, assumed"),
                  "hours": N_("Hours each"), "hours_for_one": N_("Hours for one [sampling, 95\u00a0%]"),
                  "assumed_low": N_("Over the assumptions")},
        formats={"bad": N_("{bad:,.0f} of {known:,.0f}"), "base": EFFECT, "hours": ".3g",
                 "hours_for_one": interval(",.2g", "hours_for_one", "sampling"),
                 "assumed_low": N_("{assumed_low:,.2g} to {assumed_high:,.2g}")},
    )  # fmt: skip


BREAK_EVEN = {
    "loan": N_("{pays} of {n} actions repay their cost at the assumed effect, {hopeful} only at its hopeful end, "
               "taking each case of {outcome} to cost the whole loan."),
    "pd": N_("{pays} of {n} actions repay their cost at the assumed effect, {hopeful} only at its hopeful end, at "
             "a loss of {lgd:.0%} for each case of {outcome}."),
}  # fmt: skip


def break_even(needed: pd.DataFrame, basis: Mapping[str, Any], outcome: str) -> Exhibit:
    """Show the effect at which each action repays its cost beside the one assumed: `needed` of the step `policy`.

    `basis` is that of the same step, `outcome` what the data set calls its outcome.
    """
    said = chosen(BREAK_EVEN, basis["reading"], outcome=outcome, lgd=basis["lgd"], **counted(needed))
    frame = hours_saved(needed).assign(first=~needed["id"].duplicated(), said=needed["result"].map(RESULTS))
    return Exhibit(
        "break_even", frame, said,
        Said(N_("One row per action: a band for the assumed range with a dot at its base, a diamond with two "
                "intervals at the effect needed.")), break_even_drawn, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "action": N_("Action"), "moves": N_("What it moves"),
                  "base": N_("Assumed [range]"), "needed": N_("Needed [sampling, 95\u00a0%]"),
                  "assumed_low": N_("Over other assumptions"), "gain": N_("Gain per customer, as assumed"),
                  "said": N_("Result")},
        formats={"base": EFFECT, "needed": NEEDED, "assumed_low": ASSUMED, "gain": "+,.0f"},
    )  # fmt: skip


KEY = N_("Band: assumed, dot: base. Diamond: needed; thick line: sampling, thin line: other assumptions")


@drawing
def break_even_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the assumed range and the needed effect of each action; what lies outside is written at the edge."""
    rows = frame[frame["first"].astype(bool)].reset_index(drop=True)
    figure = style.canvas(words, (0.52 if words.narrow else 0.36) * len(rows) + 0.9)
    axes = figure.subplots()
    limit = 1.0
    for place, row in enumerate(rows.itertuples()):
        tint = style.TIER_COLOURS[row.tier]
        axes.hlines(place, row.low, row.high, color=tint, linewidth=7, alpha=0.35)
        axes.scatter(row.base, place, color=tint, s=30, zorder=3)
        if not -0.1 <= row.needed <= limit:
            axes.text(limit, place, words(row.said), ha="right", va="center", fontsize=7.5,
                      color=style.INK if row.result in PAYS else style.WARNING)  # fmt: skip
            continue
        for low, high, colour, width in (
            (row.assumed_low, row.assumed_high, style.MUTED, 0.8), (row.sampling_low, row.sampling_high, style.INK, 2),
        ):  # fmt: skip
            axes.hlines(place, max(low, -0.1), min(high, limit), color=colour, linewidth=width)
        axes.scatter(
            row.needed,
            place,
            marker="D",
            s=30,
            facecolor="white",
            edgecolor=style.INK,
            linewidth=1.4,
            zorder=4,
        )
    pairs = zip(rows["action"], rows["lever"].map(LEVERS), strict=True)
    style.name_rows(
        axes,
        [style.wrapped(action_named(action, lever, words), words) for action, lever in pairs],
        0.4,
        fontsize=8,
    )
    for tick, tier in zip(axes.get_yticklabels(), rows["tier"], strict=True):
        tick.set_color(style.TIER_COLOURS[tier])
    axes.axvline(0, color=style.RULE, linewidth=0.8, zorder=0)
    axes.set_xlim(-0.12, limit + 0.02)
    style.numbered(axes.xaxis, words)
    style.label_below(figure, words(KEY), words)
    return figure


CLAIMS = {
    "some": N_("For {short} of {n} claims even the action nearest to paying needs more than the effect assumed."),
    "none": N_("For each of the {n} claims an action would repay its cost at the effect assumed."),
}  # fmt: skip


def claims(needed: pd.DataFrame, definitions: pd.DataFrame) -> Exhibit:
    """Show for each claim that only a trial can settle what the action nearest to paying would need."""
    ratio = (needed["needed"] / needed["base"].where(needed["base"] != 0)).fillna(np.inf)
    near = needed.assign(rank=needed["result"].map(RANK), ratio=ratio)
    near = near.sort_values(["rank", "ratio"], kind="stable")
    near = hours_saved(near.drop_duplicates("claim").sort_values("claim").drop(columns=["rank", "ratio"]))
    frame = near.assign(
        statement=near["claim"].map(definitions["statement"]), said=near["result"].map(RESULTS)
    )
    short = int((~near["result"].isin(PAYS)).sum())
    said = chosen(CLAIMS, "some" if short else "none", short=short, n=len(near))
    return Exhibit(
        "claims", frame, said, within=None, origin="assumed",
        headings={"statement": N_("What is claimed"), "action": N_("Action nearest to paying"),
                  "moves": N_("What it moves"), "needed": N_("Needed [sampling, 95\u00a0%]"),
                  "base": N_("Assumed [range]"), "said": N_("Result")}, formats={"needed": NEEDED, "base": EFFECT},
    )  # fmt: skip
