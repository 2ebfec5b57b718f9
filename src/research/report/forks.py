"""The process that forks kernels: started when the first notebook is due, asked for kernels, ended with this process.

Imports nothing that is slow, so that the process can begin while this one is still importing.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from typing import Any

PATIENCE = 30.0  # seconds for the server to end by itself


def steady_environment() -> dict[str, str]:
    """Return the settings of every kernel: results must not depend on threads, hash order or a display."""
    # One thread per kernel: notebooks already run side by side, and sums then have one order.
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


class Server:
    """The process that forks kernels; started with the first kernel and ended with this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._guard = threading.Lock()

    def start(self) -> None:
        """Start the process unless it runs; it then imports while this one goes on."""
        with self._guard:
            self._start()

    def _start(self) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "research.report.kernel_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **steady_environment()},
                start_new_session=True,
            )
            atexit.register(self.close)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the reply. Raises RuntimeError when the server has died."""
        with self._guard:
            self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                reply = self._process.stdout.readline()
            except OSError:
                reply = ""
            if not reply:
                self._process = None
                raise RuntimeError("the process that starts kernels has died; run again")
            return json.loads(reply)

    def close(self) -> None:
        """End the server, and with it every kernel that is left."""
        with self._guard:
            if self._process is not None:
                assert self._process.stdin is not None
                self._process.stdin.close()
                try:
                    self._process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                self._process = None


SERVER = Server()


def forks() -> bool:
    """Return whether kernels are forked here; macOS and Windows libraries do not all survive a fork."""
    return sys.platform == "linux"


def begin() -> None:
    """Start the server, because a kernel will be needed soon."""
    if forks():
        SERVER.start()


def expect(modules: list[str]) -> None:
    """Let the server import what a notebook will import."""
    if forks():
        SERVER.ask({"do": "expect", "modules": modules})
