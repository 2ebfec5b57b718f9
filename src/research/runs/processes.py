"""Processes beside this one: with steady settings, warm where that is safe, and gone when this one is.

Importing the scientific libraries takes a process several seconds. The fork server of Python's `multiprocessing`
imports them once; a process that it forks has them already, and shares their memory.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, util
from pathlib import Path

LONGEST_SOCKET = 100  # bytes in the path of a socket that every system takes; macOS allows 103, Linux 107
CHANGING = threading.Lock()


def steady_environment() -> dict[str, str]:
    """Return the settings of every process: results must not depend on threads, hash order or a display."""
    # One thread per process: they already run side by side, and sums then have one order.
    settings = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    settings |= {
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        # Words and pictures are made when pages are written; the kernel need not draw.
        "RESEARCH_PAGES": "later",
        # tqdm misses its widgets in a kernel that has no browser.
        "PYTHONWARNINGS": "ignore:IProgress not found",
        # The debugger of kernels, imported once for all, would speak of files that Python has frozen.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # A process with a background thread should not fork.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }
    return {name: os.environ.get(name, value) for name, value in settings.items()}


def warm() -> bool:
    """Return whether kernels are forked here.

    Libraries of macOS and Windows do not all survive a fork, and the fork server needs a socket of its own.
    """
    longest = Path(tempfile.gettempdir()) / "pymp-12345678" / "listener-12345678"
    return sys.platform == "linux" and len(os.fsencode(longest)) <= LONGEST_SOCKET


def begin(modules: Iterable[str] = ()) -> None:
    """Start the fork server, unless it runs, and let it import these modules while this process goes on."""
    if warm():
        # a process of a pool has the folder of the one that started it, which is not its own to remove
        own = "" if multiprocessing.parent_process() else util.get_temp_dir()
        given = {"RESEARCH_PRELOAD": " ".join(modules), "RESEARCH_FORK_FOLDER": own}
        with changed(steady_environment() | given):
            multiprocessing.get_context("forkserver").set_forkserver_preload(["research.runs.preload"])
            forkserver.ensure_running()


@contextmanager
def changed(settings: Mapping[str, str]) -> Iterator[None]:
    """Change the environment of this process, which those that it starts inherit, until the end of the block."""
    # of two threads at once, the second would take the settings of the first for what was there before
    with CHANGING:
        before = dict(os.environ)
        os.environ.update(settings)
        try:
            yield
        finally:
            for name in settings:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]


@contextmanager
def pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Give up to `jobs` processes, which begin with their first work; on an error, what is under way is ended.

    `begin` comes before the first work, so that the processes are warm.
    """
    context = multiprocessing.get_context("forkserver" if warm() else "spawn")
    settings = {**os.environ, **steady_environment()}
    made = ProcessPoolExecutor(jobs, context, settle, (settings, str(Path.cwd())))
    try:
        yield made
    except BaseException:
        end()
        raise
    finally:
        made.shutdown(cancel_futures=True)


def settle(environment: Mapping[str, str], folder: str) -> None:
    """Take over settings and folder in a process that was just started; it ends when the one that asked for it does."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is this process's parent's to deal with
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


@atexit.register
def end() -> None:
    """End the processes that are left."""
    for process in multiprocessing.active_children():
        process.kill()
