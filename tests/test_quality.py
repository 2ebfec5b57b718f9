"""Data quality on a table whose faults were put in by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect import quality
from research.collect.crosswalk import COLUMNS, apply

pytestmark = pytest.mark.every_python

CUSTOMERS = pd.DataFrame(
    {
        "income": [100.0, 0.0, np.nan, 100.0, -5.0],
        "loan_amount": [50.0, 60.0, 70.0, 50.0, 10.0],
        "instalment": [5.0, 61.0, 7.0, 5.0, 1.0],
        "home_ownership": pd.Categorical(["owned", "rented", None, "owned", "rented"]),
    },
    index=pd.Index(list("abcde"), name="customer_id"),
)


def test_missing_and_duplicates() -> None:
    gaps = quality.missing(CUSTOMERS).set_index("construct")
    assert gaps.loc["income", ["n_missing", "share"]].tolist() == [1, 0.2]
    twins = quality.duplicates(CUSTOMERS)
    assert twins.to_dict("records") == [{"size": 2, "customers": "a, d"}]
    assert quality.duplicates(CUSTOMERS.drop(index="d")).empty


def test_impossible_values_by_range_and_logic() -> None:
    found = quality.impossible(CUSTOMERS).set_index("rule")
    assert found.loc["income ≥ 0", ["n", "first_customer", "first_value"]].tolist() == [1, "e", -5.0]
    assert found.loc["instalment at most loan_amount", ["n", "first_customer"]].tolist() == [1, "b"]
    assert found.loc["income over 0", "n"] == 2
    assert found.loc["loan_amount ≥ 0", "n"] == 0


def test_a_cent_is_a_tolerance_of_money_and_of_nothing_else() -> None:
    # By hand: 1.004 of a limit is above it, a principal of 50.005 is within a total of 50.
    table = pd.DataFrame(
        {
            "credit_utilisation": [1.0, 1.004, 1.02, np.nan],
            "paid_principal": [50.005, 50.02, 1.0, 2.0],
            "paid_total": [50.0, 50.0, 5.0, np.nan],
            "credit_history_years": [30.0, 30.005, 20.0, 20.0],
            "age": [30.0, 30.0, 30.0, np.nan],
        }
    )
    found = quality.impossible(table).set_index("rule")
    assert found.loc["credit_utilisation at most 1", ["n", "checked"]].tolist() == [2, 3]
    assert found.loc["paid_principal at most paid_total", ["n", "checked"]].tolist() == [1, 3]
    assert found.loc["credit_history_years at most age", ["n", "checked"]].tolist() == [1, 3]


def test_every_rule_counts_the_rows_in_which_all_it_names_is_known() -> None:
    # Each of three rows lacks one side of the rule, or both; only the fourth can be checked.
    rules = pd.read_csv(quality.QUALITY_RULES_FILE)
    names = {name for name in [*rules["left"], *rules["right"]] if not name.isdigit()}
    for row in rules.itertuples():
        table = pd.DataFrame({name: [5.0] * 4 for name in names})
        table.loc[[0, 2], row.left] = np.nan
        if row.right in names:
            table.loc[[1, 2], row.right] = np.nan
        found = quality.impossible(table).set_index("rule")
        expected = 1 if row.right in names else 2
        assert found.loc[f"{row.left} {row.test.replace('_', ' ')} {row.right}", "checked"] == expected


def test_distributions_and_levels() -> None:
    table = quality.distributions(CUSTOMERS).set_index("construct")
    assert table.loc["loan_amount", ["n", "mean", "median", "minimum", "maximum"]].tolist() == [
        5, 48, 50, 10, 70,
    ]  # fmt: skip
    assert table.loc["income", "zeros"] == 0.25
    levels = quality.levels(CUSTOMERS).set_index(["construct", "level"])["n"]
    assert levels[("home_ownership", "owned")] == 2
    assert levels[("home_ownership", "missing")] == 1


def test_types_and_the_report_in_one_table() -> None:
    raw = pd.DataFrame({"id": [1, 2], "income": ["1,000.00", "much"], "amount": ["5", "6"]})
    rows = [
        {"construct": "customer_id", "source": "id"},
        {"construct": "income", "source": "income"},
        {"construct": "loan_amount", "source": "amount"},
    ]
    table = (
        pd.DataFrame(rows)
        .assign(transform="identity", fit="direct")
        .reindex(columns=list(COLUMNS), fill_value="")
    )
    types = quality.dtypes(raw, table).set_index("source")
    assert types.loc["income", ["problem", "n"]].tolist() == ["text where a number is expected", 1]
    assert types.loc["amount", "problem"] == "numbers stored as text"
    report = quality.report(raw, table, apply(raw, table, check=False)).set_index("check")
    assert report.loc["source values that were lost", ["findings", "rows"]].tolist() == [1, 1]
    assert "much" not in report.to_string()
    assert report.loc["source columns of the wrong kind", "findings"] == 2


@pytest.mark.parametrize("column", ["left", "test", "right", "why"])
def test_the_rules_are_complete(column: str) -> None:
    rules = pd.read_csv(quality.QUALITY_RULES_FILE, keep_default_na=False, dtype=str)
    assert (rules[column] != "").all()
    assert set(rules["test"]) <= set(quality.SCALES)


def test_customers_alike_in_every_construct_are_counted_and_the_first_five_named() -> None:
    table = pd.DataFrame(
        {
            "age": [30.0, None, 30.0, 40.0, *[None] * 5],
            "sex": pd.Categorical(["f", None, "f", "m", *[None] * 5]),
        },
        index=pd.Index([f"c{number}" for number in range(9)], name="customer_id"),
    )
    found = quality.duplicates(table)
    assert found.to_numpy().tolist() == [[2, "c0, c2"], [6, "c1, c4, c5, c6, c7"]]
    assert quality.duplicates(table.iloc[[0, 1, 3]]).empty
