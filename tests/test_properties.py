"""Properties that hold for any data: what must not change, what must add up, what must stay within bounds.

Examples are drawn by hypothesis, the same ones at every run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu
from sklearn.metrics import cohen_kappa_score

from research.collect.worth import need, worth
from research.compare import calibration, discrimination, economics, ordering, separation
from research.compare.practitioners import quadratic_kappa
from research.fieldwork.interviews import agreement, saturation
from research.fieldwork.survey import ahp, group_comparison, reliability
from research.intervals import jeffreys
from research.manage import break_even, drift, migration, policy, portfolio, roll_rates
from research.manage.tier_sums import sums
from research.multiplicity import holm
from research.segment import profile
from research.segment.abc_model import ABC
from research.segment.rfm import RFM, Bands
from research.segment.scorecard import Scorecard
from research.segment.tiers import TierCuts
from research.segment.tree import DecisionTree
from research.tiers import TIERS
from research.verification.fieldwork import ratings_of
from ten_loans import ECONOMICS, STRATEGIES

CATEGORIES = [1, 2, 3, 4]
SEEDS = st.integers(0, 10**6)
# Examples are small as drawn; searching for smaller ones would only make a failure slow.
steady = settings(max_examples=10, phases=[Phase.explicit, Phase.generate])


def holds(*examples: st.SearchStrategy) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Check the property on the same ten examples at every run."""
    return lambda check: steady(given(*examples)(check))


def ratings(complete: bool = False) -> st.SearchStrategy[pd.DataFrame]:
    """Units × raters with at least two categories in use; NaN where a rater did not rate."""
    values = st.sampled_from(CATEGORIES if complete else [*CATEGORIES, np.nan])
    shapes = st.tuples(st.integers(4, 10), st.integers(2, 4))
    tables = shapes.flatmap(lambda shape: arrays(float, shape, elements=values)).map(pd.DataFrame)
    return tables.filter(lambda t: t[t.notna().sum(axis=1) > 1].stack().nunique() > 1)


def coefficients(table: pd.DataFrame, level: str = "nominal") -> pd.Series:
    options = {"level": level, "categories": CATEGORIES, "resamples": 0}
    return agreement.agreement_table(table, **options).set_index("measure")["estimate"]


def counts(rows: int, columns: int, least: int = 0) -> st.SearchStrategy[np.ndarray]:
    return arrays(int, (rows, columns), elements=st.integers(least, 40))


