"""The difference of two arms, or of a stepped wedge, with errors clustered by what was drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import t

from research.trial.allocation import wave_of
from research.trial.design import Plan
from research.trial.power import between_within, treated_in, wedge

DRAWS = 4999


def difference(plan: Plan, seen: pd.DataFrame, draws: int = DRAWS) -> dict[str, Any]:
    """Return the difference with its interval, see `analyse`; `draws` 0 leaves other allocations out."""
    cells = _cells(plan, seen)
    clusters = len(cells.unit)
    estimate = float((cells.weights(cells.treated) * cells.means).sum())
    if plan.waves:
        added = cells.wedge(cells.treated)[2](cells.means)
        error = float(np.sqrt(clusters / (clusters - 1) * (added**2).sum()))
        method = "generalised least squares on clusters in periods"
    else:
        error = float(sm.OLS(seen["value"], columns_of(plan, seen)).fit(**clustered(seen)).bse["treated"])
        method = "least squares"
    free = free_of(plan, clusters)
    reach = t.ppf(1 - plan.alpha / 2, free) * error
    made = {
        "estimate": estimate, "ci_low": estimate - reach, "ci_high": estimate + reach,
        "p_value": float(2 * t.sf(abs(estimate) / error, free)) if error else np.nan,
        "clusters": clusters, "n": len(seen), "method": f"{method}, errors clustered by {plan.unit}, t with {free} df",
    }  # fmt: skip
    if clusters < plan.few_clusters and draws:
        p_value, low, high = by_allocation(cells, estimate, draws, plan.alpha, plan.seed)
        method = f"{method}, interval and p from {draws:,} other allocations"
        made |= {"p_value": p_value, "ci_low": low, "ci_high": high, "method": method}
    return made


@dataclass(frozen=True)
class Cells:
    """Means of clusters in periods (g, p): `means`, `sizes`, `treated`; `unit` and `block` by cluster."""

    plan: Plan
    unit: pd.Index
    block: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    treated: np.ndarray
    variance: float

    def wedge(self, treated: np.ndarray) -> Any:
        """Return generalised least squares with the registered correlations, see `power.wedge`."""
        parts = between_within(self.variance, self.plan.icc[1], self.plan.autocorrelation)
        return wedge(treated, self.sizes, *parts)

    def weights(self, treated: np.ndarray) -> np.ndarray:
        """Return weights (g, p): the estimate is the sum of weights × means; of two arms also for (…, g, p)."""
        if self.plan.waves:
            return self.wedge(treated)[0]
        inside = self.sizes * treated, self.sizes * (1 - treated)
        shares = [part / part.sum(axis=(-2, -1), keepdims=True) for part in inside]
        return shares[0] - shares[1]


def _cells(plan: Plan, seen: pd.DataFrame) -> Cells:
    units, periods = pd.Index(sorted(seen["unit"].unique())), range(plan.waves + 1)
    grouped = seen.groupby(["unit", "period"])["value"]
    means = grouped.mean().unstack().reindex(index=units, columns=periods).fillna(0.0).to_numpy()
    sizes = grouped.size().unstack().reindex(index=units, columns=periods).fillna(0).to_numpy(float)
    first = seen.drop_duplicates("unit").set_index("unit").loc[units]
    if plan.waves:
        treated = treated_in(wave_of(first["arm"]).to_numpy(), plan.waves + 1)
    else:
        treated = first["treated"].to_numpy(float)[:, None]
    variance = float(seen["value"].var()) or 1.0
    return Cells(plan, units, first["block"].to_numpy(), means, sizes, treated, variance)


def by_allocation(
    cells: Cells, estimate: float, draws: int, alpha: float, seed: int
) -> tuple[float, float, float]:
    """Return p-value and interval of a difference among other allocations of the same clusters within their blocks.

    The interval holds every effect that the test would not reject. As the estimate is linear in the outcomes, taking an
    effect θ off the treated moves that of allocation π by θ·b, b what π would find of the treatment alone.
    """
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(len(cells.block)), (draws, 1))
    for one in np.unique(cells.block):
        inside = np.flatnonzero(cells.block == one)
        orders[:, inside] = rng.permuted(np.tile(inside, (draws, 1)), axis=1)
    others = cells.treated[orders]
    weights = np.stack([cells.weights(one) for one in others]) if cells.plan.waves else cells.weights(others)
    a, b = ((weights * of).sum(axis=(1, 2)) for of in (cells.means, cells.treated))

    def p_value(effect: float) -> float:
        beyond = np.abs(a - effect * b) >= abs(estimate - effect) - 1e-12
        return float((1 + beyond.sum()) / (draws + 1))

    def end(sign: int) -> float:
        width = float(np.std(a)) or abs(estimate) or 1.0
        inside, outside = estimate, estimate + sign * width
        while p_value(outside) > alpha:
            inside, outside = outside, outside + sign * 2 * abs(outside - estimate)
            if abs(outside - estimate) > 1e6 * width:
                return float(sign * np.inf)  # so few allocations that none is unlikely
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(middle) > alpha else (inside, middle)
        return inside

    return p_value(0.0), end(-1), end(1)


def columns_of(plan: Plan, seen: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a regression: constant, treated, periods after the first."""
    parts = {"constant": np.ones(len(seen)), "treated": seen["treated"].to_numpy(float)}
    parts |= {f"period {n}": (seen["period"] == n).to_numpy(float) for n in range(1, plan.waves + 1)}
    return pd.DataFrame(parts, index=seen.index)


def free_of(plan: Plan, clusters: int) -> int:
    """Return the degrees of freedom: clusters less what is estimated of them."""
    return max(clusters - 2 - plan.waves, 1)


def clustered(seen: pd.DataFrame) -> dict[str, Any]:
    """Return what asks statsmodels for errors clustered by unit."""
    return {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(seen["unit"])[0]}}
