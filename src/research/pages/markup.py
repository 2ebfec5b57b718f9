"""HTML of tables, figures and prose with computed numbers: escaped and captioned."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from research.exhibits.exhibit import Formats
from research.exhibits.terms import NAMES
from research.exhibits.words import N_, Said, Words, is_number
from research.numerals import decimals
from research.pages.payload import kind_of, plain
from research.tiers import TIERS

ENGLISH = Words()
Naming = Callable[[str, Any], str]  # (field of a sentence, value) → name under which the number is known
MISSING = "–"
OF_MODELS = ("model", "ranking", "first", "second")  # columns that hold a model's name in the data
WITHHELD_NOTE = N_(
    "Withheld: fewer than {smallest} persons, or a number from which such a count could be computed."
)
WIDE_RANGE = 1000
SHORT_TEXT = 24  # characters; columns of longer texts wrap
ONE_WORD = (
    12  # characters; longer short texts are phrases, which on paper wrap into two lines and not into four
)
LONG_TABLE, LONG_ON_PHONES = 25, 15  # rows; longer tables scroll inside their own container
ON_PAPER = 60  # rows; longer tables are cut on paper (the stylesheet hides the rest)
ROWS_SHOWN = N_("The first {shown:,} of {rows:,} rows; all are in the results.")
ROWS_ON_PAPER = N_("On paper the first {shown} of {rows:,} rows.")
WITHHELD = N_("withheld")
NO_LIMIT = N_("no limit")
EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])")
INTERVAL = re.compile(r"\[[^\]]*\]")
STACKED_FROM = 4  # columns; with more, or as many and one of sentences, a row becomes a block on a phone
DENSE_FROM = 6  # columns; in a table with more those of sentences are narrower
WORDY_COLUMNS = 2  # a table with so many columns of sentences becomes one block per row on a phone

# What makes an exhibit look right in JupyterLab; the report has its own stylesheet and leaves this out.
NOTEBOOK_STYLE = (
    "<style>"
    ".exhibit{max-width:60rem;margin:.5rem 0 1rem;font-size:.95em}"
    ".exhibit table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".exhibit caption,.exhibit figcaption{text-align:left;padding:.3rem 0;font-weight:600}"
    ".exhibit th,.exhibit td{padding:.25rem .7rem;border-bottom:1px solid #8884}"
    ".exhibit th,.exhibit td{text-align:left;vertical-align:top}"
    ".exhibit .num{text-align:right}.exhibit thead th{border-bottom:2px solid #888}"
    ".exhibit .scroll{overflow:auto;max-height:32rem}.exhibit img{max-width:100%;height:auto;background:#fff}"
    ".exhibit .kicker{font-weight:600;margin-bottom:0}"
    ".exhibit.note{border-left:4px solid #1b6ca8;padding:.1rem .9rem}"
    "</style>"
)

LABELS = {
    "ci_low": "95 % CI low",
    "ci_high": "95 % CI high",
    "p_value": "p",
    "p_holm": "p (Holm)",
    "p_bh": "p (BH)",
    "dof": "df",
    "least_dof": "Least df",
    "fewer": "Smaller group",
    "dof_2": "df 2",
    "aic_change": "AIC change",
    "r2_lost": "R² lost",
    "n": "n",
    "auc": "AUC",
    "ks": "KS",
    "pd": "PD",
    "iv": "IV",
    "vif": "VIF",
    "psi": "PSI",
}


PARTS = {
    "q05": "5 % quantile", "q25": "lower quartile", "q75": "upper quartile", "q95": "95 % quantile", "sd": "SD",
    "ac1": "AC1", "pd": "PD", "woe": "weight of evidence", "iv": "IV", "bads": "bad", "ci": "interval",
    "url": "URL", "zh": "(Chinese)", "en": "(English)",
}  # fmt: skip


def label(column: str) -> str:
    """Return the heading of a column: a known short form, or the name in plain words."""
    if column in LABELS:
        return LABELS[column]
    words = " ".join(PARTS.get(part, part) for part in column.split("_"))
    return words[:1].upper() + words[1:] if words[:1].islower() and len(words) > 1 else words


def column_spec(series: pd.Series, spec: str | None, name: str = "") -> str:
    """Return the format of a whole column, so that all its numbers have the same decimals."""
    if spec is not None:
        return spec
    kind = kind_of(series)
    if kind != "number":
        return ""
    if name == "p_value" or name.startswith("p_value_") or name in ("p_holm", "p_bh"):
        return "p"
    known = pd.to_numeric(series, errors="coerce").replace([np.inf, -np.inf], np.nan).dropna().abs()
    if known.empty:
        return ".3f"
    if (known == known.round()).all() and known.max() >= 1:
        return ",.0f"
    if known.max() >= WIDE_RANGE * known[known > 0].min():
        return ""  # one number of decimals would show small values as nought
    return f",.{decimals(float(known.max()))}f"


@dataclass(frozen=True)
class Column:
    """A column as it is shown: its heading, the format of its numbers, and how it is set."""

    name: str
    heading: str
    spec: str
    by_row: Mapping[str, str]
    style: str
    kind: str

    @property
    def parts(self) -> list[str]:
        """The columns that a cell is put together from, such as an estimate and its interval."""
        return parts_of(self.spec) or next(filter(None, map(parts_of, self.by_row.values())), [])


def parts_of(spec: str) -> list[str]:
    """Return the columns that a format names: `{rate:.1%} [{low:.1%}, {high:.1%}]`; none for that of one number."""
    return [name for _, name, _, _ in string.Formatter().parse(spec) if name] if "{" in spec else []


def columns_of(frame: pd.DataFrame, formats: Formats, headings: Mapping[str, str]) -> list[Column]:
    """Return the columns of a table as they are shown."""
    made = []
    for name, heading in headings.items():
        given = formats.get(name)
        by_row = given if given is not None and not isinstance(given, str) else {}
        spec = column_spec(frame[name], given if isinstance(given, str) else None, name)
        kind = kind_of(frame[name])
        column = Column(name, html.escape(heading), spec, by_row, column_class(frame[name], kind), kind)
        if column.parts and kind != "text":  # words with their source stay words
            column = Column(name, column.heading, spec, by_row, "num pair", "number")
        made.append(column)
    return made


def set_table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: str,
    spoken: str,
    words: Words,
    anchor: str = "",
    rows_shown: int = 400,
    withheld: Collection[tuple[int, str]] = (),
    smallest: int = 0,
) -> str:
    """Return a table whose caption is HTML, its texts translated and its tiers called by their names.

    Cells in `withheld` (row, column) say so, with a note that counts below `smallest` are not published. `anchor` is
    the caption's `id` attribute, or nothing.
    """
    numeric = numeric_columns(frame)
    wordy = sum(column.style == "wordy" for column in columns)
    stacked = wordy >= WORDY_COLUMNS or len(columns) + min(wordy, 1) > STACKED_FROM
    head = "".join(
        f'<th scope="col"{attribute("num" if column.style.startswith("num") else "")}>{column.heading}</th>'
        for column in columns
    )
    lines = []
    for place, row in enumerate(frame.head(rows_shown).to_dict("records")):
        cells = []
        named_by = name_of(row, columns)
        for column in columns:
            named = f' data-label="{column.heading}"' if stacked else ""
            if any((place, name) in withheld for name in (column.name, *column.parts)):
                cells.append(f'<td class="withheld"{named}>{words(WITHHELD)}</td>')
                continue
            spec = column.by_row.get(named_by, column.spec)
            text = cell_html(row, column.name, spec, words, numeric)
            tier = str(row[column.name]) if "tier" in column.name.lower() else ""
            style = attribute(f"tier tier-{tier}" if tier in TIERS else column.style)
            row_head = column is columns[0] and column.kind == "text" and text.strip() != ""
            style += named
            cells.append(f'<th scope="row"{style}>{text}</th>' if row_head else f"<td{style}>{text}</td>")
        lines.append("<tr>" + "".join(cells) + "</tr>")
    kind = " long" if len(frame) > LONG_TABLE else " tall" if len(frame) > LONG_ON_PHONES else ""
    kind += " dense" if wordy > WORDY_COLUMNS or len(columns) > DENSE_FROM else ""
    kind += " stack" if stacked else ""
    more = ""
    if len(frame) > rows_shown:
        cut = words(ROWS_SHOWN, shown=rows_shown, rows=len(frame))
        more = f'<p class="more">{cut}</p>'
    if len(frame) > ON_PAPER:
        more += f'<p class="more paper">{words(ROWS_ON_PAPER, shown=ON_PAPER, rows=len(frame))}</p>'
    if withheld:
        more += f'<p class="more">{words(WITHHELD_NOTE, smallest=smallest)}</p>'
    return (
        f'<div class="scroll{kind}" tabindex="0" role="region" aria-label="{html.escape(spoken)}">'
        f"<table><caption{anchor}>{caption}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>{more}"
    )


def numeric_columns(frame: pd.DataFrame) -> set[str]:
    """Return the columns of numbers."""
    return {name for name in frame.columns if kind_of(frame[name]) in ("integer", "number")}


def name_of(row: Mapping[str, Any], columns: Sequence[Column]) -> str:
    """Return the text of a row's first cell, by which formats of rows are found."""
    return ENGLISH.value(plain(row[columns[0].name]), columns[0].spec) if columns else ""


