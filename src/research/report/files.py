"""Write files whole: under a temporary name, then renamed, and only when they say something new."""

from __future__ import annotations

from pathlib import Path


def write_if_changed(path: Path, content: str | bytes) -> bool:
    """Write a file unless it already says so; return whether it changed. Folders are made."""
    new = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == new:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_bytes(new)
    scratch.replace(path)
    return True
