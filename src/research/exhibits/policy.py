"""Page 06, all actions together: cost, hours, loss and profit, and the assumption that moves them most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits import style
from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.strategies import action_named, hours_saved
from research.exhibits.words import N_, Said, Words, chosen

MEASURES = {
    "outcomes": N_("Cases of the outcome"),
    "officer hours": N_("Officer hours"),
    "hours for one": N_("Officer hours for one prevented case"),
    "interest income": N_("Interest received"),
    "cross-sell income": N_("Income from further products"),
    "operating cost": N_("Cost of officer hours"),
    "margin": N_("Income less costs, before any loss"),
    "cost of one": N_("Cost of one prevented case"),
    "expected loss": N_("Expected loss"),
    "profit": N_("Profit"),
    "RAROC": N_("Return on risk capital"),
}
FOR_ONE = ("hours for one", "cost of one")  # no change of anything: what each case would take
POLICY = {
    "count": N_("All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome}, at "
                "{one:,.2g} officer hours for each."),
    "cost": N_("All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome} and cost "
               "{one:,.2g} {money} for each: {times:.2g} times the mean loan."),
    "free": N_("All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome} and cost "
               "nothing on balance."),
    "none": N_("All actions together would prevent no case of {outcome}."),
    "lower": N_("All actions together would lower profit by {profit:,.2g} {money}, under every sample and "
                "assumption within the two intervals."),
    "higher": N_("All actions together would raise profit by {profit:,.2g} {money}, under every sample and "
                 "assumption within the two intervals."),
    "open": N_("Whether all actions together raise profit is open: {profit:+,.2g} {money} at base, {low:+,.2g} to "
               "{high:+,.2g} over the assumptions."),
}  # fmt: skip


def policy(rows: pd.DataFrame, basis: Mapping[str, Any], outcome: str, money: str) -> Exhibit:
    """Show what the tiered policy changes against one policy for all at equal volume, with two intervals.

    `rows` and `basis` are those of the step `policy`, `money` the name of the currency.
    """
    found = rows.set_index("measure")
    if "RAROC" in found.index and not raroc_is_believable(rows, basis):
        rows = rows[rows["measure"] != "RAROC"]
    frame = rows.assign(label=rows["measure"].map(MEASURES))
    spec = {label: ".0%" if name == "RAROC" else ",.2g" for name, label in MEASURES.items()}
    code, changed = _policy_code(found), found["estimate"].to_dict()
    given: dict[str, Any] = {"outcome": outcome, "money": money, "prevented": -changed["outcomes"],
                             "cases": found.at["outcomes", "uniform"]}  # fmt: skip
    if code in ("lower", "higher", "open"):
        low, high = found.loc["profit", ["assumed_low", "assumed_high"]]
        given |= {"profit": changed["profit"] if code == "open" else abs(changed["profit"]), "low": low,
                  "high": high}  # fmt: skip
    else:
        one = changed.get("hours for one" if code == "count" else "cost of one", 0.0)
        given |= {"one": one, "times": one / basis["mean_loan"] if code == "cost" else 0.0}
    label = Said(N_("All customers; money in {money}"), {"money": money})
    if basis["reading"] == "count":
        label = N_("All customers")
    both = "[{{{0}_low:{1}}}, {{{0}_high:{1}}}]"
    return Exhibit(
        "policy", frame, chosen(POLICY, code, **given), within=None, origin="assumed",
        headings={"label": label, "uniform": N_("All alike"), "estimate": N_("Change by tier"),
                   "sampling_low": N_("Sampling, 95\u00a0%"),
                  "assumed_low": N_("Assumptions, 95\u00a0%")},
        formats={"uniform": spec,
                 "estimate": {label: wanted if name in FOR_ONE else f"+{wanted}" for (name, label), wanted
                              in zip(MEASURES.items(), spec.values(), strict=True)},
                 "sampling_low": {label: both.format("sampling", wanted) for label, wanted in spec.items()},
                 "assumed_low": {label: both.format("assumed", wanted) for label, wanted in spec.items()}},
    )  # fmt: skip


def _policy_code(found: pd.DataFrame) -> str:
    if "profit" in found.index:
        row = found.loc["profit"]
        if max(row["sampling_high"], row["assumed_high"]) < 0:
            return "lower"
        return "higher" if min(row["sampling_low"], row["assumed_low"]) > 0 else "open"
    if not found.at["outcomes", "estimate"] < 0:
        return "none"
    if "cost of one" not in found.index:
        return "count"
    return "cost" if found.at["cost of one", "estimate"] > 0 else "free"


def raroc_is_believable(rows: pd.DataFrame, basis: Mapping[str, Any]) -> bool:
    """Return whether a return on risk capital is one that a bank would believe."""
    found = rows.set_index("measure")
    return bool((found.loc["RAROC", ["tiered", "uniform"]].astype(float).abs() <= basis["believable"]).all())


LOSSES = {
    "kept": N_("The return on risk capital is {tiered:.0%} a year by tier and {uniform:.0%} for all alike."),
    "withdrawn": N_("The return on risk capital is withdrawn: the figures would be beyond {limit:.0%} a year, "
                    "which no bank would believe, because the capital is that of a rule and the costs leave out "
                    "everything but funds and officers."),
    "loan": N_("Expected loss, profit and the return on risk capital are not computed: the months over which "
               "{outcome} is counted are not known for each loan, so that its rate is no probability of default."),
    "count": N_("Loss, income and profit are not computed: the data hold no amount and no limit."),
    "rate": N_("Income and profit are not computed: the data hold no contract rate."),
}  # fmt: skip


def losses(rows: pd.DataFrame, basis: Mapping[str, Any], outcome: str) -> Said:
    """Say what the return on risk capital is, or why none is shown."""
    found = rows.set_index("measure")
    if "RAROC" not in found.index:
        return chosen(LOSSES, "rate" if basis["reading"] == "pd" else basis["reading"], outcome=outcome)
    code = "kept" if raroc_is_believable(rows, basis) else "withdrawn"
    shown = {name: float(found.at["RAROC", name]) for name in ("tiered", "uniform")}
    return chosen(LOSSES, code, limit=basis["believable"], **shown)


TORNADO = {
    "outcomes": N_("{label} moves the change of the number of cases most: from {low:+,.2g} to {high:+,.2g}."),
    "cost of one": N_(
        "{label} moves the cost of one prevented case most: from {low:,.2g} to {high:,.2g} {money}."
    ),
    "hours for one": N_(
        "{label} moves the officer hours for one prevented case most: from {low:,.2g} to {high:,.2g}."
    ),
    "profit": N_("{label} moves the change of profit most: from {low:+,.2g} to {high:+,.2g} {money}."),
}
MOVED = {
    "outcomes": N_("Change of the number of cases; at the ends of each bar: the value assumed"),
    "cost of one": N_("Cost of one prevented case, {money}; at the ends of each bar: the value assumed"),
    "hours for one": N_("Officer hours for one prevented case; at the ends of each bar: the value assumed"),
    "profit": N_("Change of profit, {money}; at the ends of each bar: the value assumed"),
}


def tornado(rows: pd.DataFrame, measure: str, money: str) -> Exhibit:
    """Show how far each assumption alone moves the result, widest first; `measure`: what is moved, a key of `MOVED`."""
    row = rows.iloc[0]
    low, high = sorted([row["at_low"], row["at_high"]])
    said = chosen(TORNADO, measure, label=row["label"], low=low, high=high, money=money)
    frame = hours_saved(
        rows.assign(measure=measure, money=money, lever=rows["assumption"].str.partition(" ")[2])
    )
    return Exhibit(
        "tornado", frame, said,
        Said(N_("Bars around the result at base, one per assumption, labelled with the values at both ends.")),
        tornado_drawn, within=None, origin="assumed",
        headings={"label": N_("Assumption"), "moves": N_("What it moves"), "low": N_("Low end"), "high": N_("High end"),
                  "at_low": N_("Result at the low end"), "at_base": N_("At base"), "at_high": N_("At the high end")},
        formats=dict.fromkeys(["at_low", "at_base", "at_high"], ",.2g") | dict.fromkeys(["low", "high"], ".3g"),
    )  # fmt: skip


@drawing
def tornado_drawn(frame: pd.DataFrame, words: Words, most: int = 9) -> Figure:
    """Draw a bar per assumption around the result at base; the ends carry the value that leads there."""
    rows = frame.head(most).reset_index(drop=True)
    figure = style.canvas(words, (0.46 if words.narrow else 0.34) * len(rows) + 0.9)
    axes = figure.subplots()
    base = rows["at_base"].iloc[0]
    for place, row in enumerate(rows.itertuples()):
        for at, value, tint in ((row.at_low, row.low, style.MUTED), (row.at_high, row.high, style.ACCENT)):
            axes.barh(place, at - base, left=base, height=0.56, color=tint)
            right = at > base
            share = str(row.unit).startswith(("relative", "share", "extra"))
            axes.annotate(words.number(value, ".2g%" if share else ".3g"), (at, place), (4 if right else -4, 0),
                          textcoords="offset points", fontsize=7.5, color=style.INK, ha="left" if right else "right",
                          va="center")  # fmt: skip
    axes.axvline(base, color=style.INK, linewidth=0.8)
    pairs = zip(rows["label"], rows["moves"], strict=True)
    style.name_rows(
        axes,
        [style.wrapped(action_named(label, moves, words), words) for label, moves in pairs],
        0.4,
        fontsize=8,
    )
    axes.margins(x=0.12)
    style.numbered(axes.xaxis, words, ",.0f")
    axes.xaxis.set_major_locator(MaxNLocator(3 if words.narrow else 6))
    moved, money = MOVED[str(rows["measure"].iloc[0])], str(rows["money"].iloc[0])
    style.label_below(figure, words(moved, **({"money": money} if "{money}" in moved else {})), words)
    return figure


HOURS = {
    "short": N_("The low-risk tier would free {freed:,.2g} officer hours a year; the actions of the other tiers "
                "would take {taken:,.2g}."),
    "withheld": N_("Officer hours per customer and year by tier; all of them are assumed."),
    "key": N_("Officer hours per customer and year: hollow, all alike; filled, by tier, over the assumptions"),
}  # fmt: skip


def officer_hours(rows: pd.DataFrame, tiers: pd.DataFrame) -> Exhibit:
    """Show officer hours per customer and year for all alike and by tier; `tiers`: `tier`, `n`, as published."""
    size = tiers.assign(tier=tiers["tier"].astype(str)).set_index("tier")["n"]
    frame = rows.assign(n=rows["tier"].map(size))
    frame["change"] = frame["n"] * (frame["tiered"] - frame["uniform"])
    change = frame.set_index("tier")["change"]
    said = chosen(HOURS, "short" if change.notna().all() else "withheld", freed=-change["low"],
                  taken=change.drop("low").sum())  # fmt: skip
    return Exhibit(
        "officer_hours", frame, said,
        Said(N_("One row per tier: a hollow dot for all alike, an arrow to a filled dot with interval for the tier.")),
        officer_hours_drawn, origin="assumed",
        headings={"tier": N_("Tier"), "n": N_("Customers"), "uniform": N_("All alike"), "tiered": N_("By tier"),
                  "assumed_low": N_("Over the assumptions"), "change": N_("Change, hours of the whole tier")},
        formats={"uniform": ".2g", "tiered": ".2g", "assumed_low": N_("{assumed_low:.2g} to {assumed_high:.2g}"),
                 "change": "+,.2g", "n": ",.0f"},
    )  # fmt: skip


@drawing
def officer_hours_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw hours per customer and year, from all alike (hollow) to those of the tier (filled)."""
    figure = style.canvas(words, 2.3)
    axes = figure.subplots()
    for place, row in enumerate(frame.itertuples()):
        tint = style.TIER_COLOURS[row.tier]
        axes.annotate(
            "", (row.tiered, place), (row.uniform, place), arrowprops={"arrowstyle": "->", "color": tint}
        )
        axes.hlines(place, row.assumed_low, row.assumed_high, color=tint, linewidth=1.8)
        axes.scatter(row.tiered, place, color=tint, s=46, zorder=3)
        axes.scatter(row.uniform, place, s=34, facecolor="white", edgecolor=tint, zorder=3)
        style.beside(axes, place, row.n, words)
    style.name_rows(axes, [words.tier(tier) for tier in frame["tier"]])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    style.label_below(figure, words(HOURS["key"]), words)
    return figure
