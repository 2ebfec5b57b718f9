"""Figures of the interviews."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.figures.style import ACCENT, INK, MUTED, PALETTE, RULE, canvas, styled, text_on
from research.figures.survey import GROUP_COLOURS, dot, legend, marks, words

_DASHED = (0, (4, 3))


@styled
def agreement(
    table: pd.DataFrame, measures: dict[str, str], bars: tuple[float, ...] = (0.667, 0.8)
) -> Figure:
    """Draw agreement per code, one panel per coefficient: filled on coded units, hollow on all units.

    Args:
        table: `code` (in the order to show), `base` (coded, all), `measure`, `estimate`, `ci_low`, `ci_high`, `note`,
            optional `label` of the code as `code_label`.
        measures: measure → title of its panel.
        bars: the customary bars, drawn as thin lines (Krippendorff 2004: 0.667 tentative, 0.8 reliable).
    """
    codes = list(dict.fromkeys(table["code"]))
    labels = dict(zip(table["code"], table.get("code_label", table["code"]), strict=True))
    figure = canvas(7.6, 0.3 * len(codes) + 1.2)
    grid = np.atleast_1d(figure.subplots(1, len(measures), sharey=True))
    shown = table[table["measure"].isin(measures)]
    low = min(0.0, np.nanmin([shown["ci_low"].min(), shown["estimate"].min(), 0.0]))
    for axes, (measure, title) in zip(grid, measures.items(), strict=True):
        for bar in bars:
            axes.axvline(bar, color=RULE, linewidth=1)
        for row, code in enumerate(codes):
            part = shown[(shown["code"] == code) & (shown["measure"] == measure)]
            defined = part[part["estimate"].notna()]
            for one in defined.to_dict("records"):
                hollow = one["base"] == "all"
                dot(axes, row + (0.15 if hollow else -0.15), one, ACCENT, hollow)
            if defined.empty:
                axes.text(low, row, "undefined", fontsize=7.5, color=MUTED, va="center", style="italic")
        axes.set_title(title, fontsize=9)
        axes.set_xlim(low - 0.04, 1.04)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(axis="x", labelsize=8)
    grid[0].set_yticks(range(len(codes)), [words(str(labels[code])) for code in codes], fontsize=8.5)
    grid[0].set_ylim(len(codes) - 0.4, -0.7)
    figure.supxlabel("Agreement, 95 % interval", fontsize=9.5)
    marks(figure, "coded units", "all units")
    return figure


@styled
def saturation(curve: pd.DataFrame, band: pd.DataFrame, stop: pd.Series) -> Figure:
    """Draw the codes heard by interview, the band over random orders, and where the rule stops.

    Args:
        curve: `interview`, `cumulative`, `new_codes`.
        band: `interview`, `mean`, `low`, `high`.
        stop: the row of the stopping rule (`reached`, `enough`, `confirmed`, `base`, `run`, `threshold`).
    """
    figure = canvas(7.6, 3.9)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.fill_between(band["interview"], band["low"], band["high"], color=ACCENT, alpha=0.15, linewidth=0)
    upper.plot(band["interview"], band["mean"], color=ACCENT, linewidth=1, linestyle=_DASHED)
    upper.plot(curve["interview"], curve["cumulative"], color=INK, marker="o", markersize=3.5)
    total = int(curve["cumulative"].iloc[-1])
    upper.set_ylim(0, total * 1.14)
    middle = len(band) // 3
    upper.annotate(
        "random orders: mean and 95 % band",
        (band["interview"].iloc[middle], band["low"].iloc[middle]),
        xytext=(8, -22),
        textcoords="offset points",
        fontsize=8.5,
        color=ACCENT,
    )
    end = curve["interview"].iloc[-1]
    upper.annotate(
        f"as interviewed: {total} codes",
        (end, total),
        xytext=(0, 6),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
    )
    lower.bar(curve["interview"], curve["new_codes"], color=MUTED, width=0.6)
    if stop["reached"]:
        for axes in (upper, lower):
            axes.axvspan(
                stop["enough"] + 0.5,
                stop["confirmed"] + 0.5,
                color=PALETTE["tiers"]["low"]["light"],
                alpha=0.15,
            )
        words = f"enough after {stop['enough']:.0f},\nconfirmed by the next {stop['run']:.0f}"
        upper.annotate(
            words,
            (stop["confirmed"] + 0.5, 0),
            xytext=(5, 6),
            textcoords="offset points",
            fontsize=8.5,
            color=PALETTE["tiers"]["low"]["light"],
            va="bottom",
        )
    upper.set_ylabel("Codes heard")
    lower.set_ylabel("New")
    lower.set_xlabel("Interview")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.set_xlim(0.4, end + 0.6)
    lower.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    return figure


@styled
def cooccurrence(pairs: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw how often two codes meet in a segment: shade by Jaccard index, number of segments written in.

    Args:
        pairs: `code_1`, `code_2`, `segments`, `segments_1`, `segments_2`, `jaccard`.
        labels: code → name to show, in display order.
    """
    codes = list(labels)
    place = {code: i for i, code in enumerate(codes)}
    counts, shade = np.full((len(codes), len(codes)), np.nan), np.full((len(codes), len(codes)), np.nan)
    own: dict[str, int] = {}
    for one in pairs.to_dict("records"):
        low, high = sorted((place[one["code_1"]], place[one["code_2"]]))
        counts[high, low], shade[high, low] = one["segments"], one["jaccard"]
        own |= {one["code_1"]: one["segments_1"], one["code_2"]: one["segments_2"]}
    size = max(3.6, 0.33 * len(codes) + 1.8)
    figure = canvas(7.6, size)
    axes = figure.subplots()
    top = np.nanmax(shade) if np.isfinite(shade).any() else 1
    colours = mpl.colormaps[PALETTE["sequential"]]
    norm = mpl.colors.Normalize(0, top or 1)
    axes.imshow(shade[1:, :-1], cmap=colours, norm=norm, aspect="auto")
    for row, column in zip(*np.nonzero(np.nan_to_num(counts) > 0), strict=True):
        ink = text_on(colours(norm(shade[row, column])))
        axes.text(
            column, row - 1, f"{counts[row, column]:.0f}", ha="center", va="center", fontsize=8, color=ink
        )
    names = [f"{labels[code]} ({own.get(code, 0)})" for code in codes]
    axes.set_yticks(range(len(codes) - 1), names[1:], fontsize=8)
    axes.set_xticks(
        range(len(codes) - 1), names[:-1], fontsize=8, rotation=40, ha="right", rotation_mode="anchor"
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    scale = figure.colorbar(mpl.cm.ScalarMappable(norm, colours), ax=axes, shrink=0.5, pad=0.02)
    scale.set_label("Jaccard index", fontsize=8.5)
    scale.outline.set_visible(False)
    scale.ax.tick_params(labelsize=8)
    return figure


@styled
def code_frequencies(table: pd.DataFrame) -> Figure:
    """Draw the share of participants of each group who speak to a code.

    Args:
        table: `label_en`, `group` (without `all`), `share`, `participants`, `of`, one row per code and group.
    """
    codes = list(dict.fromkeys(table["label_en"]))
    groups = list(dict.fromkeys(table["group"]))
    figure = canvas(7.6, 0.27 * len(codes) + 1.1)
    axes = figure.subplots()
    for row, code in enumerate(codes):
        part = table[table["label_en"] == code].set_index("group")["share"]
        axes.hlines(row, part.min(), part.max(), color=RULE, linewidth=2)
    for place, group in enumerate(groups):
        part = table[table["group"] == group]
        nudge = 0.24 * (place / max(len(groups) - 1, 1) - 0.5)  # equal shares stay visible side by side
        rows = [codes.index(code) + nudge for code in part["label_en"]]
        axes.scatter(
            part["share"], rows, color=GROUP_COLOURS[place % len(GROUP_COLOURS)], s=34, zorder=3, alpha=0.9
        )
    axes.set_yticks(range(len(codes)), codes, fontsize=8.5)
    axes.set_ylim(len(codes) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.grid(axis="x")
    axes.set_xlabel("Share of participants who speak to it")
    sizes = table.groupby("group")["of"].first()
    legend(
        figure, {f"{g} (n = {sizes[g]})": GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, g in enumerate(groups)}
    )
    return figure
