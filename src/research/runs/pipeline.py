"""A run: one task per notebook, executed when something it depends on changed, then rendered and collected."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from research.collect import fetch
from research.errors import UserError
from research.pages import notebooks as books
from research.pages import provenance
from research.pages.files import check_writable, only_writer, write_if_changed
from research.parameters import Study
from research.paths import RECORDED, REFERENCE, cache_folder
from research.runs import ahead, processes, runner
from research.runs.plan import Plan
from research.runs.progress import Line, Progress, summary
from research.runs.runner import Failed, Task

TASKS, INDEX = "tasks.json", "index.json"  # what the run remembers of each, in the private folder
EXECUTE, AHEAD, PAGE = "execute ", "ahead ", "page "
CLUSTER = "cluster"  # the lane of what is only waited for here
SOON = 2  # notebooks that begin before the dear steps, so that there is something to read soon
Submit = Callable[..., Any]


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
    submit: Submit | None = None,
) -> Result:
    """Carry out a plan. A failing notebook stops those that need it, and no others.

    Args:
        plan: what to do.
        console: where progress is shown; by default standard error.
        quiet: show none.
        reference: the values to compare with; by default those of the project.
        patience: seconds to wait for another run in the same folder.
        submit: gives steps to the workers of a cluster; without it they are computed here.

    Raises:
        UserError: another run is writing to the same folder, or it or the cache cannot be written.
        OSError: the disk became full.
    """
    check_writable(cache_folder(), "RESEARCH_CACHE names another folder for the steps of the study")
    with only_writer(plan.out, patience=patience) as private:
        return run_locked(plan, private, console or Console(stderr=True), quiet, reference, submit)


def run_locked(
    plan: Plan,
    private: Path,
    console: Console,
    quiet: bool,
    reference: Path | None,
    submit: Submit | None,
) -> Result:
    """Execute, render and collect."""
    index = private / INDEX
    if write_if_changed(plan.out / "study.yml", study_file(plan.study)):
        remove_earlier(plan)
        index.unlink(missing_ok=True)
    record = provenance.collect(plan.study)
    write_if_changed(plan.out / "provenance.json", json.dumps(record, indent=1))
    with Progress([notebook.stem for notebook in plan.chosen], console, quiet=quiet) as progress:
        asked = study_tasks(plan, progress, reference, elsewhere=submit is not None)
        due = {task.name for task, _ in runner.reasons(asked, private / TASKS)}
        there: list[str] = []
        told = partial(tell, progress, plan, None if index.exists() else there)
        for task in [] if due else asked:
            told(task.name, "unchanged", "")
        if due:
            painting = processes.pool(plan.jobs) if plan.jobs > 1 else nullcontext()
            with processes.pool(plan.jobs) as pool, painting as painters:
                warm_up(plan, due)
                given = submit or pool.submit
                tasks = study_tasks(plan, progress, reference, given, painters, elsewhere=submit is not None)
                lanes = {"kernels": plan.jobs, "pages": plan.jobs, CLUSTER: len(tasks)}
                runner.run(tasks, private / TASKS, told, lanes, processes.end)
    lines = list(progress.lines.values())
    failed = {line.name: line.message for line in lines if line.state in ("failed", "stopped")}
    write_if_changed(private / "failed.json", json.dumps(failed, indent=1))
    if failed:
        from research.pages.render import failed_page

        for stem, message in failed.items():
            write_if_changed(plan.page(stem), failed_page(stem, plan.pages, record, message))
    faults: list[str] = []

    def note(_: str, state: str, message: str) -> None:
        faults.extend([message] if state == "failed" else [])

    runner.run([index_task(plan, private, reference or reference_of(plan.study))], index, note)
    summary = plan.out / "reproduced.json"
    collected = json.loads(summary.read_text(encoding="utf-8")) if summary.exists() and not faults else {}
    return Result(plan, lines, collected, faults)


def foresee(plan: Plan, reference: Path | None = None) -> list[tuple[str, str]]:
    """Return (what a run would do, why), in order; nothing is written.

    The index is not told apart: it is made again whenever one of its pages is.
    """
    private, asked = plan.out / ".run", study_file(plan.study)
    written = plan.out / "study.yml"
    if not written.exists() or written.read_text(encoding="utf-8") != asked:
        return [(f"{EXECUTE}{notebook.stem}", "the study was not run so before") for notebook in plan.chosen]
    tasks = study_tasks(plan, Progress([], Console(), quiet=True), reference)
    due = runner.reasons(tasks, private / TASKS)
    return [(task.name, why) for task, why in due if not task.name.startswith(AHEAD)]


def size(plan: Plan) -> int:
    """Return how many tasks the notebooks of a plan have."""
    return 3 * len(plan.chosen)


def warm_up(plan: Plan, due: set[str]) -> None:
    """Let kernels be prepared for the notebooks that will be executed, while this process goes on."""
    if plan.jobs > 1 and any(name.startswith(PAGE) for name in due):
        # what pages are made with, while kernels are prepared
        Thread(target=import_module, args=("research.pages.index",), daemon=True).start()
    sources = [notebook.path for notebook in plan.chosen if f"{EXECUTE}{notebook.stem}" in due]
    if sources:
        from research.runs.imported import imports

        modules = [name for source in sources for name in imports(source)]
        modules += ahead.IMPORTS if any(name.startswith(AHEAD) for name in due) else ()
        processes.begin(dict.fromkeys(modules))
    elif due:
        processes.begin()


def tell(
    progress: Progress, plan: Plan, there: list[str] | None, name: str, state: runner.State, message: str
) -> None:
    """Show what a task does on the line of its notebook; where `there` is given, pages are put on it and the index."""
    kind, _, stem = name.partition(" ")
    if f"{kind} " == EXECUTE and state == "running":
        progress.start(stem)
    elif f"{kind} " == EXECUTE:
        progress.finish(
            stem, state, message=message.replace(EXECUTE, ""), warnings=progress.lines[stem].warnings
        )
    elif state == "failed":
        progress.finish(stem, "failed", message=message)
    elif f"{kind} " == PAGE and state in ("ran", "unchanged") and there is not None:
        from research.pages.index import write_arriving

        there.append(stem)
        write_arriving(plan.out, plan.pages, [plan.executed(stem) for stem in sorted(there)])


RECORDED_STUDY = "all_data"  # the study whose values the pages of others may show


def reference_of(study: Study) -> Path:
    """Return the values that a run is compared with: those recorded of its study, else those of the default one."""
    folder = RECORDED / study.name if study.name == RECORDED_STUDY else REFERENCE
    return folder / "values.json"


def update_reference(result: Result, reference: Path | None = None) -> None:
    """Make the values of a complete run the reference, with the commit and the hashes of the data that they came from.

    Raises:
        UserError: some notebooks were not run, or failed.
    """
    if result.exit_code or len(result.plan.chosen) < len(result.plan.notebooks):
        raise UserError("the reference was left alone: it takes a run of all notebooks without a failure")
    from research.collect import datasets  # slow to import, and seldom asked
    from research.pages.values import values_text

    study, out = result.plan.study, result.plan.out
    record = json.loads((out / "values.json").read_text(encoding="utf-8"))
    if study.name == RECORDED_STUDY:
        made = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
        record["study"] |= {
            "command": f"research run {study.name} --update-reference",
            "commit": made["code"]["commit"],
            "data": {name: datasets.data_fingerprint(name) for name in study.compare_datasets},
        }
    write_if_changed(reference or reference_of(study), values_text(record))


def remove_earlier(plan: Plan) -> None:
    """Remove pages that were made with other parameters; the index would show them as this run's."""
    chosen = {notebook.stem for notebook in plan.chosen}
    for path in (*plan.out.glob("executed/*.ipynb"), *plan.out.glob("*.html")):
        if path.stem.removesuffix(".failed") not in {*chosen, "index", "checklists"}:
            path.unlink()


