"""What doit remembers of a run, in a file that is always whole and does not tell where the run lies."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from doit.dependency import JsonDB

from research.paths import ROOT
from research.report.files import write_if_changed


class Portable:
    """doit's codec with the folder of reports and the project written as `@out` and `@project`.

    Args:
        codec: has `encode` and `decode`.
        out: the folder of reports.
    """

    def __init__(self, codec: Any, out: Path) -> None:
        self.codec = codec
        self._places = [
            (f'"{place}/', f'"{name}/')
            for name, place in (("@out", _inside(out)), ("@project", _inside(ROOT)))
        ]

    def encode(self, content: Any) -> str:
        """Return the text of the file."""
        text = self.codec.encode(content)
        for place, name in self._places:
            text = text.replace(place, name)
        return text

    def decode(self, text: str) -> Any:
        """Return what the file holds, for where it lies now."""
        for place, name in self._places:
            text = text.replace(name, place)
        return self.codec.decode(text)


def _inside(folder: Path) -> str:
    """Return a folder as it stands in JSON, without its quotes."""
    return json.dumps(str(folder))[1:-1]


class WholeFile(JsonDB):
    """doit's JSON file, written under a temporary name and renamed."""

    desc = "a JSON file that is replaced as a whole"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        super().__init__(name, Portable(codec, Path(name).parent.parent), module_name=module_name)

    def dump(self) -> None:
        """Write the file; where it cannot be written, the next run checks everything again."""
        with suppress(OSError):
            write_if_changed(Path(self.name), self.codec.encode(self._db))
