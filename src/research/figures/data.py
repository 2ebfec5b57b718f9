"""Figures of the data: what is measured, how it is distributed, how it is classified."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from research.figures.style import (
    ACCENT,
    INK,
    MUTED,
    PALETTE,
    canvas,
    intervals,
    panels,
    percent,
    persons,
    styled,
    text_on,
)

FITS = ("absent", "proxy", "direct")


@styled
def coverage_matrix(coverage: pd.DataFrame) -> Figure:
    """Draw which construct each data set measures.

    Args:
        coverage: long frame `label`, `criterion`, `dataset`, `fit` (direct, proxy, absent), in display order.
    """
    wide = coverage.pivot_table(
        index=["criterion", "label"], columns="dataset", values="fit", aggfunc="first", sort=False
    )
    codes = wide.map(FITS.index).to_numpy()
    figure = canvas(7.6, 0.21 * len(wide) + 1.1)
    axes = figure.subplots()
    colours = [PALETTE["fit"][fit] for fit in FITS]
    axes.pcolormesh(
        codes, cmap=ListedColormap(colours), vmin=-0.5, vmax=2.5, edgecolor="white", linewidth=1.5
    )
    for (row, column), code in np.ndenumerate(codes):
        if code:
            axes.text(
                column + 0.5,
                row + 0.5,
                FITS[code],
                ha="center",
                va="center",
                fontsize=7.5,
                color=text_on(colours[code]),
            )
    axes.set_yticks(np.arange(len(wide)) + 0.5, [f"{label}  {c}" for c, label in wide.index], fontsize=8)
    axes.set_xticks(np.arange(wide.shape[1]) + 0.5, wide.columns, fontsize=8.5, color=INK)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    return figure


@styled
def distributions(values: pd.DataFrame, labels: dict[str, str], smallest: int = 0) -> Figure:
    """Draw one histogram per numeric column (middle 98 %), with the median marked.

    Heights are multiples of `smallest`, so that no bar tells of fewer customers than that.
    """
    figure, grid = panels(len(labels), columns=4, row_height=1.65)
    for axes, (column, label) in zip(grid, labels.items(), strict=True):
        x = values[column].dropna()
        low, high = x.quantile([0.01, 0.99])
        heights, edges = np.histogram(x.clip(low, high), bins=min(30, max(x.nunique(), 2)))
        heights = heights // max(smallest, 1) * max(smallest, 1)
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=ACCENT, alpha=0.85)
        axes.axvline(x.median(), color=INK, linewidth=1.2)
        axes.set_title(label, fontsize=8.5, fontweight="normal")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.locator_params(axis="x", nbins=4)
    return figure


@styled
def missing_shares(table: pd.DataFrame) -> Figure:
    """Draw the share missing per construct. `table`: `label`, `share`, sorted."""
    figure = canvas(7.6, 0.24 * len(table) + 0.8)
    axes = figure.subplots()
    axes.barh(table["label"], table["share"], color=ACCENT, height=0.62)
    for row, share in enumerate(table["share"]):
        axes.text(share, row, f" {share:.1%}", va="center", fontsize=8.5)
    axes.invert_yaxis()
    axes.set_xlim(0, max(table["share"].max() * 1.15, 0.01))
    percent(axes.xaxis)
    axes.set_xlabel("Share of customers without a value")
    return figure


@styled
def rates_by_class(
    table: pd.DataFrame, overall: float, xlabel: str = "Outcome rate, 95 % interval"
) -> Figure:
    """Draw the outcome rate of each class within its standard.

    Args:
        table: `standard`, `class`, `rate`, `ci_low`, `ci_high`, `n`; classes of a standard stand together.
        overall: the rate of all customers, drawn as a line.
        xlabel: what the rate is.
    """
    rows, names, titles, position = [], [], [], 0.0
    for standard, part in table.groupby("standard", sort=False):
        titles.append((position - 0.75, standard))
        rows += [position + i for i in range(len(part))]
        names += [f"{label}  ({persons(n)})" for label, n in zip(part["class"], part["n"], strict=True)]
        position += len(part) + 1.3
    figure = canvas(7.6, 0.22 * position + 0.7)
    axes = figure.subplots()
    axes.axvline(overall, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    intervals(axes, rows, table["ci_low"], table["rate"], table["ci_high"], ACCENT, size=24)
    axes.set_yticks(rows, names, fontsize=8.5)
    limit = min(table["ci_high"].max(), max(4 * overall, 1.3 * table["rate"].max()))
    axes.set_xlim(0, limit * 1.03)
    for height, title in titles:
        axes.text(0, height, title, fontsize=8.5, fontweight="bold", transform=axes.get_yaxis_transform())
    axes.set_ylim(position - 0.8, -1.4)
    axes.text(overall, -1.3, " all customers", fontsize=8, color=MUTED, va="top")
    percent(axes.xaxis, 1 if limit < 0.1 else 0)
    axes.set_xlabel(xlabel)
    return figure
