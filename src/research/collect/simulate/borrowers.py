"""Who borrows: type, sector, household or firm, income, assets and the factors nobody observes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from research.collect.simulate.draws import category, pick, pick_within

AGE_AT_WORK = 20


def latent(rng: np.random.Generator, n: int, given: dict[str, Any]) -> pd.DataFrame:
    """Four correlated standard normal factors, the frailty (log-odds) and the service gap."""
    root = np.linalg.cholesky(np.array(given["correlation"], dtype=float))
    factors = pd.DataFrame(rng.standard_normal((n, len(root))) @ root.T, columns=given["names"])
    factors["frailty"] = given["frailty_sd"] * rng.standard_normal(n)
    factors["service_gap"] = given["service_gap_sd"] * rng.standard_normal(n)
    return factors


def borrowers(rng: np.random.Generator, factors: pd.DataFrame, given: dict[str, Any]) -> pd.DataFrame:
    """Identity, protected and classification constructs. Personal constructs are missing for firms."""
    n = len(factors)
    types = list(given["types"])
    kind = pick(rng, list(given["types"].values()), n)
    person = kind == types.index("individual")
    customer_types = list(next(iter(given["customer_types"].values())))
    industries = list(next(iter(given["industries"].values())))
    occupations = [*given["occupations"], "business"]

    occupation = pick(rng, list(given["occupations"].values()), n)
    age = np.round(21 + 49 * rng.beta(2.0, 2.6, n))
    retired = occupations.index("retired")
    occupation = np.where((occupation == retired) & (age < 50), occupations.index("permanent"), occupation)
    occupation = np.where(person, occupation, occupations.index("business"))
    years = np.minimum(rng.exponential(7.0, n), age - AGE_AT_WORK)
    years = np.minimum(np.where(person, years, rng.gamma(2.0, 5.0, n)), 60)

    married = rng.random(n) < expit(-1.2 + 0.09 * (age - 25))
    marital = np.where(married, 1, np.where(rng.random(n) < np.clip((age - 28) / 120, 0, 0.3), 2, 0))
    owner = expit(-0.8 + 0.06 * (age - 35) + 0.7 * factors["wealth"].to_numpy())
    u = rng.random(n)
    home = np.select([u < 0.55 * owner, u < owner, u < owner + 0.85 * (1 - owner)], [0, 1, 2], 3)
    home = np.where(person, home, 3)

    region = pick(rng, list(given["regions"].values()), n)
    district = np.exp(given["district_noise"] * rng.standard_normal((2, n)))
    wage, jobless = (
        np.array([given[what][name] for name in given["regions"]], dtype=float)[region]
        for what in ("district_income", "district_unemployment")
    )
    customer, industry = (
        pick_within(rng, given[what], types, kind) for what in ("customer_types", "industries")
    )
    female = (rng.random(n) < given["female_share"]).astype(np.int8)
    dependants = np.where(age >= 28, rng.poisson(given["dependants"], n), 0.0)
    joint = person & married & (rng.random(n) < given["joint_if_married"])
    return pd.DataFrame(
        {
            "borrower_type": category(kind, types),
            "customer_type": category(customer, customer_types),
            "industry": category(industry, industries),
            "occupation": category(occupation.astype(np.int8), occupations),
            "employment_years": np.round(years, 1),
            "home_ownership": category(home.astype(np.int8), ["owned", "mortgaged", "rented", "other"]),
            "age": np.where(person, age, np.nan),
            "sex": category(female, ["male", "female"], ~person),
            "region": category(region, list(given["regions"])),
            "district_income": np.round(wage * district[0], -2),
            "district_unemployment": np.round(jobless * district[1], 4),
            "dependants": np.where(person, dependants, np.nan),
            "marital_status": category(marital.astype(np.int8), ["single", "married", "divorced"], ~person),
            "joint_application": joint.astype(float),
            "income_verified": (rng.random(n) < np.where(person, 0.65, 0.90)).astype(float),
        }
    )


def means(
    rng: np.random.Generator, people: pd.DataFrame, factors: pd.DataFrame, given: dict[str, Any]
) -> pd.DataFrame:
    """Income, turnover, expenses, assets and liabilities (yuan; income and expenses per year).

    The income of a person is log-normal in wealth; the income of a firm is turnover times margin. A firm's costs are
    already out of its income, so its `expenses` are the drawings of its owners, by the same share as a person's.
    """
    n = len(people)
    person = (people["borrower_type"] == "individual").to_numpy()
    listed = people["customer_type"].isin(["state-owned", "foreign-funded"]).to_numpy()
    wealth = factors["wealth"].to_numpy()
    male = (people["sex"] == "male").to_numpy()

    log_income = np.log(given["income_median"]) + given["income_wealth"] * wealth + given["income_men"] * male
    income = np.exp(log_income + given["income_noise"] * rng.standard_normal(n))
    log_turnover = given["turnover_wealth"] * wealth + given["turnover_sd"] * rng.standard_normal(n)
    turnover = given["turnover_median"] * np.exp(log_turnover + given["turnover_listed"] * listed)
    profit = turnover * given["margin"] * np.exp(given["margin_noise"] * rng.standard_normal(n))
    income = np.where(person, income, profit)
    grown = np.exp(given["asset_wealth"] * wealth + 0.4 * rng.standard_normal(n))
    assets = income * given["asset_multiple"] * grown
    return pd.DataFrame(
        {
            "income": np.round(income),
            "firm_size": np.where(person, np.nan, np.round(turnover)),
            "expenses": np.round(income * rng.beta(*given["expense_share"], n)),
            "assets": np.round(assets),
            "liabilities": np.round(assets * rng.beta(*given["liability_share"], n)),
        }
    )
