"""Random tiers are judged by many draws: their means and spread against values known in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from research.compare import criteria, random_tiers
from research.compare.practitioners import agreement_with_practitioners
from research.compare.resampling import out_of_fold
from research.segment.tiers import DEFAULT_SHARES
from research.tiers import TIERS

pytestmark = pytest.mark.every_python


class Flat:
    """A model that says the same of everyone."""

    def fit_place(self, X: pd.DataFrame, y: np.ndarray) -> dict[str, np.ndarray]:
        return self.place(X)

    def place(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        return {"risk": np.zeros(len(X)), "tier": np.full(len(X), "low", dtype=object)}


@pytest.fixture(scope="module")
def oof():
    rng = np.random.default_rng(1)
    y = (rng.random(600) < 0.2).astype(float)
    y[:20] = np.nan
    X = pd.DataFrame({"x": rng.random(600)})
    pairs = {("random", "as practised"): Flat, ("flat", "as practised"): Flat}
    return out_of_fold(pairs, X, y, folds=4, repeats=2, seed=3)


def test_draws_have_the_wanted_shares_and_the_folds_of_the_models(oof) -> None:
    batches = list(random_tiers.draws(oof, DEFAULT_SHARES, seed=5))
    tier = np.concatenate([batch.tier for batch in batches])
    assert len(tier) == random_tiers.DRAWS >= 100
    tested = oof.fold >= 0
    assert ((tier >= 0) == tested).all()
    shares = [(tier[:, tested] == place).mean() for place in range(len(TIERS))]
    assert shares == pytest.approx([DEFAULT_SHARES[name] for name in TIERS], abs=0.005)
    again = next(random_tiers.draws(oof, DEFAULT_SHARES, seed=5, count=3, at_once=2))
    assert (again.tier == tier[:2]).all() and (again.score[0, tested] != again.score[1, tested]).all()
    other = next(random_tiers.draws(oof, DEFAULT_SHARES, seed=6, count=1))
    assert (other.tier != tier[:1]).any()
    r, k, place = 1, 2, TIERS.index("medium")
    train = ~np.isnan(oof.y) & (oof.fold[r] != k)
    assert np.unique(batches[0].probability[:, r, oof.fold[r] == k]) == pytest.approx([oof.y[train].mean()])
    assert (batches[0].tier_rate[..., place] < 0.5).all()


def test_the_mean_over_draws_is_what_chance_gives(oof) -> None:
    # In closed form: the AUC of lots has mean 1/2, and by Mann and Whitney the variance (n₀ + n₁ + 1) / 12 n₀ n₁; the
    # expected trend and information are those of a table without association.
    def judge(part):
        return {"folds": criteria.fold_measures(part)}

    rows = random_tiers.over_draws(judge, judge(oof), oof, DEFAULT_SHARES, seed=5)["folds"]
    auc = rows[(rows["measure"] == "auc") & (rows["model"] == "random")]
    assert len(auc) == 8 and auc["estimate"].mean() == pytest.approx(0.5, abs=0.01)
    trend = rows[(rows["measure"] == "trend_effect") & (rows["model"] == "random")]
    assert trend["estimate"].abs().max() < 0.03
    others = rows["model"] == "flat"
    pd.testing.assert_frame_equal(rows[others], judge(oof)["folds"][others])


def test_the_interval_of_random_tiers_is_the_spread_of_the_draws(oof) -> None:
    # Oracle: scikit-learn's AUC of the same lots, the normal limit of Mann and Whitney for their spread.
    known = ~np.isnan(oof.y)
    y, areas = oof.y[known], []

    def judge(part):
        found = [roc_auc_score(y, part.score[i, 0, known]) for i in range(len(part.pairs))]
        areas.extend(found if part is not oof else [])
        models, arms = zip(*part.pairs, strict=True)
        return {"auc": pd.DataFrame({"measure": "auc", "model": models, "arm": arms, "estimate": found, "ci_low": 0.0,
                                     "ci_high": 1.0, "n": len(y)})}  # fmt: skip

    rows = random_tiers.over_draws(judge, judge(oof), oof, DEFAULT_SHARES, seed=5)["auc"]
    row = rows.set_index("model").loc["random"]
    assert (len(areas), row["estimate"], row["n"]) == (100, pytest.approx(np.mean(areas)), len(y))
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(np.quantile(areas, [0.025, 0.975]))
    bad = y.sum()
    sd = np.sqrt((len(y) + 1) / (12 * bad * (len(y) - bad)))
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * stats.norm.ppf(0.975) * sd, rel=0.3)


def test_the_agreement_of_lots_with_experts_is_none(oof) -> None:
    # One draw had κ = 0.35 with an interval clear of zero. Chance-corrected agreement of lots has mean 0.
    rng = np.random.default_rng(2)
    ratings = pd.DataFrame(
        [(e, v, rng.choice(list(TIERS))) for e in range(5) for v in range(30, 60)],
        columns=["expert", "vignette", "tier"],
    )
    names = np.array(TIERS, dtype=object)
    batches = list(random_tiers.draws(oof, DEFAULT_SHARES, seed=5))
    placed = {
        pair: pd.Series(names[batch.tier[i, 0]], index=oof.index)[30:60]
        for batch in batches
        for i, pair in enumerate(batch.pairs)
    }
    drawn = agreement_with_practitioners(ratings, placed, resamples=1)
    one = agreement_with_practitioners(
        ratings, {("random", "as practised"): placed["random", "0"]}, resamples=50
    )
    row = random_tiers.averaged(one, drawn).iloc[0]
    assert row["estimate"] == pytest.approx(0, abs=0.05)
    assert row["ci_low"] < 0 < row["ci_high"] and (row["n"], row["experts"]) == (150, 5)
