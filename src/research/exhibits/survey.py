"""Page 09: what real people need, tier by tier, and what a bank's own practitioners and customers answer.

`origin` is `recorded` or `reported` for the public survey, `demonstration` or `reported` for the study's own.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import ACCENT, INK, MUTED, RULE, canvas, tiers_with_intervals
from research.exhibits.terms import NAMES, titled
from research.exhibits.words import N_, Said, Words, chosen
from research.tiers import LABELS, TIERS

DASHED = (0, (4, 3))
BY = {"tiers": N_("Income and strain"), "income": N_("Income alone"), "random": N_("Tiers by lot")}
CALLED = {  # scales whose names in the questionnaire are no words of a sentence
    "loan contract": N_("loan terms"),
    "industry income": N_("industry and income"),
    "strategy high risk": N_("strategy for high risk"),
    "strategy medium risk": N_("strategy for medium risk"),
    "strategy low risk": N_("strategy for low risk"),
    "strategy premium": N_("strategy for premium"),
}
GROUPS = {"practitioner": N_("Practitioners"), "customer": N_("Customers")}
INTERVAL = "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]"


# ------------------------------------------------------------------------------------------------------- real people
ASKED = N_(
    "Real answers: {people:,} adults of the United States in the National Financial Well-Being Survey of {year:d}, by "
    "the Consumer Financial Protection Bureau. They are no customers of a lender studied here."
)
FOUND = {
    "not refuted": N_(
        "Among {n:,} adults asked in a public survey, tiers of income and strain differ in what people need: Cramér's "
        "V averages {v:.2f} over {questions} questions, clear of the bar of {bar:.1f}."
    ),
    "undecided": N_(
        "Among {n:,} adults asked in a public survey it is open whether tiers of income and strain differ in what "
        "people need: Cramér's V averages {v:.2f} over {questions} questions, against a bar of {bar:.1f}."
    ),
    "refuted": N_(
        "Among {n:,} adults asked in a public survey, tiers of income and strain hardly differ in what people need: "
        "Cramér's V averages {v:.2f} over {questions} questions, below the bar of {bar:.1f}."
    ),
}
ALONE = {
    "equivalent": N_("Income alone parts them about as well."),
    "no better": N_("Income alone parts them at least as well."),
    "better": N_("Income alone parts them less."),
    "worse": N_("Income alone parts them better."),
    "open": N_("Whether income alone parts them as well is open."),
}
OWN = {
    "unknown": N_("What a bank's own customers and officers say is not known here."),
    "differ": N_("Practitioners and customers of this study differ on {scales}."),
    "same": N_("On no scale is a difference between this study's practitioners and customers shown."),
}


def who_was_asked(wellbeing: pd.DataFrame) -> Said:
    """Say whose answers open the page. `wellbeing`: `people, year`."""
    return Said(ASKED, {name: wellbeing[name].iloc[0] for name in ("people", "year")})


def answer(means: pd.DataFrame, verdict: str, groups: pd.DataFrame | None, origin: str) -> list[Said]:
    """Say whether tiers differ in need, whether income alone does as well, and where the study's own groups differ.

    Args:
        means: `by, estimate, questions, n, bar, result`.
        verdict: not refuted, undecided or refuted.
        groups: `construct, p_holm, level` of the study's own survey; None where there is none.
        origin: of the study's own survey.
    """
    rows = means.set_index("by")
    tiers, own = rows.loc["tiers"], Said(OWN["unknown"])
    if groups is not None and origin != "demonstration":
        differ = groups.loc[groups["p_holm"] < groups["level"], "construct"].replace(CALLED).tolist()
        own = Said(OWN["differ"], {"scales": differ}) if differ else Said(OWN["same"])
    fields = {"n": tiers["n"], "v": tiers["estimate"], "questions": tiers["questions"], "bar": tiers["bar"]}
    return [Said(FOUND[verdict], fields), Said(ALONE[rows.loc["income", "result"]]), own]


RULES = N_("High risk means {high}; medium risk, {medium}; premium, {premium}; low risk is {low}.")


def rules(wellbeing: pd.DataFrame) -> Said:
    """Say who is in which tier. `wellbeing`: `tier, rule`."""
    return Said(RULES, dict(wellbeing[["tier", "rule"]].to_numpy().tolist()))


NEEDS = {
    "mixed": N_(
        "On {above} of {n} questions tiers differ by more than the bar of {bar:.1f}, most on “{most}” (V {high:.2f}); "
        "on {below} by less, least on “{least}” ({low:.2f})."
    ),
    "all": N_(
        "On each of {n} questions tiers differ by more than the bar of {bar:.1f}, most on “{most}” (V {high:.2f})."
    ),
    "none": N_(
        "On none of {n} questions are tiers shown to differ by more than the bar of {bar:.1f}; most on “{most}” (V "
        "{high:.2f})."
    ),
}
NEEDS_ALT = N_(
    "A row per question, most different first: a dot with interval for income and strain, a ring for income alone; a "
    "dashed line marks the bar, a grey band what tiers by lot reach."
)


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
        formats={"estimate": INTERVAL, "random_high": ".2f", "n": ",.0f",
                 "income_estimate": "{income_estimate:.2f} [{income_ci_low:.2f}, {income_ci_high:.2f}]"},
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
    _named(axes, frame["text"].tolist(), words)
    axes.set_xlim(left=0)
    axes.set_xlabel(words(N_("Cramér's V, 95 % interval")))
    _legend(figure, axes, words)
    return figure


def _named(axes: Axes, names: list[str], words: Words) -> None:
    wide = 20 if words.narrow else 44
    shown = [words(name) for name in names]
    axes.set_yticks(range(len(names)), [textwrap.fill(name[:1].upper() + name[1:], wide) for name in shown])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel="", ylabel="")
    axes.grid(axis="x")
    sns.despine(ax=axes, left=True)


def _legend(figure: Figure, axes: Axes, words: Words) -> None:
    handles, labels = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    long = words.narrow and max(map(len, labels)) > 30
    columns = 1 if long else 2 if words.narrow else len(handles)
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def _dots(frame: pd.DataFrame, names: str, line: float, label: str, words: Words) -> Figure:
    """Draw `estimate` with its interval per row against a dashed line."""
    figure, rows = canvas(words, (0.34 if words.narrow else 0.24) * len(frame) + 0.7), list(range(len(frame)))
    axes = figure.subplots()
    axes.axvline(line, color=MUTED, linewidth=1, linestyle=DASHED)
    axes.hlines(rows, frame["ci_low"], frame["ci_high"], color=ACCENT, linewidth=1.6)
    sns.scatterplot(x=frame["estimate"], y=rows, color=ACCENT, s=34, ax=axes, zorder=3)
    _named(axes, frame[names].tolist(), words)
    axes.set_xlabel(words(label), loc="right")
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
    "equivalent": N_(
        "Income alone parts needs about as well (V {income:.2f}) as income and strain together ({tiers:.2f}): they "
        "differ by less than {margin:.2f}."
    ),
    "no better": N_(
        "Signs of strain add nothing to income alone: it parts needs by a V of {income:.2f}, both together by "
        "{tiers:.2f}, and the difference lies within {margin:.2f}."
    ),
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
        formats={"estimate": INTERVAL.replace(".2f", ".3f"), "difference_estimate": gap},
    )  # fmt: skip


SCORES = {
    "apart": N_(
        "Financial well-being falls from {premium:.0f} points of premium people to {high:.0f} of high-risk people; all "
        "adults score {overall:.0f}."
    ),
    "open": N_(
        "No fall of financial well-being over the tiers is shown: premium people score {premium:.0f}, high-risk people "
        "{high:.0f}, all adults {overall:.0f}."
    ),
    "reversed": N_(
        "Financial well-being rises where it should fall: premium people score {premium:.0f}, high-risk people "
        "{high:.0f}, all adults {overall:.0f}."
    ),
}


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
        formats={"share": ".0%", "n": ",.0f", "estimate": "{estimate:.1f} [{ci_low:.1f}, {ci_high:.1f}]"},
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
    "lower": N_(
        "High-risk people score lower than low-risk people alike in income, age, schooling and household size: "
        "{estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."
    ),
    "higher": N_(
        "High-risk people score higher than low-risk people alike in income, age, schooling and household size: "
        "{estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."
    ),
    "open": N_(
        "High-risk and low-risk people alike in income, age, schooling and household size are not shown to score "
        "differently: {estimate:+.1f} points; {plain_estimate:+.1f} where nothing is held equal."
    ),
}


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


# ----------------------------------------------------------------------------------------------- the study's own survey
NO_SURVEY = N_("This study has no survey of its own practitioners and customers, so the page ends here.")
KEPT = {
    "all": N_("{returned:,} questionnaires came back, and all are kept."),
    "some": N_(
        "{returned:,} questionnaires came back and {kept:,.0f} are kept. Left out, each at the first check failed: "
        "{left}."
    ),
}
CHECKS = {
    "incomplete": N_("{n:,.0f} with less than half of the questions answered"),
    "straight_line": N_("{n:,.0f} with the same answer to more than half of the questions in a row"),
    "duplicate": N_("{n:,.0f} that repeat another one's every answer"),
    "speeding": N_("{n:,.0f} filled in less than a third of the median time"),
}


def kept(flow: pd.DataFrame) -> Said:
    """Say how many questionnaires are kept, and why the others are not. `flow`: `step, left_out, kept`."""
    returned, left = flow["kept"].iloc[0], flow[flow["step"].isin(CHECKS) & (flow["left_out"] != 0)]
    if left.empty:
        return Said(KEPT["all"], {"returned": returned})
    why = [Said(CHECKS[row.step], {"n": row.left_out}) for row in left.itertuples()]
    return Said(KEPT["some"], {"returned": returned, "kept": flow["kept"].iloc[-1], "left": why})


RELIABLE = N_(
    "Cronbach's α lies clear above {bar:.1f} on {above} of {n} scales, clear below on {below}; on {open} the answers "
    "are too few to tell."
)


def reliability(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show Cronbach's α of each scale against the customary bar; McDonald's ω stands in the table.

    `rows`: `construct, items, n, estimate, ci_low, ci_high, omega, omega_low, omega_high, bar, result`.
    """
    counts = rows["result"].value_counts()
    fields = {name: counts.get(name, 0) for name in ("above", "below", "open")}
    return Exhibit(
        "reliability", rows.replace({"construct": CALLED}),
        Said(RELIABLE, fields | {"bar": rows["bar"].iloc[0], "n": len(rows)}),
        Said(N_("A dot with interval per scale against a dashed line at the bar.")), reliability_drawn, within=None,
        origin=origin,
        headings={"construct": N_("Scale"), "items": N_("Items"), "estimate": N_("Cronbach's α [95 % interval]"),
                  "omega": N_("McDonald's ω [95 % interval]"), "n": N_("Answers")},
        formats={"estimate": INTERVAL, "omega": "{omega:.2f} [{omega_low:.2f}, {omega_high:.2f}]", "n": ",.0f"},
    )  # fmt: skip


