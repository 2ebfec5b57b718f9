"""Random tiers as a reference: what many draws give on average, and how far single draws lie apart.

One draw is luck: its AUC or its agreement with experts can lie clear of chance. Lots need no fitting, so many draws
cost little; every number shown for random tiers is the mean over draws, and its interval holds the middle 95 % of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from research.compare.resampling import OutOfFold
from research.tiers import TIERS

NAME = "random"
DRAWS = 100
AT_ONCE = 20  # draws held in memory together
# Columns that say what a row is about; every other number of it is averaged.
KEYS = ("criterion", "measure", "attribute", "tier", "dataset", "repeat", "fold")
Frames = Mapping[str, pd.DataFrame]


def draws(
    oof: OutOfFold, shares: Mapping[str, float], seed: int, count: int = DRAWS, at_once: int = AT_ONCE
) -> Iterator[OutOfFold]:
    """Yield predictions by lot on the folds of `oof`, `at_once` draws a time, one entry of the first axis per draw.

    A customer has a lot for risk and one for value; tiers are cut off the lots at the wanted shares, as for every
    model: high and medium by risk, premium by value among the rest. A lot tells nothing of the outcome, so that the
    probability is the bad rate of the training customers.

    Args:
        oof: predictions of any models; outcome, folds and sizes are taken from it.
        shares: tier → wanted share.
        seed: of the draws.
        count, at_once: draws in all and per yield.
    """
    rest = 1 - shares["high"] - shares["medium"]
    premium = 1 - shares["premium"] / rest if rest > 0 else 1.0
    tested = oof.fold >= 0
    known = ~np.isnan(oof.y)
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        lots = np.stack(
            [np.random.default_rng([seed, number]).random((2, *oof.fold.shape)) for number in numbers]
        )
        risk, value = lots[:, 0], lots[:, 1]
        drawn = np.where(value >= premium, TIERS.index("premium"), TIERS.index("low"))
        drawn[risk >= rest] = TIERS.index("medium")
        drawn[risk >= 1 - shares["high"]] = TIERS.index("high")
        rate = np.empty((len(numbers), oof.repeats, oof.folds, len(TIERS)))
        probability = np.full(risk.shape, np.nan)
        for r, k in np.ndindex(oof.repeats, oof.folds):
            test = oof.fold[r] == k
            train = known & ~test
            probability[:, r, test] = oof.y[train].mean()
            for i, tiers in enumerate(drawn[:, r, train]):
                size = np.bincount(tiers, minlength=len(TIERS))
                bad = np.bincount(tiers, weights=oof.y[train], minlength=len(TIERS))
                rate[i, r, k] = (bad + 0.5) / (size + 1)
        yield replace(
            oof,
            pairs=tuple((NAME, str(number)) for number in numbers),
            score=np.where(tested, risk, np.nan),
            probability=probability,
            value=np.where(tested, value, np.nan),
            tier=np.where(tested, drawn, -1).astype(np.int8),
            tier_rate=rate,
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
    groups = drawn.groupby(keys, sort=False, observed=True)
    means = groups[numbers].mean()
    if "ci_low" in numbers:
        ends = groups[of].quantile([0.025, 0.975]).unstack()
        means["ci_low"], means["ci_high"] = ends[0.025], ends[0.975]
    places = pd.MultiIndex.from_frame(rows.loc[mask, keys]) if len(keys) > 1 else rows.loc[mask, keys[0]]
    found = rows.copy()
    for name in numbers:
        values = means[name].reindex(places).to_numpy()
        found.loc[mask, name] = values.round() if rows[name].dtype.kind in "iu" else values
    return found


def over_draws(
    judge: Callable[[OutOfFold], Frames],
    rows: Frames,
    oof: OutOfFold,
    shares: Mapping[str, float],
    seed: int,
    of: Mapping[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables that `judge` made of `oof`, those of random tiers averaged over `DRAWS` draws.

    Args:
        judge: makes tables of predictions; asked about the draws, whose intervals are not read.
        rows: what it made of `oof`.
        oof, shares, seed: see `draws`.
        of: table → see `averaged`; `estimate` unless told.
    """
    if NAME not in {name for name, _ in oof.pairs}:
        return dict(rows)
    parts = [judge(batch) for batch in draws(oof, shares, seed)]
    return {
        name: averaged(table, pd.concat([part[name] for part in parts]), (of or {}).get(name, "estimate"))
        for name, table in rows.items()
    }
