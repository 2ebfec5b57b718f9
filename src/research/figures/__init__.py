"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    monitoring,
    movement,
    survey,
    warning,
)

__all__ = [
    "monitoring",
    "movement",
    "survey",
    "warning",
]
