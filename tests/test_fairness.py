"""Criteria 9 and 10, effect sizes and paired differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_ratio, equal_opportunity_ratio
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from research.compare.effects import book_bootstrap, tier_effects
from research.compare.fairness import fairness, protected_groups, worst_attribute
from research.compare.practitioners import agreement_with_practitioners, quadratic_kappa
from research.compare.resampling import OutOfFold
from research.errors import UserError
from research.intervals import jeffreys
from research.tiers import TIERS

N = 900


def predictions(models: int = 2, repeats: int = 2, seed: int = 0) -> OutOfFold:
    """Made-up predictions: the first model knows the risk, the second guesses."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=N)
    y = (rng.random(N) < 1 / (1 + np.exp(1.2 - 1.3 * risk))).astype(float)
    y[:20] = np.nan
    fold = np.stack([rng.permutation(N) % 3 for _ in range(repeats)])
    fold[:, :20] = -1
    score = np.stack([[risk + rng.normal(0, 0.3, N) if m == 0 else rng.normal(size=N) for _ in range(repeats)]
                      for m in range(models)])  # fmt: skip
    tier = np.stack([[np.searchsorted([-1.2, 0.2, 1.2], s) for s in model] for model in score]).astype(
        np.int8
    )
    tier[:, :, :20] = -1
    rate = np.broadcast_to(np.array([0.1, 0.2, 0.4, 0.6]), (models, repeats, 3, 4)).copy()
    sizes = np.full((repeats, 3), 293)
    return OutOfFold(tuple((f"m{m}", "equal") for m in range(models)), pd.RangeIndex(N), y, fold, score, score,
                     tier, rate, sizes * 2, sizes)  # fmt: skip


def protected(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"sex": rng.choice(["female", "male"], N), "age": rng.uniform(18, 80, N)})


def test_ratios_equal_fairlearn():
    oof, who = predictions(repeats=1), protected()
    table = fairness(oof, who, resamples=50).set_index(["measure", "attribute", "model"])["estimate"]
    rows = oof.tested
    for attribute in ("sex", "age"):
        groups = protected_groups(who[attribute], attribute)[rows]
        for i, model in enumerate(("m0", "m1")):
            chosen, good = oof.tier[i, 0, rows] <= 1, oof.y[rows] == 0
            parity = demographic_parity_ratio(good, chosen, sensitive_features=groups)
            opportunity = equal_opportunity_ratio(good, chosen, sensitive_features=groups)
            assert table["demographic_parity_ratio", attribute, model] == pytest.approx(parity)
            assert table["equal_opportunity_ratio", attribute, model] == pytest.approx(opportunity)


def test_bootstrap_of_ratios_equals_a_loop():
    oof, who = predictions(repeats=1), protected()
    rows = np.flatnonzero(oof.tested)
    table = fairness(oof, who[["sex"]], resamples=40, seed=6).query("model == 'm0'").set_index("measure")
    rng, loop = np.random.default_rng(6), []
    sex, chosen, good = who["sex"].to_numpy()[rows], oof.tier[0, 0, rows] <= 1, oof.y[rows] == 0
    for _ in range(40):
        d = rng.integers(0, len(rows), len(rows), dtype=np.int32)
        loop.append(demographic_parity_ratio(good[d], chosen[d], sensitive_features=sex[d]))
    point = table.loc["demographic_parity_ratio", "estimate"]
    ends = np.quantile(loop, [0.025, 0.975]) - (np.mean(loop) - point)
    ours = table.loc["demographic_parity_ratio", ["ci_low", "ci_high"]].to_numpy(dtype=float)
    assert ours == pytest.approx(np.clip(ends, 0, 1))


