"""T and P: strategies, policy simulation, loan quality and contacts."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.compare import resampling
from research.compare.economics import ideal_tiers
from research.errors import NotTestable, UserError, nearest
from research.manage import benefits, break_even, contacts, portfolio, sensitivity, strategies
from research.manage import loan_quality as quality_rules
from research.manage import policy as policies
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import all_data_key, all_names, customers, outcome
from research.study.folds import out_of_fold
from research.study.models import model, tiers
from research.study.testable import answers, why_not

PD_FROM = ("scorecard", "boosting", "tree")  # the first of these gives the PD of the policy simulation


@step("costs")
def economics(study: Study) -> portfolio.Economics:
    """Return what money, capital and work cost: the assumptions file, with the study's costs."""
    return portfolio.economics(study.costs.model_dump())


@step(out_of_fold)
def unseen_pd(study: Study) -> tuple[pd.Series, str]:
    """Return one PD for all models, from customers each fit has not seen, and the model it comes from."""
    oof = out_of_fold(study)
    offered = [pair for name in PD_FROM for pair in oof.pairs if pair[0] == name]
    if not offered:
        raise UserError(f"the policy simulation needs one of {', '.join(PD_FROM)} among the references")
    probability = oof.probability[oof.pairs.index(offered[0])].mean(axis=0)
    return pd.Series(probability, index=oof.index)[oof.tested], registry.MODELS[offered[0][0]].title


@step(out_of_fold)
def unseen_tiers(study: Study) -> dict[str, pd.Series]:
    """Return each model's tiers as practised for customers it has not seen (first repeat)."""
    oof, names = out_of_fold(study), np.array(resampling.TIERS, dtype=object)
    return {
        name: pd.Series(names[oof.tier[place, 0]], index=oof.index)[oof.tested]
        for place, (name, arm) in enumerate(oof.pairs)
        if arm == registry.ARMS[0]
    }


@step(unseen_pd, unseen_tiers, economics)
def books(study: Study) -> dict[str, pd.DataFrame]:
    """Return the loan book of the policy simulation for the tiers of each model."""
    if reason := outcome(study).no_default_rate:
        raise NotTestable(reason)
    table, probability, money = customers(study), unseen_pd(study)[0], economics(study)
    table = table.loc[portfolio.usable(table).intersection(probability.index)]
    placed = unseen_tiers(study)
    return {name: portfolio.book(table, probability, mine, money) for name, mine in placed.items()}


@step(books, "seed")
def policy(study: Study) -> dict[str, Any]:
    """Return the tiered policy of every model against one policy for all, and what it rests on.

    `comparison` uses the PD; `realised` puts the known outcome in its place, so that no tiers are judged by the PD
    of their own model.
    """
    made, table, money = books(study), strategies.strategies(), economics(study)
    known = customers(study)["default"]
    lived = {name: book.assign(pd=known.reindex(book.index)) for name, book in made.items()}
    return {
        "comparison": policies.compare_models(made, table, money, seed=study.seed),
        "realised": policies.compare_models(lived, table, money, seed=study.seed),
        "inputs": portfolio.inputs(next(iter(made.values())), money),
        "strategies": table,
        "left_out": len(customers(study)) - len(next(iter(made.values()))),
    }


@step(policy, answers, "compare_datasets", data=all_data_key)
def policy_everywhere(study: Study) -> pd.DataFrame:
    """Return each model's policy on every data set at equal volume, judged by realised outcomes, with `dataset`.

    A data set on which it is not testable has one row, with the `reason`, which is empty elsewhere.
    """
    names, frames = all_names(study), {}
    for name in reversed(names):  # the comparison, which may run beside this, begins with the first
        there = study.with_dataset(name)
        if reason := why_not(there, "06_strategies"):
            found = pd.DataFrame({"reason": [reason]})
        else:
            found = policy(there)["realised"].query("basis == 'equal volume'").assign(reason="")
        frames[name] = found.assign(dataset=datasets.shown(name))
    return pd.concat([frames[name] for name in names], ignore_index=True)


@step(books, policy, "seed")
def policy_detail(study: Study, name: str) -> dict[str, pd.DataFrame]:
    """Return one model's policy in detail: by tier, tornado, break-evens and the evidence on the claimed benefits."""
    made, table, money = books(study), strategies.strategies(), economics(study)
    if name not in made:
        raise UserError(f"model '{name}' has no policy here{nearest(name, made)}")
    book, bad = made[name], customers(study)["default"]
    compared = policy(study)["comparison"].query("model == @name")
    worth = worths.worth(customers(study))[0]
    split = sensitivity.by_tier(book, table, money, seed=study.seed)
    profile = portfolio.profile(book, bad)
    needed = break_even.break_even(book, table, money, seed=study.seed)
    return {
        "by_tier": split,
        "tornado": sensitivity.tornado(book, table, money),
        "break_even": needed,
        "tier_break_even": break_even.tier_break_even(book, table, money),
        "evidence": benefits.hypothesis_evidence(book, compared, needed, split, default=bad, value=worth),
        "profile": profile,
        "matrix": strategies.strategy_matrix(table, portfolio.profile_in_words(profile).to_frame()),
    }


@step(books)
def policy_truth(study: Study) -> pd.DataFrame | None:
    """Return what each model's policy is worth under the true PD of the simulated bank; nothing for other data."""
    if study.dataset != datasets.SIMULATED:
        return None
    made, truth = books(study), datasets.simulation().truth
    some = next(iter(made.values()))
    sizes = some["tier"].value_counts().reindex(list(resampling.TIERS)).to_numpy()
    known = truth.loc[some.index]
    places = ideal_tiers(known["true_pd"].to_numpy(), known["true_value"].to_numpy(), sizes)
    best = pd.Series(np.array(resampling.TIERS, dtype=object)[places], index=some.index)
    return sensitivity.profit_by_truth(
        made, known["true_pd"], best, strategies.strategies(), economics(study)
    )


@step(tiers)
def loan_quality(study: Study, name: str) -> dict[str, Any]:
    """Return loan quality crossed with a model's tiers, contradictions and rules; `reason` where not testable."""
    table, rules = customers(study), quality_rules.policy()
    found: dict[str, Any] = {"rules": quality_rules.provenance(rules, table), "version": rules.version}
    if reason := outcome(study).no_default_rate:
        return found | {"reason": reason}
    if not set(rules.measures) & set(table.columns):
        return found | {
            "reason": "the data set records no days past due and none of the policy's other measures"
        }
    classed, placed = quality_rules.classify(table, rules), tiers(study, name)
    return found | {
        "crosswalk": quality_rules.labelled(quality_rules.crosswalk(classed, placed), rules),
        "contradictions": quality_rules.contradictions(classed, placed, rules),
        "classified": classed,
    }


@step(model, loan_quality)
def contact_reasons(study: Study, name: str) -> pd.DataFrame:
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


def contact_plan(study: Study, name: str, start: datetime.date) -> pd.DataFrame:
    """Return the contact plan of a model's tiers from a day on."""
    found, quality_found = contact_reasons(study, name), loan_quality(study, name)
    return contacts.contact_plan(
        customers(study), found["tier"], found["reasons"], strategies.strategies(), start,
        rule=found["rule"], potential=found[["potential", "reason"]], alerts=quality_found.get("contradictions"),
        urgency=found["risk"], seed=study.seed,
    )  # fmt: skip
