"""What a customer brings and needs, by one stated rule for all models."""

from __future__ import annotations

import pandas as pd

REALISED = ("paid_interest", "loss_amount")  # known after the tiers were made
NEEDS = ("loan_purpose", "service_preference", "need_intensity")


def worth(customers: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return a customer's yearly contract interest, or the loan amount where no rate is measured, and what it is.

    Interest is loan amount × contract rate; it is known when the loan is made and is the same for every model. All
    missing where the data set records no loan amount.
    """
    if "loan_amount" not in customers:
        return pd.Series(float("nan"), index=customers.index), "not measured (no loan amount is recorded)"
    if "interest_rate" in customers:
        return customers["loan_amount"] * customers["interest_rate"], "contract interest per year"
    return customers["loan_amount"], "loan amount (no contract rate is measured)"


def realised(customers: pd.DataFrame) -> pd.Series | None:
    """Return interest paid less loss of each customer; nothing where not both are recorded, or they do not vary."""
    if not set(REALISED) <= set(customers):
        return None
    value = customers["paid_interest"] - customers["loss_amount"]
    return value if value.nunique() > 1 else None


def need(customers: pd.DataFrame) -> tuple[pd.Series | None, str]:
    """Return the stated or observed need of each customer and what it is; nothing where none is measured."""
    construct = need_construct(customers)
    return (customers[construct], construct.replace("_", " ")) if construct else (None, "no need is measured")


def need_construct(customers: pd.DataFrame) -> str:
    """Return the construct by which need is measured, the first of `NEEDS` that varies; "" where there is none."""
    return next((name for name in NEEDS if name in customers and customers[name].nunique() > 1), "")
