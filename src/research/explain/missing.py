"""Does the treatment of missing values move the coefficients?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from research.explain.design import Design

FEWEST_DRAWS = 5  # Rubin (1987) has them suffice where little is missing
OUTCOME = " outcome"  # no term begins with a blank
COLUMNS = ["term", "treatment", "estimate", "ci_low", "ci_high", "n", "result"]


def pool(estimates: np.ndarray, variances: np.ndarray) -> pd.DataFrame:
    """Pool m estimates by Rubin's rules.

    Args:
        estimates: (m, k) coefficients, one row per imputed data set.
        variances: (m, k) their squared standard errors.

    Returns:
        k rows: `estimate`, `ci_low`, `ci_high`, `dof` (Rubin 1987, eqs 3.1.2 to 3.1.6).
    """
    m = len(estimates)
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    with np.errstate(divide="ignore"):
        dof = (m - 1) * (1 + within / ((1 + 1 / m) * between)) ** 2
    half = stats.t.ppf(0.975, dof) * np.sqrt(total)
    middle = estimates.mean(axis=0)
    return pd.DataFrame({"estimate": middle, "ci_low": middle - half, "ci_high": middle + half, "dof": dof})


def draws_needed(incomplete: float) -> int:
    """Return how many data sets to impute: at least the percentage of incomplete cases (White, Royston & Wood 2011)."""
    return max(FEWEST_DRAWS, math.ceil(100 * incomplete))


def sensitivity(design: Design, customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Compare the main treatment with complete cases and with multiple imputation.

    The imputations are chained Bayesian ridge regressions with posterior draws on all columns of the design and the
    outcome, without which the imputed values would pull a coefficient towards zero (Moons et al. 2006).

    Args:
        design: the main design (median, with an indicator where enough are missing).
        customers: the customers before any treatment; tells which numbers were missing.
        seed: of the imputation draws.

    Returns:
        One row per number with unknown values and per treatment: `term`, `treatment`, log-odds `estimate`,
        `ci_low`, `ci_high`, `n`, `result`: `moved` out of the interval of the main treatment, or `held`. Values that
        are undefined rather than unknown are no gaps.
    """
    terms = design.terms
    scaled = terms[(terms["kind"] == "scaled") & ~terms["undefined"]].set_index("term")["construct"]
    rows = customers.loc[design.matrix.index]
    holes = pd.DataFrame({term: rows[construct].isna() for term, construct in scaled.items()})
    holes = holes.loc[:, holes.any()]
    if holes.empty:
        return pd.DataFrame(columns=COLUMNS)
    names = list(holes)
    marked = terms[(terms["kind"] == "missing") & terms["construct"].isin(scaled[names])]
    bare = design.matrix.drop(columns=marked["term"])
    complete = ~holes.any(axis=1)
    cases = bare[complete]
    cases = cases.loc[:, cases.std() > 0]
    main = _logit(design.outcome, design.matrix)
    only = _logit(design.outcome[complete], cases)
    blank = bare.assign(**{OUTCOME: design.outcome})
    blank[names] = blank[names].mask(holes)
    found = []
    for i in range(draws_needed(1 - complete.mean())):  # one table at a time: there may be a hundred
        drawn = _logit(design.outcome, _impute(blank, names, seed + i).drop(columns=OUTCOME))
        found.append((drawn.params[names], drawn.bse[names] ** 2))
    pooled = pool(*map(np.array, zip(*found, strict=True))).assign(
        term=names, treatment=f"multiple imputation ({len(found)})", n=len(bare)
    )
    treated = _rows(main, names, "median and indicator (main)")
    alone = ~treated["term"].map(scaled).isin(marked["construct"])
    treated.loc[alone, "treatment"] = "median (main)"  # too few are missing for an indicator
    found = pd.concat([treated, _rows(only, names, "complete cases"), pooled], ignore_index=True)
    bounds = treated.set_index("term").loc[found["term"], ["ci_low", "ci_high"]].to_numpy()
    held = found["estimate"].between(bounds[:, 0], bounds[:, 1])
    found["result"] = np.where(held, "held", "moved")
    return found[COLUMNS].sort_values(["term", "treatment"], ignore_index=True)


def _logit(y: pd.Series, columns: pd.DataFrame) -> Any:
    return sm.Logit(y, sm.add_constant(columns)).fit(disp=0, method="newton", maxiter=50)


def _rows(result: Any, terms: list[str], treatment: str) -> pd.DataFrame:
    bounds = result.conf_int()
    kept = [t for t in terms if t in bounds.index]
    return pd.DataFrame(
        {
            "term": kept,
            "treatment": treatment,
            "estimate": result.params[kept].to_numpy(),
            "ci_low": bounds.loc[kept, 0].to_numpy(),
            "ci_high": bounds.loc[kept, 1].to_numpy(),
            "n": int(result.nobs),
        }
    )


def _impute(blank: pd.DataFrame, terms: list[str], seed: int) -> pd.DataFrame:
    imputer = IterativeImputer(sample_posterior=True, max_iter=5, random_state=seed, skip_complete=True)
    filled = pd.DataFrame(imputer.fit_transform(blank), index=blank.index, columns=blank.columns)
    return blank.fillna(filled[terms])
