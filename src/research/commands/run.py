"""`research run`: run a study and write its reports."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from research import parameters
from research.errors import UserError
from research.files.targets import FILLS, READS, Force, take_reports
from research.files.textfiles import parse_yaml
from research.pages import provenance
from research.runs import pipeline
from research.runs import plan as plans

MOVED_SHOWN = 10


def run(
    study: Annotated[
        str, typer.Argument(help="a name in studies/, or the path of a study file"), READS
    ] = "default",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="change a parameter; may be repeated"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NB", help="run only this notebook; may be repeated")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="notebooks executed at the same time")] = 1,
    out: Annotated[Path | None, typer.Option(help="folder of the reports [reports/<study>]"), FILLS] = None,
    update_reference: Annotated[
        bool, typer.Option("--update-reference", help="make this run's values the reference")
    ] = False,
    cluster: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="compute steps on the workers of this Dask scheduler; local:N starts N workers here",
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="run again whenever study, notebooks, data or code change")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would run and why, and do nothing")
    ] = False,
    force: Force = False,
) -> None:
    """Run a study and write its reports."""
    if watch and update_reference:
        raise UserError("--watch and --update-reference: the reference is updated by one run, watched or not")
    if watch and cluster:
        raise UserError("--watch and --cluster: workers keep the code that they began with; leave one out")
    # Steps that use several processes share the processors with the other notebooks.
    os.environ.setdefault("RESEARCH_JOBS", str(max(1, (os.cpu_count() or 1) // max(1, jobs))))
    console = Console(stderr=True)

    changes = assignments(parameter or [])
    make = partial(plans.plan, study, changes=changes, only=only or [], jobs=jobs, out=out)
    plan = make()
    if dry_run:
        foretell(plan, console)
        return
    take_reports(plan.out, [parameters.find(study), *provenance.data_files(plan.study)], force=force)
    if watch:
        run_watched(plan, make, parameters.find(study), console)
        return
    if cluster:
        from research.runs.cluster import steps

        with steps(plan, cluster) as submit:
            result = pipeline.run(plan, console=console, submit=submit)
    else:
        result = pipeline.run(plan, console=console)
    report(result, console)
    if update_reference:
        pipeline.update_reference(result)
        console.print("The values of this run are the reference now.")
    raise typer.Exit(result.exit_code)


def run_watched(plan: plans.Plan, make: Callable[[], plans.Plan], study: Path, console: Console) -> None:
    """Run until interrupted; a mistake in a changed file is told, and the next change tries again."""
    from research.runs import watch

    def once() -> None:
        nonlocal plan
        provenance.commit.cache_clear()
        try:
            plan = make()
            report(pipeline.run(plan, console=console), console)
            watch.warm(plan)
        except UserError as error:
            console.print(f"research: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        console.print("Waiting for changes; Ctrl-C ends.", highlight=False)

    try:
        watch.watch(once, lambda: watch.inputs(plan, study), watch.held, watch.restart)
    except KeyboardInterrupt:
        console.print("Ended.")


def foretell(plan: plans.Plan, console: Console) -> None:
    """Print what a run would do, and why."""
    due = pipeline.foresee(plan)
    for name, why in due:
        console.print(f"{name}: {why}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(due)} of {pipeline.size(plan)} tasks would run." if due else "Nothing would run.")


def assignments(texts: list[str]) -> dict[str, Any]:
    """Return the parameters of `-p name=value`; values are read as YAML. Raises UserError."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UserError(f"-p {text}: expected name=value")
        found[name.strip()] = parse_yaml(value, f"-p {text}", "a number, word or [list]")
    return found


def report(result: pipeline.Result, console: Console) -> None:
    """Print what the run did."""
    if result.unchanged:
        console.print(f"Nothing changed: {len(result.lines)} notebooks are up to date.", highlight=False)
    else:
        console.print(result.table())
    for line in result.failed:
        console.print(
            f"{line.name}: {line.message}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    for fault in result.faults:
        console.print(f"index: {fault}", style="red", markup=False, highlight=False, soft_wrap=True)
    seen = result.collected
    if "reason" in seen:
        console.print(f"Values not compared: {seen['reason']}.", markup=False, highlight=False)
    elif seen:
        console.print(
            f"{seen['reproduced']:,} of {seen['compared']:,} reference values reproduced.", highlight=False
        )
        for row in seen["moved"][:MOVED_SHOWN]:
            console.print(
                f"  moved: {row['name']}: {row['reference']} → {row['now']}", markup=False, highlight=False
            )
        if len(seen["moved"]) > MOVED_SHOWN:
            console.print(f"  … and {len(seen['moved']) - MOVED_SHOWN} more, all in reproduced.json")
    console.print(f"Read {result.plan.out / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
