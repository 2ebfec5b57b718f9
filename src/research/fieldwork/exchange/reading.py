"""Read REFI-QDA files of unknown origin."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

import pandas as pd
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from research.errors import UserError
from research.fieldwork.exchange.project import (
    ABOVE,
    CODEBOOK_SPACE,
    CONTENT,
    ELEMENTS,
    PROJECT_SPACE,
    TABLES,
    Project,
    internal_name,
    same,
)
from research.files import limits
from research.files.archive import open_archive, read_member
from research.files.textfiles import read_bytes

_SOURCES = ("TextSource", "PictureSource", "PDFSource", "AudioSource", "VideoSource", "Note", "Representation",
            "Transcript", "TextDescription")  # fmt: skip
_TABLES = {element: table for table, element in ELEMENTS.items()} | dict.fromkeys(_SOURCES, "sources")
_GROUPS = {"CodeBook", "Codes", "Users", "Variables", "Cases", "Sources", "Notes", "Links", "Sets"}
_REFERENCES = {
    name for content in CONTENT.values() for name in content if name.endswith("Ref") or "Member" in name
}
_TEXTS = ("Description", "PlainTextContent")
_READ = {*_TEXTS, ""}  # with the element in which they stand
_PLACES = ("startPosition", "endPosition", "page", "firstX", "firstY", "secondX", "secondY", "begin", "end")
_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)


def read_qda(path: str | Path) -> Project:
    """Read a project (.qdpx), its bare XML (.qde) or a codebook (.qdc).

    Files in the project's Sources folder are read, files elsewhere (`relative://`, `absolute://`) never.

    Raises:
        UserError: the file is missing, damaged, unsafe (see `archive.open_archive`; entities), of another kind, or a
            coding points to a code that is not there.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".qdpx":
        with open_archive(path) as archive:
            inside = [n for n in archive.namelist() if n.lower().endswith(".qde") and "/" not in n]
            if len(inside) != 1:
                raise UserError(f"{path.name}: {len(inside)} project files (.qde) at its top, expected one")
            root = _parse(read_member(archive, inside[0]), path.name)
            project = _tree(root, PROJECT_SPACE, "Project", path.name)
            _read_files(project, archive)
    elif ending == ".qde":
        project = _tree(_parse(read_bytes(path), path.name), PROJECT_SPACE, "Project", path.name)
    elif ending == ".qdc":
        project = _tree(_parse(read_bytes(path), path.name), CODEBOOK_SPACE, "CodeBook", path.name)
    else:
        raise UserError(f"{path.name}: expected a REFI-QDA file (.qdpx, .qde or .qdc)")
    check_references(project, path.name)
    return project


def _parse(data: bytes, where: str) -> Element:
    try:
        return ElementTree.fromstring(data, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise UserError(
            f"{where}: its XML defines entities or a document type; the file is refused"
        ) from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise UserError(f"{where}: its XML is damaged") from None


def _tree(root: Element, space: str, name: str, where: str) -> Project:
    if root.tag != f"{{{space}}}{name}":
        raise UserError(f"{where}: root element {root.tag}, expected {name} in {space}")
    reader = _Reader(where)
    try:
        for child in root:
            reader.read(child, "", 0)
    except RecursionError:
        raise UserError(f"{where}: groups lie in groups without end; expected a project") from None
    attributes = {name: value for name, value in root.attrib.items() if not name.startswith("{")}
    tables = {
        name: pd.DataFrame.from_records(rows, columns=list(TABLES[name]))
        for name, rows in reader.rows.items()
    }
    described = _text(root, "Description") if space == PROJECT_SPACE else ""
    return Project(attributes, described, tables, not_held=dict(reader.not_held))


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: Element, name: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == name), "")


def _target(element: Element, name: str) -> str:
    return next((child.get("targetGUID", "") for child in element if _tag(child) == name), "")


class _Reader:
    """Walks the tree once and collects rows per table."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in TABLES}
        self.not_held: Counter[str] = Counter()

    def read(self, element: Element, above: str, depth: int) -> None:
        """Read an element below the row whose id is `above`; `depth` counts the codes around it."""
        tag = _tag(element)
        table = _TABLES.get(tag, "selections" if tag.endswith("Selection") else "")
        if tag in _GROUPS:
            for child in element:
                self.read(child, above, depth)
        elif table:
            limits.within("code_depth", depth, self.where)
            key = self.add(table, element, above)
            for child in element:
                if (table, _tag(child)) != ("codings", "CodeRef"):
                    self.read(child, key, depth + (table == "codes"))
        elif tag == "VariableValue":
            row = {"owner": above, "variable": _target(element, "VariableRef")}
            values = [child for child in element if _tag(child).endswith("Value")]
            self.rows["values"] += [row | {"tag": _tag(child), "value": child.text or ""} for child in values]
        elif tag in _REFERENCES:
            target = element.get("targetGUID", element.get("guid", ""))  # a codebook's sets say guid
            self.rows["references"].append({"owner": above, "tag": tag, "target": target})
        elif tag not in _READ:
            self.not_held[tag] += 1 if above else len(element) or 1

    def add(self, table: str, element: Element, above: str) -> str:
        """Add the row of an element, and return its id."""
        row = {name: value for name, value in element.attrib.items() if name in TABLES[table]}
        row |= {name: _text(element, name) for name in _TEXTS if name in TABLES[table]}
        own = {
            "id": f"{table}-{len(self.rows[table]) + 1}",
            "tag": _tag(element),
            ABOVE.get(table, ""): above,
        }
        if table == "codings":
            own["code"] = _target(element, "CodeRef")
        self.rows[table].append(row | {name: value for name, value in own.items() if name in TABLES[table]})
        return own["id"]


def _read_files(project: Project, archive: zipfile.ZipFile) -> None:
    inside = {}
    for name in archive.namelist():
        parts = PurePosixPath(name).parts
        if len(parts) == 2 and parts[0].lower() == "sources" and not name.endswith("/"):
            inside[parts[1].lower()] = name
    for column in ("path", "plainTextPath", "richTextPath"):
        for path in project["sources"][column]:
            name = internal_name(path)
            if name and name.lower() in inside and name not in project.files:
                project.files[name] = read_member(archive, inside[name.lower()])


def check_references(project: Project, where: str) -> None:
    """Raise UserError for a coding without a code, a GUID of two codes, a place of a selection that is no number."""
    codes = {same(guid) for guid in project["codes"]["guid"]}
    lost = [row for row in project["codings"].itertuples() if same(row.code) not in codes]
    if lost:
        raise UserError(
            f"{where}: {len(lost)} codings point to codes that are not in the codebook, first {lost[0].guid} to "
            f"'{lost[0].code}'"
        )
    guids = project["codes"]["guid"].map(same)
    if guids.duplicated().any():
        raise UserError(
            f"{where}: two codes share the GUID {guids[guids.duplicated()].iloc[0]}; expected unique ones"
        )
    for row in project["selections"].itertuples():
        for name in _PLACES:
            place, needed = getattr(row, name), row.tag == "PlainTextSelection" and name.endswith("Position")
            if (place or needed) and not _WHOLE.fullmatch(place):
                raise UserError(
                    f"{where}: selection {row.guid}: {name} is '{place}', expected a whole number"
                )
