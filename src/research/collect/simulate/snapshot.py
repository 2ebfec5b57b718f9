"""The customers as the bank sees them at the end of any month, again as a canonical customer table.

A model fitted on the applications can be applied to it without being refitted; that is what tier migration needs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.collect.simulate.assumptions import assumptions
from research.collect.simulate.bank import DAYS, STATUS, Simulation
from research.collect.simulate.loans import grade
from research.errors import UserError

YEAR, TWO_YEARS = 12, 24


def snapshot(simulation: Simulation, period: int) -> pd.DataFrame:
    """Return the canonical customer table of everybody on the book at the end of `period`.

    Constructs with a window of twelve months (complaints, interactions, frequency_count, monetary_amount,
    repayment_delay) or two years (past_delinquencies) add what the panel shows to the part of the window before the
    loan, for which the value at the application counts in proportion. Deposits, utilisation, products, arrears and the
    loan to value are those of the month. The score falls with the worst arrears of the last year and the grade follows.
    `default` and `churned` refer to the next twelve months and are missing where the panel ends before; so is what a
    loan had paid by a given date. Everything else is as at the application.

    Raises:
        UserError: when the simulation was made without its panel or has no such period.
    """
    panel = simulation.panel
    if panel is None:
        raise UserError("a snapshot needs the panel: call simulate(..., panel=True)")
    last = len(simulation.stress) - 1
    if not 0 <= period <= last:
        raise UserError(f"the simulation has periods 0 to {last}, found period = {period}")
    customers = simulation.customers
    rows = _Rows(panel, len(customers))
    now = rows.between(period, period)
    on_book = now.first_row()
    on_book[now.codes[(now["defaulted"] + now["churned"]) > 0]] = -1
    held = np.flatnonzero(on_book >= 0)
    current = panel.iloc[on_book[held]]
    frame = customers.iloc[held].copy()
    age = current["months_on_book"].to_numpy().astype(float)

    year = rows.between(period - YEAR + 1, period)
    before = np.clip(1 - age / YEAR, 0, 1)
    for construct in ("complaints", "interactions"):
        frame[construct] = frame[construct] * before + year.sum(construct)[held]
    usual = frame["monetary_amount"] / frame["frequency_count"].clip(lower=1)
    frame["frequency_count"] = frame["frequency_count"] * before + year.sum("transactions")[held]
    frame["monetary_amount"] = usual * frame["frequency_count"]
    frame["repayment_delay"] = frame["repayment_delay"] * before + year.sum("status")[held] / YEAR

    slips = rows.between(period - TWO_YEARS + 1, period).slips()[held]
    kept = np.clip(1 - age / TWO_YEARS, 0, 1)
    frame["past_delinquencies"] = np.floor(frame["past_delinquencies"] * kept) + slips
    seen = rows.between(0, period)
    late, used = (seen.latest(seen[name] > 0)[held] for name in ("status", "transactions"))
    since = frame["months_since_delinquency"] + age
    frame["months_since_delinquency"] = np.where(late >= 0, period - late, since)
    # before the loan, since the transaction known at the application
    frame["recency_months"] = np.where(used >= 0, period - used, frame["recency_months"] + age)
    frame["accounts_past_due"] = frame["accounts_past_due"] + (current["status"].to_numpy() > 0)
    _refresh_score(frame, year.largest("status")[held])

    for construct in ("deposit_balance", "credit_utilisation", "products_held"):
        frame[construct] = current[construct].to_numpy().astype(float)
    frame["outstanding_balance"] = current["balance"].to_numpy().astype(float)
    frame["loan_to_value"] = frame["outstanding_balance"] / frame["collateral_value"]
    frame["days_past_due"] = current["status"].to_numpy().astype(float) * DAYS
    frame["loan_status"] = pd.Categorical.from_codes(current["status"], categories=list(STATUS))
    frame["age"] = np.floor(frame["age"] + age / YEAR)
    frame["employment_years"] = frame["employment_years"] + age / YEAR
    return _outcomes(frame, rows, period, held, last)


class _Rows:
    """The panel, or some consecutive periods of it, with sums by customer (arrays of one value per customer)."""

    def __init__(self, panel: pd.DataFrame, n: int) -> None:
        self.panel, self.n = panel, n
        self.codes = panel["customer_id"].cat.codes.to_numpy()

    def between(self, first: int, last: int) -> _Rows:
        """The rows of periods `first` to `last`."""
        period = self.panel["period"].to_numpy()
        low, high = np.searchsorted(period, [first, last + 1])
        return _Rows(self.panel.iloc[low:high], self.n)

    def __getitem__(self, column: str) -> np.ndarray:
        return self.panel[column].to_numpy()

    def sum(self, column: str) -> np.ndarray:
        return np.bincount(self.codes, weights=self[column], minlength=self.n)

    def largest(self, column: str) -> np.ndarray:
        result = np.zeros(self.n)
        np.maximum.at(result, self.codes, self[column])
        return result

    def first_row(self) -> np.ndarray:
        """Row number in the whole panel of each customer's row (one period); −1 where there is none."""
        result = np.full(self.n, -1)
        result[self.codes] = self.panel.index.to_numpy()
        return result

    def latest(self, chosen: np.ndarray) -> np.ndarray:
        """The last period in which `chosen` holds, −1 where it never does (rows are sorted by period)."""
        result = np.full(self.n, -1)
        result[self.codes[chosen]] = self["period"][chosen]
        return result

    def slips(self) -> np.ndarray:
        """How often a customer who was current fell behind."""
        late = self["status"] == 1
        paid_nothing = self["payment"] == 0
        return np.bincount(self.codes[late & paid_nothing], minlength=self.n).astype(float)


def _refresh_score(frame: pd.DataFrame, worst: np.ndarray) -> None:
    given = assumptions()
    score = frame["credit_score"] - given["conduct"]["score_arrears"] * worst
    frame["credit_score"] = score.clip(lower=300)
    frame["credit_grade"] = grade(frame["credit_score"].to_numpy(), given["bureau"]["grades"])


def _outcomes(frame: pd.DataFrame, rows: _Rows, period: int, held: np.ndarray, last: int) -> pd.DataFrame:
    ahead = rows.between(period + 1, period + YEAR)
    known = period + YEAR <= last
    for construct, column in {"default": "defaulted", "churned": "churned", "loss_amount": "loss"}.items():
        frame[construct] = ahead.sum(column)[held] if known else np.nan
    frame[["paid_total", "paid_principal", "paid_interest"]] = np.nan
    return frame
