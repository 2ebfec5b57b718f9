"""Coefficients of agreement as functions of sums over units, so that a bootstrap is one matrix product.

The chance-corrected coefficients share one form, (observed − expected) / (1 − expected), and differ in
what they expect by chance (Gwet 2014, *Handbook of Inter-Rater Reliability*, 4th ed., ch. 2–5):

* Cohen's κ (1960) for two raters and Conger's κ (1980) for more: each rater's own distribution;
* Scott's π (1955) for two raters and Fleiss' κ (1971) for more: the pooled distribution;
* Brennan & Prediger (1981): every category equally likely;
* Gwet's AC1 (2008), with weights AC2: chance agreement only where a rating is hard;
* Krippendorff's α (2011): 1 − observed / expected disagreement, corrected for small samples.

Arrays only; `agreement` turns them into tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from research.errors import UserError

_MOST_CATEGORIES = 150  # ordinal α keeps a categories × categories table per unit
_CHUNK = 4_000_000  # resampling weights held at once
_UNDEFINED = 1e-12  # an expected disagreement below this is none


@dataclass(frozen=True)
class Design:
    """Ratings as numbers: `counts` units × categories, `one_hot` units × raters × categories or None."""

    counts: np.ndarray
    one_hot: np.ndarray | None
    scores: np.ndarray
    level: str
    weighting: str
    distance: np.ndarray | None = None
    raters: int | None = None

    def most_raters(self) -> int:
        """Raters in the table, or the most ratings of any unit when raters are not told apart."""
        if self.raters is not None:
            return self.raters
        return self.one_hot.shape[1] if self.one_hot is not None else int(self.counts.sum(axis=1).max())

    def agreement_weights(self) -> np.ndarray:
        """Categories × categories, 1 on the diagonal."""
        if self.weighting == "identity" or len(self.scores) < 2:
            return np.eye(len(self.scores))
        gap = np.abs(self.scores[:, None] - self.scores) / np.ptp(self.scores)
        return 1 - (gap if self.weighting == "linear" else gap**2)

    def disagreement(self) -> np.ndarray | None:
        """Krippendorff's squared distance per pair of categories; None when it depends on the resample."""
        if self.distance is not None:
            return self.distance
        a, b = self.scores[:, None], self.scores[None, :]
        if self.level == "ordinal":
            return None
        if self.level == "interval":
            return (a - b) ** 2
        if self.level == "ratio":
            total = np.where(a + b == 0, 1.0, a + b)
            return ((a - b) / total) ** 2
        return (a != b).astype(float)

    def terms(self) -> dict[str, np.ndarray]:
        """Per-unit terms, each units × something, whose weighted sums give every coefficient."""
        r = self.counts
        size = r.sum(axis=1)
        paired = size >= 2
        pairs = np.where(paired, size * (size - 1), 1)
        margin = np.where(paired, size - 1, 1)
        in_pair = r * paired[:, None]
        agreeing = ((r @ self.agreement_weights()) * r).sum(axis=1) - size
        terms = {
            "paired": paired[:, None],
            "rated": (size > 0)[:, None],
            "agreeing": np.where(paired, agreeing / pairs, 0)[:, None],
            "share": r / np.where(size > 0, size, 1)[:, None],
            "values": in_pair,
        }
        distance = self.disagreement()
        if distance is None:
            if len(self.scores) > _MOST_CATEGORIES:
                raise UserError(
                    f"ordinal α takes at most {_MOST_CATEGORIES} categories, found {len(self.scores)}"
                )
            own = np.eye(len(self.scores)) * in_pair[:, :, None]
            pairs_of = in_pair[:, :, None] * in_pair[:, None, :] - own
            terms["coincidences"] = (pairs_of / margin[:, None, None]).reshape(len(r), -1)
        else:
            terms["disagreeing"] = (((in_pair @ distance) * in_pair).sum(axis=1) / margin)[:, None]
        if self.one_hot is not None:
            terms["by_rater"] = self.one_hot.reshape(len(r), -1)
        return {name: np.asarray(term, dtype=float) for name, term in terms.items()}


