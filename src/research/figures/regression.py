"""Figures of the regressions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from research.figures.style import ACCENT, INK, MUTED, canvas, intervals, percent, styled


@styled
def forest(table: pd.DataFrame, xlabel: str, null: float = 1.0, log: bool = True) -> Figure:
    """Draw estimates with intervals; those whose interval leaves out the null value are dark.

    Args:
        table: `term`, `estimate`, `ci_low`, `ci_high`, in display order.
        xlabel: what the estimate is, with its unit.
        null: the value of no effect.
        log: ratio scale.
    """
    figure = canvas(7.6, 0.245 * len(table) + 0.9)
    axes = figure.subplots()
    away = (table["ci_low"] > null) | (table["ci_high"] < null)
    colours = np.where(away, ACCENT, "#9aa4ae")
    axes.axvline(null, color=MUTED, linewidth=1)
    intervals(
        axes, np.arange(len(table)), table["ci_low"], table["estimate"], table["ci_high"], list(colours), 26
    )
    axes.set_yticks(np.arange(len(table)), table["term"], fontsize=8.5)
    if log:
        axes.set_xscale("log")
        low, high = table["ci_low"].min(), table["ci_high"].max()
        ticks = [t for t in (0.1, 0.25, 0.5, 1, 2, 4, 10) if low * 0.9 <= t <= high * 1.1]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.set_xlabel(xlabel)
    return figure


@styled
def calibration(deciles: pd.DataFrame) -> Figure:
    """Draw observed against predicted risk. `deciles`: `predicted`, `observed`, `ci_low`, `ci_high`, `n`."""
    figure = canvas(4.6, 4.2)
    axes = figure.subplots()
    top = max(deciles["ci_high"].max(), deciles["predicted"].max()) * 1.05
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.vlines(deciles["predicted"], deciles["ci_low"], deciles["ci_high"], color=ACCENT)
    axes.scatter(deciles["predicted"], deciles["observed"], color=ACCENT, s=26, zorder=3)
    axes.text(
        top * 0.97, top * 0.93, "perfect", ha="right", va="bottom", color=MUTED, fontsize=8.5, rotation=45
    )
    axes.set(
        xlim=(0, top),
        ylim=(0, top),
        xlabel="Predicted risk (out of fold)",
        ylabel="Observed rate, 95 % interval",
    )
    percent(axes.xaxis, 0 if top > 0.2 else 1)
    percent(axes.yaxis, 0 if top > 0.2 else 1)
    axes.grid()
    return figure


@styled
def explained_shares(table: pd.DataFrame) -> Figure:
    """Draw what each block explains alone and what is lost without it. `table`: `block`, `r2_alone`, `r2_lost`."""
    figure = canvas(7.6, 0.36 * len(table) + 0.9)
    axes = figure.subplots()
    rows = np.arange(len(table))
    axes.hlines(rows, table["r2_lost"], table["r2_alone"], color="#c9d2da", linewidth=3)
    axes.scatter(table["r2_lost"], rows, color=INK, s=30, zorder=3)
    axes.scatter(table["r2_alone"], rows, color=ACCENT, s=30, zorder=3)
    axes.text(table["r2_lost"].iloc[0], -0.32, "lost without it", fontsize=8.5, ha="center", va="bottom")
    axes.text(
        table["r2_alone"].iloc[0],
        -0.32,
        "explained alone",
        fontsize=8.5,
        color=ACCENT,
        ha="center",
        va="bottom",
    )
    axes.set_yticks(rows, table["block"])
    axes.set_ylim(len(table) - 0.5, -0.9)
    axes.set_xlim(-0.03, max(1.0, table["r2_alone"].max()))
    percent(axes.xaxis)
    axes.set_xlabel("Share of the variance of the rate (R²)")
    axes.grid(axis="x")
    return figure
