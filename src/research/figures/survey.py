"""Figures of the survey."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.figures.style import ACCENT, INK, MUTED, PALETTE, canvas, intervals, persons, styled

AGREEMENT = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")
GROUP_COLOURS = (ACCENT, PALETTE["warning"], PALETTE["tiers"]["low"]["light"], MUTED)
_DASHED = (0, (4, 3))


@styled
def likert(distribution: pd.DataFrame, answers: tuple[str, ...] = AGREEMENT) -> Figure:
    """Draw the answers to each item as bars that diverge from the middle answer, grouped by construct.

    Args:
        distribution: `construct`, `item`, `wording_en`, `group`, `answer`, `share`, `side`, `n`; items of a construct
            stand together, every answer of the scale has a row.
        answers: a name for each step of the scale, lowest first.
    """
    several = distribution.groupby("item")["group"].nunique().max() > 1
    bars = list(distribution.groupby(["construct", "item", "group"], sort=False))
    colours = _diverging(len(answers))
    rows, names, heads, place, last, previous = [], [], [], 0.0, None, None
    for (construct, item, group), part in bars:
        wording = f"{item}  {part['wording_en'].iloc[0]}"
        if construct != last:
            place += 0.85 if last is not None else 0
            heads.append((place - 0.72, words(construct), "bold", INK))
            place += 0.2 if several else 0
        if several and item != previous:
            place += 0.45 if construct == last else 0
            heads.append((place - 0.05, wording, "normal", INK))
            place += 0.75
        label = (
            f"{group} ({persons(part['n'].iloc[0])})" if several else "\n".join(textwrap.wrap(wording, 52))
        )
        rows.append(place)
        names.append(label)
        last, previous = construct, item
        place += 1.0 if several else max(1.0, 0.52 * (label.count("\n") + 1))
    figure = canvas(7.6, (0.27 if several else 0.34) * place + 1.05)
    axes = figure.subplots()
    for row, (_, part) in zip(rows, bars, strict=True):
        _diverging_bar(axes, row, part.sort_values("answer"), colours)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=0.5)
    axes.set_yticks(rows, names, fontsize=8)
    axes.set_ylim(place - 0.4, -1.05)
    for height, text, weight, colour in heads:
        at = {"transform": axes.get_yaxis_transform(), "color": colour, "fontweight": weight}
        at["bbox"] = {
            "facecolor": "white",
            "edgecolor": "none",
            "pad": 0.6,
        }  # keeps the zero line off the words
        axes.text(0, height, text, fontsize=8.5 if weight == "bold" else 8, va="center", **at)
    reach = 1.24 * max(abs(limit) for limit in axes.dataLim.intervalx)
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0%}"))
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Share of answers; the middle one is split at zero")
    handles = [Patch(color=colour, label=name) for colour, name in zip(colours, answers, strict=True)]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=len(answers), handlelength=1.1, columnspacing=1.2
    )
    return figure


@styled
def construct_means(summary: pd.DataFrame) -> Figure:
    """Draw the mean of each construct with its interval against the midpoint, one colour per group.

    Args:
        summary: `criterion`, `construct`, `group`, `estimate`, `ci_low`, `ci_high`, `n`, `midpoint`, `scale_min`,
            `scale_max`.
    """
    scales = list(summary.groupby(["criterion", "construct"], sort=False))
    groups = list(dict.fromkeys(summary["group"]))
    figure = canvas(7.6, (0.3 + 0.06 * len(groups)) * len(scales) + 1.1)
    axes = figure.subplots()
    axes.axvline(summary["midpoint"].iloc[0], color=MUTED, linewidth=1, linestyle=_DASHED)
    for row, (_, part) in enumerate(scales):
        present = [group for group in groups if group in set(part["group"])]
        for offset, group in zip(_offsets(len(present)), present, strict=True):
            one = part[part["group"] == group].iloc[0]
            shade = GROUP_COLOURS[groups.index(group) % len(GROUP_COLOURS)]
            intervals(axes, [row + offset], one["ci_low"], one["estimate"], one["ci_high"], shade, size=26)
    axes.set_yticks(range(len(scales)), [f"{criterion}  {words(name)}" for (criterion, name), _ in scales])
    axes.set_ylim(len(scales) - 0.4, -0.8)
    axes.set_xlim(summary["scale_min"].min(), summary["scale_max"].max())
    axes.text(summary["midpoint"].iloc[0], -0.72, " midpoint", fontsize=8, color=MUTED, va="center")
    axes.grid(axis="x")
    axes.set_xlabel("Mean on the answer scale, 95 % interval")
    if len(groups) > 1:
        legend(figure, {name: GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, name in enumerate(groups)})
    return figure


@styled
def reliability(table: pd.DataFrame, bar: float = 0.7) -> Figure:
    """Draw α (filled) and ω (hollow) of each scale with intervals, and the usual bar.

    Args:
        table: `criterion`, `construct`, `measure`, `estimate`, `ci_low`, `ci_high`, `items`.
    """
    scales = list(table.groupby(["criterion", "construct"], sort=False))
    figure = canvas(7.6, 0.36 * len(scales) + 1.1)
    axes = figure.subplots()
    axes.axvline(bar, color=MUTED, linewidth=1, linestyle=_DASHED)
    axes.text(bar, -0.72, f"{bar:g} ", fontsize=8, color=MUTED, ha="right", va="center")
    for row, (_, part) in enumerate(scales):
        for measure, offset in (("cronbach_alpha", -0.15), ("mcdonald_omega", 0.15)):
            for one in part[part["measure"] == measure].to_dict("records"):
                hollow = measure == "mcdonald_omega"
                dot(axes, row + offset, one, ACCENT, hollow)
    labels = [f"{criterion}  {words(name)} ({part['items'].iloc[0]})" for (criterion, name), part in scales]
    axes.set_yticks(range(len(scales)), labels)
    axes.set_ylim(len(scales) - 0.4, -0.9)
    low = np.nanmin([table["ci_low"].min(), table["estimate"].min(), bar - 0.1])
    axes.set_xlim(low - 0.03, 1)
    axes.grid(axis="x")
    axes.set_xlabel("Reliability, 95 % interval; items of the scale in brackets")
    marks(figure, "Cronbach α", "McDonald ω")
    return figure


@styled
def scree(table: pd.DataFrame) -> Figure:
    """Draw eigenvalues against those of random data. `table`: that of parallel analysis."""
    figure = canvas(7.6, 3.2)
    axes = figure.subplots()
    axes.plot(table["component"], table["random_percentile"], color=MUTED, linestyle=_DASHED)
    axes.plot(table["component"], table["eigenvalue"], color=ACCENT, linewidth=1)
    kept = table["retained"]
    axes.scatter(table["component"][kept], table["eigenvalue"][kept], color=ACCENT, s=32, zorder=3)
    axes.scatter(
        table["component"][~kept],
        table["eigenvalue"][~kept],
        s=24,
        zorder=3,
        facecolor="white",
        edgecolor=ACCENT,
    )
    first, second = table["eigenvalue"].iloc[0], table["random_percentile"].iloc[-1]
    axes.text(
        1.6, first, f"survey answers: {kept.sum()} above chance", color=ACCENT, fontsize=8.5, va="center"
    )
    last = table["component"].iloc[-1]
    axes.annotate(
        "random data, 95th percentile",
        (last, second),
        xytext=(0, 16),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        color=MUTED,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.4, last + 0.6)
    axes.set_ylim(0)
    axes.grid(axis="y")
    axes.set_xlabel("Component")
    axes.set_ylabel("Eigenvalue")
    return figure


@styled
def ahp_weights(group: pd.DataFrame, experts: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw the group's weights with intervals over the experts' own: filled consistent, hollow inconsistent.

    Args:
        group: `set`, `element`, `weight`, `ci_low`, `ci_high`, `experts`, `consistency_ratio`.
        experts: `set`, `expert`, `element`, `weight`, `status`.
        labels: element → name to show.
    """
    sets = list(group.groupby("set", sort=False))
    figure = canvas(7.6, 0.62 * len(group) + 0.5 * len(sets) + 0.6)
    grid = np.atleast_1d(
        figure.subplots(len(sets), 1, sharex=True, height_ratios=[len(part) for _, part in sets])
    )
    for axes, (name, part) in zip(grid, sets, strict=True):
        axes.axvline(1 / len(part), color=MUTED, linewidth=1, linestyle=_DASHED)
        for row, one in enumerate(part.to_dict("records")):
            own = experts[(experts["set"] == name) & (experts["element"] == one["element"])].dropna(
                subset=["weight"]
            )
            spread = np.linspace(0.16, 0.36, max(len(own), 1))[: len(own)]
            hollow = own["status"].ne("consistent").to_numpy()
            heights = row + spread
            axes.scatter(own["weight"][~hollow], heights[~hollow], s=14, color=MUTED, alpha=0.55, linewidth=0)
            axes.scatter(
                own["weight"][hollow], heights[hollow], s=14, facecolor="none", edgecolor=MUTED, linewidth=0.8
            )
            intervals(axes, [row - 0.08], one["ci_low"], one["weight"], one["ci_high"], ACCENT, size=40)
            axes.text(
                one["weight"], row - 0.24, f"{one['weight']:.0%}", ha="center", va="bottom", fontsize=8.5
            )
        axes.set_yticks(range(len(part)), [labels.get(e, e) for e in part["element"]])
        axes.set_ylim(len(part) - 0.45, -0.62)
        ratio = part["consistency_ratio"].iloc[0]
        used = part["experts"].iloc[0]
        title = f"{str(name).upper()}: {used} consistent experts, consistency ratio of the group {ratio:.3f}"
        axes.set_title(title, fontsize=8.5, fontweight="normal", color=MUTED)
        most = np.nanmax([*experts["weight"], *group["ci_high"], 0.72])
        axes.set_xlim(0, float(most) + 0.03)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    figure.supxlabel("Weight. Dashed: equal weights. Small dots: experts, hollow if inconsistent", fontsize=9)
    return figure


