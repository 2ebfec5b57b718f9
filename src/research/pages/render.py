"""An executed notebook as one HTML file that needs no network and passes its own checks."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from concurrent.futures import Executor
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import nbformat
from jinja2 import Environment, FileSystemLoader
from nbconvert import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbformat import NotebookNode
from traitlets.config import Config

from research.exhibits.words import Words
from research.files.textfiles import own_yaml
from research.pages import drawings, markdown, sources, values, worded
from research.pages.pagecheck import faults
from research.pages.payload import KINDS, MIME, exhibit_numbers, exhibits
from research.paths import DEFINITIONS

EXPORTERS: SimpleQueue[PageExporter] = SimpleQueue()  # those that no thread is using
TEMPLATE = Path(__file__).parent / "template" / "research"
ALONE = "this page was made without a run"
STYLES = ("page.css", "numbers.css", "comments.css")
SCRIPTS = ("page.js", "numbers.js", "comments.js")
DEMONSTRATIONS = ("10_interviews",)  # pages of which nothing is left when the fieldwork is invented
SIMULATED = ("08_trial",)  # pages that show a method whatever the study brings


class RenderFailed(Exception):
    """The page would not be readable for everybody; the message says what is missing and where."""


def render(
    executed: Path,
    pages: list[tuple[str, str]],
    record: dict[str, Any],
    words: Words | None = None,
    reference: Path | None = None,
    pool: Executor | None = None,
) -> str:
    """Return the page of an executed notebook.

    Args:
        executed: the executed notebook.
        pages: (stem, title) of all notebooks of the run, in order.
        record: the provenance of the run.
        words: the language of exhibits and sentences; English when none is given.
        reference: the values that each number is compared with.
        pool: processes that draw the figures of a page in English; this one does when none are given.

    Raises:
        RenderFailed: a figure without alternative text, a table without caption, a broken cross-reference, ….
    """
    found = values.values_record(values.collect([executed]), record["study"])
    comparison = values.reproduced(found, reference)
    notebook = nbformat.read(executed, as_version=4)
    if pool is not None and words is None:
        drawings.draw((payload for _, payload in exhibits(notebook)), pool)
    return page_of(notebook, executed.stem, pages, record, words or Words(), comparison)


def page_of(
    notebook: NotebookNode,
    stem: str,
    pages: list[tuple[str, str]],
    record: dict[str, Any],
    words: Words,
    comparison: dict[str, Any] | None = None,
) -> str:
    """Return the page of an executed notebook; its cells get what is shown of them.

    `comparison` is that of its values with a reference; without one the page is alone, and no file is beside it.
    """
    problems: list[str] = []
    names = exhibit_numbers(notebook, stem)
    seen: set[str] = set()
    for cell, payload in exhibits(notebook):
        if payload["name"] in seen:
            problems.append(f"cell {cell}: a second exhibit named '{payload['name']}'")
        seen.add(payload["name"])
    headings = prepare(notebook, names, dict(pages), problems, words, stem, comparison)
    title = next((heading.text for heading in headings if heading.level == 1), html.escape(stem))
    position = next((i for i, (page, _) in enumerate(pages) if page == stem), None)
    page = {
        "stem": stem,
        "alone": comparison is None,
        "title": title,
        "plain_title": html.unescape(re.sub(r"<[^>]*>", "", title)),
        "headings": [heading for heading in headings if heading.level in (2, 3)],
        "pages": listed(pages, record),
        "previous": neighbour(pages, position, -1),
        "next": neighbour(pages, position, 1),
        "supplement": "".join(cell.metadata.get("extra", "") for cell in notebook.cells),
        "record": record,
        "numbers": sources.record(
            ((f"{stem}/{payload['name']}", cell, payload) for cell, payload in exhibits(notebook)),
            comparison if comparison is not None else {"reason": ALONE},
            words,
        ),
        **page_assets(),
    }
    exporter = take_exporter()
    try:
        body, _ = exporter.from_notebook_node(notebook, resources={"page": page})
    finally:
        EXPORTERS.put(exporter)
    body = re.sub(r"[ \t]+\n", "\n", body)
    problems += faults(body)
    if problems:
        raise RenderFailed(f"{stem}: " + "; ".join(dict.fromkeys(problems)))
    return body


def listed(pages: list[tuple[str, str]], record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pages for the menu, each with whether it only shows a method and stands apart from the findings."""
    given = record["study"].get("parameters", {}).get("fieldwork", {})
    apart = SIMULATED + (DEMONSTRATIONS if given.get("provenance") == "invented" else ())
    return [{"stem": stem, "title": title, "demonstration": stem in apart} for stem, title in pages]


