"""Pairwise comparisons: two published examples of Saaty, joined experts, inconsistent and incomplete ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.fieldwork.survey.ahp import (
    consistency_ratio,
    eigenvector,
    expert_weights,
    group_weights,
    matrix,
    random_index,
)
from research.paths import DEFINITIONS

pytestmark = pytest.mark.every_python

# Saaty (2008), "Decision making with the analytic hierarchy process", Int. J. Services Sciences 1(1): drinks in the US.
DRINKS = """
1 9 5 2 1 1 1/2
1/9 1 1/3 1/9 1/9 1/9 1/9
1/5 3 1 1/3 1/4 1/3 1/9
1/2 9 3 1 1/2 1 1/3
1 9 4 2 1 2 1/2
1 9 3 1 1/2 1 1/3
2 9 9 3 2 3 1
"""
# Saaty (1990), "How to make a decision", Eur. J. Operational Research 48: buying a house, eight criteria.
HOUSE = """
1 5 3 7 6 6 1/3 1/4
1/5 1 1/3 5 3 3 1/5 1/7
1/3 3 1 6 3 4 6 1/5
1/7 1/5 1/6 1 1/3 1/4 1/7 1/8
1/6 1/3 1/3 3 1 1/2 1/5 1/6
1/6 1/3 1/4 4 2 1 1/5 1/6
3 5 1/6 7 5 5 1 1/2
4 7 5 8 6 6 2 1
"""
ABC = [("A", "B"), ("A", "C"), ("B", "C")]
PAIRS = pd.DataFrame(ABC, columns=["left", "right"]).assign(set="abc")


def parsed(text: str) -> np.ndarray:
    return np.array([[float(Fraction(cell)) for cell in line.split()] for line in text.strip().splitlines()])


def judged(expert: str, *values: float) -> pd.DataFrame:
    return PAIRS.assign(expert=expert, value=values).dropna()


def test_saaty_drinks() -> None:
    weights, lambda_max = eigenvector(parsed(DRINKS))
    assert weights.round(3).tolist() == [0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327]
    assert consistency_ratio(lambda_max, 7) == pytest.approx(0.022, abs=5e-4)


def test_saaty_house() -> None:
    weights, lambda_max = eigenvector(parsed(HOUSE))
    assert weights.round(3).tolist() == [0.173, 0.054, 0.188, 0.018, 0.031, 0.036, 0.167, 0.333]
    assert lambda_max == pytest.approx(9.669, abs=5e-4)
    assert consistency_ratio(lambda_max, 8) == pytest.approx(0.169, abs=5e-4)


def test_matrix_read_from_judgements_gives_the_same_weights() -> None:
    full = parsed(DRINKS)
    names = [f"d{i}" for i in range(7)]
    long = pd.DataFrame([(names[i], names[j], full[i, j]) for i, j in combinations(range(7), 2)])
    read = matrix(long.set_axis(["left", "right", "value"], axis=1), names)
    np.testing.assert_allclose(read, full)


def test_random_index_is_tabulated() -> None:
    assert random_index(3) == 0.58
    with pytest.raises(UserError, match="tabulated up to 10"):
        random_index(11)


def test_consistent_judgements_give_the_exact_ratios() -> None:
    table = expert_weights(judged("e1", 2, 6, 3), PAIRS)  # A : B : C = 6 : 3 : 1
    assert table.set_index("element")["weight"].to_dict() == pytest.approx({"A": 0.6, "B": 0.3, "C": 0.1})
    assert table["consistency_ratio"].max() == pytest.approx(0, abs=1e-12)


def test_group_is_the_geometric_mean_and_leaves_out_the_inconsistent() -> None:
    both = pd.concat([judged("e1", 2, 8, 4), judged("e2", 1 / 2, 1 / 8, 1 / 4)])
    group = group_weights(both, PAIRS, resamples=0)
    assert group["weight"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    circular = judged("e3", 9, 1 / 9, 9)  # A over B over C over A
    everyone = pd.concat([judged("e1", 2, 6, 3), judged("e4", 2, 6, 3), circular, judged("e5", 2, np.nan, 3)])
    group = group_weights(everyone, PAIRS, resamples=200)
    assert group["weight"].tolist() == pytest.approx([0.6, 0.3, 0.1])
    assert group["experts"].unique().tolist() == [2]
    assert group["left_out"].unique().tolist() == [2]
    assert group["ci_low"].tolist() == pytest.approx([0.6, 0.3, 0.1])
    status = expert_weights(everyone, PAIRS).drop_duplicates("expert").set_index("expert")["status"]
    assert status[["e1", "e3", "e5"]].tolist() == ["consistent", "inconsistent", "incomplete"]


def test_nobody_consistent_gives_equal_weights_and_says_so() -> None:
    group = group_weights(judged("e1", 9, 1 / 9, 9), PAIRS)
    assert group["weight"].tolist() == pytest.approx([1 / 3] * 3)
    assert group["note"].str.contains("equal weights").all()


def test_shipped_pairs_are_complete() -> None:
    pairs = pd.read_csv(DEFINITIONS / "ahp.csv")
    for name, part in pairs.groupby("set"):
        elements = {*part["left"], *part["right"]}
        asked = {frozenset(pair) for pair in part[["left", "right"]].itertuples(index=False)}
        assert asked == {frozenset(pair) for pair in combinations(elements, 2)}, name
        assert part.notna().all(axis=None)
