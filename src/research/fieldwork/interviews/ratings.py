"""Ratings from a plain table: which columns are coders, and units × coders whichever way round the table was kept."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.fieldwork.intake.cells import key, tidy
from research.files import limits

UNIT_NAMES = frozenset({
    "", "unit", "units", "unit_id", "segment", "segment_id", "item", "item_id", "subject", "subject_id", "case",
    "case_id", "id", "no", "number", "row", "unnamed:_0", "单元", "单元编号", "片段", "片段编号",
    "编号", "序号", "对象",
})  # fmt: skip
DOCUMENT_NAMES = frozenset({"document", "doc", "interview", "文档", "访谈"})
RATER_NAMES = frozenset({
    "rater", "rater_id", "coder", "coder_id", "observer", "annotator", "judge", "expert", "编码员", "编码者", "评分者",
    "评判者", "专家",
})  # fmt: skip
VALUE_NAMES = frozenset({
    "rating", "value", "code", "category", "label", "score", "tier", "answer", "评分", "编码", "代码", "类别", "取值",
    "标签",
})  # fmt: skip
START_NAMES = frozenset({"start", "begin", "start_position", "startposition", "开始", "起点"})
END_NAMES = frozenset({"end", "end_position", "endposition", "结束", "终点"})
CONTEXT_NAMES = frozenset({
    "text", "quote", "question", "participant", "group", "language", "role", "memo", "note", "notes", "comment",
    "comments", "definition", "date", "文本", "受访者", "群体", "语言", "角色", "备忘", "备注", "日期",
})  # fmt: skip
MISSING = frozenset({"", ".", "-", "—"})  # marks, not words: a code may be called NA, none or null
MISSING_WORDS = frozenset({"na", "n/a", "nan", "none", "null", "missing", "缺失", "未评"})
_LOOKED_AT = 5_000  # rows that decide whether a column can be a coder's
_FEW, _MANY = 5, 20  # rows from which a column's values are held against the others', and its own number
_DISTINCT = 0.8
_LONG = 60  # letters of a cell that is a sentence and no code


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are; `rater` and `value` only in a long table."""

    unit: tuple[str, ...]
    coders: tuple[str, ...]
    rater: str = ""
    value: str = ""
    start: str = ""
    end: str = ""
    missing: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"coders: {', '.join(self.coders)}", f"unit: {', '.join(self.unit) or 'the row'}"]
        return " · ".join([*parts, *([f"not used: {', '.join(self.aside)}"] if self.aside else [])])


def columns_of(
    frame: pd.DataFrame,
    *,
    coders: Sequence[str] = (),
    unit: Sequence[str] = (),
    missing: Sequence[str] = (),
    level: str = "nominal",
) -> Columns:
    """Return which columns of a long or a wide table hold units, coders and ratings.

    Args:
        frame: *long*: a column for the unit, one for the coder and one for the rating (and, if any, one for the
            document and two for where a selection begins and ends); *wide*: a column per coder, a row per unit.
        coders: the columns (wide) or coders (long) to take; by default all that can be coders.
        unit: the columns that name a unit; by default those called unit, segment, id, document …
        missing: words that mean "not rated".
        level: of measurement; at interval and ratio a column may hold any numbers.

    Raises:
        UserError: a name that is no column or coder, fewer than two coders, too many, or a column that cannot be one
            coder's: dates, sentences, ids, numbers that no other column has.
    """
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise UserError(f"column '{twice}' is there twice; expected each coder and column once")
    roles: dict[str, str] = {}
    for column in frame.columns:
        for role, names in (
            ("document", DOCUMENT_NAMES), ("unit", UNIT_NAMES), ("rater", RATER_NAMES), ("value", VALUE_NAMES),
            ("start", START_NAMES), ("end", END_NAMES),
        ):  # fmt: skip
            if key(column) in names:
                roles.setdefault(role, column)
    named = tuple(_column(frame, name) for name in unit)
    named = named or tuple(roles[role] for role in ("document", "unit") if role in roles)
    places = {"start", "end"} <= roles.keys()
    long = {"rater", "value"} <= roles.keys() and (("unit" in roles or bool(unit)) or places)
    if long and not (coders and set(coders) <= set(frame.columns)):
        used = (*named, roles["rater"], roles["value"], *((roles["start"], roles["end"]) if places else ()))
        aside = tuple(column for column in frame.columns if column not in used)
        who = _cleaned(frame[roles["rater"]], ()).dropna().map(str)
        known = sorted(who.unique())
        taken = tuple(_one_of(name, known, "coder") for name in coders) or tuple(known)
        at = (roles["start"], roles["end"]) if places else ("", "")
        _enough(taken)
        return Columns(named, taken, roles["rater"], roles["value"], *at, tuple(missing), aside)
    if coders:
        taken = tuple(_column(frame, name) for name in coders)
    else:
        taken = tuple(c for c in frame.columns if c not in named and key(c) not in CONTEXT_NAMES)
        _refuse_implausible(frame[list(taken)], level)
    _enough(taken)
    limits.within("agreement_ratings", len(frame) * len(taken), "agreement")
    aside = tuple(column for column in frame.columns if column not in {*taken, *named})
    return Columns(named, taken, missing=tuple(missing), aside=aside)


