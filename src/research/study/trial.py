"""The trial of an action: what its plan says of the study's own book."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from research import registration
from research.collect import datasets
from research.collect.crosswalk import apply
from research.collect.publication import smallest_count
from research.errors import UserError, nearest
from research.intervals import jeffreys
from research.manage import portfolio
from research.parameters import Study
from research.steps import plain
from research.study.customers import outcome
from research.study.manage import economics, loan_book, policy
from research.trial import design
from research.trial.power import intracluster

UNDATED = 12  # months, where the data set's outcome has no horizon
REGISTERED = ("protocol", "claims", "code")


def proposed(
    study: Study,
    model: str,
    action: str,
    *,
    day: datetime.date,
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
        day: of registration.
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
    book, needs, named = loan_book(study, model), policy(study, model)["needed"], outcome(study)
    row, given = design.entry(needs, action, lever), design.definitions()["values"]
    how = design.definitions()["levers"].get(row["lever"])
    if how is None:
        raise UserError(
            f"--lever {row['lever']}: what the bank gives is no outcome; expected another effect of {action}"
        )
    tier = book[book["tier"] == row["tier"]]
    cases, known = int(tier["pd"].sum()), len(tier)
    least = max(smallest_count(study, study.dataset), 1)
    if cases < least:
        raise UserError(
            f"the {row['tier']} tier has fewer than {least} cases of {named.name}; expected enough to know its rate"
        )
    rate, ends = cases / known, jeffreys(cases, known)
    months = horizon or named.horizon_months or UNDATED
    if waves and step_months < months:
        raise UserError(
            f"--step-months {step_months}: shorter than the horizon of the outcome, {months} months; a step would end "
            f"before its outcomes are known. Expected at least {months}"
        )
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
    record = registration.record(plain(study), day)
    return design.sized(
        {
            "trial": f"{study.name}-{action}" + (f"-{lever}" if lever else ""),
            "study": study.name, "dataset": datasets.shown(study.dataset), "model": model, "action": action,
            "what": row["action"], "tier": row["tier"], "claim": row["claim"], "lever": row["lever"],
            "wrong_if": _wrong_if(policy(study, model)["strategies"], row),
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
            "registered": day, "protocol": {name: record[name] for name in REGISTERED},
        }
    )  # fmt: skip


def _wrong_if(table: pd.DataFrame, row: pd.Series) -> str:
    return str(table[(table["id"] == row["id"]) & (table["lever"] == row["lever"])]["falsified_by"].iloc[0])


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
