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

from research import limits
from research.archive import open_archive, read_member
from research.errors import UserError
from research.fieldwork.exchange.project import (
    CODEBOOK_SPACE,
    PARTS,
    PROJECT_SPACE,
    TABLES,
    Project,
    internal_name,
    same,
)
from research.textfiles import read_bytes

_SOURCES = ("TextSource", "PictureSource", "PDFSource", "AudioSource", "VideoSource")
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
            project = _project(_parse(read_member(archive, inside[0]), path.name), path.name)
            _read_files(project, archive)
    elif ending == ".qde":
        project = _project(_parse(read_bytes(path), path.name), path.name)
    elif ending == ".qdc":
        project = _codebook(_parse(read_bytes(path), path.name), path.name)
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


def _project(root: Element, where: str) -> Project:
    if root.tag != f"{{{PROJECT_SPACE}}}Project":
        raise UserError(f"{where}: root element {root.tag}, expected Project in {PROJECT_SPACE}")
    reader = _Reader(where)
    reader.project_element(root)
    attributes = {name: value for name, value in root.attrib.items() if not name.startswith("{")}
    project = reader.project(attributes)
    project.description = reader.text(root, "Description")
    return project


def _codebook(root: Element, where: str) -> Project:
    if root.tag != f"{{{CODEBOOK_SPACE}}}CodeBook":
        raise UserError(f"{where}: root element {root.tag}, expected CodeBook in {CODEBOOK_SPACE}")
    reader = _Reader(where)
    for child in root:
        reader.top(child)
    return reader.project({name: v for name, v in root.attrib.items() if not name.startswith("{")})


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


class _Reader:
    """Walks the tree once and collects rows per table."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in TABLES}
        self.not_held: Counter[str] = Counter()

    def project(self, attributes: dict[str, str]) -> Project:
        tables = {
            name: pd.DataFrame.from_records(rows, columns=list(TABLES[name]))
            for name, rows in self.rows.items()
        }
        return Project(attributes, tables=tables, not_held=dict(self.not_held))

    def add(self, table: str, element: Element, **more: str) -> str:
        row = {name: value for name, value in element.attrib.items() if name in TABLES[table]}
        if "Description" in TABLES[table]:
            row["Description"] = self.text(element, "Description")
        if "id" in TABLES[table]:
            row["id"] = f"{table}-{len(self.rows[table]) + 1}"
        self.rows[table].append(row | more)
        return row.get("id", "")

    @staticmethod
    def text(element: Element, name: str) -> str:
        return next((child.text or "" for child in element if _tag(child) == name), "")

    def project_element(self, root: Element) -> None:
        for child in root:
            if _tag(child) == "CodeBook":
                for codes in child:
                    self.top(codes)
            elif _tag(child) == "NoteRef":
                self.reference("", child)
            elif _tag(child) != "Description":
                self.top(child)

    def top(self, group: Element) -> None:
        kind = _tag(group)
        if kind == "Codes":
            for code in group:
                self.code(code, "", 0)
        elif kind == "Sources":
            for source in group:
                if _tag(source) in _SOURCES:
                    self.source(source, "")
        elif kind == "Notes":
            for note in group:
                self.source(note, "")
        elif kind in {"Users", "Variables", "Links"}:
            for element in group:
                key = self.add(kind.lower(), element)
                for child in element:
                    if _tag(child) == "NoteRef":
                        self.reference(key, child)
        elif kind in {"Cases", "Sets"}:
            for element in group:
                self.collection(element, kind.lower())
        elif kind:
            self.not_held[kind] += len(group) or 1

    def code(self, element: Element, parent: str, depth: int) -> None:
        if _tag(element) != "Code":
            return
        limits.within("code_depth", depth, self.where)
        key = self.add("codes", element, parent=parent)
        for child in element:
            if _tag(child) == "Code":
                self.code(child, key, depth + 1)
            elif _tag(child) == "NoteRef":
                self.reference(key, child)

    def source(self, element: Element, within: str) -> None:
        more = {
            "tag": _tag(element),
            "within": within,
            "PlainTextContent": self.text(element, "PlainTextContent"),
        }
        key = self.add("sources", element, **more)
        for child in element:
            kind = _tag(child)
            if kind.endswith("Selection"):
                self.selection(child, key)
            elif kind in PARTS:
                self.source(child, key)
            elif kind == "SyncPoint":
                self.add("sync_points", child, owner=key)
            else:
                self.attached(child, key)

    def selection(self, element: Element, owner: str) -> None:
        key = self.add("selections", element, tag=_tag(element), owner=owner)
        for child in element:
            if _tag(child) in PARTS:
                self.source(child, key)
            else:
                self.attached(child, key)

    def attached(self, element: Element, owner: str) -> None:
        kind = _tag(element)
        if kind == "Coding":
            code = next((child.get("targetGUID", "") for child in element if _tag(child) == "CodeRef"), "")
            key = self.add("codings", element, owner=owner, code=code)
            for child in element:
                if _tag(child) == "NoteRef":
                    self.reference(key, child)
        elif kind == "VariableValue":
            self.value(owner, element)
        elif kind in {"NoteRef", "CodeRef", "SourceRef", "SelectionRef"}:
            self.reference(owner, element)
        elif kind not in {"Description", "PlainTextContent", ""}:
            self.not_held[kind] += 1

    def value(self, owner: str, element: Element) -> None:
        variable = next(
            (child.get("targetGUID", "") for child in element if _tag(child) == "VariableRef"), ""
        )
        for child in element:
            if _tag(child).endswith("Value"):
                row = {"owner": owner, "variable": variable, "tag": _tag(child), "value": child.text or ""}
                self.rows["values"].append(row)

    def reference(self, owner: str, element: Element) -> None:
        row = {"owner": owner, "tag": _tag(element), "target": element.get("targetGUID", "")}
        self.rows["references"].append(row)

    def collection(self, element: Element, table: str) -> None:
        key = self.add(table, element)
        for child in element:
            if _tag(child).startswith("Member"):
                target = child.get("targetGUID", child.get("guid", ""))  # a codebook's sets say guid
                self.rows["references"].append({"owner": key, "tag": _tag(child), "target": target})
            else:
                self.attached(child, key)


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
