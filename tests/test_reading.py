"""Reading what banks have: numbers, dates, terms and files as they are exported, and what is lost on the way."""

from __future__ import annotations

import datetime
import gzip
import random

import numpy as np
import pandas as pd
import pytest
import yaml
from dateutil.relativedelta import relativedelta
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel
from typer.testing import CliRunner

from loan_book_example import loan_book
from research.collect import datasets, loanbook
from research.collect.book_checks import bound
from research.collect.crosswalk import COLUMNS, OPTIONAL, apply, read_crosswalk
from research.collect.dates import read_dates
from research.collect.numerals import read
from research.collect.tables import LEFT_OUT, read_table
from research.commands.datasets import app
from research.errors import UserError
from research.files.textfiles import own_yaml
from research.parameters import load
from research.paths import DEFINITIONS, EXAMPLES

CROSSWALK = EXAMPLES / "loan_book_crosswalk.csv"


def walk(*rows: dict[str, str]) -> pd.DataFrame:
    first = {"construct": "customer_id", "source": "id", "transform": "identity", "fit": "direct"}
    rows = [first, *({"fit": "direct", **row} for row in rows)]
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS, *OPTIONAL], fill_value="").fillna("")


def row(
    construct: str, source: str, transform: str = "identity", argument: str = "", **more: str
) -> dict[str, str]:
    return {"construct": construct, "source": source, "transform": transform, "argument": argument, **more}


def canonical(
    construct: str, values: list, transform: str = "identity", argument: str = "", **more: str
) -> list[float]:
    raw = pd.DataFrame({"id": range(len(values)), "c": values})
    made = apply(raw, walk(row(construct, "c", transform, argument, **more)), check=False)
    return made.customers[construct].tolist()


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transform", "argument", "values", "expected"),
    [
        ("identity", "", ["12.5%", "3 %", "０．５％"], [0.125, 0.03, 0.005]),
        ("multiply", "0.01", ["12.5%", "3", "０．５％"], [0.125, 0.03, 0.005]),
        ("mean", "times=0.01", ["12.5%", "3", None], [0.125, 0.03, np.nan]),
        ("multiply", "0.01", ["12,5", "3,25 %", "4"], [0.125, 0.0325, 0.04]),
    ],
)
def test_per_cent_signs_are_read_once_whatever_the_transform(transform, argument, values, expected) -> None:
    np.testing.assert_allclose(canonical("interest_rate", values, transform, argument), expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["１２３４５", "￥６７８"], [12345, 678]),
        (["1,234.50", "2,000"], [1234.5, 2000]),
        (["1.234,50", "2.000"], [1234.5, 2000]),
        (["12,34,567.5", "1,00,000"], [1234567.5, 100000]),  # lakhs
        (["1 234,5", "2\u00a0000"], [1234.5, 2000]),
        (["1'234.5", "2’000"], [1234.5, 2000]),
        (["(1,234.5)", "500-"], [-1234.5, -500]),
        (["RMB 5", "7 EUR"], [5, 7]),
        (["1,200", "950"], [1200, 950]),  # three decimals would have made it 950,000
        (["1.5e+05", "2E3"], [150000, 2000]),
    ],
)
def test_marks_of_thousands_and_decimals_are_decided_per_column(values, expected) -> None:
    np.testing.assert_allclose(read(pd.Series(values)).values, expected)


def test_a_decimal_comma_is_said_and_the_odd_cell_is_lost_not_misread() -> None:
    found = read(pd.Series(["12,5", "7,25", "1.234,5", "3.75"]))
    assert found.said == "decimal comma"
    np.testing.assert_allclose(found.values, [12.5, 7.25, 1234.5, np.nan])