def numbers_of_cells(frame: pd.DataFrame, columns: Sequence[Column]) -> list[list[str | list[str]]]:
    """Return row → cell → the columns whose numbers it shows, in order; of a cell of text the name of its column."""
    numeric = numeric_columns(frame)
    made = []
    for row in frame.to_dict("records"):
        named_by = name_of(row, columns)
        specs = ((column.name, column.by_row.get(named_by, column.spec)) for column in columns)
        shown = ((own, [name for name in parts_of(spec) or [own] if name in numeric]) for own, spec in specs)
        made.append([names or own for own, names in shown])
    return made


def cell_html(
    row: Mapping[str, Any],
    name: str,
    spec: str,
    words: Words,
    numeric: Collection[str],
    *,
    part: bool = False,
) -> str:
    """Return one cell of a table; each of its numbers is an element that keeps its full precision.

    A cell of several columns is missing when the first of them is; a `part` of one is an element even when it is
    missing, so that the place of an element says which column it is of.
    """
    if parts := parts_of(spec):
        if plain(row[parts[0]]) is None:
            return MISSING
        made = "".join(
            html.escape(text)
            + (cell_html(row, inner, form or "", words, numeric, part=True) if inner else "")
            for text, inner, form, _ in string.Formatter().parse(words(spec))
        )
        # An interval stays together; it may stand below its estimate.
        return INTERVAL.sub(lambda found: re.sub(r" (?![^<>]*>)", "\u00a0", found[0]), made)
    value = plain(row[name])
    if value is None:
        return f'<data value="">{MISSING}</data>' if part and name in numeric else MISSING
    if isinstance(value, str) and "tier" in name.lower():
        return html.escape(" / ".join(map(words.tier, value.split(" / "))))  # a rule may feed several
    if name in OF_MODELS and value in NAMES:
        return html.escape(words(NAMES[value]))
    text = html.escape(words(NO_LIMIT) if value in ("inf", "-inf") else words.value(value, spec))
    return f'<data value="{value}">{text}</data>' if name in numeric else text


