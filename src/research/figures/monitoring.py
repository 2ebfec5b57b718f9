"""Figures of monitoring: stability over time, movement between tiers, vintages, funnels, early warning, the trigger."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from research.figures.style import (
    ACCENT,
    INK,
    MUTED,
    PALETTE,
    RULE,
    TIER_COLOURS,
    canvas,
    intervals,
    panels,
    percent,
    styled,
)

WARNING = PALETTE["warning"]
SIGNALS = {"green": "#e8f2ec", "amber": "#fbf0d9", "red": "#f9e2da"}


@styled
def stability_over_time(
    table: pd.DataFrame,
    bands: pd.DataFrame,
    series: str = "series",
    event: float | None = None,
    event_name: str = "",
) -> Figure:
    """Draw an index over time on its verdict bands.

    Args:
        table: `period`, `estimate`, the column of series (one line each), optional `model` (its colour) and `benchmark`
            (what chance exceeds once in twenty times).
        bands: `verdict`, `lower`, `upper`, `signal`.
        series: the column that names the lines.
        event: a period to mark, with its name.
    """
    figure = canvas(7.6, 3.4)
    axes = figure.subplots()
    top = max(table["estimate"].max() * 1.25, float(bands["lower"].max()) * 1.15)
    _shade(axes, bands, top)
    groups = list(table.groupby(series, sort=False))
    colours = _line_colours(
        {name: part["model"].iloc[0] if "model" in part else name for name, part in groups}
    )
    ends = []
    for name, part in groups:
        axes.plot(part["period"], part["estimate"], color=colours[name], zorder=3)
        last = part.dropna(subset=["estimate"]).iloc[-1]
        ends.append((float(last["period"]), float(last["estimate"]), str(name), colours[name]))
    if "benchmark" in table:
        chance = table.groupby("period")["benchmark"].median()
        axes.plot(chance.index, chance, color=MUTED, linewidth=1, linestyle=(0, (1, 2)), zorder=2)
        ends.append((float(chance.index[-1]), float(chance.iloc[-1]), "chance, 1 in 20", MUTED))
    _end_labels(axes, ends, top)
    _mark(axes, event, event_name, top)
    axes.set_ylim(0, top)
    axes.set_xlim(table["period"].min(), table["period"].max())
    axes.set(xlabel="Month", ylabel="Index")
    return figure


@styled
def funnel(
    table: pd.DataFrame, limits: pd.DataFrame, name: str, size: str, xlabel: str, ylabel: str
) -> Figure:
    """Draw groups against their size, inside the limits that chance alone allows.

    Args:
        table: `estimate`, `target`, `verdict`, the column of sizes and the one that names the groups.
        limits: the column of sizes and `low_95`, `high_95`, `low_99.8`, `high_99.8`, on a fine grid.
        name, size: those columns, such as `group` and `expected`.
        xlabel, ylabel: what size and estimate are.
    """
    figure = canvas(7.6, 4.0)
    axes = figure.subplots()
    axes.fill_between(
        limits[size], limits["low_99.8"], limits["high_99.8"], color=RULE, alpha=0.45, linewidth=0
    )
    axes.fill_between(
        limits[size], limits["low_95"], limits["high_95"], color="white", alpha=0.75, linewidth=0
    )
    axes.axhline(table["target"].iloc[0], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    colours = {"within": MUTED, "alert": "#8f6100", "alarm": WARNING}
    axes.scatter(table[size], table["estimate"], c=[colours[v] for v in table["verdict"]], s=26, zorder=3)
    outside = table[table["verdict"] != "within"]
    for x, y, text, verdict in zip(
        outside[size], outside["estimate"], outside[name], outside["verdict"], strict=True
    ):
        note(axes, text, (x, y), (5, 4), color=colours[verdict])
    for tail in ("95", "99.8"):
        note(
            axes,
            f"{tail} %",
            (limits[size].iloc[-1], limits[f"high_{tail}"].iloc[-1]),
            (-3, 3),
            ha="right",
            color=MUTED,
        )
    axes.set_xlim(limits[size].min() * 0.97, limits[size].max())
    top = max(table["estimate"].max(), limits.loc[limits[size] >= table[size].min(), "high_99.8"].max())
    axes.set_ylim(0, 1.08 * top)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure


@styled
def rates_over_time(
    table: pd.DataFrame, ylabel: str, event: float | None = None, event_name: str = ""
) -> Figure:
    """Draw a monthly rate by tier, one panel per tier with its limits.

    Args:
        table: `tier`, `period`, `estimate`, `target`, `low_99.8`, `high_99.8`, `verdict`.
        ylabel: what the rate is.
        event: a period to mark, with its name.
    """
    groups = list(table.groupby("tier", sort=False, observed=True))
    figure, grid = panels(len(groups), columns=2, row_height=2.0)
    for axes, (tier, part) in zip(grid, groups, strict=True):
        colour = TIER_COLOURS.get(tier, INK)
        axes.fill_between(
            part["period"], part["low_99.8"], part["high_99.8"], color=RULE, alpha=0.5, linewidth=0
        )
        axes.plot(part["period"], part["target"], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(part["period"], part["estimate"], color=colour)
        far = part[part["verdict"] == "alarm"]
        axes.scatter(far["period"], far["estimate"], color=colour, s=20, zorder=3)
        top = 1.15 * max(part["estimate"].max(), part["high_99.8"].iloc[len(part) // 2 :].max())
        axes.set_ylim(0, top)
        axes.set_xlim(part["period"].min(), part["period"].max())
        _mark(axes, event, event_name if axes is grid[0] else "", top)
        axes.set_title(tier, fontsize=9.5, color=colour)
        percent(axes.yaxis, 1)
        axes.locator_params(axis="y", nbins=4)
    for axes in grid[-2:]:
        axes.set_xlabel("Month")
    grid[0].set_ylabel(ylabel, fontsize=8.5)
    return figure


@styled
def trigger_timeline(
    table: pd.DataFrame,
    measures: Mapping[str, str],
    bands: pd.DataFrame,
    event: float | None = None,
    event_name: str = "",
) -> Figure:
    """Draw the measures of the re-tiering rule one below the other, their bands, and when it fired.

    Args:
        table: `period`, one column per measure, `fired`.
        measures: column → title, in order.
        bands: `measure`, `lower`, `upper`, `signal`.
        event: a period to mark, with its name.
    """
    figure = canvas(7.6, 1.45 * len(measures) + 0.5)
    grid = np.atleast_1d(figure.subplots(len(measures), 1, sharex=True))
    fired = table.loc[table["fired"], "period"]
    for axes, (name, title) in zip(grid, measures.items(), strict=True):
        own = bands[bands["measure"] == name]
        top = max(1.12 * np.nanmax(table[name]), 1.08 * float(own["lower"].max()))
        _shade(axes, own, top)
        axes.plot(table["period"], table[name], color=INK)
        axes.vlines(fired, 0, top, color=WARNING, linewidth=1.4)
        axes.set_ylim(0, top)
        axes.set_title(title, fontsize=9, fontweight="normal")
        axes.locator_params(axis="y", nbins=4)
        _mark(axes, event, event_name if axes is grid[0] else "", top)
    for period in fired:
        note(grid[0], "review called", (period, grid[0].get_ylim()[1]), (4, -9), color=WARNING)
    grid[-1].set_xlabel("Month")
    grid[-1].set_xlim(table["period"].min(), table["period"].max())
    return figure


@styled
def construct_shift(table: pd.DataFrame, bands: pd.DataFrame, limit: int = 15) -> Figure:
    """Draw the characteristic stability index of the constructs that moved most.

    Args:
        table: `label`, `estimate`, `benchmark`, largest first.
        bands: `lower`, `upper`, `signal`.
        limit: how many to show.
    """
    shown = table.head(limit)
    figure = canvas(7.6, 0.3 * len(shown) + 0.9)
    axes = figure.subplots()
    top = max(1.1 * shown["estimate"].max(), float(bands["lower"].max()) * 1.1)
    for row in bands.itertuples():
        low, high = (0 if np.isnan(row.lower) else row.lower), (top if np.isnan(row.upper) else row.upper)
        axes.axvspan(low, min(high, top), color=SIGNALS[row.signal], linewidth=0)
    rows = np.arange(len(shown))
    axes.hlines(rows, 0, shown["estimate"], color=INK, linewidth=1.4)
    axes.scatter(shown["estimate"], rows, color=INK, s=26, zorder=3)
    axes.scatter(shown["benchmark"], rows, marker="|", color=MUTED, s=60, zorder=2)
    axes.set_yticks(rows, shown["label"], fontsize=8.5)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, top)
    axes.set_xlabel("Characteristic stability index (tick: exceeded by chance once in twenty times)")
    return figure


@styled
def event_rates(table: pd.DataFrame, xlabel: str = "Share of customers") -> Figure:
    """Draw default, loss and churn rates by tier, one panel per measure.

    Args:
        table: `tier`, `measure` (a title), `estimate`, `ci_low`, `ci_high`, `n`.
    """
    groups = list(table.groupby("measure", sort=False))
    figure, grid = panels(len(groups), columns=len(groups), row_height=2.2)
    for axes, (title, part) in zip(grid, groups, strict=True):
        rows = np.arange(len(part))
        colours = [TIER_COLOURS.get(tier, INK) for tier in part["tier"]]
        intervals(axes, rows, part["ci_low"], part["estimate"], part["ci_high"], colours, 36)
        axes.set_yticks(rows, part["tier"] if axes is grid[0] else [""] * len(part), fontsize=8.5)
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_xlim(0, 1.1 * part["ci_high"].max())
        axes.set_title(title, fontsize=9.5)
        percent(axes.xaxis, 0 if part["ci_high"].max() > 0.1 else 1)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x")
    grid[0].set_xlabel(xlabel, fontsize=8.5)
    return figure


def note(
    axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **style: object
) -> None:
    """Write a short label beside a point, `offset` points away."""
    axes.annotate(str(text), at, xytext=offset, textcoords="offset points", **{"fontsize": 8, **style})


def _shade(axes: Axes, bands: pd.DataFrame, top: float) -> None:
    for row in bands.itertuples():
        low, high = (0 if np.isnan(row.lower) else row.lower), (top if np.isnan(row.upper) else row.upper)
        high = min(high, top)
        axes.axhspan(low, high, color=SIGNALS[row.signal], linewidth=0, zorder=0)
        if high - low > 0.14 * top:
            place = axes.get_yaxis_transform()
            axes.text(
                0.008, high - 0.02 * top, row.verdict, transform=place, fontsize=7.5, color=MUTED, va="top"
            )


def _mark(axes: Axes, event: float | None, name: str, top: float) -> None:
    if event is None:
        return
    axes.axvline(event, color=INK, linewidth=0.9, linestyle=(0, (2, 2)), zorder=2)
    if name:
        note(axes, name, (event, top), (-4, -9), ha="right")


def _line_colours(keys: Mapping[str, str]) -> dict[str, str]:
    """The colour of each line: its model's, its tier's, or the next free one."""
    known = PALETTE["models"] | TIER_COLOURS
    spare = iter([ACCENT, "#8a3f8f", "#00795c", "#8f6100", WARNING, MUTED])
    return {name: known.get(str(key)) or next(spare) for name, key in keys.items()}


def _end_labels(axes: Axes, ends: list[tuple[float, float, str, str]], top: float) -> None:
    """Write each line's name at its end, moved apart where two would overlap."""
    gap, last = 0.055 * top, -np.inf
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        place = max(y, last + gap)
        note(axes, name, (x, place), (5, 0), va="center", color=colour, annotation_clip=False)
        last = place
