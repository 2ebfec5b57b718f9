"""Monthly panels: one row per customer and month, the same columns from every source."""

from __future__ import annotations

import pandas as pd

from research.collect import datasets
from research.collect.publishers import MONTHS, TAIWAN_BILLS, TAIWAN_PAYMENTS, TAIWAN_STATUS
from research.errors import UserError

COLUMNS = ("customer_id", "period", "status", "limit", "balance", "payment")


def names() -> list[str]:
    """Return the data sets that have a panel."""
    return [name for name in datasets.names() if datasets.definition(name).get("panel")]


def _taiwan() -> pd.DataFrame:
    raw, parts = datasets.load_raw("taiwan"), []
    for month, *columns in zip(MONTHS, TAIWAN_STATUS, TAIWAN_BILLS, TAIWAN_PAYMENTS, strict=True):
        part = raw[["ID", "LIMIT_BAL", *columns]]
        part.columns = ["customer_id", "limit", "code", "balance", "payment"]
        # -2 (no consumption), -1 (paid) and 0 (revolving) are no delay: see source_codes.csv
        parts.append(part.assign(period=pd.Timestamp(f"{month}-01"), status=part["code"].clip(lower=0)))
    money = dict.fromkeys(("limit", "balance", "payment"), "float64")
    return pd.concat(parts, ignore_index=True).astype({"customer_id": str, **money})


def _simulated() -> pd.DataFrame:
    bank = datasets.simulation()
    names = bank.panel["customer_id"].astype(str)
    return bank.panel.assign(customer_id=names, limit=names.map(bank.customers["credit_limit"]))


def panel(name: str) -> pd.DataFrame:
    """Return the monthly panel of a data set, sorted by customer and period.

    Columns: customer_id (text), period (first of the month, or the number of the month in simulated data), status
    (months of delay, 0 = none), limit, balance and payment in the money of the data set, then whatever else the source
    records: `code` (the publisher's own status code) for taiwan; months_on_book, complaints, churned … for simulated.
    Raises UserError for a data set without a panel.
    """
    if name not in names():
        raise UserError(f"data set '{name}' has no monthly panel; these have: {', '.join(names())}")
    table = _taiwan() if name == "taiwan" else _simulated()
    rest = [column for column in table.columns if column not in COLUMNS]
    return table[[*COLUMNS, *rest]].sort_values(["customer_id", "period"], kind="stable", ignore_index=True)
