"""Every measure of every purpose on one data set."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.compare import criteria, economics, fairness
from research.compare.calibration import tier_calibration
from research.compare.parsimony import parsimony
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import for_comparison, outcome
from research.study.folds import out_of_fold, refits
from research.study.models import model, tiers

PROFITS = ("emp", "tier_emp")  # what is lost where a loan goes bad: of no other outcome


@step(out_of_fold, refits, "bootstrap", "costs")
def measured(study: Study) -> dict[str, Any]:
    """Return the measures of one data set: `criteria` (table), `fairness`, `folds`, `calibration`."""
    table = for_comparison(study)
    oof = out_of_fold(study)
    worth, need = worths.worth(table)[0], worths.need(table)[0]
    costs = study.costs
    folds = criteria.fold_measures(oof, worth, need, profit=(costs.emp_roi, costs.emp_p0, costs.emp_p1))
    if outcome(study).no_default_rate:
        folds = folds[~folds["measure"].isin(PROFITS)]
    counted = {pair: _parsimony(study, *pair) for pair in oof.pairs}
    groups = [name for name in ("age", "sex", "marital_status") if name in table]
    fair = fairness.fairness(oof, table[groups], study.bootstrap, study.seed)
    others = [fairness.worst_attribute(fair)] if len(fair) else []
    if study.dataset == datasets.SIMULATED:  # where the truth is known
        others.append(economics.regret(oof, datasets.simulation().truth, study.bootstrap, study.seed))
    rows = criteria.criterion_table(
        oof, folds, datasets.shown(study.dataset), refits(study), counted, study.bootstrap, study.seed, others
    )
    return {"criteria": rows, "fairness": fair, "folds": folds, "calibration": tier_calibration(oof)}


def _parsimony(study: Study, name: str, arm: str) -> pd.DataFrame:
    arm = arm if registry.MODELS[name].arms_differ else registry.ARMS[0]
    fitted = model(study, name, arm)
    shares = tiers(study, name, arm).value_counts(normalize=True)
    return parsimony(fitted.inputs_, fitted.rules(), shares, fitted.n_rules_ or None)
