"""Tables, figures and sentences of a finished run as a paper prints them, in pandoc's Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from research import parameters
from research.desk.finished import Finished, finished
from research.errors import UserError
from research.exhibits.words import N_, Words
from research.pages import drawings, markup, worded
from research.pages.payload import WITHHELD, payload_to_frame
from research.pages.picture import PRINT_DPI, saved
from research.paths import REPORTS

FIGURES = {".docx": "png", ".tex": "pdf", ".html": "svg"}  # the best that each kind of document can hold
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+.!|<>~^$@-])")
# letters on a line of a page, at most in a column beside others, and lost between two
LINE, MOST, MARGINS = 72, 36, 3
NOTE = N_("{place} of the study's pages.")
NOTE_ORIGIN = N_("{place} of the study's pages; {origin}.")


def run_of(study: str) -> Finished:
    """Return the finished run of a study, given by name, by its file, or as the folder of its reports.

    Raises:
        UserError: there is no such study, or it has not been run to its end.
    """
    folder = Path(study) if Path(study).is_dir() else REPORTS / parameters.load(study).name
    run = finished(folder)
    if not run.provenance or not run.collected.tables:
        raise UserError(f"{folder}: no executed notebooks in it; `research run {study}` makes them")
    return run


def literal(text: str) -> str:
    """Return text in which nothing is markup."""
    return SPECIAL.sub(r"\\\1", re.sub(r"[ \t\r\n]+", " ", text).strip())  # an interval keeps its hard spaces


def table(entry: Mapping[str, Any], words: Words) -> list[list[str]]:
    """Return the rows of a table as its page shows them, headings first; what is withheld says so."""
    frame = payload_to_frame(dict(entry))
    columns = markup.columns_of(frame, entry["formats"], worded.headings(dict(entry), words))
    gone = {tuple(cell) for cell in entry.get(WITHHELD, ())}
    rows = [[html.unescape(column.heading) for column in columns]]
    for place, row in enumerate(frame.to_dict("records")):
        named_by, cells = markup.name_of(row, columns), []
        for column in columns:
            spec = column.by_row.get(named_by, column.spec)
            hidden = any((place, name) in gone for name in (column.name, *column.parts))
            shown = words(markup.WITHHELD) if hidden else markup.cell_html(row, column.name, spec, words, ())
            cells.append(html.unescape(shown))
        rows.append(cells)
    return rows


def table_markdown(run: Finished, key: str, label: str, words: Words) -> str:
    """Return a table with caption and note; `label` stands before the caption (`Table 1.`)."""
    entry = run.collected.tables[key]
    head, *rows = table(entry, words)
    kinds = {column["name"]: column["dtype"] for column in entry["columns"]}
    shown = list(worded.headings(dict(entry), words))
    rule = [
        "-" * (width - 1) + (":" if kinds[name] in ("number", "integer") else "-")
        for name, width in zip(shown, widths([head, *rows]), strict=True)
    ]
    lines = ["| " + " | ".join(map(literal, row)) + " |" for row in (head, *rows)]
    lines.insert(1, f"|{'|'.join(rule)}|")
    notes = [_note(run, key, entry, words)]
    if entry.get(WITHHELD):
        notes.append(words(markup.WITHHELD_NOTE, smallest=entry["smallest"]))
    told = f": {_caption(entry, label)} {{#{anchor(key)}}}\n\n*{literal(' '.join(notes))}*"
    return "\n".join([*lines, "", told])


def widths(rows: list[list[str]]) -> list[int]:
    """Return how wide each column is beside the others: its longest word whole, and what is free where it is asked."""
    columns = list(zip(*rows, strict=True))
    least = [max(len(word) for cell in column for word in cell.split(" ")) + MARGINS for column in columns]
    longest = [min(max(map(len, column)), MOST) for column in columns]
    asked = [max(length - whole, 0) for length, whole in zip(longest, least, strict=True)]
    free = max(LINE - sum(least), 0) / max(sum(asked), 1)
    return [round(whole + free * more) for whole, more in zip(least, asked, strict=True)]


def figure_markdown(run: Finished, key: str, label: str, path: str, words: Words) -> str:
    """Return a figure whose picture is at a path, with caption, alternative text and note."""
    entry = run.collected.tables[key]
    alt = " ".join(entry["alt"].split()).replace("\\", "").replace('"', "”")
    return (
        f'![{_caption(entry, label)}](<{path}>){{#{anchor(key)} alt="{alt}" width=100%}}\n\n'
        f"*{literal(_note(run, key, entry, words))}*"
    )


def figure_file(entry: Mapping[str, Any], ending: str, words: Words) -> bytes:
    """Return the picture of a figure for a kind of document (`.docx`, `.tex`, `.html`), drawn anew."""
    return drawings.drawn(entry, words, partial(saved, ending=FIGURES[ending], dpi=PRINT_DPI))


def place_of(run: Finished, key: str) -> str:
    """Return what the pages call a table or figure: `Table 5.1`."""
    stem, _, name = key.partition("/")
    return run.collected.numbers[stem][name]


def anchor(key: str) -> str:
    """Return the name under which an exhibit can be referred to in a document."""
    return re.sub(r"[^a-z0-9]+", "-", key)


def _caption(entry: Mapping[str, Any], label: str) -> str:
    return f"{f'**{label}** ' if label else ''}{literal(markup.without_markup(entry['caption']))}"


def _note(run: Finished, key: str, entry: Mapping[str, Any], words: Words) -> str:
    if entry["origin"] not in worded.ORIGINS:
        return words(NOTE, place=place_of(run, key))
    return words(NOTE_ORIGIN, place=place_of(run, key), origin=words(worded.ORIGINS[entry["origin"]]))
