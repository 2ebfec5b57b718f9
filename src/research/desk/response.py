"""Comments with what changed since, to be answered: a workbook, and a letter that goes through them by reviewer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import docx
from openpyxl import Workbook
from openpyxl.styles import Alignment

from research.desk.comments import Placed
from research.exhibits.words import N_, Said, Words
from research.files.inert import inert
from research.pages.files import write_if_changed
from research.pages.workbook import fit_columns, without_times, write_row

COLUMNS = (
    N_("Reviewer"), N_("Page"), N_("Exhibit or sentence"), N_("Quoted"), N_("Comment"), N_("What changed"),
    N_("Answer"),
)  # fmt: skip
SHEET, TITLE = N_("Comments"), N_("Answers to the comments")
UNNAMED = N_("a reviewer without a name")
HEAD = N_("Comments of {reviewer}")
PLACE = N_("{number}: {place}, {page}")
SINCE = N_("Since then: {changed}")
ANSWER = N_("Answer:")
WIDE_ANSWER = 60  # characters


def workbook(placed: Sequence[Placed], words: Words) -> bytes:
    """Return a workbook with a row per comment and a column for the answers; no text in it runs as a formula."""
    book = Workbook()
    sheet = book.active
    sheet.title = words(SHEET)
    write_row(sheet, 1, [words(name) for name in COLUMNS], bold=True)
    for number, one in enumerate(placed, start=2):
        name = one.reviewer or words(UNNAMED)
        cells = [name, one.page, one.place, one.quoted, one.text, words.said(one.changed), ""]
        write_row(sheet, number, [inert(cell) for cell in cells])
        for cell in sheet[number]:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    fit_columns(sheet)
    sheet.column_dimensions[sheet.cell(1, len(COLUMNS)).column_letter].width = WIDE_ANSWER
    stream = io.BytesIO()
    book.save(stream)
    return without_times(stream.getvalue())


def letter(placed: Sequence[Placed], words: Words) -> bytes:
    """Return a letter: by reviewer the numbered comments, what they quote, what changed, and room for an answer."""
    made = docx.Document()
    made.core_properties.author = ""
    made.add_heading(words(TITLE), 0)
    for place, reviewer in enumerate(dict.fromkeys(one.reviewer for one in placed), start=1):
        own = [one for one in placed if one.reviewer == reviewer]
        made.add_heading(words(HEAD, reviewer=reviewer or words(UNNAMED)), 1)
        for number, one in enumerate(own, start=1):
            named = Said(PLACE, {"number": f"{place}.{number}", "place": one.place, "page": one.page})
            made.add_heading(words.said(named), 2)
            if one.quoted:
                made.add_paragraph(one.quoted, "Quote")
            made.add_paragraph(one.text)
            made.add_paragraph().add_run(words(SINCE, changed=one.changed)).italic = True
            made.add_paragraph().add_run(words(ANSWER)).bold = True
    stream = io.BytesIO()
    made.save(stream)
    return without_times(stream.getvalue())


WRITERS = {".xlsx": workbook, ".docx": letter}


def write(placed: Sequence[Placed], out: Path) -> None:
    """Write a workbook or a letter, by the ending of its name."""
    write_if_changed(out, WRITERS[out.suffix.lower()](placed, Words()))
