"""Page 05, over lenders: whether a difference between models holds at more than one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import forest, panels, small_multiples
from research.exhibits.terms import MEASURES, NAMES, PURPOSES
from research.exhibits.words import N_, Said, Words, chosen

SHOWN = (("risk", "as practised", "tree", "scorecard"), ("risk", "as practised", "abc", "scorecard"),
         ("risk", "as practised", "tree", "rfm"), ("risk", "equal information", "tree", "rfm"))  # fmt: skip
LENDER_HEADINGS = {
    "purpose": N_("Purpose"),
    "arm": N_("Inputs"),
    "model_a": N_("First"),
    "model_b": N_("Second"),
    "lender": N_("Lender"),
    "estimate": N_("Difference [95 % interval]"),
    "prediction_low": N_("A further lender, from"),
    "prediction_high": N_("to"),
}
LENDER_FORMATS = {"estimate": interval("+.3f"), "prediction_low": ".3f", "prediction_high": ".3f"}
LENDERS = {
    "below": N_("Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} below the scorecard's (95 % interval "
                "{low:.3f} to {high:.3f})."),
    "below, not everywhere": N_("Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} below the scorecard's (95 "
                                "% interval {low:.3f} to {high:.3f}): on average, not everywhere."),
    "above": N_("Over {lenders:.0f} lenders the tree's AUC is {gap:.3f} above the scorecard's (95 % interval "
                "{low:.3f} to {high:.3f})."),
    "open": N_("Over {lenders:.0f} lenders no difference of the tree from the scorecard is shown: {gap:.3f} (95 % "
               "interval {low:.3f} to {high:.3f})."),
    "few": N_("Differences between models at each lender; too few lenders to pool."),
}  # fmt: skip


def lenders(rows: pd.DataFrame, pooled: pd.DataFrame, origin: str) -> Exhibit:
    """Show four differences at each lender, pooled, and for a further one, a forest plot: `lenders` and its origin."""
    frame, keys = _over_lenders(rows, pooled, SHOWN), [*LENDER_HEADINGS][:4]
    first = _where(pooled, dict(zip(keys, SHOWN[0], strict=True)))
    alt = Said(N_("Four panels, one per pair of models: a dot with interval per lender, a diamond for all lenders, "
                  "and a thin line for where a further lender would lie."))  # fmt: skip
    return Exhibit(
        "lenders", frame, _pooled_said(first), alt, lenders_drawn, within=None, origin=origin,
        headings=LENDER_HEADINGS, formats=LENDER_FORMATS,
    )  # fmt: skip


def _over_lenders(
    rows: pd.DataFrame, pooled: pd.DataFrame, shown: tuple[tuple[str, ...], ...]
) -> pd.DataFrame:
    keys = [*LENDER_HEADINGS][:4]
    parts = []
    for number, key in enumerate(shown):
        match = dict(zip(keys, key, strict=True))
        mean = _where(pooled, match).assign(lender=N_("All lenders"))
        parts.append(pd.concat([_where(rows, match), mean], ignore_index=True).assign(panel=number))
    columns = [*keys, "panel", "lender", "lenders", "estimate", "ci_low", "ci_high", "prediction_low",
               "prediction_high", "i_squared"]  # fmt: skip
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def _where(rows: pd.DataFrame, match: dict[str, str]) -> pd.DataFrame:
    if rows.empty:
        return rows
    return rows[np.logical_and.reduce([rows[name] == value for name, value in match.items()])]


def _pooled_said(first: pd.DataFrame) -> Said:
    if first.empty:
        return Said(LENDERS["few"])
    row = first.iloc[0]
    crosses = not (row["prediction_low"] > 0 or row["prediction_high"] < 0)
    code = "above" if row["ci_low"] > 0 else "open"
    if row["ci_high"] < 0:
        code = "below, not everywhere" if crosses else "below"
    gap = row["estimate"] if code == "open" else abs(row["estimate"])
    ends = (row["ci_low"], row["ci_high"])
    low, high = sorted(map(abs, ends)) if code.startswith("below") else ends
    return Said(LENDERS[code], {"lenders": row["lenders"], "gap": gap, "low": low, "high": high})


PANELS = (N_("Tree − scorecard"), N_("ABC − scorecard"), N_("Tree − RFM, as practised"),
          N_("Tree − RFM, equal information"))  # fmt: skip


@drawing
def lenders_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest plot per pair of models on one axis of differences in AUC."""
    order = [name for name in dict.fromkeys(frame["lender"]) if name != "All lenders"] + ["All lenders"]
    figure, grid = small_multiples(words, len(PANELS), columns=2, row_height=0.24 * len(order) + 0.7)
    for number, axes in enumerate(grid):
        rows = frame[frame["panel"] == number].set_index("lender")
        forest(axes, rows, order, "All lenders", 0, words)
        axes.set_title(words(PANELS[number]))
    # The line for a further lender may reach far beyond what any lender shows, and leave the panel.
    ends = frame[["ci_low", "ci_high"]]
    grid[0].set_xlim(ends.min().min() - 0.05, ends.max().max() + 0.05)
    grid[-1].set_xlabel(words(N_("Difference in AUC, 95 % interval")))
    return figure


