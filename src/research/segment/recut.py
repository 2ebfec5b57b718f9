"""One fitted model under several tier shares: fitted once per training table, cut as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from research.segment.base import StratificationModel
from research.segment.tiers import TierCuts

Scores = tuple[np.ndarray, np.ndarray, np.ndarray]


class FitOnce:
    """A model and what it says of the tables it has seen last; asked again about the same table it does not refit.

    Tables are told apart by identity, so a caller must not change one between calls.
    """

    def __init__(self, make: Callable[[], StratificationModel]):
        self.make = make
        self.training: pd.DataFrame | None = None

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> None:
        """Fit a new model unless the last one was fitted on this very table."""
        if X is not self.training:
            self.model = self.make().fit(X, y)
            self.training = X
            self.seen: list[tuple[pd.DataFrame, Scores]] = []

    def scores(self, X: pd.DataFrame) -> Scores:
        """Return risk score, value score and probability of default, each (n,)."""
        for table, found in self.seen:
            if table is X:
                return found
        placed = self.model.place(X)
        found = placed["risk"], placed["value"], placed["probability"]
        self.seen = [*self.seen[-1:], (X, found)]
        return found


class Recut:
    """The tiers of a `FitOnce` model at given shares; cut points are learned on the training customers.

    It has what the resampling needs: fit, risk_score, value_score, default_probability, predict.
    """

    def __init__(self, once: FitOnce, shares: Mapping[str, float]):
        self.once = once
        self.shares = shares

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Recut:
        """Fit the model, or take the one that was fitted on this table, and learn the cuts."""
        self.once.fit(X, y)
        risk, value, _ = self.once.scores(X)
        self.tier_cuts_ = TierCuts(self.shares).fit(risk, value)
        return self

    def risk_score(self, X: pd.DataFrame) -> np.ndarray:
        """Return the model's risk score (n,)."""
        return self.once.scores(X)[0]

    def value_score(self, X: pd.DataFrame) -> np.ndarray:
        """Return the model's value score (n,)."""
        return self.once.scores(X)[1]

    def default_probability(self, X: pd.DataFrame) -> np.ndarray:
        """Return the model's probability of default (n,)."""
        return self.once.scores(X)[2]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return tier names (n,) at these shares."""
        risk, value, _ = self.once.scores(X)
        return self.tier_cuts_.assign(risk, value)
