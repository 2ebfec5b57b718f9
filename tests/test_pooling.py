"""Pooling over lenders: published values of the BCG trials, an independent solution, and what counts as consistent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from research.compare import pooling
from research.errors import UserError
from research.exhibits import lenders
from research.parameters import load
from research.study import purposes

# Colditz et al. (1994), 13 trials of the BCG vaccine: tuberculosis yes, no among vaccinated; yes, no among controls
BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
        (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ],
    dtype=float,
)  # fmt: skip


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    a, b, c, d = BCG.T
    log_ratio = np.log(a / (a + b)) - np.log(c / (c + d))
    return pd.DataFrame({"estimate": log_ratio, "variance": 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)})


def independent(trials: pd.DataFrame) -> dict[str, float]:
    """Paule and Mandel's equation solved by bisection, then Hartung and Knapp's formula."""
    y, v, k = trials["estimate"].to_numpy(), trials["variance"].to_numpy(), len(trials)

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        return w @ (y - w @ y / w.sum()) ** 2 - (k - 1)

    tau2 = optimize.brentq(excess, 0, 10) if excess(0) > 0 else 0.0
    w = 1 / (v + tau2)
    mean = w @ y / w.sum()
    scale = max(1.0, w @ (y - mean) ** 2 / (k - 1))
    error = np.sqrt(scale / w.sum())
    return {"tau2": tau2, "mean": mean, "error": error}


def test_pooled_bcg_trials_have_the_published_tau_and_mean(trials):
    """Viechtbauer (2010), J. Stat. Softw. 36(3), and the R package metafor, Paule-Mandel: τ² 0.318, mean −0.715."""
    found = pooling.pooled(trials).iloc[0]
    assert found["tau"] ** 2 == pytest.approx(0.3181, abs=5e-4)
    assert found["estimate"] == pytest.approx(-0.7150, abs=1e-3)
    assert found["lenders"] == 13


def test_pooled_agrees_with_an_independent_solution(trials):
    found, own = pooling.pooled(trials).iloc[0], independent(trials)
    reach = stats.t.ppf(0.975, 12)
    assert found["estimate"] == pytest.approx(own["mean"], abs=1e-6)
    assert found["ci_low"] == pytest.approx(own["mean"] - reach * own["error"], abs=1e-5)
    assert found["ci_high"] == pytest.approx(own["mean"] + reach * own["error"], abs=1e-5)
    wide = stats.t.ppf(0.975, 11) * np.sqrt(own["tau2"] + own["error"] ** 2)
    assert found["prediction_high"] == pytest.approx(own["mean"] + wide, abs=1e-5)


def test_interval_is_not_shortened_where_lenders_agree_by_chance():
    alike = pd.DataFrame({"estimate": [0.1, 0.1001, 0.0999, 0.1], "variance": [0.01] * 4})
    found = pooling.pooled(alike).iloc[0]
    assert found["tau"] == 0
    assert found["ci_high"] - found["estimate"] == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(0.01 / 4))
    assert found["i_squared"] == 0


def test_tau_is_found_for_small_variances():
    """A difference of AUCs has variances of 1e-5; an iteration stopped by rounding would give no variance between."""
    rows = pd.DataFrame(
        {"estimate": [-0.063, -0.058, -0.081, 0.004, -0.002, -0.014],
         "variance": [8e-5, 2e-5, 3e-4, 5e-5, 1e-5, 2e-6]}
    )  # fmt: skip
    assert pooling.pooled(rows).iloc[0]["tau"] ** 2 == pytest.approx(independent(rows)["tau2"], rel=1e-4)
    assert independent(rows)["tau2"] > 1e-4


def test_two_data_sets_of_one_lender_count_once():
    rows = pd.DataFrame(
        {"lender": ["one", "other", "one"], "dataset": list("abc"), "estimate": [0.1, 0.5, 0.3],
         "variance": [0.01, 0.02, 0.03]}
    )  # fmt: skip
    merged = pooling.by_lender(rows).set_index("lender")
    assert list(merged.index) == ["one", "other"]
    assert merged.loc["one", "estimate"] == pytest.approx((0.1 * 100 + 0.3 / 0.03) / (100 + 1 / 0.03))
    assert merged.loc["one", "variance"] == pytest.approx(1 / (100 + 1 / 0.03))
    assert merged["datasets"].tolist() == [2, 1]


def test_one_lender_is_not_pooled():
    with pytest.raises(UserError, match="found 1, expected 2"):
        pooling.pooled(pd.DataFrame({"estimate": [0.1], "variance": [0.01]}))


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ([0.2, 0.21, 0.19, 0.2, 0.22], True),
        ([0.2, 0.21, 0.19, 0.2], False),  # four lenders
        ([0.2, 0.21, 0.19, 0.2, -0.3], False),  # one clearly opposite, and the pooled interval holds the bar
        ([0.2, -0.2, 0.2, -0.2, 0.0], False),
    ],
)
def test_consistent_needs_five_lenders_a_clear_interval_and_nobody_opposite(estimates, expected):
    lenders = pd.DataFrame({"estimate": estimates, "variance": [1e-4] * len(estimates)})
    assert pooling.consistent(lenders, pooling.pooled(lenders).iloc[0], bar=0.0, margin=0.02) is expected


def test_one_lender_clearly_opposite_spoils_consistency_even_where_the_pooled_interval_is_clear():
    lenders = pd.DataFrame({"estimate": [0.3] * 12 + [-0.05], "variance": [1e-4] * 13})
    pool = pooling.pooled(lenders).iloc[0]
    assert pool["ci_low"] > 0
    assert pooling.consistent(lenders, pool, bar=0.0, margin=0.02) is False


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.002, "By ranks, too, the three differ over 7 lenders: Friedman p = 0.002."),
        (0.4, "By ranks alone the three cannot be told apart over 7 lenders: Friedman p = 0.400."),
    ],
)
def test_ranks_over_lenders_say_what_the_friedman_test_found(p: float, text: str) -> None:
    rows = pd.DataFrame(
        {"model_a": ["tree"], "model_b": ["abc"], "rank_a": [1.6], "rank_b": [2.4], "p_value": [0.1]}
    ).assign(lenders=7, p_friedman=p)
    assert str(lenders.ranks(rows, "recorded").caption) == text


def test_ranks_follow_from_differences_and_need_three_lenders(monkeypatch) -> None:
    def ranked(of: pd.DataFrame) -> pd.DataFrame:
        monkeypatch.setattr(purposes, "over_lenders", lambda study: {"rows": of})
        return purposes.lender_ranks(load())[0]

    monkeypatch.setattr("research.collect.recorded.frame", {}.get)
    gaps = [("a", "abc", 0.1), ("a", "scorecard", -0.1), ("b", "abc", -0.2), ("b", "scorecard", -0.1)]
    rows = pd.DataFrame(gaps, columns=["lender", "model_b", "estimate"])
    rows = rows.assign(purpose="risk", arm="as practised", model_a="tree")
    assert ranked(rows).empty
    found = ranked(pd.concat([rows, rows.query("lender == 'a'").assign(lender="c")]))
    pair = found.set_index(["model_a", "model_b"]).loc[("tree", "abc")]
    assert (pair["rank_a"], pair["rank_b"]) == pytest.approx(((2 + 3 + 2) / 3, (3 + 1 + 3) / 3))
    assert found["lenders"].iloc[0] == 3
