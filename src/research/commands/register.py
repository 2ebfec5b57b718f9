"""`research register`: bind a study to the protocol before its data are read."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research import parameters, registration
from research.commands.run import assignments
from research.files.targets import READS, WRITES, Force, guarded
from research.files.wholefiles import whole


@guarded
def register(
    study: Annotated[str, typer.Argument(help="a name in studies/, or the path of a study file"), READS],
    out: Annotated[Path, typer.Argument(help="the registration (a JSON file)"), WRITES],
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="change a parameter; may be repeated"),
    ] = None,
    force: Force = False,
) -> None:
    """Write what a study binds itself to: protocol, claims, code, crosswalk, parameters, and the names of its data."""
    resolved = parameters.load(study, changes=assignments(parameter or []))
    with whole(out) as temporary:
        registration.write(temporary, resolved, datetime.datetime.now(datetime.UTC).date())
    Console(stderr=True).print(
        f"Wrote {out}. Name it in the study file, `registration: {out}`; a run then says whether it kept to it.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
