"""Page 09, real people: what a public survey says of tiers of income and strain."""

from __future__ import annotations

import textwrap

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import (
    ACCENT,
    DASHED,
    INK,
    MUTED,
    RULE,
    canvas,
    legend_above,
    name_questions,
    tiers_with_intervals,
)
from research.exhibits.words import N_, Said, Words
from research.tiers import LABELS, TIERS

BY = {"tiers": N_("Income and strain"), "income": N_("Income alone"), "random": N_("Tiers by lot")}
ASKED = N_(
    "Real answers: {people:,} adults of the United States in the National Financial Well-Being Survey of {year:d}, by "
    "the Consumer Financial Protection Bureau. They are no customers of a lender studied here."
)


def who_was_asked(wellbeing: pd.DataFrame) -> Said:
    """Say whose answers open the page. `wellbeing`: `people, year`."""
    return Said(ASKED, {name: wellbeing[name].iloc[0] for name in ("people", "year")})


RULES = N_("High risk means {high}; medium risk, {medium}; premium, {premium}; low risk is {low}.")


def rules(wellbeing: pd.DataFrame) -> Said:
    """Say who is in which tier. `wellbeing`: `tier, rule`."""
    return Said(RULES, dict(wellbeing[["tier", "rule"]].to_numpy().tolist()))


NEEDS = {
    "mixed": N_("On {above} of {n} questions tiers differ by more than the bar of {bar:.1f}, most on “{most}” (V "
                "{high:.2f}); on {below} by less, least on “{least}” ({low:.2f})."),
    "all": N_("On each of {n} questions tiers differ by more than the bar of {bar:.1f}, most on “{most}” (V "
              "{high:.2f})."),
    "none": N_("On none of {n} questions are tiers shown to differ by more than the bar of {bar:.1f}; most on "
               "“{most}” (V {high:.2f})."),
}  # fmt: skip
NEEDS_ALT = N_("A row per question, most different first: a dot with interval for income and strain, a ring for "
               "income alone; a dashed line marks the bar, a grey band what tiers by lot reach.")  # fmt: skip


