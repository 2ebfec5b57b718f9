"""The engines: DuckDB on one machine within a memory limit, Spark when the data outgrow it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from research.errors import UserError

# DuckDB gets three quarters of the memory, but leaves 320 MiB to Python, Arrow and what it does not count
FOR_DUCKDB = 0.75
FOR_OTHERS = 320
LEAST = 500
MISSING_SPARK = "engine 'spark' needs the extra 'spark': pip install 'research[spark]' (or make extras)"
MISSING_JAVA = "engine 'spark' needs Java 17 or later: no java on the path, and JAVA_HOME is not set"
UNITS = {"MB": 1, "GB": 1024}


def mebibytes(memory: str) -> int:
    """Read an amount of memory such as 2GB or 500MB (binary); UserError when it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB)", memory.strip().upper())
    size = int(float(match[1]) * UNITS[match[2]]) if match else 0
    if size < LEAST:
        raise UserError(f"memory '{memory}': expected {LEAST}MB or more, written as {LEAST}MB or 2GB")
    return size


def duckdb(memory: str, threads: int | None, scratch: Path) -> Any:
    """Return an Ibis connection to DuckDB that spills to `scratch` instead of exceeding the memory."""
    limits = {"threads": threads} if threads else {}
    size = mebibytes(memory)
    share = int(min(size * FOR_DUCKDB, size - FOR_OTHERS))
    con = ibis.duckdb.connect(memory_limit=f"{share}MiB", temp_directory=str(scratch), **limits)
    con.raw_sql("SET preserve_insertion_order = false; SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return con


def spark(memory: str, threads: int | None, master: str) -> Any:
    """Return an Ibis connection to Spark: the session there is, that of `master`, or a local one.

    Raises UserError when PySpark or Java is not installed.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise UserError(MISSING_SPARK) from None
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise UserError(MISSING_JAVA)
    local = not master
    builder = SparkSession.builder.appName("research events").master(master or f"local[{threads or '*'}]")
    settings = {
        "spark.driver.memory": f"{mebibytes(memory)}m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
    }
    if local:
        settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        settings["spark.sql.shuffle.partitions"] = str(4 * (threads or os.cpu_count() or 1))
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError) as error:
        raise UserError(f"Spark does not start ({str(error).strip().splitlines()[0]})") from None
    session.sparkContext.setLogLevel("ERROR")
    return ibis.pyspark.connect(session)


def spark_to_parquet(con: Any, expression: ir.Table, folder: Path) -> None:
    """Run an expression on Spark and let it write its parts into a folder."""
    con.raw_sql(con.compile(expression)).write.parquet(str(folder))
