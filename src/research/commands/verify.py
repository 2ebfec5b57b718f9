"""`research verify`: reproduce the published values."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from research import verification
from research.files.wholefiles import whole
from research.paths import DOCS

COLOURS = {verification.REPRODUCED: "green", verification.MISSED: "red", verification.SKIPPED: "yellow"}


def verify(
    groups: Annotated[
        list[str] | None, typer.Argument(help="Groups of checks; all when none is named.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write docs/verification.md.")] = False,
) -> None:
    """Compute the published values, print ours beside them, and end with 1 when one is missed."""
    console = Console()
    with console.status("Computing the published values"):
        results = verification.verify(groups or None)
    console.print(_table(results))
    counts = results["status"].value_counts()
    console.print(", ".join(f"{counts[name]} {name}" for name in COLOURS if name in counts))
    if write:
        _write(results, console)
    if (results["status"] == verification.MISSED).any():
        raise typer.Exit(1)


def _table(results) -> Table:
    table = Table(title="Published values", caption="difference = ours - published")
    table.add_column("check", overflow="fold")
    for name in ("published", "ours", "difference", "tolerance"):
        table.add_column(name, justify="right")
    table.add_column("result", overflow="fold")
    table.add_column("source", overflow="fold")
    for _, row in results.iterrows():
        numbers, said = verification.shown(row).values(), row["status"]
        reason = f" ({row['note']})" if row["note"] and said != verification.REPRODUCED else ""
        result = f"[{COLOURS[said]}]{said}[/]{reason}"
        table.add_row(row["description"], *numbers, result, row["source"])
    return table


def _write(results, console: Console) -> None:
    path = DOCS / "verification.md"
    with whole(path) as new:
        new.write_text(verification.markdown(results), encoding="utf-8")
    console.print(f"wrote {path}")
