"""Criterion 7, the specification curve and the verdict in words."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from research.compare import verdict
from research.compare.counting import centred_interval, draw_counts
from research.compare.economics import expected_maximum_profit, ideal_tiers, regret
from research.compare.inference import pairwise
from research.compare.resampling import OutOfFold
from research.compare.specification import (
    flips,
    flips_in_words,
    specification_curve,
    specifications,
    winners,
    winners_in_words,
)
from research.compare.verdict import NO_WINNER, against_random, judge
from research.errors import UserError
from research.verification.checks import published_table

RNG = np.random.default_rng(5)


def test_profit_as_published_by_empulse():
    # example of `empcs_score` in the documentation of empulse
    y, score = published_table("empulse_example").to_numpy(dtype=float).T
    profit, fraction = expected_maximum_profit(y, score)
    assert profit == pytest.approx(0.09747017050000001, abs=1e-15)
    assert fraction == pytest.approx(0.324345, abs=1e-6)


@pytest.mark.parametrize("decimals", [9, 1])
@pytest.mark.parametrize("parameters", [(0.2644, 0.55, 0.10), (0.1, 0.3, 0.3), (0.6, 0.0, 0.0)])
def test_profit_is_the_average_of_best_profits(decimals, parameters):
    roi, p0, p1 = parameters
    y = (RNG.random(300) < 0.25).astype(float)
    score = np.round(RNG.normal(size=300) + y, decimals)
    cuts = np.append(np.unique(score), np.inf)
    bad = np.array([((score >= cut) & (y == 1)).mean() for cut in cuts])
    good = np.array([((score >= cut) & (y == 0)).mean() for cut in cuts])
    losses = np.linspace(0, 1, 20_001)
    best = (np.outer(losses, bad) - roi * good).max(axis=1)
    direct = (1 - p0 - p1) * integrate.simpson(best, x=losses) + p1 * best[-1] + p0 * best[0]
    assert expected_maximum_profit(y, score, roi, p0, p1)[0] == pytest.approx(direct, abs=1e-8)


@pytest.mark.parametrize("decimals", [9, 1])
def test_profit_equals_empulse(decimals):
    metrics = pytest.importorskip("empulse.metrics", reason="the optional extra 'profit' is not installed")
    y = (RNG.random(500) < 0.25).astype(int)
    score = np.round(1 / (1 + np.exp(-RNG.normal(size=500) - y)), decimals)
    assert expected_maximum_profit(y, score)[0] == pytest.approx(metrics.empcs_score(y, score), abs=1e-12)
    theirs = metrics.empcs_score(y, score, success_rate=0.4, default_rate=0.2, roi=0.1)
    assert expected_maximum_profit(y, score, 0.1, 0.4, 0.2)[0] == pytest.approx(theirs, abs=1e-12)


def test_profit_of_no_information_and_of_full_knowledge():
    y = np.array([0.0] * 8 + [1.0] * 2)
    # nobody is refused: 0.2 × λ never exceeds roi × 0.8 below λ = 1.06
    assert expected_maximum_profit(y, np.zeros(10)) == (0.0, 0.0)
    profit, fraction = expected_maximum_profit(y, y)
    assert profit == pytest.approx(0.2 * (0.35 / 2 + 0.10)) and fraction == pytest.approx(0.2 * 0.45)
    with pytest.raises(UserError, match="expected roi > 0"):
        expected_maximum_profit(y, y, p0=0.8, p1=0.3)


def placed(tiers: list[int]) -> OutOfFold:
    """Return predictions with the given tiers, one repeat, one fold."""
    n, shape = len(tiers), (1, 1, len(tiers))
    scores, size = np.zeros(shape), np.array([[n]])
    return OutOfFold((("m", "equal"),), pd.RangeIndex(n), np.zeros(n), np.zeros((1, n), int), scores, scores, scores,
                     np.array(tiers, dtype=np.int8).reshape(shape), np.full((1, 1, 1, 4), 0.5), size, size)  # fmt: skip


def test_regret_is_zero_for_the_ideal_and_counts_what_is_missed():
    truth = pd.DataFrame({"true_pd": [0.9, 0.5, 0.2, 0.1, 0.05], "true_value": [1.0, 2, 3, 4, 5]})
    truth["true_value_after_risk"] = [-4.0, 1.0, 2.5, 3.8, 4.9]
    chance, value = truth["true_pd"].to_numpy(), truth["true_value"].to_numpy()
    ideal = ideal_tiers(chance, value, np.array([1, 2, 1, 1]))
    assert ideal.tolist() == [3, 2, 1, 1, 0]
    none = regret(placed(ideal.tolist()), truth, resamples=20)
    assert none["estimate"].to_numpy() == pytest.approx(0)
    # by hand: high holds 0.5 instead of 0.9, premium 4 instead of 5; 1.0 is left out instead of the loss of 4
    found = regret(placed([2, 3, 1, 0, 1]), truth, resamples=20).set_index("measure")["estimate"]
    assert found["wrong_tier"] == pytest.approx(4 / 5)
    assert found["missed_risk"] == pytest.approx(1 - 0.5 / 0.9)
    assert found["missed_value"] == pytest.approx(1 - 4 / 5)
    assert found["net_value_regret"] == pytest.approx(1 - 7.2 / 12.2)
    # samples that lack the best customers have nothing to lose; they do not count
    many = regret(placed([2, 3, 1, 0, 1]), truth, resamples=200)
    assert np.isfinite(many[["ci_low", "ci_high"]].to_numpy()).all()
    right = np.array([False, False, True, False, False])  # only the third is where the ideal puts it
    for seed in range(4):
        low, high = centred_interval(np.array(0.8), 1 - draw_counts(5, 200, seed) @ right / 5, 0)
        wrong = (
            regret(placed([2, 3, 1, 0, 1]), truth, resamples=200, seed=seed)
            .set_index("measure")
            .loc["wrong_tier"]
        )
        assert (wrong["ci_low"], wrong["ci_high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    # a risky customer in premium counts for nothing, however valuable
    risky = regret(placed([0, 2, 1, 1, 3]), truth, resamples=20).set_index("measure")["estimate"]
    assert risky["missed_value"] == pytest.approx(1)


def test_regret_is_never_below_zero():
    rng = np.random.default_rng(3)
    truth = pd.DataFrame({"true_pd": rng.random(200), "true_value": rng.lognormal(size=200)})
    truth["true_value_after_risk"] = truth["true_value"] - 2 * truth["true_pd"]
    for _ in range(20):
        found = regret(placed(rng.integers(0, 4, 200).tolist()), truth, resamples=20)
        assert (found["estimate"] >= 0).all() and (found["ci_low"] >= 0).all()


# -- specification curve -------------------------------------------------------------------------------------------


def grid() -> pd.DataFrame:
    # x is best unless shares are wide; with wide shares and high cost, x and y tie
    scores = {("narrow", 1): (3, 2), ("narrow", 2): (4, 2), ("wide", 1): (1, 2), ("wide", 2): (2, 2)}
    rows = [{"shares": s, "cost": c, "model": m, "estimate": float(e)}
            for (s, c), pair in scores.items() for m, e in zip("xy", pair, strict=True)]  # fmt: skip
    return pd.DataFrame(rows)


def test_specification_curve_by_hand():
    assert specifications({"shares": ["narrow", "wide"], "cost": [1, 2]}).shape == (4, 3)
    curve = specification_curve(grid(), ["shares", "cost"])
    best = curve.drop_duplicates("position").set_index("position")
    assert best.index.tolist() == [0, 1, 2, 3]
    assert best["best"].tolist() == ["y", "tie", "x", "x"]
    assert best["margin"].tolist() == [1, 0, 1, 2]
    assert curve.query("best == 'tie'")["rank"].tolist() == [1.5, 1.5]
    assert winners(best["best"]).iloc[0].to_dict() == {"model": "x", "specifications": 2, "share": 0.5}
    said = winners_in_words(winners(best["best"]), {"x": "RFM", "y": "ABC"})
    assert said.startswith("RFM leads in 2 of 4 specifications") and "nobody alone in 1" in said
    changed = flips(curve, ["shares", "cost"]).set_index("choice")
    assert changed.loc["shares", ["pairs", "flips"]].tolist() == [2, 2]
    assert changed.loc["cost", ["pairs", "flips"]].tolist() == [2, 1]
    assert flips(curve, ["shares", "cost"])[["choice", "share"]].to_numpy().tolist() == [
        ["shares", 1],
        ["cost", 0.5],
    ]
    # the leader of narrow shares is clear at cost 2 only
    clear = curve.assign(clear=(curve["shares"] == "narrow") & (curve["cost"] == 2))
    verdicts = flips(clear, ["shares", "cost"]).set_index("choice")["verdicts"]
    assert verdicts.to_dict() == {"shares": 2, "cost": 2}
    assert flips_in_words(changed.reset_index()) == (
        "Changing the shares alone changes the leader in 2 of 2 pairs of specifications; "
        "Changing the cost alone changes the leader in 1 of 2 pairs of specifications"
    )
    assert flips_in_words(changed.assign(flips=0).reset_index()).startswith("No choice changes the leader")
    told = flips(curve.assign(clear=True), ["shares", "cost"])
    assert told["verdicts"].tolist() == told["flips"].tolist() == [2, 1]
    lower = specification_curve(grid().assign(estimate=lambda t: -t["estimate"]), ["shares", "cost"], False)
    assert lower["best"].tolist() == curve["best"].tolist()


def test_specification_curve_refuses_holes():
    with pytest.raises(UserError, match="every model once"):
        specification_curve(grid().iloc[1:], ["shares", "cost"])


# -- verdict -------------------------------------------------------------------------------------------------------

MODELS = ("rfm", "abc", "tree")


def results(shifts: dict[str, dict[str, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table and tests from made-up fold values: measure to model to mean."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 50)
    rows = [{"measure": measure, "model": model, "arm": "equal", "repeat": k // 10, "fold": k % 10,
             "estimate": mean + noise[k] + rng.normal(0, 0.002)}
            for measure, means in shifts.items() for model, mean in means.items() for k in range(50)]  # fmt: skip
    folds = pd.DataFrame(rows)
    table = folds.groupby(["measure", "model", "arm"], sort=False)["estimate"].mean().reset_index()
    table = table.assign(
        dataset="invented", ci_low=table["estimate"] - 0.01, ci_high=table["estimate"] + 0.01, n=500
    )
    return table, pairwise(folds, 1 / 9)


def test_a_clear_lead():
    table, pairs = results({
        "auc": {"rfm": 0.6, "abc": 0.65, "tree": 0.7, "random": 0.5},
        "trend_effect": {"rfm": 0.1, "abc": 0.12, "tree": 0.2, "random": 0.0},
        "brier": {"rfm": 0.10, "abc": 0.12, "tree": 0.08, "random": 0.2},
    })  # fmt: skip
    result = judge(table, pairs, MODELS, {"tree": "Decision tree"})
    assert result.clear and result.leader == "tree"
    assert result.ranking["mean_rank"].tolist() == [1, pytest.approx(7 / 3), pytest.approx(8 / 3)]
    rows = result.criteria.set_index("criterion")
    assert (
        rows.loc[3, "winner"] == "tree"
        and rows.loc[3, "runner_up"] == "rfm"
        and rows.loc[3, "difference"] < 0
    )
    assert rows.loc[1, "decided_by"] == "corrected t-test" and rows.loc[1, "p_holm"] < 0.001
    assert rows.loc[4, "decided_by"] == "not testable"
    assert "Decision tree serves best over 3 criteria" in result.statement
    assert any("criteria 4, 5, 6, 7, 8, 9, 10" in text for text in result.caveats)
    assert result.findings[0].startswith(
        "Criterion 1, AUC of the score: Decision tree is clearly best with 0.7"
    )


def test_differences_within_noise_have_no_winner():
    table, pairs = results({"auc": {"rfm": 0.65, "abc": 0.6502, "tree": 0.6501, "random": 0.65}})
    result = judge(table, pairs, MODELS, bad=40)
    assert result.criteria["winner"].iloc[0] == NO_WINNER and not result.clear
    assert "no model is clearly best" in result.statement
    assert any("not clearly better than random tiers" in text for text in result.findings)
    assert any("Only 40 bad outcomes" in text for text in result.caveats)
    against = against_random(table, pairs, MODELS)
    assert len(against) == 3 and not against["better"].any()


def test_holm_is_over_the_candidates_only():
    table, pairs = results({"auc": {"rfm": 0.6, "abc": 0.65, "tree": 0.7, "random": 0.5}})
    alone = judge(table, pairs[~pairs["model_b"].eq("random")], MODELS)
    both = judge(table, pairs, MODELS)
    assert alone.criteria["p_holm"].iloc[0] == both.criteria["p_holm"].iloc[0]


def test_without_tests_intervals_decide_and_without_intervals_numbers():
    table, pairs = results({"auc": {"rfm": 0.6, "abc": 0.65, "tree": 0.7}})
    none = pairs.head(0)
    by_interval = judge(table, none, MODELS).criteria.iloc[0]
    assert (by_interval["winner"], by_interval["decided_by"]) == ("tree", "intervals")
    overlapping = table.assign(ci_low=0.5, ci_high=0.8)
    assert judge(overlapping, none, MODELS).criteria["tied_with"].iloc[0] == "abc, rfm"
    plain = table.assign(ci_low=np.nan, ci_high=np.nan)
    row = judge(plain, none, MODELS).criteria.iloc[0]
    assert (row["winner"], row["decided_by"]) == ("tree", "number")


def test_the_next_measure_decides_where_the_primary_is_unknown():
    rows = [(measure, model, value) for measure, values in
            {"rows_by_hand": (np.nan, np.nan, 9), "rules": (27, 27, 8)}.items()
            for model, value in zip(MODELS, values, strict=True)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["measure", "model", "estimate"]).assign(
        arm="equal", dataset="invented", ci_low=np.nan, ci_high=np.nan, n=1
    )
    _, pairs = results({"auc": {"rfm": 0.6, "abc": 0.65}})
    row = judge(table, pairs, MODELS).criteria.set_index("criterion").loc[8]
    assert (row["measure"], row["winner"]) == ("rules", "tree")
    with pytest.raises(UserError, match="one data set"):
        judge(pd.concat([table, table.assign(dataset="other")]), pairs, MODELS)


def test_a_lead_that_rests_on_one_criterion_is_not_clear():
    table, pairs = results({
        "auc": {"rfm": 0.6, "abc": 0.65, "tree": 0.7},
        "brier": {"rfm": 0.10, "abc": 0.10, "tree": 0.08},
        "eta_squared": {"rfm": 0.3, "abc": 0.2, "tree": 0.1},
        "cramers_v": {"rfm": 0.3, "abc": 0.2, "tree": 0.1},
        "emp": {"rfm": 0.01, "abc": 0.02, "tree": 0.05},
    })  # fmt: skip
    result = judge(table, pairs, MODELS)
    assert result.leader == "tree" and result.ranking["clear_wins"].iloc[0] == 3 and not result.clear


def test_mean_ranks_count_the_criteria_a_model_was_judged_on():
    ranks = pd.DataFrame({"rfm": [1.0, 2.0, np.nan], "tree": [2.0, 1.0, 1.0]}, index=[1, 2, 5])
    table = verdict.rank_models(ranks, pd.Series(["rfm", "no clear winner", "tree"])).set_index("model")
    assert table.index.tolist() == ["tree", "rfm"]
    assert table["mean_rank"].tolist() == [pytest.approx(4 / 3), 1.5]
    assert table["criteria"].tolist() == [3, 2] and table["clear_wins"].tolist() == [1, 1]


def test_a_clear_lead_needs_two_criteria_and_survives_leaving_one_out():
    def clear(ranks: dict[str, list[float]], winners: list[str]) -> bool:
        table = pd.DataFrame(ranks, index=range(1, len(winners) + 1))
        return verdict._clear_lead(table, verdict.rank_models(table, pd.Series(winners)))

    assert not clear({"rfm": [1], "tree": [2]}, ["rfm"])
    assert clear({"rfm": [1, 1], "tree": [2, 2]}, ["rfm", "rfm"])
    assert not clear({"rfm": [1, 1.5], "tree": [2, 1.5]}, ["rfm", "rfm"])  # without the first they are equal
    assert not clear({"rfm": [1, 1], "tree": [2, 2]}, ["rfm", "tree"])  # as many clear wins


def test_the_verdict_says_what_is_missing():
    table, pairs = results({"auc": {"rfm": 0.6, "abc": 0.65, "tree": 0.7}})
    said = judge(table, pairs, MODELS, bad=verdict.FEW_BAD)
    assert "Criterion 4, " in " ".join(said.findings)
    assert next(text for text in said.findings if text.startswith("Criterion 4,")).endswith(
        "not testable here."
    )
    assert not any("bad outcomes" in text for text in said.caveats)
    few = judge(table, pairs, MODELS, bad=verdict.FEW_BAD - 1)
    assert any(f"Only {verdict.FEW_BAD - 1} bad outcomes" in text for text in few.caveats)
    assert [verdict._number(x) for x in (250.4, 3.0, 0.12345)] == ["250", "3", "0.123"]


def test_tests_are_read_in_both_directions_at_five_per_cent():
    table, pairs = results({"auc": {"rfm": 0.6, "abc": 0.65}})
    assert verdict.judge_criteria(table, pairs, ["rfm", "abc"])["winner"].iloc[0] == "abc"
    found = verdict._tests(pairs)
    forward, backward = found["auc", "rfm", "abc"], found["auc", "abc", "rfm"]
    assert forward[0] == -backward[0] < 0 and forward[1] == backward[1]
    for function in (verdict.judge, verdict.judge_criteria, verdict.against_random):
        assert inspect.signature(function).parameters["alpha"].default == 0.05


def test_the_primary_measure_of_each_criterion_comes_first():
    order = verdict._in_order.__wrapped__()  # not what an earlier test left in the cache
    assert [number for number, _ in order] == list(range(1, 11))
    assert all(measures[0].primary == "yes" for _, measures in order)
    assert all(m.primary != "yes" for _, measures in order for m in measures[1:])
