"""K1 to K13 on a loan book of six, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from research.collect import classification as k
from research.errors import UserError

BOOK = pd.DataFrame(
    {
        "loan_purpose": pd.Categorical(["working capital", "housing", "car", "other", None, "fixed assets"]),
        "term_months": [12.0, 240.0, 36.0, 60.0, 13.0, 6.0],
        "guarantee_type": pd.Categorical(["pledge", "mortgage", "none", "guarantor", "none", "other"]),
        "rate_type": pd.Categorical(["fixed", "floating", "fixed", "fixed", "fixed", "floating"]),
        "borrower_type": pd.Categorical(
            ["corporate", "individual", "individual", "government", "individual", "trust"]
        ),
        "customer_type": pd.Categorical(
            ["state-owned", "individual", "individual", "other", "individual", "private"]
        ),
        "credit_score": [720.0, 650.0, 500.0, np.nan, 700.0, 599.0],
        "industry": pd.Categorical(["manufacturing", None, "services", "mining", "real estate", "services"]),
        "interest_rate": [0.05, 0.04, 0.06, 0.05, 0.0504, 0.03],
        "benchmark_rate": [0.05, 0.05, 0.05, 0.05, 0.05, 0.05],
        "loan_amount": [10_000.0, 25_000.0, 25_001.0, 5_000.0, 10_001.0, 1.0],
        "default": [0.0, 1.0, 0.0, np.nan, 1.0, 0.0],
    },
    index=pd.Index(list("abcdef"), name="customer_id"),
)
CUTS = {"size_small_at_most": 10_000, "size_medium_at_most": 25_000}
EXPECTED = {
    "K1": ["production", "housing", "consumption", "other", None, "production"],
    "K2": ["short", "long", "medium", "medium", "medium", "short"],
    "K3": ["secured", "secured", "unsecured", "secured", "unsecured", "secured"],
    "K4": ["fixed", "floating", "fixed", "fixed", "fixed", "floating"],
    "K5": ["corporate", "individual", "individual", "government", "individual", "other"],
    "K6": ["low", "medium", "high", None, "low", "high"],
    "K7": ["manufacturing", None, "services", "other", "real estate", "services"],
    "K8": ["small", "medium", "large", "small", "medium", "small"],
    "K9": ["state-owned", "individual", "individual", "other", "individual", "private"],
    "K10": ["working capital", "other", "other", "other", None, "fixed assets"],
    "K11": ["1 year", "other", "3 years", "5 years", "other", "other"],
    "K12": ["at", "below", "above", "at", "at", "below"],
    "K13": ["pledge", "mortgage", "other", "guarantor", "other", "other"],
}


def listed(column: pd.Series) -> list[str | None]:
    return column.astype(object).where(column.notna(), None).tolist()


def test_there_are_thirteen_standards_in_order() -> None:
    assert list(k.rules()["standards"]) == [f"K{number}" for number in range(1, 14)]
    assert all(
        entry["name_zh"] and all(entry["classes"].values()) for entry in k.rules()["standards"].values()
    )


@pytest.mark.parametrize("standard", list(EXPECTED))
def test_every_customer_by_hand(standard: str) -> None:
    classes = k.classify(BOOK, parameters=CUTS)
    assert listed(classes[standard]) == EXPECTED[standard]
    assert classes[standard].cat.categories.tolist() == list(k.rules()["standards"][standard]["classes"])


def test_counts_amounts_and_jeffreys_intervals_by_hand() -> None:
    table = k.summary(k.classify(BOOK), BOOK).set_index(["standard", "class"])
    fixed = table.loc[("K4", "fixed")]
    assert (fixed["n"], fixed["known"], fixed["bad"]) == (4, 3, 1)
    assert fixed["amount"] == 50_002
    assert fixed["amount_share"] == pytest.approx(50_002 / 75_003)
    # Jeffreys interval of 1 in 3, from the Beta(1.5, 2.5) quantiles
    np.testing.assert_allclose([fixed["ci_low"], fixed["ci_high"]], beta.ppf([0.025, 0.975], 1.5, 2.5))
    assert table.loc[("K1", "not recorded"), "n"] == 1
    by_standard = table.reset_index().groupby("standard")["n"].sum()
    assert (by_standard == len(BOOK)).all()


def test_what_is_not_measured_says_why() -> None:
    book = BOOK[["loan_amount", "term_months", "interest_rate"]].assign(
        loan_purpose=pd.Categorical(["car"] * 6)
    )
    classes = k.classify(book)
    table = k.summary(classes, book).set_index("standard")
    assert not table.loc["K3", "measured"]
    assert table.loc["K3", "reason"] == "not measured: no guarantee"
    assert table.loc["K12", "reason"] == "not measured: no benchmark rate"
    assert "not that detailed" in table.loc["K10", "reason"]
    assert classes["K10"].isna().all()
    assert table.loc["K1", "measured"].all()


def test_cut_offs_and_the_benchmark_are_parameters() -> None:
    classes = k.classify(BOOK, parameters={"size_small_at_most": 1, "size_medium_at_most": 10_000})
    assert listed(classes["K8"]) == ["medium", "large", "large", "medium", "large", "small"]
    without = k.classify(BOOK.drop(columns="benchmark_rate"), parameters={"benchmark_rate": 0.04})
    assert listed(without["K12"])[:2] == ["above", "at"]
    with pytest.raises(UserError, match="did you mean 'size_small_at_most'"):
        k.classify(BOOK, parameters={"size_smal_at_most": 1})


def test_size_without_cut_offs_is_in_thirds_of_the_book() -> None:
    book = pd.DataFrame({"loan_amount": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    assert listed(k.classify(book)["K8"]) == ["small"] * 2 + ["medium"] * 2 + ["large"] * 2


def test_risk_level_falls_back_when_there_is_no_grade_or_score() -> None:
    frame = pd.DataFrame(
        {"adverse_records": [0.0, 1.0, 0.0, 0.0, 0.0], "debt_to_income": [0.1, 0.1, 0.4, 0.6, np.nan]}
    )
    assert listed(k.classify(frame)["K6"]) == ["low", "high", "medium", "high", None]
    graded = frame.assign(credit_grade=[1.0, 11.0, 21.0, 10.0, 20.0])
    assert listed(k.classify(graded)["K6"]) == ["low", "medium", "high", "low", "medium"]


def test_the_rule_table_reads_in_words() -> None:
    words = k.rule_table().set_index(["standard", "class"])["rule"]
    assert words[("K2", "short")] == "term_months ≤ 12"
    assert words[("K2", "long")] == "otherwise"
    assert words[("K12", "at")] == "rate_over_benchmark ≥ −0.0005"
    assert words[("K8", "small")] == f"loan_amount ≤ {k.FROM_DATA}"


def test_the_rule_table_says_the_cut_offs_that_were_used() -> None:
    found = k.classify(pd.DataFrame({"loan_amount": [3000.0, 6000.0, 9000.0, 12_000.0]}))
    words = k.rule_table(parameters=found.attrs["parameters"]).set_index(["standard", "class"])["rule"]
    assert words[("K8", "small")] == "loan_amount ≤ 6,000"
    assert words[("K8", "medium")] == "loan_amount ≤ 9,000"
    given = k.classify(pd.DataFrame({"interest_rate": [0.1]}), parameters={"benchmark_rate": 0.05})
    k.rule_table(parameters=given.attrs["parameters"])  # what a study gave is no unknown parameter
