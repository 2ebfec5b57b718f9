"""A terminal in a working copy of the project: what a reader of the documentation types is run here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from command import PATIENCE
from research.paths import ROOT

LEFT_OUT = (".git", ".venv", ".cache", ".ci", ".*_cache", ".hypothesis", "fuzz")

# Importing the packages takes longer than most commands, so they are imported once and each command runs in a fork.
SERVER = """
import json, os, sys
from research import cli
from research.commands import batch, bundle, compare, contacts, datasets, events, fieldwork, run, verify
from research.runs import batch as runs, comparison, grid, pipeline
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        log = os.open(order["log"], os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1); os.dup2(log, 2)
        sys.stdin = open(os.devnull)
        sys.argv = ["research", *order["words"]]
        if order["only_plan"]:
            pipeline.run = runs.run_all = lambda *_, **__: sys.exit(0)
        try:
            cli.main()
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
        except BaseException:
            import traceback
            traceback.print_exc()
            code = 70
        sys.stdout.flush(); sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def working_copy(folder: Path) -> Path:
    """Copy the project without what is made on the machine; `.venv` leads to the running environment."""
    ignored = shutil.ignore_patterns(*LEFT_OUT)

    def ignore(place: str, names: list[str]) -> set[str]:
        runs = [name for name in names if name not in ("reference", "README.md")]
        return {*ignored(place, names), *(runs if Path(place) == ROOT / "reports" else ())}

    shutil.copytree(ROOT, folder, ignore=ignore)
    (folder / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return folder


class Terminal:
    """Runs commands in a working copy, whose code is the one that is used."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = working_copy(folder)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RESEARCH_CACHE": str(cache),
            "COLUMNS": "160",
            "NO_COLOR": "1",
        }
        self._server: subprocess.Popen[str] | None = None

    def research(self, words: list[str], *, only_plan: bool = False) -> tuple[int, str]:
        """Run `research` with these words, or only as far as its plan; return the exit code and what it printed."""
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-c", SERVER], cwd=self.folder, env=self.environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
            order = {"words": words, "log": log.name, "only_plan": only_plan}
            print(json.dumps(order), file=self._server.stdin, flush=True)
            code = self._server.stdout.readline()
            return int(code or 99), log.read()

    def shell(self, command: str) -> tuple[int, str]:
        """Run any other command."""
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stdout

    def files(self) -> set[Path]:
        """Return the files of the working copy."""
        return {path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}

    def close(self) -> None:
        """End the process that runs the commands."""
        if self._server is not None:
            self._server.stdin.close()
            self._server.wait(timeout=PATIENCE)
