"""Where commands write: an input is never replaced, and what somebody else made only when asked to.

What a command has written is remembered by place and content, in the cache (as a hash, so that it tells nobody a
name): a form that was filled in since, a file of another program and one that was written before the cache was removed
are all "not as this command left it".
"""

from __future__ import annotations

import hashlib
import inspect
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import typer

from research.errors import UserError
from research.paths import ROOT, cache_folder

LONGEST_NAME = 255  # bytes of a file's name, on every usual file system
Command = TypeVar("Command", bound=Callable[..., Any])


class Role(Enum):
    """What a path on the command line is for; stands in the annotation of every such parameter."""

    READS = "a file or folder that is read, or a name that may be one"
    WRITES = "a file that is written"
    FILLS = "a folder that is written to"
    WORKS = "a folder for files that do not stay"


READS, WRITES, FILLS, WORKS = Role
Force = Annotated[
    bool, typer.Option("--force", help="replace what is there, though it is not as this command left it")
]


def roles(command: Callable[..., Any]) -> dict[str, Role]:
    """Return the parameters of a command that are paths, and what each is for."""
    hints = get_type_hints(command, include_extras=True)
    return {name: role for name, kind in hints.items() for role in get_args(kind) if isinstance(role, Role)}


def guarded(command: Command) -> Command:
    """Let a command begin only when everything that it is asked to write may be written, see `take`.

    The command's parameters say by their `Role` what is read and written, and its `force` whether to replace.
    """
    name = f"{command.__module__}.{command.__qualname__}"
    known = roles(command)
    signature = inspect.signature(command)

    @wraps(command)
    def begin(*args: Any, **kwargs: Any) -> Any:
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        given = {one: call.arguments[one] for one in known if call.arguments[one]}
        read = [path for one, value in given.items() if known[one] is READS for path in _listed(value)]
        before: dict[Path, Any] = {}
        for one, path in given.items():
            if known[one] is WORKS and not _is_folder(path):
                raise UserError(f"{path}: no such folder")
            if known[one] in (WRITES, FILLS):
                take(path, read, name, force=call.arguments["force"], folder=known[one] is FILLS)
                if any(same(path, other) for other in before):
                    raise UserError(f"{path}: is to be written twice; name two files")
                before[path] = _state(path)
        try:
            return command(*args, **kwargs)
        finally:
            for path, state in before.items():
                if _state(path) not in (None, state):
                    _remember(path, name)

    return begin  # type: ignore[return-value]


def take(
    path: Path, read: Iterable[Path], by: str = "", *, force: bool = False, folder: bool = False
) -> None:
    """Return when a command may write to a path, which need not be there.

    Args:
        path: the file, or with `folder` the folder, to be written.
        read: the files and folders that the command reads.
        by: the command. A file or folder that is as this command left it may be replaced.
        force: replace a file, or write to a folder, that somebody else made.

    Raises:
        UserError: the path is read by the command, or is a file in a folder that is read; it is there and is not as
            the command left it; it is of another kind, or nothing can be written there.
    """
    require_place(path, folder=folder)
    for other in read:
        if same(path, other) or (folder and _inside(other, path)):
            raise UserError(f"{path}: holds what this command reads; name another place to write to")
        if folder and _is_folder(other) and _inside(path, other):
            raise UserError(f"{path}: lies in a folder that this command reads; name one elsewhere")
    there = any(path.iterdir()) if folder and path.is_dir() else os.path.lexists(path)
    if not there or (path.exists() and _known(path, by)):
        return
    if any(_is_folder(other) and _inside(path, other) for other in read):
        raise UserError(f"{path}: lies in a folder that this command reads; name a file that is not there")
    if not force:
        raise UserError(
            f"{path}: is there and is not as this command left it (filled in, changed, or of another origin); "
            "name another, or replace it with --force"
        )


def take_reports(path: Path, read: Iterable[Path], *, force: bool = False) -> None:
    """Return when reports may be written to a folder: a new, an empty or an earlier one of reports."""
    take(path, read, force=force or _is_folder(path / ".run"), folder=True)


def same(path: Path, other: Path) -> bool:
    """Whether two names are of one file, also through links."""
    with suppress(OSError, ValueError):
        if path.exists() and other.exists():
            return path.samefile(other)
        return path.resolve() == other.resolve()
    return False


def _listed(value: Any) -> Iterator[Path]:
    """Every path that the value of a parameter may mean: `FILE::TABLE`, or a file of the project."""
    for one in value if isinstance(value, list | tuple) else [value]:
        text = str(one)
        for name in dict.fromkeys((text, text.rpartition("::")[0])):
            if name and "\0" not in name and "://" not in name:
                yield from (Path(name), ROOT / name)


def _is_folder(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.is_dir()
    return False


def _inside(path: Path, folder: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.exists() and folder.resolve() in path.resolve().parents
    return False


def require_place(path: Path, what: str = "", *, folder: bool = False) -> None:
    """Return when a file, or with `folder` a folder, is there or can be made, and can be written to.

    Args:
        path: where it is to be.
        what: what the path was given as, for the message.

    Raises:
        UserError: its name is too long, it is of another kind, or it cannot be written to.
    """
    told = f"{what} {path}".strip()
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise UserError(f"{told}: a name that is too long; expected at most {LONGEST_NAME} bytes")
    try:
        mode = path.stat().st_mode if path.exists() else None
        place = path if folder and mode else next(one for one in path.absolute().parents if one.exists())
        path.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # NUL characters; links in a circle
        raise UserError(f"{told}: cannot be written: {getattr(error, 'strerror', None) or error}") from None
    if mode and not folder and not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
        raise UserError(f"{told}: {kind}, expected the name of a file")
    if not place.is_dir():
        raise UserError(f"{told}: {place} is a file, expected a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        read_only = hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY
        reason = "Read-only file system" if read_only else "Permission denied"
        raise UserError(f"{told}: cannot be written: {reason} ({place})")


def _state(path: Path) -> Any:
    """What changes when a file or folder is written; None when it is not there."""
    files = [path, *(path.rglob("*") if path.is_dir() else ())]
    with suppress(OSError):
        return [(one, one.stat().st_ino, one.stat().st_mtime_ns) for one in files]
    return None


def _mark(path: Path, by: str) -> Path:
    """Where it is remembered that a command wrote what a file or folder holds."""
    said = hashlib.sha256(by.encode() + b"\0" + os.fsencode(path.resolve()))
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    for one in files:
        with one.open("rb") as content:
            said.update(b"\0" + os.fsencode(one.relative_to(path)) + b"\0")
            said.update(hashlib.file_digest(content, "sha256").digest())
    return cache_folder() / "written" / said.hexdigest()


def _known(path: Path, by: str) -> bool:
    with suppress(OSError):
        return bool(by) and _mark(path, by).exists()
    return False


def _remember(path: Path, by: str) -> None:
    with suppress(OSError):  # without a cache the next time asks for --force
        mark = _mark(path, by)
        for folder in (cache_folder(), mark.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch()
