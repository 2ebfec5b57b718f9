"""Content hashes of files: what something made from them depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from research.paths import ROOT


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
