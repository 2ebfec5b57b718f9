"""The references: random, one grade, scorecard, boosting, optimal tree."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare
from sklearn.metrics import roc_auc_score

from research.errors import UserError
from research.segment.encode import OneHot, OutcomeOrder, level_codes
from research.segment.optimal_tree import OptimalTree
from research.segment.references import GradeTiers, GradientBoosting, RandomTiers
from research.segment.scorecard import Scorecard


@pytest.fixture(scope="module")
def book() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    n = 2000
    table = pd.DataFrame(
        {
            "credit_score": np.where(rng.random(n) < 0.05, np.nan, rng.normal(650, 60, n)),
            "debt_to_income": rng.random(n),
            "income": rng.lognormal(10, 0.5, n),
            "loan_purpose": pd.Categorical(rng.choice(["housing", "consumption", "other"], n)),
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="customer_id"),
    )
    odds = (
        -1.5 - (np.nan_to_num(table["credit_score"], nan=600) - 650) / 40 + (table["loan_purpose"] == "other")
    )
    table["default"] = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return table


def test_random_lots_are_uniform_and_say_nothing(book):
    model = RandomTiers(seed=1).fit(book)
    lots = model.transform(book)
    assert chisquare(np.histogram(lots[:, 0], 20, (0, 1))[0]).pvalue > 0.001
    assert abs(np.corrcoef(lots.T)[0, 1]) < 0.08
    assert roc_auc_score(book["default"], lots[:, 0]) == pytest.approx(0.5, abs=0.04)
    assert model.inputs_ == []
    assert pd.Series(model.predict(book)).value_counts().tolist() == [1000, 600, 200, 200]


def test_random_lots_follow_customer_and_seed(book):
    model = RandomTiers(seed=1).fit(book)
    shuffled = book.sample(frac=1, random_state=0)
    risk = pd.Series(model.risk_score(book), book.index)
    assert pd.Series(model.risk_score(shuffled), shuffled.index).loc[book.index].equals(risk)
    other = RandomTiers(seed=2).fit(book).risk_score(book)
    assert abs(np.corrcoef(risk, other)[0, 1]) < 0.08


def test_grade_takes_the_first_of_its_list(book):
    model = GradeTiers().fit(book, book["default"])
    assert model.inputs_ == ["credit_score"]
    high = book["credit_score"][model.predict(book) == "high"]
    assert high.max() < book["credit_score"].median()
    assert model.rules()["rule"].iloc[3].startswith("Credit score ≤")
    no_score = GradeTiers().fit(book.drop(columns="credit_score"))
    assert no_score.inputs_ == ["debt_to_income"]
    assert no_score.rules()["rule"].iloc[3].startswith("Debt to income >")
    assert GradeTiers(variable="income", sign=-1).fit(book).inputs_ == ["income"]
    with pytest.raises(UserError, match="not testable here"):
        GradeTiers().fit(book[["income"]])


def test_grade_missing_takes_the_median(book):
    model = GradeTiers().fit(book)
    risk = model.risk_score(book.assign(credit_score=np.nan))
    assert risk == pytest.approx(-book["credit_score"].median())


@pytest.fixture(scope="module")
def card(book) -> Scorecard:
    return Scorecard().fit(book, book["default"])


def test_scorecard_woe_by_hand(card, book):
    bad = book["default"].to_numpy()
    purpose = book["loan_purpose"].astype(str).to_numpy()
    for group, woe in zip(card.bins_["loan_purpose"], card.woe_["loan_purpose"], strict=False):
        inside = np.isin(purpose, group)
        bins = len(card.bins_["loan_purpose"]) + 1
        goods = (inside & (bad == 0)).sum() + 0.5
        bads = (inside & (bad == 1)).sum() + 0.5
        by_hand = np.log(goods / ((bad == 0).sum() + 0.5 * bins) / (bads / ((bad == 1).sum() + 0.5 * bins)))
        assert woe == pytest.approx(by_hand)


def test_scorecard_is_monotone_and_uses_what_informs(card, book):
    assert set(card.inputs_) == {"credit_score", "loan_purpose"}  # the rest was drawn without effect
    woe = card.woe_["credit_score"][:-1]
    assert (np.diff(woe) > 0).all()  # a higher score is better evidence in every bin
    assert (np.array(list(card.coefficients_.values())) < 0).all()
    assert roc_auc_score(book["default"], card.risk_score(book)) > 0.75


def bin_of(card: Scorecard, name: str, value) -> int:
    """The bin of a value that training has seen: a group of levels, or from an edge up to the next."""
    bins = card.bins_[name]
    if isinstance(bins, list):
        return next(number for number, group in enumerate(bins) if value in group)
    return int(np.sum(value >= np.asarray(bins)))


def test_points_add_up_to_the_odds(card, book):
    points = card.rules()
    first = book.iloc[0]
    total = 0.0
    for name in card.inputs_:
        rows = points[points["input"] == name].reset_index(drop=True)
        code = bin_of(card, name, first[name])
        total += rows.loc[rows["woe"] == card.woe_[name][code], "points"].iloc[0]
    risk = card.risk_score(book.iloc[[0]])[0]
    # 600 points at odds 20 : 1, 50 points double the odds
    assert total == pytest.approx(600 + 50 * np.log2((1 - risk) / risk / 20)), first
    assert points.groupby("input")["n"].sum().eq(len(book)).all()


def test_scorecard_meets_new_levels_and_gaps(card, book):
    new = book.iloc[:2].assign(loan_purpose=pd.Categorical(["education", None]), credit_score=[np.nan, 640.0])
    assert np.isfinite(card.risk_score(new)).all()
    assert "Credit score missing" in set(card.rules()["rule"])


def test_boosting_repeats_itself(book):
    first = GradientBoosting(seed=3).fit(book, book["default"])
    again = GradientBoosting(seed=3).fit(book, book["default"])
    np.testing.assert_array_equal(first.risk_score(book), again.risk_score(book))
    assert roc_auc_score(book["default"], first.risk_score(book)) > 0.8
    assert first.n_rules_ == 800
    new = book.iloc[:2].assign(loan_purpose=pd.Categorical(["education", None]))
    assert np.isfinite(first.risk_score(new)).all()


def test_optimal_tree_says_what_to_install(book, monkeypatch):
    monkeypatch.setitem(sys.modules, "pystreed", None)
    with pytest.raises(UserError, match=r"research\[optimal\]"):
        OptimalTree().fit(book, book["default"])


def test_optimal_tree_is_no_worse_than_any_other(book, monkeypatch):
    pytest.importorskip("pystreed", reason="the optional solver pystreed is not installed (extra 'optimal')")
    from sklearn.tree import DecisionTreeRegressor

    for setting, value in {"depth": 2, "prior": 0.0, "penalty": 0.0}.items():
        monkeypatch.setattr(OptimalTree, setting, value)
    model = OptimalTree().fit(book, book["default"])
    outcome = book["default"].to_numpy()
    ours = np.mean((model.risk_score(book) - outcome) ** 2)
    answers = model._answers(model.encoder_.transform(book)).astype(float)
    greedy = DecisionTreeRegressor(max_depth=2, min_samples_leaf=0.05, random_state=0).fit(answers, outcome)
    assert ours <= np.mean((greedy.predict(answers) - outcome) ** 2) + 1e-12
    assert model.rules()["n"].sum() == len(book)
    assert (model.rules()["n"] >= 100).all()


def test_defaults_are_those_of_the_protocol():
    common = {"inputs": None, "shares": None}
    assert RandomTiers().get_params() == {**common, "seed": 0}
    assert GradeTiers().get_params() == {**common, "variable": None, "sign": 1}
    card, boosting = Scorecard(), GradientBoosting()
    assert card.get_params() == common and boosting.get_params() == {**common, "seed": 0}
    assert (card.least_iv, card.least_bin, card.prebins) == (0.02, 0.05, 10)
    assert (boosting.trees, boosting.learning_rate, boosting.leaves, boosting.least_leaf) == (
        100,
        0.05,
        8,
        50,
    )


def test_the_tiers_of_a_reference_say_what_they_hold(book):
    model = GradeTiers("credit_score", -1).fit(book, book["default"])
    rules, tiers = model.rules(), model.predict(book)
    assert rules["n"].tolist() == [(tiers == tier).sum() for tier in rules["tier"]]
    assert rules["bads"].tolist() == [book["default"][tiers == tier].sum() for tier in rules["tier"]]
    np.testing.assert_allclose(model.place(book)["value"], model.transform(book)[:, 1], rtol=1e-10)
    assert book["income"][tiers == "premium"].mean() > book["income"][tiers == "low"].mean()
    lots = RandomTiers().fit(book)
    assert lots.n_rules_ == 0
    assert lots.rules()["rule"].str.contains("Risk score").all()


def test_boosting_leaves_out_what_does_not_vary(book, monkeypatch):
    monkeypatch.setattr(GradientBoosting, "trees", 2)
    table = book[["credit_score", "income", "loan_purpose"]].assign(debt_to_income=0.5)
    model = GradientBoosting().fit(table, book["default"])
    assert model.inputs_ == ["credit_score", "income", "loan_purpose"]


def test_scorecard_bins_in_words_and_the_bin_of_the_missing(book):
    """A missing value is a bin of its own even when one customer is in it."""
    table = book.assign(credit_score=book["credit_score"].fillna(600.0))
    table.iloc[0, table.columns.get_loc("credit_score")] = np.nan
    card = Scorecard(inputs=["credit_score"]).fit(table, table["default"])
    rules = card.rules()
    words = rules["rule"].tolist()
    assert words[0].startswith("Credit score <") and words[-2].startswith("Credit score ≥")
    assert all("≤ Credit score <" in word for word in words[1:-2])
    assert words[-1] == "Credit score missing" and rules["n"].iloc[-1] == 1
    assert rules["n"].sum() == len(table) and len(rules) == len(card.bins_["credit_score"]) + 2


def test_a_level_unknown_in_training_says_nothing(book):
    card = Scorecard(inputs=["loan_purpose", "credit_score"]).fit(book, book["default"])
    one = book.iloc[[5]].assign(loan_purpose=pd.Categorical(["education"]))
    code = bin_of(card, "credit_score", one["credit_score"].iloc[0])
    odds = card.logistic_.intercept_[0] + card.coefficients_["credit_score"] * card.woe_["credit_score"][code]
    assert card.risk_score(one)[0] == pytest.approx(1 / (1 + np.exp(-odds)))


def test_levels_become_columns_and_log_odds_by_hand():
    """a: 3 bad of 10, b: 1 bad of 10, overall 0.2: (3 + 20·0.2) / 30 and (1 + 20·0.2) / 30."""
    column = pd.Series(["a"] * 10 + ["b"] * 10)
    bad = np.r_[np.ones(3), np.zeros(7), np.ones(1), np.zeros(9)]
    for table in (column.to_frame("x"), column.astype("category").to_frame("x")):
        order = OutcomeOrder().fit(table, ["x"], bad)
        new = pd.DataFrame({"x": pd.Categorical(["b", "a", "c", None])})
        expected = [np.log(5 / 25), np.log(7 / 23), np.log(0.2 / 0.8), np.nan]
        np.testing.assert_allclose(order.values(new, "x"), expected)
    assert level_codes(pd.Series(["b", None, "c"], dtype=object), ["a", "b"]).tolist() == [1, -1, -1]
    quarter = pd.DataFrame({"x": ["a", "a", "b", "c"]})
    assert OneHot().fit(quarter, ["x"]).names_ == ["x=a", "x=b", "x=c"]
    assert OneHot(0.25).fit(quarter, ["x"]).names_ == [
        "x=a",
        "x=b",
        "x=c",
    ]  # a share at the limit still counts
    assert OneHot(0.26).fit(quarter, ["x"]).names_ == ["x=a"]


def test_an_input_of_one_edge_or_none_in_words(book):
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"income": np.repeat([1.0, 2.0], 300), "debt_to_income": 0.3 + 0 * rng.random(600)})
    table.loc[0, "income"] = np.nan
    bad = (rng.random(600) < np.repeat([0.6, 0.2], 300)).astype(float)
    card = Scorecard(inputs=["income"]).fit(table, bad)
    assert len(card.bins_["income"]) == 1
    words = card.rules()["rule"].tolist()
    assert (
        words[0].startswith("Income") and "<" in words[0] and "≥" in words[1] and words[2].endswith("missing")
    )
    table["income"] = [2.0, 2.0, np.nan, *[1.0] * 597]  # two are too few for a bin
    one = Scorecard(inputs=["income"]).fit(table, bad)
    assert [word.split()[-1] for word in one.rules()["rule"]] == ["known", "missing"]
