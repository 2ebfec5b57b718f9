"""Saturation by hand and against the exact rarefaction curve; coded interviews counted by hand."""

from __future__ import annotations

from itertools import permutations
from math import comb

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.fieldwork.interviews.coding import (
    code_frequencies,
    cooccurrence,
    joined_codings,
    quotations,
    theme_tree,
)
from research.fieldwork.interviews.saturation import (
    permutation_band,
    saturation_curve,
    stopping_point,
    stopping_points,
)

# Codes heard in eight interviews: 20 in the first four, then 2, 1, 0, 0 new ones.
HEARD = [
    [*range(8)],
    [*range(4, 14)],
    [*range(12, 18)],
    [*range(16, 20)],
    [20, 21, 0],
    [22, 1],
    [2, 3],
    [4],
]
DOCUMENTS = [f"I{i}" for i in range(1, 9)]
CODINGS = pd.DataFrame(
    [(doc, f"c{code:02}") for doc, codes in zip(DOCUMENTS, HEARD, strict=True) for code in codes],
    columns=["document", "code"],
)
UNITS = pd.DataFrame({"document": DOCUMENTS})


def test_curve_and_rule_by_hand() -> None:
    curve = saturation_curve(CODINGS, UNITS)
    assert curve["new_codes"].tolist() == [8, 6, 4, 2, 2, 1, 0, 0]
    assert curve["cumulative"].tolist() == [8, 14, 18, 20, 22, 23, 23, 23]
    # Base 4 heard 20 codes. Run 5–6: 3/20; run 6–7: 1/20 = 5 %: the five before it were enough.
    assert curve["new_information"].round(3).tolist()[5:] == [0.15, 0.05, 0.0]
    assert curve["new_information"].isna().sum() == 5
    stop = stopping_point(curve).iloc[0]
    assert (stop["enough"], stop["checked"]) == (5, 7)
    assert (stop["codes"], stop["later"]) == (23, 1)
    strict = stopping_point(curve, threshold=0).iloc[0]
    assert (strict["enough"], strict["checked"], strict["later"]) == (6, 8, 0)


@pytest.mark.parametrize(
    ("interviews", "threshold", "result", "later"),
    [
        (8, 0.05, "missed", 1),  # enough after 5, and interview 6 brought code 22
        (8, 0, "held", 0),
        (6, 0.05, "open", None),
        (5, 0.05, "few", None),
    ],
)
def test_the_result_tells_a_rule_that_is_met_from_codes_that_still_came(interviews, threshold, result, later):
    heard = CODINGS[CODINGS["document"].isin(DOCUMENTS[:interviews])]
    stop = stopping_point(saturation_curve(heard, UNITS[:interviews]), threshold=threshold).iloc[0]
    assert stop["result"] == result
    assert stop["later"] == later if later is not None else np.isnan(stop["later"])


def test_rule_not_reached_and_too_few_interviews() -> None:
    early = stopping_point(
        saturation_curve(CODINGS[CODINGS["document"].isin(DOCUMENTS[:6])], UNITS[:6])
    ).iloc[0]
    assert early["result"] == "open"
    assert np.isnan(early["enough"])
    assert early["new_information"] == pytest.approx(0.15)
    few = stopping_point(saturation_curve(CODINGS[CODINGS["document"].isin(DOCUMENTS[:5])], UNITS[:5])).iloc[
        0
    ]
    assert few["result"] == "few"
    with pytest.raises(UserError, match="needs 6 interviews"):
        stopping_points(CODINGS[CODINGS["document"].isin(DOCUMENTS[:5])], UNITS[:5])


def test_silent_interviews_count_and_strangers_do_not() -> None:
    more = pd.DataFrame({"document": [*DOCUMENTS, "I9"]})
    assert saturation_curve(CODINGS, more)["codes"].iloc[-1] == 0
    with pytest.raises(UserError, match="'I8' is coded but not among the interviews"):
        saturation_curve(CODINGS, UNITS[:7])


def test_permutation_mean_is_the_rarefaction_curve() -> None:
    band = permutation_band(CODINGS, UNITS, permutations=4000, seed=3)
    times = CODINGS.groupby("code")["document"].nunique()
    n = len(DOCUMENTS)
    exact = [sum(1 - comb(n - t, k) / comb(n, k) for t in times) for k in range(1, n + 1)]
    assert band["mean"].tolist() == pytest.approx(exact, abs=0.15)
    assert band["mean"].iloc[-1] == 23
    assert (band["low"] <= band["mean"]).all()
    pd.testing.assert_frame_equal(band, permutation_band(CODINGS, UNITS, permutations=4000, seed=3))


