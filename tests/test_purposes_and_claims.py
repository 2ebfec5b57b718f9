"""Purposes, contrasts with margins, sets of models, claims and grades."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests

from research.compare import claims, odds, purposes, separation
from research.compare.resampling import OutOfFold
from research.exhibits import synthesis
from research.parameters import load
from research.study import claims as study_claims


def folds_of(measure: str, **models: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "measure": measure, "model": model, "arm": "as practised", "repeat": 0, "fold": k,
                "estimate": value,
            }
            for model, values in models.items()
            for k, value in enumerate(values)
        ]
    )  # fmt: skip


NOISE = np.array([0.004, -0.003, 0.001, -0.002, 0.003, -0.004, 0.002, -0.001, 0.0, 0.0])


def test_one_family_is_adjusted_once_over_all_purposes():
    """Holm over all rows of the family, statsmodels' multipletests as oracle."""
    rng = np.random.default_rng(1)
    models = {
        m: list(0.6 + 0.02 * i + 0.03 * rng.standard_normal(10)) for i, m in enumerate(("rfm", "abc", "tree"))
    }
    folds = pd.concat([folds_of("auc", **models), folds_of("cramers_v", **models)])
    pairs = [("tree", "rfm"), ("tree", "abc"), ("abc", "rfm")]
    compared = [(purpose, *pair) for purpose in ("risk", "need") for pair in pairs]
    table = purposes.contrasts(folds, 1 / 9, compared, "as practised")
    assert len(table) == 6
    assert table["p_holm"].to_numpy() == pytest.approx(multipletests(table["p_value"], method="holm")[1])


def test_differences_inside_the_margin_are_equivalent_and_wide_ones_undecided():
    base = 0.7 + NOISE
    table = purposes.contrasts(
        folds_of(
            "auc", a=list(base), b=list(base + 0.002 + NOISE[::-1] / 4), c=list(0.69 + 20 * NOISE[::-1]),
            d=list(base - 0.1),
        ),
        1 / 9, [("risk", *pair) for pair in ("ab", "ac", "ad", "da")], "as practised",
    ).set_index(["model_a", "model_b"])["result"]  # fmt: skip
    assert table.to_dict() == {
        ("a", "b"): "equivalent", ("a", "c"): "undecided", ("a", "d"): "better", ("d", "a"): "worse"
    }  # fmt: skip


def test_a_significant_difference_too_small_to_matter_is_equivalent():
    assert purposes.result(0.001, 0.003, 0.0001, margin=0.02) == "equivalent"


def test_set_of_a_purpose_holds_all_not_shown_to_be_worse_and_names_the_one_with_fewest_rows():
    tests = pd.DataFrame(
        {"model_a": ["tree", "tree", "abc"], "model_b": ["rfm", "abc", "rfm"],
         "result": ["better", "equivalent", "undecided"]}
    )  # fmt: skip
    best, kept = purposes.served({"rfm": 0.5, "abc": 0.61, "tree": 0.62}, tests)
    assert (best, kept) == ("tree", ("tree", "abc"))
    alike = purposes.equivalents(best, kept, tests)
    assert purposes.fewest_rows(alike, {"tree": 14, "abc": 41}) == "tree"
    assert purposes.served({"rfm": np.nan}, tests) == ("", ())


def test_every_purpose_has_a_measure_that_is_defined_and_a_margin_where_models_are_compared():
    known = purposes.definitions()
    paired = known[known["inference"] == "paired"]
    assert set(paired["purpose"]) == {"risk", "value", "need", "profit"}
    assert (paired["margin"] > 0).all()
    assert paired["margin_source"].str.len().gt(0).all()


@pytest.mark.parametrize(
    ("made_of", "expected"),
    [
        ({"real": False, "lenders": 9, "consistent": True}, "demonstration"),
        ({"real": True, "assumed": True}, "assumed"),
        ({"real": True, "people_said": True}, "reported"),
        ({"real": True}, "measured"),
        ({"real": True, "lenders": 7, "consistent": True}, "consistent across lenders"),
        ({"real": True, "lenders": 7, "consistent": False}, "measured"),
        ({"real": True, "seen_before": False}, "replicated"),
    ],
)
def test_grade_is_computed_from_what_the_evidence_is_made_of(made_of, expected):
    assert claims.grade(**made_of) == expected


@pytest.mark.parametrize("low, high", [(2.0, 3.0), (0.1, 0.5), (0.5, 2.0)])
@pytest.mark.parametrize("evidence", ["assumed", "demonstration"])
def test_no_assumed_or_invented_evidence_bears_a_verdict(low, high, evidence):
    for claim in claims.definitions().to_dict("records"):
        assert claims.verdict(claim, low, high, evidence) == "not tested here"


def test_claims_that_need_a_trial_are_never_judged():
    for claim in claims.definitions().query("rule in ['trial', 'assumed']").to_dict("records"):
        assert claims.verdict(claim, 2.0, 3.0, "measured") == "not tested here"


def test_a_necessary_condition_can_be_refuted_and_not_supported():
    need = claims.definitions().loc["H3a"]
    assert claims.verdict(need, 0.15, 0.3, "reported") == "not refuted"
    assert claims.verdict(need, 0.01, 0.05, "reported") == "refuted"
    assert claims.verdict(need, 0.05, 0.15, "reported") == "undecided"


def test_an_empty_tier_is_not_tested():
    assert claims.verdict(claims.definitions().loc["H1a"], np.nan, np.nan, "measured") == "not tested here"


