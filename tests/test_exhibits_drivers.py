"""Page 03: each result picks its sentence, and the outcome has the data set's own word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.exhibits import drivers
from research.exhibits.style import theme
from research.exhibits.words import Words
from research.pages.worded import headings, to_json

FACTS = {
    "known": 5000, "bad": 400, "outcome_rate": 0.08, "outcome_name": "churn", "outcome_word": "churned customers",
    "rate_word": "churn rate", "outcome": "left within a year", "censoring": "not stated",
}  # fmt: skip


def effects(*results: str) -> pd.DataFrame:
    """Inputs A, B, C, …, the clearest first."""
    n = np.arange(len(results))
    ratio = np.array([{"higher": 2.0, "lower": 0.5}.get(result, 1.1) for result in results])
    return pd.DataFrame(
        {"term": list("ABCDEFGHIJKLMNO"[: len(results)]), "block": "risk", "odds_ratio": ratio,
         "ci_low": ratio * 0.8, "ci_high": ratio * 1.3, "marginal_effect": 0.012,
         "effect_low": 0.009, "effect_high": 0.015, "p_value": 0.001 * (n + 1), "p_holm": 0.01 * (n + 1),
         "p_bh": 0.005 * (n + 1), "vif": 1.5, "n": 5000, "result": results}
    )  # fmt: skip


def groups(**results: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"block": list(results), "columns": 3, "statistic": 9.0, "p_holm": 0.01, "r2_lost": 0.02,
         "result": list(results.values())}
    )  # fmt: skip


def rate(graded: bool) -> dict[str, pd.DataFrame]:
    return {"explained": pd.DataFrame({"r2": [0.986], "r2_blind": 0.388, "graded": graded})}


@pytest.mark.parametrize(
    ("found", "results", "priced", "text"),
    [
        ({"risk": "adds", "value": "open"}, ("higher", "open"), rate(True),
         "Of what was known when the loan was made, the inputs on risk add to what all others tell of churn. Taken "
         "one by one, and adjusted for 2 tests, clearly tied to it: A. Of the variance of the contract rate 99% is "
         "explained with the lender's grade, 39% without it."),
        ({"risk": "open"}, ("open",), rate(False),
         "No group of inputs known when the loan was made is shown to add to what the others tell of churn. Taken "
         "one by one, and adjusted for 1 tests, clearly tied to it: none. Of the variance of the contract rate 99% "
         "is explained; no grade of the lender is recorded."),
        ({"risk": "adds", "context": "adds"}, ("higher", "lower", "higher", "lower", "lower"), {},
         "Of what was known when the loan was made, the inputs on risk and circumstances add to what all others tell "
         "of churn. Taken one by one, and adjusted for 5 tests, clearly tied to it: A, B, C and 2 more. What drives "
         "the rate is not testable here: too few contract rates are recorded."),
    ],
)  # fmt: skip
def test_the_answer_names_groups_inputs_and_rate(found, results, priced, text):
    said = drivers.answer(effects(*results), groups(**found), priced, "churn")
    assert " ".join(map(str, said)) == text
    assert sum(part.length() for part in said) <= 60 and sum(part.numbers() for part in said) <= 4


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("higher", "open"), "Higher odds of churn, after adjustment for 2 tests: A; lower odds: none."),
        (("lower", "higher"), "Higher odds of churn, after adjustment for 2 tests: B; lower odds: A."),
        (("open",), "Higher odds of churn, after adjustment for 1 tests: none; lower odds: none."),
    ],
)
def test_the_forest_plot_says_which_inputs_are_clear(results, text):
    assert str(drivers.odds_ratios(effects(*results), "churn").caption) == text


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("higher", "The clearest input is A: a standard deviation more goes with +1.2 percentage points in the churn "
                   "rate (95 % CI +0.9 to +1.5), which is 8.0% over all customers."),
        ("open", "No single input is clear after adjustment; the churn rate of all customers is 8.0%."),
    ],
)  # fmt: skip
def test_what_is_clear_is_said_in_percentage_points_beside_the_rate(result, text):
    assert str(drivers.strongest(effects(result), FACTS)) == text


def test_a_class_that_is_clearest_is_no_standard_deviation():
    found = effects("higher").assign(term="Home ownership: rented (against owned)")
    assert str(drivers.strongest(found, FACTS)) == (
        "The clearest input is a class, home ownership: rented (against owned): it goes with +1.2 percentage points in "
        "the churn rate (95 % CI +0.9 to +1.5), which is 8.0% over all customers."
    )


def test_the_rate_says_what_it_goes_with():
    assert str(
        drivers.rate_terms(
            effects("higher", "open", "lower").rename(columns={"odds_ratio": "estimate"})
        ).caption
    ) == ("After adjustment for 3 tests, the contract rate is higher with A; it is lower with C.")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"risk": "adds", "value": "open"},
         "Left out, these inputs make the fit clearly worse, after adjustment: risk; not shown for: value."),
        ({"risk": "open"},
         "Left out, these inputs make the fit clearly worse, after adjustment: none; not shown for: risk."),
    ],
)  # fmt: skip
def test_groups_are_parted_by_their_test(found, text):
    assert str(drivers.blocks(groups(**found)).caption) == text


DECILES = pd.DataFrame({"predicted": [0.01, 0.05], "observed": [0.02, 0.04], "ci_low": [0.0, 0.02],
                        "ci_high": [0.03, 0.07], "events": [20, 40], "n": [1000, 1000]})  # fmt: skip


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("extreme", "For customers not seen, predictions are too extreme: calibration slope 0.80 (95 % CI 0.70 to "
                    "0.95), where one is perfect."),
        ("timid", "For customers not seen, predictions are not extreme enough: calibration slope 0.80 (95 % CI 0.70 "
                  "to 0.95), where one is perfect."),
        ("open", "For customers not seen, the calibration slope, 0.80 (95 % CI 0.70 to 0.95), is not told apart from "
                 "one, which is perfect."),
    ],
)  # fmt: skip
def test_calibration_is_judged_by_the_interval_of_the_slope(result, text):
    slope = pd.DataFrame({"estimate": [0.8], "ci_low": [0.7], "ci_high": [0.95], "result": [result]})
    made = drivers.calibration(DECILES, slope, FACTS)
    assert str(made.caption) == text
    shown = {
        "headings": [
            [name, to_json(text) if not isinstance(text, str) else text]
            for name, text in made.headings.items()
        ]
    }
    assert headings(shown, Words())["events"] == "With churn"


@pytest.mark.parametrize(
    ("curve", "gap", "vif", "text"),
    [
        ("open", "held", 1.5,
         "For none of 1 numbers does a curve fit clearly better than a straight line. Complete cases alone, and "
         "multiple imputation, leave the coefficient of A inside its interval. No input is told mostly by others "
         "(variance inflation above 10): each can be read alone."),
        ("curved", "moved", 12.0,
         "A curve fits clearly better than a straight line for A; the regression keeps the line. Complete cases "
         "alone, or multiple imputation, move the coefficient of A out of its interval. Not to be read alone, since "
         "others tell most of it (variance inflation above 10): A."),
        ("open", "", 1.5,
         "For none of 1 numbers does a curve fit clearly better than a straight line. "
         "No number of the regression is unknown for anybody. "
         "No input is told mostly by others (variance inflation above 10): each can be read alone."),
    ],
)  # fmt: skip
def test_checks_name_what_changes_the_picture(curve, gap, vif, text):
    curves = pd.DataFrame({"term": ["A"], "result": curve})
    gaps = (
        pd.DataFrame({"term": ["A", "A"], "result": ["held", gap]})
        if gap
        else pd.DataFrame(columns=["term", "result"])
    )
    said = drivers.checks(curves, gaps, effects("higher").assign(vif=vif))
    assert " ".join(map(str, said)) == text


@pytest.mark.parametrize("width", [7.6, 3.6])
def test_forest_plots_fit_the_page_and_a_phone(width):
    terms = effects(*["higher"] * 15)
    slope = pd.DataFrame({"estimate": [0.8], "ci_low": [0.7], "ci_high": [0.95], "result": ["open"]})
    made = [
        drivers.odds_ratios(terms, "churn"),
        drivers.rate_terms(terms.rename(columns={"odds_ratio": "estimate"})),
        drivers.calibration(DECILES, slope, FACTS),
    ]
    assert len(made[0].frame) == drivers.DRAWN
    for exhibit in made:
        with theme():
            assert exhibit.draw(exhibit.frame, Words(width=width)).get_figwidth() <= width


def test_the_size_of_the_regression_is_told_in_the_words_of_the_outcome():
    fit = pd.DataFrame({"columns": [35], "left_out": 3, "events_per_column": 11.4, "r2": 0.095, "statistic": 170.0,
                        "p_value": 1e-9})  # fmt: skip
    assert str(drivers.fit(fit, FACTS)) == (
        "The regression rests on 5,000 customers with a known outcome, among them 400 churned customers: 11.4 for "
        "each of 35 columns (3 more hardly vary or follow from others). All together: χ² 170, p < 0.001, "
        "McFadden's R² 0.095."
    )
    assert len(drivers.limits(FACTS)) == 4 and len(drivers.coefficients(effects("open")).headings) == 8
