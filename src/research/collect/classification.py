"""K1 to K13: how a loan book is cut before any model, each by a rule table that is data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.collect.constructs import label
from research.errors import UserError, nearest
from research.intervals import jeffreys
from research.paths import DEFINITIONS
from research.textfiles import own_yaml

CLASSIFICATION_FILE = DEFINITIONS / "classification.yml"
NOT_RECORDED = "not recorded"
TESTS = ("in", "equals", "at_most", "over", "at_least", "known")
FROM_DATA = "a cut-off taken from the data"
SUMMARY_COLUMNS = (
    "standard", "name", "name_zh", "class", "class_zh", "n", "share", "amount", "amount_share",
    "known", "bad", "outcome_rate", "ci_low", "ci_high", "measured", "reason",
)  # fmt: skip
DERIVED = {"rate_over_benchmark": ("interest_rate", "benchmark_rate")}


@cache
def _read(path: Path) -> dict[str, Any]:
    return own_yaml(path)


def rules(path: Path = CLASSIFICATION_FILE) -> dict[str, Any]:
    """Return the rule tables: {"parameters": {...}, "standards": {"K1": {...}, …}}."""
    return _read(path)


def standards(definitions: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the thirteen standards as a table: standard, name, name_zh, class, class_zh, overlaps, note."""
    found = [
        {
            "standard": standard,
            "name": entry["name"],
            "name_zh": entry["name_zh"],
            "class": label,
            "class_zh": label_zh,
            "overlaps": entry.get("overlaps", ""),
            "note": entry.get("note", ""),
        }
        for standard, entry in (definitions or rules())["standards"].items()
        for label, label_zh in entry["classes"].items()
    ]
    return pd.DataFrame(found)


def rule_table(
    definitions: Mapping[str, Any] | None = None, parameters: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return every rule with its cut-offs in words a reader can check: standard, alternative, class, rule.

    Args:
        definitions: rule tables, the shipped ones by default.
        parameters: cut-offs as for `classify`, or those it used: `attrs["parameters"]` of its result.
    """
    definitions = definitions or rules()
    parameters = _parameters(definitions, parameters)
    signs = {"in": "in", "equals": "=", "at_most": "≤", "over": ">", "at_least": "≥", "known": "known"}
    found = []
    for standard, entry in definitions["standards"].items():
        for position, way in enumerate(entry["measured_by"], start=1):
            for rule in way["rules"]:
                parts = [
                    f"{name} {signs[test]} {_in_words(value)}"
                    for name, condition in rule.get("when", {}).items()
                    for test, raw in condition.items()
                    for value in [_value(raw, parameters)]
                ]
                words = " and ".join(parts) if parts else "otherwise"
                found.append(
                    {"standard": standard, "alternative": position, "class": rule["class"], "rule": words}
                )
    return pd.DataFrame(found)


def _in_words(value: Any) -> str:
    """Return what a rule compares with; numbers with thousands separated and a true minus sign."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return FROM_DATA
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.10g}".replace("-", "−")
    return str(value)


def _parameters(definitions: Mapping[str, Any], given: Mapping[str, float] | None) -> dict[str, float]:
    values = dict(definitions["parameters"])
    for name, value in (given or {}).items():
        if name != "benchmark_rate" and name not in values:
            raise UserError(
                f"classification parameter '{name}' is unknown{nearest(name, [*values, 'benchmark_rate'])}"
            )
        values[name] = value
    values["minus_benchmark_tolerance"] = -values["benchmark_tolerance"]
    return values


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
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in parameters:
            raise UserError(
                f"classification rule uses the unknown parameter '{value}'{nearest(value[1:], parameters)}"
            )
        return parameters[value[1:]]
    return value


def _holds(table: pd.DataFrame, when: Mapping[str, Any], parameters: Mapping[str, float]) -> pd.Series:
    result = pd.Series(True, index=table.index)
    for construct, condition in when.items():
        column = table[construct]
        for test, raw in condition.items():
            if test not in TESTS:
                raise UserError(
                    f"classification rule on '{construct}': unknown test '{test}'{nearest(test, TESTS)}"
                )
            value = _value(raw, parameters)
            if test in ("in", "equals"):
                result &= column.isin(value if isinstance(value, list) else [value])
            elif test == "known":
                result &= column.notna() == bool(value)
            else:
                compare = {"at_most": column.le, "over": column.gt, "at_least": column.ge}[test]
                result &= compare(value)
    return result


