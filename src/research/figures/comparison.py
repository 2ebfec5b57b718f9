"""Figures of the comparison of models."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from research.figures.style import INK, MUTED, PALETTE, RULE, canvas, panels, styled

ARMS = ("as practised", "equal information")


def colour(model: str) -> str:
    """Return the colour of a model; references share one."""
    return PALETTE["models"].get(model, PALETTE["models"]["reference"])


@styled
def scoreboard(table: pd.DataFrame, titles: dict[str, str], columns: int = 3) -> Figure:
    """Draw every measure as a panel, models as rows, with intervals: filled as practised, hollow equal information.

    Args:
        table: `measure`, `title`, `better` (higher or lower), `model`, `arm`, `estimate`, `ci_low`, `ci_high`.
        titles: model → name to show, in display order; the three models of the study come first.
        columns: panels beside each other.
    """
    groups = list(table.groupby("measure", sort=False))
    figure, grid = panels(len(groups), columns=columns, row_height=0.95 + 0.23 * len(titles))
    order = list(titles)
    for number, (axes, (_, part)) in enumerate(zip(grid, groups, strict=True)):
        best = _best(part)
        for row, model in enumerate(order):
            for arm, offset in zip(ARMS, (-0.16, 0.16), strict=True):
                _mark(axes, part[(part["model"] == model) & (part["arm"] == arm)], row + offset, model, arm)
        if best is not None:
            axes.axhspan(order.index(best) - 0.45, order.index(best) + 0.45, color="#f1f4f7", zorder=0)
        names = [titles[m] for m in order] if number % columns == 0 else [""] * len(order)
        axes.set_yticks(range(len(order)), names, fontsize=8.5)
        for tick, model in zip(axes.get_yticklabels(), order, strict=True):
            tick.set_color(colour(model))
        axes.set_ylim(len(order) - 0.4, -0.6)
        arrow = "higher is better →" if part["better"].iloc[0] == "higher" else "← lower is better"
        axes.set_title("\n".join(textwrap.wrap(part["title"].iloc[0], 26)), fontsize=8.5)
        axes.set_xlabel(arrow, fontsize=7.5, color=MUTED)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x")
    return figure


@styled
def critical_difference(ranks: pd.Series, difference: float, titles: dict[str, str]) -> Figure:
    """Draw mean ranks over data sets; models joined by a bar do not differ (Demšar 2006).

    Args:
        ranks: model → mean rank, 1 is best.
        difference: the critical difference of the Nemenyi test.
        titles: model → name to show.
    """
    ordered = ranks.sort_values()
    figure = canvas(7.6, 0.3 * len(ordered) + 1.3)
    axes = figure.subplots()
    for row, (model, rank) in enumerate(ordered.items()):
        axes.hlines(row, 1, rank, color=RULE, linewidth=1)
        axes.scatter(rank, row, color=colour(str(model)), s=46, zorder=3)
        axes.annotate(
            f"{rank:.2f}", (rank, row), (7, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    for place, (low, high) in enumerate(cliques(ordered.to_numpy(), difference)):
        axes.plot(
            [low, high],
            [len(ordered) - 0.35 + 0.28 * place] * 2,
            color=INK,
            linewidth=3.5,
            solid_capstyle="butt",
        )
    axes.plot([1, 1 + difference], [-0.9, -0.9], color=MUTED, linewidth=2)
    axes.text(
        1 + difference,
        -0.9,
        f"  critical difference {difference:.2f}",
        va="center",
        fontsize=8.5,
        color=MUTED,
    )
    axes.set_yticks(range(len(ordered)), [titles.get(str(m), str(m)) for m in ordered.index])
    axes.set_ylim(len(ordered) + 0.5, -1.5)
    axes.set_xlim(0.9, len(ordered) + 0.5)
    axes.set_xlabel("Mean rank over data sets (1 is best)")
    return figure


def cliques(ranks: np.ndarray, difference: float) -> list[tuple[float, float]]:
    """Return the maximal runs of sorted ranks that lie within the critical difference."""
    found: list[tuple[float, float]] = []
    for i, low in enumerate(ranks):
        j = int(np.searchsorted(ranks, low + difference, side="right")) - 1
        if j > i and (not found or ranks[j] > found[-1][1]):
            found.append((float(low), float(ranks[j])))
    return found


@styled
def specification_curve(
    curve: pd.DataFrame, choices: dict[str, list[str]], titles: dict[str, str], own: int
) -> Figure:
    """Draw the models' mean ranks over specifications and, below, the choices that make each specification.

    The leader of a specification is large, and filled when its lead is clear.

    The leader of a specification is large, and filled when its lead is clear.

    Args:
        curve: one row per specification and model: `position`, `model`, `estimate` (mean rank), `best`, `clear` and
            one column per choice.
        choices: column of `curve` to its options, in display order.
        titles: model → name to show.
        own: position of the study's own choices.
    """
    rows = sum(map(len, choices.values())) + len(choices)
    figure = canvas(7.6, 2.5 + 0.19 * rows)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.1, 0.19 * rows])
    for axes in (upper, lower):
        axes.axvspan(own - 0.5, own + 0.5, color="#eef1f4", zorder=0, linewidth=0)
        axes.tick_params(length=0)
    for model, part in curve.groupby("model", sort=False):
        leads, tint = part["best"] == model, colour(str(model))
        upper.plot(part["position"], part["estimate"], color=tint, linewidth=0.6, alpha=0.5)
        for chosen, size, face in (
            (~leads, 9, tint),
            (leads & ~part["clear"], 26, "white"),
            (leads & part["clear"], 26, tint),
        ):
            there = part[chosen]
            upper.scatter(
                there["position"], there["estimate"], s=size, facecolor=face, edgecolor=tint, zorder=3
            )
    shown = [model for model in titles if model in set(curve["model"])]
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour(model), label=titles[model]) for model in shown
    ]
    upper.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(shown))
    upper.invert_yaxis()
    upper.set_ylabel("Mean rank\n(1 is best)")
    upper.grid(axis="y")
    _choices(lower, curve.drop_duplicates("position"), choices)
    lower.set_xlim(-1, curve["position"].max() + 1)
    lower.set_xlim(-1, curve["position"].max() + 1)
    lower.set_xlabel(f"{curve['position'].nunique()} specifications (shaded: the study's own)")
    return figure


def _choices(axes: Axes, specifications: pd.DataFrame, choices: dict[str, list[str]]) -> None:
    """Mark the option of every choice in each specification, in the colour of the model that leads there."""
    tints = [INK if best == "tie" else colour(best) for best in specifications["best"]]
    height, places, names = 0, [], []
    for choice, choice_options in choices.items():
        places.append(height)
        names.append(choice.replace("_", " ").capitalize())
        for option in choice_options:
            height += 1
            places.append(height)
            names.append(option)
            chosen = (specifications[choice] == option).to_numpy()
            axes.scatter(
                specifications["position"][chosen],
                np.full(chosen.sum(), height),
                marker="s",
                s=13,
                color=[tint for tint, there in zip(tints, chosen, strict=True) if there],
            )
        height += 1
    axes.set_yticks(places, names, fontsize=8)
    for label in axes.get_yticklabels():
        if label.get_text().lower().replace(" ", "_") in choices:
            label.set_fontweight("bold")
    axes.set_ylim(height - 0.4, -0.7)
    axes.set_xticks([])
    axes.spines["left"].set_visible(False)


def _mark(axes: Axes, row: pd.DataFrame, height: float, model: str, arm: str) -> None:
    if row.empty or not np.isfinite(row["estimate"].iloc[0]):
        return
    tint = colour(model)
    first = row.iloc[0]
    if np.isfinite(first["ci_low"]):
        axes.hlines(height, first["ci_low"], first["ci_high"], color=tint, linewidth=1.3)
    filled = arm == ARMS[0]
    axes.scatter(
        first["estimate"],
        height,
        s=24,
        zorder=3,
        facecolor=tint if filled else "white",
        edgecolor=tint,
        linewidth=1.2,
    )


def _best(part: pd.DataFrame) -> str | None:
    """Return the study's model (not a reference) that leads as practised, if any has an estimate."""
    own = part[
        (part["arm"] == ARMS[0]) & part["model"].isin(list(PALETTE["models"])) & part["estimate"].notna()
    ]
    if own.empty:
        return None
    pick = own["estimate"].idxmax() if own["better"].iloc[0] == "higher" else own["estimate"].idxmin()
    return str(own.loc[pick, "model"])
