"""A REFI-QDA project as tables. Columns are named as the attributes of the standard (Project.xsd, version 1.0)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

PROJECT_SPACE = "urn:QDA-XML:project:1.0"
CODEBOOK_SPACE = "urn:QDA-XML:codebook:1.0"
_MADE = ("creatingUser", "creationDateTime", "modifyingUser", "modifiedDateTime")

# table → columns. `id` is a row's own key: programs give one GUID to the region of a PDF page and to its text. `owner`,
# `within` and `parent` hold the id of the element above, references the GUID that they state.
TABLES: dict[str, tuple[str, ...]] = {
    "users": ("guid", "name", "id"),
    "codes": ("id", "guid", "name", "isCodable", "color", "parent", "Description"),
    "variables": ("guid", "name", "typeOfVariable", "Description"),
    "cases": ("id", "guid", "name", "Description"),
    "values": ("owner", "variable", "tag", "value"),
    "sources": (
        "id", "guid", "tag", "within", "name", "path", "currentPath", "plainTextPath", "richTextPath", *_MADE,
        "Description", "PlainTextContent",
    ),
    "sync_points": ("guid", "owner", "timeStamp", "position"),
    "selections": (
        "id", "guid", "tag", "owner", "name", "startPosition", "endPosition", "page", "firstX", "firstY", "secondX",
        "secondY", "begin", "end", "fromSyncPoint", "toSyncPoint", *_MADE, "Description",
    ),
    "codings": ("id", "guid", "owner", "code", "creatingUser", "creationDateTime"),
    "references": ("owner", "tag", "target"),
    "sets": ("id", "guid", "name", "Description"),
    "links": ("id", "guid", "name", "direction", "color", "originGUID", "targetGUID"),
}  # fmt: skip
# What stands in an element, in the order of the schema: rows of tables (of some tags only), references by tag, and the
# text of a source. A row's element is called by its tag, or as in `ELEMENTS`.
CONTENT: dict[str, tuple[str, ...]] = {
    "users": ("NoteRef",),
    "codes": ("NoteRef", "codes"),
    "variables": ("NoteRef",),
    "cases": ("CodeRef", "values", "SourceRef", "SelectionRef"),
    "sources": ("sources:TextDescription", "sources:Transcript", "PlainTextContent", "sync_points", "selections",
                "sources:Representation", "codings", "NoteRef", "values"),
    "sync_points": (),
    "selections": ("sources", "codings", "NoteRef"),
    "codings": ("NoteRef",),
    "sets": ("MemberCode", "MemberSource", "MemberNote"),
    "links": ("NoteRef",),
}  # fmt: skip
ELEMENTS = {"users": "User", "codes": "Code", "variables": "Variable", "cases": "Case", "sync_points": "SyncPoint",
            "codings": "Coding", "sets": "Set", "links": "Link"}  # fmt: skip
# table → column that holds the row above; other tables have none
ABOVE = {"codes": "parent", "sources": "within", "sync_points": "owner", "selections": "owner", "codings": "owner",
         "values": "owner", "references": "owner"}  # fmt: skip


@dataclass
class Project:
    """A project: its attributes, its tables (all text, "" where absent), its files, and what is not held.

    `files` maps a name below the project's Sources folder to its bytes.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    description: str = ""
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    not_held: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in TABLES.items():
            rows = self.tables.get(name, pd.DataFrame())
            self.tables[name] = rows.reindex(columns=list(columns)).astype("object").fillna("")

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    def counts(self) -> dict[str, int]:
        """Return the numbers of codes, codings, sources (at the top, without notes) and the rest that is there."""
        found = {name: len(self[name]) for name in ("codes", "codings")} | {"sources": len(self.at_top())}
        more = {name: len(self[name]) for name in ("selections", "users", "cases", "sets", "links")}
        notes = int((self["sources"]["tag"] == "Note").sum())
        order = ("selections", "users", "cases", "notes", "sets", "links")
        more |= {"notes": notes}
        return found | {name: more[name] for name in order if more[name]}

    def at_top(self) -> pd.DataFrame:
        """Return the sources that stand in no other one, without notes."""
        sources = self["sources"]
        return sources[(sources["within"] == "") & (sources["tag"] != "Note")]

    def text(self, source: str) -> str | None:
        """Return the text of a source (its id): its inline content, or its file in UTF-8; None without either."""
        row = self["sources"].set_index("id").loc[source]
        if row["PlainTextContent"]:
            return str(row["PlainTextContent"])
        name = internal_name(row["plainTextPath"])
        data = self.files.get(name) if name else None
        return data.decode("utf-8-sig", errors="replace") if data is not None else None


def internal_name(path: str) -> str | None:
    """Return the name below the Sources folder that `internal://NAME` points to; None for any other place."""
    scheme, _, name = path.partition("://")
    return name.lstrip("/") if scheme.lower() == "internal" and name else None


def same(guid: str) -> str:
    """Return a GUID as it is compared: without braces, in lower case."""
    return guid.strip().strip("{}").lower()