def needs(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how strongly each answer differs between tiers, beside income alone, tiers by lot and the bar.

    `rows`: `kind, text, n, estimate, ci_low, ci_high, income_estimate, …, random_high, bar, result`, most different
    first.
    """
    counts, top, last = rows["result"].value_counts(), rows.iloc[0], rows.iloc[-1]
    above, below = counts.get("above", 0), counts.get("below", 0)
    code = "all" if above == len(rows) else "mixed" if above else "none"
    fields = {"n": len(rows), "bar": top["bar"], "most": top["text"], "high": top["estimate"]}
    if code == "mixed":
        fields |= {"above": above, "below": below, "least": last["text"], "low": last["estimate"]}
    return Exhibit(
        "needs", rows, Said(NEEDS[code], fields), Said(NEEDS_ALT), needs_drawn, within=None, origin=origin,
        headings={"text": N_("Question"), "kind": N_("Kind"), "estimate": N_("V, income and strain [95 % interval]"),
                  "income_estimate": N_("V, income alone [95 % interval]"), "random_high": N_("By lot, at most"),
                  "n": N_("People")},
        formats={"estimate": interval(".2f"), "random_high": ".2f", "n": ",.0f",
                 "income_estimate": interval(".2f", "income_estimate", "income_ci")},
    )  # fmt: skip


@drawing
def needs_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw V per question with its interval, income alone as a ring."""
    figure, rows = canvas(words, (0.34 if words.narrow else 0.25) * len(frame) + 1), list(range(len(frame)))
    axes = figure.subplots()
    axes.axvspan(0, frame["random_high"].max(), color=RULE, alpha=0.5, linewidth=0, label=words(BY["random"]))
    axes.axvline(frame["bar"].iloc[0], color=MUTED, linewidth=1, linestyle=DASHED, label=words(N_("Bar")))
    axes.hlines(rows, frame["ci_low"], frame["ci_high"], color=ACCENT, linewidth=1.6)
    sns.scatterplot(
        x=frame["estimate"], y=rows, color=ACCENT, s=34, ax=axes, zorder=3, label=words(BY["tiers"])
    )
    sns.scatterplot(x=frame["income_estimate"], y=rows, facecolor="white", edgecolor=INK, linewidth=1.1, s=26, ax=axes,
                    zorder=2.5, label=words(BY["income"]))  # fmt: skip
    name_questions(axes, frame["text"].tolist(), words)
    axes.set_xlim(left=0)
    axes.set_xlabel(words(N_("Cramér's V, 95 % interval")))
    legend_above(figure, axes, words)
    return figure


WIDEST = N_(
    "“{text}” lies furthest apart: {premium:.0%} of premium people and {high:.0%} of high-risk people."
)


def by_tier(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show the share that gave the counted answer, by tier: first what premium people do more, last what they do less.

    `rows`: `text, answer`, and per tier its share, `<tier>_low` and `<tier>_high`.
    """
    gap = rows["premium"] - rows["high"]
    plain = rows["text"].where(rows["answer"] == "yes", rows["text"] + " (" + rows["answer"] + ")")
    frame = rows.assign(question=plain).loc[gap.sort_values(ascending=False).index]
    top = frame.loc[gap.abs().idxmax()]
    fields = {"text": top["question"], "premium": top["premium"], "high": top["high"]}
    return Exhibit(
        "by_tier", frame, Said(WIDEST, fields), within=None, origin=origin,
        headings={"question": N_("Question"), **{tier: LABELS[tier] for tier in TIERS}},
        formats={tier: f"{{{tier}:.0%}} [{{{tier}_low:.0%}}, {{{tier}_high:.0%}}]" for tier in TIERS},
    )  # fmt: skip


MEANS = {
    "equivalent": N_("Income alone parts needs about as well (V {income:.2f}) as income and strain together "
                     "({tiers:.2f}): they differ by less than {margin:.2f}."),
    "no better": N_("Signs of strain add nothing to income alone: it parts needs by a V of {income:.2f}, both "
                    "together by {tiers:.2f}, and the difference lies within {margin:.2f}."),
    "worse": N_("Income alone parts needs better (V {income:.2f}) than with signs of strain ({tiers:.2f})."),
    "better": N_("Income and strain together part needs better (V {tiers:.2f}) than income alone ({income:.2f})."),
    "open": N_("Income and strain (V {tiers:.2f}) or income alone ({income:.2f}): which parts needs better is open."),
}  # fmt: skip


def means(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show the mean V over the questions of tiers, income alone and tiers by lot, and their differences.

    `rows`: `by, estimate, ci_low, ci_high, difference_estimate, difference_ci_low, difference_ci_high, result, margin`.
    """
    known = rows.set_index("by")
    code = known.loc["income", "result"]
    fields = {"tiers": known.loc["tiers", "estimate"], "income": known.loc["income", "estimate"]}
    if code in ("equivalent", "no better"):
        fields["margin"] = rows["margin"].iloc[0]
    gap = "{difference_estimate:+.3f} [{difference_ci_low:+.3f}, {difference_ci_high:+.3f}]"
    return Exhibit(
        "means", rows.replace({"by": BY}), Said(MEANS[code], fields), within=None, origin=origin,
        headings={"by": N_("Tiers made of"), "estimate": N_("Mean V over the questions [95 % interval]"),
                  "difference_estimate": N_("Income and strain less these [95 % interval]")},
        formats={"estimate": interval(".3f"), "difference_estimate": gap},
    )  # fmt: skip


SCORES = {
    "apart": N_("Financial well-being falls from {premium:.0f} points of premium people to {high:.0f} of high-risk "
                "people; all adults score {overall:.0f}."),
    "open": N_("No fall of financial well-being over the tiers is shown: premium people score {premium:.0f}, "
               "high-risk people {high:.0f}, all adults {overall:.0f}."),
    "reversed": N_("Financial well-being rises where it should fall: premium people score {premium:.0f}, high-risk "
                   "people {high:.0f}, all adults {overall:.0f}."),
}  # fmt: skip


def wellbeing(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how many people are in each tier, and how well off they feel.

    `rows`: `tier, rule, n, share, estimate, ci_low, ci_high, overall, result`.
    """
    score = rows.set_index("tier")["estimate"]
    fields = {"premium": score["premium"], "high": score["high"], "overall": rows["overall"].iloc[0]}
    return Exhibit(
        "wellbeing", rows, Said(SCORES[rows["result"].iloc[0]], fields),
        Said(N_("Four dots with intervals, one per tier, and a dashed line for all adults.")), wellbeing_drawn,
        within=None, origin=origin,
        headings={"tier": N_("Tier"), "rule": N_("Who is in it"), "n": N_("People"), "share": N_("Weighted share"),
                  "estimate": N_("Score [95 % interval]")},
        formats={"share": ".0%", "n": ",.0f", "estimate": interval(".1f")},
    )  # fmt: skip


@drawing
def wellbeing_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the score of each tier with its interval."""
    figure = canvas(words, 1.9)
    axes = figure.subplots()
    tiers_with_intervals(axes, frame.rename(columns={"estimate": "rate"}), words, frame["overall"].iloc[0])
    label = words(N_("Financial well-being score, 95 % interval; dashed: all adults"))
    axes.set_xlabel(textwrap.fill(label, 40 if words.narrow else 90), loc="left")
    return figure


ALIKE = {
    "lower": N_("High-risk people score lower than low-risk people alike in income, age, schooling and household "
                "size: {estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."),
    "higher": N_("High-risk people score higher than low-risk people alike in income, age, schooling and household "
                 "size: {estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."),
    "open": N_("High-risk and low-risk people alike in income, age, schooling and household size are not shown to "
               "score differently: {estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."),
}  # fmt: skip


def alike(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how far well-being differs from that of low-risk people, plain and among people who are alike otherwise.

    `rows`: `tier, estimate, ci_low, ci_high, plain_estimate, plain_ci_low, plain_ci_high, p_holm, n, result`.
    """
    high = rows.set_index("tier").loc["high"]
    cell = "{estimate:+.1f} [{ci_low:+.1f}, {ci_high:+.1f}]"
    return Exhibit(
        "alike", rows, Said(ALIKE[high["result"]], high[["estimate", "plain_estimate"]].to_dict()), within=None,
        origin=origin,
        headings={"tier": N_("Tier"), "plain_estimate": N_("Score less that of low risk [95 % interval]"),
                  "estimate": N_("Among people alike [95 % interval]"), "p_holm": N_("p (Holm)"), "n": N_("People")},
        formats={"estimate": cell, "p_holm": "p", "n": ",.0f",
                 "plain_estimate": "{plain_estimate:+.1f} [{plain_ci_low:+.1f}, {plain_ci_high:+.1f}]"},
    )  # fmt: skip
