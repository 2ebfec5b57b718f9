"""`research batch`: run a grid of studies and compare them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research import parameters
from research.errors import UserError
from research.files.targets import FILLS, READS, Force, take_reports
from research.paths import REPORTS

JOBS = 2


def batch(
    grid: Annotated[
        Path, typer.Argument(help="a batch file: study, and product, zip or list of parameters"), READS
    ],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help=f"runs at the same time, on this machine [{JOBS}]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder of the batch [reports/<name of the grid>]"), FILLS
    ] = None,
    cluster: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="run on the workers of this Dask scheduler instead; local:N starts N workers here",
        ),
    ] = "",
    force: Force = False,
) -> None:
    """Run a grid of studies and compare them.

    Every run is checked before the first one starts. A run that fails does not stop the others. Start the same batch
    again to go on after an interruption.
    """
    from research.pages.files import only_writer
    from research.pages.provenance import data_files
    from research.runs import batch as runs
    from research.runs import grid as grids
    from research.runs.cluster import connected, there
    from research.runs.comparison import write_comparison

    if cluster and jobs is not None:
        raise UserError("--jobs counts processes of this machine; with --cluster, leave it out")
    console = Console(stderr=True)
    asked = grids.read(grid)
    folder = out or REPORTS / asked.name
    plans = grids.plans(asked, folder)
    studies = {plan.study.model_dump_json(): plan.study for plan in plans}.values()
    read = {path for study in studies for path in data_files(study)}
    take_reports(folder, [grid, parameters.find(asked.study), *read], force=force)
    with ExitStack() as held:
        if cluster:
            carry_out = partial(there, client=held.enter_context(connected(cluster)), folder=folder)
        else:
            carry_out = partial(runs.here, jobs=jobs or JOBS)
        held.enter_context(only_writer(folder))
        outcomes = runs.run_all(runs.named(asked, plans), carry_out, console)
        page = write_comparison(asked, plans, outcomes, folder)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed:
        console.print(
            f"{outcome.name}: {outcome.message}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    counts = {state: sum(o.state == state for o in outcomes) for state in ("ran", "unchanged", "failed")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"{len(outcomes)} runs: {told}. Read {page}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)
