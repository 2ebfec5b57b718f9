"""The study's table of contents: every step, what it needs and what it returns.

A notebook calls these steps and shows what they return; nothing is computed twice (see `steps`).
"""

from __future__ import annotations

import datetime
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from research.collect import classification as classes
from research.collect import constructs as canon
from research.collect import datasets
from research.collect import quality as checks
from research.collect import worth as worths
from research.compare import criteria, fairness, inference, resampling
from research.compare import verdict as judging
from research.compare.calibration import tier_calibration
from research.compare.economics import ideal_tiers
from research.compare.parsimony import parsimony
from research.errors import UserError, nearest
from research.explain import association, design, missing, pricing, risk
from research.manage import benefits, break_even, contacts, portfolio, sensitivity, strategies
from research.manage import loan_quality as quality_rules
from research.manage import policy as policies
from research.segment import profile, registry
from research.segment.abc_model import cell_definitions
from research.segment.base import StratificationModel
from research.segment.tiers import as_tiers
from research.steps import step

CARD = (
    "title",
    "period",
    "currency",
    "sampling",
    "outcome",
    "censoring",
    "money_window",
    "limits",
    "licence",
    "citation",
)
PD_FROM = ("scorecard", "boosting", "tree")  # the first of these gives the PD of the policy simulation
LENDERS_PRICE = (
    "interest_rate",
    "instalment",
)  # follow from the grade; an outcome of the lender's own assessment


def data_key(study: Any) -> str:
    """Return the fingerprint of the study's data set."""
    return datasets.data_fingerprint(study.dataset, study.crosswalk or None)


def all_data_key(study: Any) -> str:
    """Return the fingerprints of all data sets in the comparison."""
    return "".join(datasets.data_fingerprint(name) for name in study.compare_datasets)


# P1: data -------------------------------------------------------------------------------------------------------


@step("dataset", "crosswalk", data=data_key)
def customers(study: Any) -> pd.DataFrame:
    """Return the canonical customer table: one row per customer, one column per measured construct."""
    return datasets.load(study.dataset, study.crosswalk or None)


@step(customers)
def about(study: Any) -> dict[str, Any]:
    """Return what is known of the data set: title, outcome, censoring, rows, outcome rate, card, banner."""
    table = customers(study)
    outcome = table.get("default", pd.Series(dtype=float))
    stated = {} if datasets.is_path(study.dataset) else datasets.definition(study.dataset)
    facts = {
        "dataset": study.dataset,
        "title": stated.get("title", f"Own loan book ({Path(study.dataset).name})"),
        "outcome": stated.get("outcome", "bad as recorded in the loan book"),
        "censoring": stated.get("censoring", "not stated"),
        "rows": len(table),
        "known": int(outcome.notna().sum()),
        "bad": int(outcome.sum()),
        "outcome_rate": float(outcome.mean()),
        "currency": stated.get("currency", "as in the loan book"),
    }
    kind = "real" if stated.get("real", True) else "simulated"
    words = "Simulated data: no bank, no person." if kind == "simulated" else f"Real data: {facts['title']}."
    texts = {
        key: "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in stated.items()
    }
    kept = [key for key in CARD if key in texts]
    return facts | {
        "banner": (kind, words),
        "card": pd.DataFrame(
            {"item": [key.replace("_", " ") for key in kept], "text": [texts[key] for key in kept]}
        ),
    }


@step("dataset", "compare_datasets", data=all_data_key)
def data_sets(study: Any) -> pd.DataFrame:
    """Return one row per data set of the study."""
    return datasets.describe(_all_names(study))


@step("dataset", "compare_datasets", data=all_data_key)
def coverage(study: Any) -> pd.DataFrame:
    """Return construct × data set: direct, proxy or absent, with source and reason."""
    return datasets.coverage(_all_names(study))


@step(customers)
def quality(study: Any) -> dict[str, pd.DataFrame]:
    """Return the quality checks: summary, missing, impossible, distributions, levels, leakage."""
    table = customers(study)
    made = datasets.harmonise(study.dataset, study.crosswalk or None)
    raw = datasets.load_raw(study.dataset)
    walk = datasets.crosswalk_of(study.dataset, study.crosswalk or None)
    return {
        "summary": checks.report(raw, walk, table, made.unmapped),
        "missing": checks.missing(table),
        "impossible": checks.impossible(table),
        "distributions": checks.distributions(table),
        "levels": checks.levels(table),
        "leakage": datasets.leakage(study.dataset),
    }


