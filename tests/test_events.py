"""Transactions to features: tables by hand, pandas, the R package rfm, Berka; the same bytes whatever the engine."""

from __future__ import annotations

import datetime
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.collect import berka, fetch
from research.collect.crosswalk import apply, read_crosswalk
from research.collect.events import Limits, Roles, parse_windows, read_roles, write_features
from research.collect.events.features import DENOMINATORS, FIXED, NUMERATORS, RUNS, definitions
from research.collect.events.windows import month_lengths
from research.collect.tables import read_table
from research.commands import events as command
from research.errors import UserError
from research.paths import DOCS
from research.segment.rfm import RFM

AS_OF = datetime.date(2019, 1, 1)
ROLES = Roles(balance="balance", late="late", transaction="id")
# One customer with a gap, one with a single old event, one whose only event is too late to count
HAND = pd.DataFrame(
    [
        ("a", "2018-09-15", 10.00, 110.00, True, 1),  # month 4 before the reference
        ("a", "2018-10-02", 20.00, 130.00, True, 2),  # month 3
        ("a", "2018-11-30", -5.50, 124.50, False, 3),  # month 2
        ("a", "2018-12-20", 40.00, 164.50, True, 5),  # month 1; the second of its day
        ("a", "2018-12-20", 30.00, 124.50, True, 4),
        ("b", "2018-01-01", 7.25, 7.25, False, 6),  # the first day of twelve months
        ("b", "2019-01-01", 1.00, 8.25, True, 7),  # the reference date itself does not count
        ("c", "2019-02-01", 9.00, 9.00, False, 8),
    ],
    columns=["customer_id", "date", "amount", "balance", "late", "id"],
).assign(date=lambda table: pd.to_datetime(table["date"]).dt.date)


def features_of(
    table: pd.DataFrame, folder: Path, reference=AS_OF, windows="3,12", **options
) -> pd.DataFrame:
    table.to_parquet(folder / "events.parquet", index=False)
    options = {"roles": ROLES, "windows": parse_windows(windows)} | options
    write_features(folder / "events.parquet", folder / "out.parquet", reference, **options)
    return pd.read_parquet(folder / "out.parquet").set_index("customer_id")


def spark_is_there() -> None:
    pytest.importorskip("pyspark", reason="the extra 'spark' is not installed (make extras)")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17 (apt-get install openjdk-17-jre-headless)")


def test_the_definitions_and_the_code_name_the_same_features():
    coded = {*NUMERATORS, *RUNS}
    assert coded == set(definitions()["feature"])
    assert {*DENOMINATORS, *FIXED} <= set(NUMERATORS)
    counts = definitions().query("unit in ['count', 'days']")["feature"]
    assert not {*DENOMINATORS, *FIXED} & set(counts)


def test_features_by_hand(tmp_path):
    found = features_of(HAND, tmp_path)
    assert list(found.index) == ["a", "b"]
    a, b = found.loc["a"], found.loc["b"]
    assert (a["events"], a["frequency_3m"], a["frequency_12m"], a["active_days_3m"]) == (5, 4, 5, 3)
    assert (a["amount_3m"], a["amount_12m"], a["inflow_12m"], a["outflow_12m"]) == (84.5, 94.5, 100.0, 5.5)
    assert (a["amount_mean_12m"], a["days_since_last"], a["days_since_first"]) == (18.9, 12, 108)
    assert a["recency_months"] == 12 * 12 / 365.25
    # sums of months 3, 2, 1: 20, −5.50, 70; slope of three points is (last − first) / 2
    assert a["trend_3m"] == 25.0
    assert a["trend_12m"] == pytest.approx(
        np.polyfit(range(12), [0] * 8 + [10, 20, -5.5, 70], 1)[0], rel=1e-12
    )
    # 1 Oct 110; 2 Oct to 29 Nov (59 days) 130; 30 Nov to 19 Dec (20) 124.50; 20 to 31 Dec (12) 164.50; 92 days
    assert a["balance_mean_3m"] == (11000 + 59 * 13000 + 20 * 12450 + 12 * 16450) / 9200
    assert (a["balance_last"], a["balance_min_3m"], a["balance_min_12m"]) == (164.5, 110.0, 110.0)
    assert (a["late_months_3m"], a["late_streak_12m"], a["late_streak_now_12m"]) == (2, 2, 1)
    assert (b["events"], b["frequency_12m"], b["frequency_3m"], b["amount_3m"]) == (1, 1, 0, 0.0)
    assert np.isnan(b["amount_mean_3m"]) and (b["balance_mean_3m"], b["late_months_12m"]) == (7.25, 0)


