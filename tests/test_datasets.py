"""The shipped data sets: published counts, coverage, leakage, fingerprints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect import datasets
from research.collect.constructs import constructs, predictors
from research.collect.crosswalk import CROSSWALKS, apply, read_crosswalk
from research.collect.panel import COLUMNS, panel
from research.errors import UserError

PACKAGED = ("lendingclub2018", "lendingclub2016", "credit_data")


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {name: datasets.load(name) for name in PACKAGED}


@pytest.mark.parametrize(
    ("name", "rows", "bad"),
    [
        # openintro documents 10,000 rows; 67 + 66 + 38 + 7 are neither current nor fully paid
        ("lendingclub2018", 10_000, 178),
        # modeldata: 9,857 rows, Class 9,340 good and 517 bad (5.25 %)
        ("lendingclub2016", 9_857, 517),
        # modeldata: 4,454 rows, Status 3,200 good and 1,254 bad (28 %)
        ("credit_data", 4_454, 1_254),
    ],
)
def test_rows_and_outcomes_are_the_published_ones(tables, name: str, rows: int, bad: int) -> None:
    customers = tables[name]
    assert len(customers) == rows
    assert customers["default"].sum() == bad
    assert customers.index.is_unique
    assert customers.index.name == "customer_id"
    assert set(customers.columns) <= set(constructs().index)


def test_the_2018_book_keeps_units(tables) -> None:
    customers = tables["lendingclub2018"]
    raw = datasets.load_raw("lendingclub2018")
    assert customers["interest_rate"].max() == pytest.approx(0.3094)
    assert customers["loan_date"].dt.strftime("%Y-%m").unique().tolist() == ["2018-03", "2018-02", "2018-01"]
    joint = (raw["application_type"] == "joint").to_numpy()
    np.testing.assert_allclose(customers["income"][joint], raw.loc[joint, "annual_income_joint"])
    np.testing.assert_allclose(customers["income"][~joint], raw.loc[~joint, "annual_income"])
    # missing says "none on record" and is kept
    assert (
        customers["months_since_delinquency"].isna().sum()
        == raw["months_since_last_delinq"].isna().sum()
        == 5658
    )
    assert customers["credit_grade"].corr(customers["interest_rate"]) > 0.9


def test_the_computed_instalment_agrees_where_one_is_recorded() -> None:
    raw = datasets.load_raw("lendingclub2018")
    monthly = raw["interest_rate"] / 1200
    ours = raw["loan_amount"] * monthly / (1 - (1 + monthly) ** -raw["term"])
    assert ((ours - raw["installment"]).abs() < 0.02).mean() > 0.999


@pytest.mark.parametrize("name", PACKAGED)
def test_no_two_predictors_are_the_same_column(tables, name: str) -> None:
    numeric = tables[name][predictors(tables[name])].select_dtypes("float64")
    correlation = numeric.corr().abs().to_numpy(copy=True)
    np.fill_diagonal(correlation, 0)
    assert np.nanmax(correlation) < 0.9999


def test_coverage_has_every_construct_for_every_data_set() -> None:
    table = datasets.coverage(PACKAGED)
    expected = (constructs()["role"] != "identity").sum() * len(PACKAGED)
    assert len(table) == expected
    assert set(table["fit"]) == {"direct", "proxy", "absent"}
    assert (table.loc[table["fit"] != "direct", "reason"] != "").all()
    proxies = table[table["construct"].isin(["recency_months", "frequency_count", "monetary_amount"])]
    fits = proxies.groupby("dataset")["fit"].unique()
    assert fits["lendingclub2018"].tolist() == fits["lendingclub2016"].tolist() == ["proxy"]
    assert fits["credit_data"].tolist() == ["absent"]


@pytest.mark.parametrize("name", [name for name in datasets.names() if name != "simulated"])
def test_no_predictor_reads_a_column_known_only_later(name: str) -> None:
    later = set(datasets.leakage(name)["column"])
    table = datasets.coverage([name])
    read = table.assign(column=table["source"].str.split(";")).explode("column")
    read["column"] = read["column"].str.strip()
    used = read[(read["role"] == "predictor") & read["column"].isin(later)]
    assert used.empty, used[["construct", "column"]].to_string()
    outcomes = read[read["role"].isin(["outcome", "post"]) & (read["column"].fillna("") != "")]
    unlisted = set(outcomes["column"]) - later
    assert not unlisted, f"columns of outcomes that the leakage list does not name: {sorted(unlisted)}"
    assert (datasets.leakage(name)["reason"] != "").all()


def test_the_leakage_list_names_real_columns() -> None:
    for name in PACKAGED:
        assert set(datasets.leakage(name)["column"]) <= set(datasets.load_raw(name).columns)


def test_describe_counts(tables) -> None:
    table = datasets.describe(PACKAGED).set_index("dataset")
    assert table.loc["lendingclub2018", "outcome_rate"] == pytest.approx(0.0178)
    assert table.loc["credit_data", "bad"] == 1254
    total = (constructs()["role"] == "predictor").sum()
    assert (table[["direct", "proxy", "absent"]].sum(axis=1) == total).all()
    assert (table["licence"].str.len() > 2).all()
    measured = table.loc["lendingclub2016", ["direct", "proxy"]].sum()
    assert measured == len(predictors(tables["lendingclub2016"]))


def test_fingerprints_are_stable_and_follow_the_crosswalk(tmp_path) -> None:
    first = datasets.data_fingerprint("credit_data")
    assert first == datasets.data_fingerprint("credit_data")
    assert len({datasets.data_fingerprint(name) for name in PACKAGED}) == len(PACKAGED)
    other = tmp_path / "other.csv"
    other.write_text((CROSSWALKS / "credit_data.csv").read_text() + "\n")
    assert datasets.data_fingerprint("credit_data", other) != first


def test_unknown_names_and_files_without_crosswalk_are_told(tmp_path) -> None:
    with pytest.raises(UserError, match="did you mean 'lendingclub2018'"):
        datasets.load("lendingclub_2018")
    (tmp_path / "book.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r"'book_crosswalk\.csv' beside it.* draft-crosswalk"):
        datasets.load(tmp_path / "book.csv")
    with pytest.raises(UserError, match="no such file"):
        datasets.load("book.csv")
    with pytest.raises(UserError, match="no such file"):
        datasets.load("book.csv", crosswalk="credit_data")


def test_data_that_is_not_here_is_described_and_says_how_to_get_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    monkeypatch.delenv("RESEARCH_DATA", raising=False)
    row = datasets.describe(["taiwan"]).iloc[0]
    assert (row["available"], row["rows"], row["known"] is pd.NA) == (False, 30_000, True)
    assert "taiwan" not in datasets.names(available=True)
    with pytest.raises(UserError, match="research datasets fetch taiwan"):
        datasets.load("taiwan")


def test_the_optional_package_is_named_when_it_is_missing(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="install the extra 'profit'"):
        datasets.load("gmsc")


def test_codes_and_shares_of_give_me_some_credit() -> None:
    raw = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "SeriousDlqin2yrs": [0, 1, 0],
            "RevolvingUtilizationOfUnsecuredLines": [0.5, 50_708.0, 0.0],
            "age": [40, 0, 60],
            "NumberOfTime30-59DaysPastDueNotWorse": [1, 98, 0],
            "DebtRatio": [0.3, 2_500.0, 0.1],
            "MonthlyIncome": [1_000.0, np.nan, 500.0],
            "NumberOfOpenCreditLinesAndLoans": [3, 4, 5],
            "NumberOfTimes90DaysLate": [0, 98, 2],
            "NumberRealEstateLoansOrLines": [0, 1, 2],
            "NumberOfTime60-89DaysPastDueNotWorse": [2, 98, 0],
            "NumberOfDependents": [0, np.nan, 2],
        }
    )
    customers = apply(raw, read_crosswalk("gmsc")).customers
    # 96 and 98 are codes; a debt ratio without an income is an amount; utilisation is cut at 10
    np.testing.assert_allclose(customers["past_delinquencies"], [3, np.nan, 0])
    np.testing.assert_allclose(customers["debt_to_income"], [0.3, np.nan, 0.1])
    np.testing.assert_allclose(customers["credit_utilisation"], [0.5, 10, 0])
    np.testing.assert_allclose(customers["age"], [40, np.nan, 60])


def test_the_simulated_bank_is_a_data_set_with_every_construct() -> None:
    customers = datasets.load("simulated")
    assert set(customers.columns) == set(constructs().index) - {"customer_id"}
    assert customers.equals(datasets.simulation().customers)
    assert not datasets.definition("simulated")["real"]
    assert set(datasets.coverage(["simulated"])["fit"]) == {"direct"}
    assert datasets.simulation(500, seed=3).customers.shape[0] == 500


def test_the_simulated_panel_has_the_columns_of_every_panel() -> None:
    table = panel("simulated")
    assert table.columns[:6].tolist() == list(COLUMNS)
    assert not table.duplicated(["customer_id", "period"]).any()
    assert table.equals(table.sort_values(["customer_id", "period"], kind="stable"))
    with pytest.raises(UserError, match="has no monthly panel; these have: taiwan, simulated"):
        panel("credit_data")


def test_size_cut_offs_belong_to_the_money_of_the_data_set() -> None:
    assert datasets.classification_parameters("credit_data") == {
        "size_small_at_most": 750.0,
        "size_medium_at_most": 1500.0,
    }