def test_stopping_points_over_orders() -> None:
    table = stopping_points(CODINGS, UNITS, permutations=500)
    assert table["share"].sum() == pytest.approx(1)
    assert table["enough"].dropna().between(4, 6).all()


CODEBOOK = pd.DataFrame(
    {
        "code": ["risk", "late", "loss", "speed"],
        "parent": ["", "risk", "risk", ""],
        "label_en": ["Risk", "Late", "Loss", "Speed"],
        "label_zh": ["风险", "逾期", "损失", "速度"],
    }
)
TALK = pd.DataFrame(
    {
        "document": ["d1", "d1", "d1", "d2", "d2"],
        "segment": [1, 2, 3, 1, 2],
        "text": ["one", "two", "three", "four", "five"],
        "participant": ["P1", "P1", "P1", "P2", "P2"],
        "group": ["practitioner"] * 3 + ["customer"] * 2,
    }
)
MARKS = pd.DataFrame(
    [
        ("A", "d1", 1, "late"),
        ("A", "d1", 1, "speed"),
        ("A", "d1", 2, "late"),
        ("A", "d1", 2, "loss"),
        ("A", "d2", 2, "speed"),
        ("B", "d1", 2, "late"),
        ("B", "d2", 1, "late"),
    ],
    columns=["coder", "document", "segment", "code"],
)


def test_frequencies_count_parents_once() -> None:
    table = code_frequencies(MARKS, TALK, CODEBOOK).set_index(["group", "code"])
    assert table.loc[("all", "risk"), ["segments", "participants", "of"]].tolist() == [3, 2, 2]
    assert table.loc[("all", "late"), "segments"] == 3
    assert table.loc[("customer", "loss"), "segments"] == 0
    assert table.loc[("customer", "speed"), "share"] == 1
    assert joined_codings(MARKS)["coders"].tolist() == [1, 1, 2, 1, 1, 1]


def test_cooccurrence_tree_and_quotations() -> None:
    pairs = cooccurrence(MARKS, ["late", "loss", "speed"]).set_index(["code_1", "code_2"])
    assert pairs.loc[("late", "loss"), ["segments", "jaccard"]].tolist() == [1, pytest.approx(1 / 3)]
    assert pairs.loc[("loss", "speed"), "segments"] == 0
    tree = theme_tree(MARKS, TALK, CODEBOOK)
    assert tree["path"].tolist() == ["risk", "risk › late", "risk › loss", "speed"]
    assert tree["own_segments"].tolist() == [0, 3, 1, 2]
    assert tree["segments"].tolist() == [3, 3, 1, 2]
    quotes = quotations(MARKS, TALK, CODEBOOK)
    late = quotes[quotes["code"] == "late"]
    assert late["quote_id"].tolist() == ["P1:2", "P2:1", "P1:1"]  # both coders first, then a new voice
    assert late["coders"].tolist() == [2, 1, 1]


def test_interviews_without_any_code_cannot_saturate() -> None:
    curve = saturation_curve(CODINGS[:0], UNITS)
    row = stopping_point(curve).iloc[0]
    assert row["result"] == "few" and np.isnan(row["enough"])


def test_band_is_that_of_all_orders() -> None:
    """One code in two of five interviews: heard after k of them with probability 1 − C(5 − k, 2)/C(5, 2)."""
    units = pd.DataFrame({"document": list("abcde")})
    codings = pd.DataFrame({"document": ["a", "b", "a"], "code": ["x", "x", "y"]})
    band = permutation_band(codings, units, permutations=4000, seed=1).set_index("interview")
    seen = [sum(("a" in order[:2]) * 1 + (bool({"a", "b"} & set(order[:2]))) for order in [each]) for each in
            permutations("abcde")]  # fmt: skip
    assert band.loc[2, "mean"] == pytest.approx(np.mean(seen), abs=0.05)
    assert (band.loc[2, "low"], band.loc[2, "high"]) == tuple(np.quantile(seen, [0.025, 0.975]))


def test_orders_in_which_the_rule_never_stops_are_counted() -> None:
    fresh = pd.DataFrame({"document": DOCUMENTS, "code": DOCUMENTS})
    table = stopping_points(fresh, UNITS, permutations=20)
    assert table["share"].tolist() == [1.0] and np.isnan(table["enough"].iloc[0])