def ratings_from_table(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return units × coders from a long or a wide table (`columns`: those of `columns_of`).

    Returns:
        Index `unit`; one column per coder; numbers where every rating is a number, else text; NaN for not rated: an
        empty cell, a dash, a full stop, or a word of `columns.missing`. Every other word is a rating, also NA or none.

    Raises:
        UserError: see `columns_of`; or a unit rated twice by the same coder.
    """
    return _numbers(_from_long(frame, columns) if columns.rater else _from_wide(frame, columns))


def codings_from_table(
    frame: pd.DataFrame, columns: Columns
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return codings, units and assignments from a long table with several codes per unit.

    Returns:
        codings (coder, document, segment, code; where the table says so start and end), each once; units (document,
        segment), also those whose code is empty: seen, and nothing given; assignments (coder, document).
    """
    found = pd.DataFrame({"coder": _cleaned(frame[columns.rater], ())})
    found["document"] = _cleaned(frame[columns.unit[0]], ()) if len(columns.unit) > 1 else "table"
    if len(columns.unit) == 1 and key(columns.unit[0]) in DOCUMENT_NAMES:
        found["document"] = _cleaned(frame[columns.unit[0]], ())
        found["segment"] = [f"{a}–{b}" for a, b in zip(frame[columns.start], frame[columns.end], strict=True)]
    elif columns.unit:
        found["segment"] = _units(frame, columns.unit[1:] or columns.unit)
    else:
        found["segment"] = [f"{a}–{b}" for a, b in zip(frame[columns.start], frame[columns.end], strict=True)]
    found["code"] = _cleaned(frame[columns.value], columns.missing)
    for name, column in (("start", columns.start), ("end", columns.end)):
        if column:
            found[name] = _positions(frame[column], column)
    unnamed = np.flatnonzero(found[["coder", "document", "segment"]].isna().any(axis=1))
    if len(unnamed):
        raise UserError(f"row {unnamed[0] + 2} of the table: a code without unit or coder; expected both")
    found = found[found["coder"].map(str).isin(columns.coders)]
    units = found[["document", "segment"]].drop_duplicates(ignore_index=True)
    assigned = found[["coder", "document"]].drop_duplicates(ignore_index=True)
    return found.dropna(subset=["code"]).drop_duplicates(ignore_index=True), units, assigned


def words_for_missing(ratings: pd.DataFrame | pd.Series) -> dict[str, int]:
    """Return how often words that often mean "missing" (NA, none …) were counted as codes."""
    cells = ratings.stack() if isinstance(ratings, pd.DataFrame) else ratings
    counts = cells.astype(str).value_counts()
    return {word: int(n) for word, n in counts.items() if word.lower() in MISSING_WORDS}


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(str, list(names)[:20])) or "no column"


def _one_of(name: str, options: list[str], what: str) -> str:
    for option in options:
        if name == option or key(name) == key(option):
            return option
    raise UserError(f"{what} '{name}' is not in the table{nearest(name, options[:200])}")


def _column(frame: pd.DataFrame, name: str) -> str:
    return _one_of(name, list(frame.columns), "column")


def _enough(coders: Sequence[str]) -> None:
    if len(coders) < 2:
        raise UserError(f"agreement needs two raters or more; found {_listed(coders) if coders else 'none'}")
    limits.within("agreement_coders", len(coders), "agreement")


def _refuse_implausible(frame: pd.DataFrame, level: str) -> None:
    limits.within("agreement_coders", frame.shape[1], "agreement")
    values = {column: _cleaned(frame[column].head(_LOOKED_AT), ()).dropna() for column in frame.columns}
    sets = {column: set(given) for column, given in values.items()}
    reasons = {}
    for column, given in values.items():
        others = set().union(*(found for name, found in sets.items() if name != column))
        if reason := _implausible(given, sets[column], others, level):
            reasons[column] = reason
    if reasons:
        lines = [f"column '{column}' holds {reason}" for column, reason in reasons.items()]
        left = [column for column in frame.columns if column not in reasons]
        hint = ",".join(left) if len(left) > 1 else "A,B"
        told = f"not every column can be a coder's; name the coders, for example --coders {hint}"
        raise UserError("\n".join([told, *lines]))


