"""A first crosswalk for a file nobody has described yet: proposed from column names, units and values, to be edited."""

from __future__ import annotations

import difflib
import re
from functools import cache

import pandas as pd

from research.collect.constructs import constructs
from research.collect.crosswalk import COLUMNS
from research.collect.identifiers import identifiers
from research.collect.transforms import number, text
from research.paths import DEFINITIONS

COLUMN_SYNONYMS_FILE = DEFINITIONS / "column_synonyms.csv"
VALUE_SYNONYMS_FILE = DEFINITIONS / "value_synonyms.csv"
CLOSE = 0.84  # share of alike letters from which a name is taken for another
UNIT_MARKS = {  # mark in a column name: (factor for money, factor for shares, factor for months)
    "万元": 10_000.0,
    "万": 10_000.0,
    "千元": 1_000.0,
    "%": 0.01,
    "％": 0.01,
    "天": 12 / 365.25,
    "日": 12 / 365.25,
    "days": 12 / 365.25,
    "年": 12.0,
    "years": 12.0,
}
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m", "%Y%m", "%b-%Y")


@cache
def _names() -> pd.DataFrame:
    table = pd.read_csv(COLUMN_SYNONYMS_FILE, dtype=str, keep_default_na=False)
    return table.assign(plain=table["name"].map(_plain))


@cache
def _values() -> dict[str, dict[str, str]]:
    table = pd.read_csv(VALUE_SYNONYMS_FILE, dtype=str, keep_default_na=False)
    return {
        name: dict(zip(rows["value"], rows["becomes"], strict=True))
        for name, rows in table.groupby("construct")
    }


def _plain(name: str) -> str:
    """The name without unit, punctuation and case."""
    return re.sub(r"[\s_\-.:：]+", " ", re.sub(r"[(（\[【].*?[)）\]】]", "", str(name))).strip().lower()


def _score(column: str, synonym: str) -> float:
    """1 for the same name, less for a name that contains it or is spelt alike, 0 for a stranger."""
    if column == synonym:
        return 1.0
    if len(synonym) > 2 and synonym in column:
        return 0.9 * len(synonym) / len(column) + 0.05
    alike = difflib.SequenceMatcher(None, column, synonym).ratio()
    return 0.9 * alike if alike >= CLOSE else 0.0


def _matches(columns: list[str]) -> pd.DataFrame:
    """Every construct and column whose names are alike, the best first."""
    found = [
        (row.construct, column, score)
        for column in columns
        for row in _names().itertuples()
        if (score := _score(_plain(column), row.plain)) > 0.4
    ]
    table = pd.DataFrame(found, columns=["construct", "column", "score"])
    return table.sort_values(["score", "construct", "column"], ascending=[False, True, True])


def _mark(column: str) -> str:
    inside = re.search(r"[(（\[【](.*?)[)）\]】]", str(column))
    unit = (inside.group(1) if inside else "").strip().lower()
    return unit if unit in UNIT_MARKS else ("%" if str(column).endswith(("%", "％")) else "")


def _number_row(name: str, column: str, values: pd.Series, unit: str) -> tuple[str, str, str]:
    """Transform, argument and a note for a numeric construct."""
    mark, median = _mark(column), number(values).median()
    if unit == "0 or 1":
        return _class_row(name, values)
    if unit.startswith("share"):
        if mark in ("%", "％") or (pd.notna(median) and median > 1):
            return "multiply", "0.01", "taken as a percentage"
        return "identity", "", ""
    if unit in ("months", "years") and mark:
        factor = UNIT_MARKS[mark] / (12 if unit == "years" else 1)
        return ("identity", "", "") if factor == 1 else ("multiply", f"{factor:.8g}", f"given in {mark}")
    if unit.startswith("currency") and mark in ("万元", "万", "千元"):
        return "multiply", f"{UNIT_MARKS[mark]:g}", f"given in {mark}"
    if not pd.api.types.is_numeric_dtype(values) and number(values).isna().mean() > 0.5:
        return "digits", "", "text; the first number in it is used"
    return "identity", "", ""


def _class_row(name: str, values: pd.Series) -> tuple[str, str, str]:
    """A map for a categorical construct; what is not recognised is named for the reader to decide."""
    seen = text(values).dropna().value_counts().index[:30].tolist()
    known = _values().get(name)
    if known is None:
        return "identity", "", ""
    pairs = {value: known[value.lower()] for value in seen if value.lower() in known}
    strange = [value for value in seen if value not in pairs]
    note = f"not recognised: {', '.join(strange[:8])}" if strange else ""
    return "map", "|".join(f"{value}={becomes}" for value, becomes in pairs.items()), note


def _date_row(values: pd.Series) -> tuple[str, str, str]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date", "", ""
    sample = text(values).dropna().head(200)
    for form in DATE_FORMATS:
        if pd.to_datetime(sample, format=form, errors="coerce").notna().mean() > 0.95:
            return "date", form, ""
    return "date", "", "format not recognised: give it in the column argument"


def _proposal(name: str, column: str, values: pd.Series) -> tuple[str, str, str]:
    row = constructs().loc[name]
    if row["dtype"] == "datetime":
        return _date_row(values)
    if row["dtype"] == "category":
        return _class_row(name, values)
    return (
        ("identity", "", "") if row["dtype"] == "string" else _number_row(name, column, values, row["unit"])
    )


def draft_crosswalk(raw: pd.DataFrame) -> pd.DataFrame:
    """Propose a crosswalk for a table: one row per construct, every proposal marked to be checked.

    A column serves one construct, a direct identifier none. Fit is "proxy" with the word "check" in the reason until
    a person has looked at it.
    """
    forbidden = set(identifiers(raw)["column"])
    taken: dict[str, tuple[str, float]] = {}
    used: set[str] = set()
    for row in _matches([name for name in raw.columns if name not in forbidden]).itertuples():
        if row.construct not in taken and row.column not in used:
            taken[row.construct] = (row.column, row.score)
            used.add(row.column)
    found = []
    for name in constructs().index:
        if name not in taken:
            found.append((name, "", "", "", "", "", "absent", "no column was recognised"))
            continue
        column, score = taken[name]
        transform, argument, note = _proposal(name, column, raw[column])
        sure = "same name" if score == 1 else "similar name"
        reason = f"check: proposed by {sure}" + (f"; {note}" if note else "")
        unit = constructs().at[name, "unit"]
        found.append((name, column, transform, argument, "", unit, "proxy", reason))
    if "customer_id" not in taken:
        found[0] = (
            "customer_id",
            "",
            "row_number",
            "L",
            "",
            "",
            "proxy",
            "check: no identifier was recognised",
        )
    table = pd.DataFrame(found, columns=list(COLUMNS))
    table.attrs["unused"] = [name for name in raw.columns if name not in used and name not in forbidden]
    table.attrs["identifiers"] = sorted(forbidden)
    return table
