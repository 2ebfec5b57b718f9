"""What a run shows while it runs and when it is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

WORDS = {
    "waiting": ("waiting", "dim"),
    "running": ("running", "cyan"),
    "ran": ("ran", "green"),
    "unchanged": ("unchanged", "dim"),
    "failed": ("failed", "bold red"),
    "stopped": ("not run", "yellow"),
}


@dataclass
class Line:
    """One notebook of a run: its state, seconds, and one line of explanation."""

    name: str
    state: str = "waiting"
    seconds: float = 0.0
    cell: int = 0
    cells: int = 0
    warnings: int = 0
    message: str = ""
    since: float = 0.0


class Progress:
    """A live table on a terminal, one printed line per finished notebook elsewhere."""

    def __init__(self, names: list[str], console: Console, *, quiet: bool = False) -> None:
        self.lines = {name: Line(name) for name in names}
        self.console = console
        self.quiet = quiet
        self._live: Live | None = None
        self._guard = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def start(self, name: str) -> None:
        """A notebook begins; the live table opens with the first one, so that an idle run shows none."""
        with self._guard:
            line = self.lines[name]
            line.state, line.since = "running", time.monotonic()
            if self._live is None and not self.quiet and self.console.is_terminal:
                self._live = Live(
                    get_renderable=self.table, console=self.console, refresh_per_second=5, transient=True
                )
                self._live.start()

    def cell(self, name: str, cell: int, cells: int) -> None:
        """A cell of a notebook begins."""
        self.lines[name].cell, self.lines[name].cells = cell, cells

    def finish(self, name: str, state: str, *, message: str = "", warnings: int = 0) -> None:
        """A notebook is done."""
        line = self.lines[name]
        if line.since:
            line.seconds = time.monotonic() - line.since
        line.state, line.message, line.warnings = state, message, warnings
        if self.quiet or self.console.is_terminal or state == "unchanged":
            return
        note = f": {message}" if message else ""
        self.console.print(
            f"{name} {WORDS[state][0]} ({line.seconds:.1f} s){note}", markup=False, highlight=False
        )

    def table(self) -> Table:
        """Return the table of notebooks as it stands."""
        return summary(self.lines.values())


def summary(lines: Iterable[Line]) -> Table:
    """Return a table of notebooks: name, state, seconds, and what they do or said."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("notebook", "", "seconds", ""):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    for line in lines:
        word, style = WORDS[line.state]
        seconds, note = "", ""
        if line.state == "running":
            seconds = f"{time.monotonic() - line.since:.1f}"
            note = f"cell {line.cell} of {line.cells}" if line.cells else "starting"
        elif line.state in ("ran", "failed"):
            seconds = f"{line.seconds:.1f}"
            if line.warnings:
                note = f"{line.warnings} warnings"
        table.add_row(Text(line.name), Text(word, style=style), seconds, Text(note))
    return table
