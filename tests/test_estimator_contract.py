"""Every model keeps scikit-learn's estimator contract, and the contract of this study on top of it."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks as checks

from research.errors import UserError
from research.segment.abc_model import ABC
from research.segment.references import GradeTiers, GradientBoosting, RandomTiers
from research.segment.registry import ARMS, MODELS, make, not_testable
from research.segment.rfm import RFM
from research.segment.scorecard import Scorecard
from research.segment.tree import DecisionTree
from research.tiers import TIERS

TEXT = "predict returns tier names and the check compares predictions as numbers; it runs on the ranked twin"
COMPARING = (
    "check_estimators_pickle",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
)


class FewTrees(GradientBoosting):
    """Boosting that is quick, and splits samples as small as those of the checks."""

    trees, least_leaf = 5, 5


ESTIMATORS = [
    RFM(),
    RFM(inputs="all"),
    ABC(),
    ABC(inputs="all"),
    DecisionTree(),
    RandomTiers(),
    GradeTiers(),
    Scorecard(),
    FewTrees(),
]
FITTED = [name for name in MODELS if name != "optimal_tree"]


def ranked(estimator):
    """Return a copy whose predict gives ranks 0 premium … 3 high, so that numeric checks can compare them."""

    class Ranked(type(estimator)):
        def predict(self, X) -> np.ndarray:
            return np.array([TIERS.index(name) for name in super().predict(X)])

    Ranked.__name__ = Ranked.__qualname__ = f"Ranked{type(estimator).__name__}"
    globals()[Ranked.__name__] = Ranked  # so that it can be pickled
    return Ranked(**estimator.get_params())


@checks.parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=lambda estimator: dict.fromkeys(COMPARING, TEXT), xfail_strict=True
)
def test_scikit_learn_contract(estimator, check):
    if check.func.__name__ not in COMPARING:
        check(estimator)
        return
    try:
        check(estimator)
    except TypeError as error:  # expected; without its long traceback the report is written much faster
        raise AssertionError(f"{TEXT}: {error}") from None


@pytest.mark.parametrize("check", [partial(getattr(checks, name)) for name in COMPARING], ids=COMPARING)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_checks_that_compare_predictions(estimator, check):
    twin = ranked(estimator)
    check(type(twin).__name__, clone(twin))


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 600
    table = pd.DataFrame(
        {
            "credit_grade": rng.integers(1, 30, n).astype(float),
            "debt_to_income": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 0.1, n)),
            "past_delinquencies": rng.poisson(0.3, n).astype(float),
            "loan_amount": rng.lognormal(9, 0.6, n),
            "income": rng.lognormal(11, 0.5, n),
            "recency_months": np.where(rng.random(n) < 0.05, np.nan, rng.integers(0, 24, n)),
            "frequency_count": rng.poisson(3, n).astype(float),
            "monetary_amount": rng.lognormal(8, 1, n),
            "need_intensity": rng.random(n),
            "loan_purpose": pd.Categorical(rng.choice(["housing", "consumption", "other"], n)),
            "region": pd.Categorical(rng.choice(["north", "south"], n)),
            "age": rng.integers(20, 70, n).astype(float),
        },
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )
    odds = -3 + 0.12 * table["credit_grade"] + (table["loan_purpose"] == "other")
    table["default"] = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return table


@pytest.fixture(scope="module")
def fitted(customers) -> dict:
    return {
        (name, arm): make(name, arm, seed=3).fit(customers, customers["default"])
        for name in FITTED
        for arm in (ARMS if MODELS[name].arms_differ else ARMS[:1])
    }


def test_shares_are_matched_on_training_customers(fitted, customers):
    for (name, arm), model in fitted.items():
        shares = pd.Series(model.predict(customers)).value_counts(normalize=True)
        found = [shares.get(tier, 0) for tier in TIERS]
        assert found == pytest.approx([0.1, 0.5, 0.3, 0.1], abs=0.011), (name, arm)


@pytest.mark.parametrize("outcome", ["default", None])
def test_fitting_and_placing_at_once_is_fitting_and_then_placing(fitted, customers, outcome):
    for (name, arm), model in fitted.items():
        if outcome is None and model.needs_outcome:
            continue
        y = customers[outcome] if outcome else None
        once = make(name, arm, seed=3).fit_place(customers, y)
        then = make(name, arm, seed=3).fit(customers, y).place(customers)
        assert list(once) == list(then), (name, arm)
        assert ("probability" in once) == (outcome is not None)
        for field, values in once.items():
            np.testing.assert_array_equal(values, then[field], err_msg=f"{name} {arm} {field}")


def test_one_customer_alone_gets_the_same_tier(fitted, customers):
    for key, model in fitted.items():
        together = model.predict(customers)[:10]
        alone = [model.predict(customers.iloc[[i]])[0] for i in range(10)]
        assert list(together) == alone, key


def test_only_inputs_are_read(fitted, customers):
    for key, model in fitted.items():
        needed = list(dict.fromkeys([*model.inputs_, *getattr(model, "value_inputs_", [])]))
        assert not {"age", "region", "default"} & set(needed), key
        assert list(model.predict(customers[needed])) == list(model.predict(customers)), key
        with pytest.raises(UserError, match=needed[0]):
            model.predict(customers.drop(columns=needed[0]))


def test_column_order_does_not_matter(fitted, customers):
    for key, model in fitted.items():
        assert list(model.predict(customers[customers.columns[::-1]])) == list(model.predict(customers)), key


def test_predict_never_relearns(fitted, customers):
    riskier = customers.copy()
    riskier["credit_grade"] += 15
    before = pickle.dumps(fitted["grade", ARMS[0]].tier_cuts_)
    tiers = fitted["grade", ARMS[0]].predict(riskier)
    assert (tiers == "high").mean() > 0.4
    assert pickle.dumps(fitted["grade", ARMS[0]].tier_cuts_) == before


def test_assess_agrees_with_the_single_methods(fitted, customers):
    for key, model in fitted.items():
        frame = model.assess(customers)
        assert list(frame.index) == list(customers.index), key
        np.testing.assert_array_equal(frame["risk_score"], model.risk_score(customers))
        np.testing.assert_array_equal(frame["value_score"], model.place(customers)["value"])
        assert list(frame["tier"]) == list(model.predict(customers)), key
        assert list(frame["native_tier"]) == list(model.native_tiers(customers)), key
        assert list(model.get_feature_names_out()) == list(frame.columns[: frame.shape[1] - 4]), key


def test_rules_are_tables_with_counts(fitted, customers):
    for key, model in fitted.items():
        rules = model.rules()
        assert {"rule", "length", "n", "bads", "pd", "ci_low", "ci_high", "tier"} <= set(rules), key
        assert rules["rule"].is_unique, key
        if key[0] != "scorecard":  # each customer falls under one rule; in a points table under one per input
            assert rules["n"].sum() == len(customers), key
            assert rules["bads"].sum() == customers["default"].sum(), key


def test_default_probability_is_right_on_average(fitted, customers):
    for key, model in fitted.items():
        probability = model.place(customers)["probability"]
        assert probability.mean() == pytest.approx(customers["default"].mean(), abs=0.02), key


def test_censored_customers_do_not_count_as_good(customers):
    outcome = customers["default"].copy()
    outcome[outcome.index[:100]] = np.nan
    known = outcome.notna()
    for name in ("tree", "scorecard", "boosting"):
        some = make(name, shares=None).fit(customers, outcome)
        assert some.rules()["n"].sum() >= known.sum()
        assert some.place(customers)["probability"].mean() == pytest.approx(outcome.mean(), abs=0.03)


def test_unknown_names_are_told(customers):
    with pytest.raises(UserError, match="did you mean 'tree'"):
        make("tre")
    with pytest.raises(UserError, match="as practised"):
        make("tree", "practised")
    with pytest.raises(UserError, match="none of the columns is a predictor"):
        DecisionTree().fit(customers[["age", "region"]], customers["default"])
    with pytest.raises(UserError, match="no column 'incme'; did you mean 'income'"):
        DecisionTree(inputs=["incme"]).fit(customers, customers["default"])
    with pytest.raises(UserError, match="two values"):
        DecisionTree().fit(customers, customers["frequency_count"])
    with pytest.raises(UserError, match="infinite"):
        DecisionTree().fit(customers.assign(income=np.inf), customers["default"])


def test_what_a_table_cannot_test():
    assert "RFM is not testable" in not_testable("rfm", ["income"])
    assert not_testable("rfm", ["income"], "equal information") == ""
    assert not_testable("rfm", ["recency_months"]) == ""
    assert not_testable("tree", ["income"]) == ""
    assert "One grade or score" in not_testable("grade", ["income"])


def test_weights_reach_their_model():
    weights = {"A": 0.5, "B": 0.3, "C": 0.2, "R": 0.6, "F": 0.3, "M": 0.1}
    assert make("rfm", weights=weights).weights == {"R": 0.6, "F": 0.3, "M": 0.1}
    assert make("abc", weights=weights).weights == {"A": 0.5, "B": 0.3, "C": 0.2}
    assert make("rfm", weights={"A": 1, "B": 1, "C": 1}).weights is None
    assert make("abc", "equal information").inputs == "predictors"
