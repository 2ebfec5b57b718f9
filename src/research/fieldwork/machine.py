"""Codings by a language model: one more coder, named as such, and never one of the people.

A model that refuses a turn, or gives no answer, has not said that no code applies: such a turn is not rated, and is
counted. Reliability and consensus are those of people; a model counts among them only where a person names its file
among the coders'. Codes that the codebook does not have are counted, too, and compared with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from research.errors import UserError, about, nearest
from research.fieldwork import exchange
from research.fieldwork.instruments.codebook import assignable
from research.fieldwork.instruments.columns import Column
from research.fieldwork.instruments.disclosure_form import items
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.coding import examine_coding
from research.fieldwork.intake.faults import Fault, find_table, stop_on_errors
from research.fieldwork.intake.sheets import Returned, open_returned
from research.fieldwork.interviews.coder_agreement import coded_units, presence_table, units_agreement
from research.fieldwork.interviews.resolution import CONSENSUS, with_consensus
from research.files.textfiles import read_csv
from research.paths import DEFINITIONS

PEOPLE = "people"
ANSWERS = ("answered", "refused", "unanswered")
TABLE = [Column(key, key.capitalize(), "") for key in ("coder", "run", "document", "segment", "code")]
Opened = dict[Path, Returned | exchange.Project]
_PLACE = ["document", "segment"]
_RUN = ["coder", "run"]
_ROW = [*_RUN, *_PLACE, "code"]


class Machines(NamedTuple):
    """What models gave: codings and codes that do not exist (`coder`, `run`, `document`, `segment`, `code`), and turns.

    `answers` has a row for each run and turn, with `answer`, one of `ANSWERS`, instead of the code.
    """

    codings: pd.DataFrame
    answers: pd.DataFrame
    outside: pd.DataFrame


def open_codings(paths: Sequence[str | Path]) -> Opened:
    """Open files of codings: a REFI-QDA project (also a folder that import-qda made), a coding workbook, or a table."""
    return {path: exchange.read_project(path) or open_returned(path) for path in map(Path, paths)}


def read_machines(opened: Opened, units: pd.DataFrame, book: pd.DataFrame, people: Sequence[str]) -> Machines:
    """Read the codings of language models.

    In a table (columns `document`, `segment`, `code` and, if there, `coder`, else the file's name, and `run`) a row
    without a code says that none applies, and a turn without a row is unanswered. Everywhere a word of
    `machine_answers.csv` that is no code says that there was no answer. In a project, coders who are people are passed
    over, and a turn without a code in a document that the model coded is one to which none applies.

    Args:
        opened: see `open_codings`.
        units: `document`, `segment` and, if there, `text` of every turn that could be coded.
        book: the codebook.
        people: names of the coders who are people.

    Raises:
        UserError: a file has faults, a model has the name of a person, a run is in two files, a turn is not among the
            units, has another text, or is refused and coded.
    """
    known = {code.lower(): code for code in assignable(book)}
    table = read_csv(DEFINITIONS / "machine_answers.csv", ("word", "answer"))
    words = {row.word: row.answer for row in table.itertuples() if row.word not in known}
    parts = [pd.DataFrame(columns=[*_ROW, "file"])]
    for path, one in opened.items():
        with about(path):
            rows = _rows_of(one, units, book, people, words)
            if same := sorted(set(rows["coder"]) & {*people, PEOPLE, CONSENSUS}):
                raise UserError(
                    f"'{same[0]}' is the name of a coder who is a person; expected that of a model"
                )
        parts.append(rows.assign(file=path))
    rows = pd.concat(parts, ignore_index=True)
    files = rows.groupby(_RUN)["file"].nunique()
    if (files > 1).any():
        model, run = files.idxmax()
        raise UserError(f"model '{model}', run {run}, is in two files; expected each run once")
    plain = rows["code"].str.lower()
    rows["answer"], rows["known"] = plain.map(words).fillna("answered"), plain.map(known)
    turns = rows.groupby([*_RUN, *_PLACE], sort=False)["answer"]
    states = turns.agg(lambda given: " and ".join(sorted(set(given))))
    if (mixed := states[~states.isin(ANSWERS)]).size:
        raise UserError(f"{' · '.join(mixed.index[0])}: {mixed.iloc[0]} at once; expected one of them")
    answers = rows[_RUN].drop_duplicates().merge(units[_PLACE], how="cross").join(states, on=[*_RUN, *_PLACE])
    given = rows[(rows["answer"] == "answered") & (rows["code"] != "")].drop_duplicates(_ROW)
    codings = given.dropna(subset=["known"]).assign(code=lambda part: part["known"])
    return Machines(
        codings[_ROW].drop_duplicates(ignore_index=True),
        answers.fillna({"answer": "unanswered"}),
        given.loc[given["known"].isna(), _ROW].reset_index(drop=True),
    )


def machine_answers(given: Machines) -> pd.DataFrame:
    """Return for each model and run the turns, how many it answered, refused and left unanswered, and codes outside."""
    counts = given.answers.groupby([*_RUN, "answer"], sort=False).size().unstack(fill_value=0)
    table = counts.reindex(columns=list(ANSWERS), fill_value=0).rename_axis(columns=None)
    table.insert(0, "turns", table.sum(axis=1))
    for name, part in (("codes", given.codings), ("outside", given.outside)):
        table[name] = part.groupby(_RUN).size().reindex(table.index, fill_value=0)
    return table.reset_index()


def machine_agreement(
    given: Machines,
    codings: pd.DataFrame,
    units: pd.DataFrame,
    codebook: pd.DataFrame,
    assignments: pd.DataFrame,
    decisions: pd.DataFrame | None = None,
    **options: int,
) -> pd.DataFrame:
    """Return how far each model agrees with each person, and people among themselves on the same turns.

    The turns are those that the model answered and that carry a code of a person or of the model. The first run of a
    model is compared.

    Args:
        given: see `read_machines`.
        codings, units, codebook, assignments: of the people, as in `presence_table`.
        decisions: with them each model is compared with the consensus of the people as well.
        options: of `units_agreement`.

    Returns:
        `coder` (the model), `run`, `other` (people: among themselves; a person; consensus), `by_model` and `by_people`
        (turns to which the model, or any person, gave the code), and the columns of `units_agreement`.
    """
    people = presence_table(codings, units, codebook, assignments)
    others = people if decisions is None or decisions.empty else with_consensus(people, decisions)
    tables = []
    for coder, run in given.answers.drop_duplicates("coder")[_RUN].to_numpy():
        own = _column(given, coder, run, people.index)
        kept = coded_units(people.assign(**{coder: own})[own.notna()])
        inside = people.index.droplevel("code").isin(kept)
        both = others[inside].assign(**{coder: own})
        pairs = {PEOPLE: people[inside]} | {other: both[[other, coder]].dropna() for other in others}
        applied = {"by_model": own[inside], "by_people": people[inside].max(axis=1)}
        counts = pd.DataFrame(applied).groupby(level="code").sum().astype(int)
        counts.loc["all codes"] = counts.sum()
        for other, presence in pairs.items():
            named = {"coder": coder, "run": run, "other": other}
            tables.append(units_agreement(presence, **options).assign(**named).join(counts, on="code"))
    return pd.concat(tables, ignore_index=True)


def machine_runs(
    given: Machines, units: pd.DataFrame, codebook: pd.DataFrame, **options: int
) -> pd.DataFrame:
    """Return for each model with several runs how far these agree.

    Returns:
        `coder`, `runs`, and Krippendorff's α over all codes, on turns that carry a code of any run: `estimate`,
        `ci_low`, `ci_high`, `n`.
    """
    places = [units[name].repeat(len(codebook)).to_numpy() for name in _PLACE]
    index = pd.MultiIndex.from_arrays([*places, list(codebook["code"]) * len(units)], names=[*_PLACE, "code"])
    rows = []
    for coder, runs in given.answers.groupby("coder", sort=False)["run"].unique().items():
        if len(runs) > 1:
            presence = pd.DataFrame({run: _column(given, coder, run, index) for run in runs}, index=index)
            coded = presence.index.droplevel("code").isin(coded_units(presence))
            table = units_agreement(presence[coded], **options)
            found = table[(table["scope"] == "overall") & (table["measure"] == "krippendorff_alpha")].iloc[0]
            rows.append({"coder": coder, "runs": len(runs), **found[["estimate", "ci_low", "ci_high", "n"]]})
    return pd.DataFrame(rows, columns=["coder", "runs", "estimate", "ci_low", "ci_high", "n"])


def disclosure(given: Machines, stated: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Return `coder`, `item`, `topic`, `asks`, `answer` (empty: not stated) of every item of each model's disclosure.

    `stated` is what `intake.disclosure.read_disclosures` returns.

    Raises:
        UserError: a form is of a model that coded nothing.
    """
    coders = list(given.answers["coder"].unique())
    if lost := [name for name in stated if name not in coders]:
        raise UserError(
            f"a disclosure of '{lost[0]}', which is no model of the codings{nearest(lost[0], coders)}"
        )
    asked = pd.DataFrame({"coder": coders}).merge(items().rename(columns={"asks_en": "asks"}), how="cross")
    answers = [stated.get(row.coder, {}).get(row.item, "") for row in asked.itertuples()]
    return asked.assign(answer=answers)[["coder", "item", "topic", "asks", "answer"]]


def _column(given: Machines, coder: str, run: str, index: pd.MultiIndex) -> pd.Series:
    """A model's run as a column of a presence table: NaN where it did not answer."""

    def of(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["coder"] == coder) & (frame["run"] == run)]

    answered = of(given.answers).query("answer == 'answered'")
    applied = index.isin(pd.MultiIndex.from_frame(of(given.codings)[[*_PLACE, "code"]]))
    seen = index.droplevel("code").isin(pd.MultiIndex.from_frame(answered[_PLACE]))
    return pd.Series(applied.astype(float), index=index).where(seen)


