"""The notebooks of the study, read without executing them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from research.errors import UserError, nearest
from research.paths import NOTEBOOKS

GIVEN_BY_RUN = ("study", "dataset", "changes")
ORDER = ("first", "", "late")


@dataclass(frozen=True)
class Notebook:
    """A notebook: file name without ending, title, path, the notebooks that must succeed before it, and when it begins.

    `begins` matters where several notebooks run at the same time: one that compares all data sets begins first, after
    its steps are computed (`runs.ahead`) where that can be; one that uses what that one computes begins late.
    """

    stem: str
    title: str
    path: Path
    needs: tuple[str, ...] = ()
    begins: Literal["first", "", "late"] = ""

    @property
    def number(self) -> int:
        """The number in front of the file name, 0 without one."""
        found = re.match(r"\d+", self.stem)
        return int(found.group()) if found else 0


def find(folder: Path = NOTEBOOKS) -> list[Notebook]:
    """Return the notebooks of a folder in order of their file names."""
    return [read(path) for path in sorted(folder.glob("*.ipynb")) if not path.name.startswith(".")]


def read(path: Path) -> Notebook:
    """Read a notebook: its title, and `research: {needs: [...], begins: first}` of its metadata.

    Raises UserError if it is unreadable, or begins at an unknown time.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = content["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path.name}: not readable as a notebook ({error}); expected Jupyter's JSON"
        ) from None
    own = content.get("metadata", {}).get("research", {})
    begins = own.get("begins", "")
    if begins not in ORDER:
        raise UserError(f"{path.name}: metadata research.begins is '{begins}'; expected first or late")
    return Notebook(path.stem, title_of(cells, path.stem), path, tuple(own.get("needs", ())), begins)


def title_of(cells: Iterable[Mapping[str, Any]], stem: str) -> str:
    """Return the first heading of a notebook, its file name without ending when it has none."""
    for cell in cells:
        heading = re.search(r"^# +(.+)$", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] == "markdown" and heading:
            return heading.group(1).strip()
    return stem


def stopped(executed: Path) -> bool:
    """Return whether an executed notebook ended early, because its question is not testable on the data."""
    content = json.loads(executed.read_text(encoding="utf-8"))
    return bool(content["metadata"].get("research", {}).get("stopped"))


def in_turn(notebooks: Iterable[Notebook]) -> list[Notebook]:
    """Return notebooks in the order in which several workers should begin them."""
    return sorted(notebooks, key=lambda notebook: ORDER.index(notebook.begins))


def select(notebooks: list[Notebook], only: Iterable[str]) -> list[Notebook]:
    """Return the notebooks named by stem, number or ending (`05_comparison`, `9`, `comparison`), or all.

    Raises:
        UserError: no such notebook.
    """
    wanted = [name.removesuffix(".ipynb") for name in only]
    if not wanted:
        return list(notebooks)
    chosen = set()
    for name in wanted:
        found = [
            n.stem
            for n in notebooks
            if name in (n.stem, n.stem.partition("_")[2]) or (name.isdigit() and int(name) == n.number)
        ]
        if not found:
            raise UserError(f"--only {name}: no such notebook{nearest(name, [n.stem for n in notebooks])}")
        chosen.update(found)
    return [notebook for notebook in notebooks if notebook.stem in chosen]


def own_parameters(
    notebooks: list[Notebook], extra: Mapping[str, Any], study_names: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Distribute parameters that the study does not have to the notebooks that do.

    Returns stem → parameters. Raises UserError for a name that neither knows, or a value of another type.
    """
    if not extra:
        return {}
    # Slow to import, and most runs change parameters of the study only.
    from papermill import inspect_notebook

    own = {
        notebook.stem: {
            name: parameter
            for name, parameter in inspect_notebook(str(notebook.path)).items()
            if name not in GIVEN_BY_RUN
        }
        for notebook in notebooks
    }
    known = {*study_names, *(name for parameters in own.values() for name in parameters)}
    given: dict[str, dict[str, Any]] = {}
    for name, value in extra.items():
        takers = [stem for stem, parameters in own.items() if name in parameters]
        if not takers:
            raise UserError(f"-p {name}: unknown parameter{nearest(name, known)}")
        for stem in takers:
            check_type(name, value, own[stem][name]["inferred_type_name"], stem)
            given.setdefault(stem, {})[name] = value
    return given


def check_type(name: str, value: Any, expected: str, stem: str) -> None:
    """Raise UserError when a value is not of the type that the notebook declares."""
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "str": (str,),
        "bool": (bool,),
        "list": (list,),
        "dict": (dict,),
    }
    allowed = kinds.get(expected.partition("[")[0])
    if allowed is None:
        return
    fits = isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))
    if not fits:
        raise UserError(f"-p {name}: found {value!r}, expected {expected} (notebook {stem})")
