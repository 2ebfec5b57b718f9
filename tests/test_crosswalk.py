"""The crosswalk vocabulary and its faults, on tables small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect.constructs import ROLES, construct, constructs, predictors, schema
from research.collect.crosswalk import COLUMNS, CROSSWALKS, apply, complete, read_crosswalk
from research.collect.transforms import MAPS_FILE, TRANSFORMS, mapping, number, text
from research.errors import UserError


def crosswalk(*rows: dict[str, str]) -> pd.DataFrame:
    table = [{"construct": "customer_id", "source": "id", "transform": "identity", "fit": "direct"}, *rows]
    return pd.DataFrame(table).reindex(columns=list(COLUMNS), fill_value="").fillna("")


def direct(
    construct: str, source: str, transform: str, argument: str = "", missing: str = ""
) -> dict[str, str]:
    return {
        "construct": construct, "source": source, "transform": transform, "argument": argument,
        "missing": missing, "fit": "direct",
    }  # fmt: skip


RAW = pd.DataFrame(
    {
        "id": [101, 102, 103, 104],
        "amount": ["1,000", "￥2,500.50", "abc", None],
        "rate": [12.0, 0.0, np.nan, 24.0],
        "months": ["term_36", "term_60", "term_12", "term_6"],
        "joint": [np.nan, 80.0, np.nan, np.nan],
        "single": [50.0, 60.0, np.nan, 0.0],
        "home": ["OWN", " RENT ", "CASTLE", None],
        "when": ["Mar-2018", "Jan-2018", "never", None],
        "code": [1.0, 999.0, 3.0, -1.0],
    }
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (direct("income", "amount", "identity"), [1000, 2500.5, np.nan, np.nan]),
        (direct("income", "single", "multiply", "12"), [600, 720, np.nan, 0]),
        (direct("income", "joint;single", "first_known"), [50, 80, np.nan, 0]),
        (direct("income", "joint;single", "minimum"), [50, 60, np.nan, 0]),
        (direct("income", "rate;single", "sum"), [62, 60, np.nan, 24]),
        (direct("income", "rate;single", "mean", "times=2"), [62, 60, np.nan, 24]),
        (direct("income", "single;rate", "difference", "min=0"), [38, 60, np.nan, 0]),
        (direct("debt_to_income", "rate;single", "ratio"), [0.24, 0, np.nan, np.nan]),
        (
            direct("debt_to_income", "rate;joint;single", "ratio_to_first_known", "max=0.2"),
            [0.2, 0, np.nan, np.nan],
        ),
        (direct("credit_history_years", "single", "subtract_from", "60"), [10, 0, np.nan, 60]),
        (direct("term_months", "months", "digits"), [36, 60, 12, 6]),
        (direct("recency_months", "rate;single", "window_midpoint", "3|9"), [3, 9, np.nan, 3]),
        (direct("income", "single;rate", "mean_floored", "55"), [55, 57.5, np.nan, 55]),
        (direct("income", "rate;single", "count_over", "11"), [2, 1, np.nan, 1]),
        (
            direct("income", "rate;code;single;code", "ratio_of_sums", "max=0.3"),
            [13 / 51, 0.3, np.nan, np.nan],
        ),
        (direct("income", "rate;code;single", "weighted_ratio", "1 -1|min=0"), [0.22, 0, np.nan, np.nan]),
        (direct("income", "single;rate", "where_known"), [50, 60, np.nan, 0]),
        (direct("income", "rate;joint", "where_known"), [np.nan, 0, np.nan, np.nan]),
        (direct("income", "single", "above_minimum"), [50, 60, np.nan, 0]),
        (direct("recency_months", "rate;single", "window_midpoint", "3|9|over=20"), [9, 9, np.nan, 3]),
        (direct("income_verified", "home", "flag", "OWN|RENT"), [1, 1, 0, np.nan]),
        (direct("inquiries", "code", "identity", missing="999|-1"), [1, np.nan, 3, np.nan]),
        (direct("default", "home", "map", "OWN=0|RENT=1"), [0, 1, np.nan, np.nan]),
    ],
)
def test_numeric_transforms_by_hand(row: dict[str, str], expected: list[float]) -> None:
    customers = apply(RAW, crosswalk(row), check=False).customers
    np.testing.assert_allclose(customers[row["construct"]].to_numpy(), expected)


@pytest.mark.parametrize(
    ("transform", "columns", "argument", "expected"),
    [
        ("sum", [[1, 1], [2, np.nan]], "times=10", [30, np.nan]),
        ("difference", [[10, 10], [2, 2], [3, np.nan]], "", [5, np.nan]),
        ("ratio", [[12, 12, 12], [2, np.nan, 2], [3, 3, 0]], "", [2, np.nan, np.nan]),
        ("mean", [[1, 1], [3, np.nan]], "", [2, np.nan]),
        ("mean_floored", [[1, 1], [4, np.nan]], "2", [3, np.nan]),
        ("count_over", [[1, 5], [5, np.nan], [9, 9]], "5", [1, np.nan]),
        ("ratio_of_sums", [[1, 1, 1], [2, np.nan, 2], [4, 4, -4], [8, 8, 4]], "", [0.25, np.nan, np.nan]),
        ("weighted_ratio", [[1, 1], [2, np.nan], [4, 4]], "2 3", [2, np.nan]),
        ("minimum", [[3, np.nan], [2, 7]], "times=2", [4, 14]),
        ("first_known", [[np.nan, np.nan], [2, np.nan], [3, 7]], "max=6", [2, 6]),
        ("flag", [[None, None, "a"], ["b", None, "b"]], "b", [1, np.nan, 0]),
        ("annuity", [[1200], [0.12], ["12"]], "", [1200 * 0.01 / (1 - 1.01**-12)]),
        ("window_midpoint", [[0, 0], [0, 1]], "1|6", [np.nan, 6]),
    ],
)
def test_transforms_with_a_part_missing(transform, columns, argument, expected) -> None:
    sources = [pd.Series(values) for values in columns]
    np.testing.assert_allclose(TRANSFORMS[transform].apply(sources, argument), expected)


def test_whole_numbers_are_told_as_text_as_far_as_a_float_counts_them() -> None:
    assert text(pd.Series([2.0**53 - 1, np.nan])).tolist() == ["9007199254740991", pd.NA]
    assert text(pd.Series([2.0**53])).tolist() == [
        "9007199254740992.0"
    ]  # the next whole number looks the same
    assert text(pd.Series([1.0, 2.5])).tolist() == ["1.0", "2.5"]


def test_a_value_mapped_to_nothing_is_missing_and_not_the_rest() -> None:
    assert mapping("@credit_data_home")["ignore"] == ""
    found = TRANSFORMS["map"].apply([pd.Series(["u", "v", "w", None])], "u=x|v=|*=rest")
    assert found.fillna("missing").tolist() == ["x", "missing", "rest", "missing"]


def test_a_date_without_a_format_is_read_as_written() -> None:
    column = pd.Series(["2020-02-29", "2020-02-30", None])
    read = TRANSFORMS["date"].apply([column], "")
    assert read.isna().tolist() == [False, True, True] and read[0] == pd.Timestamp("2020-02-29")
    assert TRANSFORMS["date"].apply([pd.Series(["01.02.2020"])], "%d.%m.%Y")[0] == pd.Timestamp("2020-02-01")
    assert TRANSFORMS["date"].apply([read], "%d.%m.%Y").equals(read)


def test_annuity_is_the_textbook_payment() -> None:
    raw = pd.DataFrame({"id": [1, 2], "p": [10_000, 1_200], "r": [12.0, 0.0], "n": ["term_36", "12"]})
    row = direct("instalment", "p;r;n", "annuity", "0.01")
    payments = apply(raw, crosswalk(row)).customers["instalment"]
    # 10,000 at 1 % a month over 36 months: 332.14 (any annuity table); without interest 100
    np.testing.assert_allclose(payments, [332.1431, 100.0], rtol=1e-6)


def test_categories_dates_and_what_did_not_map() -> None:
    rows = [
        direct("home_ownership", "home", "map", "OWN=owned|RENT=rented"),
        direct("loan_date", "when", "date", "%b-%Y"),
        direct("loan_amount", "amount", "identity"),
    ]
    result = apply(RAW, crosswalk(*rows), check=False)
    assert list(result.customers.index) == ["101", "102", "103", "104"]
    assert result.customers["home_ownership"].astype(object).tolist()[:2] == ["owned", "rented"]
    assert isinstance(result.customers["home_ownership"].dtype, pd.CategoricalDtype)
    assert result.customers["loan_date"].iloc[0] == pd.Timestamp("2018-03-01")
    lost = result.lost.set_index("construct")[["source", "n", "examples"]]
    assert lost.loc["home_ownership"].tolist() == ["home", 1, "'CASTLE'"]
    assert lost.loc["loan_date"].tolist() == ["when", 1, "'never'"]
    assert lost.loc["loan_amount"].tolist() == ["amount", 1, "'abc'"]
    assert result.lost["share"].tolist() == [1 / 3] * 3


def test_map_with_a_rest_and_a_class_that_is_missing_on_purpose() -> None:
    row = direct("home_ownership", "home", "map", "OWN=owned|CASTLE=|*=other")
    result = apply(RAW, crosswalk(row))
    assert result.customers["home_ownership"].astype(object).where(
        result.customers["home_ownership"].notna(), "missing"
    ).tolist() == ["owned", "other", "missing", "missing"]
    assert result.lost.empty


def test_constant_and_row_number_need_no_source() -> None:
    rows = crosswalk(direct("rate_type", "", "constant", "fixed"))
    rows.loc[0, ["source", "transform", "argument"]] = ["", "row_number", "B"]
    customers = apply(RAW, rows).customers
    assert customers.index.tolist() == ["B1", "B2", "B3", "B4"]
    assert set(customers["rate_type"]) == {"fixed"}


def test_numbers_stored_as_text_lose_their_marks() -> None:
    np.testing.assert_allclose(
        number(pd.Series(["$1,200", " 3 ", "12元", "x", None])), [1200, 3, 12, np.nan, np.nan]
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (direct("incom", "single", "identity"), "unknown construct 'incom'; did you mean 'income'"),
        (direct("income", "single", "identitiy"), "unknown transform 'identitiy'; did you mean 'identity'"),
        (direct("income", "single", "ratio"), "needs 2 to 20 source columns, found 1"),
        ({**direct("income", "single", "identity"), "fit": "exact"}, "fit is 'exact'"),
        ({**direct("income", "single", "identity"), "fit": "proxy"}, "say why in the column reason"),
    ],
)
def test_a_faulty_row_is_named(tmp_path, row: dict[str, str], message: str) -> None:
    path = tmp_path / "mine.csv"
    crosswalk(row).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"mine\.csv, row 3") as error:
        read_crosswalk(path)
    assert message in str(error.value)


def test_faults_met_while_applying_are_named() -> None:
    with pytest.raises(UserError, match=r"no column 'singel'; did you mean 'single'"):
        apply(RAW, crosswalk(direct("income", "singel", "identity")))
    with pytest.raises(UserError, match="'twelve' is not a number"):
        apply(RAW, crosswalk(direct("income", "single", "multiply", "twelve")))
    with pytest.raises(UserError, match="unknown option 'time'"):
        apply(RAW, crosswalk(direct("income", "single;rate", "sum", "time=2")))
    with pytest.raises(UserError, match="unknown map"):
        apply(RAW, crosswalk(direct("income", "home", "map", "@nothing")))


def test_impossible_values_and_repeated_customers_are_refused() -> None:
    with pytest.raises(UserError, match=r"term_months.*first: customer 104"):
        apply(RAW, crosswalk(direct("term_months", "code", "identity")))
    with pytest.raises(UserError, match="customer_id"):
        apply(RAW.assign(id=1), crosswalk(direct("income", "single", "identity")))
    with pytest.raises(UserError, match="no customer_id"):
        apply(RAW, crosswalk(direct("income", "single", "identity")).iloc[1:])


def test_a_chinese_crosswalk_saved_as_gbk_is_read(tmp_path) -> None:
    path = tmp_path / "行内.csv"
    crosswalk(direct("income", "年收入", "identity")).to_csv(path, index=False, encoding="gbk")
    assert read_crosswalk(path).loc[1, "source"] == "年收入"


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(CROSSWALKS.glob("*.csv")) if path.stem != "maps"],
    ids=lambda path: path.stem,
)
def test_a_shipped_crosswalk_has_every_construct_and_every_reason(path) -> None:
    table = read_crosswalk(path)
    assert table["construct"].tolist() == constructs().index.tolist()
    assert (table.loc[table["fit"] != "direct", "reason"] != "").all()
    absent = table[table["fit"] == "absent"]
    assert (absent[["source", "transform"]] == "").all(axis=None)
    for argument in table.loc[table["transform"] == "map", "argument"]:
        assert mapping(argument)


def test_maps_have_no_repeated_value() -> None:
    maps = pd.read_csv(MAPS_FILE, dtype=str, keep_default_na=False)
    assert not maps.duplicated(["map", "value"]).any()


def test_complete_says_when_a_construct_is_not_mentioned() -> None:
    table = complete(crosswalk(direct("income", "single", "identity"))).set_index("construct")
    assert table.loc["income", "fit"] == "direct"
    assert table.loc["age", ["fit", "reason"]].tolist() == ["absent", "the crosswalk does not mention it"]


def test_constructs_are_consistent() -> None:
    table = constructs()
    later = table["known_at"] == "after"
    assert set(table.loc[later, "role"]) == {"outcome", "post"}
    assert set(table.loc[table["role"] == "predictor", "known_at"]) == {"application"}
    assert (table["minimum"].fillna(-np.inf) < table["maximum"].fillna(np.inf)).all()
    assert construct("income")["label_zh"] == "年收入"
    with pytest.raises(UserError, match="did you mean 'income'"):
        construct("incomes")
    assert table.index.is_unique and set(table["role"]) <= set(ROLES)
    assert set(table["dtype"]) <= {"float", "category", "string", "datetime"}


def test_predictors_leave_out_protected_and_later_columns() -> None:
    frame = pd.DataFrame(
        columns=["age", "sex", "default", "paid_total", "income", "credit_score", "loan_date", "region"]
    )
    assert predictors(frame) == ["credit_score", "income"]


def test_schema_checks_type_range_and_index() -> None:
    good = pd.DataFrame({"income": [1.0, np.nan]}, index=pd.Index(["a", "b"], name="customer_id"))
    assert schema(["income"]).validate(good).equals(good)
    assert {name: len(word.meaning) > 0 for name, word in TRANSFORMS.items()} == dict.fromkeys(
        TRANSFORMS, True
    )
