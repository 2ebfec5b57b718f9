"""M1 to M3: the fitted models and their tiers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import constructs as canon
from research.collect import worth as worths
from research.collect.outcome import no_outcome
from research.segment import profile, registry
from research.segment.base import StratificationModel
from research.segment.tiers import as_tiers
from research.steps import step
from research.study.collect import customers
from research.study.weighting import weights


@step(customers, weights, "tier_shares", "seed")
def model(study: Any, name: str, arm: str = "as practised") -> StratificationModel:
    """Return a model fitted on all customers, with its frozen cut points."""
    table = customers(study)
    shares = study.tier_shares.model_dump()
    made = registry.make(name, arm, seed=study.seed, shares=shares, weights=weights(study))
    return made.fit(table, table["default"])


def not_testable(study: Any, name: str) -> str:
    """Return why a model cannot be used on the study's data as practised, or nothing when it can."""
    table = customers(study)
    return registry.not_testable(name, table.columns) or no_outcome(table)


@step(model)
def tiers(study: Any, name: str, arm: str = "as practised") -> pd.Series:
    """Return each customer's tier under a model, with the study's tier shares."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name, arm).predict(table)), index=table.index, name="tier")


@step(model)
def native_tiers(study: Any, name: str) -> pd.Series:
    """Return each customer's tier by the model's own rule, before shares are matched."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name).native_tiers(table)), index=table.index, name="tier")


@step(tiers)
def tier_rates(study: Any, name: str) -> pd.DataFrame:
    """Return size, outcome rate and worth of each tier, with matched shares (`tiers` = matched) and by the own rule."""
    table, worth = customers(study), worths.worth(customers(study))[0]
    parts = {"matched shares": tiers(study, name), "own rule": native_tiers(study, name)}
    frames = [
        profile.rates(part, table["default"], worth).assign(panel=label) for label, part in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


@step(tiers)
def tier_profile(study: Any, name: str) -> pd.DataFrame:
    """Return the median and middle half of each numeric predictor by tier."""
    return profile.medians(customers(study), tiers(study, name), canon.constructs())


@step(model)
def rfm_grid(study: Any) -> pd.DataFrame:
    """Return customers and outcome rate over recency score × frequency score; no rows where either is not measured."""
    table, fitted = customers(study), model(study, "rfm")
    if not {"R", "F"} <= set(fitted.columns_):
        return pd.DataFrame(columns=["r_score", "f_score", "n", "known", "rate"])
    scores = pd.DataFrame(fitted.transform(table), columns=fitted.component_names_, index=table.index)
    grouped = table["default"].groupby([scores["r_score"], scores["f_score"]])
    return grouped.agg(n="size", known="count", rate="mean").reset_index()
