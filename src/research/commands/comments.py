"""`research comments`: reviewers' comments merged, with what changed since, as a workbook or a letter to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research.errors import UserError
from research.files.targets import READS, WRITES, Force, guarded


@guarded
def comments(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="files of comments, downloaded from the pages"),
        READS,
    ],
    out: Annotated[Path, typer.Argument(help="the workbook (.xlsx) or the letter (.docx) to write"), WRITES],
    against: Annotated[
        Path,
        typer.Option(metavar="RUN", help="the folder of the run whose pages they are held against"),
        READS,
    ],
    force: Force = False,
) -> None:
    """Merge comments on the pages of a run and say of each what changed there since, with room for an answer."""
    from research.desk.comments import UNCHANGED, held_against, read
    from research.desk.finished import finished, outside
    from research.desk.response import WRITERS, write

    if out.suffix.lower() not in WRITERS:
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in {' or '.join(WRITERS)}")
    outside(out, [against])
    given, run = read(files), finished(against)
    if not given:
        raise UserError(f"{', '.join(path.name for path in files)}: no comments")
    placed = held_against(given, run)
    write(placed, out)
    same, reviewers = (
        sum(one.changed.template == UNCHANGED for one in placed),
        {one.reviewer for one in placed},
    )
    here = sum(one.target.run == f"urn:sha256:{run.provenance.get('run')}" for one in given)
    Console(stderr=True).print(
        f"{out}: comments {len(placed)}, reviewers {len(reviewers)}, written on this very run {here}; "
        f"places unchanged {same}, changed or gone {len(placed) - same}",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
