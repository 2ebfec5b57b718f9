"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import comparison, data, monitoring, movement, policy, regression, tiers, warning

__all__ = ["comparison", "data", "monitoring", "movement", "policy", "regression", "tiers", "warning"]