OTHER_PURPOSES = (("need", "as practised", "tree", "abc"), ("profit", "as practised", "tree", "abc"))
OTHERS = {
    "open": N_("Over lenders, no difference of the tree from ABC is shown in parting needs or in earning."),
    "clear": N_("Over lenders, the tree and ABC differ in how well they {purposes}."),
    "few": N_("The tree less ABC in parting needs and in earning, at each lender; too few lenders to pool."),
}


def lenders_otherwise(rows: pd.DataFrame, pooled: pd.DataFrame, origin: str) -> Exhibit:
    """Show the tree less ABC in parting needs and in earning at each lender and pooled: frames as for `lenders`."""
    frame = _over_lenders(rows, pooled, OTHER_PURPOSES)
    mean = frame[frame["lender"] == "All lenders"]
    clear = mean[(mean["ci_low"] > 0) | (mean["ci_high"] < 0)]["purpose"].tolist()
    code = "few" if mean.empty else "clear" if clear else "open"
    said = chosen(OTHERS, code, purposes=[Said(PURPOSES[name]) for name in clear])
    alt = Said(
        N_("Two panels: a dot with interval per lender, a diamond for all, a thin line for a further one.")
    )
    return Exhibit("lenders_otherwise", frame, said, alt, lenders_otherwise_drawn, within=None, origin=origin,
                   headings=LENDER_HEADINGS, formats=LENDER_FORMATS, supplement=True)  # fmt: skip


@drawing
def lenders_otherwise_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest plot per purpose, each on its own axis."""
    order = [name for name in dict.fromkeys(frame["lender"]) if name != "All lenders"] + ["All lenders"]
    figure, grid = panels(words, len(OTHER_PURPOSES), 2, 0.24 * len(order) + 0.9, 0)
    for number, axes in enumerate(grid):
        rows = frame[frame["panel"] == number].set_index("lender")
        forest(axes, rows, order, "All lenders", 0, words)
        ends = rows[["ci_low", "ci_high"]]
        room = 0.1 * (ends.max().max() - ends.min().min()) if len(rows) else 0
        if room > 0:
            axes.set_xlim(ends.min().min() - room, ends.max().max() + room)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        purpose = OTHER_PURPOSES[number][0]
        axes.set_title(words(PURPOSES[purpose]))
        axes.set_xlabel(words(MEASURES[purpose]))
    return figure


RANKS = {
    True: N_("By ranks, too, the three differ over {n} lenders: Friedman p {p:p=}."),
    False: N_("By ranks alone the three cannot be told apart over {n} lenders: Friedman p {p:p=}."),
}


def ranks(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show mean ranks by AUC over lenders with Nemenyi's tests: `study.purposes.lender_ranks`."""
    p = rows["p_friedman"].iloc[0]
    frame = rows.assign(model_a=rows["model_a"].map(NAMES), model_b=rows["model_b"].map(NAMES))
    return Exhibit(
        "ranks", frame, Said(RANKS[bool(p < 0.05)], {"n": int(rows["lenders"].iloc[0]), "p": p}), within=None,
        headings={"model_a": N_("First"), "model_b": N_("Second"), "rank_a": N_("Mean rank of the first"),
                  "rank_b": N_("of the second"), "p_value": N_("p (Nemenyi)")},
        formats={"rank_a": ".2f", "rank_b": ".2f", "p_value": "p"}, origin=origin, supplement=True,
    )  # fmt: skip
