"""Conditions and ranges as sentences in English and Chinese: whole templates, their numbers from the one formatter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce

from research.collect.constructs import constructs
from research.numerals import number
from research.segment.base import say

# English is the key; what is not here is written alike, as `{label} ≤ {high}`.
CHINESE = {
    "Everyone": "全部客户",
    "{first} and {rest}": "{first}，且{rest}",
    "{first} or {rest}": "{first}或{rest}",
    "{condition} or missing": "{condition}或缺失",
    "{label} is {level}": "{label}为{level}",
    "{label} is not {levels}": "{label}不为{levels}",
}


def said(template: str, language: str, **fields: str) -> str:
    """Return a template in one language with its fields filled."""
    return (CHINESE.get(template, template) if language == "zh" else template).format(**fields)


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


@cache
def unit_of(name: str) -> str:
    """Return the unit of a construct, "" for a column that is none."""
    return constructs()["unit"].get(name, "")


@cache
def least_of(name: str) -> float:
    """Return the smallest value a construct can have, −inf when it is open or the column is no construct."""
    return constructs()["minimum"].fillna(-math.inf).get(name, -math.inf)


def number_in_words(x: float, unit: str = "") -> str:
    """Return a number in four significant digits, a share as per cent, large amounts with thousands separators.

    >>> number_in_words(0.16014, "share"), number_in_words(8536.5, "currency"), number_in_words(6.5)
    ('16.01 %', '8,536', '6.5')
    """
    if unit.startswith("share"):
        return number(100 * x, "{:.4g} %")
    return number(x, ",.0f" if abs(x) >= 1000 else ".4g")


def range_in_words(label: str, lower: float, upper: float, unit: str = "", whole: bool = False) -> str:
    """Return `lower < label ≤ upper` in words; infinite ends are left out; whole numbers say ≥ and ≤ without halves."""
    low = number_in_words(math.floor(lower) + 1 if whole and math.isfinite(lower) else lower, unit)
    high = number_in_words(math.floor(upper) if whole and math.isfinite(upper) else upper, unit)
    if math.isinf(lower):
        template = "{label} ≤ {high}" if math.isfinite(upper) else "{label}"
    elif math.isinf(upper):
        template = "{label} ≥ {low}" if whole else "{label} > {low}"
    elif low == high:
        template = "{label} = {low}"
    else:
        template = "{low} ≤ {label} ≤ {high}" if whole else "{low} < {label} ≤ {high}"
    return template.format(label=label, low=low, high=high)


def _number_words(name: str, conditions: list[Condition], language: str) -> str:
    lower = max((c.threshold for c in conditions if not c.below), default=-math.inf)
    upper = min((c.threshold for c in conditions if c.below), default=math.inf)
    whole = all(c.whole for c in conditions)
    if whole and upper < least_of(name) + 1:
        lower = upper - 1  # only the smallest value is left: say "= 0" rather than "≤ 0"
    text = range_in_words(say(name, language), lower, upper, unit_of(name), whole)
    # a missing value stays on the path only when every split on it sends it this way
    missing = all(c.or_missing for c in conditions)
    return said("{condition} or missing", language, condition=text) if missing else text


def _level_words(name: str, conditions: list[Condition], language: str) -> str:
    label = say(name, language)
    for condition in conditions:
        if not condition.below:  # the 0/1 column of this level is 1, which says all there is to say
            return said("{label} is {level}", language, label=label, level=str(condition.level))
    levels = _joined("{first} or {rest}", [str(condition.level) for condition in conditions], language)
    return said("{label} is not {levels}", language, label=label, levels=levels)


def _joined(template: str, parts: list[str], language: str) -> str:
    return reduce(lambda first, rest: said(template, language, first=first, rest=rest), parts)


def rule_in_words(path: Iterable[Condition], language: str = "en") -> str:
    """Return a path as one sentence, conditions on the same input merged, in the order of first use."""
    grouped: dict[str, list[Condition]] = {}
    for condition in path:
        grouped.setdefault(condition.name, []).append(condition)
    parts = [
        (_number_words if conditions[0].level is None else _level_words)(name, conditions, language)
        for name, conditions in grouped.items()
    ]
    return _joined("{first} and {rest}", parts, language) if parts else said("Everyone", language)
