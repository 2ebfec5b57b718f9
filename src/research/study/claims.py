"""Claim by claim: what the data of the study and the recorded lenders show, on what grade of evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets, recorded
from research.collect import worth as worths
from research.compare import claims, criteria, purposes, resampling
from research.manage import potential
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import for_comparison, real
from research.study.flags import flags, own_flags
from research.study.folds import out_of_fold
from research.study.models import not_testable
from research.study.purposes import ALL_LENDERS, by_construction, high_tier_odds, over_lenders
from research.study.weighting import weights

PRACTISED = registry.ARMS[0]
COLUMNS = ["claim", "model", "estimate", "ci_low", "ci_high", "n", "grade", "verdict", "reason"]


@step(out_of_fold, high_tier_odds, by_construction, flags, weights, "tier_shares", "models", "fieldwork")
def evidence(study: Study) -> pd.DataFrame:
    """Return the verdict on every claim for each of the three models as practised, from the study's own data set.

    Nothing assumed, simulated or invented is read: a claim that would need it is *not tested here*, with the reason.

    Returns:
        `claim, model, estimate, ci_low, ci_high, n, grade, verdict, reason` (why there is no result, else empty).
    """
    rows = []
    for claim in claims.definitions().to_dict("records"):
        for name in study.models:
            found = _found(study, claim, name)
            graded = claims.grade(real=_rests_on_real_data(study, name))
            verdict = claims.verdict(claim, found["ci_low"], found["ci_high"], graded)
            rows.append({"claim": claim["claim"], "model": name, "grade": graded, "verdict": verdict} | found)
    return pd.DataFrame(rows)[COLUMNS]


def _rests_on_real_data(study: Study, name: str) -> bool:
    """Return whether neither the customers nor the weights of a model are made up."""
    invented = study.weights == "survey" and study.fieldwork.provenance == "invented"
    return real(study.dataset) and not (invented and registry.MODELS[name].weight_keys)


def _found(study: Study, claim: dict[str, Any], name: str) -> dict[str, Any]:
    """Return estimate, interval, n and the reason why there is none."""
    if why := not_testable(study, name):
        return _none(why)
    if claim["quantity"] == "odds_ratio_high":
        row = high_tier_odds(study).set_index(["model", "arm"]).loc[(name, PRACTISED)]
        if np.isnan(row["estimate"]):
            return _none("the high-risk tier is empty, or nobody has the outcome")
        return _measured(row, round(row["n_high"] + row["n_rest"]))
    if claim["quantity"] == "need_association":
        return _need(study, name)
    if claim["quantity"] == "realised_value_gap":
        return _value(study, name)
    if claim["quantity"] == "potential_lift" and (found := own_flags(study)) is not None:
        row = found.set_index(["model", "flag"]).loc[(name, potential.RULE)]
        if np.isnan(row["estimate"]):
            return _none("nobody is flagged, or nobody arrives")
        return _measured(row, round(row["flagged"] + row["rest"]))
    return _none(f"needs {claim['needs']}")


def _need(study: Study, name: str) -> dict[str, Any]:
    construct = worths.need_construct(for_comparison(study))
    if not construct:
        return _none("no need is measured")
    if f"{name}|{PRACTISED}" in by_construction(study)["need"]:
        return _none(f"by construction: {construct.replace('_', ' ')} is an input of the model")
    row = need_association(study).set_index("model").loc[name]
    if np.isnan(row["ci_low"]):
        return _none("need does not vary")
    return _measured(row, int(row["n"]))


@step(out_of_fold)
def need_association(study: Study) -> pd.DataFrame:
    """Return the bias-corrected Cramér's V of tier and need as practised: `model, estimate, ci_low, ci_high, n`."""
    oof, measure = out_of_fold(study), purposes.definitions().loc["need", "measure"]
    folds = criteria.fold_measures(oof, need=worths.need(for_comparison(study))[0], kinds=("need",))
    rows = criteria.summarise_folds(folds[folds["measure"] == measure], oof)
    return rows.loc[rows["arm"] == PRACTISED, ["model", "estimate", "ci_low", "ci_high", "n"]]


def _value(study: Study, name: str) -> dict[str, Any]:
    rows = realised_value(study)
    if rows.empty:
        return _none(_no_realised_value(study))
    row = rows.set_index("model").loc[name]
    if np.isnan(row["ci_low"]):
        return _none("the premium tier is empty, or its value is not known")
    return _measured(row, int(row["n"]))


def _no_realised_value(study: Study) -> str:
    """Return why the value that a customer brought after tiering is not known; contract interest is no answer."""
    missing = "; ".join(f"{name.replace('_', ' ')}: {why}" for name, why in _not_recorded(study).items())
    built = worths.worth(for_comparison(study))[1]
    return f"value realised and net of loss is not known ({missing}); {built} is known beforehand"