def predictions(tier: list[list[int]], y: list[int]) -> OutOfFold:
    """Predictions of one model, one fold; tiers per repeat."""
    tiers, n, repeats = np.array(tier)[None], len(y), len(tier)
    blank = np.zeros((1, repeats, n))
    return OutOfFold(
        pairs=(("tree", "as practised"),), index=pd.RangeIndex(n), y=np.array(y, dtype=float),
        fold=np.zeros((repeats, n), dtype=int), score=blank, probability=blank, tier=tiers,
        tier_rate=np.zeros((1, repeats, 1, 4)), n_train=np.full((repeats, 1), 9), n_test=np.full((repeats, 1), n),
    )  # fmt: skip


def test_odds_ratio_of_the_high_tier_agrees_with_statsmodels():
    y = [1] * 8 + [0] * 12 + [1] * 5 + [0] * 75
    tier = [3] * 20 + [1] * 80
    found = odds.high_tier_odds(predictions([tier], y)).iloc[0]
    table = Table2x2(np.array([[8, 12], [5, 75]]))
    assert found["estimate"] == pytest.approx(table.oddsratio)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(table.oddsratio_confint())
    logit = sm.Logit(y, sm.add_constant((np.array(tier) == 3).astype(float))).fit(disp=False)
    assert found["log_odds"] == pytest.approx(logit.params[1])
    assert found["variance"] == pytest.approx(logit.cov_params()[1, 1], rel=1e-5)


def test_interval_of_the_odds_ratio_widens_with_what_varies_between_partitions():
    y = [1] * 8 + [0] * 12 + [1] * 5 + [0] * 75
    first, other = [3] * 20 + [1] * 80, [1] * 4 + [3] * 20 + [1] * 76
    same = odds.high_tier_odds(predictions([first, first], y)).iloc[0]
    varied = odds.high_tier_odds(predictions([first, other], y)).iloc[0]
    alone = [odds.high_tier_odds(predictions([t], y)).iloc[0] for t in (first, other)]
    assert same["variance"] == pytest.approx(alone[0]["variance"])
    logs = np.array([row["log_odds"] for row in alone])
    within = np.mean([row["variance"] for row in alone])
    assert varied["variance"] == pytest.approx(within + 1.5 * logs.var(ddof=1))


def test_an_empty_cell_gets_half_a_customer_and_an_empty_tier_no_result():
    empty = odds.high_tier_odds(predictions([[1] * 10], [1] * 2 + [0] * 8)).iloc[0]
    assert np.isnan(empty["estimate"])
    sure = odds.high_tier_odds(predictions([[3] * 4 + [1] * 6], [1] * 4 + [0] * 6)).iloc[0]
    assert sure["log_odds"] == pytest.approx(np.log(4.5 * 6.5 / 0.5 / 0.5))


ASSUMED = [
    {"costs": {"emp_roi": 0.9, "lgd_unsecured": 0.9, "officer_hour": 500.0, "funding_rate": 0.2}},
    {"simulated_customers": 2500},
    {"fieldwork": {"survey": "", "vignettes": "", "ahp": "", "interviews": ""}},
]


def test_no_assumption_simulated_customer_or_invented_answer_moves_a_verdict():
    """Every kind of material that bears no verdict is changed; all verdicts stay, to the last digit of the interval."""
    small = {
        "dataset": "credit_data",
        "compare_datasets": [],
        "folds": 2,
        "repeats": 1,
        "references": ["random"],
    }
    said = [study_claims.evidence(load("default", changes=small | other)) for other in ({}, *ASSUMED)]
    assert (said[0]["verdict"] == "supported").any()
    for other in said[1:]:
        pd.testing.assert_frame_equal(other, said[0])


def test_tiers_weighted_by_invented_experts_bear_no_verdict():
    small = {
        "dataset": "credit_data",
        "compare_datasets": [],
        "folds": 2,
        "repeats": 1,
        "references": ["random"],
    }
    made = study_claims.evidence(load("default", changes=small | {"weights": "survey"})).query(
        "model == 'abc'"
    )
    assert set(made["grade"]) == {"demonstration"}
    assert set(made["verdict"]) == {"not tested here"}


def test_the_premium_gap_is_a_difference_of_means_in_standard_deviations() -> None:
    """Oracle: numpy, customer by customer."""
    rng = np.random.default_rng(1)
    tier, value = rng.integers(0, 4, 400), rng.normal(50, 9, 400)
    sums = [np.bincount(tier, weights=value**power, minlength=4) for power in (0, 1, 2)]
    expected = (value[tier == 0].mean() - value[tier > 0].mean()) / value.std(ddof=1)
    assert float(separation.premium_gap(*sums)) == pytest.approx(expected)


def test_realised_value_needs_interest_and_loss_of_each_customer() -> None:
    """`vub` has an expected loss in standard deviations, `lendingclub2018` no recoveries: neither is realised value."""
    small = {"folds": 2, "models": ["abc"], "references": ["random"], "bootstrap": 100, "stability_refits": 2}
    plan = load("quick", dataset="lendingclub2018", changes=small)
    assert study_claims.realised_value(plan).empty
    found = study_claims.evidence(plan).set_index("claim").loc["H2a"]
    assert found["verdict"] == "not tested here" and "recoveries are not in the extract" in found["reason"]
    simulated = load("quick", dataset="simulated", changes=small | {"simulated_customers": 2000})
    rows = study_claims.realised_value(simulated).set_index("model")
    assert set(rows.index) == {"abc", "random", "value alone"}
    assert abs(rows.loc["random", "estimate"]) < 0.05 < rows.loc["value alone", "estimate"]
    shown = synthesis.value_beside(rows.reset_index(), "grade", "demonstration")
    assert str(shown.caption).startswith("Premium customers brought") and len(shown.frame) == 3
    assert study_claims.evidence(simulated).set_index("claim").loc["H2a", "verdict"] == "not tested here"
