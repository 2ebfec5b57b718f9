"""HTML of tables, figures and prose with computed numbers: escaped and captioned."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.report.payload import kind_of, plain
from research.tiers import TIERS

MISSING = "–"
WITHHELD_NOTE = (
    "Withheld: fewer than {smallest} persons, or a number from which such a count could be computed."
)
WIDE_RANGE = 1000
# column → format, or for a column of unlike numbers the text of a row's first cell → format of that row
Formats = Mapping[str, str | Mapping[str, str]]
SHORT_TEXT = 24  # characters; columns of longer texts wrap
ONE_WORD = (
    12  # characters; longer short texts are phrases, which on paper wrap into two lines and not into four
)
LONG_TABLE = 15  # rows; longer tables scroll inside their own container
ON_PAPER = 60  # rows; longer tables are cut on paper (the stylesheet hides the rest)
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


def label(column: str, labels: Mapping[str, str] | None = None) -> str:
    """Return the heading of a column: the given label, a known short form, or the name in plain words."""
    if labels and column in labels:
        return labels[column]
    if column in LABELS:
        return LABELS[column]
    words = column.replace("_", " ")
    return words[:1].upper() + words[1:] if words[:1].islower() and len(words) > 1 else words


def show(value: Any, spec: str = "") -> str:
    """Return one value as unescaped text; `spec` is a format such as ".3f", "{:.1%}" or "p" (p-value)."""
    value = plain(value)
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in ("inf", "-inf") and spec:
        return "∞" if value == "inf" else "−∞"
    if isinstance(value, int | float):
        text = number(value, spec)
        return minus(text if re.search("[1-9]", text) else text.lstrip("-"))  # no negative nought
    if spec and "{" in spec:
        return spec.format(value)
    return str(value)


def number(value: float, spec: str) -> str:
    """Return a number under a format; without one, about three significant digits that fit its size."""
    if spec == "p":
        return "< 0.001" if value < 0.001 else f"{value:.3f}"
    if "{" in spec:
        return spec.format(value)
    if spec:
        return format(int(value) if spec.endswith("d") else value, spec)
    if isinstance(value, int):
        return f"{value:,}"
    places = 0 if value.is_integer() and abs(value) >= 10 else decimals(abs(value))
    return f"{value:,.{places}f}"


def decimals(size: float) -> int:
    """Return how many decimals a number of this size needs: 3 below ten, down to none from a thousand."""
    if size >= 1000:
        return 0
    if size >= 100:
        return 1
    if size >= 10:
        return 2
    return 3 if size >= 0.001 or size == 0 else 5


def minus(text: str) -> str:
    """Return the text with a true minus sign before a number, so that columns line up."""
    return re.sub(r"(?<![\w.])-(?=[\d.])", "−", text)


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


def table_html(
    frame: pd.DataFrame,
    *,
    caption: str,
    formats: Formats | None = None,
    labels: Mapping[str, str] | None = None,
    rows_shown: int = 400,
    withheld: Collection[tuple[int, str]] = (),
    smallest: int = 0,
) -> str:
    """Return a captioned table; `frame` has plain columns (see `payload.tidy`).

    Cells in `withheld` (row, column) say so, with a note that counts below `smallest` are not published.
    """
    formats = formats or {}
    kinds = {column: kind_of(frame[column]) for column in frame.columns}
    classes = {column: column_class(frame[column], kinds[column]) for column in frame.columns}
    given = {column: spec for column, spec in formats.items() if isinstance(spec, str)}
    by_row = {column: spec for column, spec in formats.items() if not isinstance(spec, str)}
    specs = {column: column_spec(frame[column], given.get(column), column) for column in frame.columns}
    first = frame.columns[0] if len(frame.columns) else None
    wordy = sum(found == "wordy" for found in classes.values())
    headings = {column: html.escape(label(column, labels)) for column in frame.columns}
    stacked = wordy >= WORDY_COLUMNS
    head = "".join(
        f'<th scope="col"{attribute("num" if classes[column] == "num" else "")}>{heading}</th>'
        for column, heading in headings.items()
    )
    lines = []
    for place, row in enumerate(frame.head(rows_shown).itertuples(index=False, name=None)):
        cells = []
        for column, value in zip(frame.columns, row, strict=True):
            named = f' data-label="{headings[column]}"' if stacked else ""
            if (place, column) in withheld:
                cells.append(f'<td class="withheld"{named}>withheld</td>')
                continue
            spec = by_row.get(column, {}).get(str(row[0]), specs[column])
            text = html.escape(show(value, spec))
            style = attribute(
                f"tier tier-{text}" if text in TIERS and "tier" in column.lower() else classes[column]
            )
            row_head = column == first and kinds[column] == "text" and text.strip() != ""
            style += named
            cells.append(f'<th scope="row"{style}>{text}</th>' if row_head else f"<td{style}>{text}</td>")
        lines.append("<tr>" + "".join(cells) + "</tr>")
    kind = (" long" if len(frame) > LONG_TABLE else "") + (" dense" if wordy > WORDY_COLUMNS else "")
    kind += " stack" if stacked else ""
    more = ""
    if len(frame) > rows_shown:
        more = f'<p class="more">The first {rows_shown:,} of {len(frame):,} rows; all are in the results.</p>'
    if len(frame) > ON_PAPER:
        more += f'<p class="more paper">On paper the first {ON_PAPER} of {len(frame):,} rows.</p>'
    if withheld:
        more += f'<p class="more">{WITHHELD_NOTE.format(smallest=smallest)}</p>'
    spoken = html.escape(without_markup(caption))
    return (
        f'<div class="scroll{kind}" tabindex="0" role="region" aria-label="{spoken}">'
        f"<table><caption>{prose_markup(html.escape(caption))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>{more}"
    )


def without_markup(text: str) -> str:
    """Return a caption as plain text, for places that cannot hold markup."""
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", re.sub(r"\*\*|`|\[\[|\]\]", "", text))


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
    text = re.sub(r"(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])", r"<em>\1</em>", text)
    text = re.sub(r"\[\[([\w#-]+)\]\]", r'<a class="xref" href="#\1">\1</a>', text)
    return re.sub(LINK, r'<a href="\2">\1</a>', text)


def fill(template: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Fill a prose template and return (html, plain text).

    Every value becomes an element of its own; a number keeps its full precision in the element.
    Raises ValueError for digits typed into the template, a field without value or a value without field.
    """
    marked: list[str] = []
    text: list[str] = []
    elements: list[str] = []
    used: set[str] = set()
    for literal, field, spec, _ in string.Formatter().parse(template):
        reject_digits(literal, template)
        marked.append(html.escape(literal, quote=False))
        text.append(literal)
        if field is None:
            continue
        if field not in values:
            raise ValueError(f"the template names '{{{field}}}' but no such value was given: {template!r}")
        used.add(field)
        # The value stays out of the inline markup: a customer's text must never become HTML or a link.
        marked.append(f"\x00{len(elements)}\x00")
        elements.append(value_element(field, values[field], spec or ""))
        text.append(show(values[field], spec or ""))
    if unused := set(values) - used:
        raise ValueError(f"values given but not in the template: {', '.join(sorted(unused))}")
    body = re.sub("\x00(\\d+)\x00", lambda slot: elements[int(slot.group(1))], prose_markup("".join(marked)))
    return body, "".join(text)


