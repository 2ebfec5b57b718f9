"""What the bank sees beside the loan, month by month: deposits, use of credit lines, contacts, transactions, products.

It draws from its own stream of random numbers, so leaving the panel out changes no outcome.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from research.collect.simulate.draws import linear

SMALL = 0.005  # keeps the log-odds of a utilisation of 0 or 1 finite
F32 = np.float32


class Conduct:
    """Everything seen of all customers, moved on by `step`; arrays are single precision."""

    def __init__(
        self, rng: np.random.Generator, customers: pd.DataFrame, factors: pd.DataFrame,
        parameters: dict[str, dict[str, Any]],
    ) -> None:  # fmt: skip
        given, income = parameters["conduct"], parameters["income"]
        growth, engagement = factors["growth"].to_numpy(), factors["engagement"].to_numpy()
        person = (customers["borrower_type"] == "individual").to_numpy()
        self.rng, self.given = rng, given
        self.shock_deposit = parameters["shock"]["deposit"]
        self.deposit = customers["deposit_balance"].to_numpy().astype(F32)
        self.products = customers["products_held"].to_numpy().astype(np.int16)
        used = customers["credit_utilisation"].to_numpy().clip(SMALL, 1 - SMALL)
        self.usual = logit(used).astype(F32)
        self.used = self.usual.copy()
        self.trend = (linear(given["deposit_growth"], growth) / 12).astype(F32)
        self.contacts = np.exp(linear(given["interactions"][:2], engagement)).astype(F32)
        transactions = parameters["relationship"]["transactions"]
        self.transactions = (np.exp(linear(transactions, engagement)) / 12).astype(F32)
        self.uptake = expit(linear(given["product_uptake"], growth)).astype(F32)
        self.fee = (np.where(person, income["product_fee"], income["product_fee_firm"]) / 12).astype(F32)
        self.margin = (customers["interest_rate"].to_numpy() - income["funding_rate"]).astype(F32) / 12
        self.deposit_margin = income["deposit_margin"] / 12

    def step(self, live: np.ndarray, distress: np.ndarray, shock: float) -> None:
        """Move the live customers on by one month; the others stay as they are at their application."""
        given, n = self.given, len(live)
        change = (
            self.trend
            + F32(given["deposit_distress"]) * distress
            + F32(self.shock_deposit * shock)
            + F32(given["deposit_noise"]) * self.rng.standard_normal(n, dtype=F32)
        )
        self.deposit = np.where(live, self.deposit * np.exp(change), self.deposit)
        level = self.usual + F32(given["utilisation_distress"]) * distress
        noise = F32(given["utilisation_noise"]) * self.rng.standard_normal(n, dtype=F32)
        self.used += live * (F32(given["utilisation_reversion"]) * (level - self.used) + noise)
        buys = (self.rng.random(n, dtype=F32) < self.uptake) & live & (self.products < given["product_limit"])
        self.products += buys

    def seen(self, arrears: np.ndarray, distress: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Contacts and transactions of the month (counts)."""
        contacts = self.rng.poisson(self.contacts * np.exp(F32(self.given["interactions"][2]) * arrears))
        fewer = np.where(distress, F32(self.given["transactions"]), F32(1))
        return contacts.astype(np.int16), self.rng.poisson(self.transactions * fewer).astype(np.int16)

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Credit utilisation of the given rows (share)."""
        return expit(self.used[rows])

    def revenue(self, balance: np.ndarray, earning: np.ndarray) -> np.ndarray:
        """Net income of the month: margin on the balance at its start, on deposits, and fees (yuan)."""
        return earning * (
            balance * self.margin + self.deposit * F32(self.deposit_margin) + self.products * self.fee
        )
