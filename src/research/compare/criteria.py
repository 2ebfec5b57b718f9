"""The table of criteria: every measure, for every model and arm, with an interval."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from research.compare import calibration, counting, ordering, random_tiers, separation
from research.compare.discrimination import (
    auc_of_groups,
    curve,
    delong_interval,
    h_of_segments,
    hull_of_groups,
    ks_of_groups,
)
from research.compare.economics import profit_of_segments
from research.compare.effects import tier_effects
from research.compare.inference import corrected_interval
from research.compare.resampling import OutOfFold, Refits
from research.compare.stability import stability
from research.paths import DEFINITIONS

COLUMNS = ["purpose", "measure", "model", "arm", "dataset", "estimate", "ci_low", "ci_high", "n"]
DRAWN = ("draws_low", "draws_high")
Profit = tuple[float, float, float]
KINDS = ("area", "score", "tier", "value", "need")  # what measures of folds are taken from
SCORES = {"auc": "area", "ks": "area", "h_measure": "score", "emp": "score", "brier_score": "score"}


@cache
def _definitions() -> pd.DataFrame:
    return pd.read_csv(DEFINITIONS / "criteria.csv")


def definitions() -> pd.DataFrame:
    """Return one row per measure: `purpose, measure, primary_of_version_1, direction, computed_on, caveat …`."""
    return _definitions().copy()


def fold_measures(
    oof: OutOfFold,
    value: Any = None,
    need: Any = None,
    profit: Profit = (0.2644, 0.55, 0.10),
    kinds: Collection[str] = KINDS,
) -> pd.DataFrame:
    """Compute every measure that is defined on the test customers of one fold.

    Args:
        oof: out-of-fold predictions.
        value: (n,) what a customer is worth, the same for all models; None or all missing where there is none.
        need: (n,) categories, or numbers that are cut into quarters; None where absent.
        profit: return on investment, probability of no loss, probability of full loss.
        kinds: which measures to compute: those of the area under the curve, those of the score besides, of tiers, of
            the value, of the need.

    Returns:
        One row per measure, model, arm, repeat, fold: `estimate`. NaN where a fold has too few outcomes. Random tiers
        have the mean over draws; `draws_low, draws_high` hold the middle 95 % of the draws' means over folds.
    """
    rows = _fold_rows(oof, value, need, profit, kinds)
    drawn = [_fold_rows(batch, value, need, profit, kinds) for batch in random_tiers.draws(oof)]
    if not drawn:
        return rows
    luck = pd.concat(drawn)
    rows = random_tiers.averaged(rows, luck)
    ends = luck.groupby(["measure", "arm"])["estimate"].mean().groupby("measure").quantile(random_tiers.ENDS)
    random = rows["model"] == random_tiers.NAME
    for column, end in zip(DRAWN, random_tiers.ENDS, strict=True):
        rows[column] = rows["measure"].map(ends.xs(end, level=1)).where(random)
    return rows


def _fold_rows(oof: OutOfFold, value: Any, need: Any, profit: Profit, kinds: Collection[str]) -> pd.DataFrame:
    measures = _score_measures(oof, profit, kinds) if {"area", "score"} & set(kinds) else {}
    if "tier" in kinds:
        measures |= _tier_measures(oof, profit)
    if "value" in kinds and value is not None and pd.notna(value).any():
        measures |= _value_measures(oof, np.asarray(value, dtype=float))
    if "need" in kinds and need is not None:
        measures |= _need_measures(oof, need)
    return _long(oof, measures)


def _long(oof: OutOfFold, measures: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return (m, r, k) measures as one row per measure, model, arm, repeat and fold."""
    m, r, k = len(oof.pairs), oof.repeats, oof.folds
    pair, repeat, fold = (axis.ravel() for axis in np.indices((m, r, k)))
    models, arms = np.array(oof.pairs, dtype=object).T
    one = pd.DataFrame({"model": models[pair], "arm": arms[pair], "repeat": repeat, "fold": fold})
    rows = pd.concat([one] * len(measures), ignore_index=True)
    rows.insert(0, "measure", np.repeat(list(measures), len(one)))
    return rows.assign(estimate=np.concatenate([values.ravel() for values in measures.values()]))


