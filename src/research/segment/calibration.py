"""From a risk score to a probability, and default rates with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from research.intervals import jeffreys

# what every model's rules have
RULE_COLUMNS = ("rule", "length", "n", "known", "bads", "pd", "ci_low", "ci_high", "tier")
STEEPEST = 1e-9  # gradient of the mean loss at which the curve counts as found


@dataclass(frozen=True)
class Tally:
    """Training customers of each group (count,): n (all), known (outcome known), bads (NaN without an outcome).

    A model is fitted hundreds of times and read a few times, so it keeps these counts and makes its rules of them when
    it is asked.
    """

    n: np.ndarray
    known: np.ndarray
    bads: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, bad: np.ndarray | None, count: int) -> Tally:
        """Count customers by group 0 … count − 1 (n,) and outcome 0/1/NaN (n,); the censored count in n only."""
        n = np.bincount(groups, minlength=count)
        if bad is None:
            return cls(n, np.zeros(count, dtype=int), np.full(count, np.nan))
        seen = ~np.isnan(bad)
        known = np.bincount(groups[seen], minlength=count)
        return cls(n, known, np.bincount(groups[seen], weights=bad[seen], minlength=count))

    def rates(self) -> pd.DataFrame:
        """Return one row per group: n, known, bads, pd (bads / known), ci_low, ci_high (Jeffreys)."""
        low, high = jeffreys(self.bads, self.known)
        rate = np.where(self.known > 0, self.bads / np.maximum(self.known, 1), np.nan)
        return pd.DataFrame(
            {"n": self.n, "known": self.known, "bads": self.bads, "pd": rate, "ci_low": low, "ci_high": high}
        )


class Calibration:
    """A logistic curve from a score to a probability (Platt 1999), with his smoothed targets.

    Attributes after fit: `centre_`, `scale_` (of the training scores), `intercept_`, `slope_`.
    """

    def fit(self, score: np.ndarray, bad: np.ndarray) -> Calibration:
        """Learn from scores (n,) and outcomes 0/1/NaN (n,)."""
        from scipy.optimize import minimize  # slow to import, and a model that is read back is not fitted

        known = ~np.isnan(bad)
        score, bad = np.asarray(score, dtype=float)[known], bad[known]
        spread = float(score.std())
        self.centre_, self.scale_ = float(score.mean()), spread if spread > 0 else 1.0
        z = (score - self.centre_) / self.scale_
        bads = bad.sum()
        target = np.where(bad == 1, (bads + 1) / (bads + 2), 1 / (len(bad) - bads + 2))
        rate = target.mean()

        def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            eta = parameters[0] + parameters[1] * z
            residual = expit(eta) - target
            value = np.mean(np.logaddexp(0, eta) - target * eta)
            return value, np.array([residual.mean(), residual @ z / len(z)])

        def curvature(parameters: np.ndarray) -> np.ndarray:
            rates = expit(parameters[0] + parameters[1] * z)
            weight = rates * (1 - rates)
            mixed = weight @ z / len(z)
            return np.array([[weight.mean(), mixed], [mixed, weight @ (z * z) / len(z)]])

        start = np.array([np.log(rate / (1 - rate)), 0.0])
        found = minimize(
            loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": STEEPEST}
        )
        self.intercept_, self.slope_ = found.x
        return self

    def probability(self, score: np.ndarray) -> np.ndarray:
        """Return the probability (n,) of scores (n,)."""
        z = (np.asarray(score, dtype=float) - self.centre_) / self.scale_
        return expit(self.intercept_ + self.slope_ * z)
