"""Are potential premium customers found early? Flags of a real panel, on customers and months not used to fit (H5a)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.collect import monthly
from research.manage import potential
from research.manage.contacts import potential_cuts, potential_premium
from research.parameters import Study
from research.steps import step
from research.study.panel import followed, made, panel_key
from research.study.weighting import weights

GROWTH = ("cross_sell_potential", "need_intensity")  # signs that a low-risk customer may become premium


@step(weights, "dataset", "models", "tier_shares", "folds", "seed", data=panel_key)
def flags(study: Study, source: str) -> pd.DataFrame:
    """Return whether low-risk customers flagged as potential premium became premium (H5a).

    Six months in three pairs that share none: model and cut-offs of the flag are learned on the first pair and on other
    customers (folds), flags are set in the second, and arrival in the premium tier is read in the third.

    Returns:
        `model` and the columns of `potential.flags`, over low-risk customers of the second pair.
    """
    learned, flagged, later = monthly.apart(source)
    fold = np.random.default_rng(study.seed).permutation(len(learned)) % study.folds
    parts = []
    for name in study.models:
        found = [_flagged(study, name, learned[fold != k], flagged[fold == k], later[fold == k])
                 for k in range(study.folds)]  # fmt: skip
        rule, value, arrived = (np.concatenate(side) for side in zip(*found, strict=True))
        parts.append(potential.flags(rule, value, arrived).assign(model=name))
    table = pd.concat(parts, ignore_index=True)
    return table[["model", *[column for column in table if column != "model"]]]


def _flagged(
    study: Study, name: str, learned: pd.DataFrame, now: pd.DataFrame, later: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flag by the rule and by value alone, as many each, and say who arrived, of the low-risk customers of `now`."""
    model = made(study, name).fit(learned, learned["default"])
    usual, today = model.assess(learned), model.assess(now)
    signs = [{sign: table[sign] for sign in GROWTH if sign in table} for table in (learned, now)]
    cuts = potential_cuts(usual["tier"], usual["value_score"], signs[0])
    rule = potential_premium(today["tier"], today["value_score"], signs[1], cuts=cuts)["potential"]
    low = (today["tier"] == "low").to_numpy()
    value = potential.highest(today.loc[low, "value_score"].to_numpy(float), int(rule.sum()))
    return rule.to_numpy()[low], value, (model.place(later)["tier"] == "premium")[low]


def own_flags(study: Study) -> pd.DataFrame | None:
    """Return `flags` where the study's own data set is of real customers who are followed over months."""
    return flags(study, study.dataset) if followed(study) == (study.dataset, True) else None
