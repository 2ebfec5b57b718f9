"""What the pages show: one function per exhibit, which takes frames and returns an `Exhibit`.

See docs/exhibits.md. The modules see data frames only; notebooks give them what the study's steps return.
"""

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.words import N_, Said, Words

__all__ = ["N_", "Exhibit", "Said", "Words", "drawing"]
