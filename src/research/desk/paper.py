"""A manuscript filled from a finished run: every number, table, figure and sentence is a field with a name.

| field | becomes |
|---|---|
| `{{value:NOTEBOOK/EXHIBIT[ROW].NAME|FORMAT}}` | a value of a sentence, or of the one row of a table that ROW picks |
| `{{sentence:NOTEBOOK/EXHIBIT[n]}}` | a paragraph (its n-th sentence), or a caption, as the run says it |
| `{{table:…}}`, `{{figure:…}}` | alone on a line the exhibit, within a line its number |
| `{{run:NAME|FORMAT}}` | a value of `provenance.json`, such as `study.parameters.folds`; `date`, `version` |

ROW is `column=text,column=text`, or the text of any cell; FORMAT as in `research.exhibits.numbers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from research import __version__
from research.desk.finished import Finished
from research.desk.printed import (
    FIGURES,
    anchor,
    figure_file,
    figure_markdown,
    literal,
    table_markdown,
)
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
    faults: list[str] = []

    def fault(place: int, what: str, why: str) -> None:
        faults.append(f"{name}, line {manuscript.count(chr(10), 0, place) + 1}: {what}: {why}")

    fields = list(FIELD.finditer(manuscript))
    labels: dict[str, str] = {}
    for found in filter(_alone, fields):
        kind, key = found["kind"], found["name"].strip()
        if key in labels:
            fault(found.start(), found[0], "shown before")
        number = sum(label.startswith(EXHIBITS[kind]) for label in labels.values()) + 1
        labels.setdefault(key, f"{EXHIBITS[kind]} {number}")
    made, prose, end = Filled(exhibits=len(labels)), "", 0
    for found in fields:
        before, end, text = manuscript[end : found.start()], found.end(), ""
        try:
            text = _filled(found, run, labels, ending, folder, made.pictures, words)
        except UserError as error:
            fault(found.start(), found[0], str(error))
        made.text += before + text
        prose += before + ("" if _alone(found) else text)
    made.text += manuscript[end:]
    prose += manuscript[end:]
    known = set(ENTRY.findall(bibliography))
    for cited in CITED.finditer(FRONT.sub(lambda front: "\n" * front[0].count("\n"), manuscript)):
        if cited[1] not in known:
            line = cited.string.count("\n", 0, cited.start()) + 1
            faults.append(
                f"{name}, line {line}: @{cited[1]}: not in references.bib{nearest(cited[1], known)}"
            )
    if faults:
        raise UserError("\n".join(faults))
    made.words = len(WORD.findall(BRACKETS.sub("", FRONT.sub("", prose))))
    return made


def _filled(
    found: re.Match[str], run: Finished, labels: Mapping[str, str], ending: str, folder: str,
    pictures: dict[str, bytes], words: Words,
) -> str:  # fmt: skip
    kind, name, spec = found["kind"] or "", (found["name"] or "").strip(), (found["spec"] or "").strip()
    if kind == "value":
        return _shown(_value(name, run), spec, words)
    if kind == "run":
        return _shown(_recorded(name, run), spec, words)
    if kind == "sentence":
        return literal(_sentence(name, run))
    if kind not in EXHIBITS:
        raise UserError(
            f"expected a field such as {{{{value:…}}}}{nearest(kind, ['value', 'run', 'sentence', *EXHIBITS])}"
        )
    entry = _entry(name, {key: one for key, one in run.collected.tables.items() if one["kind"] == kind}, kind)
    if name not in labels:
        raise UserError(f"the {kind} stands on no line of its own")
    if not _alone(found):  # LaTeX counts for itself
        return f"{EXHIBITS[kind]}\\ `\\ref{{{anchor(name)}}}`{{=latex}}" if ending == ".tex" else labels[name]
    label = "" if ending == ".tex" else f"{labels[name]}."
    if kind == "table":
        return table_markdown(run, name, label, words)
    path = f"{folder}/figure-{labels[name].split()[1]}.{FIGURES[ending]}"
    pictures[path] = figure_file(entry, ending, words)
    return figure_markdown(run, name, label, path, words)


def _alone(found: re.Match[str]) -> bool:
    """Whether a field is an exhibit on a line of its own."""
    text = found.string
    line = (
        text[text.rfind("\n", 0, found.start()) + 1 : found.start()] + text[found.end() :].partition("\n")[0]
    )
    return found["kind"] in EXHIBITS and not line.strip()


def _entry(key: str, entries: Mapping[str, Any], what: str) -> dict[str, Any]:
    if key not in entries:
        raise UserError(f"the run has no such {what}{nearest(key, entries)}")
    return dict(entries[key])


def _address(name: str) -> tuple[str, list[str], str]:
    found = ADDRESS.fullmatch(name)
    if not found:
        raise UserError("expected NOTEBOOK/EXHIBIT, [a row] and .a name")
    return (
        found["key"],
        [part.strip() for part in (found["row"] or "").split(",") if part],
        found["name"] or "",
    )


def _value(name: str, run: Finished) -> Any:
    """Return a value of a sentence or of a row of a table."""
    key, picked, column = _address(name)
    if key in run.collected.prose:
        given = run.collected.prose[key]["values"]
        if column not in given:
            raise UserError(f"no value '{column}' in {key}{nearest(column, given)}")
        return given[column]
    entry = _entry(key, {**run.collected.prose, **run.collected.tables}, "sentence or table")
    columns = [one["name"] for one in entry["columns"]]
    if column not in columns:
        raise UserError(f"no column '{column}' in {key}{nearest(column, columns)}")
    rows = [dict(zip(columns, row, strict=True)) for row in entry["rows"]]
    fitting = [place for place, row in enumerate(rows) if all(_fits(row, part) for part in picked)]
    if len(fitting) != 1:
        told = next((told for part in picked if (told := _unmet(rows, part))), "")
        raise UserError(f"{len(fitting)} rows of {key} fit, expected one{told}")
    if [fitting[0], column] in [list(cell) for cell in entry.get(WITHHELD, ())]:
        raise UserError("withheld: too few persons")
    return entry["rows"][fitting[0]][columns.index(column)]


def _fits(row: Mapping[str, Any], part: str) -> bool:
    """Whether a row has a text: `column=text`, or `text` in any column."""
    column, equals, text = part.partition("=")
    return str(row.get(column)) == text if equals else part in map(str, row.values())


def _unmet(rows: list[dict[str, Any]], part: str) -> str:
    """Say of a part that no row meets what there is instead."""
    column, equals, text = part.partition("=")
    if any(_fits(row, part) for row in rows):
        return ""
    if equals and rows and column not in rows[0]:
        return f"; no column '{column}'{nearest(column, rows[0])}"
    return f"; none has '{part}'{nearest(text, [row[column] for row in rows]) if equals else ''}"


def _recorded(name: str, run: Finished) -> Any:
    """Return a value of the provenance, by its names from the outside in."""
    value: Any = {**run.provenance, "date": provenance.date()[:10], "version": __version__}
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            raise UserError(
                f"no '{part}' in the run's provenance{nearest(part, value if isinstance(value, dict) else ())}"
            )
        value = value[part]
    return value


def _sentence(name: str, run: Finished) -> str:
    """Return a paragraph, one sentence of it, or a caption; one that lacks a number is none."""
    key, picked, _ = _address(name)
    entry = _entry(key, {**run.collected.prose, **run.collected.tables}, "sentence")
    parts = (entry.get("text") or entry["caption"]).split("\n")
    if picked and picked not in ([str(place)] for place in range(1, len(parts) + 1)):
        raise UserError(f"expected [1] to [{len(parts)}]")
    said = without_markup(parts[int(picked[0]) - 1] if picked else " ".join(parts))
    if UNSAID.search(said) or any(value is None for value in entry.get("values", {}).values()):
        raise UserError("part of its numbers is withheld or missing")
    return said


def _shown(value: Any, spec: str, words: Words) -> str:
    if value is None:
        raise UserError("has no value in this run")
    if isinstance(value, dict | list):
        raise UserError(f"several values{nearest('', value) if isinstance(value, dict) else ''}")
    if spec and not is_number(value):
        raise UserError(f"'{value}' is no number and takes no format")
    try:
        return literal(words.value(value, spec))
    except ValueError as error:
        raise UserError(str(error)) from None
