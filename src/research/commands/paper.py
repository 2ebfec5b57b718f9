"""`research paper` and `research tables`: what authors hand in, filled from a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research.desk import pandoc
from research.desk.finished import outside
from research.desk.paper import fill
from research.desk.printed import FIGURES, place_of, run_of, table_markdown
from research.errors import UserError
from research.exhibits.words import Words
from research.files.targets import FILLS, READS, WRITES, Force, guarded
from research.files.textfiles import read_text
from research.pages.files import write_if_changed
from research.paths import ROOT

Study = Annotated[
    str, typer.Argument(help="a name in studies/, a study file, or the folder of a finished run"), READS
]


class Kind(StrEnum):
    """What a single table is written as."""

    TEX = "tex"
    DOCX = "docx"


@guarded
def paper(
    study: Study,
    out: Annotated[Path, typer.Argument(help="the paper to write (.docx, .tex or .html)"), WRITES],
    manuscript: Annotated[
        Path | None,
        typer.Option(
            help="the text with its fields, references.bib beside it [paper/paper.md of the project]"
        ),
        READS,
    ] = None,
    force: Force = False,
) -> None:
    """Fill the manuscript from a finished run and make it a document; a field without a value stops it."""
    ending = out.suffix.lower()
    if ending not in FIGURES:
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in {', '.join(FIGURES)}")
    pandoc.path()
    manuscript = manuscript or ROOT / "paper" / "paper.md"
    run = run_of(study)
    outside(out, [run.folder or out])
    text, cited = read_text(manuscript), manuscript.with_name("references.bib")
    bibliography = read_text(cited) if cited.exists() else ""
    folder = out.with_name(f"{out.stem}-figures")
    made = fill(text, manuscript.name, bibliography, run, ending, folder.name, Words())
    files = made.pictures | ({"references.bib": bibliography.encode("utf-8")} if bibliography else {})
    document = pandoc.document(made.text, ending, files=files, beside=manuscript.parent)
    if ending == ".tex":
        _write_figures(folder, made.pictures, force=force)
    write_if_changed(out, document)
    _told(f"{made.words:,} words, {made.exhibits} tables and figures: {out}")


@guarded
def tables(
    study: Study,
    out: Annotated[Path, typer.Argument(help="the folder to write to: one file per table"), FILLS],
    kind: Annotated[Kind, typer.Option("--as", help="LaTeX (booktabs) or Word")] = Kind.TEX,
    force: Force = False,
) -> None:
    """Write every table of a finished run as a file of its own, with caption and note, to put into a text."""
    pandoc.path()
    run, ending = run_of(study), f".{kind.value}"
    outside(out, [run.folder or out])
    shown = [key for key, entry in run.collected.tables.items() if entry["kind"] == "table"]
    needs = rb"% \usepackage{longtable,booktabs,array,calc}" + b"\n" if kind is Kind.TEX else b""
    made = {}
    for key in shown:
        text = table_markdown(run, key, "" if needs else f"{place_of(run, key)}.", Words())
        content = needs + pandoc.document(text, ending, whole=not needs)
        made[f"{key.replace('/', '-')}{ending}"] = content
    for name, content in made.items():
        write_if_changed(out / name, content)
    _told(f"{len(shown)} tables: {out}")


@guarded
def _write_figures(
    folder: Annotated[Path, FILLS], pictures: Mapping[str, bytes], *, force: bool = False
) -> None:
    """Write what a .tex shows beside it."""
    for name, content in pictures.items():
        write_if_changed(folder.parent / name, content)


def _told(message: str) -> None:
    Console(stderr=True).print(message, markup=False, highlight=False, soft_wrap=True)
