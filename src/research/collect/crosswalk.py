"""Crosswalks: from the columns of a source to the canonical customer table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from research.collect import numerals
from research.collect.book_checks import bound
from research.collect.constructs import constructs, validate
from research.collect.dates import day_or_month_first, read_dates
from research.collect.identifiers import masked
from research.collect.tables import LEFT_OUT, find
from research.collect.transforms import (
    ANY_SOURCE,
    RATIOS,
    TRANSFORMS,
    mapping,
    number,
    options,
    takes_percentages,
    text,
)
from research.errors import UserError, nearest
from research.files import limits
from research.files.textfiles import is_file, read_csv
from research.paths import DEFINITIONS

CROSSWALKS = DEFINITIONS / "crosswalks"
COLUMNS = ("construct", "source", "transform", "argument", "missing", "unit", "fit", "reason")
OPTIONAL = ("lost", "out_of_range", "decimal")  # a crosswalk may leave these columns out
FITS = ("direct", "proxy", "absent")
CHOICES = {"lost": ("", "accept"), "out_of_range": ("", "missing", "clip", "keep"), "decimal": ("", ".", ",")}
LOST_COLUMNS = ("construct", "source", "transform", "n", "share", "examples", "accepted")
OUTSIDE_COLUMNS = ("construct", "allowed", "n", "share", "treated")
READ_COLUMNS = ("construct", "source", "read_as")
EXAMPLES = 3
NO_QUOTIENT = "divided by zero or less: the ratio has no value"


@dataclass(frozen=True)
class Crosswalked:
    """A canonical table, what was lost on the way and how the source was read.

    Attributes:
        customers: index customer_id, one column per construct.
        lost: one row per construct and source column of which values were there and gave nothing: construct, source,
            transform, n, share (of the values that were there), examples (three, masked), accepted (bool).
        outside: one row per construct with values out of its range: construct, allowed, n, share, treated (missing,
            clip, keep or nothing).
        read: how columns write their numbers where not as programs do: construct, source, read_as.
        left_out: rows of totals that are no customers.
    """

    customers: pd.DataFrame
    lost: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LOST_COLUMNS)))
    outside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(OUTSIDE_COLUMNS)))
    read: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(READ_COLUMNS)))
    left_out: int = 0


def sources(cell: str) -> list[str]:
    """Return the columns that a cell of a crosswalk names."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def _fault(row: pd.Series, known: pd.Index) -> str:
    """Return what does not fit in a row of a crosswalk, empty when all does."""
    construct, fit, transform = row["construct"], row["fit"], row["transform"]
    if construct not in known:
        return f"unknown construct '{construct}'{nearest(construct, known)}"
    if fit not in FITS:
        return f"fit is '{fit}'{nearest(fit, FITS)}"
    if fit != "direct" and not row["reason"]:
        return f"'{construct}' is {fit}: say why in the column reason"
    if fit == "absent":
        return ""
    for column, allowed in CHOICES.items():
        if row[column] not in allowed:
            return f"{column} is '{row[column]}'; expected {', '.join(filter(None, allowed))} or nothing"
    if transform not in TRANSFORMS:
        return f"unknown transform '{transform}'{nearest(transform, TRANSFORMS)}"
    low, high = TRANSFORMS[transform].sources
    count, wanted = len(sources(row["source"])), str(low) if low == high else f"{low} to {high}"
    if low <= count <= high:
        return ""
    return f"transform '{transform}' needs {wanted} source columns, found {count}"


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
    missing, separated by '|'), unit, fit (direct, proxy, absent), reason; and, empty where the file has no such column,
    lost (accept), out_of_range (missing, clip, keep), decimal (. or ,). Every cell is text.

    Raises UserError that names file, row and what is expected.
    """
    path = crosswalk_file(name_or_path)
    table = read_csv(path, COLUMNS).reindex(columns=[*COLUMNS, *OPTIONAL], fill_value="")
    limits.within("crosswalk_rows", len(table), path.name)
    known = constructs().index
    for place, row in table.iterrows():
        if fault := _fault(row, known):
            raise UserError(f"{path.name}, row {place + 2}: {fault}")  # the header is row 1
    for place, name in table["construct"][table["construct"].duplicated()].items():
        raise UserError(f"{path.name}, row {place + 2}: construct '{name}' has two rows")
    return table


def complete(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return the crosswalk with a row for every construct; one it does not mention is absent, and says so."""
    known = crosswalk.reindex(columns=[*COLUMNS, *OPTIONAL], fill_value="")
    by_name = known.set_index("construct").reindex(constructs().index.rename("construct"))
    unmentioned = by_name["fit"].isna()
    by_name.loc[unmentioned, "fit"] = "absent"
    by_name.loc[unmentioned, "reason"] = "the crosswalk does not mention it"
    return by_name.fillna("").reset_index()


