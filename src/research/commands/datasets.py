"""`research datasets`: what data there is and what it measures."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from research.collect import datasets

app = typer.Typer(help="Data sets: list, fetch, check your own, draft a crosswalk.", no_args_is_help=False)
console = Console()


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """List the data sets when no other verb is given."""
    if context.invoked_subcommand is None:
        show_list()


def _row(entry) -> list[str]:
    rows = f"{entry.rows:,}" if entry.rows == entry.rows else "any"
    rate = f"{entry.outcome_rate:.1%}" if entry.outcome_rate == entry.outcome_rate else "—"
    return [
        f"{entry.dataset}\n[dim]{entry.title}[/dim]",
        "real" if entry.real else "SIMULATED",
        rows,
        rate,
        f"{entry.direct} / {entry.proxy} / {entry.absent}",
        entry.licence,
    ]


@app.command("list")
def show_list() -> None:
    """List the data sets with rows, outcome rate, coverage and licence."""
    table = Table(title="Data sets", show_lines=True)
    for name, kind in (
        ("data set", "left"), ("rows from", "left"), ("rows", "right"), ("bad", "right"),
        ("direct / proxy / absent", "right"), ("licence", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=kind)
    for entry in datasets.describe().itertuples():
        table.add_row(*_row(entry))
    console.print(table)
    console.print(
        "direct, proxy, absent: how many constructs of the study the data set measures, and how well."
    )
