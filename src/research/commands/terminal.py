"""What commands print: lines as long as they are, and frames as tables. Text from files is escaped."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console()


def say(text: str) -> None:
    """Print a line without breaking it."""
    console.print(escape(text), soft_wrap=True, highlight=False)


def table_of(frame: pd.DataFrame, title: str, numbers: str, **look: Any) -> Table:
    """Return a frame as a table.

    Args:
        frame: what to show.
        title: of the table.
        numbers: format of those with a fraction.
        look: of `rich.table.Table`.
    """
    table = Table(title=title, title_justify="left", **look)
    for name in frame.columns:
        side = "right" if pd.api.types.is_numeric_dtype(frame[name]) else "left"
        table.add_column(
            str(name).replace("_", " "), justify=side, overflow="fold", no_wrap=name == "data set"
        )
    for row in frame.astype(object).itertuples(index=False):
        cells = ("—" if pd.isna(v) else format(v, numbers) if isinstance(v, float) else str(v) for v in row)
        table.add_row(*map(escape, cells))
    return table
