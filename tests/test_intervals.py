"""What all families share: the interval of a rate and the association of two classifications."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import proportion_confint

from research.contingency import cramers_v
from research.intervals import jeffreys

pytestmark = pytest.mark.every_python


def test_jeffreys_intervals_as_published() -> None:
    """R RSurveillance 0.2.1, binom.jeffreys(25, 200) and seq(10, 90, 10) of 200 (its manual's example output)."""
    low, high = jeffreys([25, 10, 20, 30, 40, 50], [200] * 6)
    np.testing.assert_allclose(
        low, [0.08462743, 0.02599340, 0.06416642, 0.10567714, 0.14910087, 0.19387268], atol=6e-9
    )
    np.testing.assert_allclose(
        high, [0.176126, 0.08687509, 0.14729862, 0.20436243, 0.25950769, 0.31330266], atol=5e-7
    )


def test_jeffreys_intervals_close_at_the_ends() -> None:
    """riskvalidation 1.0.1, pd_jeffreys: 0 of 50 → (0, 0.04875846); 10 of 10 → (0.78280373, 1)."""
    low, high = jeffreys([0, 10, 0], [50, 10, 0])
    np.testing.assert_allclose(low, [0, 0.78280373, np.nan], atol=1e-8)
    np.testing.assert_allclose(high, [0.04875846, 1, np.nan], atol=1e-8)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_jeffreys_intervals_inside_the_ends_equal_statsmodels(level: float) -> None:
    events, n = np.array([1, 3, 250, 9]), np.array([10, 40, 1000, 10])
    theirs = proportion_confint(events, n, 1 - level, method="jeffreys")
    np.testing.assert_allclose(jeffreys(events, n, level), theirs, rtol=1e-12)


def test_corrected_v_by_hand() -> None:
    # 2 × 2 table 30/10, 10/30: χ² = 20, n = 80. Bergsma: φ² = 20/80 − 1/79, r = c = 2 − 1/79, V = sqrt(φ² / (r − 1)).
    assert cramers_v(20, 80, 2, 2) == pytest.approx(np.sqrt((0.25 - 1 / 79) / (1 - 1 / 79)))
    # 3 × 4: φ² = 30/100 − 6/99; r = 3 − 4/99 is the smaller side.
    assert cramers_v(30, 100, 3, 4) == pytest.approx(np.sqrt((0.3 - 6 / 99) / (2 - 4 / 99)))
    assert cramers_v(30, 100, 4, 3) == cramers_v(30, 100, 3, 4)
    assert cramers_v(0.5, 100, 3, 4) == 0  # less than chance alone brings


def test_corrected_v_is_one_for_the_same_classes_and_nan_where_it_cannot_be_told() -> None:
    same = chi2_contingency(np.diag([20, 30, 50]), correction=False).statistic
    assert cramers_v(same, 100, 3, 3) == pytest.approx(1)
    assert np.isnan(cramers_v([0, 2, 0], [40, 2, 0], [1, 2, 0], [3, 2, 0])).all()
