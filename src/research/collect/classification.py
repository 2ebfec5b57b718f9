"""K1 to K13: how a loan book is cut before any model, each by a rule table that is data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from research.collect.constructs import label
from research.errors import UserError, nearest
from research.files.textfiles import own_yaml
from research.intervals import jeffreys
from research.paths import DEFINITIONS

CLASSIFICATION_FILE = DEFINITIONS / "classification.yml"
NOT_RECORDED = "not recorded"

FROM_DATA = "a cut-off taken from the data"
SUMMARY_COLUMNS = (
    "standard", "name", "name_zh", "class", "class_zh", "n", "share", "amount", "amount_share",
    "known", "bad", "outcome_rate", "ci_low", "ci_high", "measured", "reason",
)  # fmt: skip
DERIVED = {"rate_over_benchmark": ("interest_rate", "benchmark_rate")}


@cache
def rules() -> dict[str, Any]:
    """Return the rule tables: {"parameters": {...}, "standards": {"K1": {...}, …}}."""
    return own_yaml(CLASSIFICATION_FILE)


def rule_table(parameters: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return every rule with its cut-offs in words a reader can check: standard, alternative, class, rule.

    Args:
        parameters: cut-offs as for `classify`, or those it used: `attrs["parameters"]` of its result.
    """
    parameters = _parameters(parameters)
    signs = {"in": "in", "equals": "=", "at_most": "≤", "over": ">", "at_least": "≥", "known": "known"}
    found = []
    for standard, entry in rules()["standards"].items():
        for position, way in enumerate(entry["measured_by"], start=1):
            for rule in way["rules"]:
                parts = [
                    f"{name} {signs[test]} {_in_words(_value(raw, parameters))}"
                    for name, condition in rule.get("when", {}).items()
                    for test, raw in condition.items()
                ]
                found.append((standard, position, rule["class"], " and ".join(parts) or "otherwise"))
    return pd.DataFrame(found, columns=["standard", "alternative", "class", "rule"])


def _in_words(value: Any) -> str:
    """Return what a rule compares with; numbers with thousands separated and a true minus sign."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return FROM_DATA
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.10g}".replace("-", "−")
    return str(value)


def _parameters(given: Mapping[str, float] | None) -> dict[str, float]:
    values = rules()["parameters"] | dict(given or {})
    known = [*rules()["parameters"], "benchmark_rate"]
    if unknown := next((name for name in values if name not in known), ""):
        raise UserError(f"classification parameter '{unknown}' is unknown{nearest(unknown, known)}")
    return values | {"minus_benchmark_tolerance": -values["benchmark_tolerance"]}


def _with_sizes(parameters: dict[str, Any], customers: pd.DataFrame) -> dict[str, Any]:
    """Set cut-offs of the size that are not given to the thirds of the loan amounts."""
    thirds = {"size_small_at_most": 1 / 3, "size_medium_at_most": 2 / 3}
    if "loan_amount" not in customers:
        return parameters
    found = {
        name: float(customers["loan_amount"].quantile(share))
        for name, share in thirds.items()
        if parameters[name] is None
    }
    return {**parameters, **found}


def _with_derived(customers: pd.DataFrame, parameters: Mapping[str, float]) -> pd.DataFrame:
    """Add the contract rate minus the benchmark, from the table or from the parameter benchmark_rate."""
    table = customers.copy(deep=False)
    if "benchmark_rate" in parameters and "benchmark_rate" not in table:
        table["benchmark_rate"] = float(parameters["benchmark_rate"])
    if {"interest_rate", "benchmark_rate"} <= set(table.columns):
        table["rate_over_benchmark"] = table["interest_rate"] - table["benchmark_rate"]
    return table


def _value(value: Any, parameters: Mapping[str, float]) -> Any:
    return parameters[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def _holds(table: pd.DataFrame, when: Mapping[str, Any], parameters: Mapping[str, float]) -> pd.Series:
    result = pd.Series(True, index=table.index)
    for construct, condition in when.items():
        column = table[construct]
        for test, raw in condition.items():
            value = _value(raw, parameters)
            if test in ("in", "equals"):
                result &= column.isin(value if isinstance(value, list) else [value])
            elif test == "known":
                result &= column.notna() == bool(value)
            else:
                compare = {"at_most": column.le, "over": column.gt, "at_least": column.ge}[test]
                result &= compare(value)
    return result


def _assign(
    table: pd.DataFrame, entry: Mapping[str, Any], parameters: Mapping[str, float]
) -> tuple[pd.Series, str]:
    """Return the class of every row (None = not recorded) and, when the standard is not measured, the reason."""
    empty = pd.Series(None, index=table.index, dtype=object)
    way = next((way for way in entry["measured_by"] if set(way["constructs"]) <= set(table)), None)
    if way is None:
        first = entry["measured_by"][0]["constructs"]
        needs = [part for name in first for part in DERIVED.get(name, (name,)) if part not in table.columns]
        return empty, f"not measured: no {' and no '.join(label(need).lower() for need in needs)}"
    assigned = empty.copy()
    hit = False
    for rule in way["rules"]:
        if rule.get("otherwise"):
            rows = assigned.isna() & table[way["constructs"]].notna().all(axis=1)
        else:
            rows = assigned.isna() & _holds(table, rule["when"], parameters)
            hit |= bool(rows.any())
        assigned[rows] = rule["class"]
    if "needs_a_hit" in entry and not hit:
        return empty, f"not measured: {entry['needs_a_hit']}"
    return assigned, ""


def classify(customers: pd.DataFrame, parameters: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Put every customer into the classes of K1 to K13.

    Args:
        customers: canonical customer table.
        parameters: changed cut-offs; also `benchmark_rate` (share per year) where the table has none.

    Returns: index of `customers`, categorical columns K1 … K13 with the classes of the standard in order. Missing
    means that a construct is not recorded for the customer; a standard that is not measured is missing everywhere,
    with the reason in `attrs["reasons"]`. `attrs["parameters"]` has the cut-offs used.
    """
    values = _with_sizes(_parameters(parameters), customers)
    table = _with_derived(customers, values)
    classes, reasons = {}, {}
    for standard, entry in rules()["standards"].items():
        assigned, reason = _assign(table, entry, values)
        classes[standard] = pd.Categorical(assigned, categories=list(entry["classes"]))
        if reason:
            reasons[standard] = reason
    frame = pd.DataFrame(classes, index=customers.index)
    frame.attrs["reasons"] = reasons
    frame.attrs["parameters"] = {name: values[name] for name in values if name != "minus_benchmark_tolerance"}
    return frame


