"""Two finished runs compared: what went in, what came out, and which values moved beyond a tolerance."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from research.desk.finished import Finished
from research.exhibits.words import N_, Said, chosen, is_number
from research.files.textfiles import own_csv
from research.pages.index import flat_parameters
from research.pages.markup import MISSING, label, without_markup
from research.pages.values import same
from research.paths import DEFINITIONS
from research.suppression import WITHHELD

JUDGED = ("verdict", "evidence grade")  # the kinds of value that a claim gets
KEY_COLUMNS, KEYS_TRIED = 4, 8
NUMBER = re.compile(r"(?<![A-Za-z_\d])(?:[<=] )?[−+-]?\d[\d.,]*(?:%|\b)")
ABSENT: Any = object()

NOTHING = N_("Nothing moved: the {compared:,} values that both runs have agree, and the answer stands.")
NUMBERS = N_(
    "{moved:,} of {compared:,} values moved, yet every verdict and answer says the same in words: the answer stands."
)
WORDS = N_(
    "{moved:,} of {compared:,} values moved. No verdict changed, but {answers} of {all} answers say something else: "
    "{pages}."
)
VERDICT = N_(
    "{moved:,} of {compared:,} values moved, among them {judged} of {all} verdicts and evidence grades: "
    "the answer changed."
)
UNJUDGED = N_(
    "{moved:,} of {compared:,} values moved, and {answers} of {all} answers say something else. "
    "No claim is judged in both runs."
)
STRANGERS = N_("The two runs have no value in common: they show other pages, and nothing can be compared.")


class Moved(NamedTuple):
    """A value that moved: its exhibit, its place there, and by how much of itself (numbers only)."""

    key: str
    place: str
    kind: str
    old: Any
    new: Any
    change: float | None


class Sentence(NamedTuple):
    """A sentence or caption that is not the same; `how`: its words, its numbers, or only the wording."""

    key: str
    how: str
    old: str
    new: str


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs. Counts are by exhibit (`notebook/exhibit`)."""

    a: Finished
    b: Finished
    inputs: list[tuple[str, str, str]]
    compared: Counter[str]
    judged: Counter[str]
    moved: list[Moved]
    only: dict[str, tuple[int, int]]
    sentences: list[Sentence]

    @property
    def verdicts(self) -> list[Moved]:
        """Verdicts and evidence grades that changed."""
        return [one for one in self.moved if one.kind in JUDGED]

    @property
    def answers(self) -> list[Sentence]:
        """Answers that say something else in words."""
        return [one for one in self.sentences if one.key.endswith("/answer") and one.how == "words"]

    @property
    def shared(self) -> set[str]:
        """The notebooks that both runs have."""
        return set(self.a.stems) & set(self.b.stems)

    def wanting(self, asked: str) -> bool:
        """Whether a run is not as the other: in a `verdict`, or in any `value` of the pages that both have."""
        alone = any(key.partition("/")[0] in self.shared for key in self.only)
        return bool(self.verdicts) or (asked == "value" and (bool(self.moved) or alone))

    def headline(self) -> Said:
        """Say how much moved and what that means for the answer."""
        prose = self.a.values["prose"].keys() & self.b.values["prose"].keys()
        given = {"moved": len(self.moved), "compared": self.compared.total(), "answers": len(self.answers)}
        given |= {"judged": len(self.verdicts), "all": sum(key.endswith("/answer") for key in prose)}
        given["pages"] = [self.title(one.key) for one in self.answers]
        if not given["compared"]:
            template = STRANGERS
        elif self.verdicts:
            template, given["all"] = VERDICT, self.judged.total()
        elif not self.moved and not self.answers:
            template = NOTHING
        elif not self.judged:
            template = UNJUDGED
        else:
            template = WORDS if self.answers else NUMBERS
        return chosen({"it": template}, "it", **given)

    def title(self, key: str) -> str:
        """Return what the page of an exhibit is called."""
        stem = key.partition("/")[0]
        return self.b.titles.get(stem) or self.a.titles.get(stem, stem)


