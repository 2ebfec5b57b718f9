"""The regressions of the quantitative notebook, against independent computations."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold
from statsmodels.imputation import mice

from research.errors import UserError
from research.explain import association, design, missing, pricing, risk

pytestmark = pytest.mark.every_python

CONSTRUCTS = pd.DataFrame(
    [
        ("debt_to_income", "debt_to_income", "risk", "predictor", "float", "share", ""),
        ("income", "income", "value", "predictor", "float", "currency per year", ""),
        (
            "months_since_delinquency",
            "months_since_delinquency",
            "risk",
            "predictor",
            "float",
            "months",
            "none on record",
        ),
        ("loan_purpose", "loan_purpose", "need", "predictor", "category", "", ""),
        ("interest_rate", "interest_rate", "contract", "predictor", "float", "share per year", ""),
        ("paid_total", "paid_total", "outcome", "post", "float", "currency", ""),
    ],
    columns=["construct", "label", "block", "role", "dtype", "unit", "missing_means"],
)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 1500
    frame = pd.DataFrame(
        {
            "debt_to_income": rng.gamma(2, 0.1, n),
            "income": rng.lognormal(10, 0.6, n),
            "months_since_delinquency": np.where(rng.random(n) < 0.5, rng.integers(1, 80, n), np.nan),
            "loan_purpose": pd.Categorical(rng.choice(["car", "home", "other"], n, p=[0.5, 0.4, 0.1])),
            "interest_rate": rng.uniform(0.05, 0.25, n),
            "paid_total": rng.random(n),
        }
    )
    signal = -2 + 4 * frame["debt_to_income"] + 0.6 * (frame["loan_purpose"] == "home")
    frame["default"] = (rng.random(n) < 1 / (1 + np.exp(-signal))).astype(float)
    frame.loc[rng.random(n) < 0.2, "income"] = np.nan
    return frame


@pytest.fixture(scope="module")
def model(customers: pd.DataFrame) -> risk.RiskModel:
    return risk.fit(design.build(customers, CONSTRUCTS))


def test_design_takes_only_predictors_and_marks_missing(model: risk.RiskModel) -> None:
    columns = set(model.design.matrix)
    assert "paid_total" not in columns
    assert {
        "income: not known",
        "months_since_delinquency: none on record",
        "loan_purpose: home (against car)",
    } <= columns
    assert model.design.matrix.notna().all().all()


def test_design_drops_linear_combinations_and_says_so(customers: pd.DataFrame) -> None:
    twice = customers.assign(debt_copy=2 * customers["debt_to_income"])
    constructs = pd.concat([CONSTRUCTS, CONSTRUCTS.head(1).assign(construct="debt_copy", label="debt_copy")])
    made = design.build(twice, constructs)
    assert made.dropped == ["debt_copy"]


def test_design_refuses_a_missing_outcome(customers: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="no 'default'"):
        design.build(customers.drop(columns="default"), CONSTRUCTS)


def test_odds_ratios_equal_scikit_learn(model: risk.RiskModel) -> None:
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        model.design.matrix, model.design.outcome
    )
    np.testing.assert_allclose(risk.coefficients(model)["odds_ratio"], np.exp(other.coef_[0]), rtol=1e-4)


def test_robust_errors_equal_the_sandwich(model: risk.RiskModel) -> None:
    x = sm.add_constant(model.design.matrix).to_numpy()
    y = model.design.outcome.to_numpy()
    p = model.result.predict(x)
    bread = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)
    meat = (x * ((y - p) ** 2)[:, None]).T @ x
    expected = np.sqrt(np.diag(bread @ meat @ bread))
    np.testing.assert_allclose(model.result.bse, expected, rtol=1e-6)


def test_marginal_effects_and_their_intervals_are_those_of_statsmodels(model: risk.RiskModel) -> None:
    theirs = model.result.get_margeff(at="overall", method="dydx", dummy=True).summary_frame()
    theirs = theirs.loc[model.design.matrix.columns, ["dy/dx", "Conf. Int. Low", "Cont. Int. Hi."]]
    np.testing.assert_allclose(risk.marginal_effects(model), theirs, rtol=1e-9, atol=1e-12)


def test_marginal_effects_take_no_more_memory_than_a_few_copies_of_the_design(model: risk.RiskModel) -> None:
    tracemalloc.start()
    try:
        risk.marginal_effects(model)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * model.design.matrix.size * 8


def test_marginal_effect_equals_a_finite_difference(model: risk.RiskModel) -> None:
    x = sm.add_constant(model.design.matrix)
    step = 1e-5
    up, down = x.copy(), x.copy()
    up["debt_to_income"] += step
    down["debt_to_income"] -= step
    slope = (model.result.predict(up) - model.result.predict(down)).mean() / (2 * step)
    table = risk.coefficients(model).set_index("term")
    assert table.loc["debt_to_income", "marginal_effect"] == pytest.approx(slope, rel=1e-5)
    level = "loan_purpose: home (against car)"
    change = (
        model.result.predict(x.assign(**{level: 1.0})) - model.result.predict(x.assign(**{level: 0.0}))
    ).mean()
    assert table.loc[level, "marginal_effect"] == pytest.approx(change, rel=1e-6)


def test_adjusted_p_values_are_ordered(model: risk.RiskModel) -> None:
    table = risk.coefficients(model)
    assert ((table["result"] == "open") == (table["p_holm"] >= risk.LEVEL)).all()
    assert (table["p_holm"] >= table["p_bh"]).all()
    assert (table["p_bh"] >= table["p_value"]).all()
    assert table.loc[table["term"] == "debt_to_income", "p_holm"].item() < 0.001


def test_block_test_of_everything_in_one_block_is_the_joint_test(customers: pd.DataFrame) -> None:
    whole = risk.fit(design.build(customers, CONSTRUCTS.assign(block="all")))
    row = risk.block_tests(whole).iloc[0]
    assert row["statistic"] == pytest.approx(whole.result.llr, rel=1e-6)
    assert row["dof"] == whole.result.df_model


def test_vif_is_one_over_one_minus_r2(model: risk.RiskModel) -> None:
    x = model.design.matrix
    table = risk.coefficients(model).set_index("term")["vif"]
    rest = x.drop(columns="income")
    r2 = LinearRegression().fit(rest, x["income"]).score(rest, x["income"])
    assert table["income"] == pytest.approx(1 / (1 - r2), rel=1e-6)


def test_nonlinearity_finds_a_parabola_and_not_a_line() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 2))
    constructs = pd.DataFrame([("a", "a", "risk", "predictor", "float", "", "")], columns=CONSTRUCTS.columns)

    def tested(signal: np.ndarray) -> float:
        bad = (rng.random(4000) < 1 / (1 + np.exp(-signal))).astype(float)
        frame = pd.DataFrame({"a": x[:, 0], "default": bad})
        return risk.nonlinearity(risk.fit(design.build(frame, constructs)))["p_value"].item()

    assert tested(-1 + 0.9 * x[:, 0] ** 2) < 1e-6
    assert tested(-1 + 0.7 * x[:, 0]) > 0.05


def unseen(customers: pd.DataFrame, folds: int = 5) -> tuple[np.ndarray, np.ndarray]:
    return risk.out_of_fold(customers, CONSTRUCTS, folds, seed=1)


def test_calibration_counts_every_customer_once(customers: pd.DataFrame) -> None:
    deciles, summary = risk.calibration(*unseen(customers))
    assert deciles["n"].sum() == len(customers)
    assert deciles["events"].sum() == customers["default"].sum()
    slope = summary.iloc[0]
    assert slope["ci_low"] < 1 < slope["ci_high"]


def test_probabilities_out_of_fold_are_those_of_a_glm_that_sees_the_other_folds_only(
    customers: pd.DataFrame,
) -> None:
    # Oracle: statsmodels' GLM (iteratively reweighted least squares) on columns made by hand in each fold. Only the
    # median of income is learned outside the coefficients; scales do not move a probability.
    table = customers[["debt_to_income", "income", "default"]]
    y, predicted = unseen(table)
    expected = np.empty(len(table))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=1).split(table, table["default"]):
        median = np.log1p(table["income"]).iloc[train].median()
        x = pd.DataFrame(
            {
                "one": 1.0,
                "debt": table["debt_to_income"],
                "income": np.log1p(table["income"]).fillna(median),
                "gap": table["income"].isna().astype(float),
            }
        )
        fitted = sm.GLM(y[train], x.iloc[train], family=sm.families.Binomial()).fit(tol=1e-12)
        expected[test] = fitted.predict(x.iloc[test])
    np.testing.assert_allclose(predicted, expected, atol=1e-8)
    deciles, _ = risk.calibration(y, predicted)
    groups = pd.Series(y).groupby(pd.qcut(expected, 10, labels=False)).sum()
    assert deciles["events"].tolist() == groups.tolist()


def test_nothing_of_the_calibration_is_learned_of_the_customers_judged() -> None:
    # One customer of a thousand has an income of 10³⁰: scaled outside the folds it would move everyone's column.
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {"debt_to_income": rng.gamma(2, 0.1, 1000), "loan_purpose": rng.choice(list("ab"), 1000)}
    )
    table["default"] = (rng.random(1000) < 0.2).astype(float)
    table["loan_purpose"] = table["loan_purpose"].astype("category")
    columns, learned_of, _ = design.learn(table[:800], table["default"][:800], CONSTRUCTS)
    pd.testing.assert_frame_equal(design.matrix(columns, table[:800]), learned_of)
    judged = table[800:].copy()
    before = design.matrix(columns, judged)
    judged.iloc[0, 0] = 1e30
    judged["loan_purpose"] = judged["loan_purpose"].cat.add_categories("c")
    judged.iloc[1, 1] = "c"  # unknown in training: the reference level
    after = design.matrix(columns, judged)
    pd.testing.assert_frame_equal(before[2:], after[2:])
    assert after.columns.tolist() == before.columns.tolist() and after.iloc[1, 1] == 0


def test_rubins_rules_by_hand() -> None:
    # Three estimates 1, 2, 3 with variance 0.5 each: within 0.5, between 1, total 0.5 + 4/3 = 11/6;
    # dof = 2 · (1 + 0.5 / (4/3))² = 2 · (11/8)² = 3.78125.
    row = missing.pool(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 0.5)).iloc[0]
    assert row["estimate"] == 2
    assert row["dof"] == pytest.approx(3.78125)
    from scipy.stats import t

    assert row["ci_high"] - row["estimate"] == pytest.approx(t.ppf(0.975, 3.78125) * np.sqrt(11 / 6))


def test_sensitivity_compares_three_treatments(model: risk.RiskModel, customers: pd.DataFrame) -> None:
    table = missing.sensitivity(model.design, customers, seed=5)
    assert set(table["term"]) == {"income"}
    assert table["treatment"].nunique() == 3
    complete = table.set_index("treatment").loc["complete cases", "n"]
    assert complete == customers["income"].notna().sum()
    again = missing.sensitivity(model.design, customers, seed=5)
    pd.testing.assert_frame_equal(table, again)


def test_as_many_data_sets_are_imputed_as_a_hundred_cases_are_incomplete(
    model: risk.RiskModel, customers: pd.DataFrame
) -> None:
    # White, Royston & Wood (2011, section 7.3): m at least the percentage of incomplete cases.
    assert [missing.draws_needed(share) for share in (0.003, 0.05, 0.081, 0.5)] == [5, 5, 9, 50]
    table = missing.sensitivity(model.design, customers, seed=5)
    m = int(np.ceil(100 * customers["income"].isna().mean()))
    assert f"multiple imputation ({m})" in set(table["treatment"])


def test_imputation_knows_the_outcome() -> None:
    # Half of a predictor is missing at random and its log-odds are 1.5. Oracle: statsmodels' MICE, which matches
    # predicted means with the outcome among the predictors. Without the outcome the estimate is pulled to about half,
    # and with predictions in place of draws it is doubled.
    rng = np.random.default_rng(4)
    n = 3000
    x = rng.normal(size=n)
    frame = pd.DataFrame(
        {"debt_to_income": x, "default": (rng.random(n) < 1 / (1 + np.exp(0.5 - 1.5 * x))) * 1.0}
    )
    frame.loc[rng.random(n) < 0.5, "debt_to_income"] = np.nan
    made = design.build(frame, CONSTRUCTS)
    table = missing.sensitivity(made, frame, seed=1)
    found = table[table["treatment"].str.startswith("multiple imputation")].iloc[0]
    column = made.terms.set_index("term").loc["debt_to_income"]
    np.random.seed(1)  # noqa: NPY002  (the library draws from the global state)
    data = mice.MICEData(frame)
    fits = []
    for _ in range(10):
        data.update_all(2)
        fits.append(
            sm.Logit(data.data["default"], sm.add_constant(data.data["debt_to_income"]))
            .fit(disp=0)
            .params.iloc[1]
        )
    assert found["estimate"] == pytest.approx(np.mean(fits) * column["spread"], abs=0.15)
    complete = table[table["treatment"] == "complete cases"].iloc[0]
    assert found["estimate"] == pytest.approx(complete["estimate"], abs=0.15)


def test_a_treatment_is_named_for_what_it_is(customers: pd.DataFrame) -> None:
    # One gap in a thousand makes no indicator; what is undefined is no gap, whether or not its indicator is kept.
    few = customers.assign(income=customers["income"].fillna(20_000.0))
    few.loc[0, "income"] = np.nan
    rare = few["months_since_delinquency"].fillna(5.0)
    rare[1] = np.nan
    few["months_since_delinquency"] = rare
    made = design.build(few, CONSTRUCTS)
    assert "months_since_delinquency: none on record" in made.dropped
    table = missing.sensitivity(made, few, seed=5)
    assert set(table["term"]) == {"income"}
    assert set(table["treatment"]) == {"median (main)", "complete cases", "multiple imputation (5)"}
    assert table.set_index("treatment").loc["complete cases", "n"] == 1499


def test_pricing_recovers_a_known_rate(customers: pd.DataFrame) -> None:
    made = design.build(customers, CONSTRUCTS, leave_out=("interest_rate",))
    rate = 0.10 + 0.02 * made.matrix["debt_to_income"]
    table = pricing.fit(made, rate).set_index("term")
    assert table.loc["debt_to_income", "estimate"] == pytest.approx(2.0)
    assert pricing.explained(made, rate) == pytest.approx(1)


def test_association_by_hand() -> None:
    # 2 × 2 table 30/10, 10/30: expected 20 in every cell, χ² = 4 · 10²/20 = 20 with one degree of freedom.
    classes = pd.DataFrame({"K": ["a"] * 40 + ["b"] * 40})
    outcome = pd.Series([1.0] * 30 + [0.0] * 10 + [1.0] * 10 + [0.0] * 30)
    row = association.tests(classes, outcome, pd.Series({"K": "Kind"})).iloc[0]
    assert row["statistic"] == pytest.approx(20)
    assert row["dof"] == 1
    # Bergsma: φ² = 20/80 − 1/79; r = 2 − 1/79; V = sqrt(φ² / (r − 1))
    assert row["effect"] == pytest.approx(np.sqrt((0.25 - 1 / 79) / (1 - 1 / 79)))


def test_association_skips_standards_with_one_class() -> None:
    classes = pd.DataFrame({"K": ["a"] * 4})
    assert association.tests(classes, pd.Series([0.0, 1, 0, 1]), pd.Series({"K": "Kind"})).empty


def test_columns_that_add_nothing_are_dropped() -> None:
    """With a constant in the model, 1 − a says nothing new."""
    a = pd.Series([0.0, 1, 1, 0, 1] * 20)
    table = pd.DataFrame({"a": a, "not_a": 1 - a, "x": range(100), "default": [0.0, 1, 0, 0] * 25})
    listed = pd.DataFrame({"construct": ["a", "not_a", "x"], "label": ["a", "not a", "x"]})
    listed = listed.assign(block="risk", role="predictor", dtype="float", unit="", missing_means="")
    made = design.build(table, listed)
    assert list(made.matrix) == ["a", "x"]
    assert made.dropped == ["not a"]


def test_numbers_have_mean_zero_and_standard_deviation_one(model: risk.RiskModel) -> None:
    scaled = model.design.terms.loc[model.design.terms["kind"] == "scaled", "term"]
    np.testing.assert_allclose(model.design.matrix[scaled].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(model.design.matrix[scaled].std(), 1)


def test_a_column_of_one_value_almost_everywhere_is_told(customers: pd.DataFrame) -> None:
    rare = customers.assign(debt_to_income=np.where(np.arange(1500) == 0, 1.0, 0.2))
    made = design.build(rare, CONSTRUCTS)
    assert made.dropped == ["debt_to_income"]


def test_each_coefficient_is_pooled_with_its_own_variance() -> None:
    # As above, the second one with variance 2: total 2 + 4/3, dof = 2 · (1 + 2 / (4/3))².
    pooled = missing.pool(np.array([[1.0, 1], [2, 2], [3, 3]]), np.array([[0.5, 2.0]] * 3))
    assert pooled["dof"].tolist() == pytest.approx([3.78125, 12.5])


def test_treatments_have_intervals_around_their_estimates(
    model: risk.RiskModel, customers: pd.DataFrame
) -> None:
    table = missing.sensitivity(model.design, customers, seed=5).set_index("treatment")
    assert (table["ci_low"] < table["estimate"]).all() and (table["estimate"] < table["ci_high"]).all()
    main = table.loc["median and indicator (main)"]
    whole = sm.Logit(model.design.outcome, sm.add_constant(model.design.matrix)).fit(disp=0)
    assert main["estimate"] == pytest.approx(whole.params["income"])
    inside = table["estimate"].between(main["ci_low"], main["ci_high"])
    assert (table["result"] == np.where(inside, "held", "moved")).all() and main["result"] == "held"
    assert [main["ci_low"], main["ci_high"]] == pytest.approx(whole.conf_int().loc["income"].tolist())


def test_the_fit_is_tested_against_the_rate_alone(model: risk.RiskModel) -> None:
    row = risk.fit_quality(model).iloc[0]
    events = model.design.outcome.sum()
    assert row["columns"] == model.design.matrix.shape[1] and row["left_out"] == len(model.design.dropped)
    assert row["events_per_column"] == pytest.approx(events / row["columns"])
    null = np.log([events / 1500, 1 - events / 1500]) @ [events, 1500 - events]
    assert row["statistic"] == pytest.approx(2 * (model.result.llf - null))
    assert row["r2"] == pytest.approx(1 - model.result.llf / null)


def test_a_result_is_the_side_on_which_an_adjusted_test_falls() -> None:
    found = risk.direction(pd.Series([0.4, -0.4, 0.4, -0.4]), np.array([0.01, 0.04, 0.06, 1.0]))
    assert found.tolist() == ["higher", "lower", "open", "open"]


def test_a_slope_is_judged_by_its_interval() -> None:
    rng = np.random.default_rng(5)
    logit = rng.normal(-2, 1, 20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(float)

    def result(stretched: float) -> str:
        return risk.calibration(y, 1 / (1 + np.exp(-stretched * logit)))[1]["result"].item()

    assert [result(stretched) for stretched in (2.0, 1.0, 0.5)] == ["extreme", "open", "timid"]


def test_block_tests_are_adjusted_by_holm(model: risk.RiskModel) -> None:
    table = risk.block_tests(model).sort_values("p_value")
    steps = np.maximum.accumulate(table["p_value"] * np.arange(len(table), 0, -1))
    np.testing.assert_allclose(table["p_holm"], np.minimum(steps, 1))
    assert len(table) > 1


def test_a_spline_of_four_knots_bends_the_line_in_four_more_ways(model: risk.RiskModel) -> None:
    x = model.design.matrix["debt_to_income"]
    # The same curves as sums of truncated powers, with the two knots inside.
    bent = {f"bent at {knot:.2f}": (x - knot).clip(lower=0) ** 3 for knot in x.quantile([0.35, 0.65])}
    wide = model.design.matrix.assign(square=x**2, cube=x**3, **bent)
    curved = sm.Logit(model.design.outcome, sm.add_constant(wide)).fit(disp=0, maxiter=200)
    row = risk.nonlinearity(model).set_index("term").loc["debt_to_income"]
    assert row["statistic"] == pytest.approx(2 * (curved.llf - model.result.llf), abs=1e-4)
    assert row["dof"] == 4
    tests = risk.nonlinearity(model)
    steps = np.maximum.accumulate(tests["p_value"] * np.arange(len(tests), 0, -1))
    np.testing.assert_allclose(tests["p_holm"], np.minimum(steps, 1))