def _rows_of(
    one: Returned | exchange.Project,
    units: pd.DataFrame,
    book: pd.DataFrame,
    people: Sequence[str],
    words: dict[str, str],
) -> pd.DataFrame:
    """A file as rows `coder`, `run`, `document`, `segment`, `code`; the code is empty where none applies."""
    if isinstance(one, exchange.Project):
        read = exchange.shared_units(exchange.to_interviews(one))
        own = read.assignments[~read.assignments["coder"].isin(people)]
        if own.empty:
            raise UserError(f"a project without a coder (user) but {', '.join(people)}, who are people")
        return _seen(read.units, read.codings, own, units)
    if one.stamp.get("form") == "coding":
        extra = pd.DataFrame({"code": list(words), "parent": ""})
        given, faults = examine_coding(one, pd.concat([book, extra], ignore_index=True).fillna(""))
        stop_on_errors(faults, one.path.name)
        return _seen(given.units, given.codings, given.assignments, units)
    return _table_rows(one, units)


def _seen(
    own: pd.DataFrame, codings: pd.DataFrame, assignments: pd.DataFrame, units: pd.DataFrame
) -> pd.DataFrame:
    """Rows of every turn of the documents that a coder was given, with its codes."""
    both = own.merge(units[[name for name in (*_PLACE, "text") if name in units]], on=_PLACE, how="left",
                     indicator=True, suffixes=("", "_now"))  # fmt: skip
    lost = both[both["_merge"] == "left_only"]
    if len(lost):
        raise UserError(f"{' · '.join(lost[_PLACE].iloc[0])} is not among the turns of the interviews")
    if "text_now" in both:
        plain = both[["text", "text_now"]].map(lambda text: "".join(str(text).split()))
        if (other := both[plain["text"] != plain["text_now"]]).size:
            raise UserError(f"{' · '.join(other[_PLACE].iloc[0])}: another text than that of the interviews")
    seen = assignments.merge(own[_PLACE], on="document")
    rows = seen.merge(codings[["coder", *_PLACE, "code"]], on=["coder", *_PLACE], how="left")
    return rows.assign(run="1", code=rows["code"].fillna(""))[_ROW]


