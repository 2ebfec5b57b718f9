"""A finished run as one zip to submit: pages, tables, notebooks, paper, and what machines and a checker ask for.

`codecheck.yml` follows CODECHECK 1.0 (https://codecheck.org.uk/spec/config/1.0/), `ro-crate-metadata.json` is an
RO-Crate (https://www.researchobject.org/ro-crate/). The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from research.desk.finished import PROVENANCE, Finished, read_json
from research.errors import UserError, nearest
from research.files.textfiles import read_bytes, read_yaml
from research.pages import provenance
from research.pages.crate import METADATA, files_of, metadata
from research.paths import DEFINITIONS

CODECHECK, SUMS, PAPER = "codecheck.yml", "SHA256SUMS", "paper/"
VERSION = "https://codecheck.org.uk/spec/config/1.0/"
PLACEHOLDERS = DEFINITIONS / "codecheck.yml"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
ABOUT = "Pages, tables, executed notebooks and paper of the study '{name}', to be checked: see codecheck.yml."
FOR_THE_CHECKER = {"summary": "", "repository": "", "check_time": "", "certificate": "", "report": ""}
SINGLE = {
    "values.json": "Every number that a page shows, with the notebook and cell it comes from",
    "index.html": "What came out, and the way to everything else",
    "results/tables.xlsx": "All tables in one workbook",
}


def bundle(run: Finished, papers: Sequence[Path] = (), about: Path | None = None) -> dict[str, bytes]:
    """Return the files of a bundle by name, sorted.

    Args:
        run: a finished run, with its folder.
        papers: files that are put beside it as they are, into `paper/`.
        about: title and authors of the paper, see `data/definitions/codecheck.yml`.

    Raises:
        UserError: the run is not complete, two papers have one name, or `about` does not fit.
    """
    folder = complete(run)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files_of(folder, run.stems)}
    for paper in papers:
        if f"{PAPER}{paper.name}" in files:
            raise UserError(f"--paper {paper}: there are two files named {paper.name}; rename one")
        files[f"{PAPER}{paper.name}"] = read_bytes(paper)
    files[CODECHECK] = codecheck(run, files, about).encode("utf-8")
    try:
        told = ABOUT.format(name=run.provenance["study"]["name"])
        files[METADATA] = metadata(run.provenance, files, published(folder), told).encode("utf-8")
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder / PROVENANCE}: not as a run writes it ({error})") from None
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return dict(sorted({**files, SUMS: "".join(sums).encode("utf-8")}.items()))


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip whose bytes depend on names and contents alone."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            part = zipfile.ZipInfo(name, FIRST_DAY)
            part.create_system = 3  # as on Unix, wherever it is made
            part.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(part, content, zipfile.ZIP_DEFLATED, compresslevel=9)
    return stream.getvalue()


def complete(run: Finished) -> Path:
    """Return the folder of a run. Raises UserError when a part of it is not there, or a notebook failed."""
    if run.folder is None:
        raise UserError(f"{run.name}: only values; expected the folder of a finished run with its pages")
    failed = run.folder / ".run" / "failed.json"
    if failed.exists() and (names := read_json(failed)):
        raise UserError(f"{run.name}: {', '.join(names)} did not finish; run the study again")
    needed = ["index.html", "checklists.html", "study.yml", "reproduced.json"]
    needed += [f"{stem}.html" for stem in run.stems] + [f"executed/{stem}.ipynb" for stem in run.stems]
    if missing := [name for name in needed if not (run.folder / name).is_file()]:
        raise UserError(f"{run.name}: {missing[0]} is missing; expected the folder of a finished run")
    return run.folder


def codecheck(run: Finished, files: Mapping[str, bytes], about: Path | None) -> str:
    """Return `codecheck.yml`: the paper, and every output with what it is; the checker's fields are left empty."""
    given = paper_of(about or PLACEHOLDERS)
    outputs = [{"file": name, "comment": comment} for name, comment in SINGLE.items() if name in files]
    for name in files:
        stem, _, file = name.removeprefix("results/").partition("/")
        if name.startswith("results/") and file.endswith(".csv"):
            key = f"{stem}/{file.removesuffix('.csv')}"
            shown = run.shown.get(key)
            comment = f"{shown.number}: {shown.caption}" if shown else f"Numbers of {key}"
            outputs.append({"file": name, "comment": comment})
    content = {
        "version": VERSION,
        "paper": given["paper"],
        "manifest": outputs,
        "codechecker": given["codechecker"],
    }
    text = yaml.safe_dump({**content, **FOR_THE_CHECKER}, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n# codechecker and all below it is for the checker\n{text}"


def paper_of(path: Path) -> dict[str, Any]:
    """Return `paper` and `codechecker` of a file; what is left out is as in the placeholders.

    Raises:
        UserError: an unknown key, or authors without a name.
    """
    known, given = read_yaml(PLACEHOLDERS), read_yaml(path, "the keys paper and codechecker")
    paper = given.get("paper", {})
    for keys, allowed in ((given, known), (paper, known["paper"])):
        if not isinstance(keys, dict):
            raise UserError(f"{path}: paper: expected the keys {', '.join(known['paper'])}")
        for key in keys:
            if key not in allowed:
                raise UserError(f"{path}: unknown key '{key}'{nearest(key, allowed)}")
    authors = paper.get("authors", known["paper"]["authors"])
    if not (isinstance(authors, list) and all(isinstance(one, dict) and one.get("name") for one in authors)):
        raise UserError(
            f"{path}: authors: expected a list, each with a name and, where there is one, an ORCID"
        )
    return {**known, **given, "paper": {**known["paper"], **paper}}


def published(folder: Path) -> str:
    """Return the date that the run's own crate states, so that a bundle does not depend on when it was made."""
    try:
        entries = json.loads((folder / METADATA).read_text(encoding="utf-8"))["@graph"]
        return str(next(entry["datePublished"] for entry in entries if entry.get("@id") == "./"))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return provenance.date()
