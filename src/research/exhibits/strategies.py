"""Page 06: what is done with each tier, and what it would have to achieve. All effects here are assumed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import (
    ACCENT,
    INK,
    MUTED,
    RULE,
    TIER_COLOURS,
    WARNING,
    canvas,
    label_below,
    persons,
)
from research.exhibits.words import N_, Said, Words, in_english

IN_TEXT = {
    "premium": N_("premium"),
    "low": N_("low-risk"),
    "medium": N_("medium-risk"),
    "high": N_("high-risk"),
}
LEVERS = {
    "pd": N_("cases prevented"),
    "lgd": N_("loss per case"),
    "decline": N_("loans refused"),
    "growth": N_("more borrowed"),
    "rate": N_("contract rate"),
    "cross_sell": N_("products sold"),
    "churn": N_("leavers kept"),
    "hours": N_("hours saved"),
}
FAMILIES = {"risk management": N_("Risk"), "value uplift": N_("Value"), "need satisfaction": N_("Need")}
SOURCES = {
    "size verified": N_("size"),
    "direction verified": N_("direction"),
    "no source": N_("nothing"),
}
RESULTS = {
    "always": N_("pays over the whole range"),
    "base": N_("pays as assumed"),
    "hopeful": N_("pays only at the hopeful end"),
    "beyond": N_("needs more than is assumed"),
    "never": N_("never pays"),
    "untestable": N_("rate not known"),
    "withheld": N_("withheld"),
}
RANK = {name: place for place, name in enumerate(RESULTS)}
PAYS = ("always", "base")
EFFECT = "{base:.2g%} [{low:.2g%}, {high:.2g%}]"
NEEDED = "{needed:.2g%} [{sampling_low:.2g%}, {sampling_high:.2g%}]"
ASSUMED = N_("{assumed_low:.2g%} to {assumed_high:.2g%}")


def tier_in_text(name: str) -> Said:
    """Return what a tier is called within a sentence."""
    return Said(IN_TEXT[name])


def hours_saved(rows: pd.DataFrame) -> pd.DataFrame:
    """Return effects all of which are wished for: a change of hours becomes hours saved; `moves` names the lever."""
    saved, made = rows["lever"] == "hours", rows.assign(moves=rows["lever"].map(LEVERS).fillna(""))
    for name in ("low", "base", "high", "needed"):
        if name in rows:
            made.loc[saved, name] = -rows.loc[saved, name]
    for low, high in (("sampling_low", "sampling_high"), ("assumed_low", "assumed_high")):
        if low in rows:
            made.loc[saved, [low, high]] = -rows.loc[saved, [high, low]].to_numpy()
    return made


# -------------------------------------------------------------------------------------------------------------- answer
ANSWER = {
    "loan": N_(
        "{action} would have to prevent {needed:.2g%} of the cases of {outcome} in the {tier} tier to repay its cost, "
        "even if each cost the whole loan; at most {high:.2g%} is assumed."
    ),
    "pd": N_(
        "{action} would have to prevent {needed:.2g%} of the cases of {outcome} in the {tier} tier to repay its cost, "
        "at a loss of {lgd:.0%} of the loan."
    ),
    "never": N_(
        "{action} could not repay its cost by preventing every case of {outcome} in the {tier} tier, even if each "
        "cost the whole loan."
    ),
    "count": N_(
        "{action} takes {hours:,.0f} officer hours for each case of {outcome} that it prevents in the {tier} tier; "
        "the data hold no amounts, so nobody can say whether that pays."
    ),
    "clean": N_("The {tier} tier has no case of {outcome}, so that its actions have nothing to prevent."),
    "withheld": N_(
        "What the actions would have to achieve in the {tier} tier is withheld: it has too few cases."
    ),
}
ONLY_A_TRIAL = N_("Only a trial can show whether an action works.")
PAYING = N_("At the effects assumed, {pays} of {n} actions repay their cost.")


def counted(needed: pd.DataFrame) -> dict[str, int]:
    """Return how many actions can be judged by the effect they hope for first, and how many of them pay."""
    results = needed.drop_duplicates("id")["result"]
    judged = results[~results.isin(["untestable", "withheld"])]
    pays, hopeful = judged.isin(PAYS).sum(), (judged == "hopeful").sum()
    return {"pays": int(pays), "n": len(judged), "hopeful": int(hopeful)}


def answer(
    needed: pd.DataFrame, prevented: pd.DataFrame, basis: Mapping[str, Any], outcome: str, tier: str = "high"
) -> list[Said]:
    """Say what the action of the riskiest tier that is nearest to paying would have to achieve.

    Args:
        needed: `id, tier, action, lever, high, needed, result`.
        prevented: `tier, action, bad, hours_for_one`.
        basis: `reading` (`pd`, `loan`, `count`), `lgd`.
        outcome: what the data set calls its outcome.
        tier: the tier asked about.
    """
    only = Said(ONLY_A_TRIAL)
    here = prevented[prevented["tier"] == tier]
    if here["hours_for_one"].isna().all():
        return [Said(ANSWER["withheld"], {"tier": tier_in_text(tier)}), only]
    if (here["bad"] == 0).all():
        return [Said(ANSWER["clean"], {"tier": tier_in_text(tier), "outcome": outcome}), only]
    if basis["reading"] == "count":
        row = here.loc[here["hours_for_one"].idxmin()]
        given = {
            "action": row["action"],
            "outcome": outcome,
            "tier": tier_in_text(tier),
            "hours": row["hours_for_one"],
        }
        return [Said(ANSWER["count"], given), only]
    asked = needed[(needed["tier"] == tier) & (needed["lever"] == "pd")]
    row = asked.loc[asked["needed"].fillna(np.inf).idxmin()]
    code = "never" if pd.isna(row["needed"]) else basis["reading"]
    given = {"action": row["action"], "outcome": outcome, "tier": tier_in_text(tier)}
    more = {"needed": row["needed"]} | ({"high": row["high"]} if code == "loan" else {"lgd": basis["lgd"]})
    counts = {name: number for name, number in counted(needed).items() if name != "hopeful"}
    return [Said(ANSWER[code], given | ({} if code == "never" else more)), Said(PAYING, counts), only]


# ---------------------------------------------------------------------------------------------------------- strategies
def strategies(table: pd.DataFrame) -> Exhibit:
    """Show every action of every tier: what it is for, what it moves, by how much, and where that comes from.

    Args:
        table: `tier, family, action, lever, low, base, high, hours, source_status`, a row per action and lever.
    """
    levers = table["source_status"].value_counts()
    said = Said(
        N_(
            "{actions} actions pull {levers} levers. A study gives the size of the effect for {size} and its "
            "direction for {direction}; {none} are our assumption."
        ),
        {"actions": table["id"].nunique(), "levers": len(table), "size": int(levers.get("size verified", 0)),
         "direction": int(levers.get("direction verified", 0)), "none": int(levers.get("no source", 0))},
    )  # fmt: skip
    frame = hours_saved(table).drop(columns="action_zh")
    frame = frame.assign(serves=table["family"].map(FAMILIES), found=table["source_status"].map(SOURCES))
    return Exhibit(
        "strategies", frame, said, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "serves": N_("For"), "action": N_("Action"), "moves": N_("What it moves"),
                  "base": N_("Assumed [range]"), "hours": N_("Hours a year"), "found": N_("A study gives")},
        formats={"base": EFFECT, "hours": ".3g"},
    )  # fmt: skip


def sources(table: pd.DataFrame) -> Exhibit:
    """Show where each assumed effect comes from, and what would prove it wrong."""
    frame = table.assign(moves=table["lever"].map(LEVERS)).drop(columns="action_zh")
    said = Said(N_("Each assumption names the observation that would prove it wrong."))
    return Exhibit(
        "sources", frame, said, within=None, origin="assumed", supplement=True,
        headings={"action": N_("Action"), "moves": N_("What it moves"), "source": N_("Source"),
                  "source_says": N_("What it found"), "falsified_by": N_("Proved wrong if")},
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------- one prevented outcome
PREVENTED = {
    "shown": N_(
        "No action takes fewer hours for one prevented case of {outcome} than {action}: {hours:,.2g}; it would prevent "
        "{prevented:.2g} of {cases:.2g} cases per hundred customers of the {tier} tier."
    ),
    "withheld": N_(
        "Officer hours for one prevented case of {outcome}; the tiers have too few cases to be published."
    ),
}


def prevented(rows: pd.DataFrame, outcome: str) -> Exhibit:
    """Show how many outcomes each action would prevent, and the hours for one.

    Args:
        rows: `tier, action, known, bad, rate, ci_low, ci_high, hours, low, base, high, prevented, hours_for_one,
            sampling_low, sampling_high, assumed_low, assumed_high`.
        outcome: what the data set calls its outcome.
    """
    if rows["hours_for_one"].isna().all():
        said = Said(PREVENTED["withheld"], {"outcome": outcome})
    else:
        row = rows.loc[rows["hours_for_one"].idxmin()]
        said = Said(
            PREVENTED["shown"],
            {"action": row["action"][:1].lower() + row["action"][1:], "outcome": outcome, "hours": row["hours_for_one"],
             "tier": tier_in_text(row["tier"]),
             "prevented": row["prevented"], "cases": 100 * row["rate"]},
        )  # fmt: skip
    return Exhibit(
        "prevented", rows, said, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "action": N_("Action"), "bad": N_("Cases"),
                  "base": N_("Prevented, assumed"), "hours": N_("Hours each"),
                  "hours_for_one": N_("Hours for one [sampling, 95\u00a0%]"),
                  "assumed_low": N_("Over the assumptions")},
        formats={"bad": N_("{bad:,.0f} of {known:,.0f}"), "base": EFFECT, "hours": ".3g",
                 "hours_for_one": "{hours_for_one:,.2g} [{sampling_low:,.2g}, {sampling_high:,.2g}]",
                 "assumed_low": N_("{assumed_low:,.2g} to {assumed_high:,.2g}")},
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- break-even
BREAK_EVEN = {
    "loan": N_(
        "{pays} of {n} actions repay their cost at the assumed effect, {hopeful} only at its hopeful end, taking each "
        "case of {outcome} to cost the whole loan."
    ),
    "pd": N_(
        "{pays} of {n} actions repay their cost at the assumed effect, {hopeful} only at its hopeful end, at a loss "
        "of {lgd:.0%} for each case of {outcome}."
    ),
}


def break_even(needed: pd.DataFrame, basis: Mapping[str, Any], outcome: str) -> Exhibit:
    """Show the effect at which each action repays its cost beside the one assumed.

    Args:
        needed: `id, tier, action, lever, low, base, high, needed, sampling_low, sampling_high, assumed_low,
            assumed_high, gain, result`.
        basis: `reading` (`pd`, `loan`), `lgd`.
        outcome: what the data set calls its outcome.
    """
    given = {**counted(needed), "outcome": outcome}
    given |= {"lgd": basis["lgd"]} if basis["reading"] == "pd" else {}
    frame = hours_saved(needed).assign(first=~needed["id"].duplicated(), said=needed["result"].map(RESULTS))
    return Exhibit(
        "break_even", frame, Said(BREAK_EVEN[basis["reading"]], given),
        Said(N_("One row per action: a band for the assumed range with a dot at its base, a diamond with two intervals "
                "at the effect needed.")),
        break_even_drawn, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "action": N_("Action"), "moves": N_("What it moves"),
                  "base": N_("Assumed [range]"), "needed": N_("Needed [sampling, 95\u00a0%]"),
                  "assumed_low": N_("Over other assumptions"), "gain": N_("Gain per customer, as assumed"),
                  "said": N_("Result")},
        formats={"base": EFFECT, "needed": NEEDED,
                 "assumed_low": ASSUMED, "gain": "+,.0f"},
    )  # fmt: skip


KEY = N_("Band: assumed, dot: base. Diamond: needed; thick line: sampling, thin line: other assumptions")


@drawing
def break_even_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the assumed range and the needed effect of each action; what lies outside is written at the edge."""
    rows = frame[frame["first"].astype(bool)].reset_index(drop=True)
    figure = canvas(words, (0.52 if words.narrow else 0.36) * len(rows) + 0.9)
    axes = figure.subplots()
    limit = 1.0
    for place, row in enumerate(rows.itertuples()):
        tint = TIER_COLOURS[row.tier]
        axes.hlines(place, row.low, row.high, color=tint, linewidth=7, alpha=0.35)
        axes.scatter(row.base, place, color=tint, s=30, zorder=3)
        if not -0.1 <= row.needed <= limit:
            axes.text(limit, place, words(row.said), ha="right", va="center", fontsize=7.5,
                      color=INK if row.result in PAYS else WARNING)  # fmt: skip
            continue
        for low, high, colour, width in (
            (row.assumed_low, row.assumed_high, MUTED, 0.8), (row.sampling_low, row.sampling_high, INK, 2),
        ):  # fmt: skip
            axes.hlines(place, max(low, -0.1), min(high, limit), color=colour, linewidth=width)
        axes.scatter(
            row.needed, place, marker="D", s=30, facecolor="white", edgecolor=INK, linewidth=1.4, zorder=4
        )
    labels = [
        words(N_("{action}: {lever}"), action=row.action, lever=Said(LEVERS[row.lever]))
        for row in rows.itertuples()
    ]
    if words.narrow:
        labels = [words(row.action) for row in rows.itertuples()]
    axes.set_yticks(range(len(rows)), [_wrapped(label, words) for label in labels], fontsize=8)
    for tick, tier in zip(axes.get_yticklabels(), rows["tier"], strict=True):
        tick.set_color(TIER_COLOURS[tier])
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_xlim(-0.12, limit + 0.02)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, ".0%")))
    axes.grid(axis="x")
    sns.despine(ax=axes, left=True)
    label_below(figure, words(KEY), words)
    return figure


