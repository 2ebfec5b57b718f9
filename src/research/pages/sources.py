"""What a reader may ask of a number on a page: its name, file and cell, and whether it moved."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from research.exhibits.words import N_, Words, is_number
from research.pages import markup
from research.pages.payload import WITHHELD, payload_to_frame
from research.pages.values import PROSE, TABULAR, csv_bytes
from research.pages.worded import headings

NAMED = re.compile(r"(.+?/[a-z][a-z0-9_]*)([\[.].+)")  # page/exhibit, and the rest of a value's name
# What the script of the panel says; {…} are filled in there.
PANEL = {
    "ask": N_("{number}, show where it comes from"),
    "close": N_("Close"),
    "full": N_("In full"),
    "name": N_("Name"),
    "stands": N_("Stands in"),
    "same": N_("The same number"),
    "place": N_("{exhibit}, row {row}, {column}"),
    "reference": N_("Reference"),
    "reproduced": N_("The reference has the same number."),
    "moved": N_("Moved: the reference has {number}."),
    "new": N_("The reference does not have it."),
    "alone": N_("Not compared: this number stands in its sentence alone, not in values.json."),
    "file": N_("Table"),
    "save": N_("Save {file}, with every column"),
    "made": N_("Made by"),
    "data": N_("Data of this run"),
    "code": N_("Code of this run"),
    "cell": N_("cell {cell} of {page}.ipynb, show the code"),
}
BESIDE = N_("{file} in the folder of this run")
UNCOMPARED = N_("Not compared: {reason}.")
FOLDED = N_("Data and code of {exhibit}")
MOVED = N_("Moved against the reference or new: {count:,} of its values.")
REPRODUCED = N_("The reference has the same values.")
NAMES = N_("{key}[row].column in values.json")
ENDS = N_("Data set, code and their hashes: at the end of the page")


def moved_by_exhibit(comparison: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return page/exhibit → rest of the name → value in the reference, of the numbers that moved or are new."""
    found: dict[str, dict[str, Any]] = {}
    for row in comparison.get("moved", []):
        parts = NAMED.fullmatch(row["name"])
        if parts and is_number(row["now"]):
            found.setdefault(parts[1], {})[parts[2]] = row["reference"]
    return found


def fold(key: str, number: str, cell: int, comparison: Mapping[str, Any], words: Words) -> str:
    """Return what the panel says of a table or figure, for browsers that run no script.

    Args:
        key: page/exhibit.
        number: what the page calls it, `Table 5.1`.
        cell: the number of its cell.
        comparison: of `research.pages.values.reproduced`.
        words: the language.
    """
    page, moved = key.partition("/")[0], len(moved_by_exhibit(comparison).get(key, ()))
    if "reason" in comparison:
        compared = words(UNCOMPARED, reason=comparison["reason"])
    else:
        compared = words(MOVED, count=moved) if moved else words(REPRODUCED)
    made = html.escape(words(PANEL["cell"], cell=cell, page=page))
    file = f'<a href="results/{key}.csv" download>{html.escape(words(BESIDE, file=f"{key}.csv"))}</a>'
    rows = (
        ("name", f"<code>{html.escape(words(NAMES, key=key))}</code>"),
        ("reference", html.escape(compared)),
        ("file", file),
        ("made", f'<a href="#{cell_id(cell)}">{made}</a>'),
    )
    said = "".join(
        f"<div><dt>{html.escape(words(PANEL[row]))}</dt><dd>{text}</dd></div>" for row, text in rows
    )
    end = f'<p><a href="#provenance-of-this-page">{html.escape(words(ENDS))}</a></p>'
    folded = f"<summary>{html.escape(words(FOLDED, exhibit=number))}</summary><dl>{said}</dl>{end}"
    return f'<noscript><details class="source">{folded}</details></noscript>'


def cell_id(cell: int) -> str:
    """Return the anchor of a cell's code."""
    return f"cell-{cell}"


def record(
    shown: Iterable[tuple[str, int, Mapping[str, Any]]], comparison: Mapping[str, Any], words: Words
) -> str:
    """Return what the script needs to say of each number where it comes from, as JSON for a page.

    The number itself and, in a sentence, its name stand in its element; in a table the name follows from the place.

    Args:
        shown: (page/exhibit, number of its cell, payload) of what the page shows.
        comparison: of `research.pages.values.reproduced`.
        words: the language.
    """
    moved, facts = moved_by_exhibit(comparison), {}
    for key, cell, payload in shown:
        fact: dict[str, Any] = {"cell": cell}
        if payload["kind"] in TABULAR:
            fact |= columns_of(payload, words)
        elif payload["kind"] not in PROSE:
            fact["alone"] = True
        facts[key] = fact | ({"moved": moved[key]} if key in moved else {})
    said = {name: words.translated(text) for name, text in PANEL.items()}
    if "reason" in comparison:
        said["uncompared"] = words(UNCOMPARED, reason=comparison["reason"])
    text = json.dumps({"words": said, "exhibits": facts}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")  # a text in it must not end the element


def columns_of(payload: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Return a table's `csv`, the `columns` of its cells (`numbers_of_cells`), in `rows` those of unlike rows."""
    frame = payload_to_frame(dict(payload))
    withheld = {(row, column) for row, column in payload.get(WITHHELD, ())}
    columns = markup.columns_of(frame, payload["formats"], headings(dict(payload), words))
    cells = markup.numbers_of_cells(frame, columns)
    usual = max(cells, key=cells.count) if len(cells) > 1 and any(c.by_row for c in columns) else cells[0]
    others = {number: names for number, names in enumerate(cells, start=1) if names != usual}
    whole = {"csv": csv_bytes(frame, withheld).decode(), "columns": usual}
    return whole | ({"rows": others} if others else {})
