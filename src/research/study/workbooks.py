"""The files of the fieldwork that a study names, and whether anybody was asked."""

from __future__ import annotations

from pathlib import Path

from research.errors import UserError
from research.files.fingerprint import fingerprint
from research.files.textfiles import exists
from research.parameters import Study
from research.paths import ROOT


def located(path: str, parameter: str) -> Path:
    """Return the file or folder that a fieldwork parameter names. Raises UserError when there is none."""
    for place in (Path(path), ROOT / path):
        if path and exists(place):
            return place
    found = f"'{path}', no such file or folder" if path else "nothing"
    raise UserError(f"fieldwork.{parameter}: found {found}; this part of the study needs it")


def optional(path: str, parameter: str) -> Path | None:
    return located(path, parameter) if path else None


def beside(folder: Path, name: str) -> Path | None:
    return folder / name if (folder / name).is_file() else None


def fingerprint_of(study: Study, *parameters: str) -> str:
    given = [(getattr(study.fieldwork, name), name) for name in parameters]
    return fingerprint([located(path, name) for path, name in given if path])
