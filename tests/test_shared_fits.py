"""What is fitted once and used again: the bins of a column; and that nothing of a held-out customer is in any fit."""

from __future__ import annotations

from functools import partial

import numpy as np
import optbinning
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from research.compare.resampling import out_of_fold
from research.segment import registry
from research.segment.scorecard import Scorecard
from research.segment.tree import DecisionTree

OPTIMAL = optbinning.OptimalBinning
EQUAL = registry.ARMS[1]


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the rows of every column that is binned."""
    found: list[int] = []

    class Counted(OPTIMAL):
        def fit(self, x, y, *args, **options):
            found.append(len(x))
            return super().fit(x, y, *args, **options)

    monkeypatch.setattr(optbinning, "OptimalBinning", Counted)
    return found


def book(seed: int, n: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "credit_score": np.where(rng.random(n) < 0.05, np.nan, rng.normal(650, 60, n)),
            "debt_to_income": rng.random(n),
            "income": rng.lognormal(10, 0.5, n),
            "loan_amount": rng.lognormal(9, 0.4, n),
            "loan_purpose": pd.Categorical(rng.choice(["housing", "consumption", "other"], n)),
        }
    )
    odds = -1 - (table["credit_score"].fillna(600) - 650) / 40 + (table["loan_purpose"] == "other")
    return table, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float).to_numpy()


def test_a_column_is_binned_once_for_scorecards_of_different_inputs(solved):
    table, y = book(seed=1)
    whole = Scorecard().fit(table, y)
    assert len(solved) == table.shape[1]
    fewer = Scorecard().fit(table.drop(columns="income"), y)
    assert len(solved) == table.shape[1]
    for name in fewer.bins_:
        np.testing.assert_array_equal(np.hstack(fewer.bins_[name]), np.hstack(whole.bins_[name]))


@pytest.mark.parametrize("what", ["values", "outcome", "settings", "rows"])
def test_a_column_is_binned_anew_when_anything_that_decides_its_bins_differs(solved, what, monkeypatch):
    table, y = book(seed=2)
    Scorecard().fit(table, y)
    before = len(solved)
    other, turned = table.copy(), y.copy()
    if what == "values":
        other["income"] = other["income"].to_numpy()[::-1]
        other["loan_purpose"] = other["loan_purpose"].cat.rename_categories({"other": "car"})
    if what == "outcome":
        turned[:2] = 1 - turned[:2]
    if what == "rows":
        other, turned = table.iloc[1:], y[1:]
    if what == "settings":
        monkeypatch.setattr(Scorecard, "prebins", 7)
    Scorecard().fit(other, turned)
    assert len(solved) - before == (2 if what == "values" else table.shape[1])


def test_a_tree_is_grown_once_for_other_tier_shares_and_anew_for_another_outcome(monkeypatch):
    table, y = book(seed=6)
    grown: list[int] = []

    class Counted(DecisionTreeClassifier):
        def fit(self, x, *args, **options):
            grown.append(len(x))
            return super().fit(x, *args, **options)

    monkeypatch.setattr("research.segment.tree.DecisionTreeClassifier", Counted)
    first = DecisionTree(inputs=list(table), seed=1).fit(table, y)
    once = len(grown)
    shares = {"premium": 0.25, "low": 0.25, "medium": 0.25, "high": 0.25}
    other = DecisionTree(inputs=list(table), seed=1, shares=shares).fit(table, y)
    assert (len(grown), once) == (once, 6)  # one tree, and one per inner fold
    fixed = ["rule", "n", "bads", "pd"]
    pd.testing.assert_frame_equal(other.rules()[fixed], first.rules()[fixed])
    assert pd.Series(other.predict(table)).value_counts()["high"] > len(table) / 5
    DecisionTree(inputs=list(table), seed=2).fit(table, y)
    DecisionTree(inputs=list(table), seed=1).fit(table, np.roll(y, 1))
    assert len(grown) == 3 * once


def test_held_out_customers_are_in_no_fit_of_their_fold():
    """Absurd values of some held-out customers change no cut point and no score of the others in that fold."""
    table, y = book(seed=3)
    names = [name for name in registry.MODELS if name != "optimal_tree"]
    fitted: dict[str, list] = {name: [] for name in names}

    def make(name: str):
        model = registry.make(name, EQUAL, seed=4)
        if name not in ("random", "grade"):
            model.set_params(inputs=list(table))
        fitted[name].append(model)
        return model

    def judged(given: pd.DataFrame):
        makers = {(name, EQUAL): partial(make, name) for name in names}
        return out_of_fold(makers, given, y, folds=3, repeats=1, seed=5)

    clean = judged(table)
    held_out = np.flatnonzero(clean.fold[0] == 0)
    poisoned, others = held_out[::2], held_out[1::2]
    absurd = table.copy()
    absurd.iloc[poisoned, :4] = 1e12
    absurd["loan_purpose"] = absurd["loan_purpose"].cat.add_categories("absurd")
    absurd.iloc[poisoned, 4] = "absurd"
    made = judged(absurd)
    np.testing.assert_array_equal(made.fold, clean.fold)
    for field in ("score", "probability", "tier"):
        np.testing.assert_array_equal(getattr(made, field)[:, 0, others], getattr(clean, field)[:, 0, others])
    np.testing.assert_array_equal(made.tier_rate[:, 0, 0], clean.tier_rate[:, 0, 0])
    for name, models in fitted.items():
        first, again = models[0], models[3]  # of fold 0, on the clean and on the poisoned table
        pd.testing.assert_frame_equal(first.tier_cuts_.table(), again.tier_cuts_.table(), obj=name)
        if name != "random":
            pd.testing.assert_frame_equal(first.rules(), again.rules(), obj=name)
    assert (made.score[:, 0, poisoned] != clean.score[:, 0, poisoned]).any()
