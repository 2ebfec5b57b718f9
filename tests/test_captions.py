"""Captions say what a figure answers, with numbers from its data; what is missing is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from research.captions import (
    monitoring,
    movement,
    warning,
)
from research.captions.wording import NOTHING, apart, counted, listed, number, said, span

TITLES = {"rfm": "RFM", "abc": "ABC", "tree": "Tree"}
SHOCK = 18


def table(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


EVENTS = table(
    "tier measure estimate ci_low ci_high",
    ("premium", "Defaulted", 0.017, 0.01, 0.026),
    ("high", "Defaulted", 0.15, 0.12, 0.18),
    ("premium", "Left", 0.05, 0.04, 0.06),
    ("high", "Left", 0.055, 0.04, 0.07),
)
CHART = table(
    "tier period verdict direction",
    ("premium", 17, "within", "below"),
    ("premium", 18, "within", "above"),
    ("high", 17, "alarm", "below"),
    ("high", 18, "alarm", "above"),
    ("high", 19, "alarm", "above"),
    ("premium", 19, "alert", "above"),
)
FUNNEL = table(
    "group estimate verdict",
    ("steel, east", 1.6, "alarm"),
    ("steel, west", 0.7, "alert"),
    ("trade, east", 1.0, "within"),
)
DRIFT = table(
    "period estimate verdict signal series",
    (17, 0.9, "unstable", "red", "RFM"),
    (18, 0.05, "stable", "green", "RFM"),
    (19, 0.12, "shifted", "amber", "RFM"),
    (18, 0.3, "unstable", "red", "Tree"),
    (19, 0.2, "shifted", "amber", "Tree"),
)
SHIFT = table(
    "label estimate benchmark verdict signal",
    ("Income", 0.3, 0.02, "unstable", "red"),
    ("Age", 0.05, 0.02, "stable", "green"),
    ("Term", 0.01, 0.02, "stable", "green"),
)
MONTHS = table("period fired reason", (23, False, ""), (24, True, "calibration ratio 1.85 (red)"))
MOVES = table(
    "from to n estimate",
    ("low", "low", 100, 0.9),
    ("low", "high", 100, 0.1),
    ("high", "low", np.nan, np.nan),
    ("high", "high", np.nan, np.nan),
    ("default", "low", 0, np.nan),
)
ROLLS = table(
    "from to n estimate",
    ("current", "current", 100, 0.97),
    ("current", "1 month", 100, 0.03),
    ("1 month", "current", 50, 0.33),
    ("1 month", "2 months", 50, 0.4),
    ("2 months", "current", 9, np.nan),
)
CURVES = table(
    "cohort months_on_book estimate ci_low ci_high",
    ("00–05", 6, 0.02, 0.01, 0.03),
    ("00–05", 12, 0.04, 0.03, 0.05),
    ("18–23", 6, 0.08, 0.06, 0.1),
)
WORTH = table(
    "label hit_rate precision precision_low base_rate",
    ("Arrears", 0.9, 0.3, 0.25, 0.09),
    ("Deposits", 0.6, 0.5, 0.4, 0.09),
    ("Complaints", 0.02, 0.1, 0.05, 0.09),
)
LEAD = table(
    "label lead_months n share",
    ("Arrears", 1.0, 1, 0.25),
    ("Arrears", 3.0, 2, 0.5),
    ("Arrears", np.nan, 1, 0.25),
    ("Deposits", 2.0, 1, 0.25),
    ("Deposits", np.nan, 3, 0.75),
)
BUCKETS = ["current", "1 month", "2 months"]

# name → (caption of a table, the table, what it must say)
CAPTIONS: dict[str, tuple[Callable[[pd.DataFrame], str], pd.DataFrame, str]] = {
    "events": (
        lambda found: monitoring.event_rates(found, "Bank"),
        EVENTS,
        "defaulted, high 15.0%, premium 1.7% (intervals lie apart); left, high 5.5%, premium 5.0% "
        "(intervals overlap)",
    ),
    "chart": (
        lambda found: monitoring.rates_over_time(found, SHOCK),
        CHART,
        "of the 2 months from the shock on, the rate lies above them in 0 (premium) and 2 (high); "
        "before it none of 2 monthly rates did",
    ),
    "funnel": (
        monitoring.funnel,
        FUNNEL,
        "2 of 3 groups lie outside the 95 % limits (chance alone would put about 0.2 there); "
        "outside the 99.8 % limits: steel, east (1.60)",
    ),
    "stability": (
        lambda found: monitoring.stability_over_time(found, SHOCK),
        DRIFT,
        "of the 2 months from the shock on, it leaves the green band in 1 (RFM) and 2 (Tree); the "
        "largest index is that of Tree in month 18 (0.30, unstable)",
    ),
    "shift": (
        lambda found: monitoring.construct_shift(found, "Bank"),
        SHIFT,
        "Income moved most (0.30, unstable); 1 of 3 constructs leaves the green band, 2 moved more "
        "than chance does once in twenty times",
    ),
    "trigger": (
        lambda found: monitoring.trigger(found, "Tree", "The review rule called."),
        MONTHS,
        "the review rule called (first, in month 24: calibration ratio 1.85 (red))",
    ),
    "migration": (
        lambda found: movement.migration_matrix(found, "Bank"),
        MOVES,
        "Bank: stay where they are: low 90.0% and high withheld; the most frequent move shown is "
        "from low to high (10.0%)",
    ),
    "rolls": (
        lambda found: movement.roll_rates(found, "Bank", BUCKETS),
        ROLLS,
        "Bank: a month later one bucket worse: current 3.0% of 100 and 1 month 40.0% of 50; "
        "current again: 1 month 33.0% of 50",
    ),
    "vintages": (
        lambda found: movement.vintage_curves(found, SHOCK),
        CURVES,
        "after 6 months 8.0% (95 % CI 6.0% to 10.0%) of the loans of months 18–23 had defaulted "
        "and 2.0% (95 % CI 1.0% to 3.0%) of those of months 00–05; the intervals lie apart",
    ),
    "worth": (
        warning.warning_worth,
        WORTH,
        "'Arrears' warned of most (90%); 'Deposits' was right most often (50%); the interval lies "
        "above a month picked blindly (9%) for 2 of 3 rules",
    ),
    "lead": (
        warning.lead_times,
        LEAD,
        "'Arrears' misses fewest (25%) and speaks 3 months ahead (median); 'Deposits' misses most (75%)",
    ),
}
NAMES = sorted(CAPTIONS)


def emptied(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all its numbers left out."""
    numbers = found.select_dtypes("number").columns.difference(
        ["period", "months_on_book", "r_score", "f_score"]
    )
    return found.assign(**dict.fromkeys(numbers, np.nan))


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_states_the_answer(name: str) -> None:
    caption, found, words = CAPTIONS[name]
    assert words in caption(found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["empty", "one row", "nothing known", "first unknown"])
