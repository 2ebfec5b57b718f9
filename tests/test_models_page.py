# ruff: noqa: E501 (exact sentences stay whole)
"""Page 04: a table of result codes and exact sentences; the test that picks them; what tiers by lot do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.compare.tier_trend import by_chance, separation
from research.exhibits import models
from research.tiers import TIERS

WORDS = {"outcome_name": "churn", "outcome_word": "churned customers", "rate_word": "churn rate"}
SHARES = {"premium": 0.1, "low": 0.5, "medium": 0.3, "high": 0.1}


def tiers(*bad: int, known: int = 1000) -> pd.DataFrame:
    return pd.DataFrame({"tier": TIERS, "known": known, "bad": bad})


def found(result: str, ranking: str = "tree", judged: str = "unseen", **changes: float) -> dict:
    numbers = {
        "p_value": 0.0004, "n_high": 995, "bad_high": 31, "high": 31 / 995, "n_premium": 1007, "bad_premium": 12,
        "premium": 12 / 1007, "gap": 0.0192, "gap_low": 0.0066, "gap_high": 0.0329, "statistic": 4.85,
    } | changes  # fmt: skip
    if result == "withheld":
        numbers = dict.fromkeys(numbers, np.nan)
    return {"ranking": ranking, "judged": judged, "result": result, **numbers}


def results_of(result: str, **changes: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            found(result, **changes),
            found("apart", judged="matched shares", gap=0.022),
            found(result, judged="own rule", **changes),
            found("apart", "scorecard", gap=0.0517, high=0.0609),
            found("apart", "grade", gap=0.0398, high=0.0469),
        ]
    )


def rates() -> pd.DataFrame:
    parts = [("tree", "unseen"), ("tree", "matched shares"), ("tree", "own rule"), ("scorecard", "unseen"),
             ("grade", "unseen"), ("random", "chance")]  # fmt: skip
    numbers = {
        "n": 1000, "share": 0.25, "known": 1000, "bad": 20, "rate": 0.02, "ci_low": 0.013, "ci_high": 0.03,
    }  # fmt: skip
    rows = [
        {"ranking": ranking, "judged": judged, "tier": tier, **numbers, "overall": 0.0178}
        for ranking, judged in parts
        for tier in TIERS
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("bad", "result"),
    [
        ((10, 12, 20, 40), "apart"),
        ((40, 20, 12, 10), "reversed"),
        ((20, 22, 19, 21), "open"),
        ((0, 0, 0, 0), "open"),
    ],
)
def test_the_test_of_trend_decides_the_result(bad: tuple[int, ...], result: str) -> None:
    assert separation(tiers(*bad))["result"].tolist() == [result]


def test_the_interval_of_the_difference_is_newcombes() -> None:
    """Newcombe 1998, table II, method 10: 56 of 70 against 48 of 80 is 0.0524 to 0.3339."""
    table = pd.DataFrame({"tier": TIERS, "known": [80, 90, 90, 70], "bad": [48, 50, 50, 56]})
    row = separation(table).iloc[0]
    assert row["gap"] == pytest.approx(0.2)
    assert (row["gap_low"], row["gap_high"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_tiers_by_lot_are_all_draws_and_not_one() -> None:
    made = by_chance(10_000, 178, SHARES).set_index("tier")
    drawn = np.random.default_rng(1).hypergeometric(178, 10_000 - 178, 1000, 200_000) / 1000
    assert made["rate"].unique().tolist() == [0.0178]
    assert made.loc["high", ["ci_low", "ci_high"]].tolist() == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]).tolist(), abs=1.1e-3
    )
    assert made["n"].tolist() == [1000, 5000, 3000, 1000]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("apart", "The churn rate rises over the tiers of the decision tree: 12 churned customers among 1,007 unseen in premium "
                  "(1.2%), 31 among 995 in high risk (3.1%)."),
        ("open", "No rise of the churn rate over the tiers of the decision tree is shown: 12 churned customers among 1,007 unseen "
                 "in premium (1.2%), 31 among 995 in high risk (3.1%)."),
        ("reversed", "The tiers of the decision tree run backwards: 12 churned customers among 1,007 unseen in premium (1.2%), 31 "
                     "among 995 in high risk (3.1%)."),
        ("withheld", "The churn rate of the tiers of the decision tree; one has too few customers, or too few churned customers, "
                     "to be published."),
    ],
)  # fmt: skip
def test_the_caption_says_what_the_test_found(result: str, text: str) -> None:
    made = models.tier_rates(rates(), results_of(result), "tree", "credit_grade", WORDS)
    assert str(made.caption) == text
    assert made.frame["outcome"].unique().tolist() == ["churn"]
    assert [str(made.headings[name]) for name in ("bad", "rate")] == [
        "With churn",
        "Rate of churn, 95 % CI",
    ]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("apart", "Over all four tiers of the decision tree the churn rate of unseen customers rises by more than chance "
                  "explains (test of trend, p < 0.001). High risk is 1.9 percentage points above premium (95 % CI 0.7 "
                  "to 3.3); on the customers it was set up on, 2.2."),
        ("open", "Over the four tiers of the decision tree no trend of the churn rate of unseen customers is shown (test of "
                 "trend, p < 0.001). High risk minus premium is 1.9 percentage points (95 % CI 0.7 to 3.3); on the "
                 "customers it was set up on, 2.2."),
        ("reversed", "Over the four tiers of the decision tree the churn rate of unseen customers falls where it should rise "
                     "(test of trend, p < 0.001). High risk minus premium is 1.9 percentage points (95 % CI 0.7 to "
                     "3.3); on the customers it was set up on, 2.2."),
        ("withheld", "Whether the tiers of the decision tree part the risk cannot be said without counts that are "
                     "withheld."),
    ],
)  # fmt: skip
def test_the_paragraph_gives_the_difference_and_the_bar(result: str, text: str) -> None:
    said = models.trend(results_of(result), "tree", "credit_grade", WORDS)
    assert str(said[0]) == text
    assert str(said[1]) == (
        "On the same unseen customers the scorecard sets high risk 5.2 points above premium, and the lender's grade "
        "4.0."
    )
    assert len(said) == 3


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("apart", "apart"), "On customers they had not seen, ABC and the decision tree all sort by risk better than chance."),
        (("open", "apart"), "On customers not seen before, risk is sorted better than chance by the decision tree; for ABC this is "
                            "not shown."),
        (("open", "reversed"), "On customers not seen before, ABC and the decision tree are not shown to sort by risk."),
    ],
)  # fmt: skip
def test_the_answer_names_who_sorts_by_risk_and_the_bar(results: tuple[str, str], text: str) -> None:
    tests = pd.DataFrame(
        [
            found(results[0], "abc", high=0.026),
            found(results[1], "tree"),
            *results_of("open").to_dict("records")[3:],
        ]
    )
    first, second = models.answer(rates(), tests, ["abc", "tree"], "credit_grade", WORDS)
    assert str(first) == text
    assert str(second) == (
        "In the tier called high risk the churn rate is 3.1% under the decision tree, 6.1% under a scorecard and 4.7% "
        "under the lender's grade; of all customers it is 1.8%."
    )


def test_a_variable_that_is_no_grade_is_never_called_one() -> None:
    assert str(models.ranking_name("grade", "debt_to_income")) == "the best single variable"
    assert str(models.ranking_name("grade", "credit_grade")) == "the lender's grade"
