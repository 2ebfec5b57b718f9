"""The page of one notebook that papermill or JupyterLab has executed: `jupyter nbconvert --to research out.ipynb`."""

from __future__ import annotations

import ast
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.utils.exceptions import ConversionException
from nbformat import NotebookNode

from research.errors import UserError
from research.exhibits.words import Words
from research.pages import provenance
from research.pages.notebooks import title_of
from research.pages.render import RenderFailed, page_of
from research.parameters import Study, load

GIVEN = {"study", "dataset", "changes"}


class StudyPage(Exporter):
    """A page as a run makes it, with no other page beside it; links to pages that a run would have are text."""

    export_from_notebook = "Study page"  # its name in the menu of JupyterLab

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and its ending. Raises ConversionException with what is missing on the page."""
        found = dict(resources or {})
        stem = found.get("metadata", {}).get("name") or "notebook"
        try:
            record = provenance.collect(study_of(nb))
            page = page_of(nb, stem, [(stem, title_of(nb.cells, stem))], record, Words())
        except (UserError, RenderFailed) as error:
            raise ConversionException(f"{stem}: {error}") from error
        return page, found | {"output_extension": ".html"}


def study_of(notebook: NotebookNode) -> Study:
    """Return the study of an executed notebook, as its parameters say, those of papermill last.

    Raises:
        UserError: no cell tagged `parameters` names a study, or it does not fit.
    """
    given: dict[str, Any] = {}
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            for line in ast.parse(cell.source).body:
                target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
                if isinstance(target, ast.Name) and target.id in GIVEN and line.value is not None:
                    given[target.id] = ast.literal_eval(line.value)
    if "study" not in given:
        raise UserError("no cell tagged 'parameters' names a study; expected study = \"default\"")
    return load(given["study"], dataset=given.get("dataset", ""), changes=given.get("changes"))