def _wrapped(text: str, words: Words) -> str:
    return textwrap.fill(text, 20 if words.narrow else 48)


CLAIMS = {
    "some": N_(
        "For {short} of {n} claims even the action nearest to paying needs more than the effect assumed."
    ),
    "none": N_("For each of the {n} claims an action would repay its cost at the effect assumed."),
}


def claims(needed: pd.DataFrame, definitions: pd.DataFrame) -> Exhibit:
    """Show for each claim that only a trial can settle what the action nearest to paying would need.

    Args:
        needed: as of `break_even`, with `claim`.
        definitions: the claims, indexed by id: `statement`.
    """
    ratio = (needed["needed"] / needed["base"].where(needed["base"] != 0)).fillna(np.inf)
    near = needed.assign(rank=needed["result"].map(RANK), ratio=ratio)
    near = near.sort_values(["rank", "ratio"], kind="stable")
    near = hours_saved(near.drop_duplicates("claim").sort_values("claim").drop(columns=["rank", "ratio"]))
    frame = near.assign(
        statement=near["claim"].map(definitions["statement"]), said=near["result"].map(RESULTS)
    )
    short = int((~near["result"].isin(PAYS)).sum())
    said = (
        Said(CLAIMS["some"], {"short": short, "n": len(near)})
        if short
        else Said(CLAIMS["none"], {"n": len(near)})
    )
    return Exhibit(
        "claims", frame, said, within=None, origin="assumed",
        headings={"statement": N_("What is claimed"), "action": N_("Action nearest to paying"),
                  "moves": N_("What it moves"), "needed": N_("Needed [sampling, 95\u00a0%]"),
                  "base": N_("Assumed [range]"), "said": N_("Result")},
        formats={"needed": NEEDED, "base": EFFECT},
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- policy
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
    "count": N_(
        "All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome}, at {one:,.2g} "
        "officer hours for each."
    ),
    "cost": N_(
        "All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome} and cost {one:,.2g} "
        "{money} for each: {times:.2g} times the mean loan."
    ),
    "free": N_(
        "All actions together would prevent {prevented:,.2g} of {cases:,.2g} cases of {outcome} and cost "
        "nothing on balance."
    ),
    "none": N_("All actions together would prevent no case of {outcome}."),
    "lower": N_(
        "All actions together would lower profit by {profit:,.2g} {money}, under every sample and assumption within "
        "the two intervals."
    ),
    "higher": N_(
        "All actions together would raise profit by {profit:,.2g} {money}, under every sample and assumption within "
        "the two intervals."
    ),
    "open": N_(
        "Whether all actions together raise profit is open: {profit:+,.2g} {money} at base, {low:+,.2g} to "
        "{high:+,.2g} over the assumptions."
    ),
}


