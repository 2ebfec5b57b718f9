"""What the heading of a column says, in plain words: without unit and case, abbreviations written out."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import pandas as pd

from research.files.textfiles import own_csv
from research.paths import DEFINITIONS

HEADING_WORDS_FILE = DEFINITIONS / "heading_words.csv"
COLUMN_SYNONYMS_FILE = DEFINITIONS / "column_synonyms.csv"
BRACKETS = re.compile(r"[(（\[【](.*?)[)）\]】]")
LONGEST = 100  # characters of a heading that are looked at
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_WORD = re.compile(r"[^a-z0-9\u4e00-\u9fff%]+")


@cache
def abbreviations() -> dict[str, str]:
    """Return `heading_words.csv`: an abbreviation and what it stands for."""
    table = own_csv(HEADING_WORDS_FILE)
    return dict(zip(table["short"], table["word"], strict=True))


@cache
def synonyms() -> pd.DataFrame:
    """Return `column_synonyms.csv` with the words of each name beside it: construct, name, words."""
    table = own_csv(COLUMN_SYNONYMS_FILE)
    return table.assign(words=table["name"].map(words)).drop_duplicates(["construct", "words"])


@cache
def _vocabulary() -> frozenset[str]:
    written = re.findall(r"[a-z]{2,}", "\n".join(own_csv(COLUMN_SYNONYMS_FILE)["name"]))
    return frozenset({*written, *abbreviations()})


def _parts(run: str) -> list[str]:
    """Cut a run of letters, such as intrate, into as few known words as it has; itself when it has none."""
    if run in _vocabulary() or len(run) < 4 or not run.isascii():
        return [run]
    best: list[list[str] | None] = [[], *[None] * len(run)]
    for end in range(1, len(run) + 1):
        for start in range(max(0, end - 14), end):
            before, piece = best[start], run[start:end]
            known = len(piece) > 1 and piece in _vocabulary()
            if known and before is not None and (best[end] is None or len(before) + 1 < len(best[end] or [])):
                best[end] = [*before, piece]
    return best[-1] or [run]


@lru_cache(maxsize=10_000)
def words(heading: str) -> str:
    """Return a heading as plain words.

    >>> words("LN_AMT"), words("IntRate (%)"), words("ORIGDT"), words("贷款金额(万元)")
    ('loan amount', 'interest rate', 'origination date', '贷款金额')
    """
    bare = CAMEL.sub(" ", BRACKETS.sub("", heading[:LONGEST]))
    found: list[str] = []
    for token in NO_WORD.sub(" ", bare.lower()).split():
        for run in re.findall(r"\d+|[^\d]+", token):
            found += [abbreviations().get(part, part) for part in _parts(run)]
    return " ".join(found)


def unit(heading: str) -> str:
    """Return what stands in brackets in a heading, or after it as % does; empty without."""
    inside = BRACKETS.search(heading[:LONGEST])
    return inside.group(1).strip().lower() if inside else ("%" if heading.endswith(("%", "％")) else "")