def test_a_running_balance_is_the_sum_of_the_amounts(tmp_path):
    found = features_of(HAND, tmp_path, roles=Roles(transaction="id", running_balance=True)).loc["a"]
    sums = [1000, 3000, 2450, 9450]  # at the end of 15 Sep, 2 Oct, 30 Nov, 20 Dec
    assert found["balance_mean_3m"] == np.dot(sums, [1, 59, 20, 12]) / 9200
    assert (found["balance_last"], found["balance_min_3m"]) == (94.5, 10.0)


def test_runs_of_late_months_have_gaps(tmp_path):
    """Months before the reference: late in 1, 2, 3, on time in 4, none in 5, late in 6 and 7."""
    months = {1: True, 2: True, 3: True, 4: False, 6: True, 7: True}
    rows = [("x", pd.Timestamp(AS_OF) - pd.DateOffset(months=back), late) for back, late in months.items()]
    rows += [("y", row[1], not row[2]) for row in rows if row[1].year == 2018]
    table = pd.DataFrame(rows, columns=["customer_id", "date", "late"]).assign(amount=1)
    table["date"] = table["date"].dt.date
    found = features_of(table, tmp_path, roles=Roles(late="late"), windows="2,12", features=["late"])
    assert found.loc["x"].drop("events").tolist() == [2, 5, 2, 3, 2, 3]
    assert found.loc["y"].drop("events").tolist() == [0, 1, 0, 1, 0, 0]


def test_months_end_where_the_calendar_says():
    days = pd.to_datetime(["2019-03-31", "2020-03-31", "2019-01-01"])
    assert month_lengths(days, [1, 12])["months_1"].tolist() == [31, 31, 31]
    assert month_lengths(days, [1, 12])["months_12"].tolist() == [365, 366, 365]
    assert month_lengths(pd.to_datetime(["2019-03-30"]), [1]).iloc[0, 0] == 30  # since 28 February


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """Invented events: instants in one day that tie, half cents, negative amounts, missing values."""
    rng = np.random.default_rng(3)
    size = 4000
    days = pd.Timestamp("2017-01-01") + pd.to_timedelta(rng.integers(0, 800, size), "D")
    table = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 300, size),
            "date": (days + pd.to_timedelta(rng.integers(0, 3, size), "h")).astype("datetime64[us]"),
            "amount": rng.integers(-200_000, 800_000, size) / 1000,
            "balance": rng.integers(-50_000, 900_000, size) / 100,
            "late": rng.random(size) < 0.3,
            "id": rng.permutation(size),
        }
    )
    table.loc[[5, 17], "amount"] = [np.nan, np.inf]
    table.loc[[9, 30], "date"] = pd.NaT
    return table


