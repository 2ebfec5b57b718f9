"""The customer and the bank at the application: needs, deposits, products, transactions, contacts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from research.collect.simulate.draws import category, counts, linear, noisy_share

INVESTMENTS = ("none", "conservative", "balanced", "growth")
ACCOUNTS = ("low", "middle", "high")
PROPERTIES = ("real estate", "savings or insurance", "car or other", "none")
SERVICES = ("mobile", "branch", "phone", "relationship manager")


def needs(
    rng: np.random.Generator, people: pd.DataFrame, factors: pd.DataFrame, given: dict[str, Any]
) -> pd.DataFrame:
    """The true need (class), its intensity (0–1) and the appetite for credit (standardised log-odds of the intensity).

    The class is a multinomial logit in wealth, growth and age, drawn by the Gumbel maximum.
    """
    n = len(people)
    decades = (people["age"].fillna(40).to_numpy() - 40) / 10
    utility = (
        np.array(given["intercepts"])
        + np.outer(factors["wealth"], given["wealth"])
        + np.outer(factors["growth"], given["growth"])
        + np.outer(decades, given["age"])
        + rng.gumbel(size=(n, len(given["classes"])))
    )
    need = utility.argmax(axis=1).astype(np.int8)
    wants_credit = (need == given["classes"].index("credit")).astype(float)
    logit = linear(given["intensity"], factors["growth"].to_numpy(), wants_credit)
    spread = np.hypot(given["intensity"][1], 0.5 * given["intensity"][2])
    return pd.DataFrame(
        {
            "true_need": category(need, given["classes"]),
            "true_need_intensity": expit(logit),
            "appetite": (logit - given["intensity"][0] - 0.4 * given["intensity"][2]) / spread,
        }
    )


def relationship(
    rng: np.random.Generator, people: pd.DataFrame, factors: pd.DataFrame, wanted: pd.DataFrame,
    parameters: dict[str, dict[str, Any]],
) -> pd.DataFrame:  # fmt: skip
    """Value, behaviour and need constructs as the bank measures them, each with its error."""
    n, given, need = len(people), parameters["relationship"], parameters["need"]
    wealth, engagement = factors["wealth"].to_numpy(), factors["engagement"].to_numpy()
    person = (people["borrower_type"] == "individual").to_numpy()
    income = people["income"].to_numpy()
    multiple = np.where(person, given["deposit_multiple"], given["deposit_firm"])
    held = given["deposit_wealth"] * wealth + given["deposit_engagement"] * engagement
    deposit = income * multiple * np.exp(held + given["deposit_noise"] * rng.standard_normal(n))
    potential = linear(given["potential"], factors["growth"].to_numpy())
    delayed = rng.random(n) < expit(linear(given["delay_share"], factors["soundness"].to_numpy()))
    delay = np.where(delayed, np.minimum(rng.exponential(given["delay_mean"], n), 24), 0.0)
    stated = rng.random(n) < need["stated"]
    intensity = wanted["true_need_intensity"].to_numpy() + need["intensity_noise"] * rng.standard_normal(n)
    account = np.digitize(deposit / income, [given["account_low"], 0.5]).astype(np.int8)
    return pd.DataFrame(
        {
            "deposit_balance": np.round(deposit),
            "account_status": category(account, ACCOUNTS),
            "property": category(_property(rng, people), PROPERTIES),
            "standing_orders": counts(rng, given["standing_orders"], engagement),
            "products_held": 1 + counts(rng, given["products"], engagement),
            "cross_sell_potential": np.round(noisy_share(rng, potential, given["potential_noise"]), 3),
            "need_intensity": np.round(np.clip(intensity, 0, 1), 3),
            "investment_preference": _investment(rng, wealth, wanted, stated),
            "service_preference": _service(rng, people, engagement, wanted, stated),
            "recency_months": np.round(rng.exponential(np.exp(linear(given["recency"], engagement))), 1),
            "frequency_count": counts(rng, given["transactions"], engagement),
            "monetary_amount": np.round(
                income * given["turnover_share"] * np.exp(0.3 * engagement + 0.4 * rng.standard_normal(n))
            ),
            "repayment_delay": np.round(delay, 2),
            "complaints": counts(rng, given["complaints"], factors["service_gap"].to_numpy()),
            "interactions": counts(rng, given["interactions"], engagement),
        }
    )


def _investment(
    rng: np.random.Generator, wealth: np.ndarray, wanted: pd.DataFrame, stated: np.ndarray
) -> pd.Categorical:
    """Investors state a preference that rises with wealth; others mostly none. Unstated answers are noise."""
    level = np.digitize(wealth + 0.6 * rng.standard_normal(len(wealth)), [-0.4, 0.8]) + 1
    need = wanted["true_need"].to_numpy()
    code = np.where(need == "investment", level, np.where(need == "protection", 1, 0))
    return category(np.where(stated, code, rng.integers(0, 4, len(code))).astype(np.int8), INVESTMENTS)


def _service(
    rng: np.random.Generator, people: pd.DataFrame, engagement: np.ndarray, wanted: pd.DataFrame, stated: np.ndarray
) -> pd.Categorical:  # fmt: skip
    """Payments → mobile, protection → phone, investment or firm → manager, older or idle → branch, else mobile."""
    firm = people["age"].isna().to_numpy()
    need = wanted["true_need"].to_numpy()
    old = people["age"].fillna(0).to_numpy() > 55
    rules = [need == "payments", firm | (need == "investment"), need == "protection", old | (engagement < -1)]
    code = np.select(rules, [0, 3, 2, 1], default=0)
    return category(np.where(stated, code, rng.integers(0, 4, len(code))).astype(np.int8), SERVICES)


def _property(rng: np.random.Generator, people: pd.DataFrame) -> np.ndarray:
    """Owners hold real estate, the others what their assets against income allow."""
    owner = people["home_ownership"].isin(["owned", "mortgaged"]).to_numpy()
    years = (people["assets"] / people["income"]).to_numpy() * np.exp(0.4 * rng.standard_normal(len(people)))
    return np.where(owner, 0, 3 - np.digitize(years, [1.2, 3.0])).astype(np.int8)