def _table_rows(returned: Returned, units: pd.DataFrame) -> pd.DataFrame:
    names = [column.key for column in TABLE]
    tables = (find_table(sheet, names, 3) for sheet in returned.sheets)
    table = next((found for found in tables if found and {*_PLACE, "code"} <= set(found.columns)), None)
    if table is None:
        raise UserError(
            "expected a project, a coding workbook or a table with the columns document, segment and code"
        )
    known = set(units[_PLACE].astype(str).itertuples(index=False, name=None))
    preset = {"coder": returned.path.stem, "run": "1"}
    rows: list[dict[str, str]] = []
    faults: list[Fault] = []
    for row in table.data_rows():
        cells = {
            name: tidy(table.value(row, name)) if name in table.columns else preset[name] for name in names
        }
        cells["run"] = cells["run"] or "1"
        if (cells["document"], cells["segment"]) not in known:
            found = f"{cells['document'] or 'no document'} · {cells['segment'] or 'no segment'}"
            faults.append(table.fault(row, "segment", found, "a turn of the interviews"))
        elif not cells["coder"]:
            faults.append(table.fault(row, "coder", "empty", "the name of the model"))
        else:
            rows.append(cells)
    stop_on_errors(faults, returned.path.name, marked=False)
    if not rows:
        raise UserError("no row; expected one for each turn that the model was given")
    return pd.DataFrame(rows, columns=_ROW)
