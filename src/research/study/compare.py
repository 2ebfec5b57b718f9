"""The comparison of the models by the protocol's criteria, and what it says."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import datasets
from research.compare import criteria, resampling
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import for_comparison, sampled
from research.study.folds import makers
from research.study.judgements import practitioner_agreement
from research.study.measured import measured
from research.study.models import model


@step(measured, practitioner_agreement)
def comparison(study: Study) -> dict[str, Any]:
    """Return all criteria of one data set: what `measured` returns, with the agreement with practitioners."""
    made, agreed = measured(study), practitioner_agreement(study)["rows"]
    if agreed.empty:
        return made
    rows = criteria.placed(agreed, datasets.shown(study.dataset))
    return made | {"criteria": pd.concat([made["criteria"], rows], ignore_index=True)}


@step(model, sampled, "models", "references")
def later_loans(study: Study) -> pd.DataFrame:
    """Return the AUC of models fitted on earlier loans for later ones; no rows where loans have no dates."""
    table = for_comparison(study)
    if "loan_date" not in table or table["loan_date"].nunique() < 3:
        return pd.DataFrame(columns=["model", "arm", "auc", "ci_low", "ci_high", "n", "bad"])
    made = makers(study, table, [*study.models, *study.references])
    oof = resampling.out_of_time(made, table, table["default"], table["loan_date"])
    return criteria.areas(oof).assign(
        model=lambda rows: [registry.MODELS[name].title for name in rows["model"]]
    )
