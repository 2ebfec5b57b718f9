"""`research compare`: what moved between two finished runs, or between the runs of a batch and the first of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research.errors import UserError
from research.files.targets import READS, WRITES, Force, guarded


class FailOn(StrEnum):
    """What ends the command with exit code 1."""

    VERDICT = "verdict"
    VALUE = "value"


@guarded
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="A B", help="two folders of reports or values.json files, or the folder of one batch"
        ),
        READS,
    ],
    out: Annotated[Path, typer.Argument(help="the page to write (.html)"), WRITES],
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="end with exit code 1 when a verdict changed, or any value of a shared page"),
    ] = None,
    force: Force = False,
) -> None:
    """Compare two finished runs, or all runs of a batch with its first, on one page.

    A page shows what went in, and the verdicts, sentences, values and figures that moved, old and new side by side.
    What counts as moved is in `data/definitions/tolerances.csv`.
    """
    from research.desk.compare import compare as compared
    from research.desk.comparison_page import batch_page, comparison_page, headline
    from research.desk.finished import finished, outside, runs_of
    from research.pages.files import write_if_changed

    if len(runs) > 2 or out.suffix.lower() not in (".html", ".htm"):
        raise UserError(
            f"{out}: expected two runs, or the folder of one batch, and then the page to write, OUT.html"
        )
    outside(out, runs)
    if len(runs) == 2:
        first, second = map(finished, runs)
        found = [compared(first, second)]
        page, said = comparison_page(found[0]), found[0].headline()
    else:
        (_, first), *others = runs_of(runs[0])
        rows = [(name, run and compared(first, run, captions=False)) for name, run in others]
        found = [one for _, one in rows if one]
        page, said = batch_page(runs[0].resolve().name, rows), headline(rows)
    write_if_changed(out, page)
    Console(stderr=True).print(f"{said} Read {out}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if fail_on and any(one.wanting(fail_on) for one in found) else 0)