def policy(rows: pd.DataFrame, basis: Mapping[str, Any], outcome: str, money: str) -> Exhibit:
    """Show what the tiered policy changes against one policy for all at equal volume, with two intervals.

    Args:
        rows: `measure, tiered, uniform, estimate, sampling_low, sampling_high, assumed_low, assumed_high, n`.
        basis: `mean_loan`, `believable`.
        outcome: what the data set calls its outcome.
        money: name of the currency.
    """
    found = rows.set_index("measure")
    if "RAROC" in found.index and not raroc_is_believable(rows, basis):
        rows = rows[rows["measure"] != "RAROC"]
    frame = rows.assign(label=rows["measure"].map(MEASURES))
    spec = {label: ".0%" if name == "RAROC" else ",.2g" for name, label in MEASURES.items()}
    given = {"outcome": outcome, "money": money, "prevented": -found.at["outcomes", "estimate"],
             "cases": found.at["outcomes", "uniform"]}  # fmt: skip
    code = _policy_code(found)
    if code in ("lower", "higher", "open"):
        row = found.loc["profit"]
        given = {"money": money, "profit": row["estimate"] if code == "open" else abs(row["estimate"])}
        given |= {"low": row["assumed_low"], "high": row["assumed_high"]} if code == "open" else {}
    elif code == "cost":
        one = found.at["cost of one", "estimate"]
        given |= {"one": one, "times": one / basis["mean_loan"]}
    elif code == "count":
        given |= {"one": found.at["hours for one", "estimate"]}
    kept = {name: value for name, value in given.items() if f"{{{name}" in POLICY[code]}
    label = Said(N_("All customers; money in {money}"), {"money": money})
    if basis["reading"] == "count":
        label = N_("All customers")
    both = "[{{{0}_low:{1}}}, {{{0}_high:{1}}}]"
    return Exhibit(
        "policy", frame, Said(POLICY[code], kept), within=None, origin="assumed",
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
    "withdrawn": N_(
        "The return on risk capital is withdrawn: the figures would be beyond {limit:.0%} a year, which no bank would "
        "believe, because the capital is that of a rule and the costs leave out everything but funds and officers."
    ),
    "loan": N_(
        "Expected loss, profit and the return on risk capital are not computed: the months over which {outcome} is "
        "counted are not known for each loan, so that its rate is no probability of default."
    ),
    "count": N_("Loss, income and profit are not computed: the data hold no amount and no limit."),
    "rate": N_("Income and profit are not computed: the data hold no contract rate."),
}


