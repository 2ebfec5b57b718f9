"""Captions of the figures of early warning."""

from __future__ import annotations

import pandas as pd

from research.captions.wording import counted, known, number, said


def warning_worth(table: pd.DataFrame) -> str:
    """Say which rule warns of most defaults, which is right most often, and how many beat a blind pick.

    Args:
        table: `label`, `hit_rate`, `precision`, `precision_low`, `base_rate`, one row per rule.
    """
    title = "Share of the defaults a rule warned of against share of its alarms that were right, with 95 % intervals"
    shown = known(table, "hit_rate", "precision", "precision_low", "base_rate")
    if shown.empty:
        return said(title)
    hits, right = (shown.loc[shown[name].idxmax()] for name in ("hit_rate", "precision"))
    beat, base = int((shown["precision_low"] > shown["base_rate"]).sum()), shown["base_rate"].iloc[0]
    return said(
        title,
        f"'{hits['label']}' warned of most ({number(hits['hit_rate'], '.0%')})",
        f"'{right['label']}' was right most often ({number(right['precision'], '.0%')})",
        f"the interval lies above a month picked blindly ({number(base, '.0%')}) for "
        f"{counted(beat, len(shown), 'rules')}",
    )


def lead_times(table: pd.DataFrame) -> str:
    """Say which rule misses fewest and most defaults, and how early the first one speaks.

    Args:
        table: `label`, `lead_months` (missing = missed), `n`, `share` of all defaults.
    """
    title = "Months from the first signal to the default, by rule, as a share of all defaults"
    if table.empty:
        return said(title)
    rules = table["label"].drop_duplicates()
    missed = table[table["lead_months"].isna()].groupby("label")["share"].sum().reindex(rules, fill_value=0.0)
    least, most = missed.idxmin(), missed.idxmax()
    if table.loc[table["label"] == least, "lead_months"].isna().all():
        return said(title, "no rule speaks before a default")
    months = table[table["label"] == least].dropna(subset="lead_months")
    lead = months["lead_months"].repeat(months["n"].astype(int)).median()
    first = f"'{least}' misses fewest ({number(missed[least], '.0%')}) and speaks {number(lead)} months ahead (median)"
    return said(
        title, first, f"'{most}' misses most ({number(missed[most], '.0%')})" if len(rules) > 1 else ""
    )
