"""Run tasks with doit and tell a display what happens to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STEPS = ("execute", "render", "tables")  # of each notebook
NOT_STARTED = 3  # doit's exit code when it cannot begin; failed tasks are told by the display


def run_tasks(tasks: Iterable[dict[str, Any]], state: Path, progress: Any, jobs: int = 1) -> None:
    """Run tasks with doit: content hashes decide what is out of date, failures stop only dependants."""
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain
    from doit.tools import config_changed

    if state.exists():
        try:
            json.loads(state.read_text(encoding="utf-8"))
        except ValueError:
            state.unlink()  # a run was killed while writing; everything is checked again

    def task_study() -> Iterable[dict[str, Any]]:
        for task in tasks:
            depends_on = task.pop("depends_on")
            # Threads share the standard streams: doit must not swap them.
            leaves = task.pop("leaves", [])
            checks = {"uptodate": [config_changed(depends_on), AsLeft(leaves)], "io": {"capture": False}}
            basename, _, name = task.pop("name").partition(":")
            yield {**task, **checks, "basename": basename, **({"name": name} if name else {})}

    settings = {
        "dep_file": str(state),
        "backend": "whole",
        "continue": True,
        "num_process": jobs,
        "par_type": "thread",
        "reporter": Reporter(progress),
        "verbosity": 0,
    }
    loader = ModuleTaskLoader({"DOIT_CONFIG": settings, "task_study": task_study})
    plugin = {"BACKEND": {"whole": "research.report.state:WholeFile"}}
    if DoitMain(loader, config_filenames=(), extra_config=plugin).run(["run"]) == NOT_STARTED:
        raise RuntimeError("the tasks of the run do not fit together; the message above says why")


class AsLeft:
    """Up to date only while the targets, and folders that a task fills, are as the task left them.

    What a task depends on can go back to what it was while the targets are another run's, which was killed before it
    could say so.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self.folders = list(folders)

    def configure_task(self, task: Any) -> None:
        """Remember the targets when the task has succeeded."""
        task.value_savers.append(lambda: {"targets": contents([*task.targets, *self.folders])})

    def __call__(self, task: Any, values: dict[str, Any]) -> bool:
        """Compare the targets with what was remembered."""
        return values.get("targets") == contents([*task.targets, *self.folders])


def contents(paths: Iterable[str | Path]) -> list[str]:
    """Return the SHA-256 of each file, for a folder that of its files, empty for one that is not there."""
    return [content(path) for path in map(Path, paths)]


def content(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and files of a folder; empty when it is not there."""
    if path.is_dir():
        inside = "".join(f"{inner.name}\0{content(inner)}\0" for inner in sorted(path.iterdir()))
        return hashlib.sha256(inside.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


class Reporter:
    """Passes doit's events to the progress display."""

    desc = "progress"

    def __init__(self, progress: Any) -> None:
        self.progress = progress
        self.rendering: set[str] = set()

    def initialize(self, tasks: Any, selected_tasks: Any) -> None:
        """Nothing to prepare."""

    def get_status(self, task: Any) -> None:
        """A task is being checked."""

    def execute_task(self, task: Any) -> None:
        """A task begins."""
        step, _, name = task.name.partition(":")
        if step == "execute" and name:
            self.progress.start(name)

    def add_failure(self, task: Any, fail: Any) -> None:
        """A task failed, or could not start because one that it needs failed."""
        step, _, name = task.name.partition(":")
        if step in STEPS and not name:
            return  # the group of all notebooks, not a notebook
        unmet = type(fail).__name__ == "UnmetDependency"
        if step != "execute" and unmet:
            return  # the notebook's own line already says why
        if unmet:
            causes = ", ".join(part.partition(":")[2] for part in fail.message.split())
            self.progress.finish(name, "stopped", message=f"needs {causes}, which failed")
        else:
            self.progress.finish(name, "failed", message=one_line(fail))

    def add_success(self, task: Any) -> None:
        """A task succeeded."""
        step, _, name = task.name.partition(":")
        if step == "execute" and name:
            self.progress.finish(name, "ran", warnings=self.progress.lines[name].warnings)

    def skip_uptodate(self, task: Any) -> None:
        """A task has nothing to do."""
        step, _, name = task.name.partition(":")
        if step == "execute" and name:
            self.progress.finish(name, "unchanged")

    def skip_ignore(self, task: Any) -> None:
        """Tasks are never ignored."""

    def cleanup_error(self, exception: Any) -> None:
        """Tasks have no clean-up."""

    def runtime_error(self, msg: str) -> None:
        """The task list itself is wrong: a mistake in the project."""
        raise RuntimeError(msg)

    def teardown_task(self, task: Any) -> None:
        """Tasks have no teardown."""

    def complete_run(self) -> None:
        """The display closes by itself."""


class Collector:
    """Takes the events of the closing task, of which only failures matter."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults

    def finish(self, name: str, state: str, *, message: str = "", warnings: int = 0) -> None:
        """Remember a failure."""
        if state in ("failed", "stopped"):
            self.faults.append(message)


def one_line(fail: Any) -> str:
    """Return the message of a doit failure without its traceback."""
    lines = [line for line in str(fail.get_msg()).splitlines() if line.strip()]
    return lines[-1].strip() if lines else fail.get_name()
