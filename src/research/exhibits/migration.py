"""Page 07, migration: who moved from which tier to which."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import INK, label_below, panels, persons
from research.exhibits.terms import NAMES, in_text
from research.exhibits.words import N_, Said, Words
from research.tiers import LABELS, TIERS


def far(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the moves over all months."""
    return rows[rows["months"] == rows["months"].max()]


def same(moved: pd.DataFrame) -> pd.Series:
    """Return the share of customers who are where they started, by model."""
    stay = moved[moved["from"].astype(str) == moved["to"].astype(str)].groupby("model", sort=False)
    return stay["count"].sum() / stay["n"].sum()


STAYED = N_("Of {n:,.0f} customers these were in the same tier {months:.0f} months later: {stays}.")
UNDER = N_("{share:.0%} under {model}")


def migration(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show who moved from which tier to which over all months, a matrix per model: `rows` of the step `migrations`."""
    whole = far(rows)
    stays = [Said(UNDER, {"share": share, "model": in_text([name])}) for name, share in same(whole).items()]
    n = whole.groupby("model")["count"].sum().max()
    said = Said(STAYED, {"n": n, "months": whole["months"].iloc[0], "stays": stays})
    alt = Said(N_("A matrix per model: tier at the start by tier at the end, darkest on the diagonal."))
    return Exhibit(
        "migration", rows, said, alt, migration_drawn, within=("model", "months"), origin=origin,
        headings={"model": N_("Model"), "months": N_("Months"), "from": N_("From"), "to": N_("To"),
                  "count": N_("Customers"), "n": N_("of"), "estimate": N_("Share [95 % interval]")},
        formats={"estimate": interval(".1%"), "count": ",.0f", "n": ",.0f"},
    )  # fmt: skip


@drawing
def migration_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a matrix per model over all months; the diagonal has its interval, each row its customers."""
    whole, places = far(frame).rename(columns={"from": "start"}), [place + 0.5 for place in range(len(TIERS))]
    models, labels = list(dict.fromkeys(whole["model"])), [words.tier(tier) for tier in TIERS]
    figure, grid = panels(words, len(models), len(models), 2.1)
    for axes, name in zip(grid, models, strict=True):
        part = whole[whole["model"] == name]
        square = part.pivot(index="start", columns="to", values="estimate").loc[[*TIERS], [*TIERS]]
        sns.heatmap(square, cmap="Blues", vmin=0, vmax=1, cbar=False, linewidths=1, ax=axes)
        for row in part.itertuples():
            text = words.number(row.estimate, ".0%")
            if row.start == row.to:
                text += words(N_("\n{low:.0f}–{high:.0f}"), low=100 * row.ci_low, high=100 * row.ci_high)
            axes.text(places[TIERS.index(row.to)], places[TIERS.index(row.start)], text, ha="center", va="center",
                      fontsize=7, color="white" if row.estimate > 0.55 else INK)  # fmt: skip
        n = part.groupby("start", observed=True)["n"].first().reindex(TIERS)
        rows = [f"{label}\n{persons(size, words)}" for label, size in zip(labels, n, strict=True)]
        axes.set_yticks(places, rows)
        axes.set_xticks(places, [label.split()[0] for label in labels])
        axes.tick_params(labelsize=7, rotation=0)
        axes.set(xlabel="", ylabel="", title=words(NAMES[name]))
    label_below(figure, words(N_("Rows: tier at the start. Columns: at the end, 95 % intervals.")), words)
    return figure


AHEAD = N_("In {more} of {n} tiers more customers stayed for {months:.0f} months than the moves of single months, "
           "repeated, would say, in {fewer} fewer.")  # fmt: skip


def ahead(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show who stayed for all months, and what the moves of a month say of it, by two methods."""
    more, fewer = (int((rows["result"] == result).sum()) for result in ("more", "fewer"))
    said = Said(AHEAD, {"more": more, "n": len(rows), "months": rows["months"].max(), "fewer": fewer})
    frame = rows.assign(label=rows["model"].map(NAMES), tier_label=rows["tier"].map(LABELS))
    return Exhibit(
        "ahead", frame, said, within=None, origin=origin, supplement=True,
        headings={"label": N_("Model"), "tier_label": N_("Tier"), "n": N_("Customers"),
                  "seen": N_("Stayed [95 % interval]"), "cohort": N_("Said by the matrix of a month"),
                  "duration": N_("Said by the time in each tier")},
        formats={"seen": interval(".1%", "seen"), "cohort": ".1%", "duration": ".1%", "n": ",.0f"},
    )  # fmt: skip
