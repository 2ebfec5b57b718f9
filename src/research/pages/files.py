"""Write files whole, and only when they say something new; hold a folder against other runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from research.errors import UserError

SCRATCH = ".research-part"  # the ending of a file that is being written


def write_if_changed(path: Path, content: str | bytes) -> bool:
    """Write a file unless it already says so; return whether it changed. Folders are made.

    The content goes to a temporary name that is then renamed, so that no reader sees half a file.

    Raises:
        OSError: the file cannot be written; it is as it was.
    """
    new = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == new:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}{SCRATCH}")
    try:
        scratch.write_bytes(new)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None  # a full disk does not say which file
    return True


@contextmanager
def only_writer(folder: Path, *, patience: float = 0) -> Iterator[Path]:
    """Hold a folder of reports against other runs and yield its private folder `.run`.

    What a run that was killed left half-written is removed.

    Args:
        folder: made when it is not there.
        patience: seconds to wait for another run to end.

    Raises:
        UserError: another run is writing to the folder, or it cannot be written.
    """
    private = folder / ".run"
    lock = FileLock(private / "lock", timeout=patience)
    try:
        private.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(f"another run is writing to {folder}; wait for it or choose another --out") from None
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    try:
        remove_unfinished(folder)
        yield private
    finally:
        lock.release()


def check_writable(folder: Path, remedy: str) -> None:
    """Make a folder and try to write to it. Raises UserError that names it and the remedy."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # a file without a name: other runs may check at the same time
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}; {remedy}") from None


def remove_unfinished(folder: Path) -> None:
    """Remove files that a killed run left under a temporary name."""
    named = [f"{place}.*{SCRATCH}" for place in ("", "executed/", "results/**/")]
    for pattern in (*named, "executed/*.part.ipynb", ".run/seen-*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
