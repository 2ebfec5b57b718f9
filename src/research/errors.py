"""What a user is told when something they gave does not fit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

LONGEST_LINE = 1_000
MOST_LINES = 40
LONGEST_NAME = 100
# Escape sequences would act on the terminal, marks of direction would reorder what a reader sees.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


class UserError(ValueError):
    """A user's mistake; the message names the place, what was found and what was expected.

    What was found may be anything: characters that act instead of being seen are spelt out, and what is endless is cut.
    """

    def __init__(self, message: str) -> None:
        lines = [_cut(visible(line)) for line in message.split("\n")]
        more = [f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
        super().__init__("\n".join(lines[:MOST_LINES] + more))


class NotTestable(UserError):
    """The data cannot answer a question; the message says why. No mistake: the rest of a study goes on."""


@contextmanager
def about(*files: object) -> Iterator[None]:
    """Put the names of files before the message of a mistake found in what they hold, unless it names one already."""
    try:
        yield
    except UserError as error:
        names = [getattr(file, "name", str(file)) for file in files]
        if any(name in str(error) for name in names):
            raise
        raise UserError(f"{', '.join(names)}: {error}") from None


def visible(text: str) -> str:
    """Return text with control characters, marks of direction and halves of characters spelt out, `\\x1b`."""
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def nearest(name: object, options: Iterable[object]) -> str:
    """Return `; did you mean 'x'?` for the closest option, or the list of options when none is close."""
    choices = sorted({str(option) for option in options})
    close = difflib.get_close_matches(str(name)[:LONGEST_NAME], choices, n=1, cutoff=0.55)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; expected one of: {', '.join(choices)}" if choices else ""


def _cut(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    head, tail = LONGEST_LINE * 3 // 4, LONGEST_LINE // 5
    return f"{line[:head]} … {line[-tail:]}"
