"""Page 08: what trial would show that an action works, and whether it could be held."""

from __future__ import annotations

import textwrap

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits import style
from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.strategies import tier_in_text
from research.exhibits.words import N_, Said, Words, chosen


@drawing
def power_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw power against customers, with and without attrition: lines by formula, dots by simulation."""
    figure = style.canvas(words, 3.0)
    axes = figure.subplots()
    for (share, part), tint in zip(frame.groupby("attrition"), (style.INK, style.ACCENT), strict=False):
        axes.plot(
            part["customers"], part["power"], color=tint, label=words(N_("{share:.0%} lost"), share=share)
        )
        axes.errorbar(
            part["customers"], part["simulated"], 1.96 * part["mc_error"], fmt="o", color=tint, markersize=4
        )
    axes.axhline(0.8, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(ylim=(0, 1.02), xlim=(0, None))
    axes.set_xlabel(words(N_("Customers in the trial (line: formula, dots: simulation)")))
    axes.set_ylabel(words(N_("Power")))
    style.numbered(axes.yaxis, words)
    style.numbered(axes.xaxis, words, ",.0f")
    axes.legend()
    sns.despine(ax=axes)
    return figure


ANSWER = {
    "shown": N_(
        "{able} of {n} actions could be tried with the customers of their tier in this book, at the effect that would "
        "repay them. {action} would need {needed:,.0f} customers of the {tier} tier, which has {has:,.0f}."
    ),
    "withheld": N_("The size of a trial is withheld: the {tier} tier has too few cases to be published."),
    "none": N_("No action of this study can be sized: the book has no case to prevent."),
}
NOT_TIERING = N_("A trial shows whether treating a tier works, not whether tiering does.")


def answer(sizes: pd.DataFrame) -> list[Said]:
    """Say how many actions could be tried in the book, and what the first would need: the step `trial_sizes`."""
    known = sizes[sizes["needed"].notna()]
    if known.empty:
        code = "withheld" if (sizes["result"] == "withheld").any() else "none"
        return [chosen(ANSWER, code, tier=tier_in_text(sizes["tier"].iloc[0])), Said(NOT_TIERING)]
    row = known.iloc[0]
    given = {"able": int(known["able"].sum()), "n": len(known), "tier": tier_in_text(row["tier"])}
    return [Said(ANSWER["shown"], given | dict(row[["action", "needed", "has"]])), Said(NOT_TIERING)]


SIZES = {
    "large": N_("{short} of {n} actions need more customers than their tier has in this book, though drawn one by "
                "one, which needs the fewest."),
    "fits": N_("Each of {n} actions could be tried with the customers of its tier in this book."),
    "withheld": N_("Customers that a trial of each action would need; the tiers have too few cases to be published."),
}  # fmt: skip


def sizes(rows: pd.DataFrame) -> Exhibit:
    """Show what a trial of each action would need beside what the book has: `rows` of the step `trial_sizes`."""
    known = rows[rows["needed"].notna()]
    short = int((~known["able"].astype(bool)).sum())
    code = "withheld" if known.empty else "large" if short else "fits"
    return Exhibit(
        "sizes", rows, chosen(SIZES, code, short=short, n=len(known)),
        Said(N_("One row per action, logarithmic scale: a bar to the size of the tier, a diamond at what is needed.")),
        sizes_drawn, within=None, origin="assumed",
        headings={"tier": N_("Tier"), "action": N_("Action"), "question": N_("Question"),
                  "smallest": N_("Smallest effect worth having"), "needed": N_("Customers needed"),
                  "has": N_("In the tier"), "able": N_("Can be held here")},
        formats={"smallest": ".2g%", "needed": ",.0f", "has": ",.0f"},
    )  # fmt: skip


@drawing
def sizes_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the customers needed (diamond) and those of the tier (bar) per action, on a logarithmic scale."""
    rows = frame.reset_index(drop=True)
    figure = style.canvas(words, (0.5 if words.narrow else 0.3) * len(rows) + 0.8)
    axes = figure.subplots()
    for place, row in enumerate(rows.itertuples()):
        axes.barh(place, row.has, left=1, height=0.5, color=style.TIER_COLOURS[row.tier], alpha=0.35)
        inside = style.INK if row.able else "white"
        axes.scatter(row.needed, place, marker="D", s=30, facecolor=inside, edgecolor=style.INK, zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(1, None)
    style.name_rows(
        axes, [style.wrapped(words(action), words) for action in rows["action"]], below=0.4, fontsize=8
    )
    style.numbered(axes.xaxis, words, ",.0f")
    style.label_below(
        figure, words(N_("Customers. Bar: in the tier; diamond: needed (filled: the book has them)")), words
    )
    return figure


DESIGNS = {
    ("alone", "t"): N_("Customers one by one ({n:,.0f})"),
    ("many", "t"): N_("{clusters} officers, errors by officer"),
    ("many", "ignored"): N_("{clusters} officers, ignored in the analysis"),
    ("few", "allocation"): N_("{clusters} officers, other allocations"),
    ("few", "t"): N_("{clusters} officers, errors by officer"),
}
MEASURES = {
    "error": N_("Finds an effect that is not there"),
    "coverage": N_("Interval holds the true effect"),
    "found": N_("Finds the true effect"),
}
JUDGED = {"t": N_("unit"), "ignored": N_("customer"), "allocation": N_("other allocations")}
SHARE = "{{{0}:.1%}} [{{{0}_low:.1%}}, {{{0}_high:.1%}}]"
TRIALS = {
    "kept": N_("In {trials:,.0f} simulated trials each analysis that knows of officers errs in at most {most:.1%}, "
               "where {alpha:.0%} is allowed; ignoring officers errs in {ignored:.1%}."),
    "broken": N_("In {trials:,.0f} simulated trials an analysis that knows of officers errs in {most:.1%}, more "
                 "often than the {alpha:.0%} allowed; ignoring them errs in {ignored:.1%}."),
}  # fmt: skip


def trials(rows: pd.DataFrame, alpha: float) -> Exhibit:
    """Show how often simulated trials err, cover and find, with Monte Carlo intervals: `rows` of `trial_checks`."""
    own = rows[rows["judge"] != "ignored"]
    code = "kept" if (own["error_low"] <= alpha).all() else "broken"
    ignored = rows.loc[rows["judge"] == "ignored", "error"].max()
    frame = rows.assign(alpha=alpha, judged=rows["judge"].map(JUDGED))
    return Exhibit(
        "trials", frame,
        Said(TRIALS[code], {"trials": int(rows["trials"].iloc[0]), "most": own["error"].max(), "alpha": alpha,
                            "ignored": ignored}),
        Said(N_("Three panels, a row per design: dots with Monte Carlo intervals, a dashed line at what was planned.")),
        trials_drawn, within=None, origin="demonstration",
        headings={"clusters": N_("Drawn"), "size": N_("Customers each"), "judged": N_("Judged by"),
                  "error": N_("Errs"), "coverage": N_("Covers"), "planned": N_("Power planned"),
                  "found": N_("Power found")},
        formats={"planned": ".0%", **{name: SHARE.format(name) for name in MEASURES}},
    )  # fmt: skip


@drawing
def trials_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the three shares of each design in panels of their own, with what was planned."""
    rows = frame.reset_index(drop=True)
    figure = style.canvas(words, 7.4 if words.narrow else 2.3)
    across = (3, 1) if words.narrow else (1, 3)
    panels = figure.subplots(*across, sharey=True).ravel()
    named = [
        chosen(DESIGNS, (row.design, row.judge), clusters=row.clusters, n=row.clusters * row.size)
        for row in rows.itertuples()
    ]
    wanted = {"error": rows["alpha"].iloc[0], "coverage": 1 - rows["alpha"].iloc[0],
              "found": rows["planned"].iloc[0]}  # fmt: skip
    for axes, (name, title) in zip(panels, MEASURES.items(), strict=True):
        places = range(len(rows))
        tints = [style.WARNING if row.judge == "ignored" else style.ACCENT for row in rows.itertuples()]
        axes.axvline(wanted[name], color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.hlines(places, rows[f"{name}_low"], rows[f"{name}_high"], color=tints, linewidth=2)
        axes.scatter(rows[name], places, color=tints, s=26, zorder=3)
        axes.set_title(textwrap.fill(words(title), 30), fontsize=8.5)
        style.name_rows(axes, [textwrap.fill(words.said(one), 26) for one in named], fontsize=7.5)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        style.numbered(axes.xaxis, words)
    return figure


VALUE = {
    "some": N_("With {most:,.0f} customers of the tier a year or fewer, no trial of closer monitoring repays its "
               "cost; with {least:,.0f} one does."),
    "none": N_("At none of these sizes does a trial of closer monitoring repay its cost."),
    "all": N_("At each of these sizes a trial of closer monitoring repays its cost."),
}  # fmt: skip
PRIOR = {
    "act": N_("Assumed: closer monitoring prevents {base:.0%} of cases, {low:.0%} to {high:.0%}, and repays its "
              "{cost:,.0f} {money} from {needed:.1%} on; a bank decides for {years} years, and would act without a "
              "trial."),
    "wait": N_("Assumed: closer monitoring prevents {base:.0%} of cases, {low:.0%} to {high:.0%}, and repays its "
               "{cost:,.0f} {money} from {needed:.1%} on; a bank decides for {years} years, and would not act "
               "without a trial."),
}  # fmt: skip
WORTH = {"worth": N_("repays its cost"), "not": N_("no trial does")}


def value(rows: pd.DataFrame, money: str) -> Exhibit:
    """Show what a trial is worth at its best size, by the size of the tier: `rows` of the step `trial_value`."""
    worth = rows[rows["result"] == "worth"]
    code = "none" if worth.empty else "all" if len(worth) == len(rows) else "some"
    frame = rows.assign(said=rows["result"].map(WORTH), money=money)
    ends = {"least": worth["tier"].min(), "most": rows.loc[rows["result"] == "not", "tier"].max()}
    return Exhibit(
        "value", frame, chosen(VALUE, code, **ends), within=None, origin="demonstration",
        headings={"tier": N_("Customers of the tier a year"), "perfect": N_("Value of knowing the effect"),
                  "customers": N_("Best trial, customers"), "value": N_("Its value"), "trial_cost": N_("Its cost"),
                  "said": N_("Result")},
        formats=dict.fromkeys(("tier", "perfect", "customers", "value", "trial_cost"), ",.0f"),
    )  # fmt: skip


def prior(rows: pd.DataFrame, money: str) -> Said:
    """Say what the value of a trial rests on."""
    row = rows.iloc[0]
    given = {name: row[name] for name in ("base", "low", "high", "cost", "needed", "years")}
    return Said(PRIOR["act" if row["base"] > row["needed"] else "wait"], {**given, "money": money})


def limits(trials_: pd.DataFrame) -> list[Said]:
    """Say what the page cannot say."""
    most = trials_.loc[trials_["judge"] != "ignored", "coverage"].min()
    return [Said(N_("Smallest effects rest on assumed costs and hours; rates and sizes of tiers are this book's.")),
            Said(N_("Levels that the data lack (products bought, growth, hours, losses) are assumed, as is their "
                    "spread.")),
            Said(N_("A trial that needs few customers may look for an effect larger than anybody assumes.")),
            Said(N_("Trials with officers are simulated; no bank's officers have been measured here.")),
            Said(N_("An action that does much makes treated officers more alike: intervals then hold the truth in "
                    "{most:.1%} of trials."), {"most": most}),
            Said(N_("No trial has been held: nothing here supports or contradicts a claim."))]  # fmt: skip
