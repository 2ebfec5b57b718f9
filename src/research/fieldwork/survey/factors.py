"""Factor structure of the survey: is it worth factoring, how many factors, which items load where.

Kaiser–Meyer–Olkin measure and Bartlett's test of sphericity first; Horn's (1965) parallel analysis for the number of
factors; maximum-likelihood loadings with rotation by statsmodels. Complete answers only; `n` says how many.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from research.errors import UserError


# rotation → the library's name of it; oblimin with γ = 0 is quartimin
def factorability(items: pd.DataFrame) -> pd.DataFrame:
    """Return whether the correlations of the items (respondents × items) carry common factors.

    KMO = Σ r² / (Σ r² + Σ p²) over pairs, p the partial correlations given all other items (Kaiser 1974); Bartlett's
    χ² = −(n − 1 − (2k + 5)/6) ln|R| on k(k − 1)/2 degrees of freedom (Bartlett 1951).

    Returns:
        Rows `kmo` (overall and one per item) and `bartlett`: `measure`, `item`, `estimate`, `dof`, `p_value`, `n`,
        `note`.
    """
    complete = _complete(items)
    correlation = complete.corr().to_numpy()
    n, k = complete.shape
    inverse = np.linalg.inv(correlation)
    scale = np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    partial = inverse / scale
    np.fill_diagonal(partial, 0)
    simple = correlation - np.eye(k)
    squares, partials = (simple**2).sum(axis=1), (partial**2).sum(axis=1)
    overall = squares.sum() / (squares.sum() + partials.sum())
    chi2 = -(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(correlation)[1]
    dof = k * (k - 1) // 2
    rows = [("kmo", "all items", overall, np.nan, np.nan, n, _verdict(overall))]
    rows += [
        ("kmo", item, value, np.nan, np.nan, n, _verdict(value))
        for item, value in zip(complete.columns, squares / (squares + partials), strict=True)
    ]
    rows.append(("bartlett", "all items", chi2, dof, float(stats.chi2.sf(chi2, dof)), n, ""))
    return pd.DataFrame(rows, columns=["measure", "item", "estimate", "dof", "p_value", "n", "note"])


def parallel_analysis(
    items: pd.DataFrame, *, samples: int = 200, percentile: float = 95, seed: int = 1
) -> pd.DataFrame:
    """Return eigenvalues beside those of random normal data of the same size (Horn 1965).

    A component is kept as long as its eigenvalue, and those before it, exceed the percentile of the random ones.

    Returns:
        `component`, `eigenvalue`, `random_mean`, `random_percentile`, `retained`, `n`.
    """
    complete = _complete(items)
    n, k = complete.shape
    observed = np.linalg.eigvalsh(complete.corr().to_numpy())[::-1]
    rng = np.random.default_rng(seed)
    random = np.array(
        [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(n, k)).T))[::-1] for _ in range(samples)]
    )
    bar = np.percentile(random, percentile, axis=0)
    return pd.DataFrame(
        {
            "component": np.arange(1, k + 1),
            "eigenvalue": observed,
            "random_mean": random.mean(axis=0),
            "random_percentile": bar,
            "retained": np.cumprod(observed > bar).astype(bool),
            "n": n,
        }
    )


def _complete(items: pd.DataFrame) -> pd.DataFrame:
    complete = items.dropna()
    if items.shape[1] < 3:
        raise UserError(f"a factor analysis needs three items or more; found {items.shape[1]}")
    if len(complete) <= items.shape[1]:
        raise UserError(
            f"{len(complete)} complete answers for {items.shape[1]} items; expected more answers than items"
        )
    constant = [str(c) for c in complete.columns if complete[c].nunique() < 2]
    if constant:
        raise UserError(
            f"item {constant[0]} has the same answer throughout; leave it out of the factor analysis"
        )
    return complete


def _verdict(kmo: float) -> str:
    """Kaiser's (1974) words."""
    bands = (
        (0.9, "marvelous"),
        (0.8, "meritorious"),
        (0.7, "middling"),
        (0.6, "mediocre"),
        (0.5, "miserable"),
    )
    return next((word for bar, word in bands if kmo >= bar), "unacceptable")
