"""Default, loss and churn rates by tier, with intervals, and the limits of funnel plots and control charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, poisson

from research.errors import UserError
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


def limits(n: Sequence[int], target: float, tails: Sequence[float] = (0.95, 0.998)) -> pd.DataFrame:
    """Return the exact binomial control limits of a rate around `target` for each group size.

    The limits are those of Spiegelhalter (2005), doi:10.1002/sim.1970, appendix: binomial quantiles, interpolated
    between neighbouring counts so that the funnel is smooth; 95 and 99.8 % are about two and three standard errors.

    Returns:
        `n` and, for each tail, `low_95`, `high_95`, `low_99.8`, `high_99.8` (rates).
    """
    n = np.asarray(n, dtype=int)
    if not 0 < target < 1:
        raise UserError(f"control limits need a target between 0 and 1, found {target}")
    table = pd.DataFrame({"n": n})
    for tail in tails:
        name = f"{100 * tail:g}"
        table[f"low_{name}"] = _quantile((1 - tail) / 2, n, target)
        table[f"high_{name}"] = _quantile((1 + tail) / 2, n, target)
    return table


def _quantile(p: float, n: np.ndarray, target: float) -> np.ndarray:
    r = binom.ppf(p, n, target)
    return np.clip(_between(p, r, binom.cdf(r, n, target), binom.cdf(r - 1, n, target)) / n, 0, 1)


def _between(p: float, r: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Interpolated quantile r − α with α = (F(r) − p) / (F(r) − F(r − 1))."""
    return r - (above - p) / (above - below)


def ratio_limits(expected: Sequence[float], tails: Sequence[float] = (0.95, 0.998)) -> pd.DataFrame:
    """Return the Poisson control limits of observed over expected around 1, as `limits` for each expected count.

    Returns:
        `expected` and the columns of `limits` (ratios).
    """
    expected = np.asarray(expected, dtype=float)
    if (expected <= 0).any():
        raise UserError(f"control limits need expected counts above 0, found {expected.min():g}")
    table = pd.DataFrame({"expected": expected})
    for tail in tails:
        name = f"{100 * tail:g}"
        for side, p in (("low", (1 - tail) / 2), ("high", (1 + tail) / 2)):
            r = poisson.ppf(p, expected)
            value = _between(p, r, poisson.cdf(r, expected), poisson.cdf(r - 1, expected))
            table[f"{side}_{name}"] = np.maximum(value, 0) / expected
    return table


def funnel(groups: pd.DataFrame, name: str, target: float | None = None) -> pd.DataFrame:
    """Judge each group's rate against the limits that chance alone would give around the target.

    Args:
        groups: one row per group with `events` and `n` (> 0).
        name: the column that names the group.
        target: the rate to compare with; the pooled rate when not given.

    Returns:
        The rows with `estimate`, `target`, the limits of `limits`, and `verdict`: within, alert (outside 95 %) or
        alarm (outside 99.8 %), with `direction` above or below.
    """
    target = groups["events"].sum() / groups["n"].sum() if target is None else target
    table = groups[[name, "events", "n"]].reset_index(drop=True)
    table["estimate"] = table["events"] / table["n"]
    table["target"] = target
    table = pd.concat([table, limits(table["n"], target).drop(columns="n")], axis=1)
    return _judged(table)


def ratio_funnel(groups: pd.DataFrame, name: str) -> pd.DataFrame:
    """Judge each group's observed over expected events, where expected allows for what the group is made of.

    Args:
        groups: one row per group with `events` and `expected` (> 0), such as the defaults its tiers would bring.
        name: the column that names the group.

    Returns:
        The rows with `estimate` (ratio), `target` (1), the limits of `ratio_limits`, `verdict` and `direction` as in
        `funnel`.
    """
    table = groups[[name, "events", "expected"]].reset_index(drop=True)
    table["estimate"] = table["events"] / table["expected"]
    table["target"] = 1.0
    return _judged(pd.concat([table, ratio_limits(table["expected"]).drop(columns="expected")], axis=1))


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    outside = (table["estimate"] > table["high_95"]) | (table["estimate"] < table["low_95"])
    far = (table["estimate"] > table["high_99.8"]) | (table["estimate"] < table["low_99.8"])
    direction = np.where(table["estimate"] > table["target"], "above", "below")
    return table.assign(verdict=np.select([far, outside], ["alarm", "alert"], "within"), direction=direction)


def control_chart(periods: pd.DataFrame, reference: Sequence[int], event: str = "events") -> pd.DataFrame:
    """Judge each period's rate against limits around the rate of the reference periods (p-chart).

    Args:
        periods: one row per period with `period`, the events and `n`.
        reference: the periods whose pooled rate is the centre line.
    """
    base = periods[periods["period"].isin(list(reference))]
    if base["n"].sum() == 0 or base[event].sum() == 0:
        raise UserError("a control chart needs reference periods with customers and events; there are none")
    table = periods.rename(columns={event: "events"})
    return funnel(table, "period", float(base[event].sum() / base["n"].sum()))