def test_summary_equals_pandas(many, tmp_path):
    found = features_of(many, tmp_path, features=["rfm", "age", "activity"], windows="6,90d,all")
    whole = many[np.isfinite(many["amount"]) & many["date"].notna()]
    ago = (pd.Timestamp(AS_OF) - whole["date"].dt.normalize()).dt.days
    hundredfold = whole["amount"] * 100
    cents = np.trunc(hundredfold + np.copysign(0.5, hundredfold)).astype("int64")  # half away from zero
    whole = whole.assign(ago=ago, cents=cents).query("ago > 0")
    per = whole.groupby("customer_id")
    assert (found["days_since_last"] == per["ago"].min()).all()
    assert (found["days_since_first"] == per["ago"].max()).all()
    half_year = (pd.Timestamp(AS_OF) - pd.Timestamp("2018-07-01")).days
    for label, length in (("6m", half_year), ("90d", 90), ("all", 10_000)):
        inside = whole[whole["ago"] <= length].groupby("customer_id")
        assert (found[f"frequency_{label}"] == inside.size().reindex(found.index, fill_value=0)).all()
        sums = inside["cents"].sum().reindex(found.index, fill_value=0)
        assert (found[f"amount_{label}"] == sums / 100).all()
        days = inside["ago"].nunique().reindex(found.index, fill_value=0)
        assert (found[f"active_days_{label}"] == days).all()


def test_rows_that_do_not_count_are_counted(many, tmp_path):
    many.to_parquet(tmp_path / "events.parquet")
    account = write_features(tmp_path / "events.parquet", tmp_path / "out.parquet", AS_OF, roles=ROLES)
    n = account.set_index("what")["n"]
    late = int((many["date"] >= "2019-01-01").sum())
    assert n["rows read"] == 4000 and n["time missing"] == 2 and n["amount missing or no number"] == 2
    assert n["on or after the reference date"] == late and n["rows that count"] == 3996 - late


def test_active_days_are_the_same_with_and_without_balances(many, tmp_path):
    alone = features_of(many, tmp_path, features=["activity", "trend", "flow"])
    beside = features_of(many, tmp_path)
    pd.testing.assert_frame_equal(alone, beside[alone.columns])


def test_one_date_for_all_equals_that_date_for_each(many, tmp_path):
    together = features_of(many, tmp_path)
    reference = pd.DataFrame({"customer_id": together.index, "as_of": pd.Timestamp(AS_OF)})
    each = features_of(many, tmp_path, reference)
    pd.testing.assert_frame_equal(each.drop(columns="as_of"), together)


def test_each_loan_has_its_own_date(tmp_path):
    reference = pd.DataFrame(
        {"customer_id": ["a", "a", "z"], "as_of": pd.to_datetime(["2018-12-20", "2018-10-02", "2019-01-01"])}
    )
    found = features_of(HAND, tmp_path, reference, features=["rfm"], windows="all").reset_index()
    assert found["as_of"].astype(str).tolist() == ["2018-10-02", "2018-12-20", "2019-01-01"]
    assert found["frequency_all"].tolist() == [1, 3, 0] and found["amount_all"].tolist() == [10.0, 24.5, 0.0]
    assert np.isnan(found["recency_months"].iloc[2])


def test_segments_of_the_r_package_from_its_orders(verification_data, tmp_path):
    """The ten segment counts of the vignette of the R package rfm, orders of 995 customers, 31 December 2006."""
    source = verification_data("oracles") / "rfm_orders.csv"
    roles = Roles(time="order_date", amount="revenue")
    windows = parse_windows("all")
    write_features(
        source, tmp_path / "out.parquet", datetime.date(2006, 12, 31), roles=roles, windows=windows
    )
    table = pd.read_parquet(tmp_path / "out.parquet").set_index("customer_id")
    names = {
        "days_since_last": "recency_months",
        "frequency_all": "frequency_count",
        "amount_all": "monetary_amount",
    }
    customers = table[list(names)].rename(columns=names).astype(float)
    model = RFM(recipe="plus one").fit(customers)
    counts = model.segment_table().set_index("segment")["n"]
    assert (counts["Champions"], counts["Potential Loyalist"], counts["Lost"]) == (35, 342, 148)
    assert (counts["Loyal Customers"], counts["Promising"], counts["At Risk"]) == (170, 9, 28)


