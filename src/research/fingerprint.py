"""Content hashes of files: what a stored result depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from research.paths import DEFINITIONS, ROOT

# What decides the numbers. Pages, figures and the command line only show them.
# every family rests on these
COMMON = ("archive", "collect", "contingency", "inert", "intervals", "textfiles", "tiers")
NUMERIC_CODE = ("collect", "explain", "segment", "compare", "fieldwork", "manage")


def fingerprint(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over names (relative to the project where possible) and contents, in a fixed order."""
    digest = hashlib.sha256()
    for path in sorted(files(paths)):
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(path.name)
        digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def files(paths: Iterable[Path]) -> set[Path]:
    """Expand folders to the files below them; byte code and hidden files do not count."""
    found: set[Path] = set()
    for path in paths:
        below = path.rglob("*") if path.is_dir() else [path]
        found |= {
            p for p in below if p.is_file() and p.suffix != ".pyc" and not p.name.startswith((".", "~"))
        }
    return found


@cache
def code_of(families: frozenset[str]) -> str:
    """Fingerprint of these families, of what all rest on, and of all definitions; once per process."""
    package = Path(__file__).parent
    places = [package / name for name in {*COMMON, *families}]
    return fingerprint(
        [p for p in (*places, *(p.with_suffix(".py") for p in places), DEFINITIONS) if p.exists()]
    )


def numeric_code() -> str:
    """Fingerprint of all code and definitions that decide results."""
    return code_of(frozenset({*NUMERIC_CODE, "study", "steps", "parameters"}))