def test_what_can_be_read_in_two_ways_is_a_fault_unless_the_table_or_the_crosswalk_tells() -> None:
    raw = pd.DataFrame({"id": [1, 2], "c": ["1,234", "5,600"], "rate": ["3,5", "4,25"]})
    alone = walk(row("income", "c"))
    with pytest.raises(
        UserError, match=r"column 'c': the mark ',' may be one of thousands or of decimals in 2 values"
    ) as error:
        apply(raw.drop(columns="rate"), alone)
    assert "234" not in str(error.value)  # no value of a customer
    assert apply(raw, alone).customers["income"].tolist() == [1.234, 5.6]  # the rates have decimal commas
    stated = walk(row("income", "c", decimal="."))
    assert apply(raw, stated).customers["income"].tolist() == [1234, 5600]
    mixed = pd.DataFrame({"id": [1, 2], "c": ["12.5%", "12.5"]})
    with pytest.raises(UserError, match="1 values have a per cent sign and 1 have none"):
        apply(mixed, walk(row("interest_rate", "c")))


@pytest.mark.parametrize(
    "value", ["9" * 400, "inf", "-inf", "1e308", "1e400", float("inf"), -float("inf"), 1e300]
)
def test_what_is_no_amount_of_money_is_lost_and_counted(value) -> None:
    raw = pd.DataFrame(
        {"id": [1, 2], "c": pd.Series([value, 5], dtype=object if isinstance(value, str) else float)}
    )
    made = apply(raw, walk(row("income", "c")), check=False)
    assert made.customers["income"].isna().tolist() == [True, False]
    assert made.lost[["construct", "source", "n", "share"]].iloc[0].tolist() == ["income", "c", 1, 0.5]
    assert len(made.lost["examples"].iloc[0]) < 60


# --- dates ------------------------------------------------------------------------------------------------------------


def test_dates_of_several_forms_in_one_column() -> None:
    forms = [
        "2023-01-05", "2023/1/5", "20230105", "5-Jan-2023", "05JAN2023", "2023年1月5日", "Jan 5, 2023", "05.01.2023",
        "2023-01-05 10:30", "2023-01-05T10:30:00+08:00", "２０２３／０１／０５",
    ]  # fmt: skip
    assert set(read_dates(pd.Series(forms)).dt.normalize()) == {pd.Timestamp("2023-01-05")}
    assert read_dates(pd.Series(["202301", "2023-01", "2023年1月"])).unique().tolist() == [
        pd.Timestamp("2023-01-01")
    ]
    assert read_dates(pd.Series([202301.0, np.nan])).tolist()[0] == pd.Timestamp("2023-01-01")


def test_day_or_month_first_is_told_by_the_column_or_is_a_fault() -> None:
    assert read_dates(pd.Series(["03/04/2023", "13/04/2023"]))[0] == pd.Timestamp("2023-04-03")
    assert read_dates(pd.Series(["03/04/2023", "04/13/2023"]))[0] == pd.Timestamp("2023-03-04")
    raw = pd.DataFrame({"id": [1, 2], "c": ["03/04/2023", "05/06/2023"]})
    with pytest.raises(UserError, match="column 'c': day or month first cannot be told"):
        apply(raw, walk(row("loan_date", "c", "date")))
    assert len(apply(raw, walk(row("loan_date", "c", "date", "%d/%m/%Y"))).customers)


def test_serial_days_are_those_of_excel_and_sas() -> None:
    # openpyxl is the independent reading of Excel's days; 23011 is SAS's 1 January 2023 (days since 1960-01-01)
    days = pd.Series([1, 59, 61, 40_000, 45_292])
    for word, calendar in (("excel", CALENDAR_WINDOWS_1900), ("excel1904", CALENDAR_MAC_1904)):
        expected = [pd.Timestamp(from_excel(day, calendar)) for day in days]
        assert read_dates(days, word).tolist() == expected
    assert pd.isna(read_dates(pd.Series([60]), "excel")[0])  # 29 February 1900 never was
    assert read_dates(pd.Series([0, 23_011]), "sas").tolist() == [
        pd.Timestamp("1960-01-01"),
        pd.Timestamp("2023-01-01"),
    ]
    assert read_dates(pd.Series([1_988_150_400.0]), "sasdatetime")[0] == pd.Timestamp("2023-01-01")
    both = read_dates(pd.Series(["44931", "2023/01/06", "soon"]), "excel|%Y/%m/%d")
    assert both.tolist()[:2] == [pd.Timestamp("2023-01-05"), pd.Timestamp("2023-01-06")]
    assert pd.isna(both[2])


