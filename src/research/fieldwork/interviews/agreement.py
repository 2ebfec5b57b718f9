"""Agreement between raters: every coefficient with an interval, missing ratings included.

A coefficient without variation in the ratings is undefined (0/0); it is NaN with the reason, never 1.
The formulae are in `coefficients`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from research.errors import UserError, nearest
from research.fieldwork.interviews.coefficients import Design, bootstrap, coefficients, terms
from research.files import limits
from research.intervals import percentile

LEVELS = ("nominal", "ordinal", "interval", "ratio")
COLUMNS = [
    "measure",
    "label",
    "estimate",
    "ci_low",
    "ci_high",
    "expected",
    "n",
    "raters",
    "resamples",
    "note",
]
MEASURES = ("percent_agreement", "cohen_kappa", "conger_kappa", "fleiss_kappa", "brennan_prediger", "gwet_ac1",
            "krippendorff_alpha")  # fmt: skip


def agreement_table(
    ratings: pd.DataFrame,
    *,
    level: str = "nominal",
    categories: Sequence[object] | None = None,
    clusters: pd.Series | None = None,
    resamples: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return every coefficient of agreement for one table of ratings.

    Args:
        ratings: units × raters; a cell is a category or a number, NaN where a rater did not rate the unit.
        level: of measurement, for Krippendorff's α; above the nominal one near misses count in the other
            coefficients, too (quadratic weights). Distances are taken on the numbers themselves, or on the order of
            `categories` when they are words.
        categories: the whole scale in order; those nobody used still count in AC1 and Brennan–Prediger.
        clusters: one label per unit (index as `ratings`), to resample whole interviews, not single units.
        resamples: bootstrap resamples of units; 0 for no interval.

    Returns:
        One row per coefficient: `measure`, `label`, `estimate`, `ci_low`, `ci_high` (percentile interval),
        `expected` (by chance: agreement, for α disagreement), `n` (units with two ratings or more),
        `raters`, `resamples` (those where the coefficient is defined), `note`.

    Raises:
        UserError: fewer than two raters, no unit rated twice, an unknown level, an unordered ordinal scale.
    """
    if ratings.shape[1] < 2:
        raise UserError(f"agreement needs two raters or more; the table has {ratings.shape[1]}")
    scale = _scale(ratings, level, categories)
    codes = np.stack(
        [np.where(ratings[c].isna(), -1, scale.get_indexer(ratings[c])) for c in ratings.columns]
    )
    each, scores = _tables(codes, len(scale)), _scores(scale)
    design = Design(_added(each), each, scores, level, _distance(scores, level), len(each))
    groups = None if clusters is None else pd.factorize(clusters.reindex(ratings.index))[0]
    return _table(design, groups, resamples, seed)


def set_alpha(sets: pd.DataFrame, *, resamples: int = 1000, seed: int = 1) -> pd.DataFrame:
    """Krippendorff's α for units with several codes at once, on the MASI distance (`masi`).

    Args:
        sets: units × raters, a cell is a frozenset of codes (empty: nothing coded) or NaN (not rated).

    Returns:
        One row as in `agreement_table`; without an estimate, and with the reason, where there are more different sets
        than a table of their distances may have.
    """
    found = {cell for column in sets.columns for cell in sets[column] if isinstance(cell, frozenset)}
    scale = sorted(found, key=lambda s: (len(s), sorted(map(str, s))))
    named = {"measure": "krippendorff_alpha_masi", "label": "Krippendorff α on code sets (MASI)"}
    if len(scale) > (most := limits.most("agreement_distances")):
        told = f"{len(scale):,} different sets of codes, expected at most {most:,}"
        row = named | {"n": len(sets), "raters": sets.shape[1], "note": told}
        return pd.DataFrame([row]).reindex(columns=COLUMNS)
    position = {s: k for k, s in enumerate(scale)}
    codes = [[position.get(cell, -1) if cell == cell else -1 for cell in sets[column]] for column in sets]
    counts = _added(_tables(np.array(codes).reshape(sets.shape[1], -1), len(scale)))
    order = np.arange(len(scale), dtype=float)
    design = Design(counts, (), order, "nominal", masi(scale), sets.shape[1])
    table = _table(design, None, resamples, seed)
    alpha = table[table["measure"] == "krippendorff_alpha"].assign(**named)
    return alpha.reset_index(drop=True)


