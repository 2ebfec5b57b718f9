"""`research fieldwork agreement`: how far coders agree, from whatever their codings are kept in."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from research.errors import UserError, about, nearest
from research.fieldwork import exchange
from research.fieldwork import machine as machines
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.layout import CASE
from research.fieldwork.intake.check import kind_of
from research.fieldwork.intake.coding import coding_workbooks, read_coding
from research.fieldwork.intake.decisions import open_decisions, read_decisions
from research.fieldwork.intake.disclosure import read_disclosures
from research.fieldwork.intake.sheets import Returned, Sheet, open_returned
from research.fieldwork.interviews import agreement, coder_agreement, ratings, resolution, unitising
from research.targets import READS, WRITES, Force, guarded

AFTER = (
    "after: {followed} of {decided} decisions were as {coder} had coded; {changed} changed it ({added} codes added, "
    "{removed} removed); α with the consensus {alpha:.3f} [{ci_low:.3f}, {ci_high:.3f}], κ {kappa:.3f}, which is no "
    "reliability"
)
MODEL = (
    "{coder}, run {run}: of {turns} units {answered} answered, {refused} refused, {unanswered} unanswered; {outside} "
    "codes that the codebook does not have"
)
SHOWN = 10  # undecided cases that are named
console = Console()


class By(StrEnum):
    """What is compared."""

    unit = "unit"
    character = "character"


class Codings(NamedTuple):
    """Codes given to units: who gave which where, what there was to code, and who saw which document."""

    codings: pd.DataFrame
    units: pd.DataFrame
    assignments: pd.DataFrame
    codebook: pd.DataFrame | None  # the codes that may be given
    lengths: dict[str, int]
    book: pd.DataFrame | None = None  # the whole codebook, themes included


@guarded
def show_agreement(
    files: Annotated[
        list[Path],
        typer.Argument(help="coding workbooks, a folder of them or of an imported project, or one table"),
        READS,
    ],
    by: Annotated[
        By, typer.Option(help="unit, or character: selections whose limits the coders chose")
    ] = By.unit,
    level: Annotated[str, typer.Option(help="nominal, ordinal, interval or ratio (tables)")] = "nominal",
    coders: Annotated[str, typer.Option(help="the coders, or the columns that are theirs: A,B")] = "",
    sheet: Annotated[str, typer.Option(help="the sheet of the table; the first when not given")] = "",
    unit: Annotated[str, typer.Option(help="the columns that name a unit: document,segment")] = "",
    missing: Annotated[str, typer.Option(help="words of the table that mean not rated: NA,99")] = "",
    book: Annotated[Path | None, typer.Option("--codebook", help="a codebook (csv)"), READS] = None,
    resamples: Annotated[int, typer.Option(help="bootstrap resamples", min=0, max=100_000)] = 1000,
    seed: Annotated[int, typer.Option(help="seed of the bootstrap", min=0)] = 1,
    disagreements: Annotated[
        Path | None, typer.Option(help="write a workbook to resolve disagreements"), WRITES
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="the workbook of disagreements, filled: what was decided"), READS
    ] = None,
    consensus: Annotated[
        Path | None, typer.Option(help="with --decisions: write the consensus as a coding workbook"), WRITES
    ] = None,
    machine: Annotated[
        list[Path] | None,
        typer.Option(help="codings by a language model: compared with people, and never counted among them"),
        READS,
    ] = None,
    disclosure: Annotated[
        list[Path] | None, typer.Option(help="what is to be known of that model: its form, filled"), READS
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="write the table as csv, or all tables as xlsx"), WRITES
    ] = None,
    force: Force = False,
) -> None:
    """Print the agreement of coders, from coding workbooks, an imported project or a plain table."""
    options = {"resamples": resamples, "seed": seed}
    chosen = _listed(coders)
    if consensus is not None and decisions is None:
        raise UserError("--consensus follows from decisions: name the filled workbook with --decisions")
    if disclosure and not machine:
        raise UserError("--disclosure is of a model: name its codings with --machine")
    resolving = disagreements is not None or decisions is not None
    models, stated = machines.open_codings(machine or []), read_disclosures(disclosure or [])
    filled = None if decisions is None else open_decisions(decisions)
    with about(*files):
        found = _codings(files, book, chosen)
        if isinstance(found, Returned):
            frame = _frame(_sheet(found, sheet))
            columns = ratings.columns_of(
                frame, coders=chosen, unit=_listed(unit), missing=_listed(missing), level=level
            )
            _say(str(columns))
            found = _listed_codings(frame, columns, by, several=resolving or bool(models))
        if (resolving or models) and (found is None or by is By.character):
            raise UserError(
                "disagreements, and a model's codings, are of codes given to units: expected coding workbooks, an "
                "imported project or a table with the columns coder, document, segment and code"
            )
        open_ones, version = _differing(found) if resolving else (pd.DataFrame(), "")
    decided = None if filled is None else read_decisions(filled, open_ones, version)
    given, codes = _given(found, models, book) if models else (None, None)
    with about(*files):
        if found is None:
            table = _table_agreement(ratings.ratings_from_table(frame, columns), level, options)
        elif by is By.character:
            table = _character_agreement(found, options)
        else:
            table = _coding_agreement(found, options)
    tables = {"agreement": table}
    if disagreements is not None:
        wb.save(resolution.resolution_form(open_ones, version), disagreements)
        _say(f"wrote {disagreements}: {len(open_ones)} disagreements to resolve")
    if decided is not None:
        tables |= _resolved(found, decided, table, options)
        if consensus is not None:
            counted = resolution.settled(found.codings, decided)
            whole = codebook.read_codebook(book) if found.book is None else found.book
            told = dict(list(tables.items())[1:])
            with about(str(consensus)):
                made = resolution.consensus_form(found.units, counted, decided, whole, told)
            wb.save(made, consensus)
            _say(f"wrote {consensus}: {len(counted.drop_duplicates(CASE))} codes that count")
    if given is not None:
        people = (found.codings, found.units, codes, found.assignments)
        tables |= _models(given, people, stated, decided, options)
    if out is not None:
        _say(f"wrote {wb.write_tables(tables, out, 'Agreement of coders')}")


def _codings(files: list[Path], book: Path | None, coders: list[str]) -> Codings | Returned:
    """The codings of a project or of coding workbooks, or a plain table as it was opened."""
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
        found = Codings(given.codings, given.units, given.assignments, used, {}, codes)
    who = sorted(found.assignments["coder"].unique(), key=str)
    for name in coders:
        if name not in who:
            raise UserError(f"coder '{name}' is not among them{nearest(name, who)}")
    if coders:
        found = found._replace(
            codings=found.codings[found.codings["coder"].isin(coders)],
            assignments=found.assignments[found.assignments["coder"].isin(coders)],
        )
    told = ", ".join(map(str, coders or who)) or "none"
    _say(f"coders: {told} · {len(found.units)} units in {found.units['document'].nunique()} documents")
    return found


def _project(interviews: exchange.Interviews) -> Codings:
    """Codings of a project, with where they begin and end; see `exchange.shared_units`."""
    interviews = exchange.shared_units(interviews)
    units, codings = interviews.units, interviews.codings
    codings = codings.merge(units[["document", "segment", "start", "end"]], on=["document", "segment"])
    book = interviews.codebook
    used = book[book["code"].isin({*codebook.assignable(book), *codings["code"]})]
    lengths = interviews.documents.set_index("document")["text"].str.len().to_dict()
    return Codings(codings, units, interviews.assignments, used, lengths, book)


def _listed_codings(
    frame: pd.DataFrame, columns: ratings.Columns, by: By, several: bool = False
) -> Codings | None:
    """The codings of a long table in which a unit may have several codes; None where it has one at most.

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
    _tell_words(codings["code"])
    codings, units, assigned = (
        part.astype({name: str for name in CASE if name in part}) for part in (codings, units, assigned)
    )
    return Codings(codings, units, assigned, None, {})