@drawing
def reliability_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw α per scale with its interval, and the bar."""
    label = N_("Cronbach's α, 95 % interval; dashed: the customary bar")
    return _dots(frame, "construct", frame["bar"].iloc[0], label, words)


UNRELATED = {
    "rejected": N_(
        "Bartlett's test rejects that the answers are unrelated (p {p:p=}); sampling adequacy is {word} ({kmo:.2f})."
    ),
    "kept": N_(
        "Bartlett's test does not reject that the answers are unrelated (p {p:p=}); sampling adequacy is {word} "
        "({kmo:.2f})."
    ),
}
FACTORS = {
    "fewer": N_(
        "Parallel analysis finds {kept} things behind {named} criteria: not all are seen as separate."
    ),
    "as many": N_(
        "Parallel analysis finds as many things behind the answers as there are criteria, {named}."
    ),
    "more": N_("Parallel analysis finds {kept} things behind the answers, more than the {named} criteria."),
}


def factors(factorability: pd.DataFrame, parallel: pd.DataFrame, named: int, level: float) -> list[Said]:
    """Say whether the answers on the criteria are worth factoring, and how many factors rise above chance.

    Args:
        factorability: `measure, item, estimate, p_value, note`.
        parallel: `retained`.
        named: criteria that the questionnaire names.
        level: of Bartlett's test.
    """
    whole = factorability[factorability["item"] == "all items"].set_index("measure")
    p, retained = whole.loc["bartlett", "p_value"], int(parallel["retained"].sum())
    code = "fewer" if retained < named else "more" if retained > named else "as many"
    fields = {"p": p, "kmo": whole.loc["kmo", "estimate"], "word": whole.loc["kmo", "note"]}
    return [
        Said(UNRELATED["rejected" if p < level else "kept"], fields),
        Said(FACTORS[code], {"named": named} if code == "as many" else {"named": named, "kept": retained}),
    ]


SCALES = {
    "some": N_(
        "Agreement lies clear above the middle on {above} of {n} scales; practitioners and customers differ on "
        "{differ}, most on {most} (Holm)."
    ),
    "none": N_(
        "Agreement lies clear above the middle on {above} of {n} scales; on none are practitioners and customers shown "
        "to differ (Holm)."
    ),
}


def scales(rows: pd.DataFrame, everybody: pd.DataFrame, groups: pd.DataFrame, origin: str) -> Exhibit:
    """Show the mean of each scale by group against the middle of the answers.

    Args:
        rows: `construct, group, estimate, ci_low, ci_high, n, midpoint, scale_min, scale_max`.
        everybody: the same of all respondents.
        groups: `construct, effect, p_holm, level`.
        origin: of the survey.
    """
    rows, groups = (part.replace({"construct": CALLED}) for part in (rows, groups))
    differ = groups[groups["p_holm"] < groups["level"]]
    fields = {"above": int((everybody["ci_low"] > everybody["midpoint"]).sum()), "n": len(everybody)}
    if len(differ):
        fields |= {"differ": len(differ), "most": differ.loc[differ["effect"].abs().idxmax(), "construct"]}
    frame = rows.merge(groups[["construct", "effect", "p_holm"]], on="construct", how="left")
    return Exhibit(
        "scales", frame.drop(columns=["share_above", "p_value"], errors="ignore").replace({"group": GROUPS}),
        Said(SCALES["some" if len(differ) else "none"], fields),
        Said(N_("A row per scale with a dot and interval for each group, against a dashed line at the middle.")),
        scales_drawn, within=None, origin=origin,
        headings={"construct": N_("Scale"), "group": N_("Group"), "estimate": N_("Mean [95 % interval]"),
                  "n": N_("Answers"), "effect": N_("Difference (rank-biserial)"), "p_holm": N_("p (Holm)")},
        formats={"estimate": INTERVAL, "effect": "+.2f", "p_holm": "p", "n": ",.0f"},
    )  # fmt: skip


@drawing
def scales_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the mean of each scale, one colour per group."""
    figure = _by_group(frame, "group", frame["midpoint"].iloc[0], words)
    figure.axes[0].set_xlim(frame["scale_min"].min(), frame["scale_max"].max())
    figure.axes[0].set_xlabel(words(N_("Mean answer, 95 % interval; dashed: the middle")), loc="right")
    return figure


