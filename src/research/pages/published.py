"""Exhibits that the pages of the three models share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from research.pages.disclosure import protected
from research.suppression import PROTECTED, WITHHELD, emptied

SHARES = (".1%", ("share", "worth_share")), (".2%", ("rate", "ci_low", "ci_high"))


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


def unseen_tiers(rates: pd.DataFrame, ranking: str) -> pd.DataFrame:
    """Return the tiers of one ranking for customers it has not seen, of `ranking_rates`, as they may be shown."""
    mine = rates[(rates["ranking"] == ranking) & (rates["judged"] == "unseen")].reset_index(drop=True)
    return protected(mine, keep=["overall"])


def of_shown_tiers(frame: pd.DataFrame, tiers: pd.DataFrame) -> pd.DataFrame:
    """Leave out what the effects needed tell of tiers whose counts are withheld; their `result` becomes `withheld`.

    Args:
        frame: of `manage.break_even.break_even`.
        tiers: of `unseen_tiers`.
    """
    hidden = set(tiers.loc[tiers[["n", "bad"]].isna().any(axis=1), "tier"].astype(str))
    rows = np.flatnonzero(frame["tier"].isin(hidden))
    told = [name for name in frame.select_dtypes("number").columns if name not in ("low", "base", "high")]
    safe = emptied(frame, [(int(row), name) for row in rows for name in told])
    return safe.assign(result=safe["result"].mask(safe["tier"].isin(hidden), "withheld"))