def dot(axes: Axes, row: float, one: dict[str, float], shade: str, hollow: bool) -> None:
    """Draw an estimate with its interval, hollow for the second of two kinds."""
    axes.hlines(row, one["ci_low"], one["ci_high"], color=shade, linewidth=1.2, alpha=0.6)
    fill = "white" if hollow else shade
    axes.scatter(one["estimate"], row, s=24, facecolor=fill, edgecolor=shade, linewidth=1.2, zorder=3)


def words(name: str) -> str:
    """Return a name as words."""
    text = name.replace("_", " ")
    return f"{text[:1].upper()}{text[1:]}"


def legend(figure: Figure, colours: dict[str, str]) -> None:
    """Put a legend of coloured dots above the axes."""
    handles = [
        mpl.lines.Line2D([], [], marker="o", linestyle="", color=colour, label=name)
        for name, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), handletextpad=0.2)


def marks(figure: Figure, filled: str, hollow: str) -> None:
    """Put a legend of the filled and the hollow dot above the axes."""
    full = mpl.lines.Line2D([], [], marker="o", linestyle="", color=ACCENT, label=filled, markersize=5)
    ring = mpl.lines.Line2D(
        [], [], marker="o", linestyle="", color=ACCENT, markerfacecolor="white", label=hollow
    )
    ring.set_markersize(5)
    figure.legend(handles=[full, ring], loc="outside upper center", ncols=2, handletextpad=0.2)


