"""What came back of a trial, and what of it is otherwise than registered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from research.errors import UserError
from research.trial.allocation import SEALED, read_rows, refuse, wave_of
from research.trial.design import Plan


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
    expected = {"yes or no": "0 or 1", "share": "a number from 0 to 1", "amount": "a number"}[plan.kind]
    refuse(path, table, bad, column, f"{expected} or nothing")
    observed = _days(table["observed"].str.slice(0, 10))
    refuse(path, table, known & observed.isna(), "observed", "YYYY-MM-DD")
    listed = table["customer_id"].isin(sealed["customer_id"])
    told += _counted(f"units: {{n}} customers of {path.name} are not in the sealed list", table[~listed])
    table = table.assign(value=value, observed=observed)[listed]
    if plan.waves:
        periods = pd.to_numeric(table["period"], errors="coerce")
        refuse(path, table, ~periods.isin(range(plan.waves + 1)), "period", f"0 to {plan.waves}")
        table = table.assign(period=periods.astype(int))
        people = sealed.merge(pd.DataFrame({"period": range(plan.waves + 1)}), how="cross")
        people["treated"] = (people["period"] >= wave_of(people["arm"])).astype(int)
    else:
        people = sealed.assign(period=0, treated=(sealed["arm"] == "treatment").astype(int))
    given = table[[*keys, "value", "observed"]].assign(told=table.get("arm", ""))
    people = people.merge(given, on=keys, how="left", validate="one_to_one")
    said = people.pop("told").fillna("")
    moved = people[(said != "") & (said != people["arm"])]
    told += _counted("arm: {n} customers have another arm than the sealed list says", moved)
    early = people[people["value"].notna() & (people["observed"] < _due(plan, people))]
    when = f"date: {{n}} outcomes were observed before the horizon of {plan.horizon_months} months"
    return people, told + _counted(when, early)


def sealed_list(path: Path, expected: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the sealed list, and a departure when it is not as it was sealed."""
    place = path / SEALED if path.is_dir() else path
    table = read_rows(place, ["customer_id", "unit", "block", "arm", "start"])
    refuse(place, table, _days(table["start"]).isna(), "start", "YYYY-MM-DD")
    same = hashlib.sha256(place.read_bytes()).hexdigest() == expected
    return table, [] if same else [f"list: {place.name} is not as it was sealed"]


def _days(cells: pd.Series) -> pd.Series:
    return pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")


def _counted(template: str, rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    first = ", ".join(rows["customer_id"].unique()[:3])
    return [f"{template.format(n=rows['customer_id'].nunique())}, such as {first}"]


def _due(plan: Plan, people: pd.DataFrame) -> pd.Series:
    """The first day on which an outcome may be observed: a horizon after the start, of a wedge after its period."""
    start = pd.to_datetime(people["start"])
    if plan.waves:
        first = start.min()  # that of wave 1, which begins with period 1
        begin = {n: first + pd.DateOffset(months=plan.step_months * (n - 1)) for n in range(plan.waves + 1)}
        start = people["period"].map(begin)
    return start + pd.DateOffset(months=plan.horizon_months)