def masi(sets: Sequence[frozenset]) -> np.ndarray:
    """Return the MASI distance of every two sets of codes (Passonneau 2006).

    It is 1 − Jaccard × m, where m is 1 for equal sets, 2/3 when one contains the other, 1/3 when they overlap and 0
    when they share nothing: near agreement counts in part.
    """
    codes = pd.Index(sorted({code for one in sets for code in one}, key=str))
    holds = np.zeros((len(sets), len(codes)))
    for row, one in enumerate(sets):
        holds[row, codes.get_indexer(list(one))] = 1
    size, shared = holds.sum(axis=1), holds @ holds.T
    either = size[:, None] + size - shared
    monotonic = np.where(shared == np.minimum(size[:, None], size), 2 / 3, 1 / 3)
    distance = 1 - shared / np.maximum(either, 1) * monotonic
    distance[either == shared] = 0
    return distance


def _tables(codes: np.ndarray, categories: int) -> tuple[sparse.csr_array, ...]:
    """Units × categories, 1 where a rater chose the category, for each row of `codes` (raters × units, −1 missing)."""
    found = []
    for rater in codes:
        units = np.flatnonzero(rater >= 0)
        shape = (codes.shape[1], categories)
        found.append(sparse.csr_array((np.ones(len(units)), (units, rater[units])), shape=shape))
    return tuple(found)


def _added(tables: Sequence[sparse.csr_array]) -> sparse.csr_array:
    return sparse.csr_array(sum(tables[1:], tables[0]))


def _distance(scores: np.ndarray, level: str) -> np.ndarray | None:
    """Krippendorff's squared ratio distance, the only one without a formula in sums; None at another level."""
    if level != "ratio":
        return None
    limits.within("agreement_distances", len(scores), "agreement")
    total = scores[:, None] + scores
    return ((scores[:, None] - scores) / np.where(total == 0, 1.0, total)) ** 2


def _scale(ratings: pd.DataFrame, level: str, categories: Sequence[object] | None) -> pd.Index:
    """The ordered categories of a table, checked against the level of measurement."""
    if level not in LEVELS:
        raise UserError(f"level of measurement '{level}' is unknown{nearest(level, LEVELS)}")
    found = [v for v in pd.unique(ratings.astype(object).to_numpy().ravel()) if not pd.isna(v)]
    if categories is not None:
        unknown = sorted({str(v) for v in found if v not in set(categories)})
        if unknown:
            raise UserError(
                f"ratings outside the scale: {', '.join(unknown)}; expected {', '.join(map(str, categories))}"
            )
        return pd.Index(list(categories))
    numeric = all(isinstance(v, int | float | np.number) for v in found)
    if level != "nominal" and not numeric:
        raise UserError(
            f"{level} agreement on words needs their order: give the categories from lowest to highest"
        )
    limits.within("agreement_values", len(found), "agreement")
    return pd.Index(sorted(found) if numeric else sorted(found, key=str))


def _scores(scale: pd.Index) -> np.ndarray:
    """Numbers on which distances are taken: the categories themselves, or their order when they are words."""
    numeric = pd.api.types.is_numeric_dtype(scale) and not pd.api.types.is_bool_dtype(scale)
    return scale.to_numpy(dtype=float) if numeric else np.arange(len(scale), dtype=float)


def _table(design: Design, groups: np.ndarray | None, resamples: int, seed: int) -> pd.DataFrame:
    found = terms(design)
    if not found.paired.any():
        raise UserError("no unit was rated by two raters or more, so there is nothing to compare")
    n = int(found.paired.sum())
    point = coefficients(found.sums(np.ones((1, len(found.paired)))), design)
    draws = bootstrap(found, groups, resamples, seed)
    one_category = np.count_nonzero(design.counts.sum(axis=0)) < 2
    rows = []
    for name in (name for name in MEASURES if name in point):
        estimate, expected = float(point[name][0][0]), float(point[name][1][0])
        drawn = draws.get(name, np.array([]))
        low, high = (np.nan, np.nan) if np.isnan(estimate) else percentile(drawn, resamples)
        note = ""
        if np.isnan(estimate):
            note = "undefined: every rating is the same category"
        elif one_category:
            note = "every rating is the same category: this says nothing about telling categories apart"
        elif resamples and np.isnan(low):
            note = "no interval: undefined in more than half of the resamples"
        key, label = _named(name, design.raters, design.level)
        known = np.count_nonzero(~np.isnan(drawn))
        rows.append((key, label, estimate, low, high, expected, n, design.raters, known, note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _named(name: str, raters: int, level: str) -> tuple[str, str]:
    """The measure and the label shown; weighted AC1 is AC2, and Fleiss' κ of two raters is Scott's π."""
    weighted = "" if level == "nominal" else ", quadratic weights"
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