def _by_group(frame: pd.DataFrame, group: str, line: float, words: Words) -> Figure:
    """Draw `estimate` with its interval, a row per construct and a colour per group, against a dashed line."""
    names, groups = list(dict.fromkeys(frame["construct"])), list(dict.fromkeys(frame[group]))
    figure = canvas(words, 0.28 * len(names) + 1 + 0.16 * max(len(groups) - 2, 0))
    axes = figure.subplots()
    axes.axvline(line, color=MUTED, linewidth=1, linestyle=DASHED)
    rows = frame.groupby("construct", sort=False)
    at = frame["construct"].map(names.index) + 0.12 * (2 * rows.cumcount() + 1 - rows["n"].transform("size"))
    for name, colour in zip(groups, (ACCENT, INK, MUTED), strict=False):
        part, own, called = frame[frame[group] == name], at[frame[group] == name], words(name)
        axes.hlines(own, part["ci_low"], part["ci_high"], color=colour, linewidth=1.6)
        sns.scatterplot(x=part["estimate"], y=own, color=colour, s=30, ax=axes, zorder=3,
                        label=called[:1].upper() + called[1:])  # fmt: skip
    _named(axes, names, words)
    _legend(figure, axes, words)
    return figure


MEANT = N_("customers it is for less other customers")
COMPARED = {  # who is held against whom in `survey_models.csv`
    ("premium", "high"): N_("premium less high-risk customers"),
    ("customer", "practitioner"): N_("customers less practitioners"),
}
WITH = N_("{compared} ({scales})")
DIFFER = {
    "some": N_(
        "Groups differ in {differ} of {n} comparisons of satisfaction and acceptance (Holm), most in {scale}, "
        "{compared}: {estimate:+.2f} points [{ci_low:+.2f}, {ci_high:+.2f}]."
    ),
    "none": N_(
        "No comparison of satisfaction and acceptance, of {n} made, shows a difference (Holm); the largest is in "
        "{scale}, {compared}: {estimate:+.2f} points [{ci_low:+.2f}, {ci_high:+.2f}]."
    ),
}
MODELLED = {
    "clustered": N_(
        "Respondents come from {clusters:,.0f} branches or officers: errors are clustered by these and corrected for "
        "their number, which leaves Student's t {least:.0f} to {most:.0f} degrees of freedom."
    ),
    "alone": N_(
        "No branch or officer is given, so each respondent counts as asked alone; where people were asked branch by "
        "branch, these intervals are too narrow."
    ),
    "few": N_(
        "Too few branches or people stand behind these (less than {least_dof:.0f} degrees of freedom), so neither "
        "interval nor test is given: {left}."
    ),
    "no column": N_("Not testable here, because the answers have no column “{column}”: {left}."),
    "no answers": N_("Not testable here, because fewer than two people of a group answered: {left}."),
    "agreed": N_(
        "As a check, cumulative logits of the single answers, without weights, agree with each of {n} comparisons in "
        "direction and in whether the interval is clear of no difference."
    ),
    "check": N_(
        "As a check, cumulative logits of the single answers, without weights, point the same way on {same} of {n} "
        "comparisons, and on {agreed} they agree whether the interval is clear of no difference."
    ),
}


