"""The pictures of a figure: drawn from what is published of it, for a page and for a phone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor
from contextlib import suppress
from dataclasses import replace
from gettext import NullTranslations
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from research.closure import project
from research.errors import UserError
from research.exhibits.exhibit import drawn_by
from research.exhibits.words import Words
from research.once import Once
from research.pages.markup import Picture
from research.pages.payload import payload_to_frame
from research.steps import stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kept = TypeVar("Kept")
Pictures = tuple[Picture, Picture | None]

PHONE = 3.6  # inches: what a phone of 390 px shows without scrolling
SCROLLS_FROM = 400  # CSS pixels
BENEATH = ("kiwisolver", "pillow")  # what matplotlib lays figures out and saves bitmaps with
DRAWN = Once[Pictures](most=64)


def pictures(payload: dict[str, Any], words: Words) -> Pictures:
    """Return a figure drawn for the page and, where that would scroll on a phone, drawn anew for one.

    Those in English are kept, in this process and beside the results of steps: a run whose figures stay as they were
    draws none, and the index repeats figures of pages.
    """
    if type(words.catalogue) is not NullTranslations:
        return _wide_and_narrow(payload, words)
    return DRAWN(_drawing(payload, words), lambda: _stored(payload, words))


def draw(payloads: Iterable[dict[str, Any]], pool: Executor) -> None:
    """Draw figures in English, several at the same time in processes of a pool; `pictures` finds them drawn."""
    words = Words()
    asked = [(_drawing(each, words), each) for each in payloads if "draw" in each]
    with suppress(BrokenExecutor):  # a process was killed; what was not drawn is drawn when it is asked for
        for key, drawing in [(key, pool.submit(_stored, each, words)) for key, each in asked]:
            DRAWN(key, drawing.result)


def _drawing(payload: Mapping[str, Any], words: Words) -> tuple[str, str, float]:
    return json.dumps(payload, sort_keys=True), str(words.locale), words.width


def _stored(payload: dict[str, Any], words: Words) -> Pictures:
    # Slow to import, and only a page that has figures needs it.
    from research.exhibits.style import fonts

    # sentences of a figure are not in the key, only what it is drawn from and with
    modules = (drawn_by(payload["draw"]).__module__, __name__)
    given = {name: payload[name] for name in ("draw", "origin", "columns", "rows")}
    beneath = [metadata.version(name) for name in BENEATH]
    parts = [given, str(words.locale), words.width, fonts(), beneath, project().code(*modules)]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    try:
        return stored("pictures", key, modules, lambda: _wide_and_narrow(payload, words))
    except UserError:  # the cache cannot be written; a page can be made all the same
        return _wide_and_narrow(payload, words)


def _wide_and_narrow(payload: dict[str, Any], words: Words) -> Pictures:
    from research.pages.picture import picture

    wide = drawn(payload, words, picture)
    if wide.width <= SCROLLS_FROM:
        return wide, None
    narrow = drawn(payload, replace(words, width=PHONE), picture)
    return wide, narrow if narrow.width <= SCROLLS_FROM else None


def drawn(payload: Mapping[str, Any], words: Words, kept: Callable[[Figure], Kept]) -> Kept:
    """Return what `kept` makes of a figure, such as `picture`: drawn from what is published of it, with its mark."""
    # Slow to import, and only a page that has figures needs it.
    from research.exhibits.style import leave_unlabelled, mark_origin, theme

    with theme():
        figure = drawn_by(payload["draw"])(payload_to_frame(dict(payload)), words)
        mark_origin(figure, payload["origin"], words)
        leave_unlabelled(figure)
        return kept(figure)
