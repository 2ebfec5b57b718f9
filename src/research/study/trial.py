"""The trial of an action: what its plan says of the study's own book, and what trials of a simulated bank find."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect.crosswalk import apply
from research.collect.publication import smallest_count
from research.errors import UserError, nearest
from research.intervals import jeffreys
from research.manage import break_even, portfolio, strategies
from research.parameters import Study
from research.steps import step
from research.study.customers import outcome
from research.study.manage import economics, loan_book, policy
from research.study.panel import SIMULATED, frozen_model, size
from research.trial import demonstration, design, value
from research.trial.power import Setting, by_allocation, detectable, intracluster, power

UNDATED = 12  # months, where the data set's outcome has no horizon
JUDGES: dict[str, demonstration.Judge] = {
    "t": demonstration.by_t, "ignored": demonstration.by_customer, "allocation": by_allocation,
}  # fmt: skip
SHOWN = ("high", "tree", "T1a")  # the trial of closer monitoring that page 08 shows


def proposed(
    study: Study,
    model: str,
    action: str,
    *,
    trial: str = "",
    day: datetime.date = datetime.date.min,
    protocol: Mapping[str, str] | None = None,
    lever: str = "",
    unit: str = "customer",
    waves: int = 0,
    step_months: int = 0,
    horizon: int = 0,
    smallest: float | None = None,
    icc: tuple[float, float, float] | None = None,
    clusters: pd.Series | None = None,
    attrition: float | None = None,
    strata: Sequence[str] = (),
    subgroups: Sequence[str] = (),
) -> design.Plan:
    """Return the plan of a trial of an action in the study's own tier.

    Args:
        study: the study.
        model: whose tiers.
        action: its id in the strategy table.
        trial, day, protocol: its name, the day of registration, and the hashes of what it rests on.
        lever: which effect of the action.
        unit: customer, officer or branch.
        waves, step_months: of a stepped wedge.
        horizon: months until the outcome is counted; the data set's own when not given.
        smallest: effect worth having, when not the break-even.
        icc: low, value and high, when it is given.
        clusters: the officer or branch of each customer of the book, from which correlation and sizes are estimated.
        attrition: share of customers whose outcome will not be known.
        strata, subgroups: columns of the list that will be allocated.

    Raises:
        UserError: what was asked for does not fit the action, the book or itself.
    """
    table, named, given = strategies.strategies(), outcome(study), design.definitions()["values"]
    asked = design.entry(table[table["kind"] == "effect"], action, lever)
    how = design.definitions()["levers"].get(asked["lever"])
    if how is None:
        raise UserError(
            f"--lever {asked['lever']}: what the bank gives is no outcome; expected another effect of {action}"
        )
    months = horizon or named.horizon_months or UNDATED
    if waves and step_months < months:
        raise UserError(
            f"--step-months {step_months}: shorter than the horizon of the outcome, {months} months; a step would end "
            f"before its outcomes are known. Expected at least {months}"
        )
    book, needs = loan_book(study, model), policy(study, model)["needed"]
    row = design.entry(needs, action, lever)
    tier = book[book["tier"] == row["tier"]]
    cases, known = int(tier["pd"].sum()), len(tier)
    least = max(smallest_count(study, study.dataset), 1)
    if cases < least:
        raise UserError(
            f"the {row['tier']} tier has fewer than {least} cases of {named.name}; expected enough to know its rate"
        )
    rate, ends = cases / known, jeffreys(cases, known)
    level, told = _level(how["level"], row["lever"], rate, tier, economics(study))
    if row["lever"] == "pd":
        told = f"{cases:,} of {known:,} customers whom the model had not seen"
    sizes = given[f"cluster_size_{unit}"] if unit != "customer" else 1.0, given["cluster_cv"]
    found = icc or design.definitions()["icc"]
    source = "given" if icc else "assumed: no published value for a bank's officers was found"
    if clusters is not None:
        inside = clusters.reindex(tier.index).dropna()
        if inside.nunique() < 2:
            raise UserError("--cluster: fewer than two officers or branches have customers of the tier")
        people = inside.value_counts()
        sizes = float(people.mean()), float(people.std(ddof=0) / people.mean())
        if icc is None:
            found = intracluster(tier.loc[inside.index, "pd"].to_numpy(float), inside.to_numpy())
            source = f"estimated from {len(people):,} groups in the book; interval of 95 %"
            if found[2] <= 0:
                found = design.definitions()["icc"]
                source = (
                    f"assumed: the {len(people):,} groups in the book differ less than chance would have them"
                )
    worth = design.aim(row if smallest is None else row.where(row.index != "needed", smallest), level)
    if smallest is not None:
        worth |= {"smallest_from": "given"}
    return design.sized(
        {
            "trial": trial or action, "study": trial.partition("-")[0],
            "dataset": datasets.shown(study.dataset), "model": model, "action": action,
            "what": row["action"], "tier": row["tier"], "claim": row["claim"], "lever": row["lever"],
            "wrong_if": str(design.entry(table, action, row["lever"])["falsified_by"]),
            "unit": unit, "design": design.WEDGE if waves else design.PARALLEL, "waves": waves,
            "step_months": step_months, "outcome": how["outcome"].format(outcome=named.name),
            "column": how["column"], "kind": how["kind"], "wished": how["wished"], "horizon_months": months,
            "level": level, "level_from": told, "level_low": float(ends[0]) if row["lever"] == "pd" else None,
            "level_high": float(ends[1]) if row["lever"] == "pd" else None, **worth,
            "spread": how["spread"] * level if "spread" in how else None,
            "counted": rate if row["lever"] == "lgd" else 1.0,
            "icc": (0.0, 0.0, 0.0) if unit == "customer" else found,
            "icc_from": "none: customers are allocated one by one" if unit == "customer" else source,
            "cluster_size": max(float(sizes[0]), 1.0), "cluster_cv": 0.0 if unit == "customer" else float(sizes[1]),
            "attrition": given["attrition"] if attrition is None else attrition,
            **{name: given[name] for name in ("alpha", "power", "autocorrelation", "few_clusters", "block", "harm_p")},
            "book_has": known, "strata": list(strata), "subgroups": list(subgroups), "seed": study.seed,
            "registered": day, "protocol": dict(protocol or {}),
        }
    )  # fmt: skip


def _level(
    how: Any, lever: str, rate: float, tier: pd.DataFrame, money: portfolio.Economics
) -> tuple[float, str]:
    """Return the outcome's level without the action, and where it comes from."""
    if how == "rate":
        return rate, ""
    if how == "churn" and tier["churn"].notna().all():
        return float(tier["churn"].mean()), f"measured in {len(tier):,} customers"
    assumed = {"churn": money.churn_rate, "lgd": money.lgd_unsecured, "hours": money.base_hours}
    return float(assumed.get(how, how)), "assumed"


