"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import comparison, data, policy, regression, tiers

__all__ = ["comparison", "data", "policy", "regression", "tiers"]
