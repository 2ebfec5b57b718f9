"""Captions of the figures of the regressions."""

from __future__ import annotations

import pandas as pd

from research.captions.wording import counted, known, listed, number, outside, said, shown_of, span

LEVEL = 0.05


def forest(table: pd.DataFrame) -> str:
    """Say which terms raise and lower the odds after adjustment for many tests.

    Args:
        table: `term`, `estimate` (odds ratio), `ci_low`, `ci_high`, `p_holm`.
    """
    title = "Odds ratios of a bad outcome"
    shown = known(table, "estimate", "ci_low", "ci_high", "p_holm")
    if shown.empty:
        return said(title)
    away = int(outside(shown, 1.0).sum())
    clear = shown[shown["p_holm"] < LEVEL].sort_values("p_holm", kind="stable")
    parts = []
    for words, rows in (("higher", clear[clear["estimate"] > 1]), ("lower", clear[clear["estimate"] < 1])):
        names = listed(f"{row.term} ({number(row.estimate, '.2f')})" for row in rows.itertuples())
        parts += [f"{words} odds with {names}"] if names else []
    return said(
        title,
        f"the interval leaves out one (blue) for {counted(away, len(shown), 'terms')}",
        f"clear after Holm adjustment for many tests: {', '.join(parts) or 'no term'}",
    )


def calibration(deciles: pd.DataFrame, summary: pd.DataFrame) -> str:
    """Say whether predictions are too extreme, and how many groups default as predicted.

    Args:
        deciles: `predicted`, `ci_low`, `ci_high` of the observed rate, one row per tenth.
        summary: `estimate`, `ci_low`, `ci_high` by measure, with `calibration slope`.
    """
    title = "Observed against predicted risk in tenths of the customers, out of fold"
    shown = known(deciles, "predicted", "ci_low", "ci_high")
    inside = shown["predicted"].between(shown["ci_low"], shown["ci_high"]).sum()
    tenths = shown_of("tenths", shown, deciles)
    hold = f"the interval holds the predicted risk in {counted(int(inside), len(shown), tenths)}"
    return said(title, _slope(summary), hold if len(shown) else "")


def _slope(summary: pd.DataFrame) -> str:
    row = summary.reindex(["calibration slope"]).iloc[0]
    if pd.isna(row["estimate"]) or pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return ""
    judged = "is below one, the predictions are too extreme"
    if row["ci_low"] > 1:
        judged = "is above one, the predictions are not extreme enough"
    elif row["ci_high"] >= 1:
        judged = "cannot be told from one, the slope of perfect calibration"
    return f"the slope, {span(row, '.2f')}, {judged}"


def explained_shares(table: pd.DataFrame) -> str:
    """Say which block explains most of the rate. `table`: `block`, `r2_alone`, `r2_lost` (shares of the variance)."""
    title = "Share of the variance of the contract rate by block"
    shown = known(table, "r2_alone", "r2_lost")
    if shown.empty:
        return said(title)
    alone, lost = (shown.loc[shown[name].idxmax()] for name in ("r2_alone", "r2_lost"))
    first = f"{alone['block']} explains most alone ({number(alone['r2_alone'], '.1%')})"
    same = alone["block"] == lost["block"]
    second = "most is lost without it too" if same else f"most is lost without {lost['block']}"
    return said(title, f"{first}, and {second} ({number(lost['r2_lost'], '.1%')})")
