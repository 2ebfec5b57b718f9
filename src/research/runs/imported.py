"""What notebooks import, read from their code; quick to import, so that kernels can be prepared at once."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from research.study.contents import PLACE


def imports(source: Path) -> list[str]:
    """Return what a notebook may import, in order: modules, their members, and the modules of the steps it names.

    A member that is no module is no harm: whoever imports the list passes over what is none.
    """
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    found: list[str] = []
    try:
        tree = ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
    except SyntaxError:
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named |= {name.rpartition(".")[2] for name in found}
    found += [f"research.study.{stage}" for step, stage in PLACE.items() if step in named]
    return list(dict.fromkeys(found))
