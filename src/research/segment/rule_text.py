"""Conditions of a tree as sentences in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from research.segment.base import say


@dataclass(frozen=True)
class Condition:
    """One split seen from one side: `name` ≤ threshold (below) or > threshold; for a category, is or is not `level`."""

    name: str
    level: str | None
    threshold: float
    below: bool
    or_missing: bool


def plain_number(x: float) -> str:
    """Return a number with four significant digits and no exponent for everyday sizes."""
    if abs(x) >= 1000:
        return f"{x:,.0f}"
    return f"{x:.4g}"


WORDS = {
    "en": {
        "is": "is", "not": "is not", "or": " or ", "missing": " or missing", "and": " and ", "all": "every customer",
    },
    "zh": {"is": "为", "not": "不为", "or": "或", "missing": "或缺失", "and": "，且", "all": "全部客户"},
}  # fmt: skip


def _number_words(name: str, conditions: list[Condition], language: str) -> str:
    lower = max((c.threshold for c in conditions if not c.below), default=None)
    upper = min((c.threshold for c in conditions if c.below), default=None)
    label = say(name, language)
    if lower is not None and upper is not None:
        text = f"{plain_number(lower)} < {label} ≤ {plain_number(upper)}"
    elif upper is not None:
        text = f"{label} ≤ {plain_number(upper)}"
    else:
        text = f"{label} > {plain_number(lower)}"
    # a missing value stays on the path only when every split on it sends it this way
    return text + (WORDS[language]["missing"] if all(c.or_missing for c in conditions) else "")


def _level_words(name: str, conditions: list[Condition], language: str) -> str:
    words, label = WORDS[language], say(name, language)
    space = " " if language == "en" else ""
    for condition in conditions:
        if not condition.below:  # the 0/1 column of this level is 1, which says all there is to say
            return f"{label}{space}{words['is']}{space}{condition.level}"
    levels = words["or"].join(str(condition.level) for condition in conditions)
    return f"{label}{space}{words['not']}{space}{levels}"


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
