"""R1: what drives the outcome and the rate."""

from __future__ import annotations

import pandas as pd

from research.collect import constructs as canon
from research.errors import UserError
from research.explain import design, missing, pricing, risk
from research.parameters import Study
from research.steps import step
from research.study.customers import customers

LENDERS_PRICE = (
    "interest_rate",
    "instalment",
)  # follow from the grade; an outcome of the lender's own assessment


@step(customers)
def regression_design(study: Study) -> design.Design:
    """Return the regression design without rate and instalment, which the lender set after its own assessment."""
    return design.build(customers(study), canon.constructs(), leave_out=LENDERS_PRICE)


@step(regression_design)
def no_regression(study: Study) -> str:
    """Return why the logit of the outcome cannot be fitted, or nothing when it can."""
    try:
        risk.fit(regression_design(study))
    except UserError as error:
        return str(error)
    return ""


@step(regression_design, "folds", "seed")
def regression(study: Study) -> dict[str, pd.DataFrame]:
    """Return the logit of the outcome: coefficients, fit, blocks, collinearity, nonlinearity, calibration."""
    made = regression_design(study)
    model = risk.fit(made)
    unseen = risk.out_of_fold(
        customers(study), canon.constructs(), study.folds, study.seed, leave_out=LENDERS_PRICE
    )
    deciles, summary = risk.calibration(*unseen)
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
def rate_drivers(study: Study) -> dict[str, pd.DataFrame]:
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
