"""Page 07, drift: how far scores and inputs moved, and the rule that calls for new tiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import INK, MODEL_COLOURS, WARNING, canvas, label_below
from research.exhibits.terms import NAMES, in_text
from research.exhibits.words import N_, Said, Words, chosen

SIGNALS = {"green": "#e8f2ec", "amber": "#fbf0d9", "red": "#f9e2da"}
SHIFTED = {
    "none": N_("From {first} to {last} no score, tier share or input left the stable band, below {bound:.2f}."),
    "some": N_("From {first} to {last}, {out} of {n} indices left the stable band (below {bound:.2f}); the largest "
               "is that of “{top}”, {value:.2f}."),
}  # fmt: skip
WHAT = {"score": N_("Score"), "tiers": N_("Tier shares"), "input": N_("Input")}
OF = {"score": N_("{name}, score"), "tiers": N_("{name}, tier shares"), "input": "{name}"}


def shifts(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how far scores, tier shares and inputs moved from first month to last: `rows` of the step `shifts`."""
    frame = rows.assign(label=rows["name"].map(NAMES).fillna(rows["label"]), kind=rows["what"].map(WHAT))
    out, top = int((frame["signal"] != "green").sum()), frame.loc[frame["estimate"].idxmax()]
    said = chosen(SHIFTED, "some" if out else "none", first=top["first"], last=top["last"], bound=top["shifted_from"],
                  out=out, n=len(frame), top=index_of(top), value=top["estimate"])  # fmt: skip
    alt = Said(N_("A dot per index on the bands stable, shifted and unstable, largest first."))
    return Exhibit(
        "shifts", frame, said, alt, shifts_drawn, within=None,
        headings={"kind": N_("Index of"), "label": N_("Model or input"), "estimate": N_("Stability index"),
                  "verdict": N_("Verdict"), "n": N_("Customers")},
        formats={"estimate": ".3f", "n": ",.0f"}, origin=origin,
    )  # fmt: skip


def index_of(row: pd.Series) -> Said:
    """Say of what a stability index is."""
    return Said(OF[row["what"]], {"name": Said(row["label"])})