def test_berka_accounts_as_its_own_loader_sees_them(verification_data, tmp_path, monkeypatch):
    """Recency, frequency, debits, credits and mean balance of 180 days before each loan, by pandas in `berka`."""
    monkeypatch.setenv("RESEARCH_DATA", str(verification_data("berka_pkdd99")))
    tables = berka.read({name: part.path for name, part in fetch.locate("berka").items()})
    history = berka.before_loan(tables["trans"], tables["loan"])
    expected = berka.conduct(history)
    reference = tables["loan"].rename(columns={"account_id": "customer_id", "date": "as_of"})
    reference = reference[reference["customer_id"].isin(expected.index)][["customer_id", "as_of"]]
    trans = tables["trans"].assign(amount=tables["trans"]["signed_h"] / 100)
    roles = Roles(customer="account_id", transaction="trans_id")
    own = trans[trans["made_by_bank"].isna()][["account_id", "date", "amount", "trans_id"]]
    found = features_of(own, tmp_path, reference, "180d", roles=roles)
    expected = expected.loc[found.index]
    assert len(expected) > 200
    assert (found["days_since_last"].astype(float) == expected["recency_days"]).all()
    assert (found["frequency_180d"] == expected["transactions"]).all()
    assert (found["outflow_180d"] == expected["debits"]).all()
    assert (found["inflow_180d"] == expected["credits"]).all()
    everything = trans[["account_id", "date", "amount", "trans_id"]]
    balance = features_of(everything, tmp_path, reference, "180d", roles=replace(roles, running_balance=True))
    np.testing.assert_allclose(balance["balance_mean_180d"], expected["mean_balance"], rtol=1e-14)


def written(path: Path, folder: Path, roles: Roles = ROLES, reference=AS_OF, **options) -> bytes:
    out = folder / f"{path.stem}-{len(list(folder.glob('*')))}.parquet"
    write_features(path, out, reference, roles=roles, **options)
    return out.read_bytes()


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(1, 4), threads=st.integers(1, 2))
def test_order_of_rows_and_files_does_not_matter(many, tmp_path_factory, seed, parts, threads):
    folder = tmp_path_factory.mktemp("order")
    (folder / "given").mkdir()
    many.to_parquet(folder / "whole.parquet")
    shuffled = many.sample(frac=1, random_state=np.random.default_rng(seed))
    for number, rows in enumerate(np.array_split(np.arange(len(many)), parts)):
        shuffled.iloc[rows].to_parquet(folder / "given" / f"{number}.parquet")
    without_id = Roles(balance="balance", late="late")
    whole = written(folder / "whole.parquet", folder, without_id)
    assert written(folder / "given", folder, without_id, limits=Limits("500MB", threads)) == whole


def test_every_kind_of_file_gives_the_same_bytes(many, tmp_path):
    import duckdb

    many = many[many["date"].notna()].assign(amount=lambda table: table["amount"].replace(np.inf, np.nan))
    whole = tmp_path / "whole.parquet"
    many.to_parquet(whole, index=False)
    many.to_csv(tmp_path / "given.csv", index=False)
    renamed = {
        "customer_id": "客户号", "date": "交易时间", "amount": "金额", "balance": "余额", "late": "逾期",
        "id": "流水号",
    }  # fmt: skip
    many.rename(columns=renamed).to_csv(tmp_path / "gbk.csv", index=False, encoding="gbk")
    by_year = tmp_path / "by_year"
    many.assign(year=many["date"].dt.year).to_parquet(by_year, partition_cols=["year"], index=False)
    with duckdb.connect(str(tmp_path / "bank.duckdb")) as con:
        con.execute(f"create schema ledger; create table ledger.events as from '{whole}'")
    expected = written(whole, tmp_path)
    assert written(tmp_path / "given.csv", tmp_path) == expected
    assert written(by_year, tmp_path) == expected
    assert written(Path(f"{tmp_path}/bank.duckdb::ledger.events"), tmp_path) == expected
    (tmp_path / "roles.csv").write_text(
        "role,column\n" + "".join(f"{role},{renamed[name]}\n" for role, name in
        zip(["customer", "time", "amount", "balance", "late", "transaction"], renamed, strict=True)), "utf-8"
    )  # fmt: skip
    assert written(tmp_path / "gbk.csv", tmp_path, read_roles(tmp_path / "roles.csv")) == expected
    text_dates = many.assign(date=many["date"].dt.strftime("%Y%m%d %H"))
    text_dates.to_parquet(tmp_path / "text.parquet")
    formatted = Roles(balance="balance", late="late", transaction="id", time_format="%Y%m%d %H")
    assert written(tmp_path / "text.parquet", tmp_path, formatted) == expected


