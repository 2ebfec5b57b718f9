"""M1 to M3: the fitted models and the tiers they give."""

from __future__ import annotations

import pandas as pd

from research.collect.constructs import predictors
from research.collect.outcome import no_outcome
from research.parameters import Study
from research.segment import registry
from research.segment.base import StratificationModel
from research.segment.tiers import as_tiers
from research.steps import step
from research.study.customers import customers
from research.study.weighting import weights


@step(customers, weights, "tier_shares", "seed")
def model(study: Study, name: str, arm: str = "as practised") -> StratificationModel:
    """Return a model fitted on all customers, with its frozen cut points."""
    table = customers(study)
    shares = study.tier_shares.model_dump()
    made = registry.make(name, arm, seed=study.seed, shares=shares, weights=weights(study))
    return made.fit(table, table["default"])


def not_testable(study: Study, name: str) -> str:
    """Return why a model cannot be used on the study's data as practised, or nothing when it can."""
    return untestable(customers(study), name)


def untestable(table: pd.DataFrame, name: str) -> str:
    """Return why a model cannot be used on a customer table as practised, or nothing when it can."""
    spec = registry.MODELS.get(name)
    if spec and not spec.weight_keys and name != "grade" and not predictors(table):
        return f"{spec.title} is not testable here: no predictor is measured"
    return registry.not_testable(name, table.columns) or no_outcome(table)


@step(model)
def tiers(study: Study, name: str, arm: str = "as practised") -> pd.Series:
    """Return each customer's tier under a model, with the study's tier shares."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name, arm).predict(table)), index=table.index, name="tier")


@step(model)
def native_tiers(study: Study, name: str) -> pd.Series:
    """Return each customer's tier by the model's own rule, before shares are matched."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name).native_tiers(table)), index=table.index, name="tier")
