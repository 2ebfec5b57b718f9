"""A run: one task per notebook, executed when something it depends on changed, then rendered and collected."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from research.errors import UserError
from research.parameters import Study
from research.paths import REFERENCE, cache_folder
from research.report import forks, provenance
from research.report import notebooks as books
from research.report.files import check_writable, only_writer, write_if_changed
from research.report.plan import Plan
from research.report.progress import Line, Progress, summary
from research.report.tasks import Collector, run_tasks


@dataclass(frozen=True)
class Result:
    """What a run did: a line per notebook, and what it says about the reference values."""

    plan: Plan
    lines: list[Line]
    collected: Mapping[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Line]:
        """The notebooks that failed or were stopped by one that did."""
        return [line for line in self.lines if line.state in ("failed", "stopped")]

    @property
    def unchanged(self) -> bool:
        """True when nothing had to be done."""
        return all(line.state == "unchanged" for line in self.lines)

    def table(self) -> Table:
        """Return the summary: notebook, state, seconds, warnings or error."""
        return summary(self.lines)

    @property
    def exit_code(self) -> int:
        """0 when every notebook succeeded and the index could be made."""
        return 1 if self.failed or self.faults else 0


def run(
    plan: Plan,
    *,
    console: Console | None = None,
    quiet: bool = False,
    reference: Path | None = None,
    patience: float = 0,
) -> Result:
    """Carry out a plan. A failing notebook stops those that need it, and no others.

    Args:
        plan: what to do.
        console: where progress is shown; by default standard error.
        quiet: show none.
        reference: the values to compare with; by default those of the project.
        patience: seconds to wait for another run in the same folder.

    Raises:
        UserError: another run is writing to the same folder, or it or the cache cannot be written.
        OSError: the disk became full.
    """
    if any(newer(notebook.path, plan.executed(notebook.stem)) for notebook in plan.chosen):
        forks.begin()  # it imports while this process finds out what there is to do
    check_writable(cache_folder(), "RESEARCH_CACHE names another folder for the steps of the study")
    with only_writer(plan.out, patience=patience) as private:
        return run_locked(plan, private, console or Console(stderr=True), quiet, reference)


def newer(source: Path, made: Path) -> bool:
    """Return whether a file was written after what was made of it, which may not be there yet."""
    return not made.exists() or source.stat().st_mtime > made.stat().st_mtime


def run_locked(plan: Plan, private: Path, console: Console, quiet: bool, reference: Path | None) -> Result:
    """Execute, render and collect."""
    if write_if_changed(plan.out / "study.yml", study_file(plan.study)):
        remove_earlier(plan)
    record = provenance.collect(plan.study)
    write_if_changed(plan.out / "provenance.json", json.dumps(record, indent=1))
    names = [notebook.stem for notebook in plan.chosen]
    with Progress(names, console, quiet=quiet) as progress:
        tasks = [*execute_tasks(plan, progress), *render_tasks(plan, progress), *table_tasks(plan)]
        run_tasks(tasks, private / "notebooks.json", progress, plan.jobs)
    lines = list(progress.lines.values())
    failed = {line.name: line.message for line in lines if line.state in ("failed", "stopped")}
    write_if_changed(private / "failed.json", json.dumps(failed, indent=1))
    if failed:
        from research.report.render import failed_page

        for stem, message in failed.items():
            write_if_changed(plan.page(stem), failed_page(stem, plan.pages, record, message))
    faults: list[str] = []
    collector = Collector(faults)
    run_tasks(
        [collect_task(plan, private, reference or REFERENCE / "values.json")],
        private / "index.json",
        collector,
    )
    summary = plan.out / "reproduced.json"
    collected = json.loads(summary.read_text(encoding="utf-8")) if summary.exists() and not faults else {}
    return Result(plan, lines, collected, faults)


def update_reference(result: Result, reference: Path | None = None) -> None:
    """Make the values of a complete run the reference. Raises UserError after a partial or failed one."""
    if result.exit_code or len(result.plan.chosen) < len(result.plan.notebooks):
        raise UserError("the reference was left alone: it takes a run of all notebooks without a failure")
    text = (result.plan.out / "values.json").read_text(encoding="utf-8")
    write_if_changed(reference or REFERENCE / "values.json", text)


def remove_earlier(plan: Plan) -> None:
    """Remove pages that were made with other parameters; the index would show them as this run's."""
    chosen = {notebook.stem for notebook in plan.chosen}
    for path in (*plan.out.glob("executed/*.ipynb"), *plan.out.glob("*.html")):
        if path.stem.removesuffix(".failed") not in {*chosen, "index", "checklists"}:
            path.unlink()