def _compared(models: pd.DataFrame) -> pd.DataFrame:
    def called(row: pd.Series) -> str:
        pair, meant = (row["first"], row["second"]), row["construct"].startswith(f"strategy {row['first']}")
        return MEANT if meant and not row["second"] else COMPARED.get(pair, " – ".join(filter(None, pair)))

    return models.assign(compared=models.apply(called, axis=1)).replace({"construct": CALLED})


def modelled(models: pd.DataFrame) -> list[Said]:
    """Say what the comparisons rest on, which of them cannot be made, and whether the ordinal check agrees.

    `models`: `construct, by, first, second, estimate, ci_low, ci_high, odds_ratio, odds_low, odds_high, dof, clusters,
    clustered, least_dof, result`.
    """
    rows = _compared(models)
    tested, said = rows[rows["result"].isin(["differ", "open"])], []
    if len(tested):
        known = tested[tested["clustered"].astype(bool)]
        fields = {
            "clusters": known["clusters"].max(),
            "least": tested["dof"].min(),
            "most": tested["dof"].max(),
        }
        said.append(Said(MODELLED["clustered"], fields) if len(known) else Said(MODELLED["alone"]))
    columns = rows["by"].where(rows["result"] == "no column", "")
    for (why, column), part in rows.groupby(["result", columns], sort=False):
        if why in ("few", "no column", "no answers"):
            scales = part.groupby("compared", sort=False)["construct"].agg(list)
            left = [Said(WITH, {"compared": name, "scales": asked}) for name, asked in scales.items()]
            fields = {"column": column, "least_dof": part["least_dof"].iloc[0]}
            said.append(chosen(MODELLED, why, left=left, **fields))
    both = tested[tested["odds_ratio"].notna()]
    if len(both):
        same = (both["estimate"] > 0) == (both["odds_ratio"] > 1)
        clear = ((both["ci_low"] > 0) | (both["ci_high"] < 0)) == (
            (both["odds_low"] > 1) | (both["odds_high"] < 1)
        )
        fields = {"same": int(same.sum()), "n": len(both), "agreed": int(clear.sum())}
        said.append(chosen(MODELLED, "agreed" if (same & clear).all() else "check", **fields))
    return said


