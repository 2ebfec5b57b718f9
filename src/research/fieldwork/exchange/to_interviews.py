"""From a REFI-QDA project of any program to the study's tables of interviews."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from research.fieldwork.exchange.interviews import ASSIGNED, CASE_FACTS, LABELS, Interviews
from research.fieldwork.exchange.project import Project, same
from research.fieldwork.instruments.codebook import validate_codebook
from research.fieldwork.interviews.transcripts import UNIT_COLUMNS


def to_interviews(project: Project) -> Interviews:
    """Return the study's tables of a project of any program.

    A document is a source (its name), a segment a selection: by its own number where the study wrote it, else counted
    by position. A code on a whole source is segment "0". The text is taken from the source, or, where the source is not
    in the project, from the name of the selection. Codings of the parts of a source (a transcript of a video, the text
    of a PDF) count for the source; two selections with one GUID (a region of a page and its text) are one segment.
    """
    book = _codebook(project)
    at_top = project.at_top()
    names = _unique(at_top["id"], at_top["name"])
    top = _tops(project)
    users = {same(row.guid): row.name or row.guid for row in project["users"].itertuples(index=False)}
    codes = {same(guid): code for guid, code in zip(project["codes"]["guid"], book["code"], strict=True)}
    facts = _case_facts(project, at_top, names)
    units, places, by_guid = _units(project, top, names, facts)
    codings: list[dict[str, str]] = []
    whole: set[tuple[str, str]] = set()  # documents that have a code as a whole
    for row in project["codings"].itertuples(index=False):
        place = places.get(row.owner)
        if place is None:
            place = (names[top[row.owner]], "0")
            if place not in whole:
                whole.add(place)
                units.append(_unit(place, "", "", 0, 0, facts))
        coder = users.get(same(row.creatingUser), row.creatingUser)
        codings.append(
            {"coder": coder, "document": place[0], "segment": place[1], "code": codes[same(row.code)]}
        )
    given = pd.DataFrame.from_records(
        codings, columns=["coder", "document", "segment", "code"]
    ).drop_duplicates()
    return Interviews(
        book,
        pd.DataFrame.from_records(units, columns=UNIT_COLUMNS),
        given.reset_index(drop=True),
        _memos(project, places, by_guid, users),
        _assignments(project, at_top, names, given),
        _documents(project, names),
    )


def shared_units(interviews: Interviews) -> Interviews:
    """Return the tables with the selections of several coders that have the same limits as one unit."""
    units, codings = interviews.units, interviews.codings
    place = units.groupby(["document", "start", "end", "text"], sort=False)["segment"].transform("first")
    same = dict(zip(zip(units["document"], units["segment"], strict=True), place, strict=True))
    pairs = list(zip(codings["document"], codings["segment"], strict=True))
    return interviews._replace(
        units=units.assign(segment=place).drop_duplicates(["document", "segment"], ignore_index=True),
        codings=codings.assign(segment=[same[pair] for pair in pairs]).drop_duplicates(ignore_index=True),
    )


def _units(
    project: Project, top: dict[str, str], names: dict[str, str], facts: dict[str, dict[str, str]]
) -> tuple[list[dict], dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    selections = project["selections"]
    selections = selections[selections["owner"].map(lambda key: top.get(key, "") in names).astype(bool)]
    # the text of a region comes before the region, so that a GUID that both share means the text
    textual = (selections["tag"] != "PlainTextSelection").sort_values(kind="stable").index
    segments = _segments(selections, top, names)
    texts = {key: project.text(key) for key in project["sources"]["id"]}
    within = project["sources"].groupby("within")["id"].agg(list).to_dict()
    units: list[dict[str, object]] = []
    places: dict[str, tuple[str, str]] = {}
    by_guid: dict[str, tuple[str, str]] = {}
    for row in selections.loc[textual].itertuples(index=False):
        place = (names[top[row.owner]], segments[same(row.guid)])
        places[row.id] = place
        if same(row.guid) not in by_guid:
            by_guid[same(row.guid)] = place
            text, start, end = _text_of(row, texts, within)
            units.append(_unit(place, text, row.Description, start, end, facts))
    order = {place: n for n, place in enumerate(dict.fromkeys(places[key] for key in selections["id"]))}
    return sorted(units, key=lambda unit: order[unit["document"], unit["segment"]]), places, by_guid


def _unit(
    place: tuple[str, str], text: str, question: str, start: int, end: int, facts: dict[str, dict[str, str]]
) -> dict[str, object]:
    blank = dict.fromkeys(UNIT_COLUMNS, "") | {"document": place[0], "segment": place[1], "text": text}
    return blank | {"question": question, "start": start, "end": end} | facts.get(place[0], {})


def _codebook(project: Project) -> pd.DataFrame:
    codes = project["codes"]
    name = _unique(codes["id"], codes["name"])
    rows = []
    for code in codes.itertuples(index=False):
        row = {"code": name[code.id], "parent": name.get(code.parent, "")}
        rows.append(row | _described(code.Description))
    frame = pd.DataFrame.from_records(rows, columns=["code", "parent", "definition", *LABELS])
    frame = frame.astype("object").fillna("")
    unused = [column for column in list(LABELS)[3:] if (frame[column] == "").all()]
    return validate_codebook(frame.drop(columns=unused), "codebook of the project")


def _described(text: str) -> dict[str, str]:
    names = {label: column for column, label in LABELS.items()}
    pieces = re.split(rf"(?:^|\n)({'|'.join(map(re.escape, names))}): ", text)
    found = {"definition": pieces[0].strip("\n")}
    found |= {names[label]: value for label, value in zip(pieces[1::2], pieces[2::2], strict=True)}
    return found


def _unique(keys: pd.Series, names: pd.Series) -> dict[str, str]:
    """Return key → name, a repeated name made unique by a number."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for key, name in zip(keys, names, strict=True):
        label, n = name or key, 1
        while label in used:
            n += 1
            label = f"{name or key} ({n})"
        used.add(label)
        found[key] = label
    return found


