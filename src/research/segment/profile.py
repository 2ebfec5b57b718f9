"""Who sits in each tier: counts, outcome rates and medians."""

from __future__ import annotations

import pandas as pd

from research.intervals import jeffreys
from research.tiers import TIERS

MEDIANS = ["construct", "label", "unit", "tier", "median", "q25", "q75", "n"]


def rates(tiers: pd.Series, outcome: pd.Series, worth: pd.Series | None = None) -> pd.DataFrame:
    """Count each tier and its outcomes.

    Args:
        tiers: (n,) tier names.
        outcome: (n,) 0 or 1, missing when censored.
        worth: (n,) what a customer brings per year; adds the tier's mean and share.

    Returns:
        Four rows: `tier`, `n`, `share`, `known`, `bad`, `rate` with its 95 % Jeffreys interval, and with a worth
        `mean_worth`, `worth_share`.
    """
    rows = []
    for tier in TIERS:
        inside = (tiers == tier).to_numpy()
        seen = outcome[inside].dropna()
        low, high = jeffreys(seen.sum(), len(seen))
        row = {
            "tier": tier,
            "n": int(inside.sum()),
            "share": float(inside.mean()),
            "known": len(seen),
            "bad": int(seen.sum()),
            "rate": float(seen.mean()) if len(seen) else None,
            "ci_low": float(low),
            "ci_high": float(high),
        }
        if worth is not None:
            row |= {
                "mean_worth": worth[inside].mean(),
                "worth_share": worth[inside].sum() / worth.sum(min_count=1),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def medians(customers: pd.DataFrame, tiers: pd.Series, constructs: pd.DataFrame) -> pd.DataFrame:
    """Describe each numeric predictor by tier.

    Args:
        customers: canonical table.
        tiers: (n,) tier names, same order.
        constructs: `construct`, `label`, `unit`, `role`, `dtype`.

    Returns:
        One row per construct and tier: `construct`, `label`, `unit`, `tier`, `median`, `q25`, `q75`, `n`; constructs
        whose medians differ most between tiers (relative to their overall interquartile range) come first.
    """
    listed = constructs[(constructs["role"] == "predictor") & (constructs["dtype"] == "float")]
    frames, spread = [pd.DataFrame(columns=MEDIANS)], {}
    for construct, label, unit in listed[["construct", "label", "unit"]].itertuples(index=False, name=None):
        if construct not in customers or customers[construct].nunique() < 3:
            continue
        values = customers[construct]
        grouped = values.groupby(tiers.to_numpy())
        table = grouped.quantile([0.25, 0.5, 0.75]).unstack().reindex(TIERS)
        table.columns = ["q25", "median", "q75"]
        middle = values.quantile(0.75) - values.quantile(0.25)
        spread[construct] = (table["median"].max() - table["median"].min()) / middle if middle else 0.0
        about = {"construct": construct, "label": label, "unit": unit}
        n = grouped.count().reindex(TIERS).to_numpy()
        frames.append(table.rename_axis("tier").reset_index().assign(**about, n=n))
    whole = pd.concat(frames[1:] or frames, ignore_index=True)
    order = whole["construct"].map(spread).sort_values(ascending=False, kind="stable").index
    return whole.loc[order, MEDIANS].reset_index(drop=True)