def test_four_fifths_by_construction():
    oof = predictions(models=1, repeats=1)
    sex = np.where(oof.tier[0, 0] <= 1, "a", "b")  # group b never reaches a good tier
    fails = fairness(oof, pd.DataFrame({"sex": sex}), resamples=50)
    assert (fails["estimate"] == 0).all() and (fails["four_fifths"] == "fails").all()
    same = pd.DataFrame({"sex": np.tile(["a", "b"], N // 2), "status": sex})
    table = fairness(oof, same, resamples=50)
    assert worst_attribute(table)["estimate"].tolist() == [0, 0]
    assert table.query("attribute == 'sex'")["estimate"].gt(0.8).all()


def test_small_groups_are_not_compared():
    oof, who = predictions(), protected()
    who.loc[30:34, "sex"] = "other"
    assert fairness(oof, who[["sex"]], resamples=20)["groups"].eq(2).all()
    assert fairness(oof, pd.DataFrame({"sex": ["x"] * N}), resamples=20).empty


def test_ages_fall_into_bands_and_missing_stays_missing():
    bands = protected_groups(pd.Series([18, 29.9, 30, 59, 60, np.nan]), "age")
    assert bands.tolist()[:5] == ["under 30", "under 30", "30 to 44", "45 to 59", "60 and over"]
    assert pd.isna(bands[5])


# -- effects -------------------------------------------------------------------------------------------------------


def test_calibration_error_of_the_tiers_by_hand():
    oof = predictions(repeats=2)
    found = book_bootstrap(oof, resamples=5)["ece"]
    y, due = oof.y[oof.tested], np.array([0.1, 0.2, 0.4, 0.6])
    gaps = [sum(abs((y - due[t])[oof.tier[0, r, oof.tested] == t].sum()) for t in range(4)) for r in range(2)]
    assert found.shape == (6, 2) and found[0, 0] == pytest.approx(np.mean(gaps) / len(y))


def test_a_model_that_knows_beats_one_that_guesses():
    oof = predictions()
    effects = tier_effects(oof, resamples=200).set_index(["measure", "model"])
    assert effects.loc[("ordered_share", "m0"), "estimate"] > 0.95
    assert effects.loc[("ordered_share", "m1"), "estimate"] < 0.5
    for name in ("m0", "m1"):
        error = effects.loc[("ece", name)]
        assert 0 <= error["ci_low"] <= error["estimate"] <= error["ci_high"] <= 1


# -- agree with practitioners ---------------------------------------------------------------------------------------


def test_quadratic_kappa_equals_statsmodels_and_scikit_learn():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 200)
    b = np.clip(a + rng.integers(-1, 2, 200), 0, 3)
    table = pd.crosstab(a, b).to_numpy()
    ours = quadratic_kappa(table)
    assert ours == pytest.approx(cohens_kappa(table, wt="quadratic", return_results=False))
    assert ours == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))


def ratings() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = [{"expert": f"e{e}", "vignette": f"v{v}", "tier": TIERS[int(np.clip(v % 4 + rng.integers(-1, 2), 0, 3))]}
            for e in range(6) for v in range(12)]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.loc[5, "tier"] = None
    return frame


def test_agreement_with_practitioners():
    right = pd.Series({f"v{v}": TIERS[v % 4] for v in range(12)})
    models = {
        ("tree", "equal"): right,
        ("random", "equal"): right.sample(frac=1, random_state=0).set_axis(right.index),
    }
    table = agreement_with_practitioners(ratings(), models, resamples=300, seed=1).set_index("model")
    given = ratings().dropna()
    oracle = cohen_kappa_score(
        [TIERS.index(t) for t in given["tier"]],
        [TIERS.index(right[v]) for v in given["vignette"]],
        weights="quadratic",
    )
    assert table.loc["tree", "estimate"] == pytest.approx(oracle)
    same = [t == right[v] for t, v in zip(given["tier"], given["vignette"], strict=True)]
    assert table.loc["tree", "exact"] == pytest.approx(sum(same) / 71)
    assert table.loc["tree", "n"] == 71 and table.loc["tree", "experts"] == 6
    assert table.loc["tree", "ci_low"] < oracle < table.loc["tree", "ci_high"]
    assert table.loc["tree", "ci_low"] > table.loc["random", "estimate"]
    again = agreement_with_practitioners(ratings(), models, resamples=300, seed=1).set_index("model")
    assert table.equals(again)


def test_vignettes_without_a_model_tier_are_named():
    with pytest.raises(UserError, match="no tier for vignette v11"):
        agreement_with_practitioners(ratings(), {("t", "a"): pd.Series({f"v{v}": "low" for v in range(11)})})
    with pytest.raises(UserError, match="found none"):
        agreement_with_practitioners(ratings().head(0), {})


def test_a_ratio_is_a_share_and_the_worst_attribute_is_told():
    oof, who = predictions(), protected()
    table = fairness(oof, who, resamples=60)
    assert (table["ci_low"] >= 0).all() and (table["ci_high"] <= 1).all() and (table["ci_high"] == 1).any()
    worst = worst_attribute(table)
    assert list(worst.columns) == ["measure", "model", "arm", "estimate", "ci_low", "ci_high", "n"]
    lowest = table.groupby(["measure", "model", "arm"], sort=False)["estimate"].min()
    np.testing.assert_array_equal(worst["estimate"], lowest)


def test_the_interval_of_an_ordered_share_is_that_of_its_resamples():
    oof = predictions()
    effects = tier_effects(oof, resamples=60, seed=3).set_index(["measure", "model"])
    ordered = effects.loc[("ordered_share", "m1")]
    low, high = jeffreys(ordered["estimate"] * 60, 60)
    assert (ordered["ci_low"], ordered["ci_high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
