"""Steps of a study, cached on disk.

A step declares what it depends on: names of parameters and other steps. Its result is stored under a
key made of those parameters' values, the code it can reach with all definitions, and the fingerprint of the data it
reads. A stale result therefore cannot be read, a batch that varies one parameter recomputes only the steps that
use it, and notebooks that run side by side compute each step once.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import json
import logging
import os
import pickle
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock
from joblib import Memory, register_store_backend
from joblib._store_backends import CacheWarning, FileSystemStoreBackend
from threadpoolctl import threadpool_limits

from research.cache import refuse_shared
from research.errors import UserError
from research.fingerprint import code_of
from research.parameters import Study
from research.paths import cache_folder

LONG_AGO = 3600.0  # seconds; nobody writes one result for an hour
Result = TypeVar("Result")
DataKey = Callable[[Any], str]


class View:
    """The parameters a step may read; reading another one is a mistake in the step's declaration."""

    def __init__(self, study: Study | View, allowed: frozenset[str]) -> None:
        self._study = study
        self._allowed = allowed

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in Study.model_fields and name not in self._allowed:
            raise AttributeError(f"this step reads '{name}' without declaring it")
        return getattr(self._study, name)

    def values(self) -> dict[str, Any]:
        """Return the allowed parameters and their values."""
        study = plain(self)
        return {name: value for name, value in study.model_dump(mode="json").items() if name in self._allowed}


