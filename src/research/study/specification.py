"""Does a difference between two models hold under other reasonable choices?"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pandas as pd

from research.collect import datasets
from research.collect import windows as windowing
from research.collect import worth as worths
from research.compare import criteria, purposes, resampling
from research.errors import UserError
from research.files.textfiles import own_yaml
from research.parameters import Study
from research.paths import DEFINITIONS
from research.segment import registry
from research.segment.recut import FitOnce, Recut
from research.steps import step
from research.study.customers import for_comparison
from research.study.folds import each, out_of_fold
from research.study.measured import fold_measures
from research.study.models import model, not_testable
from research.study.purposes import by_construction
from research.study.robustness import readings
from research.study.weighting import survey_weights, weights
from research.tiers import TIERS

CHOICES = ("tier_shares", "weights", "window")
PAIRS = (("tree", "rfm"), ("tree", "abc"), ("abc", "rfm"))
PRACTISED = registry.ARMS[0]
ONLY = "as recorded"  # the window of a data set that can be read over one only


@cache
def alternatives() -> dict[str, Any]:
    """Return the other choices, as written in `sensitivity.yml`."""
    return own_yaml(DEFINITIONS / "sensitivity.yml")


@step(model, survey_weights, "models", "folds")
def chosen_fold(study: Study, split: int) -> dict[str, resampling.Judged]:
    """Return what models say, under every choice of a window, of the customers of one split: see `chosen_folds`."""
    return {window: folding.judge(split) for window, folding in _choices(study).items()}


@step(chosen_fold)
def chosen_folds(study: Study) -> dict[str, tuple[float, pd.DataFrame]]:
    """Return window → test size over training size, and the folds under every tier share and weighting.

    The folds (first repeat) are those of `criteria.fold_measures`; their `arm` is "shares|weights", "shares|" of a
    model without weights. A model is fitted once per window, fold and weighting.
    """
    judged, found = each(chosen_fold, study, study.folds), {}
    for window, folding in _choices(study).items():
        oof = folding.collected([split[window] for split in judged])
        found[window] = (
            oof.test_train_ratio,
            criteria.fold_measures(oof, need=worths.need(folding.X)[0], kinds=("area", "need")),
        )
    return found


def _choices(study: Study) -> dict[str, resampling.Folding]:
    """Return window → the models under every tier share and weighting, and the customers."""
    made, found = options(study)[0], {}
    for window, length in made["window"].items():
        table = windowing.customers(study.dataset, length) if length else for_comparison(study)
        makers = {}
        for name in study.models:
            if not_testable(study, name):
                continue
            own = made["weights"] if registry.MODELS[name].weight_keys else {"": None}
            for label, given in own.items():
                once = FitOnce(partial(registry.make, name, seed=study.seed, weights=given))
                for cut, shares in made["tier_shares"].items():
                    makers[(name, f"{cut}|{label}")] = partial(Recut, once, shares)
        found[window] = resampling.Folding(makers, table, table["default"], study.folds, 1, study.seed)
    return found


@step(chosen_folds, fold_measures, readings, by_construction, "models")
def specification_curve(study: Study) -> dict[str, Any]:
    """Return differences between two models under other reasonable choices.

    Tier shares, weights and windows are crossed (first repeat of the folds); equal information and other readings of
    the outcome are each laid beside the study's own choices. Only choices that can change a difference are varied: a
    score does not depend on tier shares.

    Returns:
        `curve`: one row per purpose, pair and combination of choices: `purpose, model_a, model_b, inputs, outcome,
        tier_shares, weights, window` (empty where it is not varied), `difference, ci_low, ci_high, p_value, result`,
        `own` (the study's own choices). A result here is that of one specification, unadjusted. `measures`: the
        same differences in the other measures of `sensitivity.yml`, those of version 1 of the protocol among them:
        `purpose, measure, why, model_a, model_b, difference, ci_low, ci_high, p_value, result`, without a margin.
        `not_testable`: reasons why a choice is not varied.
    """
    made, reasons = options(study)
    own = {choice: next(iter(made[choice])) for choice in CHOICES}
    crossed = [
        _differences(study, made, window).assign(inputs=PRACTISED, outcome="") for window in made["window"]
    ]
    rows = pd.concat([*crossed, *_beside(study, own)], ignore_index=True)
    rows["own"] = (rows["inputs"] == PRACTISED) & (rows["outcome"] == "")
    for choice in CHOICES:
        rows["own"] &= rows[choice].isin(["", own[choice]])
    return {"curve": rows, "measures": _other_measures(study), "not_testable": reasons}


def _beside(study: Study, own: dict[str, str]) -> list[pd.DataFrame]:
    """Return the differences with equal information and under other readings of the outcome, all else unchanged."""
    ratio = out_of_fold(study).test_train_ratio
    other = registry.ARMS[1]
    folds = fold_measures(study).query("arm == @other")
    cases = [(other, "", folds)] if len(folds) else []
    read = readings(study)
    cases += [(PRACTISED, name, read[read["outcome"] == name]) for name in read["outcome"].unique()[1:]]
    built, found = by_construction(study), []
    for inputs, outcome, part in cases:
        for purpose in ("risk", "need"):
            free = [name for name in study.models if f"{name}|{inputs}" not in built.get(purpose, ())]
            rows = _tested(part[part["model"].isin(free)].assign(arm=PRACTISED), ratio, purpose)
            shares = own["tier_shares"] if purpose == "need" else ""
            fixed = {"weights": own["weights"], "window": own["window"], "tier_shares": shares}
            found.append(rows.assign(inputs=inputs, outcome=outcome, **fixed))
    return found


def _other_measures(study: Study) -> pd.DataFrame:
    """Return the differences as practised in other measures, turned so that higher is better."""
    folds, ratio = fold_measures(study).query("arm == @PRACTISED"), out_of_fold(study).test_train_ratio
    primary, found = purposes.definitions()["measure"], []
    direction = criteria.definitions().set_index("measure")["direction"]
    for entry in alternatives()["measures"]:
        sign = -1.0 if direction[entry["measure"]] == "lower" else 1.0
        part = folds[folds["measure"] == entry["measure"]]
        part = part.assign(measure=primary[entry["purpose"]], estimate=sign * part["estimate"])
        rows = _tested(part, ratio, entry["purpose"], margin=0.0)
        found.append(rows.assign(measure=entry["measure"], why=entry["why"]))
    return pd.concat(found, ignore_index=True)


def options(study: Study) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return choice → option → value, the study's own option first, and what cannot be varied, with the reason."""
    other, reasons = alternatives(), []
    shares = {_shares_label(study.tier_shares.model_dump()): study.tier_shares.model_dump()}
    shares |= {_shares_label(entry["value"]): entry["value"] for entry in other["tier_shares"]}
    invented = " (invented)" if study.fieldwork.provenance == "invented" else ""
    named = {"survey": f"survey{invented}"}
    own = study.weights if isinstance(study.weights, str) else "as in the study"
    weighting = {named.get(own, own): weights(study)}
    for entry in other["weights"]:
        label, value = named.get(entry["label"], entry["label"]), entry["value"]
        if label in weighting:
            continue
        try:
            weighting[label] = survey_weights(study) if value == "survey" else value
        except UserError as error:
            reasons.append(f"Weights of the experts: {error}.")
    found = {} if datasets.is_path(study.dataset) else windowing.windows(study.dataset)
    if not found:
        reasons.append("Window: recency, frequency and amount come from the source over one window only.")
    return {"tier_shares": shares, "weights": weighting, "window": found or {ONLY: 0}}, reasons


def _shares_label(shares: dict[str, float]) -> str:
    return "/".join(f"{100 * shares[tier]:g}" for tier in TIERS) + " %"


def _differences(study: Study, made: dict[str, dict[str, Any]], window: str) -> pd.DataFrame:
    """Return the paired differences of one window under every choice that can change them."""
    ratio, folds = chosen_folds(study)[window]
    first, cut = next(iter(made["tier_shares"])), folds["arm"].str.partition("|")
    folds = folds.assign(tier_shares=cut[0], weights=cut[2])
    scores = folds[folds["tier_shares"] == first]
    needs = purposes.definitions().loc["need", "measure"] in set(folds["measure"])
    rows = []
    for weighting in made["weights"]:
        rows.append(_paired(ratio, scores, "risk", weighting).assign(tier_shares=""))
        for shares in made["tier_shares"] if needs else ():
            tiers = folds[folds["tier_shares"] == shares]
            rows.append(_paired(ratio, tiers, "need", weighting).assign(tier_shares=shares))
    return pd.concat(rows, ignore_index=True).assign(window=window)


def _paired(ratio: float, folds: pd.DataFrame, purpose: str, weighting: str) -> pd.DataFrame:
    """Return the differences of the three pairs under one weighting; a model without weights has the weighting ""."""
    kept = folds[folds["weights"].isin([weighting, ""])].assign(arm=PRACTISED)
    return _tested(kept, ratio, purpose).assign(weights=weighting)


def _tested(folds: pd.DataFrame, ratio: float, purpose: str, margin: float | None = None) -> pd.DataFrame:
    """Return the paired differences of one purpose, each with the result of its own interval and unadjusted test."""
    tests = purposes.contrasts(folds, ratio, [(purpose, *pair) for pair in PAIRS], PRACTISED)
    margins = tests["margin"] if margin is None else [margin] * len(tests)
    results = [
        purposes.result(row.ci_low, row.ci_high, row.p_value, within)
        for row, within in zip(tests.itertuples(), margins, strict=True)
    ]
    columns = ["purpose", "model_a", "model_b", "difference", "ci_low", "ci_high", "p_value", "result"]
    return tests.assign(result=results)[columns]