def failed_page(stem: str, pages: list[tuple[str, str]], record: dict[str, Any], message: str) -> str:
    """Return the page of a notebook that did not finish, so that no link leads nowhere."""
    page = {
        "stem": stem,
        "title": dict(pages).get(stem, stem),
        "headings": [],
        "pages": listed(pages, record),
        "record": record,
        **page_assets(),
    }
    return templates().get_template("failed.html.j2").render(page=page, message=message)


def prepare(
    notebook: NotebookNode,
    names: dict[str, str],
    titles: dict[str, str],
    problems: list[str],
    words: Words,
    stem: str,
    comparison: dict[str, Any] | None,
) -> list[markdown.Heading]:
    """Put the finished HTML of each cell into its metadata (`html`, `shown`) and return the headings."""
    anchors = (sources.cell_id(number) for number in range(1, len(notebook.cells) + 1))
    renderer = markdown.Renderer({*names, *anchors})
    for number, cell in enumerate(notebook.cells, start=1):
        cell.metadata["anchor"] = sources.cell_id(number)
        if cell.cell_type == "markdown":
            try:
                shown = markdown.to_html(cell.source, renderer)
            except ValueError as error:
                problems.append(f"cell {number}: {error}")
                continue
            cell.metadata["html"] = linked(shown, names, titles, number, problems)
        elif cell.cell_type == "code":
            outputs = [
                (
                    linked(
                        output_html(output, names, number, problems, words, stem, comparison),
                        names,
                        titles,
                        number,
                        problems,
                    ),
                    output,
                )
                for output in cell.outputs
            ]
            cell.metadata["shown"] = "".join(body for body, output in outputs if not is_extra(output))
            cell.metadata["extra"] = "".join(body for body, output in outputs if is_extra(output))
            tags = cell.metadata.get("tags", [])
            cell.metadata["label"] = (
                "Parameters" if {"parameters", "injected-parameters"} & set(tags) else "Code"
            )
    return renderer.headings


def is_extra(output: NotebookNode) -> bool:
    """Return whether an output belongs to the supplement, the fold at the end of the page."""
    return bool(output.get("data", {}).get(MIME, {}).get("supplement"))


def output_html(
    output: NotebookNode,
    names: dict[str, str],
    cell: int,
    problems: list[str],
    words: Words,
    stem: str,
    comparison: dict[str, Any] | None,
) -> str:
    """Return one output as HTML. Only exhibits bring HTML of their own; anything else is text."""
    data = output.get("data", {})
    if MIME in data:
        payload = data[MIME]
        return numbered(payload, names[payload["name"]], stem, cell, comparison, words)
    if output.output_type == "stream":
        return f'<pre class="printed">{html.escape(output.text)}</pre>' if output.name == "stdout" else ""
    if output.output_type == "error":
        problems.append(f"cell {cell}: {output.ename}: {output.evalue}")
        return ""
    for kind in data:
        if kind.startswith("image/"):
            problems.append(f"cell {cell}: a picture without alternative text; show it as an Exhibit")
            return ""
    if "<table" in data.get("text/html", ""):
        problems.append(f"cell {cell}: a table without caption; show it as an Exhibit")
        return ""
    return f'<pre class="printed">{html.escape(data["text/plain"])}</pre>' if "text/plain" in data else ""


def numbered(
    payload: dict[str, Any],
    number: str,
    stem: str,
    cell: int,
    comparison: dict[str, Any] | None,
    words: Words,
) -> str:
    """Return an exhibit with 'Table 3.1' in front of its caption, as a link to itself, and its sources below.

    Without a `comparison` there is no folder of files beside the page, and sources would name them.
    """
    if payload["kind"] not in KINDS:
        return worded.shown(payload, words, stem)
    below = ""
    if comparison is not None:
        below = sources.fold(f"{stem}/{payload['name']}", number, cell, comparison, words)
    body = worded.shown(payload, words, stem, below)
    tag = "caption" if payload["kind"] == "table" else "figcaption"
    link = f'<a class="number" href="#{payload["name"]}">{number}</a> '
    return re.sub(f"<{tag}[^>]*>", lambda found: found[0] + link, body, count=1)