def scored(seed: int, ties: bool = True, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes with both kinds and integer scores, which any increasing map of whole numbers keeps apart."""
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 15, n).astype(float) if ties else rng.permutation(n) + 1.0
    y = (rng.random(n) < score / (2 * score.max())).astype(float)
    y[:4] = [0, 1, 0, 1]
    return y, score


# -- agreement of raters -------------------------------------------------------------------------------------------


@holds(ratings(), st.randoms(use_true_random=False))
def test_agreement_does_not_depend_on_the_order_of_raters_or_units(table, random):
    columns, rows = list(table.columns), list(table.index)
    random.shuffle(columns)
    random.shuffle(rows)
    for level in ("nominal", "ordinal"):
        moved = coefficients(table.loc[rows, columns], level)
        pd.testing.assert_series_equal(moved, coefficients(table, level))


@holds(ratings(), st.permutations(CATEGORIES))
def test_nominal_agreement_does_not_depend_on_the_names_of_categories(table, names):
    renamed = table.replace(dict(zip(CATEGORIES, names, strict=True)))
    pd.testing.assert_series_equal(coefficients(renamed), coefficients(table))


@holds(ratings(complete=True))
def test_agreement_is_one_exactly_when_all_agree(table):
    found = coefficients(table)
    agreed = (table.nunique(axis=1) == 1).all()
    assert (found.dropna() <= 1 + 1e-12).all()
    assert ((found.dropna() > 1 - 1e-9) == agreed).all()
    same = pd.concat([table[0], table[0]], axis=1, ignore_index=True)
    assume(table[0].nunique() > 1)
    np.testing.assert_allclose(coefficients(same), 1)


@holds(ratings())
def test_seeing_every_unit_twice_changes_only_the_small_sample_correction(table):
    """Krippendorff's expected disagreement has N − 1 ratings, so 1 − α grows by (2N − 1) / (2N − 2)."""
    once, twice = coefficients(table), coefficients(pd.concat([table, table], ignore_index=True))
    kappas = once.index.drop("krippendorff_alpha")
    np.testing.assert_allclose(twice[kappas], once[kappas], atol=1e-12)
    n = table[table.notna().sum(axis=1) > 1].notna().to_numpy().sum()
    factor = (2 * n - 1) / (2 * n - 2)
    assert 1 - twice["krippendorff_alpha"] == pytest.approx(factor * (1 - once["krippendorff_alpha"]))


@holds(ratings(), st.floats(0.1, 10), st.floats(-5, 5))
def test_interval_alpha_has_no_unit_and_ordinal_alpha_only_an_order(table, factor, shift):
    def alpha(values: pd.DataFrame, level: str) -> float:
        found = agreement.agreement_table(values, level=level, resamples=0)
        return found.set_index("measure").loc["krippendorff_alpha", "estimate"]

    assert alpha(table * factor + shift, "interval") == pytest.approx(alpha(table, "interval"))
    assert alpha(table**3, "ordinal") == pytest.approx(alpha(table, "ordinal"))
    assert alpha(table * factor, "ratio") == pytest.approx(alpha(table, "ratio"))


@holds(ratings(complete=True))
def test_counts_of_raters_say_the_same_as_the_ratings(table):
    tallies = pd.DataFrame({c: (table == c).sum(axis=1) for c in CATEGORIES})
    found = coefficients(ratings_of(tallies))
    alike = ["percent_agreement", "fleiss_kappa", "brennan_prediger", "gwet_ac1", "krippendorff_alpha"]
    np.testing.assert_allclose(found[alike], coefficients(table)[alike])


@holds(counts(4, 4, least=1))
def test_quadratic_kappa_is_symmetric_and_that_of_scikit_learn(table):
    row, column = (np.repeat(place.ravel(), table.ravel()) for place in np.indices((4, 4)))
    assert quadratic_kappa(table) == pytest.approx(cohen_kappa_score(row, column, weights="quadratic"))
    assert quadratic_kappa(table.T) == pytest.approx(quadratic_kappa(table))
    assert quadratic_kappa(table[::-1, ::-1]) == pytest.approx(quadratic_kappa(table))
    assert quadratic_kappa(np.diag(table.sum(axis=1))) == 1


@holds(st.integers(3, 6), st.integers(2, 6), SEEDS)
def test_concordance_is_a_share_and_one_when_all_rank_alike(objects, raters, seed):
    def w(table: np.ndarray) -> list[float]:
        frame = pd.DataFrame(table)
        return [group_comparison.kendall_w(frame, tie_corrected=corrected) for corrected in (True, False)]

    rng = np.random.default_rng(seed)
    table = rng.random((objects, raters))
    assert 0 <= w(table)[1] <= w(table)[0] + 1e-12 <= 1 + 1e-9
    assert w(np.exp(table)[rng.permutation(objects)]) == pytest.approx(w(table))
    assert w(np.tile(table[:, :1], raters)) == pytest.approx([1, 1])


@holds(arrays(float, (12, 4), elements=st.integers(1, 5)), st.floats(0.5, 3))
def test_alpha_of_a_scale_has_no_unit_and_no_order(answers, factor):
    items = pd.DataFrame(answers)
    assume((items.std() > 0).all() and items.sum(axis=1).std() > 0)
    row = reliability.cronbach_alpha(items)
    moved = reliability.cronbach_alpha(factor * items.loc[::-1, ::-1] + np.arange(4))
    assert moved["estimate"] == pytest.approx(row["estimate"])
    assert row["ci_low"] < row["estimate"] < row["ci_high"] or row["estimate"] == pytest.approx(1)
    assert reliability.cronbach_alpha(pd.concat([items[0]] * 3, axis=1, ignore_index=True))[
        "estimate"
    ] == pytest.approx(1)


@holds(st.lists(st.floats(1, 3), min_size=3, max_size=3), st.permutations(["x", "y", "z"]))
def test_consistent_comparisons_give_back_their_weights(weights, order):
    """Judgements that are ratios of weights contradict each other nowhere (Saaty 1980)."""
    true = pd.Series(weights, index=["x", "y", "z"])
    found, largest = ahp.eigenvector(np.outer(true, 1 / true))
    found = pd.Series(found, index=true.index)
    np.testing.assert_allclose(found[order], (true / true.sum())[order])
    assert largest == pytest.approx(3)
    assert ahp.consistency_ratio(largest, 3) == pytest.approx(0, abs=1e-9)
    judged = pd.DataFrame([("s", "e", a, b, true[a] / true[b]) for a, b in zip("xxy", "yzz", strict=True)])
    judged.columns = ["set", "expert", "left", "right", "value"]
    pairs = judged[["set", "left", "right"]]
    table = ahp.expert_weights(judged.iloc[::-1], pairs).set_index("element")
    np.testing.assert_allclose(table.loc[order, "weight"], found[order])
    assert set(table["status"]) == {"consistent"}


@holds(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")), min_size=1),
    st.permutations("abcdef"),
)
def test_codes_heard_only_grow_and_end_at_the_same_number(codings, order):
    codes = pd.DataFrame(codings, columns=["document", "code"])
    curve = saturation.saturation_curve(codes, pd.DataFrame({"document": order}))
    assert (curve["new_codes"] >= 0).all()
    assert (curve["new_codes"] <= curve["codes"]).all()
    assert curve["cumulative"].iloc[-1] == codes["code"].nunique() == curve["new_codes"].sum()


# -- scores and outcomes -------------------------------------------------------------------------------------------

RISING = (lambda x: x**3, np.exp, lambda x: 7 * x - 300, np.log)


def ks(y: np.ndarray, score: np.ndarray) -> float:
    return discrimination.ks_of_groups(*discrimination.curve(y, score))


@holds(SEEDS, st.sampled_from(RISING))
def test_only_the_ranks_of_a_score_matter(seed, rising):
    y, score = scored(seed)
    for measure in (discrimination.auc, ks, discrimination.gini, discrimination.h_measure):
        assert measure(y, rising(score)) == pytest.approx(measure(y, score), abs=1e-12)
    profit = economics.expected_maximum_profit
    assert profit(y, rising(score)) == pytest.approx(profit(y, score))


@holds(SEEDS)
def test_auc_is_the_share_of_pairs_in_the_right_order(seed):
    y, score = scored(seed)
    wins = mannwhitneyu(score[y == 1], score[y == 0]).statistic / ((y == 1).sum() * (y == 0).sum())
    assert discrimination.auc(y, score) == pytest.approx(wins)
    assert discrimination.auc(y, -score) == pytest.approx(1 - wins)
    assert ks(y, -score) == pytest.approx(ks(y, score))
    row = discrimination.delong_interval(y, score).iloc[0]
    assert row["estimate"] == pytest.approx(wins)
    assert 0 <= row["ci_low"] <= wins <= row["ci_high"] <= 1


@holds(SEEDS)
def test_a_book_taken_twice_has_the_same_rates_and_measures(seed):
    y, score = scored(seed)
    yy, ss = np.tile(y, 2), np.tile(score, 2)
    for measure in (discrimination.auc, ks, discrimination.h_measure):
        assert measure(yy, ss) == pytest.approx(measure(y, score))
    profit = economics.expected_maximum_profit
    assert profit(yy, ss) == pytest.approx(profit(y, score))
    table = pd.DataFrame({"tier": np.array(TIERS)[score.astype(int) % 3], "default": y})
    once, twice = (profile.rates(t["tier"], t["default"]) for t in (table, pd.concat([table, table])))
    pd.testing.assert_series_equal(twice["rate"], once["rate"])
    known = once["known"] > 0
    assert (twice["ci_high"] - twice["ci_low"] < once["ci_high"] - once["ci_low"])[known].all()
    assert once["bad"].sum() == y.sum()


@holds(SEEDS, st.floats(0.01, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_the_largest_profit_is_never_below_that_of_accepting_all(seed, roi, p0, p1):
    y, score = scored(seed)
    profit, refused = economics.expected_maximum_profit(y, score, roi, p0, p1)
    assert 0 <= profit <= y.mean() * (p1 + (1 - p0 - p1) / 2) + 1e-12  # no more than all that defaults cost
    assert 0 <= refused <= 1
    assert economics.expected_maximum_profit(y, y, roi, p0, p1)[0] >= profit - 1e-12


@holds(SEEDS)
def test_h_is_a_share_and_one_for_a_perfect_score(seed):
    y, score = scored(seed)
    assert 0 <= discrimination.h_measure(y, score) <= 1
    assert discrimination.h_measure(y, y) == pytest.approx(1)
    assert discrimination.h_measure(y, np.ones(len(y))) == pytest.approx(0)


@holds(SEEDS, st.integers(2, 10))
def test_calibration_error_is_a_share_and_nil_for_the_rates_themselves(seed, bins):
    y, score = scored(seed)
    assert 0 <= calibration.expected_calibration_error(y, score / 20, bins) <= 1
    own = pd.Series(y).groupby(score).transform("mean").to_numpy()
    assert calibration.expected_calibration_error(y, own, bins) == pytest.approx(0, abs=1e-12)
    rate = y.mean()
    assert calibration.brier(y, np.full(len(y), rate)) == pytest.approx(rate * (1 - rate))
    assert calibration.brier(y, own) <= rate * (1 - rate) + 1e-12


@holds(st.integers(1, 300), st.floats(0.5, 0.99))
def test_jeffreys_interval_rises_with_the_events_and_contains_the_rate(n, level):
    events = np.arange(n + 1)
    low, high = jeffreys(events, np.full(n + 1, n), level)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()
    inside = (events > 0) & (events < n) & (level > 0.8)
    assert (low <= events / n)[inside].all() and (events / n <= high)[inside].all()
    assert (low[0], high[-1]) == (0, 1)
    np.testing.assert_allclose(low, 1 - high[::-1], atol=1e-12)


@holds(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_is_never_milder_than_one_test(p_values):
    p = np.array(p_values)
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert adjusted.min() == pytest.approx(min(1, len(p) * p.min()))
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


# -- tiers ---------------------------------------------------------------------------------------------------------


@holds(SEEDS, st.integers(4, 120), st.tuples(*[st.integers(1, 6)] * 4))
def test_tiers_partition_the_customers_in_the_shares_asked_for(seed, n, parts):
    rng = np.random.default_rng(seed)
    shares = dict(zip(TIERS, np.array(parts) / sum(parts), strict=True))
    risk, value = rng.permutation(n).astype(float), rng.permutation(n).astype(float)
    cuts = TierCuts(shares).fit(risk, value)
    tiers = cuts.assign(risk, value)
    sizes = {tier: int((tiers == tier).sum()) for tier in TIERS}
    assert sum(sizes.values()) == n
    assert sizes["high"] == round(n * shares["high"])
    assert sizes["high"] + sizes["medium"] == round(n * (shares["high"] + shares["medium"]))
    assert abs(sizes["premium"] - n * shares["premium"]) <= 1
    worse = [risk[tiers == "high"], risk[tiers == "medium"], risk[np.isin(tiers, ["premium", "low"])]]
    for above, below in ((0, 1), (1, 2)):
        assert min(worse[above], default=np.inf) > max(worse[below], default=-np.inf)
    assert min(value[tiers == "premium"], default=np.inf) > max(value[tiers == "low"], default=-np.inf)


@holds(SEEDS, st.sampled_from((lambda x: x**3, np.exp, lambda x: 7 * x - 300)))
def test_tiers_depend_on_ranks_alone_and_on_no_other_row(seed, rising):
    rng = np.random.default_rng(seed)
    risk, value = (rng.integers(1, 12, 80).astype(float) for _ in range(2))
    cuts = TierCuts().fit(risk, value)
    tiers = cuts.assign(risk, value)
    raised = TierCuts().fit(rising(risk), rising(value))
    assert (raised.assign(rising(risk), rising(value)) == tiers).all()
    order = rng.permutation(80)
    assert (TierCuts().fit(risk[order], value[order]).assign(risk, value) == tiers).all()
    assert all(cuts.assign(risk[[i]], value[[i]])[0] == tiers[i] for i in range(80))
    twice = TierCuts().fit(np.tile(risk, 2), np.tile(value, 2))
    assert (twice.assign(risk, value) == tiers).all()  # 10, 50, 30 and 10 % of 80 are whole numbers


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 400
    table = pd.DataFrame(
        {
            "recency_months": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 30, n)),
            "frequency_count": rng.integers(0, 20, n).astype(float),
            "monetary_amount": rng.integers(1, 5000, n).astype(float),
            "debt_to_income": rng.random(n),
            "income": rng.lognormal(10, 0.5, n),
            "loan_amount": rng.lognormal(9, 0.5, n),
            "loan_purpose": pd.Categorical(rng.choice(["housing", "consumption", "other"], n)),
        },
        index=pd.Index([f"c{i:03d}" for i in range(n)], name="customer_id"),
    )
    odds = 4 * table["debt_to_income"] - 3 + (table["loan_purpose"] == "other")
    table["default"] = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return table


def state(model: object) -> str:
    """All that a model learned, as text."""
    learned = {name: value for name, value in vars(model).items() if name.endswith("_")}
    return repr({name: vars(v) if isinstance(v, TierCuts) else v for name, v in learned.items()})


MODELS = (RFM, ABC, DecisionTree, lambda: Scorecard(inputs=["debt_to_income", "income", "loan_purpose"]))


@pytest.mark.parametrize("make", MODELS, ids=["rfm", "abc", "tree", "scorecard"])
def test_prediction_never_relearns(make, customers):
    """Any part of the customers, in any order, gets the tiers it has among all of them."""
    model = make().fit(customers, customers["default"])
    learned, whole = state(model), pd.Series(model.predict(customers), index=customers.index)
    risk = pd.Series(model.risk_score(customers), index=customers.index)
    assert set(whole) <= set(TIERS) and len(whole) == len(customers)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        part = customers.sample(int(rng.integers(1, 400)), random_state=seed)
        assert (model.predict(part) == whole[part.index]).all()
        assert (model.risk_score(part) == risk[part.index]).all()
        richest = part.assign(monetary_amount=1e9, income=1e9, loan_amount=1e9, debt_to_income=5.0)
        assert set(model.predict(richest)) <= set(TIERS)
    assert state(model) == learned


@holds(arrays(float, 40, elements=st.integers(0, 30)), st.sampled_from((lambda x: x**3, lambda x: 2 * x + 1)))
def test_rfm_bands_depend_on_ranks_alone(values, rising):
    scores = Bands().fit(values).score(values)
    np.testing.assert_array_equal(Bands().fit(rising(values)).score(rising(values)), scores)
    np.testing.assert_array_equal(Bands(reverse=True).fit(values).score(values), 6 - scores)
    assert set(scores) <= set(range(1, 6))
    assert (np.diff(scores[np.argsort(values, kind="stable")]) >= 0).all()


def test_weights_of_evidence_add_up(customers):
    """Σ share of bads × exp(WoE) is the share of goods, Σ (goods − bads) × WoE the information value."""
    names = ["debt_to_income", "income", "loan_purpose"]
    model = Scorecard(inputs=names)
    model.least_iv = 0
    model.fit(customers, customers["default"])
    bads, goods = customers["default"].sum(), (1 - customers["default"]).sum()
    for name in names:
        bins = model.counts_[name].rates()
        assert bins["bads"].sum() == bads and bins["n"].sum() == len(customers)
        of_bad = (bins["bads"] + 0.5) / (bads + len(bins) / 2)
        of_good = (bins["n"] - bins["bads"] + 0.5) / (goods + len(bins) / 2)
        seen = (bins["n"] > 0).to_numpy()
        evidence = model.woe_[name][seen]
        assert (of_bad[seen] * np.exp(evidence)).sum() == pytest.approx(of_good[seen].sum())
        assert ((of_good - of_bad)[seen] * evidence).sum() == pytest.approx(model.information_[name])


@holds(st.floats(0.5, 4))
def test_worth_is_linear_in_the_amount_lent(factor):
    book = pd.DataFrame({"loan_amount": [100.0, 200.0], "interest_rate": [0.1, 0.05]})
    more = book.assign(loan_amount=book["loan_amount"] * factor)
    np.testing.assert_allclose(worth(more)[0], factor * np.array([10.0, 10.0]))
    np.testing.assert_allclose(worth(more.drop(columns="interest_rate"))[0], more["loan_amount"])


def test_need_is_the_first_that_is_measured_and_varies():
    book = pd.DataFrame({"loan_purpose": ["car", "car"], "need_intensity": [0.1, 0.9]})
    assert need(book)[1] == "need intensity" and need(book)[0].tolist() == [0.1, 0.9]
    assert need(book.assign(loan_purpose=["car", "home"]))[1] == "loan purpose"
    assert need(book[["loan_purpose"]]) == (None, "no need is measured")


# -- tables of tiers -----------------------------------------------------------------------------------------------


@holds(counts(4, 3), st.permutations(range(4)), st.permutations(range(3)))
def test_association_of_tier_and_need_has_no_order_and_is_a_share(table, rows, columns):
    assume((table.sum(axis=1) > 0).sum() > 1 and (table.sum(axis=0) > 0).sum() > 1 and table.sum() > 10)
    moved = table[rows][:, columns]
    for measure in (separation.cramers_v, separation.adjusted_mutual_information):
        assert measure(moved) == pytest.approx(measure(table), abs=1e-9)
        assert measure(table.T) == pytest.approx(measure(table), abs=1e-9)
        assert measure(table) <= 1 + 1e-9
        assert measure(np.diag([20, 30, 40])) == pytest.approx(1)
    assert separation.cramers_v(table) >= 0


@holds(SEEDS, st.floats(0.5, 3), st.floats(-9, 9))
def test_separation_of_value_has_no_unit(seed, factor, shift):
    rng = np.random.default_rng(seed)
    tier = np.r_[np.arange(4), rng.integers(0, 4, 60)]
    value = rng.lognormal(2, 1, 64) * (5 - tier)

    def added(values: np.ndarray) -> list[np.ndarray]:
        return [np.bincount(tier, weights=part, minlength=4) for part in (values**0, values, values**2)]

    size, total, squares = added(value)
    eta = separation.eta_squared(size, total, squares)
    assert 0 <= eta <= 1
    assert separation.eta_squared(*added(factor * value + shift)) == pytest.approx(eta)
    assert separation.eta_squared(*added(tier.astype(float))) == pytest.approx(1)
    assert -1 <= separation.concentration(size, total) <= 1
    assert separation.concentration(size, factor * total) == pytest.approx(
        separation.concentration(size, total)
    )
    assert separation.concentration(size, 3 * size) == pytest.approx(0)
    assert separation.premium_value_share(total) == pytest.approx(total[0] / value.sum())


@holds(counts(4, 2, least=1))
def test_trend_turns_its_sign_with_the_tiers_and_ignores_how_often_all_are_seen(table):
    effect = ordering.trend_effect(table)
    assert -1 <= effect <= 1
    assert ordering.trend_effect(table[::-1]) == pytest.approx(-effect, abs=1e-12)
    assert ordering.trend_effect(table[:, ::-1]) == pytest.approx(-effect, abs=1e-12)
    assert ordering.trend_effect(3 * table) == pytest.approx(effect)
    row = ordering.cochran_armitage(table).iloc[0]
    assert row["statistic"] == pytest.approx(effect * np.sqrt(table.sum()))


@holds(counts(5, 2, least=1), st.permutations(range(5)))
def test_information_value_is_the_stability_index_of_good_against_bad(table, order):
    value = ordering.information_value(table)
    assert value >= 0
    assert value == pytest.approx(drift.psi(table[:, 0], table[:, 1]))
    assert ordering.information_value(table[list(order)]) == pytest.approx(value)
    assert ordering.information_value(table[:, [0, 0]]) == pytest.approx(0)


# -- monitoring ----------------------------------------------------------------------------------------------------


@holds(counts(2, 6), st.integers(2, 5))
def test_stability_index_is_a_symmetric_distance(table, factor):
    expected, actual = table
    assume(expected.sum() > 0 and actual.sum() > 0)
    index = drift.psi(expected, actual)
    assert index >= 0
    assert drift.psi(actual, expected) == pytest.approx(index)
    assert drift.psi(expected, expected) == 0
    expected, actual = expected + 1, actual + 1
    assert drift.psi(factor * expected, actual) == pytest.approx(drift.psi(expected, actual))
    assert drift.psi(factor * expected, expected) == pytest.approx(0)
    assert (drift.psi(expected, actual) == pytest.approx(0, abs=1e-15)) == np.allclose(
        expected / expected.sum(), actual / actual.sum()
    )
    joined = np.add.reduceat(expected, [0, 2, 4]), np.add.reduceat(actual, [0, 2, 4])
    assert drift.psi(*joined) <= drift.psi(expected, actual) + 1e-12  # coarser bins hide, they never invent


@holds(SEEDS, st.integers(2, 12))
def test_bins_lose_nobody(seed, bins):
    rng = np.random.default_rng(seed)
    old, new = (pd.Series(rng.integers(0, 40, n), dtype=float).where(lambda x: x > 2) for n in (90, 70))
    table = drift.bin_counts(old, new, bins)
    assert (table["expected"].sum(), table["actual"].sum()) == (90, 70)
    words = drift.bin_counts(old.astype(str), new.astype(str))
    assert (words["expected"].sum(), words["actual"].sum()) == (90, 70)


def panel(seed: int, states: tuple[str, ...] = TIERS, n: int = 30, months: int = 5) -> pd.DataFrame:
    """Customers of whom some are missing in some months."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([range(n), range(months)], names=["customer_id", "period"])
    table = pd.DataFrame({"tier": rng.choice(states, len(rows))}, index=rows).reset_index()
    return table[(rng.random(len(table)) < 0.9) | (table["period"] == 0)]


@holds(SEEDS, st.integers(1, 3))
def test_migration_rows_add_up_to_one_and_every_move_is_counted(seed, step):
    tiers = panel(seed)
    found = migration.moves(tiers, step=step)
    table = migration.probabilities(migration.counts(found))
    assert table["count"].sum() == (found["to"] != migration.WITHDRAWN).sum()
    assert migration.counts(found).to_numpy().sum() == len(found)
    np.testing.assert_allclose(table.groupby("from", observed=True)["estimate"].sum(), 1)
    again = pd.concat([tiers, tiers.assign(customer_id=tiers["customer_id"] + 100)]).sample(
        frac=1, random_state=seed
    )
    twice = migration.probabilities(migration.counts(migration.moves(again, step=step)))
    pd.testing.assert_series_equal(twice["estimate"], table["estimate"])


@holds(SEEDS, st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_generator_makes_transition_matrices_at_any_time(seed, early, late):
    states = (*TIERS, "default")
    rates_ = migration.generator(
        migration.spells(panel(seed, states), TIERS, ["default"]), TIERS, ["default"]
    )
    np.testing.assert_allclose(rates_.sum(axis=1), 0, atol=1e-12)
    matrix = migration.after(rates_, early)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    assert (matrix.to_numpy() >= -1e-12).all()
    assert matrix.loc["default", "default"] == pytest.approx(1)
    np.testing.assert_allclose(
        matrix @ migration.after(rates_, late), migration.after(rates_, early + late), atol=1e-9
    )


@holds(SEEDS)
def test_who_does_not_stay_moves_up_or_down(seed):
    found = migration.moves(panel(seed))
    by_period = migration.by_period(found).set_index("period")
    stay = (found["to"] == found["from"].astype(object)).groupby(found["period"]).sum()
    assert (by_period["up"] + by_period["down"] + stay == by_period["n"]).all()


@holds(SEEDS, st.integers(1, 4))
def test_roll_rates_lose_no_account(seed, largest):
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([range(25), range(5)], names=["customer_id", "period"])
    months = pd.DataFrame({"status": rng.integers(-2, 6, len(rows)).astype(float)}, index=rows).reset_index()
    table = roll_rates.roll_rates(months, largest)
    assert table["count"].sum() == 25 * 4
    shares = roll_rates.summary(table)
    np.testing.assert_allclose(shares[["worse", "stay", "better"]].sum(axis=1), 1)
    assert (shares["cured"].fillna(0) <= shares["better"] + 1e-12).all()
    assert shares["n"].sum() == 25 * 4
    started = roll_rates.buckets(months.query("period < 4")["status"], largest).value_counts()
    assert (shares.set_index("from")["n"] == started[shares["from"]]).all()


# -- policy --------------------------------------------------------------------------------------------------------


def lent(seed: int, factor: float = 1.0) -> pd.DataFrame:
    """A book of eight loans a tier."""
    rng = np.random.default_rng(seed)
    names = [f"c{i}" for i in range(32)]
    loans = pd.DataFrame(
        {"loan_amount": factor * rng.lognormal(9, 0.5, 32), "interest_rate": rng.uniform(0.03, 0.2, 32)},
        names,
    )
    risk, tiers = pd.Series(rng.beta(1, 8, 32), names), pd.Series(np.repeat(TIERS, 8), names)
    return portfolio.book(loans, risk, tiers)


@holds(SEEDS)
def test_actions_without_effect_are_the_uniform_policy(seed):
    idle = STRATEGIES.assign(low=0.0, base=0.0, high=0.0, hours=0.0)
    found = policy.both(sums(lent(seed), ECONOMICS), policy.levers(idle), ECONOMICS)
    for measure, part in found["tiered"].items():
        np.testing.assert_allclose(part, found["uniform"][measure])


@holds(SEEDS, st.floats(0.1, 10))
def test_losses_income_and_capital_are_linear_in_what_is_lent(seed, factor):
    once, more = (
        policy.both(sums(lent(seed, f), ECONOMICS), policy.levers(STRATEGIES), ECONOMICS)["tiered"]
        for f in (1.0, factor)
    )
    for measure in (
        "volume",
        "interest income",
        "cross-sell income",
        "expected loss",
        "capital",
    ):
        assert more[measure][0] == pytest.approx(factor * once[measure][0]), measure
    assert more["officer hours"] == pytest.approx(once["officer hours"])


@holds(SEEDS)
def test_the_break_even_effect_gains_nothing(seed):
    book = lent(seed)
    rows = break_even.break_even(book, STRATEGIES, ECONOMICS, seed=1, draws=5)
    for row in rows[rows["needed"].notna()].itertuples():
        alone = STRATEGIES[STRATEGIES["id"] == row.id].assign(base=row.needed)
        added = sums(book, ECONOMICS)
        done = policy.outcome(added, policy.levers(alone), ECONOMICS)["profit"].sum()
        idle = policy.outcome(added, policy.nothing_done(), ECONOMICS)["profit"].sum()
        assert done == pytest.approx(idle, abs=1e-6)
    assert rows["needed"].notna().any()


@holds(st.permutations(range(6)), SEEDS)
def test_actions_combine_in_any_order(order, seed):
    table = pd.concat([STRATEGIES, STRATEGIES.assign(lever="growth", tier="low")], ignore_index=True)
    effects = policy.draw_effects(table, 20, seed)
    assert (effects >= table[["low", "high"]].min(axis=1).to_numpy()).all()
    assert (effects <= table[["low", "high"]].max(axis=1).to_numpy()).all()
    order = list(order)
    one, other = policy.levers(table, effects), policy.levers(table.iloc[order], effects[:, order])
    for name, pulled in one.items():
        np.testing.assert_allclose(other[name], pulled, atol=1e-12)
