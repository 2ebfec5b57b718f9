"""The plan of a trial: what is done to whom, what is looked at and when, how large it must be, and its registration."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from research.errors import UserError, nearest
from research.files.textfiles import own_yaml, read_yaml
from research.files.wholefiles import whole
from research.paths import DEFINITIONS
from research.trial.power import SIMULATIONS, Setting, detectable, needed, power, simulate

DEFINITIONS_FILE = DEFINITIONS / "trial.yml"
UNITS = ("customer", "officer", "branch")
PARALLEL, WEDGE = "parallel", "stepped wedge"
NAN = float("nan")
CURVE = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.35, 2.0)  # sizes of the power curve, of the size that is needed


class Plan(BaseModel):
    """A trial as registered; `plan.yml` holds it. Rates and effects are those of the outcome in the tier."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trial: str = Field(min_length=1, max_length=80)
    study: str
    dataset: str
    model: str
    action: str
    what: str
    tier: str
    claim: str
    lever: str
    wrong_if: str
    question: Literal["superiority", "non-inferiority"]
    unit: Literal["customer", "officer", "branch"]
    design: Literal["parallel", "stepped wedge"]
    waves: int = Field(ge=0, le=50)
    step_months: int = Field(ge=0, le=600)
    outcome: str
    column: str
    kind: Literal["yes or no", "share", "amount"]
    wished: Literal["lower", "higher"]
    horizon_months: int = Field(ge=1, le=600)
    level: float
    level_low: float | None
    level_high: float | None
    level_from: str
    smallest: float
    smallest_from: str
    difference: float
    margin: float
    spread: float | None
    counted: float = Field(gt=0, le=1, description="share of customers in whom the outcome can be seen")
    alpha: float = Field(gt=0, lt=1)
    power: float = Field(gt=0, lt=1)
    attrition: float = Field(ge=0, lt=1)
    icc: tuple[float, float, float]
    icc_from: str
    autocorrelation: float = Field(ge=0, le=1)
    cluster_size: float = Field(ge=1)
    cluster_cv: float = Field(ge=0)
    few_clusters: int = Field(ge=2)
    block: int = Field(ge=2)
    harm_p: float = Field(gt=0, lt=1)
    customers: float = Field(description="to be allocated, attrition included; beyond any book: -1")
    clusters: int
    book_has: int
    feasible: bool
    detectable: float | None = Field(description="the difference that the tier's customers could show")
    strata: list[str]
    subgroups: list[str]
    seed: int = Field(ge=0)
    registered: datetime.date
    protocol: dict[str, str]

    def setting(self, *, icc: float | None = None, attrition: float = 0.0, per_arm: float = 1.0) -> Setting:
        """Return what its power depends on, for so many customers per arm (of a wedge: per period) before attrition."""
        wedge, one = self.design == WEDGE, self.unit == "customer"
        seen = (1 - attrition) * self.counted
        return Setting(
            level=self.level, difference=0.0 if self.margin else self.difference, margin=self.margin,
            spread=self.spread, per_arm=per_arm * seen, size=1.0 if one else max(self.cluster_size * seen, 1.0),
            cv=0.0 if one else self.cluster_cv, icc=0.0 if one else self.icc[1] if icc is None else icc,
            waves=self.waves if wedge else 0, autocorrelation=self.autocorrelation, alpha=self.alpha,
        )  # fmt: skip

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of what a unit is allocated to: two arms, or the waves of a wedge."""
        return (
            tuple(f"wave {n}" for n in range(1, self.waves + 1)) if self.waves else ("control", "treatment")
        )

    @property
    def sha256(self) -> str:
        """The hash of all that the plan says."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


@cache
def definitions() -> dict[str, Any]:
    """Return `values` by name, `levers` by name, the range `icc`, and `shown`: the trials of page 08."""
    content = own_yaml(DEFINITIONS_FILE)
    return {
        "values": {name: entry["value"] for name, entry in content["values"].items()},
        "icc": tuple(content["values"]["icc"][end] for end in ("low", "value", "high")),
        "levers": content["levers"],
        "shown": content["shown"],
    }


