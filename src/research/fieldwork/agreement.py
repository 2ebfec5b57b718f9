"""Agreement between raters: every coefficient with an interval, missing ratings included.

The chance-corrected coefficients share one form, (observed − expected) / (1 − expected), and differ in what they
expect by chance (Gwet 2014, *Handbook of Inter-Rater Reliability*, 4th ed., ch. 2–5):

* Cohen's κ (1960) for two raters and Conger's κ (1980) for more: each rater's own marginal distribution;
* Scott's π (1955) for two raters and Fleiss' κ (1971) for more: the pooled distribution;
* Brennan & Prediger (1981): every category equally likely;
* Gwet's AC1 (2008), with weights AC2: chance agreement only where a rating is hard;
* Krippendorff's α (2011): 1 − observed / expected disagreement, corrected for small samples.

All of them are functions of sums over units, so a bootstrap of units is one matrix product: resampling weights times
per-unit terms. A coefficient without variation in the ratings is undefined (0/0); it is NaN with the reason, never 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from research.errors import UserError, nearest

LEVELS = ("nominal", "ordinal", "interval", "ratio")
WEIGHTS = ("identity", "linear", "quadratic")
COLUMNS = ["measure", "label", "estimate", "ci_low", "ci_high", "expected", "n", "raters", "resamples", "note"]
_MOST_CATEGORIES = 150  # ordinal α keeps a categories × categories table per unit
_CHUNK = 4_000_000  # resampling weights held at once
_NO_VARIATION = "undefined: every rating is the same category"


def agreement_table(
    ratings: pd.DataFrame,
    *,
    level: str = "nominal",
    weights: str | None = None,
    categories: Sequence[object] | None = None,
    clusters: pd.Series | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Return every coefficient of agreement for one table of ratings.

    Args:
        ratings: units × raters; a cell is a category or a number, NaN where a rater did not rate the unit.
        level: of measurement, for Krippendorff's α.
        weights: how much a near miss counts in the other coefficients; `identity` for nominal ratings, `quadratic`
            for the rest by default. Distances are taken on the numbers themselves, or on the order of `categories`.
        categories: the whole scale in order; categories nobody used still count in AC1 and Brennan–Prediger.
        clusters: one label per unit (index as `ratings`), to resample whole interviews rather than single units.
        resamples: bootstrap resamples of units; 0 for no interval.

    Returns:
        One row per coefficient: `measure`, `label`, `estimate`, `ci_low`, `ci_high` (percentile interval), `expected`
        (agreement, for α disagreement, expected by chance), `n` (units with two ratings or more), `raters`,
        `resamples` (those where the coefficient is defined), `note`.

    Raises:
        UserError: fewer than two raters, no unit rated twice, an unknown level, an unordered ordinal scale.
    """
    if ratings.shape[1] < 2:
        raise UserError(f"agreement needs two raters or more; the table has {ratings.shape[1]}")
    scale = _scale(ratings, level, categories)
    codes = np.stack([scale.get_indexer(ratings[c]) for c in ratings.columns], axis=1)
    codes[ratings.isna().to_numpy()] = -1
    one_hot = (codes[:, :, None] == np.arange(len(scale))).astype(float)
    design = _Design(one_hot.sum(axis=1), one_hot, _scores(scale), level, _weighting(level, weights))
    groups = None if clusters is None else pd.factorize(clusters.reindex(ratings.index))[0]
    return _table(design, groups, resamples, confidence, seed)


