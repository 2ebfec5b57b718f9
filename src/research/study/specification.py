"""Does the verdict hold under other reasonable choices?"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pandas as pd
import yaml

from research.collect import datasets
from research.collect import windows as windowing
from research.collect import worth as worths
from research.compare import criteria, inference, resampling, specification
from research.compare import verdict as judging
from research.errors import UserError
from research.fingerprint import fingerprint
from research.parameters import Study
from research.paths import DEFINITIONS
from research.segment import registry
from research.segment.recut import FitOnce, Recut
from research.steps import step
from research.study.customers import customers, outcome
from research.study.folds import picked, workers
from research.study.measured import measured
from research.study.models import not_testable
from research.study.weighting import located, survey_weights, weights
from research.tiers import TIERS

CHOICES = ("tier_shares", "weights", "costs", "window")
HELD = (6, 8, 9)  # criteria taken from the main comparison: refits, rules and groups are not computed again
PROFIT = ("emp_roi", "emp_p0", "emp_p1")
PRACTISED = registry.ARMS[0]
ONLY = "as recorded"  # the window of a data set that can be read over one only


@cache
def alternatives() -> dict[str, Any]:
    """Return the other choices, as written in `sensitivity.yml`."""
    return yaml.safe_load((DEFINITIONS / "sensitivity.yml").read_text(encoding="utf-8"))


def experts_key(study: Study) -> str:
    """Return the fingerprint of the experts' comparisons, nothing where the study has none."""
    return fingerprint([located(study.fieldwork.ahp, "ahp")]) if study.fieldwork.ahp else ""


@step(measured, "fieldwork", data=experts_key)
def specification_curve(study: Study) -> dict[str, Any]:
    """Return the verdict as practised under every combination of choices (first repeat of the folds).

    `curve`: one row per specification and model: the choices, `estimate` (mean rank over criteria), `clear` (its best
    model is clearly best), and what `compare.specification` adds; `winners` and `flips` (see
    there); `options` (choice to its options, where there are several); `own` (position of the study's own choices);
    `held` (criteria not computed again); `not_testable` (reasons); `n`.
    """
    made, reasons = options(study)
    parts = [_judged(study, made, window, length) for window, length in made["window"].items()]
    rows = pd.concat(parts, ignore_index=True)
    curve = specification.specification_curve(rows, CHOICES, higher_better=False)
    first = {choice: next(iter(made[choice])) for choice in CHOICES}
    varied = [name for name in CHOICES if len(made[name]) > 1]
    own = curve[(curve[list(CHOICES)] == pd.Series(first)).all(axis=1)]
    return {
        "curve": curve,
        "winners": specification.winners(curve.drop_duplicates("position")["best"]),
        "flips": specification.flips(curve, varied),
        "options": {name: list(made[name]) for name in varied},
        "own": int(own["position"].iloc[0]),
        "not_testable": reasons,
        "held": sorted(held(study)["criterion"].unique()),
        "n": int(customers(study)["default"].notna().sum()),
    }  # fmt: skip


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
            weighting[label] = survey_weights(study.fieldwork.ahp) if value == "survey" else value
        except UserError as error:
            reasons.append(f"Weights of the experts: {error}.")
    costs = {"as in the study": {name: getattr(study.costs, name) for name in PROFIT}}
    if reason := outcome(study).no_default_rate:
        reasons.append(f"Costs: {reason}, so that no profit is computed.")
    else:
        costs |= {entry["label"]: entry["value"] for entry in other["costs"]}
    found = {} if datasets.is_path(study.dataset) else windowing.windows(study.dataset)
    if not found:
        reasons.append("Window: recency, frequency and amount come from the source over one window only.")
    return {
        "tier_shares": shares,
        "weights": weighting,
        "costs": costs,
        "window": found or {ONLY: 0},
    }, reasons


def _shares_label(shares: dict[str, float]) -> str:
    return "/".join(f"{100 * shares[tier]:g}" for tier in TIERS) + " %"


