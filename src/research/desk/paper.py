"""A manuscript filled from a finished run: every number, table, figure and sentence is a field with a name.

| field | becomes |
|---|---|
| `{{value:NOTEBOOK/EXHIBIT[ROW].NAME|FORMAT}}` | a value of a sentence, or of the one row of a table that ROW picks |
| `{{sentence:NOTEBOOK/EXHIBIT[n]}}` | a paragraph (its n-th sentence), or a caption, as the run says it |
| `{{table:…}}`, `{{figure:…}}` | alone on a line the exhibit, within a line its number |
| `{{run:NAME|FORMAT}}` | a value of `provenance.json`, such as `study.parameters.folds`; `date`, `version` |

ROW is `column=text,column=text`, or the text of any cell; FORMAT as in `research.numerals`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from research import __version__
from research.desk import printed
from research.desk.finished import Finished
from research.errors import UserError, nearest
from research.exhibits.words import Words, is_number
from research.pages import provenance
from research.pages.markup import without_markup
from research.pages.payload import WITHHELD

FIELD = re.compile(r"\{\{(?P<kind>\w*):?(?P<name>[^{}|]*)(?:\|(?P<spec>[^{}]*))?\}\}|\{\{")
ADDRESS = re.compile(r"(?P<key>\w+/\w+)(?:\[(?P<row>[^\]]*)\])?(?:\.(?P<name>.+))?")
CITED = re.compile(r"(?<![\w.@\\])@\{?([\w](?:[\w:.#$%&+?<>~/-]*\w)?)")
BRACKETS = re.compile(r"\[[^\]]*@[^\]]*\]")
ENTRY = re.compile(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE)
FRONT = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
UNSAID = re.compile(r"\bwithheld\b", re.IGNORECASE)
WORD = re.compile(r"[\w−+]\S*")
EXHIBITS = {"table": "Table", "figure": "Figure"}


@dataclass
class Filled:
    """A manuscript without fields.

    Attributes:
        text: pandoc's Markdown.
        pictures: path → content of the figures.
        exhibits: how many tables and figures it has.
        words: how many words it has without front matter, exhibits and references.
    """

    text: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)
    exhibits: int = 0
    words: int = 0


def fill(
    manuscript: str, name: str, bibliography: str, run: Finished, ending: str, folder: str, words: Words
) -> Filled:
    """Fill a manuscript from a finished run.

    Args:
        manuscript: its text.
        name: what messages call it.
        bibliography: BibTeX entries, all that may be cited.
        run: the run.
        ending: the kind of document, `.docx`, `.tex` or `.html`.
        folder: where the pictures will be, as the document names it.
        words: the language of exhibits and sentences.

    Raises:
        UserError: fields that are unknown, withheld or missing, and citations without an entry, one line each.
    """
    faults: list[tuple[int, str]] = []
    fields = list(FIELD.finditer(manuscript))
    shown = [(found["kind"], found["name"].strip()) for found in filter(_alone, fields)]
    labels = {
        key: f"{EXHIBITS[kind]} {[one for one, _ in shown[: place + 1]].count(kind)}"
        for place, (kind, key) in enumerate(shown)
    }
    made, prose, end, placed = Filled(exhibits=len(shown)), "", 0, set[str]()
    for found in fields:
        before, end, text = manuscript[end : found.start()], found.end(), ""
        try:
            if _alone(found) and found["name"].strip() in placed:
                raise UserError("shown before")
            placed |= {found["name"].strip()} if _alone(found) else set()
            text = _filled(found, run, labels, ending, folder, made.pictures, words)
        except UserError as error:
            faults.append((found.start(), f"{found[0]}: {error}"))
        made.text += before + text
        prose += before + ("" if _alone(found) else text)
    made.text, prose = made.text + manuscript[end:], prose + manuscript[end:]
    known, head = set(ENTRY.findall(bibliography)), FRONT.match(manuscript)
    for cited in CITED.finditer(manuscript, head.end() if head else 0):
        if cited[1] not in known:
            faults.append((cited.start(), f"@{cited[1]}: not in references.bib{nearest(cited[1], known)}"))
    if faults:
        told = (f"{name}, line {manuscript.count(chr(10), 0, at) + 1}: {why}" for at, why in sorted(faults))
        raise UserError("\n".join(told))
    made.words = len(WORD.findall(BRACKETS.sub("", FRONT.sub("", prose))))
    return made


def _filled(
    found: re.Match[str], run: Finished, labels: Mapping[str, str], ending: str, folder: str,
    pictures: dict[str, bytes], words: Words,
) -> str:  # fmt: skip
    kind, name, spec = ((found[part] or "").strip() for part in ("kind", "name", "spec"))
    if kind == "value":
        return _shown(_value(name, run), spec, words)
    if kind == "run":
        return _shown(_recorded(name, run), spec, words)
    if kind == "sentence":
        return printed.literal(_sentence(name, run))
    if kind not in EXHIBITS:
        known = nearest(kind, ["value", "run", "sentence", *EXHIBITS])
        raise UserError(f"expected a field such as {{{{value:…}}}}{known}")
    tables = {key: one for key, one in run.collected.tables.items() if one["kind"] == kind}
    entry = _known(name, tables, f"the run has no such {kind}")
    if name not in labels:
        raise UserError(f"the {kind} stands on no line of its own")
    label, latex = labels[name], ending == ".tex"  # LaTeX counts for itself
    if not _alone(found):
        return f"{EXHIBITS[kind]}\\ `\\ref{{{printed.anchor(name)}}}`{{=latex}}" if latex else label
    before = "" if latex else f"{label}."
    if kind == "table":
        return printed.table_markdown(run, name, before, words)
    path = f"{folder}/figure-{label.split()[1]}.{printed.FIGURES[ending]}"
    pictures[path] = printed.figure_file(entry, ending, words)
    return printed.figure_markdown(run, name, before, path, words)


def _alone(found: re.Match[str]) -> bool:
    """Whether a field is an exhibit on a line of its own."""
    before, after = found.string[: found.start()], found.string[found.end() :]
    return found["kind"] in EXHIBITS and not (before.rpartition("\n")[2] + after.partition("\n")[0]).strip()


def _known(name: str, options: Mapping[str, Any], told: str) -> Any:
    """Return the option of a name. Raises UserError, which tells of the nearest one."""
    if name not in options:
        raise UserError(f"{told}{nearest(name, options)}")
    return options[name]


def _address(name: str) -> tuple[str, list[str], str]:
    found = ADDRESS.fullmatch(name)
    if not found:
        raise UserError("expected NOTEBOOK/EXHIBIT, [a row] and .a name")
    picked = [part.strip() for part in (found["row"] or "").split(",") if part]
    return found["key"], picked, found["name"] or ""


def _value(name: str, run: Finished) -> Any:
    """Return a value of a sentence or of the one row of a table that has the texts asked for."""
    key, picked, column = _address(name)
    entries = {**run.collected.prose, **run.collected.tables}
    entry = _known(key, entries, "the run has no such sentence or table")
    if "columns" not in entry:
        return _known(column, entry["values"], f"no value '{column}' in {key}")
    columns = {one["name"]: place for place, one in enumerate(entry["columns"])}
    place, rows = _known(column, columns, f"no column '{column}' in {key}"), list(enumerate(entry["rows"]))
    for part in picked:
        asked, equals, text = part.partition("=")
        at = _known(asked, columns, f"no column '{asked}' in {key}") if equals else 0
        fitting = [one for one in rows if (str(one[1][at]) == text if equals else part in map(str, one[1]))]
        if not fitting:
            known = nearest(text, (row[at] for _, row in rows)) if equals else ""
            raise UserError(f"no row has '{part}'{known}")
        rows = fitting
    if len(rows) != 1:
        raise UserError(f"{len(rows)} rows of {key} fit, expected one")
    if [rows[0][0], column] in [list(cell) for cell in entry.get(WITHHELD, ())]:
        raise UserError("withheld: too few persons")
    return rows[0][1][place]


def _recorded(name: str, run: Finished) -> Any:
    """Return a value of the provenance, by its names from the outside in."""
    value: Any = {**run.provenance, "date": provenance.date()[:10], "version": __version__}
    for part in name.split("."):
        value = _known(part, value if isinstance(value, dict) else {}, f"no '{part}' in the run's provenance")
    return value


def _sentence(name: str, run: Finished) -> str:
    """Return a paragraph, one sentence of it, or a caption; one that lacks a number is none."""
    key, picked, _ = _address(name)
    entry = _known(key, {**run.collected.prose, **run.collected.tables}, "the run has no such sentence")
    parts = (entry.get("text") or entry["caption"]).split("\n")
    if picked and picked not in ([str(place)] for place in range(1, len(parts) + 1)):
        raise UserError(f"expected [1] to [{len(parts)}]")
    said = without_markup(parts[int(picked[0]) - 1] if picked else " ".join(parts))
    if UNSAID.search(said) or None in entry.get("values", {}).values():
        raise UserError("part of its numbers is withheld or missing")
    return said


def _shown(value: Any, spec: str, words: Words) -> str:
    if value is None:
        raise UserError("has no value in this run")
    if isinstance(value, dict | list):
        raise UserError("several values, expected one")
    if spec and not is_number(value):
        raise UserError(f"'{value}' is no number and takes no format")
    try:
        return printed.literal(words.value(value, spec))
    except ValueError as error:
        raise UserError(str(error)) from None
