"""Features of a transactions table in a Parquet file, and an account of the rows that did not count."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from research.collect.events import engines
from research.collect.events.features import choose, months_needed
from research.collect.events.roles import Roles, canonical
from research.collect.events.sources import Source, open_source, understood
from research.collect.events.sums import aggregate, divide, keys_of
from research.collect.events.windows import Window, month_lengths
from research.collect.transforms import text
from research.errors import UserError, nearest
from research.files.wholefiles import whole

ENGINES = ("duckdb", "spark")
GROUP = 122_880  # rows of a row group
MISSING = {"customer_id": "customer missing", "day": "time missing", "amount": "amount missing or no number"}
STANDARD = (Window(3), Window(6), Window(12))


@dataclass(frozen=True)
class Limits:
    """What the work may use: memory such as 2GB, threads (all), a folder for intermediate files (beside the result)."""

    memory: str = "2GB"
    threads: int | None = None
    scratch: Path | None = None
    master: str = ""  # of a Spark cluster


def write_features(
    source: str | Path,
    out: Path,
    reference: datetime.date | pd.DataFrame,
    *,
    roles: Roles | None = None,
    windows: Sequence[Window] = STANDARD,
    features: Sequence[str] = (),
    engine: str = "duckdb",
    limits: Limits | None = None,
) -> pd.DataFrame:
    """Write one row per customer, or per customer and reference date, sorted; the bytes do not depend on the engine.

    Args:
        source: transactions, see `sources.open_source`.
        reference: one date for all customers with an event before it; or a table with the columns customer_id and
            as_of, whose rows all appear in the result. Events count when their day is strictly before the date.
        features: names or groups of `event_features.csv`; all that roles and windows allow when empty.
        engine: duckdb or spark.

    Returns:
        what (in words), n: rows read, rows that did not count and why, rows that counted, customers.

    Raises:
        UserError: a source, column, feature or engine that is not there or not of the expected kind.
    """
    roles, limits = roles or Roles(), limits or Limits()
    if engine not in ENGINES:
        raise UserError(f"unknown engine '{engine}'{nearest(engine, ENGINES)}")
    check_out(str(source), out)
    columns = choose(features, windows, roles)
    with tempfile.TemporaryDirectory(prefix=".events-", dir=limits.scratch or out.parent) as folder:
        scratch = Path(folder)
        duck = engines.duckdb(limits.memory, limits.threads, scratch)
        try:
            given = open_source(duck, str(source), roles, scratch)
            with understood(given.place):
                events = canonical(given.table, roles, given.place)
                worker, rows = duck, events
                if engine == "spark":
                    worker = engines.spark(limits.memory, limits.threads, limits.master)
                    rows = _for_spark(worker, duck, events, given, roles, scratch)
                table = _reference(worker, reference, events, months_needed(columns), scratch)
                sums = aggregate(rows, columns, table, roles)
                if engine == "spark":
                    engines.spark_to_parquet(worker, sums, scratch / "sums")
                    sums = duck.read_parquet(str(scratch / "sums" / "*.parquet"))
                keys = keys_of(table)
                _save(duck, divide(sums, columns, keys).order_by(keys), out)
                return _account(duck, events, out, table)
        finally:
            duck.disconnect()


def check_out(source: str, out: Path) -> None:
    """Raise UserError when the features of a source cannot be written to a file."""
    if out.suffix.lower() != ".parquet":
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in .parquet")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent}: no such folder to write {out.name} to")
    given = Path(source).resolve()
    if given == out.resolve():
        raise UserError(f"{out}: is the source itself; name another file")
    if given.is_dir() and given in out.resolve().parents:
        raise UserError(f"{out}: lies in the folder of the transactions; name a file elsewhere")


def _for_spark(
    spark: Any, duck: Any, events: ir.Table, given: Source, roles: Roles, scratch: Path
) -> ir.Table:
    """Spark reads Parquet of types it knows by itself; anything else is brought to it by DuckDB."""
    times = given.table[roles.time].type()
    plain = times.is_date() or (times.is_timestamp() and times.scale in (None, 3, 6))
    if given.parquet and plain:
        return canonical(spark.read_parquet(given.parquet), roles, given.place)
    _save(duck, events, scratch / "given.parquet")
    return spark.read_parquet(str(scratch / "given.parquet"))


def _save(duck: Any, table: ir.Table, path: Path) -> None:
    """Write a table under a temporary name first: one schema and row groups of one size, so the bytes are the same."""
    schema = table.schema().to_pyarrow()
    nullable = pa.schema([pa.field(field.name, field.type) for field in schema])
    batches = duck.con.sql(duck.compile(table)).to_arrow_reader(GROUP)
    # no dictionaries: a customer's numbers hardly repeat, and looking for repetitions costs more than it saves
    with (
        whole(path) as new,
        pq.ParquetWriter(new, nullable, use_dictionary=False) as writer,
        ThreadPoolExecutor(1) as hand,
    ):
        written: list[Future[None]] = []
        for group in _groups(batches):  # the next one is sorted while this one is written
            while written:
                written.pop().result()
            written.append(hand.submit(writer.write_table, group.cast(nullable)))
        while written:
            written.pop().result()


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Cut batches of any size into tables of GROUP rows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum(part.num_rows for part in held) >= GROUP:
            table = pa.Table.from_batches(held)
            yield table.slice(0, GROUP)
            held = table.slice(GROUP).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def _reference(
    con: Any, reference: datetime.date | pd.DataFrame, events: ir.Table, months: set[int], scratch: Path
) -> datetime.date | ir.Table:
    """The reference dates as the engine needs them: with the lengths of the months before each of them."""
    if isinstance(reference, datetime.date):
        return reference
    dates, names = pd.to_datetime(reference["as_of"]), _same_kind(reference["customer_id"], events)
    table = pd.DataFrame({"customer_id": names, "as_of": dates.dt.date}).drop_duplicates()
    if months:
        lengths = month_lengths(dates.drop_duplicates(), sorted(months))
        table = table.join(lengths.set_axis(lengths.index.date), on="as_of")
    path = scratch / "reference.parquet"
    table.to_parquet(path, index=False)
    return con.read_parquet(str(path))


def _same_kind(customers: pd.Series, events: ir.Table) -> pd.Series:
    """Customer numbers of the reference table in the type they have in the transactions."""
    if events.customer_id.type().is_string():
        return text(customers)
    try:
        return customers.astype("int64")
    except (ValueError, TypeError):
        told = "customers are text here and whole numbers in the transactions"
        raise UserError(f"column '{customers.name}': {told}") from None


def _account(duck: Any, events: ir.Table, out: Path, reference: datetime.date | ir.Table) -> pd.DataFrame:
    """Say what became of every row; the reasons are looked for only when some did not count."""
    features = duck.read_parquet(str(out))
    written = features.aggregate(used=features.events.sum(), customers=features.count())
    used, customers = (int(n or 0) for n in written.execute().iloc[0])
    rows = int(events.count().execute())
    found = [("rows read", rows)]
    known = ibis.literal(True)
    reasons: dict[str, ir.Value] = {}
    for name, words in MISSING.items():
        reasons[words] = (known & events[name].isnull()).sum()
        known = known & events[name].notnull()
    optional = [name for name in ("balance", "late") if name in events.columns]
    notes = {f"{name} missing, counted otherwise": events[name].isnull().sum() for name in optional}
    if used < rows or notes:
        counts = events.aggregate(**reasons, **notes).execute().iloc[0].fillna(0).astype(int)
        rest = rows - used - int(counts[list(reasons)].sum())
        late = "on or after the reference date"
        late += "" if isinstance(reference, datetime.date) else ", or of a customer without one"
        found += [(words, int(counts[words])) for words in (*reasons, *notes) if counts[words]]
        found += [(late, rest)] if rest else []
    found += [("rows that count", used), ("customers", customers)]
    return pd.DataFrame(found, columns=["what", "n"])
