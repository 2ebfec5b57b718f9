"""What doit remembers of a run, in a file that is always whole."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from doit.dependency import JsonDB

from research.report.files import write_if_changed


class WholeFile(JsonDB):
    """doit's JSON file, written under a temporary name and renamed."""

    desc = "a JSON file that is replaced as a whole"

    def dump(self) -> None:
        """Write the file; where it cannot be written, the next run checks everything again."""
        with suppress(OSError):
            write_if_changed(Path(self.name), self.codec.encode(self._db))
