"""Contact plan: dates, reasons, the workbook and the log that comes back."""

from __future__ import annotations

import datetime
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from scipy.stats import beta

from research.errors import UserError
from research.manage import contact_workbook, contacts, feedback
from research.manage.strategies import strategies
from research.tiers import TIERS

MONDAY = datetime.date(2026, 1, 5)
CUSTOMERS = pd.DataFrame(
    {"debt_to_income": [0.1, 0.2, 0.3, 0.9], "income": [40_000.0, 10_000.0, np.nan, 30_000.0]},
    index=pd.Index(["a", "b", "c", "d"], name="customer_id"),
)
TIER = pd.Series(["premium", "low", "medium", "high"], index=CUSTOMERS.index)


def plan_of(customers: pd.DataFrame = CUSTOMERS, tiers: pd.Series = TIER, **more) -> pd.DataFrame:
    reasons = contacts.reasons_in_words(customers, list(customers.columns))
    return contacts.contact_plan(customers, tiers, reasons, strategies(), MONDAY, **more)


def test_reasons_name_the_striking_indicators():
    reasons = contacts.reasons_in_words(CUSTOMERS, ["debt_to_income", "income"])
    # d: its debt to income exceeds that of 3 of 4, 75 %; its income is higher and lower than 1 of 3 each, not striking.
    assert reasons["d"] == "Debt to income 90.0 % (higher than 75 % of customers)"
    # b: income below 2 of 3 known incomes; debt to income above 1 of 4, below 2 of 4.
    assert reasons["b"] == "Income 10,000 (lower than 66 % of customers)"
    assert reasons["a"].startswith("Debt to income 10.0 % (lower than 75 % of customers); Income 40,000")


def test_ties_and_missing_values_are_not_striking():
    frame = pd.DataFrame({"collections": [0.0, 0.0, 0.0, 2.0], "income": [np.nan] * 4}, index=list("abcd"))
    reasons = contacts.reasons_in_words(frame, ["collections", "income"])
    assert reasons["d"] == "Collections 2 (higher than 75 % of customers)"
    assert reasons["a"] == ""


def test_dates_are_spread_by_urgency_and_fall_on_working_days():
    size = 30
    names = pd.Index([f"h{place:02d}" for place in range(size)], name="customer_id")
    customers = pd.DataFrame(index=names)
    tiers = pd.Series("high", index=names)
    urgency = pd.Series(np.arange(size, dtype=float), index=names)
    plan = contacts.contact_plan(
        customers, tiers, pd.Series("", names), strategies(), MONDAY, urgency=urgency
    )
    # 30 customers over the 11 working days of the first 15 days: three a day at most, the most urgent first
    assert (plan.loc[["h29", "h28", "h27"], "next_contact"] == pd.Timestamp(MONDAY)).all()
    assert plan.loc["h26", "next_contact"] == pd.Timestamp("2026-01-06")
    assert plan.loc["h00", "next_contact"] == pd.Timestamp("2026-01-19")
    assert (plan["next_contact"].dt.day_of_week < 5).all()
    assert plan["next_contact"].value_counts().max() == 3


