"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    comparison,
    data,
    interviews,
    monitoring,
    movement,
    policy,
    regression,
    survey,
    tiers,
    warning,
)

__all__ = [
    "comparison",
    "data",
    "interviews",
    "monitoring",
    "movement",
    "policy",
    "regression",
    "survey",
    "tiers",
    "warning",
]
