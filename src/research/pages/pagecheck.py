"""What every page must have: text for each picture, captions, unique anchors, and nothing from a network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from lxml import html as parser

PICTURES = re.compile(r"data:image/[\w+.-]+;base64,[A-Za-z0-9+/=]+")
LOADING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


def faults(page: str) -> list[str]:
    """Return what is wrong with a page, one line per fault; empty when it is fine."""
    tree = parsed(page)
    found = [
        f"figure {number} has no alternative text"
        for number, picture in enumerate(tree.iter("img"), start=1)
        if not (picture.get("alt") or "").strip()
    ]
    found += [
        f"a table has no caption (it begins with '{' '.join(table.text_content().split())[:40]}')"
        for table in tree.iter("table")
        if not any(caption.text_content().strip() for caption in table.iter("caption"))
    ]
    for tag, attribute in LOADING.items():
        for element in tree.iter(tag):
            address = element.get(attribute) or ""
            if address and not address.startswith("data:"):
                found.append(f"<{tag}> loads {address[:80]}; a page must not need the network")
    if any(element.get("style") for element in tree.iter() if isinstance(element.tag, str)):
        found.append("a style attribute, which the page's security policy forbids")
    anchors = Counter(tree.xpath("//@id"))
    found += [f"the anchor '{anchor}' occurs {count} times" for anchor, count in anchors.items() if count > 1]
    targets = [
        unquote(link[1:]) for link in tree.xpath("//a/@href") if link.startswith("#") and len(link) > 1
    ]
    found += [
        f"a link to '#{target}', which is not on the page" for target in targets if target not in anchors
    ]
    return found


@lru_cache(maxsize=16)  # a run has fourteen pages, and the index asks each of them four things
def parsed(page: str) -> Any:
    """Return the tree of a page, to be read and not changed.

    Pictures are taken out first: they are most of the bytes and have no structure.
    """
    return parser.document_fromstring(PICTURES.sub("data:,", page))


@lru_cache(maxsize=16)
def ids(page: str) -> frozenset[str]:
    """Return all anchors of a page."""
    return frozenset(parsed(page).xpath("//@id"))


@lru_cache(maxsize=16)
def section_names(page: str) -> dict[str, str]:
    """Return anchor → what a reader would call it: the text of a heading, the number of a table or figure.

    The result is to be read and not changed.
    """
    tree = parsed(page)
    names = {
        heading.get("id"): "".join(heading.xpath(".//text()[not(ancestor::a[@class='anchor'])]")).strip()
        for heading in tree.xpath("//h2[@id]|//h3[@id]|//h4[@id]")
    }
    for exhibit in tree.xpath("//div[contains(@class, 'exhibit')][@id]"):
        number = exhibit.xpath("string(.//a[@class='number'])").strip()
        names[exhibit.get("id")] = number or exhibit.xpath("string(.//p[@class='kicker'])").strip()
    return {anchor: name for anchor, name in names.items() if name}


def broken_links(pages: dict[str, str], failed: Iterable[str] = ()) -> list[str]:
    """Return links between pages (file name → HTML) that lead nowhere; pages of failed notebooks have no anchors."""
    without_anchors = {f"{stem}.html" for stem in failed}
    trees = {name: parsed(page) for name, page in pages.items()}
    anchors = {name: ids(page) for name, page in pages.items()}
    found = []
    for name, tree in trees.items():
        for link in tree.xpath("//a/@href"):
            target, _, anchor = link.partition("#")
            if not target.endswith(".html") or "://" in target:
                continue
            if target not in pages:
                found.append(f"{name} links to {target}, which does not exist")
            elif anchor and target not in without_anchors and unquote(anchor) not in anchors[target]:
                found.append(f"{name} links to {link}, and there is no such anchor")
    return found
