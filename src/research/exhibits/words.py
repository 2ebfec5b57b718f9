"""Sentences as data: a template with named fields, made into words when a page is written.

A template is a whole sentence in English and its own key in the catalogue of another language; it is never put together
from parts. What differs by a result (a test, a count) picks one of several whole sentences, or fills a field.
"""

from __future__ import annotations

import gettext
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from babel import Locale
from babel.lists import format_list

from research.numerals import ENGLISH, number
from research.tiers import LABELS

WITHHELD = "withheld"
CHINESE = r"\s*[\u4e00-\u9fff]+"
# Cross-references, links, code, the level of an interval, and names that happen to end in a digit.
NOT_NUMBERS = re.compile(
    r"\[\[[^\]]*\]\]|\[\d\d_\w+(?=\])|\]\([^)]*\)|`[^`]*`|95\s*%|\bIFRS\s*9\b|\b[Ss]tages?\s*[123](?:\s*(?:,|or|and|to)\s*[123])*\b"
)


def in_english(labels: pd.Series) -> pd.Series:
    """Return labels in two languages without their Chinese, which a Chinese page takes from its catalogue."""
    return labels.astype(str).str.replace(CHINESE, "", regex=True)


def N_(text: str) -> str:
    """Mark a text for the catalogue of translations; it is looked up when it is shown."""
    return text


@dataclass(frozen=True)
class Said:
    """A whole sentence: the template is the key of its translation, each field may carry a format: `{rate:.2%}`.

    A field is a number, a text, a missing value (it was withheld), another `Said`, or a list of texts or `Said`.

    Raises:
        ValueError: a field without value, a value without field, or a number typed into the template.
    """

    template: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = set()
        for literal, name, _, _ in string.Formatter().parse(self.template):
            typed = re.search(r"(?<![A-Za-z_\d])\d[\d.,]*", NOT_NUMBERS.sub("", literal))
            if typed:
                raise ValueError(
                    f"'{typed.group()}' is typed into the prose; give it as a computed value instead: {self.template!r}"
                )
            if name is not None:
                named.add(name)
        if missing := sorted(named - set(self.fields)):
            raise ValueError(
                f"the template names '{{{missing[0]}}}' but no such value was given: {self.template!r}"
            )
        if unused := sorted(set(self.fields) - named):
            raise ValueError(f"values given but not in the template: {', '.join(unused)}")

    def __str__(self) -> str:
        """The sentence in English."""
        return Words().said(self)

    def parts(self) -> Iterator[Said]:
        """Yield the sentence and every sentence in its fields."""
        yield self
        for value in self.fields.values():
            for inner in value if isinstance(value, list | tuple) else [value]:
                if isinstance(inner, Said):
                    yield from inner.parts()

    def length(self) -> int:
        """Return the number of words; each field counts as one, so that it does not depend on the data."""
        return sum(len(re.sub(r"\{[^}]*\}", "x", part.template).split()) for part in self.parts()) - (
            sum(1 for _ in self.parts()) - 1
        )

    def numbers(self) -> int:
        """Return how many numbers the sentence gives."""
        return sum(is_number(value) for part in self.parts() for value in part.fields.values())


@dataclass(frozen=True)
class Words:
    """A language, and how wide what is drawn in it may be; drawing functions get one.

    Attributes:
        locale: decides the marks of numbers and lists.
        catalogue: the translations; without any, English.
        width: inches that a figure may be wide.
    """

    locale: Locale = ENGLISH
    catalogue: gettext.NullTranslations = field(default_factory=gettext.NullTranslations)
    width: float = 7.6

    @property
    def narrow(self) -> bool:
        """Whether the figure is for a phone."""
        return self.width < 5

    def __call__(self, text: str, **fields: Any) -> str:
        """Return a text of a figure, with its fields filled: `words(N_("n = {n:,}"), n=12)`."""
        return self.said(Said(text, fields)) if fields else self.translated(text)

    def translated(self, text: str) -> str:
        """Return the translation of a text, the text itself when there is none."""
        return self.catalogue.gettext(text) if text else text

    def tier(self, name: str) -> str:
        """Return what a tier is called, from its name in the data."""
        return self.translated(LABELS.get(name, name))

    def said(self, sentence: Said) -> str:
        """Return a sentence as plain text."""
        return "".join(
            literal + (self.value(sentence.fields[name], spec or "") if name is not None else "")
            for literal, name, spec, _ in string.Formatter().parse(self.translated(sentence.template))
        )

    def value(self, value: Any, spec: str = "") -> str:
        """Return the value of a field as text."""
        if isinstance(value, Said):
            return self.said(value)
        if isinstance(value, list | tuple):
            return self.listed(self.value(item, spec) for item in value)
        if is_missing(value):
            return self.translated(WITHHELD)
        if isinstance(value, bool | np.bool_):
            return self.translated("yes" if value else "no")
        if is_number(value):
            return self.number(value, spec)
        if value in ("inf", "-inf") and spec:  # how JSON carries them
            return self.number(float(value), spec)
        return self.translated(str(value))

    def number(self, value: float, spec: str = "") -> str:
        """Return a number, see `research.numerals`."""
        return number(value.item() if isinstance(value, np.generic) else value, spec, self.locale)

    def listed(self, items: Iterable[str], most: int = 0) -> str:
        """Return texts as a list in a sentence, the first `most` of them when it is given; empty for none.

        >>> Words().listed(["A", "B", "C"]), Words().listed("ABCDE", most=2)
        ('A, B and C', 'A, B and 3 more')
        """
        shown = list(items)
        if most and len(shown) > most:
            shown = [*shown[:most], self("{count} more", count=len(shown) - most)]
        return format_list(shown, locale=self.locale) if shown else ""


def chosen(texts: Mapping[str, str], code: str, /, **fields: Any) -> Said:
    """Return the sentence of a result, with those of the fields that it names.

    >>> str(chosen({"few": "Only {names}.", "none": "Nobody."}, "none", names=["A"]))
    'Nobody.'
    """
    named = {name for _, name, _, _ in string.Formatter().parse(texts[code])}
    return Said(texts[code], {name: value for name, value in fields.items() if name in named})


def is_missing(value: Any) -> bool:
    """Return whether a field has no value."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def is_number(value: Any) -> bool:
    """Return whether a field is a number that is there."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and not is_missing(value)
    )