def compare(a: Finished, b: Finished, *, captions: bool = True) -> Comparison:
    """Compare two runs; `captions` also reads their pages for what stands above tables and below figures."""
    a = a.numbered_as(b)
    moved: list[Moved] = []
    compared, judged = Counter[str](), Counter[str]()
    only: dict[str, tuple[int, int]] = {}
    was, now = ({**run.values["prose"], **run.values["tables"]} for run in (a, b))
    for key in dict.fromkeys([*was, *now]):
        pairs = list(_pairs(key, was.get(key), now.get(key)))
        alone = [sum(pair[side] is ABSENT for pair in pairs) for side in (3, 2)]
        if any(alone):
            only[key] = (alone[0], alone[1])
        for place, name, old, new in pairs:
            if ABSENT not in (old, new):
                kind, differs = judge(key, name, old, new)
                compared[key] += 1
                judged[key] += kind in JUDGED
                if differs:
                    change = (new - old) / abs(old) if is_number(old) and is_number(new) and old else None
                    moved.append(Moved(key, place, kind, old, new, change))
    touched = {one.key for one in moved} | only.keys()
    said = [
        (key, without_markup(old["text"]), without_markup(b.values["prose"][key]["text"]), key in touched)
        for key, old in a.values["prose"].items()
        if key in b.values["prose"]
    ]
    for key in [key for key in a.shown if key in b.shown] if captions else ():
        old, new = a.shown[key], b.shown[key]
        differs = old.values.keys() != new.values.keys() or any(
            judge(key, name, old.values[name], new.values[name])[1] for name in old.values
        )
        said.append((key, old.caption, new.caption, differs))
    sentences = [
        Sentence(key, how, old, new) for key, old, new, moves in said if (how := _how(old, new, moves))
    ]
    return Comparison(a, b, inputs(a, b), compared, +judged, moved, only, sentences)


@cache
def rules() -> list[Any]:
    """Return the rows of `data/definitions/tolerances.csv`; the first that fits a value decides."""
    return list(own_csv(DEFINITIONS / "tolerances.csv").itertuples(index=False))


def judge(key: str, name: str, old: Any, new: Any) -> tuple[str, bool]:
    """Return the kind of a value by the table of tolerances, and whether it moved beyond the tolerance.

    Args:
        key: `notebook/exhibit`.
        name: of the column, or of the value in a sentence (`outer.inner`: the last part counts).
    """
    last = name.rpartition(".")[2]
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in (old, new))
    holds = "whole number" if whole else "number" if is_number(old) and is_number(new) else "text"
    rule = next(
        one
        for one in rules()
        if (one.holds == holds or (one.holds == "number" and whole))
        and any(fnmatchcase(key, pattern) for pattern in one.exhibits.split())
        and any(fnmatchcase(last, pattern) for pattern in one.names.split())
    )
    if rule.rule == "decision":
        return rule.kind, (old < float(rule.tolerance)) != (new < float(rule.tolerance))
    return rule.kind, not same(new, old, float(rule.tolerance or 0))


def inputs(a: Finished, b: Finished) -> list[tuple[str, str, str]]:
    """Return (what, A, B) of parameters, data, code and environment that differ; a dash where a run has none.

    Of values alone little is known; then only what both know is compared.
    """
    one, other = dict(_inputs(a)), dict(_inputs(b))
    names = dict.fromkeys([*one, *other]) if a.provenance and b.provenance else one.keys() & other.keys()
    rows = [(name, one.get(name, MISSING), other.get(name, MISSING)) for name in names]
    return [row for row in rows if row[1] != row[2]]


def _inputs(run: Finished) -> Iterator[tuple[str, str]]:
    if not run.provenance:
        known = run.values["study"]
        yield "name", str(known.get("name", MISSING))
        yield "parameters", str(known.get("sha256", MISSING))
        yield from [("code commit", str(known["commit"]))] if "commit" in known else []
        return
    record = run.provenance
    for group, facts in record.items():
        if group == "study":
            yield "parameters", str(facts["sha256"])
            yield from flat_parameters(facts["parameters"])
        elif group not in ("seed", "run"):  # stands among the parameters; the name of the run itself
            for name, fact in facts.items() if isinstance(facts, dict) else [("", facts)]:
                parts = fact.items() if isinstance(fact, dict) else [(name, fact)]
                yield from ((f"{group} {part}".strip(), str(one)) for part, one in parts)


