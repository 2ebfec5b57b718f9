"""Criteria 1-6 and 8, each against an independent implementation or a table computed by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hmeasure import h_score
from optbinning import OptimalBinning
from scipy import integrate, stats
from sklearn import metrics
from statsmodels.formula.api import ols

from research.compare import calibration, discrimination, ordering, purposes, separation, stability
from research.compare.criteria import (
    COLUMNS,
    book_measures,
    criterion_table,
    definitions,
    fold_measures,
    summarise_folds,
)
from research.compare.parsimony import parsimony
from research.compare.resampling import Refits, bootstrap_refits, out_of_fold
from research.errors import UserError
from research.tiers import TIERS

RNG = np.random.default_rng(11)
SAMPLES = [
    (y, score)
    for n, decimals in ((60, 9), (400, 9), (400, 1), (400, 0))
    for y in [(RNG.random(n) < 0.3).astype(float)]
    for score in [np.round(RNG.normal(size=n) + y, decimals)]
]
# good, bad per tier, premium to high
TABLE = np.array([[95, 5], [180, 20], [80, 20], [30, 20]])


class Ranked:
    """Risk is column a, value column b; the riskiest tenth is high, and so on; no premium cut on value."""

    def fit(self, X, y):
        self.cuts_ = np.quantile(X["a"], [0.1, 0.6, 0.9])
        return self

    def risk_score(self, X):
        return X["a"].to_numpy()

    def predict(self, X):
        return np.array(TIERS, dtype=object)[np.searchsorted(self.cuts_, X["a"])]

    def place(self, X):
        return {"risk": self.risk_score(X), "tier": self.predict(X)}

    def fit_place(self, X, y):
        return self.fit(X, y).place(X)


class Noise(Ranked):
    """The same tiers from a column without meaning."""

    def fit(self, X, y):
        return super().fit(X.assign(a=X["c"]), y)

    def risk_score(self, X):
        return X["c"].to_numpy()

    def predict(self, X):
        return super().predict(X.assign(a=X["c"]))


def book(n: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    X["value"] = np.exp(1 - X["a"] + rng.normal(size=n))
    X["need"] = np.where(X["a"] + rng.normal(size=n) > 0, "cash", "car")
    return X, (rng.random(n) < 1 / (1 + np.exp(1.5 - 1.5 * X["a"]))).to_numpy(dtype=float)


MAKERS = {("ranked", "equal"): Ranked, ("noise", "equal"): Noise}


# -- find the risky: scores ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("y", "score"), SAMPLES)
def test_auc_ks_and_h_measure_equal_the_packages(y, score):
    assert discrimination.auc(y, score) == pytest.approx(metrics.roc_auc_score(y, score), abs=1e-14)
    assert discrimination.gini(y, score) == pytest.approx(2 * metrics.roc_auc_score(y, score) - 1, abs=1e-14)
    distance = discrimination.ks_of_groups(*discrimination.curve(y, score))
    assert distance == pytest.approx(stats.ks_2samp(score[y == 1], score[y == 0]).statistic)
    # the package wants scores between 0 and 1; the measure depends on the order only
    unit = (score - score.min()) / (score.max() - score.min())
    assert discrimination.h_measure(y, score) == pytest.approx(h_score(y, unit), abs=1e-12)


def test_h_measure_is_the_integral_of_its_definition():
    y, score = SAMPLES[1]
    share = y.mean()
    a, b = 2, 1 + (1 - share) / share
    cuts = np.append(np.unique(score), np.inf)
    alarms = np.array([(score[y == 0] >= cut).mean() for cut in cuts])
    misses = np.array([(score[y == 1] < cut).mean() for cut in cuts])
    cost = np.linspace(0, 1, 20_001)
    density = stats.beta.pdf(cost, a, b)
    loss = np.min(np.outer(cost, (1 - share) * alarms) + np.outer(1 - cost, share * misses), axis=1)
    worst = np.minimum(cost * (1 - share), (1 - cost) * share)
    direct = 1 - integrate.simpson(loss * density, x=cost) / integrate.simpson(worst * density, x=cost)
    assert discrimination.h_measure(y, score) == pytest.approx(direct, abs=1e-5)


def test_a_useless_and_a_perfect_score():
    y = np.array([0.0, 0, 1, 1, 0, 1])
    assert discrimination.h_measure(y, np.zeros(6)) == pytest.approx(0)
    assert discrimination.h_measure(y, y) == pytest.approx(1)
    assert discrimination.auc(y, np.zeros(6)) == 0.5
    assert discrimination.ks_of_groups(*discrimination.curve(y, y)) == 1
    with pytest.raises(UserError, match="1 missing values"):
        discrimination.auc(y, np.array([0, 1, 2, 3, 4, np.nan]))


@pytest.mark.parametrize(("y", "score"), SAMPLES)
def test_delong_equals_its_definition(y, score):
    other = score + RNG.normal(size=len(score))
    areas, covariance = discrimination.delong(y, np.stack([score, other]))
    placements = []
    for s in (score, other):
        wins = (s[y == 1][:, None] > s[y == 0]) + 0.5 * (s[y == 1][:, None] == s[y == 0])
        placements.append((wins.mean(axis=1), wins.mean(axis=0)))
    of_bad, of_good = np.cov([p[0] for p in placements]), np.cov([p[1] for p in placements])
    direct = of_bad / (y == 1).sum() + of_good / (y == 0).sum()
    assert np.allclose(covariance, direct, atol=1e-15)
    assert areas == pytest.approx([metrics.roc_auc_score(y, s) for s in (score, other)])
    interval = discrimination.delong_interval(y, score).iloc[0]
    assert interval["ci_low"] < interval["estimate"] < interval["ci_high"] <= 1


# -- find the risky: tiers ------------------------------------------------------------------------------------------


def test_trend_by_the_armitage_formula():
    n, bad, rank = TABLE.sum(axis=1), TABLE[:, 1], np.arange(4)
    share = bad.sum() / n.sum()
    top = (rank * (bad - n * share)).sum()
    variance = share * (1 - share) * ((n * rank**2).sum() - (n * rank).sum() ** 2 / n.sum())
    row = ordering.cochran_armitage(TABLE).iloc[0]
    assert row["statistic"] == pytest.approx(top / np.sqrt(variance))
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(row["statistic"]))
    ranks, outcome = (
        np.repeat(np.repeat(rank, 2), TABLE.ravel()),
        np.repeat(np.tile([0, 1], 4), TABLE.ravel()),
    )
    assert row["effect"] == pytest.approx(np.corrcoef(ranks, outcome)[0, 1])
    assert row["statistic"] == pytest.approx(row["effect"] * np.sqrt(n.sum()))


def test_strict_order_needs_every_tier():
    tied = np.array([[9, 1], [9, 1], [8, 2], [5, 5]])
    empty = np.array([[0, 0], [9, 1], [8, 2], [5, 5]])
    assert ordering.strictly_ordered(np.stack([TABLE, tied, empty, TABLE[::-1]])).tolist() == [
        True, False, False, False,
    ]  # fmt: skip
    assert ordering.default_rates(TABLE).tolist() == [0.05, 0.1, 0.2, 0.4]


def test_information_value_by_hand_and_as_optbinning():
    good, bad = TABLE[:, 0] / 385, TABLE[:, 1] / 65
    assert ordering.information_value(TABLE) == pytest.approx(((good - bad) * np.log(good / bad)).sum())
    tier = np.repeat(np.repeat(np.arange(4), 2), TABLE.ravel())
    outcome = np.repeat(np.tile([0, 1], 4), TABLE.ravel())
    binning = OptimalBinning(user_splits=[0.5, 1.5, 2.5], user_splits_fixed=[True] * 3, dtype="numerical")
    binning.fit(tier, outcome)
    binning.binning_table.build()
    assert ordering.information_value(TABLE) == pytest.approx(binning.binning_table.iv, abs=1e-9)
    assert np.isfinite(ordering.information_value(np.array([[5, 0], [0, 0], [5, 5], [2, 5]])))


# -- state the risk ------------------------------------------------------------------------------------------


def test_brier_of_tiers_equals_scikit_learn():
    expected = np.array([0.04, 0.1, 0.25, 0.5])
    outcome = np.repeat(np.tile([0, 1], 4), TABLE.ravel())
    probability = np.repeat(expected, TABLE.sum(axis=1))
    assert calibration.brier_of_tiers(TABLE, expected) == pytest.approx(
        metrics.brier_score_loss(outcome, probability)
    )
    assert calibration.brier(outcome, probability) == pytest.approx(
        metrics.brier_score_loss(outcome, probability)
    )


def test_calibration_error_by_hand():
    # expected bad 4, 20, 25, 25 against 5, 20, 20, 20: 1 + 0 + 5 + 5 of 450 customers
    due = TABLE.sum(axis=1) * np.array([0.04, 0.1, 0.25, 0.5])
    assert calibration.ece_of_tiers(TABLE[:, 1], TABLE.sum(axis=1), due) == pytest.approx(11 / 450)
    y = np.array([0.0, 0, 0, 1, 0, 1, 1, 1])
    probability = np.array([0.1] * 4 + [0.8] * 4)
    assert calibration.expected_calibration_error(y, probability, bins=2) == pytest.approx((0.6 + 0.2) / 8)


def test_calibration_error_has_as_many_bins_as_asked_for():
    """Halves {0.1, 0.2} and {0.3, 0.4} with one bad customer at 0.1: (|1 − 0.3| + |0 − 0.7|) / 4."""
    error = calibration.expected_calibration_error([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], bins=2)
    assert error == pytest.approx(1.4 / 4)
    assert calibration.expected_calibration_error([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], bins=1) < 1e-15
    apart = calibration.expected_calibration_error([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], bins=4)
    assert apart == pytest.approx((0.9 + 0.2 + 0.3 + 0.4) / 4)


def test_a_tier_of_one_customer_has_a_rate_and_an_empty_one_has_none():
    rates = ordering.default_rates(np.array([[0, 1], [1, 0], [0, 0], [1, 1]]))
    np.testing.assert_array_equal(rates, [1, 0, np.nan, 0.5])
    assert not ordering.strictly_ordered(np.array([[1, 0], [2, 1], [0, 0], [0, 1]]))


def test_the_interval_of_an_area_stays_within_its_bounds():
    row = discrimination.delong_interval([0, 0, 0, 1, 1, 1], [6, 5, 3, 4, 2, 1]).iloc[0]
    assert (row["estimate"], row["ci_low"]) == (pytest.approx(1 / 9), 0)
    row = discrimination.delong_interval([1, 1, 1, 0, 0, 0], [6, 5, 3, 4, 2, 1]).iloc[0]
    assert (row["estimate"], row["ci_high"]) == (pytest.approx(8 / 9), 1)


# -- criteria 4 and 5 ----------------------------------------------------------------------------------------------


def test_eta_squared_equals_the_regression():
    tier, value = RNG.integers(0, 4, 200), RNG.lognormal(size=200)
    value[tier == 0] *= 3
    size, total = np.bincount(tier).astype(float), np.bincount(tier, weights=value)
    ours = separation.eta_squared(size, total, np.bincount(tier, weights=value**2))
    fit = ols("value ~ C(tier)", pd.DataFrame({"tier": tier, "value": value})).fit()
    assert ours == pytest.approx(fit.rsquared)


def test_concentration_by_hand():
    size = np.array([25.0, 25, 25, 25])
    assert separation.concentration(size, np.array([1.0, 1, 1, 1])) == pytest.approx(0)
    # all value in the first quarter: area 1 - 1/8 under the curve
    assert separation.concentration(size, np.array([1.0, 0, 0, 0])) == pytest.approx(0.75)
    assert separation.concentration(size, np.array([0.0, 0, 0, 1])) == pytest.approx(-0.75)
    assert separation.premium_value_share(np.array([3.0, 1, 0, 0])) == 0.75
    # customers as tiers of one, best first: the ordinary Gini coefficient, sum |a - b| / (2 n² mean) = 0.35
    assert separation.concentration(np.ones(4), np.array([5.0, 3, 1, 1])) == pytest.approx(0.35)


def test_cramers_v_equals_bergsmas_formula():
    table = np.array([[30, 10, 5], [20, 20, 15], [5, 15, 30], [0, 0, 0]])
    filled = table[:3]
    chi2, n = stats.chi2_contingency(filled, correction=False).statistic, filled.sum()
    phi2 = max(0, chi2 / n - 4 / (n - 1))
    k = 3 - 4 / (n - 1)
    assert separation.cramers_v(table) == pytest.approx(np.sqrt(phi2 / (k - 1)))
    assert separation.cramers_v(np.full((4, 3), 10)) == 0
    single = np.array([[5, 4, 1], [0, 0, 3], [1, 0, 0]])  # a row of one customer is a row
    excess = stats.chi2_contingency(single, correction=False).statistic / 14 - 4 / 13
    assert separation.cramers_v(single) == pytest.approx(np.sqrt(max(0, excess) / (3 - 4 / 13 - 1)))
    rare = np.array([[8, 1, 0], [1, 0, 1]])  # half of the cells are expected to hold less than one customer
    excess = stats.chi2_contingency(rare, correction=False).statistic / 11 - 2 / 10
    assert separation.cramers_v(rare) == pytest.approx(np.sqrt(max(0, excess) / (2 - 1 / 10 - 1)))


def test_adjusted_mutual_information_equals_scikit_learn():
    tier, need = RNG.integers(0, 4, 300), RNG.integers(0, 3, 300)
    need[tier == 2] = 1
    table = pd.crosstab(tier, need).to_numpy()
    ours = separation.adjusted_mutual_information(table)
    assert ours == pytest.approx(metrics.adjusted_mutual_info_score(tier, need))
    assert separation.adjusted_mutual_information(np.array([[5]])) == 1
    assert separation.adjusted_mutual_information(np.stack([table, table]))[1] == ours


# -- hold still ------------------------------------------------------------------------------------------


def test_rand_index_of_all_pairs_equals_scikit_learn():
    tier = RNG.integers(0, 4, (5, 80)).astype(np.int8)
    tier[1] = tier[0]
    tier[1, :10] = 2
    pairs = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    oracle = [metrics.adjusted_rand_score(tier[a], tier[b]) for a, b in pairs]
    assert np.allclose(stability.pairwise_rand(tier), oracle)
    assert stability.pairwise_rand(np.zeros((2, 9), int)) == 1


def test_entropy_by_hand():
    tier = np.array([[0, 1, 0], [0, 1, 1], [0, 2, 2], [0, 2, 3]])
    assert stability.tier_entropy(tier) == pytest.approx([0, 0.5, 1])


# -- be used by hand ------------------------------------------------------------------------------------------


def test_parsimony_counts_inputs_rules_and_conditions():
    rules = pd.DataFrame({"length": [2, 3, 1]})
    counted = parsimony(["a", "b", "c", "a"], rules, [0.1, 0.5, 0.3, 0.1], 7).set_index("measure")["estimate"]
    assert counted.to_dict() == {
        "rows_by_hand": 7, "inputs": 3, "rules": 3, "rule_length": 2, "conditions": 6, "smallest_tier": 0.1,
    }  # fmt: skip
    black_box = parsimony(["a"], rules.head(0), [1.0]).set_index("measure")["estimate"]
    assert np.isnan(black_box["conditions"])


# -- the table -----------------------------------------------------------------------------------------------------


def test_every_purpose_has_measures_and_version_one_had_ten_primary_ones():
    table = definitions()
    assert table["measure"].is_unique and set(table["direction"]) == {"higher", "lower"}
    assert set(table["purpose"]) == set(purposes.definitions().index)
    assert len(table.query("primary_of_version_1 == 'yes'")) == 10
    assert table.drop(columns="caveat").notna().all().all()


@pytest.mark.parametrize(
    ("kinds", "measures"),
    [
        (("area",), {"auc", "ks", "gini"}),
        (("need",), {"cramers_v", "ami"}),
        (
            ("score", "value"),
            {"h_measure", "emp", "brier_score", "eta_squared", "concentration", "premium_value_share"},
        ),
    ],
)
def test_measures_asked_for_alone_are_those_of_the_whole_table(kinds, measures):
    X, y = book()
    oof = out_of_fold(MAKERS, X, y, folds=5, repeats=1, seed=0)
    every, some = (fold_measures(oof, X["value"], X["need"], **asked) for asked in ({}, {"kinds": kinds}))
    assert set(some["measure"]) == measures
    pd.testing.assert_frame_equal(every[every["measure"].isin(measures)].reset_index(drop=True), some)


def test_the_table_of_criteria():
    X, y = book()
    oof = out_of_fold(MAKERS, X, y, folds=5, repeats=2, seed=0)
    folds = fold_measures(oof, X["value"], X["need"])
    refits = bootstrap_refits(MAKERS, X, y, resamples=5)
    counted = {
        pair: parsimony(["a"], pd.DataFrame({"length": [1, 1, 1]}), [0.1, 0.5, 0.3, 0.1]) for pair in MAKERS
    }
    table = criterion_table(oof, folds, "invented", refits, counted, resamples=200)
    assert table.columns.tolist() == COLUMNS and set(table["purpose"]) == {*purposes.definitions().index} - {
        "fairness",
        "practitioners",
    }
    assert not table.duplicated(["measure", "model", "arm"]).any() and (table["dataset"] == "invented").all()
    found = table.set_index(["measure", "model"])["estimate"]
    directions = definitions().set_index("measure")["direction"]
    for measure in ("auc", "tier_auc", "trend_effect", "information_value", "brier", "concentration", "cramers_v",
                    "ami", "emp", "ordered_share"):  # fmt: skip
        sign = 1 if directions[measure] == "higher" else -1
        assert sign * found[measure, "ranked"] > sign * found[measure, "noise"], measure
    assert found["score_ece", "ranked"] == pytest.approx(
        np.mean([calibration.expected_calibration_error(y, oof.probability[0, r]) for r in range(2)])
    )
    whole = [pd.crosstab(oof.tier[0, r], y).to_numpy() for r in range(2)]
    z = [ordering.cochran_armitage(t)["statistic"].item() for t in whole]
    assert found["trend_z", "ranked"] == pytest.approx(np.mean(z)) and found["trend_z", "ranked"] > 5
    # one fold by hand
    rows = oof.fold[1] == 3
    one = folds.query("model == 'ranked' and repeat == 1 and fold == 3").set_index("measure")["estimate"]
    assert one["auc"] == pytest.approx(metrics.roc_auc_score(y[rows], X["a"][rows]))
    assert one["tier_auc"] == pytest.approx(metrics.roc_auc_score(y[rows], oof.tier[0, 1, rows]))
    expected = oof.expected()[0, 1, rows]
    assert one["brier"] == pytest.approx(metrics.brier_score_loss(y[rows], expected))
    tiers = oof.tier[0, 1, rows]
    fit = ols("value ~ C(tier)", pd.DataFrame({"tier": tiers, "value": X["value"][rows].to_numpy()})).fit()
    assert one["eta_squared"] == pytest.approx(fit.rsquared)
    assert one["ami"] == pytest.approx(metrics.adjusted_mutual_info_score(tiers, X["need"][rows]))


def test_ordered_share_equals_a_loop_over_the_same_samples():
    X, y = book(300)
    oof = out_of_fold(MAKERS, X, y, folds=3, repeats=1, seed=0)
    table = criterion_table(oof, fold_measures(oof), "invented", resamples=60, seed=8)
    rng, ordered = np.random.default_rng(8), []
    for _ in range(60):
        drawn = rng.integers(0, 300, 300, dtype=np.int32)
        rates = pd.Series(y[drawn]).groupby(oof.tier[0, 0, drawn]).mean()
        ordered.append(len(rates) == 4 and rates.is_monotonic_increasing and rates.is_unique)
    row = table.query("measure == 'ordered_share' and model == 'ranked'").iloc[0]
    assert row["estimate"] == pytest.approx(np.mean(ordered))


def test_rows_of_other_criteria_join_the_table_where_their_measure_is_defined():
    X, y = book(300)
    oof = out_of_fold(MAKERS, X, y, folds=3, repeats=1, seed=0)
    one = {"model": "ranked", "arm": "equal", "estimate": 0.1, "n": 300}
    other = pd.DataFrame([{"measure": name, **one} for name in ("moved", "missed_need")])
    table = criterion_table(oof, fold_measures(oof), "invented", resamples=10, others=[other])
    rows = table.query("model == 'ranked'").set_index("measure")
    assert rows.loc["moved", "purpose"] == "stability" and "missed_need" not in rows.index


def test_censored_customers_are_counted_nowhere():
    X, y = book(300)
    y[:30] = np.nan
    oof = out_of_fold(MAKERS, X, y, folds=3, repeats=2, seed=0)
    summary = summarise_folds(fold_measures(oof), oof)
    assert (summary["n"] == 270).all()
    assert oof.test_train_ratio == pytest.approx(0.5)
    book_ = book_measures(oof, resamples=20).query("model == 'ranked'").set_index("measure")
    assert (book_["n"] == 270).all()
    known = oof.tested
    errors = [
        calibration.expected_calibration_error(y[known], oof.probability[0, r, known]) for r in range(2)
    ]
    assert book_.loc["score_ece", "estimate"] == pytest.approx(np.mean(errors))


def test_observed_and_expected_by_tier():
    X, y = book()
    oof = out_of_fold(MAKERS, X, y, folds=5, repeats=2, seed=0)
    table = calibration.tier_calibration(oof)
    ranked = table.query("model == 'ranked'")
    assert ranked["tier"].tolist() == list(TIERS) and ranked["n"].sum() == pytest.approx(600)
    rate = np.mean([y[oof.tier[0, r] == 3].mean() for r in range(2)])
    assert ranked["observed"].iloc[3] == pytest.approx(rate, abs=0.01)
    assert (
        ranked["observed"].is_monotonic_increasing and ranked["observed_to_expected"].between(0.7, 1.3).all()
    )


def test_stability_over_refits_by_hand():
    """Four refits of six customers: two move between two tiers half of the time, entropy ln 2 / ln 4 = ½."""
    tier = np.zeros((1, 4, 6), dtype=np.int8)
    tier[0, :2, 0] = tier[0, 1:3, 1] = 1
    tier[0, :, 4:] = 3
    table = stability.stability(Refits((("m", "equal"),), tier)).set_index("measure")
    error = 1.96 * np.std([0.5, 0.5, 0, 0, 0, 0], ddof=1) / np.sqrt(6)
    row = table.loc["tier_entropy"]
    assert row["estimate"] == pytest.approx(1 / 6)
    assert (row["ci_low"], row["ci_high"]) == (
        pytest.approx(max(0, 1 / 6 - error)),
        pytest.approx(1 / 6 + error),
    )
    assert table.loc["moved", "estimate"] == pytest.approx(2 / 6)
    values = {pair: metrics.adjusted_rand_score(*tier[0, list(pair)]) for pair in combinations(range(4), 2)}
    without = np.array([np.mean([v for pair, v in values.items() if left not in pair]) for left in range(4)])
    error = np.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, 3) * error
    estimate = np.mean(list(values.values()))
    row = table.loc["ari"]
    assert row["estimate"] == pytest.approx(estimate)
    assert row["ci_low"] == pytest.approx(estimate - half)
    assert row["ci_high"] == pytest.approx(min(1, estimate + half))
    three = stability.stability(Refits((("m", "equal"),), tier[:, :3])).set_index("measure")
    assert three.loc["ari", ["ci_low", "ci_high"]].isna().all()
