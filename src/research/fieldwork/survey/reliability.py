"""Reliability of survey scales: Cronbach's α, McDonald's ω and what each item adds.

α = k/(k−1) · (1 − Σ item variances / variance of the sum) (Cronbach 1951), the variance of the sum being the sum of
the pairwise covariances, with the F interval of Feldt (1987). ω total of one factor = (Σ λ)² / ((Σ λ)² + Σ ψ) on the
covariances (McDonald 1999), loadings by minimum residuals (principal axes iterated to convergence), with a percentile
interval from resampled respondents. α assumes equal loadings, ω does not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import f

from research.fieldwork.survey.scales import keyed, scales
from research.intervals import percentile

_FEWEST = 10  # respondents below which no interval is given
_STEPS = 2000  # at most, of the principal-axis iteration
_SETTLED = 1e-6  # change of a communality at which it ends


def reliability_table(
    responses: pd.DataFrame, instrument: pd.DataFrame, bar: float, *, resamples: int = 500, seed: int = 1
) -> pd.DataFrame:
    """Return α and ω of every scale of the instrument, and what the interval of α says of a bar.

    Args:
        responses: respondents × items as answered (not reverse-keyed), with `group` where items differ by group.
        instrument: `item`, `construct`, `criterion`, `group`, `scale_min`, `scale_max`, `reverse`.
        bar: the customary least α.
        resamples, seed: of the interval of ω.

    Returns:
        `criterion`, `construct`, `items`, `n` (anyone who answered an item), `estimate`, `ci_low`, `ci_high` (α,
        covariances pairwise), `omega`, `omega_low`, `omega_high` (complete answers), `bar`, `result`: above, below, or
        open (the interval holds the bar, or there is none).
    """
    answers, rows = keyed(responses, instrument), []
    for scale in scales(responses, instrument):
        items = answers.loc[scale.respondents, scale.items]
        alpha, omega = cronbach_alpha(items), mcdonald_omega(items, resamples=resamples, seed=seed)
        low, high = alpha["ci_low"], alpha["ci_high"]
        rows.append({
            "criterion": scale.criterion, "construct": scale.construct, "items": len(scale.items), "n": alpha["n"],
            "estimate": alpha["estimate"], "ci_low": low, "ci_high": high, "omega": omega["estimate"],
            "omega_low": omega["ci_low"], "omega_high": omega["ci_high"], "bar": bar,
            "result": "above" if low > bar else "below" if high < bar else "open",
        })  # fmt: skip
    return pd.DataFrame(rows)


def cronbach_alpha(items: pd.DataFrame) -> dict[str, object]:
    """Return α of keyed items (respondents × items), covariances pairwise: `estimate, ci_low, ci_high, n, note`."""
    answered = items.dropna(how="all")
    if problem := _unfit(answered):
        return _found(answered, note=problem)
    import pingouin  # takes a second to import, which only the survey needs

    estimate = float(pingouin.cronbach_alpha(answered)[0])  # its interval is Feldt's, rounded to three digits
    ends = feldt_interval(estimate, len(answered), items.shape[1])
    note = "negative: items contradict each other, check the reverse keys" if estimate < 0 else ""
    return _found(answered, estimate, ends, note)


def feldt_interval(alpha: float, n: int, items: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of α from the F distribution with n − 1 and (n − 1)(k − 1) degrees of freedom (Feldt 1987)."""
    tail = (1 - confidence) / 2
    first, second = n - 1, (n - 1) * (items - 1)
    return 1 - (1 - alpha) * f.isf(tail, first, second), 1 - (1 - alpha) * f.ppf(tail, first, second)


def mcdonald_omega(items: pd.DataFrame, *, resamples: int = 500, seed: int = 1) -> dict[str, object]:
    """Return ω total of one factor on keyed items, complete answers only, in the form of `cronbach_alpha`."""
    complete = items.dropna()
    n, k = complete.shape
    if problem := _unfit(complete) or ("one factor needs three items or more" if k < 3 else ""):
        return _found(complete, note=problem)
    x = complete.to_numpy(dtype=float)
    estimate = float(_omega(_covariances(x, np.ones((1, n))))[0])
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    drawn = _omega(_covariances(x, times)) if resamples else np.array([])
    return _found(complete, estimate, percentile(drawn, resamples))


def one_factor(correlations: np.ndarray) -> np.ndarray:
    """Loadings (B, k) of one common factor in each of B correlation matrices (B, k, k), by iterated principal axes.

    Converged principal axes give the minimum-residual solution (Harman & Jones 1966). Communalities are kept at 1 or
    below (a Heywood case). Signs are such that the loadings of a matrix sum to a positive number.
    """
    k = correlations.shape[1]
    diagonal = np.arange(k)
    communality = np.abs(correlations - np.eye(k)).max(axis=2)
    loadings = np.zeros(communality.shape)
    moving = np.arange(len(correlations))
    for _ in range(_STEPS):
        reduced = correlations[moving]
        reduced[:, diagonal, diagonal] = communality[moving]
        values, vectors = np.linalg.eigh(reduced)
        loadings[moving] = vectors[:, :, -1] * np.sqrt(np.clip(values[:, -1:], 0, None))
        updated = np.clip(loadings[moving] ** 2, 0, 1)
        settled = np.abs(updated - communality[moving]).max(axis=1) < _SETTLED
        communality[moving] = updated
        moving = moving[~settled]
        if not len(moving):
            break
    signs = np.where(loadings.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return loadings * signs


def _covariances(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Covariance matrices (B, k, k) of resamples given by how often each row of x is drawn (B, n)."""
    n, k = x.shape
    centred = x - x.mean(axis=0)
    products = (centred[:, :, None] * centred[:, None, :]).reshape(n, -1)
    total = times.sum(axis=1)
    mean = times @ centred / total[:, None]
    second = (times @ products).reshape(-1, k, k) / total[:, None, None]
    return (second - mean[:, :, None] * mean[:, None, :]) * (total / (total - 1))[:, None, None]


def _omega(covariances: np.ndarray) -> np.ndarray:
    deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    usable = (deviations > 0).all(axis=1)
    omega = np.full(len(covariances), np.nan)
    spread = deviations[usable]
    scale = spread[:, :, None] * spread[:, None, :]
    loadings = one_factor(covariances[usable] / scale) * spread
    unique = np.clip(spread**2 - loadings**2, 0, None)
    common = loadings.sum(axis=1) ** 2
    omega[usable] = common / (common + unique.sum(axis=1))
    return omega


def _found(
    items: pd.DataFrame,
    estimate: float = np.nan,
    ends: tuple[float, float] = (np.nan, np.nan),
    note: str = "",
) -> dict[str, object]:
    return {"estimate": estimate, "ci_low": ends[0], "ci_high": ends[1], "n": len(items), "note": note}


def _unfit(items: pd.DataFrame) -> str:
    """Why no coefficient can be given, or an empty text."""
    if items.shape[1] < 2:
        return "a scale of one item has no internal consistency"
    if len(items) < _FEWEST:
        return f"fewer than {_FEWEST} respondents"
    constant = [str(c) for c in items.columns if items[c].nunique() < 2]
    return f"no variation in {', '.join(constant)}" if constant else ""