def study_file(study: Study) -> str:
    """Return the resolved study as YAML, complete, so that the reports can be made again from it."""
    return yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def study_tasks(
    plan: Plan,
    progress: Progress,
    reference: Path | None = None,
    submit: Submit = lambda *_: None,
    painters: Executor | None = None,
    *,
    elsewhere: bool = False,
) -> list[Task]:
    """Return what there is to do for each notebook: execute it, write its page, write its tables as files.

    Where several things run at once, what a notebook that begins first takes longest for is computed ahead of it, in
    the processes that `submit` gives it to: of this machine, where notebooks wait for a free one, or `elsewhere`.
    Figures are drawn by the painters. `reference` has the values to compare with; by default those of the project.
    """
    notebooks = books.in_turn(plan.chosen) if plan.jobs > 1 or elsewhere else plan.chosen
    shared = {
        "code": provenance.code_hash(),
        "data": provenance.data_hash(plan.study),
        "lock": provenance.lock_hash(),
        "survey": fetch.is_here("nfwbs"),
        "python": sys.version,
    }
    look = {"look": provenance.look_hash()}
    study, record = plan.out / "study.yml", plan.out / "provenance.json"
    reference = reference or reference_of(plan.study)
    compared = (reference,) if reference.exists() else ()
    some = (plan.jobs > 1 or elsewhere) and any(notebook.begins == "first" for notebook in notebooks)
    units = list(ahead.units(plan.study)) if some else []
    steps = [
        Task(
            f"{AHEAD}{unit.name}", partial(ahead.beside, submit, unit), (study,), (), shared,
            tuple(f"{AHEAD}{name}" for name in unit.needs), CLUSTER if elsewhere else "kernels",
        )
        for unit in units
    ]  # fmt: skip
    executes, pages = [], []
    for notebook in notebooks:
        stem, own = notebook.stem, plan.own.get(notebook.stem, {})
        executed, page, tables = plan.executed(stem), plan.page(stem), plan.out / "results" / stem
        given = {"study": str(study.resolve()), **own}
        needs = [f"{EXECUTE}{need}" for need in notebook.needs]
        needs += [task.name for task in steps if notebook.begins == "first"]
        executes.append(
            Task(
                f"{EXECUTE}{stem}",
                partial(execute_notebook, notebook.path, executed, given, progress),
                (notebook.path, study),
                (executed,),
                shared | {"parameters": own},
                tuple(needs),
                "kernels",
            )
        )
        after = (f"{EXECUTE}{stem}",)
        pages += [
            Task(
                f"{PAGE}{stem}",
                partial(write_page, executed, page, plan.pages, record, reference, painters),
                (executed, record, *compared),
                (page,),
                look | {"pages": plan.pages},
                after,
                "pages",
            ),
            Task(
                f"tables {stem}", partial(write_tables, tables, executed), (executed,), (tables,), look, after
            ),
        ]
    # something to read soon, then what most pages wait for; other data sets after the pages that need none of them
    late = sum(notebook.begins != "late" for notebook in notebooks)
    first = sum(notebook.begins == "first" for notebook in notebooks)
    own = sum(unit.study.dataset == plan.study.dataset for unit in units)
    soon = executes[first : min(first + SOON, late)] if units else []
    others = [task for task in executes[:late] if task not in soon]
    return [*soon, *steps[:own], *others, *steps[own:], *executes[late:], *pages]