@pytest.mark.parametrize(
    "value", ["9999-12-31", "2300-01-01", "1600-01-01", "0001-01-01", "44931", "31/31/2020"]
)
def test_what_is_no_date_of_a_bank_is_lost_and_counted(value) -> None:
    raw = pd.DataFrame({"id": [1, 2], "c": [value, "2020-01-01"]})
    made = apply(raw, walk(row("loan_date", "c", "date")), check=False)
    assert made.customers["loan_date"].isna().tolist() == [True, False]
    assert made.lost["n"].tolist() == [1]


def test_months_between_dates_agree_with_dateutil() -> None:
    rng = random.Random(4)
    first = [datetime.date(2000, 1, 1) + datetime.timedelta(rng.randrange(7_000)) for _ in range(300)]
    last = [day + datetime.timedelta(rng.randrange(5_000)) for day in first]
    raw = pd.DataFrame({"id": range(300), "from": map(str, first), "to": map(str, last)})
    made = apply(raw, walk(row("term_months", "from;to", "months_between")), check=False).customers[
        "term_months"
    ]
    whole = [(d := relativedelta(b, a)).years * 12 + d.months for a, b in zip(first, last, strict=True)]
    assert np.floor(made).tolist() == whole
    ages = apply(raw, walk(row("age", "from;to", "years_between"))).customers["age"]
    np.testing.assert_allclose(ages, made / 12)


def test_recency_is_counted_to_a_column_or_to_a_day() -> None:
    raw = pd.DataFrame({"id": [1, 2], "last": [202301, 202306], "open": ["2023-07-01", "2023-07-01"]})
    made = apply(raw, walk(row("recency_months", "last;open", "months_between", "from=%Y%m")))
    assert made.customers["recency_months"].tolist() == [6, 1]
    made = apply(raw, walk(row("recency_months", "last", "months_between", "from=%Y%m|at=2023-12-01")))
    assert made.customers["recency_months"].tolist() == [11, 6]
    for argument, told in (
        ("", "expected two source columns"),
        ("at=soon", "at is no date"),
        ("until=1", "unknown option"),
    ):
        with pytest.raises(UserError, match=told):
            apply(raw, walk(row("recency_months", "last", "months_between", argument)))


def test_terms_below_a_month_are_terms() -> None:
    found = canonical("term_months", [7, 30, 365], "multiply", "0.032854209")
    np.testing.assert_allclose(found, [0.23, 0.99, 11.99], atol=0.01)
    datasets.validate(
        pd.DataFrame({"term_months": found}, index=pd.Index(list("abc"), name="customer_id")), "terms"
    )


# --- what is lost, and what is out of range ---------------------------------------------------------------------------


def book(tmp_path, raw: pd.DataFrame, crosswalk: pd.DataFrame):
    raw.to_csv(tmp_path / "book.csv", index=False)
    crosswalk.to_csv(tmp_path / "walk.csv", index=False)
    return tmp_path / "book.csv", tmp_path / "walk.csv"


def test_what_is_lost_is_summed_per_column_with_share_and_masked_examples() -> None:
    values = [*range(90), *["x"] * 4, *["13912345678号"] * 3, "13912345678", "a" * 50, "w"]
    raw = pd.DataFrame({"id": range(100), "c": values})
    lost = apply(raw, walk(row("income", "c")), check=False).lost
    told = lost.iloc[0]
    assert len(lost) == 1  # one row for the column, whatever the number of values
    assert (told["n"], told["share"]) == (9, 0.09)  # a phone number is a number; what stands beside it is not
    assert told["examples"].startswith("'x'") and told["examples"].count(",") == 2


