"""Figures of tiers: how many, how risky, who, and where they sit in a model's own space."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from research.figures.style import (
    INK,
    MUTED,
    TIER_COLOURS,
    canvas,
    intervals,
    panels,
    percent,
    persons,
    styled,
    text_on,
)


@styled
def tier_rates(table: pd.DataFrame, overall: float, xlabel: str) -> Figure:
    """Draw the outcome rate of each tier with its interval.

    Args:
        table: `tier`, `rate`, `ci_low`, `ci_high`, `n`; an optional column `panel` makes one panel per value.
        overall: the rate of all customers.
        xlabel: what the rate is.
    """
    groups = list(table.groupby("panel", sort=False)) if "panel" in table else [("", table)]
    figure, grid = panels(len(groups), columns=min(3, len(groups)), row_height=2.1)
    limit = np.fmax(table["ci_high"].max(), overall) * 1.08  # all may be withheld
    for axes, (title, part) in zip(grid, groups, strict=True):
        colours = [TIER_COLOURS[tier] for tier in part["tier"]]
        axes.axvline(overall, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        intervals(axes, np.arange(len(part)), part["ci_low"], part["rate"], part["ci_high"], colours, 40)
        first = axes is grid[0] or len(groups) > 3
        labels = [f"{tier}\n{persons(n)}" for tier, n in zip(part["tier"], part["n"], strict=True)]
        axes.set_yticks(np.arange(len(part)), labels, fontsize=8.5)
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_xlim(0, limit)
        axes.set_title(title, fontsize=9.5)
        percent(axes.xaxis, 0 if limit > 0.15 else 1)
        axes.grid(axis="x")
        if first:
            axes.set_xlabel(xlabel, fontsize=8.5)
    return figure


@styled
def tier_profile(table: pd.DataFrame) -> Figure:
    """Draw the median of each construct by tier with its middle half, one panel per construct.

    Args:
        table: `label`, `unit`, `tier`, `median`, `q25`, `q75`.
    """
    groups = list(table.groupby("label", sort=False))
    figure, grid = panels(len(groups), columns=4, row_height=1.75)
    for axes, (label, part) in zip(grid, groups, strict=True):
        rows = np.arange(len(part))
        colours = [TIER_COLOURS[tier] for tier in part["tier"]]
        axes.hlines(rows, part["q25"], part["q75"], color=colours, linewidth=5, alpha=0.35)
        axes.scatter(part["median"], rows, color=colours, s=34, zorder=3)
        axes.set_yticks(rows, part["tier"] if axes in grid[::4] else [""] * len(part), fontsize=8.5)
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_title("\n".join(textwrap.wrap(label, 22)), fontsize=8.5, fontweight="normal")
        unit = str(part["unit"].iloc[0])
        percent(axes.xaxis) if unit.startswith("share") else axes.xaxis.set_major_formatter(
            EngFormatter(sep="")
        )
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x")
    return figure


@styled
def rfm_grid(table: pd.DataFrame, value: str, label: str) -> Figure:
    """Draw a value over recency score × frequency score, with the number of customers in each cell.

    Args:
        table: `r_score`, `f_score` (1 to 5), `n` and the value's column.
        value: the column to colour by, a share.
        label: what it is.
    """
    wide = table.pivot(index="f_score", columns="r_score", values=value).sort_index(ascending=False)
    counts = table.pivot(index="f_score", columns="r_score", values="n").reindex_like(wide)
    figure = canvas(6.4, 4.3)
    axes = figure.subplots()
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(wide.to_numpy(float)), cmap="Blues", edgecolor="white", linewidth=2
    )
    for (row, column), share in np.ndenumerate(wide.to_numpy(float)):
        if np.isfinite(share):
            words = f"{share:.1%}\n{persons(counts.to_numpy()[row, column])}"
            colour = text_on(mesh.to_rgba(share))
            axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(np.arange(wide.shape[1]) + 0.5, [f"{c:g}" for c in wide.columns])
    axes.set_yticks(np.arange(wide.shape[0]) + 0.5, [f"{c:g}" for c in wide.index])
    axes.invert_yaxis()
    axes.set(xlabel="Recency score (5 = most recent)", ylabel="Frequency score (5 = most frequent)")
    axes.set_title(label, fontsize=9.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


@styled
def cell_map(table: pd.DataFrame) -> Figure:
    """Draw the tier of each value × risk × need cell, with its customers.

    Args:
        table: `a_level`, `b_level`, `c_level` (low, mid, high), `tier`, `n`.
    """
    levels = ["low", "mid", "high"]
    figure, grid = panels(3, columns=3, row_height=2.75)
    for axes, need in zip(grid, levels, strict=True):
        part = table[table["c_level"] == need]
        for row in part.itertuples():
            x, y = levels.index(row.a_level), levels.index(row.b_level)
            colour = TIER_COLOURS[row.tier]
            axes.add_patch(_square(x, y, colour))
            axes.text(
                x,
                y,
                f"{row.tier}\n{persons(row.n)}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=text_on(colour),
            )
        axes.set_xlim(-0.55, 2.55)
        axes.set_ylim(-0.55, 2.55)
        axes.set_xticks(range(3), levels)
        axes.set_yticks(range(3), levels if need == "low" else [""] * 3)
        axes.set_title(f"Need (C): {need}", fontsize=9.5)
        axes.set_xlabel("Value (A)")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    grid[0].set_ylabel("Risk (B)")
    return figure


@styled
def leaves(table: pd.DataFrame, xlabel: str) -> Figure:
    """Draw each rule's risk with its interval, in order of risk.

    Args:
        table: `rule`, `pd`, `ci_low`, `ci_high`, `n`, `tier`.
        xlabel: what the risk is.
    """
    figure = canvas(7.6, 0.42 * len(table) + 0.8)
    axes = figure.subplots()
    rows = np.arange(len(table))
    colours = [TIER_COLOURS[tier] for tier in table["tier"]]
    intervals(axes, rows, table["ci_low"], table["pd"], table["ci_high"], colours, 36)
    axes.set_yticks(
        rows, [_wrapped(rule, n) for rule, n in zip(table["rule"], table["n"], strict=True)], fontsize=8
    )
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlim(left=0)
    percent(axes.xaxis, 0 if table["ci_high"].max() > 0.15 else 1)
    axes.set_xlabel(xlabel)
    axes.grid(axis="x")
    return figure


def _square(x: float, y: float, colour: str):
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=colour, edgecolor="white")


def _wrapped(rule: str, n: int, width: int = 62) -> str:
    return "\n".join(textwrap.wrap(f"{rule}  ({persons(n)})", width)) or INK