def index_task(plan: Plan, private: Path, reference: Path) -> Task:
    """Return what collects values and writes index, results and provenance from what there is."""
    executed = [plan.executed(stem) for stem, _ in plan.pages if plan.executed(stem).exists()]
    inputs = [*executed, plan.out / "provenance.json", private / "failed.json", reference]
    made = ("index.html", "checklists.html", "values.json", "reproduced.json", "results")
    return Task(
        "index",
        partial(collect, plan.out, plan.pages, executed, reference),
        tuple(path for path in inputs if path.exists()),
        tuple(plan.out / name for name in made),
        {
            "look": provenance.look_hash(),
            "pages": plan.pages,
            "definitions": provenance.checklist_hash(plan.study),
        },
    )


def execute_notebook(source: Path, target: Path, given: Mapping[str, Any], progress: Progress) -> None:
    """Execute a notebook, which may raise ExecutionFailed."""
    from research.runs.execute import execute  # imports papermill

    line = progress.lines[source.stem]
    line.warnings = execute(source, target, given, on_cell=partial(progress.cell, source.stem))


def write_page(
    executed: Path,
    page: Path,
    pages: list[tuple[str, str]],
    record: Path,
    reference: Path,
    painters: Executor | None = None,
) -> None:
    """Write the page of an executed notebook, whose figures painters may draw. Raises Failed."""
    from research.pages.render import RenderFailed, render  # imports nbconvert

    try:
        about = json.loads(record.read_text(encoding="utf-8"))
        write_if_changed(page, render(executed, pages, about, reference=reference, pool=painters))
    except RenderFailed as error:
        raise Failed(str(error)) from error


def write_tables(folder: Path, executed: Path) -> None:
    """Write the tables of an executed notebook as files."""
    from research.pages import values

    values.write_tables(folder, values.collect([executed]).tables)


def collect(out: Path, pages: list[tuple[str, str]], executed: list[Path], reference: Path) -> None:
    """Collect values and write the index. Raises Failed."""
    from research.pages.index import IndexFailed, write_index

    try:
        write_index(out, pages, executed, reference)
    except IndexFailed as error:
        raise Failed(str(error)) from error
