"""Figures of the policy simulation: what it hangs on, what must hold, who gains and who does the work."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from research.figures.style import INK, MUTED, PALETTE, RULE, TIER_COLOURS, canvas, panels, percent, styled

WARNING = PALETTE["warning"]
RELATIVE = ("pd", "lgd", "churn", "growth", "decline")
MONEY = EngFormatter(sep="")


def colour(model: str) -> str:
    """Return the colour of a model; references share one."""
    return PALETTE["models"].get(model, PALETTE["models"]["reference"])


@styled
def tornado(table: pd.DataFrame, xlabel: str, most: int = 14) -> Figure:
    """Draw how far each assumption alone moves the result, widest first; the thin line is the result at base.

    Args:
        table: `label`, `low`, `high`, `unit`, `at_low`, `at_base`, `at_high`, `swing`, widest first.
        xlabel: what is moved, with its unit.
        most: rows drawn.
    """
    shown = table[table["swing"] > 0].head(most)
    figure = canvas(7.6, 0.34 * len(shown) + 1.0)
    axes = figure.subplots()
    base = table["at_base"].iloc[0]
    for row, entry in enumerate(shown.itertuples()):
        ends = ((entry.at_low, entry.low, MUTED), (entry.at_high, entry.high, PALETTE["accent"]))
        share = entry.unit.startswith(("relative", "share"))
        for place, value, tint in ends:
            axes.barh(row, place - base, left=base, height=0.56, color=tint)
            right = place > base or (place == base and entry.at_low < entry.at_high)
            axes.annotate(
                _number(value, share), (place, row), (4 if right else -4, 0), textcoords="offset points", fontsize=7.5,
                color=INK, ha="left" if right else "right", va="center",
            )  # fmt: skip
    axes.axvline(base, color=INK, linewidth=0.8)
    if shown[["at_low", "at_high"]].min().min() < 0 < shown[["at_low", "at_high"]].max().max():
        axes.axvline(0, color=WARNING, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.text(0, -0.85, " nil", color=WARNING, fontsize=8, va="center")
    axes.set_yticks(range(len(shown)), [textwrap.fill(label, 44) for label in shown["label"]], fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -1.1)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(MONEY)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x")
    axes.set_xlabel(f"{xlabel}\ngrey: at the pessimistic or low end, blue: at the other end", fontsize=8.5)
    return figure


@styled
def break_even(table: pd.DataFrame) -> Figure:
    """Draw each action's assumed effect as a line with its base, and the effect it needs as a diamond.

    Args:
        table: rows of `break_even.break_even`; only effects in relative terms are drawn.
    """
    shown = table[(table["kind"] == "effect") & table["lever"].isin(RELATIVE)].reset_index(drop=True)
    limit = min(1.0, 1.25 * max(shown["high"].max(), shown["break_even"].fillna(0).clip(upper=0.5).max()))
    floor = min(0.0, 1.25 * shown["low"].min())
    figure = canvas(7.6, 0.34 * len(shown) + 0.9)
    axes = figure.subplots()
    for row, entry in enumerate(shown.itertuples()):
        tint = TIER_COLOURS[entry.tier]
        axes.hlines(row, entry.low, entry.high, color=tint, linewidth=5, alpha=0.35)
        axes.scatter(entry.base, row, color=tint, s=26, zorder=3)
        _needed(axes, row, entry.break_even, floor, limit, pays=entry.gain_base >= 0)
    names = [f"{entry.action}: {_lever(entry.lever)}" for entry in shown.itertuples()]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    for tick, tier in zip(axes.get_yticklabels(), shown["tier"], strict=True):
        tick.set_color(TIER_COLOURS[tier])
    axes.axvline(0, color=RULE, linewidth=0.8)
    axes.set_xlim(floor - 0.01, limit + 0.07)
    axes.set_ylim(len(shown) - 0.5, -0.6)
    percent(axes.xaxis)
    axes.grid(axis="x")
    axes.set_xlabel(
        "Relative effect: bar = assumed range, dot = base, diamond = needed to pay for itself", fontsize=8.5
    )
    return figure


def _needed(axes: Axes, row: int, needed: float, floor: float, limit: float, pays: bool) -> None:
    tint = INK if pays else WARNING
    if np.isnan(needed):
        axes.text(limit + 0.065, row, "none in range", ha="right", va="center", fontsize=7.5, color=WARNING)
    elif needed > limit:
        axes.text(limit + 0.065, row, f"{needed:.0%} →", ha="right", va="center", fontsize=7.5, color=tint)
    elif needed < floor:
        text = f"pays from {needed:.0%}".replace("-", "−")
        axes.text(limit + 0.065, row, text, ha="right", va="center", fontsize=7.5, color=tint)
    else:
        axes.scatter(
            needed, row, marker="D", s=30, facecolor="white", edgecolor=tint, linewidth=1.4, zorder=4
        )
        axes.annotate(
            f"{needed:.0%}",
            (needed, row),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=tint,
        )


@styled
def by_tier(table: pd.DataFrame, measures: dict[str, str]) -> Figure:
    """Draw each measure by tier under the tiered (filled, with interval) and the uniform policy (hollow).

    Args:
        table: rows of `sensitivity.by_tier`.
        measures: measure → title of its panel.
    """
    figure, grid = panels(len(measures), columns=min(3, len(measures)), row_height=2.2)
    for place, (axes, (measure, title)) in enumerate(zip(grid, measures.items(), strict=True)):
        part = table[table["measure"] == measure]
        tiers = list(part["tier"].cat.categories)
        for row, tier in enumerate(tiers):
            mine = part[part["tier"] == tier].set_index("policy")
            tiered, uniform = mine.loc["tiered"], mine.loc["uniform"]
            tint = TIER_COLOURS[tier]
            axes.hlines(row - 0.12, tiered["ci_low"], tiered["ci_high"], color=tint, linewidth=1.8)
            axes.scatter(tiered["estimate"], row - 0.12, color=tint, s=30, zorder=3)
            axes.scatter(uniform["estimate"], row + 0.16, s=26, facecolor="white", edgecolor=tint, zorder=3)
        axes.set_yticks(range(len(tiers)), tiers if place % 3 == 0 else [""] * len(tiers))
        axes.set_ylim(len(tiers) - 0.5, -0.5)
        axes.set_title(textwrap.fill(title, 24), fontsize=9.5)
        axes.xaxis.set_major_formatter(MONEY)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x")
        if part["ci_low"].min() < 0 < part["ci_high"].max():
            axes.axvline(0, color=MUTED, linewidth=0.8)
    grid[0].set_xlabel("filled: tiered, with interval; hollow: uniform", fontsize=8)
    return figure


@styled
def officer_hours(table: pd.DataFrame) -> Figure:
    """Draw officer hours per customer and year by tier, from the uniform to the tiered policy.

    Args:
        table: rows of `sensitivity.by_tier`, with `n`.
    """
    hours = table[table["measure"] == "officer hours"]
    tiers = list(hours["tier"].cat.categories)
    figure = canvas(7.6, 2.4)
    axes = figure.subplots()
    for row, tier in enumerate(tiers):
        mine = hours[hours["tier"] == tier].set_index("policy")
        size = mine["n"].iloc[0]
        if not size > 0:
            continue
        start, end = mine.loc["uniform", "estimate"] / size, mine.loc["tiered", "estimate"] / size
        low, high = mine.loc["tiered", "ci_low"] / size, mine.loc["tiered", "ci_high"] / size
        tint = TIER_COLOURS[tier]
        axes.annotate(
            "", (end, row), (start, row), arrowprops={"arrowstyle": "-|>", "color": tint, "lw": 1.4}
        )
        axes.hlines(row + 0.22, low, high, color=tint, linewidth=1.6)
        axes.scatter(start, row, s=26, facecolor="white", edgecolor=tint, zorder=3)
        change = (end - start) * size
        axes.annotate(
            f"{end:.1f} h ({change:+,.0f} h in all)".replace("-", "−"), (max(end, start, high), row), (8, 0),
            textcoords="offset points", va="center", fontsize=8, color=tint,
        )  # fmt: skip
    axes.set_yticks(range(len(tiers)), tiers)
    axes.set_ylim(len(tiers) - 0.4, -0.5)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.3)
    axes.grid(axis="x")
    axes.set_xlabel(
        "Officer hours per customer and year: from uniform (hollow) to tiered; bar below = interval",
        fontsize=8.5,
    )
    return figure


@styled
def gains(table: pd.DataFrame, titles: dict[str, str], panels_by: dict[str, str], xlabel: str) -> Figure:
    """Draw the gain of the tiered policy by model, one panel per policy compared with.

    Args:
        table: rows of `policy.compare_models` of one measure and basis: `model`, `policy`, `estimate`, `ci_low`,
            `ci_high`.
        titles: model → name to show, in display order.
        panels_by: policy (`tiered − …`) → title of its panel.
    """
    figure, grid = panels(len(panels_by), columns=len(panels_by), row_height=0.9 + 0.26 * len(titles))
    order = [model for model in titles if model in set(table["model"])]
    for place, (axes, (policy, title)) in enumerate(zip(grid, panels_by.items(), strict=True)):
        part = table[table["policy"] == policy].set_index("model").reindex(order)
        tints = [colour(model) for model in order]
        axes.hlines(range(len(order)), part["ci_low"], part["ci_high"], color=tints, linewidth=1.8)
        axes.scatter(part["estimate"], range(len(order)), color=tints, s=30, zorder=3)
        axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_yticks(
            range(len(order)), [titles[model] for model in order] if place == 0 else [""] * len(order)
        )
        for tick, model in zip(axes.get_yticklabels(), order, strict=True):
            tick.set_color(colour(model))
        axes.set_ylim(len(order) - 0.5, -0.5)
        axes.set_title(title, fontsize=9.5)
        axes.set_xlabel(xlabel, fontsize=8.5)
        axes.xaxis.set_major_formatter(MONEY)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="x")
    return figure


@styled
def workload(table: pd.DataFrame) -> Figure:
    """Draw the planned contacts per week, stacked by tier.

    Args:
        table: `week`, `tier`, `contacts`, from `contacts.workload`.
    """
    wide = table.pivot_table(index="week", columns="tier", values="contacts", observed=True, fill_value=0)
    figure = canvas(7.6, 2.6)
    axes = figure.subplots()
    bottom = np.zeros(len(wide))
    for tier in [name for name in TIER_COLOURS if name in wide]:
        axes.bar(range(len(wide)), wide[tier], bottom=bottom, color=TIER_COLOURS[tier], width=0.8, label=tier)
        bottom += wide[tier].to_numpy(float)
    step = max(1, len(wide) // 8)
    weeks = [
        f"{week:%d %b}" + (f"\n{week:%Y}" if place == 0 else "")
        for place, week in enumerate(wide.index[::step])
    ]
    axes.set_xticks(range(0, len(wide), step), weeks, fontsize=8)
    axes.set_ylabel("Contacts per week")
    axes.grid(axis="y")
    axes.legend(ncols=4, loc="upper right")
    return figure


def _number(value: float, share: bool) -> str:
    text = f"{100 * value:.3g}%" if share else f"{value:,.3g}"
    return text.replace("-", "−")


def _lever(lever: str) -> str:
    return {"pd": "PD", "lgd": "LGD", "churn": "churn", "growth": "growth", "decline": "declined"}[lever]
