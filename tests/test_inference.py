"""Tests between models, against published tables and other packages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from research.compare.inference import (
    average_ranks,
    corrected_interval,
    corrected_t,
    critical_difference,
    friedman,
    nemenyi,
)
from research.errors import UserError
from research.multiplicity import holm
from research.verification.checks import published_table

pytestmark = pytest.mark.every_python

DEMSAR = published_table("demsar_c45")  # table 6 of Demšar (2006)
MODELS = list(DEMSAR.columns)


def test_friedman_as_published_by_demsar():
    assert average_ranks(DEMSAR).round(3).tolist() == [3.143, 2.000, 2.893, 1.964]
    result = friedman(DEMSAR).set_index("test")
    assert result.loc["Friedman", "statistic"] == pytest.approx(9.28, abs=0.005)
    assert result.loc["Iman-Davenport", "statistic"] == pytest.approx(3.69, abs=0.005)
    assert result.loc["Iman-Davenport", ["dof", "dof_2"]].tolist() == [3, 39]
    # scipy corrects for ties, which is another statistic
    assert stats.friedmanchisquare(*DEMSAR.T.to_numpy()).statistic == pytest.approx(10.228, abs=0.001)


def test_nemenyi_as_published_by_demsar():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)
    # table 5(a) of the paper: q of 2 to 10 classifiers at 0.05; printed values are truncated
    published = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    ours = [critical_difference(k, 1) / np.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    assert np.allclose(ours, published, atol=1e-3)


def test_nemenyi_names_the_pairs_that_demsar_found():
    """Critical difference 1.12 at 0.10 (Demšar 2006, figure 1a): C4.5 lies that far from C4.5+m and C4.5+m+cf only."""
    rows = nemenyi(DEMSAR)
    apart = rows[rows["p_value"] < 0.10]
    assert set(zip(apart["model_a"], apart["model_b"], strict=True)) == {
        ("C4.5", "C4.5+m"),
        ("C4.5", "C4.5+m+cf"),
    }
    assert (abs(rows["rank_a"] - rows["rank_b"]) > critical_difference(4, 14, alpha=0.10)).tolist() == (
        rows["p_value"] < 0.10
    ).tolist()


def test_ranks_refuse_holes():
    with pytest.raises(UserError, match="missing scores"):
        friedman(DEMSAR.mask(DEMSAR < 0.6))
    with pytest.raises(UserError, match="1 data sets"):
        friedman(DEMSAR.head(1))


def test_corrected_t_by_hand():
    # mean 0.2, s² = (0.01 + 0.01 + 0.04) / 2 = 0.03
    row = corrected_t(np.array([0.1, 0.1, 0.4]), test_train_ratio=0.5).iloc[0]
    assert row["difference"] == pytest.approx(0.2)
    assert row["statistic"] == pytest.approx(0.2 / np.sqrt((1 / 3 + 0.5) * 0.03))
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(row["statistic"], 2))
    # without the correction it is the one-sample t-test
    plain = corrected_t(np.array([0.1, 0.1, 0.4]), test_train_ratio=0.0).iloc[0]
    oracle = stats.ttest_1samp([0.1, 0.1, 0.4], 0)
    assert plain["statistic"] == pytest.approx(oracle.statistic) and plain["p_value"] == pytest.approx(
        oracle.pvalue
    )
    low, high = oracle.confidence_interval()
    assert (plain["ci_low"], plain["ci_high"]) == pytest.approx((low, high))


def test_corrected_t_without_variance_or_values():
    assert corrected_t(np.zeros(5), 0.1)["p_value"].item() == 1
    assert corrected_t(np.full(5, 0.1), 0.1)["p_value"].item() == 0
    assert np.isnan(corrected_t(np.array([0.1, np.nan]), 0.1)["p_value"].item())
    assert corrected_t(np.array([0.1, np.nan, 0.3]), 0.1)["n"].item() == 2
    assert np.isnan(corrected_interval(np.array([np.nan]), 0.1)[0])


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, np.nan, 0.03])) == pytest.approx(
        [0.03, 0.06, np.nan, 0.06], nan_ok=True
    )
    assert np.isnan(holm(np.array([np.nan]))).all() and len(holm(np.array([]))) == 0
    p = np.random.default_rng(0).uniform(0, 0.2, 12)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_degrees_of_freedom_are_one_less_than_the_splits():
    row = corrected_t(np.array([0.1, 0.2, 0.4, np.nan]), 0.5).iloc[0]
    assert (row["dof"], row["n"]) == (2, 3)
    # mean 7/30, s² = 7/300, variance (1/3 + 1/2)·7/300
    assert row["statistic"] == pytest.approx((7 / 30) / np.sqrt(5 / 6 * 7 / 300))
