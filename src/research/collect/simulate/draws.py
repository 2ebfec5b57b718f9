"""Random draws shared by the parts of the simulated bank. Every draw takes its generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

Codes = np.ndarray  # integer codes of a category


def pick(rng: np.random.Generator, shares: Sequence[float], n: int) -> Codes:
    """Draw `n` codes with the given shares (normalised)."""
    cumulative = np.cumsum(shares) / np.sum(shares)
    return np.searchsorted(cumulative[:-1], rng.random(n), side="right").astype(np.int8)


def pick_within(
    rng: np.random.Generator, shares: Mapping[str, Mapping], groups: Sequence[str], codes: Codes
) -> Codes:
    """Draw a code for each row with the shares of its group: `groups[codes[i]]` names row i's entry of `shares`."""
    table = np.array([list(shares[group].values()) for group in groups], dtype=float)
    cumulative = (table.cumsum(axis=1) / table.sum(axis=1, keepdims=True))[:, :-1]
    u = rng.random(len(codes))
    result = np.zeros(len(codes), dtype=np.int8)
    for step in cumulative.T:
        result += u >= step[codes]
    return result


def category(codes: Codes, names: Sequence, missing: np.ndarray | None = None) -> pd.Categorical:
    """Codes as a pandas category; `missing` marks the rows where the construct does not apply."""
    codes = codes if missing is None else np.where(missing, -1, codes)
    return pd.Categorical.from_codes(codes, categories=list(names))


def counts(rng: np.random.Generator, coefficients: Sequence[float], *factors: np.ndarray) -> np.ndarray:
    """Poisson counts with log rate `coefficients[0] + Σ coefficients[k] · factors[k-1]`."""
    return rng.poisson(np.exp(linear(coefficients, *factors))).astype(float)


def linear(coefficients: Sequence[float], *factors: np.ndarray) -> np.ndarray:
    """`coefficients[0] + Σ coefficients[k] · factors[k-1]`."""
    total = np.full(len(factors[0]), float(coefficients[0]))
    for weight, factor in zip(coefficients[1:], factors, strict=True):
        total += weight * factor
    return total


def noisy_share(rng: np.random.Generator, logit: np.ndarray, sd: float) -> np.ndarray:
    """A share whose logit is `logit` plus normal noise."""
    return expit(logit + sd * rng.standard_normal(len(logit)))


def macro(periods: int, at: int, half_life: float, size: float) -> np.ndarray:
    """Intensity of the macro shock in each period: 0 before `at`, then `size`, halving every `half_life` months."""
    age = np.arange(periods) - at
    return np.where(age >= 0, size * 0.5 ** (np.maximum(age, 0) / half_life), 0.0)
