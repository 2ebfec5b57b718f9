"""Comments of readers on the pages of a run: read from the files they downloaded, merged, and held against another run.

A comment is a W3C Web Annotation (https://www.w3.org/TR/annotation-model/) that `comments.js` of the pages has made: on
a passage, with some text before and after it, or on a whole exhibit or section, with the lines that it showed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from lxml.etree import ParserError
from pydantic import BaseModel, Field, ValidationError

from research.desk.finished import Finished
from research.errors import UserError, visible
from research.exhibits.words import N_, Said
from research.files import limits
from research.files.textfiles import read_text
from research.pages.pagecheck import parsed, section_names

LINES = ("caption", "figcaption", "p", "li", "tr")
HEADINGS = ("h1", "h2", "h3", "h4")
BLOCKS = (*LINES, *HEADINGS, "dt", "dd", "pre")
CELLS = ("td", "th")
NOT_TEXT = ("button", "script", "noscript")  # as in comments.js
MOST = 20_000  # characters that a comment keeps of an exhibit, as in comments.js
FAR = 400  # letters that a changed passage may have grown by
SURE = 20  # letters that are the same passage wherever they stand
SIMILAR = 0.6  # of a line that stands for one that is gone
LONGEST = 600  # characters of a quotation
MOVES, NAMED_ROWS = 8, 3  # that are told one by one

UNCHANGED = N_("Unchanged.")
NOW_READS = N_("Now reads: {text}")
MOVED = N_("Values moved: {values}.")
MOVED_AND_READS = N_("Values moved: {values}. Now reads: {text}")
PASSAGE_GONE = N_("The passage is gone; the place it stood in is still there.")
GONE = N_("Gone: the page has no such place any more.")
NO_PAGE = N_("Gone: the run has no such page.")
FROM_TO = N_("{row} ({column}) {old} → {new}")
ROW_GONE, ROW_NEW = N_("row {row} is gone"), N_("row {row} is new")
ROWS_GONE, ROWS_NEW = N_("{count} rows are gone"), N_("{count} rows are new")
MORE = N_("{count} more")


class _Fragment(BaseModel):
    type: Literal["FragmentSelector"]
    value: str


class _Quote(BaseModel):
    type: Literal["TextQuoteSelector"]
    exact: str
    prefix: str | None = None  # none: a whole exhibit or section
    suffix: str = ""


class _Target(BaseModel):
    source: str = Field(pattern=r"^[\w-]+\.html$")
    run: str = Field("", alias="dcterms:isPartOf")
    selector: tuple[_Fragment, _Quote]


class _Body(BaseModel):
    type: Literal["TextualBody"]
    value: str = Field(min_length=1)


class _Person(BaseModel):
    name: str = ""


class Comment(BaseModel):
    """What a reviewer wrote, and where."""

    id: str
    type: Literal["Annotation"]
    creator: _Person = _Person()
    created: str = ""
    modified: str = ""
    body: _Body
    target: _Target

    @property
    def said(self) -> tuple[str, str, str, _Quote, str]:
        """Reviewer, page, anchor, quotation and text."""
        (fragment, quote), page = self.target.selector, self.target.source
        return tidy(visible(self.creator.name)), page, fragment.value, quote, visible(self.body.value).strip()

    @property
    def date(self) -> str:
        """When it was written, or changed."""
        return self.modified or self.created


class _Comments(BaseModel):
    type: Literal["AnnotationPage"]
    items: list[Comment]


@dataclass(frozen=True)
class Placed:
    """A comment in a run: what its place is called and quoted there, what has changed, and its rank among all."""

    reviewer: str
    page: str
    place: str
    quoted: str
    text: str
    changed: Said
    rank: tuple[str, int, str, str]


def read(paths: Sequence[Path]) -> list[Comment]:
    """Return the comments of files, each once; of one that was edited, the last.

    Raises:
        UserError: a file is no JSON, or no page of annotations; the message names the file and the place in it.
    """
    found: dict[str, Comment] = {}
    for path in paths:
        try:
            items = _Comments.model_validate_json(read_text(path)).items
        except ValidationError as error:
            first = error.errors()[0]
            place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
            where = f"{path.name}, {place.lstrip('.')}" if place else path.name
            raise UserError(f"{where}: {first['msg']}; expected comments downloaded from a page") from None
        limits.within("comments", len(found) + len(items), path.name)
        for one in items:
            if one.id not in found or found[one.id].date < one.date:
                found[one.id] = one
    return list({repr(one.said): one for one in found.values()}.values())


def held_against(comments: Sequence[Comment], run: Finished) -> list[Placed]:
    """Return comments in the order of pages and of places on them, each with what has changed there.

    Raises:
        UserError: the pages of the run are not here, or not readable.
    """
    if run.folder is None:
        raise UserError(f"{run.name}: values without pages, expected the folder of a finished run")
    files = {one.target.source: run.folder / one.target.source for one in comments}
    pages = {name: Page(path) for name, path in files.items() if path.is_file()}
    return sorted((_placed(one, pages.get(one.target.source)) for one in comments), key=lambda one: one.rank)


def _placed(comment: Comment, page: Page | None) -> Placed:
    reviewer, name, anchor, quote, text = comment.said
    place, changed, at, whole = cut(anchor), Said(NO_PAGE), 0, quote.prefix is None
    if page:
        place = page.name(anchor)
        changed, at = page.whole(anchor, quote) if whole else page.passage(anchor, quote)
    first = quote.exact
    if whole and "\t" in first:  # of a table its caption
        first = first.split("\n")[0]
    quoted = first.removeprefix(place) if whole else first
    if not whole and len(bare(quoted)) < SURE:  # a number by itself tells nobody where it stood
        quoted = f"… {quote.prefix} [{quoted}] {quote.suffix} …"
    rank = (name.replace("index.html", ""), at, reviewer, comment.date)  # the index comes first
    return Placed(reviewer, name, place, cut(quoted), text, changed, rank)


class Page:
    """A page of a run as `comments.js` reads it."""

    def __init__(self, path: Path) -> None:
        html = read_text(path)
        try:
            main = parsed(html).get_element_by_id("main")
        except (KeyError, ValueError, ParserError):
            raise UserError(f"{path}: not readable as a page of a run") from None
        self.elements = {element.get("id"): element for element in main.iter() if element.get("id")}
        self.names = {head.get("id"): _read(head) for head in main.iter("h1")} | section_names(html)
        self.text, self.with_code = Text(main), Text(main, code=True)

    def name(self, anchor: str) -> str:
        """Return what a reader calls a place: the number of its exhibit, else the heading that it stands under."""
        element = self.elements.get(anchor)
        if element is None:
            return cut(anchor)
        held = [one.get("id") for one in (element, *element.iterancestors())]
        held += reversed(element.xpath("preceding::*[self::h1 or self::h2 or self::h3][ancestor::main]/@id"))
        return next((self.names[one] for one in held if one in self.names), anchor)

    def whole(self, anchor: str, quote: _Quote) -> tuple[Said, int]:
        """Return what became of an exhibit or a section and at which letter of the page it begins."""
        if anchor not in self.elements:
            return Said(GONE), len(self.text.letters)
        return since(quote.exact, self.lines(anchor)), self.text.starts.get(anchor, 0)

    def passage(self, anchor: str, quote: _Quote) -> tuple[Said, int]:
        """Return what became of a marked passage and at which letter of the page it stands, or stood."""
        exact, before, after = map(bare, (quote.exact, quote.prefix or "", quote.suffix))
        letters, element = self.text.letters, self.elements.get(anchor)
        at = self.text.starts.get(anchor, len(letters))
        if (found := letters.find(before + exact + after)) >= 0:
            return Said(UNCHANGED), found
        if before + exact + after in self.with_code.letters:
            return Said(UNCHANGED), at
        if reading := self.text.between(before, after, len(exact) + FAR):
            return Said(NOW_READS, {"text": self.text.sentence(*reading)}), reading[0]
        for sure in (before and before + exact, after and exact + after):
            if len(sure) >= SURE and (found := letters.find(sure)) >= 0:
                return Said(UNCHANGED), found
        # a heading does not hold what stands below it
        stood = element is not None and element.tag not in HEADINGS
        if len(exact) >= SURE and exact in (bare(_read(element)) if stood else letters):
            return Said(UNCHANGED), at if stood else letters.find(exact)
        if element is None:
            return Said(GONE), at
        if element.tag in LINES:
            return Said(NOW_READS, {"text": cut(_read(element))}), at
        near = get_close_matches(quote.exact, self.lines(anchor).split("\n"), 1, SIMILAR)
        return (Said(NOW_READS, {"text": cut(near[0])}) if near else Said(PASSAGE_GONE)), at

    def lines(self, anchor: str) -> str:
        """Return the lines of an element; a row of a table is a line, its cells are parted by tabs."""
        found = [
            line
            for line in self.elements[anchor].iter(*LINES)
            if not any(up.tag in (*LINES, *NOT_TEXT) for up in line.iterancestors())
        ]
        shown = ["\t".join(map(_read, line)) if line.tag == "tr" else _read(line) for line in found]
        return "\n".join(shown) or _read(self.elements[anchor])


class Text:
    """The text of a page: as it is shown, a block a line, and its letters without spaces; code only when asked for."""

    def __init__(self, element: Any, *, code: bool = False) -> None:
        self.starts: dict[str, int] = {}
        self._parts: list[str] = []
        self._count = 0
        self._walk(element, ("anchor",) if code else ("anchor", "code"))
        self.shown = "".join(self._parts)
        self.places = [place for place, letter in enumerate(self.shown) if not letter.isspace()]
        self.letters = bare(self.shown)

    def _walk(self, element: Any, passed: Sequence[str]) -> None:
        if not isinstance(element.tag, str) or element.tag in NOT_TEXT or element.get("class") in passed:
            return
        edge = "\n" if element.tag in BLOCKS else " " * (element.tag in CELLS)
        self.starts[element.get("id")] = self._count
        self._add(edge)
        self._add(_spaced(element.text))
        for child in element:
            self._walk(child, passed)
            self._add(_spaced(child.tail))
        self._add(edge)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._count += len(bare(text))

    def between(self, before: str, after: str, most: int) -> tuple[int, int] | None:
        """Return the first and the last letter between two texts where they are nearest; None when they are not."""
        found = []
        for match in re.finditer(re.escape(before), self.letters) if before and after else ():
            end = self.letters.find(after, match.end() + 1, match.end() + most + len(after))
            if end > 0:
                found.append((match.end(), end - 1))
        return min(found, key=lambda one: one[1] - one[0], default=None)

    def sentence(self, first: int, last: int) -> str:
        """Return the sentences, or the row of a table, that hold two letters and what is between them."""
        start, end = self.places[first], self.places[last]
        begins = max((one.end() for one in re.finditer(r"\n|[.!?] |。", self.shown[:start])), default=0)
        ends = re.compile(r"[.!?](?=\s)|。|\n|$").search(self.shown, end)
        return cut(self.shown[begins : ends.end() if ends else None])


def since(old: str, new: str) -> Said:
    """Return what changed in the lines of an exhibit: which values of which rows, and what other lines now read.

    >>> str(since("Rates\\nTier\\tRate\\nHigh\\t5.1%", "Rates\\nTier\\tRate\\nHigh\\t6.0%"))
    'Values moved: High (Rate) 5.1% → 6.0%.'
    """
    if len(old) >= MOST:  # the last line was cut
        old = old.rpartition("\n")[0]
        new = "\n".join(new.split("\n")[: old.count("\n") + 1])
    if bare(old) == bare(new):
        return Said(UNCHANGED)
    (rows, others), (rows_now, others_now) = _rows(old), _rows(new)
    moved = [
        Said(FROM_TO, {"row": row, "column": column, "old": cell, "new": rows_now[row, number][column]})
        for (row, number), cells in rows.items()
        if (row, number) in rows_now
        for column, cell in cells.items()
        if rows_now[row, number].get(column, cell) != cell
    ]
    for one, several, gone in (
        (ROW_GONE, ROWS_GONE, [row for row in rows if row not in rows_now]),
        (ROW_NEW, ROWS_NEW, [row for row in rows_now if row not in rows]),
    ):
        named = [Said(one, {"row": row}) for row, _ in gone]
        moved += named if len(named) <= NAMED_ROWS else [Said(several, {"count": len(named)})]
    told = moved[:MOVES] + ([Said(MORE, {"count": len(moved) - MOVES})] if len(moved) > MOVES else [])
    reads = cut(" ".join(line for line in others_now if line not in others)) or cut(" ".join(others_now))
    if not moved:
        return Said(NOW_READS, {"text": reads})
    if others == others_now:
        return Said(MOVED, {"values": told})
    return Said(MOVED_AND_READS, {"values": told, "text": reads})


def _rows(text: str) -> tuple[dict[tuple[str, int], dict[str, str]], list[str]]:
    """Return (row, which of those with this name) → column → cell of tables, and the lines that are no rows.

    A row's name is its cells before the first with a digit, without the last: the words that stand before its values.
    """
    rows: dict[tuple[str, int], dict[str, str]] = {}
    others: list[str] = []
    header: list[str] = []
    seen: Counter[str] = Counter()
    for line in text.split("\n"):
        cells = line.split("\t")
        if len(cells) == 1 or not header:
            header = cells if len(cells) > 1 else []
            others.append(", ".join(cells))
        else:
            words = [cells[0], *takewhile(lambda cell: not re.search(r"\d", cell), cells[1:-1])]
            name = " · ".join(words)
            rows[name, seen[name]] = dict(zip(header, cells, strict=False))
            seen[name] += 1
    return rows, others


def bare(text: str) -> str:
    """Return a text without spaces, which differ between a page and what a browser makes of it."""
    return "".join(text.split())


def tidy(text: str) -> str:
    """Return a text with single spaces."""
    return " ".join(text.split())


def cut(text: str) -> str:
    """Return a quotation that is not too long to be read again."""
    text = tidy(visible(text))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _spaced(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _read(element: Any) -> str:
    return tidy(Text(element).shown)
