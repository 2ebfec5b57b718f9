"""Does the verdict hold? Other reasonable choices, other readings of the outcome, later loans, and the truth."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import yaml

from research.collect import datasets
from research.collect import windows as windowing
from research.collect import worth as worths
from research.collect.simulate.recovery import recovery
from research.compare import criteria, economics, inference, resampling, specification, stability
from research.compare import verdict as judging
from research.errors import UserError
from research.fingerprint import fingerprint
from research.manage.drift import judge
from research.paths import DEFINITIONS
from research.segment import registry
from research.segment.recut import FitOnce, Recut
from research.steps import step
from research.study import compare
from research.study.collect import customers, data_key, outcome
from research.study.monitor import monthly_tiers, months, panel_key
from research.study.segment import not_testable
from research.study.weighting import located, survey_weights, weights
from research.tiers import TIERS

CHOICES = ("tier_shares", "weights", "costs", "window")
HELD = (6, 8, 9)  # criteria taken from the main comparison: refits, rules and groups are not computed again
PROFIT = ("emp_roi", "emp_p0", "emp_p1")
PRACTISED = registry.ARMS[0]
ONLY = "as recorded"  # the window of a data set that can be read over one only
TRUTH_FOLDS = 3
TRUTH_CUSTOMERS = 10_000
TRUTH_REFERENCES = ("random", "grade", "boosting")


@cache
def alternatives() -> dict[str, Any]:
    """Return the other choices, as written in `sensitivity.yml`."""
    return yaml.safe_load((DEFINITIONS / "sensitivity.yml").read_text(encoding="utf-8"))


def experts_key(study: Any) -> str:
    """Return the fingerprint of the experts' comparisons, nothing where the study has none."""
    return fingerprint([located(study.fieldwork.ahp, "ahp")]) if study.fieldwork.ahp else ""


@step(compare.measured, "fieldwork", data=experts_key)
def specification_curve(study: Any) -> dict[str, Any]:
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


def options(study: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
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


def _judged(study: Any, made: dict[str, dict[str, Any]], window: str, length: int) -> pd.DataFrame:
    """Return one row per specification of a window and model: choices, mean rank, clear."""
    oof, table = _under_choices(study, made, length)
    worth, need = worths.worth(table)[0], worths.need(table)[0]
    folds = criteria.fold_measures(oof, worth, need)
    first = f"{next(iter(made['tier_shares']))}|"  # a score does not depend on the shares
    kept = [place for place, (_, arm) in enumerate(oof.pairs) if arm.startswith(first)]
    scores = compare.picked(oof, kept, tuple(oof.pairs[place] for place in kept))
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
    study: Any, made: dict[str, dict[str, Any]], length: int
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
    oof = resampling.out_of_fold(
        makers, table, table["default"], study.folds, 1, study.seed, compare.workers()
    )
    return oof, table


def held(study: Any) -> pd.DataFrame:
    """Return the criteria that no specification computes again, as practised, from the main comparison."""
    rows = compare.measured(study)["criteria"]
    return rows[rows["criterion"].isin(HELD) & (rows["arm"] == PRACTISED) & rows["model"].isin(study.models)]


class _Judged:
    """Criteria judged once per choice they depend on: AUC by weights, profit by weights and costs, tiers by shares."""

    def __init__(
        self, study: Any, folds: pd.DataFrame, profits: pd.DataFrame, oof: resampling.OutOfFold
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


@step(compare.measured)
def outcome_sensitivity(study: Any) -> pd.DataFrame:
    """Return the AUC of the models as practised under every reading of the outcome; no rows where there is one only.

    Columns: outcome, model, known, bad, estimate, ci_low, ci_high, n. The first reading is that of the study.
    """
    columns = ["outcome", "model", "known", "bad", "estimate", "ci_low", "ci_high", "n"]
    table, rows = customers(study), []
    found = pd.DataFrame() if datasets.is_path(study.dataset) else datasets.outcome_variants(study.dataset)
    names = [name for name in study.models if not not_testable(study, name)]
    for reading in found.columns:
        y, shares = found[reading], study.tier_shares.model_dump()
        makers = {
            (name, PRACTISED): partial(
                registry.make, name, seed=study.seed, shares=shares, weights=weights(study)
            )
            for name in names
        }
        oof = resampling.out_of_fold(
            makers, table, y, study.folds, study.repeats, study.seed, compare.workers()
        )
        auc = criteria.fold_measures(oof).query("measure == 'auc'")
        made = criteria.summarise_folds(auc, oof).assign(
            outcome=reading, known=int(y.notna().sum()), bad=int(y.sum())
        )
        rows.append(made)
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def drift_key(study: Any) -> str:
    """Return the fingerprints of the study's data set and of the monthly panels that are here."""
    return data_key(study) + panel_key(study)


@step(compare.measured, monthly_tiers, "bootstrap", data=drift_key)
def tier_drift(study: Any) -> dict[str, Any]:
    """Return how far tier shares moved over time: `rows` (model, arm, psi with interval, band), `periods`, `reason`.

    Loans with dates: the earlier half of the loans is the reference, so that both halves are equally sure and no month
    is chosen. A monthly panel: the first month, on which the frozen model was fitted, against the last.
    """
    made = compare.measured(study)["criteria"]
    rows = made.loc[made["measure"] == "psi", ["model", "arm", "estimate", "ci_low", "ci_high", "n"]]
    if len(rows):
        periods = "the later half of the loans against the earlier half, out of fold"
    elif study.dataset in datasets.names() and datasets.definition(study.dataset).get("panel"):
        rows, periods = _panel_drift(study)
    else:
        return {
            "rows": pd.DataFrame(),
            "periods": "",
            "reason": "the loans have no dates and no monthly records",
        }
    bands = judge(rows["estimate"], "psi")["verdict"].to_numpy()
    return {"rows": rows.assign(band=bands), "periods": periods, "reason": ""}


def _panel_drift(study: Any) -> tuple[pd.DataFrame, str]:
    dates = months(study, study.dataset)
    ends = dates.iloc[[0, -1]]
    rows = []
    for name in study.models:
        long = monthly_tiers(study, study.dataset, name)
        wide = long.pivot(index="customer_id", columns="period", values="tier")[list(ends["period"])].dropna()
        rows.append(stability.psi_of_panel(wide.iloc[:, 0], wide.iloc[:, 1], study.bootstrap, study.seed)
                    .assign(model=name, arm=PRACTISED))  # fmt: skip
    first, last = ends["label"]
    return pd.concat(rows, ignore_index=True), f"{last} against {first}, cut points frozen in {first}"


@step(weights, "models", "tier_shares", "seed", "bootstrap", "simulated_customers")
def truth_regret(study: Any) -> dict[str, Any]:
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
    oof = resampling.out_of_fold(
        makers, table, table["default"], TRUTH_FOLDS, 1, study.seed, compare.workers()
    )
    rows = economics.regret(oof, bank.truth, study.bootstrap, study.seed)
    return {"rows": rows, "customers": size, "bad": int(np.nansum(oof.y)), "folds": TRUTH_FOLDS}


@step("simulated_customers")
def parameter_recovery(study: Any) -> pd.DataFrame:
    """Return the parameters of the simulated bank beside what a regression finds of them in its months."""
    return recovery(datasets.simulation(min(study.simulated_customers, TRUTH_CUSTOMERS)))
