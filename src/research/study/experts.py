"""R2: what the experts judged: pairs of criteria, and vignettes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from research.collect import datasets
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.survey import ahp
from research.fieldwork.survey import vignettes as judgements
from research.parameters import Study
from research.segment import registry, tiers
from research.steps import step
from research.study.customers import customers
from research.study.judgements import practitioner_agreement, vignettes
from research.study.models import not_testable
from research.study.weighting import survey_weights
from research.study.workbooks import fingerprint_of, located


def ahp_key(study: Study) -> str:
    """Return the fingerprint of the comparisons."""
    return fingerprint_of(study, "ahp")


@step("fieldwork", "bootstrap", "seed", data=ahp_key)
def expert_comparisons(study: Study) -> dict[str, pd.DataFrame]:
    """Return the experts' weights, the group's by both ways of joining them, and the least consistent judgements."""
    pairs, judged = comparison_pairs(), read_ahp(located(study.fieldwork.ahp, "ahp"))
    options = {"resamples": study.bootstrap, "seed": study.seed}
    labels = pd.concat(
        [
            pairs[["set", side, f"{side}_en", f"{side}_zh"]].set_axis(
                ["set", "element", "label", "label_zh"], axis=1
            )
            for side in ("left", "right")
        ]
    ).drop_duplicates(["set", "element"])
    variants = [
        ahp.group_weights(judged, pairs, **options),
        ahp.group_weights(judged, pairs, aggregate="priorities", **options),
        ahp.group_weights(judged, pairs, consistent_only=False, **options),
    ]
    return {
        "labels": labels,
        "experts": ahp.expert_weights(judged, pairs),
        "group": variants[0],
        "variants": pd.concat(
            [part.assign(experts_used=used) for part, used in zip(variants, USED, strict=True)],
            ignore_index=True,
        ),
        "worst": ahp.worst_judgements(judged, pairs),
    }


USED = ("consistent", "consistent", "all complete")


@step(customers, "fieldwork", "tier_shares", "seed", data=ahp_key)
def weight_shift(study: Study, name: str) -> dict[str, Any]:
    """Return how a model's tiers move from equal weights to those of the experts; `reason` where not testable."""
    if reason := not_testable(study, name):
        return {"reason": reason}
    table, shares = customers(study), study.tier_shares.model_dump()
    weighed = {"equal": None, "survey": survey_weights(study.fieldwork.ahp)}
    placed = {}
    for label, given in weighed.items():
        made = registry.make(name, seed=study.seed, shares=shares, weights=given)
        placed[label] = tiers.as_tiers(made.fit(table, table["default"]).predict(table))
    equal, survey_ = (pd.Series(placed[label], index=table.index) for label in weighed)
    counts = pd.crosstab(equal.rename("from"), survey_.rename("to"), dropna=False).stack().rename("count")
    matrix = counts.reset_index().astype({"from": str, "to": str})
    matrix["n"] = matrix.groupby("from")["count"].transform("sum")
    matrix["estimate"] = matrix["count"] / matrix["n"]
    steps = survey_.cat.codes - equal.cat.codes
    return {
        "reason": "",
        "matrix": matrix,
        "placed": pd.DataFrame({"equal": equal, "survey": survey_}).astype(str),
        "n": len(table),
        "moved": int((steps != 0).sum()),
        "safer": int((steps < 0).sum()),
        "riskier": int((steps > 0).sum()),
        "far": int((steps.abs() > 1).sum()),
        "rates": _rates(table["default"], {"equal": equal, "survey": survey_}),
    }


@step(practitioner_agreement, "bootstrap", "seed")
def vignette_agreement(study: Study) -> dict[str, Any]:
    """Return the experts' agreement on vignettes, their consensus, and each model against them; `reason` if untestable.

    `models` holds quadratic κ against every judgement and against the consensus.
    """
    judged, found = vignettes(study), practitioner_agreement(study)
    options = {"resamples": study.bootstrap, "seed": study.seed}
    shown: dict[str, Any] = {"judged": judged, "reason": found["reason"]}
    if len(judged):
        own = judged.assign(customer_id=judged["dataset"] + " " + judged["customer_id"])
        shown |= {
            "experts": judgements.expert_agreement(own, **options),
            "pairs": judgements.expert_pairs(own, resamples=0),
            "consensus": judgements.consensus_tiers(own),
        }
    if found["reason"]:
        return shown
    tables = [found["rows"].assign(against="every judgement")]
    for arm in registry.ARMS:
        placed = pd.DataFrame({model: part for (model, here), part in found["tiers"].items() if here == arm})
        settled = judgements.model_agreement(
            found["judged"], placed, arm=arm, dataset=datasets.shown(study.dataset), **options
        )
        tables.append(settled.assign(against="consensus"))
    crosstabs = {
        model: judgements.tier_crosstab(found["judged"], part)
        for (model, arm), part in found["tiers"].items()
        if arm == registry.ARMS[0] and model in study.models
    }
    columns = ["model", "arm", "against", "estimate", "ci_low", "ci_high", "n", "exact"]
    return shown | {
        "models": pd.concat(tables, ignore_index=True)[columns],
        "crosstabs": crosstabs,
    }


def _rates(default: pd.Series, placed: dict[str, pd.Series]) -> pd.DataFrame:
    """Bad rate of each tier under each set of weights."""
    parts = [
        default.groupby(tier, observed=False).agg(n="count", rate="mean").assign(weights=label)
        for label, tier in placed.items()
    ]
    return pd.concat(parts).rename_axis("tier").reset_index()[["weights", "tier", "n", "rate"]]
