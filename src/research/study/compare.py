"""The comparison of the models by the protocol's criteria."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.compare import criteria, economics, fairness, inference, practitioners, resampling, stability
from research.compare import verdict as judging
from research.compare.calibration import tier_calibration
from research.compare.discrimination import delong_interval
from research.compare.parsimony import parsimony
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.judgements import read_vignettes
from research.fieldwork.intake.survey import expand
from research.fingerprint import fingerprint
from research.segment import registry
from research.steps import step
from research.study.collect import all_data_key, all_names, customers, outcome
from research.study.segment import model, not_testable, tiers
from research.study.testable import answers, why_not
from research.study.weighting import located, weights

PROFITS = ("emp", "tier_emp")  # what is lost where a loan goes bad: of no other outcome
PRACTITIONERS = 10  # the criterion that rests on vignettes


@step(model, "folds", "repeats", "models", "references")
def out_of_fold(study: Any) -> resampling.OutOfFold:
    """Return every model's predictions for customers it has not seen, in both arms."""
    table = customers(study)
    made = resampling.out_of_fold(
        _makers(study, table, [*study.models, *study.references]), table, table["default"],
        study.folds, study.repeats, study.seed, workers(),
    )  # fmt: skip
    return _both_arms(made)


@step(model, "models", "stability_refits")
def refits(study: Any) -> resampling.Refits:
    """Return the tiers of the three models after refitting them on bootstrap samples; references are left out."""
    table = customers(study)
    own = _makers(study, table, study.models)
    made = resampling.bootstrap_refits(
        own, table, table["default"], study.stability_refits, study.seed, workers()
    )
    return _both_arms(made)


@step(out_of_fold, refits, "bootstrap", "costs")
def measured(study: Any) -> dict[str, Any]:
    """Return criteria 1 to 9 of one data set: table, folds, pairwise tests, calibration, what is not testable."""
    table = customers(study)
    oof = out_of_fold(study)
    worth, worth_is = worths.worth(table)
    need, need_is = worths.need(table)
    costs = study.costs
    folds = criteria.fold_measures(oof, worth, need, profit=(costs.emp_roi, costs.emp_p0, costs.emp_p1))
    if outcome(study).no_default_rate:
        folds = folds[~folds["measure"].isin(PROFITS)]
    counted = {pair: _parsimony(study, *pair) for pair in oof.pairs}
    rows = criteria.criterion_table(
        oof, folds, datasets.shown(study.dataset), refits(study), counted, study.bootstrap, study.seed,
        others=_beyond_folds(study, table, oof),
    )  # fmt: skip
    groups = [name for name in ("age", "sex", "marital_status") if name in table]
    fair = fairness.fairness(oof, table[groups], study.bootstrap, study.seed)
    if len(fair):
        rows = pd.concat(
            [rows, criteria.numbered(fairness.worst_attribute(fair), datasets.shown(study.dataset))],
            ignore_index=True,
        )
    return {
        "criteria": rows,
        "fairness": fair,
        "folds": folds,
        "pairwise": inference.pairwise(folds, oof.test_train_ratio),
        "calibration": tier_calibration(oof),
        "worth": worth_is,
        "need": need_is,
        "not_testable": [reason for name in study.models if (reason := not_testable(study, name))],
    }


def vignettes_key(study: Any) -> str:
    """Return the fingerprint of the vignette workbooks and their keys."""
    if not study.fieldwork.vignettes:
        return ""
    books = expand(located(study.fieldwork.vignettes, "vignettes"), (".xlsx", ".xlsm"))
    return fingerprint([*books, *map(key_of, books)])


@step("fieldwork", data=vignettes_key)
def vignettes(study: Any) -> pd.DataFrame:
    """Return the tiers that experts gave to vignettes: expert, vignette, customer_id, dataset, tier, reason."""
    if not study.fieldwork.vignettes:
        return pd.DataFrame(columns=["expert", "vignette", "customer_id", "dataset", "tier", "reason"])
    return read_vignettes(located(study.fieldwork.vignettes, "vignettes"))


