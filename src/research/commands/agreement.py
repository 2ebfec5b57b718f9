"""`research fieldwork agreement`: how far coders agree, with what they decided, and with language models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from research.commands.codings import By, Codings, listed_codings, open_codings, plain_table, tell_words
from research.commands.terminal import console, say, table_of
from research.errors import UserError, about
from research.fieldwork import machine as machines
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import workbook as wb
from research.fieldwork.instruments.layout import CASE
from research.fieldwork.intake.decisions import open_decisions, read_decisions
from research.fieldwork.intake.disclosure import read_disclosures
from research.fieldwork.intake.sheets import Returned
from research.fieldwork.interviews import agreement, coder_agreement, ratings, resolution, unitising
from research.files.targets import READS, WRITES, Force, guarded

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
    if consensus is not None and decisions is None:
        raise UserError("--consensus follows from decisions: name the filled workbook with --decisions")
    if disclosure and not machine:
        raise UserError("--disclosure is of a model: name its codings with --machine")
    resolving = disagreements is not None or decisions is not None
    models, stated = machines.open_codings(machine or []), read_disclosures(disclosure or [])
    filled = None if decisions is None else open_decisions(decisions)
    with about(*files):
        found = open_codings(files, book, _listed(coders))
        if isinstance(found, Returned):
            frame, named = plain_table(found, sheet), {"unit": _listed(unit), "missing": _listed(missing)}
            columns = ratings.columns_of(frame, coders=_listed(coders), level=level, **named)
            say(str(columns))
            found = listed_codings(frame, columns, by, several=resolving or bool(models))
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
        say(f"wrote {disagreements}: {len(open_ones)} disagreements to resolve")
    if decided is not None:
        told = _resolved(found, decided, table, options)
        tables |= told
        if consensus is not None:
            counted = resolution.settled(found.codings, decided)
            whole = codebook.read_codebook(book) if found.book is None else found.book
            with about(str(consensus)):
                made = resolution.consensus_form(found.units, counted, decided, whole, told)
            wb.save(made, consensus)
            say(f"wrote {consensus}: {len(counted.drop_duplicates(CASE))} codes that count")
    if given is not None:
        tables |= _models(given, found._replace(codebook=codes), stated, decided, options)
    if out is not None:
        say(f"wrote {wb.write_tables(tables, out, 'Agreement of coders')}")


def _table_agreement(wide: pd.DataFrame, level: str, options: dict[str, int]) -> pd.DataFrame:
    tell_words(wide)
    table = agreement.agreement_table(wide, level=level, **options)
    _print(table, f"Agreement of {wide.shape[1]} coders on {len(wide)} units ({level})")
    return table


def _coding_agreement(found: Codings, options: dict[str, int]) -> pd.DataFrame:
    *parts, assigned = found.parts
    table = coder_agreement.code_agreement(*parts, assignments=assigned, **options)
    _print(table[table["scope"] == "overall"], "Agreement, the codes taken together")
    each = table[(table["scope"] == "code") & (table["base"] == "all")]
    known = set(each["measure"])
    first = next((m for m in ("cohen_kappa", "fleiss_kappa", "krippendorff_alpha") if m in known), "")
    _print(each[each["measure"] == first], "Per code, on all units (every measure: --out FILE.csv)")
    coders = found.codings.groupby(["document", "segment"])["coder"].nunique()
    if "start" in found.codings and not (coders > 1).any():
        say("no unit was coded by two coders: where they chose limits of their own, compare --by character")
    return table


def _character_agreement(found: Codings, options: dict[str, int]) -> pd.DataFrame:
    if "start" not in found.codings:
        raise UserError(
            "agreement by character needs to know where a selection begins and ends: an imported project, or a table "
            "with the columns coder, document, code, start and end"
        )
    whole = found.codings["segment"].eq("0") & found.codings["end"].eq(0)
    if whole.any():
        say(f"left out: {int(whole.sum())} codes of whole documents")
    short = sorted(set(found.codings["document"]) - found.lengths.keys())
    if short:
        say(f"without a text, taken to end with the last selection: {', '.join(map(str, short[:5]))}")
    table = unitising.unitising_agreement(found.codings[~whole], found.lengths, found.assignments, **options)
    _print(table[table["scope"] == "overall"], "Agreement by character, the codes taken together")
    _print(table[table["scope"] == "code"], "Where each code is")
    return table


def _differing(found: Codings) -> tuple[pd.DataFrame, str]:
    """The cases on which the coders differ, and the version of their codings."""
    open_ones = coder_agreement.disagreements(*found.parts)
    return open_ones, resolution.codings_version(found.codings, found.assignments, open_ones)


def _resolved(
    found: Codings, decided: pd.DataFrame, table: pd.DataFrame, options: dict[str, int]
) -> dict[str, pd.DataFrame]:
    """Print what was decided, and what it changed; return it as tables."""
    alpha = table[(table["measure"] == "krippendorff_alpha") & (table["base"] == "coded")]
    codes = resolution.by_code(decided, alpha)
    coders = resolution.by_coder(*found.parts, decided, **options)
    shown = codes[codes["differ"] > 0].rename(columns={"estimate": "alpha_before"})
    _rows(
        shown.drop(columns="scope"),
        "Before: α of the coders who worked alone, on coded units; and what was decided",
    )
    for row in coders.to_dict("records"):
        say(AFTER.format(**row))
    still = decided[decided["decision"] == ""]
    for case in still[CASE].head(SHOWN).to_numpy():
        say(f"undecided: {' · '.join(case)}")
    if len(still):
        say(f"undecided, and not in the consensus: {len(still)} of {len(decided)} disagreements")
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
    people: Codings,
    stated: dict[str, dict[str, str]],
    decided: pd.DataFrame | None,
    options: dict[str, int],
) -> dict[str, pd.DataFrame]:
    """Print how models coded beside people; return it as tables."""
    tables = {
        "model answers": machines.machine_answers(given),
        "model agreement": machines.machine_agreement(given, *people.parts, decided, **options),
        "model runs": machines.machine_runs(given, people.units, people.codebook, **options),
        "model disclosure": machines.disclosure(given, stated),
    }
    answers, found, runs, asked = tables.values()
    alpha = found[found["measure"] == "krippendorff_alpha"]
    for coder, rows in alpha.groupby("coder", sort=False):
        for row in answers[answers["coder"] == coder].to_dict("records"):
            say(MODEL.format(**row))
        wide = rows.pivot(index=["code", "by_people", "by_model"], columns="other", values="estimate")
        order = rows.drop_duplicates("code")["code"]
        wide = wide[rows["other"].unique()].reset_index().set_index("code").loc[order].reset_index()
        _rows(wide, f"α of people among themselves, and of {coder} with each, on units that it answered")
        for row in runs[runs["coder"] == coder].to_dict("records"):
            say(f"the {row['runs']} runs of {coder} among themselves: α {row['estimate']:.3f}")
        missing = asked[(asked["coder"] == coder) & (asked["answer"] == "")]["item"]
        say(
            f"{coder}, not stated: {', '.join(missing) or 'nothing'} ({len(missing)} of {asked['item'].nunique()})"
        )
    return tables


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


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
    console.print(table_of(shown, title, ".3f"))