def value_element(field: str, value: Any, spec: str) -> str:
    """Return one value of a prose template as an element that says which value it is."""
    shown = html.escape(show(value, spec))
    exact = plain(value)
    if isinstance(exact, int | float) and not isinstance(exact, bool):
        return f'<data value="{exact!r}" data-name="{field}">{shown}</data>'
    return f'<span class="value" data-name="{field}">{shown}</span>'


# Cross-references, links, code, the level of an interval, and names that happen to end in a digit.
NOT_NUMBERS = re.compile(
    r"\[\[[^\]]*\]\]|\]\([^)]*\)|`[^`]*`|95\s*%|\bIFRS\s*9\b|\b[Ss]tages?\s*[123](?:\s*(?:,|or|and|to)\s*[123])*\b"
)


def reject_digits(literal: str, template: str) -> None:
    """Raise when a number is typed into prose; identifiers (H1, R2) and '95 %' are not numbers."""
    rest = NOT_NUMBERS.sub("", literal)
    typed = re.search(r"(?<![A-Za-z_\d])\d[\d.,]*", rest)
    if typed:
        raise ValueError(
            f"'{typed.group()}' is typed into the prose; give it as a computed value instead: {template!r}"
        )


def figure_html(*, caption: str, alt: str, source: str, width: int, height: int, data: str = "") -> str:
    """Return a figure with alternative text and caption; `data` is an optional table shown on demand.

    Without a source the words stand in the place of the picture.
    """
    below = (
        f'<details class="figure-data"><summary>Numbers of this figure</summary>{data}</details>'
        if data
        else ""
    )
    picture = (
        f'<div class="picture" tabindex="0" role="group" aria-label="Picture, scrolls when narrow">'
        f'<img src="{source}" alt="{html.escape(alt)}" width="{width}" height="{height}"></div>'
        if source
        else f'<p class="more">{html.escape(alt)}</p>'
    )
    return f"<figure>{picture}<figcaption>{prose_markup(html.escape(caption))}</figcaption></figure>{below}"


def wrap(kind: str, name: str, body: str, extra: str = "") -> str:
    """Return the exhibit's outer element; the report finds, numbers and links exhibits by it."""
    note = " note" if kind in ("answer", "banner", "limits") else ""
    return f'<div class="exhibit {kind}{note}" id="{html.escape(name)}"{extra}>{body}</div>'