def coefficients(sums: dict[str, np.ndarray], design: Design) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coefficient → (estimate, expected), arrays of one value per row of the sums."""
    weights = design.agreement_weights()
    q = len(design.scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = sums["agreeing"][:, 0] / sums["paired"][:, 0]
        share = sums["share"] / sums["rated"]
        pooled = ((share @ weights) * share).sum(axis=1)
        hard = (share * (1 - share)).sum(axis=1) * weights.sum() / max(q * (q - 1), 1)
        hard = hard if q > 1 else np.full(len(share), np.nan)
        uniform = np.full(len(share), weights.sum() / q**2)
        expected = {"fleiss_kappa": pooled, "brennan_prediger": uniform, "gwet_ac1": hard}
        if design.one_hot is not None:
            m = design.one_hot.shape[1]
            by_rater = sums["by_rater"].reshape(-1, m, q)
            own = by_rater / by_rater.sum(axis=2, keepdims=True)
            mean = own.mean(axis=1)
            same = ((mean @ weights) * mean).sum(axis=1)
            spread = ((own @ weights) * own).sum(axis=2).sum(axis=1)
            # Mean over the ordered pairs of different raters: for two raters this is Cohen's expectation.
            expected["cohen_kappa" if m == 2 else "conger_kappa"] = (m**2 * same - spread) / (m * (m - 1))
        found = {"percent_agreement": (observed, np.full(len(share), np.nan))}
        for name, chance in expected.items():
            undefined = ~(chance < 1 - _UNDEFINED)
            found[name] = (np.where(undefined, np.nan, (observed - chance) / (1 - chance)), chance)
        found["krippendorff_alpha"] = _alpha(sums, design)
    return found


def _alpha(sums: dict[str, np.ndarray], design: Design) -> tuple[np.ndarray, np.ndarray]:
    values = sums["values"]
    total = values.sum(axis=1)
    if "coincidences" in sums:
        # The ordinal distance of Krippendorff is the interval distance on mid-ranks.
        rank = np.cumsum(values, axis=1) - values / 2
        table = sums["coincidences"].reshape(-1, values.shape[1], values.shape[1])
        square = (values * rank**2).sum(axis=1)
        observed = 2 * square - 2 * np.einsum("bk,bkl,bl->b", rank, table, rank, optimize=True)
        expected = 2 * total * square - 2 * (values * rank).sum(axis=1) ** 2
    else:
        distance = design.disagreement()
        observed = sums["disagreeing"][:, 0]
        expected = ((values @ distance) * values).sum(axis=1)
    expected = expected / (total - 1)
    alpha = np.where(expected > _UNDEFINED, 1 - observed / expected, np.nan)
    return alpha, expected / total


def bootstrap(
    terms: dict[str, np.ndarray], groups: np.ndarray | None, design: Design, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Coefficient → one value per resample of units, or of whole clusters of units."""
    if groups is not None:
        terms = {name: pd.DataFrame(t).groupby(groups).sum().to_numpy() for name, t in terms.items()}
    names = list(terms)
    ends = np.cumsum([terms[name].shape[1] for name in names])[:-1]
    stacked = np.hstack([terms[name] for name in names])
    n = len(stacked)
    step = max(1, _CHUNK // n)
    drawn: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, step):
        times = _times(n, min(step, resamples - start), seed, start)
        sums = dict(zip(names, np.split(times @ stacked, ends, axis=1), strict=True))
        for name, (value, _) in coefficients(sums, design).items():
            drawn.setdefault(name, []).append(value)
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


@lru_cache(maxsize=4)
def _times(n: int, resamples: int, seed: int, start: int) -> np.ndarray:
    """How often each of n units is drawn, resamples × n; kept, because every code of a codebook needs the same."""
    rng = np.random.default_rng(seed if start == 0 else [seed, start])
    times = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    times.setflags(write=False)
    return times