def test_a_caption_has_no_gap_whatever_is_missing(name: str, change: str) -> None:
    caption, found, _ = CAPTIONS[name]
    some = {
        "empty": found.iloc[:0],
        "one row": found.iloc[:1],
        "nothing known": emptied(found),
        "first unknown": pd.concat([emptied(found.iloc[:1]), found.iloc[1:]]),
    }[change]
    text = caption(some)
    assert not re.search(r"\bnan\b|None|: ;|: *$|\(\)|  |NaT", text), text
    assert ": " in text


@pytest.mark.parametrize("name", [name for name in NAMES if name != "trigger"])
def test_a_caption_without_numbers_says_so(name: str) -> None:
    caption, found, _ = CAPTIONS[name]
    assert NOTHING in caption(found.iloc[:0]) or name == "tier_rates"


def test_words() -> None:
    assert said("Title", "one", "", "two") == "Title: one; two"
    assert listed(["A"]) == "A"
    assert number(0.0) == "0"
    assert number(-0.001, ".1f") == "0.0"
    assert span({"estimate": 0.5, "ci_low": np.nan, "ci_high": np.nan}, ".0%", name="Tree") == "Tree 50%"
    assert counted(0, 1, "models") == "none of 1 models"
    low, high = {"ci_low": 0.1, "ci_high": 0.2}, {"ci_low": 0.2, "ci_high": 0.3}
    assert not apart(low, high)
    assert apart(low, {"ci_low": 0.21, "ci_high": 0.3})