def linked(body: str, names: dict[str, str], titles: dict[str, str], cell: int, problems: list[str]) -> str:
    """Resolve `[[exhibit]]`, and links between notebooks, which point to pages instead of notebooks."""

    def exhibit_link(found: re.Match[str]) -> str:
        stem, _, name = found.group(1).rpartition("#")
        if stem and stem not in titles:
            return html.escape(stem)
        if stem:
            return f'<a href="{stem}.html#{name}">{name.replace("_", " ")} in {html.escape(titles[stem])}</a>'
        if name not in names:
            problems.append(f"cell {cell}: [[{name}]] names no exhibit of this notebook")
            return html.escape(name)
        return f'<a href="#{name}">{names[name]}</a>'

    def page_link(found: re.Match[str]) -> str:
        stem, anchor, text = found.group(1), found.group(2) or "", found.group(3)
        if stem not in titles and stem != "index":
            return text
        shown = html.escape(titles[stem]) if text == stem else text
        return f'<a href="{stem}.html{anchor}">{shown}</a>'

    body = re.sub(r'<a class="xref" href="#([\w#-]+)">[^<]*</a>', exhibit_link, body)
    body = re.sub(r"\[\[([\w#-]+)\]\]", exhibit_link, body)
    return re.sub(r'<a href="(\w+)\.(?:ipynb|html)(#[\w-]+)?">(.*?)</a>', page_link, body)


def linked_from_elsewhere(body: str, stem: str, names: dict[str, str], titles: dict[str, str]) -> str:
    """Resolve the links of a notebook's prose that is shown on another page."""
    return re.sub(r'<a href="#', f'<a href="{stem}.html#', linked(body, names, titles, 0, []))


def neighbour(pages: list[tuple[str, str]], position: int | None, step: int) -> dict[str, str] | None:
    """Return the page before or after a position, None at the ends."""
    if position is None or not 0 <= position + step < len(pages):
        return None
    stem, title = pages[position + step]
    return {"stem": stem, "title": title}


class PageExporter(HTMLExporter):
    """nbconvert's exporter without its last pass, which parses the page anew and gives every picture some alt text."""

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page as the template writes it; a missing alternative text must stay noticeable."""
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)


def take_exporter() -> PageExporter:
    """Return an exporter that nobody uses: one that has compiled its templates, if there is one."""
    try:
        return EXPORTERS.get_nowait()
    except Empty:
        return new_exporter()


def new_exporter() -> PageExporter:
    """Return an exporter with the project's template."""
    settings = Config()
    settings.PageExporter.template_name = "research"
    settings.PageExporter.extra_template_basedirs = [str(TEMPLATE.parent)]
    settings.CSSHTMLHeaderPreprocessor.enabled = False
    return PageExporter(config=settings)


@cache
def templates() -> Environment:
    """Return the templates of the pages that are not notebooks; what goes into them is escaped there."""
    return Environment(loader=FileSystemLoader(TEMPLATE), autoescape=False)


@cache
def page_assets() -> dict[str, str]:
    """Return style, script and the policy that lets a browser use these two and nothing else."""
    style = colours() + "".join((TEMPLATE / name).read_text(encoding="utf-8") for name in STYLES)
    script = "".join((TEMPLATE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy}


def digest(text: str) -> str:
    """Return the source expression of an inline style or script for the content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def colours() -> str:
    """Return the palette of the study as CSS variables, for light and dark pages."""
    palette = own_yaml(DEFINITIONS / "palette.yml")
    light = "".join(f"--tier-{tier}:{pair['light']};" for tier, pair in palette["tiers"].items())
    dark = "".join(f"--tier-{tier}:{pair['dark']};" for tier, pair in palette["tiers"].items())
    light += f"--ink:{palette['ink']};--muted:{palette['muted']};--accent:{palette['accent']};"
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )
