"""The constructs of the study: what a canonical customer table may hold, in which unit and in which role."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from research.errors import UserError, nearest
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

if TYPE_CHECKING:
    import pandera.pandas as pa

CONSTRUCTS_FILE = DEFINITIONS / "constructs.csv"
CLASSES_FILE = DEFINITIONS / "construct_classes.csv"
SORTED = "a standard sorts by these words"  # a note there
BLOCKS = ("risk", "value", "need", "behaviour", "contract", "context")
ROLES = ("identity", "predictor", "protected", "context", "time", "outcome", "post")


@cache
def _read() -> pd.DataFrame:
    table = own_csv(CONSTRUCTS_FILE).set_index("construct", drop=False).rename_axis(None)
    for name, role in table["role"].items():
        if role not in ROLES:
            raise UserError(
                f"{CONSTRUCTS_FILE.name}, {name}: role '{role}', expected one of {', '.join(ROLES)}"
            )
    bounds = table[["minimum", "maximum"]].apply(pd.to_numeric).astype("float64")
    return table.assign(**bounds)


def constructs() -> pd.DataFrame:
    """Return the definitions, one row per construct, indexed by its name.

    Columns: construct, criterion, block, role, dtype, unit, known_at, minimum and maximum (float, NaN = open),
    label, label_zh, description, missing_means (what a missing value says; empty = unknown).
    """
    return _read().copy()


def construct(name: str) -> pd.Series:
    """Return the definition of one construct; raise UserError with the nearest name when there is none."""
    if name not in _read().index:
        raise UserError(f"unknown construct '{name}'{nearest(name, _read().index)}")
    return _read().loc[name].copy()


def classes() -> pd.DataFrame:
    """Return the classes of the categorical constructs: construct, classes (separated by ";", empty = any), note."""
    return own_csv(CLASSES_FILE)


def sorted_by() -> dict[str, list[str]]:
    """Return the words that a standard of classification sorts by, of each construct that one sorts."""
    known = classes()[classes()["note"] == SORTED]
    return dict(zip(known["construct"], known["classes"].str.split(";"), strict=True))


def label(name: str) -> str:
    """Return the label of a construct."""
    return str(construct(name)["label"])


def names(role: str) -> list[str]:
    """Return the names of the constructs of a role, in the order of the definitions."""
    return _read().index[_read()["role"] == role].tolist()


def predictors(customers: pd.DataFrame) -> list[str]:
    """Return the columns of a canonical table that may predict: those with the role "predictor"."""
    return [name for name in names("predictor") if name in customers.columns]


def schema(columns: Iterable[str], unbounded: Iterable[str] = ()) -> pa.DataFrameSchema:
    """Return the pandera schema of a canonical table that has these columns.

    The index `customer_id` is unique text; floats are float64 within [minimum, maximum], except those that are named
    `unbounded`; missing values are allowed.
    """
    import pandera.pandas as pa  # slow to import, and only tables that were just made are checked

    dtypes = {"float": "float64", "category": "category", "string": None, "datetime": None}
    fields = {}
    for name in columns:
        row, checks = construct(name), []
        if row["dtype"] == "float" and name not in set(unbounded):
            ends = (pa.Check.ge, row["minimum"]), (pa.Check.le, row["maximum"])
            checks = [check(end) for check, end in ends if pd.notna(end)]
        if row["dtype"] == "datetime":
            checks = [pa.Check(pd.api.types.is_datetime64_any_dtype, error="datetime64")]
        fields[name] = pa.Column(dtypes[row["dtype"]], checks, nullable=True, required=True)
    index = pa.Index(
        None, [pa.Check(lambda values: values.map(lambda v: isinstance(v, str)).all(), error="text")],
        name="customer_id", unique=True, nullable=False,
    )  # fmt: skip
    return pa.DataFrameSchema(fields, index=index, strict=True)


def validate(customers: pd.DataFrame, source: str, unbounded: Iterable[str] = ()) -> pd.DataFrame:
    """Return the table unchanged when it is canonical; otherwise raise UserError naming columns and first values.

    Constructs that are `unbounded` may leave their range.
    """
    from pandera.errors import SchemaErrors

    try:
        return schema(customers.columns, unbounded).validate(customers, lazy=True)
    except SchemaErrors as error:
        told = []
        for (column, check), group in error.failure_cases.groupby(
            ["column", "check"], dropna=False, sort=True
        ):
            first, place = group.iloc[0], column if pd.notna(column) else "customer_id"
            where = f" (first: customer {first['index']})" if pd.notna(first["index"]) else ""
            told.append(f"{place}: {len(group)} × {first['failure_case']!r} fails {check}{where}")
        raise UserError(f"{source}: the customer table is not valid. " + "; ".join(told)) from None
