"""The analysis that the plan fixed before any outcome was seen, and what the data do otherwise than registered."""

from __future__ import annotations

import datetime
import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import f as fisher
from scipy.stats import t

from research.errors import UserError
from research.trial.allocation import SEALED, read_rows
from research.trial.design import Plan
from research.trial.power import between_within, treated_in, wedge

DRAWS = 4999
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


def read_outcomes(
    plan: Plan, path: Path, sealed: pd.DataFrame, outcome: str = ""
) -> tuple[pd.DataFrame, list[str]]:
    """Return outcomes joined to the sealed list, and how they depart from the registration.

    Args:
        plan: the trial.
        path: `customer_id`, the outcome's column, `observed` (a date); of a wedge `period` (0, 1, …); may have `arm`.
        sealed: the sealed list.
        outcome: another column than the registered one, which is a departure.

    Returns:
        One row per customer (and period) of the list: its columns, `period`, `treated`, `value` (missing: not known);
        and a sentence per departure, with rows of the file.

    Raises:
        UserError: a cell cannot be read, or a customer (and period) is there twice.
    """
    keys, column, told = ["customer_id", *(["period"] if plan.waves else [])], outcome or plan.column, []
    table = read_rows(path, [*keys, column, "observed"])
    if column != plan.column:
        told.append(f"outcome: registered '{plan.column}', given '{column}'")
    for row in table.index[table.duplicated(keys)]:
        raise UserError(f"{path.name}, row {row + 2}: {' '.join(table.loc[row, keys])} is there twice")
    value = pd.to_numeric(table[column].replace("", np.nan), errors="coerce")
    known = table[column] != ""
    bad = known & (value.isna() | ~np.isfinite(value))
    if plan.kind != "amount":
        bad |= known & ~(value.isin([0, 1]) if plan.kind == "yes or no" else value.between(0, 1))
    for row in table.index[bad]:
        expected = {"yes or no": "0 or 1", "share": "a number from 0 to 1", "amount": "a number"}[plan.kind]
        raise UserError(
            f"{path.name}, row {row + 2}, column {column}: found '{table.at[row, column]}', expected {expected} or "
            "nothing"
        )
    observed = pd.to_datetime(table["observed"].str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
    for row in table.index[known & observed.isna()]:
        raise UserError(
            f"{path.name}, row {row + 2}, column observed: found '{table.at[row, 'observed']}', expected YYYY-MM-DD"
        )
    table = table.assign(value=value, observed=observed)
    told += _strangers(path, table, sealed)
    table = table[table["customer_id"].isin(sealed["customer_id"])]
    if plan.waves:
        periods = pd.to_numeric(table["period"], errors="coerce")
        for row in table.index[~periods.isin(range(plan.waves + 1))]:
            raise UserError(
                f"{path.name}, row {row + 2}, column period: found '{table.at[row, 'period']}', expected 0 to "
                f"{plan.waves}"
            )
        table = table.assign(period=periods.astype(int))
        people = sealed.merge(pd.DataFrame({"period": range(plan.waves + 1)}), how="cross")
        people["treated"] = (people["period"] >= _wave(people["arm"])).astype(int)
    else:
        people = sealed.assign(period=0, treated=(sealed["arm"] == "treatment").astype(int))
    given = table[[*keys, "value", "observed", *(["arm"] if "arm" in table else [])]].rename(
        columns={"arm": "told"}
    )
    people = people.merge(given, on=keys, how="left", validate="one_to_one")
    if "told" in people:
        moved = people["told"].notna() & (people["told"] != "") & (people["told"] != people["arm"])
        told += _counted("arm: {n} customers have another arm than the sealed list says", people[moved])
    due = _due(plan, people)
    told += _counted(
        f"date: {{n}} outcomes were observed before the horizon of {plan.horizon_months} months",
        people[people["value"].notna() & (people["observed"] < due)],
    )
    return people.drop(columns=["told"], errors="ignore"), told


def _strangers(path: Path, table: pd.DataFrame, sealed: pd.DataFrame) -> list[str]:
    strange = table[~table["customer_id"].isin(sealed["customer_id"])]
    return _counted(f"units: {{n}} customers of {path.name} are not in the sealed list", strange)


def _counted(template: str, rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    first = ", ".join(rows["customer_id"].unique()[:3])
    return [f"{template.format(n=rows['customer_id'].nunique())}, such as {first}"]


def _wave(arm: pd.Series) -> pd.Series:
    return arm.str.extract(r"wave (\d+)", expand=False).astype(int)


def _due(plan: Plan, people: pd.DataFrame) -> pd.Series:
    """The first day on which an outcome may be observed: a horizon after the start, of a wedge after its period."""
    start = pd.to_datetime(people["start"])
    if plan.waves:
        first = start.min()  # that of wave 1, which begins with period 1
        begin = {n: first + pd.DateOffset(months=plan.step_months * (n - 1)) for n in range(plan.waves + 1)}
        start = people["period"].map(begin)
    return start + pd.DateOffset(months=plan.horizon_months)


# ------------------------------------------------------------------------------------------------------------ analysis
def analyse(plan: Plan, people: pd.DataFrame, departures: Sequence[str] = (), draws: int = DRAWS) -> Found:
    """Return what a trial found, by intention to treat: everybody counts in the arm that was drawn.

    The difference of two arms is that of least squares with errors clustered by unit (`statsmodels`), its interval by
    Student's t with clusters − 2 degrees of freedom; that of a wedge is generalised least squares on means of clusters
    in periods with the registered correlations, clusters − periods − 1. Below `few_clusters` clusters p-value and
    interval come from other allocations within the same blocks. The ratio is a Poisson regression with the same errors
    (Zou 2004, doi:10.1093/aje/kwh090), the check a mixed linear model.

    Args:
        plan: the trial.
        people: from `read_outcomes`.
        departures: told beside the results.
        draws: of other allocations.
    """
    seen = people[people["value"].notna()].reset_index(drop=True)
    for arm in (0, 1):
        if not (seen["treated"] == arm).any():
            raise UserError(f"no outcome is known of anybody {'with' if arm else 'without'} the action")
    main = difference(plan, seen, draws)
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


def _design(plan: Plan, seen: pd.DataFrame) -> pd.DataFrame:
    """Constant, periods, treated."""
    parts = {"constant": np.ones(len(seen)), "treated": seen["treated"].to_numpy(float)}
    parts |= {f"period {n}": (seen["period"] == n).to_numpy(float) for n in range(1, plan.waves + 1)}
    return pd.DataFrame(parts, index=seen.index)


def _free(plan: Plan, clusters: int) -> int:
    return max(clusters - 2 - plan.waves, 1)


def _errors(seen: pd.DataFrame) -> dict[str, Any]:
    return {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(seen["unit"])[0]}}


def difference(plan: Plan, seen: pd.DataFrame, draws: int = DRAWS) -> dict[str, Any]:
    """Return the difference with its interval, see `analyse`; `draws` 0 leaves other allocations out."""
    cells = _cells(plan, seen)
    clusters, error = len(cells.unit), np.nan
    estimate = float((cells.weights(cells.treated) * cells.means).sum())
    if plan.waves:
        added = cells.wedge(cells.treated)[2](cells.means)
        error = float(np.sqrt(clusters / (clusters - 1) * (added**2).sum()))
        method = "generalised least squares on clusters in periods"
    else:
        error = float(sm.OLS(seen["value"], _design(plan, seen)).fit(**_errors(seen)).bse["treated"])
        method = "least squares"
    free = _free(plan, clusters)
    reach = t.ppf(1 - plan.alpha / 2, free) * error
    made = {
        "estimate": estimate, "ci_low": estimate - reach, "ci_high": estimate + reach,
        "p_value": float(2 * t.sf(abs(estimate) / error, free)) if error else np.nan,
        "clusters": clusters, "n": len(seen), "method": f"{method}, errors clustered by {plan.unit}, t with {free} df",
    }  # fmt: skip
    if clusters < plan.few_clusters and draws:
        p_value, low, high = by_allocation(cells, estimate, draws, plan.alpha, plan.seed)
        method = f"{method}, interval and p from {draws:,} other allocations"
        made |= {"p_value": p_value, "ci_low": low, "ci_high": high, "method": method}
    return made


@dataclass(frozen=True)
class Cells:
    """Means of clusters in periods (g, p): `means`, `sizes`, `treated`; `unit`, `block` and `treated_by` by cluster."""

    plan: Plan
    unit: pd.Index
    block: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    treated: np.ndarray
    variance: float

    def wedge(self, treated: np.ndarray) -> Any:
        """Return generalised least squares with the registered correlations, see `power.wedge`."""
        parts = between_within(self.variance, self.plan.icc[1], self.plan.autocorrelation)
        return wedge(treated, self.sizes, *parts)

    def weights(self, treated: np.ndarray) -> np.ndarray:
        """Return weights (g, p): the estimate is the sum of weights × means; of two arms also for (…, g, p)."""
        if self.plan.waves:
            return self.wedge(treated)[0]
        inside = self.sizes * treated, self.sizes * (1 - treated)
        shares = [part / part.sum(axis=(-2, -1), keepdims=True) for part in inside]
        return shares[0] - shares[1]


def _cells(plan: Plan, seen: pd.DataFrame) -> Cells:
    units, periods = pd.Index(sorted(seen["unit"].unique())), range(plan.waves + 1)
    grouped = seen.groupby(["unit", "period"])["value"]
    means = grouped.mean().unstack().reindex(index=units, columns=periods).fillna(0.0).to_numpy()
    sizes = grouped.size().unstack().reindex(index=units, columns=periods).fillna(0).to_numpy(float)
    first = seen.drop_duplicates("unit").set_index("unit").loc[units]
    if plan.waves:
        treated = treated_in(_wave(first["arm"]).to_numpy(), plan.waves + 1)
    else:
        treated = first["treated"].to_numpy(float)[:, None]
    variance = float(seen["value"].var()) or 1.0
    return Cells(plan, units, first["block"].to_numpy(), means, sizes, treated, variance)


def by_allocation(
    cells: Cells, estimate: float, draws: int, alpha: float, seed: int
) -> tuple[float, float, float]:
    """Return p-value and interval of a difference among other allocations of the same clusters within their blocks.

    The interval holds every effect that the test would not reject. As the estimate is linear in the outcomes, taking an
    effect θ off the treated moves that of allocation π by θ·b, b what π would find of the treatment alone.
    """
    rng = np.random.default_rng(seed)
    orders = np.tile(np.arange(len(cells.block)), (draws, 1))
    for one in np.unique(cells.block):
        inside = np.flatnonzero(cells.block == one)
        orders[:, inside] = rng.permuted(np.tile(inside, (draws, 1)), axis=1)
    others = cells.treated[orders]
    weights = np.stack([cells.weights(one) for one in others]) if cells.plan.waves else cells.weights(others)
    a, b = ((weights * of).sum(axis=(1, 2)) for of in (cells.means, cells.treated))

    def p_value(effect: float) -> float:
        beyond = np.abs(a - effect * b) >= abs(estimate - effect) - 1e-12
        return float((1 + beyond.sum()) / (draws + 1))

    def end(sign: int) -> float:
        width = float(np.std(a)) or abs(estimate) or 1.0
        inside, outside = estimate, estimate + sign * width
        while p_value(outside) > alpha:
            inside, outside = outside, outside + sign * 2 * abs(outside - estimate)
            if abs(outside - estimate) > 1e6 * width:
                return float(sign * np.inf)  # so few allocations that none is unlikely
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(middle) > alpha else (inside, middle)
        return inside

    return p_value(0.0), end(-1), end(1)


def _ratio(plan: Plan, seen: pd.DataFrame) -> dict[str, Any]:
    model = sm.GLM(seen["value"], _design(plan, seen), family=sm.families.Poisson()).fit(**_errors(seen))
    clusters = seen["unit"].nunique()
    free = _free(plan, clusters)
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
            model = sm.MixedLM(seen["value"], _design(plan, seen), groups=seen["unit"]).fit()
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
    design, levels = _design(plan, seen), sorted(seen[name].unique())
    for level in levels[1:]:
        inside = (seen[name] == level).to_numpy(float)
        design[f"in {level}"], design[f"treated in {level}"] = inside, inside * design["treated"]
    tested, p_value = [place for place, one in enumerate(design) if one.startswith("treated in ")], np.nan
    if tested:
        model = sm.OLS(seen["value"], design).fit(**_errors(seen))
        moved = model.params.iloc[tested].to_numpy()
        wald = (
            moved @ np.linalg.pinv(model.cov_params().iloc[tested, tested].to_numpy()) @ moved / len(tested)
        )
        p_value = float(fisher.sf(wald, len(tested), _free(plan, seen["unit"].nunique())))
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
    since = np.where(seen["treated"] == 1, seen["period"] - _wave(seen["arm"]) + 1, 0)
    design = _design(plan, seen).drop(columns="treated")
    lengths = range(1, plan.waves + 1)
    for length in lengths:
        design[f"treated {length}"] = (since == length).astype(float)
    model = sm.OLS(seen["value"], design).fit(**_errors(seen))
    reach = t.ppf(1 - plan.alpha / 2, _free(plan, seen["unit"].nunique())) * model.bse
    rows = [
        (
            n,
            model.params[f"treated {n}"],
            *(model.params[f"treated {n}"] + s * reach[f"treated {n}"] for s in (-1, 1)),
        )
        for n in lengths
    ]
    return pd.DataFrame(rows, columns=["periods_treated", "estimate", "ci_low", "ci_high"])


def _flow(plan: Plan, people: pd.DataFrame) -> pd.DataFrame:
    arms, known = list(plan.arms), people["value"].notna()
    stages = {
        "allocated, units": people.drop_duplicates("unit"),
        "allocated, customers": people.drop_duplicates("customer_id"),
        "analysed, units": people[known].drop_duplicates("unit"),
        "outcome known": people[known],
        "outcome not known": people[~known],
    }
    return pd.DataFrame(
        [[stage, *part["arm"].value_counts().reindex(arms, fill_value=0)] for stage, part in stages.items()],
        columns=["stage", *arms],
    )


def sealed_list(path: Path, expected: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the sealed list, and a departure when it is not as it was sealed."""
    place = path / SEALED if path.is_dir() else path
    table = read_rows(place, ["customer_id", "unit", "block", "arm", "start"])
    for row, day in table["start"].items():
        try:
            datetime.date.fromisoformat(day)
        except ValueError:
            raise UserError(
                f"{place.name}, row {row + 2}, column start: found '{day}', expected YYYY-MM-DD"
            ) from None
    same = hashlib.sha256(place.read_bytes()).hexdigest() == expected
    return table, [] if same else [f"list: {place.name} is not as it was sealed"]
