"""`research fieldwork kit` and `size`: what is needed before anybody goes into the field."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from research.commands.run import assignments
from research.commands.terminal import console, say
from research.errors import UserError
from research.fieldwork import kit, size
from research.fieldwork.instruments.workbook import write_tables
from research.files.targets import FILLS, READS, WRITES, Force, guarded

Changes = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="set a value by its name; may be repeated"),
]


class Language(StrEnum):
    """The languages of the kit."""

    en = "en"
    zh = "zh"


@guarded
def write_kit(
    out: Annotated[Path, typer.Argument(help="the folder to write", show_default=False), FILLS],
    language: Annotated[Language, typer.Option(help="English or Chinese")] = Language.en,
    parameter: Changes = None,
    force: Force = False,
) -> None:
    """Write guides, information, consent, data handling, field notes, sampling plan and questionnaires (docx)."""
    pairs = [one.partition("=") for one in parameter or []]  # as they are typed: YAML reads 010 as 8
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise UserError(f"-p {wrong[0]}: expected name=value")
    values = kit.read_values({name.strip(): value for name, _, value in pairs})
    made = kit.write_kit(out, language.value, values)
    for path in made:
        say(f"wrote {path}")
    say(f"wording {kit.wording()}: stands at the foot of each page")
    if left := [name for name in kit.definitions()["blanks"] if name not in values]:
        say(f"left blank (-p NAME=VALUE fills them in): {', '.join(left)}")


@guarded
def how_many(
    inputs: Annotated[
        Path | None, typer.Option(help="your inputs (yml), such as data/examples/field_size.yml"), READS
    ] = None,
    parameter: Changes = None,
    out: Annotated[Path | None, typer.Option(help="write the table (.xlsx or .csv)"), WRITES] = None,
    force: Force = False,
) -> None:
    """Say how many people, coded units and interviews are needed, from stated inputs (-p mean.half_width=0.1)."""
    if out is not None and out.suffix.lower() not in (".xlsx", ".csv"):
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in .xlsx or .csv")
    given = size.read_inputs(inputs, assignments(parameter or []))
    table = size.sizes(given)
    _show(table, given["common"]["at_hand"])
    if out is not None:
        console.print(
            f"wrote {escape(str(write_tables({'how many': table}, out, 'How many')))}", soft_wrap=True
        )


def _show(table: pd.DataFrame, at_hand: int) -> None:
    """Print the table, and what each line assumes."""
    shown = Table("", "what is to be known", "have", "invite", "gives", box=box.SIMPLE_HEAD, highlight=False)
    if at_hand:
        shown.add_column(f"with {at_hand:,}")
    for number, row in enumerate(table.astype(object).itertuples(index=False), start=1):
        have = "–".join(f"{one:,}" for one in (row.least, row.most) if pd.notna(one))
        cells = [have, "" if pd.isna(row.invite) else f"{row.invite:,}", _text(row.gives), _text(row.at_hand)]
        unit = f" ({row.unit})" if _text(row.unit) else ""
        shown.add_row(str(number), escape(row.question + unit), *cells[: 4 if at_hand else 3])
    console.print(shown)
    for number, row in enumerate(table.itertuples(index=False), start=1):
        ground = (
            f"Assumed: {row.assumes}. Formula: {row.formula}." if row.formula else f"Ground: {row.assumes}."
        )
        console.print(escape(f"{number}. {ground} Source: {row.source}"), highlight=False)


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)
