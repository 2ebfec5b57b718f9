"""`research datasets`: what data there is, how to get more, and whether your own is fit for the study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich import box
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from research.collect import datasets, draft, fetch, loanbook, recorded
from research.collect.constructs import validate
from research.collect.tables import read_table, stem
from research.commands.terminal import console, table_of
from research.errors import UserError
from research.files.inert import write_csv
from research.files.targets import READS, WRITES, Force, guarded
from research.pages import provenance
from research.pages.files import write_if_changed
from research.pages.payload import plain
from research.pages.values import values_text
from research.parameters import load
from research.study import wellbeing
from research.study.customers import customers, shown
from research.study.testable import answers

app = typer.Typer(
    help="List, fetch and check data sets.", no_args_is_help=False, pretty_exceptions_enable=False
)
MOST_ROWS = 40


class Bar:
    """A progress bar of a download, in the form pooch expects."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None)
        self.total = 0

    def update(self, size: int) -> None:
        """Advance by a number of bytes."""
        self._progress.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        """Start again from zero."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """The download has ended; the surrounding progress closes the bar."""


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """List the data sets when no other verb is given."""
    if context.invoked_subcommand is None:
        show_list()


def _print(frame: pd.DataFrame, title: str) -> None:
    """Print a frame as a table; text from files is escaped."""
    if frame.empty:
        console.print(f"[bold]{title}[/bold]: none")
        return
    console.print(table_of(frame.head(MOST_ROWS), title, ",.4g", box=box.SIMPLE))
    if len(frame) > MOST_ROWS:
        console.print(f"… and {len(frame) - MOST_ROWS} more")


@app.command("list")
def show_list() -> None:
    """List the data sets with rows, outcome rate, coverage and licence."""
    found = datasets.describe()
    ways = found["dataset"].isin(list(fetch.sources())).map({True: "fetch", False: "extra"})
    shown = found.rename(columns={"dataset": "data set"}).assign(
        kind=found["real"].map({True: "real", False: "SIMULATED"}),
        here=ways.where(~found["available"], "yes"),
        bad=found["outcome_rate"].map(lambda rate: f"{rate:.1%}" if rate == rate else "—"),
    )
    _print(shown[["data set", "kind", "here", "rows", "bad", "direct", "proxy", "absent"]], "Data sets")
    console.print(
        "direct, proxy, absent: how much of what the criteria ask for a data set measures, and how well; fetch: by "
        "`research datasets fetch NAME`; extra: with the optional packages, `pip install -e .[profit]`.",
        markup=False,
    )
    for row in found.itertuples():
        console.print(f"[bold]{row.dataset}[/bold]: {escape(row.title)}. Licence: {escape(row.licence)}.")
    for name, source in fetch.sources().items():
        if "about" in source:
            here = "here" if fetch.is_here(name) else f"research datasets fetch {name}"
            console.print(
                f"[bold]{name}[/bold]: {source['about']}. Licence: {source['licence']}. "
                f"It holds no loans, so it has no row above ({here})."
            )
    for row in found[found["partial"] != ""].itertuples():
        console.print(f"{row.dataset}: the files here are not whole ({row.partial}).")


@app.command("fetch")
def get(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(fetch.sources())}")],
    origin: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE_OR_FOLDER", help="a local copy instead of a download"),
        READS,
    ] = None,
) -> None:
    """Download a data set, or take a local copy; either is believed only when its hash is known."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = Bar(progress, f"Fetching {name}") if origin is None else False
        parts = fetch.fetch(name, origin, progress=bar)
    _print(parts, f"{name}: verified and kept in {fetch.downloads(name)}")


