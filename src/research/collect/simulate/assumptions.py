"""The parameters of the simulated bank, read from data/definitions/simulation.yml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from research.errors import UserError, nearest
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS


@cache
def _read() -> dict[str, dict[str, dict[str, Any]]]:
    return own_yaml(DEFINITIONS / "simulation.yml")


def assumptions(changes: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return section → parameter → value, with `changes` (`"section.parameter": value`) applied.

    Raises UserError for a parameter that does not exist.
    """
    values = {
        section: {name: entry["value"] for name, entry in block.items()} for section, block in _read().items()
    }
    known = [f"{section}.{name}" for section, block in values.items() for name in block]
    for key, value in (changes or {}).items():
        if key not in known:
            raise UserError(f"the simulated bank has no parameter '{key}'{nearest(key, known)}")
        section, name = key.split(".", 1)
        values[section][name] = value
    return values


def markdown() -> str:
    """Return the parameters as Markdown tables, one per section; `docs/simulated-bank.md` ends with them."""
    parts = []
    for section, block in _read().items():
        lines = [f"### {section}", "", "| parameter | value | unit | basis | why |", "|---|---|---|---|---|"]
        for name, entry in block.items():
            value, told = str(entry["value"]).replace("|", "/"), (entry["unit"], entry["basis"], entry["why"])
            lines.append(f"| `{name}` | {value} | {' | '.join(told)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
