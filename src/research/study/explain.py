"""R1: what drives the outcome and the rate."""

from __future__ import annotations

import pandas as pd

from research.collect import constructs as canon
from research.errors import UserError
from research.explain import design, missing, pricing, risk
from research.parameters import Study
from research.steps import step
from research.study.customers import for_comparison, sampled

LENDERS_PRICE = (
    "interest_rate",
    "instalment",
)  # follow from the grade; an outcome of the lender's own assessment
GRADE = "credit_grade"


@step(sampled)
def regression_design(study: Study) -> design.Design:
    """Return the regression design without rate and instalment, which the lender set after its own assessment."""
    return design.build(for_comparison(study), canon.constructs(), leave_out=LENDERS_PRICE)


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
    """Return the logit of the outcome: coefficients, fit, blocks, nonlinearity, calibration, missing values."""
    made = regression_design(study)
    model = risk.fit(made)
    unseen = risk.out_of_fold(
        for_comparison(study), canon.constructs(), study.folds, study.seed, leave_out=LENDERS_PRICE
    )
    deciles, slope = risk.calibration(*unseen)
    return {
        "coefficients": risk.coefficients(model),
        "fit": risk.fit_quality(model),
        "blocks": risk.block_tests(model),
        "nonlinearity": risk.nonlinearity(model),
        "deciles": deciles,
        "calibration": slope,
        "missing": missing.sensitivity(made, for_comparison(study), study.seed),
    }


@step(regression_design)
def rate_drivers(study: Study) -> dict[str, pd.DataFrame]:
    """Return what drives the rate charged; empty where too few rates, or nothing besides the grade, are known.

    Returns:
        `terms`: the coefficients without the lender's own grade; `explained`: one row, the share of the variance with
        the grade (`r2`) and without it (`r2_blind`), `graded` telling whether there is one.
    """
    table = for_comparison(study)
    if "interest_rate" not in table:
        return {}
    seeing, rate = regression_design(study), table["interest_rate"]
    blind = seeing.without(seeing.terms.loc[seeing.terms["construct"] == GRADE, "term"].tolist())
    if not 0 < len(blind.terms) < rate[seeing.matrix.index].notna().sum() - 1:
        return {}
    whole, unaided = pricing.explained(seeing, rate), pricing.explained(blind, rate)
    graded = len(blind.terms) < len(seeing.terms)
    explained = pd.DataFrame({"r2": [whole], "r2_blind": unaided, "graded": graded})
    return {"terms": pricing.fit(blind, rate), "explained": explained}
