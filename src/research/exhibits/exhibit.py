"""An exhibit is data: a frame, a sentence, and the name of the function that draws it.

Nothing in it is words or a picture yet: both are made when a page is written, in the language of the page, so that one
run of the study serves every language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pandas as pd

from research.exhibits.words import Said, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = re.compile(r"[a-z][a-z0-9_]*")
CAPTION_WORDS = 30
MOST_COLUMNS = 8
# Where the numbers come from; in a demonstration nobody stands behind them, and the picture says so.
ORIGINS = ("real", "recorded", "reported", "assumed", "demonstration")
Drawing = Callable[[pd.DataFrame, Words], "Figure"]
# column → format, or for a column of unlike numbers the text of a row's first cell → format of that row
Formats = Mapping[str, "str | Mapping[str, str]"]
DRAWN = "research.exhibits.drawn"  # attribute of a function that draws: its name in the registry


@dataclass(frozen=True)
class Exhibit:
    """A table or a figure of a page.

    Attributes:
        name: unique on the page: its anchor, its file in `results/`, its key in `values.json`.
        frame: all its numbers, in full; tidy, one row per result.
        caption: the answer in one sentence of at most thirty words; `**bold**` and `[[other_exhibit]]` work.
        alt: what a reader who cannot see the picture needs to know; a table needs none.
        draw: a function marked `@drawing`; without one the exhibit is a table.
        headings: column → heading, of the columns that a table shows, in order, at most eight; the frame may have more.
            A heading that names the outcome is a `Said` with its word as a field.
            None: all columns, under their names in plain words.
        formats: column → format: `.1%`, `p`, a text with columns of the same row
            (`{rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]`), or, in a column of unlike numbers, a mapping from the text of
            the row's first column shown to a format.
        within: how rows add up to totals that a reader knows, see `research.pages.disclosure.protected`.
        origin: one of `ORIGINS`.
        supplement: asked for by referees only: it stands in the fold at the end of the page.

    Raises:
        ValueError: a bad name, too many words or columns, an unknown column or origin, a figure without alternative
            text or whose function is not marked.
    """

    name: str
    frame: pd.DataFrame
    caption: Said
    alt: Said | None = None
    draw: Drawing | None = None
    headings: Mapping[str, str | Said] | None = None
    formats: Formats = field(default_factory=dict)
    within: Sequence[str | Sequence[str]] | None = ((),)
    origin: str = "real"
    supplement: bool = False

    def __post_init__(self) -> None:
        def refuse(why: str) -> None:
            raise ValueError(f"exhibit '{self.name}': {why}")

        if not NAME.fullmatch(self.name):
            refuse("its name may have small letters, digits and '_', a letter first")
        if not self.caption.template.strip():
            refuse("it needs a caption")
        if self.caption.length() > CAPTION_WORDS:
            refuse(f"its caption has {self.caption.length()} words, at most {CAPTION_WORDS}: {self.caption}")
        if self.draw is not None and self.alt is None:
            refuse("a figure needs an alternative text (alt=)")
        if self.draw is not None and not hasattr(self.draw, DRAWN):
            refuse(f"mark the function {self.draw.__name__} with @drawing")
        if self.origin not in ORIGINS:
            refuse(f"origin is '{self.origin}', expected one of {', '.join(ORIGINS)}")
        if self.headings is not None and len(self.headings) > MOST_COLUMNS:
            refuse(f"{len(self.headings)} columns, at most {MOST_COLUMNS} fit the page")
        known = {*map(str, self.frame.columns), *filter(None, self.frame.index.names)}
        if unknown := sorted({*self.formats, *(self.headings or ())} - known):
            refuse(f"no such column: {', '.join(unknown)}; it has {', '.join(sorted(known))}")

    @property
    def kind(self) -> str:
        """Table or figure."""
        return "table" if self.draw is None else "figure"


def drawing(function: Drawing) -> Drawing:
    """Mark a function of `research.exhibits` as one that draws: `(frame, words) → Figure`.

    Executed notebooks name it as `module:function`; it is called again for every language and width.
    """
    setattr(function, DRAWN, f"{function.__module__.rpartition('.')[2]}:{function.__name__}")
    return function


def drawing_name(function: Drawing) -> str:
    """Return the name under which an executed notebook remembers a function that draws."""
    return str(getattr(function, DRAWN))


def interval(spec: str, of: str = "estimate", ends: str = "ci") -> str:
    """Return the format of a column with its interval; a sign stands at the number alone.

    >>> interval("+.1f", "gap")
    '{gap:+.1f} [{ci_low:.1f}, {ci_high:.1f}]'
    """
    end = spec.removeprefix("+")
    return f"{{{of}:{spec}}} [{{{ends}_low:{end}}}, {{{ends}_high:{end}}}]"


@cache
def drawn_by(name: str) -> Drawing:
    """Return the function that draws, from its name in an executed notebook.

    Only functions of this package that are marked `@drawing` are found, whatever a notebook says.

    Raises:
        ValueError: there is no such function.
    """
    import research.exhibits as package

    module, _, function = name.partition(":")
    if module in {found.name for found in iter_modules(package.__path__)}:
        made = getattr(import_module(f"{package.__name__}.{module}"), function, None)
        if getattr(made, DRAWN, "") == name:
            return made
    raise ValueError(f"no function of research.exhibits draws '{name}'")
