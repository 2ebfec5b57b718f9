"""R2: what the experts judged: pairs of criteria, and vignettes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.survey import ahp
from research.fieldwork.survey import vignettes as judgements
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import customers
from research.study.judgements import practitioner_agreement
from research.study.models import not_testable
from research.study.weighting import ahp_key, survey_weights
from research.study.workbooks import located


@step("fieldwork", "bootstrap", "seed", data=ahp_key)
def expert_comparisons(study: Study) -> pd.DataFrame:
    """Return the group's weights of the letters of ABC and RFM: `ahp.group_weights`, with `label` and equal weights."""
    pairs, judged = comparison_pairs(), read_ahp(located(study.fieldwork.ahp, "ahp"))
    sides = [pairs[[side, f"{side}_en"]].set_axis(["element", "label"], axis=1) for side in ("left", "right")]
    labels = pd.concat(sides).drop_duplicates("element").set_index("element")["label"]
    group = ahp.group_weights(judged, pairs, resamples=study.bootstrap, seed=study.seed)
    size = group.groupby("set")["element"].transform("size")
    return group.rename(columns={"weight": "estimate"}).assign(
        label=group["element"].map(labels), equal=1 / size
    )


@step(customers, survey_weights, "tier_shares", "seed")
def weight_shift(study: Study, name: str) -> dict[str, Any]:
    """Return how many of `n` customers `moved` from equal weights to those of the experts; `reason` if untestable."""
    if reason := not_testable(study, name):
        return {"reason": reason}
    table, shares = customers(study), study.tier_shares.model_dump()
    placed = []
    for given in (None, survey_weights(study)):
        made = registry.make(name, seed=study.seed, shares=shares, weights=given)
        placed.append(np.asarray(made.fit(table, table["default"]).predict(table)))
    return {"reason": "", "n": len(table), "moved": int((placed[0] != placed[1]).sum())}


@step(practitioner_agreement, "bootstrap", "seed")
def vignette_agreement(study: Study) -> dict[str, Any]:
    """Return quadratic κ of each ranking and the experts (`models`), and of the experts (`among`); or the `reason`.

    `left_out` customers `of` all that were judged are not among those on whom models are compared.
    """
    found = practitioner_agreement(study)
    counts = {"of": found["of"], "left_out": found["left_out"]}
    if found["reason"]:
        return {"reason": found["reason"], **counts}
    among = judgements.expert_agreement(found["judged"], resamples=study.bootstrap, seed=study.seed)
    return {"reason": "", "models": found["rows"], "among": among, **counts}
