"""M1 to M3: the fitted models and their tiers."""

from __future__ import annotations

import pandas as pd

from research.collect import constructs as canon
from research.collect import worth as worths
from research.parameters import Study
from research.segment import profile
from research.steps import step
from research.study.customers import customers
from research.study.models import native_tiers, tiers

MATCHED, OWN = "matched shares", "own rule"


def tier_panels(study: Study, name: str) -> dict[str, pd.Series]:
    """Return the two ways in which a model places customers: with the study's tier shares, and by its own rule."""
    return {MATCHED: tiers(study, name), OWN: native_tiers(study, name)}


@step(tiers)
def tier_rates(study: Study, name: str) -> pd.DataFrame:
    """Return size, outcome rate and worth of each tier, with matched shares (`tiers` = matched) and by the own rule."""
    table, worth = customers(study), worths.worth(customers(study))[0]
    parts = tier_panels(study, name)
    frames = [
        profile.rates(part, table["default"], worth).assign(panel=label) for label, part in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


@step(tiers)
def tier_profile(study: Study, name: str) -> pd.DataFrame:
    """Return the median and middle half of each numeric predictor by tier."""
    return profile.medians(customers(study), tiers(study, name), canon.constructs())
