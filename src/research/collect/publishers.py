"""Tables as their publishers pack them, brought to one form: the same frame from every packaging."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import xlrd

from research.errors import UserError

MONTHS = ("2005-09", "2005-08", "2005-07", "2005-06", "2005-05", "2005-04")  # of PAY_0, PAY_2 … PAY_6
TAIWAN_STATUS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]  # there is no PAY_1 in the source
TAIWAN_BILLS = [f"BILL_AMT{month}" for month in range(1, 7)]
TAIWAN_PAYMENTS = [f"PAY_AMT{month}" for month in range(1, 7)]
TAIWAN_CLIENT = ["ID", "LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE"]
TAIWAN_COLUMNS = [*TAIWAN_CLIENT, *TAIWAN_STATUS, *TAIWAN_BILLS, *TAIWAN_PAYMENTS, "default"]
# The publisher's German header and the English names of its own documentation, in file order
SOUTH_GERMAN = {
    "laufkont": "status", "laufzeit": "duration", "moral": "credit_history", "verw": "purpose", "hoehe": "amount",
    "sparkont": "savings", "beszeit": "employment_duration", "rate": "installment_rate",
    "famges": "personal_status_sex", "buerge": "other_debtors", "wohnzeit": "present_residence", "verm": "property",
    "alter": "age", "weitkred": "other_installment_plans", "wohn": "housing", "bishkred": "number_credits",
    "beruf": "job", "pers": "people_liable", "telef": "telephone", "gastarb": "foreign_worker",
    "kredit": "credit_risk",
}  # fmt: skip


def _with_columns(table: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise UserError(f"{path.name}: column '{lacking[0]}' is missing; expected {len(columns)} columns")
    numbers = table[columns].apply(pd.to_numeric, errors="coerce")
    if numbers.isna().any(axis=None):
        name = numbers.columns[numbers.isna().any()][0]
        raise UserError(f"{path.name}: column '{name}' has a value that is not a number")
    if not (numbers == numbers.round()).all(axis=None):
        raise UserError(f"{path.name}: every value is expected to be a whole number")
    return numbers.astype("int64")


def _sheet(path: Path) -> pd.DataFrame:
    """The first sheet of a workbook, cell by cell; the old xls form is read by xlrd itself."""
    if path.suffix.lower() == ".xlsx":
        return pd.read_excel(path, header=None)
    sheet = xlrd.open_workbook(str(path)).sheet_by_index(0)
    return pd.DataFrame([sheet.row_values(row) for row in range(sheet.nrows)])


def read_taiwan(path: Path) -> pd.DataFrame:
    """Read the Taiwan card clients from the publisher's xls (two header rows), an xlsx of it, or a csv copy.

    Returns one row per client, whole numbers: ID, LIMIT_BAL, SEX, EDUCATION, MARRIAGE, AGE, PAY_0, PAY_2 … PAY_6,
    BILL_AMT1 … 6, PAY_AMT1 … 6 (September back to April 2005), default (October 2005).
    """
    if path.suffix.lower() in (".xls", ".xlsx"):
        table = _sheet(path)
        named = table.index[(table == "LIMIT_BAL").any(axis=1)]
        if not len(named):
            raise UserError(f"{path.name}: no row with the column name 'LIMIT_BAL'")
        names = table.loc[named[0]].astype(str).str.strip()
        table = table.loc[named[0] + 1 :].set_axis(list(names), axis=1)
    else:
        table = pd.read_csv(path)
    outcomes = dict.fromkeys(("default payment next month", "default.payment.next.month"), "default")
    table = table.rename(columns={"PAY_1": "PAY_0", **outcomes})
    return _with_columns(table, TAIWAN_COLUMNS, path).reset_index(drop=True)


def read_south_german(path: Path) -> pd.DataFrame:
    """Read the South German credits, with the publisher's German header or with the English one.

    Returns 1,000 rows, whole-number codes, columns named in English; credit_risk is 1 for good and 0 for bad.
    """
    table = pd.read_csv(path, sep=r"[\s,]+", engine="python").rename(columns=SOUTH_GERMAN)
    return _with_columns(table, list(SOUTH_GERMAN.values()), path)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "taiwan": read_taiwan,
    "south_german": read_south_german,
}


def table_sha256(table: pd.DataFrame) -> str:
    """Return the sha256 of a table's content: header and rows as comma-separated text, lines ended by \\n."""
    return hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
