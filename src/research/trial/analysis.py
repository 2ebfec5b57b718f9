"""The analysis that the plan fixed before any outcome was seen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import f as fisher
from scipy.stats import t

from research.errors import UserError
from research.trial.allocation import in_arms, wave_of
from research.trial.design import Plan
from research.trial.difference import clustered, columns_of, difference, free_of

BOUND = "bounds for missing outcomes"


@dataclass(frozen=True)
class Found:
    """What a trial found.

    Attributes:
        effects: quantity, estimate, ci_low, ci_high, p_value, clusters, n, method.
        flow: stage, and a column per arm: counts, as CONSORT asks for.
        subgroups: variable, level, estimate, ci_low, ci_high, n, p_interaction; registered ones only.
        exposure: of a wedge, periods treated, estimate, ci_low, ci_high.
        result: works, pays, harms, open; or no worse, worse, open.
        departures: what the data do otherwise than registered, a sentence each.
    """

    effects: pd.DataFrame
    flow: pd.DataFrame
    subgroups: pd.DataFrame
    exposure: pd.DataFrame
    result: str
    departures: list[str] = field(default_factory=list)


def analyse(plan: Plan, people: pd.DataFrame, departures: Sequence[str] = ()) -> Found:
    """Return what a trial found, by intention to treat: everybody (`read_outcomes`) counts in the arm that was drawn.

    The difference of two arms is that of least squares with errors clustered by unit (`statsmodels`), its interval by
    Student's t with clusters − 2 degrees of freedom; that of a wedge is generalised least squares on means of clusters
    in periods with the registered correlations, clusters − periods − 1. Below `few_clusters` clusters p-value and
    interval come from other allocations within the same blocks. The ratio is a Poisson regression with the same errors
    (Zou 2004, doi:10.1093/aje/kwh090), the check a mixed linear model. `departures` are told beside the results.
    """
    seen = people[people["value"].notna()].reset_index(drop=True)
    for arm in (0, 1):
        if not (seen["treated"] == arm).any():
            raise UserError(f"no outcome is known of anybody {'with' if arm else 'without'} the action")
    main = difference(plan, seen)
    rows = [{"quantity": "difference", **main}]
    if (seen["value"] >= 0).all() and seen.groupby("treated")["value"].sum().gt(0).all():
        rows.append({"quantity": "ratio", **_ratio(plan, seen)})
    rows.append({"quantity": "difference, mixed model", **_mixed(plan, seen)})
    if plan.kind != "amount" and len(seen) < len(people):
        worst = [people["treated"], 1 - people["treated"]]  # for the treated, and for the others
        filled = [people.assign(value=people["value"].fillna(one)) for one in worst]
        low, high = sorted(difference(plan, one, 0)["estimate"] for one in filled)
        rows.append({"quantity": BOUND, "estimate": np.nan, "ci_low": low, "ci_high": high, "method":
                     "every missing outcome the worst or the best it can be; no sampling error"})  # fmt: skip
    flow = _flow(plan, people)
    subgroups = pd.concat([_subgroup(plan, seen, name) for name in plan.subgroups] or [pd.DataFrame()])
    exposure = _exposure(plan, seen) if plan.waves else pd.DataFrame()
    return Found(pd.DataFrame(rows), flow, subgroups, exposure, result(plan, main), list(departures))


def result(plan: Plan, main: dict[str, Any]) -> str:
    """Return the code of what was found: the interval against nought, the smallest effect worth having, the margin."""
    low, high = main["ci_low"], main["ci_high"]
    if plan.margin:
        low, high = (low, high) if plan.margin > 0 else (-high, -low)
        return "no worse" if high < abs(plan.margin) else "worse" if low > abs(plan.margin) else "open"
    if plan.difference < 0:
        low, high = -high, -low
    if high < 0:
        return "harms"
    return "pays" if low >= abs(plan.difference) else "works" if low > 0 else "open"


def _ratio(plan: Plan, seen: pd.DataFrame) -> dict[str, Any]:
    model = sm.GLM(seen["value"], columns_of(plan, seen), family=sm.families.Poisson()).fit(**clustered(seen))
    clusters = seen["unit"].nunique()
    free = free_of(plan, clusters)
    log, error = float(model.params["treated"]), float(model.bse["treated"])
    reach = t.ppf(1 - plan.alpha / 2, free) * error
    return {
        "estimate": np.exp(log), "ci_low": np.exp(log - reach), "ci_high": np.exp(log + reach),
        "p_value": float(2 * t.sf(abs(log) / error, free)), "clusters": clusters, "n": len(seen),
        "method": f"Poisson regression, errors clustered by {plan.unit}, t with {free} df",
    }  # fmt: skip


def _mixed(plan: Plan, seen: pd.DataFrame) -> dict[str, Any]:
    nothing = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p_value": np.nan}
    if plan.unit == "customer" and not plan.waves:
        return nothing | {"method": "not fitted: each customer was allocated alone"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = sm.MixedLM(seen["value"], columns_of(plan, seen), groups=seen["unit"]).fit()
    except (np.linalg.LinAlgError, ValueError):
        return nothing | {"method": "not fitted: the clusters do not differ"}
    low, high = model.conf_int(alpha=plan.alpha).loc["treated"]
    return {
        "estimate": float(model.params["treated"]), "ci_low": float(low), "ci_high": float(high),
        "p_value": float(model.pvalues["treated"]), "clusters": seen["unit"].nunique(), "n": len(seen),
        "method": f"linear, random level of each {plan.unit}",
    }  # fmt: skip


def _subgroup(plan: Plan, seen: pd.DataFrame, name: str) -> pd.DataFrame:
    """Effect in each level of a registered subgroup, and one test of whether they differ."""
    design, levels = columns_of(plan, seen), sorted(seen[name].unique())
    for level in levels[1:]:
        inside = (seen[name] == level).to_numpy(float)
        design[f"in {level}"], design[f"treated in {level}"] = inside, inside * design["treated"]
    tested, p_value = [place for place, one in enumerate(design) if one.startswith("treated in ")], np.nan
    if tested:
        model = sm.OLS(seen["value"], design).fit(**clustered(seen))
        moved = model.params.iloc[tested].to_numpy()
        weights = np.linalg.pinv(model.cov_params().iloc[tested, tested].to_numpy())
        wald = moved @ weights @ moved / len(tested)
        p_value = float(fisher.sf(wald, len(tested), free_of(plan, seen["unit"].nunique())))
    rows = []
    for level in levels:
        part = seen[seen[name] == level].reset_index(drop=True)
        both = part["treated"].nunique() == 2 and part["unit"].nunique() > 2 + plan.waves
        found = difference(plan, part, 0) if both else {}
        rows.append({"variable": name, "level": level, **{key: found.get(key, np.nan) for key in
                     ("estimate", "ci_low", "ci_high")}, "n": len(part), "p_interaction": p_value})  # fmt: skip
    return pd.DataFrame(rows)


def _exposure(plan: Plan, seen: pd.DataFrame) -> pd.DataFrame:
    """Effect by how many periods a cluster has been treated, least squares; it may grow or fade."""
    since = np.where(seen["treated"] == 1, seen["period"] - wave_of(seen["arm"]) + 1, 0)
    design = columns_of(plan, seen).drop(columns="treated")
    lengths = range(1, plan.waves + 1)
    for length in lengths:
        design[f"treated {length}"] = (since == length).astype(float)
    model = sm.OLS(seen["value"], design).fit(**clustered(seen))
    reach = t.ppf(1 - plan.alpha / 2, free_of(plan, seen["unit"].nunique())) * model.bse
    names = [f"treated {length}" for length in lengths]
    ends = {"estimate": model.params, "ci_low": model.params - reach, "ci_high": model.params + reach}
    found = pd.DataFrame(ends).loc[names].reset_index(drop=True)
    found.insert(0, "periods_treated", lengths)
    return found


def _flow(plan: Plan, people: pd.DataFrame) -> pd.DataFrame:
    known = people["value"].notna()
    stages = {
        "allocated, units": people.drop_duplicates("unit"),
        "allocated, customers": people.drop_duplicates("customer_id"),
        "analysed, units": people[known].drop_duplicates("unit"),
        "outcome known": people[known],
        "outcome not known": people[~known],
    }
    rows = [(stage, *in_arms(plan, part)) for stage, part in stages.items()]
    return pd.DataFrame(rows, columns=["stage", *plan.arms])
