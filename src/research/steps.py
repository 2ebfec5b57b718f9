"""Steps of a study, cached on disk.

A step declares what it depends on: names of parameters and other steps. Its result is stored under a key made of
those parameters' values, its arguments, everything its module can import (see `research.closure`), and the fingerprint
of the data it reads. A stale result therefore cannot be read, a batch that varies one parameter recomputes only the
steps that use it, and notebooks that run side by side compute each step once.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import json
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from filelock import FileLock
from threadpoolctl import threadpool_limits

from research.cache import refuse_shared
from research.closure import project
from research.errors import UserError
from research.files.wholefiles import whole
from research.parameters import Study
from research.paths import cache_folder

LONG_AGO = 3600.0  # seconds; nobody writes one result for an hour
CHECKSUM = 16  # bytes before a stored result
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
DataKey = Callable[[Study], str]


class View:
    """A study as a step sees it: reading a parameter that the step has not declared is an error."""

    def __init__(self, study: Study, allowed: frozenset[str]) -> None:
        self._study = study
        self._allowed = allowed

    def __getattr__(self, name: str) -> Any:
        if name in Study.model_fields and name in self._allowed:
            return getattr(self._study, name)
        told = (
            "this step reads '{}' without declaring it"
            if name in Study.model_fields
            else "a step cannot use '{}'"
        )
        raise AttributeError(told.format(name))

    def with_dataset(self, name: str) -> Study:
        """Return the same view of the same study on another data set."""
        return cast(Study, View(self._study.with_dataset(name), self._allowed))

    def elsewhere(self, name: str) -> Study:
        """Return the same view of the same study on a data set that lenders are compared with."""
        return cast(Study, View(self._study.elsewhere(name), self._allowed))


class Step(Generic[Arguments, Result]):
    """A cached function of the study; call it with the study."""

    def __init__(
        self,
        function: Callable[Concatenate[Study, Arguments], Result],
        needs: tuple[str | Step[..., Any], ...],
        data: DataKey | None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.needs = needs
        self.parameters: frozenset[str] = frozenset().union(
            *({need} if isinstance(need, str) else need.parameters for need in needs)
        )
        self._data = data
        self._signature = inspect.signature(function)

    def __call__(self, study: Study, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Return the result: what is stored under the key of this call, else computed and stored.

        Raises:
            UserError: the cache cannot be written, or belongs to somebody else.
        """

        def compute() -> Result:
            # what it prints would stand in one run's notebook and not in the next one's, which reads the result back
            with _quietly(self.__name__):
                return self.function(self._view(study), *args, **kwargs)

        return stored(self.__name__, self.key(study, *args, **kwargs), (self.function.__module__,), compute)

    def __reduce__(self) -> str:
        """Pickle a step by its name, as a function is."""
        return self.__name__

    def keep(self, study: Study, result: Result) -> None:
        """Store what was computed elsewhere as the result of a step without arguments."""
        _write(_checked(cache_folder()) / "results" / self.__name__ / f"{self.key(study)}.pickle", result)

    def key(self, study: Study, *args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        """Return the hash of all that decides the result."""
        view = self._view(study)
        given = self._signature.bind(view, *args, **kwargs)
        given.apply_defaults()
        arguments = {name: value for name, value in given.arguments.items() if name != "study"}
        values = plain(study).model_dump(mode="json", include=set(self.parameters))
        parts = [self.__name__, values, arguments, self.code, [source(view) for source in self.data_keys()]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def code(self) -> str:
        """Fingerprint of everything that the step's module can import."""
        return project().code(self.function.__module__)

    def data_keys(self) -> list[DataKey]:
        """Return the functions that fingerprint the data, this step's own and those of the steps it needs."""
        own = [self._data] if self._data else []
        found = own + [key for need in self.needs if isinstance(need, Step) for key in need.data_keys()]
        return list(dict.fromkeys(found))

    def _view(self, study: Study) -> Study:
        return cast(Study, View(plain(study), self.parameters))


def step(
    *needs: str | Step[..., Any], data: DataKey | None = None
) -> Callable[[Callable[Concatenate[Study, Arguments], Result]], Step[Arguments, Result]]:
    """Make a function of the study a cached step.

    Args:
        needs: names of parameters and steps the function uses.
        data: returns the fingerprint of the files the function reads, given the study.
    """
    unknown = [need for need in needs if isinstance(need, str) and need not in Study.model_fields]
    if unknown:
        raise TypeError(f"unknown parameters: {', '.join(unknown)}")

    def wrap(function: Callable[Concatenate[Study, Arguments], Result]) -> Step[Arguments, Result]:
        if next(iter(inspect.signature(function).parameters)) != "study":
            raise TypeError(f"the first argument of step '{function.__name__}' must be named 'study'")
        return Step(function, needs, data)

    return wrap


def plain(study: Study) -> Study:
    """Return the study behind a view, whose every parameter can be read."""
    return study._study if isinstance(study, View) else study


def stored(name: str, key: str, modules: Sequence[str], compute: Callable[[], Result]) -> Result:
    """Return what is stored of a kind of result under a key, else compute and store it.

    Args:
        name: the kind of result, a folder in the cache.
        key: hash of all that decides the result, the code of `modules` among it.
        modules: modules of the project that compute it; what files changed since they were imported is not stored.
        compute: computes the result.

    Raises:
        UserError: the cache cannot be written, or belongs to somebody else.
    """
    place = _checked(cache_folder()) / "results" / name / f"{key}.pickle"
    found, result = _read(place)
    if found:
        return cast(Result, result)
    # One thread of linear algebra: the sums then have one order on every machine, and processes do not wait for each
    # other's spinning threads.
    with _locked(key), threadpool_limits(1, user_api="blas"):
        found, result = _read(place)  # another process may have stored it
        if not found:
            _remove_unfinished(place.parent)
            result = compute()
            if project().is_in_memory(*modules):
                _write(place, result)
    return cast(Result, result)


@functools.cache
def _checked(folder: Path) -> Path:
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_shared(folder)
    return folder


@contextmanager
def _locked(key: str) -> Iterator[None]:
    """Hold the key against other processes; where two compute the same step, the second waits and reads."""
    lock = FileLock(cache_folder() / "locks" / f"{key[:32]}.lock")
    with _told(cache_folder()):
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: a result cannot be stored: {error.strerror}") from None


@contextmanager
def _quietly(name: str) -> Iterator[None]:
    """Send what is printed to the log."""
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            yield
    finally:
        if said.getvalue():
            logging.getLogger(__name__).info("%s: %s", name, said.getvalue())


def _read(place: Path) -> tuple[bool, Any]:
    """Return whether there is a whole result, and the result; a damaged one counts as none."""
    try:
        stored = memoryview(place.read_bytes())
        if stored[:CHECKSUM] == _checksum(stored[CHECKSUM:]):
            return True, pickle.loads(stored[CHECKSUM:])
    except OSError:
        pass
    return False, None


def _write(place: Path, result: object) -> None:
    stored = pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    with _told(cache_folder()), whole(place) as new:
        new.write_bytes(_checksum(stored) + stored)


def _checksum(stored: bytes | memoryview) -> bytes:
    return hashlib.sha256(stored).digest()[:CHECKSUM]  # processors have instructions for it


def _remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed long ago have left under temporary names."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LONG_AGO:
                path.unlink()
