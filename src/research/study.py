"""The study's table of contents: every step, what it needs and what it returns.

A notebook calls these steps and shows what they return; nothing is computed twice (see `steps`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from research.collect import classification as classes
from research.collect import constructs as canon
from research.collect import datasets
from research.collect import quality as checks
from research.explain import association, design, missing, pricing, risk
from research.steps import step

CARD = (
    "title",
    "period",
    "currency",
    "sampling",
    "outcome",
    "censoring",
    "money_window",
    "limits",
    "licence",
    "citation",
)
LENDERS_PRICE = (
    "interest_rate",
    "instalment",
)  # follow from the grade; an outcome of the lender's own assessment


def data_key(study: Any) -> str:
    """Return the fingerprint of the study's data set."""
    return datasets.data_fingerprint(study.dataset, study.crosswalk or None)


def all_data_key(study: Any) -> str:
    """Return the fingerprints of all data sets in the comparison."""
    return "".join(datasets.data_fingerprint(name) for name in study.compare_datasets)


# P1: data -------------------------------------------------------------------------------------------------------


@step("dataset", "crosswalk", data=data_key)
def customers(study: Any) -> pd.DataFrame:
    """Return the canonical customer table: one row per customer, one column per measured construct."""
    return datasets.load(study.dataset, study.crosswalk or None)


@step(customers)
def about(study: Any) -> dict[str, Any]:
    """Return what is known of the data set: title, outcome, censoring, rows, outcome rate, card, banner."""
    table = customers(study)
    outcome = table.get("default", pd.Series(dtype=float))
    stated = {} if datasets.is_path(study.dataset) else datasets.definition(study.dataset)
    facts = {
        "dataset": study.dataset,
        "title": stated.get("title", f"Own loan book ({Path(study.dataset).name})"),
        "outcome": stated.get("outcome", "bad as recorded in the loan book"),
        "censoring": stated.get("censoring", "not stated"),
        "rows": len(table),
        "known": int(outcome.notna().sum()),
        "bad": int(outcome.sum()),
        "outcome_rate": float(outcome.mean()),
        "currency": stated.get("currency", "as in the loan book"),
    }
    kind = "real" if stated.get("real", True) else "simulated"
    words = "Simulated data: no bank, no person." if kind == "simulated" else f"Real data: {facts['title']}."
    texts = {
        key: "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in stated.items()
    }
    kept = [key for key in CARD if key in texts]
    return facts | {
        "banner": (kind, words),
        "card": pd.DataFrame(
            {"item": [key.replace("_", " ") for key in kept], "text": [texts[key] for key in kept]}
        ),
    }


@step("dataset", "compare_datasets", data=all_data_key)
def data_sets(study: Any) -> pd.DataFrame:
    """Return one row per data set of the study."""
    return datasets.describe(_all_names(study))


@step("dataset", "compare_datasets", data=all_data_key)
def coverage(study: Any) -> pd.DataFrame:
    """Return construct × data set: direct, proxy or absent, with source and reason."""
    return datasets.coverage(_all_names(study))


@step(customers)
def quality(study: Any) -> dict[str, pd.DataFrame]:
    """Return the quality checks: summary, missing, impossible, distributions, levels, leakage."""
    table = customers(study)
    made = datasets.harmonise(study.dataset, study.crosswalk or None)
    raw = datasets.load_raw(study.dataset)
    walk = datasets.crosswalk_of(study.dataset, study.crosswalk or None)
    return {
        "summary": checks.report(raw, walk, table, made.unmapped),
        "missing": checks.missing(table),
        "impossible": checks.impossible(table),
        "distributions": checks.distributions(table),
        "levels": checks.levels(table),
        "leakage": datasets.leakage(study.dataset),
    }


@step(customers)
def classification(study: Any) -> pd.DataFrame:
    """Return each customer's classes under the thirteen standards K1 to K13."""
    given = None if datasets.is_path(study.dataset) else datasets.classification_parameters(study.dataset)
    return classes.classify(customers(study), parameters=given)


@step(classification)
def classification_summary(study: Any) -> pd.DataFrame:
    """Return counts, amounts and outcome rates of every class of every standard."""
    return classes.summary(classification(study), customers(study))


@step(classification)
def classification_tests(study: Any) -> pd.DataFrame:
    """Return the association of each standard with the outcome."""
    names = classes.standards().drop_duplicates("standard").set_index("standard")["name"]
    return association.tests(classification(study), customers(study)["default"], names)


# R1: quantitative ------------------------------------------------------------------------------------------------


@step(customers)
def regression_design(study: Any) -> design.Design:
    """Return the regression design without rate and instalment, which the lender set after its own assessment."""
    return design.build(customers(study), canon.constructs(), leave_out=LENDERS_PRICE)


@step(regression_design, "folds", "seed")
def regression(study: Any) -> dict[str, pd.DataFrame]:
    """Return the logit of the outcome: coefficients, fit, blocks, collinearity, nonlinearity, calibration."""
    made = regression_design(study)
    model = risk.fit(made)
    deciles, summary = risk.calibration(made, study.folds, study.seed)
    return {
        "coefficients": risk.coefficients(model),
        "fit": risk.fit_quality(model),
        "blocks": risk.block_tests(model),
        "collinearity": risk.collinearity(made),
        "nonlinearity": risk.nonlinearity(model),
        "deciles": deciles,
        "calibration": summary,
        "dropped": made.dropped,
        "missing": missing.sensitivity(made, customers(study), study.seed),
    }


@step(regression_design)
def rate_drivers(study: Any) -> dict[str, pd.DataFrame]:
    """Return what drives the rate charged, with and without the lender's own grade; empty without a rate."""
    table = customers(study)
    if "interest_rate" not in table:
        return {}
    blind = design.build(table, canon.constructs(), leave_out=(*LENDERS_PRICE, "credit_grade"))
    seeing = regression_design(study)
    return {
        "coefficients": pricing.fit(seeing, table["interest_rate"]),
        "explained": pricing.explained(seeing, table["interest_rate"]),
        "coefficients_without_grade": pricing.fit(blind, table["interest_rate"]),
        "explained_without_grade": pricing.explained(blind, table["interest_rate"]),
    }


def _all_names(study: Any) -> list[str]:
    return list(dict.fromkeys([study.dataset, *study.compare_datasets]))
