"""From the study's tables of interviews to a REFI-QDA project."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pandas as pd

from research.fieldwork.exchange.interviews import ASSIGNED, CASE_FACTS, LABELS, Interviews
from research.fieldwork.exchange.project import TABLES, Project

_HOME = uuid.UUID("5b1d1a0e-6a0c-5f0e-9a53-0d6f6f1f7c11")  # the namespace of all GUIDs made here


def from_interviews(interviews: Interviews, name: str = "Interviews") -> Project:
    """Return a project of the study's tables.

    Every unit becomes a selection, coded or not, named `document:segment`, with the interviewer's question as its
    description; a coder becomes a user, a participant a case with group, language and role; a memo becomes a note. What
    the codebook says of a code goes into the code's description, line by line. GUIDs follow from names, so that the
    same tables give the same project.
    """
    rows: dict[str, list[dict[str, str]]] = {table: [] for table in TABLES}
    book = interviews.codebook
    coders = list(
        dict.fromkeys(
            [*interviews.assignments["coder"], *interviews.codings["coder"], *interviews.memos["coder"]]
        )
    )
    rows["users"] = [{"guid": _guid(name, "user", coder), "name": coder} for coder in coders]
    parents = set(book["parent"])
    for code in book.to_dict("records"):
        rows["codes"].append({
            **_same_id(_guid(name, "code", code["code"])), "name": code["code"],
            "isCodable": "false" if code["code"] in parents else "true",
            "parent": _guid(name, "code", code["parent"]) if code["parent"] else "",
            "Description": _description(code),
        })  # fmt: skip
    facts = [fact for fact in CASE_FACTS if fact in interviews.units.columns]
    rows["variables"] = [
        {"guid": _guid(name, "variable", f), "name": f, "typeOfVariable": "Text"} for f in facts
    ]
    files: dict[str, bytes] = {}
    whole = dict(zip(interviews.documents["document"], interviews.documents["text"], strict=True))
    for document, units in interviews.units.groupby("document", sort=False):
        text, positions = _placed(units, whole.get(document))
        guid = _guid(name, "source", document)
        files[f"{guid}.txt"] = text.encode("utf-8")
        source = {
            **_same_id(guid),
            "tag": "TextSource",
            "name": document,
            "plainTextPath": f"internal://{guid}.txt",
        }
        rows["sources"].append(source)
        for unit, (start, end) in zip(units.to_dict("records"), positions, strict=True):
            rows["selections"].append({
                **_same_id(_guid(name, "selection", document, unit["segment"])), "tag": "PlainTextSelection",
                "owner": guid, "name": f"{document}:{unit['segment']}", "startPosition": str(start),
                "endPosition": str(end), "Description": unit.get("question", ""),
            })  # fmt: skip
    _add_cases(rows, interviews.units, facts, name)
    for coding in interviews.codings.itertuples():
        rows["codings"].append({
            **_same_id(_guid(name, "coding", coding.coder, coding.document, coding.segment, coding.code)),
            "owner": _guid(name, "selection", coding.document, coding.segment),
            "code": _guid(name, "code", coding.code), "creatingUser": _guid(name, "user", coding.coder),
        })  # fmt: skip
    for memo in interviews.memos.itertuples():
        guid = _guid(name, "memo", memo.coder, memo.document, memo.segment)
        rows["sources"].append({
            **_same_id(guid), "tag": "Note", "name": f"memo {memo.document}:{memo.segment}",
            "creatingUser": _guid(name, "user", memo.coder), "PlainTextContent": memo.memo,
        })  # fmt: skip
        owner = _guid(name, "selection", memo.document, memo.segment)
        rows["references"].append({"owner": owner, "tag": "NoteRef", "target": guid})
    for coder, documents in interviews.assignments.groupby("coder", sort=False)["document"]:
        guid = _guid(name, "set", coder)
        rows["sets"].append({**_same_id(guid), "name": f"{ASSIGNED}{coder}"})
        rows["references"] += [
            {"owner": guid, "tag": "MemberSource", "target": _guid(name, "source", d)} for d in documents
        ]
    tables = {table: pd.DataFrame.from_records(found) for table, found in rows.items()}
    return Project({"name": name, "origin": "Loan Customer Stratification Study"}, tables=tables, files=files)


def _add_cases(
    rows: dict[str, list[dict[str, str]]], units: pd.DataFrame, facts: list[str], name: str
) -> None:
    for participant, own in units[units["participant"] != ""].groupby("participant", sort=False):
        guid = _guid(name, "case", participant)
        rows["cases"].append({**_same_id(guid), "name": participant})
        for fact in facts:
            value = {"owner": guid, "variable": _guid(name, "variable", fact), "tag": "TextValue"}
            rows["values"].append(value | {"value": str(own[fact].iloc[0])})
        rows["references"] += [
            {"owner": guid, "tag": "SourceRef", "target": _guid(name, "source", d)}
            for d in own["document"].unique()
        ]


def _description(code: Mapping[str, str]) -> str:
    lines = [code["definition"]] if code["definition"] else []
    lines += [f"{label}: {code[column]}" for column, label in LABELS.items() if code.get(column)]
    return "\n".join(lines)


def _placed(units: pd.DataFrame, whole: str | None) -> tuple[str, list[tuple[int, int]]]:
    stated = {"start", "end"} <= set(units.columns) and units[["start", "end"]].notna().all(axis=None)
    if whole is not None and stated:
        places = [(int(u.start), int(u.end)) for u in units.itertuples()]
        fitting = (whole[a:b].replace("\n", " ").split() == u.split()
                   for (a, b), u in zip(places, units["text"], strict=True))  # fmt: skip
        if all(fitting):
            return whole, places
    text, places = "", []
    for unit in units["text"]:
        places.append((len(text), len(text) + len(unit)))
        text += unit + "\n"
    return text, places


def _guid(*names: str) -> str:
    return str(uuid.uuid5(_HOME, "\0".join(map(str, names))))


def _same_id(guid: str) -> dict[str, str]:
    return {"id": guid, "guid": guid}
