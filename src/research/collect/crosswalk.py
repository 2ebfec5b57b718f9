"""Crosswalks: from the columns of a source to the canonical customer table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from research import limits
from research.collect.constructs import constructs, validate
from research.collect.tables import find
from research.collect.transforms import (
    ANY_SOURCE,
    RATIOS,
    TRANSFORMS,
    Transform,
    dates,
    mapping,
    number,
    text,
)
from research.errors import UserError, nearest
from research.paths import DEFINITIONS
from research.textfiles import is_file, read_csv

CROSSWALKS = DEFINITIONS / "crosswalks"
COLUMNS = ("construct", "source", "transform", "argument", "missing", "unit", "fit", "reason")
FITS = ("direct", "proxy", "absent")


@dataclass(frozen=True)
class Crosswalked:
    """A canonical table and what did not map.

    `unmapped` has one row per construct and source value that was there but gave no value:
    construct, source, transform, value, n.
    """

    customers: pd.DataFrame
    unmapped: pd.DataFrame


def _fault(path: Path, row: int, message: str) -> UserError:
    return UserError(f"{path.name}, row {row}: {message}")


def _sources(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _check_row(path: Path, position: int, row: pd.Series, known: pd.Index) -> None:
    line = position + 2  # the header is row 1
    if row["construct"] not in known:
        raise _fault(path, line, f"unknown construct '{row['construct']}'{nearest(row['construct'], known)}")
    if row["fit"] not in FITS:
        raise _fault(path, line, f"fit is '{row['fit']}'{nearest(row['fit'], FITS)}")
    if row["fit"] != "direct" and not row["reason"]:
        raise _fault(path, line, f"'{row['construct']}' is {row['fit']}: say why in the column reason")
    if row["fit"] == "absent":
        return
    if row["transform"] not in TRANSFORMS:
        raise _fault(
            path, line, f"unknown transform '{row['transform']}'{nearest(row['transform'], TRANSFORMS)}"
        )
    low, high = TRANSFORMS[row["transform"]].sources
    count = len(_sources(row["source"]))
    if not low <= count <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        raise _fault(
            path, line, f"transform '{row['transform']}' needs {wanted} source columns, found {count}"
        )


def crosswalk_file(name_or_path: str | Path) -> Path:
    """Return the file of a crosswalk given by the name of a shipped one or by path; UserError when there is none."""
    path = find(name_or_path)
    if path.suffix != ".csv":
        path = CROSSWALKS / f"{name_or_path}.csv"
    if not is_file(path):
        shipped = sorted(p.stem for p in CROSSWALKS.glob("*.csv") if p.stem != "maps")
        raise UserError(
            f"crosswalk '{name_or_path}' is neither a file nor shipped{nearest(path.stem, shipped)}"
        )
    return path


def read_crosswalk(name_or_path: str | Path) -> pd.DataFrame:
    """Read a crosswalk, by the name of a shipped one or by path.

    Columns: construct, source (columns separated by ';'), transform, argument, missing (source values that mean
    missing, separated by '|'), unit, fit (direct, proxy, absent), reason. Every cell is text.

    Raises UserError that names file, row and what is expected.
    """
    path = crosswalk_file(name_or_path)
    table = read_csv(path, COLUMNS)[list(COLUMNS)]
    limits.within("crosswalk_rows", len(table), path.name)
    known = constructs().index
    for position, (_, row) in enumerate(table.iterrows()):
        _check_row(path, position, row, known)
    repeated = table["construct"][table["construct"].duplicated()]
    if len(repeated):
        raise _fault(path, int(repeated.index[0]) + 2, f"construct '{repeated.iloc[0]}' has two rows")
    return table


def complete(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return the crosswalk with a row for every construct; one it does not mention is absent, and says so."""
    by_name = crosswalk.set_index("construct").reindex(constructs().index.rename("construct"))
    unmentioned = by_name["fit"].isna()
    by_name.loc[unmentioned, "fit"] = "absent"
    by_name.loc[unmentioned, "reason"] = "the crosswalk does not mention it"
    return by_name.fillna("").reset_index()


def _columns(raw: pd.DataFrame, row: pd.Series, label: str) -> list[pd.Series]:
    found = []
    codes = [code.strip() for code in row["missing"].split("|") if code.strip()]
    for name in _sources(row["source"]):
        if name not in raw.columns:
            raise UserError(
                f"{label}, construct '{row['construct']}': the data have no column '{name}'"
                f"{nearest(name, map(str, raw.columns))}"
            )
        column = raw[name]
        found.append(column.mask(text(column).isin(codes)) if codes else column)
    return found


