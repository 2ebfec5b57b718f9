"""The constructs of the study: what a canonical customer table may hold, in which unit and in which role."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from research.errors import UserError, nearest
from research.paths import DEFINITIONS

if TYPE_CHECKING:
    import pandera.pandas as pa

CONSTRUCTS_FILE = DEFINITIONS / "constructs.csv"
CLASSES_FILE = DEFINITIONS / "construct_classes.csv"
SORTED = "a standard sorts by these words"  # a note there
BLOCKS = ("risk", "value", "need", "behaviour", "contract", "context")
ROLES = ("identity", "predictor", "protected", "context", "time", "outcome", "post")
DTYPES = ("float", "category", "string", "datetime")
KNOWN_AT = ("application", "after")


@cache
def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, allowed in (("role", ROLES), ("dtype", DTYPES), ("known_at", KNOWN_AT)):
        wrong = table[~table[column].isin(allowed)]
        if len(wrong):
            row = wrong.iloc[0]
            raise UserError(
                f"{path.name}, construct '{row.construct}': {column} is '{row[column]}'"
                f"{nearest(row[column], allowed)}"
            )
    for column in ("minimum", "maximum"):
        table[column] = pd.to_numeric(table[column]).astype("float64")
    if table["construct"].duplicated().any():
        raise UserError(
            f"{path.name}: construct '{table.construct[table.construct.duplicated()].iloc[0]}' twice"
        )
    return table.set_index("construct", drop=False).rename_axis(None)


def constructs() -> pd.DataFrame:
    """Return the definitions, one row per construct, indexed by its name.

    Columns: construct, criterion, block, role, dtype, unit, known_at, minimum and maximum (float, NaN = open),
    label, label_zh, description, missing_means (what a missing value says; empty = unknown).
    """
    return _read(CONSTRUCTS_FILE).copy()


def construct(name: str) -> pd.Series:
    """Return the definition of one construct; raise UserError with the nearest name when there is none."""
    table = _read(CONSTRUCTS_FILE)
    if name not in table.index:
        raise UserError(f"unknown construct '{name}'{nearest(name, table.index)}")
    return table.loc[name].copy()


def classes() -> pd.DataFrame:
    """Return the classes of the categorical constructs: construct, classes (separated by ";", empty = any), note."""
    return pd.read_csv(CLASSES_FILE, dtype=str, keep_default_na=False, encoding="utf-8")


def label(name: str, language: str = "en") -> str:
    """Return the label of a construct in English ("en") or Chinese ("zh")."""
    return str(construct(name)["label_zh" if language == "zh" else "label"])


def names(*, block: str | None = None, role: str | None = None) -> list[str]:
    """Return the construct names of a block and/or role, in the order of the definitions."""
    if block is not None and block not in {
        *BLOCKS,
        "classification",
        "identity",
        "protected",
        "time",
        "outcome",
    }:
        raise UserError(f"unknown block '{block}'{nearest(block, BLOCKS)}")
    if role is not None and role not in ROLES:
        raise UserError(f"unknown role '{role}'{nearest(role, ROLES)}")
    table = _read(CONSTRUCTS_FILE)
    keep = pd.Series(True, index=table.index)
    if block is not None:
        keep &= table["block"] == block
    if role is not None:
        keep &= table["role"] == role
    return table.index[keep].tolist()


def predictors(customers: pd.DataFrame, blocks: Iterable[str] | None = None) -> list[str]:
    """Return the columns of a canonical table that may predict, optionally of some blocks only.

    A predictor has role "predictor"; protected, context, time, outcome and post columns never are.
    """
    wanted = [name for name in names(role="predictor") if name in customers.columns]
    if blocks is None:
        return wanted
    table = _read(CONSTRUCTS_FILE)
    chosen = set(blocks)
    unknown = chosen - set(BLOCKS)
    if unknown:
        name = sorted(unknown)[0]
        raise UserError(f"unknown block '{name}'{nearest(name, BLOCKS)}")
    return [name for name in wanted if table.at[name, "block"] in chosen]


def schema(columns: Iterable[str], unbounded: Iterable[str] = ()) -> pa.DataFrameSchema:
    """Return the pandera schema of a canonical table that has these columns.

    The index `customer_id` is unique text; floats are float64 within [minimum, maximum], except those that are named
    `unbounded`; missing values are allowed.
    """
    import pandera.pandas as pa  # slow to import, and only tables that were just made are checked

    table = _read(CONSTRUCTS_FILE)
    dtypes = {"float": "float64", "category": "category", "string": None, "datetime": None}
    fields = {}
    free = set(unbounded)
    for name in columns:
        row = table.loc[construct(name)["construct"]]
        checks = []
        if row["dtype"] == "float" and name not in free:
            if pd.notna(row["minimum"]):
                checks.append(pa.Check.ge(row["minimum"]))
            if pd.notna(row["maximum"]):
                checks.append(pa.Check.le(row["maximum"]))
        if row["dtype"] == "datetime":
            checks.append(pa.Check(pd.api.types.is_datetime64_any_dtype, error="datetime64"))
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
        cases = error.failure_cases
        told = []
        for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=True):
            first = group.iloc[0]
            where = f" (first: customer {first['index']})" if pd.notna(first["index"]) else ""
            place = column if pd.notna(column) else "customer_id"
            told.append(f"{place}: {len(group)} × {first['failure_case']!r} fails {check}{where}")
        raise UserError(f"{source}: the customer table is not valid. " + "; ".join(told)) from None