def _table_agreement(wide: pd.DataFrame, level: str, options: dict[str, int]) -> pd.DataFrame:
    _tell_words(wide)
    table = agreement.agreement_table(wide, level=level, **options)
    _print(table, f"Agreement of {wide.shape[1]} coders on {len(wide)} units ({level})")
    return table


def _coding_agreement(found: Codings, options: dict[str, int]) -> pd.DataFrame:
    parts = (found.codings, found.units, found.codebook)
    table = coder_agreement.code_agreement(*parts, assignments=found.assignments, **options)
    _print(table[table["scope"] == "overall"], "Agreement, the codes taken together")
    kappa = table[(table["scope"] == "code") & (table["base"] == "all")]
    first = [
        m for m in ("cohen_kappa", "fleiss_kappa", "krippendorff_alpha") if (kappa["measure"] == m).any()
    ][:1]
    _print(kappa[kappa["measure"].isin(first)], "Per code, on all units (every measure: --out FILE.csv)")
    if "start" in found.codings and not _shared(found):
        _say("no unit was coded by two coders: where they chose limits of their own, compare --by character")
    return table


def _character_agreement(found: Codings, options: dict[str, int]) -> pd.DataFrame:
    if "start" not in found.codings:
        raise UserError(
            "agreement by character needs to know where a selection begins and ends: an imported project, or a table "
            "with the columns coder, document, code, start and end"
        )
    whole = found.codings["segment"].eq("0") & found.codings["end"].eq(0)
    if whole.any():
        _say(f"left out: {int(whole.sum())} codes of whole documents")
    short = sorted(set(found.codings["document"]) - found.lengths.keys())
    if short:
        _say(f"without a text, taken to end with the last selection: {', '.join(map(str, short[:5]))}")
    table = unitising.unitising_agreement(found.codings[~whole], found.lengths, found.assignments, **options)
    _print(table[table["scope"] == "overall"], "Agreement by character, the codes taken together")
    _print(table[table["scope"] == "code"], "Where each code is")
    return table


