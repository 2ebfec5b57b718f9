"""Many runs, side by side; one that fails never stops the others."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from research.errors import UserError
from research.runs import pipeline, processes
from research.runs.grid import Grid, run_name
from research.runs.plan import Plan

FAILURES_SHOWN = 8
PATIENCE = 20.0
DIED = "its process died; too little memory, or a crash in a library"


@dataclass(frozen=True)
class Outcome:
    """How one run of a batch ended: ran, unchanged or failed, in how many seconds, with which message."""

    name: str
    state: str
    seconds: float
    message: str = ""


Carrier = Callable[[Mapping[str, Plan]], Iterable[Outcome]]


def execute(plan: Plan, name: str, patience: float = PATIENCE) -> Outcome:
    """Carry out one run in this process; whatever goes wrong is told, never raised.

    Args:
        plan: the run.
        name: of the run, for its outcome.
        patience: seconds to wait for another process to leave the run's folder; one that was killed takes a moment.
    """
    # Every run has a kernel of its own: more threads than processors would only make them wait for each other.
    os.environ.setdefault("RESEARCH_JOBS", "1")
    began = time.monotonic()
    try:
        result = pipeline.run(plan, console=Console(file=io.StringIO()), quiet=True, patience=patience)
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return Outcome(name, "failed", time.monotonic() - began, " ".join(reason.split())[:400])
    messages = [f"{line.name}: {line.message}" for line in result.failed] + result.faults
    state = "failed" if result.exit_code else "unchanged" if result.unchanged else "ran"
    return Outcome(name, state, time.monotonic() - began, "; ".join(messages)[:800])


def named(grid: Grid, plans: list[Plan]) -> dict[str, Plan]:
    """Return the runs by their names, in the order of the grid."""
    return {run_name(changes): plan for changes, plan in zip(grid.runs, plans, strict=True)}


def run_all(runs: Mapping[str, Plan], carry_out: Carrier, console: Console) -> list[Outcome]:
    """Carry out all runs, show how they get on, and return their outcomes in the order of the grid.

    Runs that an earlier, interrupted batch finished are found unchanged and cost next to nothing.

    Args:
        runs: name → plan.
        carry_out: yields an outcome per run as they end: `here`, or `research.runs.cluster.there`.
        console: where progress is shown.
    """
    outcomes = {outcome.name: outcome for outcome in watched(carry_out(runs), len(runs), console)}
    return [outcomes[name] for name in runs]


def here(runs: Mapping[str, Plan], jobs: int) -> Iterator[Outcome]:
    """Carry out runs in `jobs` processes of this machine; yield outcomes as they come.

    When a process dies, the runs that were under way are repeated one by one, so that a run that kills its process
    fails alone.
    """
    left = dict(runs)
    processes.begin()
    while left:
        with processes.pool(jobs) as pool:
            futures = {pool.submit(execute, plan, name): name for name, plan in left.items()}
            for future in as_completed(futures):
                if not isinstance(future.exception(), BrokenProcessPool):
                    del left[futures[future]]
                    yield future.result()
        # Runs begin in order: those under way are the first that have not ended.
        for name in list(left)[:jobs]:
            yield alone(left.pop(name), name)


def alone(plan: Plan, name: str) -> Outcome:
    """Carry out one run in a process of its own."""
    began = time.monotonic()
    try:
        with processes.pool(1) as pool:
            return pool.submit(execute, plan, name).result()
    except BrokenProcessPool:
        return Outcome(name, "failed", time.monotonic() - began, DIED)


def watched(finished: Iterable[Outcome], total: int, console: Console) -> Iterable[Outcome]:
    """Yield outcomes as they come and show how many are done, the rate, and the time left."""
    board = Board(total)
    if not console.is_terminal:
        for outcome in finished:
            board.add(outcome)
            console.print(board.line(outcome), markup=False, highlight=False, soft_wrap=True)
            yield outcome
        return
    with Live(get_renderable=board.show, console=console, refresh_per_second=4):
        for outcome in finished:
            board.add(outcome)
            yield outcome


class Board:
    """What a batch shows while it runs."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.began = time.monotonic()
        self.counts = {"ran": 0, "unchanged": 0, "failed": 0}
        self.failures: list[Outcome] = []
        self.bar = Progress(
            TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
        )
        self.task = self.bar.add_task("", total=total)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.counts[outcome.state] += 1
        if outcome.state == "failed":
            self.failures.append(outcome)
        self.bar.update(self.task, advance=1, description=self.pace())

    @property
    def done(self) -> int:
        """How many runs have ended."""
        return sum(self.counts.values())

    def pace(self) -> str:
        """Return runs per minute and the time left; unchanged runs, which cost nothing, do not count."""
        worked = self.counts["ran"] + self.counts["failed"]
        passed = time.monotonic() - self.began
        if not worked or passed <= 0:
            return ""
        rate = worked / passed
        left = int((self.total - self.done) / rate)
        return f"{rate * 60:.1f} a minute, {left // 60}:{left % 60:02d} left"

    def line(self, outcome: Outcome) -> str:
        """Return one line about an outcome."""
        note = f": {outcome.message}" if outcome.message else ""
        return f"[{self.done}/{self.total}] {outcome.name} {outcome.state} ({outcome.seconds:.1f} s){note}"

    def show(self) -> Any:
        """Return the live display."""
        counts = Text(", ".join(f"{count} {state}" for state, count in self.counts.items() if count))
        failures = [
            Text(f"{one.name}: {one.message}", style="red", overflow="ellipsis", no_wrap=True)
            for one in self.failures[-FAILURES_SHOWN:]
        ]
        return Group(self.bar, counts, *failures)
