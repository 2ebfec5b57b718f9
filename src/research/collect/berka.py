"""PKDD'99 (Berka): what was known about an account before its loan, from the account's own transactions.

Money is counted in whole hellers (1/100 koruna), so sums do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

WINDOW_DAYS = 180  # accounts opened later than that are observed since their opening (102 days at the least)
DAYS_PER_MONTH = 365.25 / 12
DEBITS = {"VYDAJ", "VYBER", "withdrawal", "withdrawal in cash"}
CREDITS = {"PRIJEM", "credit"}
# What the bank books by itself says nothing about the customer's conduct
BANK_MADE = {
    "UROK": "interest", "interest credited": "interest", "SLUZBY": "fee", "payment for statement": "fee",
    "SANKC. UROK": "penalty", "sanction interest if negative balance": "penalty",
}  # fmt: skip
LOAN_ORDER = "UVER"  # a standing order that pays the loan exists only because of the loan


def _day(dates: pd.Series) -> pd.Series:
    """Dates written yymmdd, all of the 1900s."""
    text = dates.astype(str).str.slice(0, 6)
    return pd.to_datetime("19" + text, format="%Y%m%d")


def read(parts: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read the eight tables; dates become dates, amounts whole hellers (columns `amount_h`)."""
    tables = {name: pd.read_csv(path, sep=";", low_memory=False) for name, path in parts.items()}
    for name, column in (("account", "date"), ("loan", "date"), ("trans", "date"), ("card", "issued")):
        tables[name][column] = _day(tables[name][column])
    trans = tables["trans"]
    unknown = set(trans["type"].dropna()) - DEBITS - CREDITS
    if unknown or trans["type"].isna().any():
        raise ValueError(f"trans: unknown type {sorted(unknown)[:1] or 'missing'}")
    trans["amount_h"] = (trans["amount"] * 100).round().astype("int64")
    trans["signed_h"] = np.where(trans["type"].isin(DEBITS), -trans["amount_h"], trans["amount_h"])
    trans["made_by_bank"] = trans["k_symbol"].map(BANK_MADE)
    return tables


def before_loan(trans: pd.DataFrame, loan: pd.DataFrame) -> pd.DataFrame:
    """Return the transactions of loan accounts strictly before the loan date, with `days_before` (≥ 1)."""
    joined = trans.merge(loan[["account_id", "date"]], on="account_id", suffixes=("", "_loan"))
    joined["days_before"] = (joined["date_loan"] - joined["date"]).dt.days
    return joined[joined["days_before"] > 0]


def _mean_balance(history: pd.DataFrame, window_days: int) -> pd.Series:
    """Mean end-of-day balance per account over the window, each day weighted alike.

    The balance is the running sum of signed amounts since the account was opened, because the order of transactions
    within a day is not recorded.
    """
    daily = history.groupby(["account_id", "days_before"], sort=True)["signed_h"].sum().reset_index()
    daily = daily.sort_values(["account_id", "days_before"], ascending=[True, False])
    daily["balance_h"] = daily.groupby("account_id")["signed_h"].cumsum()
    until = daily.groupby("account_id")["days_before"].shift(-1).fillna(0)
    start = daily["days_before"].clip(upper=window_days)
    daily["days"] = (start - until.clip(upper=window_days)).astype("int64")
    daily["weighted"] = daily["balance_h"] * daily["days"]
    sums = daily.groupby("account_id")[["weighted", "days"]].sum()
    return sums["weighted"] / sums["days"] / 100


