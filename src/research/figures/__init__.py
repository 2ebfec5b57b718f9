"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    movement,
    survey,
)

__all__ = [
    "movement",
    "survey",
]