def agreement_from_counts(
    counts: pd.DataFrame, *, level: str = "nominal", weights: str | None = None, resamples: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Agreement when only the number of raters per category is known.

    Args:
        counts: units × categories, each cell the number of raters who chose the category.

    Returns:
        The rows of `agreement_table` except Cohen's and Conger's κ, which need to know who rated what.
    """
    values = counts.to_numpy(dtype=float)
    if np.isnan(values).any() or (values < 0).any():
        raise UserError("counts of raters per category must be numbers from 0 up, without gaps")
    design = _Design(values, None, _scores(pd.Index(counts.columns)), level, _weighting(level, weights))
    return _table(design, None, resamples, 0.95, seed)


def pairwise_agreement(ratings: pd.DataFrame, **options: object) -> pd.DataFrame:
    """`agreement_table` for every pair of raters, with the columns `rater_1` and `rater_2`; shows who stands apart."""
    tables = [
        agreement_table(ratings[[a, b]], **options).assign(rater_1=a, rater_2=b)
        for a, b in combinations(ratings.columns, 2)
        if ratings[[a, b]].notna().all(axis=1).any()
    ]
    if not tables:
        raise UserError("no two raters rated the same unit")
    return pd.concat(tables, ignore_index=True)[["rater_1", "rater_2", *COLUMNS]]


def krippendorff_alpha(ratings: pd.DataFrame, level: str = "nominal", **options: object) -> pd.Series:
    """The row of Krippendorff's α of `agreement_table`."""
    table = agreement_table(ratings, level=level, **options)
    return table.set_index("measure").loc["krippendorff_alpha"]


def set_alpha(sets: pd.DataFrame, *, resamples: int = 1000, confidence: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """Krippendorff's α for units that carry several codes at once, with the MASI distance (Passonneau 2006).

    The distance of two sets is 1 − Jaccard × m, where m is 1 for equal sets, 2/3 when one contains the other, 1/3 when
    they overlap and 0 when they share nothing. Near agreement counts in part.

    Args:
        sets: units × raters, each cell a frozenset of codes (empty where nothing was coded) or NaN for not rated.
    """
    found = {cell for column in sets.columns for cell in sets[column] if isinstance(cell, frozenset)}
    scale = sorted(found, key=lambda s: (len(s), sorted(map(str, s))))
    position = {s: k for k, s in enumerate(scale)}
    codes = np.array([[position.get(c, -1) if isinstance(c, frozenset) else -1 for c in row] for row in sets.to_numpy()])
    distance = np.array([[_masi(a, b) for b in scale] for a in scale]).reshape(len(scale), len(scale))
    one_hot = (codes[:, :, None] == np.arange(len(scale))).astype(float)
    design = _Design(one_hot.sum(axis=1), None, np.arange(len(scale)), "nominal", "identity", distance, sets.shape[1])
    table = _table(design, None, resamples, confidence, seed)
    alpha = table[table["measure"] == "krippendorff_alpha"].assign(
        measure="krippendorff_alpha_masi", label="Krippendorff α on code sets (MASI)"
    )
    return alpha.reset_index(drop=True)


def _masi(a: frozenset, b: frozenset) -> float:
    if a == b:
        return 0.0
    shared = len(a & b)
    contained = a <= b or b <= a
    monotonic = (2 / 3 if contained else 1 / 3) if shared else 0.0
    return 1 - shared / len(a | b) * monotonic


def _scale(ratings: pd.DataFrame, level: str, categories: Sequence[object] | None) -> pd.Index:
    """The ordered categories of a table, checked against the level of measurement."""
    if level not in LEVELS:
        raise UserError(f"level of measurement '{level}' is unknown{nearest(level, LEVELS)}")
    values = pd.unique(ratings.astype(object).to_numpy().ravel())
    found = [v for v in values if not pd.isna(v)]
    if categories is None and all(isinstance(t, pd.CategoricalDtype) and t.ordered for t in ratings.dtypes):
        categories = list(ratings.dtypes.iloc[0].categories)
    if categories is not None:
        unknown = sorted({str(v) for v in found if v not in set(categories)})
        if unknown:
            raise UserError(f"ratings outside the scale: {', '.join(unknown)}; expected {', '.join(map(str, categories))}")
        return pd.Index(list(categories))
    numeric = all(isinstance(v, int | float | np.number) for v in found)
    if level != "nominal" and not numeric:
        raise UserError(f"{level} agreement on words needs their order: give the categories from lowest to highest")
    return pd.Index(sorted(found) if numeric else sorted(found, key=str))


def _scores(scale: pd.Index) -> np.ndarray:
    """Numbers on which distances are taken: the categories themselves, or their order when they are words."""
    numeric = pd.api.types.is_numeric_dtype(scale) and not pd.api.types.is_bool_dtype(scale)
    return scale.to_numpy(dtype=float) if numeric else np.arange(len(scale), dtype=float)


def _weighting(level: str, weights: str | None) -> str:
    if level not in LEVELS:
        raise UserError(f"level of measurement '{level}' is unknown{nearest(level, LEVELS)}")
    chosen = weights or ("identity" if level == "nominal" else "quadratic")
    if chosen not in WEIGHTS:
        raise UserError(f"weights '{chosen}' are unknown{nearest(chosen, WEIGHTS)}")
    return chosen


@dataclass(frozen=True)
class _Design:
    """Ratings as numbers: `counts` units × categories, `one_hot` units × raters × categories or None."""

    counts: np.ndarray
    one_hot: np.ndarray | None
    scores: np.ndarray
    level: str
    weighting: str
    distance: np.ndarray | None = None
    raters: int | None = None

    def agreement_weights(self) -> np.ndarray:
        """Categories × categories, 1 on the diagonal."""
        if self.weighting == "identity" or len(self.scores) < 2:
            return np.eye(len(self.scores))
        gap = np.abs(self.scores[:, None] - self.scores) / np.ptp(self.scores)
        return 1 - (gap if self.weighting == "linear" else gap**2)

    def disagreement(self) -> np.ndarray | None:
        """Squared distance of Krippendorff (2011) per pair of categories; None when it depends on the resample."""
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
                raise UserError(f"ordinal α takes at most {_MOST_CATEGORIES} categories, found {len(self.scores)}")
            own = np.eye(len(self.scores)) * in_pair[:, :, None]
            pairs_of = in_pair[:, :, None] * in_pair[:, None, :] - own
            terms["coincidences"] = (pairs_of / margin[:, None, None]).reshape(len(r), -1)
        else:
            terms["disagreeing"] = (((in_pair @ distance) * in_pair).sum(axis=1) / margin)[:, None]
        if self.one_hot is not None:
            terms["by_rater"] = self.one_hot.reshape(len(r), -1)
        return {name: np.asarray(term, dtype=float) for name, term in terms.items()}


def _coefficients(sums: dict[str, np.ndarray], design: _Design) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coefficient → (estimate, expected), arrays of one value per row of the sums."""
    weights = design.agreement_weights()
    q = len(design.scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = sums["agreeing"][:, 0] / sums["paired"][:, 0]
        share = sums["share"] / sums["rated"]
        pooled = ((share @ weights) * share).sum(axis=1)
        hard = (share * (1 - share)).sum(axis=1) * weights.sum() / (q * (q - 1)) if q > 1 else np.full(len(share), np.nan)
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
            undefined = ~(chance < 1 - 1e-12)
            found[name] = (np.where(undefined, np.nan, (observed - chance) / (1 - chance)), chance)
        found["krippendorff_alpha"] = _alpha(sums, design)
    return found


def _alpha(sums: dict[str, np.ndarray], design: _Design) -> tuple[np.ndarray, np.ndarray]:
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
    alpha = np.where(expected > 1e-12, 1 - observed / expected, np.nan)
    return alpha, expected / total


def _table(design: _Design, groups: np.ndarray | None, resamples: int, confidence: float, seed: int) -> pd.DataFrame:
    terms = design.terms()
    if not terms["paired"].any():
        raise UserError("no unit was rated by two raters or more, so there is nothing to compare")
    n = int(terms["paired"].sum())
    raters = design.raters or (design.one_hot.shape[1] if design.one_hot is not None else int(design.counts.sum(1).max()))
    point = _coefficients({name: t.sum(axis=0, keepdims=True) for name, t in terms.items()}, design)
    draws = _bootstrap(terms, groups, design, resamples, seed)
    one_category = np.count_nonzero(design.counts.sum(axis=0)) < 2
    rows = []
    for name in ("percent_agreement", "cohen_kappa", "conger_kappa", "fleiss_kappa", "brennan_prediger",
                 "gwet_ac1", "krippendorff_alpha"):  # fmt: skip
        if name not in point:
            continue
        estimate, expected = float(point[name][0][0]), float(point[name][1][0])
        drawn = draws[name][~np.isnan(draws[name])]
        enough = len(drawn) > 0 and len(drawn) >= resamples / 2 and not np.isnan(estimate)
        tail = (1 - confidence) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail]) if enough else (np.nan, np.nan)
        note = ""
        if np.isnan(estimate):
            note = _NO_VARIATION
        elif one_category:
            note = "every rating is the same category: this says nothing about telling categories apart"
        elif resamples and not enough:
            note = "no interval: undefined in more than half of the resamples"
        key, label = _named(name, raters, design.weighting, design.level)
        rows.append((key, label, estimate, low, high, expected, n, raters, len(drawn), note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _bootstrap(
    terms: dict[str, np.ndarray], groups: np.ndarray | None, design: _Design, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Coefficient → one value per resample of units, or of whole clusters of units."""
    if groups is not None:
        indicator = (groups == np.arange(groups.max() + 1)[:, None]).astype(float)
        terms = {name: indicator @ t for name, t in terms.items()}
    n = len(terms["paired"])
    rng = np.random.default_rng(seed)
    parts: list[dict[str, np.ndarray]] = []
    step = max(1, min(resamples, _CHUNK // n))
    for start in range(0, resamples, step):
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(step, resamples - start)).astype(float)
        found = _coefficients({name: times @ t for name, t in terms.items()}, design)
        parts.append({name: value for name, (value, _) in found.items()})
    if not parts:
        return {name: np.array([]) for name in _coefficients({k: t.sum(0, keepdims=True) for k, t in terms.items()}, design)}
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _named(name: str, raters: int, weighting: str, level: str) -> tuple[str, str]:
    """The measure and the label shown; weighted AC1 is AC2, and Fleiss' κ of two raters is Scott's π."""
    weighted = "" if weighting == "identity" else f", {weighting} weights"
    if name == "gwet_ac1":
        return ("gwet_ac1", "Gwet AC1") if not weighted else ("gwet_ac2", f"Gwet AC2{weighted}")
    labels = {
        "percent_agreement": f"Percent agreement{weighted}",
        "cohen_kappa": f"Cohen κ{weighted}",
        "conger_kappa": f"Conger κ (Cohen κ for many raters){weighted}",
        "fleiss_kappa": f"Fleiss κ{' (Scott π)' if raters == 2 else ''}{weighted}",
        "brennan_prediger": f"Brennan–Prediger{weighted}",
        "krippendorff_alpha": f"Krippendorff α, {level}",
    }
    return name, labels[name]
