"""What happens to every loan month by month: distress, arrears, payment, default, leaving, renewal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from research.collect.simulate.risk import Chances

CENT = 0.005


@dataclass(frozen=True)
class Month:
    """One month of every loan; arrays of n, meaningless where `live` is False."""

    live: np.ndarray
    arrears: np.ndarray  # past due at the start of the month
    complaint: np.ndarray
    payment: np.ndarray
    interest: np.ndarray
    drawn: np.ndarray
    churned: np.ndarray
    defaulted: np.ndarray
    loss: np.ndarray


class LoanMonths:
    """The state of all loans, moved on by `step`. The chances are those of `risk`, so the exact PD belongs to them."""

    def __init__(
        self, rng: np.random.Generator, customers: pd.DataFrame, given: Chances, default_months: int
    ) -> None:
        n = len(customers)
        self.rng, self.given, self.default_months = rng, given, default_months
        self.amount = customers["loan_amount"].to_numpy()
        self.instalment = customers["instalment"].to_numpy()
        self.monthly_rate = customers["interest_rate"].to_numpy() / 12
        self.balance = self.amount.copy()
        self.status = np.zeros(n, dtype=np.int8)  # months past due
        self.distress = np.zeros(n, dtype=bool)
        self.matures = given.term.copy()  # month on book in which everything is due
        self.gone = np.zeros(n, dtype=bool)

    def step(self, age: np.ndarray, shock: float, lgd: np.ndarray) -> Month:
        """Move every live loan on by one month; `age` is the month on book, `shock` the macro shock of the month."""
        live = (age >= 1) & ~self.gone
        self._distress(live, shock)
        before = self.status
        complaint = self._complaint(before) & live
        worse, cured = self._roll(before, live)
        churned = self._leave(complaint) & live & ~worse & (cured | (before == 0))

        owed = self.balance * (1 + self.monthly_rate)
        ripe = age >= self.matures
        instalments = np.where(worse, 0, np.where(cured, before + 1, 1))
        in_full = churned | (ripe & ~worse & (cured | (before == 0)))
        payment = np.where(in_full, owed, np.minimum(instalments * self.instalment, owed)) * live
        interest = self.balance * self.monthly_rate * live
        balance = np.where(live, owed - payment, self.balance)
        self.status = np.where(cured, 0, before + worse).astype(np.int8)
        defaulted = live & (self.status >= self.default_months)

        repaid = live & ~churned & (balance < CENT)
        renewed = repaid & (self._uniform() < self.given.renewal)
        churned = churned | (repaid & ~renewed)
        self.status[repaid] = 0
        self.matures = np.where(renewed, age + self.given.term, self.matures)
        drawn = np.where(renewed, self.amount, 0.0)
        self.balance = np.where(live, np.where(balance < CENT, 0.0, balance) + drawn, self.balance)
        self.gone |= defaulted | churned
        loss = np.where(defaulted, lgd * self.balance, 0.0)
        return Month(live, before > 0, complaint, payment, interest, drawn, churned, defaulted, loss)

    def _uniform(self) -> np.ndarray:
        return self.rng.random(len(self.amount), dtype=np.float32)

    def _distress(self, live: np.ndarray, shock: float) -> None:
        onset = expit(self.given.onset + self.given.sensitivity * np.float32(shock))
        chance = np.where(self.distress, self.given.recovery, onset)
        self.distress ^= (self._uniform() < chance) & live

    def _complaint(self, status: np.ndarray) -> np.ndarray:
        given = self.given
        logit = given.complaint + given.complaint_distress * self.distress
        return self._uniform() < expit(logit + given.complaint_arrears * (status > 0))

    def _roll(self, status: np.ndarray, live: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cell = 3 * self.distress + np.minimum(status, 2)
        worsen = self.given.worsen.astype(np.float32).ravel()[cell]
        cure = self.given.cure.astype(np.float32).ravel()[cell]
        u = self._uniform()
        worse = (u < worsen) & live
        return worse, (u >= 1 - cure) & ~worse & live & (status > 0)

    def _leave(self, complaint: np.ndarray) -> np.ndarray:
        return self._uniform() < expit(self.given.churn + np.float32(self.given.churn_complaint) * complaint)