def groups_of(study: Study, column: str) -> pd.Series:
    """Return a column of the study's own file by customer: who is in whose hands.

    Raises:
        UserError: the data set has no file, or its file no such column.
    """
    if study.dataset == datasets.SIMULATED:
        raise UserError("--cluster: the simulated bank has no officers or branches")
    raw = datasets.load_raw(study.dataset)
    if column not in raw.columns:
        raise UserError(f"--cluster {column}: no such column in the data set{nearest(column, raw.columns)}")
    walk = datasets.crosswalk_of(study.dataset, study.crosswalk or None)
    index = apply(raw, walk[walk["construct"] == "customer_id"], check=False).customers.index
    return pd.Series(raw[column].to_numpy(), index=index).replace("", np.nan)


@step(policy, loan_book)
def trial_sizes(study: Study, name: str) -> pd.DataFrame:
    """Return for every action that claims an effect the trial, of customers one by one, that could show it.

    Columns: id, tier, action, lever, question, result (of the break-even; `untestable` also where a tier has no case),
    smallest (relative), needed (customers in both arms; infinite: no number), has (customers of the tier), level,
    detectable (the difference that these could show), able.
    """
    needs, rows = policy(study, name)["needed"], []
    for action in dict.fromkeys(needs["id"]):
        row = design.entry(needs, action)
        about = {"id": action, "tier": row["tier"], "action": row["action"], "lever": row["lever"]}
        try:
            plan = proposed(study, name, action)
        except UserError:
            rows.append({**about, "question": "superiority", "result": "untestable", "able": False})
            continue
        rows.append(
            {**about, "question": plan.question, "result": row["result"], "smallest": abs(plan.smallest),
             "needed": plan.customers if plan.customers >= 0 else np.inf, "has": float(plan.book_has),
             "level": plan.level, "detectable": plan.detectable, "able": plan.feasible}
        )  # fmt: skip
    return pd.DataFrame(rows)