def losses(rows: pd.DataFrame, basis: Mapping[str, Any], outcome: str) -> Said:
    """Say what the return on risk capital is, or why none is shown."""
    found = rows.set_index("measure")
    if "RAROC" not in found.index:
        code = "rate" if basis["reading"] == "pd" else basis["reading"]
        return Said(LOSSES[code], {"outcome": outcome} if code == "loan" else {})
    if raroc_is_believable(rows, basis):
        return Said(LOSSES["kept"], {name: float(found.at["RAROC", name]) for name in ("tiered", "uniform")})
    return Said(LOSSES["withdrawn"], {"limit": basis["believable"]})


# ------------------------------------------------------------------------------------------------------------- tornado
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
    """Show how far each assumption alone moves the result, widest first.

    Args:
        rows: `assumption, label, unit, low, high, at_low, at_base, at_high, swing`.
        measure: what is moved, a key of `MOVED`.
        money: name of the currency.
    """
    row = rows.iloc[0]
    low, high = sorted([row["at_low"], row["at_high"]])
    given = {"label": row["label"], "low": low, "high": high}
    given |= {"money": money} if "{money}" in TORNADO[measure] else {}
    frame = hours_saved(
        rows.assign(measure=measure, money=money, lever=rows["assumption"].str.partition(" ")[2])
    )
    return Exhibit(
        "tornado", frame, Said(TORNADO[measure], given),
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
    figure = canvas(words, (0.46 if words.narrow else 0.34) * len(rows) + 0.9)
    axes = figure.subplots()
    base = rows["at_base"].iloc[0]
    for place, row in enumerate(rows.itertuples()):
        for at, value, tint in ((row.at_low, row.low, MUTED), (row.at_high, row.high, ACCENT)):
            axes.barh(place, at - base, left=base, height=0.56, color=tint)
            right = at > base
            share = str(row.unit).startswith(("relative", "share", "extra"))
            axes.annotate(
                words.number(value, ".2g%" if share else ".3g"),
                (at, place), (4 if right else -4, 0), textcoords="offset points", fontsize=7.5, color=INK,
                ha="left" if right else "right", va="center",
            )  # fmt: skip
    axes.axvline(base, color=INK, linewidth=0.8)
    names = [
        words(row.label) if words.narrow or not row.moves
        else words(N_("{action}: {lever}"), action=row.label, lever=Said(row.moves))
        for row in rows.itertuples()
    ]  # fmt: skip
    axes.set_yticks(range(len(rows)), [_wrapped(name, words) for name in names], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, ",.0f")))
    axes.xaxis.set_major_locator(MaxNLocator(3 if words.narrow else 6))
    axes.grid(axis="x")
    sns.despine(ax=axes, left=True)
    moved, money = MOVED[str(rows["measure"].iloc[0])], str(rows["money"].iloc[0])
    label_below(figure, words(moved, **({"money": money} if "{money}" in moved else {})), words)
    return figure


