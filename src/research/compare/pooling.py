"""A difference between two models over lenders: one random-effects mean, and where the next lender would lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from research.errors import UserError

FEWEST = 2  # lenders that can be pooled
CONSISTENT = 5  # lenders at least, before a result is called consistent across lenders


def by_lender(rows: pd.DataFrame, keys: Sequence[str] = ()) -> pd.DataFrame:
    """Merge the data sets of one lender by inverse variance: they are not independent lenders.

    Args:
        rows: one row per data set: `lender, dataset, estimate, variance`. A row without a variance above nought is
            left out: it says nothing of its own error.
        keys: columns that tell contrasts apart, each of which is merged by itself.

    Returns:
        One row per contrast and lender, in order of appearance: the keys, `lender, datasets` (number), `estimate,
        variance`.
    """
    known = rows[(rows["variance"] > 0) & rows["estimate"].notna()]
    weight, named = 1 / known["variance"], [*keys, "lender"]
    parts = known[named].assign(datasets=1, weight=weight, weighted=weight * known["estimate"])
    sums = parts.groupby(named, sort=False).sum().reset_index()
    sums = sums.assign(estimate=sums["weighted"] / sums["weight"], variance=1 / sums["weight"])
    return sums[[*named, "datasets", "estimate", "variance"]]


def pooled(lenders: pd.DataFrame) -> pd.DataFrame:
    """Pool the estimates of independent lenders with random effects.

    The variance between lenders τ² is Paule and Mandel's (1982); the interval of the mean is that of Hartung and Knapp
    (2001) with k − 1 degrees of freedom, whose scale is not let below 1 (Röver, Knapp and Friede 2015). The prediction
    interval of one further lender is mean ± t(k − 2) √(τ² + se²) (Higgins, Thompson and Spiegelhalter 2009), missing
    with two lenders. I² = (Q − (k − 1)) / Q, not below 0 (Higgins and Thompson 2002).

    Args:
        lenders: one row per lender: `estimate, variance` (above 0).

    Returns:
        One row: `lenders, estimate, ci_low, ci_high, prediction_low, prediction_high, tau, i_squared, variance,
        p_value` (two-sided, of a mean of nought).

    Raises:
        UserError: fewer than two lenders.
    """
    k = len(lenders)
    if k < FEWEST:
        raise UserError(f"pooling over lenders: found {k}, expected {FEWEST} at least")
    effect, variance = (lenders[name].to_numpy(dtype=float) for name in ("estimate", "variance"))
    # the default tolerance: with a much smaller one the iteration steps over the root by rounding and returns τ² = 0
    found = combine_effects(effect, variance, method_re="iterated", use_t=True)
    mean, tau2 = float(found.mean_effect_re), float(found.tau2)
    error = float(found.sd_eff_w_re) * np.sqrt(max(1.0, float(found.scale_hksj_re)))
    reach = stats.t.ppf(0.975, k - 1)
    wider = stats.t.ppf(0.975, k - 2) if k > FEWEST else np.nan
    next_one = wider * np.sqrt(tau2 + error**2)
    return pd.DataFrame(
        [
            {
                "lenders": k,
                "estimate": mean,
                "ci_low": mean - reach * error,
                "ci_high": mean + reach * error,
                "prediction_low": mean - next_one,
                "prediction_high": mean + next_one,
                "tau": np.sqrt(tau2),
                "i_squared": max(0.0, float(found.i2)),
                "variance": error**2,
                "p_value": float(2 * stats.t.sf(abs(mean) / error, k - 1)),
            }
        ]
    )


def consistent(lenders: pd.DataFrame, pool: pd.Series, bar: float, margin: float) -> bool:
    """Return whether a pooled result may be called consistent across lenders.

    At least five lenders, the pooled interval clear of the bar, and no lender whose own interval lies beyond the margin
    on the other side of the bar.

    Args:
        lenders: `estimate, variance` per lender, as pooled.
        pool: the row of `pooled`.
        bar: the value to be clear of.
        margin: what is too little to matter, in the unit of the estimate.
    """
    if len(lenders) < CONSISTENT or pool["ci_low"] <= bar <= pool["ci_high"]:
        return False
    side = 1.0 if pool["estimate"] > bar else -1.0
    half = stats.norm.ppf(0.975) * np.sqrt(lenders["variance"])
    most = side * (lenders["estimate"] - bar) + half  # the end of each interval that is nearest to agreeing
    return not bool((most < -margin).any())


def over_lenders(rows: pd.DataFrame, margins: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """Pool every contrast over lenders.

    Args:
        rows: `dataset, lender, purpose, arm, model_a, model_b, estimate, variance, delong` (another variance or
            missing).
        margins: purpose to margin of indifference; a purpose without one has nought.

    Returns:
        `rows`: per lender `purpose, arm, model_a, model_b, lender, datasets, estimate, ci_low, ci_high` (normal, 95 %);
        `pooled`: the same keys with the columns of `pooled`, `consistent`, and `delong_low, delong_high`, the
        interval with the other variances; contrasts of fewer than two lenders have no row here.
    """
    keys = ["purpose", "arm", "model_a", "model_b"]
    merged = rows[keys].drop_duplicates().merge(by_lender(rows, keys), on=keys)
    otherwise = dict(list(by_lender(rows.assign(variance=rows["delong"]), keys).groupby(keys, sort=False)))
    together = []
    for key, lenders in merged.groupby(keys, sort=False):
        if len(lenders) < FEWEST:
            continue
        named = dict(zip(keys, key, strict=True))
        pool = pooled(lenders).iloc[0]
        margin = margins.get(named["purpose"], np.nan)
        margin = 0.0 if pd.isna(margin) else float(margin)
        other = otherwise.get(key, lenders[:0])
        checked = pooled(other).iloc[0] if len(other) == len(lenders) else pd.Series(dtype=float)
        together.append(
            named
            | pool.to_dict()
            | {
                "consistent": consistent(lenders, pool, 0.0, margin),
                "delong_low": checked.get("ci_low", np.nan),
                "delong_high": checked.get("ci_high", np.nan),
            }
        )
    half = stats.norm.ppf(0.975) * np.sqrt(merged["variance"])
    found = merged.assign(ci_low=merged["estimate"] - half, ci_high=merged["estimate"] + half)
    columns = [*keys, "lender", "datasets", "estimate", "ci_low", "ci_high"]
    return {"rows": found[columns], "pooled": pd.DataFrame(together)}