def study_file(study: Study) -> str:
    """Return the resolved study as YAML, complete, so that the reports can be made again from it."""
    return yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def execute_tasks(plan: Plan, progress: Progress) -> Iterable[dict[str, Any]]:
    """Yield a task per notebook that executes it."""
    chosen = {notebook.stem for notebook in plan.chosen}
    shared = {
        "code": provenance.code_hash(),
        "data": provenance.data_hash(plan.study),
        "lock": provenance.lock_hash(),
        "python": sys.version,
    }
    earlier = tuple(path for stem, _ in plan.pages if (path := plan.executed(stem)).exists())
    for notebook in plan.chosen if plan.jobs == 1 else books.in_turn(plan.chosen):
        own = plan.own.get(notebook.stem, {})
        given = {"study": str((plan.out / "study.yml").resolve()), **own}
        target = plan.executed(notebook.stem)
        yield {
            "name": f"execute:{notebook.stem}",
            "actions": [(execute_action, [notebook.path, target, given, progress, plan.out, earlier])],
            "file_dep": [str(notebook.path), str(plan.out / "study.yml")],
            "task_dep": [f"execute:{need}" for need in notebook.needs if need in chosen],
            "targets": [str(target)],
            "depends_on": {**shared, "parameters": own},
        }


def render_tasks(plan: Plan, progress: Progress) -> Iterable[dict[str, Any]]:
    """Yield a task per notebook that renders it; unchanged outputs are not rendered again."""
    pages = plan.pages
    for notebook in plan.chosen:
        executed, page = plan.executed(notebook.stem), plan.page(notebook.stem)
        yield {
            "name": f"render:{notebook.stem}",
            "actions": [(render_action, [executed, page, pages, plan.out / "provenance.json", progress])],
            "file_dep": [str(executed), str(plan.out / "provenance.json")],
            "targets": [str(page)],
            "depends_on": {"look": provenance.look_hash(), "pages": pages},
        }


def table_tasks(plan: Plan) -> Iterable[dict[str, Any]]:
    """Yield a task per notebook that writes its tables as files."""
    for notebook in plan.chosen:
        executed, folder = plan.executed(notebook.stem), plan.out / "results" / notebook.stem
        yield {
            "name": f"tables:{notebook.stem}",
            "actions": [(tables_action, [folder, executed])],
            "file_dep": [str(executed)],
            "leaves": [folder],
            "depends_on": {"look": provenance.look_hash()},
        }


def collect_task(plan: Plan, private: Path, reference: Path) -> dict[str, Any]:
    """Return the task that collects values and writes index, results and provenance from what there is."""
    pages = plan.pages
    executed = [plan.executed(stem) for stem, _ in pages if plan.executed(stem).exists()]
    inputs = [*executed, plan.out / "provenance.json", private / "failed.json", reference]
    return {
        "name": "index",
        "actions": [(collect_action, [plan.out, pages, executed, reference])],
        "file_dep": [str(path) for path in inputs if path.exists()],
        "targets": [
            str(plan.out / name)
            for name in ("index.html", "checklists.html", "values.json", "reproduced.json")
        ],
        "leaves": [plan.out / "results"],
        "depends_on": {
            "look": provenance.look_hash(),
            "pages": pages,
            "definitions": provenance.checklist_hash(plan.study),
        },
    }


def execute_action(
    source: Path,
    target: Path,
    given: Mapping[str, Any],
    progress: Progress,
    out: Path,
    earlier: tuple[Path, ...],
) -> Any:
    """Execute a notebook as a task."""
    forks.begin()  # it imports while this process imports papermill
    from doit.exceptions import TaskFailed

    from research.report.execute import ExecutionFailed, execute

    name = source.stem
    prepare_the_rest(out, earlier)
    try:
        warnings = execute(source, target, given, on_cell=partial(progress.cell, name))
    except ExecutionFailed as error:
        return TaskFailed(str(error), report=False)
    progress.lines[name].warnings = warnings
    return {"warnings": warnings}


@cache
def prepare_the_rest(out: Path, earlier: tuple[Path, ...]) -> None:
    """Prepare what makes pages and index of a folder while kernels work and this process would wait for them."""
    threading.Thread(target=preparation, args=[out, earlier], daemon=True).start()


def preparation(out: Path, earlier: tuple[Path, ...]) -> None:
    """Import, compile the template, and read what an earlier run left: most of it will stay as it is."""
    from research.report.index import read_ahead
    from research.report.render import prepare_exporter

    try:
        prepare_exporter(json.loads((out / "provenance.json").read_text(encoding="utf-8")))
        read_ahead(out, earlier)
    except Exception:
        return  # whatever is wrong shows again where it is needed


def render_action(
    executed: Path, page: Path, pages: list[tuple[str, str]], record: Path, progress: Progress
) -> Any:
    """Render an executed notebook as a task."""
    from doit.exceptions import TaskFailed

    from research.report.render import RenderFailed, render

    try:
        write_if_changed(page, render(executed, pages, json.loads(record.read_text(encoding="utf-8"))))
    except RenderFailed as error:
        return TaskFailed(str(error), report=False)
    return None


def tables_action(folder: Path, executed: Path) -> None:
    """Write the tables of a notebook as a task."""
    from research.report.values import collect, write_tables

    write_tables(folder, collect([executed]).tables)


def collect_action(out: Path, pages: list[tuple[str, str]], executed: list[Path], reference: Path) -> Any:
    """Collect values and write the index as a task."""
    from doit.exceptions import TaskFailed

    from research.report.index import IndexFailed, write_index

    try:
        write_index(out, pages, executed, reference)
    except IndexFailed as error:
        return TaskFailed(str(error), report=False)
    return None
