"""Run again whenever something that a run depends on has changed, in a process that has imported everything."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import watchfiles

from research.files.fingerprint import files
from research.pages import provenance
from research.paths import DEFINITIONS, ROOT
from research.runs import processes
from research.runs.imported import imports
from research.runs.plan import Plan

AT_REST = 200  # milliseconds in which nobody has written
PACKAGE = Path(__file__).resolve().parents[1]


def watch(
    run: Callable[[], None],
    watched: Callable[[], Iterable[Path]],
    code: Callable[[], Iterable[Path]],
    restart: Callable[[], None],
) -> None:
    """Call `run`, and again whenever a watched file has changed, until interrupted.

    A change counts when nobody is still writing; one that comes while `run` works is seen afterwards.

    Args:
        run: what to do.
        watched: the files that a run reads; asked anew after each run, so that a new notebook is seen too.
        code: the files that this process holds in memory; when one has changed `restart` is called instead of `run`.
        restart: begins anew with the changed code; `watch` returns if it does.
    """
    began = False
    while True:
        held, read = set(map(_place, code())), set(map(_place, watched()))
        folders = sorted({str(path.parent) for path in held | read if path.parent.is_dir()})
        for changes in watchfiles.watch(
            *folders, watch_filter=None, recursive=False, step=AT_REST, rust_timeout=AT_REST,
            yield_on_timeout=True, raise_interrupt=True,
        ):  # fmt: skip
            changed = {_place(path) for _, path in changes}
            if changed & (held | set(map(_place, code()))):
                restart()
                return
            read |= set(map(_place, watched())) if changed else set()
            if changed & read or not began:
                began = True
                run()
                read = set(map(_place, watched()))
            if {str(path.parent) for path in read} - set(folders):
                began = False  # a change may come before the other folders are looked at
                break


def _place(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


def warm(plan: Plan) -> None:
    """Import what the notebooks of a plan will need while nobody waits for it."""
    processes.begin(dict.fromkeys(name for book in plan.chosen for name in imports(book.path)))


def inputs(plan: Plan, study: Path) -> list[Path]:
    """Return the files that a run reads: the study, its notebooks and its data."""
    folders = {notebook.path.parent for notebook in plan.notebooks}
    books = [path for folder in folders for path in folder.glob("*.ipynb")]
    return [study, *books, *files(provenance.data_files(plan.study))]


def held() -> set[Path]:
    """Return the files that are held in memory: code and templates of the project, its definitions and its lock."""
    return files([PACKAGE, DEFINITIONS, ROOT / "requirements.lock"])


def restart() -> NoReturn:
    """Begin this very command anew, with the code that is there now."""
    processes.end()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
