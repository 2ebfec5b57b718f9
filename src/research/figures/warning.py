"""Figures of early warning: how long before the event a rule speaks, and how often it is right."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from research.figures.monitoring import note
from research.figures.style import ACCENT, MUTED, PALETTE, canvas, panels, percent, styled

WARNING = PALETTE["warning"]


@styled
def lead_times(table: pd.DataFrame, horizon: int = 12) -> Figure:
    """Draw how long before the event each rule first spoke, one panel per rule; the share it missed is written out.

    Args:
        table: `label`, `lead_months` (NaN = missed), `share`.
    """
    groups = list(table.groupby("label", sort=False))
    figure, grid = panels(len(groups), columns=3, row_height=1.75)
    top = 1.12 * table.loc[table["lead_months"].notna(), "share"].max()
    months = np.arange(1, horizon + 1)
    for axes, (label, part) in zip(grid, groups, strict=True):
        share = (
            part.dropna(subset=["lead_months"])
            .set_index("lead_months")["share"]
            .reindex(months, fill_value=0)
        )
        missed = part.loc[part["lead_months"].isna(), "share"].sum()
        axes.bar(months, share, color=ACCENT, width=0.8)
        axes.set_title("\n".join(textwrap.wrap(label, 34)), fontsize=8, fontweight="normal")
        axes.text(
            0.03,
            0.9,
            f"missed {missed:.0%}",
            transform=axes.transAxes,
            ha="left",
            va="top",
            fontsize=8,
            color=WARNING if missed > 0.5 else MUTED,
        )
        axes.set_ylim(0, top)
        axes.set_xlim(horizon + 0.7, 0.3)
        axes.set_xticks([12, 9, 6, 3, 1])
        axes.locator_params(axis="y", nbins=3)
        percent(axes.yaxis)
    bottom = grid[-3:] if len(grid) >= 3 else grid
    for axes in bottom:
        axes.set_xlabel("Months before default", fontsize=8.5)
    return figure


@styled
def warning_worth(table: pd.DataFrame) -> Figure:
    """Draw each rule's hit rate against its precision, with intervals; up and to the right is better.

    Args:
        table: `label`, `hit_rate`, `hit_low`, `hit_high`, `precision`, `precision_low`, `precision_high`, `base_rate`.
    """
    figure = canvas(7.6, 4.6)
    axes = figure.subplots()
    base = table["base_rate"].iloc[0]
    axes.axhline(base, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    note(axes, "a month picked blindly", (1, base), (0, 3), ha="right", color=MUTED)
    axes.hlines(table["precision"], table["hit_low"], table["hit_high"], color=ACCENT, linewidth=1)
    axes.vlines(table["hit_rate"], table["precision_low"], table["precision_high"], color=ACCENT, linewidth=1)
    axes.scatter(table["hit_rate"], table["precision"], color=ACCENT, s=28, zorder=3)
    top = 1.15 * table["precision_high"].max()
    right_side = table["hit_rate"] > 0.6
    for side, part in table.groupby(right_side):
        last = np.inf
        for row in part.sort_values("precision", ascending=False).itertuples():
            close = last - row.precision < 0.05 * top
            offset = (-7 if side else 7, -12 if close else 5)
            note(axes, row.label, (row.hit_rate, row.precision), offset, ha="right" if side else "left")
            last = row.precision
    axes.set(
        xlabel="Defaults that had an alarm in the year before (hit rate)",
        ylabel="Alarms followed by default (precision)",
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, top)
    percent(axes.xaxis)
    percent(axes.yaxis)
    return figure