def without_markup(text: str) -> str:
    """Return a caption as plain text, for places that cannot hold markup."""
    plain_text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", re.sub(r"\*\*|`|\[\[|\]\]", "", text))
    return EMPHASIS.sub(r"\1", plain_text)


def column_class(series: pd.Series, kind: str) -> str:
    """Return how a column is set: numbers to the right, short words on one line, sentences not too narrow."""
    if kind in ("integer", "number"):
        return "num"
    longest = series.dropna().astype(str).str.len().max() if series.notna().any() else 0
    if longest > SHORT_TEXT:
        return "wordy"
    return "short phrase" if longest > ONE_WORD else "short"


def attribute(classes: str) -> str:
    """Return a class attribute."""
    return f' class="{classes}"' if classes else ""


# Links inside prose lead to an anchor, to another notebook, or to an address on the web.
LINK = r"\[([^\]]+)\]\(((?:#|\d\d_|index|https?://)[^)\s\"'<>]*)\)"


def prose_markup(escaped: str) -> str:
    """Return escaped text with **bold**, *emphasis*, `code`, [text](target) and [[exhibit]] as HTML."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    text = re.sub(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", r"<strong>\1</strong>", text)
    text = EMPHASIS.sub(r"<em>\1</em>", text)
    text = re.sub(r"\[\[([\w#-]+)\]\]", r'<a class="xref" href="#\1">\1</a>', text)
    return re.sub(LINK, r'<a href="\2">\1</a>', text)


def said_html(sentence: Said, words: Words, called: Naming = lambda field, _: field, within: str = "") -> str:
    """Return a sentence as HTML.

    Every value becomes an element of its own; a number keeps its full precision in the element, and the name that
    `called` gives it. The fields of a sentence in a field are `outer.inner`; `within` is `outer.` there.
    """
    marked: list[str] = []
    elements: list[str] = []
    for literal, name, spec, _ in string.Formatter().parse(words.translated(sentence.template)):
        marked.append(html.escape(literal, quote=False))
        if name is not None:
            # The value stays out of the inline markup: a customer's text must never become HTML or a link.
            marked.append(f"\x00{len(elements)}\x00")
            elements.append(
                value_element(f"{within}{name}", sentence.fields[name], spec or "", words, called)
            )
    return re.sub("\x00(\\d+)\x00", lambda slot: elements[int(slot.group(1))], prose_markup("".join(marked)))


def value_element(name: str, value: Any, spec: str, words: Words, called: Naming) -> str:
    """Return one value of a prose template as an element that says which value it is."""
    if isinstance(value, Said):
        return said_html(value, words, called, f"{name}.")
    if isinstance(value, list | tuple):
        # Commas and conjunctions of a list have no markup; its items may.
        slots = [f"\x00{place}\x00" for place in range(len(value))]
        items = [
            value_element(f"{name}.{place}", item, "", words, called)
            if isinstance(item, Said) or is_number(item)
            else html.escape(words.value(item))
            for place, item in enumerate(value, start=1)
        ]
        joined = html.escape(words.listed(slots), quote=False)
        return re.sub("\x00(\\d+)\x00", lambda slot: items[int(slot.group(1))], joined)
    shown = html.escape(words.value(value, spec))
    exact = plain(value)
    if is_number(exact):
        return f'<data value="{exact!r}" data-name="{html.escape(called(name, exact))}">{shown}</data>'
    return f'<span class="value" data-name="{name}">{shown}</span>'


@dataclass(frozen=True)
class Picture:
    """A picture as a data address, with its size in CSS pixels."""

    source: str
    width: int
    height: int


def figure_html(
    *,
    caption: str,
    alt: str,
    picture: Picture,
    narrow: Picture | None,
    data: str,
    numbers_of: str,
    anchor: str = "",
) -> str:
    """Return a figure with alternative text and caption (HTML); `data` is its table, shown on demand.

    `narrow` is the picture for a phone, where the other would scroll; `anchor` as in `set_table`.
    """
    shown = (
        f'<img src="{picture.source}" alt="{html.escape(alt)}" width="{picture.width}" '
        f'height="{picture.height}">'
    )
    if narrow is not None:
        shown = (
            f'<picture><source media="(max-width: 40rem)" srcset="{narrow.source}" width="{narrow.width}" '
            f'height="{narrow.height}">{shown}</picture>'
        )
    fits = " fits" if narrow is not None else ""
    return (
        f'<figure><div class="picture{fits}" tabindex="0" role="group" aria-label="Picture, scrolls when narrow">'
        f"{shown}</div><figcaption{anchor}>{caption}</figcaption></figure>"
        f'<details class="figure-data"><summary>{html.escape(numbers_of)}</summary>{data}</details>'
    )


def wrap(kind: str, name: str, body: str, extra: str = "") -> str:
    """Return the exhibit's outer element; the report finds, numbers and links exhibits by it."""
    note = " note" if kind in ("answer", "banner", "limits") else ""
    return f'<div class="exhibit {kind}{note}" id="{html.escape(name)}"{extra}>{body}</div>'
