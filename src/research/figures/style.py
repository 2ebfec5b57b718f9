"""The look of all figures: one palette, quiet axes, text large enough to read on paper."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from research.paths import DEFINITIONS

PALETTE: dict[str, Any] = yaml.safe_load((DEFINITIONS / "palette.yml").read_text(encoding="utf-8"))
TIER_COLOURS: dict[str, str] = {tier: pair["light"] for tier, pair in PALETTE["tiers"].items()}
INK, MUTED, RULE, ACCENT = (PALETTE[name] for name in ("ink", "muted", "rule", "accent"))

RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#e9ecef",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "research",
    "figure.dpi": 100,
}


def styled(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the study's style without changing it for anybody else."""

    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> Figure:
        with mpl.rc_context(RC):
            return function(*args, **kwargs)

    return draw


def canvas(width: float = 7.6, height: float = 4.0) -> Figure:
    """Return an empty figure, in inches; 7.6 is the width of the text column."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(
    count: int, columns: int = 3, width: float = 7.6, row_height: float = 2.3
) -> tuple[Figure, list[Axes]]:
    """Return a figure of small multiples and its axes in reading order; spare cells stay empty."""
    rows = -(-count // columns)
    figure = canvas(width, row_height * rows)
    grid = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for spare in grid[count:]:
        spare.set_axis_off()
    return figure, list(grid[:count])


def intervals(
    axes: Axes, rows: Any, low: Any, mid: Any, high: Any, colour: Any = INK, size: float = 30
) -> None:
    """Draw horizontal intervals with their estimate, one per row."""
    axes.hlines(rows, low, high, color=colour, linewidth=1.6)
    axes.scatter(mid, rows, color=colour, s=size, zorder=3)


def percent(axis: Any, decimals: int = 0) -> None:
    """Label an axis in per cent."""
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=decimals))


def text_on(colour: Any) -> str:
    """Return black or white, whichever reads better on the colour."""
    red, green, blue = mpl.colors.to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK


def persons(n: Any) -> str:
    """Return a number of persons for a label; one that was left out of the table says so."""
    return "n withheld" if n != n else f"n = {n:,.0f}"