def criterion_table(
    oof: OutOfFold,
    folds: pd.DataFrame,
    dataset: str,
    refits: Refits | None = None,
    parsimony: Mapping[tuple[str, str], pd.DataFrame] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    others: Iterable[pd.DataFrame] = (),
) -> pd.DataFrame:
    """Summarise the criteria for one data set.

    Measures of folds: mean and corrected resampled interval (Nadeau and Bengio 2003). Measures of the whole book
    (`ordered_share`, `ece`): resampled customers.

    Args:
        oof: out-of-fold predictions.
        folds: result of `fold_measures`.
        dataset: name written into the table.
        refits: bootstrap refits for stability.
        parsimony: (model, arm) to the result of `parsimony.parsimony`.
        resamples, seed: bootstrap of customers.
        others: rows of other criteria, `measure, model, arm, estimate, ci_low, ci_high, n`: the worst attribute of
            `fairness`, `agreement_with_practitioners`, `regret`. Measures that are not among the
            definitions are left out.

    Returns:
        `purpose, measure, model, arm, dataset, estimate, ci_low, ci_high, n`.
    """
    parts = [summarise_folds(folds, oof), book_measures(oof, resamples, seed)]
    if refits is not None:
        parts.append(stability(refits))
    for (model, arm), counted in (parsimony or {}).items():
        parts.append(counted.assign(model=model, arm=arm, ci_low=np.nan, ci_high=np.nan))
    known = _definitions()["measure"]
    parts += [rows[rows["measure"].isin(known)] for rows in others if len(rows)]
    return placed(pd.concat(parts, ignore_index=True), dataset)


