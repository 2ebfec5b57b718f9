"""Ratings from a plain table: units × raters, whichever way round the table was kept."""

from __future__ import annotations

import contextlib
import unicodedata

import numpy as np
import pandas as pd

from research.errors import UserError

UNIT_NAMES = frozenset(
    {
        "unit",
        "units",
        "unit_id",
        "segment",
        "segment_id",
        "item",
        "item_id",
        "subject",
        "subject_id",
        "case",
        "case_id",
        "id",
        "no",
        "number",
        "row",
        "unnamed:_0",
        "单元",
        "单元编号",
        "片段",
        "片段编号",
        "编号",
        "序号",
        "对象",
    }
)
RATER_NAMES = frozenset(
    {
        "rater",
        "rater_id",
        "coder",
        "coder_id",
        "observer",
        "annotator",
        "judge",
        "expert",
        "编码员",
        "编码者",
        "评分者",
        "评判者",
        "专家",
    }
)
VALUE_NAMES = frozenset(
    {
        "rating",
        "value",
        "code",
        "category",
        "label",
        "score",
        "tier",
        "answer",
        "评分",
        "编码",
        "代码",
        "类别",
        "取值",
        "标签",
    }
)
MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", ".", "-", "—", "缺失", "未评"})


def ratings_from_table(frame: pd.DataFrame, layout: str = "auto") -> pd.DataFrame:
    """Return units × raters from a long or a wide table.

    Args:
        frame: *long*: one column for the unit, one for the rater and one for the rating (a `document` column,
            if any, is joined to the unit); *wide*: one column per rater, one row per unit, with or without a
            column of unit ids.
        layout: `long`, `wide` or `auto` (long when the three columns are recognised by their names).

    Returns:
        Index `unit`; one column per rater; numbers where every rating is a number, else text; NaN for not
        rated. Empty cells and the usual marks for missing (NA, ., -) are NaN; full-width digits are read as digits.

    Raises:
        UserError: a unit rated twice by the same rater, no rater column, an unknown layout.
    """
    if layout not in {"auto", "long", "wide"}:
        raise UserError(f"layout '{layout}' is unknown; expected auto, long or wide")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise UserError(f"column '{twice}' is there twice; expected each rater and column once")
    roles = _roles(frame)
    if layout == "auto":
        layout = "long" if {"unit", "rater", "value"} <= roles.keys() else "wide"
    return _numbers(_from_long(frame, roles) if layout == "long" else _from_wide(frame, roles))


def codings_from_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return codings (`coder`, `document`, `segment`, `code`) from a long table with several codes per unit."""
    roles = _roles(frame)
    missing = {"unit", "rater", "value"} - roles.keys()
    if missing:
        raise UserError(f"codings need a unit, a coder and a code column; found {_listed(frame.columns)}")
    codings = pd.DataFrame(
        {
            "coder": frame[roles["rater"]].map(_clean),
            "document": frame[roles["document"]].map(_clean) if "document" in roles else "table",
            "segment": frame[roles["unit"]].map(_clean),
            "code": frame[roles["value"]].map(_clean),
        }
    )
    return codings.dropna(subset=["coder", "segment", "code"]).drop_duplicates(ignore_index=True)


def ratings_from_contingency(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per unit from a cross-table of two raters (rows: the first one's category)."""
    counts = table.to_numpy()
    if table.shape[0] != table.shape[1] or (counts < 0).any():
        raise UserError("a cross-table of two raters must be square, with counts from 0 up")
    rows, columns = np.divmod(np.repeat(np.arange(counts.size), counts.ravel().astype(int)), counts.shape[1])
    labels = np.asarray(table.columns)
    return pd.DataFrame({"rater_1": labels[rows], "rater_2": labels[columns]})


def _name(column: object) -> str:
    return unicodedata.normalize("NFKC", str(column)).strip().lower().replace(" ", "_")


def _listed(columns: pd.Index) -> str:
    return ", ".join(map(str, columns)) or "no column"


def _roles(frame: pd.DataFrame) -> dict[str, object]:
    roles: dict[str, object] = {}
    for column in frame.columns:
        name = _name(column)
        for role, names in (("unit", UNIT_NAMES), ("rater", RATER_NAMES), ("value", VALUE_NAMES)):
            if name in names:
                roles.setdefault(role, column)
        if name in {"document", "doc", "interview", "文档", "访谈"}:
            roles.setdefault("document", column)
    return roles


def _clean(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = unicodedata.normalize("NFKC", cell).strip()
    return np.nan if text.lower() in MISSING else text


def _from_long(frame: pd.DataFrame, roles: dict[str, object]) -> pd.DataFrame:
    missing = [role for role in ("unit", "rater", "value") if role not in roles]
    if missing:
        raise UserError(f"a long table needs a {missing[0]} column; found {_listed(frame.columns)}")
    unit = frame[roles["unit"]].map(_clean)
    if "document" in roles:
        unit = frame[roles["document"]].map(_clean).astype(str) + " · " + unit.astype(str)
    rater, value = frame[roles["rater"]].map(_clean), frame[roles["value"]].map(_clean)
    long = pd.DataFrame({"unit": unit, "rater": rater, "value": value})
    unnamed = np.flatnonzero(long["unit"].isna() | long["rater"].isna())
    if len(unnamed):
        raise UserError(f"row {unnamed[0] + 2} of the table: a rating without unit or rater; expected both")
    twice = long[long.duplicated(["unit", "rater"], keep=False)]
    if len(twice):
        unit, rater = twice.iloc[0][["unit", "rater"]]
        times = int((twice["unit"].eq(unit) & twice["rater"].eq(rater)).sum())
        raise UserError(f"unit '{unit}' has {times} ratings of rater '{rater}'; expected one")
    return long.pivot(index="unit", columns="rater", values="value").rename_axis(columns=None)


def _from_wide(frame: pd.DataFrame, roles: dict[str, object]) -> pd.DataFrame:
    identifiers = [c for c in (roles.get("document"), roles.get("unit")) if c is not None]
    raters = [c for c in frame.columns if c not in identifiers]
    if len(raters) < 2:
        raise UserError(f"a wide table needs a column for each of two raters; found {_listed(frame.columns)}")
    wide = frame[raters].map(_clean)
    if identifiers:
        names = frame[identifiers].map(_clean).map(str).agg(" · ".join, axis=1)
        if names.duplicated().any():
            twice = names[names.duplicated()].iloc[0]
            raise UserError(f"unit '{twice}' is in the table twice; expected one row per unit")
        wide.index = pd.Index(names)
    return wide.rename_axis("unit")


def _numbers(ratings: pd.DataFrame) -> pd.DataFrame:
    """Numbers if every rating is one, else text throughout (so that '1' and 'one' stay apart)."""
    cells = ratings.stack().dropna()
    if len(cells) and pd.to_numeric(cells, errors="coerce").notna().all():
        with contextlib.suppress(OverflowError):  # a whole number of more than 308 digits is a word
            return ratings.apply(pd.to_numeric).astype(float)
    return ratings.map(lambda cell: cell if pd.isna(cell) else str(cell))