@step(out_of_fold, vignettes, answers, "bootstrap")
def practitioner_agreement(study: Any) -> dict[str, Any]:
    """Return criterion 10: `rows` per model and arm, the models' `tiers` (out of fold), `reason` where not testable.

    Only judgements of customers of the study's own data set count.
    """
    judged, tier_names = vignettes(study), np.array(resampling.TIERS, dtype=object)
    if reason := why_not(study, "05_comparison"):
        return {"rows": pd.DataFrame(), "tiers": {}, "judged": judged.iloc[:0], "reason": reason}
    oof = out_of_fold(study)
    here = {study.dataset, datasets.shown(study.dataset)}
    known = judged[judged["dataset"].isin(here) & judged["customer_id"].isin(oof.index[oof.tested])]
    if known.empty:
        others = ", ".join(judged["dataset"].unique())
        why = f"the customers on the vignettes belong to {others}" if others else "no vignettes were judged"
        return {"rows": pd.DataFrame(), "tiers": {}, "judged": known, "reason": f"not testable here: {why}"}
    placed = {
        pair: pd.Series(tier_names[oof.tier[i, 0]], index=oof.index)[known["customer_id"].unique()]
        for i, pair in enumerate(oof.pairs)
    }
    ratings = known.assign(vignette=known["customer_id"])
    rows = practitioners.agreement_with_practitioners(ratings, placed, study.bootstrap, study.seed)
    return {"rows": rows, "tiers": placed, "judged": known, "reason": ""}


@step(measured, practitioner_agreement)
def comparison(study: Any) -> dict[str, Any]:
    """Return all criteria of one data set: what `measured` returns, with the agreement with practitioners."""
    made, agreed = measured(study), practitioner_agreement(study)["rows"]
    if agreed.empty:
        return made
    rows = criteria.numbered(agreed, datasets.shown(study.dataset))
    return made | {"criteria": pd.concat([made["criteria"], rows], ignore_index=True)}


@step(comparison)
def verdict(study: Any, arm: str = "as practised") -> judging.Verdict:
    """Return what the criteria say about the three models: winner per criterion, ranking, caveats.

    Invented judgements are shown in the comparison, but they do not count in its verdict.
    """
    made = comparison(study)
    rows, pairs = (made[key][made[key]["arm"] == arm] for key in ("criteria", "pairwise"))
    candidates = [name for name in study.models if name in set(rows["model"])]
    bad = int(customers(study)["default"].sum())
    invented = study.fieldwork.provenance == "invented" and (rows["criterion"] == PRACTITIONERS).any()
    left_out = {PRACTITIONERS: "not counted: the judgements are invented"} if invented else {}
    named = rows.assign(dataset=datasets.title(study.dataset))
    return judging.judge(named, pairs, candidates, titles(), bad, left_out=left_out)


def titles() -> dict[str, str]:
    """Return the name to show of every model."""
    return {name: spec.title for name, spec in registry.MODELS.items()}


@step(comparison, "compare_datasets", data=all_data_key)
def verdicts(study: Any) -> pd.DataFrame:
    """Return the verdict of both arms on every data set: criteria counted, leader, whether it is clear, mean ranks."""
    rows = []
    for name in all_names(study):
        for arm in registry.ARMS:
            found = verdict(study.with_dataset(name), arm)
            ranked = found.ranking.set_index("model")["mean_rank"]
            rows.append(
                {
                    "dataset": datasets.shown(name),
                    "arm": arm,
                    "criteria": int(found.ranking["criteria"].max()),
                    "leader": titles()[found.leader],
                    "clear": found.clear,
                    **{titles()[model]: ranked.get(model, np.nan) for model in study.models},
                }
            )
    return pd.DataFrame(rows)


@step(comparison, "compare_datasets", data=all_data_key)
def comparison_everywhere(study: Any) -> pd.DataFrame:
    """Return the criterion table of every data set of the study, stacked."""
    frames = [comparison(study.with_dataset(name))["criteria"] for name in all_names(study)]
    return pd.concat(frames, ignore_index=True)


@step(comparison_everywhere, verdicts)
def ranks(study: Any) -> dict[str, Any]:
    """Return ranks over the real data sets with equal information: `auc` of all models, `verdict` of the three models.

    `verdict` ranks the models by their mean rank over criteria. Each has `table` (mean rank, critical difference),
    `tests` (Friedman, Iman–Davenport), `datasets`, `left_out`. `simulated`: the data sets that no bank stands behind.
    """
    unreal = [name for name in all_names(study) if not real(name)]
    everywhere, judged = comparison_everywhere(study), verdicts(study).query("arm == @registry.ARMS[1]")
    models = [name for name in [*study.models, *study.references] if name != "random"]
    auc = criteria.scores_by_dataset(
        everywhere[~everywhere["dataset"].isin(unreal)], "auc", registry.ARMS[1], models
    )
    means = judged[~judged["dataset"].isin(unreal)].set_index("dataset")[
        [titles()[name] for name in study.models]
    ]
    means = means.set_axis(list(study.models), axis=1)
    means.attrs["left_out"] = []
    return {"auc": _ranked(auc), "verdict": _ranked(means, higher_better=False), "simulated": unreal}


