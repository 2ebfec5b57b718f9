"""The customers of a data set as they were at the end of each month: what a frozen model is applied to.

`simulated` has 36 months. `taiwan` has six; every construct is taken from a window of three of them, so that there are
four dates (June to September 2005) whose windows are equally long.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from research.collect import datasets, panel
from research.collect.simulate import snapshot
from research.errors import UserError

WINDOW = 3
LATE = 2  # months of delay in the month after that make the outcome of a Taiwan date


def periods(name: str, size: int | None = None) -> pd.DataFrame:
    """Return the dates of a data set: `period` (number), `label`, `reference` (True: says what is usual).

    `size` is the number of simulated customers, the data set's own when not given. The reference of `simulated` is
    the year before the shock, that of `taiwan` its first date.
    Raises UserError for a data set without a monthly panel.
    """
    number = _numbers(name, size)
    if name == "simulated":
        made = datasets.simulation(size)
        usual = (number >= made.shock_period - 12) & (number < made.shock_period)
        dates = pd.Timestamp(made.customers["loan_date"].min()).to_period("M") + number
        return pd.DataFrame({"period": number, "label": [str(date) for date in dates], "reference": usual})
    labels = [str(pd.Timestamp(date).to_period("M")) for date in _wide("status").columns[number]]
    return pd.DataFrame({"period": number, "label": labels, "reference": number == number[0]})


def _numbers(name: str, size: int | None) -> np.ndarray:
    if name == "simulated":
        return np.arange(len(datasets.simulation(size).stress))
    if name == "taiwan":
        return np.arange(WINDOW - 1, _wide("status").shape[1])
    raise UserError(f"data set '{name}' has no monthly panel; these have: {', '.join(panel.names())}")


def customers(name: str, period: int, size: int | None = None) -> pd.DataFrame:
    """Return the canonical customer table at the end of a month, for those on the book.

    `default` looks ahead: the next twelve months for `simulated`; for `taiwan` two months late or more in the month
    after, and after September the publisher's own outcome. Missing where the data end before.
    """
    known = _numbers(name, size)
    if period not in known:
        raise UserError(f"'{name}' has the months {known.min()} to {known.max()}, found {period}")
    return snapshot(datasets.simulation(size), period) if name == "simulated" else _taiwan_at(period)


def apart(name: str) -> list[pd.DataFrame]:
    """Return the customers at the end of each of three pairs of months that follow each other and share no month.

    What is learned on the first pair and applied to the second can be judged on the third.
    Raises UserError for a data set without a real panel.
    """
    if name != "taiwan":
        raise UserError(f"data set '{name}' has no months of real customers; taiwan has")
    return [_taiwan_at(period, 2) for period in (1, 3, 5)]


@cache
def _cards() -> pd.DataFrame:
    return datasets.load("taiwan")


def _taiwan_at(period: int, months: int = WINDOW) -> pd.DataFrame:
    """The constructs of the crosswalk, from the months up to and including `period` (0 is April 2005)."""
    wide = {column: _wide(column) for column in ("status", "balance", "payment")}
    window = slice(period - months + 1, period + 1)
    status, balance, payment = (wide[column].iloc[:, window].to_numpy(float) for column in wide)
    whole = _cards().loc[wide["status"].index]
    limit = whole["loan_amount"].to_numpy()
    frame = whole[[name for name in ("loan_amount", "age", "sex", "marital_status") if name in whole]].copy()
    billed = balance[:, :-1].clip(min=0).sum(axis=1)
    charged = balance[:, -1] - balance[:, 0] + payment[:, 1:].sum(axis=1)
    frame["past_delinquencies"] = (status > 0).sum(axis=1).astype(float)
    frame["accounts_past_due"] = (status[:, -1] > 0).astype(float)
    frame["months_since_delinquency"] = _months_since(status > 0)
    frame["months_since_serious_delinquency"] = _months_since(status > 2)
    frame["repayment_delay"] = status.mean(axis=1)
    frame["credit_utilisation"] = np.maximum(balance[:, -1], 0) / limit
    frame["liabilities"] = balance.clip(min=0).mean(axis=1)
    frame["recency_months"] = _months_since(payment > 0)
    frame["frequency_count"] = (payment > 0).sum(axis=1).astype(float)
    frame["monetary_amount"] = payment.sum(axis=1)
    paid = payment[:, 1:].sum(axis=1) / np.where(billed > 0, billed, np.nan)
    frame["payment_ratio"] = np.minimum(paid, 2)
    frame["need_intensity"] = np.clip(charged / limit, 0, 1)
    ahead = wide["status"].iloc[:, period + 1 : period + 2]
    frame["default"] = (ahead.iloc[:, 0] >= LATE).astype(float) if ahead.size else whole["default"]
    return frame


@cache
def _wide(column: str) -> pd.DataFrame:
    """One row per customer, one column per month, oldest first."""
    months = panel.panel("taiwan")
    return months.pivot(index="customer_id", columns="period", values=column).sort_index(axis=1)


def _months_since(happened: np.ndarray) -> np.ndarray:
    """Months from the last column in which it happened to the end of the window; NaN when it did not."""
    back = happened[:, ::-1]
    return np.where(back.any(axis=1), back.argmax(axis=1), np.nan).astype(float)
