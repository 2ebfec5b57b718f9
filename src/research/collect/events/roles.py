"""Which column of a transactions table is the customer, the time, the amount; and all amounts in whole cents."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from research.errors import UserError, nearest
from research.files.textfiles import read_csv

CENTS = 100
EXACT = 2.0**53  # the cents that a float can tell apart; sums of money have no more
LOWEST = -(2**62)  # stands for a missing number in an ordering, where engines differ about what is missing


@dataclass(frozen=True)
class Roles:
    """Names of columns; balance, late and transaction may be empty.

    customer: whole number or text. time: a date, a timestamp (UTC when it has no zone), or with `time_format`
    (strptime) text or a number such as 20181231. amount and balance: numbers, rounded to cents half away from zero.
    late: true or not 0 when the event was late. transaction: a number that settles the order within one instant.
    running_balance: the balance is the sum of the amounts so far instead of a column.
    """

    customer: str = "customer_id"
    time: str = "date"
    amount: str = "amount"
    balance: str = ""
    late: str = ""
    transaction: str = ""
    time_format: str = ""
    running_balance: bool = False

    def columns(self) -> dict[str, str]:
        """Return role → column for those that are given."""
        names = ("customer", "time", "amount", "balance", "late", "transaction")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def __post_init__(self) -> None:
        if self.balance and self.running_balance:
            raise UserError(f"the balance is column '{self.balance}'; it cannot be the running sum as well")


def read_roles(path: str | Path, **given: Any) -> Roles:
    """Read roles from a table with the columns role and column; what is given by name goes before the file.

    Raises UserError for a role that does not exist.
    """
    table = read_csv(path, ("role", "column"))
    known = [field.name for field in fields(Roles) if field.name != "running_balance"]
    for row, role in enumerate(table["role"], start=2):
        if role not in known:
            raise UserError(f"{Path(path).name}, row {row}: unknown role '{role}'{nearest(role, known)}")
    return replace(Roles(**dict(zip(table["role"], table["column"], strict=True))), **given)


def canonical(raw: ir.Table, roles: Roles, place: str) -> ir.Table:
    """Return the events as every engine sees them.

    Columns: customer_id (int64 or string), day (date), amount (int64, cents) and, where given, at (timestamp),
    transaction, balance (int64, cents), late (boolean). What cannot be used is missing, no row is dropped; `usable`
    says which events have all that they need. It asks the columns as they were given: of those a Parquet file often
    knows that nothing is missing, and then nobody needs to look.
    Raises UserError naming the place, the column and what was expected.
    """
    for role, name in roles.columns().items():
        if name not in raw.columns:
            raise UserError(f"{place}: no column '{name}' for the {role}{nearest(name, raw.columns)}")
    columns = {
        "customer_id": _customer(raw[roles.customer], place),
        "amount": _cents(raw[roles.amount], place),
    }
    columns |= _time(raw[roles.time], roles, place)
    columns["usable"] = raw[roles.customer].notnull() & _fits(raw[roles.amount]) & columns["day"].notnull()
    if roles.balance:
        columns["balance"] = _cents(raw[roles.balance], place)
    if roles.late:
        columns["late"] = _flag(raw[roles.late], place)
    if roles.transaction:
        columns["transaction"] = _customer(raw[roles.transaction], place)
    return raw.select(**columns)


def whole(value: ir.Value) -> ir.Value:
    """Return a sum as int64: DuckDB sums in 128 bits, and Ibis would leave out a cast to what it takes it for."""
    return ops.Cast(value, dt.int64).to_expr()


def tie_break(events: ir.Table) -> list[ir.Value]:
    """Return what orders the events of one day: time, transaction number, amount, balance."""
    keys: list[ir.Value] = [events.at] if "at" in events.columns else []
    for column in (events[name] for name in ("transaction", "amount", "balance") if name in events.columns):
        keys.append(column.fill_null("" if column.type().is_string() else LOWEST))
    return keys


def _customer(column: ir.Value, place: str) -> ir.Value:
    kind = column.type()
    if kind.is_integer() and kind != dt.uint64:
        return column.cast("int64")
    if kind.is_string():
        return column
    raise _wrong(place, column, "whole numbers or text")


def _time(column: ir.Value, roles: Roles, place: str) -> dict[str, ir.Value]:
    kind = column.type()
    if roles.time_format and (kind.is_string() or kind.is_integer()):
        column = column.cast("string").as_timestamp(roles.time_format)
        kind = column.type()
    if kind.is_date():
        return {"day": column}
    if not kind.is_timestamp():
        raise _wrong(place, column, "a date or a timestamp, or else a time format such as %Y%m%d")
    return {"day": column.date(), "at": column.cast("timestamp(6)")}


def _cents(column: ir.Value, place: str) -> ir.Value:
    kind = column.type()
    if kind.is_integer():
        return column.cast("int64") * CENTS
    if kind.is_decimal():
        exact = kind.scale is not None and kind.scale <= 2
        scaled = column * CENTS
        return (scaled if exact else scaled.round()).cast("int64")
    if kind.is_floating():
        return ibis.ifelse(_fits(column), (column.cast("float64") * CENTS).round(), None).cast("int64")
    raise _wrong(place, column, "numbers")


def _fits(column: ir.Value) -> ir.BooleanValue:
    """Return whether an amount is there and no larger than its cents can be told apart."""
    if column.type().is_floating():
        # false for NaN, which engines take for the largest number
        return column.cast("float64").abs() < EXACT / CENTS
    return column.notnull()


def _flag(column: ir.Value, place: str) -> ir.Value:
    kind = column.type()
    if kind.is_boolean():
        return column
    if kind.is_numeric():
        return column != 0
    raise _wrong(place, column, "true and false, or numbers of which 0 is not late")


def _wrong(place: str, column: ir.Value, expected: str) -> UserError:
    return UserError(f"{place}, column '{column.get_name()}': found {column.type()}, expected {expected}")