def _implausible(given: pd.Series, own: set[object], others: set[object], level: str) -> str:
    """Return why a column cannot hold one coder's ratings, or an empty text."""
    if given.empty:
        return "nothing"
    if any(isinstance(value, dt.date | dt.time | dt.timedelta) for value in own):
        return "dates or times"
    longest = max(len(str(value)) for value in own)
    if sum(len(str(value)) > _LONG for value in given) > 0.1 * len(given):
        return f"free text (up to {longest:,} letters)"
    measured = level in {"interval", "ratio"} and all(isinstance(value, int | float) for value in own)
    many = len(own) > _DISTINCT * len(given)
    if len(given) >= _FEW and not own & others and not measured:
        kind = ", like ids, free text or durations" if many else ""
        return f"{len(own):,} different values{kind}, none of which another column has"
    if len(given) >= _MANY and many and not measured:
        return f"{len(own):,} different values in {len(given):,} rows, like ids, free text or durations"
    return ""


def _clean(cell: object, missing: frozenset[str]) -> object:
    text = tidy(cell)
    if text.lower() in missing:
        return np.nan
    return text if isinstance(cell, str) else cell


def _cleaned(column: pd.Series, missing: Sequence[str]) -> pd.Series:
    """The column with marks for missing as NaN and full-width letters as plain ones; each value is looked at once."""
    words = MISSING | {tidy(word).lower() for word in missing}
    codes, values = pd.factorize(column.astype(object))
    plain = np.array([*(_clean(value, words) for value in values), np.nan], dtype=object)
    return pd.Series(plain[codes], index=column.index, dtype=object)


def _units(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    parts = [_cleaned(frame[column], ()) for column in columns]
    if len(parts) == 1:
        return parts[0]
    joined = parts[0].astype(str)
    for part in parts[1:]:
        joined = joined + " · " + part.astype(str)
    return joined.where(pd.concat(parts, axis=1).notna().all(axis=1))


def _positions(column: pd.Series, name: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    bad = np.flatnonzero(numbers.isna() | (numbers < 0) | (numbers != numbers.round()))
    if len(bad):
        raise UserError(
            f"row {bad[0] + 2} of the table, {name}: found '{column.iloc[bad[0]]}', expected a position from 0 up"
        )
    return numbers.astype("int64")


def _from_long(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    long = pd.DataFrame({
        "unit": _units(frame, columns.unit), "rater": _cleaned(frame[columns.rater], ()),
        "value": _cleaned(frame[columns.value], columns.missing),
    })  # fmt: skip
    unnamed = np.flatnonzero(long["unit"].isna() | long["rater"].isna())
    if len(unnamed):
        raise UserError(f"row {unnamed[0] + 2} of the table: a rating without unit or rater; expected both")
    long = long[long["rater"].map(str).isin(columns.coders)]
    twice = long[long.duplicated(["unit", "rater"], keep=False)]
    if len(twice):
        unit, rater = twice.iloc[0][["unit", "rater"]]
        times = int((twice["unit"].eq(unit) & twice["rater"].eq(rater)).sum())
        raise UserError(f"unit '{unit}' has {times} ratings of rater '{rater}'; expected one")
    return long.pivot(index="unit", columns="rater", values="value").rename_axis(columns=None)


def _from_wide(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    wide = pd.DataFrame({coder: _cleaned(frame[coder], columns.missing) for coder in columns.coders})
    if columns.unit:
        names = _units(frame, columns.unit).map(str)
        if names.duplicated().any():
            twice = names[names.duplicated()].iloc[0]
            raise UserError(f"unit '{twice}' is in the table twice; expected one row per unit")
        wide.index = pd.Index(names)
    return wide.rename_axis("unit")


def _numbers(ratings: pd.DataFrame) -> pd.DataFrame:
    """Numbers if every rating is one, else text throughout (so that '1' and 'one' stay apart)."""
    values = pd.unique(ratings.to_numpy().ravel())
    found = {value: _number(value) for value in values if not pd.isna(value)}
    if found and all(number is not None for number in found.values()):
        return ratings.apply(lambda column: column.map(found)).astype(float)
    return ratings.apply(lambda column: column.map({value: str(value) for value in found}))


def _number(value: object) -> float | None:
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):  # also a whole number of more than 308 digits
        return None
    return number if number is not None and math.isfinite(number) else None
