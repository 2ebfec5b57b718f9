"""Write REFI-QDA projects and codebooks, valid against Project.xsd and the same bytes each time."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
from lxml import etree

from research.errors import UserError
from research.fieldwork.exchange.project import (
    ABOVE,
    CODEBOOK_SPACE,
    CONTENT,
    ELEMENTS,
    PROJECT_SPACE,
    TABLES,
    Project,
)
from research.files.wholefiles import whole

_SCHEMA = "http://schema.qdasoftware.org/versions/Project/v1.0/Project.xsd"
_CODEBOOK_SCHEMA = "http://schema.qdasoftware.org/versions/Codebook/v1.0/Codebook.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PLACES = {  # columns that are no attributes
    "id", "tag", "owner", "within", "parent", "code", "variable", "value", "target", "Description", "PlainTextContent",
}  # fmt: skip


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
    """Builds the tree; children stand in the order that `CONTENT` gives."""

    def __init__(self, project: Project, space: str) -> None:
        self.it = project
        self.space = space
        self.below = {table: _grouped(project[table], column) for table, column in ABOVE.items()}

    def project(self) -> bytes:
        root = self.root("Project", f"{PROJECT_SPACE} {_SCHEMA}", self.it.attributes)
        top = self.below["sources"].get("", [])
        self.group(root, "Users", "users")
        if len(self.it["codes"]):
            self.codes(self.child(root, "CodeBook"))
        for name in ("Variables", "Cases"):
            self.group(root, name, name.lower())
        self.group(root, "Sources", "sources", [row for row in top if row["tag"] != "Note"])
        self.group(root, "Notes", "sources", [row for row in top if row["tag"] == "Note"])
        for name in ("Links", "Sets"):
            self.group(root, name, name.lower())
        if self.it.description:
            self.child(root, "Description").text = self.it.description
        self.references(root, "", "NoteRef")
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def codebook(self) -> bytes:
        origin = {"origin": self.it.attributes.get("origin", "")}
        root = self.root("CodeBook", f"{CODEBOOK_SPACE} {_CODEBOOK_SCHEMA}", origin)
        self.codes(root)
        members = {key: [row["target"] for row in rows if row["tag"] == "MemberCode"]
                   for key, rows in self.below["references"].items()}  # fmt: skip
        sets = [row for row in self.it["sets"].to_dict("records") if members.get(row["id"])]
        group = self.child(root, "Sets") if sets else None
        for row in sets:
            element = self.element(group, "sets", row)
            for target in members[row["id"]]:
                self.child(element, "MemberCode").set("guid", target)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def root(self, tag: str, schema: str, attributes: dict[str, str]) -> etree._Element:
        stated = {f"{{{_XSI}}}schemaLocation": schema, **{k: v for k, v in attributes.items() if v}}
        return etree.Element(f"{{{self.space}}}{tag}", stated, nsmap={None: self.space, "xsi": _XSI})

    def child(self, parent: etree._Element, tag: str) -> etree._Element:
        return etree.SubElement(parent, f"{{{self.space}}}{tag}")

    def group(
        self, root: etree._Element, tag: str, table: str, rows: list[dict[str, str]] | None = None
    ) -> None:
        rows = self.it[table].to_dict("records") if rows is None else rows
        if rows:
            holder = self.child(root, tag)
            for row in rows:
                self.add(holder, table, row)

    def codes(self, parent: etree._Element) -> None:
        holder = self.child(parent, "Codes")
        for row in self.below["codes"].get("", []):
            self.add(holder, "codes", row)

    def element(self, parent: etree._Element, table: str, row: dict[str, str]) -> etree._Element:
        element = self.child(parent, row["tag"] if "tag" in row else ELEMENTS[table])
        for name in TABLES[table]:
            if name not in _PLACES and row[name] != "":
                element.set(name, row[name])
        if row.get("Description"):
            self.child(element, "Description").text = row["Description"]
        return element

    def add(self, parent: etree._Element, table: str, row: dict[str, str]) -> None:
        """Add a row with all that stands below it."""
        element, key = self.element(parent, table, row), row.get("id", "")
        if table == "codings":
            self.child(element, "CodeRef").set("targetGUID", row["code"])
        for name in CONTENT[table]:
            below, _, tag = name.partition(":")
            if below == "values":
                self.values(element, key)
            elif below in TABLES:
                for part in self.below[below].get(key, []):
                    if not tag or part["tag"] == tag:
                        self.add(element, below, part)
            elif below != "PlainTextContent":
                if key and self.space == PROJECT_SPACE:  # a codebook has no notes
                    self.references(element, key, name)
            elif row["PlainTextContent"]:
                self.child(element, "PlainTextContent").text = row["PlainTextContent"]

    def values(self, parent: etree._Element, owner: str) -> None:
        for row in self.below["values"].get(owner, []):
            element = self.child(parent, "VariableValue")
            self.child(element, "VariableRef").set("targetGUID", row["variable"])
            self.child(element, row["tag"]).text = row["value"]

    def references(self, parent: etree._Element, owner: str, tag: str) -> None:
        for row in self.below["references"].get(owner, []):
            if row["tag"] == tag:
                self.child(parent, tag).set("targetGUID", row["target"])


def _grouped(frame: pd.DataFrame, by: str) -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in frame.to_dict("records"):
        grouped.setdefault(row[by], []).append(row)
    return grouped
