"""Out-of-fold predictions, time splits, refits and the bootstrap by counting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from research.compare.counting import (
    centred_interval,
    draw_counts,
    need_codes,
    tier_sums,
    tier_tables,
    weighted_sums,
)
from research.compare.resampling import bootstrap_refits, out_of_fold, out_of_time, tier_codes
from research.errors import UserError
from research.tiers import TIERS

pytestmark = pytest.mark.every_python


class OneColumn:
    """Risk is one column; tiers are its training quartiles."""

    def __init__(self, column: str, noise: float = 0.0) -> None:
        self.column, self.noise = column, noise

    def fit(self, X, y):
        self.cuts_ = np.quantile(X[self.column], [0.25, 0.5, 0.75])
        return self

    def risk_score(self, X):
        return X[self.column].to_numpy()

    def predict(self, X):
        return np.array(TIERS, dtype=object)[np.searchsorted(self.cuts_, X[self.column])]

    def place(self, X):
        return {"risk": self.risk_score(X), "tier": self.predict(X)}

    def fit_place(self, X, y):
        return self.fit(X, y).place(X)


class Flat(OneColumn):
    """Knows nothing: one score for everybody, and its own probability."""

    def risk_score(self, X):
        return np.zeros(len(X))

    def place(self, X):
        return super().place(X) | {"probability": np.full(len(X), 0.25), "value": X["b"].to_numpy()}


def book(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"], index=[f"c{i}" for i in range(n)])
    y = (rng.random(n) < 1 / (1 + np.exp(1 - X["a"]))).to_numpy(dtype=float, copy=True)
    return X, y


MAKERS = {("good", "as practised"): lambda: OneColumn("a"), ("flat", "as practised"): lambda: Flat("b")}


def test_each_customer_is_tested_once_per_repeat_and_censored_ones_never():
    X, y = book()
    y[:7] = np.nan
    oof = out_of_fold(MAKERS, X, y, folds=5, repeats=2, seed=1)
    assert oof.fold.shape == (2, 200) and np.isnan(oof.y).sum() == 7
    assert (
        (oof.fold[:, :7] == -1).all()
        and np.isnan(oof.score[:, :, :7]).all()
        and (oof.tier[:, :, :7] == -1).all()
    )
    assert oof.tested.sum() == 193 and np.isfinite(oof.score[:, :, 7:]).all()
    assert (oof.n_train + oof.n_test == 193).all()
    # stratified: the folds' numbers of bad customers differ by one at most
    bads = [y[oof.fold[0] == k].sum() for k in range(5)]
    assert max(bads) - min(bads) <= 1


def test_same_seed_same_result_whatever_the_number_of_processes():
    X, y = book()
    first = out_of_fold(MAKERS, X, y, folds=4, repeats=2, seed=3, n_jobs=1)
    second = out_of_fold(MAKERS, X, y, folds=4, repeats=2, seed=3, n_jobs=2)
    for name in ("fold", "score", "probability", "tier", "tier_rate"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    other = out_of_fold(MAKERS, X, y, folds=4, repeats=2, seed=4)
    assert (other.fold != first.fold).any() and (first.fold[0] != first.fold[1]).any()


def test_predictions_are_those_of_a_model_that_saw_only_the_other_folds():
    X, y = book()
    oof = out_of_fold(MAKERS, X, y, folds=4, repeats=1, seed=3)
    rows = oof.fold[0] == 2
    model = OneColumn("a").fit(X[~rows], y[~rows])
    assert (np.array(TIERS)[oof.tier[0, 0, rows]] == model.predict(X[rows])).all()
    seen = tier_codes(model.predict(X[~rows]))
    high = seen == 3
    assert oof.tier_rate[0, 0, 2, 3] == (y[~rows][high].sum() + 0.5) / (high.sum() + 1)
    expected = oof.expected()
    assert np.array_equal(expected[0, 0, rows], oof.tier_rate[0, 0, 2][oof.tier[0, 0, rows]])


def test_probability_comes_from_the_model_where_it_has_one():
    X, y = book()
    oof = out_of_fold(MAKERS, X, y, folds=4, repeats=1, seed=3)
    assert (oof.probability[1] == 0.25).all()
    # else a logistic curve through the training scores: rising with the score, right on average
    assert np.corrcoef(oof.probability[0, 0], X["a"])[0, 1] > 0.95
    assert abs(oof.probability[0, 0].mean() - y.mean()) < 0.02


def test_too_few_defaults_for_the_folds_is_a_users_mistake():
    X, y = book()
    y[:] = 0
    y[:3] = 1
    with pytest.raises(UserError, match="folds: found 5, expected at most 3"):
        out_of_fold(MAKERS, X, y, folds=5, repeats=1)
    with pytest.raises(UserError, match="expected 0, 1 or missing"):
        out_of_fold(MAKERS, X, y + 1, folds=2, repeats=1)


def test_time_split_tests_the_latest_loans_and_keeps_a_date_together():
    X, y = book(100)
    date = pd.Series(
        pd.Timestamp("2015-01-01") + pd.to_timedelta(np.repeat(np.arange(10), 10) * 31, unit="D")
    )
    date[3] = pd.NaT
    oof = out_of_time(MAKERS, X, y, date, test_share=0.25)
    tested = oof.fold[0] >= 0
    assert tested.sum() == 20 and date[tested].min() > date[~tested].max()
    assert oof.n_train[0, 0] == 79 and not tested[3]
    with pytest.raises(UserError, match="loan_date"):
        out_of_time(MAKERS, X, y, np.repeat(pd.Timestamp("2015-01-01"), 100))


def test_refits_place_every_customer():
    X, y = book()
    refits = bootstrap_refits(MAKERS, X, y, resamples=4, seed=5)
    again = bootstrap_refits(MAKERS, X, y, resamples=4, seed=5, n_jobs=2)
    assert refits.tier.shape == (2, 4, 200) and (refits.tier == again.tier).all()
    assert (refits.tier[0, 0] != refits.tier[0, 1]).any()


def test_unknown_tier_is_named():
    with pytest.raises(UserError, match="found gold"):
        tier_codes(["premium", "gold"])


def test_tables_by_hand():
    X, y = book(60)
    oof = out_of_fold(MAKERS, X, y, folds=3, repeats=2, seed=0)
    tables, sums = tier_tables(oof), tier_sums(oof, X["b"].to_numpy())
    rows = (oof.fold[1] == 2) & (oof.tier[0, 1] == 3)
    assert tables[0, 1, 2, 3].tolist() == [(y[rows] == 0).sum(), (y[rows] == 1).sum()]
    assert sums[0, 1, 2, 3] == pytest.approx(X["b"][rows].sum())
    assert tables.sum() == 2 * 2 * 60


def test_drawn_counts_add_up_and_sums_follow():
    counts = draw_counts(40, 7, seed=1)
    assert counts.shape == (7, 40) and (counts.sum(axis=1) == 40).all()
    assert (counts == draw_counts(40, 9, seed=1)[:7]).all()
    for columns in (np.arange(80).reshape(40, 2), np.linspace(0, 1, 80).reshape(40, 2)):
        assert np.allclose(weighted_sums(counts, columns), counts.astype(float) @ columns, rtol=1e-12)


def test_interval_is_moved_onto_its_estimate():
    rng = np.random.default_rng(1)
    sample = rng.normal(0.3, 0.1, size=20_000)
    low, high = centred_interval(np.array(0.1), sample, 0, 1)
    assert low == 0 and high == pytest.approx(0.1 + 1.96 * 0.1, abs=0.01)


@pytest.mark.filterwarnings("error")
def test_interval_of_what_no_sample_measured_is_missing():
    sample = np.column_stack([np.full(50, np.nan), np.linspace(0, 1, 50)])
    low, high = centred_interval(np.array([0.2, 0.5]), sample)
    assert np.isnan([low[0], high[0]]).all() and 0 < low[1] < 0.5 < high[1]


def test_need_codes_cut_numbers_and_keep_categories():
    codes, size = need_codes(pd.Series(["car", None, "home", "car"], dtype="category"))
    assert codes.tolist() == [0, -1, 1, 0] and size == 2
    codes, size = need_codes(np.array([1.0, 2, 3, 4, 5, 6, 7, np.nan]))
    assert size == 4 and codes[-1] == -1 and codes[:-1].tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_too_few_good_customers_are_a_users_mistake_too():
    X, _ = book()
    with pytest.raises(UserError, match="found 5, expected at most 3"):
        out_of_fold(MAKERS, X, np.where(np.arange(200) < 3, 0.0, 1.0), folds=5)


class Remembering(OneColumn):
    """Keeps the outcomes it was fitted on."""

    seen: list[np.ndarray] = []

    def fit(self, X, y):
        self.seen.append(np.asarray(y))
        return super().fit(X, y)


def test_refits_keep_the_number_of_each_outcome():
    X, y = book()
    y[:5] = np.nan
    Remembering.seen.clear()
    bootstrap_refits({("m", "equal"): lambda: Remembering("a")}, X, y, resamples=3, seed=1)
    assert [(seen.sum(), len(seen)) for seen in Remembering.seen] == [(np.nansum(y), 195)] * 3


class Same(OneColumn):
    """One score for everybody and no probability of its own."""

    def risk_score(self, X):
        return np.zeros(len(X))


def test_a_constant_score_gets_the_training_rate_as_probability():
    X, y = book()
    oof = out_of_fold({("m", "equal"): lambda: Same("a")}, X, y, folds=4, repeats=1, seed=3)
    for k in range(4):
        rows = oof.fold[0] == k
        np.testing.assert_allclose(oof.probability[0, 0, rows], y[~rows].mean())


def test_only_the_unknown_tier_is_named():
    with pytest.raises(UserError, match="found best, expected"):
        tier_codes(["premium", "best"])


def test_sums_do_not_depend_on_the_blocks_they_are_taken_in(monkeypatch):
    counts, columns = draw_counts(50, 7, 1), np.random.default_rng(2).random((50, 3))
    whole = weighted_sums(counts, columns)
    monkeypatch.setattr("research.compare.counting.BLOCK_CELLS", 1)
    np.testing.assert_allclose(weighted_sums(counts, columns), whole)
    np.testing.assert_allclose(whole, counts.astype(float) @ columns)


def test_as_few_numbers_as_bins_stay_as_they_are():
    codes, found = need_codes(pd.Series([1.0, 1, 1, 2, 3, 3, 4, np.nan]), bins=4)
    assert (codes.tolist(), found) == ([0, 0, 0, 1, 2, 2, 3, -1], 4)


def test_a_score_without_probability_gets_that_of_a_logistic_curve():
    """statsmodels' GLM on the scores as they are, to convergence; the unit of a score does not matter."""
    X, y = book()
    wide = X.assign(a=40 + 25 * X["a"])
    oof = out_of_fold({("m", "equal"): lambda: OneColumn("a")}, wide, y, folds=4, repeats=1, seed=3)
    rows = oof.fold[0] == 1
    x = sm.add_constant(X["a"].to_numpy())
    curve = sm.GLM(y[~rows], x[~rows], family=sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(oof.probability[0, 0, rows], curve.predict(x[rows]), atol=1e-9)
