"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    data,
    monitoring,
    movement,
    policy,
    regression,
    warning,
)

__all__ = [
    "data",
    "monitoring",
    "movement",
    "policy",
    "regression",
    "warning",
]
