"""Time features of transactions: ours, hand-written DuckDB SQL, pandas, lifetimes, pymc-marketing.

`python bench/transactions.py [--scale 1] [--python PATH] [--folder FOLDER]`. At full scale 20 million invented
transactions of 10 million customers for the comparison, up to 100 million for the growth; needs 8 GB of disk. Every run
is a process of its own, so that its peak memory is its own; the time is from opening the file to the written result,
without imports. lifetimes and pymc-marketing are no dependencies of the project: `--python` names an interpreter that
has them (`python -m venv V && V/bin/pip install lifetimes pymc-marketing pyarrow`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from record import record

AS_OF = "2019-01-01"
LAST_DAY = "2018-12-31"
MEMORY = "4GB"
SMALL = "2GB"
MILLION = 1_000_000
CURVE = (1, 3, 10, 30, 100)  # million transactions
REPEATS = 3


def generate(rows: int, out: Path) -> None:
    """Write invented transactions of rows / 2 customers over three years, by a hash of the row number."""
    import duckdb

    columns = f"""(hash(i * 3) % {max(rows // 2, 1)})::BIGINT AS customer_id,
        DATE '2016-01-01' + (hash(i * 3 + 1) % 1096)::INT AS date,
        (hash(i * 3 + 2) % 1000000)::DOUBLE / 100 AS amount"""
    con = duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False})
    con.execute(f"COPY (SELECT {columns} FROM range({rows}) AS t(i)) TO '{out}' (FORMAT parquet)")


def ours_rfm(source: Path, out: Path, memory: str = MEMORY, features: tuple[str, ...] = ("rfm",)) -> None:
    """Recency, frequency and amount of the whole history."""
    import datetime

    from research.collect.events import Limits, parse_windows, write_features

    options = {"windows": parse_windows("all"), "features": features, "limits": Limits(memory)}
    write_features(source, out, datetime.date.fromisoformat(AS_OF), **options)


def ours_days(source: Path, out: Path) -> None:
    """First and last day, days with a purchase, amount: what lifetimes and pymc-marketing summarise."""
    ours_rfm(source, out, features=("age", "active_days", "amount"))


def ours_small(source: Path, out: Path) -> None:
    """Recency, frequency and amount within 2 GB."""
    ours_rfm(source, out, SMALL)


def ours_all(source: Path, out: Path) -> None:
    """Every feature that needs no further column, in three windows, within 2 GB."""
    import datetime

    from research.collect.events import Limits, write_features

    write_features(source, out, datetime.date.fromisoformat(AS_OF), limits=Limits(SMALL))


def ours_spark(source: Path, out: Path) -> None:
    """The same on Spark, on this machine."""
    import datetime

    from research.collect.events import Limits, write_features

    write_features(source, out, datetime.date.fromisoformat(AS_OF), limits=Limits(MEMORY), engine="spark")


def sql_rfm(source: Path, out: Path) -> None:
    """The same by SQL as one would write it."""
    _sql(f"""SELECT customer_id, count(*) AS events,
        (DATE '{AS_OF}' - max(date)) * 12 / 365.25 AS recency_months, count(*) AS frequency_all,
        sum(round(amount * 100)::BIGINT)::BIGINT / 100 AS amount_all
        FROM '{source}' WHERE date < DATE '{AS_OF}' AND amount IS NOT NULL AND customer_id IS NOT NULL
        GROUP BY customer_id ORDER BY customer_id""", out)  # fmt: skip


def sql_days(source: Path, out: Path) -> None:
    """The same by SQL as one would write it."""
    _sql(f"""WITH days AS (SELECT customer_id, date, count(*) AS n, sum(round(amount * 100)::BIGINT)::BIGINT AS cents
          FROM '{source}' WHERE date < DATE '{AS_OF}' AND amount IS NOT NULL AND customer_id IS NOT NULL
          GROUP BY customer_id, date)
        SELECT customer_id, sum(n)::BIGINT AS events, DATE '{AS_OF}' - min(date) AS days_since_first,
        DATE '{AS_OF}' - max(date) AS days_since_last, count(*) AS active_days_all,
        sum(cents)::BIGINT / 100 AS amount_all
        FROM days GROUP BY customer_id ORDER BY customer_id""", out)  # fmt: skip


def _sql(query: str, out: Path) -> None:
    import duckdb

    con = duckdb.connect(config={"memory_limit": MEMORY, "preserve_insertion_order": False})
    con.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet)")


def pandas_rfm(source: Path, out: Path) -> None:
    """The same by pandas."""
    import pandas as pd

    table = pd.read_parquet(source)
    table["date"] = pd.to_datetime(table["date"])
    table = table[table["date"] < AS_OF].dropna()
    table["cents"] = (table["amount"] * 100).round().astype("int64")
    per = table.groupby("customer_id").agg(
        last=("date", "max"), frequency_all=("date", "size"), cents=("cents", "sum")
    )
    per["recency_months"] = (pd.Timestamp(AS_OF) - per["last"]).dt.days * 12 / 365.25
    per["amount_all"] = per["cents"] / 100
    per[["recency_months", "frequency_all", "amount_all"]].reset_index().to_parquet(out, index=False)


def pandas_days(source: Path, out: Path) -> None:
    """First and last day, days with a purchase, amount, by pandas."""
    import pandas as pd

    table = pd.read_parquet(source)
    table["date"] = pd.to_datetime(table["date"])
    table = table[table["date"] < AS_OF].dropna()
    table["cents"] = (table["amount"] * 100).round().astype("int64")
    days = table.groupby(["customer_id", "date"]).agg(cents=("cents", "sum")).reset_index()
    per = days.groupby("customer_id").agg(
        first=("date", "min"), last=("date", "max"), active_days_all=("date", "size"), cents=("cents", "sum")
    )
    for name in ("first", "last"):
        per[f"days_since_{name}"] = (pd.Timestamp(AS_OF) - per[name]).dt.days
    per["amount_all"] = per["cents"] / 100
    per.drop(columns=["first", "last", "cents"]).reset_index().to_parquet(out, index=False)


def lifetimes_days(source: Path, out: Path) -> None:
    """The summary of lifetimes, first purchase included."""
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    table = pd.read_parquet(source)
    summary = summary_data_from_transaction_data(
        table,
        "customer_id",
        "date",
        "amount",
        observation_period_end=LAST_DAY,
        include_first_transaction=True,
    )
    summary.reset_index().to_parquet(out, index=False)


def pymc_days(source: Path, out: Path) -> None:
    """The summary of pymc-marketing, first purchase included."""
    import pandas as pd
    from pymc_marketing.clv import rfm_summary

    table = pd.read_parquet(source)
    table["date"] = pd.to_datetime(table["date"])
    summary = rfm_summary(
        table,
        "customer_id",
        "date",
        "amount",
        observation_period_end=LAST_DAY,
        include_first_transaction=True,
    )
    summary.to_parquet(out, index=False)


TASKS: dict[str, Callable[[Path, Path], None]] = {
    task.__name__: task
    for task in (
        ours_rfm, ours_days, ours_small, ours_all, ours_spark, sql_rfm, sql_days, pandas_rfm, pandas_days,
        lifetimes_days, pymc_days,
    )
}  # fmt: skip
IMPORTS = {
    "ours": "research.collect.events, ibis.backends.duckdb", "sql": "duckdb", "pandas": "pandas, pyarrow.parquet",
    "lifetimes": "lifetimes, pyarrow.parquet", "pymc": "pymc_marketing.clv, pyarrow.parquet",
}  # fmt: skip


def measure(name: str, source: Path, out: Path, python: str = sys.executable) -> dict[str, float] | None:
    """Run one task in a process of its own: seconds, cpu (of the whole process), mib at most; None when it fails."""
    command = [python, __file__, "--task", name, "--source", str(source), "--out", str(out)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().splitlines()
    if process.returncode or not lines:
        return None
    seconds = json.loads(lines[-1])["seconds"]
    return {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mib": usage.ru_maxrss / 1024,
    }


def run_task(name: str, source: Path, out: Path) -> None:
    """Run one task here and print its seconds."""
    exec(f"import {IMPORTS[name.split('_')[0]]}")  # imports are not what is measured
    start = time.perf_counter()
    TASKS[name](source, out)
    print(json.dumps({"seconds": time.perf_counter() - start}))


def same(ours: Path, other: Path, columns: dict[str, str]) -> bool:
    """Compare two results customer by customer: our SQL expression → the other's."""
    import duckdb

    checks = " AND ".join(f"abs(({a}) - ({b})) <= 1e-9 * (1 + abs({b}))" for a, b in columns.items())
    query = f"""SELECT count(*) = (SELECT count(*) FROM '{ours}') AND bool_and({checks})
        FROM '{ours}' AS o JOIN '{other}' AS t USING (customer_id)"""
    return bool(duckdb.sql(query).fetchall()[0][0])


RFM = {f"o.{name}": f"t.{name}" for name in ("recency_months", "frequency_all", "amount_all")}
DAYS = {
    f"o.{name}": f"t.{name}"
    for name in ("days_since_first", "days_since_last", "active_days_all", "amount_all")
}
MEANS = {"o.active_days_all": "t.frequency", "o.amount_all / o.active_days_all": "t.monetary_value"}
PYMC = MEANS | {"o.days_since_last - 1": "t.recency"}
# what both say, though frequency is of transactions here and of days there
PYMC_RFM = {
    "round(o.recency_months * 365.25 / 12) - 1": "t.recency",
    "o.amount_all": "t.frequency * t.monetary_value",
}
LIFETIMES = MEANS | {"o.days_since_first - o.days_since_last": "t.recency", "o.days_since_first - 1": "t.T"}
COMPARED = (  # ours, alternative, its name, columns, target
    ("ours_rfm", "sql_rfm", "DuckDB SQL by hand", RFM, "ours at most 1.15 × as long: ratio 0.87 or more"),
    ("ours_rfm", "pandas_rfm", "pandas", RFM, "ratio 3 or more"),
    ("ours_rfm", "pymc_days", "pymc-marketing rfm_summary (frequency in days)", PYMC_RFM, "ratio 5 or more"),
    ("ours_days", "sql_days", "DuckDB SQL by hand", DAYS, "ours at most 1.15 × as long: ratio 0.87 or more"),
    ("ours_days", "pandas_days", "pandas", DAYS, "ratio 3 or more"),
    ("ours_days", "pymc_days", "pymc-marketing rfm_summary", PYMC, "ratio 5 or more"),
    ("ours_days", "lifetimes_days", "lifetimes summary_data_from_transaction_data", LIFETIMES, "none"),
)
WORDS = {
    "ours_rfm": "RFM summary (recency, frequency, amount)",
    "ours_days": "RFM summary by days (first, last, active days, amount)",
}


def comparisons(source: Path, folder: Path, rows: int, python: str) -> list[dict[str, Any]]:
    """Ours and SQL in turn, the median of three; the slower ones once."""
    found: dict[str, Any] = {}
    for _ in range(REPEATS):
        for name in ("ours_rfm", "sql_rfm", "ours_days", "sql_days"):
            found.setdefault(name, []).append(measure(name, source, folder / f"{name}.parquet"))
    for name, runs in found.items():
        if None in runs:
            raise SystemExit(f"{name} failed")
        found[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    for name in ("pandas_rfm", "pandas_days", "lifetimes_days", "pymc_days"):
        other = sys.executable if name.startswith("pandas") else python
        found[name] = measure(name, source, folder / f"{name}.parquet", other)
    measured = []
    for ours, alternative, words, columns, target in COMPARED:
        mine, theirs = found[ours], found[alternative]
        row = {
            "claim": WORDS[ours],
            "ours": "research events, DuckDB",
            "alternative": words,
            "target": target,
            "n": rows,
        }
        row |= {"ours_seconds": mine["seconds"], "peak_mib": mine["mib"]}
        if theirs is None:
            row["note"] = "not measured: name an interpreter that has it with --python"
        else:
            equal = same(folder / f"{ours}.parquet", folder / f"{alternative}.parquet", columns)
            row |= {"alternative_seconds": theirs["seconds"], "ratio": theirs["seconds"] / mine["seconds"]}
            row["note"] = (
                f"results {'equal' if equal else 'DIFFER'}; alternative {theirs['mib']:,.0f} MiB; "
                f"CPU seconds with imports {mine['cpu']:.1f} and {theirs['cpu']:.1f}"
            )
        measured.append(row)
        show(row)
    return measured


def growth(folder: Path, scale: float) -> list[dict[str, Any]]:
    """The RFM summary within 2 GB as the transactions grow."""
    measured = []
    for millions in CURVE:
        rows = int(millions * MILLION * scale)
        source, out = folder / "growth.parquet", folder / "grown.parquet"
        generate(rows, source)
        run = measure("ours_small", source, out)
        row = {"claim": f"growth: RFM summary within {SMALL}", "ours": "research events, DuckDB", "n": rows}
        row["target"] = f"linear; at most 2,048 MiB at {CURVE[-1]} million"
        row |= {"note": "failed"} if run is None else {"ours_seconds": run["seconds"], "peak_mib": run["mib"]}
        if run:
            row["note"] = (
                f"{run['seconds'] / rows * MILLION:.2f} s per million; CPU {run['cpu']:.1f} s with imports"
            )
        measured.append(row)
        show(row)
        source.unlink()
    return measured


def everything(folder: Path, scale: float) -> list[dict[str, Any]]:
    """All features in three windows on both engines, and whether the bytes are the same."""
    rows, source = int(2 * MILLION * scale), folder / "both.parquet"
    generate(rows, source)
    duck, spark = (measure(name, source, folder / f"{name}.parquet") for name in ("ours_all", "ours_spark"))
    row = {
        "claim": "all features in windows of 3, 6 and 12 months",
        "ours": "DuckDB",
        "n": rows,
        "target": "same bytes",
    }
    if duck and spark:
        equal = (folder / "ours_all.parquet").read_bytes() == (folder / "ours_spark.parquet").read_bytes()
        row |= {"alternative": "the same on Spark (local)", "alternative_seconds": spark["seconds"]}
        row |= {
            "ratio": spark["seconds"] / duck["seconds"],
            "note": f"bytes {'the same' if equal else 'DIFFER'}",
        }
    if duck:
        row |= {"ours_seconds": duck["seconds"], "peak_mib": duck["mib"]}
    show(row)
    return [row]


def show(row: dict[str, Any]) -> None:
    """Print one row."""
    words = (
        f"{key}: {value:,.2f}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in row.items()
    )
    print("; ".join(words), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1 is 20 million transactions, and 100 for the growth"
    )
    parser.add_argument(
        "--python", default=sys.executable, help="an interpreter with lifetimes and pymc-marketing"
    )
    parser.add_argument("--folder", help="where the invented data go, and are removed")
    parser.add_argument("--task", choices=sorted(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        run_task(given.task, given.source, given.out)
        return
    with tempfile.TemporaryDirectory(prefix="transactions-", dir=given.folder) as made:
        folder = Path(made)
        source, rows = folder / "events.parquet", int(20 * MILLION * given.scale)
        generate(rows, source)
        measured = comparisons(source, folder, rows, given.python)
        source.unlink()
        measured += growth(folder, given.scale)
        measured += everything(folder, given.scale)
    record("transactions", measured)


if __name__ == "__main__":
    main()