def entry(needs: pd.DataFrame, action: str, lever: str = "") -> pd.Series:
    """Return the row of `break_even.break_even` that a trial of an action looks at.

    It is that of the lever, else the first, and for an action that saves hours what it may worsen. Raises UserError for
    no such action, one that claims no effect, or no such lever.
    """
    mine = needs[needs["id"] == action]
    if mine.empty:
        known = nearest(action, needs["id"])
        raise UserError(f"--action {action}: no action of the strategy table that claims an effect{known}")
    by_lever = mine.drop_duplicates("lever").set_index("lever", drop=False)
    if lever and lever not in by_lever.index:
        raise UserError(
            f"--lever {lever}: action {action} claims no such effect{nearest(lever, by_lever.index)}"
        )
    if not lever and {"hours", "pd"} <= set(by_lever.index):
        lever = "pd"
    return by_lever.loc[lever or mine["lever"].iloc[0]]


def aim(row: pd.Series, level: float) -> dict[str, Any]:
    """Return the smallest effect worth having as a difference of the outcome: the effect that repays the cost.

    An effect on defaults that may be negative, because the action saves work, makes the margin of a trial of
    non-inferiority. Where no effect repays the cost within reason or any does, the size that the table assumes stands.
    """
    how = definitions()["levers"][row["lever"]]
    smallest, told = row["needed"], "the effect at which the action repays its cost (break-even)"
    fewer = -1.0 if how["wished"] == "lower" and row["lever"] != "hours" else 1.0
    if row["lever"] == "pd" and row["base"] <= 0 and row["needed"] < 0:
        return {
            "question": "non-inferiority", "smallest": float(smallest), "difference": 0.0,
            "smallest_from": "the worsening that eats up the work saved (break-even)",
            "margin": float(-smallest * level),
        }  # fmt: skip
    if pd.isna(smallest) or smallest * (-1 if row["lever"] == "hours" else 1) <= 0 or row["lever"] == "hours":
        why = {
            "untestable": "no break-even without amounts and rates",
            "never": "no effect repays the cost",
        }
        smallest = row["base"] or row["high"]
        told = f"the size assumed in the strategy table ({why.get(row['result'], 'the action pays at any effect')})"
    size = smallest * (level if how["scale"] == "relative" else 1.0) * fewer
    return {
        "question": "superiority", "smallest": float(smallest), "smallest_from": told,
        "difference": float(size), "margin": 0.0,
    }  # fmt: skip


def sized(made: Mapping[str, Any]) -> Plan:
    """Return a plan, of which all other fields are given, with its size, whether the book holds it, and what the book's
    customers could show. Raises UserError when the effect is none, or takes the outcome out of its range.
    """
    empty = {"customers": -1.0, "clusters": -1, "feasible": False, "detectable": None}
    plan = Plan.model_validate({**made, **empty})
    treated = plan.level + (plan.margin or plan.difference)
    if plan.kind != "amount" and not 0 <= treated <= 1:
        raise UserError(
            f"an effect of {plan.smallest:g} takes '{plan.outcome}' from {plan.level:.1%} to {treated:.1%}; expected a "
            "share from 0 to 1: name a smaller one with --smallest"
        )
    if not (plan.margin or plan.difference):
        raise UserError("an effect of 0 cannot be found; name the smallest worth having with --smallest")
    both = 1 if plan.waves else 2
    size = customers_needed(plan, plan.icc[1], plan.attrition)
    whole_book = plan.setting(attrition=plan.attrition, per_arm=plan.book_has / both)
    shown = detectable(whole_book, plan.power) if whole_book.clusters > max(2, plan.waves) else float("nan")
    found = size < float("inf")
    return plan.model_copy(update={
        "customers": float(size * both) if found else -1.0,
        "clusters": round(size * both / plan.cluster_size) if found and plan.unit != "customer" else -1,
        "feasible": bool(found and size * both <= plan.book_has),
        "detectable": None if pd.isna(shown) else float(shown),
    })  # fmt: skip


