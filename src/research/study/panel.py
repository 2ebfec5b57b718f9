"""Tiers by month: the models are fitted once, at the start of a monthly panel, and then only applied.

A `source` has a monthly panel: `simulated`, or `taiwan` where its file is here.
"""

from __future__ import annotations

import pandas as pd

from research.collect import datasets, monthly, panel
from research.parameters import Study
from research.segment import registry
from research.segment.base import StratificationModel
from research.steps import step
from research.study.weighting import weights

SIMULATED = "simulated"
BAR = "scorecard"  # beside which the tiers of real customers are shown
FIRST_LOANS = (
    6  # the model is fitted on the loans of the first months, whose outcome year ends before the shock
)


def sources(study: Study) -> list[str]:
    """Return the data sets with a monthly panel that are here: the study's own first, the simulated bank last."""
    here = [name for name in panel.names() if name in datasets.names(available=True)]
    order = [name for name in (study.dataset, *here) if name in here and name != SIMULATED]
    return [*dict.fromkeys(order), SIMULATED]


def followed(study: Study) -> tuple[str, bool]:
    """Return the data set of real customers that is followed over months, the study's own first, and if it is here."""
    here = [name for name in sources(study) if name != SIMULATED]
    return (here or [name for name in panel.names() if name != SIMULATED])[0], bool(here)


def panel_key(study: Study) -> str:
    """Return the fingerprint of all panels that are here."""
    return "".join(datasets.data_fingerprint(name) for name in sources(study))


def size(study: Study, source: str) -> int | None:
    """Return how many customers a source is made with; None for real data."""
    return study.simulated_customers if source == SIMULATED else None


@step("dataset", "simulated_customers", data=panel_key)
def months(study: Study, source: str) -> pd.DataFrame:
    """Return the months of a source: period, label, reference."""
    return monthly.periods(source, size(study, source))


def made(study: Study, name: str) -> StratificationModel:
    """Return a model that is not fitted yet."""
    shares = study.tier_shares.model_dump()
    return registry.make(name, seed=study.seed, shares=shares, weights=weights(study))


@step(months, weights, "tier_shares", "seed")
def frozen_model(study: Study, source: str, name: str) -> StratificationModel:
    """Return a model fitted at the start of the panel."""
    if source == SIMULATED:
        bank = datasets.simulation(size(study, source))
        start = bank.customers[(bank.truth["origin"] < FIRST_LOANS).to_numpy()]
    else:
        start = monthly.customers(source, int(months(study, source)["period"].iloc[0]))
    return made(study, name).fit(start, start["default"])


@step(frozen_model, "models")
def monthly_tiers(study: Study, source: str) -> dict[str, pd.DataFrame]:
    """Return everybody's tier and score at the end of every month: customer_id, period, tier, score, default.

    One frame per model of the study, and of real customers one for the bar; a month is made once for all of them.
    """
    names = study.models if source == SIMULATED else [*study.models, BAR]
    models = {name: frozen_model(study, source, name) for name in names}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    for period in months(study, source)["period"]:
        now = monthly.customers(source, int(period), size(study, source))
        for name, model in models.items():
            found = model.place(now)
            parts[name].append(
                pd.DataFrame(
                    {
                        "customer_id": now.index.to_numpy(),
                        "period": int(period),
                        "tier": found["tier"],
                        "score": found["risk"],
                        "default": now["default"].to_numpy(),
                    }
                )
            )
    return {name: pd.concat(each, ignore_index=True) for name, each in parts.items()}
