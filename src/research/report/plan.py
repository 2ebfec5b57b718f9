"""What a run will do: everything that can be checked is checked here, before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from research import parameters
from research.errors import UserError
from research.parameters import Study
from research.paths import DEFINITIONS, REPORTS
from research.report import notebooks as books
from research.report.notebooks import Notebook


@dataclass(frozen=True)
class Plan:
    """What a run will do; everything in it has been checked."""

    study: Study
    out: Path
    notebooks: list[Notebook]
    chosen: list[Notebook]
    own: Mapping[str, Mapping[str, Any]]
    jobs: int = 1

    @property
    def pages(self) -> list[tuple[str, str]]:
        """(stem, title) of the notebooks that this run makes or an earlier one with the same parameters made."""
        chosen = {notebook.stem for notebook in self.chosen}
        return [
            (notebook.stem, notebook.title)
            for notebook in self.notebooks
            if notebook.stem in chosen or self.executed(notebook.stem).exists()
        ]

    def executed(self, stem: str) -> Path:
        """Where the executed notebook goes."""
        return self.out / "executed" / f"{stem}.ipynb"

    def page(self, stem: str) -> Path:
        """Where the page of a notebook goes."""
        return self.out / f"{stem}.html"


def plan(
    study: str | Path = "default",
    *,
    changes: Mapping[str, Any] | None = None,
    only: Iterable[str] = (),
    jobs: int = 1,
    out: Path | None = None,
    notebooks: list[Notebook] | None = None,
) -> Plan:
    """Check everything that can be checked before a run starts.

    Args:
        study: a name in `studies/` or the path of a study file.
        changes: parameter → value; parameters of the study (dotted when nested) or of single notebooks.
        only: notebooks to run, by name or number; all when empty.
        jobs: notebooks executed at the same time.
        out: folder of the reports; by default `reports/<name of the study>`.
        notebooks: what there is to run; by default the notebooks of the project.

    Raises:
        UserError: an unknown study, parameter or notebook, a value that does not fit, or a data set that is not here.
    """
    if jobs < 1:
        raise UserError(f"--jobs {jobs}: expected 1 or more")
    known = {*parameters.names(), *Study.model_fields}
    given = dict(changes or {})
    for reserved in ("study", "changes"):
        if reserved in given:
            raise UserError(f"-p {reserved}: name the study as the argument of the command instead")
    resolved = parameters.load(study, changes={name: given[name] for name in given if name in known})
    all_notebooks = books.find() if notebooks is None else notebooks
    if not all_notebooks:
        raise UserError("no notebooks found")
    own = books.own_parameters(
        all_notebooks, {name: given[name] for name in given if name not in known}, known
    )
    chosen = books.select(all_notebooks, only)
    _require_data(resolved)
    return Plan(resolved, out or REPORTS / resolved.name, all_notebooks, chosen, own, jobs)


def _require_data(study: Study) -> None:
    """Raise UserError for data sets that are not here; those that come with the installed packages need no look."""
    kinds = yaml.safe_load((DEFINITIONS / "datasets.yml").read_text(encoding="utf-8"))
    asked = {study.dataset, *study.compare_datasets}
    doubtful = sorted(name for name in asked if kinds.get(name, {}).get("kind") in ("fetched", "empulse"))
    if doubtful:
        from research.collect import datasets  # slow to import, and most studies need no look

        datasets.require(doubtful)
