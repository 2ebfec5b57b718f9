"""Transcripts of interviews: plain text, Word and OpenDocument files cut into the turns that are coded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.items import GROUPS
from research.fieldwork.intake.cells import tidy
from research.fieldwork.interviews.documents import KINDS, read_paragraphs
from research.files.textfiles import read_csv

UNIT_COLUMNS = (
    "document", "segment", "text", "participant", "group", "language", "role", "question", "start", "end",
)  # fmt: skip
_FACTS = {"document": "文档", "participant": "受访者", "group": "群体", "language": "语言", "role": "角色"}
_NAMES = {label: name for name, chinese in _FACTS.items() for label in (name, chinese)}
_GROUPS = {"从业人员": "practitioner", "客户": "customer"}
_INTERVIEWER = {"i", "int", "interviewer", "q", "问", "访", "访谈者", "采访者", "主持人"}
_RESPONDENT = {"r", "a", "p", "respondent", "participant", "interviewee", "答", "受访者"}
_LONGEST_CODE = 20  # "Participant: …" with more than a code is a turn and not the head
_TURN = re.compile(r"^\s*([^\s:：][^:：]{0,24}?)\s*[:：]\s*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Transcript:
    """One interview: facts of its head, its whole text, and its coded units."""

    document: str
    facts: dict[str, str]
    text: str
    units: pd.DataFrame


def read_transcripts(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Return the units of coding of all transcripts: one row per turn of a participant.

    Args:
        paths: transcripts (.txt, .docx, .odt), or a folder of them. A folder may hold `participants.csv` (document,
            participant, group, …) for transcripts without a head.

    Returns:
        document, segment ("1", "2", … within the document), text, participant, group, language, role, question (the
        interviewer's turn before), start and end (character positions in the document's text).

    Raises:
        UserError: a file cannot be read, names no participant or group, has no turn, or two files are one document.
    """
    return units_of(transcripts(paths))


def read_documents(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Return the whole texts: document, text."""
    return pd.DataFrame([(t.document, t.text) for t in transcripts(paths)], columns=["document", "text"])


def units_of(found: Sequence[Transcript]) -> pd.DataFrame:
    """Return the units of coding of all transcripts, see `read_transcripts`."""
    return pd.concat([t.units for t in found], ignore_index=True)


def searched_texts(found: Sequence[Transcript]) -> pd.DataFrame:
    """Return all that a report could show of the transcripts: document, segment and text.

    Whole texts, with heads and interviewers' turns (segment ""), and the names of documents and participants (segment
    "label"), which may stand in a list beside the transcripts.
    """
    rows = [(t.document, "", t.text) for t in found]
    for t in found:
        labels = dict.fromkeys([t.document, *t.facts.values()])
        rows += [(t.document, "label", label) for label in labels if label and label not in t.text]
    return pd.DataFrame(rows, columns=["document", "segment", "text"])


def transcripts(paths: str | Path | Sequence[str | Path]) -> list[Transcript]:
    """Return the transcripts of files or a folder; see `read_transcripts`."""
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    files: list[Path] = []
    known: dict[str, dict[str, str]] = {}
    for path in map(Path, given):
        if path.is_dir():
            files += sorted(p for p in path.iterdir() if p.suffix.lower() in KINDS and not _aside(p))
            known |= _participants(path / "participants.csv")
        else:
            files.append(path)
    if not files:
        raise UserError(f"{', '.join(map(str, given))}: no transcript; expected {', '.join(KINDS)}")
    found: dict[str, Transcript] = {}
    for file in files:
        transcript = read_transcript(file, known.get(file.stem, {}))
        if transcript.document in found:
            raise UserError(
                f"{file.name}: document {transcript.document} is there twice; expected one file per interview"
            )
        found[transcript.document] = transcript
    return list(found.values())


def read_transcript(path: str | Path, facts: dict[str, str] | None = None) -> Transcript:
    """Read one transcript; `facts` fill what its head does not say."""
    path = Path(path)
    paragraphs = read_paragraphs(path)
    head, body = _head(paragraphs)
    stated = {**(facts or {}), **head}
    stated["group"] = _GROUPS.get(stated.get("group", "").lower(), stated.get("group", ""))
    if not stated.get("participant") or stated["group"] not in GROUPS:
        raise UserError(
            f"{path.name}: participant is '{stated.get('participant', '')}' and group is "
            f"'{stated['group']}'; expected lines such as 'Participant: P01' and 'Group: practitioner' on "
            "top, or a participants.csv beside the transcripts"
        )
    facts = {name: stated.get(name, "") for name in ("participant", "group", "language", "role")}
    document = stated.get("document") or path.stem
    text = "\n".join(paragraphs)
    rows = _turns(paragraphs, body, facts["participant"])
    if not rows:
        raise UserError(
            f"{path.name}: no turn of the participant; expected lines such as '{facts['participant']}: …'"
        )
    units = pd.DataFrame.from_records(rows)
    units.insert(0, "document", document)
    units.insert(1, "segment", [str(n) for n in range(1, len(units) + 1)])
    for name, value in facts.items():
        units[name] = value
    return Transcript(document, facts, text, units[list(UNIT_COLUMNS)])


def _head(paragraphs: list[str]) -> tuple[dict[str, str], int]:
    facts: dict[str, str] = {}
    body = 0
    for number, line in enumerate(paragraphs[:15]):
        match = _TURN.match(line)
        name = _NAMES.get(tidy(match.group(1)).lower()) if match else None
        stated = tidy(match.group(2)) if name else ""
        if stated and name not in facts and (name != "participant" or len(stated) <= _LONGEST_CODE):
            facts[name] = stated
            body = number + 1
    return facts, body


def _turns(paragraphs: list[str], body: int, participant: str) -> list[dict]:
    own = {participant.lower(), *_RESPONDENT}
    lines: list[tuple[str, str, int]] = []  # speaker ("i", "r" or ""), words, position of the words
    position = sum(len(line) + 1 for line in paragraphs[:body])
    for line in paragraphs[body:]:
        match = _TURN.match(line)
        label = tidy(match.group(1)).lower() if match else ""
        speaker = "i" if label in _INTERVIEWER else "r" if label in own else ""
        words, offset = (match.group(2), match.start(2)) if speaker else (line, 0)
        blank = len(words) - len(words.lstrip())
        lines.append((speaker, words.strip(), position + offset + blank))
        position += len(line) + 1
    marked = any(speaker for speaker, _, _ in lines)
    rows: list[dict] = []
    question, turn = "", "" if marked else "r"  # without marks each paragraph is a unit
    for speaker, words, start in lines:
        turn = speaker or turn
        if not words or not turn:  # before the first mark stands a title, not speech
            continue
        if turn == "i":
            question = words if speaker else f"{question} {words}"
        elif speaker or not marked:
            rows.append({"text": words, "question": question, "start": start, "end": start + len(words)})
        elif rows:
            rows[-1] |= {"text": f"{rows[-1]['text']}\n{words}", "end": start + len(words)}
    return rows


def _participants(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    frame = read_csv(path, ("document", "participant", "group"))
    return {row["document"]: row for row in frame.to_dict("records")}


def _aside(path: Path) -> bool:
    return path.name.startswith((".", "~")) or path.stem.lower() in {"readme", "names", "notes"}