@drawing
def shifts_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the indices of scores and tier shares, and the eight largest of the inputs, on their bands."""
    inputs = frame["what"] == "input"
    parts = {N_("Scores and tier shares"): frame[~inputs].nlargest(8, "estimate"),
             N_("Inputs that moved most"): frame[inputs].nlargest(8, "estimate")}  # fmt: skip
    heights, top = [len(part) + 1.5 for part in parts.values()], max(0.3, 1.1 * frame["estimate"].max())
    figure = canvas(words, max(2.4, 0.2 * sum(heights) + 0.5))
    grid = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    for axes, (title, part) in zip(grid, parts.items(), strict=True):
        bands(axes.axvspan, part["shifted_from"].iloc[0], part["unstable_from"].iloc[0], top)
        sns.scatterplot(x=part["estimate"], y=[*range(len(part))], color=INK, s=30, ax=axes, zorder=3)
        axes.set_yticks(range(len(part)), [words.said(index_of(row)) for _, row in part.iterrows()])
        axes.set(title=words(title), xlabel="", ylabel="", xlim=(0, top), ylim=(len(part) - 0.4, -0.6))
        sns.despine(ax=axes, left=True)
    label_below(figure, words(N_("Stability index; green: stable, yellow: shifted, red: unstable")), words)
    return figure


def bands(span: Callable[..., Any], amber: float, red: float, top: float) -> None:
    """Shade the bands of a measure, along the axis that `span` draws on."""
    for signal, low, high in zip(SIGNALS, (0, amber, red), (amber, red, top), strict=True):
        span(low, high, color=SIGNALS[signal], zorder=0, linewidth=0)


MEASURES = {
    "psi": N_("stability index of the score of new loans"),
    "downgrade_ratio": N_("downgrades over their usual number"),
    "calibration_ratio": N_("observed over expected defaults"),
}
RULE = N_("Three measures are watched: {measures}. Tiers are reviewed when at least {red} is red for {red_months} "
          "months in a row, {raised} are amber or red for {raised_months}, or any is for {lasting}. The rule is "
          "then silent until all have been below {margin:.0%} of their amber bound for {clear} months.")  # fmt: skip
FIRED = {
    "all": N_("The rule called for a review under every model, at most {last:.0f} months after the shock; false "
              "alarms in the {watched} months before: {before}."),
    "some": N_("The rule called for a review under {models}, at most {last:.0f} months after the shock, and never "
               "under {others}; false alarms in the {watched} months before: {before}."),
    "none": N_("The rule called for no review after the shock; false alarms in {watched} months before: {before}."),
}  # fmt: skip


def rule(given: Mapping[str, Any]) -> Said:
    """State the rule that calls for new tiers, from its file."""
    numbers = {name.removesuffix("_measures"): value for name, value in given["fire"].items()}
    numbers["lasting"] = numbers.pop("lasting_months")
    cleared = {"margin": given["clear"]["margin"], "clear": given["clear"]["months"]}
    return Said(RULE, numbers | cleared | {"measures": [Said(MEASURES[name]) for name in given["measures"]]})


def trigger(rows: pd.DataFrame, delay: pd.DataFrame) -> Exhibit:
    """Show the measures of the rule month by month, and when it fired: `months` and `delay` of the step `triggers`."""
    when, never = delay.dropna(subset=["delay"]), delay.loc[delay["delay"].isna(), "model"]
    code = "none" if when.empty else "some" if len(never) else "all"
    said = chosen(FIRED, code, before=int(delay["before"].sum()), watched=int(delay["months_watched_before"].max()),
                  models=in_text([*when["model"]]), others=in_text([*never]), last=when["delay"].max())  # fmt: skip
    alt = Said(N_("A panel per measure on its bands, a line per model, a diamond for a review."))
    return Exhibit(
        "trigger", rows, said, alt, trigger_drawn, within=None, origin="demonstration",
        headings={"model": N_("Model"), "period": N_("Month"), "measure": N_("Measure"), "value": N_("Value"),
                  "signal": N_("Signal"), "fired": N_("Review called")}, formats={"value": ".2f", "period": ".0f"},
    )  # fmt: skip


@drawing
def trigger_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per measure: bands, a line per model, the month of the shock, and where the rule fired."""
    frame = frame.assign(name=[words(NAMES[name]) for name in frame["model"]])
    colours = {words(NAMES[name]): MODEL_COLOURS[name] for name in dict.fromkeys(frame["model"])}
    figure = canvas(words, 4.9)
    grid = figure.subplots(len(MEASURES), 1, sharex=True)
    for axes, (measure, title) in zip(grid, MEASURES.items(), strict=True):
        part = frame[frame["measure"] == measure]
        why = part[part["fired"].astype(bool) & (part["signal"] != "green")]
        top = 1.15 * max(part["value"].max(), part["red"].iloc[0])
        bands(axes.axhspan, part["amber"].iloc[0], part["red"].iloc[0], top)
        lines = {"x": "period", "y": "value", "hue": "name", "palette": colours, "ax": axes}
        sns.lineplot(part, **lines, legend=axes is grid[0])
        if len(why):
            sns.scatterplot(why, **lines, marker="D", s=40, legend=False, zorder=4)
        axes.axvline(part["shock"].iloc[0], color=WARNING, linewidth=1, linestyle=(0, (1, 2)))
        axes.set(title=words(title).capitalize(), xlabel="", ylabel="", ylim=(0, top))
        axes.margins(x=0.01)
        sns.despine(ax=axes)
    sns.move_legend(grid[0], "upper left", ncols=1 if words.narrow else 3, title=None)
    label_below(figure, words(N_("Month. Dotted: the shock begins. Diamond: why a review is called.")), words)
    return figure
