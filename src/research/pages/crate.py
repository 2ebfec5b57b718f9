"""The run as an RO-Crate: a machine-readable account of what was made, from what, with what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from research import __version__
from research.collect import datasets, fetch, recorded
from research.pages import provenance
from research.pages.files import write_if_changed

METADATA = "ro-crate-metadata.json"
VERSION = "1.1"  # of RO-Crate; the profile builds on it
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
OWN_TERMS = (
    "Terms of code, pages and tables. Each data set has its own, stated with it; no data set is in the crate."
)
BESIDE = ("codecheck.yml", "SHA256SUMS", "paper/")  # files that no run makes
FORMATS = {
    ".html": "text/html",
    ".json": "application/json",
    ".yml": "application/yaml",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".tex": "application/x-tex",
    ".pdf": "application/pdf",
    ".md": "text/markdown",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_crate(out: Path, record: dict[str, Any], stems: list[str]) -> Path:
    """Write `ro-crate-metadata.json` of a run and return its path.

    Args:
        out: folder of the run.
        record: its provenance.
        stems: the notebooks that belong to it.

    The date is SOURCE_DATE_EPOCH, or that of the commit: the same run gives the same bytes.
    """
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in files_of(out, stems)}
    write_if_changed(out / METADATA, metadata(record, files, provenance.date()))
    return out / METADATA


def metadata(record: dict[str, Any], files: Mapping[str, bytes], date: str, about: str = "") -> str:
    """Return the metadata of a crate as JSON.

    Args:
        record: the provenance of the run.
        files: name in the crate → content; those that the run did not make are named in no action.
        date: when it was published.
        about: what the crate is, when it is more than the run.
    """
    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms = {"sha256": "http://schema.org/sha256"}  # a word that this version lacks
    crate.name = record["study"]["title"]
    crate.description = about or f"Reports and results of the study '{record['study']['name']}'."
    crate.license = entity(
        crate, "https://spdx.org/licenses/MIT", "CreativeWork", name="MIT", description=OWN_TERMS
    )
    crate.datePublished = date
    made = [
        crate.add_file(
            dest_path=name,
            properties={
                "name": name,
                "encodingFormat": FORMATS.get(PurePosixPath(name).suffix.lower(), "application/octet-stream"),
                "contentSize": str(len(content)),
                "sha256": hashlib.sha256(content).hexdigest(),
            },
        )
        for name, content in files.items()
    ]
    code, environment = record["code"], record["environment"]
    packages = [
        entity(crate, f"#{name}", "SoftwareApplication", name=name, softwareVersion=version)
        for name, version in {"python": environment["python"], **environment["packages"]}.items()
    ]
    software = entity(
        crate,
        "#research",
        "SoftwareApplication",
        name="research",
        softwareVersion=__version__,
        identifier=f"commit {code['commit']}{' with uncommitted changes' if code['dirty'] else ''}",
        sha256=code["sha256"],
        softwareRequirements=packages,
    )
    data = entity(
        crate,
        "#data",
        "Dataset",
        name=record["data"]["name"],
        description=record["data"]["source"],
        sha256=record["data"]["sha256"],
    )
    books = [source(crate, name) for name in named_data(record)]
    lock = entity(crate, "#lock", "CreativeWork", name="requirements.lock", sha256=environment["lock"])
    seed = entity(crate, "#seed", "PropertyValue", name="seed", value=str(record["seed"]))
    study = next(part for part in made if part.id == "study.yml")
    run = entity(
        crate,
        "#run",
        "CreateAction",
        name=f"research run {record['study']['name']}",
        instrument=software,
        object=[study, data, lock, seed, *books],
        result=[part for part in made if part is not study and not part.id.startswith(BESIDE)],
    )
    crate.root_dataset["conformsTo"] = entity(crate, PROFILE, "CreativeWork", name="Process Run Crate")
    crate.root_dataset["mentions"] = run
    return json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n"


def named_data(record: dict[str, Any]) -> list[str]:
    """Return the known data sets of a run, of the recorded results it shows and of the survey beside them.

    Terms of an own file are not known.
    """
    given = record["study"]["parameters"]
    asked = [given.get("dataset", ""), *given.get("compare_datasets", ()), *recorded.about().get("data", ())]
    surveys = [name for name, known in fetch.sources().items() if "licence" in known]
    return [name for name in dict.fromkeys(asked) if name in datasets.names()] + surveys


def source(crate: ROCrate, name: str) -> ContextEntity:
    """Add a data set with its source and its own licence."""
    known = datasets.definition(name) if name in datasets.names() else fetch.sources()[name]
    terms = entity(
        crate, f"#licence-{name}", "CreativeWork", name=known["licence"], description=known["licence"]
    )
    return entity(
        crate,
        f"#data-{name}",
        "Dataset",
        name=known["title"],
        description=known["citation"].strip(),
        license=terms,
    )


def entity(crate: ROCrate, anchor: str, kind: str, /, **properties: Any) -> ContextEntity:
    """Add a contextual entity; the ones it refers to are linked."""
    links = {
        name: value
        for name, value in properties.items()
        if not isinstance(value, str) and (isinstance(value, list) or hasattr(value, "id"))
    }
    plain = {name: value for name, value in properties.items() if name not in links}
    added = crate.add(ContextEntity(crate, anchor, properties={"@type": kind, **plain}))
    for name, value in links.items():
        added[name] = value
    return added


def files_of(out: Path, stems: list[str]) -> list[Path]:
    """Return the files of a run in a fixed order."""
    single = [
        "index.html",
        "checklists.html",
        "study.yml",
        "values.json",
        "provenance.json",
        "reproduced.json",
    ]
    single += [f"{stem}.html" for stem in stems] + [f"executed/{stem}.ipynb" for stem in stems]
    tables = sorted(path for path in (out / "results").rglob("*") if path.suffix in FORMATS)
    return [path for path in (out / name for name in single) if path.exists()] + tables
