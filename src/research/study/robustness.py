"""Does the verdict hold for other readings of the outcome and for later loans?"""

from __future__ import annotations

import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.compare import criteria, resampling
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import for_comparison, sampled
from research.study.folds import makers, out_of_fold, workers
from research.study.measured import fold_measures
from research.study.models import model, not_testable

PRACTISED = registry.ARMS[0]


@step(model, sampled, "folds", "repeats", "models")
def other_readings(study: Study) -> dict[str, pd.DataFrame]:
    """Return the folds (`criteria.fold_measures`) of the models as practised under each reading but the study's own."""
    table, found = for_comparison(study), _readings(study)
    names = [name for name in study.models if not not_testable(study, name)]
    made = {pair: maker for pair, maker in makers(study, table, names).items() if pair[1] == PRACTISED}
    need, folds = worths.need(table)[0], {}
    for outcome in found.columns[1:]:
        oof = resampling.out_of_fold(
            made, table, found[outcome], study.folds, study.repeats, study.seed, workers()
        )
        folds[outcome] = criteria.fold_measures(oof, need=need, kinds=("area", "need"))
    return folds


@step(fold_measures, other_readings)
def readings(study: Study) -> pd.DataFrame:
    """Return the folds of the models as practised under every reading of the outcome; no rows where there is one only.

    Columns: those of `criteria.fold_measures`, and `outcome, known, bad`. The first reading is that of the study.
    """
    found, others = _readings(study), other_readings(study)
    names = [name for name in study.models if not not_testable(study, name)]
    own = fold_measures(study)
    own = own[(own["arm"] == PRACTISED) & own["model"].isin(names)]
    rows = [
        others.get(name, own).assign(outcome=name, known=int(y.notna().sum()), bad=int(y.sum()))
        for name, y in found.items()
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["outcome"])


def _readings(study: Study) -> pd.DataFrame:
    return pd.DataFrame() if datasets.is_path(study.dataset) else datasets.outcome_variants(study.dataset)


@step(readings, out_of_fold)
def outcome_sensitivity(study: Study) -> pd.DataFrame:
    """Return the AUC of the models as practised under every reading of the outcome; no rows where there is one only.

    Columns: outcome, model, known, bad, estimate, ci_low, ci_high, n. The first reading is that of the study.
    """
    columns = ["outcome", "model", "known", "bad", "estimate", "ci_low", "ci_high", "n"]
    rows = [
        criteria.summarise_folds(part[part["measure"] == "auc"], out_of_fold(study)).assign(
            outcome=outcome, known=part["known"].iloc[0], bad=part["bad"].iloc[0], n=part["known"].iloc[0]
        )
        for outcome, part in readings(study).groupby("outcome", sort=False)
    ]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)
