"""What drives the rate charged."""

from __future__ import annotations

import pandas as pd
import statsmodels.api as sm

from research.explain.design import Design
from research.explain.risk import direction
from research.multiplicity import holm


def fit(design: Design, rate: pd.Series) -> pd.DataFrame:
    """Regress the contract rate on the design by ordinary least squares with HC3 errors.

    Args:
        design: columns known when the loan was made, without rate and instalment.
        rate: (n,) share per year.

    Returns:
        One row per term: `estimate` in percentage points per standard deviation (or against the reference level),
        `ci_low`, `ci_high`, `p_value`, `p_holm`, `n`, `result` (`higher`, `lower` or `open` after adjustment).
    """
    points = 100 * rate.loc[design.matrix.index]
    known = points.notna()
    result = sm.OLS(points[known], sm.add_constant(design.matrix[known])).fit(cov_type="HC3")
    names = design.matrix.columns
    bounds = result.conf_int().loc[names]
    adjusted = holm(result.pvalues[names])
    return pd.DataFrame(
        {
            "term": names,
            "block": design.terms.set_index("term").loc[names, "block"].to_numpy(),
            "estimate": result.params[names].to_numpy(),
            "ci_low": bounds[0].to_numpy(),
            "ci_high": bounds[1].to_numpy(),
            "p_value": result.pvalues[names].to_numpy(),
            "p_holm": adjusted,
            "n": int(result.nobs),
            "result": direction(result.params[names], adjusted),
        }
    )


def explained(design: Design, rate: pd.Series) -> float:
    """Return the share of the variance of the rate (n,) that the design explains (R²)."""
    return float(
        sm.OLS(rate[design.matrix.index], sm.add_constant(design.matrix), missing="drop").fit().rsquared
    )
