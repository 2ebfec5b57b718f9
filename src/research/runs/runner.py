"""Run what is out of date, and only that: contents of files decide, failures stop dependants and nothing else.

A task is up to date when its settings, the files it reads and the files it left are what they were when it last
succeeded. What they were is kept in one file, which is replaced as a whole; where it is damaged or gone, every task
runs again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from research.errors import UserError
from research.pages.files import write_if_changed

State = Literal["running", "ran", "unchanged", "failed", "stopped"]
Known = Mapping[str, Mapping[str, Any]]


class Failed(Exception):
    """A task failed in a way that its message, one line, explains."""


@dataclass(frozen=True)
class Task:
    """Something to do: `action` reads `inputs` and leaves `outputs`; a folder stands for the files in it.

    Tasks of one `lane` share its workers. `needs` names tasks that must succeed before; those not asked for are passed
    over.
    """

    name: str
    action: Callable[[], object]
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    lane: str = ""


def run(
    tasks: list[Task],
    record: Path,
    tell: Callable[[str, State, str], None],
    lanes: Mapping[str, int] | None = None,
    interrupted: Callable[[], None] = lambda: None,
) -> None:
    """Run what is out of date.

    Args:
        tasks: in the order in which those that could begin at the same time begin.
        record: where is kept what tasks left.
        tell: called with name, state and message whenever the state of a task changes.
        lanes: workers of each lane; 1 where a lane is not named.
        interrupted: ends what tasks wait for, when the user ends the run.
    """
    known, named = dict(remembered(record)), {task.name: task for task in tasks}
    graph = TopologicalSorter({task.name: [name for name in task.needs if name in named] for task in tasks})
    graph.prepare()
    free = {task.lane: (lanes or {}).get(task.lane, 1) for task in tasks}
    pools = {lane: ThreadPoolExecutor(workers) for lane, workers in free.items()}
    ready: list[str] = []
    running: dict[Future[object], str] = {}
    ended: dict[str, State] = {}

    def end(name: str, state: State, message: str = "") -> None:
        ended[name] = state
        if state == "ran":
            known[name] = condition(named[name])
            with suppress(OSError):  # where it cannot be written, the next run checks everything again
                write_if_changed(record, json.dumps(known))
        tell(name, state, message)
        graph.done(name)

    def start(task: Task) -> object:
        tell(task.name, "running", "")
        return task.action()

    try:
        while graph.is_active():
            for name in graph.get_ready():
                task = named[name]
                broken = [need for need in task.needs if ended.get(need) in ("failed", "stopped")]
                if broken:
                    end(name, "stopped", f"needs {', '.join(broken)}, which failed")
                elif not reason(task, known):
                    end(name, "unchanged")
                else:
                    ready.append(name)
            for name in (name for name in named if name in ready and free[named[name].lane]):
                ready.remove(name)
                free[named[name].lane] -= 1
                running[pools[named[name].lane].submit(start, named[name])] = name
            if running:
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    error, name = done.exception(), running.pop(done)
                    free[named[name].lane] += 1
                    end(name, "failed" if error else "ran", one_line(error) if error else "")
    except BaseException:
        interrupted()
        raise
    finally:
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)


def reasons(tasks: list[Task], record: Path) -> Iterator[tuple[Task, str]]:
    """Yield each task that would run, in order, with the reason."""
    known, remade = remembered(record), {}
    for name in TopologicalSorter({task.name: task.needs for task in tasks}).static_order():
        for task in (task for task in tasks if task.name == name):
            made = [path.name for path in task.inputs if path in remade]
            why = reason(task, known) or (f"{made[0]} will be made again" if made else "")
            if why:
                remade |= dict.fromkeys(task.outputs)
                yield task, why


def reason(task: Task, known: Known) -> str:
    """Return why a task is out of date, nothing when it is not."""
    before, now = known.get(task.name), condition(task)
    if before is None:
        return "not run before"
    for kind, told in (
        ("settings", "{} changed"),
        ("inputs", "{} changed"),
        ("outputs", "{} is not as it was left"),
    ):
        differing = [name for name, value in now[kind].items() if before[kind].get(name) != value]
        differing += [name for name in before[kind] if name not in now[kind]]
        if differing:
            return told.format(differing[0])
    return ""


def remembered(record: Path) -> Known:
    """Return what tasks left when they last succeeded; nothing where that was not written whole."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        kinds = [set(entry) == {"settings", "inputs", "outputs"} for entry in known.values()]
        return known if all(kinds) else {}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def condition(task: Task) -> dict[str, dict[str, str]]:
    """Return what decides whether a task is out of date: fingerprints of its settings, inputs and outputs."""
    settings = {name: json.dumps(value, sort_keys=True, default=str) for name, value in task.settings.items()}
    return {
        "settings": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in settings.items()},
        # by name: where the project lies on this machine is nobody's business
        "inputs": {path.name: content(path) for path in task.inputs},
        "outputs": {path.name: content(path) for path in task.outputs},
    }


def content(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and files of a folder; empty when it is not there."""
    if path.is_dir():
        inside = "".join(f"{inner.name}\0{content(inner)}\0" for inner in sorted(path.iterdir()))
        return hashlib.sha256(inside.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def one_line(error: BaseException) -> str:
    """Return what went wrong in one line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, (Failed, UserError)) else f"{type(error).__name__}: {said}"
