"""Captions say what a figure answers, with numbers from its data; what is missing is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from research.captions import (
    data,
    policy,
    survey,
)
from research.captions.wording import NOTHING, apart, counted, listed, number, said, span

TITLES = {"rfm": "RFM", "abc": "ABC", "tree": "Tree"}


def table(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


COVERAGE = table(
    "construct dataset fit",
    ("income", "one", "direct"),
    ("age", "one", "proxy"),
    ("need", "one", "absent"),
    ("income", "two", "direct"),
    ("age", "two", "absent"),
    ("need", "two", "absent"),
)
SKEW = table("skew", (2.5,), (0.4,), (-1.2,), (1.1,))
MISSING = table("label share", ("Income", 0.2), ("Months since default", 0.65))
CLASSES = table(
    "standard class rate ci_low ci_high",
    ("K1 Purpose", "car", 0.02, 0.01, 0.03),
    ("K1 Purpose", "cash", 0.05, 0.04, 0.07),
    ("K2 Term", "long", np.nan, np.nan, np.nan),
)
AGREEMENT = pd.Series({"value": 0.38, "behaviour": 0.72})
SPLIT = table(
    "tier policy measure estimate ci_low ci_high",
    ("high", "tiered − uniform", "expected loss", -1200.0, -2000.0, -400.0),
    ("low", "tiered − uniform", "expected loss", 10.0, -5.0, 20.0),
    ("high", "tiered", "expected loss", 9000.0, 8000.0, 10000.0),
)
GAINS = table(
    "model policy estimate ci_low ci_high",
    ("rfm", "tiered − uniform", -2000.0, -2500.0, -1500.0),
    ("tree", "tiered − uniform", -1000.0, -1500.0, -500.0),
    ("rfm", "tiered − untargeted", 50.0, -10.0, 90.0),
    ("tree", "tiered − untargeted", 80.0, 10.0, 150.0),
)
EFFECTS = table(
    "action lever kind base break_even gain_low gain_base gain_high",
    ("Monitoring", "pd", "effect", 0.1, 0.39, -3.0, -2.0, -1.0),
    ("Plan", "pd", "effect", 0.1, 0.15, -3.0, -1.0, 2.0),
    ("Call", "churn", "effect", 0.2, 0.1, -1.0, 2.0, 3.0),
    ("Rate", "rate", "decision", 0.2, 0.1, -1.0, 2.0, 3.0),
)
TORNADO = table(
    "label at_low at_base at_high swing",
    ("Cost of an hour", 50.0, -100.0, -300.0, 350.0),
    ("Funding", -90.0, -100.0, -110.0, 20.0),
)
WEEKS = pd.DataFrame(
    {
        "week": pd.to_datetime(["2026-01-05"] * 2 + ["2026-01-12"]),
        "tier": ["high", "low", "low"],
        "contacts": [35, 50, 20],
    }
)

# name → (caption of a table, the table, what it must say)
CAPTIONS: dict[str, tuple[Callable[[pd.DataFrame], str], pd.DataFrame, str]] = {
    "coverage": (
        data.coverage_matrix,
        COVERAGE,
        "one covers 2 of 3 constructs, the most, and two 1, the fewest; 1 are in none of the data sets",
    ),
    "distributions": (
        data.distributions,
        SKEW,
        "2 of 4 are skewed to the right (skewness above 1), 1 to the left (below −1)",
    ),
    "missing": (
        data.missing_shares,
        MISSING,
        "Months since default is missing most often (65.0%); more than half is missing for 1 of 2 "
        "constructs shown",
    ),
    "classes": (
        lambda found: data.rates_by_class(found, 0.025),
        CLASSES,
        "(2.50%): the interval leaves it out for 1 of 2 classes shown; highest is 'cash' (K1 "
        "Purpose), 5.0% (95 % CI 4.0% to 7.0%), lowest 'car' (K1 Purpose), 2.0% (95 % CI 1.0% to 3.0%)",
    ),
    "by_tier": (
        lambda found: policy.by_tier(found, ["expected loss", "profit"]),
        SPLIT,
        "(hollow): expected loss falls in high (−1,200), may rise or fall in low",
    ),
    "hours": (
        policy.officer_hours,
        SPLIT,
        "the time for a customer falls in high (−1200.0), may rise or fall in low",
    ),
    "gains": (
        lambda found: policy.gains(found, TITLES, "profit"),
        GAINS,
        "actions and tiering together (left), the whole interval is a gain for none of 2 models "
        "and a loss for 2, the best is Tree −1,000 (95 % CI −1,500 to −500); by the tiering alone "
        "(right), the whole interval is a gain for 1 of 2 models and a loss for 0, the best is "
        "Tree +80 (95 % CI +10 to +150)",
    ),
    "break_even": (
        policy.break_even,
        EFFECTS,
        "1 of 3 effects pays at base, 1 only towards the optimistic end; nearest to paying is "
        "plan, which needs 15% where 10% is assumed",
    ),
    "tornado": (
        lambda found: policy.tornado(found, "euro"),
        TORNADO,
        "Cost of an hour moves it most, from −300 to 50 (euro; at base −100); the sign of the "
        "result turns with 1 of 2 assumptions alone",
    ),
    "workload": (
        policy.workload,
        WEEKS,
        "most fall in the week of 5 January 2026, about 85, against 52 in the median of 2 weeks",
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


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_without_numbers_says_so(name: str) -> None:
    caption, found, _ = CAPTIONS[name]
    assert NOTHING in caption(found.iloc[:0]) or name == "tier_rates"


def test_one_group_or_scale_is_not_compared_with_itself() -> None:
    assert (
        survey.likert("Answers", AGREEMENT) == "Answers: most agree on behaviour (72%), fewest on value (38%)"
    )
    assert survey.likert("Answers", AGREEMENT.head(1)) == "Answers: 38% agree on value"
    assert survey.likert("Answers", AGREEMENT.head(0)) == f"Answers: {NOTHING}"


def test_less_loss_is_a_gain() -> None:
    text = policy.gains(GAINS, TITLES, "expected loss")
    assert (
        "(left), the whole interval is a gain for both models and a loss for 0, the best is RFM −2,000"
        in text
    )


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
