"""The page of two runs compared, and that of many runs held against the first."""

from __future__ import annotations

import difflib
import html
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from research.desk.compare import Comparison, Moved, rules
from research.exhibits.words import N_, Said, Words, is_number
from research.numerals import number
from research.pages.markup import MISSING, label
from research.pages.pagecheck import faults
from research.pages.render import page_assets, templates

ROWS_SHOWN = 8  # moved values of an exhibit, largest change first
LEAST = 1e-6  # below, a number is written with a power of ten
SAME_WORDS = 0.5  # sentences that have less in common are shown without marks, which would be everywhere
KINDS = {
    "answers": N_("Answers"),
    "words": N_("Something else in words"),
    "numbers": N_("The same words, other numbers"),
    "wording": N_("Worded otherwise, the same values"),
}
BATCH = N_(
    "Of {n} runs held against the first: the same values in {same}, other numbers but the same answers in {numbers}, "
    "an answer in other words in {words}, another verdict or evidence grade in {verdict}."
)
FACTS = {
    "name": N_("study"),
    "parameters": N_("all parameters (hash)"),
    "data sha256": N_("data (hash)"),
    "code sha256": N_("code (hash)"),
    "code dirty": N_("code: uncommitted changes"),
    "environment lock": N_("lock file (hash)"),
}


def comparison_page(found: Comparison, words: Words | None = None) -> str:
    """Return the HTML of two runs compared."""
    words = words or Words()
    moved: dict[str, list[Moved]] = {}
    for one in found.moved:
        moved.setdefault(one.key, []).append(one)
    pages: dict[str, Counter[str]] = {}
    exhibits: dict[str, tuple[list[Any], list[Any]]] = {}
    for key in sorted(dict.fromkeys([*found.compared, *found.only]), key=lambda key: key.partition("/")[0]):
        title, alone = found.title(key), found.only.get(key, (0, 0))
        counts = {"both": found.compared[key], "moved": len(moved.get(key, ()))}
        pages.setdefault(title, Counter()).update(**counts, first=alone[0], second=alone[1])
        if key in moved:
            shown = {"name": named(found, key), **counts, "rows": _largest(moved[key], words)}
            exhibits.setdefault(title, ([], []))[0].append(shown)
        if any(alone):
            exhibits.setdefault(title, ([], []))[1].append((named(found, key), *alone))
    sentences: dict[str, list[tuple[str, str, str]]] = {kind: [] for kind in KINDS}
    for said in found.sentences:
        kind = "answers" if said.key.endswith("/answer") else said.how
        name = found.title(said.key) if kind == "answers" else named(found, said.key, whole=True)
        sentences[kind].append((name, *marked(said.old, said.new)))
    return _page(
        "compare.html.j2",
        words("{first} against {second}", first=found.a.name, second=found.b.name),
        words,
        found=found,
        facts=[(words(FACTS.get(name, name)), _short(old), _short(new)) for name, old, new in found.inputs],
        verdicts=_verdicts(found, words),
        sentences=[(words(KINDS[kind]), lines) for kind, lines in sentences.items()],
        pages=pages,
        total=sum(pages.values(), Counter()),
        exhibits=[(title, *parts) for title, parts in exhibits.items()],
        figures=[
            (named(found, key, whole=True), was, now)
            for key, was in found.a.shown.items()
            if key in moved and (now := found.b.shown.get(key)) and was.picture and now.picture
        ],
    )


Rows = Sequence[tuple[str, Comparison | None]]


def batch_page(name: str, rows: Rows) -> str:
    """Return the HTML of many runs held against the first: (run, comparison), None for one that did not finish."""
    words = Words()
    return _page(
        "compared_runs.html.j2",
        words("{name}: all runs against the first", name=name),
        words,
        headline=headline(rows),
        first=next(found.a.name for _, found in rows if found),
        runs=[
            (run, found, [fact for fact in found.inputs if fact[0] not in FACTS] if found else [])
            for run, found in rows
        ],
        verdicts=[(run, *line) for run, found in rows if found for line in _verdicts(found, words)],
    )


def _verdicts(found: Comparison, words: Words) -> list[tuple[str, str, str, str]]:
    return [(named(found, one.key, whole=True), one.place, *told(one, words)) for one in found.verdicts]


def headline(rows: Rows) -> Said:
    """Say how many runs of a batch say what the first says."""
    found = [one for _, one in rows if one]
    verdict = sum(bool(one.verdicts) for one in found)
    words = sum(bool(one.answers) for one in found if not one.verdicts)
    same = sum(not one.moved for one in found)
    fields = {"n": len(found), "same": same, "verdict": verdict, "words": words}
    return Said(BATCH, {**fields, "numbers": len(found) - same - verdict - words})


def _page(template: str, title: str, words: Words, **given: Any) -> str:
    page = {"alone": True, "record": {"study": {"title": title}}, **page_assets()}
    made = templates().get_template(template)
    shown = made.render(title=title, page=page, words=words, rules=rules(), **given)
    if problems := faults(shown):
        raise RuntimeError("; ".join(problems))
    return shown


def _largest(moved: list[Moved], words: Words) -> list[tuple[str, str, str, str]]:
    order = sorted(moved, key=lambda one: -abs(float("inf") if one.change is None else one.change))
    return [(one.place, *told(one, words), _percent(one.change)) for one in order[:ROWS_SHOWN]]


def named(found: Comparison, key: str, *, whole: bool = False) -> str:
    """Return what a reader calls an exhibit: its number and name; without number and as a `whole`, after its page."""
    shown = found.b.shown.get(key) or found.a.shown.get(key)
    name = label(key.partition("/")[2])
    if shown and shown.number:
        return f"{shown.number}: {name}"
    return f"{found.title(key)} › {name}" if whole else name


def told(moved: Moved, words: Words) -> tuple[str, str]:
    """Return both values as text, numbers with as many digits as it takes to tell them apart."""
    values = (moved.old, moved.new)
    if not all(map(is_number, values)):
        return tuple(MISSING if one is None else words.value(one) for one in values)  # type: ignore[return-value]
    if any(one and abs(one) < LEAST for one in values):
        return tuple(f"{one:.3g}".replace("-", "−") for one in values)  # type: ignore[return-value]
    for spec in ("", *(f".{digits}g" for digits in range(4, 17))):
        first, second = (number(one, spec, words.locale) for one in values)
        if first != second:
            break
    return first, second


def marked(old: str, new: str) -> tuple[str, str]:
    """Return two sentences as HTML, what is only in the first as deleted, what is only in the second as inserted."""
    parts = [re.findall(r"\s+|[^\s]+", text) for text in (old, new)]
    made: tuple[list[str], list[str]] = ([], [])
    matcher = difflib.SequenceMatcher(None, *parts, autojunk=False)
    if matcher.ratio() < SAME_WORDS:
        return html.escape(old), html.escape(new)
    for change, *ends in matcher.get_opcodes():
        for side, tag in enumerate(("del", "ins")):
            text = html.escape("".join(parts[side][ends[2 * side] : ends[2 * side + 1]]))
            made[side].append(f"<{tag}>{text}</{tag}>" if text and change != "equal" else text)
    return "".join(made[0]), "".join(made[1])


def _percent(change: float | None) -> str:
    return "" if change is None else number(change, "+,.0%" if abs(change) >= 1 else "+.2g%")


def _short(fact: str) -> str:
    return fact[:12] if re.fullmatch(r"[0-9a-f]{40,64}", fact) else fact
