"""Who gets what: a seeded draw in blocks within strata, sealed by its hash, and what officers are told of it."""

from __future__ import annotations

import csv
import datetime
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.datavalidation import DataValidation

from research.collect.tables import read_table
from research.collect.transforms import text
from research.errors import UserError
from research.fieldwork.instruments.workbook import new_workbook, save
from research.files.inert import inert, write_csv
from research.files.textfiles import read_csv
from research.files.wholefiles import whole
from research.manage.contact_workbook import MARK
from research.trial.design import Plan

LOG = "log.csv"  # beside the plan
SEALED = "sealed_list.csv"
LOG_COLUMNS = (
    "date", "what", "number", "sealed_sha256", "sealed_list", "customers", "units", "seed", "reason",
)  # fmt: skip
DONE = ("done", "not reached", "refused", "other")
FEWEST_UNITS = 4
UNSAFE = re.compile(r"[^\w-]")  # in the name of a file


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a list or a table of outcomes (csv or xlsx) with every cell as text.

    Raises:
        UserError: not readable, or a column is missing; the message names both.
    """
    table = read_csv(path) if path.suffix.lower() == ".csv" else read_table(path).apply(text).fillna("")
    if missing := [name for name in columns if name not in table.columns]:
        raise UserError(
            f"{path.name}: no column '{missing[0]}'; expected {', '.join(columns)}, found {', '.join(table.columns)}"
        )
    return table.astype(str)


def refuse(path: Path, table: pd.DataFrame, bad: pd.Series, column: str, expected: str) -> None:
    """Raise UserError for the first row whose cell in a column is bad."""
    for row in table.index[bad]:
        found = f"'{table.at[row, column]}'" if table.at[row, column] else "nothing"
        raise UserError(f"{path.name}, row {row + 2}, column {column}: found {found}, expected {expected}")


def listed(plan: Plan, path: Path) -> pd.DataFrame:
    """Return the customers to be allocated: customer_id, unit, officer where named, strata and subgroups of the plan.

    Raises:
        UserError: a cell is empty, a customer is there twice, is of another tier, or there are too few units.
    """
    unit = "customer_id" if plan.unit == "customer" else plan.unit
    columns = list(dict.fromkeys(["customer_id", unit, *plan.strata, *plan.subgroups]))
    table = read_rows(path, columns)
    for name in columns:
        refuse(path, table, table[name] == "", name, "a value")
    for row in table.index[table["customer_id"].duplicated()]:
        raise UserError(f"{path.name}, row {row + 2}: customer {table.at[row, 'customer_id']} is there twice")
    for row, tier in table["tier"].items() if "tier" in table else ():
        if tier != plan.tier:
            told = f"found '{tier}'; this trial is of the '{plan.tier}' tier"
            raise UserError(f"{path.name}, row {row + 2}, column tier: {told}")
    found, arms = table[unit].nunique(), len(plan.arms)
    if found < (least := max(FEWEST_UNITS, 2 * arms)):
        raise UserError(
            f"{path.name}: {found} units ({plan.unit}), expected at least {least} for {arms} arms"
        )
    kept = [*columns, *(["officer"] if "officer" in table and "officer" not in columns else [])]
    made = table[kept].assign(unit=table[unit])
    for name in plan.strata:
        values = made.groupby("unit", sort=False)[name].nunique()
        for one in values.index[values > 1]:
            raise UserError(f"{path.name}, column {name}: unit {one} has several values, expected one a unit")
    return made


def allocate(plan: Plan, people: pd.DataFrame, number: int, start: datetime.date) -> pd.DataFrame:
    """Return the people with their `block`, `arm` and `start`.

    Units are shuffled (several customers each: sorted by size, so that blocks hold units of a size) within strata and
    cut into blocks; each block holds every arm as often, but the last of a stratum, which is a part of one.

    Args:
        plan: the trial.
        people: from `listed`.
        number: of the allocation, 1 unless the trial is allocated again; part of the seed.
        start: day on which the action begins; a wave begins a step later than the one before.
    """
    rng, arms = np.random.default_rng([plan.seed, number]), plan.arms
    length = -(-plan.block // len(arms)) * len(arms) if not plan.waves else len(arms)
    units = people.groupby("unit").agg(size=("customer_id", "size"), **{n: (n, "first") for n in plan.strata})
    units = units.sort_index().iloc[rng.permutation(len(units))]
    units = units.sort_values(
        [*plan.strata, "size"], kind="stable", ascending=[*[True] * len(plan.strata), False]
    )
    stratum = units[list(plan.strata)].agg("|".join, axis=1) if plan.strata else pd.Series("", units.index)
    block, arm = [], []
    for place, (_, part) in enumerate(stratum.groupby(stratum, sort=False)):
        for first in range(0, len(part), length):
            drawn = rng.permutation(np.tile(arms, length // len(arms)))[: len(part) - first]
            arm += list(drawn)
            block += [f"{place + 1}.{first // length + 1}"] * len(drawn)
    units = units.assign(block=block, arm=arm)
    made = people.join(units[["block", "arm"]], on="unit")
    later = made["arm"].str.extract(r"wave (\d+)", expand=False).fillna("1").astype(int) - 1
    begins = pd.Timestamp(start)
    made["start"] = [str((begins + pd.DateOffset(months=plan.step_months * n)).date()) for n in later]
    return made


def balance(plan: Plan, people: pd.DataFrame) -> pd.DataFrame:
    """Return how arms compare: units, customers, and customers by level of each stratum and subgroup."""
    parts = [("units", "", people.drop_duplicates("unit")), ("customers", "", people)]
    for name in dict.fromkeys([*plan.strata, *plan.subgroups]):
        parts += [(name, level, part) for level, part in people.groupby(name)]
    rows = [(name, level, *in_arms(plan, part)) for name, level, part in parts]
    return pd.DataFrame(rows, columns=["variable", "level", *plan.arms])


def wave_of(arm: pd.Series) -> pd.Series:
    """Return the number of the wave that an arm is."""
    return arm.str.extract(r"wave (\d+)", expand=False).astype(int)


def in_arms(plan: Plan, people: pd.DataFrame) -> list[int]:
    """Return how many rows are of each arm."""
    return people["arm"].value_counts().reindex(plan.arms, fill_value=0).tolist()


# ----------------------------------------------------------------------------------------------------------------- log
def read_log(plan_file: Path) -> pd.DataFrame:
    """Return what was done with a trial so far, oldest first; the log lies beside the plan."""
    path = plan_file.with_name(LOG)
    return read_csv(path, LOG_COLUMNS) if path.is_file() else pd.DataFrame(columns=list(LOG_COLUMNS))


def add_to_log(plan_file: Path, row: dict[str, object]) -> None:
    """Add a row to the log of a trial."""
    path = plan_file.with_name(LOG)
    earlier = path.read_text(encoding="utf-8") if path.is_file() else ",".join(LOG_COLUMNS) + "\n"
    with whole(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        file.write(earlier)
        csv.writer(file, lineterminator="\n").writerow(
            [inert(str(row.get(name, ""))) for name in LOG_COLUMNS]
        )


def seal(people: pd.DataFrame, folder: Path) -> str:
    """Write the sealed list and its hash; return the hash."""
    path = write_csv(people, folder / SEALED)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with whole(folder / f"{SEALED}.sha256") as new:
        new.write_text(f"{digest}  {SEALED}\n", encoding="ascii")
    return digest


# ----------------------------------------------------------------------------------------------------------- workbooks
def write_workbooks(plan: Plan, people: pd.DataFrame, folder: Path) -> list[Path]:
    """Write what is to be done: a workbook per officer with the own customers alone, or one where none is named.

    Where branches are allocated one is enough.
    """
    if "officer" not in people or plan.unit == "branch":
        return [_workbook(plan, people, folder / "everybody.xlsx", "")]
    groups = list(people.groupby("officer"))
    written, digits = [], len(str(len(groups)))
    for n, (name, part) in enumerate(groups, 1):
        file = folder / f"{n:0{digits}d}_{UNSAFE.sub('_', name)[:60]}.xlsx"
        written.append(_workbook(plan, part, file, name))
    return written


def _workbook(plan: Plan, people: pd.DataFrame, path: Path, officer: str) -> Path:
    book = new_workbook(f"Trial {plan.trial}")
    sheet = book.create_sheet("What to do")
    columns = {"customer_id": 18, **({"branch": 16} if "branch" in people else {})}
    head = [*columns, "what to do", "from", "date done", "result", "note"]
    for line in (
        MARK, f"Trial {plan.trial}: {plan.what}. {officer}".strip(),
        "Chosen by lot. Please treat everybody as stated, whatever you expect of it; change nothing in this list.",
    ):  # fmt: skip
        sheet.append([inert(line)])
    sheet.append(head)
    for row in people.itertuples():
        usual = row.arm == "control"
        does = "as usual" if usual else plan.what
        day = "" if usual else datetime.date.fromisoformat(row.start)
        sheet.append([*(inert(getattr(row, name)) for name in columns), inert(does), day])
    for cell in (sheet["A1"], sheet["A2"], *sheet[4]):
        cell.font = Font(bold=True)
    for column, width in zip("ABCDEFG", [*columns.values(), 40, 12, 12, 16, 40], strict=False):
        sheet.column_dimensions[column].width = width
    for cell in sheet["A1:A3"]:
        cell[0].alignment = Alignment(wrap_text=False)
    sheet.freeze_panes = "B5"
    rule = DataValidation(type="list", formula1=f'"{",".join(DONE)}"', allow_blank=True)
    letter = sheet.cell(4, head.index("result") + 1).column_letter
    rule.add(f"{letter}5:{letter}{len(people) + 4}")
    sheet.add_data_validation(rule)
    save(book, path).chmod(0o600)
    return path
