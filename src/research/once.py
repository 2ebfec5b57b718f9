"""What this process has worked out already, by all that decides it: the same again need not be computed twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Once(Generic[Found]):
    """Results by key, at most `most` of them; they are shared, so that nobody may change one."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: dict[Hashable, Found] = {}

    def __call__(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """Return what was made under this key, which must tell all that `make` depends on."""
        with suppress(KeyError):  # another thread may clear in between
            return self.kept[key]
        if len(self.kept) >= self.most:
            self.kept.clear()
        return self.kept.setdefault(key, make())
