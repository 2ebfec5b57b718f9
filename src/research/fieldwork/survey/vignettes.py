"""Experts place anonymised customers in tiers; the models' tiers are held against theirs.

Tiers are ordered from premium to high risk, so agreement is quadratic-weighted κ: a premium customer called high risk
costs nine times a neighbouring tier.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.interviews.agreement import agreement_table, pairwise_agreement
from research.tiers import TIERS

RULES = ("median", "majority")


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


def consensus_tiers(judgements: pd.DataFrame, rule: str = "median") -> pd.DataFrame:
    """Return the tier on which the experts settle, per customer.

    Args:
        rule: `median` (between two tiers the riskier one, the prudent choice) or `majority` (more than half of the
            experts; where there is none, the median).

    Returns:
        Index `customer_id`: `tier`, `experts`, `share` (of experts who gave this tier), `spread` (highest minus lowest
        tier given, in steps), `rule` (the one that decided).
    """
    if rule not in RULES:
        raise UserError(f"consensus rule '{rule}' is unknown{nearest(rule, RULES)}")
    table = judgement_table(judgements)
    steps = table.replace(dict(zip(TIERS, range(len(TIERS)), strict=True))).astype(float)
    settled = np.ceil(steps.median(axis=1))
    decided = pd.Series("median", index=table.index)
    if rule == "majority":
        counts = steps.apply(pd.Series.value_counts, axis=1).fillna(0)
        clear = counts.max(axis=1) > steps.notna().sum(axis=1) / 2
        settled = settled.where(~clear, counts.idxmax(axis=1))
        decided = decided.where(~clear, "majority")
    tier = pd.Categorical.from_codes(settled.astype(int), list(TIERS), ordered=True)
    return pd.DataFrame(
        {
            "tier": tier,
            "experts": steps.notna().sum(axis=1),
            "share": steps.eq(settled, axis=0).sum(axis=1) / steps.notna().sum(axis=1),
            "spread": (steps.max(axis=1) - steps.min(axis=1)).astype(int),
            "rule": decided,
        },
        index=table.index,
    )


def expert_agreement(judgements: pd.DataFrame, **options: object) -> pd.DataFrame:
    """`agreement_table` of the experts among themselves, ordinal, quadratic weights: the ceiling for any model."""
    return agreement_table(judgement_table(judgements), level="ordinal", categories=list(TIERS), **options)


def expert_pairs(judgements: pd.DataFrame, **options: object) -> pd.DataFrame:
    """Quadratic-weighted κ of every pair of experts."""
    table = pairwise_agreement(
        judgement_table(judgements), level="ordinal", categories=list(TIERS), **options
    )
    return table[table["measure"] == "cohen_kappa"].reset_index(drop=True)


def model_agreement(
    judgements: pd.DataFrame,
    tiers: pd.DataFrame,
    *,
    arm: str = "",
    dataset: str = "",
    rule: str = "median",
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> pd.DataFrame:
    """Return quadratic-weighted κ of the experts' consensus and each model's tiers.

    The interval resamples customers; the experts are taken as they are.

    Args:
        judgements: `expert`, `customer_id`, `tier`.
        tiers: index `customer_id`, one column of tiers per model; customers without a vignette are ignored.

    Returns:
        `purpose`, `measure`, `model`, `arm`, `dataset`, `estimate`, `ci_low`, `ci_high`, `n` (customers), `experts`,
        `note`.

    Raises:
        UserError: no judged customer among the customers of the models.
    """
    consensus = consensus_tiers(judgements, rule)["tier"].astype(object)
    consensus.index = consensus.index.astype(str)
    shared = tiers.set_axis(tiers.index.astype(str)).reindex(consensus.index).dropna(how="all")
    if shared.empty:
        raise UserError(
            "none of the customers on the vignettes is among the customers that the models tiered"
        )
    experts = judgements["expert"].nunique()
    rows = []
    for model in tiers.columns:
        pair = pd.DataFrame({"experts": consensus[shared.index], "model": shared[model].astype(object)})
        options = {"resamples": resamples, "confidence": confidence, "seed": seed}
        table = agreement_table(pair, level="ordinal", categories=list(TIERS), **options).set_index("measure")
        found = table.loc["cohen_kappa"]
        rows.append(
            {
                "purpose": "practitioners",
                "measure": "quadratic_kappa",
                "model": model,
                "arm": arm,
                "dataset": dataset,
                "estimate": found["estimate"],
                "ci_low": found["ci_low"],
                "ci_high": found["ci_high"],
                "n": found["n"],
                "experts": experts,
                "note": found["note"],
            }
        )
    return pd.DataFrame(rows)


def tier_crosstab(judgements: pd.DataFrame, tiers: pd.Series, rule: str = "median") -> pd.DataFrame:
    """Return counts of customers, experts' consensus (rows) × model tier (columns), all tiers shown."""
    consensus = consensus_tiers(judgements, rule)["tier"].astype(object)
    consensus.index = consensus.index.astype(str)
    model = tiers.set_axis(tiers.index.astype(str)).astype(object).reindex(consensus.index).dropna()
    table = pd.crosstab(consensus[model.index], model)
    return (
        table.reindex(index=list(TIERS), columns=list(TIERS), fill_value=0)
        .rename_axis("experts")
        .rename_axis(columns="model")
    )
