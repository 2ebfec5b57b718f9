"""Published counts of the data the project does not contain; skipped with the reason when it is not here."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.collect import berka, datasets, fetch, panel, publishers
from research.collect.constructs import predictors
from research.paths import DEFINITIONS
from taiwan_files import write_xls, write_xlsx


@pytest.fixture
def taiwan(verification_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = verification_data("taiwan_default")
    monkeypatch.setenv("RESEARCH_DATA", str(folder))
    return folder


@pytest.fixture
def south_german(verification_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = verification_data("south_german_credit")
    monkeypatch.setenv("RESEARCH_DATA", str(folder))
    return folder


@pytest.fixture
def berka_folder(verification_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = verification_data("berka_pkdd99")
    monkeypatch.setenv("RESEARCH_DATA", str(folder))
    return folder


def test_taiwan_has_the_published_rows_defaults_and_mean_limit(taiwan: Path) -> None:
    customers = datasets.load("taiwan")
    assert len(customers) == 30_000
    assert customers["default"].sum() == 6_636
    assert customers["loan_amount"].mean() == pytest.approx(167_484.32, abs=0.005)
    assert {"recency_months", "frequency_count", "monetary_amount"} <= set(predictors(customers))
    table = datasets.coverage(["taiwan"]).set_index("construct")["fit"]
    assert table[["recency_months", "frequency_count", "monetary_amount"]].tolist() == ["direct"] * 3


def test_taiwan_client_3_by_hand(taiwan: Path) -> None:
    raw = datasets.load_raw("taiwan").set_index("ID").loc[3]
    customer = datasets.load("taiwan").loc["3"]
    payments = raw[publishers.TAIWAN_PAYMENTS]
    # paid 1,518 in September and at least 1,000 in each of the six months: 11,018 together
    assert payments.tolist() == [1518, 1500, 1000, 1000, 1000, 5000]
    assert (customer["recency_months"], customer["frequency_count"], customer["monetary_amount"]) == (
        0,
        6,
        11_018,
    )
    assert customer["repayment_delay"] == 0
    assert customer["credit_utilisation"] == pytest.approx(29_239 / 90_000)
    paid, billed = sum(payments[:5]), raw[publishers.TAIWAN_BILLS].iloc[1:].sum()
    assert customer["payment_ratio"] == pytest.approx(paid / billed)


def test_taiwan_panel_has_six_months_and_undocumented_codes_are_no_delay(taiwan: Path) -> None:
    table = panel.panel("taiwan")
    assert len(table) == 6 * 30_000
    assert table["period"].dt.strftime("%Y-%m").unique().tolist() == [
        f"2005-{month:02d}" for month in range(4, 10)
    ]
    assert table["status"].min() == 0
    assert sorted(table.loc[table["status"] == 0, "code"].unique()) == [-2, -1, 0]
    first = table[table["customer_id"] == "1"]
    # client 1: PAY_0 and PAY_2 are 2 (September, August), the others negative
    assert first["status"].tolist() == [0, 0, 0, 0, 2, 2]
    assert first["balance"].tolist() == [0, 0, 0, 689, 3102, 3913]


def test_taiwan_every_repayment_code_has_a_decision(taiwan: Path) -> None:
    decisions = pd.read_csv(DEFINITIONS / "source_codes.csv", dtype=str)
    decided = decisions.query("dataset == 'taiwan' and column == 'PAY_0; PAY_2 to PAY_6'")["code"].tolist()
    assert decided == ["-2", "-1", "0", "1 to 8"]
    raw = datasets.load_raw("taiwan")
    assert set(np.unique(raw[publishers.TAIWAN_STATUS])) == set(range(-2, 9))
    # a delay of one month is almost absent before September
    assert [int((raw[name] == 1).sum()) for name in publishers.TAIWAN_STATUS] == [3688, 28, 4, 2, 0, 0]


@pytest.mark.parametrize("write", [write_xls, write_xlsx], ids=["xls", "xlsx"])
def test_taiwan_in_the_publishers_layout_is_the_same_table(taiwan: Path, tmp_path: Path, write) -> None:
    table = datasets.load_raw("taiwan").head(300)
    path = write(tmp_path / f"clients.{write.__name__.removeprefix('write_')}", table)
    pd.testing.assert_frame_equal(publishers.read_taiwan(path), table)


def test_south_german_copy_is_the_publishers_file_but_for_header_and_line_ends(
    south_german: Path, tmp_path: Path, monkeypatch
) -> None:
    path = fetch.locate("south_german")["credits"].path
    lines = path.read_text().splitlines()
    original = "\r\n".join([" ".join(publishers.SOUTH_GERMAN), *lines[1:]]) + "\r\n"
    # with the publisher's German header and its line ends the copy has the sha256 of the published file
    published = fetch.sources()["south_german"]["parts"]["credits"]["files"][0]["sha256"]
    assert hashlib.sha256(original.encode()).hexdigest() == published
    with zipfile.ZipFile(tmp_path / "south+german+credit+update.zip", "w") as packed:
        packed.writestr("SouthGermanCredit.asc", original)
        packed.writestr("codetable.txt", "not a part")
    copy = publishers.read_south_german(path)
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("RESEARCH_DATA")
    kept = fetch.fetch("south_german", tmp_path / "south+german+credit+update.zip")
    assert kept.loc[0, ["sha256", "known_by"]].tolist() == [published, "file hash"]
    pd.testing.assert_frame_equal(datasets.load_raw("south_german"), copy)


def information_value(column: pd.Series, bad: pd.Series) -> float:
    counts = pd.crosstab(column, bad)
    share = counts / counts.sum()
    return float(((share[0] - share[1]) * np.log(share[0] / share[1])).sum())


@pytest.mark.parametrize(
    ("column", "published"),
    # published information values of the corrected German credit data
    [("status", 0.6660), ("credit_history", 0.2932), ("savings", 0.1960), ("purpose", 0.1692)],
)
def test_south_german_information_values(south_german: Path, column: str, published: float) -> None:
    raw = datasets.load_raw("south_german")
    assert information_value(raw[column], 1 - raw["credit_risk"]) == pytest.approx(published, abs=5e-5)


def test_south_german_has_the_published_rows_and_the_sex_code_that_mixes_groups_stays_missing(
    south_german: Path,
) -> None:
    customers = datasets.load("south_german")
    assert (len(customers), customers["default"].sum()) == (1_000, 300)
    assert customers["sex"].value_counts(dropna=False).to_dict() == {"male": 598, np.nan: 310, "female": 92}


def test_berka_has_the_published_loans(berka_folder: Path) -> None:
    customers = datasets.load("berka")
    assert customers["loan_status"].value_counts().to_dict() == {"C": 403, "A": 203, "D": 45, "B": 31}
    assert customers["loan_amount"].sum() == 103_261_740
    assert customers["default"].sum() == 76
    # the instalment times the term is the amount: no interest is recorded
    np.testing.assert_allclose(customers["instalment"] * customers["term_months"], customers["loan_amount"])


def test_berka_running_loans_are_censored_and_the_variants_show_what_that_does(berka_folder: Path) -> None:
    variants = datasets.outcome_variants("berka")
    assert variants.notna().sum().to_dict() == {
        "running_censored": 279,
        "good_so_far": 682,
        "ended_only": 234,
    }
    assert variants.sum().to_dict() == {"running_censored": 76, "good_so_far": 76, "ended_only": 31}
    customers = datasets.load("berka")
    pd.testing.assert_series_equal(variants["running_censored"], customers["default"], check_names=False)
    assert customers.loc[customers["loan_status"] == "C", "default"].isna().all()


def test_berka_reads_nothing_on_or_after_the_loan_date(berka_folder: Path) -> None:
    parts = {name: part.path for name, part in fetch.locate("berka").items()}
    tables = berka.read(parts)
    history = berka.before_loan(tables["trans"], tables["loan"])
    assert (history["date"] < history["date_loan"]).all()
    assert history["account_id"].nunique() == 354
    assert datasets.describe(["berka"]).iloc[0]["partial"].startswith("complete histories")


def test_berka_loan_of_account_25_by_its_own_transactions(berka_folder: Path) -> None:
    parts = {name: part.path for name, part in fetch.locate("berka").items()}
    trans = pd.read_csv(parts["trans"], sep=";", low_memory=False)
    one = trans[trans["account_id"] == 25].copy()
    loan = datasets.load("berka").loc["4962"]
    one["date"] = pd.to_datetime("19" + one["date"].astype(str), format="%Y%m%d")
    days = (loan["loan_date"] - one["date"]).dt.days
    own = ~one["k_symbol"].isin(
        ["interest credited", "payment for statement", "sanction interest if negative balance"]
    )
    window = own & (days <= 180)
    debit = one["type"] != "credit"
    assert loan["frequency_count"] == window.sum()
    assert loan["monetary_amount"] == pytest.approx(one.loc[window & debit, "amount"].sum())
    assert loan["recency_months"] == pytest.approx(days[own].min() * 12 / 365.25, rel=1e-6)
    # the mean of the 180 end-of-day balances before the loan, day by day
    signed = one["amount"].where(~debit, -one["amount"]).groupby(one["date"]).sum().cumsum()
    daily = signed.reindex(
        pd.date_range(signed.index[0], loan["loan_date"] - pd.Timedelta(days=1)), method="ffill"
    )
    assert loan["deposit_balance"] == pytest.approx(daily.tail(180).mean())


def test_berka_on_four_transactions_by_hand() -> None:
    loan = pd.DataFrame({"account_id": [1], "date": [pd.Timestamp("1997-01-11")]})
    trans = pd.DataFrame(
        {
            "account_id": [1, 1, 1, 1],
            "date": pd.to_datetime(["1997-01-01", "1997-01-05", "1997-01-09", "1997-01-11"]),
            "signed_h": [100_00, -40_00, 1_00, 999_00],
            "made_by_bank": [np.nan, np.nan, "interest", np.nan],
        }
    )
    history = berka.before_loan(trans, loan)
    assert history["days_before"].tolist() == [10, 6, 2]  # the transaction of the loan day is left out
    conduct = berka.conduct(history).loc[1]
    assert conduct[["recency_days", "transactions", "debits", "credits"]].tolist() == [6, 2, 40, 100]
    # 100 for four days, 60 for four, 61 for two
    assert conduct["mean_balance"] == pytest.approx((4 * 100 + 4 * 60 + 2 * 61) / 10)
    assert conduct["income_year"] == pytest.approx(100 / 10 * 365.25)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_berka_can_be_fetched_from_a_local_copy(
    berka_folder: Path, tmp_path: Path, monkeypatch, packed: bool
) -> None:
    copy, origin = datasets.load_raw("berka"), berka_folder
    if packed:  # the publisher's archive holds the tables side by side
        origin = tmp_path / "data_berka.zip"
        with zipfile.ZipFile(origin, "w") as archive:
            for part in fetch.locate("berka").values():
                archive.write(part.path, part.path.name)
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    parts = fetch.fetch("berka", origin).set_index("part")
    assert len(parts) == 8
    assert parts.loc["trans", "partial"].startswith("complete histories")
    monkeypatch.delenv("RESEARCH_DATA")
    pd.testing.assert_frame_equal(datasets.load_raw("berka"), copy)
    assert datasets.load("berka")["default"].sum() == 76


@pytest.mark.parametrize("name", ["taiwan", "south_german", "berka"])
def test_no_two_predictors_are_the_same_column(name: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("berka_folder" if name == "berka" else name)
    customers = datasets.load(name)
    correlation = customers[predictors(customers)].select_dtypes("float64").corr().abs().to_numpy(copy=True)
    np.fill_diagonal(correlation, 0)
    assert np.nanmax(correlation) < 0.9999
