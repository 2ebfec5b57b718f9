"""Execute one notebook with papermill, in this interpreter, and leave nothing in it that changes by itself."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.reader import NotJSONError
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from research.errors import NotTestable
from research.pages.files import write_if_changed
from research.paths import ROOT
from research.runs.kernels import kernel_name
from research.runs.runner import Failed

TEMPORARY_CELL = re.compile(r"[^\s\"'(]*ipykernel_\d+[/\\]\d+\.py")
ERROR_CELL = "papermill-error-cell-tag"
PATIENCE = 600  # seconds; a busy machine needs more than the usual 60 to start a kernel, and 4 for an output
CellStarted = Callable[[int, int], None]


class KeepsWhatRan(NBClientEngine):
    """papermill's own engine; what ran of a notebook whose kernel dies is written, too."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, kept: str = "", **options: Any
    ) -> None:
        """Execute the cells."""
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        except DeadKernelError:
            nbformat.write(nb_man.nb, kept)
            raise


papermill_engines.register("keeps-what-ran", KeepsWhatRan)


class ExecutionFailed(Failed):
    """A cell of the notebook failed; the message is one line that names the cell and the error."""


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    *,
    on_cell: CellStarted | None = None,
) -> int:
    """Execute a notebook into `target` and return the number of warnings its cells printed.

    Args:
        source: the notebook; it is not changed.
        target: where the executed notebook goes. On failure `<stem>.failed.ipynb` beside it keeps what ran, and
            an earlier `target` is removed, because it would be taken for this run's.
        parameters: values for the cell tagged 'parameters'. Relative paths in the study start in this process's
            folder; the path of the study itself is kept out of the executed notebook.
        on_cell: called with (cell, cells) before each code cell.

    Raises:
        ExecutionFailed: a cell raised, or the kernel died. A cell that raised NotTestable ends the notebook well.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part.ipynb")
    failed = target.with_suffix(".failed.ipynb")
    cells = nbformat.read(source, as_version=4).cells
    total = len(cells) + 1

    study = str(parameters.get("study", ""))
    reached = 0

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index + 1
        if on_cell is not None:
            on_cell(cell_index + 1, total)

    try:
        papermill.execute_notebook(
            str(source),
            str(partial),
            parameters=dict(parameters),
            engine_name="keeps-what-ran",
            kept=str(partial),
            kernel_name=kernel_name(),
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,  # saving after each cell took a fifth of a run whose steps are cached
            autosave_cell_every=0,
            resources={"metadata": {"path": str(Path.cwd())}},
            on_cell_start=started,
            record_timing=False,
            coalesce_streams=True,
            start_timeout=PATIENCE,
            iopub_timeout=PATIENCE,
        )
    except Exception as error:
        if getattr(error, "ename", "") != NotTestable.__name__:
            target.unlink(missing_ok=True)
            keep(partial, failed, study)
            raise ExecutionFailed(describe(error, reached)) from error
        end_early(partial)
    failed.unlink(missing_ok=True)
    return clean(partial, target, study)


def end_early(partial: Path) -> None:
    """End an executed notebook at the cell that found its question not testable, as if it had been the last."""
    notebook = nbformat.read(partial, as_version=4)
    kept = [cell for cell in notebook.cells if ERROR_CELL not in cell.metadata.get("tags", [])]
    for place, cell in enumerate(kept):
        outputs = cell.get("outputs", [])
        if any(output.output_type == "error" for output in outputs):
            cell["outputs"] = [output for output in outputs if output.output_type != "error"]
            del kept[place + 1 :]
            break
    notebook.cells = kept
    notebook.metadata.setdefault("research", {})["stopped"] = True
    nbformat.write(notebook, partial)


def keep(partial: Path, failed: Path, study: str) -> None:
    """Keep what ran of a notebook that failed, unless the failure was that it could not be written."""
    try:
        clean(partial, failed, study)
    except (OSError, NotJSONError):
        partial.unlink(missing_ok=True)


def describe(error: Exception, reached: int = 0) -> str:
    """Return one line that names the cell and the error; `reached` is the last cell that began."""
    if isinstance(error, PapermillExecutionError):
        first = next((line for line in error.source.splitlines() if line.strip() and line[0] != "#"), "")
        message = " ".join(str(error.evalue).split())
        where = f"In [{error.exec_count}]" if error.exec_count else f"cell {error.cell_index + 1}"
        return neutral(f"{where} `{first.strip()[:60]}`: {error.ename}: {message[:400]}")
    if isinstance(error, DeadKernelError):
        return f"cell {reached}: the kernel died; too little memory, or a crash in a library"
    return neutral(f"{type(error).__name__}: {' '.join(str(error).split())[:400]}")


def clean(partial: Path, target: Path, study: str = "") -> int:
    """Move an executed notebook to its place without times, random ids and paths of this machine."""
    notebook = nbformat.read(partial, as_version=4)
    notebook.metadata.pop("papermill", None)
    warnings = 0
    for number, cell in enumerate(notebook.cells):
        for volatile in ("papermill", "execution"):
            cell.metadata.pop(volatile, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
            if study:
                cell["source"] = cell["source"].replace(
                    json.dumps(study, ensure_ascii=False), f'"{Path(study).name}"'
                )
        elif ERROR_CELL in cell.metadata.get("tags", []):
            cell["id"] = f"error-{number}"
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = neutral(output.text)
                warnings += output.name == "stderr"
            if output.output_type == "error":
                output.traceback = [neutral(line) for line in output.traceback]
    try:
        write_if_changed(target, nbformat.writes(notebook) + "\n")
    finally:
        partial.unlink()
    return warnings


def neutral(text: str) -> str:
    """Return text in which folders of this machine have neutral names."""
    places = {str(ROOT): ".", sys.prefix: "<python>", sys.base_prefix: "<python>", str(Path.home()): "~"}
    for place in sorted(places, key=len, reverse=True):
        if len(place) > 1:
            text = text.replace(place, places[place])
    return TEMPORARY_CELL.sub("<cell>", text)