def _diverging(steps: int) -> list[str]:
    """Warm below, blue above, grey in the middle of an odd scale."""
    half = steps // 2
    shades = np.linspace(0.12, 0.32, half)
    colours = mpl.colormaps["RdBu"]
    below = [mpl.colors.to_hex(colours(shade)) for shade in shades]
    above = [mpl.colors.to_hex(colours(1 - shade)) for shade in shades[::-1]]
    return [*below, *(["#d9dde2"] if steps % 2 else []), *above]


def _diverging_bar(axes: Axes, row: float, part: pd.DataFrame, colours: list[str]) -> None:
    shares, sides = part["share"].to_numpy(), part["side"].to_numpy()
    if np.isnan(shares).any():
        axes.text(0, row, "no answer", fontsize=8, color=MUTED, ha="center", va="center")
        return
    edge = -shares[sides < 0].sum() - shares[sides == 0].sum() / 2
    start = edge
    for share, colour in zip(shares, colours, strict=True):
        axes.barh(row, share, left=edge, color=colour, height=0.66)
        edge += share
    axes.text(
        start - 0.01, row, f"{shares[sides < 0].sum():.0%}", ha="right", va="center", fontsize=8, color=MUTED
    )
    axes.text(
        edge + 0.01, row, f"{shares[sides > 0].sum():.0%}", ha="left", va="center", fontsize=8, color=MUTED
    )


def _offsets(count: int) -> np.ndarray:
    return np.linspace(-0.16, 0.16, count) if count > 1 else np.zeros(1)