def _judged(study: Study, made: dict[str, dict[str, Any]], window: str, length: int) -> pd.DataFrame:
    """Return one row per specification of a window and model: choices, mean rank, clear."""
    oof, table = _under_choices(study, made, length)
    worth, need = worths.worth(table)[0], worths.need(table)[0]
    folds = criteria.fold_measures(oof, worth, need)
    first = f"{next(iter(made['tier_shares']))}|"  # a score does not depend on the shares
    kept = [place for place, (_, arm) in enumerate(oof.pairs) if arm.startswith(first)]
    scores = picked(oof, kept, tuple(oof.pairs[place] for place in kept))
    profits = [
        criteria.fold_measures(scores, profit=tuple(value[name] for name in PROFIT))
        .query("measure == 'emp'")
        .assign(costs=name)
        for name, value in made["costs"].items()
    ]
    judged = _Judged(study, folds, pd.concat(profits, ignore_index=True), oof)
    grid = specification.specifications({name: made[name] for name in CHOICES if name != "window"})
    rows = []
    for spec in grid.itertuples():
        ranking, clear = judging.standing(judged.criteria(spec.tier_shares, spec.weights, spec.costs))
        made_here = ranking[["model"]].assign(estimate=ranking["mean_rank"], clear=clear, window=window)
        rows.append(made_here.assign(tier_shares=spec.tier_shares, weights=spec.weights, costs=spec.costs))
    return pd.concat(rows, ignore_index=True)


def _under_choices(
    study: Study, made: dict[str, dict[str, Any]], length: int
) -> tuple[resampling.OutOfFold, pd.DataFrame]:
    """Predict out of fold under every tier share and weighting; a model is fitted once per fold and weighting.

    The arm of a pair is "shares|weights"; a model without weights has "shares|".
    """
    table = windowing.customers(study.dataset, length) if length else customers(study)
    makers = {}
    for name in study.models:
        if not_testable(study, name):
            continue
        own = made["weights"] if registry.MODELS[name].weight_keys else {"": None}
        for label, given in own.items():
            once = FitOnce(partial(registry.make, name, seed=study.seed, weights=given))
            for cut, shares in made["tier_shares"].items():
                makers[(name, f"{cut}|{label}")] = partial(Recut, once, shares)
    oof = resampling.out_of_fold(makers, table, table["default"], study.folds, 1, study.seed, workers())
    return oof, table


def held(study: Study) -> pd.DataFrame:
    """Return the criteria that no specification computes again, as practised, from the main comparison."""
    rows = measured(study)["criteria"]
    return rows[rows["criterion"].isin(HELD) & (rows["arm"] == PRACTISED) & rows["model"].isin(study.models)]


class _Judged:
    """Criteria judged once per choice they depend on: AUC by weights, profit by weights and costs, tiers by shares."""

    def __init__(
        self, study: Study, folds: pd.DataFrame, profits: pd.DataFrame, oof: resampling.OutOfFold
    ) -> None:
        known = criteria.definitions().query("primary == 'yes'").set_index("measure")["criterion"]
        folds = folds[folds["measure"].isin(known.index) & (folds["measure"] != "emp")]
        arms = folds["arm"].str.partition("|")
        self.folds = folds.assign(tier_shares=arms[0], weights=arms[2])
        arms = profits["arm"].str.partition("|")
        self.profits = profits.assign(tier_shares=arms[0], weights=arms[2])
        if outcome(study).no_default_rate:
            self.profits = self.profits.iloc[:0]
        self.held = held(study)
        self.oof, self.models, self.dataset = oof, list(study.models), datasets.shown(study.dataset)
        self.first = self.folds["tier_shares"].iloc[0]
        self.known: dict[tuple[str, ...], pd.DataFrame] = {}

    def criteria(self, shares: str, weighting: str, costs: str) -> pd.DataFrame:
        """Return the judged criteria of one specification."""
        weighed = self.folds["weights"].isin([weighting, ""])
        of_score = weighed & (self.folds["measure"] == "auc") & (self.folds["tier_shares"] == self.first)
        of_tiers = weighed & (self.folds["measure"] != "auc") & (self.folds["tier_shares"] == shares)
        gain = self.profits["weights"].isin([weighting, ""]) & (self.profits["costs"] == costs)
        gain &= self.profits["tier_shares"] == self.first
        found = [
            self._judge(("score", weighting), self.folds[of_score]),
            self._judge(("tiers", shares, weighting), self.folds[of_tiers]),
            self._judge(("profit", weighting, costs), self.profits[gain]),
            self._judge(("held",), self.held),
        ]
        return pd.concat(found, ignore_index=True).sort_values("criterion", kind="stable")

    def _judge(self, key: tuple[str, ...], rows: pd.DataFrame) -> pd.DataFrame:
        if key not in self.known:
            pairs = pd.DataFrame(columns=["measure", "model_a", "model_b"])
            if "fold" in rows and len(rows):
                rows = rows.assign(arm=PRACTISED)
                pairs = inference.pairwise(rows, self.oof.test_train_ratio)
                rows = criteria.numbered(criteria.summarise_folds(rows, self.oof), self.dataset)
            judged = judging.judge_criteria(rows, pairs, self.models)
            self.known[key] = judged[judged["best"] != ""]
        return self.known[key]
