"""The run as an RO-Crate: a machine-readable account of what was made, from what, with what."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from research import __version__
from research.pages import provenance
from research.pages.files import write_if_changed

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
FORMATS = {
    ".html": "text/html",
    ".json": "application/json",
    ".yml": "application/yaml",
    ".ipynb": "application/x-ipynb+json",
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
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
    crate = ROCrate()
    crate.name = record["study"]["title"]
    crate.description = f"Reports and results of the study '{record['study']['name']}'."
    crate.license = "https://spdx.org/licenses/MIT"
    crate.datePublished = provenance.date()
    made = [
        crate.add_file(
            dest_path=path.relative_to(out).as_posix(),
            properties={
                "name": path.relative_to(out).as_posix(),
                "encodingFormat": FORMATS[path.suffix],
                "contentSize": str(path.stat().st_size),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            },
        )
        for path in files_of(out, stems)
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
    lock = entity(crate, "#lock", "CreativeWork", name="requirements.lock", sha256=environment["lock"])
    seed = entity(crate, "#seed", "PropertyValue", name="seed", value=str(record["seed"]))
    study = next(part for part in made if part.id == "study.yml")
    run = entity(
        crate,
        "#run",
        "CreateAction",
        name=f"research run {record['study']['name']}",
        instrument=software,
        object=[study, data, lock, seed],
        result=[part for part in made if part is not study],
    )
    crate.root_dataset["conformsTo"] = entity(crate, PROFILE, "CreativeWork", name="Process Run Crate")
    crate.root_dataset["mentions"] = run
    text = json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n"
    write_if_changed(out / METADATA, text)
    return out / METADATA


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