def _columns(raw: pd.DataFrame, row: pd.Series, label: str) -> list[pd.Series]:
    found = []
    codes = [code.strip() for code in row["missing"].split("|") if code.strip()]
    for name in sources(row["source"]):
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
        return read_dates(values).astype("datetime64[ns]")
    if dtype == "string":
        return text(values)
    labels = text(values)
    return labels.astype(object).where(labels.notna(), None).astype("category")


def decimal_of(raw: pd.DataFrame) -> str:
    """Return the decimal mark that the text columns of a table have; empty where they tell nothing, or both."""
    found = set()
    for name in raw.columns[~raw.dtypes.map(pd.api.types.is_numeric_dtype)]:
        points, commas = numerals.votes(raw[name].head(2000))
        if max(points, commas) > 0.5 * raw[name].head(2000).notna().sum():
            found.add("." if points > commas else ",")
    return found.pop() if len(found) == 1 else ""


def _readings(columns: list[pd.Series], row: pd.Series, raw: pd.DataFrame) -> list[numerals.Reading]:
    found, percentages = [], takes_percentages(row["transform"], row["argument"])
    for column in columns:
        reading = numerals.read(column, decimal=row["decimal"], percentages=percentages)
        if reading.problem and not row["decimal"]:
            reading = numerals.read(column, hint=decimal_of(raw), percentages=percentages)
        found.append(reading)
    return found


def _unclear_dates(columns: list[pd.Series], row: pd.Series, dtype: str) -> str:
    """Say which source column has dates that two forms fit, where the crosswalk gives no form."""
    if row["transform"].endswith("_between"):
        given = options(row["argument"])
        forms = [given.get("from", ""), given.get("to", "")]
    elif dtype == "datetime":
        forms = [row["argument"]]
    else:
        return ""
    for column, form in zip(columns, forms, strict=False):
        if not form and not pd.api.types.is_numeric_dtype(column) and day_or_month_first(column) == "unclear":
            return f"column '{column.name}': day or month first cannot be told; give the format, such as %d/%m/%Y"
    return ""


def _lost(row: pd.Series, gone: pd.Series, known: int) -> dict[str, object]:
    """Say which values `gone` of a source column, of so many known ones, gave nothing."""
    shown = masked(text(gone).value_counts().index[:EXAMPLES].tolist(), str(gone.name))
    said = (
        row["construct"],
        str(gone.name),
        row["transform"],
        len(gone),
        float(len(gone) / known),
        ", ".join(shown),
    )
    return dict(zip(LOST_COLUMNS, (*said, row["lost"] == "accept"), strict=True))


def _losses(
    row: pd.Series, columns: list[pd.Series], read: list[numerals.Reading], values: pd.Series
) -> list[dict[str, object]]:
    """Source values that were there and gave nothing, one entry per column."""
    if (
        not columns or row["transform"] == "window_midpoint"
    ):  # no event in any window is an answer, not a loss
        return []
    found = []
    there = [_is_there(column) for column in columns]
    for column, known, reading in zip(columns, there, read, strict=False):
        gone = known & reading.values.isna()
        if gone.any():
            found.append(_lost(row, column[gone], int(column.notna().sum())))
    usable = pd.concat([reading.values.notna() for reading in read] or there, axis=1)
    due = usable.any(axis=1) if row["transform"] in ANY_SOURCE else usable.all(axis=1)
    if row["transform"] == "map":
        to_missing = [key for key, becomes in mapping(row["argument"]).items() if becomes == ""]
        due &= ~text(columns[0]).isin(to_missing)  # mapped to missing on purpose
    gone = due & values.isna()
    if gone.any():
        if len(columns) == 1:
            told = _lost(row, columns[0][gone], int((columns[0].notna() & due).sum()))
        else:
            texts = pd.concat([text(column[gone]).fillna("—") for column in columns], axis=1)
            told = _lost(row, texts.agg("; ".join, axis=1).rename(row["source"]), int(due.sum()))
        quotient = {"examples": NO_QUOTIENT, "accepted": True} if row["transform"] in RATIOS else {}
        found.append(told | quotient)
    return found


