"""Page 03: what drives the outcome, and what the rate?"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import ACCENT, MUTED, canvas, label_below, name_rows, numbered, with_outcome
from research.exhibits.words import N_, Said, Words, chosen

DRAWN, NAMED = 12, 3  # inputs in a figure, and in a list in a sentence
TIED = 10.0  # variance inflation above it: the others tell most of an input (Marquardt 1970)
BLOCKS = {
    "risk": N_("risk"),
    "value": N_("value"),
    "need": N_("need"),
    "behaviour": N_("behaviour"),
    "contract": N_("contract"),
    "context": N_("circumstances"),
}


def listed(names: pd.Series, most: int | None = None) -> list[Any]:
    """Return names for a sentence, the first few of them with how many more there are; "none" for none."""
    # a name that begins with an abbreviation keeps its capitals
    every = [name[:1].lower() + name[1:] if name[1:2].islower() else name for name in dict.fromkeys(names)]
    more = [Said(N_("{count} more"), {"count": len(every[most:])})] if most and len(every) > most else []
    return every[:most] + more or [Said(N_("none"))]


def found(rows: pd.DataFrame, result: str, name: str = "term") -> pd.Series:
    """Return the names of the rows with a result."""
    return rows.loc[rows["result"] == result, name]


def ends(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the names of what clearly raises and clearly lowers, the clearest first, and how many were tested."""
    ranked = rows.sort_values("p_value", kind="stable")
    up, down = (listed(found(ranked, code), NAMED) for code in ("higher", "lower"))
    return {"tests": len(rows), "up": up, "down": down}


def plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose groups of inputs have the names of a page."""
    return rows.assign(block=rows["block"].map(BLOCKS))


GROUPS = {
    "some": N_("Of what was known when the loan was made, the inputs on {groups} add to what all "
               "others tell of {outcome}."),
    "none": N_("No group of inputs known when the loan was made is shown to add to what the others "
               "tell of {outcome}."),
}  # fmt: skip
SINGLE = N_("Taken one by one, and adjusted for {tests} tests, clearly tied to it: {clear}.")
RATE = {
    "graded": N_("Of the variance of the contract rate {r2:.0%} is explained with the lender's grade, "
                 "{r2_blind:.0%} without it."),
    "ungraded": N_("Of the variance of the contract rate {r2:.0%} is explained; no grade of the lender is recorded."),
    "none": N_("What drives the rate is not testable here: too few contract rates are recorded."),
}  # fmt: skip


def answer(
    effects: pd.DataFrame, groups: pd.DataFrame, rate: Mapping[str, pd.DataFrame], outcome: str
) -> list[Said]:
    """Return the page's answer: groups of inputs, single ones, and the rate.

    The frames are those of the steps `regression` and `rate_drivers`; `outcome` is in the data set's own words.
    """
    adding = [BLOCKS[name] for name in found(groups, "adds", "block")]
    clear = effects[effects["result"] != "open"].sort_values("p_holm", kind="stable")["term"]
    return [chosen(GROUPS, "some" if adding else "none", groups=adding, outcome=outcome),
            Said(SINGLE, {"tests": len(effects), "clear": listed(clear, NAMED)}), rate_explained(rate)]  # fmt: skip


def rate_explained(rate: Mapping[str, pd.DataFrame]) -> Said:
    """Return how much of the rate is explained with the lender's grade and without it.

    `rate`: `explained`, one row with `r2`, `r2_blind` and `graded`; empty where it cannot be explained.
    """
    if not rate:
        return Said(RATE["none"])
    row = rate["explained"].iloc[0]
    return chosen(RATE, "graded" if row["graded"] else "ungraded", **row)


SIZE = N_("The regression rests on {known:,} customers with a known outcome, among them {bad:,} {outcome_word}: "
          "{events_per_column:.1f} for each of {columns:.0f} columns ({left_out:.0f} more hardly vary or follow from "
          "others). All together: χ² {statistic:.0f}, p {p_value:p=}, McFadden's R² {r2:.3f}.")  # fmt: skip


def fit(made: pd.DataFrame, facts: Mapping[str, Any]) -> Said:
    """Return the size of the regression, and how it fits. `made`: one row of `explain.risk.fit_quality`."""
    return chosen({"": SIZE}, "", **dict(facts) | (facts.get("sample") or {}) | dict(made.iloc[0]))


ODDS = N_("Higher odds of {outcome}, after adjustment for {tests} tests: {up}; lower odds: {down}.")
PRICED = N_(
    "After adjustment for {tests} tests, the contract rate is higher with {up}; it is lower with {down}."
)
AXES = {
    "odds": N_("Odds ratio of {outcome}, 95 % interval, per standard deviation or against a reference; the {shown} "
               "clearest of {tests} inputs. Blue: clear after adjustment"),
    "rate": N_("Percentage points of the rate, 95 % interval, per standard deviation or against a reference; the "
               "{shown} clearest of {tests} inputs, the lender's grade not among them. Blue: clear after adjustment"),
}  # fmt: skip
ODDS_TICKS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 20)
CLOSE_TICKS = (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75)  # of narrow intervals, as many customers have
STRONGEST = {
    "open": N_("No single input is clear after adjustment; the {rate_word} of all customers is {outcome_rate:.1%}."),
    "clear": N_("The clearest input is {name}: a standard deviation more goes with {marginal_effect:+.1pp} "
                "percentage points in the {rate_word} (95 % CI {effect_low:+.1pp} to {effect_high:+.1pp}), which "
                "is {outcome_rate:.1%} over all customers."),
    "level": N_("The clearest input is a class, {name}: it goes with {marginal_effect:+.1pp} percentage points in "
                "the {rate_word} (95 % CI {effect_low:+.1pp} to {effect_high:+.1pp}), which is {outcome_rate:.1%} "
                "over all customers."),
}  # fmt: skip


def odds_ratios(effects: pd.DataFrame, outcome: str) -> Exhibit:
    """Return the odds ratios of the inputs that are clearest; `outcome` is in the data set's own words."""
    said = Said(ODDS, ends(effects) | {"outcome": outcome})
    rows = effects.rename(columns={"odds_ratio": "estimate"}).assign(axis="odds", null=1.0, outcome=outcome)
    return forest("odds_ratios", rows, N_("Odds ratio [95 % interval]"), said)


