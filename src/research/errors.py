"""What a user is told when something they gave does not fit."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A user's mistake; the message names the place, what was found and what was expected."""


def nearest(name: str, options: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest option, or the list of options when none is close."""
    choices = sorted(set(options))
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.55)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; expected one of: {', '.join(choices)}" if choices else ""
