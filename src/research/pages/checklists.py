"""Reporting checklists and traceability: what was asked for, and where in the reports it is.

The items are data (`data/definitions/checklists/`). An item says where it is reported, or what the project declares,
or leaves the answer to the researcher's declarations, or gives the reason why it is not done. An item that names
a section which the report lacks is a contradiction. A reported item may say what it `lacks`; an item left to the
researcher may be the `same_as` one of another checklist, whose declaration then answers both.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.errors import UserError, nearest
from research.pages.markdown import slug
from research.paths import DEFINITIONS, DOCS, NOTEBOOKS, ROOT
from research.textfiles import is_file, own_yaml, read_yaml

CHECKLISTS = DEFINITIONS / "checklists"
TRACEABILITY = DEFINITIONS / "traceability.csv"
ORDER = ("tripod_ai", "reforms", "coreq", "gramms", "cross")
MODEL = "coreq_llm"  # for each language model that coded, where one did
SHOWN = 400  # letters of what is stated of a model; the whole is in the table of page 10
ANSWERS = ("where", "says", "researcher", "not_done")
STATES = ("reported", "partly", "declared", "not done", "not in this run")
EXHIBIT_NAMES = re.compile(r'\b(?:say|Exhibit)\(\s*"([a-z][a-z0-9_]*)"')


@dataclass(frozen=True)
class Line:
    """An item of a checklist with its answer: a state, links (page#anchor), and words."""

    item: str
    topic: str
    asks: str
    state: str
    links: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Checklist:
    """A checklist: its name, what it is for, its source, its items as mappings, and a successor still in the making."""

    name: str
    about: str
    source: str
    applies_to: str
    items: list[dict[str, Any]]
    coming: str = ""
    silent: str = "Only the researcher can say; nothing was declared."


@cache
def load() -> list[Checklist]:
    """Return all checklists. Raises ValueError for an item that answers in no way or in two."""
    return [_read(stem) for stem in ORDER]


def _read(stem: str) -> Checklist:
    content = own_yaml(CHECKLISTS / f"{stem}.yml")
    for item in content["items"]:
        if sum(kind in item for kind in ANSWERS) != 1:
            raise ValueError(f"{stem}.yml, item {item['id']}: expected one of {', '.join(ANSWERS)}")
    return Checklist(**content)


def of_models(stated: Mapping[str, Mapping[str, str]]) -> list[tuple[Checklist, dict[str, dict[str, str]]]]:
    """Return a checklist for each language model that coded interviews, with what is declared.

    Args:
        stated: name of the model → item → answer; empty: not stated.
    """
    one, found = _read(MODEL), []
    for coder, answers in stated.items():
        name = f"{one.name}: {coder}"
        words = {str(item["id"]): answers.get(item["key"], "") for item in one.items}
        cut = {item: text if len(text) <= SHOWN else f"{text[:SHOWN]} …" for item, text in words.items()}
        found.append((replace(one, name=name), {name: cut}))
    return found


def declarations(path: str) -> dict[str, dict[str, str]]:
    """Return what the researcher declares, checklist → item → words.

    Raises:
        UserError: no such file, not YAML, or an item that no checklist leaves to the researcher.
    """
    if not path:
        return {}
    file = next((place for place in (Path(path), ROOT / path) if is_file(place)), None)
    if file is None:
        raise UserError(f"fieldwork.declarations: {path}: no such file")
    content = read_yaml(file, "`checklist: {item: words}`")
    open_items = {one.name: {str(i["id"]) for i in one.items if "researcher" in i} for one in load()}
    for name, items in content.items():
        if name not in open_items:
            raise UserError(f"{path}: unknown checklist '{name}'{nearest(str(name), open_items)}")
        if not isinstance(items or {}, dict):
            raise UserError(f"{path}: {name}: found {items!r}, expected `item: words` lines")
        for item in items or {}:
            if str(item) not in open_items[name]:
                options = ", ".join(sorted(open_items[name]))
                raise UserError(
                    f"{path}: {name}: item '{item}' is not left to the researcher; those are {options}"
                )
    return {
        name: {str(item): str(words) for item, words in (items or {}).items()}
        for name, items in content.items()
    }


def fill(
    checklist: Checklist,
    anchors: Mapping[str, set[str]],
    declared: Mapping[str, Mapping[str, str]],
    known: set[str] | None = None,
) -> tuple[list[Line], list[str]]:
    """Answer every item of a checklist.

    Args:
        checklist: the checklist.
        anchors: page → anchors on it, of the pages of this run.
        declared: the researcher's declarations.
        known: pages that the project can make; without it any page may be one that this run left out.

    Returns:
        The lines, and the contradictions: items that name a section which is not there.
    """
    lines: list[Line] = []
    contradictions: list[str] = []
    for item in checklist.items:
        head = (str(item["id"]), item["topic"], item["asks"])
        if "not_done" in item:
            lines.append(Line(*head, "not done", words=item["not_done"]))
        elif "says" in item:
            lines.append(Line(*head, "declared", words=item["says"]))
        elif "researcher" in item:
            words = _declared(declared, {checklist.name: head[0]}) or _declared(
                declared, item.get("same_as", {})
            )
            state = "declared" if words else "not done"
            lines.append(Line(*head, state, words=words or checklist.silent))
        else:
            links = [item["where"]] if isinstance(item["where"], str) else item["where"]
            missing = [link for link in links if not there(link, anchors, known)]
            contradictions += [
                f"{checklist.name} {head[0]}: says it is reported in {link}, which does not exist"
                for link in missing
            ]
            lines.append(_reported(head, links, missing, anchors, item.get("lacks", "")))
    return lines, contradictions


def _declared(declared: Mapping[str, Mapping[str, str]], places: Mapping[str, str]) -> str:
    return next(
        (words for name, item in places.items() if (words := declared.get(name, {}).get(item, ""))), ""
    )


def _reported(
    head: tuple[str, str, str],
    links: list[str],
    missing: list[str],
    anchors: Mapping[str, set[str]],
    lacks: str,
) -> Line:
    made = tuple(link for link in links if link.partition("#")[0] in anchors and link not in missing)
    if not made:
        return Line(*head, "not in this run", made)
    absent = sorted({link.partition("#")[0] for link in links if link not in made})
    lacking = [*([f"Not in this run: {', '.join(absent)}."] if absent else []), *([lacks] if lacks else [])]
    # The words follow the links on the page.
    return Line(
        *head, "partly" if lacking else "reported", made, f" ({' '.join(lacking)})" if lacking else ""
    )


def there(link: str, anchors: Mapping[str, set[str]], known: set[str] | None = None) -> bool:
    """Return whether a link leads somewhere; a page that this run left out is given the benefit of the doubt."""
    page, _, anchor = link.partition("#")
    if page not in anchors:
        return known is None or page in known
    return not anchor or anchor in anchors[page]


def counts(lines: list[Line]) -> dict[str, int]:
    """Return how many items are in each state."""
    return {state: sum(line.state == state for line in lines) for state in STATES}


def source_anchors(notebook: Path) -> set[str]:
    """Return the anchors that a notebook's page will have: its headings and the exhibits its code names."""
    found: set[str] = {"answer", "limits", "further", "versions"}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            found |= {slug(text) for text in re.findall(r"^#{1,6}\s+(.+?)\s*$", source, re.MULTILINE)}
        else:
            found |= set(EXHIBIT_NAMES.findall(source))
    return found


def project_anchors() -> dict[str, set[str]]:
    """Return page → anchors of all notebooks of the project, from their sources."""
    found = {path.stem: source_anchors(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    return {**found, "index": {"verdict", "notebooks", "reproduced", "parameters", "checklists", "downloads"}}


def traceability() -> pd.DataFrame:
    """Return the traceability table: `id, item, section, test`; a section is notebook#anchor, a test a file."""
    return pd.read_csv(TRACEABILITY, dtype=str, keep_default_na=False)


def traceability_page() -> str:
    """Return `docs/traceability.md`."""
    lines = [
        "# Traceability",
        "",
        "Where each item of the study's source is in the reports, and which test holds it. Written by",
        "`make docs` from `data/definitions/traceability.csv`; a test fails when an item has no section.",
        "",
        "| id | item | section | test |",
        "|---|---|---|---|",
    ]
    for row in traceability().to_dict("records"):
        sections = ", ".join(f"`{section}`" for section in row["section"].split())
        tests = ", ".join(f"[{test}](../tests/{test})" for test in row["test"].split())
        lines.append(f"| {row['id']} | {row['item']} | {sections} | {tests} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write `docs/traceability.md`."""
    parser = argparse.ArgumentParser(description="Write docs/traceability.md from its data.")
    parser.add_argument("--write", action="store_true", help="write the page instead of printing it")
    page = traceability_page()
    if parser.parse_args().write:
        (DOCS / "traceability.md").write_text(page, encoding="utf-8")
    else:
        print(page, end="")


if __name__ == "__main__":
    main()
