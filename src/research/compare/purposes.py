"""What a tiering is for, and which models serve each purpose: a profile and a set per purpose, never a league table.

A difference between two models is *equivalent* when its interval lies inside the margin of indifference, *better* or
*worse* when its adjusted test rejects, and *undecided* otherwise. The answer to a purpose is the set of the models that
are not shown to be worse than the best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
import pandas as pd

from research.compare.inference import corrected_t
from research.multiplicity import holm
from research.paths import DEFINITIONS

ALPHA = 0.05
RESULTS = ("equivalent", "better", "worse", "undecided", "not tested")
COLUMNS = ["purpose", "measure", "arm", "model_a", "model_b", "difference", "ci_low", "ci_high", "statistic", "dof",
           "p_value", "p_holm", "margin", "result", "n"]  # fmt: skip


@cache
def _definitions() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "purposes.csv").set_index("purpose", drop=False)


def definitions() -> pd.DataFrame:
    """Return one row per purpose, indexed by its name: label, question, measure, direction, margin, inference …"""
    return _definitions().copy()


def result(low: float, high: float, p_adjusted: float, margin: float) -> str:
    """Return what an interval and an adjusted p-value of a difference show, one of `RESULTS`.

    A difference inside the margin is too small to matter whatever its p-value: it is `equivalent`.

    >>> result(-0.01, 0.015, 0.8, margin=0.02), result(-0.01, 0.05, 0.2, margin=0.02)
    ('equivalent', 'undecided')
    >>> result(0.03, 0.08, 0.001, margin=0.02), result(-0.08, -0.03, 0.001, margin=0.02)
    ('better', 'worse')
    """
    if not np.isfinite([low, high]).all():
        return "not tested"
    if -margin < low and high < margin:
        return "equivalent"
    if np.isfinite(p_adjusted) and p_adjusted < ALPHA and (low > 0 or high < 0):
        return "better" if low > 0 else "worse"
    return "undecided"


def contrasts(
    folds: pd.DataFrame, test_train_ratio: float, compared: Iterable[tuple[str, str, str]], arm: str
) -> pd.DataFrame:
    """Test paired differences between models as one family, adjusted once by Holm.

    Args:
        folds: `measure, model, arm, repeat, fold, estimate`, one row per split (`criteria.fold_measures`).
        test_train_ratio: test size over training size, for the corrected variance of Nadeau and Bengio (2003).
        compared: (purpose, model_a, model_b) with purposes whose inference is `paired`; where a model was not fitted or
            the data do not measure the purpose, there is no row.
        arm: the arm in which the models are compared.

    Returns:
        One row per purpose and pair: `COLUMNS`; `difference` is a − b in the direction in which higher is better, so
        that `better` means that a serves the purpose better.
    """
    rows, known = [], _definitions()
    wide = folds[folds["arm"] == arm].pivot(
        index=["measure", "repeat", "fold"], columns="model", values="estimate"
    )
    by_measure = dict(list(wide.groupby(level="measure", sort=False)))
    for purpose, a, b in compared:
        about = known.loc[purpose]
        part = by_measure.get(about["measure"])
        if part is None or a not in part or b not in part:
            continue
        gaps = (part[a] - part[b]).to_numpy()
        if np.isnan(gaps).all():
            continue
        sign = -1.0 if about["direction"] == "lower" else 1.0
        test = corrected_t(sign * gaps, test_train_ratio).iloc[0]
        rows.append(
            {"purpose": purpose, "measure": about["measure"], "arm": arm, "model_a": a, "model_b": b,
             "margin": float(about["margin"])} | test.to_dict()
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c not in ("p_holm", "result")])
    table["p_holm"] = holm(table["p_value"].to_numpy(dtype=float))
    table["result"] = [result(row.ci_low, row.ci_high, row.p_holm, row.margin) for row in table.itertuples()]
    return table[COLUMNS]


def served(
    estimates: Mapping[str, float], tests: pd.DataFrame, direction: str = "higher"
) -> tuple[str, tuple[str, ...]]:
    """Return the model with the best estimate and those not shown to be worse than it, itself first.

    Args:
        estimates: model to its estimate; models without one are not judged.
        tests: rows of `contrasts` of one purpose.
        direction: which estimates are better, `higher` or `lower`.
    """
    known = {name: value for name, value in estimates.items() if np.isfinite(value)}
    if not known:
        return "", ()
    best = (min if direction == "lower" else max)(known, key=lambda name: known[name])
    worse = {
        row.model_b if row.model_a == best else row.model_a
        for row in tests.itertuples()
        if (row.model_a == best and row.result == "better") or (row.model_b == best and row.result == "worse")
    }
    return best, (best, *(name for name in known if name != best and name not in worse))


def equivalents(best: str, models: Iterable[str], tests: pd.DataFrame) -> tuple[str, ...]:
    """Return those of the models whose difference from the best is equivalent, the best itself included."""
    alike = {
        row.model_b if row.model_a == best else row.model_a
        for row in tests.itertuples()
        if best in (row.model_a, row.model_b) and row.result == "equivalent"
    }
    return tuple(name for name in models if name == best or name in alike)


def fewest_rows(models: Iterable[str], rows_by_hand: Mapping[str, float]) -> str:
    """Return the model with fewest rows to read, the first of several; "" where none is counted."""
    counted = {name: rows_by_hand[name] for name in models if np.isfinite(rows_by_hand.get(name, np.nan))}
    return min(counted, key=lambda name: counted[name]) if counted else ""
