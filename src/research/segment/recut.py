"""One fitted model under several tier shares: fitted once per training table, cut as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from research.segment.base import StratificationModel
from research.segment.tiers import TierCuts


class FitOnce:
    """A model and what it says of the tables it has seen last; asked again about the same table it does not refit.

    Tables are told apart by identity, so a caller must not change one between calls.
    """

    def __init__(self, make: Callable[[], StratificationModel]):
        self.make = make
        self.training: pd.DataFrame | None = None
        self.seen: list[tuple[pd.DataFrame, dict[str, np.ndarray]]] = []

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> None:
        """Fit a new model unless the last one was fitted on this very table."""
        if X is not self.training:
            self.model = self.make()
            self.seen = [(X, self.model.fit_place(X, y))]
            self.training = X

    def place(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return what the model's `place` says of a table."""
        for table, found in self.seen:
            if table is X:
                return found
        placed = self.model.place(X)
        self.seen = [self.seen[0], (X, placed)]
        return placed


class Recut:
    """The tiers of a `FitOnce` model at given shares; cut points are learned on the training customers.

    It has what the resampling needs: `fit_place` and `place`.
    """

    def __init__(self, once: FitOnce, shares: Mapping[str, float]):
        self.once = once
        self.shares = shares

    def fit_place(self, X: pd.DataFrame, y: np.ndarray) -> dict[str, np.ndarray]:
        """Fit the model, or take the one that was fitted on this table, learn the cuts and return what `place` says."""
        self.once.fit(X, y)
        placed = self.once.place(X)
        self.tier_cuts_ = TierCuts(self.shares).fit(placed["risk"], placed["value"])
        return self.place(X)

    def place(self, X: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return `risk, value, probability, tier`, each (n,), with the tiers at these shares."""
        placed = self.once.place(X)
        return {**placed, "tier": self.tier_cuts_.assign(placed["risk"], placed["value"])}
