"""Captions: what each figure answers; one function per figure type, from the same tidy data that are drawn.

A caption is made from what the figure shows, after small counts were left out of it, so that it cannot say more. What
is missing or withheld is passed over; when nothing is left the caption says that.
"""

from research.captions import (
    monitoring,
    movement,
    warning,
)

__all__ = [
    "monitoring",
    "movement",
    "warning",
]