def _typed(values: pd.Series, dtype: str) -> pd.Series:
    if dtype == "float":
        return number(values)
    if dtype == "datetime":
        return dates(values).astype("datetime64[ns]")
    if dtype == "string":
        return text(values)
    labels = text(values)
    return labels.astype(object).where(labels.notna(), None).astype("category")


def _unmapped(
    row: pd.Series, sources: list[pd.Series], values: pd.Series, transform: Transform
) -> pd.DataFrame:
    """Source values that were there and gave nothing."""
    if (
        not sources or row["transform"] == "window_midpoint"
    ):  # no event in any window is an answer, not a loss
        return pd.DataFrame()
    known = pd.concat([column.notna() for column in sources], axis=1)
    there = known.any(axis=1) if row["transform"] in ANY_SOURCE else known.all(axis=1)
    if row["transform"] == "map":
        to_missing = [key for key, becomes in mapping(row["argument"]).items() if becomes == ""]
        there &= ~text(sources[0]).isin(to_missing)  # mapped to missing on purpose
    lost = there & values.isna()
    if not lost.any():
        return pd.DataFrame()
    if row["transform"] in RATIOS and all(number(column[lost]).notna().all() for column in sources):
        value = "divided by zero or less: the ratio has no value"
        return pd.DataFrame([{"value": value, "n": int(lost.sum())}]).assign(
            construct=row["construct"], source=row["source"], transform=row["transform"]
        )
    original = pd.concat([text(column[lost]).fillna("—") for column in sources], axis=1).agg(
        "; ".join, axis=1
    )
    counts = original.value_counts().rename_axis("value").rename("n").reset_index()
    return counts.assign(construct=row["construct"], source=row["source"], transform=row["transform"])


def apply(raw: pd.DataFrame, crosswalk: pd.DataFrame, label: str = "data", check: bool = True) -> Crosswalked:
    """Bring a source table to the canonical customer table.

    Args:
        raw: one row per customer or loan, any columns.
        crosswalk: as read by `read_crosswalk`.
        label: what to call the data in messages.
        check: validate ranges and types (pandera); False lets `quality` look at a faulty table.

    Raises UserError when a source column is missing, identifiers repeat or a value is impossible.
    """
    definitions = constructs()
    table = complete(crosswalk)
    columns: dict[str, pd.Series] = {}
    lost = []
    anchor = pd.Series(pd.NA, index=raw.index)
    for _, row in table[table["fit"] != "absent"].iterrows():
        transform = TRANSFORMS[row["transform"]]
        sources = _columns(raw, row, label)
        try:
            values = transform.apply(sources or [anchor], row["argument"])
        except UserError as error:
            raise UserError(f"{label}, construct '{row['construct']}': {error}") from None
        columns[row["construct"]] = _typed(values, definitions.at[row["construct"], "dtype"])
        lost.append(_unmapped(row, sources, columns[row["construct"]], transform))
    if "customer_id" not in columns:
        raise UserError(
            f"{label}: the crosswalk has no customer_id (use the transform row_number without one)"
        )
    identity = columns.pop("customer_id")
    if identity.isna().any():
        raise UserError(f"{label}: customer_id is missing in {int(identity.isna().sum())} rows")
    order = [name for name in definitions.index if name in columns]
    index = pd.Index(identity.astype(object), name="customer_id")
    customers = pd.DataFrame({name: columns[name].array for name in order}, index=index)
    wanted = ["construct", "source", "transform", "value", "n"]
    kept = [part for part in lost if len(part)]
    unmapped = pd.concat(kept, ignore_index=True)[wanted] if kept else pd.DataFrame(columns=wanted)
    return Crosswalked(validate(customers, label) if check else customers, unmapped)


def beside(raw: pd.DataFrame, crosswalk: pd.DataFrame, construct: str) -> pd.DataFrame:
    """Return the source columns of one construct with the coerced value beside them (column `value`)."""
    row = complete(crosswalk).set_index("construct").loc[construct]
    if row["fit"] == "absent":
        raise UserError(f"construct '{construct}' is absent here: {row['reason']}")
    keep = pd.concat(
        [crosswalk[crosswalk["construct"] == name] for name in ("customer_id", construct)], ignore_index=True
    )
    values = apply(raw, keep, check=False).customers[construct]
    return raw[_sources(row["source"])].assign(value=values.array)
