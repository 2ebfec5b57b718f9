"""The anchors that the pages of the project's notebooks will have, read from their sources."""

from __future__ import annotations

import json
import re
from pathlib import Path

from research.pages.markdown import slug
from research.paths import NOTEBOOKS

EXHIBIT_NAMES = re.compile(r'\b(?:say|Exhibit)\(\s*"([a-z][a-z0-9_]*)"')


def of_notebook(notebook: Path) -> set[str]:
    """Return the anchors of one page: its headings and the exhibits its code names."""
    found: set[str] = {"answer", "limits", "further", "versions"}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            found |= {slug(text) for text in re.findall(r"^#{1,6}\s+(.+?)\s*$", source, re.MULTILINE)}
        else:
            found |= set(EXHIBIT_NAMES.findall(source))
    return found


def of_project() -> dict[str, set[str]]:
    """Return page → anchors of all notebooks of the project."""
    found = {path.stem: of_notebook(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    return {**found, "index": {"verdict", "notebooks", "reproduced", "parameters", "checklists", "downloads"}}


def leads_nowhere(link: str, anchors: dict[str, set[str]]) -> bool:
    """Return whether a link names a page that the project does not have, or an anchor that is not on it."""
    page, _, anchor = link.partition("#")
    return page not in anchors or (bool(anchor) and anchor not in anchors[page])
