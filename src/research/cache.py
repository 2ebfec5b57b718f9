"""The folder of cached steps: results are stored as pickles, which can run code, so it must be private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from research.errors import UserError


def refuse_shared(folder: Path) -> None:
    """Raise UserError for a cache that others can write to."""
    if not hasattr(os, "getuid"):
        return
    about = folder.stat()
    if about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(
            f"{folder}: the cache belongs to somebody else or others can write to it; expected a private folder: "
            "chmod go-w, or name another one in RESEARCH_CACHE"
        )
