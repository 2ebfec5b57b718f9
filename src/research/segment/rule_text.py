"""Conditions and ranges as sentences in English and Chinese."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from research.collect.constructs import constructs
from research.segment.base import say

WORDS = {
    "en": {
        "is": " is ",
        "not": " is not ",
        "or": " or ",
        "missing": " or missing",
        "and": " and ",
        "all": "Everyone",
    },
    "zh": {"is": "为", "not": "不为", "or": "或", "missing": "或缺失", "and": "，且", "all": "全部客户"},
}


@dataclass(frozen=True)
class Condition:
    """One split seen from one side: `name` ≤ threshold (below) or > threshold; for a category, is or is not `level`.

    `or_missing`: a missing value goes this way too. `whole`: training values were whole numbers.
    """

    name: str
    level: str | None
    threshold: float
    below: bool
    or_missing: bool = False
    whole: bool = False


def unit_of(name: str) -> str:
    """Return the unit of a construct, "" for a column that is none."""
    return _units_and_least().get(name, ("", -math.inf))[0]


def least_of(name: str) -> float:
    """Return the smallest value a construct can have, −inf when it is open or the column is no construct."""
    return _units_and_least().get(name, ("", -math.inf))[1]


@cache
def _units_and_least() -> dict[str, tuple[str, float]]:
    table = constructs()
    return dict(
        zip(table.index, zip(table["unit"], table["minimum"].fillna(-math.inf), strict=True), strict=True)
    )


def number_in_words(x: float, unit: str = "") -> str:
    """Return a number in four significant digits, a share as per cent, large amounts with thousands separators.

    >>> number_in_words(0.16014, "share"), number_in_words(8536.5, "currency"), number_in_words(6.5)
    ('16.01 %', '8,536', '6.5')
    """
    if unit.startswith("share"):
        return f"{100 * x:.4g} %"
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"


def range_in_words(label: str, lower: float, upper: float, unit: str = "", whole: bool = False) -> str:
    """Return `lower < label ≤ upper` in words; infinite ends are left out; whole numbers say ≥ and ≤ without halves."""
    above = "≥" if whole else ">"
    low = number_in_words(math.floor(lower) + 1 if whole and math.isfinite(lower) else lower, unit)
    high = number_in_words(math.floor(upper) if whole and math.isfinite(upper) else upper, unit)
    if math.isinf(lower):
        return f"{label} ≤ {high}" if math.isfinite(upper) else label
    if math.isinf(upper):
        return f"{label} {above} {low}"
    if low == high:
        return f"{label} = {low}"
    return f"{low} {'≤' if whole else '<'} {label} ≤ {high}"


def _number_words(name: str, conditions: list[Condition], language: str) -> str:
    lower = max((c.threshold for c in conditions if not c.below), default=-math.inf)
    upper = min((c.threshold for c in conditions if c.below), default=math.inf)
    whole = all(c.whole for c in conditions)
    if whole and upper < least_of(name) + 1:
        lower = upper - 1  # only the smallest value is left: say "= 0" rather than "≤ 0"
    text = range_in_words(say(name, language), lower, upper, unit_of(name), whole)
    # a missing value stays on the path only when every split on it sends it this way
    return text + (WORDS[language]["missing"] if all(c.or_missing for c in conditions) else "")


def _level_words(name: str, conditions: list[Condition], language: str) -> str:
    words, label = WORDS[language], say(name, language)
    for condition in conditions:
        if not condition.below:  # the 0/1 column of this level is 1, which says all there is to say
            return f"{label}{words['is']}{condition.level}"
    return f"{label}{words['not']}{words['or'].join(str(c.level) for c in conditions)}"


def rule_in_words(path: Iterable[Condition], language: str = "en") -> str:
    """Return a path as one sentence, conditions on the same input merged, in the order of first use."""
    grouped: dict[str, list[Condition]] = {}
    for condition in path:
        grouped.setdefault(condition.name, []).append(condition)
    if not grouped:
        return WORDS[language]["all"]
    parts = [
        (_number_words if conditions[0].level is None else _level_words)(name, conditions, language)
        for name, conditions in grouped.items()
    ]
    return WORDS[language]["and"].join(parts)