def differences(models: pd.DataFrame, origin: str) -> list[Exhibit]:
    """Show how far groups differ in satisfaction and acceptance, other things equal; nothing where none can be tested.

    `models`: as for `modelled`, and `standardised, standardised_low, standardised_high, p_holm, n, fewer`.
    """
    rows = _compared(models)
    rows = rows[rows["result"].isin(["differ", "open"])].reset_index(drop=True)
    if rows.empty:
        return []
    differ = rows[rows["result"] == "differ"]
    top = (differ if len(differ) else rows).loc[lambda part: part["standardised"].abs().idxmax()]
    fields = top[["compared", "estimate", "ci_low", "ci_high"]].to_dict() | {
        "n": len(rows),
        "scale": top["construct"],
    }
    if len(differ):
        fields["differ"] = len(differ)
    headings = {
        "construct": N_("Scale"), "compared": N_("Groups compared"),
        "estimate": N_("Difference, points [95 % interval]"),
        "standardised": N_("In standard deviations [95 % interval]"), "p_holm": N_("p (Holm)"),
        "odds_ratio": N_("Odds ratio of a higher answer [95 % interval]"), "n": N_("People (smaller group)"),
    }  # fmt: skip
    return [Exhibit(
        "differences", rows, Said(DIFFER["some" if len(differ) else "none"], fields),
        Said(N_("A row per comparison with a dot and interval, against a dashed line at no difference.")),
        differences_drawn, within=None, origin=origin, headings=headings,
        formats={"estimate": "{estimate:+.2f} [{ci_low:+.2f}, {ci_high:+.2f}]", "p_holm": "p",
                 "standardised": "{standardised:+.2f} [{standardised_low:+.2f}, {standardised_high:+.2f}]",
                 "odds_ratio": "{odds_ratio:.2f} [{odds_low:.2f}, {odds_high:.2f}]",
                 "n": "{n:,.0f} ({fewer:,.0f})"},
    )]  # fmt: skip


