"""Run each mutant in a fork of one process that has everything imported and all tests collected.

A mutant lives in the memory of its fork only: the code of one function is replaced, and no file is written. Only the
tests that call the function run, fastest first, until one fails.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import sys
import tempfile
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mutators
import pytest

SLOW = 8.0  # seconds: slower tests run only where no faster one covers the function
TOGETHER = 40.0  # seconds of tests for one mutant at most, fastest first
Code = tuple[str, int]  # file and first line of a function


class Calls:
    """Which functions of the package each test calls, directly or through its fixtures, and how long it takes."""

    def __init__(self, package: Path) -> None:
        self.package = str(package)
        self.open: list[set[Code]] = []
        self.fixtures: dict[tuple[str, str], set[Code]] = defaultdict(set)
        self.tests: dict[str, set[Code]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def _seen(self, frame: types.FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if self.open and code.co_filename.startswith(self.package):
            for found in self.open:
                found.add((code.co_filename, code.co_firstlineno))

    @contextmanager
    def recording(self, found: set[Code]) -> Iterator[None]:
        self.open.append(found)
        sys.settrace(self._seen)
        yield
        self.open.pop()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        with self.recording(self.fixtures[fixturedef.baseid, fixturedef.argname]):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        start = time.perf_counter()
        with self.recording(self.tests[item.nodeid]):
            result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.add(report.nodeid)

    def of(self, item: pytest.Item) -> set[Code]:
        found = set(self.tests[item.nodeid])
        for (base, name), calls in self.fixtures.items():
            if name in getattr(item, "fixturenames", ()) and item.nodeid.startswith(base):
                found |= calls
        return found

    def summary(self, items: list[pytest.Item]) -> dict[str, tuple[float, set[Code]]]:
        good = [item for item in items if item.nodeid in self.seconds and item.nodeid not in self.failed]
        return {item.nodeid: (self.seconds[item.nodeid], self.of(item)) for item in good}


class Session:
    """A pytest plugin: instead of running the tests once, run them for every mutant."""

    def __init__(self, package: Path, mutants: list[mutators.Mutant], report: Callable[..., None]) -> None:
        self.package, self.mutants, self.report = package, mutants, report

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.collect()
        gc.freeze()  # otherwise the collector of each fork would copy all memory
        calls = _in_fork(lambda: self._watch(session), 3600)[1]
        if calls is None:
            raise pytest.UsageError("the tests could not be run without a mutant")
        for mutant in self.mutants:
            items = self._covering(session.items, calls, mutant)
            seconds = sum(calls[item.nodeid][0] for item in items)
            if items:
                start = time.perf_counter()
                state, by = _in_fork(lambda: _first_failure(session, items, mutant), 30 + 8 * seconds)  # noqa: B023
                self.report(mutant, state if by is None else "killed", by or "", time.perf_counter() - start)
            else:
                self.report(mutant, "not covered", "", 0.0)
        return True

    def _watch(self, session: pytest.Session) -> dict[str, tuple[float, set[Code]]]:
        calls = Calls(self.package)
        session.config.pluginmanager.register(calls)
        for item in session.items:
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.settrace(None)
        return calls.summary(session.items)

    def _covering(self, items: list[pytest.Item], calls: dict, mutant: mutators.Mutant) -> list[pytest.Item]:
        code = plain(mutant.module, mutant.function).__code__
        key = code.co_filename, code.co_firstlineno
        found = [item for item in items if item.nodeid in calls and key in calls[item.nodeid][1]]
        found = sorted(found, key=lambda item: calls[item.nodeid][0])
        kept, total = [], 0.0
        for item in found:
            total += calls[item.nodeid][0]
            if kept and (total > TOGETHER or calls[item.nodeid][0] > SLOW):
                break
            kept.append(item)
        return kept


def plain(module: str, name: str) -> types.FunctionType:
    """Return the function behind decorators, properties and class methods."""
    found: Any = importlib.import_module(f"research.{module}")
    for part in name.split("."):
        found = vars(found)[part]
    return _undecorated(found)


def _undecorated(found: Any) -> types.FunctionType:
    while not isinstance(found, types.FunctionType) or hasattr(found, "__wrapped__"):
        found = next(
            getattr(found, name)
            for name in ("__wrapped__", "__func__", "fget", "func")
            if hasattr(found, name)
        )
    return found


def install(mutant: mutators.Mutant) -> None:
    """Replace the code of the live function by the mutant's, so that everything that imported it sees the change."""
    module = importlib.import_module(f"research.{mutant.module}")
    path = Path(module.__file__)
    tree = mutators.mutated(path.read_text(encoding="utf-8"), mutant)
    fresh = types.ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(tree, str(path), "exec"), vars(fresh))
    new: Any = fresh
    for part in mutant.function.split("."):
        new = vars(new)[part]
    old, new = plain(mutant.module, mutant.function), _undecorated(new)
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def _first_failure(session: pytest.Session, items: list[pytest.Item], mutant: mutators.Mutant) -> str | None:
    """Return the test that noticed the mutant."""
    install(mutant)
    for item in items:
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if session.testsfailed:
            return item.nodeid
    return None


def _in_fork(work: Callable[[], Any], limit: float) -> tuple[str, Any]:
    """Return ("survived", what the work returned), or ("timeout", None), or ("killed", "crash")."""
    with tempfile.NamedTemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            os.setsid()
            status = 1
            try:
                with tempfile.TemporaryDirectory() as cache, Path(os.devnull).open("wb") as quiet:
                    os.environ["RESEARCH_CACHE"] = cache
                    os.dup2(quiet.fileno(), 1)
                    os.dup2(quiet.fileno(), 2)
                    Path(answer.name).write_bytes(pickle.dumps(work()))
                status = 0
            finally:
                os._exit(status)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.01)
        else:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout", None
        if status:
            return "killed", "the process crashed"
        return "survived", pickle.loads(Path(answer.name).read_bytes())