class Step:
    """A cached function of the study; call it with the study."""

    def __init__(
        self, function: Callable[..., Result], needs: tuple[str | Step, ...], data: DataKey | None
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.needs = needs
        self.parameters: frozenset[str] = frozenset().union(
            *({need} if isinstance(need, str) else need.parameters for need in needs)
        )
        self._data = data

    @functools.cached_property
    def code(self) -> str:
        """Fingerprint of the code the step can reach: its own text, the steps it calls, and whole families."""
        texts, families = reach(self.function)
        return hashlib.sha256("\0".join([*sorted(texts), code_of(frozenset(families))]).encode()).hexdigest()

    def __call__(self, study: Study | View, *args: Any) -> Any:
        view = View(plain(study), self.parameters)
        key = self.key(study, *args)
        store = _memory().cache(self.function, ignore=["study"])
        if store.check_call_in_cache(view, *args, key=key):
            with _quietly(self.__name__):  # a damaged result is computed again
                return store(view, *args, key=key)
        lock = cache_folder() / "locks" / f"{key[:32]}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        # One thread of linear algebra: the sums then have one order on every machine, and processes do not wait for
        # each other's spinning threads.
        # What is printed or warned while computing would stand in one run's notebook and not in the next one's, which
        # reads the result back.
        with FileLock(lock), threadpool_limits(1, user_api="blas"), _quietly(self.__name__):
            _remove_unfinished(store)
            try:
                return store(view, *args, key=key)
            except CacheWarning as warning:
                _remove_unfinished(store)
                if isinstance(warning.__context__, OSError):
                    reason = warning.__context__.strerror
                    raise UserError(f"{cache_folder()}: a result cannot be stored: {reason}") from None
                raise

    def key(self, study: Study | View, *args: Any) -> str:
        """Return the hash of all that decides the result."""
        view = View(plain(study), self.parameters)
        data = [source(view) for source in self.data_keys()]
        parts = [self.__name__, view.values(), list(args), self.code, data]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    def data_keys(self) -> list[DataKey]:
        """Return the functions that fingerprint the data, this step's own and those of the steps it needs."""
        own = [self._data] if self._data else []
        found = own + [key for need in self.needs if isinstance(need, Step) for key in need.data_keys()]
        return list(dict.fromkeys(found))


def step(*needs: str | Step, data: DataKey | None = None) -> Callable[[Callable[..., Any]], Step]:
    """Make a function of the study a cached step.

    Args:
        needs: names of parameters and steps the function uses.
        data: returns the fingerprint of the files the function reads, given the study.
    """
    unknown = [need for need in needs if isinstance(need, str) and need not in Study.model_fields]
    if unknown:
        raise TypeError(f"unknown parameters: {', '.join(unknown)}")

    def wrap(function: Callable[..., Any]) -> Step:
        if next(iter(inspect.signature(function).parameters)) != "study":
            raise TypeError(f"the first argument of step '{function.__name__}' must be named 'study'")
        if "key" not in inspect.signature(function).parameters:
            function = _with_key(function)
        return Step(function, needs, data)

    return wrap


def plain(study: Study | View) -> Study:
    """Return the study behind a view."""
    while isinstance(study, View):
        study = object.__getattribute__(study, "_study")
    return study


def reach(function: Callable[..., Any], seen: set[Any] | None = None) -> tuple[set[str], set[str]]:
    """Return the texts of the functions of the study that a step can reach, and the families it uses.

    A function reaches other code only through the names in its byte code, so those names are followed.
    """
    seen = set() if seen is None else seen
    function = inspect.unwrap(function)
    if function in seen:
        return set(), set()
    seen.add(function)
    texts, families = {inspect.getsource(function)}, set()
    for name in _names(function.__code__):
        target = function.__globals__.get(name)
        target = target.function if isinstance(target, Step) else target
        module = getattr(target, "__module__", None) or getattr(target, "__name__", "") or ""
        here = module == function.__module__ or module.startswith("research.study")
        if inspect.isfunction(target) and here:
            more_texts, more_families = reach(target, seen)
            texts |= more_texts
            families |= more_families
        elif not here:
            families |= {text.split(".")[1] for text in (module, name) if text.startswith("research.")}
    return texts, families


def _names(code: types.CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*(_names(each) for each in inner))


def _with_key(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the function a `key` argument, which is all that joblib looks at besides the plain arguments."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def keyed(*args: Any, key: str, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    extra = inspect.Parameter("key", inspect.Parameter.KEYWORD_ONLY)
    keyed.__signature__ = signature.replace(parameters=[*signature.parameters.values(), extra])  # type: ignore[attr-defined]
    return keyed


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


def _remove_unfinished(store: Any) -> None:
    """Remove files that were never finished: by this thread on a full disk, or long ago by a killed process."""
    own = f"-{os.getpid()}-{id(threading.current_thread())}"
    for path in Path(store.store_backend.location, store.func_id).glob("*/output.pkl.*"):
        with suppress(OSError):
            if path.name.endswith(own) or time.time() - path.stat().st_mtime > LONG_AGO:
                path.unlink()


class PlainPickles(FileSystemStoreBackend):
    """Stores results as plain pickles: joblib's own reader is written in Python and slow on columns of text."""

    def load_item(self, call_id: list[str], **_: Any) -> Any:
        """Read a result. Raises KeyError when there is none."""
        path = Path(self.location, *call_id, "output.pkl")
        if not path.exists():
            raise KeyError(f"{path}: does not exist")
        return pickle.loads(path.read_bytes())

    def dump_item(self, call_id: list[str], item: Any, **_: Any) -> None:
        """Write a result under a temporary name, then rename it. Raises CacheWarning when that fails."""

        def write(item: Any, name: str) -> None:
            Path(name).write_bytes(pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL))

        folder = Path(self.location, *call_id)
        try:
            self.create_location(folder)
            self._concurrency_safe_write(item, str(folder / "output.pkl"), write)
        except (OSError, pickle.PicklingError) as error:
            raise CacheWarning(f"{folder}: {error}") from error


register_store_backend("plain pickles", PlainPickles)


@functools.cache
def _memory() -> Memory:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_shared(folder)
    logging.getLogger("joblib").setLevel(logging.ERROR)
    # A warning would stand in the notebook, and every later run would compute the step again.
    warnings.filterwarnings("error", category=CacheWarning)
    # a folder for this format: what joblib wrote before cannot be read as a plain pickle
    return Memory(folder / "plain", backend="plain pickles", verbose=0)