@drawing
def differences_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the differences with their intervals."""
    figure = _by_group(frame, "compared", 0, words)
    figure.axes[0].set_xlabel(words(N_("Difference in points, 95 % interval; dashed: none")), loc="right")
    return figure


AGREE = {
    "hardly": N_("Respondents hardly agree which criterion matters most (Kendall's W {w:.2f})."),
    "partly": N_("Respondents agree in part which criterion matters most (Kendall's W {w:.2f})."),
    "largely": N_("Respondents largely agree which criterion matters most (Kendall's W {w:.2f})."),
}
FIRST = N_("By mean rank {first} comes first and {last} last.")


def order(ranking: pd.DataFrame, concordance: pd.DataFrame) -> list[Said]:
    """Say whether respondents agree on the order of the criteria, and what that order is.

    Args:
        ranking: `group, construct`, most important first.
        concordance: `group, tie_corrected, estimate, result` (hardly, partly, largely).
    """
    row = concordance[concordance["tie_corrected"] & (concordance["group"] == "all")].iloc[0]
    names = ranking.loc[ranking["group"] == "all", "construct"].replace(CALLED)
    return [
        Said(AGREE[row["result"]], {"w": row["estimate"]}),
        Said(FIRST, {"first": names.iloc[0], "last": names.iloc[-1]}),
    ]


WEIGHTS = {
    "above": N_(
        "{experts} consistent experts give most weight to {most}: {weight:.0%} (95 % interval {low:.0%} to "
        "{high:.0%}), where equal weights are {equal:.0%}."
    ),
    "open": N_(
        "{experts} consistent experts give most weight to {most}, {weight:.0%} (95 % interval {low:.0%} to "
        "{high:.0%}), which is not clear of equal weights, {equal:.0%}."
    ),
}


def weights(group: pd.DataFrame, origin: str) -> Exhibit:
    """Show the experts' joint weights of the letters of ABC and RFM.

    `group`: `set, label, estimate, ci_low, ci_high, experts, left_out, consistency_ratio, equal`.
    """
    top = group[group["set"] == "abc"].nlargest(1, "estimate").iloc[0]
    fields = {"experts": top["experts"], "most": top["label"], "weight": top["estimate"], "low": top["ci_low"],
              "high": top["ci_high"], "equal": top["equal"]}  # fmt: skip
    return Exhibit(
        "weights", group, Said(WEIGHTS["above" if top["ci_low"] > top["equal"] else "open"], fields),
        Said(N_("A dot with interval per letter against a dashed line at equal weights.")), weights_drawn, within=None,
        origin=origin,
        headings={"label": N_("Letter"), "estimate": N_("Weight [95 % interval]"), "experts": N_("Consistent experts"),
                  "left_out": N_("Left out"), "consistency_ratio": N_("Consistency ratio of the group")},
        formats={"estimate": "{estimate:.0%} [{ci_low:.0%}, {ci_high:.0%}]", "consistency_ratio": ".3f"},
    )  # fmt: skip


@drawing
def weights_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the weights with intervals over experts."""
    label = N_("Weight, 95 % interval over experts; dashed: equal weights")
    figure = _dots(frame, "label", frame["equal"].iloc[0], label, words)
    figure.axes[0].set_xlim(left=0)
    figure.axes[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, ".0%")))
    return figure


