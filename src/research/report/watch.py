"""Run again whenever something that a run depends on has changed, in a process that has imported everything."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from research.fingerprint import files
from research.paths import DEFINITIONS, ROOT
from research.report import forks, provenance
from research.report.plan import Plan

PAUSE = 0.2  # seconds between two looks at the files
PACKAGE = Path(__file__).resolve().parents[1]
Stamps = dict[Path, tuple[int, int]]
Seen = tuple[Stamps, Stamps]  # of what a run reads, of the code


def watch(
    run: Callable[[], None],
    watched: Callable[[], Iterable[Path]],
    code: Callable[[], Iterable[Path]],
    restart: Callable[[], None],
    *,
    pause: float = PAUSE,
) -> None:
    """Call `run`, and again whenever a watched file has changed, until interrupted.

    Args:
        run: what to do; a change that comes while it works is seen afterwards.
        watched: the files that a run reads; asked anew at each look, so that a new notebook is seen too.
        code: the files that this process holds in memory; when one has changed `restart` is called instead of `run`.
        restart: begins anew with the changed code; `watch` returns if it does.
        pause: seconds between two looks. A change counts when two looks agree, that is, when nobody is still writing.
    """
    began = stamps(code())
    while True:
        before = stamps(watched())
        run()
        _, code_now = changed(lambda: (stamps(watched()), stamps(code())), (before, began), pause)
        if code_now != began:
            restart()
            return


def changed(look: Callable[[], Seen], before: Seen, pause: float) -> Seen:
    """Wait until what there is to see is not what it was before and the same twice; return it."""
    last = look()
    while True:
        time.sleep(pause)
        now = look()
        if now == last != before:
            return now
        last = now


def stamps(paths: Iterable[Path]) -> Stamps:
    """Return when each file was changed and how large it is; files that are gone are left out."""
    found: Stamps = {}
    for path in paths:
        try:
            at = path.stat()
        except OSError:
            continue
        found[path] = at.st_mtime_ns, at.st_size
    return found


def warm(plan: Plan) -> None:
    """Import what the notebooks of a plan will need while nobody waits for it."""
    import nbformat

    from research.report.execute import expect_imports

    forks.begin()
    with suppress(RuntimeError):  # the process has died; the next run starts another
        for notebook in plan.chosen:
            expect_imports(nbformat.read(notebook.path, as_version=4).cells)


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
    forks.SERVER.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
