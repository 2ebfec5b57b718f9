"""Where transactions come from: Parquet and CSV files or folders, a DuckDB table, a PostgreSQL table."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from research.collect.events.roles import Roles
from research.errors import UserError, nearest
from research.files.textfiles import ENCODINGS, exists, is_file, reading

POSTGRES = ("postgresql://", "postgres://")
FORMS = (
    "a Parquet or CSV file or folder, FILE.duckdb::TABLE, or postgresql://USER@HOST/DATABASE::SCHEMA.TABLE"
)
BATCH = 100_000  # rows of PostgreSQL held at a time
LOOKED_AT = 2**20  # bytes from which the encoding of a CSV file is told
MISSING_POSTGRES = "PostgreSQL needs the extra 'postgres': pip install 'research[postgres]' (or make extras)"


@dataclass(frozen=True)
class Source:
    """Transactions as DuckDB sees them; `parquet` is what another engine can read by itself, if anything.

    `place` names the source in messages and never holds a password.
    """

    table: ir.Table
    place: str
    parquet: str = ""


@contextmanager
def understood(place: str) -> Iterator[None]:
    """Turn what an engine says about data it cannot read into one message that names the place."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise UserError(f"{place}: too little memory; give more with --memory, or fewer --threads") from None
    except Exception as error:
        if not type(error).__module__.startswith(("duckdb", "_duckdb", "pyspark", "py4j")):
            raise
        raise UserError(f"{place}: cannot be read ({_first_line(error)})") from None


def open_source(con: Any, source: str, roles: Roles, scratch: Path) -> Source:
    """Open transactions on a DuckDB connection of Ibis; `scratch` takes copies of what DuckDB cannot read directly.

    Raises UserError for a source that is not there or not of a known form.
    """
    if source.startswith(POSTGRES):
        return _postgres(con, source, roles, scratch)
    if "::" in source:
        return _duckdb_table(con, source)
    path = Path(source)
    if not exists(path):
        raise UserError(f"{source}: no such file or folder; expected {FORMS}")
    if not path.is_dir():
        with reading(path):
            pass  # an ordinary file
    with understood(path.name):
        if path.suffix.lower() == ".csv" or (path.is_dir() and any(path.rglob("*.csv"))):
            files = _csv_files(path, scratch)
            separator = _separator(files[0])
            try:
                table = con.read_csv(files, union_by_name=True, header=True, delim=separator)
            except duckdb.Error:
                _refuse_odd_rows(files, separator, path.name)
                raise
            return Source(table, path.name)
        return _parquet(con, path)


def _parquet(con: Any, path: Path) -> Source:
    if path.is_dir():
        files = sorted(path.rglob("*.parquet"))
        if not files:
            raise UserError(f"{path}: a folder without .parquet or .csv files")
        table = con.read_parquet([str(file) for file in files], hive_partitioning=True, union_by_name=True)
        return Source(table, path.name, str(path))
    if path.suffix.lower() not in (".parquet", ".pq"):
        raise UserError(f"{path.name}: kind '{path.suffix}'; expected {FORMS}")
    return Source(con.read_parquet(str(path)), path.name, str(path))


def _csv_files(path: Path, scratch: Path) -> list[str]:
    files = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
    return [str(_as_utf8(file, scratch / f"{number}.csv")) for number, file in enumerate(files)]


def _separator(file: str) -> str:
    """The separator of the header; told, so that a row of another form is named by its line, not taken for the rule."""
    with Path(file).open(encoding="utf-8-sig") as given:
        first = given.readline(LOOKED_AT)
    return max(",;\t|", key=first.count)


def _refuse_odd_rows(files: list[str], separator: str, name: str) -> None:
    """Raise UserError that names the first row whose number of cells is not that of the header, not what it holds."""
    for file in files:
        with Path(file).open(encoding="utf-8-sig", newline="") as given:
            reader = csv.reader(given, delimiter=separator)
            width = len(next(reader, []))
            for cells in reader:
                if cells and len(cells) != width:
                    told = f"{len(cells)} cells, expected {width} as in the header"
                    raise UserError(f"{name}, line {reader.line_num}: {told}")


def _as_utf8(file: Path, copy: Path) -> Path:
    """The file itself, or a copy of one that is not UTF-8 (GBK exports)."""
    with file.open("rb") as start:
        sample = start.read(LOOKED_AT)
    for encoding in ENCODINGS:
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        if encoding == ENCODINGS[0]:
            return file
        with file.open(encoding=encoding) as given, copy.open("w", encoding="utf-8") as made:
            for line in given:
                made.write(line)
        return copy
    raise UserError(f"{file.name}: neither UTF-8 nor GBK; save the file as UTF-8")


def _duckdb_table(con: Any, source: str) -> Source:
    file, _, name = source.rpartition("::")
    if not is_file(file):
        raise UserError(f"{file}: no such DuckDB file; expected {FORMS}")
    schema, _, table = name.rpartition(".")
    with understood(Path(file).name):
        con.attach(file, name="given", read_only=True)
        found = con.con.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = 'given' AND table_schema = ?",
            [schema or "main"],
        )
        known = [row[0] for row in found.fetchall()]
    if table not in known:
        raise UserError(f"{Path(file).name}: no table '{name}'{nearest(table, known)}")
    return Source(con.table(table, database=("given", schema or "main")), f"{Path(file).name}::{name}")


def _postgres(con: Any, source: str, roles: Roles, scratch: Path) -> Source:
    """Copy the columns of a PostgreSQL table to Parquet, batch by batch, in a read-only session."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise UserError(MISSING_POSTGRES) from None
    url, _, name = source.rpartition("::")
    schema, _, table = name.rpartition(".")
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise UserError(f"the PostgreSQL address cannot be read; expected {FORMS}") from None
    place = f"postgresql://{given.get('host', '')}/{given.get('dbname', '')}::{name}"
    secret = str(given.get("password") or "")
    options = f"{given.pop('options', '')} -c default_transaction_read_only=on"
    given.setdefault("client_encoding", "utf8")  # else texts of a database without an encoding come as bytes
    try:
        database = ibis.postgres.connect(database=given.pop("dbname", None), **given, options=options)
        known = database.list_tables(database=schema or "public")
        if table not in known:
            raise UserError(f"{place}: no table '{name}'{nearest(table, known)}")
        raw = database.table(table, database=schema or "public")
        copy = scratch / "postgres.parquet"
        _copy(raw.select(*_readable(raw, roles)), copy)
    except (psycopg.Error, pa.ArrowException) as error:
        message = _first_line(error).replace(secret, "***") if secret else _first_line(error)
        raise UserError(f"{place}: {message}") from None
    database.disconnect()
    return Source(con.read_parquet(str(copy)), place)


def _readable(raw: ir.Table, roles: Roles) -> list[ir.Value]:
    """The columns with a role, in types that Arrow has: money with two decimals, strange identifiers as text."""
    found, nan = [], ibis.literal("NaN").cast("decimal(18, 2)")  # PostgreSQL has such numbers, Arrow has not
    for name in dict.fromkeys(name for name in roles.columns().values() if name in raw.columns):
        column = raw[name]
        if column.type().is_decimal():
            column = column.cast("decimal(18, 2)").nullif(nan)  # PostgreSQL rounds half away from zero
        elif column.type().is_uuid():
            column = column.cast("string")
        found.append(column.name(name))
    return found


def _copy(table: ir.Table, path: Path) -> None:
    reader = table.to_pyarrow_batches(chunk_size=BATCH)
    with pq.ParquetWriter(path, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
