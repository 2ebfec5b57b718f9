"""What is lent: the bureau record, purpose, term, security, price and amount."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from research.collect.simulate.draws import category, counts, linear, noisy_share, pick, pick_within

SECURED = ("mortgage", "pledge", "other")
HISTORIES = ("paid duly", "delayed in the past", "critical")


def bureau(
    rng: np.random.Generator, people: pd.DataFrame, factors: pd.DataFrame, appetite: np.ndarray, stress: np.ndarray,
    parameters: dict[str, dict[str, Any]],
) -> pd.DataFrame:  # fmt: skip
    """Credit history. `stress` is the macro shock in the month of application."""
    n, given, drift = len(people), parameters["bureau"], parameters["shock"]["applicant_utilisation"]
    soundness = factors["soundness"].to_numpy()
    signal = given["score_signal"]
    z = signal * soundness + np.sqrt(1 - signal**2) * rng.standard_normal(n)
    score = np.round(np.clip(given["score_mean"] + given["score_sd"] * z, 300, 900))
    past = np.minimum(counts(rng, given["past_delinquencies"], soundness), 24)
    older = (past == 0) & (rng.random(n) < given["older_delinquency"])
    since = np.where(past > 0, rng.integers(1, 25, n), np.where(older, rng.integers(25, 85, n), np.nan))
    accounts = 3 + counts(rng, given["accounts_opened"], appetite)
    hit = np.minimum(np.ceil(past / 2) + older, accounts)
    logit = linear(given["utilisation"], soundness, appetite) + drift * stress
    used = noisy_share(rng, logit, given["utilisation_noise"])
    serious = (past >= 2) & (rng.random(n) < given["serious"])
    handed = counts(rng, given["collections"], soundness)
    amount = given["collection_median"] * np.exp(0.7 * rng.standard_normal(n))
    cards = counts(rng, given["cards"], appetite)
    paid = noisy_share(rng, linear(given["payment_ratio"], soundness), 0.6)
    years = people["employment_years"].where(people["age"].isna(), people["age"] - 20) * rng.beta(3, 2, n)
    limit = people["income"].to_numpy() * given["limit_multiple"] * np.exp(0.5 * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "credit_score": score,
            "credit_grade": grade(score, given["grades"]),
            "past_delinquencies": past,
            "months_since_delinquency": since,
            "never_delinquent_share": np.round(1 - hit / accounts, 3),
            "accounts_past_due": counts(rng, given["accounts_past_due"], soundness),
            "adverse_records": counts(rng, given["adverse_records"], soundness),
            "collections": handed,
            "collection_amount": np.where(handed > 0, np.round(amount), 0.0),
            "months_since_serious_delinquency": np.where(serious, since, np.nan),
            "credit_history": category(
                np.select([serious, (past > 0) | older], [2, 1], 0).astype(np.int8), HISTORIES
            ),
            "credit_history_years": np.round(np.maximum(years, 0), 1),
            "payment_ratio": np.round(paid, 3),
            "cards_held": cards,
            "card_limit": np.where(cards > 0, np.round(limit * given["card_share"], -2), 0.0),
            "mortgage_accounts": (people["home_ownership"] == "mortgaged").to_numpy().astype(float),
            "inquiries": counts(rng, given["inquiries"], soundness),
            "accounts_opened": counts(rng, given["accounts_opened"], appetite),
            "credit_utilisation": np.round(used, 4),
            "credit_limit": np.round(limit, -2),
        }
    )


def grade(score: np.ndarray, given: Sequence[float]) -> np.ndarray:
    """Rank of the score, 1 the best: grades of equal width below the points of the best grade."""
    best, width, count = given
    return np.clip(1 + np.floor((best - score) / width), 1, count)


def annuity(principal: np.ndarray, yearly_rate: np.ndarray, months: np.ndarray) -> np.ndarray:
    """Equal monthly instalment that repays `principal` in `months` at `yearly_rate` / 12 a month."""
    monthly = yearly_rate / 12
    return principal * monthly / -np.expm1(-months * np.log1p(monthly))


def contracts(
    rng: np.random.Generator, people: pd.DataFrame, record: pd.DataFrame, stress: np.ndarray,
    parameters: dict[str, dict[str, Any]],
) -> pd.DataFrame:  # fmt: skip
    """Purpose → term and guarantee → price → amount.

    spread = base + grade · (grade − 15) + unsecured + state, in steps of a quarter point; rate = benchmark + spread.
    The instalment is a log-normal share of the monthly income and the amount is what that instalment repays.
    """
    n, given = len(people), parameters["contract"]
    drift, debt_service = parameters["shock"]["applicant_burden"], parameters["means"]["debt_service"]
    kinds = list(people["borrower_type"].cat.categories)
    purposes, terms, guarantees = (
        list(next(iter(given[name].values()))) for name in ("purposes", "terms", "guarantees")
    )
    purpose = pick_within(rng, given["purposes"], kinds, people["borrower_type"].cat.codes.to_numpy())
    reason = pick(rng, list(given["consumption"].values()), n)
    names = [name for name in purposes if name != "consumption"] + list(given["consumption"])
    plain = np.array([names.index(name) if name in names else -1 for name in purposes])[purpose]
    named = np.where(plain < 0, len(purposes) - 1 + reason, plain).astype(np.int8)
    term = np.array(terms, dtype=float)[pick_within(rng, given["terms"], purposes, purpose)]
    guarantee = pick_within(rng, given["guarantees"], purposes, purpose)
    secured = np.isin(guarantee, [guarantees.index(name) for name in SECURED])
    state = (
        (people["customer_type"] == "state-owned") | (people["borrower_type"] == "government")
    ).to_numpy()

    benchmark = np.where(term > 60, given["benchmark_long"], given["benchmark_short"])
    spread = (
        given["spread"]
        + given["spread_grade"] * (record["credit_grade"].to_numpy() - 15)
        + given["spread_unsecured"] * ~secured
        + given["spread_state"] * state
        + 0.004 * rng.standard_normal(n)
    )
    spread = np.round(spread / given["spread_step"]) * given["spread_step"]
    rate = np.round(np.clip(benchmark + spread, 0.01, 0.24), 4)
    monthly_income = people["income"].to_numpy() / 12
    burden = given["burden"] * np.exp(given["burden_noise"] * rng.standard_normal(n) + drift * stress)
    amount = np.maximum(np.round(burden * monthly_income / annuity(np.ones(n), rate, term), -2), 1000)
    instalment = np.round(annuity(amount, rate, term), 2)
    cover = given["coverage"] * np.exp(given["coverage_noise"] * rng.standard_normal(n))
    collateral = np.where(secured, np.round(np.maximum(cover, 0.7) * amount, -2), np.nan)
    floats = np.where(term > 60, given["floating"]["long"], given["floating"]["short"])
    service = instalment + debt_service * people["liabilities"].to_numpy()
    return pd.DataFrame(
        {
            "loan_purpose": category(named, names),
            "term_months": term,
            "guarantee_type": category(guarantee, guarantees),
            "benchmark_rate": benchmark,
            "interest_rate": rate,
            "rate_type": category((rng.random(n) < floats).astype(np.int8), ["fixed", "floating"]),
            "loan_amount": amount,
            "instalment": instalment,
            "collateral_value": collateral,
            "loan_to_value": np.round(amount / collateral, 4),
            "debt_to_income": np.round(np.minimum(service / monthly_income, 50), 4),
        }
    )
