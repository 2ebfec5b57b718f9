"""The paragraphs of a text, Word or OpenDocument file, as a reader of the file sees them with all changes accepted.

Inserted and moved text is read, deleted text is not; content controls, text boxes and tables within tables are read.
What cannot be read as words of the interview (comments, footnotes, embedded files) is refused by name: nothing is left
out that somebody might take as checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docx
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from research.errors import UserError
from research.files.archive import open_archive, parsing, read_member
from research.files.textfiles import read_text

KINDS = (".txt", ".docx", ".odt")
MOST_SPACES = 1_000
_LONGEST_SPEAKER = 24
_OTHERS = {  # element → what it is for a reader
    "commentReference": "comments", "annotation": "comments", "footnoteReference": "footnotes",
    "endnoteReference": "endnotes", "note": "footnotes or endnotes", "altChunk": "an embedded document",
    "subDoc": "an embedded document", "object": "an embedded object", "object-ole": "an embedded object",
    "relIds": "a diagram", "chart": "a chart",
}  # fmt: skip
_DROPPED = {
    "del", "moveFrom", "delText", "instrText", "delInstrText", "Fallback", "rt", "ruby-text", "pPr", "rPr", "tblPr",
    "tcPr", "sectPr", "sdtPr", "sdtEndPr", "tracked-changes", "sequence-decls", "forms", "variable-decls", "desc",
    "binary-data", "title",
}  # fmt: skip
_MARKS = {
    "tab": "\t", "br": "\n", "cr": "\n", "line-break": "\n", "noBreakHyphen": "-", "softHyphen": "", "ptab": "\t",
}  # fmt: skip


def read_paragraphs(path: str | Path) -> list[str]:
    """Return the paragraphs of a file, empty ones included; a row of a table is one.

    Raises:
        UserError: the file is missing, of another kind, damaged or unsafe; or it holds what is not read, see above.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such transcript")
    ending = path.suffix.lower()
    if ending == ".txt":
        return read_text(path).replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if ending == ".docx":
        with open_archive(path):
            pass  # refuses what is unsafe before python-docx reads it
        with parsing(path, "Word document"):
            return _Reader(path).blocks(docx.Document(str(path)).element.body)
    if ending == ".odt":
        return _odt(path)
    raise UserError(f"{path.name}: transcripts are {', '.join(KINDS)}; save it as one of these")


def _odt(path: Path) -> list[str]:
    with open_archive(path) as archive:
        content = read_member(archive, "content.xml")
    try:
        root = ElementTree.fromstring(content)
        body = next((element for element in root.iter() if _tag(element) == "body"), None)
        return _Reader(path).blocks(body if body is not None else root)
    except UserError:
        raise
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        # also a number of spaces that is none
        raise UserError(f"{path.name}: not an OpenDocument text, or a damaged one") from None


def _tag(element: object) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


class _Reader:
    """Walks the body of either format; their elements are told apart by name alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # paragraphs of text boxes, which stand after the paragraph that holds them
        self.boxes: list[str] = []

    def blocks(self, parent: object) -> list[str]:
        lines: list[str] = []
        open_end = False  # the mark at the end of the last paragraph is deleted: the next one joins it
        for element in parent:
            kind = _tag(element)
            if kind in {"p", "h"}:
                text, boxes = self.paragraph(element)
                start = f"{lines.pop()}{text}" if open_end and lines else text
                lines += [*start.split("\n"), *boxes]
                open_end = _mark_deleted(element) and not boxes
            elif kind in {"tbl", "table"}:
                lines += self.table(element)
            elif kind not in _DROPPED:
                self.refuse(kind)
                lines += self.blocks(element)
        return lines

    def paragraph(self, element: object) -> tuple[str, list[str]]:
        outer, self.boxes = self.boxes, []
        text = "".join(self.words(element))
        boxes, self.boxes = self.boxes, outer
        return text, boxes

    def words(self, element: object) -> Iterator[str]:
        """Yield the text below an element, without that of text boxes."""
        yield element.text if _holds_text(element) else ""
        for child in element:
            kind = _tag(child)
            self.refuse(kind)
            if kind in {"txbxContent", "text-box"}:
                self.boxes += self.blocks(child)
            elif kind == "s":
                number = next((value for name, value in child.attrib.items() if name.endswith("}c")), "1")
                yield " " * min(int(number), MOST_SPACES)
            elif kind == "sym":
                code = next((value for name, value in child.attrib.items() if name.endswith("}char")), "25A1")
                yield chr(int(code, 16))
            elif kind in _MARKS:
                yield _MARKS[kind]
            elif kind not in _DROPPED:
                yield from self.words(child)
            if _holds_tail(element):
                yield child.tail or ""

    def table(self, table: object) -> list[str]:
        """Rows as lines: often a transcript is a table with the speaker in one column and the words in the next."""
        lines: list[str] = []
        for row in _below(table, {"tr", "table-row"}):
            if any(_tag(mark) in {"del", "cellDel"} for part in row if _tag(part) == "trPr" for mark in part):
                continue
            cells = list(_below(row, {"tc", "table-cell"}))
            texts = [self.blocks(cell) for cell in cells]
            inner = (part for cell in cells for part in cell.iter() if part is not cell)
            if any(_tag(part) in {"tbl", "table"} for part in inner):
                lines += [line for text in texts for line in text]
                continue
            flat = ["\n".join(text).strip() for text in texts]
            speaker = flat[0].rstrip(":：") if len(flat) > 1 else ""
            spoken = speaker and len(speaker) <= _LONGEST_SPEAKER
            lines.append(f"{speaker}: {' '.join(flat[1:])}" if spoken else " ".join(flat))
        return lines

    def refuse(self, kind: str) -> None:
        if kind in _OTHERS:
            raise UserError(
                f"{self.path.name}: holds {_OTHERS[kind]}, which are not read; take what was said into the text, "
                "remove the rest, and save the transcript again"
            )


def _below(element: object, kinds: set[str]) -> Iterator[object]:
    """The nearest elements of some kinds, through content controls and groups of rows."""
    for child in element:
        if _tag(child) in kinds:
            yield child
        elif _tag(child) not in _DROPPED and _tag(child) not in {"tbl", "table"}:
            yield from _below(child, kinds)


def _mark_deleted(paragraph: object) -> bool:
    marks = (mark for part in paragraph if _tag(part) == "pPr" for mark in part if _tag(mark) == "rPr")
    return any(_tag(child) in {"del", "moveFrom"} for mark in marks for child in mark)


def _holds_text(element: object) -> bool:
    """In a Word document only `t` holds words; in OpenDocument the text of any element of a paragraph is words."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return bool(element.text) and (_tag(element) == "t" or "opendocument" in tag)


def _holds_tail(element: object) -> bool:
    return isinstance(element.tag, str) and "opendocument" in element.tag