def real(name: str) -> bool:
    """Return whether a data set, by name or file, is of real customers."""
    return datasets.is_path(name) or bool(datasets.definition(name)["real"])


def _ranked(scores: pd.DataFrame, higher_better: bool = True) -> dict[str, Any]:
    made = {"table": pd.DataFrame(), "tests": pd.DataFrame(), "datasets": len(scores), **scores.attrs}
    if len(scores) < 3:
        return made
    table, _ = inference.critical_difference_diagram(scores, higher_better)
    return made | {"table": table, "tests": inference.friedman(scores, higher_better)}


@step(model, "models", "references")
def later_loans(study: Any) -> pd.DataFrame:
    """Return the AUC of models fitted on earlier loans for later ones; no rows where loans have no dates."""
    table = customers(study)
    if "loan_date" not in table or table["loan_date"].nunique() < 3:
        return pd.DataFrame(columns=["model", "arm", "auc", "ci_low", "ci_high", "n", "bad"])
    makers = _makers(study, table, [*study.models, *study.references])
    oof = resampling.out_of_time(makers, table, table["default"], table["loan_date"], n_jobs=workers())
    y, rows = oof.y[oof.tested], []
    for place, (name, arm) in enumerate(oof.pairs):
        found = delong_interval(y, oof.score[place, 0][oof.tested]).iloc[0]
        rows.append(
            {
                "model": titles()[name],
                "arm": arm,
                "auc": found["estimate"],
                "ci_low": found["ci_low"],
                "ci_high": found["ci_high"],
                "n": len(y),
                "bad": int(y.sum()),
            }
        )
    return pd.DataFrame(rows)


def workers() -> int:
    """Return how many processes a step may use: `RESEARCH_JOBS`, else all processors. Results do not depend on it."""
    return int(os.environ.get("RESEARCH_JOBS", 0)) or os.cpu_count() or 1


def _makers(study: Any, table: pd.DataFrame, names: list[str]) -> dict[tuple[str, str], Any]:
    """Return (model, arm) → maker; a model that is the same in both arms is made once."""
    shares, given = study.tier_shares.model_dump(), weights(study)
    return {
        (name, arm): partial(registry.make, name, arm, seed=study.seed, shares=shares, weights=given)
        for name in names
        for arm in registry.ARMS
        if (arm == registry.ARMS[0] or registry.MODELS[name].arms_differ)
        and not registry.not_testable(name, table.columns, arm)
    }


def _beyond_folds(study: Any, table: pd.DataFrame, oof: resampling.OutOfFold) -> list[pd.DataFrame]:
    """Return criterion 6 over time where loans have dates, and the regret of criterion 7 where the truth is known."""
    found = []
    if "loan_date" in table:
        found.append(stability.psi_over_time(oof, table["loan_date"], study.bootstrap, study.seed))
    if study.dataset == datasets.SIMULATED:
        found.append(economics.regret(oof, datasets.simulation().truth, study.bootstrap, study.seed))
    return found


def _both_arms(made: Any) -> Any:
    """List a model that is the same in both arms under both."""
    same = [i for i, (name, _) in enumerate(made.pairs) if not registry.MODELS[name].arms_differ]
    pairs = (*made.pairs, *((made.pairs[i][0], registry.ARMS[1]) for i in same))
    return picked(made, [*range(len(made.pairs)), *same], pairs)


def picked(made: Any, order: list[int], pairs: tuple[resampling.Pair, ...]) -> Any:
    """Return predictions or refits with the entries of the first axis in this order, under these names."""
    fields = ("score", "probability", "value", "tier", "tier_rate")
    return replace(
        made, pairs=pairs, **{name: getattr(made, name)[order] for name in fields if hasattr(made, name)}
    )


def _parsimony(study: Any, name: str, arm: str) -> pd.DataFrame:
    arm = arm if registry.MODELS[name].arms_differ else registry.ARMS[0]
    fitted = model(study, name, arm)
    shares = tiers(study, name, arm).value_counts(normalize=True)
    return parsimony(fitted.inputs_, fitted.rules(), shares, fitted.n_rules_ or None)
