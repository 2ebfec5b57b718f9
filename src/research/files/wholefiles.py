"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; what the block writes there takes the place of `path` when it ends well.

    The name is that of no other process or thread, and its folder is made. When the block fails, the temporary file
    goes and `path` is as it was.

    Raises:
        OSError: the folder cannot be made or the file not be put in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # short: the longest name that a file can have leaves no room for an ending
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    temporary = path.with_name(f".{name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # a full disk names no file, or one that nobody knows
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
