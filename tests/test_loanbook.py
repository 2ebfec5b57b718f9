"""An own loan book: identifiers, leakage, units, what can be answered, and the drafted crosswalk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from loan_book_example import loan_book
from research.collect import datasets, draft, identifiers, loanbook
from research.collect.crosswalk import COLUMNS
from research.collect.tables import read_table
from research.commands.datasets import app
from research.errors import UserError
from research.paths import EXAMPLES

BOOK = EXAMPLES / "loan_book_example.csv"
CROSSWALK = EXAMPLES / "loan_book_crosswalk.csv"


def crosswalk(**sources: str) -> pd.DataFrame:
    rows = [
        {"construct": name, "source": source, "transform": "identity", "fit": "direct"}
        for name, source in sources.items()
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS), fill_value="")


def test_the_shipped_example_is_the_invented_one(tmp_path) -> None:
    loan_book().to_csv(tmp_path / "book.csv", index=False, encoding="gbk", lineterminator="\n")
    assert (tmp_path / "book.csv").read_bytes() == BOOK.read_bytes()


def test_the_example_is_read_in_every_form_and_becomes_the_same_customers(tmp_path) -> None:
    book = loan_book()
    customers = datasets.load(BOOK, CROSSWALK)
    assert len(customers) == 400
    assert customers["loan_amount"].iloc[0] == pytest.approx(book["贷款金额(万元)"].iloc[0] * 10_000)
    assert customers["loan_date"].iloc[0] == pd.Timestamp("2023-01-01")
    assert customers["default"].sum() == (book["是否违约"] == "是").sum() == 17
    assert customers["income"].isna().sum() == 12
    book.to_csv(tmp_path / "utf8.csv", index=False, encoding="utf-8")
    book.to_csv(tmp_path / "semicolon.csv", index=False, encoding="utf-8-sig", sep=";")
    book.to_parquet(tmp_path / "book.parquet")
    book.to_excel(tmp_path / "book.xlsx", index=False)
    for file in ("utf8.csv", "semicolon.csv", "book.parquet", "book.xlsx"):
        pd.testing.assert_frame_equal(datasets.load(tmp_path / file, CROSSWALK), customers)


def test_a_path_works_from_any_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = datasets.load("data/examples/loan_book_example.csv", "data/examples/loan_book_crosswalk.csv")
    assert len(table) == 400
    assert len(datasets.data_fingerprint("data/examples/loan_book_example.csv", CROSSWALK)) == 64


def test_check_numbers_of_identity_cards_and_cards() -> None:
    # GB 11643-1999 gives 11010519491231002X as its example; 4539578763621486 passes Luhn
    assert identifiers.gb11643("11010519491231002X")
    assert not identifiers.gb11643("110105194912310021")
    assert identifiers.luhn("4539578763621486")
    assert not identifiers.luhn("4539578763621487")


def test_check_character_of_business_numbers() -> None:
    # 91350100M000100Y43 is the example of GB 32100-2015
    assert identifiers.gb32100("91350100M000100Y43")
    assert not identifiers.gb32100("91350100M000100Y44")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("姓名", "name"), ("户名", "name"), ("customer_name", "name"), ("联系电话", "phone"), ("手机号", "phone"),
        ("身份证号", "identity number"), ("passport_no", "identity number"), ("统一社会信用代码", "business number"),
        ("银行账号", "bank card or account"), ("account_number", "bank card or account"), ("家庭住址", "address"),
        ("home_address", "address"), ("邮箱", "e-mail"), ("微信号", "online account"), ("车牌号", "number plate"),
    ],
)  # fmt: skip
def test_a_name_of_a_column_gives_an_identifier_away(column: str, kind: str) -> None:
    found = identifiers.identifiers(pd.DataFrame({column: ["x", "y"]}))
    assert found["kind"].tolist() == [kind]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("name", ["王小明", "李芳", "张伟", "刘洋"]),
        ("phone", ["021-62345678", "(010) 62345678"]),
        ("identity number", ["E12345678", "G87654321"]),
        ("business number", ["91350100M000100Y43"]),
        ("bank card or account", ["4539578763621486"]),
        ("number plate", ["沪A12345", "京B·D1234F"]),
        ("address", ["上海市浦东新区世纪大道100号", "朝阳区建国路8号5栋"]),
    ],
)
def test_values_give_an_identifier_away(kind: str, values: list[str]) -> None:
    found = identifiers.identifiers(pd.DataFrame({"c1": values}))
    assert kind in found["kind"].tolist()


@pytest.mark.parametrize(
    "values",
    [["商业", "服务业", "制造业"] * 9, ["正常", "关注", "损失"] * 9, ["王府井", "江北"] * 20, ["上海市", "江苏省"] * 5,
     ["经营性道路运输", "批发"] * 9, ["180000", "250000.5", "36"]],
)  # fmt: skip
def test_ordinary_columns_are_no_identifiers(values: list[str]) -> None:
    assert identifiers.identifiers(pd.DataFrame({"c1": values, "金额": 1, "期限": 2, "利率": 3})).empty


def test_who_stands_out_is_counted() -> None:
    customers = pd.DataFrame(
        {"age": [31.0, 38, 35, 36, 39, 64], "sex": pd.Categorical(["male"] * 6), "income": range(6),
         "region": pd.Categorical(["north"] * 4 + ["south"] * 2)}
    )  # fmt: skip
    found = identifiers.rare_combinations(customers).set_index("combination")
    assert found.loc["age", ["smallest", "alone", "few"]].tolist() == [1, 1, 1]
    assert found.loc["region", ["smallest", "alone", "few"]].tolist() == [2, 0, 6]
    # thirties in the north: 4; in the south: 1; sixties in the south: 1
    assert found.loc["all 3 together", ["smallest", "alone", "few"]].tolist() == [1, 2, 6]
    assert identifiers.rare_combinations(customers[["income"]]).empty


def test_identifiers_are_found_by_name_and_by_value() -> None:
    raw = pd.DataFrame(
        {
            "客户姓名": ["甲", "乙", "丙"],
            "c1": ["13912345678", "13812345678", "x"],
            "c2": ["11010519491231002X", None, None],
            "c3": ["a@b.cn", "c@d.com", None],
            "income": [13912345678, 2, 3],
            "amount": [1, 2, 3],
        }
    )
    found = identifiers.identifiers(raw).set_index("column")
    assert found.loc["客户姓名", "kind"] == "name"
    assert found.loc["c1", ["kind", "n"]].tolist() == ["phone", 2]
    assert found.loc["c2", "kind"] == "identity number"
    assert found.loc["c3", "kind"] == "e-mail"
    assert "amount" not in found.index
    # the values themselves are never shown
    assert "13912345678" not in identifiers.identifiers(raw).to_string()


def test_identifiers_are_refused_as_features_and_as_customer_number(tmp_path) -> None:
    raw = pd.DataFrame({"id": [1, 2], "phone": ["13912345678", "13812345678"], "amount": [5, 6]})
    raw.to_csv(tmp_path / "book.csv", index=False)
    crosswalk(customer_id="phone", loan_amount="amount").to_csv(tmp_path / "walk.csv", index=False)
    with pytest.raises(
        UserError, match=r"column 'phone' looks like a direct identifier or personal data \(phone\)"
    ):
        datasets.load(tmp_path / "book.csv", tmp_path / "walk.csv")
    crosswalk(customer_id="id", loan_amount="amount").to_csv(tmp_path / "walk.csv", index=False)
    assert len(datasets.load(tmp_path / "book.csv", tmp_path / "walk.csv")) == 2


def test_auc_agrees_with_scikit_learn_and_knows_classes() -> None:
    rng = np.random.default_rng(0)
    outcome = pd.Series(rng.integers(0, 2, 200).astype(float))
    values = pd.Series(rng.normal(size=200).round(1)) - outcome
    assert loanbook.auc(values, outcome) == pytest.approx(1 - roc_auc_score(outcome, values))
    classes = pd.Series(["a", "a", "b", "b", None])
    assert loanbook.auc(classes, pd.Series([1.0, 1.0, 0.0, 0.0, np.nan])) == 1


def test_leakage_suspects_by_name_and_by_what_they_know() -> None:
    n = 40
    bad = np.r_[np.ones(12), np.zeros(n - 12)]
    raw = pd.DataFrame(
        {"id": range(n), "bad": bad, "当前余额": range(n), "harmless": 0.0, "oracle": bad * 2 + 1}
    )
    walk = crosswalk(
        customer_id="id", default="bad", liabilities="当前余额", income="harmless", assets="oracle"
    )
    customers = loanbook.apply(raw, walk).customers
    found = loanbook.leakage_suspects(raw, walk, customers).set_index("construct")
    # 当前余额 counts the rows and the bad ones come first: it separates them, and its name says why
    assert found.loc["liabilities", "grade"] == "strong suspect"
    assert "balance changes" in found.loc["liabilities", "evidence"]
    assert found.loc["assets"].tolist() == [
        "oracle",
        "strong suspect",
        "it alone separates the outcome (AUC 1.000)",
    ]
    assert "income" not in found.index


def test_units_that_look_wrong_are_named() -> None:
    customers = pd.DataFrame(
        {"interest_rate": [4.5, 5.2, 6.0], "term_months": [1.0, 3.0, 5.0], "income": [9.0, 8.0, 7.0],
         "instalment": [3.0, 2.0, 2.0], "loan_amount": [1.0, 2.0, 3.0]}
    )  # fmt: skip
    found = loanbook.unit_problems(customers).set_index("construct")["problem"]
    assert found["interest_rate"].startswith("looks like a percentage")
    assert found["term_months"].startswith("looks like years")
    assert "monthly" in found["income"]
    assert "loan_amount" not in found.index


def test_the_draft_recognises_names_units_and_values_of_the_example() -> None:
    proposal = draft.draft_crosswalk(read_table(BOOK))
    rows = proposal.set_index("construct")
    assert rows.loc["loan_amount", ["source", "transform", "argument"]].tolist() == [
        "贷款金额(万元)",
        "multiply",
        "10000",
    ]
    assert rows.loc["interest_rate", ["transform", "argument"]].tolist() == ["multiply", "0.01"]
    assert float(rows.loc["recency_months", "argument"]) == pytest.approx(12 / 365.25)
    assert rows.loc["loan_date", "argument"] == "%Y/%m/%d"
    assert rows.loc["default", "argument"] == "否=0|是=1"
    assert "抵押=mortgage" in rows.loc["guarantee_type", "argument"]
    assert rows.loc["assets", "fit"] == "absent"
    assert proposal.attrs["identifiers"] == ["客户姓名", "手机号"]
    assert set(rows["source"]).isdisjoint(proposal.attrs["identifiers"])
    assert (rows.loc[rows["fit"] != "absent", "reason"].str.startswith("check")).all()


def test_the_draft_reads_english_names_and_says_what_it_does_not_know() -> None:
    raw = pd.DataFrame(
        {
            "Loan_ID": [1, 2],
            "Annual Income": [10, 20],
            "Term (years)": [1, 3],
            "Gender": ["F", "X"],
            "zzz": [0, 0],
        }
    )
    proposal = draft.draft_crosswalk(raw)
    rows = proposal.set_index("construct")
    assert rows.loc["customer_id", "source"] == "Loan_ID"
    assert rows.loc["income", "source"] == "Annual Income"
    assert rows.loc["term_months", ["transform", "argument"]].tolist() == ["multiply", "12"]
    assert "not recognised: X" in rows.loc["sex", "reason"]
    assert proposal.attrs["unused"] == ["zzz"]


def test_the_verbs_check_and_draft(tmp_path) -> None:
    runner = CliRunner()
    checked = runner.invoke(app, ["check", str(BOOK), "--crosswalk", str(CROSSWALK)])
    assert checked.exit_code == 0, checked.output
    assert "What the notebooks can answer with it" in checked.output
    target = tmp_path / "draft.csv"
    drafted = runner.invoke(app, ["draft-crosswalk", str(BOOK), "--out", str(target)])
    assert drafted.exit_code == 0, drafted.output
    assert len(datasets.load(BOOK, target)) == 400
    target.write_text(target.read_text(encoding="utf-8") + "\n", encoding="utf-8")  # as a person leaves it
    again = runner.invoke(app, ["draft-crosswalk", str(BOOK), "--out", str(target)])
    assert isinstance(again.exception, UserError)


def test_a_book_that_cannot_be_used_is_refused_with_every_reason(tmp_path) -> None:
    raw = loan_book()
    raw.loc[1, "客户编号"] = raw.loc[0, "客户编号"]
    raw.loc[2, "年龄"] = 400
    raw.to_csv(tmp_path / "book.csv", index=False)
    found = loanbook.check(tmp_path / "book.csv", CROSSWALK)
    repeated, outside = loanbook.blocking(found)
    assert repeated == "1 repeated customer number"
    assert outside.startswith("values out of range (age ≥ 0 and ≤ 110: 1)")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "book.csv"), "--crosswalk", str(CROSSWALK)])
    assert isinstance(result.exception, UserError)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("book.txt", b"a,b\n1,2\n", "expected one of .csv, .csv.gz, .parquet, .xlsx"),
        ("book.csv", b"a,b\n", "a header but no rows"),
        ("book.csv", b"a,,c\n1,2,3\n", "column 2 has no name"),
        ("book.csv", b"a,b\n1,2,3\n", "line 2: 3 cells, expected 2 as in the header"),
        ("book.csv", b"a,b,a\n1,2,3\n", "column 'a' is there twice"),
        ("book.csv", b"\x80\xff\xff,b\n1,2\n", "not text in UTF-8, UTF-16 or GBK"),
        ("book.xlsx", b"not a workbook", "not a zip container"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / name)


def test_check_names_classes_that_no_standard_knows_and_shows_no_text_of_a_few() -> None:
    purposes = ["housing"] * 20 + ["Bridge loan"] * 12 + ["for Wang Xiaoming"]
    customers = pd.DataFrame({"loan_purpose": pd.Categorical(purposes)})
    row = loanbook.unknown_classes(customers).iloc[0]
    assert (row["construct"], row["customers"], row["share"]) == ("loan_purpose", 13, "39.4%")
    assert row["examples"] == "Bridge loan" and row["expected"].startswith("business; working capital")
    assert loanbook.unknown_classes(customers.head(20)).empty