@step(customers)
def classification(study: Any) -> pd.DataFrame:
    """Return each customer's classes under the thirteen standards K1 to K13."""
    given = None if datasets.is_path(study.dataset) else datasets.classification_parameters(study.dataset)
    return classes.classify(customers(study), parameters=given)


@step(classification)
def classification_summary(study: Any) -> pd.DataFrame:
    """Return counts, amounts and outcome rates of every class of every standard."""
    return classes.summary(classification(study), customers(study))


@step(classification)
def classification_tests(study: Any) -> pd.DataFrame:
    """Return the association of each standard with the outcome."""
    names = classes.standards().drop_duplicates("standard").set_index("standard")["name"]
    return association.tests(classification(study), customers(study)["default"], names)


# R1: quantitative ------------------------------------------------------------------------------------------------


@step(customers)
def regression_design(study: Any) -> design.Design:
    """Return the regression design without rate and instalment, which the lender set after its own assessment."""
    return design.build(customers(study), canon.constructs(), leave_out=LENDERS_PRICE)


@step(regression_design, "folds", "seed")
def regression(study: Any) -> dict[str, pd.DataFrame]:
    """Return the logit of the outcome: coefficients, fit, blocks, collinearity, nonlinearity, calibration."""
    made = regression_design(study)
    model = risk.fit(made)
    deciles, summary = risk.calibration(made, study.folds, study.seed)
    return {
        "coefficients": risk.coefficients(model),
        "fit": risk.fit_quality(model),
        "blocks": risk.block_tests(model),
        "collinearity": risk.collinearity(made),
        "nonlinearity": risk.nonlinearity(model),
        "deciles": deciles,
        "calibration": summary,
        "dropped": made.dropped,
        "missing": missing.sensitivity(made, customers(study), study.seed),
    }


@step(regression_design)
def rate_drivers(study: Any) -> dict[str, pd.DataFrame]:
    """Return what drives the rate charged, with and without the lender's own grade; empty without a rate."""
    table = customers(study)
    if "interest_rate" not in table:
        return {}
    blind = design.build(table, canon.constructs(), leave_out=(*LENDERS_PRICE, "credit_grade"))
    seeing = regression_design(study)
    return {
        "coefficients": pricing.fit(seeing, table["interest_rate"]),
        "explained": pricing.explained(seeing, table["interest_rate"]),
        "coefficients_without_grade": pricing.fit(blind, table["interest_rate"]),
        "explained_without_grade": pricing.explained(blind, table["interest_rate"]),
    }


# M1 to M3: tiers --------------------------------------------------------------------------------------------------


@step(customers, "tier_shares", "seed")
def model(study: Any, name: str, arm: str = "as practised") -> StratificationModel:
    """Return a model fitted on all customers, with its frozen cut points."""
    table = customers(study)
    made = registry.make(name, arm, seed=study.seed, shares=study.tier_shares.model_dump())
    return made.fit(table, table["default"])


def not_testable(study: Any, name: str) -> str:
    """Return why a model cannot be used on the study's data as practised, or nothing when it can."""
    return registry.not_testable(name, customers(study).columns)


