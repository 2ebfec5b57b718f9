"""The command line on the notebooks of a test: `python tests/command.py NOTEBOOKS run default …`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from research.paths import ROOT

# Git finds no repository: pages must not tell the commit, which can change while tests run.
STEADY = {"GIT_DIR": os.devnull, "SOURCE_DATE_EPOCH": "0"}

PATIENCE = 900  # seconds until what does not come is given up; a busy machine is slow


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a command."""
    return {**os.environ, **STEADY, **changes}


def arguments(notebooks: Path | None, *words: object) -> list[str]:
    """Return the command line; without notebooks those of the project are used."""
    return [sys.executable, __file__, str(notebooks or ROOT / "notebooks"), *map(str, words)]


def start(notebooks: Path | None, *words: object, **options: Any) -> subprocess.Popen[str]:
    """Start a command and return its process; it hears an interrupt also where the tests run in the background."""
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    given = {
        "env": environment(),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "preexec_fn": heard,
    }
    given |= options
    return subprocess.Popen(arguments(notebooks, *words), text=True, encoding="utf-8", **given)


def run(notebooks: Path | None, *words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Carry out a command; what it printed is in `stdout`."""
    process = start(notebooks, *words, **options)
    try:
        printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, printed)


def files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder of reports by name; the private folders of runs do not count."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".run" not in path.parts
    }


def until(true: Callable[[], object], *needed: subprocess.Popen[Any], seconds: float = PATIENCE) -> None:
    """Wait until something is true; not when a process that is needed for it has ended."""
    end = time.monotonic() + seconds
    while not true():
        gone = [process for process in needed if process.poll() is not None]
        assert not gone, f"ended with {gone[0].returncode}, and was waited for: {gone[0].args}"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def main() -> None:
    """Run the command line with the notebooks of a folder as those of the project."""
    from research import cli
    from research.pages import notebooks

    folder, find = Path(sys.argv[1]), notebooks.find
    notebooks.find = lambda place=folder: find(place)
    sys.argv = ["research", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
