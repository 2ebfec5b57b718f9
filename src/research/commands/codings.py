"""The codings that `research fieldwork agreement` compares, from whatever they are kept in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from research.commands.terminal import say
from research.errors import UserError, nearest
from research.fieldwork import exchange
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments.layout import CASE
from research.fieldwork.intake.check import kind_of
from research.fieldwork.intake.coding import coding_workbooks, read_coding
from research.fieldwork.intake.sheets import Returned, open_returned
from research.fieldwork.interviews import ratings


class By(StrEnum):
    """What is compared."""

    unit = "unit"
    character = "character"


class Codings(NamedTuple):
    """Codes given to units: who gave which where, what there was to code, and who saw which document."""

    codings: pd.DataFrame
    units: pd.DataFrame
    assignments: pd.DataFrame
    codebook: pd.DataFrame | None = None  # the codes that may be given
    lengths: dict[str, int] = {}  # of the documents, in characters
    book: pd.DataFrame | None = None  # the whole codebook, themes included

    @property
    def parts(self) -> tuple[pd.DataFrame | None, ...]:
        """Return codings, units, codebook and assignments, as functions of agreement take them."""
        return self.codings, self.units, self.codebook, self.assignments


def open_codings(files: list[Path], book: Path | None, coders: list[str]) -> Codings | Returned:
    """Return the codings of a project or of coding workbooks, or a plain table as it was opened."""
    project = exchange.read_project(files[0]) if len(files) == 1 else None
    if project is not None:
        found = _project(exchange.to_interviews(project))
    else:
        folders = any(path.is_dir() for path in files)
        opened = coding_workbooks(files) if folders else [open_returned(path) for path in files]
        if form := next((one.path.name for one in opened if one.stamp.get("form") == "resolution"), ""):
            raise UserError(
                f"{form}: decisions, not codings; name the coders' workbooks, and it with --decisions"
            )
        if not all(kind_of(one) in {"coding", "consensus"} for one in opened):
            if folders:
                raise UserError("expected a folder of coding workbooks, or one that import-qda made")
            if len(files) > 1:
                raise UserError("expected coding workbooks, or one plain table; found several tables")
            return opened[0]
        codes = codebook.read_codebook(book)
        given = read_coding([one.path for one in opened], codebook=codes)
        used = codes[codes["code"].isin(codebook.assignable(codes))]
        found = Codings(given.codings, given.units, given.assignments, used, book=codes)
    who = sorted(found.assignments["coder"].unique(), key=str)
    for name in coders:
        if name not in who:
            raise UserError(f"coder '{name}' is not among them{nearest(name, who)}")
    chosen = coders or who
    codings, assigned = (part[part["coder"].isin(chosen)] for part in (found.codings, found.assignments))
    told = ", ".join(map(str, chosen)) or "none"
    say(f"coders: {told} · {len(found.units)} units in {found.units['document'].nunique()} documents")
    return found._replace(codings=codings, assignments=assigned)


def _project(interviews: exchange.Interviews) -> Codings:
    """Codings of a project, with where they begin and end; see `exchange.shared_units`."""
    interviews = exchange.shared_units(interviews)
    units, book = interviews.units, interviews.codebook
    codings = interviews.codings.merge(
        units[["document", "segment", "start", "end"]], on=["document", "segment"]
    )
    used = book[book["code"].isin({*codebook.assignable(book), *codings["code"]})]
    lengths = interviews.documents.set_index("document")["text"].str.len().to_dict()
    return Codings(codings, units, interviews.assignments, used, lengths, book)


def listed_codings(frame: pd.DataFrame, columns: ratings.Columns, by: By, several: bool) -> Codings | None:
    """Return the codings of a long table in which a unit may have several codes; None where it has one at most.

    With `several` it is taken for a table of several codes, whatever it holds.
    """
    if not columns.rater:
        if by is By.character:
            raise UserError("agreement by character needs the columns coder, document, code, start and end")
        return None
    codings, units, assigned = ratings.codings_from_table(frame, columns)
    several = several or codings.duplicated(["coder", "document", "segment"]).any()
    if by is By.unit and not several and not columns.start:
        return None
    tell_words(codings["code"])
    text = dict.fromkeys(CASE, str)
    return Codings(*(part.astype({name: text[name] for name in CASE if name in part})
                     for part in (codings, units, assigned)))  # fmt: skip


def tell_words(codes: pd.DataFrame | pd.Series) -> None:
    """Say which codes are words that often mean "not rated"."""
    for word, n in ratings.words_for_missing(codes).items():
        say(f"'{word}' is counted as a code ({n} times); where it means not rated: --missing {word}")


def plain_table(returned: Returned, name: str) -> pd.DataFrame:
    """Return a sheet as a frame: below a row of column names a row for each unit or rating."""
    names = [sheet.name for sheet in returned.sheets]
    if not name and len(names) > 1:
        say(f"sheet '{names[0]}'; others: {', '.join(names[1:])} (--sheet NAME)")
    if name and name not in names:
        raise UserError(f"no sheet '{name}'{nearest(name, names)}")
    sheet = returned.sheets[names.index(name) if name else 0]
    rows = sheet.rows
    start = next((n for n, row in enumerate(rows) if any(value is not None for value in row)), 0)
    header = list(rows[start]) if rows else []
    while header and header[-1] is None:
        header.pop()
    if not header or len(rows) < start + 2:
        raise UserError(f"{sheet.name}: expected a row of column names and rows of ratings below it")
    filled = [(*row, *[None] * len(header))[: len(header)] for row in rows[start + 1 :]]
    return pd.DataFrame(filled, columns=["" if name is None else str(name) for name in header])