def _measured_by(entry: Mapping[str, Any], columns: pd.Index) -> Mapping[str, Any] | None:
    for way in entry["measured_by"]:
        if set(way["constructs"]) <= set(columns):
            return way
    return None


def _assign(
    table: pd.DataFrame, entry: Mapping[str, Any], parameters: Mapping[str, float]
) -> tuple[pd.Series, str]:
    """Return the class of every row (None = not recorded) and, when the standard is not measured, the reason."""
    empty = pd.Series(None, index=table.index, dtype=object)
    way = _measured_by(entry, table.columns)
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


def classify(
    customers: pd.DataFrame,
    definitions: Mapping[str, Any] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Put every customer into the classes of K1 to K13.

    Args:
        customers: canonical customer table.
        definitions: rule tables, the shipped ones by default.
        parameters: changed cut-offs; also `benchmark_rate` (share per year) where the table has none.

    Returns: index of `customers`, categorical columns K1 … K13 with the classes of the standard in order. Missing
    means that a construct is not recorded for the customer; a standard that is not measured is missing everywhere,
    with the reason in `attrs["reasons"]`. `attrs["parameters"]` has the cut-offs used.
    """
    definitions = definitions or rules()
    values = _with_sizes(_parameters(definitions, parameters), customers)
    table = _with_derived(customers, values)
    classes, reasons = {}, {}
    for standard, entry in definitions["standards"].items():
        assigned, reason = _assign(table, entry, values)
        classes[standard] = pd.Categorical(assigned, categories=list(entry["classes"]))
        if reason:
            reasons[standard] = reason
    frame = pd.DataFrame(classes, index=customers.index)
    frame.attrs["reasons"] = reasons
    frame.attrs["parameters"] = {name: values[name] for name in values if name != "minus_benchmark_tolerance"}
    return frame


def _row(rows: pd.Series, customers: pd.DataFrame) -> dict[str, float]:
    amount = customers["loan_amount"] if "loan_amount" in customers else pd.Series(dtype="float64")
    outcome = customers["default"][rows].dropna() if "default" in customers else pd.Series(dtype="float64")
    known, bad = len(outcome), int(outcome.sum())
    low, high = jeffreys(bad, known)
    total = float(amount.sum())
    inside = float(amount[rows].sum()) if len(amount) else float("nan")
    return {
        "n": int(rows.sum()),
        "share": float(rows.mean()),
        "amount": inside,
        "amount_share": inside / total if total else float("nan"),
        "known": known,
        "bad": bad,
        "outcome_rate": bad / known if known else float("nan"),
        "ci_low": float(low),
        "ci_high": float(high),
    }


def summary(
    classes: pd.DataFrame, customers: pd.DataFrame, definitions: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Count every class of every standard.

    Returns one row per standard and class: standard, name, name_zh, class, class_zh, n, share, amount, amount_share,
    known (rows whose outcome is known), bad, outcome_rate with a 95 % Jeffreys interval (ci_low, ci_high), measured,
    reason. A standard that is not measured has one row with class missing and the reason; customers whose construct is
    not recorded have a row "not recorded".
    """
    reasons = classes.attrs.get("reasons", {})
    found = []
    for standard, entry in (definitions or rules())["standards"].items():
        about = {"standard": standard, "name": entry["name"], "name_zh": entry["name_zh"]}
        column = classes[standard]
        if standard in reasons or column.isna().all():
            reason = reasons.get(standard, "not measured: no row has a value")
            found.append(
                {**about, "class": None, "class_zh": None, "n": 0, "measured": False, "reason": reason}
            )
            continue
        for kind, kind_zh in entry["classes"].items():
            counts = _row(column == kind, customers)
            found.append(
                {**about, "class": kind, "class_zh": kind_zh, **counts, "measured": True, "reason": ""}
            )
        if column.isna().any():
            counts = _row(column.isna(), customers)
            found.append(
                {
                    **about,
                    "class": NOT_RECORDED,
                    "class_zh": "未记录",
                    **counts,
                    "measured": True,
                    "reason": "",
                }
            )
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