@step(model)
def tiers(study: Any, name: str, arm: str = "as practised") -> pd.Series:
    """Return each customer's tier under a model, with the study's tier shares."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name, arm).predict(table)), index=table.index, name="tier")


@step(model)
def native_tiers(study: Any, name: str) -> pd.Series:
    """Return each customer's tier by the model's own rule, before shares are matched."""
    table = customers(study)
    return pd.Series(as_tiers(model(study, name).native_tiers(table)), index=table.index, name="tier")


@step(tiers)
def tier_rates(study: Any, name: str) -> pd.DataFrame:
    """Return size, outcome rate and worth of each tier, with matched shares (`tiers` = matched) and by the own rule."""
    table, worth = customers(study), worths.worth(customers(study))[0]
    parts = {"matched shares": tiers(study, name), "own rule": native_tiers(study, name)}
    frames = [
        profile.rates(part, table["default"], worth).assign(panel=label) for label, part in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


@step(tiers)
def tier_profile(study: Any, name: str) -> pd.DataFrame:
    """Return the median and middle half of each numeric predictor by tier."""
    return profile.medians(customers(study), tiers(study, name), canon.constructs())


@step(model)
def rfm_grid(study: Any) -> pd.DataFrame:
    """Return customers and outcome rate over recency score × frequency score."""
    table, fitted = customers(study), model(study, "rfm")
    scores = pd.DataFrame(fitted.transform(table), columns=fitted.component_names_, index=table.index)
    grouped = table["default"].groupby([scores["r_score"], scores["f_score"]])
    return grouped.agg(n="size", known="count", rate="mean").reset_index()


@step(model)
def abc_cells(study: Any) -> pd.DataFrame:
    """Return the customers, outcome rate and tier of each value × risk × need cell."""
    table = customers(study)
    cells = model(study, "abc").cells(table)
    keys = ["a_level", "b_level", "c_level"]
    counted = cells.assign(default=table["default"]).groupby(keys, observed=False)
    counts = counted.agg(n=("tier", "size"), rate=("default", "mean")).reset_index()
    return counts.merge(cell_definitions()[[*keys, "tier"]], on=keys, validate="one_to_one")


# 3: comparison ----------------------------------------------------------------------------------------------------


@step(model, "folds", "repeats", "models", "references")
def out_of_fold(study: Any) -> resampling.OutOfFold:
    """Return every model's predictions for customers it has not seen, in both arms."""
    table = customers(study)
    made = resampling.out_of_fold(
        _makers(study, table), table, table["default"], study.folds, study.repeats, study.seed, workers()
    )
    return _both_arms(made)


@step(model, "models", "references", "stability_refits")
def refits(study: Any) -> resampling.Refits:
    """Return every model's tiers after refitting it on bootstrap samples."""
    table = customers(study)
    made = resampling.bootstrap_refits(
        _makers(study, table), table, table["default"], study.stability_refits, study.seed, workers()
    )
    return _both_arms(made)


@step(out_of_fold, refits, "bootstrap", "costs")
def comparison(study: Any) -> dict[str, Any]:
    """Return the criteria of one data set: table, folds, pairwise tests, calibration of tiers, what is not testable."""
    table = customers(study)
    oof = out_of_fold(study)
    worth, worth_is = worths.worth(table)
    need, need_is = worths.need(table)
    costs = study.costs
    folds = criteria.fold_measures(oof, worth, need, profit=(costs.emp_roi, costs.emp_p0, costs.emp_p1))
    counted = {pair: _parsimony(study, *pair) for pair in oof.pairs}
    rows = criteria.criterion_table(
        oof, folds, study.dataset, refits(study), counted, resamples=study.bootstrap, seed=study.seed
    )
    groups = [name for name in ("age", "sex", "marital_status") if name in table]
    fair = fairness.fairness(oof, table[groups], study.bootstrap, study.seed)
    if len(fair):
        rows = pd.concat(
            [rows, criteria.numbered(fairness.worst_attribute(fair), study.dataset)], ignore_index=True
        )
    return {
        "criteria": rows,
        "fairness": fair,
        "folds": folds,
        "pairwise": inference.pairwise(folds, oof.test_train_ratio),
        "calibration": tier_calibration(oof),
        "worth": worth_is,
        "need": need_is,
        "not_testable": [reason for name in study.models if (reason := not_testable(study, name))],
    }


@step(comparison)
def verdict(study: Any, arm: str = "as practised") -> judging.Verdict:
    """Return what the criteria say about the three models: winner per criterion, ranking, caveats."""
    made = comparison(study)
    rows, pairs = (made[key][made[key]["arm"] == arm] for key in ("criteria", "pairwise"))
    candidates = [name for name in study.models if name in set(rows["model"])]
    bad = int(customers(study)["default"].sum())
    return judging.judge(rows, pairs, candidates, titles(), bad)


def titles() -> dict[str, str]:
    """Return the name to show of every model."""
    return {name: spec.title for name, spec in registry.MODELS.items()}


