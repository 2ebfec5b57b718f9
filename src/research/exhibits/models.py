"""Page 04: how RFM, ABC and the tree sort customers."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import drawing
from research.exhibits.style import percent, small_multiples, tiers_with_intervals
from research.exhibits.words import N_, Words


@drawing
def tier_rates_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the bad rate of each tier, a panel per ranking and per who was judged.

    Args:
        frame: `panel`, `tier`, `n`, `rate`, `ci_low`, `ci_high`.
        words: the language.
    """
    groups = list(frame.groupby("panel", sort=False))
    figure, grid = small_multiples(words, len(groups), columns=2, row_height=1.45)
    for axes, (panel, part) in zip(grid, groups, strict=True):
        tiers_with_intervals(axes, part, words)
        axes.set_title(words(str(panel)))
        percent(axes.xaxis, words, 1)
    grid[-1].set_xlabel(words(N_("Bad rate, 95 % interval")))
    return figure
