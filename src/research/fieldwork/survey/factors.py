"""Factor structure of the survey: is it worth factoring, how many factors, which items load where.

Kaiser–Meyer–Olkin measure and Bartlett's test of sphericity first; Horn's (1965) parallel analysis for the number of
factors. Complete answers only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from research.errors import UserError

SAMPLES = 200  # of random data in the parallel analysis
PERCENTILE = 95  # of the random eigenvalues


def factorability(items: pd.DataFrame) -> pd.DataFrame:
    """Return whether the correlations of the items (respondents × items) carry common factors.

    KMO = Σ r² / (Σ r² + Σ p²) over pairs, p the partial correlations given all other items (Kaiser 1974); Bartlett's
    χ² = −(n − 1 − (2k + 5)/6) ln|R| on k(k − 1)/2 degrees of freedom (Bartlett 1951).

    Returns:
        Index `measure` (kmo, bartlett): `estimate`, `dof`, `p_value`, `note` (of KMO, in Kaiser's words).
    """
    complete = _complete(items)
    correlation = complete.corr().to_numpy()
    n, k = complete.shape
    inverse = np.linalg.inv(correlation)
    partial = inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    squares, partials = (float((r**2).sum() - (np.diag(r) ** 2).sum()) for r in (correlation, partial))
    kmo = squares / (squares + partials)
    chi2 = -(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(correlation)[1]
    dof = k * (k - 1) // 2
    rows = {
        "kmo": (kmo, np.nan, np.nan, _verdict(kmo)),
        "bartlett": (chi2, dof, float(stats.chi2.sf(chi2, dof)), ""),
    }
    columns = ["estimate", "dof", "p_value", "note"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("measure")


def parallel_analysis(items: pd.DataFrame, *, samples: int = SAMPLES, seed: int = 1) -> pd.DataFrame:
    """Return eigenvalues held against those of random normal data of the same size (Horn 1965).

    A component is kept as long as its eigenvalue, and those before it, exceed `PERCENTILE` of the random ones.

    Returns:
        `eigenvalue`, `retained`.
    """
    complete = _complete(items)
    n, k = complete.shape
    observed = np.linalg.eigvalsh(complete.corr().to_numpy())[::-1]
    rng = np.random.default_rng(seed)
    random = [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(n, k)).T))[::-1] for _ in range(samples)]
    above = observed > np.percentile(random, PERCENTILE, axis=0)
    return pd.DataFrame({"eigenvalue": observed, "retained": np.cumprod(above).astype(bool)})


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
    bands = {0.9: "marvelous", 0.8: "meritorious", 0.7: "middling", 0.6: "mediocre", 0.5: "miserable"}
    return next((word for bar, word in bands.items() if kmo >= bar), "unacceptable")