def test_lost_values_that_look_like_identifiers_are_told_by_their_length_only() -> None:
    raw = pd.DataFrame({"id": range(3), "kind": ["a@b.cn", "王小明", "抵押"], "姓名": ["x", "y", "z"]})
    lost = apply(raw, walk(row("guarantee_type", "kind", "map", "抵押=mortgage")), check=False).lost
    assert lost["examples"].tolist() == ["(text of 6 characters), (text of 3 characters)"]
    lost = apply(raw, walk(row("income", "姓名")), check=False).lost
    assert "x" not in lost["examples"].iloc[0].replace("text", "")


@pytest.mark.parametrize("lost", [1, 2])
def test_more_than_one_per_cent_lost_stops_check_and_study_unless_accepted(tmp_path, lost: int) -> None:
    raw = pd.DataFrame({"id": range(100), "c": ["x"] * lost + [5] * (100 - lost)})
    rows = walk(row("income", "c"))
    files = book(tmp_path, raw, rows)
    checked = CliRunner().invoke(app, ["check", str(files[0]), "--crosswalk", str(files[1])])
    assert bound("most_lost") == 0.01
    if lost == 1:
        assert checked.exit_code == 0 and len(datasets.load(*files)) == 100
        return
    told = r"column 'c' loses 2 values \(2.0%\) as 'income', such as 'x'"
    assert isinstance(checked.exception, UserError)
    with pytest.raises(UserError, match=told):
        datasets.load(*files)
    rows.loc[1, "lost"] = "accept"
    files = book(tmp_path, raw, rows)
    assert len(datasets.load(*files)) == 100
    assert CliRunner().invoke(app, ["check", str(files[0]), "--crosswalk", str(files[1])]).exit_code == 0


@pytest.mark.parametrize(
    ("treated", "expected"),
    [("missing", [np.nan, 50, np.nan]), ("clip", [110, 50, 0]), ("keep", [400, 50, -3])],
)
def test_values_out_of_range_are_treated_as_the_crosswalk_says_and_counted(
    tmp_path, treated, expected
) -> None:
    raw = pd.DataFrame({"id": [1, 2, 3], "c": [400, 50, -3]})
    files = book(tmp_path, raw, walk(row("age", "c", out_of_range=treated)))
    np.testing.assert_allclose(datasets.load(*files)["age"], expected)
    found = loanbook.check(*files)
    assert loanbook.blocking(found) == []
    assert found["outside"].to_dict("records") == [
        {"construct": "age", "allowed": "≥ 0 and ≤ 110", "n": 2, "share": 2 / 3, "treated": treated}
    ]
    quality = loanbook.quality.report(raw, read_crosswalk(files[1]), datasets.harmonise(*files)).set_index(
        "check"
    )
    assert quality.loc["values out of range, treated as the crosswalk says", "rows"] == 2
    with pytest.raises(UserError, match="age"):
        apply(raw, walk(row("age", "c")))


@pytest.mark.parametrize("column", OPTIONAL)
def test_a_word_that_the_crosswalk_does_not_know_is_named(tmp_path, column: str) -> None:
    files = book(tmp_path, pd.DataFrame({"id": [1]}), walk(row("age", "c", **{column: "perhaps"})))
    with pytest.raises(UserError, match=rf"walk\.csv, row 3: {column} is 'perhaps'"):
        read_crosswalk(files[1])