def test_contacts_are_bounded_per_day_and_not_later_than_the_first_contact_is_due():
    rng = np.random.default_rng(0)
    size = 2_000
    names = pd.Index([f"c{place}" for place in range(size)], name="customer_id")
    tiers = pd.Series(rng.choice(TIERS, size), index=names)
    table = contacts.cadence()
    working = {tier: int(np.busday_count(MONDAY, MONDAY + datetime.timedelta(int(days))))
               for tier, days in table["first_within"].items()}  # fmt: skip
    bound = sum(-(-int((tiers == tier).sum()) // working[tier]) for tier in TIERS)

    def planned(seed: int = 0) -> pd.Series:
        nothing, customers = pd.Series("", index=names), pd.DataFrame(index=names)
        plan = contacts.contact_plan(customers, tiers, nothing, strategies(), MONDAY, seed=seed)
        return plan["next_contact"]

    free = planned()
    assert free.value_counts().max() <= bound
    assert (free < pd.Timestamp(MONDAY) + pd.to_timedelta(tiers.map(table["first_within"]), unit="D")).all()
    # equally urgent customers are in the order of the seed, and the same seed gives the same plan
    assert planned(seed=1).equals(planned(seed=1)) and not planned(seed=1).equals(planned(seed=2))


def test_alerts_come_first():
    names = pd.Index([f"h{place:02d}" for place in range(30)], name="customer_id")
    alerts = pd.DataFrame(
        {"severity": ["critical"], "message": ["premium customer 95 days past due"]}, index=["h00"]
    )
    plan = contacts.contact_plan(
        pd.DataFrame(index=names), pd.Series("high", index=names), pd.Series("", index=names), strategies(), MONDAY,
        alerts=alerts, urgency=pd.Series(np.arange(30.0), index=names),
    )  # fmt: skip
    assert plan.loc["h00", "next_contact"] == pd.Timestamp(MONDAY)
    assert plan.loc["h00", "alert"] == "premium customer 95 days past due"
    assert plan.loc["h01", "next_contact"] > pd.Timestamp(MONDAY)


def test_plan_says_tier_actions_and_purpose():
    plan = plan_of(rule=pd.Series({"d": "debt to income above 0.5"}))
    assert tuple(plan.columns) == contacts.COLUMNS
    assert plan.loc["d", "tier_label"] == "High risk 高风险层"
    assert "Stricter approval 从严审批" in plan.loc["d", "actions"]
    assert plan.loc["d", "rule"] == "debt to income above 0.5"
    assert plan.loc["a", "rule"] == ""
    assert list(plan["days_between"]) == [30, 180, 90, 30]


def test_every_customer_needs_one_tier():
    with pytest.raises(UserError, match="1 of 4 customers have no tier"):
        plan_of(tiers=TIER.drop("d"))
    with pytest.raises(UserError, match="customer a is in the table twice"):
        plan_of(customers=pd.concat([CUSTOMERS, CUSTOMERS.iloc[[0]]]))


def test_potential_premium_by_hand():
    tiers = pd.Series(["low"] * 10 + ["premium"], index=list("abcdefghijk"))
    value = pd.Series([*range(1, 11), 99], index=tiers.index, dtype=float)
    flagged = contacts.potential_premium(tiers, value)
    # The top 20 % of ten: at or above the 0.8-quantile of 1…10, which is 8.2.
    assert list(flagged.index[flagged["potential"]]) == ["i", "j"]
    growth = pd.Series([0.5] * 8 + [0.1, np.nan, 0.0], index=tiers.index)
    strict = contacts.potential_premium(tiers, value, {"cross-sell potential": growth})
    assert list(strict.index[strict["potential"]]) == ["j"]
    assert "cross-sell potential at or above the tier's median" in strict.loc["j", "reason"]


def test_rule_in_words_is_the_leaf_or_the_scores():
    rules = pd.DataFrame({"leaf": [2, 1], "rule": ["Interest rate > 16 %", "Interest rate ≤ 16 %"]})
    assessed = pd.DataFrame({"leaf": [1.0, 2.0], "leaf_pd": [0.01, 0.03]}, index=["a", "b"])
    assert list(contacts.rule_in_words(assessed, rules)) == ["Interest rate ≤ 16 %", "Interest rate > 16 %"]
    scores = pd.DataFrame({"r_score": [3.0], "f_score": [1.0], "rfm_total": [2.0]}, index=["a"])
    assert contacts.rule_in_words(scores, rules)["a"] == "r score 3, f score 1"


def test_a_rule_in_two_tiers_says_what_tells_them_apart():
    rules = pd.DataFrame({"leaf": [1, 2], "rule": ["Interest rate ≤ 16 %", "Interest rate > 16 %"]})
    assessed = pd.DataFrame(
        {"leaf": [1, 1, 1, 2], "tier": ["low", "premium", "low", "high"], "risk_score": [0.1, 0.1, 0.1, 0.3],
         "value_score": [0.2, 0.9, 0.4, 0.5]}, index=list("abcd"),
    )  # fmt: skip
    found = contacts.rule_in_words(assessed, rules)
    assert found.tolist() == [
        "Interest rate ≤ 16 %; value 0.2: low here from 0.2 to 0.4",
        "Interest rate ≤ 16 %; value 0.9: premium here from 0.9 to 0.9",
        "Interest rate ≤ 16 %; value 0.4: low here from 0.2 to 0.4",
        "Interest rate > 16 %",
    ]


def test_cadence_file_faults_are_named(tmp_path):
    table = pd.read_csv(contacts.DEFINITIONS / "contact_cadence.csv")
    path = tmp_path / "cadence.csv"
    table.assign(channel="fax").to_csv(path, index=False)
    with pytest.raises(UserError, match="row 2, column channel: found 'fax'"):
        contacts.cadence(path)
    table.assign(first_within=0).to_csv(path, index=False)
    with pytest.raises(UserError, match="first_within 0 must be from 1"):
        contacts.cadence(path)
    table.iloc[:3].to_csv(path, index=False)
    with pytest.raises(UserError, match="expected each of premium, low, medium, high once"):
        contacts.cadence(path)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.xlsx"
    return contact_workbook.write_contact_plan(plan_of(), path, start_date=MONDAY, banner="Simulated.")


@pytest.fixture()
def written(tmp_path, original):
    return Path(shutil.copy(original, tmp_path / "plan.xlsx"))


def test_workbook_is_marked_internal_and_has_a_row_per_customer(written):
    book = load_workbook(written)
    assert book.sheetnames == ["Read me", "Contact plan", "Interaction log", "Lists"]
    assert book["Read me"]["A1"].value.startswith("INTERNAL")
    assert book["Contact plan"]["A1"].value.startswith("INTERNAL")
    assert "Simulated." in book["Contact plan"]["A1"].value
    for sheet in book.worksheets:
        assert sheet.oddHeader.center.text.startswith("INTERNAL")
        assert sheet.oddFooter.left.text.startswith("INTERNAL")
    assert book.properties.category == book.properties.contentStatus == "INTERNAL"
    assert "personal data" in book.properties.description
    rows = list(book["Contact plan"].iter_rows(min_row=3, values_only=True))
    assert [row[0] for row in rows] == ["a", "b", "c", "d"]
    assert rows[0][2] == datetime.datetime(2026, 1, 5)
    assert book["Contact plan"]["C3"].number_format == "yyyy-mm-dd"


def test_log_has_drop_downs_that_point_to_their_lists(written):
    book = load_workbook(written)
    lists = {cell.value: cell.column_letter for cell in book["Lists"][1]}
    rules = {str(rule.sqref): rule for rule in book["Interaction log"].data_validations.dataValidation}
    outcome = rules["E2:E20001"]
    assert outcome.type == "list"
    assert outcome.formula1 == f"Lists!${lists['outcome']}$2:${lists['outcome']}$6"
    shown = [book["Lists"][f"{lists['outcome']}{row}"].value for row in range(2, 7)]
    assert shown == list(contact_workbook.OUTCOMES)
    assert rules["H2:H20001"].formula1.endswith("$5")  # four tiers
    assert rules["F2:F20001"].type == "whole"
    assert rules["A2:A20001"].type == "date"


def test_same_plan_same_bytes(tmp_path, written):
    again = contact_workbook.write_contact_plan(
        plan_of(), tmp_path / "b.xlsx", start_date=MONDAY, banner="Simulated."
    )
    assert again.read_bytes() == written.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "b.xlsx",
        "plan.xlsx",
    ]  # no temporary file is left


def test_more_customers_than_a_sheet_holds_go_on_further_sheets(tmp_path, monkeypatch):
    plan = plan_of()
    monkeypatch.setattr(contact_workbook, "MOST_ROWS", len(plan) - 1)
    path = contact_workbook.write_contact_plan(plan, tmp_path / "plan.xlsx", start_date=MONDAY)
    book = load_workbook(path)
    sheets = [book["Contact plan"], book["Contact plan 2"]]
    assert [sheet["A2"].value for sheet in sheets] == ["Customer 客户编号"] * 2
    names = [row[0].value for sheet in sheets for row in sheet.iter_rows(min_row=3)]
    assert names == list(plan.index)


def test_no_text_becomes_a_formula(tmp_path):
    texts = ['=HYPERLINK("x")', "+1", "-2", "@SUM(A1)", "\t=1", " =1", "＝1+1", "\r=1"]
    customers = pd.DataFrame(index=pd.Index(texts, name="customer_id"))
    tiers, rule = pd.Series("low", index=texts), pd.Series(texts, index=texts)
    plan = contacts.contact_plan(customers, tiers, rule, strategies(), MONDAY, rule=rule)
    path = contact_workbook.write_contact_plan(plan, tmp_path / "plan.xlsx", start_date=MONDAY)
    sheet = load_workbook(path)["Contact plan"]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    names = [row[0].value for row in sheet.iter_rows(min_row=3)]
    assert all(
        name.startswith("'") for name in names if name not in {"+1", "-2"}
    )  # plain numbers run nothing
    assert [contact_workbook.plain_text(name).strip() for name in names] == [text.strip() for text in texts]
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet2.xml")


def test_control_characters_and_long_texts_do_not_break_the_workbook(tmp_path):
    plan = plan_of(rule=pd.Series({"a": "bad\x00\x0btext", "b": "x" * 50_000}))
    path = contact_workbook.write_contact_plan(plan, tmp_path / "plan.xlsx", start_date=MONDAY)
    sheet = load_workbook(path)["Contact plan"]
    place = [cell.value for cell in sheet[2]].index(contact_workbook.PLAN_HEADERS["rule"][0])
    assert sheet.cell(3, place + 1).value == "badtext"
    assert len(sheet.cell(4, place + 1).value) == contact_workbook.LONGEST_TEXT


GOOD = [
    [
        datetime.datetime(2026, 1, 6),
        "a",
        "Li",
        "visit",
        "reached",
        5,
        "fits",
        None,
        "Dedicated service",
        "glad",
    ],
    ["2026-01-07", "b", "Li", "call", "not reached", None, None, None, None, None],
    [
        datetime.datetime(2026, 1, 8),
        "d",
        "Wang",
        "call",
        "reached",
        2,
        "too strict",
        "medium",
        None,
        "=a note",
    ],
]


def filled(path, rows: list[list]) -> None:
    book = load_workbook(path)
    for place, row in enumerate(rows, 2):
        for column, value in enumerate(row, 1):
            book["Interaction log"].cell(place, column).value = value
            book["Interaction log"].cell(place, column).data_type = "s" if isinstance(value, str) else "n"
            if isinstance(value, datetime.datetime):
                book["Interaction log"].cell(place, column).value = value
    book.save(path)


def test_feedback_comes_back(written):
    filled(written, GOOD)
    log = feedback.read_feedback(written)
    assert list(log["customer_id"]) == ["a", "b", "d"]
    assert log["contact_date"].dt.strftime("%Y-%m-%d").tolist() == ["2026-01-06", "2026-01-07", "2026-01-08"]
    assert log["satisfaction"].tolist()[0] == 5
    assert np.isnan(log["satisfaction"].tolist()[1])
    assert log.loc[2, "suggested_tier"] == "medium"
    assert log.loc[1, "note"] == ""


def test_an_empty_log_is_no_fault(written):
    assert feedback.read_feedback(written).empty


def test_every_fault_of_the_log_is_named_by_its_cell(written):
    filled(
        written,
        [
            ["soon", "a", "Li", "visit", "reached", 5, "fits", None, None, None],
            [datetime.datetime(2026, 1, 6), None, None, "fax", None, 7, "too lenient", None, None, None],
        ],
    )
    with pytest.raises(UserError) as fault:
        feedback.read_feedback(written)
    lines = str(fault.value).splitlines()
    assert lines[0] == "plan.xlsx: 6 cells do not fit"
    assert lines[1] == "Interaction log!A2: found 'soon', expected a date such as 2026-03-31"
    assert "Interaction log!B3: found nothing, expected a customer of the plan" in lines
    assert "Interaction log!D3: found 'fax', expected one of visit, call, message, letter" in lines
    assert any(
        line.startswith("Interaction log!E3: found nothing, expected one of reached") for line in lines
    )
    assert "Interaction log!F3: found '7', expected a whole number from 1 to 5" in lines
    assert any(
        line.startswith("Interaction log!H3: found nothing, expected one of premium") for line in lines
    )


def test_one_fault_of_the_log_is_told_as_one(written):
    filled(written, [["soon", "a", "Li", "visit", "reached", 5, "fits", None, None, None]])
    with pytest.raises(UserError, match="1 cell does not fit\n"):
        feedback.read_feedback(written)


def test_what_is_no_contact_workbook_is_refused(tmp_path, written):
    text = tmp_path / "text.xlsx"
    text.write_text("no workbook", encoding="utf-8")
    with pytest.raises(UserError, match="not a zip container"):
        feedback.read_feedback(text)
    with pytest.raises(UserError, match="no such file"):
        feedback.read_feedback(tmp_path / "absent.xlsx")
    book = load_workbook(written)
    book["Interaction log"]["B1"].value = "Client"
    book.save(written)
    with pytest.raises(
        UserError, match="Interaction log!1: no column 'Customer 客户编号'; found Date 日期, Client"
    ):
        feedback.read_feedback(written)
    del book["Interaction log"]
    book.save(written)
    with pytest.raises(UserError, match="no sheet 'Interaction log'"):
        feedback.read_feedback(written)


def test_summary_of_feedback_by_hand(written):
    filled(written, GOOD)
    log = feedback.read_feedback(written)
    rows = feedback.feedback_summary(log, TIER).set_index(["tier", "measure"])
    whole = rows.loc[("all", "share reached")]
    assert whole["estimate"] == pytest.approx(2 / 3)
    # Jeffreys interval of 2 of 3: the 2.5 % and 97.5 % points of Beta(2.5, 1.5).
    assert (whole["ci_low"], whole["ci_high"]) == pytest.approx(tuple(beta.ppf([0.025, 0.975], 2.5, 1.5)))
    assert rows.loc[("high", "share where the tier fits"), "estimate"] == 0
    assert rows.loc[("all", "mean satisfaction"), "estimate"] == pytest.approx(3.5)
    assert rows.loc[("medium", "share reached"), "n"] == 0
    assert set(TIERS) <= set(rows.index.get_level_values("tier"))
