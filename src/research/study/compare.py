"""The comparison of the models by the protocol's criteria, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.compare import criteria, inference, resampling
from research.compare import verdict as judging
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import all_data_key, all_names, customers
from research.study.folds import makers, workers
from research.study.judgements import practitioner_agreement
from research.study.measured import measured
from research.study.models import model

PRACTITIONERS = 10  # the criterion that rests on vignettes


@step(measured, practitioner_agreement)
def comparison(study: Study) -> dict[str, Any]:
    """Return all criteria of one data set: what `measured` returns, with the agreement with practitioners."""
    made, agreed = measured(study), practitioner_agreement(study)["rows"]
    if agreed.empty:
        return made
    rows = criteria.numbered(agreed, datasets.shown(study.dataset))
    return made | {"criteria": pd.concat([made["criteria"], rows], ignore_index=True)}


@step(comparison)
def verdict(study: Study, arm: str = "as practised") -> judging.Verdict:
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
def verdicts(study: Study) -> pd.DataFrame:
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
def comparison_everywhere(study: Study) -> pd.DataFrame:
    """Return the criterion table of every data set of the study, stacked."""
    frames = [comparison(study.with_dataset(name))["criteria"] for name in all_names(study)]
    return pd.concat(frames, ignore_index=True)


@step(comparison_everywhere, verdicts)
def ranks(study: Study) -> dict[str, Any]:
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
def later_loans(study: Study) -> pd.DataFrame:
    """Return the AUC of models fitted on earlier loans for later ones; no rows where loans have no dates."""
    table = customers(study)
    if "loan_date" not in table or table["loan_date"].nunique() < 3:
        return pd.DataFrame(columns=["model", "arm", "auc", "ci_low", "ci_high", "n", "bad"])
    made = makers(study, table, [*study.models, *study.references])
    oof = resampling.out_of_time(made, table, table["default"], table["loan_date"], n_jobs=workers())
    return criteria.areas(oof).assign(model=lambda rows: rows["model"].map(titles()))