def conduct(history: pd.DataFrame, window_days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Recency, frequency, amounts and penalties per account."""
    own = history[history["made_by_bank"].isna()]
    window = own[own["days_before"] <= window_days]
    debit, credit = window[window["signed_h"] < 0], window[window["signed_h"] > 0]
    spans = history.groupby("account_id")["days_before"].max().clip(upper=window_days)
    per_account = pd.DataFrame(
        {
            "recency_days": own.groupby("account_id")["days_before"].min(),
            "transactions": window.groupby("account_id").size(),
            "debits": -debit.groupby("account_id")["signed_h"].sum() / 100,
            "credits": credit.groupby("account_id")["signed_h"].sum() / 100,
            "penalties": history[history["made_by_bank"] == "penalty"].groupby("account_id").size(),
            "observed_days": spans,
            "mean_balance": _mean_balance(history, window_days),
        },
        index=spans.index,
    )
    counts = ["transactions", "debits", "credits", "penalties"]
    per_account[counts] = per_account[counts].fillna(0)
    per_account["income_year"] = per_account["credits"] / per_account["observed_days"] * 365.25
    return per_account


def _standing_orders(orders: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    """Standing orders, other than the one that pays the loan, whose recipient was paid before the loan.

    The orders have no date; one that never paid before the loan may be younger than it and is not counted.
    """
    held = orders[orders["k_symbol"] != LOAN_ORDER]
    paid = history.loc[history["account"].notna() & (history["signed_h"] < 0), ["account_id", "account"]]
    paid = paid.astype("int64").drop_duplicates()
    seen = held.merge(paid, left_on=["account_id", "account_to"], right_on=["account_id", "account"])
    return seen.groupby("account_id")["order_id"].nunique()


def _owners(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Owner of each account: birth date and sex from the birth number (month + 50 for women), and the district."""
    owner = tables["disp"].query("type == 'OWNER'").merge(tables["client"], on="client_id")
    number = owner["birth_number"].astype("int64")
    month = number // 100 % 100
    owner["sex"] = np.where(month > 50, "female", "male")
    owner["birth"] = _day((number - np.where(month > 50, 5000, 0)).astype(str).str.zfill(6))
    district = tables["district"].replace("?", np.nan)
    owner = owner.merge(district, left_on="district_id", right_on="A1")
    named = {"A3": "region", "A11": "district_wage", "A12": "district_unemployment_1995"}
    return owner[["account_id", "sex", "birth", *named]].rename(columns=named)


def loans(parts: Mapping[str, Path], window_days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Return one row per loan with what was known strictly before the loan date.

    Columns: those of the loan table (loan_id, account_id, date, amount, duration, payments, status), the statement
    `frequency` and `account_months` of the account, recency_days, transactions, debits, credits, penalties,
    observed_days, mean_balance and income_year of the window, standing_orders, cards, other_users, owner's `sex` and
    `age`, and the district's region, wage and unemployment. Loans without a transaction history (a partial file) have
    missing values there.
    """
    tables = read(parts)
    loan = tables["loan"]
    history = before_loan(tables["trans"], loan)
    # Histories that do not reach back to the opening of the account are not whole and are left out.
    opened = tables["account"].set_index("account_id")["date"]
    first = history.groupby("account_id")["date"].min()
    whole = first.index[first == opened.reindex(first.index)]
    history = history[history["account_id"].isin(whole)]

    account = tables["account"][["account_id", "frequency", "date"]]
    table = loan.merge(account, on="account_id", suffixes=("", "_open"))
    table["account_months"] = (table["date"] - table.pop("date_open")).dt.days / DAYS_PER_MONTH
    table = table.merge(conduct(history, window_days), left_on="account_id", right_index=True, how="left")
    orders = table["account_id"].map(_standing_orders(tables["order"], history)).fillna(0)
    table["standing_orders"] = orders.where(table["account_id"].isin(whole))
    cards = tables["card"].merge(tables["disp"][["disp_id", "account_id"]], on="disp_id")
    cards = cards.merge(loan[["account_id", "date"]], on="account_id")
    held = cards[cards["issued"] < cards["date"]].groupby("account_id").size()
    table["cards"] = table["account_id"].map(held).fillna(0)
    users = tables["disp"].query("type == 'DISPONENT'").groupby("account_id").size()
    table["other_users"] = table["account_id"].map(users).fillna(0)
    table = table.merge(_owners(tables), on="account_id", how="left", validate="one_to_one")
    table["age"] = (table["date"] - table.pop("birth")).dt.days / 365.25
    return table.sort_values("loan_id").reset_index(drop=True)
