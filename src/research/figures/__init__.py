"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    data,
    interviews,
    monitoring,
    movement,
    regression,
    survey,
    warning,
)

__all__ = [
    "data",
    "interviews",
    "monitoring",
    "movement",
    "regression",
    "survey",
    "warning",
]
