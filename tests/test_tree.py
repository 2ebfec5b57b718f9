"""The decision tree: leaves, risks and rules that can be checked without the tree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from research.errors import UserError
from research.intervals import jeffreys
from research.segment.calibration import Calibration, Tally
from research.segment.rule_text import Condition, number_in_words, range_in_words, rule_in_words
from research.segment.tiers import Cut, steady
from research.segment.tree import DecisionTree

pytestmark = pytest.mark.every_python


@pytest.fixture(scope="module")
def book() -> pd.DataFrame:
    """Return 3,000 invented customers whose risk has a step in debt to income and one purpose."""
    rng = np.random.default_rng(5)
    n = 3000
    table = pd.DataFrame(
        {
            "debt_to_income": np.where(rng.random(n) < 0.1, np.nan, rng.random(n)),
            "past_delinquencies": rng.integers(0, 4, n).astype(float),
            "income": rng.lognormal(10, 0.5, n),
            "loan_amount": rng.lognormal(9, 0.5, n),
            "loan_purpose": pd.Categorical(
                rng.choice(["housing", "consumption", "other"], n, p=[0.5, 0.3, 0.2])
            ),
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="customer_id"),
    )
    risky = np.nan_to_num(table["debt_to_income"], nan=1.0) > 0.6
    rate = (
        0.05
        + 0.25 * risky
        + 0.2 * (table["loan_purpose"] == "other")
        + 0.05 * (table["past_delinquencies"] >= 2)
    )
    table["default"] = (rng.random(n) < rate).astype(float)
    return table


@pytest.fixture(scope="module")
def tree(book) -> DecisionTree:
    return DecisionTree(seed=1).fit(book, book["default"])


def holds(condition: Condition, table: pd.DataFrame) -> np.ndarray:
    """Apply a printed condition without the tree."""
    values = table[condition.name]
    if condition.level is not None:
        return ((values == condition.level) != condition.below).to_numpy()
    inside = values <= condition.threshold if condition.below else values > condition.threshold
    return (inside | (values.isna() & condition.or_missing)).to_numpy()


def test_printed_rules_are_the_tree(tree, book):
    leaf = tree.transform(book)[:, 0]
    covered = np.zeros(len(book), dtype=int)
    for number, path in enumerate(tree.paths_, start=1):
        inside = np.all([holds(condition, book) for condition in path], axis=0)
        np.testing.assert_array_equal(inside, leaf == number)
        covered += inside
    assert (covered == 1).all()  # each customer falls under exactly one rule


def test_rules_table_counts_and_intervals(tree, book):
    rules = tree.rules().set_index("leaf")
    leaf = tree.transform(book)[:, 0].astype(int)
    for number, row in rules.iterrows():
        inside = leaf == number
        assert row["n"] == inside.sum()
        assert row["bads"] == book["default"][inside].sum()
        assert row["n"] >= 0.05 * len(book)
        low, high = jeffreys(row["bads"], row["n"])
        assert [row["ci_low"], row["ci_high"]] == pytest.approx([float(low), float(high)])
        assert low < row["pd"] < high
    assert rules["risk"].is_monotonic_decreasing
    assert tree.n_rules_ == len(rules)
    assert rules["length"].tolist() == [len(tree.paths_[leaf - 1]) for leaf in rules.index]


def test_it_finds_the_steps(tree, book):
    assert {"debt_to_income", "loan_purpose"} <= set(tree.inputs_)
    first = tree.paths_[0][0]
    assert first.name == "debt_to_income"
    assert first.threshold == pytest.approx(0.6, abs=0.03)
    assert roc_auc_score(book["default"], tree.risk_score(book)) > 0.7


def test_leaf_risk_is_smoothed_then_recalibrated(tree, book):
    leaf = tree.transform(book)[:, 0].astype(int)
    base = book["default"].mean()
    grouped = book["default"].groupby(leaf)
    smoothed = (grouped.sum() + 20 * base) / (grouped.count() + 20)
    risk = tree.rules().set_index("leaf")["risk"].sort_index()
    assert tree.recalibrated_
    held_out = tree.pruning_.rates
    curve = Calibration().fit(np.log(held_out / (1 - held_out)), book["default"].to_numpy())
    by_hand = curve.probability(np.log(smoothed / (1 - smoothed)).to_numpy())
    np.testing.assert_allclose(risk, by_hand, rtol=1e-9)
    assert tree.place(book)["probability"].mean() == pytest.approx(base, abs=0.005)


def test_premium_needs_low_risk_and_high_value(tree, book):
    result = tree.assess(book)
    tiers = result["tier"]
    assert tiers.value_counts(normalize=True).tolist() == pytest.approx([0.5, 0.3, 0.1, 0.1], abs=1e-9)
    premium, low, medium = (result[tiers == name] for name in ("premium", "low", "medium"))
    assert premium["leaf_pd"].max() <= medium["leaf_pd"].min()
    assert premium["value"].min() >= low["value"].max()
    rates = book["default"].groupby(tiers, observed=False).mean()
    assert rates["high"] > rates["medium"] > rates["low"]


def test_native_tiers_keep_leaves_whole(tree, book):
    result = tree.assess(book)
    risky = result["native_tier"].isin(["medium", "high"])
    assert risky.groupby(result["leaf"]).nunique().eq(1).all()
    rules = tree.rules()
    assert rules["tier"].iloc[0] == "high"
    assert rules["tier"].iloc[-1] == "low"
    assert list(rules["tier"].cat.codes) == sorted(rules["tier"].cat.codes, reverse=True)


def test_same_as_a_refit_at_the_chosen_alpha(tree, book):
    x = tree.encoder_.transform(book)
    refit = DecisionTreeClassifier(min_samples_leaf=0.05, random_state=1, ccp_alpha=tree.pruning_.alpha)
    leaf = refit.fit(x, book["default"].astype(int)).apply(x)
    assert pd.crosstab(leaf, tree.transform(book)[:, 0]).gt(0).sum().tolist() == [1] * tree.n_rules_


def test_same_seed_same_tree(tree, book):
    again = DecisionTree(seed=1).fit(book, book["default"])
    assert again.rules().equals(tree.rules())


def test_rare_outcomes_keep_a_tree_and_say_so(monkeypatch):
    rng = np.random.default_rng(8)
    table = pd.DataFrame(rng.random((1000, 3)), columns=["debt_to_income", "income", "loan_amount"])
    outcome = (rng.random(1000) < 0.03).astype(float)  # nothing to learn
    model = DecisionTree().fit(table, outcome)
    assert model.one_se_leaves_ == 1
    assert model.n_rules_ >= 3
    monkeypatch.setattr(DecisionTree, "least_leaves", 1)
    free = DecisionTree().fit(table, outcome)
    assert free.n_rules_ == 1
    assert free.rules()["rule"].tolist() == ["Everyone"]
    assert set(free.predict(table)) == {"premium", "low", "medium", "high"}  # by value alone


def test_new_levels_and_new_gaps(tree, book):
    new = book.iloc[:4].copy()
    new["loan_purpose"] = pd.Categorical(["education", None, "other", "housing"])
    new["income"] = np.nan
    assert len(tree.predict(new)) == 4
    assert np.isfinite(tree.place(new)["value"]).all()


def test_only_rules_inputs_are_needed(tree, book):
    needed = [*tree.inputs_, *tree.value_inputs_]
    np.testing.assert_array_equal(tree.risk_score(book[needed]), tree.risk_score(book))
    with pytest.raises(UserError, match="no column debt_to_income"):
        tree.predict(book.drop(columns="debt_to_income"))


def test_faults_are_told(book):
    with pytest.raises(UserError, match="at least 2 in each"):
        DecisionTree().fit(book, np.eye(1, len(book))[0])


def test_conditions_in_words():
    def rule(*conditions: Condition) -> list[str]:
        return [rule_in_words(conditions, language) for language in ("en", "zh")]

    assert rule(Condition("debt_to_income", None, 0.35, False), Condition("income", None, 45000.0, True)) == [
        "Debt to income > 35 % and Income ≤ 45,000",
        "债务收入比 > 35 %，且年收入 ≤ 45,000",
    ]
    assert rule(
        Condition("debt_to_income", None, 0.2, False),
        Condition("debt_to_income", None, 0.5, True),
        Condition("debt_to_income", None, 0.4, True),
    )[0] == "20 % < Debt to income ≤ 40 %"  # fmt: skip
    assert rule(Condition("inquiries", None, 2.5, False, whole=True))[0] == "Credit inquiries ≥ 3"
    assert rule(Condition("inquiries", None, 0.5, True, whole=True))[0] == "Credit inquiries = 0"
    assert rule(Condition("inquiries", None, 1.5, True, or_missing=True, whole=True))[0] == (
        "Credit inquiries ≤ 1 or missing"
    )
    housing, other = (Condition("loan_purpose", name, 0.5, True) for name in ("housing", "other"))
    assert rule(housing, other) == ["Loan purpose is not housing or other", "贷款用途不为housing或other"]
    assert rule(housing, Condition("loan_purpose", "other", 0.5, False))[0] == "Loan purpose is other"
    assert rule() == ["Everyone", "全部客户"]
    assert range_in_words("Score", 1.5, 2.5, whole=True) == "Score = 2"
    assert number_in_words(1234567.0) == "1,234,567"
    assert range_in_words("Score", -0.5, 0.00001234) == "−0.5 < Score ≤ 0.00001234"  # as everywhere on a page


def test_default_rates_by_hand():
    table = Tally.of(np.array([0, 0, 0, 1, 1]), np.array([1.0, 0, np.nan, 0, 0]), 3).rates()
    assert table["n"].tolist() == [3, 2, 0]
    assert table["known"].tolist() == [2, 2, 0]
    assert table["bads"].tolist() == [1, 0, 0]
    assert table["pd"].tolist()[:2] == [0.5, 0.0]
    assert table["ci_low"].tolist()[1] == 0
    assert np.isnan(table.loc[2, ["pd", "ci_low", "ci_high"]].to_numpy(dtype=float)).all()


def test_calibration_recovers_a_logistic_curve():
    rng = np.random.default_rng(9)
    score = rng.normal(3, 2, 20_000)
    probability = 1 / (1 + np.exp(-(score - 5)))
    found = Calibration().fit(score, (rng.random(20_000) < probability).astype(float))
    assert np.abs(found.probability(score) - probability).max() < 0.02


def test_calibration_is_the_maximum_of_platts_likelihood():
    """statsmodels' binomial model with his smoothed targets, (3 + 1) / (3 + 2) and 1 / (5 + 2), as outcome."""
    score, bad = np.array([1.0, 2, 3, 4, 5, 6, 7, 9]), np.array([0.0, 0, 1, 0, 0, 1, 0, 1])
    found = Calibration().fit(np.append(score, 99.0), np.append(bad, np.nan))
    target = np.where(bad == 1, 4 / 5, 1 / 7)
    theirs = sm.GLM(target, sm.add_constant(score), family=sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(found.probability(score), theirs.predict(), rtol=1e-9)


def test_defaults_are_those_of_the_protocol():
    model = DecisionTree()
    assert model.get_params() == {"inputs": None, "shares": None, "seed": 0}
    assert (model.least_leaf, model.least_leaves, model.folds, model.prior) == (0.05, 3, 5, 20.0)


def test_a_leaf_belongs_to_the_tier_in_which_its_middle_customer_falls(tree, book):
    """Riskiest leaf first, 10 % high and 30 % medium; the outermost leaves are high and low whatever their size."""
    rules = tree.rules()
    middle = (rules["n"].cumsum() - rules["n"] / 2) / len(book)
    tiers = np.select([middle < 0.1, middle < 0.4], ["high", "medium"], "low")
    tiers[[0, -1]] = "high", "low"
    assert rules["tier"].astype(str).tolist() == tiers.tolist()
    assert len(set(tiers)) > 1


def test_equal_values_go_to_premium_by_lower_risk(book):
    model = DecisionTree().fit(book, book["default"])
    table = book.assign(**dict.fromkeys(model.value_inputs_, 20_000.0))
    leaf, risk, value = model.transform(table).T
    value = steady(value)
    low = model.leaf_tier_[leaf.astype(int) - 1] == "low"
    safest = low & (risk == risk[low].min())
    model.tier_cuts_.premium_cut_ = Cut(value[0], -risk[low].min() - 1e-9)
    assert ((model.native_tiers(table) == "premium") == safest).all()
    assert 0 < safest.sum() < len(table)


def test_a_value_on_the_premium_cut_is_not_above_it(book):
    # A value of few levels ties at the cut. Whoever is premium with matched shares lies above the cut, and of the low
    # leaves the native rule makes the same customers premium.
    few = book.assign(income=np.tile([20_000.1, 30_000.3, 40_000.7], 1000), loan_amount=9_000.9)
    model = DecisionTree(seed=1).fit(few, few["default"])
    told = model.assess(few)
    cut = model.tier_cuts_.premium_cut_
    value, safety = told["value_score"], -told["risk_score"]
    above = (value > cut.first) | ((value == cut.first) & (safety > cut.second))
    low = model.leaf_tier_[told["leaf"].astype(int) - 1] == "low"
    assert ((told["native_tier"] == "premium") == (above & low)).all()
