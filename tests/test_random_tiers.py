"""Random tiers are judged by many draws: their means and spread against values known in closed form."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from research.compare import criteria, random_tiers
from research.compare.calibration import tier_calibration
from research.compare.economics import regret
from research.compare.fairness import fairness
from research.compare.practitioners import agreement_with_practitioners
from research.compare.resampling import OutOfFold, out_of_fold
from research.segment.references import RandomTiers
from research.segment.tiers import DEFAULT_SHARES
from research.tiers import TIERS

pytestmark = pytest.mark.every_python


TRUTH = ("true_value_after_risk",)


class Flat:
    """A model that says the same of everyone."""

    def fit_place(self, X: pd.DataFrame, y: np.ndarray) -> dict[str, np.ndarray]:
        return self.place(X)

    def place(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        return {"risk": np.zeros(len(X)), "tier": np.full(len(X), "low", dtype=object)}


def predictions(seed: int) -> OutOfFold:
    rng = np.random.default_rng(1)
    y = (rng.random(600) < 0.2).astype(float)
    y[:20] = np.nan
    X = pd.DataFrame({"x": rng.random(600)})
    makers = {("random", "x"): partial(RandomTiers, inputs="all", seed=seed), ("flat", "x"): Flat}
    return out_of_fold(makers, X, y, folds=4, repeats=2, seed=3)


@pytest.fixture(scope="module")
def oof() -> OutOfFold:
    return predictions(seed=1)


def test_draws_have_the_shares_and_the_folds_of_the_random_model(oof) -> None:
    batches = list(random_tiers.draws(oof))
    tier = np.concatenate([batch.tier for batch in batches])
    assert len(tier) == random_tiers.DRAWS >= 100
    tested = oof.fold >= 0
    assert ((tier >= 0) == tested).all()
    shares = [(tier[:, tested] == place).mean() for place in range(len(TIERS))]
    assert shares == pytest.approx([DEFAULT_SHARES[name] for name in TIERS], abs=0.02)
    r, k = 1, 2
    train = ~np.isnan(oof.y) & (oof.fold[r] != k)
    told = np.concatenate([batch.probability[:, r, oof.fold[r] == k] for batch in batches])
    assert np.unique(told) == pytest.approx([oof.y[train].mean()])
    rates = np.concatenate([batch.tier_rate for batch in batches])
    assert rates.mean(axis=(0, 1, 2)) == pytest.approx(np.full(4, oof.y[train].mean()), abs=0.02)


def test_draws_follow_from_the_seed(oof) -> None:
    first, again = next(random_tiers.draws(oof)), next(random_tiers.draws(oof, count=3, at_once=2))
    assert (again.tier == first.tier[:2]).all()
    other = next(random_tiers.draws(predictions(seed=2), count=1))
    assert (other.tier != first.tier[:1]).any()
    assert list(random_tiers.draws(replace(oof, pairs=(("rfm", "x"), ("abc", "x"))))) == []


def test_the_mean_over_draws_is_what_chance_gives(oof) -> None:
    # In closed form: the AUC of lots has mean 1/2, a trend over tiers by lot has mean 0.
    rows = criteria.fold_measures(oof)
    random = rows[rows["model"] == "random"].set_index("measure")["estimate"]
    assert len(random["auc"]) == 8 and random["auc"].mean() == pytest.approx(0.5, abs=0.01)
    assert random["trend_effect"].abs().max() < 0.04
    alone = criteria.fold_measures(replace(oof, pairs=(("lot", "x"), oof.pairs[1])))
    flat = rows[rows["model"] == "flat"].drop(columns=list(criteria.DRAWN))
    pd.testing.assert_frame_equal(flat, alone[alone["model"] == "flat"])


def test_the_interval_of_random_tiers_is_the_spread_of_the_draws(oof) -> None:
    # Oracle: scikit-learn's AUC of the same lots; Mann and Whitney's variance (n₀ + n₁ + 1) / (12 n₀ n₁) of the AUC of
    # lots, averaged over folds and repeats.
    means = []
    for batch in random_tiers.draws(oof):
        for score in batch.score:
            parts = [(r, oof.fold[r] == k) for r in range(oof.repeats) for k in range(oof.folds)]
            means.append(np.mean([roc_auc_score(oof.y[rows], score[r, rows]) for r, rows in parts]))
    table = criteria.criterion_table(oof, criteria.fold_measures(oof), "invented", resamples=10)
    row = table[(table["measure"] == "auc") & (table["model"] == "random")].iloc[0]
    assert row["estimate"] == pytest.approx(np.mean(means))
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(np.quantile(means, [0.025, 0.975]))
    bad, n = np.nansum(oof.y) / oof.folds, (~np.isnan(oof.y)).sum() / oof.folds
    sd = np.sqrt((n + 1) / (12 * bad * (n - bad)) / (oof.folds * oof.repeats))
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * stats.norm.ppf(0.975) * sd, rel=0.3)


def test_every_measure_of_random_tiers_is_a_mean_over_draws(oof) -> None:
    # A single draw is told apart from a mean by being one of the values of the draws.
    sex = pd.DataFrame({"sex": np.resize(["f", "m"], oof.y.size)})
    truth = pd.DataFrame({name: np.linspace(0, 1, oof.y.size) for name in TRUTH})
    measures = {
        "observed": tier_calibration,
        "estimate": lambda made: pd.concat(
            [fairness(made, sex, 5), regret(made, truth, 5)], ignore_index=True
        ),
        "auc": criteria.areas,
    }
    batches = list(random_tiers.draws(oof))
    for column, measure in measures.items():
        found, drawn = measure(oof), pd.concat([measure(batch) for batch in batches])
        keys = [name for name in random_tiers.KEYS if name in found] or (lambda _: 0)
        expected = drawn.groupby(keys, observed=True)[column].mean()
        random = found[found["model"] == "random"]
        shown = random.groupby(keys, observed=True)[column].mean()
        pd.testing.assert_series_equal(shown, expected)
        spread = drawn.groupby(keys, observed=True)[column].quantile(0.975)
        pd.testing.assert_series_equal(
            random.groupby(keys, observed=True)["ci_high"].mean(), spread, check_names=False
        )


def test_the_agreement_of_lots_with_experts_is_none(oof) -> None:
    # One draw had κ = 0.35 with an interval clear of zero. Chance-corrected agreement of lots has mean 0.
    rng = np.random.default_rng(2)
    ratings = pd.DataFrame(
        [(e, v, rng.choice(list(TIERS))) for e in range(5) for v in range(30, 60)],
        columns=["expert", "vignette", "tier"],
    )
    names = np.array(TIERS, dtype=object)
    placed = {
        pair: pd.Series(names[batch.tier[i, 0]], index=oof.index)[30:60]
        for batch in random_tiers.draws(oof)
        for i, pair in enumerate(batch.pairs)
    }
    drawn = agreement_with_practitioners(ratings, placed, resamples=1)
    one = agreement_with_practitioners(ratings, {("random", "x"): placed["a draw", "0"]}, resamples=50)
    row = random_tiers.averaged(one, drawn).iloc[0]
    assert row["estimate"] == pytest.approx(0, abs=0.05)
    assert row["ci_low"] < 0 < row["ci_high"] and (row["n"], row["experts"]) == (150, 5)
