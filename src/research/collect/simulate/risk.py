"""The risk of a customer: the index, the monthly chances it leads to, and the exact PD over the outcome window.

A customer is calm or in distress (hidden) and 0, 1 or 2 months past due (seen). Each month, in this order: distress
begins or ends; a complaint may come; the customer falls one month behind, stays, or pays all arrears; a current
customer may leave. Three months past due is default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

CALM, DISTRESS = 0, 1


def risk_terms(customers: pd.DataFrame) -> pd.DataFrame:
    """The terms of the risk index, one column each, from measured constructs (missing: the term is 0).

    credit_score: (score − 650) / 60; debt_to_income: min(DTI, 2) − 0.4; credit_utilisation: utilisation − 0.4;
    past_delinquencies: min(count, 5); deposit_cover: log(1 + deposits / monthly income) − 1.4; the others are 0/1.
    """
    cover = customers["deposit_balance"] / (customers["income"] / 12)
    terms = {
        "credit_score": (customers["credit_score"] - 650) / 60,
        "debt_to_income": customers["debt_to_income"].clip(upper=2) - 0.4,
        "credit_utilisation": customers["credit_utilisation"] - 0.4,
        "past_delinquencies": customers["past_delinquencies"].clip(upper=5),
        "deposit_cover": np.log1p(cover) - 1.4,
        "short_employment": customers["employment_years"] < 2,
        "unsecured": customers["guarantee_type"].isin(["none", "guarantor"]),
        "high_loan_to_value": customers["loan_to_value"] > 0.8,
        "real_estate": customers["industry"] == "real estate",
        "state_owned": customers["customer_type"] == "state-owned",
    }
    return pd.DataFrame(
        {name: np.asarray(term, dtype=float) for name, term in terms.items()}, index=customers.index
    )


def risk_index(customers: pd.DataFrame, weights: dict[str, float]) -> np.ndarray:
    """Σ weight · term (log-odds), without intercept and frailty."""
    terms = risk_terms(customers)
    return terms[list(weights)].to_numpy() @ np.array(list(weights.values()), dtype=float)


@dataclass(frozen=True)
class Chances:
    """Monthly chances of every customer (arrays of n) and the roll and cure rates by [distress, months past due]."""

    onset: np.ndarray  # log-odds of distress beginning, without the shock
    sensitivity: np.ndarray  # multiple of the shock
    recovery: float
    worsen: np.ndarray  # (2, 3)
    cure: np.ndarray  # (2, 3)
    complaint: np.ndarray  # log-odds of a customer who is calm and current
    complaint_distress: float
    complaint_arrears: float
    churn: np.ndarray  # log-odds without a complaint
    churn_complaint: float
    renewal: float
    term: np.ndarray  # months


def chances(customers: pd.DataFrame, factors: pd.DataFrame, given: dict[str, dict[str, Any]]) -> Chances:
    """The monthly chances that follow from the customers' constructs, the hidden factors and the parameters."""
    risk, conduct, shock = given["risk"], given["conduct"], given["shock"]
    index = risk_index(customers, risk["index"])
    gap, engagement = factors["service_gap"].to_numpy(), factors["engagement"].to_numpy()
    complaint, churn = conduct["complaint"], conduct["churn"]
    products = customers["products_held"].to_numpy()
    industry = customers["industry"].astype(object).map(shock["industry"]).to_numpy(dtype=float)
    return Chances(
        onset=risk["intercept"] + index + factors["frailty"].to_numpy(),
        sensitivity=shock["onset"] * industry,
        recovery=risk["recovery"],
        worsen=np.array([risk["worsen"]["calm"], risk["worsen"]["distress"]]),
        cure=np.array([risk["cure"]["calm"], risk["cure"]["distress"]]),
        complaint=complaint[0] + complaint[1] * gap,
        complaint_distress=complaint[2],
        complaint_arrears=complaint[3],
        churn=churn[0] + churn[1] * gap + churn[2] * engagement + churn[3] * (products - 2),
        churn_complaint=churn[4],
        renewal=conduct["renewal"],
        term=customers["term_months"].to_numpy(),
    )


def outcome_probabilities(given: Chances, stress: np.ndarray, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact probabilities of default and of leaving within `months` months of the loan.

    Args:
        stress: (months, n) or (months, 1) macro shock in each month after the loan.

    Returns:
        (n,) default, (n,) churn. The forward equation of the Markov chain on {calm, distress} × {0, 1, 2 months past
        due} with default and leaving as absorbing states; no simulation is involved.
    """
    n = len(given.onset)
    here = np.zeros((2, 3, n))
    here[CALM, 0] = 1.0
    default, left = np.zeros(n), np.zeros(n)
    leave = np.empty((2, 2, n))  # [distress, arrears at the start of the month]
    for hidden in (CALM, DISTRESS):
        for arrears in (0, 1):
            p = expit(given.complaint + given.complaint_distress * hidden + given.complaint_arrears * arrears)
            after_complaint, otherwise = expit(given.churn + given.churn_complaint), expit(given.churn)
            leave[hidden, arrears] = p * after_complaint + (1 - p) * otherwise
    for month in range(months):
        onset = expit(given.onset + given.sensitivity * stress[month])
        begins, ends = here[CALM] * onset, here[DISTRESS] * given.recovery
        here = np.stack([here[CALM] - begins + ends, here[DISTRESS] + begins - ends])
        after = np.zeros_like(here)
        for hidden in (CALM, DISTRESS):
            w, c = given.worsen[hidden], given.cure[hidden]
            stay = 1 - w - c
            current = here[hidden, 0] * (1 - w[0])
            cured = here[hidden, 1] * c[1] + here[hidden, 2] * c[2]
            gone = current * leave[hidden, 0] + cured * leave[hidden, 1]
            after[hidden, 0] = current + cured - gone
            after[hidden, 1] = here[hidden, 0] * w[0] + here[hidden, 1] * stay[1]
            after[hidden, 2] = here[hidden, 1] * w[1] + here[hidden, 2] * stay[2]
            default += here[hidden, 2] * w[2]
            left += gone
        matures = given.term == month + 1
        unrenewed = np.where(matures, (after[:, 0].sum(axis=0)) * (1 - given.renewal), 0.0)
        left += unrenewed
        after[:, 0] *= np.where(matures, given.renewal, 1.0)
        here = after
    return default, left
