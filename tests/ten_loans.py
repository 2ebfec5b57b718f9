"""Ten loans whose whole arithmetic fits on a page; the numbers are worked out in test_policy.py."""

from __future__ import annotations

import pandas as pd

from research.manage.portfolio import Economics, book

ECONOMICS = Economics(
    funding_rate=0.02,
    capital_ratio=0.10,
    risk_weight=1.0,
    cost_of_capital=0.10,
    lgd_unsecured=0.50,
    lgd_secured=0.20,
    cover_required=1.40,
    cover_minimum=0.30,
    credit_conversion=0.75,
    officer_hour=50.0,
    base_hours=2.0,
    churn_rate=0.0,
    product_margin=0.01,
)

LOANS = pd.DataFrame(
    [
        ("a", "premium", 0.01, 20_000, 0.06, None),
        ("b", "premium", 0.01, 30_000, 0.06, None),
        ("c", "low", 0.02, 10_000, 0.08, None),
        ("d", "low", 0.02, 10_000, 0.08, None),
        ("e", "low", 0.03, 10_000, 0.08, None),
        ("f", "medium", 0.05, 8_000, 0.10, None),
        ("g", "medium", 0.05, 8_000, 0.10, None),
        ("h", "medium", 0.06, 4_000, 0.10, None),
        ("i", "high", 0.20, 5_000, 0.15, None),
        ("j", "high", 0.20, 5_000, 0.15, 3_500.0),  # covers 0.7 of the exposure, half of the 1.4 required
    ],
    columns=["customer_id", "tier", "pd", "loan_amount", "interest_rate", "collateral_value"],
).set_index("customer_id")

STRATEGIES = pd.DataFrame(
    [
        ("M", "high", "Monitoring", "pd", 0.0, 0.10, 0.20, "effect", 3.0),
        ("S", "low", "Simple process", "hours", -0.3, -0.50, -0.7, "effect", 0.0),
        ("X", "premium", "Cross-sell", "cross_sell", 0.0, 0.05, 0.10, "effect", 0.0),
    ],
    columns=["id", "tier", "action", "lever", "low", "base", "high", "kind", "hours"],
).assign(family="risk management", claim="H1b", action_zh="", unit="", source="", source_status="no source",
         source_url="", source_says="", falsified_by="")  # fmt: skip


def ten() -> pd.DataFrame:
    """Return the book of the ten loans."""
    return book(LOANS, LOANS["pd"], LOANS["tier"])