MOVED = {
    "moved": N_("With these weights {moved:.1%} of {n:,} loan customers change tier under {model}."),
    "withheld": N_(
        "How many of {n:,} loan customers change tier under {model} with these weights is withheld."
    ),
    "missing": N_("Under {model} nothing moves here: {reason}."),
}
MODELS = {"abc": N_("ABC"), "rfm": N_("RFM")}


def moved(shifts: dict[str, dict[str, int | str]], counts: dict[str, int | None]) -> list[Said]:
    """Say how many customers change tier with the experts' weights.

    Args:
        shifts: model → `reason` why none do, and where there is none `n`.
        counts: model → customers who change tier; None where they are too few to be told.
    """
    said = []
    for name, found in shifts.items():
        fields = {"model": MODELS[name], **{key: found[key] for key in ("n", "reason") if found.get(key)}}
        code = "missing" if found["reason"] else "withheld" if counts[name] is None else "moved"
        more = {"moved": counts[name] / found["n"]} if code == "moved" else {}
        said.append(Said(MOVED[code], fields | more))
    return said


CLOSEST = {
    "clear": N_(
        "Of the study's models {model} comes closest to the experts (κ {k:.2f}, 95 % interval {low:.2f} to "
        "{high:.2f}); they agree with each other at α {alpha:.2f}."
    ),
    "open": N_(
        "No model is shown to agree with the experts beyond chance; {model} comes closest (κ {k:.2f}, 95 % interval "
        "{low:.2f} to {high:.2f})."
    ),
}
UNTESTED = N_("The models cannot be held against experts here: {reason}.")


def experts(rows: pd.DataFrame, among: pd.DataFrame, models: list[str], grade: str, origin: str) -> Exhibit:
    """Show how far each ranking agrees with the experts' tiers of the same customers.

    Args:
        rows: `model, arm, estimate, ci_low, ci_high, n, exact`.
        among: `measure, estimate, ci_low, ci_high` of the experts among themselves.
        models: the study's own.
        grade: what the reference of one variable is: `grade` or `single`.
        origin: of the judgements.
    """
    shown = rows[rows["arm"] == "as practised"].sort_values("estimate", ascending=False, ignore_index=True)
    alpha = among.set_index("measure").loc["krippendorff_alpha"]
    best = shown[shown["model"].isin(models)].iloc[0]
    code = "clear" if best["ci_low"] > 0 else "open"
    fields = {
        "model": NAMES[best["model"]],
        "k": best["estimate"],
        "low": best["ci_low"],
        "high": best["ci_high"],
    }
    if code == "clear":
        fields["alpha"] = alpha["estimate"]
    own = {"model": N_("The experts among themselves (α)"), **alpha[["estimate", "ci_low", "ci_high"]]}
    frame = pd.concat([pd.DataFrame([own]), titled(shown, grade)], ignore_index=True)
    return Exhibit(
        "experts", frame, Said(CLOSEST[code], fields), within=None, origin=origin,
        headings={"model": N_("Ranking"), "estimate": N_("Agreement, quadratic κ [95 % interval]"),
                  "exact": N_("Same tier")},
        formats={"estimate": INTERVAL, "exact": ".0%"},
    )  # fmt: skip


def untested(reason: str) -> Said:
    """Say why no model is held against experts."""
    return Said(UNTESTED, {"reason": reason.removeprefix("not testable here: ")})


LIMITS = (
    N_(
        "The public survey asked adults, not loan customers; it has no default, and says nothing of the three models."
    ),
    N_("Income is part of the tiers of the public survey, so part of what they tell is income."),
    N_("What people hold and use is what they need in part only; nobody was asked whether service fits."),
    N_("Respondents of the questionnaire are not drawn from a list: intervals describe these respondents."),
    N_("Vignettes are few, and experts see a row of numbers rather than a person."),
)
FURTHER = {
    "10_interviews": N_("what people say in their own words"),
    "05_comparison": N_("agreement with experts beside the other purposes"),
    "11_synthesis": N_("what is known of each claim"),
}


NOT_COMPARED = N_(
    "Of {of:,} customers whom experts judged, {left_out:,} are not among those on whom models are compared, and do not "
    "count."
)


def limits_of_survey(judged: Mapping[str, Any]) -> list[Said]:
    """Return what the page cannot say; `judged`: `left_out` of the customers on vignettes, `of` how many."""
    counts = {name: judged[name] for name in ("of", "left_out")}
    return [Said(text) for text in LIMITS] + [Said(NOT_COMPARED, counts)] * bool(counts["left_out"])
