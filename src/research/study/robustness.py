"""Does the verdict hold for other readings of the outcome and for later loans?"""

from __future__ import annotations

from functools import partial

import pandas as pd

from research.collect import datasets
from research.compare import criteria, resampling
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import customers
from research.study.folds import workers
from research.study.measured import measured
from research.study.models import not_testable
from research.study.weighting import weights

PRACTISED = registry.ARMS[0]


@step(measured)
def outcome_sensitivity(study: Study) -> pd.DataFrame:
    """Return the AUC of the models as practised under every reading of the outcome; no rows where there is one only.

    Columns: outcome, model, known, bad, estimate, ci_low, ci_high, n. The first reading is that of the study.
    """
    columns = ["outcome", "model", "known", "bad", "estimate", "ci_low", "ci_high", "n"]
    table, rows = customers(study), []
    found = pd.DataFrame() if datasets.is_path(study.dataset) else datasets.outcome_variants(study.dataset)
    names = [name for name in study.models if not not_testable(study, name)]
    for outcome in found.columns:
        y, shares = found[outcome], study.tier_shares.model_dump()
        makers = {
            (name, PRACTISED): partial(
                registry.make, name, seed=study.seed, shares=shares, weights=weights(study)
            )
            for name in names
        }
        oof = resampling.out_of_fold(makers, table, y, study.folds, study.repeats, study.seed, workers())
        auc = criteria.fold_measures(oof).query("measure == 'auc'")
        made = criteria.summarise_folds(auc, oof).assign(
            outcome=outcome, known=int(y.notna().sum()), bad=int(y.sum())
        )
        rows.append(made)
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)