def test_spark_and_duckdb_write_the_same_bytes(many, tmp_path, monkeypatch):
    spark_is_there()
    # Java compiles for as long as the queries take; the quick compiler is enough for them.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    many.to_parquet(tmp_path / "whole.parquet")
    limits = Limits("1GB", 2)
    options = {"windows": parse_windows("4,90d"), "limits": limits}
    duck = written(tmp_path / "whole.parquet", tmp_path, **options)
    assert written(tmp_path / "whole.parquet", tmp_path, engine="spark", **options) == duck
    # each loan with its own date; decimals of four places, text customers and nanoseconds, which Spark cannot read
    loans = pd.DataFrame({"customer_id": [f"客{n:03}" for n in range(300)]})
    loans["as_of"] = pd.Timestamp("2018-01-31") + pd.to_timedelta(np.arange(300), "D")
    other = many[many["date"].notna()].assign(
        customer_id="客" + many["customer_id"].astype(str).str.zfill(3),
        amount=[None if not np.isfinite(v) else Decimal(repr(v)).quantize(Decimal("0.0001")) for v in
                many.loc[many["date"].notna(), "amount"]],
        date=many["date"].astype("datetime64[ns]"),
    )  # fmt: skip
    other.to_parquet(tmp_path / "other.parquet")
    options = {"reference": loans, "roles": Roles(running_balance=True), "limits": limits}
    duck = written(tmp_path / "other.parquet", tmp_path, **options)
    assert written(tmp_path / "other.parquet", tmp_path, engine="spark", **options) == duck
    assert len(pq.read_table(tmp_path / "other.parquet")) == len(other)


@pytest.fixture(scope="module")
def postgres(many) -> Iterator[str]:
    """A PostgreSQL server of its own, with a password, in a folder of its own; root lends it to `nobody`."""
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed (make extras)")
    homes = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    server = shutil.which("pg_ctl", path=os.pathsep.join([os.environ.get("PATH", ""), *homes]))
    if not server:
        pytest.skip("no PostgreSQL server (apt-get install postgresql)")
    as_nobody = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "password").write_text("s3cret")
        if as_nobody:
            shutil.chown(folder, "nobody")
        run = functools.partial(subprocess.run, check=True, capture_output=True, cwd=folder)
        initdb = [
            "-U",
            "teller",
            "--auth=scram-sha-256",
            f"--pwfile={folder}/password",
            "-D",
            f"{folder}/data",
        ]
        run([*as_nobody, str(Path(server).with_name("initdb")), *initdb])
        control = [*as_nobody, server, "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-t", "900"]
        for last in (False, False, True):  # between being found free and being used a port may be taken
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            options = f"-p {port} -c unix_socket_directories= -c listen_addresses=127.0.0.1 -c fsync=off"
            if run([*control, "-o", options, "start"], check=last).returncode == 0:
                break
        try:
            yield f"postgresql://teller:s3cret@127.0.0.1:{port}/postgres"
        finally:
            run([*control, "-m", "immediate", "stop"])


