"""Text that no spreadsheet runs as a formula, and tables of such text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from research.errors import UserError
from research.files.wholefiles import whole

if TYPE_CHECKING:
    import pandas as pd

# Also the full-width forms, which a spreadsheet in a Chinese locale takes for the same.
FORMULA_START = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})(e[+-]?\d{1,3})?%?", re.IGNORECASE)


def inert(value: object) -> object:
    """Return a value that no spreadsheet runs: an apostrophe goes before a leading = + - @, tab or return.

    A return becomes a line feed. Plain numbers stay as they are, and so does everything that is not text.
    """
    if not isinstance(value, str):
        return value
    if "\r" in value:  # csv writers do not quote it, and what follows would begin a row of its own
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{value}" if FORMULA_START.match(value) and not _NUMBER.fullmatch(value) else value


def plain(text: str) -> str:
    """Return a text without the apostrophe that `inert` has added."""
    return text[1:] if text.startswith("'") and FORMULA_START.match(text[1:]) else text


def write_csv(frame: pd.DataFrame, path: str | Path, *, index: bool = False) -> Path:
    """Write a table with inert cells and headings under a temporary name, then rename; return its path.

    UTF-8 with a mark, so that Excel shows Chinese. Raises UserError when it cannot be written there.
    """
    path = Path(path)
    table = frame.reset_index() if index else frame
    table = table.astype(object).map(inert).rename(columns=inert)
    try:
        with whole(path) as new:
            table.to_csv(new, index=False, encoding="utf-8-sig", errors="replace", lineterminator="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None
    return path