def _counts(rows: pd.Series, customers: pd.DataFrame) -> tuple[float, ...]:
    """Return n, share, amount, amount_share, known, bad, outcome_rate, ci_low and ci_high of some rows."""
    amount = customers["loan_amount"] if "loan_amount" in customers else pd.Series(dtype="float64")
    outcome = customers["default"][rows].dropna() if "default" in customers else pd.Series(dtype="float64")
    known, bad, total = len(outcome), int(outcome.sum()), float(amount.sum())
    low, high = map(float, jeffreys(bad, known))
    inside = float(amount[rows].sum()) if len(amount) else np.nan
    lent, rate = inside / total if total else np.nan, bad / known if known else np.nan
    return int(rows.sum()), float(rows.mean()), inside, lent, known, bad, rate, low, high


def summary(classes: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Count every class of every standard.

    Returns one row per standard and class: standard, name, name_zh, class, class_zh, n, share, amount, amount_share,
    known (rows whose outcome is known), bad, outcome_rate with a 95 % Jeffreys interval (ci_low, ci_high), measured,
    reason. A standard that is not measured has one row with class missing and the reason; customers whose construct is
    not recorded have a row "not recorded".
    """
    reasons = classes.attrs.get("reasons", {})
    found = []
    for standard, entry in rules()["standards"].items():
        about, column = (standard, entry["name"], entry["name_zh"]), classes[standard]
        if standard in reasons or column.isna().all():
            reason = reasons.get(standard, "not measured: no row has a value")
            found.append((*about, None, None, 0, *[np.nan] * 8, False, reason))
            continue
        parts = [(kind, kind_zh, column == kind) for kind, kind_zh in entry["classes"].items()]
        parts += [(NOT_RECORDED, "未记录", column.isna())] if column.isna().any() else []
        found += [(*about, kind, zh, *_counts(rows, customers), True, "") for kind, zh, rows in parts]
    return pd.DataFrame(found, columns=list(SUMMARY_COLUMNS))


def alternatives(columns: Iterable[str]) -> dict[str, int]:
    """Return the place, from 1, of the alternative by which a table with these columns measures each standard."""
    known, found = set(columns), {}
    for standard, entry in rules()["standards"].items():
        ways = [set(way["constructs"]) <= known for way in entry["measured_by"]]
        found[standard] = ways.index(True) + 1 if True in ways else len(ways)
    return found


def best(summaries: pd.DataFrame) -> pd.DataFrame:
    """Keep of the summaries of several data sets, for each standard, that of the data set which measures it best.

    A standard is measured the better the earlier its alternative stands in the definition (a lender's grade before
    counts of delinquencies), then the more evenly customers spread over its classes: by the effective number of
    classes, 1/Σ share² (Laakso and Taagepera, 1979). It takes two classes of more than a few customers; invented data
    stand in only where no real data set has them.

    Args:
        summaries: of `summary`, with `dataset`, `real` and `alternative`.

    Returns:
        the classes in use, with `used` (how many) and `effective`; nothing for a standard that no data set cuts.
    """
    counted = summaries[summaries["measured"].astype(bool) & summaries["n"].ge(rules()["class_in_use"])]
    counted = counted[counted["class"] != NOT_RECORDED]
    keys = [counted["standard"], counted["dataset"]]
    n = counted["n"].astype(float)
    total, squares = (values.groupby(keys).transform("sum") for values in (n, n**2))
    spread = counted.assign(used=n.groupby(keys).transform("size").astype(int), effective=total**2 / squares)
    cut = spread[spread["used"] > 1]
    order = {"real": False, "alternative": True, "effective": False}
    first = cut.sort_values([*order], ascending=[*order.values()], kind="stable").drop_duplicates("standard")
    chosen = cut.merge(first[["standard", "dataset"]], on=["standard", "dataset"])
    place = list(rules()["standards"]).index
    return chosen.sort_values("standard", key=lambda ids: ids.map(place), kind="stable", ignore_index=True)
