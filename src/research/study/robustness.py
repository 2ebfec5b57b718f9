"""Does the verdict hold for other readings of the outcome and for later loans?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.compare import criteria, resampling, stability
from research.manage.drift import judge
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import customers, data_key
from research.study.folds import makers, out_of_fold, workers
from research.study.measured import measured
from research.study.models import not_testable
from research.study.panel import monthly_tiers, months, panel_key

PRACTISED = registry.ARMS[0]


@step(measured, "folds", "repeats", "models")
def readings(study: Study) -> pd.DataFrame:
    """Return the folds of the models as practised under every reading of the outcome; no rows where there is one only.

    Columns: those of `criteria.fold_measures`, and `outcome, known, bad`. The first reading is that of the study.
    """
    table, rows = customers(study), []
    found = pd.DataFrame() if datasets.is_path(study.dataset) else datasets.outcome_variants(study.dataset)
    names = [name for name in study.models if not not_testable(study, name)]
    need = worths.need(table)[0]
    for outcome in found.columns:
        y = found[outcome]
        if outcome == found.columns[0]:  # the study's own: these folds are there
            folds = measured(study)["folds"].query("arm == @PRACTISED and model in @names")
        else:
            made = {
                pair: maker for pair, maker in makers(study, table, names).items() if pair[1] == PRACTISED
            }
            oof = resampling.out_of_fold(made, table, y, study.folds, study.repeats, study.seed, workers())
            folds = criteria.fold_measures(oof, need=need)
        rows.append(folds.assign(outcome=outcome, known=int(y.notna().sum()), bad=int(y.sum())))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["outcome"])


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


def drift_key(study: Study) -> str:
    """Return the fingerprints of the study's data set and of the monthly panels that are here."""
    return data_key(study) + panel_key(study)


@step(measured, monthly_tiers, "bootstrap", data=drift_key)
def tier_drift(study: Study) -> dict[str, Any]:
    """Return how far tier shares moved over time: `rows` (model, arm, psi with interval, band), `periods`, `reason`.

    Loans with dates: the earlier half of the loans is the reference, so that both halves are equally sure and no month
    is chosen. A monthly panel: the first month, on which the frozen model was fitted, against the last.
    """
    made = measured(study)["criteria"]
    rows = made.loc[made["measure"] == "psi", ["model", "arm", "estimate", "ci_low", "ci_high", "n"]]
    if len(rows):
        periods = "the later half of the loans against the earlier half, out of fold"
    elif study.dataset in datasets.names() and datasets.definition(study.dataset).get("panel"):
        rows, periods = _panel_drift(study)
    else:
        return {
            "rows": pd.DataFrame(),
            "periods": "",
            "reason": "the loans have no dates and no monthly records",
        }
    bands = judge(rows["estimate"], "psi")["verdict"].to_numpy()
    return {"rows": rows.assign(band=bands), "periods": periods, "reason": ""}


def _panel_drift(study: Study) -> tuple[pd.DataFrame, str]:
    dates = months(study, study.dataset)
    ends = dates.iloc[[0, -1]]
    rows = []
    for name in study.models:
        long = monthly_tiers(study, study.dataset, name)
        wide = long.pivot(index="customer_id", columns="period", values="tier")[list(ends["period"])].dropna()
        rows.append(stability.psi_of_panel(wide.iloc[:, 0], wide.iloc[:, 1], study.bootstrap, study.seed)
                    .assign(model=name, arm=PRACTISED))  # fmt: skip
    first, last = ends["label"]
    return pd.concat(rows, ignore_index=True), f"{last} against {first}, cut points frozen in {first}"
