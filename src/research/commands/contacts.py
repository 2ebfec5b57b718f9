"""`research contacts`: the contact plan of a study as a workbook for the officers."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research.errors import UserError
from research.files.targets import READS, WRITES, Force, guarded, take
from research.manage.contact_workbook import write_contact_plan
from research.pages.provenance import data_files
from research.parameters import find, load
from research.paths import REPORTS
from research.runs.plan import check, first_day
from research.study import contents as steps


@guarded
def contacts(
    study: Annotated[str, typer.Argument(help="a name in studies/, or the path of a study file"), READS],
    out: Annotated[Path, typer.Argument(help="the workbook to write (.xlsx)"), WRITES],
    model: Annotated[str, typer.Option(help="the model whose tiers are used")] = "tree",
    start: Annotated[str, typer.Option(help="first day of the plan, YYYY-MM-DD [today]")] = "",
    dataset: Annotated[str, typer.Option(help="another data set than the study's"), READS] = "",
    force: Force = False,
) -> None:
    """Write the contact plan of a study: one row per customer, and a log to send back. INTERNAL: it names customers."""
    if out.suffix.lower() != ".xlsx":
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in .xlsx")
    refuse_published(out)
    day = first_day(start) if start else datetime.date.today()
    plan = load(study, dataset=dataset)
    take(out, [find(study), *data_files(plan)], force=True)  # what is not an input has been asked about
    check(plan)
    reason = steps.not_testable(plan, model)
    if reason:
        raise UserError(f"--model {model}: {reason}")
    table = steps.contact_plan(plan, model, day)
    _, words = steps.about(plan)["banner"]
    write_contact_plan(table, out, start_date=day, banner=words)
    urgent, potential = int((table["alert"] != "").sum()), int(table["potential_premium"].sum())
    Console(stderr=True).print(
        f"{len(table):,} customers, {urgent:,} with an alert, {potential:,} potential premium: {out}",
        highlight=False,
        soft_wrap=True,
    )


def refuse_published(out: Path) -> None:
    """Raise UserError when the workbook would lie among reports, which are made to be passed on."""
    for folder in out.resolve().parents:
        marks = (folder / name for name in ("provenance.json", "ro-crate-metadata.json"))
        if folder == REPORTS or any(mark.exists() for mark in marks):
            raise UserError(
                f"{out}: {folder.name} holds reports, which are made to be passed on; "
                "expected a place of its own for a workbook that names customers"
            )
