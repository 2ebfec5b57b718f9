"""Exhibits that the pages of the three models share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from research.report.disclosure import protected, smallest
from research.suppression import PROTECTED, WITHHELD, emptied

SHARES = (".1%", ("share", "worth_share")), (".2%", ("rate", "ci_low", "ci_high"))


def together(counts: Iterable[float]) -> int | str:
    """Return a sum of counts for a sentence, or that it is withheld because one of them is."""
    total = sum(counts)
    return "withheld" if pd.isna(total) or 0 < total < smallest("loans") else int(total)


def rankings(
    rates: pd.DataFrame, tests: pd.DataFrame, own: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tiers of all rankings, and the tests made of them, as they may be shown.

    Args:
        rates: of `ranking_rates`; its unseen customers are protected here.
        tests: a row per `ranking` and `judged`; one whose tiers are not all shown gets the result `withheld`.
        own: model → its tiers on the customers it was set up on, protected already.
    """
    unseen = rates[rates["judged"].isin(["unseen", "chance"])].reset_index(drop=True)
    parts = [protected(unseen, within=[("ranking", "judged")], keep=["overall"])]
    for name, frame in own.items():
        overall = rates["overall"].iloc[0]
        parts.append(frame.assign(ranking=name, judged=frame["panel"], overall=overall)[[*rates.columns]])
    whole, by = stacked(parts), ["ranking", "judged"]
    counted = whole[whole["judged"] != "chance"]
    hidden = counted[counted[["n", "bad"]].isna().any(axis=1)].groupby(by).size()
    gone = pd.MultiIndex.from_frame(tests[by]).isin(hidden.index)
    numbers = [column for column in tests.columns if column not in (*by, "result")]
    safe = emptied(tests, [(int(row), column) for row in np.flatnonzero(gone) for column in numbers])
    safe.loc[gone, "result"] = "withheld"
    return whole, safe


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return protected tables below each other; what each notes as left out is noted under the new numbers."""
    made = pd.concat(frames, ignore_index=True)
    noted: dict[str, list[int]] = {}
    start = 0
    for frame in frames:
        for column, rows in frame.attrs.get(WITHHELD, {}).items():
            if column in made:
                noted.setdefault(column, []).extend(
                    start + int(at) for at in np.flatnonzero(frame.index.isin(rows))
                )
        start += len(frame)
    made.attrs = {WITHHELD: noted} if noted else {}
    if all(PROTECTED in frame.attrs for frame in frames):
        made.attrs[PROTECTED] = True
    return made
