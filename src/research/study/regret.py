"""How far the models stay behind the truth, which only the simulated bank knows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect.simulate.recovery import recovery
from research.compare import economics, resampling
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.folds import workers
from research.study.weighting import weights

PRACTISED = registry.ARMS[0]
TRUTH_FOLDS = 3
TRUTH_CUSTOMERS = 10_000
TRUTH_REFERENCES = ("random", "grade", "boosting")


@step(weights, "models", "tier_shares", "seed", "bootstrap", "simulated_customers")
def truth_regret(study: Study) -> dict[str, Any]:
    """Return how far each model as practised stays behind the truth of the simulated bank.

    `rows`: measure, model, estimate, ci_low, ci_high, n; `customers`, `bad`, `folds`.
    """
    size = min(study.simulated_customers, TRUTH_CUSTOMERS)
    bank = datasets.simulation(size)
    table, shares = bank.customers, study.tier_shares.model_dump()
    names = [*study.models, *TRUTH_REFERENCES]
    makers = {
        (name, PRACTISED): partial(
            registry.make, name, seed=study.seed, shares=shares, weights=weights(study)
        )
        for name in names
    }
    oof = resampling.out_of_fold(makers, table, table["default"], TRUTH_FOLDS, 1, study.seed, workers())
    rows = economics.regret(oof, bank.truth, study.bootstrap, study.seed)
    return {"rows": rows, "customers": size, "bad": int(np.nansum(oof.y)), "folds": TRUTH_FOLDS}


@step("simulated_customers")
def parameter_recovery(study: Study) -> pd.DataFrame:
    """Return the parameters of the simulated bank beside what a regression finds of them in its months."""
    return recovery(datasets.simulation(min(study.simulated_customers, TRUTH_CUSTOMERS)))