def rate_terms(terms: pd.DataFrame) -> Exhibit:
    """Return what the contract rate goes with, the grade left out: `terms` of the step `rate_drivers`."""
    rows = terms.assign(axis="rate", null=0.0, outcome="")
    return forest("rate_terms", rows, N_("Percentage points [95 % interval]"), Said(PRICED, ends(terms)))


def forest(name: str, rows: pd.DataFrame, heading: str, caption: Said) -> Exhibit:
    """Return a forest plot of the clearest inputs, the highest estimate on top."""
    shown = plain(rows.nsmallest(DRAWN, "p_value").sort_values("estimate", ascending=False))
    alt = N_("One row per input: estimate and interval; blue is clear after adjustment, the rest is grey.")
    return Exhibit(
        name, shown.assign(tests=len(rows)), caption, Said(alt), forest_drawn, within=None,
        headings={"term": N_("Input"), "block": N_("Group"), "estimate": heading, "p_holm": N_("p, adjusted"),
                  "n": N_("Customers")}, formats={"estimate": interval(".2f"), "p_holm": "p", "n": ",.0f"},
    )  # fmt: skip


@drawing
def forest_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a row per input, coloured where it is clear after adjustment; odds ratios on a logarithmic axis."""
    names = [textwrap.fill(words(term), 20 if words.narrow else 46) for term in frame["term"]]
    lines, about = 1 + max(name.count("\n") for name in names), frame.iloc[0]
    figure = canvas(words, (0.15 * lines + 0.1) * len(names) + 0.8)
    axes, rows, clear = figure.subplots(), np.arange(len(frame)), (frame["result"] != "open").to_numpy()
    axes.axvline(about["null"], color=MUTED, linewidth=1, zorder=0)
    axes.hlines(rows, frame["ci_low"], frame["ci_high"], color=np.where(clear, ACCENT, MUTED), linewidth=1.6)
    sns.scatterplot(x=frame["estimate"].to_numpy(), y=rows, hue=clear, palette={True: ACCENT, False: MUTED}, s=36,
                    legend=False, ax=axes, zorder=3)  # fmt: skip
    if about["axis"] == "odds":
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        marks = ODDS_TICKS if low < 0.5 or high > 2 else CLOSE_TICKS
        ticks = [tick for tick in marks if low <= tick <= high]
        axes.set_xticks(ticks, [words.number(tick, ".3g") for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    name_rows(axes, names)
    label_below(figure, words.said(chosen(AXES, about["axis"], **about, shown=len(frame))), words)
    return figure


def strongest(effects: pd.DataFrame, facts: Mapping[str, Any]) -> Said:
    """Return what the clearest input does to the probability. `facts`: `rate_word`, `outcome_rate`."""
    row = effects.loc[effects["p_value"].idxmin()]
    clear = "level" if ": " in row["term"] else "clear"  # the name of a class follows that of its input
    (name,) = listed(pd.Series([row["term"]]))
    return chosen(
        STRONGEST, "open" if row["result"] == "open" else clear, name=name, **dict(facts) | dict(row)
    )


def blocks(rows: pd.DataFrame) -> Exhibit:
    """Return the test of each group: the model without it. `rows`: of `explain.risk.block_tests`."""
    named = plain(rows)
    adding, rest = (listed(found(named, code, "block")) for code in ("adds", "open"))
    said = Said(N_("Left out, these inputs make the fit clearly worse, after adjustment: {groups}; not shown for: "
                   "{rest}."), {"groups": adding, "rest": rest})  # fmt: skip
    return Exhibit(
        "blocks", named, said, within=None,
        headings={"block": N_("Inputs on"), "columns": N_("Columns"), "statistic": N_("χ²"),
                  "p_holm": N_("p, adjusted"), "r2_lost": N_("McFadden's R² lost")},
        formats={"columns": ".0f", "statistic": ".1f", "p_holm": "p", "r2_lost": ".4f"},
    )  # fmt: skip


SLOPES = {
    "extreme": N_("For customers not seen, predictions are too extreme: calibration slope {estimate:.2f} (95 % CI "
                  "{ci_low:.2f} to {ci_high:.2f}), where one is perfect."),
    "timid": N_("For customers not seen, predictions are not extreme enough: calibration slope {estimate:.2f} (95 "
                "% CI {ci_low:.2f} to {ci_high:.2f}), where one is perfect."),
    "open": N_("For customers not seen, the calibration slope, {estimate:.2f} (95 % CI {ci_low:.2f} to "
               "{ci_high:.2f}), is not told apart from one, which is perfect."),
}  # fmt: skip


def calibration(deciles: pd.DataFrame, slope: pd.DataFrame, facts: Mapping[str, Any]) -> Exhibit:
    """Return observed against predicted rates in tenths of the customers, each predicted from the others."""
    alt = N_(
        "A dot with interval per tenth, observed over predicted rate; on the dashed diagonal both are equal."
    )
    return Exhibit(
        "calibration", deciles.assign(rate_word=facts["rate_word"]),
        chosen(SLOPES, slope["result"].iloc[0], **slope.iloc[0]), Said(alt), calibration_drawn,
        headings={"predicted": N_("Predicted"), "observed": N_("Observed [95 % interval]"),
                  "events": with_outcome(facts["outcome_name"]), "n": N_("Customers")},
        formats={"predicted": ".1%", "observed": interval(".1%", "observed"), "events": ",.0f", "n": ",.0f"},
    )  # fmt: skip


@drawing
def calibration_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw observed against predicted rates; `frame` as for `calibration`, with `rate_word`."""
    figure = canvas(words, 3.4, width=4.8)
    axes, top = figure.subplots(), float(np.nanmax(frame[["ci_high", "predicted"]].to_numpy())) * 1.05
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.vlines(frame["predicted"], frame["ci_low"], frame["ci_high"], color=ACCENT, linewidth=1.6)
    sns.scatterplot(x=frame["predicted"], y=frame["observed"], color=ACCENT, s=36, ax=axes, zorder=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        numbered(axis, words, ".0%" if top > 0.05 else ".1%")
    rate = str(frame["rate_word"].iloc[0])
    axes.set(xlim=(0, top), ylim=(0, top), xlabel=words(N_("Predicted {rate}, from the other customers"), rate=rate),
             ylabel=words(N_("Observed, 95 % interval")))  # fmt: skip
    axes.grid()
    sns.despine(ax=axes)
    return figure


CURVES = {
    "some": N_("A curve fits clearly better than a straight line for {curved}; the regression keeps the line."),
    "none": N_("For none of {total} numbers does a curve fit clearly better than a straight line."),
}  # fmt: skip
GAPS = {
    "none": N_("No number of the regression is unknown for anybody."),
    "held": N_("Complete cases alone, and multiple imputation, leave the coefficient of {terms} inside its interval."),
    "moved": N_("Complete cases alone, or multiple imputation, move the coefficient of {terms} out of its interval."),
}  # fmt: skip
ALONE = {
    "some": N_("Not to be read alone, since others tell most of it (variance inflation above {limit:.0f}): {tied}."),
    "none": N_("No input is told mostly by others (variance inflation above {limit:.0f}): each can be read alone."),
}  # fmt: skip


def checks(curves: pd.DataFrame, gaps: pd.DataFrame, effects: pd.DataFrame) -> list[Said]:
    """Return whether shape, missing values, or inputs that tell each other change the picture: step `regression`."""
    curved, moved = found(curves, "curved"), found(gaps, "moved")
    tied = effects.loc[effects["vif"] > TIED].sort_values("vif", ascending=False)["term"]
    code = "moved" if len(moved) else "held" if len(gaps) else "none"
    return [chosen(CURVES, "some" if len(curved) else "none", curved=listed(curved, NAMED), total=len(curves)),
            chosen(GAPS, code, terms=listed(moved if len(moved) else gaps["term"], NAMED)),
            chosen(ALONE, "some" if len(tied) else "none", limit=TIED, tied=listed(tied, NAMED))]  # fmt: skip


def coefficients(effects: pd.DataFrame) -> Exhibit:
    """Return every input with odds ratio, change in probability, and both adjustments."""
    return Exhibit(
        "coefficients", plain(effects),
        Said(N_("Every input: odds ratio, and change of the probability in percentage points; p adjusted by Holm, "
                "and by Benjamini and Hochberg for the rate of false discoveries.")),
        headings={"term": N_("Input"), "block": N_("Group"), "odds_ratio": N_("Odds ratio [95 % interval]"),
                  "marginal_effect": N_("Percentage points [95 % interval]"), "p_value": N_("p"),
                  "p_holm": N_("p, Holm"), "p_bh": N_("p, false discovery"), "vif": N_("Variance inflation")},
        formats={"odds_ratio": interval(".2f", "odds_ratio"), "vif": ".1f",
                 "marginal_effect": "{marginal_effect:+.2pp} [{effect_low:+.2pp}, {effect_high:+.2pp}]",
                 "p_value": "p", "p_holm": "p", "p_bh": "p"}, within=None, supplement=True,
    )  # fmt: skip


LIMITS = {
    "causes": N_("Associations, not causes: changing an input need not change the outcome."),
    "accepted": N_("All loans were accepted by the lender; nothing here infers the refused."),
    "outcome": N_("What counts as the outcome: {outcome}."),
    "open": N_("Outcomes that were still open: {censoring}"),
}
FURTHER = {
    "04_models": N_("the same risks as rules, points and tiers"),
    "05_comparison": N_("how well models that use these inputs find the risky"),
}


def limits(facts: Mapping[str, Any]) -> list[Said]:
    """Return what the page cannot say. `facts`: `outcome`, `censoring`."""
    return [chosen(LIMITS, code, **facts) for code in LIMITS]