def _pairs(key: str, old: Any, new: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield (place, name, old, new) of every value of an exhibit; ABSENT where only one run has it."""
    names = _key_columns(key, old, new) if old and new else ()
    rows = [_by_key(exhibit, names or ()) for exhibit in (old, new)]
    if names is None:  # no row of the one is a row of the other
        rows = [
            {(*row, side): cells for row, cells in rows[place].items()} for place, side in enumerate("AB")
        ]
    for row in dict.fromkeys([*rows[0], *rows[1]]):
        cells = [found.get(row, {}) for found in rows]
        for column in dict.fromkeys([*cells[0], *cells[1]]):
            place = f"{' · '.join(row)}: {label(column)}" if row else label(column)
            yield place, column, cells[0].get(column, ABSENT), cells[1].get(column, ABSENT)


def _key_columns(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the columns that name the rows of a table in both runs, none when only their order does.

    Of the columns of words those that have most rows in common; else with whole numbers, when no row of the shorter
    table is missing in the other: a count that moved must not name its row. None when no row can be matched.
    """
    if "columns" not in old or "columns" not in new:
        return ()
    results = {one.names for one in rules() if one.kind in JUDGED and fnmatchcase(key, one.exhibits)}
    shared = [name for name in old["columns"] if name in new["columns"] and name not in results]
    cells = {
        name: [[row[table["columns"].index(name)] for row in table["rows"]] for table in (old, new)]
        for name in shared
    }
    kinds = {name: {type(one) for one in itertools.chain(*cells[name])} for name in shared}
    words = [name for name in shared if kinds[name] <= {str, type(None)}][:KEYS_TRIED]
    whole = [name for name in shared if kinds[name] <= {str, int, type(None)}][:KEYS_TRIED]
    rows = [len(table["rows"]) for table in (old, new)]
    for among, least in ((words, min(rows) / 2), (whole, min(rows))):
        common: dict[tuple[str, ...], int] = {}
        for size in range(1, KEY_COLUMNS + 1):
            for names in itertools.combinations(among, size):
                found = [set(zip(*(cells[name][side] for name in names), strict=True)) for side in (0, 1)]
                if [len(one) for one in found] == rows:
                    common[names] = len(found[0] & found[1])
        best = max(common, key=common.__getitem__, default=())
        if best and common[best] >= max(least, 1):
            return best
    alike = sum(all(cells[name][0][at] == cells[name][1][at] for name in words) for at in range(min(rows)))
    return () if rows[0] == rows[1] <= 2 * alike else None


def _by_key(exhibit: Any, names: Sequence[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the rows of a table by what names them, by their number when nothing does; a sentence is one row."""
    if not exhibit or "values" in exhibit:
        return {(): exhibit["values"]} if exhibit else {}
    withheld = {(row, column) for row, column in exhibit.get(WITHHELD, ())}
    found = {}
    for number, row in enumerate(exhibit["rows"]):
        cells = dict(zip(exhibit["columns"], row, strict=True))
        cells |= {column: WITHHELD for column in cells if (number, column) in withheld}
        found[tuple(_word(cells[name]) for name in names) or (str(number + 1),)] = cells
    return found


def _word(value: Any) -> str:
    return MISSING if value is None else value if isinstance(value, str) else json.dumps(value)


def _how(old: str, new: str, moved: bool) -> str:
    """Return in what a sentence is not the same: words, numbers, wording (no value moved); empty when it is."""
    if old == new:
        return ""
    if NUMBER.sub("#", old) == NUMBER.sub("#", new):
        return "numbers" if moved else ""
    return "words" if moved else "wording"