def _differing(found: Codings) -> tuple[pd.DataFrame, str]:
    """The cases on which the coders differ, and the version of their codings."""
    parts = (found.codings, found.units, found.codebook)
    open_ones = coder_agreement.disagreements(*parts, assignments=found.assignments)
    return open_ones, resolution.codings_version(found.codings, found.assignments, open_ones)


def _resolved(
    found: Codings, decided: pd.DataFrame, table: pd.DataFrame, options: dict[str, int]
) -> dict[str, pd.DataFrame]:
    """Print what was decided, and what it changed; return it as tables."""
    alpha = table[(table["measure"] == "krippendorff_alpha") & (table["base"] == "coded")]
    codes = resolution.by_code(decided, alpha)
    parts = (found.codings, found.units, found.codebook, found.assignments)
    coders = resolution.by_coder(*parts, decided, **options)
    shown = codes[codes["differ"] > 0].rename(columns={"estimate": "alpha_before"})
    _rows(
        shown.drop(columns="scope"),
        "Before: α of the coders who worked alone, on coded units; and what was decided",
    )
    for row in coders.to_dict("records"):
        _say(AFTER.format(**row))
    still = decided[decided["decision"] == ""]
    for case in still[CASE].head(SHOWN).itertuples(index=False):
        _say(f"undecided: {' · '.join(case)}")
    if len(still):
        _say(f"undecided, and not in the consensus: {len(still)} of {len(decided)} disagreements")
    return {
        "by code": codes,
        "by coder": coders,
        "decisions": decided.drop(columns=["definition"], errors="ignore"),
    }


def _given(
    found: Codings, opened: machines.Opened, book: Path | None
) -> tuple[machines.Machines, pd.DataFrame]:
    """What models gave, and the codes on which they are compared with people."""
    whole = found.book
    if whole is None:
        used = pd.DataFrame({"code": sorted(found.codings["code"].unique()), "parent": ""})
        whole = used if book is None else codebook.read_codebook(book)
    codes = whole[whole["code"].isin([*codebook.assignable(whole), *found.codings["code"]])]
    people = list(found.assignments["coder"].unique())
    return machines.read_machines(opened, found.units, whole, people), codes


