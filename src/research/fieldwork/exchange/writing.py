"""Write REFI-QDA projects and codebooks, valid against Project.xsd and the same bytes each time."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
from lxml import etree

from research.errors import UserError
from research.fieldwork.exchange.project import CODEBOOK_SPACE, PROJECT_SPACE, TABLES, Project
from research.wholefiles import whole

_SCHEMA = "http://schema.qdasoftware.org/versions/Project/v1.0/Project.xsd"
_CODEBOOK_SCHEMA = "http://schema.qdasoftware.org/versions/Codebook/v1.0/Codebook.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PLACES = {
    "id",
    "tag",
    "owner",
    "within",
    "parent",
    "code",
    "variable",
    "value",
    "target",
    "Description",
    "PlainTextContent",
}


def write_qda(project: Project, path: str | Path) -> Path:
    """Write a project as .qdpx (with its files), as bare .qde, or its codes as .qdc; return the path.

    Raises:
        UserError: the ending is another, or a text holds characters that XML cannot.
    """
    path = Path(path)
    ending = path.suffix.lower()
    try:
        if ending == ".qdpx":
            data = _archive(project)
        elif ending == ".qde":
            data = _Writer(project, PROJECT_SPACE).project()
        elif ending == ".qdc":
            data = _Writer(project, CODEBOOK_SPACE).codebook()
        else:
            raise UserError(f"{path.name}: expected the ending .qdpx, .qde or .qdc")
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path.name}: a text cannot be written as XML ({error})") from None
    with whole(path) as new:
        new.write_bytes(data)
    return path


def _archive(project: Project) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {"project.qde": _Writer(project, PROJECT_SPACE).project()}
        members |= {f"Sources/{name}": project.files[name] for name in sorted(project.files)}
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


class _Writer:
    """Builds the tree; children stand in the order that the schema's sequences ask for."""

    def __init__(self, project: Project, space: str) -> None:
        self.it = project
        self.space = space
        self.below = {
            "codes": _grouped(project["codes"], "parent"),
            "sources": _grouped(project["sources"], "within"),
            "sync_points": _grouped(project["sync_points"], "owner"),
            "selections": _grouped(project["selections"], "owner"),
            "codings": _grouped(project["codings"], "owner"),
            "values": _grouped(project["values"], "owner"),
            "references": _grouped(project["references"], "owner"),
        }

    def project(self) -> bytes:
        schema = {f"{{{_XSI}}}schemaLocation": f"{PROJECT_SPACE} {_SCHEMA}"}
        root = etree.Element(
            f"{{{self.space}}}Project",
            {**schema, **{k: v for k, v in self.it.attributes.items() if v}},
            nsmap={None: self.space, "xsi": _XSI},
        )
        self.group(root, "Users", "User", "users")
        if len(self.it["codes"]):
            self.codes(self.child(root, "CodeBook"))
        self.group(root, "Variables", "Variable", "variables")
        self.collections(
            root, "Cases", "Case", "cases", ("CodeRef", "VariableValue", "SourceRef", "SelectionRef")
        )
        sources = [row for row in self.below["sources"].get("", []) if row["tag"] != "Note"]
        if sources:
            group = self.child(root, "Sources")
            for row in sources:
                self.source(group, row)
        notes = [row for row in self.below["sources"].get("", []) if row["tag"] == "Note"]
        if notes:
            group = self.child(root, "Notes")
            for row in notes:
                self.source(group, row)
        self.group(root, "Links", "Link", "links")
        self.collections(root, "Sets", "Set", "sets", ("MemberCode", "MemberSource", "MemberNote"))
        if self.it.description:
            self.child(root, "Description").text = self.it.description
        self.references(root, "", "NoteRef")
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def codebook(self) -> bytes:
        schema = {f"{{{_XSI}}}schemaLocation": f"{CODEBOOK_SPACE} {_CODEBOOK_SCHEMA}"}
        origin = self.it.attributes.get("origin", "")
        root = etree.Element(
            f"{{{self.space}}}CodeBook",
            {**schema, **({"origin": origin} if origin else {})},
            nsmap={None: self.space, "xsi": _XSI},
        )
        self.codes(root)
        sets = self.it["sets"].to_dict("records")
        with_codes = [row for row in sets if any(r["tag"] == "MemberCode" for r in self.attached(row))]
        if with_codes:
            group = self.child(root, "Sets")
            for row in with_codes:
                element = self.element(group, "Set", "sets", row)
                for member in self.attached(row):
                    if member["tag"] == "MemberCode":
                        self.child(element, "MemberCode").set("guid", member["target"])
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def child(self, parent: etree._Element, tag: str) -> etree._Element:
        return etree.SubElement(parent, f"{{{self.space}}}{tag}")

    def element(self, parent: etree._Element, tag: str, table: str, row: dict[str, str]) -> etree._Element:
        element = self.child(parent, tag)
        for name in TABLES[table]:
            if name not in _PLACES and row[name] != "":
                element.set(name, row[name])
        if "Description" in TABLES[table] and row["Description"]:
            self.child(element, "Description").text = row["Description"]
        return element

    def attached(self, row: dict[str, str]) -> list[dict[str, str]]:
        return self.below["references"].get(row["id"], [])

    def group(self, root: etree._Element, group: str, tag: str, table: str) -> None:
        rows = self.it[table].to_dict("records")
        if rows:
            holder = self.child(root, group)
            for row in rows:
                element = self.element(holder, tag, table, row)
                if "id" in row:
                    self.references(element, row["id"], "NoteRef")

    def codes(self, parent: etree._Element) -> None:
        holder = self.child(parent, "Codes")
        for row in self.below["codes"].get("", []):
            self.code(holder, row)

    def code(self, parent: etree._Element, row: dict[str, str]) -> None:
        element = self.element(parent, "Code", "codes", row)
        if self.space == PROJECT_SPACE:  # a codebook has no notes
            self.references(element, row.get("id", ""), "NoteRef")
        for below in self.below["codes"].get(row["id"], []):
            self.code(element, below)

    def source(self, parent: etree._Element, row: dict[str, str]) -> None:
        element = self.element(parent, row["tag"], "sources", row)
        key = row["id"]
        parts = self.below["sources"].get(key, [])
        self.parts(element, parts, ("TextDescription", "Transcript"))
        if row["PlainTextContent"]:
            self.child(element, "PlainTextContent").text = row["PlainTextContent"]
        for point in self.below["sync_points"].get(key, []):
            self.element(element, "SyncPoint", "sync_points", point)
        for selection in self.below["selections"].get(key, []):
            self.selection(element, selection)
        self.parts(element, parts, ("Representation",))
        self.codings(element, key)
        self.references(element, key, "NoteRef")
        self.values(element, key)

    def parts(self, element: etree._Element, parts: list[dict[str, str]], tags: tuple[str, ...]) -> None:
        for part in parts:
            if part["tag"] in tags:
                self.source(element, part)

    def selection(self, parent: etree._Element, row: dict[str, str]) -> None:
        element = self.element(parent, row["tag"], "selections", row)
        for part in self.below["sources"].get(row["id"], []):
            self.source(element, part)
        self.codings(element, row["id"])
        self.references(element, row.get("id", ""), "NoteRef")

    def codings(self, parent: etree._Element, owner: str) -> None:
        for row in self.below["codings"].get(owner, []):
            element = self.element(parent, "Coding", "codings", row)
            self.child(element, "CodeRef").set("targetGUID", row["code"])
            self.references(element, row.get("id", ""), "NoteRef")

    def values(self, parent: etree._Element, owner: str) -> None:
        for row in self.below["values"].get(owner, []):
            element = self.child(parent, "VariableValue")
            self.child(element, "VariableRef").set("targetGUID", row["variable"])
            self.child(element, row["tag"]).text = row["value"]

    def references(self, parent: etree._Element, owner: str, tag: str) -> None:
        for row in self.below["references"].get(owner, []):
            if row["tag"] == tag:
                self.child(parent, tag).set("targetGUID", row["target"])

    def collections(
        self, root: etree._Element, group: str, tag: str, table: str, order: tuple[str, ...]
    ) -> None:
        rows = self.it[table].to_dict("records")
        if not rows:
            return
        holder = self.child(root, group)
        for row in rows:
            element = self.element(holder, tag, table, row)
            for kind in order:
                if kind == "VariableValue":
                    self.values(element, row["id"])
                else:
                    self.references(element, row["id"], kind)


def _grouped(frame: pd.DataFrame, by: str) -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in frame.to_dict("records"):
        grouped.setdefault(row[by], []).append(row)
    return grouped
