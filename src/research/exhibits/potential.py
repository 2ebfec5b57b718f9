"""Page 07, the flag of potential premium customers, held against value alone and lots."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import forest, label_below, small_multiples
from research.exhibits.terms import NAMES, in_text
from research.exhibits.words import N_, Said, Words, chosen

FLAGS = {"rule": N_("Contact plan"), "value": N_("Value alone"), "random": N_("By lot")}
FOUND = {
    "better": N_("Low-risk customers flagged under {found} became premium more often than others; more often than "
                 "those picked by value alone only under {better}."),
    "level": N_("Low-risk customers flagged under {found} became premium more often than others, but under no "
                "model more often than those picked by value alone."),
    "none": N_("Under no model are flagged low-risk customers shown to become premium more often than others."),
}  # fmt: skip
FLAGGED = N_("Under {model}, {arrived:,.0f} of {flagged:,.0f} flagged customers were premium two months later "
             "({share:.1%}), and {others:.1%} of the other low-risk customers: {lift:.1f} times as often (95 % "
             "interval {low:.1f} to {high:.1f}).")  # fmt: skip
VALUE = {
    "better": N_("As many picked by value alone would have found fewer, {arrived:,.0f}."),
    "worse": N_("As many picked by value alone would have found more, {arrived:,.0f}."),
    "open": N_("As many picked by value alone would have found {arrived:,.0f}; that is no difference beyond chance."),
}  # fmt: skip


def flags(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how many times as often flagged low-risk customers became premium as the others, a panel per model."""
    rule = rows[rows["flag"] == "rule"].set_index("model")
    found, better = list(rule.index[rule["ci_low"] > 1]), list(rule.index[rule["result"] == "better"])
    code = "none" if not found else "better" if better else "level"
    alt = Said(N_("A panel per model: lift of the flag, of value alone and of lots; a line at one."))
    return Exhibit(
        "flags", rows, chosen(FOUND, code, found=in_text(found), better=in_text(better)), alt, flags_drawn,
        within=None, origin=origin,
        headings={"model": N_("Model"), "flag": N_("Flagged by"), "flagged": N_("Flagged"),
                  "arrived": N_("of these premium"), "rest": N_("Others"), "arrived_rest": N_("premium"),
                  "estimate": N_("Lift [95 % interval]")},
        formats={"estimate": interval(".1f")} | dict.fromkeys(["flagged", "arrived", "rest", "arrived_rest"], ",.0f"),
    )  # fmt: skip


@drawing
def flags_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest of lifts per model."""
    models = list(dict.fromkeys(frame["model"]))
    figure, panels = small_multiples(words, len(models), columns=3, row_height=1.2)
    for axes, name in zip(panels, models, strict=True):
        part = frame[frame["model"] == name].set_index("flag").rename(index=FLAGS)
        rows = part.reindex(columns=[*part.columns, "prediction_low", "prediction_high"])
        forest(axes, rows, list(FLAGS.values()), "", 1, words)
        axes.set_title(words(NAMES[name]))
    panels[0].set_xlim(left=0)
    text = N_("Lift, flagged over not flagged, with 95 % interval; by lot: where the draws lie")
    label_below(figure, words(text), words)
    return figure


def flagged(rows: pd.DataFrame) -> list[Said]:
    """Say what the flag found under the last model, and what value alone would have found."""
    model = rows["model"].iloc[-1]
    part = rows[rows["model"] == model].set_index("flag")
    rule = part.loc["rule"]
    fields = {"model": in_text([model]), "share": rule["arrived"] / rule["flagged"],
              "others": rule["arrived_rest"] / rule["rest"], "lift": rule["estimate"], "low": rule["ci_low"],
              "high": rule["ci_high"], "arrived": rule["arrived"], "flagged": rule["flagged"]}  # fmt: skip
    return [Said(FLAGGED, fields), Said(VALUE[rule["result"]], {"arrived": part.loc["value", "arrived"]})]
