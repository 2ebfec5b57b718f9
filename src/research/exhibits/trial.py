"""Page 08: what trial would show that an action works, and whether it could be held."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from research.exhibits.exhibit import drawing
from research.exhibits.style import ACCENT, INK, MUTED, canvas, percent
from research.exhibits.words import N_, Words


@drawing
def power_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw power against customers, with and without attrition: lines by formula, dots by simulation."""
    figure = canvas(words, 3.0)
    axes = figure.subplots()
    for (share, part), tint in zip(frame.groupby("attrition"), (INK, ACCENT), strict=False):
        axes.plot(
            part["customers"], part["power"], color=tint, label=words(N_("{share:.0%} lost"), share=share)
        )
        axes.errorbar(
            part["customers"], part["simulated"], 1.96 * part["mc_error"], fmt="o", color=tint, markersize=4
        )
    axes.axhline(0.8, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(ylim=(0, 1.02), xlim=(0, None))
    axes.set_xlabel(words(N_("Customers in the trial (line: formula, dots: simulation)")))
    axes.set_ylabel(words(N_("Power")))
    percent(axes.yaxis, words)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, ",.0f")))
    axes.legend()
    sns.despine(ax=axes)
    return figure
