"""Experts place anonymised customers in tiers; the models' tiers are held against theirs (criterion 10).

Tiers are ordered from premium to high risk, so agreement is quadratic-weighted κ: a premium customer called high risk
costs nine times a neighbouring tier.
"""

from __future__ import annotations

import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.interviews.agreement import agreement_table
from research.tiers import TIERS


def judgement_table(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return customers × experts with the tiers given; NaN where an expert gave none.

    Args:
        judgements: `expert`, `customer_id`, `tier`.

    Raises:
        UserError: an unknown tier, a customer judged twice by one expert.
    """
    given = judgements.dropna(subset=["tier"])
    unknown = given[~given["tier"].isin(TIERS)]
    if len(unknown):
        first = unknown.iloc[0]
        raise UserError(
            f"expert {first['expert']}, customer {first['customer_id']}: tier '{first['tier']}' is unknown"
            f"{nearest(str(first['tier']), TIERS)}"
        )
    twice = given[given.duplicated(["expert", "customer_id"])]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(
            f"expert {first['expert']} judged customer {first['customer_id']} twice; expected once"
        )
    return given.astype({"tier": object}).pivot(index="customer_id", columns="expert", values="tier")


def expert_agreement(judgements: pd.DataFrame, **options: object) -> pd.DataFrame:
    """`agreement_table` of the experts among themselves, ordinal, quadratic weights: the ceiling for any model."""
    return agreement_table(judgement_table(judgements), level="ordinal", categories=list(TIERS), **options)
