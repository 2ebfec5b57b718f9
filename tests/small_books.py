"""Loan books that measure little, and the steps that each notebook calls on them."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

import nbformat
import pandas as pd

from research.collect.crosswalk import COLUMNS
from research.collect.simulate import simulate
from research.parameters import Study, load
from research.paths import NOTEBOOKS
from research.steps import Step
from research.study import contents as steps

FAST = {"folds": 3, "repeats": 1, "bootstrap": 100, "stability_refits": 2, "simulated_customers": 2000}


@cache
def customers(rows: int, seed: int = 7) -> pd.DataFrame:
    """Return customers of the simulated bank with every construct it has."""
    return simulate(rows, seed=seed, panel=False).customers


def written(table: pd.DataFrame, folder: Path, named: dict[str, dict[str, str]] | None = None) -> Study:
    """Write a canonical table as a loan book with its crosswalk, and return a fast study of it.

    Args:
        table: canonical table.
        named: construct → further columns of its row of the crosswalk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table.reset_index(drop=True).rename_axis("row").to_parquet(folder / "book.parquet")
    extra = sorted({column for row in (named or {}).values() for column in row})
    walk = pd.DataFrame({"construct": ["customer_id", *table.columns]}).reindex(
        columns=[*COLUMNS, *extra], fill_value=""
    )
    walk["source"], walk["transform"], walk["fit"] = walk["construct"], "identity", "direct"
    walk.loc[0, ["source", "transform"]] = "", "row_number"
    for construct, row in (named or {}).items():
        for column, value in row.items():
            walk.loc[walk["construct"] == construct, column] = value
    walk.to_csv(folder / "book_crosswalk.csv", index=False)
    book = str(folder / "book.parquet")
    return load("quick", changes={"dataset": book, "compare_datasets": [book], **FAST})


@cache
def called(stem: str) -> tuple[str, ...]:
    """Return the steps of the study that a notebook names."""
    cells = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells
    tree = ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "steps"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "research.study.contents":
            named |= {name.name for name in node.names}
    return tuple(name for name in steps.__all__ if name in named)


def call(study: Study, stem: str) -> None:
    """Call every cached step that a notebook calls on the study's own data."""
    for name in called(stem):
        step = getattr(steps, name)
        if isinstance(step, Step):
            wants = inspect.signature(step.function).parameters
            if "source" not in wants:
                step(study, "tree") if "name" in wants else step(study)
