"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    interviews,
    monitoring,
    movement,
    policy,
    regression,
    survey,
    warning,
)

__all__ = [
    "interviews",
    "monitoring",
    "movement",
    "policy",
    "regression",
    "survey",
    "warning",
]