def test_a_crosswalk_without_the_newer_columns_is_read(tmp_path) -> None:
    table = read_crosswalk(CROSSWALK)
    assert (table[list(OPTIONAL)] == "").all(axis=None)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_packed_csv_is_the_same_table(tmp_path) -> None:
    plain = loan_book().to_csv(index=False).encode("gbk")
    (tmp_path / "book.csv.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "book.csv").write_bytes(plain)
    packed = datasets.load(tmp_path / "book.csv.gz", CROSSWALK)
    pd.testing.assert_frame_equal(packed, datasets.load(tmp_path / "book.csv", CROSSWALK))
    assert datasets.is_path("some/BOOK.CSV.GZ")
    drafted = CliRunner().invoke(app, ["draft-crosswalk", str(tmp_path / "book.csv.gz")])
    assert drafted.exit_code == 0 and (tmp_path / "book_crosswalk.csv").is_file()


@pytest.mark.parametrize(
    "word", ["合计", "总计：", "小 计", "Total", "GRAND TOTAL", "Sub-total:", "合计（3笔）"]
)
@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_rows_of_totals_are_left_out_and_counted(tmp_path, word: str, kind: str) -> None:
    frame = pd.DataFrame({"id": ["1", "2", word], "amount": [5.0, 6.0, 11.0], "place": ["Total", "x", None]})
    path = tmp_path / f"book.{kind}"
    {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}[kind](path, index=False)
    table = read_table(path)
    assert table["amount"].tolist() == [5, 6]  # a place that is called Total is no total
    assert table.attrs[LEFT_OUT] == 1
    walk(row("loan_amount", "amount")).to_csv(tmp_path / "walk.csv", index=False)
    summary = loanbook.check(path, tmp_path / "walk.csv")["summary"].set_index("measure")["value"]
    assert summary["rows of totals, left out"] == 1 and summary["rows"] == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,amount,rate\n1,2,3\n4;5;6\n7;8;9\n", "lines 3, 4: separated by ';', the header by ','"),
        ("id;amount\n1;2\n3\t4\n", "line 3: separated by a tab, the header by ';'"),
        (
            "id,amount,rate\n1,2,3\nsecret,5\n1,2\n",
            "line 3: 2 cells, expected 3 as in the header (and so in 1 more rows)",
        ),
        ('id,amount\n1,"a\nb"\nsecret,5,6\n', "line 4: 3 cells, expected 2 as in the header"),
        ("", "is empty"),
    ],
)
def test_rows_that_do_not_fit_the_header_are_told_at_their_line_without_their_content(
    tmp_path, content, told
) -> None:
    (tmp_path / "book.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_table(tmp_path / "book.csv")
    assert told in str(error.value)
    assert "secret" not in str(error.value)


def test_columns_that_differ_in_an_outer_space_only_are_named(tmp_path) -> None:
    pd.DataFrame([[1, 2]], columns=["a", "a "]).to_parquet(tmp_path / "book.parquet")
    with pytest.raises(UserError, match="column 'a' is there twice"):
        read_table(tmp_path / "book.parquet")


# --- what the outcome gives away --------------------------------------------------------------------------------------


def test_blanks_that_predict_the_outcome_are_told_with_both_rates_and_counts() -> None:
    n = 1_000
    blank = np.arange(n) < 100
    bad = np.where(blank, np.arange(n) % 100 < 62, np.arange(n) % 100 < 9).astype(float)
    customers = pd.DataFrame({"income": np.where(blank, np.nan, 1.0), "assets": 1.0, "default": bad})
    customers.loc[customers.index % 7 == 0, "assets"] = np.nan  # blanks that say nothing
    found = loanbook.telling_blanks(customers)
    assert found["construct"].tolist() == ["income"]
    told = found.iloc[0]
    assert (told["blank"], told["bad_blank"], told["known"], told["bad_known"]) == (100, 62, 900, 81)
    assert (told["rate_blank"], told["rate_known"]) == (0.62, 0.09)
    assert told["p_value"] < 1e-20


@pytest.mark.parametrize(
    "column",
    [
        "ChgOff", "chargeoff", "chg_off", "CHARGE-OFF AMT", "Charged.Off", "write_off", "WrittenOff", "WRT_OFF_AMT",
        "核销金额", "recoveries", "GrossRecoveryAmt", "RCVRY_AMT", "bal_at_default", "BALANCE_AT_DFLT", "EAD",
        "days_in_default", "DaysInDefault", "collection_fees", "COLL_FEE", "LGD", "last_pymnt_d", "total_paid",
        "CURR_BAL", "DPD", "违约时余额",
    ],
)  # fmt: skip
def test_usual_names_of_columns_made_after_the_outcome_are_known(column: str) -> None:
    raw = pd.DataFrame({"id": [1, 2], column: [1.0, 2.0]})
    rows = walk(row("liabilities", column))
    found = loanbook.leakage_suspects(raw, rows, apply(raw, rows).customers)
    assert found[["construct", "column", "grade"]].values.tolist() == [["liabilities", column, "suspect"]]


@pytest.mark.parametrize(
    "column", ["income", "collections", "delinq_2yrs", "term", "cooking", "worth", "住房情况", "grade"]
)
def test_ordinary_names_are_no_suspects(column: str) -> None:
    raw = pd.DataFrame({"id": [1, 2], column: [1.0, 2.0]})
    rows = walk(row("liabilities", column))
    assert loanbook.leakage_suspects(raw, rows, apply(raw, rows).customers).empty


def test_a_column_that_separates_the_outcome_is_graded() -> None:
    rng = np.random.default_rng(1)
    bad = np.repeat([1.0, 0.0], [200, 800])
    # two normal columns a distance d apart have AUC Φ(d/√2): 0.55, 0.88 and 0.98
    raw = pd.DataFrame(
        {
            "id": range(1_000),
            "bad": bad,
            **{f"d{d}": rng.normal(size=1_000) + d * bad for d in (0.18, 1.66, 2.9)},
        }
    )
    rows = walk(
        row("default", "bad"), row("deposit_balance", "d0.18"), row("income", "d1.66"), row("assets", "d2.9")
    )
    found = loanbook.leakage_suspects(raw, rows, apply(raw, rows, check=False).customers).set_index(
        "construct"
    )["grade"]
    assert found.to_dict() == {"assets": "strong suspect", "income": "suspect"}


def test_many_rare_classes_are_no_suspect() -> None:
    rng = np.random.default_rng(2)
    raw = pd.DataFrame(
        {"id": range(600), "bad": rng.integers(0, 2, 600), "job": [f"job {i % 300}" for i in range(600)]}
    )
    rows = walk(row("default", "bad"), row("occupation", "job"))
    assert loanbook.leakage_suspects(raw, rows, apply(raw, rows).customers).empty


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ([360, 720, 1080, 365], "looks like days: multiply by 0.032854209"),
        ([90, 180, 120, 60], "looks like days"),
        ([0.98, 0.98, 0.49], "half are of 30 days or less"),
        ([1, 2, 3, 5], "looks like years: multiply by 12"),
        ([12, 24, 36, 240], ""),
        ([12, 18, 7, 36], ""),
    ],
)
def test_terms_that_are_not_in_months_are_told_with_the_right_remedy(terms, told) -> None:
    found = loanbook.unit_problems(pd.DataFrame({"term_months": np.array(terms, dtype=float)}))
    assert (found["problem"].iloc[0].startswith(told)) if told else found.empty
    assert not told.startswith(("looks like days", "half")) or not found["problem"].iloc[0].startswith(
        "looks like years"
    )


