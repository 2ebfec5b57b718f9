"""Captions of the figures of monitoring."""

from __future__ import annotations

import pandas as pd

from research.captions.wording import counted, known, lie, listed, number, said


def event_rates(table: pd.DataFrame, whose: str) -> str:
    """Say for every event whether the high-risk and the premium tier lie apart.

    Args:
        table: `tier`, `measure` (a title), `estimate`, `ci_low`, `ci_high`.
        whose: the data.
    """
    title = f"{whose}, in the year after the loan by tier, with 95 % intervals"
    answers = []
    for measure, part in known(table, "estimate", "ci_low", "ci_high").groupby("measure", sort=False):
        tiers = part.set_index("tier")
        if {"high", "premium"} <= set(tiers.index):
            high, premium = tiers.loc["high"], tiers.loc["premium"]
            ends = f"high {number(high['estimate'], '.1%')}, premium {number(premium['estimate'], '.1%')}"
            answers.append(f"{measure[:1].lower()}{measure[1:]}, {ends} (intervals {lie(high, premium)})")
    return said(title, *answers)


def rates_over_time(table: pd.DataFrame, shock: float) -> str:
    """Say in how many months each tier lies above its control limits, from the shock on and before.

    Args:
        table: `tier`, `period`, `verdict` (alarm: outside the 99.8 % limits), `direction`.
        shock: the month in which the shock begins.
    """
    title = (
        "Monthly default rate by tier with the 99.8 % limits of the year before the shock; dots lie outside"
    )
    above = (table["verdict"] == "alarm") & (table["direction"] == "above")
    after = table["period"] >= shock
    late = above[after].groupby(table["tier"].astype(str)[after], sort=False).agg(["sum", "size"])
    if late.empty:
        return said(title)
    tiers = listed(f"{count} ({tier})" for tier, count in late["sum"].items())
    early = int((~after).sum())
    before = f"before it {counted(int(above[~after].sum()), early, 'monthly rates')} did" if early else ""
    months = late["size"].max()
    return said(
        title, f"of the {months} months from the shock on, the rate lies above them in {tiers}", before
    )


def funnel(table: pd.DataFrame) -> str:
    """Say which groups lie outside the limits, and how many chance alone would put there.

    Args:
        table: `group`, `estimate` (observed over expected), `verdict` (within, alert, alarm), one row per group.
    """
    title = "Industries and regions against what their tiers would bring; a group outside is not explained by its tiers"
    shown = known(table, "estimate")
    if shown.empty:
        return said(title)
    outside, far = shown[shown["verdict"] != "within"], shown[shown["verdict"] == "alarm"]
    chance = f"chance alone would put about {number(0.05 * len(shown), '.1f')} there"
    names = listed(f"{row.group} ({number(row.estimate, '.2f')})" for row in far.itertuples())
    return said(
        title,
        f"{counted(len(outside), len(shown), 'groups', ('lies', 'lie'))} outside the 95 % limits ({chance})",
        f"outside the 99.8 % limits: {names or 'none'}",
    )


def stability_over_time(table: pd.DataFrame, shock: float) -> str:
    """Say how often each model's index leaves the first band from the shock on, and where it is largest.

    Args:
        table: `period`, `estimate`, `verdict`, `signal` (green: the first band), `series`.
        shock: the month in which the shock begins.
    """
    title = "Stability of each model's score among the new loans of each month, on the verdict bands"
    after = known(table[table["period"] >= shock], "estimate")
    if after.empty:
        return said(title)
    left = (after["signal"] != "green").groupby(after["series"], sort=False).agg(["sum", "size"])
    top = after.loc[after["estimate"].idxmax()]
    series = listed(f"{count} ({name})" for name, count in left["sum"].items())
    return said(
        title,
        f"of the {left['size'].max()} months from the shock on, it leaves the green band in {series}",
        f"the largest index is that of {top['series']} in month {top['period']:.0f} ({number(top['estimate'], '.2f')}, "
        f"{top['verdict']})",
    )


def construct_shift(table: pd.DataFrame, whose: str) -> str:
    """Say which construct moved most and how many left the first band.

    Args:
        table: `label`, `estimate`, `benchmark`, `verdict`, `signal`, largest first; may be empty.
        whose: the data.
    """
    title = f"{whose}, constructs that moved most between the reference and the loans after the shock or the last month"
    shown = known(table, "estimate") if "estimate" in table else table.iloc[:0]
    if shown.empty:
        return said(title)
    top = shown.iloc[0]
    left, chance = (
        int((shown["signal"] != "green").sum()),
        int((shown["estimate"] > shown["benchmark"]).sum()),
    )
    return said(
        title,
        f"{top['label']} moved most ({number(top['estimate'], '.2f')}, {top['verdict']})",
        f"{counted(left, len(shown), 'constructs', ('leaves', 'leave'))} the green band, {chance} moved more than "
        "chance does once in twenty times",
    )


def trigger(months: pd.DataFrame, whose: str, sentence: str) -> str:
    """Say when the review rule fired and why.

    Args:
        months: `period`, `fired`, `reason`, in order.
        whose: the model.
        sentence: when, from `retiering.delay_in_words`.
    """
    fired = months[months["fired"]]
    why = f" (first, in month {fired['period'].iloc[0]:.0f}: {fired['reason'].iloc[0]})" if len(fired) else ""
    said_when = sentence.rstrip(".")
    return said(
        f"The review rule on the simulated bank, {whose}, month by month",
        f"{said_when[:1].lower()}{said_when[1:]}{why}",
    )
