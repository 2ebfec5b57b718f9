"""The truth of the simulated bank: what a model is judged by and may never read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from research.collect.simulate.draws import linear
from research.collect.simulate.risk import Chances, outcome_probabilities, risk_index


def lgd(rng: np.random.Generator, customers: pd.DataFrame, given: dict[str, Any]) -> np.ndarray:
    """Loss given default of each loan (share), drawn from a beta distribution around `mean_lgd`."""
    mean, precision = mean_lgd(customers, given), given["lgd_noise"]
    return rng.beta(mean * precision, (1 - mean) * precision)


def mean_lgd(customers: pd.DataFrame, given: dict[str, Any]) -> np.ndarray:
    """min(unsecured, max(floor, 1 − haircut · collateral / amount)); no collateral: the unsecured LGD (share)."""
    cover = (customers["collateral_value"] / customers["loan_amount"]).fillna(0).to_numpy()
    return np.clip(1 - given["haircut"] * cover, given["lgd_floor"], given["lgd_unsecured"])


def truth(
    customers: pd.DataFrame, factors: pd.DataFrame, wanted: tuple[pd.Series, pd.Series], chance: Chances,
    origin: np.ndarray, stress: np.ndarray, lgd: np.ndarray, first_distress: np.ndarray,
    given: dict[str, dict[str, Any]],
) -> pd.DataFrame:  # fmt: skip
    """One row per customer, index customer_id.

    Columns: true_pd and true_churn (exact, over the outcome window, without the shock), true_pd_realised and
    true_churn_realised (exact, under the shock as it came), true_lgd (mean), true_value (yuan: expected net income of
    the window of a customer who stays and pays, before losses), true_value_after_risk (less true_pd · LGD · amount),
    true_need, true_need_intensity, true_potential (chance of buying another product in the window), origin (period),
    first_distress (period, −1 never), realised_lgd, risk_index, and the latent factors.
    """
    months = given["calendar"]["window"]
    calm = np.zeros((months, 1))
    when = origin + 1 + np.arange(months)[:, None]
    pd_calm, churn_calm = outcome_probabilities(chance, calm, months)
    pd_real, churn_real = outcome_probabilities(chance, stress[when], months)
    value = expected_income(customers, factors, given)
    mean = mean_lgd(customers, given["risk"])
    growth = factors["growth"].to_numpy()
    frame = pd.DataFrame(
        {
            "true_pd": pd_calm,
            "true_pd_realised": pd_real,
            "true_churn": churn_calm,
            "true_churn_realised": churn_real,
            "true_lgd": mean,
            "true_value": value,
            "true_value_after_risk": value - pd_calm * mean * customers["loan_amount"].to_numpy(),
            "true_potential": 1 - (1 - expit(linear(given["conduct"]["product_uptake"], growth))) ** months,
            "origin": origin,
            "first_distress": first_distress,
            "realised_lgd": lgd,
            "risk_index": risk_index(customers, given["risk"]["index"]),
        },
        index=customers.index,
    )
    frame["true_need"], frame["true_need_intensity"] = pd.Categorical(wanted[0]), wanted[1].to_numpy()
    return frame.join(factors.set_axis(frame.index))


def expected_income(
    customers: pd.DataFrame, factors: pd.DataFrame, given: dict[str, dict[str, Any]]
) -> np.ndarray:
    """Net income of the window (yuan) of a customer who stays, pays and never falls into distress, without the shock.

    Σ over months k = 1…12 of margin · B(k − 1) + deposit margin · E[D(k)] + fee · E[products(k)], with B the scheduled
    balance of the annuity, E[D(k)] = D(0) · exp(k (trend + noise²/2)) and E[products(k)] = products + k · uptake.
    """
    income, conduct, months = given["income"], given["conduct"], given["calendar"]["window"]
    growth = factors["growth"].to_numpy()
    monthly = customers["interest_rate"].to_numpy() / 12
    instalment = customers["instalment"].to_numpy()
    margin = (customers["interest_rate"].to_numpy() - income["funding_rate"]) / 12
    person = (customers["borrower_type"] == "individual").to_numpy()
    fee = np.where(person, income["product_fee"], income["product_fee_firm"]) / 12
    trend = linear(conduct["deposit_growth"], growth) / 12 + conduct["deposit_noise"] ** 2 / 2
    uptake = expit(linear(conduct["product_uptake"], growth))
    deposit = customers["deposit_balance"].to_numpy()
    products = customers["products_held"].to_numpy()
    balance = customers["loan_amount"].to_numpy().copy()
    total = np.zeros(len(customers))
    for month in range(1, months + 1):
        total += margin * balance + income["deposit_margin"] / 12 * deposit * np.exp(month * trend)
        total += fee * np.minimum(products + month * uptake, conduct["product_limit"])
        balance = balance * (1 + monthly) - instalment
    return total
