"""`research events`: what customers' transactions say about them before a date, beside their loans."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from research.collect.events import Limits, Roles, check_out, parse_windows, read_roles, write_features
from research.collect.tables import read_table
from research.collect.transforms import text
from research.errors import UserError, nearest
from research.files.targets import READS, WORKS, WRITES, Force, guarded
from research.files.wholefiles import whole

Role = Annotated[str, typer.Option(help="its column")]


@guarded
def events(
    source: Annotated[
        str, typer.Argument(help="Parquet or CSV, FILE.duckdb::TABLE, postgresql://…::TABLE"), READS
    ],
    out: Annotated[Path, typer.Argument(help="the Parquet file to write"), WRITES],
    as_of: Annotated[str, typer.Option(help="one date for all; events before it count, YYYY-MM-DD")] = "",
    loans: Annotated[
        Path | None, typer.Option(help="your loan book; events before each loan's own date count"), READS
    ] = None,
    loan_customer: Annotated[str, typer.Option(help="column of the loan book")] = "customer_id",
    loan_date: Annotated[str, typer.Option(help="column of the loan book")] = "loan_date",
    windows: Annotated[str, typer.Option(help="months, days such as 180d, or all")] = "3,6,12",
    features: Annotated[str, typer.Option(help="features or groups [all that the columns allow]")] = "",
    roles: Annotated[
        Path | None, typer.Option(help="a table role,column instead of the next six"), READS
    ] = None,
    customer: Role = "",
    time: Role = "",
    amount: Role = "",
    balance: Role = "",
    late: Role = "",
    transaction: Role = "",
    time_format: Annotated[str, typer.Option(help="of times that are text or numbers, such as %Y%m%d")] = "",
    running_balance: Annotated[
        bool, typer.Option(help="the balance is the sum of the amounts so far")
    ] = False,
    engine: Annotated[str, typer.Option(help="duckdb or spark")] = "duckdb",
    memory: Annotated[str, typer.Option(help="the most it may use, such as 2GB")] = "2GB",
    threads: Annotated[int | None, typer.Option(help="processors [all]")] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="folder for what does not fit in memory [beside OUT]"), WORKS
    ] = None,
    master: Annotated[str, typer.Option(help="address of a Spark cluster [this machine]")] = "",
    force: Force = False,
) -> None:
    """Write recency, frequency, amount, trend, balance and late months of each customer, from transactions.

    With --loans the result is the loan book with the features beside it, ready for a crosswalk.
    """
    check_out(source, out)
    given = {
        "customer": customer, "time": time, "amount": amount, "balance": balance, "late": late,
        "transaction": transaction, "time_format": time_format,
    }  # fmt: skip
    named = {name: value for name, value in given.items() if value} | {"running_balance": running_balance}
    columns = read_roles(roles, **named) if roles else Roles(**named)
    limits = Limits(memory, threads, scratch, master)
    wanted = [name.strip() for name in features.split(",") if name.strip()]
    options = {"roles": columns, "windows": parse_windows(windows), "features": wanted, "engine": engine}
    if bool(as_of) == bool(loans):
        raise UserError("expected either --as-of DATE or --loans FILE")
    if loans is None:
        account = write_features(source, out, _date(as_of), limits=limits, **options)
    else:
        book = read_table(loans)
        reference = loan_dates(book, loans.name, loan_customer, loan_date)
        with tempfile.TemporaryDirectory(prefix=".events-", dir=scratch or out.parent) as folder:
            part = Path(folder) / out.name
            account = write_features(source, part, reference, limits=limits, **options)
            beside(book, reference, pd.read_parquet(part), loans.name, out)
    _print(account, out)


def loan_dates(book: pd.DataFrame, name: str, customer: str, date: str) -> pd.DataFrame:
    """Return the customer and date of every loan, in its order: customer_id, as_of; UserError names row and column."""
    for column in (customer, date):
        if column not in book.columns:
            raise UserError(f"{name}: no column '{column}'{nearest(column, book.columns)}")
    numbers = pd.api.types.is_numeric_dtype(book[date])  # such as 20181231
    dates = pd.to_datetime(text(book[date]) if numbers else book[date], errors="coerce")
    wrong = dates.isna() | book[customer].isna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        lacking = "customer" if book[customer].isna().iloc[row] else "date"
        expected = "a customer and a date such as 2018-12-31 for every loan"
        raise UserError(f"{name}, row {row + 2}: no {lacking}; expected {expected}")
    return pd.DataFrame({"customer_id": book[customer].array, "as_of": dates.dt.normalize().array})


def beside(book: pd.DataFrame, reference: pd.DataFrame, features: pd.DataFrame, name: str, out: Path) -> None:
    """Write the loan book with the features of its customers at the date of each loan."""
    features = features.drop(columns="events")
    twice = [column for column in features.columns.drop(["customer_id", "as_of"]) if column in book.columns]
    if twice:
        raise UserError(f"{name}: has a column '{twice[0]}' already; rename it in the loan book")
    left, right = (table.assign(customer_id=text(table["customer_id"])) for table in (reference, features))
    right["as_of"] = pd.to_datetime(right["as_of"]).astype(left["as_of"].dtype)
    found = left.merge(right, on=["customer_id", "as_of"], how="left", validate="many_to_one")
    found = found.drop(columns=["customer_id", "as_of"]).set_axis(book.index)
    with whole(out) as new:
        pd.concat([book, found], axis=1).to_parquet(new, index=False)


def _date(given: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except ValueError:
        raise UserError(f"--as-of {given}: expected a date such as 2018-12-31") from None


def _print(account: pd.DataFrame, out: Path) -> None:
    console = Console(stderr=True)
    table = Table(box=box.SIMPLE, title=str(out), title_justify="left")
    table.add_column("what")
    table.add_column("n", justify="right")
    for row in account.itertuples():
        table.add_row(row.what, f"{row.n:,}")
    console.print(table)