def _is_there(column: pd.Series) -> pd.Series:
    return column.notna() if pd.api.types.is_numeric_dtype(column) else text(column).notna()


def _within(
    values: pd.Series, row: pd.Series, definition: pd.Series
) -> tuple[pd.Series, list[dict[str, object]]]:
    """Treat what is out of a construct's range as the crosswalk says, and count it."""
    if definition["dtype"] != "float":
        return values, []
    low, high = definition["minimum"], definition["maximum"]
    outside = (values < low) | (values > high)
    if not outside.any():
        return values, []
    ends = " and ".join([f"≥ {low:g}"] * pd.notna(low) + [f"≤ {high:g}"] * pd.notna(high))
    n, treated = int(outside.sum()), row["out_of_range"] or "nothing"
    told = (row["construct"], ends, n, float(n / values.notna().sum()), treated)
    if treated == "missing":
        values = values.mask(outside)
    elif treated == "clip":
        values = values.clip(low, high)
    return values, [dict(zip(OUTSIDE_COLUMNS, told, strict=True))]


def apply(raw: pd.DataFrame, crosswalk: pd.DataFrame, label: str = "data", check: bool = True) -> Crosswalked:
    """Bring a source table to the canonical customer table.

    Args:
        raw: one row per customer or loan, any columns.
        crosswalk: as read by `read_crosswalk`.
        label: what to call the data in messages.
        check: validate ranges and types (pandera) and what was lost; False lets `quality` look at a faulty table.

    Raises UserError when a source column is missing or cannot be read in one way only, identifiers repeat, a value is
    impossible, or more is lost from a column than `most_lost` of book_checks.csv.
    """
    definitions = constructs()
    table = complete(crosswalk)
    columns: dict[str, pd.Series] = {}
    lost: list[dict[str, object]] = []
    outside: list[dict[str, object]] = []
    read_as: list[dict[str, object]] = []
    problems: list[str] = []
    anchor = pd.Series(pd.NA, index=raw.index)
    for _, row in table[table["fit"] != "absent"].iterrows():
        name, transform = row["construct"], TRANSFORMS[row["transform"]]
        dtype = definitions.at[name, "dtype"]
        given = _columns(raw, row, label)
        numbers = transform.reads_numbers and not (row["transform"] == "identity" and dtype != "float")
        readings = _readings(given, row, raw) if numbers else []
        for column, reading in zip(given, readings, strict=False):
            if reading.said:
                read_as.append({"construct": name, "source": column.name, "read_as": reading.said})
            if reading.problem:
                problems.append(f"construct '{name}', column '{column.name}': {reading.problem}")
        try:
            values = transform.apply([one.values for one in readings] or given or [anchor], row["argument"])
            unclear = _unclear_dates(given, row, dtype)
        except UserError as error:
            raise UserError(f"{label}, construct '{name}': {error}") from None
        if unclear:
            problems.append(f"construct '{name}', {unclear}")
        typed = _typed(values, dtype)
        lost += _losses(row, given, readings, typed)
        columns[name], found = _within(typed, row, definitions.loc[name])
        outside += found
    if problems:
        raise UserError(f"{label}: {'; '.join(problems)}")
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
    kinds = ((lost, LOST_COLUMNS), (outside, OUTSIDE_COLUMNS), (read_as, READ_COLUMNS))
    told = [pd.DataFrame(rows, columns=list(names)) for rows, names in kinds]
    made = Crosswalked(customers, *told, int(raw.attrs.get(LEFT_OUT, 0)))
    if check:
        if faults := losses_in_words(made.lost):
            raise UserError(f"{label}: {'; '.join(faults)}")
        validate(customers, label, unbounded=made.outside.query("treated == 'keep'")["construct"])
    return made


def losses_in_words(lost: pd.DataFrame) -> list[str]:
    """Return which columns lose more than `most_lost` allows without the crosswalk accepting it, in words."""
    most = bound("most_lost")
    return [
        f"column '{row.source}' loses {row.n:,} values ({row.share:.1%}) as '{row.construct}', such as {row.examples}; "
        f"at most {most:.0%} may be lost: mend the transform, or write accept into the column lost of the crosswalk"
        for row in lost.itertuples()
        if row.share > most and not row.accepted
    ]
