"""A study registered before its data are read, and what a later run did otherwise (protocol, section Registration)."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

from research.closure import project
from research.errors import UserError
from research.files.fingerprint import fingerprint
from research.files.textfiles import read_text
from research.parameters import Study
from research.paths import DEFINITIONS, DOCS, ROOT

PARTS = {
    "protocol": DOCS / "protocol.md",
    "claims": DEFINITIONS / "claims.csv",
    "purposes": DEFINITIONS / "purposes.csv",
    "criteria": DEFINITIONS / "criteria.csv",
}
NOT_PART = ("registration", "title")  # parameters that decide no result


def record(study: Study, day: datetime.date) -> dict[str, Any]:
    """Return the registration of a study: hashes of text, definitions, code and crosswalk, parameters, names of data.

    The data themselves are not read: only their names are part of it.
    """
    return {"registered": day.isoformat(), **_now(study)}


def write(path: Path, study: Study, day: datetime.date) -> None:
    """Write the registration of a study.

    Raises:
        UserError: every data set of the study comes with the project, so that its results are known already.
    """
    if not any(_is_own(name) for name in _data(study)) and study.fieldwork.provenance != "real":
        raise UserError(
            f"study '{study.name}' has public data only, whose results were known when the protocol was written; "
            "expected an own loan book (dataset) or real fieldwork (fieldwork.provenance: real)"
        )
    path.write_text(json.dumps(record(study, day), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Return a registration.

    Raises:
        UserError: not there, not readable, or not a registration.
    """
    try:
        found = json.loads(read_text(path, "yaml_bytes"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or {"registered", "protocol", "parameters"} - set(found):
        raise UserError(f"{path}: not a registration; expected a file that `research register` wrote")
    return found


def departures(study: Study, registered: dict[str, Any]) -> list[str]:
    """Return what a run does otherwise than registered, one short sentence each; none when it keeps to it."""
    now, found = _now(study), []
    for part in (*PARTS, "code", "crosswalk"):
        if registered.get(part) != now[part]:
            found.append(f"{part} changed")
    then, given = registered["parameters"], now["parameters"]
    for name in sorted({*then, *given}):
        if then.get(name) != given.get(name):
            found.append(f"parameter {name}: registered {then.get(name)!r}, used {given.get(name)!r}")
    if registered.get("data") != now["data"]:
        found.append(
            f"data: registered {', '.join(registered.get('data', []))}, used {', '.join(now['data'])}"
        )
    return found


def state(study: Study) -> dict[str, Any] | None:
    """Return when the study was registered and its departures; None for a study without a registration."""
    if not study.registration:
        return None
    path = next((p for p in (Path(study.registration), ROOT / study.registration) if p.is_file()), None)
    registered = read(path or Path(study.registration))
    return {"registered": registered["registered"], "departures": departures(study, registered)}


def _now(study: Study) -> dict[str, Any]:
    crosswalk = Path(study.crosswalk) if study.crosswalk else None
    parameters = study.model_dump(mode="json", exclude=set(NOT_PART))
    parameters |= {name: Path(parameters[name]).name for name in ("dataset", "crosswalk")}
    return {
        **{name: fingerprint([path]) for name, path in PARTS.items()},
        "code": project().code(*project().imports.modules),
        "crosswalk": hashlib.sha256(crosswalk.read_bytes()).hexdigest()
        if crosswalk and crosswalk.is_file()
        else "",
        "parameters": parameters,
        "data": [Path(name).name for name in _data(study)],
    }


def _data(study: Study) -> list[str]:
    return list(dict.fromkeys([study.dataset, *study.compare_datasets]))


def _is_own(name: str) -> bool:
    return Path(name).suffix != "" or "/" in name
