"""Coefficients of agreement as functions of sums over units, so that a bootstrap is one matrix product.

The chance-corrected coefficients share one form, (observed − expected) / (1 − expected), and differ in
what they expect by chance (Gwet 2014, *Handbook of Inter-Rater Reliability*, 4th ed., ch. 2–5):

* Cohen's κ (1960) for two raters and Conger's κ (1980) for more: each rater's own distribution;
* Scott's π (1955) for two raters and Fleiss' κ (1971) for more: the pooled distribution;
* Brennan & Prediger (1981): every category equally likely;
* Gwet's AC1 (2008), with weights AC2: chance agreement only where a rating is hard;
* Krippendorff's α (2011): 1 − observed / expected disagreement, corrected for small samples.

A sum over all pairs of categories is taken from counts and cumulative sums, never from a table of pairs: memory grows
with the ratings, not with the square of the categories. (The package krippendorff, the oracle of the tests, keeps such
a table per unit; `bench/agreement.py` times 1,000 resamples.) Arrays only; `agreement` turns them into tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import sparse

_CHUNK = 4_000_000  # numbers held at once in one array
_UNDEFINED = 1e-12  # an expected disagreement below this is none

Sums = dict[str, np.ndarray]


@dataclass(frozen=True)
class Design:
    """Ratings as numbers.

    Attributes:
        counts: units × categories, sparse: how many raters chose each category.
        by_rater: the same for each rater; empty when raters are not told apart.
        scores: a number per category, on which distances are taken.
        level: one of `agreement.LEVELS`.
        distance: categories × categories, where a distance follows from no formula (sets of codes, ratio).
        raters: how many there were.
    """

    counts: sparse.csr_array
    by_rater: tuple[sparse.csr_array, ...]
    scores: np.ndarray
    level: str
    distance: np.ndarray | None
    raters: int

    def agreeing(self, x: np.ndarray) -> np.ndarray:
        """Σ w(k, l) x_k x_l for each row of x (rows × categories), w the agreement weights."""
        if self.level == "nominal" or len(self.scores) < 2:
            return (x**2).sum(axis=1)
        return x.sum(axis=1) ** 2 - _squares(x, self.scores / np.ptp(self.scores))

    def disagreeing(self, x: np.ndarray) -> np.ndarray:
        """Σ d(k, l) x_k x_l for each row of x, d Krippendorff's squared distance; not for the ordinal level."""
        if self.distance is not None:
            return ((x @ self.distance) * x).sum(axis=1)
        if self.level == "interval":
            return _squares(x, self.scores)
        return x.sum(axis=1) ** 2 - (x**2).sum(axis=1)