@app.command("record")
def record(
    name: Annotated[str, typer.Argument(help=f"the public survey: {wellbeing.SURVEY}")],
) -> None:
    """Keep what pages show of a public survey, for those who do not have its file; aggregates only."""
    if name != wellbeing.SURVEY:
        raise UserError(f"'{name}' is no public survey; expected {wellbeing.SURVEY}")
    study = load("default")
    tables = {}
    for key, table in wellbeing.computed(study.seed).items():
        rows = plain(table.astype(object).to_numpy().tolist())
        tables[f"{name}/{key}"] = {"columns": list(table.columns), "rows": rows}
    made = {"name": name, "command": f"research datasets record {name}", "seed": study.seed,
            "commit": provenance.commit()["commit"],
            "data": {name: next(iter(fetch.locate(name).values())).sha256}}  # fmt: skip
    target = recorded.file(name)
    write_if_changed(target, values_text({"study": made, "prose": {}, "tables": tables}))
    console.print(f"{name}: recorded in {target}")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="your loan book: csv, .csv.gz, Parquet or xlsx"), READS],
    crosswalk: Annotated[Path, typer.Option("--crosswalk", help="its crosswalk, a csv file"), READS],
) -> None:
    """Say what your loan book measures, what is wrong with it, and which questions it can answer."""
    found = loanbook.check(file, crosswalk)
    _print(found["summary"], f"{file.name}")
    coverage = found["coverage"]
    _print(coverage[coverage["fit"] != "absent"], "Measured")
    absent = ", ".join(coverage.loc[coverage["fit"] == "absent", "construct"])
    console.print(f"[bold]Not measured[/bold]: {escape(absent)}")
    for name, title in (
        ("identifiers", "Direct identifiers and personal data (never features)"),
        ("rare", "Customers who stand out by what others may know of them"),
        ("levels", "Levels that reports show pooled or masked"),
        ("classes", "Classes that no standard knows: they count as other"), ("types", "Columns of the wrong kind"),
        ("read", "Columns that write numbers in a way of their own"), ("lost", "Values that were lost"),
        ("units", "Units that look wrong"), ("outside", "Values out of range"),
        ("impossible", "Impossible or unusual values"), ("leakage", "Probably known only after the loan"),
        ("blanks", "Blanks that predict the outcome"),
    ):  # fmt: skip
        _print(found[name], title)
    faults = loanbook.blocking(found)
    if faults:
        raise UserError(f"{file.name} cannot be used yet: {'; '.join(faults)}")
    study = load("default", changes={"dataset": str(file), "crosswalk": str(crosswalk)})
    kept = found["outside"].query("treated == 'keep'")["construct"]
    # nobody waits for a second reading, neither now nor in the run
    customers.keep(study, shown(study, validate(found["customers"], str(file), unbounded=kept)))
    _print(answers(study).drop(columns="instead"), "What the notebooks can answer with it")
    console.print(f"The study runs on it: research run -p dataset={file} -p crosswalk={crosswalk}")


@app.command("draft-crosswalk")
def propose(
    file: Annotated[Path, typer.Argument(help="your loan book: csv, .csv.gz, Parquet or xlsx"), READS],
    out: Annotated[Path | None, typer.Option(help="where to write it [FILE_crosswalk.csv]"), WRITES] = None,
    force: Force = False,
) -> None:
    """Propose a crosswalk from the column names, units and values of a file; edit it before use."""
    write_proposal(file, out or file.with_name(f"{stem(file)}_crosswalk.csv"), force=force)


@guarded
def write_proposal(
    file: Annotated[Path, READS], target: Annotated[Path, WRITES], *, force: bool = False
) -> None:
    """Write a proposed crosswalk and say what it holds."""
    proposal = draft.draft_crosswalk(read_table(file))
    write_csv(proposal, target)
    shown = ["construct", "source", "transform", "argument", "reason"]
    _print(proposal.loc[proposal["fit"] != "absent", shown], f"Proposed in {target}")
    for label, key in (
        ("Direct identifiers and personal data, left out", "identifiers"),
        ("Columns without a construct", "unused"),
    ):
        console.print(f"[bold]{label}[/bold]: {escape(', '.join(proposal.attrs[key])) or 'none'}")
    console.print(
        "Look at every row that says 'check', then: research datasets check FILE --crosswalk CROSSWALK"
    )