def customers_needed(plan: Plan, icc: float, attrition: float) -> float:
    """Return the customers per arm (of a wedge: in all) to be allocated for the plan's power; whole, or infinite.

    Where the formula asks for fewer than `few_clusters` clusters, clusters are added until simulated trials reach the
    power, or until there are that many.
    """
    setting = plan.setting(icc=icc, attrition=attrition)
    seen = needed(setting, plan.power)
    if seen == float("inf"):
        return seen
    if plan.unit == "customer":
        return float(-(-seen // ((1 - attrition) * plan.counted)))
    while (made := replace(setting, per_arm=seen)).clusters < plan.few_clusters and (
        simulate(made, seed=plan.seed, few=plan.few_clusters)[0] < plan.power
    ):
        seen += setting.size * max(setting.waves, 1)
    return float(round(seen / setting.size * plan.cluster_size))


def sizes(plan: Plan) -> pd.DataFrame:
    """Return size and power for each end of the range of the correlation, with and without attrition.

    Columns: icc, attrition, per_arm, customers, clusters (whole trial), book_has, feasible, power_in_book,
    detectable_in_book (a difference).
    """
    both, rows = 1 if plan.waves else 2, []
    for icc in dict.fromkeys((0.0,) if plan.unit == "customer" else plan.icc):
        for attrition in dict.fromkeys((0.0, plan.attrition)):
            per_arm = customers_needed(plan, icc, attrition)
            book = plan.setting(icc=icc, attrition=attrition, per_arm=plan.book_has / both)
            enough = book.clusters > max(2, plan.waves)
            size, shown = (
                per_arm * both,
                (power(book), detectable(book, plan.power)) if enough else (NAN, NAN),
            )
            clusters = NAN if plan.unit == "customer" else size / plan.cluster_size
            rows.append(
                (icc, attrition, per_arm, size, clusters, plan.book_has, size <= plan.book_has, *shown)
            )
    columns = ["icc", "attrition", "per_arm", "customers", "clusters", "book_has", "feasible"]
    return pd.DataFrame(rows, columns=[*columns, "power_in_book", "detectable_in_book"])


def curve(plan: Plan, trials: int = SIMULATIONS) -> pd.DataFrame:
    """Return the power curve: customers, clusters, attrition, power (formula), simulated, mc_error, governs.

    `governs` names which of the two counts: the simulation below `few_clusters` clusters.
    """
    both = 1 if plan.waves else 2
    full = customers_needed(plan, plan.icc[1], plan.attrition)
    full = full if full < float("inf") else float(plan.book_has)
    unit = 1 if plan.unit == "customer" else plan.cluster_size * max(plan.waves, 1)
    steps = sorted({max(round(full * share / unit), 2) for share in CURVE})
    rows = []
    for place, units in enumerate(steps):
        for attrition in dict.fromkeys((0.0, plan.attrition)):
            setting = plan.setting(attrition=attrition, per_arm=units * unit)
            found, error = simulate(setting, seed=plan.seed + place, few=plan.few_clusters, trials=trials)
            few = plan.unit != "customer" and setting.clusters < plan.few_clusters
            clusters = NAN if plan.unit == "customer" else setting.clusters
            told = power(setting), found, error, "simulation" if few else "formula"
            rows.append((round(units * unit * both), clusters, attrition, *told))
    columns = ["customers", "clusters", "attrition", "power", "simulated", "mc_error", "governs"]
    return pd.DataFrame(rows, columns=columns)


# ---------------------------------------------------------------------------------------------------------------- file
def write_plan(plan: Plan, path: Path) -> Path:
    """Write a plan with its hash, which binds whoever reads it."""
    content = {"sha256": plan.sha256, **plan.model_dump(mode="json")}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    with whole(path) as new:
        new.write_text(text, encoding="utf-8")
    return path


def read_plan(path: Path) -> tuple[Plan, bool]:
    """Return a plan, and whether it says what it said when it was written.

    Raises:
        UserError: not a plan; the message names key and what was found.
    """
    content = dict(read_yaml(path, "a plan that `research trial plan` wrote"))
    told = content.pop("sha256", None)
    try:
        plan = Plan.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "plan"
        raise UserError(
            f"{path.name}: {key}: {first['msg']}; expected a plan that `research trial plan` wrote"
        ) from None
    return plan, told == plan.sha256
