"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    monitoring,
    movement,
    warning,
)

__all__ = [
    "monitoring",
    "movement",
    "warning",
]