# --------------------------------------------------------------------------------------------------------------- hours
HOURS = {
    "short": N_(
        "The low-risk tier would free {freed:,.2g} officer hours a year; the actions of the other tiers would take "
        "{taken:,.2g}."
    ),
    "withheld": N_("Officer hours per customer and year by tier; all of them are assumed."),
    "key": N_(
        "Officer hours per customer and year: hollow, all alike; filled, by tier, over the assumptions"
    ),
}


def officer_hours(rows: pd.DataFrame, tiers: pd.DataFrame) -> Exhibit:
    """Show officer hours per customer under one policy for all and by tier.

    Args:
        rows: `tier, uniform, tiered, assumed_low, assumed_high` (hours per customer and year).
        tiers: `tier, n`, missing where it is withheld.
    """
    size = tiers.assign(tier=tiers["tier"].astype(str)).set_index("tier")["n"]
    frame = rows.assign(n=rows["tier"].map(size))
    frame["change"] = frame["n"] * (frame["tiered"] - frame["uniform"])
    change = frame.set_index("tier")["change"]
    said = Said(HOURS["withheld"])
    if change.notna().all():
        said = Said(HOURS["short"], {"freed": -change["low"], "taken": change.drop("low").sum()})
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
    figure = canvas(words, 2.3)
    axes = figure.subplots()
    for place, row in enumerate(frame.itertuples()):
        tint = TIER_COLOURS[row.tier]
        axes.annotate(
            "", (row.tiered, place), (row.uniform, place), arrowprops={"arrowstyle": "->", "color": tint}
        )
        axes.hlines(place, row.assumed_low, row.assumed_high, color=tint, linewidth=1.8)
        axes.scatter(row.tiered, place, color=tint, s=46, zorder=3)
        axes.scatter(row.uniform, place, s=34, facecolor="white", edgecolor=tint, zorder=3)
        axes.annotate(
            persons(row.n, words), (1, place), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
            color=MUTED, xytext=(3, 0), textcoords="offset points", annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(frame)), [words.tier(tier) for tier in frame["tier"]])
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(axis="x")
    sns.despine(ax=axes, left=True)
    label_below(figure, words(HOURS["key"]), words)
    return figure


