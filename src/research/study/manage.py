"""T and P: strategies, policy simulation, loan quality and contacts."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from research.compare import resampling
from research.errors import NotTestable, UserError, nearest
from research.manage import break_even, contacts, portfolio, strategies
from research.manage import loan_quality as quality_rules
from research.manage import policy as policies
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import customers, for_comparison, outcome
from research.study.folds import out_of_fold
from research.study.models import model, tiers


@step("costs")
def economics(study: Study) -> portfolio.Economics:
    """Return what money, capital and work cost: the assumptions file, with the study's costs."""
    return portfolio.economics(study.costs.model_dump())


@step(out_of_fold)
def unseen_tiers(study: Study) -> dict[str, pd.Series]:
    """Return each model's tiers as practised for customers it has not seen (first repeat)."""
    oof, names = out_of_fold(study), np.array(resampling.TIERS, dtype=object)
    return {
        name: pd.Series(names[oof.tier[place, 0]], index=oof.index)[oof.tested]
        for place, (name, arm) in enumerate(oof.pairs)
        if arm == registry.ARMS[0]
    }


@step(unseen_tiers, economics)
def loan_book(study: Study, name: str) -> pd.DataFrame:
    """Return the loan book of the policy simulation under the tiers of a model, for customers it has not seen.

    The known outcome stands in the place of a PD, so that no tiers are judged by the PD of their own model.
    """
    if reason := outcome(study).no_default_rate:
        raise NotTestable(reason)
    if name not in (placed := unseen_tiers(study)):
        raise UserError(f"model '{name}' has no policy here{nearest(name, placed)}")
    table, mine = for_comparison(study), placed[name]
    table = table.loc[portfolio.usable(table).intersection(mine.index)]
    return portfolio.book(table, table["default"], mine)


@step(loan_book, "seed")
def policy(study: Study, name: str) -> dict[str, Any]:
    """Return what each action would have to achieve, and the tiered policy against one policy for all.

    Where the outcome gives a PD, losses are PD × LGD × EAD over its horizon. Elsewhere no loss is computed: every
    outcome is taken to cost the whole loan, the most that preventing it can save, and stands against one year of work.

    Returns:
        Frames `strategies`, `needed`, `comparison`, `hours`, `tornado`, `assumed`, and `basis`: `reading`
        (`pd`, `loan`, `count`), `years`, `horizon` (months), `lgd`, `officer_hour`, `measure` (of the tornado),
        `mean_loan`, `n`, `left_out`, `believable` (return on risk capital).
    """
    frame, table, named = loan_book(study, name), strategies.strategies(), outcome(study)
    money = economics(study)
    money = money.changed(years=named.horizon_months / 12) if named.gives_pd else money.whole_loan()
    measures = policies.shown(frame, named.gives_pd)
    compared = policies.compare(frame, table, money, gives_pd=named.gives_pd, seed=study.seed)
    measure = (
        "profit" if "profit" in measures else "cost of one" if "cost of one" in measures else "hours for one"
    )
    if not np.isfinite(compared.set_index("measure").at[measure, "estimate"]):
        measure = "outcomes"  # none is prevented, so that none has a price
    amounts = bool((frame["ead_from"] != "").any())
    drawn = money.credit_conversion if (frame["ead_from"] == "credit limit").any() else 1.0
    return {
        "strategies": table,
        "needed": break_even.break_even(frame, table, money, seed=study.seed),
        "comparison": compared,
        "hours": policies.officer_hours(table, money, seed=study.seed),
        "tornado": policies.tornado(frame, table, money, measure),
        "assumed": portfolio.assumed(frame, money),
        "basis": {
            "reading": "count" if not amounts else "pd" if named.gives_pd else "loan",
            "years": money.years,
            "horizon": named.horizon_months if named.gives_pd else None,
            "lgd": money.lgd_unsecured,
            "officer_hour": money.officer_hour,
            "measure": measure,
            "mean_loan": float(frame["ead"].mean() * drawn) if amounts else float("nan"),
            "n": len(frame),
            "left_out": len(for_comparison(study)) - len(frame),
            "believable": portfolio.believable_raroc(),
        },
    }


@step(customers)
def loan_classes(study: Study) -> dict[str, Any]:
    """Return the category and stage of each loan (`classified`), rules and version; `reason` where not testable."""
    table, rules = customers(study), quality_rules.policy()
    found: dict[str, Any] = {"rules": quality_rules.provenance(rules, table), "version": rules.version}
    if reason := outcome(study).no_default_rate:
        return found | {"reason": reason}
    if not set(rules.measures) & set(table.columns):
        return found | {
            "reason": "the data set records no days past due and none of the policy's other measures"
        }
    return found | {"classified": quality_rules.classify(table, rules)}


@step(tiers, loan_classes)
def loan_quality(study: Study, name: str) -> dict[str, Any]:
    """Return loan quality crossed with a model's tiers, contradictions and rules; `reason` where not testable."""
    found = dict(loan_classes(study))
    classed = found.pop("classified", None)
    if classed is None:
        return found
    placed, rules = tiers(study, name), quality_rules.policy()
    return found | {
        "crosswalk": quality_rules.labelled(quality_rules.crosswalk(classed, placed), rules),
        "contradictions": quality_rules.contradictions(classed, placed, rules),
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
