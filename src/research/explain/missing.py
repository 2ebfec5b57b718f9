"""Does the treatment of missing values move the coefficients?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from research.explain.design import NONE, Design


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


def sensitivity(design: Design, customers: pd.DataFrame, seed: int, imputations: int = 5) -> pd.DataFrame:
    """Compare the main treatment with complete cases and with multiple imputation.

    Args:
        design: the main design (median plus indicator).
        customers: the customers before any treatment; tells which numbers were missing.
        seed: of the imputation draws.
        imputations: data sets drawn (chained Bayesian ridge regressions with posterior draws).

    Returns:
        One row per term with missing values and per treatment: `term`, `treatment`, log-odds `estimate`,
        `ci_low`, `ci_high`, `n`. Values that are undefined rather than unknown are left out.
    """
    scaled = design.terms.loc[design.terms["kind"] == "scaled"].set_index("term")["construct"]
    rows = customers.loc[design.matrix.index]
    holes = pd.DataFrame({term: rows[construct].isna() for term, construct in scaled.items()})
    undefined = [t for t in holes if f"{t} {NONE}" in design.matrix]
    holes = holes.drop(columns=undefined)
    holes = holes.loc[:, holes.any()]
    columns = ["term", "treatment", "estimate", "ci_low", "ci_high", "n"]
    if holes.empty:
        return pd.DataFrame(columns=columns)
    indicators = [f"{t} missing" for t in holes if f"{t} missing" in design.matrix]
    terms = list(holes)
    main = sm.Logit(design.outcome, sm.add_constant(design.matrix)).fit(disp=0)
    bare = design.matrix.drop(columns=indicators)
    complete = ~holes.any(axis=1)
    cases = bare[complete]
    cases = cases.loc[:, cases.std() > 0]
    only = sm.Logit(design.outcome[complete], sm.add_constant(cases)).fit(disp=0)
    blank = bare.copy()
    blank[terms] = blank[terms].mask(holes)
    draws = [_impute(blank, terms, seed + i) for i in range(imputations)]
    fits = [sm.Logit(design.outcome, sm.add_constant(draw)).fit(disp=0) for draw in draws]
    pooled = pool(
        np.array([f.params[terms] for f in fits]), np.array([f.bse[terms] ** 2 for f in fits])
    ).assign(term=terms, treatment="multiple imputation", n=len(bare))
    rows = [_rows(main, terms, "median and indicator (main)"), _rows(only, terms, "complete cases"), pooled]
    return pd.concat(rows, ignore_index=True)[columns].sort_values(["term", "treatment"], ignore_index=True)


def _rows(result: object, terms: list[str], treatment: str) -> pd.DataFrame:
    bounds = result.conf_int()  # type: ignore[attr-defined]
    kept = [t for t in terms if t in bounds.index]
    return pd.DataFrame(
        {
            "term": kept,
            "treatment": treatment,
            "estimate": result.params[kept].to_numpy(),  # type: ignore[attr-defined]
            "ci_low": bounds.loc[kept, 0].to_numpy(),
            "ci_high": bounds.loc[kept, 1].to_numpy(),
            "n": int(result.nobs),  # type: ignore[attr-defined]
        }
    )


def _impute(blank: pd.DataFrame, terms: list[str], seed: int) -> pd.DataFrame:
    imputer = IterativeImputer(sample_posterior=True, max_iter=5, random_state=seed, skip_complete=True)
    filled = pd.DataFrame(imputer.fit_transform(blank), index=blank.index, columns=blank.columns)
    return blank.fillna(filled[terms])
