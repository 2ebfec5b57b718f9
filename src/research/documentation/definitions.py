"""Reference of the definition files: what each is for and what its columns or entries mean."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.collect.transforms import TRANSFORMS
from research.documentation.tables import code, data_file, head, prose, table, text
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return `common`, and `files`: file or folder/ below data/definitions → `about`, and `columns` or `entries`."""
    return own_yaml(data_file("definitions.yml"))


def files() -> list[Path]:
    """Return all definition files."""
    return sorted(path for path in DEFINITIONS.rglob("*") if path.suffix in {".csv", ".yml"})


def entry_of(path: Path) -> str:
    """Return the entry of the catalogue that describes a file: its folder's where there is one, else its own."""
    inner = path.relative_to(DEFINITIONS)
    return inner.as_posix() if len(inner.parts) == 1 else f"{inner.parts[0]}/"


def columns(path: Path) -> list[str]:
    """Return the columns of a definition file that is a table."""
    return list(pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns)


def meaning(name: str, column: str) -> str:
    """Return what a column means; empty when the catalogue does not say."""
    known = {**catalogue()["common"], **catalogue()["files"][name].get("columns", {})}
    if column not in known and column.endswith("_zh"):
        stem = column.removesuffix("_zh")
        return "the same in Chinese" if stem in known or f"{stem}_en" in known else ""
    return known.get(column, "")


def page() -> str:
    """Return `docs/reference/definitions.md`."""
    lines = head("Definitions", "`docs/data/definitions.yml`")
    lines += prose(
        "Rules, weights, bands, wordings and assumptions of the study are tables in `data/definitions/`.",
        "Change one and run the study again: what depends on it is computed anew.",
    )
    for name, entry in catalogue()["files"].items():
        lines += ["", f"## {name}", "", entry["about"], ""]
        inside = [path for path in files() if entry_of(path) == name]
        if name.endswith("/"):
            lines += ["Files: " + ", ".join(code(path.name) for path in inside) + ".", ""]
        if "entries" in entry:
            lines += table(
                ("entry", "meaning"), [(code(one), said) for one, said in entry["entries"].items()]
            )
        else:
            named = dict.fromkeys(column for path in inside for column in columns(path))
            lines += table(("column", "meaning"), [(code(column), meaning(name, column)) for column in named])
        if name == "crosswalks/":
            rows = [(code(name), code(one.argument), one.meaning) for name, one in TRANSFORMS.items()]
            lines += ["", "Transforms:", "", *table(("transform", "argument", "gives"), rows)]
    return text(lines)
