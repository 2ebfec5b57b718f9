"""The comparison of the models by the protocol's criteria."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from research.collect import worth as worths
from research.compare import criteria, fairness, inference, resampling
from research.compare import verdict as judging
from research.compare.calibration import tier_calibration
from research.compare.parsimony import parsimony
from research.segment import registry
from research.steps import step
from research.study.collect import all_data_key, all_names, customers
from research.study.segment import model, not_testable, tiers


@step(model, "folds", "repeats", "models", "references")
def out_of_fold(study: Any) -> resampling.OutOfFold:
    """Return every model's predictions for customers it has not seen, in both arms."""
    table = customers(study)
    made = resampling.out_of_fold(
        _makers(study, table), table, table["default"], study.folds, study.repeats, study.seed, workers()
    )
    return _both_arms(made)


@step(model, "models", "stability_refits")
def refits(study: Any) -> resampling.Refits:
    """Return the tiers of the three models after refitting them on bootstrap samples; references are left out."""
    table = customers(study)
    own = {pair: maker for pair, maker in _makers(study, table).items() if pair[0] in study.models}
    made = resampling.bootstrap_refits(
        own, table, table["default"], study.stability_refits, study.seed, workers()
    )
    return _both_arms(made)


@step(out_of_fold, refits, "bootstrap", "costs")
def comparison(study: Any) -> dict[str, Any]:
    """Return the criteria of one data set: table, folds, pairwise tests, calibration of tiers, what is not testable."""
    table = customers(study)
    oof = out_of_fold(study)
    worth, worth_is = worths.worth(table)
    need, need_is = worths.need(table)
    costs = study.costs
    folds = criteria.fold_measures(oof, worth, need, profit=(costs.emp_roi, costs.emp_p0, costs.emp_p1))
    counted = {pair: _parsimony(study, *pair) for pair in oof.pairs}
    rows = criteria.criterion_table(
        oof, folds, study.dataset, refits(study), counted, resamples=study.bootstrap, seed=study.seed
    )
    groups = [name for name in ("age", "sex", "marital_status") if name in table]
    fair = fairness.fairness(oof, table[groups], study.bootstrap, study.seed)
    if len(fair):
        rows = pd.concat(
            [rows, criteria.numbered(fairness.worst_attribute(fair), study.dataset)], ignore_index=True
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


@step(comparison)
def verdict(study: Any, arm: str = "as practised") -> judging.Verdict:
    """Return what the criteria say about the three models: winner per criterion, ranking, caveats."""
    made = comparison(study)
    rows, pairs = (made[key][made[key]["arm"] == arm] for key in ("criteria", "pairwise"))
    candidates = [name for name in study.models if name in set(rows["model"])]
    bad = int(customers(study)["default"].sum())
    return judging.judge(rows, pairs, candidates, titles(), bad)


def titles() -> dict[str, str]:
    """Return the name to show of every model."""
    return {name: spec.title for name, spec in registry.MODELS.items()}


@step(comparison, "compare_datasets", data=all_data_key)
def verdicts(study: Any) -> pd.DataFrame:
    """Return the verdict of both arms on every data set: leader, whether it is clear, the statement."""
    rows = []
    for name in all_names(study):
        for arm in registry.ARMS:
            found = verdict(study.with_dataset(name), arm)
            rows.append(
                {
                    "dataset": name,
                    "arm": arm,
                    "leader": titles()[found.leader],
                    "clear": found.clear,
                    "statement": found.statement,
                }
            )
    return pd.DataFrame(rows)


@step(comparison, "compare_datasets", data=all_data_key)
def comparison_everywhere(study: Any) -> pd.DataFrame:
    """Return the criterion table of every data set of the study, stacked."""
    frames = [comparison(study.with_dataset(name))["criteria"] for name in all_names(study)]
    return pd.concat(frames, ignore_index=True)


def workers() -> int:
    """Return how many processes a step may use: `RESEARCH_JOBS`, else all processors. Results do not depend on it."""
    return int(os.environ.get("RESEARCH_JOBS", 0)) or os.cpu_count() or 1


def _makers(study: Any, table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """Return (model, arm) → maker; a model that is the same in both arms is made once."""
    shares = study.tier_shares.model_dump()
    return {
        (name, arm): partial(registry.make, name, arm, seed=study.seed, shares=shares)
        for name in [*study.models, *study.references]
        for arm in registry.ARMS
        if (arm == registry.ARMS[0] or registry.MODELS[name].arms_differ)
        and not registry.not_testable(name, table.columns, arm)
    }


def _both_arms(made: Any) -> Any:
    """List a model that is the same in both arms under both."""
    same = [i for i, (name, _) in enumerate(made.pairs) if not registry.MODELS[name].arms_differ]
    order = [*range(len(made.pairs)), *same]
    pairs = (*made.pairs, *((made.pairs[i][0], registry.ARMS[1]) for i in same))
    fields = ("score", "probability", "value", "tier", "tier_rate")
    return replace(
        made, pairs=pairs, **{name: getattr(made, name)[order] for name in fields if hasattr(made, name)}
    )


def _parsimony(study: Any, name: str, arm: str) -> pd.DataFrame:
    arm = arm if registry.MODELS[name].arms_differ else registry.ARMS[0]
    fitted = model(study, name, arm)
    shares = tiers(study, name, arm).value_counts(normalize=True)
    return parsimony(fitted.inputs_, fitted.rules(), shares, fitted.n_rules_ or None)
