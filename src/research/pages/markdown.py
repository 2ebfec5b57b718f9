"""Markdown cells as HTML: headings with anchors, MathML instead of scripts, tables with captions."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


@dataclass(frozen=True)
class Heading:
    """A heading of a page: level 1 to 6, anchor, text as HTML."""

    level: int
    anchor: str
    text: str


class Renderer(IPythonRenderer):
    """Collects the headings of a page and gives each an anchor of its own."""

    def __init__(self, taken: set[str]) -> None:
        # Markup typed into a cell would escape the checks of the page, so it is shown as text.
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
        self.taken = taken
        self.headings: list[Heading] = []

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Return a heading with a link to itself; the title of the page needs none."""
        anchor = self.free(slug(text))
        self.headings.append(Heading(level, anchor, text))
        if level == 1:
            return f'<h1 id="{anchor}">{text}</h1>\n'
        return f'<h{level} id="{anchor}">{text}{self_link(anchor, text)}</h{level}>\n'

    def free(self, wanted: str) -> str:
        """Return the wanted anchor, or one with a number behind it when it is taken."""
        anchor, count = wanted, 1
        while anchor in self.taken:
            count += 1
            anchor = f"{wanted}-{count}"
        self.taken.add(anchor)
        return anchor

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return formula(body, "inline")

    def block_math(self, body: str) -> str:
        """Return a formula of its own line; it scrolls by itself when the page is narrow."""
        shown = formula(body, "block")
        return f'<span class="formula" tabindex="0" role="group" aria-label="Formula">{shown}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        """Return an environment such as aligned equations."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a code block without colours; the code of a notebook is in its code cells."""
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


def formula(latex: str, display: str) -> str:
    """Return MathML of a LaTeX formula. Raises ValueError naming the formula when it cannot be read."""
    try:
        return convert(latex.strip(), display=display)
    except Exception as error:
        raise ValueError(
            f"the formula '{latex.strip()}' cannot be read: {error or type(error).__name__}"
        ) from error


def to_html(source: str, renderer: Renderer) -> str:
    """Return the HTML of a Markdown cell. A paragraph `Table: …` before or after a table is its caption."""
    body = MarkdownWithMath(renderer=renderer).render(source)
    return with_captions(body)


def with_captions(body: str) -> str:
    """Move `Table: …` paragraphs into the table they belong to, and let wide tables scroll."""
    words = r"<p>Table:\s*((?:(?!</p>).)+)</p>\s*"
    body = re.sub(words + r"<table>", r"<table><caption>\1</caption>", body, flags=re.DOTALL)
    body = re.sub(r"<table>(?!<caption>)((?:(?!</table>).)*</table>)\s*" + words, r"<table><caption>\2</caption>\1",
                  body, flags=re.DOTALL)  # fmt: skip
    body = body.replace("<th>", '<th scope="col">')

    def scrolling(found: re.Match[str]) -> str:
        spoken = html.escape(html.unescape(re.sub(r"<[^>]*>", "", found.group(1))))
        label = f' aria-label="{spoken}"'
        return f'<div class="scroll" tabindex="0" role="region"{label}>{found.group()}</div>'

    return re.sub(r"<table><caption>(.*?)</caption>.*?</table>", scrolling, body, flags=re.DOTALL)


def slug(text: str) -> str:
    """Return an anchor for a heading: small letters, digits and hyphens; Chinese stays."""
    words = re.sub(r"<[^>]*>", "", html.unescape(text)).lower()
    return re.sub(r"[^\w]+", "-", words).strip("-_") or "section"


def self_link(anchor: str, text: str) -> str:
    """Return the small link that copies a heading's address."""
    spoken = html.escape(html.unescape(re.sub(r"<[^>]*>", "", text)))
    return f' <a class="anchor" href="#{anchor}" aria-label="Link to section: {spoken}">#</a>'
