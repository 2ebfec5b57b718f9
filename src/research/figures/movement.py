"""Figures of movement: matrices of moves between tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from research.figures.style import MUTED, PALETTE, canvas, persons, styled, text_on


@styled
def migration_matrix(table: pd.DataFrame, from_label: str = "From", to_label: str = "To") -> Figure:
    """Draw a migration or roll-rate matrix: share, and number of moves, of every cell.

    Args:
        table: long matrix with `from`, `to`, `estimate`, `count`, `n`.
    """
    rows, columns = list(dict.fromkeys(table["from"])), list(dict.fromkeys(table["to"]))
    keep = table.groupby("from", observed=True)["n"].max()
    rows = [row for row in rows if keep.get(row, 0) > 0]
    wide = table.pivot(index="from", columns="to", values="estimate").reindex(index=rows, columns=columns)
    count = table.pivot(index="from", columns="to", values="count").reindex(index=rows, columns=columns)
    figure = canvas(max(4.4, 1.6 + 1.0 * len(columns)), 1.1 + 0.62 * len(rows))
    axes = figure.subplots()
    values = wide.to_numpy(float)
    mesh = axes.pcolormesh(
        np.sqrt(values), cmap=PALETTE["sequential"], vmin=0, vmax=1.15, edgecolor="white", linewidth=2
    )
    for (row, column), share in np.ndenumerate(values):
        colour = text_on(mesh.to_rgba(np.sqrt(share)))
        moves = count.to_numpy()[row, column]
        if moves != moves:
            axes.text(column + 0.5, row + 0.5, "withheld", ha="center", va="center", fontsize=8, color=MUTED)
            continue
        if moves == 0:
            axes.text(column + 0.5, row + 0.5, "none", ha="center", va="center", fontsize=8, color=MUTED)
            continue
        axes.text(
            column + 0.5, row + 0.42, f"{share:.1%}", ha="center", va="center", fontsize=9.5, color=colour
        )
        axes.text(
            column + 0.5, row + 0.72, f"{moves:,.0f}", ha="center", va="center", fontsize=7.5, color=colour
        )
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(
        np.arange(len(rows)) + 0.5, [f"{row}\n{persons(keep[row])}" for row in rows], fontsize=8.5
    )
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.invert_yaxis()
    axes.set(xlabel=to_label, ylabel=from_label)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