# ---------------------------------------------------------------------------------------------------------- supplement
def assumed(rows: pd.DataFrame) -> Exhibit:
    """Show what is assumed besides the effects: `label, value, low, high, unit, source`."""
    said = Said(N_("What is assumed besides the effects: {n} values and their ranges."), {"n": len(rows)})
    return Exhibit(
        "assumptions", rows, said, within=None, origin="assumed", supplement=True,
        headings={"label": N_("Assumption"), "value": N_("Value"), "low": N_("Low"), "high": N_("High"),
                  "unit": N_("Unit"), "source": N_("Source")},
        formats=dict.fromkeys(["value", "low", "high"], ".3g"),
    )  # fmt: skip


SCHEMES = {"five_category": N_("Category"), "ifrs9_stage": N_("IFRS 9 stage")}


def loan_quality(
    rules: pd.DataFrame, version: str, crossed: pd.DataFrame | None, against: pd.DataFrame | None
) -> list[Exhibit]:
    """Show the rules of the loan-quality policy and, where the data have what they ask for, what they find by tier.

    Args:
        rules: `rule, gives, instrument, article, status, applied`.
        version: of the policy file.
        crossed: `tier, five_category, ifrs9_stage, n`.
        against: `severity, tier, five_category, ifrs9_stage, customers`.
    """
    used = {"used": int((rules["applied"] == "applied").sum()), "n": len(rules), "version": version}
    shown = [
        Exhibit(
            "quality_rules", rules,
            Said(N_("{used} of {n} rules of loan quality (version {version}) can be applied to these data."), used),
            within=None, supplement=True,
            headings={"rule": N_("Rule"), "gives": N_("Gives"), "instrument": N_("Instrument"),
                      "article": N_("Article"), "status": N_("Text verified"), "applied": N_("Applied here")},
        )
    ]  # fmt: skip
    if crossed is not None:
        crossed = crossed.assign(**{name: in_english(crossed[name]) for name in SCHEMES})
        said = Said(N_("Customers by tier, loan-quality category and stage."))
        shown.append(
            Exhibit("crosswalk", crossed, said, within=[(), "tier"], supplement=True, formats={"n": ",.0f"},
                    headings={"tier": N_("Tier"), **SCHEMES, "n": N_("Customers")})
        )  # fmt: skip
    if against is not None:
        against = against.assign(**{name: in_english(against[name]) for name in SCHEMES})
        said = Said(N_("Where tier and payment record cannot both be right; the contact plan names them."))
        shown.append(
            Exhibit("contradictions", against, said, within=[], supplement=True, formats={"customers": ",.0f"},
                    headings={"severity": N_("Severity"), "tier": N_("Tier"), **SCHEMES, "customers": N_("Customers")})
        )  # fmt: skip
    return shown