def _models(
    given: machines.Machines,
    people: tuple[pd.DataFrame, ...],
    stated: dict[str, dict[str, str]],
    decided: pd.DataFrame | None,
    options: dict[str, int],
) -> dict[str, pd.DataFrame]:
    """Print how models coded beside people; return it as tables."""
    _, units, codes, _ = people
    tables = {
        "model answers": machines.machine_answers(given),
        "model agreement": machines.machine_agreement(given, *people, decided, **options),
        "model runs": machines.machine_runs(given, units, codes, **options),
        "model disclosure": machines.disclosure(given, stated),
    }
    answers, agreement, runs, asked = tables.values()
    alpha = agreement[agreement["measure"] == "krippendorff_alpha"]
    for coder, rows in alpha.groupby("coder", sort=False):
        for row in answers[answers["coder"] == coder].to_dict("records"):
            _say(MODEL.format(**row))
        wide = rows.pivot(index=["code", "by_people", "by_model"], columns="other", values="estimate")
        order = rows.drop_duplicates("code")["code"]
        wide = wide[rows["other"].unique()].reset_index().set_index("code").loc[order].reset_index()
        _rows(wide, f"α of people among themselves, and of {coder} with each, on units that it answered")
        for row in runs[runs["coder"] == coder].to_dict("records"):
            _say(f"the {row['runs']} runs of {coder} among themselves: α {row['estimate']:.3f}")
        missing = asked[(asked["coder"] == coder) & (asked["answer"] == "")]["item"]
        _say(
            f"{coder}, not stated: {', '.join(missing) or 'nothing'} ({len(missing)} of {asked['item'].nunique()})"
        )
    return tables


def _shared(found: Codings) -> bool:
    coders = found.codings.groupby(["document", "segment"])["coder"].nunique()
    return bool((coders > 1).any())


def _sheet(returned: Returned, name: str) -> Sheet:
    names = [sheet.name for sheet in returned.sheets]
    if not name:
        if len(names) > 1:
            _say(f"sheet '{names[0]}'; others: {', '.join(names[1:])} (--sheet NAME)")
        return returned.sheets[0]
    if name not in names:
        raise UserError(f"no sheet '{name}'{nearest(name, names)}")
    return returned.sheets[names.index(name)]


def _frame(sheet: Sheet) -> pd.DataFrame:
    start = next((n for n, row in enumerate(sheet.rows) if any(value is not None for value in row)), 0)
    header = list(sheet.rows[start]) if sheet.rows else []
    while header and header[-1] is None:
        header.pop()
    if not header or len(sheet.rows) < start + 2:
        raise UserError(f"{sheet.name}: expected a row of column names and rows of ratings below it")
    rows = [(*row, *[None] * len(header))[: len(header)] for row in sheet.rows[start + 1 :]]
    return pd.DataFrame(rows, columns=[str(name if name is not None else "") for name in header])


def _tell_words(codes: pd.DataFrame | pd.Series) -> None:
    for word, n in ratings.words_for_missing(codes).items():
        _say(f"'{word}' is counted as a code ({n} times); where it means not rated: --missing {word}")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _say(text: str) -> None:
    console.print(escape(text), soft_wrap=True, highlight=False)


def _print(frame: pd.DataFrame, title: str) -> None:
    """Print one row per coefficient; a column that says the same throughout goes into the title."""
    columns = ["code", "base", "label", "estimate", "ci_low", "ci_high", "n", "applied", "note"]
    shown = frame[[name for name in columns if name in frame.columns]].dropna(axis=1, how="all")
    same = [
        name for name in ("code", "base", "label", "note") if name in shown and shown[name].nunique() <= 1
    ]
    told = [str(shown[name].iloc[0]) for name in same if name == "label"]
    _rows(shown.drop(columns=same), " · ".join([title, *told]))


def _rows(shown: pd.DataFrame, title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in shown.columns:
        numeric = pd.api.types.is_numeric_dtype(shown[name])
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in shown.itertuples(index=False):
        table.add_row(*(escape(_cell(value)) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "—"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
