"""Zip containers of unknown origin (xlsx, docx, odt, qdpx), opened only when they are safe to read."""

from __future__ import annotations

import lzma
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from research.errors import UserError
from research.files import limits
from research.files.textfiles import reading

_RATIO_FROM = 2**20  # small parts may compress very well without harm
_ENCRYPTED = 0x1
_PROLOG = 64 * 2**10
# what reading a damaged part raises, by its kind of compression
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError,
    OverflowError,
)  # fmt: skip


@contextmanager
def open_archive(path: str | Path, *, limit: str = "archive_bytes") -> Iterator[zipfile.ZipFile]:
    """Open a zip container for reading after checking every member.

    Raises:
        UserError: not a zip file; more parts, or more bytes than the limit of that name; a member that is compressed
            beyond measure, encrypted, a symbolic link or device, outside the container (`..`, absolute, a drive), or
            twice there; an XML part that carries a document type definition (entity attacks need one, no office format
            does).
    """
    path = Path(path)
    with reading(path):
        stream = path.open("rb")
    try:
        archive = zipfile.ZipFile(stream)
    except DAMAGE:
        stream.close()
        raise UserError(f"{path.name}: not a zip container, or a damaged one") from None
    with stream, archive:
        _check_members(archive, path.name, limit)
        for member in archive.infolist():
            if PurePosixPath(member.filename).suffix.lower() in {".xml", ".rels", ".qde", ".qdc", ".vml"}:
                _check_prolog(archive, member, path.name)
        yield archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; the size that the directory states is a limit, so a lying header stops early.

    Raises:
        UserError: the member is missing, damaged, or longer than stated.
    """
    try:
        info = archive.getinfo(name)
        with archive.open(info) as part:
            data = part.read(info.file_size + 1)
    except KeyError:
        raise UserError(f"{archive_name(archive)}: no part '{name}'") from None
    except DAMAGE:
        raise UserError(f"{archive_name(archive)}: part '{name}' is damaged") from None
    if len(data) > info.file_size:
        raise UserError(f"{archive_name(archive)}: part '{name}' is longer than its header says")
    return data


@contextmanager
def parsing(path: Path, kind: str = "workbook") -> Iterator[None]:
    """Turn whatever a library raises over a damaged container into a message; its warnings are not the user's.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of every extension that it does not keep
            yield
    except UserError:
        raise
    except (
        Exception
    ):  # a part may be anything, and so is the error: of types, names, numbers, XML, compression
        raise UserError(f"{path.name}: the {kind} is damaged; open it and save it again") from None


def archive_name(archive: zipfile.ZipFile) -> str:
    """Return the file name of an open archive, for messages."""
    return Path(archive.filename or "archive").name


def _check_members(archive: zipfile.ZipFile, where: str, limit: str) -> None:
    members = archive.infolist()
    limits.within("archive_parts", len(members), where)
    total = 0
    names: set[str] = set()
    for member in members:
        name, told = member.filename, f"{where}: part '{member.filename}'"
        inside = PurePosixPath(name.replace("\\", "/"))
        drive = ":" in (inside.parts or ("",))[0]
        if inside.is_absolute() or ".." in inside.parts or drive or "\x00" in name:
            raise UserError(f"{told} points outside the container; the file is refused")
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise UserError(f"{told} is a link or device, expected plain files; the file is refused")
        if member.flag_bits & _ENCRYPTED:
            raise UserError(f"{told} is encrypted; save the file without a password")
        if name in names:
            raise UserError(f"{told} is there twice; the file is refused")
        names.add(name)
        total += member.file_size
        if member.file_size > _RATIO_FROM:
            packed = max(member.compress_size, 1)
            ratio = -(-member.file_size // packed)
            limits.within(
                "archive_ratio", ratio, f"{told} unpacks to {member.file_size:,} bytes from {packed:,}"
            )
    limits.within(limit, total, where)


class _Seen(Exception):
    """The root element was reached: the prolog is over."""


def _check_prolog(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> None:
    told = f"{where}: part '{member.filename}'"

    # expat decodes whatever encoding the part declares, so a definition cannot hide in UTF-16
    def refuse(*_: object) -> None:
        raise UserError(f"{told} has a document type definition; the file is refused")

    def stop(*_: object) -> None:
        raise _Seen

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        with archive.open(member) as part:
            parser.Parse(part.read(_PROLOG), False)
        if member.file_size > _PROLOG:
            raise UserError(f"{told} has no root element in its first 64 KiB; refused")
    except UserError:
        raise
    except (_Seen, expat.ExpatError, LookupError):
        return  # a malformed part, or one in an unknown encoding, is reported by whoever needs it
    except DAMAGE:
        raise UserError(f"{told} is damaged") from None