@step(comparison, "compare_datasets", data=all_data_key)
def verdicts(study: Any) -> pd.DataFrame:
    """Return the verdict of both arms on every data set: leader, whether it is clear, the statement."""
    rows = []
    for name in _all_names(study):
        for arm in registry.ARMS:
            found = verdict(study.with_dataset(name), arm)
            rows.append(
                {
                    "dataset": name,
                    "arm": arm,
                    "leader": titles()[found.leader],
                    "clear": found.clear,
                    "statement": found.statement,
                }
            )
    return pd.DataFrame(rows)


@step(comparison, "compare_datasets", data=all_data_key)
def comparison_everywhere(study: Any) -> pd.DataFrame:
    """Return the criterion table of every data set of the study, stacked."""
    frames = [comparison(study.with_dataset(name))["criteria"] for name in _all_names(study)]
    return pd.concat(frames, ignore_index=True)


# 5: management ----------------------------------------------------------------------------------------------------


@step("costs")
def economics(study: Any) -> portfolio.Economics:
    """Return what money, capital and work cost: the assumptions file, with the study's costs."""
    return portfolio.economics(study.costs.model_dump())


@step(out_of_fold)
def unseen_pd(study: Any) -> tuple[pd.Series, str]:
    """Return one PD for all models, from customers each fit has not seen, and the model it comes from."""
    oof = out_of_fold(study)
    offered = [pair for name in PD_FROM for pair in oof.pairs if pair[0] == name]
    if not offered:
        raise UserError(f"the policy simulation needs one of {', '.join(PD_FROM)} among the references")
    probability = oof.probability[oof.pairs.index(offered[0])].mean(axis=0)
    return pd.Series(probability, index=oof.index)[oof.tested], registry.MODELS[offered[0][0]].title


@step(out_of_fold)
def unseen_tiers(study: Any) -> dict[str, pd.Series]:
    """Return each model's tiers as practised for customers it has not seen (first repeat)."""
    oof, names = out_of_fold(study), np.array(resampling.TIERS, dtype=object)
    return {
        name: pd.Series(names[oof.tier[place, 0]], index=oof.index)[oof.tested]
        for place, (name, arm) in enumerate(oof.pairs)
        if arm == registry.ARMS[0]
    }


@step(unseen_pd, unseen_tiers, economics)
def books(study: Any) -> dict[str, pd.DataFrame]:
    """Return the loan book of the policy simulation for the tiers of each model."""
    table, probability, money = customers(study), unseen_pd(study)[0], economics(study)
    table = table.loc[portfolio.usable(table).intersection(probability.index)]
    placed = unseen_tiers(study)
    return {name: portfolio.book(table, probability, mine, money) for name, mine in placed.items()}


@step(books, "seed")
def policy(study: Any) -> dict[str, pd.DataFrame]:
    """Return the tiered policy of every model against one policy for all, and what it rests on."""
    made, table = books(study), strategies.strategies()
    return {
        "comparison": policies.compare_models(made, table, economics(study), seed=study.seed),
        "inputs": portfolio.inputs(next(iter(made.values())), economics(study)),
        "strategies": table,
        "left_out": len(customers(study)) - len(next(iter(made.values()))),
    }


@step(books, policy, "seed")
def policy_detail(study: Any, name: str) -> dict[str, pd.DataFrame]:
    """Return one model's policy in detail: by tier, tornado, break-evens and the evidence on the claimed benefits."""
    made, table, money = books(study), strategies.strategies(), economics(study)
    if name not in made:
        raise UserError(f"model '{name}' has no policy here{nearest(name, made)}")
    book, bad = made[name], customers(study)["default"]
    compared = policy(study)["comparison"].query("model == @name")
    worth = worths.worth(customers(study))[0]
    split = sensitivity.by_tier(book, table, money, seed=study.seed)
    needed = break_even.break_even(book, table, money, seed=study.seed)
    return {
        "by_tier": split,
        "tornado": sensitivity.tornado(book, table, money),
        "break_even": needed,
        "tier_break_even": break_even.tier_break_even(book, table, money),
        "evidence": benefits.hypothesis_evidence(book, compared, needed, split, default=bad, value=worth),
        "matrix": strategies.strategy_matrix(table, portfolio.profile(book, bad)),
    }