def test_how_a_column_writes_its_numbers_is_said() -> None:
    frame = pd.DataFrame({"id": range(3), "c": ["1,5", "2,5 %", "3%"]})
    made = apply(frame, walk(row("income", "c", "multiply", "0.01")))
    assert made.read.values.tolist() == [["income", "c", "decimal comma; per cent sign in 2 values"]]


@pytest.mark.parametrize("weight", [float("inf"), float("nan")])
def test_weights_are_finite(weight: float) -> None:
    with pytest.raises(UserError, match="finite number"):
        load("default", changes={"weights": {"A": weight, "B": 1, "C": 1}})


@pytest.mark.parametrize("form", ["", "%Y-%m-%d", "excel"])
@pytest.mark.parametrize("cells", [[], [None, ""], ["x" * 500]])
def test_a_column_without_a_readable_cell_has_no_dates(cells: list, form: str) -> None:
    found = read_dates(pd.Series(cells, dtype="string"), form)
    assert len(found) == len(cells) and found.isna().all() and found.dtype == "datetime64[us]"


def test_definitions_read_fast_say_what_they_say_read_slowly() -> None:
    # libyaml and PyYAML's own reader are two implementations of one language.
    for path in sorted(DEFINITIONS.rglob("*.yml")):
        assert own_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8")), path