def _squares(x: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Σ x_k x_l (a_k − a_l)²; the scores are centred, so that little is lost in the difference."""
    centred = scores - scores.mean()
    return 2 * (x.sum(axis=1) * (x @ centred**2) - (x @ centred) ** 2)


@dataclass(frozen=True)
class Terms:
    """What is summed over units.

    Attributes:
        units: units × (paired, rated, agreeing, disagreeing).
        tables: units × categories, side by side: shares of a unit's ratings, pairable ratings, each rater's own.
        values: the pairable ratings alone.
    """

    design: Design
    units: np.ndarray
    tables: np.ndarray | sparse.csr_array
    values: np.ndarray | sparse.csr_array

    @property
    def paired(self) -> np.ndarray:
        """Whether a unit has two ratings or more."""
        return self.units[:, 0] > 0

    def sums(self, times: np.ndarray) -> Sums:
        """Return the sums with each unit counted as often as `times` (rows × units) says."""
        totals = times @ self.units
        found = dict(zip(("paired", "rated", "agreeing", "disagreeing"), totals.T, strict=True))
        tables = (times @ self.tables).reshape(len(times), -1, len(self.design.scores))
        found |= {"share": tables[:, 0], "values": tables[:, 1]}
        if self.design.by_rater:
            found["by_rater"] = tables[:, 2:]
        if self.design.level == "ordinal" and self.design.distance is None:
            found["disagreeing"] = (times.T * self._ordinal(ranks(found["values"]))).sum(axis=0)
        return found

    def joined(self, groups: np.ndarray) -> Terms:
        """Return the terms summed over the units of each group (an integer per unit)."""
        member = sparse.csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))))
        sums = {name: member @ getattr(self, name) for name in ("units", "tables", "values")}
        return replace(self, **sums)

    def _ordinal(self, rank: np.ndarray) -> np.ndarray:
        """Disagreement within each unit on the ranks of each row: units × rows."""
        size = self.values.sum(axis=1)[:, None]
        squares = size * (self.values @ (rank**2).T) - (self.values @ rank.T) ** 2
        return 2 * squares / np.where(size > 1, size - 1, 1)


def ranks(values: np.ndarray) -> np.ndarray:
    """Mid-ranks (centred) of the categories: Krippendorff's ordinal distance is the interval distance on them."""
    return np.cumsum(values, axis=1) - values / 2 - values.sum(axis=1, keepdims=True) / 2


def terms(design: Design) -> Terms:
    """Return the terms of a design."""
    r = design.counts
    size = r.sum(axis=1)
    paired = size >= 2
    agreeing, disagreeing = np.zeros(len(size)), np.zeros(len(size))
    step = max(1, _CHUNK // max(r.shape[1], 1))
    for start in range(0, len(size), step):
        rows = slice(start, start + step)
        part = r[rows].toarray().astype(float)
        agreeing[rows], disagreeing[rows] = design.agreeing(part) - size[rows], design.disagreeing(part)
    agreeing = np.where(paired, agreeing / np.where(paired, size * (size - 1), 1), 0)
    disagreeing = np.where(paired, disagreeing / np.where(paired, size - 1, 1), 0)
    share = sparse.diags_array(1 / np.where(size > 0, size, 1)) @ r
    values = sparse.diags_array(paired.astype(float)) @ r
    units = np.column_stack([paired, size > 0, agreeing, disagreeing]).astype(float)
    tables = sparse.csr_array(sparse.hstack([share, values, *design.by_rater]))
    if np.prod(tables.shape) <= _CHUNK:  # a dense product is faster where it fits
        return Terms(design, units, tables.toarray(), values.toarray())
    return Terms(design, units, tables, values)


def coefficients(sums: Sums, design: Design) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coefficient → (estimate, expected), arrays of one value per row of the sums."""
    q = len(design.scores)
    weight = float(design.agreeing(np.ones((1, q)))[0])  # the sum of all agreement weights
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = sums["agreeing"] / sums["paired"]
        share = sums["share"] / sums["rated"][:, None]
        hard = (share * (1 - share)).sum(axis=1) * weight / max(q * (q - 1), 1)
        expected = {
            "fleiss_kappa": design.agreeing(share),
            "brennan_prediger": np.full(len(share), weight / q**2),
            "gwet_ac1": hard if q > 1 else np.full(len(share), np.nan),
        }
        if "by_rater" in sums:
            by_rater = sums["by_rater"]
            m = by_rater.shape[1]
            own = by_rater / by_rater.sum(axis=2, keepdims=True)
            each = sum(design.agreeing(own[:, rater]) for rater in range(m))
            # Mean over the ordered pairs of different raters: for two raters this is Cohen's expectation.
            chance = (m**2 * design.agreeing(own.mean(axis=1)) - each) / (m * (m - 1))
            expected["cohen_kappa" if m == 2 else "conger_kappa"] = chance
        found = {"percent_agreement": (observed, np.full(len(share), np.nan))}
        for name, chance in expected.items():
            undefined = ~(chance < 1 - _UNDEFINED)
            found[name] = (np.where(undefined, np.nan, (observed - chance) / (1 - chance)), chance)
        found["krippendorff_alpha"] = _alpha(sums, design)
    return found


def _alpha(sums: Sums, design: Design) -> tuple[np.ndarray, np.ndarray]:
    values = sums["values"]
    total = values.sum(axis=1)
    if design.level == "ordinal" and design.distance is None:
        rank = ranks(values)
        expected = 2 * (total * (values * rank**2).sum(axis=1) - (values * rank).sum(axis=1) ** 2)
    else:
        expected = design.disagreeing(values)
    expected = expected / (total - 1)
    alpha = np.where(expected > _UNDEFINED, 1 - sums["disagreeing"] / expected, np.nan)
    return alpha, expected / total


def bootstrap(found: Terms, groups: np.ndarray | None, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Coefficient → one value per resample of units, or of whole clusters of units."""
    if groups is not None and found.design.level != "ordinal":  # whose ranks are those of a resample
        found, groups = found.joined(groups), None
    units, categories = found.values.shape
    n = units if groups is None else int(groups.max()) + 1
    wide = max(units, categories * (2 + len(found.design.by_rater)))
    drawn: dict[str, list[np.ndarray]] = {}
    step = max(1, _CHUNK // n)
    for start in range(0, resamples, step):
        times = resampled(n, min(step, resamples - start), seed, start)
        for part in np.array_split(times, -(-len(times) * wide // _CHUNK)):
            sums = found.sums(part if groups is None else part[:, groups])
            for name, (value, _) in coefficients(sums, found.design).items():
                drawn.setdefault(name, []).append(value)
    return {name: np.concatenate(parts) for name, parts in drawn.items()}


@lru_cache(maxsize=4)
def resampled(n: int, resamples: int, seed: int, start: int) -> np.ndarray:
    """How often each of n units is drawn, resamples × n; kept, because every code of a codebook needs the same."""
    rng = np.random.default_rng(seed if start == 0 else [seed, start])
    times = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    times.setflags(write=False)
    return times