@step(books)
def policy_truth(study: Any) -> pd.DataFrame | None:
    """Return what each model's policy is worth under the true PD of the simulated bank; nothing for other data."""
    if study.dataset != datasets.SIMULATED:
        return None
    made, truth = books(study), datasets.simulation().truth
    some = next(iter(made.values()))
    sizes = some["tier"].value_counts().reindex(list(resampling.TIERS)).to_numpy()
    known = truth.loc[some.index]
    places = ideal_tiers(known["true_pd"].to_numpy(), known["true_value"].to_numpy(), sizes)
    best = pd.Series(np.array(resampling.TIERS, dtype=object)[places], index=some.index)
    return sensitivity.profit_by_truth(made, known["true_pd"], best, strategies.strategies(), economics(study))


@step(tiers)
def loan_quality(study: Any, name: str) -> dict[str, Any]:
    """Return loan quality crossed with a model's tiers, contradictions and rules; `reason` where not testable."""
    table, rules = customers(study), quality_rules.policy()
    found: dict[str, Any] = {"rules": quality_rules.provenance(rules, table), "version": rules.version}
    if not set(rules.measures) & set(table.columns):
        return found | {
            "reason": "the data set records no days past due and none of the policy's other measures"
        }
    classed, placed = quality_rules.classify(table, rules), tiers(study, name)
    return found | {
        "crosswalk": quality_rules.crosswalk(classed, placed, table.get("outstanding_balance")),
        "contradictions": quality_rules.contradictions(classed, placed, rules),
        "classified": classed,
    }


@step(model, loan_quality)
def contact_reasons(study: Any, name: str) -> pd.DataFrame:
    """Return why the model placed each customer: tier, reasons, rule, risk, value, and the potential premium flag."""
    table, fitted = customers(study), model(study, name)
    assessed = fitted.assess(table)
    growth = {name: table[name] for name in ("cross_sell_potential", "need_intensity") if name in table}
    flag = contacts.potential_premium(assessed["tier"], assessed["value_score"], growth)
    return pd.DataFrame(
        {
            "tier": assessed["tier"],
            "reasons": contacts.reasons_in_words(table, list(fitted.inputs_)),
            "rule": contacts.rule_in_words(assessed, fitted.rules()),
            "risk": assessed["risk_score"],
            "value": assessed["value_score"],
            "potential": flag["potential"],
            "reason": flag["reason"],
        }
    )


def contact_plan(study: Any, name: str, start: datetime.date) -> pd.DataFrame:
    """Return the contact plan of a model's tiers from a day on."""
    found, quality_found = contact_reasons(study, name), loan_quality(study, name)
    return contacts.contact_plan(
        customers(study), found["tier"], found["reasons"], strategies.strategies(), start,
        rule=found["rule"], potential=found[["potential", "reason"]], alerts=quality_found.get("contradictions"),
        urgency=found["risk"],
    )  # fmt: skip


def workers() -> int:
    """Return how many processes a step may use: `RESEARCH_JOBS`, else all processors. Results do not depend on it."""
    return int(os.environ.get("RESEARCH_JOBS", 0)) or os.cpu_count() or 1


def _makers(study: Any, table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """Return (model, arm) → maker; a model that is the same in both arms is made once."""
    shares = study.tier_shares.model_dump()
    return {
        (name, arm): partial(registry.make, name, arm, seed=study.seed, shares=shares)
        for name in [*study.models, *study.references]
        for arm in registry.ARMS
        if (arm == registry.ARMS[0] or registry.MODELS[name].arms_differ)
        and not registry.not_testable(name, table.columns, arm)
    }


def _both_arms(made: Any) -> Any:
    """List a model that is the same in both arms under both."""
    same = [i for i, (name, _) in enumerate(made.pairs) if not registry.MODELS[name].arms_differ]
    order = [*range(len(made.pairs)), *same]
    pairs = (*made.pairs, *((made.pairs[i][0], registry.ARMS[1]) for i in same))
    fields = ("score", "probability", "value", "tier", "tier_rate")
    return replace(
        made, pairs=pairs, **{name: getattr(made, name)[order] for name in fields if hasattr(made, name)}
    )


def _parsimony(study: Any, name: str, arm: str) -> pd.DataFrame:
    fitted = model(study, name, arm)
    shares = tiers(study, name, arm).value_counts(normalize=True)
    return parsimony(fitted.inputs_, fitted.rules(), shares)


def _all_names(study: Any) -> list[str]:
    return list(dict.fromkeys([study.dataset, *study.compare_datasets]))