def test_a_postgresql_table_gives_the_same_bytes(postgres, many, tmp_path):
    import psycopg

    many = many[many["date"].notna() & np.isfinite(many["amount"])]
    many.to_parquet(tmp_path / "whole.parquet")
    with psycopg.connect(postgres) as con:
        con.execute("create schema ledger; create table ledger.events (customer_id bigint, date timestamptz, "
                    "amount double precision, balance numeric, late boolean, id uuid, note json)")  # fmt: skip
        with con.cursor().copy("copy ledger.events from stdin") as copy:
            for row in many.itertuples(index=False):
                number = uuid.UUID(int=row.id)
                copy.write_row(
                    (row.customer_id, f"{row.date}+00", row.amount, row.balance, row.late, number, None)
                )
    source = f"{postgres}::ledger.events"
    write_features(source, tmp_path / "out.parquet", AS_OF, roles=ROLES)
    assert (tmp_path / "out.parquet").read_bytes() == written(tmp_path / "whole.parquet", tmp_path)
    for wrong, message in (
        (
            f"{postgres}::ledger.evnets",
            "/postgres::ledger.evnets: no table 'ledger.evnets'; did you mean 'events'",
        ),
        (source.replace("s3cret", "gu3ss"), "password authentication failed"),
        (source.replace("/postgres::", "/bank::"), 'database "bank" does not exist'),
    ):
        with pytest.raises(UserError, match=message) as error:
            write_features(wrong, tmp_path / "out.parquet", AS_OF, roles=ROLES)
        assert "s3cret" not in str(error.value) and "gu3ss" not in str(error.value)
    with pytest.raises(UserError, match="address cannot be read"):
        write_features("postgresql://teller:s3cret@[bad/x::t", tmp_path / "out.parquet", AS_OF)


def test_what_is_missing_for_spark_is_said(many, tmp_path, monkeypatch):
    many.to_parquet(tmp_path / "whole.parquet")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(
        UserError, match=r"engine 'spark' needs the extra 'spark': pip install 'research\[spark\]'"
    ):
        written(tmp_path / "whole.parquet", tmp_path, engine="spark")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roles": Roles(amount="amuont")}, "events.parquet: no column 'amuont' for the amount; did you mean 'amount'"),
        ({"roles": Roles(amount="name")}, "events.parquet, column 'name': found string, expected numbers"),
        ({"roles": Roles(time="name")}, "column 'name': found string, expected a date or a timestamp, or else a time"),
        ({"roles": Roles(time="name", time_format="%Y")}, r"events.parquet: cannot be read \("),
        ({"roles": Roles(customer="amount")}, "column 'amount': found float64, expected whole numbers or text"),
        ({"roles": Roles(late="name")}, "column 'name': found string, expected true and false"),
        ({"features": ["balance"]}, "feature 'balance_last' needs a column for the balance, none was named"),
        ({"features": ["inflwo"]}, "unknown feature 'inflwo'; did you mean 'inflow'"),
        ({"features": ["trend"], "windows": parse_windows("90d")}, "'trend' needs a window of 2 months or more"),
        ({"engine": "sparc"}, "unknown engine 'sparc'; did you mean 'spark'"),
        ({"limits": Limits("2 bananas")}, "memory '2 bananas': expected 500MB or more, written as 500MB or 2GB"),
    ],
)  # fmt: skip
def test_mistakes_are_one_message(many, tmp_path, change, message):
    many.assign(name="x").to_parquet(tmp_path / "events.parquet")
    with pytest.raises(UserError, match=message):
        write_features(tmp_path / "events.parquet", tmp_path / "out.parquet", AS_OF, **change)
    assert [path.name for path in tmp_path.iterdir()] == ["events.parquet"]