def placed(rows: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Add the purpose that a measure speaks of and the data set to measures; rows are ordered as in the definitions."""
    known = _definitions().reset_index()[["measure", "purpose", "index"]]
    table = rows.merge(known, on="measure", how="left", validate="many_to_one")
    if table["purpose"].isna().any():
        missing = sorted(table.loc[table["purpose"].isna(), "measure"].unique())
        raise KeyError(f"measures without a definition in criteria.csv: {', '.join(missing)}")
    table = table.assign(dataset=dataset)
    return table.sort_values("index", kind="stable")[COLUMNS].reset_index(drop=True)


def summarise_folds(folds: pd.DataFrame, oof: OutOfFold) -> pd.DataFrame:
    """Return mean and corrected resampled interval of each measure, model and arm; for random tiers that of draws."""
    n = int(oof.tested.sum()) if oof.tested.any() else int(oof.n_test.sum())
    rows = []
    for (measure, model, arm), part in folds.groupby(["measure", "model", "arm"], sort=False):
        estimate, low, high = corrected_interval(part["estimate"].to_numpy(), oof.test_train_ratio)
        if model == random_tiers.NAME and DRAWN[0] in part:
            low, high = part[list(DRAWN)].iloc[0]
        rows.append({"measure": measure, "model": model, "arm": arm, "estimate": estimate, "ci_low": low,
                     "ci_high": high, "n": n})  # fmt: skip
    return pd.DataFrame(rows)


@random_tiers.over_draws()
def book_measures(oof: OutOfFold, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return the measures of the whole book: `ordered_share, ece` with intervals, `trend_z, score_ece, tiers_inside`.

    The book is judged in each repeat and the repeats are averaged.
    """
    parts = [tier_effects(oof, resamples, seed)]
    inside = calibration.tier_calibration(oof).groupby(["model", "arm"], sort=False)["inside"].mean()
    tables = counting.tier_tables(oof).sum(axis=2)
    rows = []
    for i, (model, arm) in enumerate(oof.pairs):
        trend = [ordering.cochran_armitage(table)["statistic"].item() for table in tables[i]]
        errors = [
            calibration.expected_calibration_error(oof.y[known], oof.probability[i, r, known])
            for r, known in enumerate(oof.fold >= 0)
        ]
        found = {
            "trend_z": np.mean(trend),
            "score_ece": np.mean(errors),
            "tiers_inside": inside[(model, arm)],
        }
        rows += [
            {"measure": name, "model": model, "arm": arm, "estimate": value} for name, value in found.items()
        ]
    parts.append(pd.DataFrame(rows).assign(n=int(oof.tested.sum())))
    return pd.concat(parts, ignore_index=True)


@random_tiers.over_draws(of="auc")
def areas(oof: OutOfFold) -> pd.DataFrame:
    """Return the AUC of each model for the customers tested, with DeLong's interval: predictions over time.

    Returns:
        One row per model and arm: `auc, ci_low, ci_high, n, bad`.
    """
    rows, tested = [], oof.tested
    for (model, arm), score in zip(oof.pairs, oof.score[:, 0, tested], strict=True):
        found = delong_interval(oof.y[tested], score).iloc[0]
        bounds = found[["ci_low", "ci_high"]].to_dict()
        rows.append({"model": model, "arm": arm, "auc": found["estimate"], **bounds})
    return pd.DataFrame(rows).assign(n=int(tested.sum()), bad=int(oof.y[tested].sum()))


def _score_measures(oof: OutOfFold, profit: Profit, kinds: Collection[str]) -> dict[str, np.ndarray]:
    shape = (len(oof.pairs), oof.repeats, oof.folds)
    found = {name: np.full(shape, np.nan) for name, kind in SCORES.items() if kind in kinds}
    for i, r, k in np.ndindex(shape):
        rows = oof.fold[r] == k
        y, score = oof.y[rows], oof.score[i, r, rows]
        if "score" in kinds:
            found["brier_score"][i, r, k] = calibration.brier(y, oof.probability[i, r, rows])
        bad, good = curve(y, score)
        if not bad.sum() or not good.sum():
            continue
        if "area" in kinds:
            found["auc"][i, r, k] = auc_of_groups(bad, good)
            found["ks"][i, r, k] = ks_of_groups(bad, good)
        if "score" in kinds:
            steps = hull_of_groups(bad, good)
            found["h_measure"][i, r, k] = h_of_segments(*steps)
            found["emp"][i, r, k] = profit_of_segments(*steps, *profit)[0]
    return found | ({"gini": 2 * found["auc"] - 1} if "area" in kinds else {})


def _tier_measures(oof: OutOfFold, profit: Profit) -> dict[str, np.ndarray]:
    tables = counting.tier_tables(oof)
    bad, good = tables[..., ::-1, 1], tables[..., ::-1, 0]
    h, emp = np.full(bad.shape[:-1], np.nan), np.full(bad.shape[:-1], np.nan)
    for place in np.ndindex(h.shape):
        if bad[place].sum() and good[place].sum():
            steps = hull_of_groups(bad[place], good[place])
            h[place], emp[place] = h_of_segments(*steps), profit_of_segments(*steps, *profit)[0]
    area = auc_of_groups(bad, good)
    return {
        "tier_auc": area,
        "tier_gini": 2 * area - 1,
        "tier_ks": ks_of_groups(bad, good),
        "tier_h_measure": h,
        "tier_emp": emp,
        "trend_effect": ordering.trend_effect(tables),
        "information_value": ordering.information_value(tables),
        "brier": calibration.brier_of_tiers(tables, oof.tier_rate),
    }


def _value_measures(oof: OutOfFold, value: np.ndarray) -> dict[str, np.ndarray]:
    moments, total = _moments(oof, value), counting.tier_sums(oof, value)
    return {
        "eta_squared": separation.eta_squared(*moments),
        "concentration": separation.concentration(moments[0], total),
        "premium_value_share": separation.premium_value_share(total),
    }


@random_tiers.over_draws()
def premium_gaps(oof: OutOfFold, value: Any) -> pd.DataFrame:
    """Return `separation.premium_gap` of every fold, in the form of `fold_measures`."""
    return _long(oof, {"premium_gap": separation.premium_gap(*_moments(oof, np.asarray(value, dtype=float)))})


def _moments(oof: OutOfFold, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (m, r, k, 4) customers, sum and squares of value by tier, about the mean: large squares cost digits."""
    centred = value - np.nanmean(value)
    size = counting.tier_sums(oof, np.where(np.isnan(value), np.nan, 1.0))
    return size, counting.tier_sums(oof, centred), counting.tier_sums(oof, centred**2)


def _need_measures(oof: OutOfFold, need: Any) -> dict[str, np.ndarray]:
    tables = counting.category_tables(oof, *counting.need_codes(need))
    return {"cramers_v": separation.cramers_v(tables), "ami": separation.adjusted_mutual_information(tables)}
