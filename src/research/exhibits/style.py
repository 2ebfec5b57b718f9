"""The look of all figures: seaborn's ticks style, one palette, text large enough to read on paper and on a phone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.exhibits.words import N_, Said, Words
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS
from research.tiers import TIERS

PALETTE: dict[str, Any] = own_yaml(DEFINITIONS / "palette.yml")
TIER_COLOURS: dict[str, str] = {tier: pair["light"] for tier, pair in PALETTE["tiers"].items()}
MODEL_COLOURS: dict[str, str] = PALETTE["models"]
INK, MUTED, RULE, ACCENT, WARNING = (PALETTE[name] for name in ("ink", "muted", "rule", "accent", "warning"))
DASHED = (0, (4, 3))
MANY = 100_000  # persons whose number, written beside a row, would touch the next panel
FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei"]
RC = {
    "font.family": "sans-serif",
    "font.sans-serif": FONTS,
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.titley": 1.0,  # at the top, without looking for what may stand there
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "grid.color": "#e9ecef",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "path",  # a machine without the font would show boxes otherwise
    "svg.hashsalt": "research",
}
ONE_AT_A_TIME = RLock()  # settings of matplotlib belong to the whole process


@contextmanager
def theme() -> Iterator[None]:
    """Draw in the study's style; afterwards everything is as it was."""
    with ONE_AT_A_TIME, mpl.style.context("default"):  # nothing of a user's own matplotlibrc
        sns.set_theme(context="paper", style="ticks", palette=list(MODEL_COLOURS.values()), rc=RC)
        yield


def fonts() -> list[str]:
    """Return those of the study's fonts that this machine has: a figure looks otherwise with others."""
    return sorted(set(FONTS) & set(font_manager.get_font_names()))


def canvas(words: Words, height: float, width: float = 7.6) -> Figure:
    """Return an empty figure of a height in inches, as wide as wished and as there is room for."""
    return Figure(figsize=(min(width, words.width), height), layout="constrained")