def test_sources_that_are_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    for source, message in (
        ("nowhere.csv", "nowhere.csv: no such file or folder; expected a Parquet or CSV file"),
        (tmp_path / "empty", "a folder without .parquet or .csv files"),
        ("bank.duckdb::events", "bank.duckdb: no such DuckDB file"),
        (tmp_path / "broken.parquet", r"broken.parquet: cannot be read \("),
    ):
        with pytest.raises(UserError, match=message):
            write_features(source, tmp_path / "out.parquet", AS_OF)
    for out, message in (
        (tmp_path / "out.csv", "found '.csv', expected a file name ending in .parquet"),
        (tmp_path / "no" / "out.parquet", "no such folder to write out.parquet to"),
        (tmp_path / "empty" / "out.parquet", "lies in the folder of the transactions"),
    ):
        with pytest.raises(UserError, match=message):
            write_features(tmp_path / "empty", out, AS_OF)
    for windows in ("0", "3,x", "200", ""):
        with pytest.raises(UserError, match="window"):
            parse_windows(windows)


def test_the_crosswalk_of_the_documentation_reads_the_features(many, tmp_path):
    page = (DOCS / "transactions.md").read_text(encoding="utf-8")
    rows = page[page.index("construct,source") :].split("```")[0]
    (tmp_path / "crosswalk.csv").write_text(
        rows.strip() + "\ncustomer_id,customer_id,identity,,,,direct,\n", "utf-8"
    )
    crosswalk = read_crosswalk(tmp_path / "crosswalk.csv")
    table = features_of(many.assign(amount=many["amount"].abs()), tmp_path).reset_index()
    customers = apply(table, crosswalk).customers
    assert customers["frequency_count"].tolist() == table["frequency_12m"].tolist()
    assert customers["past_delinquencies"].max() <= 12 and customers["deposit_balance"].notna().all()


def test_features_stand_beside_the_loans(tmp_path):
    HAND.to_parquet(tmp_path / "events.parquet")
    loans = pd.DataFrame(
        {"客户号": ["z", "a", "a"], "放款日": [20181001, 20181220, 20181002], "金额": [1, 2, 3]}
    )
    loans.to_csv(tmp_path / "loans.csv", index=False, encoding="gbk")
    options = {
        "loans": tmp_path / "loans.csv", "loan_customer": "客户号", "loan_date": "放款日", "windows": "12",
    }  # fmt: skip
    command.events(str(tmp_path / "events.parquet"), tmp_path / "book.parquet", features="rfm", **options)
    book = read_table(tmp_path / "book.parquet")
    assert book[["客户号", "放款日", "金额"]].equals(loans)
    assert book["frequency_12m"].tolist() == [0, 3, 1] and book["amount_12m"].tolist() == [0.0, 24.5, 10.0]
    pd.DataFrame({"客户号": ["z"], "放款日": ["soon"]}).to_csv(tmp_path / "loans.csv", index=False)
    with pytest.raises(UserError, match=r"loans.csv, row 2: no date; expected a customer and a date"):
        command.events(str(tmp_path / "events.parquet"), tmp_path / "book.parquet", **options)
    with pytest.raises(UserError, match="expected either --as-of DATE or --loans FILE"):
        command.events("events.parquet", tmp_path / "book.parquet")
    with pytest.raises(UserError, match="--as-of 2018: expected a date such as 2018-12-31"):
        command.events("events.parquet", tmp_path / "book.parquet", as_of="2018")


@pytest.mark.parametrize("odd", ["secret,2020-01-01,5,6,7", "secret,2020-01-01", "secret;2020-01-01;5"])
def test_a_row_of_another_form_is_told_at_its_line_without_its_content(tmp_path, odd: str) -> None:
    lines = ["customer,time,amount", *(f"c{n},2020-01-{n % 28 + 1:02d},{n}.5" for n in range(200))]
    lines[100] = odd
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        command.events(
            str(tmp_path / "events.csv"), tmp_path / "out.parquet", as_of="2020-02-01", windows="12",
            customer="customer", time="time", amount="amount",
        )  # fmt: skip
    assert "events.csv, line 101: " in str(error.value)
    assert "secret" not in str(error.value) and str(tmp_path) not in str(error.value)
