"""Excel workbooks of unknown origin, opened only when no sheet is larger than it may be.

A reader fills in the rows and columns before a cell: one in XFD1048576 makes seventeen thousand million of them. So
the places of all cells are looked at first, without keeping any.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from research.errors import UserError
from research.files import limits
from research.files.archive import DAMAGE, open_archive

BLOCK = 2**18
_CELL = re.compile(r"\$?([A-Za-z]{1,9})\$?(\d{1,18})")
_NO_SHEETS = (".rels", ".vml", ".bin", ".png", ".jpeg", ".jpg", ".gif", ".emf", ".wmf")


@contextmanager
def open_workbook(
    path: str | Path, *, rows: str = "sheet_rows", unpacked: str = "archive_bytes"
) -> Iterator[zipfile.ZipFile]:
    """Open the zip container of a workbook for reading after looking at the places of all its cells.

    Args:
        path: the workbook.
        rows: the limit of the rows of a sheet.
        unpacked: the limit of the bytes that it unpacks to.

    Raises:
        UserError: see `archive.open_archive`; or a sheet has more rows, columns, cells or merged cells than it may.
    """
    path = Path(path)
    with open_archive(path, limit=unpacked) as archive:
        roots = {
            PurePosixPath(member.filename): _look(archive, member, path.name, rows)
            for member in archive.infolist()
            if not member.filename.lower().endswith(_NO_SHEETS)
        }
        names = set(archive.namelist())
        for part, root in roots.items():
            if root == "chartsheet" and f"{part.parent}/_rels/{part.name}.rels" not in names:
                raise UserError(f"{path.name}, {part.stem}: a chart sheet without a chart; delete the sheet")
        if "chartsheet" in roots.values() and "worksheet" not in roots.values():
            raise UserError(f"{path.name}: charts but no sheet with cells; expected a table")
        yield archive


class _Other(Exception):
    """The part is no sheet."""


class _Sheet:
    """Follows the cells of a sheet and stops at the first beyond a limit."""

    def __init__(self, where: str, rows: str) -> None:
        self.where, self.rows = where, rows
        self.row = self.column = self.widest = self.merged = 0
        self.most = limits.most(rows), limits.most("sheet_columns"), limits.most("sheet_cells")
        self.root = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """See the start of an element; rows and cells without a place follow the one before."""
        tag = tag.rpartition(":")[2]
        if not self.root:
            self.root = tag
            if tag != "worksheet":
                raise _Other
        elif tag == "c":
            place = _CELL.fullmatch(attributes.get("r", ""))
            self.column = _column(place[1]) if place else self.column + 1
            if self.column > self.widest:
                self.widest = self.column
                self.check()
        elif tag == "row":
            given = attributes.get("r", "").strip()
            self.row = int(given[:18]) if given.isascii() and given.isdigit() else self.row + 1
            self.column = 0
            if self.row > self.most[0] or self.row * self.widest > self.most[2]:
                self.check()
        elif tag == "mergeCell":
            corners = [_CELL.fullmatch(one) for one in attributes.get("ref", "").split(":")]
            if len(corners) == 2 and all(corners):
                (left, top), (right, bottom) = ((_column(one[1]), int(one[2])) for one in corners)
                self.merged += (abs(right - left) + 1) * (abs(bottom - top) + 1)
                limits.within("merged_cells", self.merged, self.where)

    def check(self) -> None:
        """Raise UserError when the sheet is larger than it may be."""
        limits.within(self.rows, self.row, self.where)
        limits.within("sheet_columns", self.widest, self.where)
        limits.within("sheet_cells", self.row * self.widest, self.where, more=True)


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _look(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, rows: str) -> str:
    """Return what the root of a part is; follow its cells when it is a sheet."""
    parser = expat.ParserCreate()
    sheet = _Sheet(f"{where}, {PurePosixPath(member.filename).stem}", rows)
    parser.StartElementHandler = sheet.start
    # what only follows a definition of the document's type; openpyxl refuses it, too
    parser.StartDoctypeDeclHandler = lambda *_: _stop()
    try:
        with archive.open(member) as part:
            while block := part.read(BLOCK):
                parser.Parse(block, False)
    except UserError:
        raise
    except (_Other, expat.ExpatError, LookupError, *DAMAGE):
        pass  # no sheet, or a damaged one, which its reader tells
    return sheet.root


def _stop() -> None:
    raise _Other