def _tops(project: Project) -> dict[str, str]:
    """Return for each source, part and selection the id of the source at the top."""
    above = dict(zip(project["sources"]["id"], project["sources"]["within"], strict=True))
    above |= dict(zip(project["selections"]["id"], project["selections"]["owner"], strict=True))
    found = {}
    for key in above:
        at = key
        while above.get(at):
            at = above[at]
        found[key] = at
    return found


def _segments(selections: pd.DataFrame, top: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source, rows in selections.groupby(selections["owner"].map(top), sort=False):
        rows = rows.assign(guid=rows["guid"].map(same)).drop_duplicates("guid")
        prefix = f"{names[source]}:"
        own = [name.removeprefix(prefix) if name.startswith(prefix) else "" for name in rows["name"]]
        if all(own) and len(set(own)) == len(own):
            found |= dict(zip(rows["guid"], own, strict=True))
            continue
        order = sorted(rows.to_dict("records"), key=_position)
        found |= {row["guid"]: str(n) for n, row in enumerate(order, start=1)}
    return found


def _position(row: Mapping[str, str]) -> tuple[float, ...]:
    return tuple(float(row[c] or 0) for c in ("page", "startPosition", "begin", "firstY", "firstX"))


def _text_of(
    selection: tuple, texts: dict[str, str | None], within: dict[str, list[str]]
) -> tuple[str, int, int]:
    if selection.tag == "PlainTextSelection":
        start, end = int(selection.startPosition), int(selection.endPosition)
        text = texts.get(selection.owner)
        return (text[start:end] if text is not None else selection.name), start, end
    text = next((found for part in within.get(selection.id, []) if (found := texts.get(part))), None)
    return text or selection.name, int(selection.begin or 0), int(selection.end or 0)


def _case_facts(project: Project, at_top: pd.DataFrame, names: dict[str, str]) -> dict[str, dict[str, str]]:
    variables = {same(v.guid): v.name.strip().lower() for v in project["variables"].itertuples(index=False)}
    cases = dict(zip(project["cases"]["id"], project["cases"]["name"], strict=True))
    documents = {same(guid): names[key] for guid, key in zip(at_top["guid"], at_top["id"], strict=True)}
    values: dict[str, dict[str, str]] = {}
    for row in project["values"].itertuples(index=False):
        variable = variables.get(same(row.variable), "")
        if variable in CASE_FACTS:
            values.setdefault(row.owner, {})[variable] = row.value
    found = {names[key]: values[key] for key in names if key in values}
    for row in project["references"].itertuples(index=False):
        if row.tag == "SourceRef" and row.owner in cases and same(row.target) in documents:
            found[documents[same(row.target)]] = {"participant": cases[row.owner]} | values.get(row.owner, {})
    return found


def _memos(
    project: Project,
    places: dict[str, tuple[str, str]],
    by_guid: dict[str, tuple[str, str]],
    users: dict[str, str],
) -> pd.DataFrame:
    sources = project["sources"]
    notes = {same(n.guid): n for n in sources[sources["tag"] == "Note"].itertuples(index=False)}
    pairs = [
        (places.get(row.owner), notes.get(same(row.target)))
        for row in project["references"].itertuples(index=False)
        if row.tag == "NoteRef"
    ]
    for link in project["links"].itertuples(index=False):  # some programs link a note to a quotation instead
        pairs.append((by_guid.get(same(link.targetGUID)), notes.get(same(link.originGUID))))
    rows = []
    for place, note in pairs:
        if place is not None and note is not None:
            coder = users.get(same(note.creatingUser), note.creatingUser)
            memo = project.text(note.id) or note.Description or note.name
            rows.append({"coder": coder, "document": place[0], "segment": place[1], "memo": memo})
    return pd.DataFrame.from_records(rows, columns=["coder", "document", "segment", "memo"])


def _assignments(
    project: Project, at_top: pd.DataFrame, names: dict[str, str], codings: pd.DataFrame
) -> pd.DataFrame:
    documents = {same(guid): names[key] for guid, key in zip(at_top["guid"], at_top["id"], strict=True)}
    sets = {s.id: s.name for s in project["sets"].itertuples(index=False) if s.name.startswith(ASSIGNED)}
    rows = [
        {"coder": sets[r.owner].removeprefix(ASSIGNED), "document": documents[same(r.target)]}
        for r in project["references"].itertuples(index=False)
        if r.tag == "MemberSource" and r.owner in sets and same(r.target) in documents
    ]
    if rows:
        return pd.DataFrame.from_records(rows)
    return codings[["coder", "document"]].drop_duplicates().reset_index(drop=True)


def _documents(project: Project, names: dict[str, str]) -> pd.DataFrame:
    texts = [(name, project.text(key)) for key, name in names.items()]
    return pd.DataFrame.from_records([t for t in texts if t[1] is not None], columns=["document", "text"])
