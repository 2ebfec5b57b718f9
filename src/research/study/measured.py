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


@step(out_of_fold, "costs")
def fold_measures(study: Study) -> pd.DataFrame:
    """Return what is measured in each fold (`criteria.fold_measures`): all that lenders are compared by."""
    table, costs = for_comparison(study), study.costs
    worth, need = worths.worth(table)[0], worths.need(table)[0]
    profit = costs.emp_roi, costs.emp_p0, costs.emp_p1
    found = criteria.fold_measures(out_of_fold(study), worth, need, profit=profit)
    return found[~found["measure"].isin(PROFITS)] if outcome(study).no_default_rate else found


@step(fold_measures, refits, "bootstrap")
def measured(study: Study) -> dict[str, Any]:
    """Return the measures of one data set: `criteria` (table), `fairness`, `calibration`."""
    table = for_comparison(study)
    oof = out_of_fold(study)
    counted = {pair: _parsimony(study, *pair) for pair in oof.pairs}
    groups = [name for name in ("age", "sex", "marital_status") if name in table]
    fair = fairness.fairness(oof, table[groups], study.bootstrap, study.seed)
    others = [fairness.worst_attribute(fair)] if len(fair) else []
    if study.dataset == datasets.SIMULATED:  # where the truth is known
        others.append(economics.regret(oof, datasets.simulation().truth, study.bootstrap, study.seed))
    rows = criteria.criterion_table(
        oof, fold_measures(study), datasets.shown(study.dataset), refits(study), counted, study.bootstrap, study.seed,
        others,
    )  # fmt: skip
    return {"criteria": rows, "fairness": fair, "calibration": tier_calibration(oof)}


def _parsimony(study: Study, name: str, arm: str) -> pd.DataFrame:
    arm = arm if registry.MODELS[name].arms_differ else registry.ARMS[0]
    fitted = model(study, name, arm)
    shares = tiers(study, name, arm).value_counts(normalize=True)
    return parsimony(fitted.inputs_, fitted.rules(), shares, fitted.n_rules_ or None)
