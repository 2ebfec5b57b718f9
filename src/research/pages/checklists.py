"""Reporting checklists: what was asked for, and where in the reports it is.

The items are data (`data/definitions/checklists/`). An item says where it is reported, or what the project declares,
or leaves the answer to the researcher's declarations, or gives the reason why it is not done. An item that names
a section which the report lacks is a contradiction. A reported item may say what it `lacks`; an item left to the
researcher may be the `same_as` one of another checklist, whose declaration then answers both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from research.errors import UserError, nearest
from research.files.textfiles import is_file, own_yaml, read_yaml
from research.paths import DEFINITIONS, ROOT

CHECKLISTS = DEFINITIONS / "checklists"
ORDER = ("tripod_ai", "reforms", "coreq", "gramms", "cross")
MODEL = "coreq_llm"  # for each language model that coded, where one did
SHOWN = 400  # letters of what is stated of a model; the whole is in the table of page 10
ANSWERS = ("where", "says", "researcher", "not_done")
STATES = ("reported", "partly", "declared", "not done", "not in this run")


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

    `stated`: name of the model → item → answer; empty: not stated.
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
    checklist: Checklist, anchors: Mapping[str, set[str]], declared: Mapping[str, Mapping[str, str]]
) -> tuple[list[Line], list[str]]:
    """Answer every item of a checklist.

    Args:
        checklist: its items.
        anchors: page → anchors on it, of the pages of this run; any other page may be one that it left out.
        declared: of `declarations`.

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
            missing = [link for link in links if not there(link, anchors)]
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


def there(link: str, anchors: Mapping[str, set[str]]) -> bool:
    """Return whether a link leads somewhere; a page that this run left out is given the benefit of the doubt."""
    page, _, anchor = link.partition("#")
    return page not in anchors or not anchor or anchor in anchors[page]


def counts(lines: list[Line]) -> dict[str, int]:
    """Return how many items are in each state."""
    return {state: sum(line.state == state for line in lines) for state in STATES}
