"""Figures: one function per figure type; takes tidy data, returns a matplotlib Figure, never saves."""

from research.figures import (
    data,
    movement,
    policy,
    survey,
)

__all__ = [
    "data",
    "movement",
    "policy",
    "survey",
]