# -------------------------------------------------------------------------------------------------- contacts and limits
CONTACTS = {
    "alerts": N_(
        "`research contacts` writes a workbook for the bank's own use: {n:,.0f} customers with tier, reasons, actions "
        "and next contact. It flags {potential:,.0f} as potential premium, and {alerts:,.0f} because tier and payment "
        "record cannot both be right."
    ),
    "none": N_(
        "`research contacts` writes a workbook for the bank's own use: {n:,.0f} customers with tier, reasons, actions "
        "and next contact. It flags {potential:,.0f} as potential premium."
    ),
}


def contacts(n: int, potential: float | None, contradictions: pd.DataFrame | None) -> Said:
    """Say what the contact plan holds; numbers that are withheld are missing."""
    given = {"n": n, "potential": potential}
    if contradictions is None:
        return Said(CONTACTS["none"], given)
    return Said(CONTACTS["alerts"], given | {"alerts": contradictions["customers"].sum(skipna=False)})


LIMITS = {
    "loan": N_(
        "The months over which {outcome} is counted are not known; here it stands against one year of work. If twice "
        "as many cases came up in a year, half the effect would do."
    ),
    "pd": N_("Hours, costs and income are those of {months:.0f} months, over which {outcome} is counted."),
    "hour": N_(
        "An officer hour is taken to cost {cost:,.3g} {money}, a figure of our own; a bank sets its own "
        "(`officer_hour`)."
    ),
    "left out": N_(
        "Amounts rest on {n:,.0f} customers; {left:,.0f} are left out because amount, rate or outcome is missing."
    ),
}
ALWAYS = (
    N_("Effects are drawn independently of each other, and every action is taken for everybody in its tier."),
    N_("Stricter approval is not judged: how the refused would have repaid is not in the data."),
    N_("Customers who leave take the margin of the whole time with them; refused loans are not replaced."),
)


def limits(basis: Mapping[str, Any], outcome: str, money: str, left_out: float | None) -> list[Said]:
    """Return what the page cannot say."""
    first = Said(LIMITS["loan"], {"outcome": outcome})
    if basis["horizon"]:
        first = Said(LIMITS["pd"], {"outcome": outcome, "months": basis["horizon"]})
    some = [Said(LIMITS["left out"], {"n": basis["n"], "left": left_out})] if left_out else []
    if basis["reading"] != "count":
        some.insert(0, Said(LIMITS["hour"], {"cost": basis["officer_hour"], "money": money}))
    return [first, *some, *(Said(text) for text in ALWAYS)]