def panels(
    words: Words, count: int, columns: int, row_height: float, room: float = 0.3, **shared: bool
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels, in reading order; on a phone they stand below each other.

    A row has its height in inches, and all rows together the `room` besides; `shared` is what they share (`sharex`).
    """
    columns = 1 if words.narrow else min(columns, count)
    rows = -(-count // columns)
    figure = canvas(words, row_height * rows + room)
    grid = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for spare in grid[count:]:
        spare.set_axis_off()
    return figure, list(grid[:count])


def small_multiples(words: Words, count: int, columns: int, row_height: float) -> tuple[Figure, list[Axes]]:
    """Return `panels` that share both axes; the lowest of every column tells its axis, also in the last but one row."""
    figure, grid = panels(words, count, columns, row_height, sharex=True, sharey=True)
    for lowest in grid[-grid[0].get_gridspec().ncols :]:
        lowest.tick_params(labelbottom=True)
    return figure, grid


def tiers_with_intervals(axes: Axes, frame: pd.DataFrame, words: Words, overall: float | None = None) -> None:
    """Draw the rate of each tier, premium on top, of a `frame` with `tier` as `rows_with_intervals` draws it."""
    shown = frame.set_index("tier").reindex(TIERS)
    rows_with_intervals(axes, shown, [*map(words.tier, TIERS)], colours(TIERS), words, overall)


def rows_with_intervals(
    axes: Axes, frame: pd.DataFrame, names: list[str], shades: list[str], words: Words, overall: float | None
) -> None:
    """Draw `rate` with its interval per row, the first on top, with the customers in each (`n`; missing: withheld).

    The rows have names and colours (`shades`); `overall` is the rate of all customers, a dashed line.
    """
    places = np.arange(len(frame))
    if overall is not None:
        axes.axvline(overall, color=MUTED, linewidth=1, linestyle=DASHED, zorder=0)
    axes.hlines(places, frame["ci_low"], frame["ci_high"], color=shades, linewidth=1.8)
    known = frame["rate"].notna().to_numpy()
    dots(axes, frame["rate"][known], places[known], 46, facecolor=np.array(shades)[known])
    if frame["n"].max() >= MANY:
        axes.figure.get_layout_engine().set(wspace=0.06)
    for row, n in zip(places, frame["n"], strict=True):
        beside(axes, row, n, words)
    name_rows(axes, names, below=0.4)


def dots(axes: Axes, x: Any, y: Any, size: float, edgecolor: str = "white", **look: Any) -> None:
    """Draw one dot a row as seaborn's look; to find out that there is one, seaborn takes ten times as long."""
    axes.scatter(x, y, size, edgecolor=edgecolor, linewidth=0.08 * size**0.5, zorder=3, **look)


def beside(axes: Axes, row: float, n: Any, words: Words) -> None:
    """Write a number of persons to the right of a row."""
    axes.annotate(persons(n, words), (1, row), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
                  color=MUTED, xytext=(3, 0), textcoords="offset points", annotation_clip=False)  # fmt: skip


def name_rows(axes: Axes, names: Sequence[str], below: float = 0.5, **look: Any) -> None:
    """Name the rows of a chart from top to bottom; `below` the last of them is so much room, in rows."""
    axes.set_yticks(range(len(names)), names, **look)
    axes.set_ylim(len(names) - below, below - 1)
    axes.set(xlabel="", ylabel="")
    axes.grid(axis="x")
    sns.despine(ax=axes, left=True)


def name_questions(axes: Axes, names: Sequence[str], words: Words) -> None:
    """Name the rows of a chart by questions or scales, which begin with a capital there."""
    shown = [words(name) for name in names]
    name_rows(axes, [wrapped(name[:1].upper() + name[1:], words, 44) for name in shown])


def legend_above(figure: Figure, axes: Axes, words: Words) -> None:
    """Put the legend of a chart above it, on a phone in two columns, of long names in one."""
    handles, labels = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    long = words.narrow and max(map(len, labels)) > 30
    columns = 1 if long else 2 if words.narrow else len(handles)
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def dots_against(frame: pd.DataFrame, names: str, line: float, label: str, words: Words) -> Figure:
    """Draw `estimate` with its interval per row, named by a column, against a dashed line."""
    figure, rows = canvas(words, (0.34 if words.narrow else 0.24) * len(frame) + 0.7), list(range(len(frame)))
    axes = figure.subplots()
    axes.axvline(line, color=MUTED, linewidth=1, linestyle=DASHED)
    axes.hlines(rows, frame["ci_low"], frame["ci_high"], color=ACCENT, linewidth=1.6)
    sns.scatterplot(x=frame["estimate"], y=rows, color=ACCENT, s=34, ax=axes, zorder=3)
    name_questions(axes, frame[names].tolist(), words)
    axes.set_xlabel(words(label), loc="right")
    return figure


def dots_by_group(frame: pd.DataFrame, group: str, line: float, words: Words) -> Figure:
    """Draw `estimate` with its interval, a row per construct and a colour per group, against a dashed line."""
    names, groups = list(dict.fromkeys(frame["construct"])), list(dict.fromkeys(frame[group]))
    figure = canvas(words, 0.28 * len(names) + 1 + 0.16 * max(len(groups) - 2, 0))
    axes = figure.subplots()
    axes.axvline(line, color=MUTED, linewidth=1, linestyle=DASHED)
    rows = frame.groupby("construct", sort=False)
    at = frame["construct"].map(names.index) + 0.12 * (2 * rows.cumcount() + 1 - rows["n"].transform("size"))
    for name, colour in zip(groups, (ACCENT, INK, MUTED), strict=False):
        part, own, called = frame[frame[group] == name], at[frame[group] == name], words(name)
        axes.hlines(own, part["ci_low"], part["ci_high"], color=colour, linewidth=1.6)
        sns.scatterplot(x=part["estimate"], y=own, color=colour, s=30, ax=axes, zorder=3,
                        label=called[:1].upper() + called[1:])  # fmt: skip
    name_questions(axes, names, words)
    legend_above(figure, axes, words)
    return figure


def wrapped(text: str, words: Words, wide: int = 48, narrow: int = 20) -> str:
    """Return a name broken into lines of so many letters as there is room for."""
    return textwrap.fill(text, narrow if words.narrow else wide)


def panels_of_tiers(
    parts: Iterable[tuple[str, pd.DataFrame]], words: Words, columns: int, row_height: float, label: str
) -> Figure:
    """Return a figure with a panel of tiers per (title, rows), as `tiers_with_intervals` draws them, in per cent.

    Rows with a column `overall` have the rate of all customers as a dashed line; `label` stands below all panels.
    """
    panels = list(parts)
    figure, grid = small_multiples(words, len(panels), columns=columns, row_height=row_height)
    for axes, (title, part) in zip(grid, panels, strict=True):
        tiers_with_intervals(axes, part, words, part["overall"].iloc[0] if "overall" in part else None)
        axes.set_title(title)
    shares_from_nought(grid, words)
    label_below(figure, label, words)
    return figure


def forest(
    axes: Axes, rows: pd.DataFrame, order: list[str], together: str, null: float, words: Words
) -> None:
    """Draw `estimate` with its interval per row, and a thin line for where a further one would lie (`prediction_low`).

    The names of the index stand in `order`, those without a row stay empty; `together`, the pooled row, is a diamond,
    and `null`, the value that says nothing, a line.
    """
    part, places = rows.reindex(order), np.arange(len(order))
    axes.axvline(null, color=MUTED, linewidth=1, zorder=0)
    axes.hlines(places, part["ci_low"], part["ci_high"], color=INK, linewidth=1.4)
    axes.hlines(places, part["prediction_low"], part["prediction_high"], color=MUTED, linewidth=0.8)
    sns.scatterplot(x=part["estimate"].to_numpy(), y=places, style=[name == together for name in order],
                    markers={True: "D", False: "o"}, color=ACCENT, s=34, legend=False, ax=axes, zorder=3)  # fmt: skip
    name_rows(axes, [words(name) for name in order])


def shares_from_nought(grid: list[Axes], words: Words) -> None:
    """Label axes that are shared, in per cent from nought, with few ticks; call it when everything is drawn."""
    grid[0].set_xlim(left=0)
    for axes in grid:
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ticks = grid[0].get_xticks()
    spec = ".1%" if len(ticks) > 1 and ticks[1] - ticks[0] < 0.01 else ".0%"
    for axes in grid:
        numbered(axes.xaxis, words, spec)


def numbered(axis: Axis, words: Words, spec: str = ".0%") -> None:
    """Label an axis in a format, without one in whole per cent."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: words.number(value, spec)))


def label_below(figure: Figure, text: str, words: Words) -> None:
    """Write what all panels show below the whole figure, at its left edge."""
    figure.supxlabel(wrapped(text, words, 110, 52), fontsize=8.5, x=0.01, ha="left", color=INK)


def with_outcome(outcome: str) -> Said:
    """Return the heading of those who have the outcome, by its name."""
    return Said(N_("With {outcome}"), {"outcome": outcome})


def rate_of(outcome: str) -> Said:
    """Return the heading of the rate of an outcome, by its name."""
    return Said(N_("Rate of {outcome}, 95 % CI"), {"outcome": outcome})


def persons(n: Any, words: Words) -> str:
    """Return a number of persons for a label; one that was left out of the table says so."""
    return words(N_("n withheld")) if n != n else words(N_("n = {n:,.0f}"), n=float(n))


def leave_unlabelled(figure: Figure) -> None:
    """Spare axes that have no label the search for its place, which measures every tick again."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.get_label_text():
                axis.set_label_coords(0, 0)


def mark_origin(figure: Figure, origin: str, words: Words) -> None:
    """Write into the picture that nobody stands behind its numbers; a copy of the picture still says so."""
    if origin == "demonstration":
        figure.text(0.5, 0.5, words(N_("Method demonstration: invented or simulated")), rotation=18, alpha=0.22,
                    fontsize=9 if words.narrow else 13, color=WARNING, ha="center", va="center", fontweight="bold",
                    zorder=9)  # fmt: skip


def colours(tiers: Iterable[str]) -> list[str]:
    """Return the colour of each tier."""
    return [TIER_COLOURS[tier] for tier in tiers]