def _not_recorded(study: Study) -> dict[str, str]:
    """Return the parts of realised value that are not recorded directly, and why."""
    walk = datasets.crosswalk_of(study.dataset, study.crosswalk or None).set_index("construct")
    return {
        name: walk["reason"].get(name, "") or "not recorded"
        for name in worths.REALISED
        if walk["fit"].get(name) != "direct"
    }


@step(out_of_fold, "tier_shares")
def realised_value(study: Study) -> pd.DataFrame:
    """Return how much more premium customers brought than the rest: `model, estimate, ci_low, ci_high, n`.

    Interest paid less loss, in standard deviations, as practised, customers unseen by the model; beside it the tier
    *value alone*, the same share of customers with most contract interest. No rows where the data do not hold it.
    """
    columns = ["model", "estimate", "ci_low", "ci_high", "n"]
    table, oof = for_comparison(study), out_of_fold(study)
    value = worths.realised(table)
    if value is None or _not_recorded(study):
        return pd.DataFrame(columns=columns)
    folds = [criteria.premium_gaps(oof, value)]
    known = worths.worth(table)[0]
    if known.notna().any():
        folds.append(criteria.premium_gaps(_by_value_alone(oof, known, study.tier_shares.premium), value))
    rows = criteria.summarise_folds(pd.concat(folds, ignore_index=True), oof)
    return rows.loc[rows["arm"] == PRACTISED, columns].reset_index(drop=True)


def _by_value_alone(oof: resampling.OutOfFold, known: pd.Series, share: float) -> resampling.OutOfFold:
    """Return tiers of the same folds whose premium are the customers of most value among those tested together."""
    tier = np.full((1, *oof.fold.shape), -1, dtype=np.int8)
    for r, k in np.ndindex(oof.repeats, oof.folds):
        test = np.flatnonzero(oof.fold[r] == k)
        rank = known.iloc[test].rank(method="first", ascending=False, na_option="bottom")
        tier[0, r, test] = np.where(rank <= round(share * len(test)), 0, 1)
    return replace(oof, pairs=(("value alone", PRACTISED),), tier=tier)


def _measured(row: pd.Series, n: int) -> dict[str, Any]:
    return {key: row[key] for key in ("estimate", "ci_low", "ci_high")} | {"n": n, "reason": ""}


def _none(reason: str) -> dict[str, Any]:
    return {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0, "reason": reason}


@step(high_tier_odds, "references", "models")
def odds_beside(study: Study) -> pd.DataFrame:
    """Return the odds ratio of the high-risk tier for models and references as practised: `high_tier_odds`."""
    rows = high_tier_odds(study)
    return rows[rows["arm"] == PRACTISED].reset_index(drop=True)


def odds_over_lenders(study: Study) -> tuple[pd.DataFrame, str]:
    """Return the odds ratio of the high-risk tier at each lender and pooled, and where they come from.

    Returns:
        `model, lender, lenders, estimate, ci_low, ci_high, prediction_low, prediction_high, grade, verdict` (of
        the pooled rows; lender *All lenders*), and `real` (this run) or `recorded`.
    """
    kept = recorded.frame("11_synthesis/odds")
    own = _own_odds(study)
    if kept is None or own["lender"].nunique() >= kept["lender"].nunique():
        return own, "real"
    return kept, "recorded"


def _own_odds(study: Study) -> pd.DataFrame:
    found = over_lenders(study)
    keys = "purpose == 'odds' and arm == @PRACTISED"
    rows, pooled = (part.query(keys) if len(part) else part for part in found.values())
    claim = claims.definitions().loc["H1a"]
    table = pd.concat([rows, pooled.assign(lender=ALL_LENDERS)], ignore_index=True)
    table = table.rename(columns={"model_a": "model"})
    together = table["lender"] == ALL_LENDERS
    numbers = ["estimate", "ci_low", "ci_high", "prediction_low", "prediction_high"]
    table[numbers] = np.exp(table.reindex(columns=numbers).astype(float))
    table["grade"] = [
        claims.grade(real=True, lenders=int(row.lenders), consistent=bool(row.consistent)) if pool else ""
        for row, pool in zip(table.itertuples(), together, strict=True)
    ]
    table["verdict"] = [
        claims.verdict(claim, row.ci_low, row.ci_high, row.grade) if row.grade else ""
        for row in table.itertuples()
    ]
    columns = ["model", "lender", "lenders", *numbers, "i_squared", "grade", "verdict"]
    return table.reindex(columns=columns)
