"""Captions say what a figure answers, with numbers from its data; what is missing is passed over."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.captions import survey
from research.captions.wording import NOTHING, apart, counted, listed, number, said, span

AGREEMENT = pd.Series({"value": 0.38, "behaviour": 0.72})


def test_one_group_or_scale_is_not_compared_with_itself() -> None:
    assert (
        survey.likert("Answers", AGREEMENT) == "Answers: most agree on behaviour (72%), fewest on value (38%)"
    )
    assert survey.likert("Answers", AGREEMENT.head(1)) == "Answers: 38% agree on value"
    assert survey.likert("Answers", AGREEMENT.head(0)) == f"Answers: {NOTHING}"


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
