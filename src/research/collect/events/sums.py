"""From events to one row per customer: whole numbers first, by any engine, and then the features in one place."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from research.collect.events.features import (
    DENOMINATORS,
    FIXED,
    NUMERATORS,
    RUNS,
    Column,
    definitions,
    months_needed,
)
from research.collect.events.roles import CENTS, Roles, whole
from research.collect.events.rows import WHOLE, Reference, Rows, by_day, dated, late_runs, standing


def keys_of(reference: Reference) -> list[str]:
    """Return what names a row of the result."""
    return ["customer_id"] if isinstance(reference, datetime.date) else ["customer_id", "as_of"]


def aggregate(events: ir.Table, columns: Sequence[Column], reference: Reference, roles: Roles) -> ir.Table:
    """Return one row of whole numbers per customer, or per customer and reference date.

    `events` as made by `roles.canonical`, `reference` as in `rows.dated`. Columns: keys, events (how many counted), for
    each feature its numerator and, where it varies, its denominator `<name>__per`. Customers of a reference table
    without any event have a row of missing values.
    """
    keys = keys_of(reference)
    rows = dated(events, reference, months_needed(columns))
    main = _prepared(rows, {column.feature for column in columns}, keys, roles)
    sums = {"events": main.count(WHOLE)}
    for column in (column for column in columns if column.feature in NUMERATORS):
        sums[column.name] = NUMERATORS[column.feature](main, column.window)
        if column.feature in DENOMINATORS:
            sums[f"{column.name}__per"] = DENOMINATORS[column.feature](main, column.window)
    result = main.table.group_by(keys).aggregate(**sums)
    late = [column for column in columns if column.feature in RUNS]
    if late:
        runs = late_runs(rows, keys, dict.fromkeys(column.window for column in late))
        counts = {c.name: whole(RUNS[c.feature](runs, runs[f"late_{c.window.label}"])) for c in late}
        result = _beside(result, runs.group_by(keys).aggregate(**counts), keys)
    return result if isinstance(reference, datetime.date) else _beside(reference.select(keys), result, keys)


def divide(raw: ir.Table, columns: Sequence[Column], keys: Sequence[str]) -> ir.Table:
    """Return keys, events and the features: counts and days as int64, the rest as one division in float64."""
    features = {column.name: _divided(raw, column) for column in columns}
    return raw.select(*keys, events=raw.events.fill_null(0), **features)


def _divided(raw: ir.Table, column: Column) -> ir.Value:
    definition = definitions().loc[column.feature]
    value = raw[column.name]
    if definition["unit"] not in ("count", "days"):
        if column.feature in DENOMINATORS:
            below = raw[f"{column.name}__per"].nullif(0).cast("float64")
        else:
            fixed = FIXED[column.feature](column.months) if column.feature in FIXED else CENTS
            below = ibis.literal(fixed, "float64")
        value = value.cast("float64") / below
    return value.fill_null(0) if definition["empty"] == "0" else value


def _prepared(rows: Rows, names: set[str], keys: Sequence[str], roles: Roles) -> Rows:
    """Do no more to the events than the features need: summing by day and standing balances cost most."""
    if names & {"inflow", "outflow"}:
        rows = replace(rows, table=rows.table.mutate(inflow=ibis.greatest(rows.table.amount, 0)))
    if names & {"balance_last", "balance_mean", "balance_min"}:
        return standing(rows, keys, running=roles.running_balance)
    return by_day(rows, keys) if "active_days" in names else rows


def _beside(left: ir.Table, right: ir.Table, keys: Sequence[str]) -> ir.Table:
    joined = left.left_join(right, list(keys), rname="{name}__right")
    return joined.drop(*(name for name in joined.columns if name.endswith("__right")))
