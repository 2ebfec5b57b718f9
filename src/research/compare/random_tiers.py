"""Random tiers as a reference: what many draws give on average, and how far single draws lie apart.

One draw is luck: its AUC or its agreement with experts can lie clear of chance. Lots need no fitting, so many draws
cost little; every number shown for random tiers is the mean over draws, and its interval holds the middle 95 % of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from zlib import crc32

import numpy as np
import pandas as pd

from research.compare.resampling import OutOfFold
from research.tiers import TIERS

NAME = "random"
DRAWS = 100
AT_ONCE = 20  # draws held in memory together
FEW = 5  # resamples within a draw: 500 in all, and no interval is read of them
ENDS = [0.025, 0.975]
# Columns that say what a row is about; every other number of it is averaged.
KEYS = ("measure", "attribute", "tier", "dataset", "repeat", "fold")
Measure = Callable[..., pd.DataFrame]


def draws(oof: OutOfFold, count: int = DRAWS, at_once: int = AT_ONCE) -> Iterator[OutOfFold]:
    """Yield predictions by lot on the folds of `oof`, `at_once` draws a time, one entry of the first axis per draw.

    A customer has a lot for risk and one for value; tiers are cut off the lots at the shares that the random model of
    `oof` has: high and medium by risk, premium by value among the rest. A lot tells nothing of the outcome, so that the
    probability is the bad rate of the training customers. The draws are seeded by that model's own tiers, which follow
    from the seed of the study; without such a model there are none.
    """
    place = next((i for i, (name, _) in enumerate(oof.pairs) if name == NAME), None)
    if place is None:
        return
    tested, known = oof.fold >= 0, ~np.isnan(oof.y)
    fold = np.where(tested, oof.fold, oof.folds).astype(int)  # who is never tested has a fold of their own
    cells = (oof.folds + 1, len(TIERS))
    share = np.bincount(oof.tier[place][tested], minlength=len(TIERS)) / tested.sum()
    share = dict(zip(TIERS, share, strict=True))
    seed = crc32(np.ascontiguousarray(oof.tier[place]).tobytes())
    rest = share["premium"] + share["low"]
    premium = share["low"] / rest if rest > 0 else 1.0
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        lots = [np.random.default_rng([seed, number]).random((2, *oof.fold.shape)) for number in numbers]
        risk, value = np.stack(lots, axis=1)
        drawn = np.where(value >= premium, TIERS.index("premium"), TIERS.index("low"))
        drawn[risk >= rest] = TIERS.index("medium")
        drawn[risk >= 1 - share["high"]] = TIERS.index("high")
        size, bad = np.empty((2, len(numbers), oof.repeats, oof.folds, len(TIERS)))
        for i, r in np.ndindex(len(numbers), oof.repeats):
            place_of = fold[r, known] * len(TIERS) + drawn[i, r, known]
            for found, weights in ((size, None), (bad, oof.y[known])):
                counts = np.bincount(place_of, weights, np.prod(cells)).reshape(cells)
                found[i, r] = counts.sum(axis=0) - counts[:-1]  # a fold is trained on all the others
        likely = np.full((oof.repeats, cells[0]), np.nan)
        likely[:, :-1] = bad[0].sum(axis=-1) / size[0].sum(axis=-1)
        probability = np.take_along_axis(likely, fold, axis=1)
        yield replace(
            oof,
            pairs=tuple(("a draw", str(number)) for number in numbers),
            score=np.where(tested, risk, np.nan),
            probability=np.broadcast_to(probability, risk.shape),
            tier=np.where(tested, drawn, -1).astype(np.int8),
            tier_rate=(bad + 0.5) / (size + 1),
        )


def averaged(rows: pd.DataFrame, drawn: pd.DataFrame, of: str = "estimate") -> pd.DataFrame:
    """Return a table whose rows of random tiers are means over draws.

    Args:
        rows: a table with the column `model`.
        drawn: the same table of many draws.
        of: the column whose middle 95 % over draws are `ci_low` and `ci_high`, where the table has them.
    """
    mask = (rows["model"] == NAME).to_numpy()
    if not mask.any() or drawn.empty:
        return rows
    keys = [name for name in KEYS if name in rows]
    numbers = [name for name in rows.select_dtypes("number") if name not in keys]
    groups = drawn.groupby(keys, sort=False, observed=True) if keys else drawn.groupby(lambda _: 0)
    means = groups[numbers].mean()
    if "ci_low" in numbers:
        ends = groups[of].quantile(ENDS).unstack()
        means["ci_low"], means["ci_high"] = ends[ENDS[0]], ends[ENDS[1]]
    places = (
        pd.MultiIndex.from_frame(rows.loc[mask, keys])
        if len(keys) > 1
        else (pd.Index(rows.loc[mask, keys[0]]) if keys else pd.Index([0] * mask.sum()))
    )
    found = rows.copy()
    for name in numbers:
        values = means[name].reindex(places).to_numpy()
        found.loc[mask, name] = values.round() if rows[name].dtype.kind in "iu" else values
    return found


def over_draws(of: str = "estimate") -> Callable[[Measure], Measure]:
    """Make a measure of out-of-fold predictions judge random tiers by many draws instead of the one it is given.

    `of`: see `averaged`.
    """

    def wrapped(measure: Measure) -> Measure:
        takes = inspect.signature(measure)

        @wraps(measure)
        def judged(oof: OutOfFold, *args: object, **options: object) -> pd.DataFrame:
            rows = measure(oof, *args, **options)
            given = takes.bind(oof, *args, **options)
            if "resamples" in takes.parameters:
                given.arguments["resamples"] = FEW
            parts = []
            for batch in draws(oof):
                given.arguments["oof"] = batch
                parts.append(measure(*given.args, **given.kwargs))
            return averaged(rows, pd.concat(parts), of) if parts else rows

        return judged

    return wrapped