@step(frozen_model, "seed", "simulated_customers")
def trial_checks(study: Study) -> pd.DataFrame:
    """Return what trials of closer monitoring find on the simulated bank, where the true effect is known.

    Returns:
        A row per design and judge (`trial.yml`): design, judge, clusters, size, icc, effect (relative, what the formula
        finds with `shown_power`), planned, trials, and error, coverage and found, each with `_low` and `_high` (Monte
        Carlo, 95 %).
    """
    given, rows = design.definitions(), []
    tier, name, _ = SHOWN
    bank = datasets.simulation(size(study, SIMULATED))
    placed = np.asarray(frozen_model(study, SIMULATED, name).place(bank.customers)["tier"])
    chance = bank.truth["true_pd"].to_numpy()[placed == tier]
    trials, alpha = given["values"]["shown_trials"], given["values"]["alpha"]
    for place, one in enumerate(given["shown"]):
        count, size_, icc = one["clusters"], one["size"], one["icc"]
        setting = Setting(
            float(chance.mean()), -0.01, count * size_ / 2, size=float(size_), icc=icc, alpha=alpha
        )
        effect = -detectable(setting, given["values"]["shown_power"]) / setting.level
        found = demonstration.trials(
            chance, count, size_, icc, effect, {judge: JUDGES[judge] for judge in one["judges"]},
            seed=study.seed + place, alpha=alpha, count=trials,
        )  # fmt: skip
        planned = power(replace(setting, difference=-effect * setting.level))
        rows.append(
            found.assign(
                design=one["name"], clusters=count, size=size_, icc=icc, effect=effect, planned=planned
            )
        )
    made = pd.concat(rows, ignore_index=True).assign(trials=trials)
    for measure in ("error", "coverage", "found"):
        made[f"{measure}_low"], made[f"{measure}_high"] = jeffreys(made[measure] * trials, trials)
    return made


@step("simulated_customers", frozen_model, "costs", "seed")
def trial_value(study: Study) -> pd.DataFrame:
    """Return what a trial of closer monitoring would be worth to banks like the simulated one, by size of the tier.

    Columns of `value.by_size`, and of the action: low, base, high, needed, cost.
    """
    tier, name, action = SHOWN
    bank, given = datasets.simulation(size(study, SIMULATED)), design.definitions()["values"]
    people = bank.customers.loc[portfolio.usable(bank.customers)]
    placed = pd.Series(frozen_model(study, SIMULATED, name).place(people)["tier"], index=people.index)
    book, table = portfolio.book(people, people["default"], placed), strategies.strategies()
    needs = break_even.break_even(book, table, economics(study), seed=study.seed, draws=2)
    row = design.entry(needs, action)
    cost = row["gain"] / (row["base"] / row["needed"] - 1)  # the gain is linear in the effect
    about = {key: float(row[key]) for key in ("low", "base", "high", "needed")} | {"cost": float(cost)}
    level = float(book.loc[book["tier"] == tier, "pd"].mean())
    worth = value.by_size(
        given["tier_sizes"], **about, level=level, years=given["years"], fixed=given["fixed_cost"]
    )
    return worth.assign(**about, level=level, years=given["years"], fixed=given["fixed_cost"])
