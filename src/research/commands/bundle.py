"""`research bundle`: a finished run and its paper as one zip, to submit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research.errors import UserError
from research.files.targets import READS, WRITES, Force, guarded
from research.paths import REPORTS


@guarded
def bundle(
    study: Annotated[
        str, typer.Argument(help="a folder of reports, or a study whose reports are in reports/"), READS
    ],
    out: Annotated[Path, typer.Argument(help="the file to write (.zip)"), WRITES],
    paper: Annotated[
        list[Path] | None,
        typer.Option(help="a file of the paper to put beside it; may be given again"),
        READS,
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(help="title and authors for codecheck.yml, a YAML file [placeholders]"),
        READS,
    ] = None,
    force: Force = False,
) -> None:
    """Put a finished run and its paper into one zip, to submit, with `codecheck.yml` and RO-Crate.

    The same run gives the same bytes. `SHA256SUMS` in it lets anybody check what arrived.
    """
    from research.desk.bundle import bundle as files_of
    from research.desk.bundle import packed
    from research.desk.finished import finished, outside
    from research.files.textfiles import exists
    from research.pages.files import write_if_changed

    if out.suffix.lower() != ".zip":
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in .zip")
    folder = Path(study) if exists(study) else REPORTS / study
    outside(out, [folder])
    files = files_of(finished(folder), paper or (), about)
    write_if_changed(out, packed(files))
    Console(stderr=True).print(
        f"{len(files)} files, {out.stat().st_size / 1e6:.1f} MB: {out}", highlight=False, soft_wrap=True
    )
