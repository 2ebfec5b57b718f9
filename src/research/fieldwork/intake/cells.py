"""What a cell of a returned workbook says: numbers, choices and ids as people really type them."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from research.errors import visible

_SHOWN = 60  # letters of a cell
_INVISIBLE = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD])
_CHINESE_DIGITS = dict(zip("一二三四五六七八九两", (1, 2, 3, 4, 5, 6, 7, 8, 9, 2), strict=True))
_BLANKS = {
    "", "-", "--", "—", "/", "n/a", "na", "nan", "none", "null", "无", "未答", "没有", "空", "(跳过)", "(空)",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)(?:小时|h|hours?|hrs?))?(?:(\d+(?:\.\d+)?)(?:分钟|分|m|mins?|minutes?))?"
    r"(?:(\d+(?:\.\d+)?)(?:秒钟?|s|secs?|seconds?))?"
)
_LEADING_NUMBER = re.compile(r"([+-]?\d+)\s*[.、:)=~\- ]?\s*(\D.*)$", re.DOTALL)


@dataclass(frozen=True)
class Reading:
    """A value (None when there is none), what was unusual about the cell, and whether the value is lost."""

    value: Any = None
    found: str = ""
    lost: bool = False


def tidy(value: object) -> str:
    """Return a cell as text: full-width letters and digits made normal, invisible and outer spaces removed."""
    if value is None:
        return ""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(value)).translate(_INVISIBLE)).strip()


def key(value: object) -> str:
    """Return a header cell as the importer compares it: tidied, lower case, `-` and space as `_`."""
    return re.sub(r"[\s-]+", "_", tidy(value).lower())


def read_number(
    value: object,
    low: float | None = None,
    high: float | None = None,
    *,
    whole: bool = True,
    labels: Mapping[str, float] | None = None,
) -> Reading:
    """Read a number between low and high.

    Args:
        value: the cell's value as the spreadsheet stores it.
        low, high: limits that belong to the range; open when not given.
        whole: only whole numbers.
        labels: texts that stand for numbers ("strongly agree": 5), in tidied lower case.
    """
    if isinstance(value, bool):
        return Reading(None, f"{str(value).upper()}", lost=True)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return Reading(None, f"a date or time ({value})", lost=True)
    if isinstance(value, (int, float)):
        number, found = _float(value), ""
    else:
        text = tidy(value)
        if text.lower() in _BLANKS:
            return Reading(None, "" if value is None or str(value) == "" else _quoted(value))
        number, found = _number_in(text, labels or {}), _quoted(value)
        if number is None:
            return Reading(None, found, lost=True)
    if number != number:
        return Reading()
    if math.isinf(number):
        return Reading(None, found or f"{str(value)[:_SHOWN]}", lost=True)
    if whole and number != round(number):
        return Reading(None, found or f"{number:g}", lost=True)
    if (low is not None and number < low) or (high is not None and number > high):
        return Reading(None, found or f"{number:g}", lost=True)
    return Reading(number, found)


def _number_in(text: str, labels: Mapping[str, float]) -> float | None:
    plain = text.lower()
    if plain in labels:
        return float(labels[plain])
    if _NUMBER.fullmatch(
        plain.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d*)?", plain) else plain
    ):
        return float(plain.replace(",", ""))
    if plain in _CHINESE_DIGITS:
        return float(_CHINESE_DIGITS[plain])
    if plain.endswith("分") and _NUMBER.fullmatch(plain[:-1].strip()):
        return float(plain[:-1])
    led = _LEADING_NUMBER.fullmatch(plain)
    if led and led.group(2).strip() in labels and labels[led.group(2).strip()] == float(led.group(1)):
        return float(led.group(1))
    return None


def read_duration(value: object) -> Reading:
    """Read a duration in seconds: a number, "215秒", "3分35秒", "11 min", "0:11:00", or a time of the spreadsheet."""
    if isinstance(value, dt.datetime):
        return Reading(None, f"a date ({value})", lost=True)
    if isinstance(value, dt.timedelta):
        return Reading(value.total_seconds(), f"a time ({value})")
    if isinstance(value, dt.time):
        return Reading(value.hour * 3600.0 + value.minute * 60 + value.second, f"a time ({value})")
    plain = read_number(value, 0, whole=False)
    if not plain.lost and not tidy(value).endswith("分"):
        return plain
    text = tidy(value).lower().replace(" ", "")
    parts = _DURATION.fullmatch(text) if len(text) <= _SHOWN else None
    if parts and any(parts.groups()):
        hours, minutes, seconds = (float(part or 0) for part in parts.groups())
        return _duration(hours * 3600 + minutes * 60 + seconds, value)
    if len(text) <= _SHOWN and re.fullmatch(r"\d+(:\d{1,2}){1,2}", text):
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + float(part)
        return _duration(total, value)
    return Reading(None, _quoted(value), lost=True)


def read_choice(value: object, options: Mapping[str, str]) -> Reading:
    """Read one of several choices.

    Args:
        value: the cell's value.
        options: choice → its text on the form; either, or a part of a bilingual text, is understood.
    """
    text = tidy(value).lower()
    for choice, shown in options.items():  # first, because a choice may be called none 无
        full = tidy(shown).lower()
        name = tidy(choice).lower()
        if text in {full, name, full.removeprefix(name).strip()} - {""}:
            return Reading(choice, "" if str(value) in {choice, shown} else _quoted(value))
    if text in _BLANKS:
        return Reading(None, "" if value is None or str(value) == "" else _quoted(value))
    return Reading(None, _quoted(value), lost=True)


def _duration(seconds: float, value: object) -> Reading:
    return Reading(seconds if math.isfinite(seconds) else None, _quoted(value), lost=math.isinf(seconds))


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf


def _quoted(value: object) -> str:
    text = visible(str(value))
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "…"
    return f"'{shown}' (text)" if not isinstance(value, (int, float)) else f"{_float(value):g}"
