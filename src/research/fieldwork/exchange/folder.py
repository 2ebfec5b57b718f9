"""A REFI-QDA project as a folder of tables that a researcher can open, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from research.errors import UserError
from research.fieldwork.exchange.interviews import Interviews
from research.fieldwork.exchange.project import TABLES, Project
from research.fieldwork.exchange.reading import check_references, read_qda
from research.fieldwork.exchange.to_interviews import to_interviews
from research.files.inert import write_csv
from research.files.textfiles import read_bytes, read_text
from research.files.wholefiles import whole

WHOLE = "project.json"
PROJECTS = (".qdpx", ".qde")
_SAFE = re.compile(r"[\w][\w .()\-]{0,200}")


class _Whole(BaseModel):
    """What `project.json` holds: every cell is text."""

    model_config = ConfigDict(strict=True)

    attributes: dict[str, str]
    description: str
    tables: dict[Literal[tuple(TABLES)], list[dict[str, str]]]
    files: list[str]


def write_folder(project: Project, folder: str | Path) -> None:
    """Write a project to a folder.

    `codebook.csv`, `units.csv`, `codings.csv`, `memos.csv`, `assignments.csv` and `documents.csv` are the study's
    tables; `sources/` holds the project's files; `project.json` holds everything, for the way back.

    Raises:
        UserError: a file of the project has a name that does not stay in the folder.
    """
    folder = Path(folder)
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    for name, data in project.files.items():
        if not _SAFE.fullmatch(name) or name.endswith("."):
            raise UserError(
                f"source file '{name}' of the project: its name is refused; expected letters and digits"
            )
        _write(folder / "sources" / name, data)
    for name, frame in zip(Interviews._fields, to_interviews(project), strict=True):
        write_csv(frame, folder / f"{name}.csv")
    held = {
        "attributes": project.attributes,
        "description": project.description,
        "tables": {name: project[name].to_dict("records") for name in TABLES},
        "files": list(project.files),
    }
    _write(folder / WHOLE, json.dumps(held, ensure_ascii=False, indent=1).encode("utf-8"))


def read_project(path: str | Path) -> Project | None:
    """Return the project in a file of REFI-QDA, or in a folder that `write_folder` wrote; None where it is neither.

    Raises:
        UserError: see `read_qda` and `read_folder`.
    """
    path = Path(path)
    if not (path / WHOLE).is_file() and path.suffix.lower() not in PROJECTS:
        return None
    return read_folder(path) if path.is_dir() else read_qda(path)


def read_folder(folder: str | Path) -> Project:
    """Return the project that `write_folder` wrote.

    Raises:
        UserError: the folder holds no project, or a file of it is missing.
    """
    folder = Path(folder)
    source = folder / WHOLE
    if not source.is_file():
        raise UserError(f"{folder}: no {WHOLE}; expected a folder that `research fieldwork import-qda` made")
    try:
        whole = _Whole.model_validate(json.loads(read_text(source)))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(f"{source}: damaged; {place or 'the whole'} is not as import-qda wrote it") from None
    except (json.JSONDecodeError, RecursionError):
        raise UserError(f"{source}: damaged; not readable as JSON") from None
    tables = {name: pd.DataFrame.from_records(rows) for name, rows in whole.tables.items()}
    files = {}
    for name in whole.files:
        if not _SAFE.fullmatch(name) or not (folder / "sources" / name).is_file():
            raise UserError(f"{source}: the source file '{name}' is missing")
        files[name] = read_bytes(folder / "sources" / name)
    project = Project(whole.attributes, whole.description, tables, files)
    check_references(project, source.name)
    return project


def _write(path: Path, data: bytes) -> None:
    with whole(path) as new:
        new.write_bytes(data)
