"""Default, loss and churn rates by tier, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.intervals import jeffreys


def event_rates(table: pd.DataFrame, by: str, event: str, level: float = 0.95) -> pd.DataFrame:
    """Return the rate of an event in each group, with its Jeffreys interval.

    Args:
        table: a column of groups and a column 0/1; rows whose event is missing are left out and counted.
        by, event: their names.

    Returns:
        One row per group and one for `all`: the group, `measure` (the event), `events`, `n`, `censored`, `estimate`,
        `ci_low`, `ci_high`.
    """
    groups = table[by]
    known = table[event].notna()
    counts = table[event].groupby(groups, observed=False).agg(["sum", "count", "size"])
    total = pd.DataFrame(
        [[table[event].sum(), known.sum(), len(table)]], columns=counts.columns, index=["all"]
    )
    counts = pd.concat([counts.set_axis(counts.index.astype(object)), total])
    low, high = jeffreys(counts["sum"], counts["count"], level)
    return pd.DataFrame(
        {
            by: counts.index,
            "measure": event,
            "events": counts["sum"].astype(int).to_numpy(),
            "n": counts["count"].astype(int).to_numpy(),
            "censored": (counts["size"] - counts["count"]).astype(int).to_numpy(),
            "estimate": (counts["sum"] / counts["count"].where(counts["count"] > 0)).to_numpy(float),
            "ci_low": low,
            "ci_high": high,
        }
    )


def loss_rates(
    table: pd.DataFrame,
    by: str,
    loss: str,
    exposure: str,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return loss ÷ exposure in each group, with a percentile bootstrap interval over customers.

    Rows whose loss or exposure is missing are left out and counted.

    Returns:
        One row per group and one for `all`: the group, `measure` (`loss_rate`), `loss`, `exposure`, `n`, `censored`,
        `estimate`, `ci_low`, `ci_high`.
    """
    rng = np.random.default_rng(seed)
    known = table[loss].notna() & table[exposure].notna()
    parts = [(name, part) for name, part in table[known].groupby(by, observed=False)]
    parts.append(("all", table[known]))
    sizes = table[by].value_counts().to_dict() | {"all": len(table)}
    rows = []
    for name, part in parts:
        lost, lent = part[loss].to_numpy(float), part[exposure].to_numpy(float)
        low, high = _ratio_interval(rng, lost, lent, resamples, level)
        total = lent.sum()
        rows.append(
            {
                by: name,
                "measure": "loss_rate",
                "loss": lost.sum(),
                "exposure": total,
                "n": len(part),
                "censored": sizes.get(name, 0) - len(part),
                "estimate": lost.sum() / total if total > 0 else np.nan,
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows)


def _ratio_interval(
    rng: np.random.Generator, lost: np.ndarray, lent: np.ndarray, resamples: int, level: float
) -> tuple[float, float]:
    """Percentile interval of Σ lost / Σ lent. Customers with a loss are drawn one by one, the others share one cell.

    Σ lent of the customers without a loss is drawn from its normal limit, which is exact enough for more than a
    hundred of them and spares resampling the whole book.
    """
    n, hit = len(lost), lost > 0
    if n < 2 or lent.sum() <= 0:
        return np.nan, np.nan
    if not hit.any():
        return 0.0, np.nan
    if n - hit.sum() <= 100:
        weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        ratios = (weights @ lost) / (weights @ lent)
    else:
        calm = lent[~hit]
        share = np.r_[np.full(hit.sum(), 1 / n), 1 - hit.sum() / n]
        weights = rng.multinomial(n, share, size=resamples)
        rest = weights[:, -1]
        lent_rest = rest * calm.mean() + np.sqrt(rest) * calm.std() * rng.standard_normal(resamples)
        ratios = (weights[:, :-1] @ lost[hit]) / (weights[:, :-1] @ lent[hit] + np.maximum(lent_rest, 0))
    return tuple(np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2]))
