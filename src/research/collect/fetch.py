"""Data the project does not contain: downloaded or taken from a folder, and believed only by its hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from research.errors import UserError, nearest
from research.files.textfiles import own_yaml, reading
from research.files.wholefiles import whole
from research.paths import DEFINITIONS, cache_folder

if TYPE_CHECKING:
    import pandas as pd

# A run asks whether data are here before it imports anything heavy: what reads tables or the net is imported on use.
SOURCES_FILE = DEFINITIONS / "sources.yml"


@dataclass(frozen=True)
class Part:
    """A verified file of a data set: which part, where, its sha256, how it is known, what it lacks."""

    part: str
    path: Path
    sha256: str
    known_by: str
    partial: str = ""


@cache
def sources() -> dict[str, Any]:
    """Return what can be fetched: {data set: {url, archive, archive_sha256, parts}}."""
    return own_yaml(SOURCES_FILE)


def _source(name: str) -> dict[str, Any]:
    if name not in sources():
        raise UserError(f"data set '{name}' is not one that is fetched{nearest(name, sources())}")
    return sources()[name]


def downloads(name: str) -> Path:
    """Return the folder where the fetched files of a data set are kept."""
    return cache_folder() / "data" / name


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with reading(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _folders(name: str) -> list[Path]:
    """Where local copies may lie: the folder RESEARCH_DATA (and one level below it), then the downloads."""
    found = []
    given = os.environ.get("RESEARCH_DATA")
    if given:
        home = Path(given)
        if not home.is_dir():
            raise UserError(f"RESEARCH_DATA is '{given}', which is not a folder")
        found = [home / name, home, *sorted(path for path in home.iterdir() if path.is_dir())]
    return [path for path in [*found, downloads(name)] if path.is_dir()]


def verify(name: str, part: str, path: Path) -> Part:
    """Check one file against what is known of a part.

    Raises UserError that says the hash found and the hashes expected.
    """
    spec = _source(name)["parts"][part]
    got = file_sha256(path)
    for file in spec["files"]:
        if file["sha256"] == got:
            return Part(part, path, got, "file hash", file.get("partial", ""))
    expected, told = " or ".join(file["sha256"] for file in spec["files"]), ""
    if table := spec.get("table_sha256"):
        content = _content_sha256(name, path)
        if content == table:
            return Part(part, path, got, "content hash")
        told = f"; its table has {content}, expected {table}" if content else "; it holds no such table"
    raise UserError(f"{path.name}: refused. The file has sha256 {got}, expected {expected}{told}")


def _content_sha256(name: str, path: Path) -> str | None:
    import xlrd

    from research.collect.publishers import READERS, table_sha256

    try:
        return table_sha256(READERS[name](path))
    except (UserError, ValueError, KeyError, OSError, zipfile.BadZipFile, xlrd.XLRDError):
        return None


def _candidates(name: str, part: str, folder: Path) -> Iterator[Path]:
    """Files in a folder that bear a name of this part, in the order of the list."""
    spec = _source(name)["parts"][part]
    listed = [file["name"] for file in spec["files"]]
    if spec.get("table_sha256"):
        listed.append(f"{name}.csv")  # how a table known by its content is kept
    yield from (folder / file for file in dict.fromkeys(listed) if (folder / file).is_file())


def locate(name: str) -> dict[str, Part]:
    """Return the verified parts of a data set that is already here.

    Looks into the folder that RESEARCH_DATA names, then into the downloads. Raises UserError that says how to get the
    data when a part is nowhere, and refuses a file whose hash is wrong.
    """
    found: dict[str, Part] = {}
    for folder in _folders(name):
        for part in _source(name)["parts"]:
            if part not in found and (path := next(_candidates(name, part, folder), None)):
                found[part] = verify(name, part, path)
    if missing := [part for part in _source(name)["parts"] if part not in found]:
        raise UserError(
            f"data set '{name}' is not here ({', '.join(missing)} missing): run 'research datasets fetch {name}', add "
            f"'--from FILE_OR_FOLDER' for a local copy, or set RESEARCH_DATA to the folder that holds it"
        )
    return found


def is_here(name: str) -> bool:
    """Return True when every part of a data set is here and verified."""
    try:
        return bool(locate(name))
    except UserError:
        return False


def _unpack(archive: Path, folder: Path) -> None:
    """Extract the files of a zip, without their folders."""
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            file = PurePosixPath(member.filename).name
            if member.is_dir() or not file:
                continue
            with packed.open(member) as source, (folder / file).open("wb") as target:
                shutil.copyfileobj(source, target)


def _download(name: str, url: str, progress: Any) -> Path:
    import pooch

    spec = _source(name)
    known = f"sha256:{spec['archive_sha256']}" if spec["archive_sha256"] else None
    pooch.get_logger().setLevel("WARNING")  # the progress bar already says what happens
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=60)
    kept = {"fname": spec["archive"], "path": downloads(name)}
    try:
        return Path(pooch.retrieve(url, known, **kept, downloader=downloader))
    except ValueError as error:  # pooch: the hash of the download is wrong
        raise UserError(f"{url}: refused. {error}") from None
    except Exception as error:  # every kind of network failure ends the same way for the user
        raise UserError(
            f"{url}: cannot be downloaded ({type(error).__name__}: {error}); get the file by other means and use "
            f"'research datasets fetch {name} --from FILE'"
        ) from None


def _take(name: str, part: str, folder: Path, only: Path | None) -> Part:
    """Find and verify one part in a folder, by its file name or, when there is a single file, by its content."""
    path = only or next(_candidates(name, part, folder), None)
    if path is None:
        files = sorted({file["name"] for file in _source(name)["parts"][part]["files"]})
        raise UserError(f"{folder}: no file for '{part}'; expected {' or '.join(files)}")
    return verify(name, part, path)


def fetch(
    name: str, origin: str | Path | None = None, *, url: str | None = None, progress: Any = False
) -> pd.DataFrame:
    """Fetch a data set and keep its verified files in the downloads folder.

    Args:
        origin: a file (the publisher's archive or the table itself) or a folder instead of a download.
        url: another address of the same archive.
        progress: True for a plain bar, or any object with total, update, reset and close.

    Returns one row per part: part, file, bytes, sha256, known_by (file hash, content hash), partial.
    Raises UserError when a file is missing or its hash is not a known one; nothing is kept then.
    """
    import pandas as pd

    spec = _source(name)
    with tempfile.TemporaryDirectory() as scratch:
        folder, only = Path(scratch), None
        source = Path(origin) if origin is not None else _download(name, url or spec["url"], progress)
        if not source.exists():
            raise UserError(f"{source}: no such file or folder")
        if not (source.is_file() or source.is_dir()):
            raise UserError(f"{source}: a pipe or device, expected an ordinary file or a folder")
        if source.is_dir():
            folder = source
        elif zipfile.is_zipfile(source) and source.suffix.lower() == ".zip":
            _unpack(source, folder)
        elif len(spec["parts"]) == 1:
            folder, only = source.parent, source
        else:
            raise UserError(
                f"{source.name}: '{name}' has {len(spec['parts'])} parts; give the zip or the folder"
            )
        parts = [_take(name, part, folder, only) for part in spec["parts"]]
        kept = [_keep(name, part) for part in parts]
    return pd.DataFrame(
        [
            (one.part, one.path.name, one.path.stat().st_size, one.sha256, one.known_by, one.partial)
            for one in kept
        ],
        columns=["part", "file", "bytes", "sha256", "known_by", "partial"],
    )


def _keep(name: str, part: Part) -> Part:
    """Copy a verified file into the downloads under a name by which `locate` finds it."""
    from research.collect.publishers import READERS

    by_content = part.known_by == "content hash"
    target = downloads(name) / (f"{name}.csv" if by_content else part.path.name)
    if target.resolve() == part.path.resolve():
        return part
    with whole(target) as new:
        if by_content:
            READERS[name](part.path).to_csv(new, index=False, lineterminator="\n")
        else:
            shutil.copyfile(part.path, new)
    return Part(part.part, target, file_sha256(target), part.known_by, part.partial)
