"""How customers move between tiers: cohort matrices and generators.

States come in order, best first; absorbing ones (default, churned) last. A customer who is seen in one period and not
in the next, without having reached an absorbing state, was withdrawn: such rows are counted apart from the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.linalg import expm

from research.errors import UserError
from research.intervals import jeffreys
from research.tiers import TIERS

WITHDRAWN = "withdrawn"


def moves(
    tiers: pd.DataFrame, states: Sequence[str] = TIERS, absorbing: Sequence[str] = (), step: int = 1
) -> pd.DataFrame:
    """Return every observed move over `step` periods.

    Args:
        tiers: long frame with `customer_id`, `period` (integers) and `tier`; one row per customer and period.
        states: the states a customer can be in, in order.
        absorbing: states after which a customer is not seen any more; a move into one of them counts once, whenever
            within the step it happened.
        step: length of a move in periods; moves overlap when it is more than 1.

    Returns:
        `customer_id`, `period` (start), `from`, `to`; `to` is `withdrawn` when the customer is gone before the end.
        Starts later than the last period − step are not observed to the end and are left out.

    Raises:
        UserError: for a state that is not in the list and for a customer with two tiers in one period.
    """
    every, levels = [*states, *absorbing], tiers["tier"].astype("category").cat
    code = np.r_[pd.Index(every).get_indexer(levels.categories), -1][levels.codes]
    if (code < 0).any():
        strange = tiers[code < 0].iloc[0]
        raise UserError(f"tier '{strange['tier']}' in period {strange['period']}; expected {every}")
    customer, names = pd.factorize(tiers["customer_id"])
    period = tiers["period"].to_numpy()
    first, last = int(period.min()), int(period.max())
    if last - first < step:
        raise UserError(f"a move of {step} periods needs more than the periods {first} to {last}")
    grid = np.full((len(names), last - first + 1), -1, dtype=np.int8)
    cell = customer * grid.shape[1] + (period - first)
    if np.bincount(cell).max() > 1:
        row = tiers[tiers.duplicated(["customer_id", "period"])].iloc[0]
        raise UserError(f"customer {row['customer_id']} has two tiers in period {row['period']}")
    grid.ravel()[cell] = code
    for state in range(len(states), len(every)):
        reached = np.maximum.accumulate(grid == state, axis=1)
        grid[reached] = state
    start, end = grid[:, :-step], grid[:, step:]
    who, when = np.nonzero((start >= 0) & (start < len(states)))
    target = np.where(end[who, when] < 0, len(every), end[who, when])
    found = pd.DataFrame({"customer_id": names[who], "period": when + first})
    found["from"] = pd.Categorical.from_codes(start[who, when], every, ordered=True)
    found["to"] = pd.Categorical.from_codes(target, [*every, WITHDRAWN], ordered=True)
    return found


def counts(found: pd.DataFrame) -> pd.DataFrame:
    """Return the count matrix of moves: index `from`, one column per state and `withdrawn`."""
    return found.groupby(["from", "to"], observed=False).size().unstack()


def probabilities(table: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort migration matrix of a count matrix in long form.

    Probabilities are moves from i to j over moves from i, pooled over all periods (Anderson and Goodman 1957, eq. 2.8);
    intervals are Jeffreys and treat moves as independent, which overlapping steps are not. Withdrawn customers are left
    out of the denominators.

    Returns:
        One row per pair of states: `from`, `to`, `count`, `n` (moves from the row's state), `estimate`, `ci_low`,
        `ci_high`.
    """
    long = table.drop(columns=WITHDRAWN).stack().rename("count").reset_index()
    long["n"] = long.groupby("from", observed=False)["count"].transform("sum")
    long["estimate"] = long["count"] / long["n"].where(long["n"] > 0)
    long["ci_low"], long["ci_high"] = jeffreys(long["count"], long["n"])
    return long


def wide(table: pd.DataFrame, value: str = "estimate") -> pd.DataFrame:
    """Return a long matrix as a square: rows `from`, columns `to`, in the order of the states."""
    return table.pivot(index="from", columns="to", values=value)


def square(table: pd.DataFrame) -> pd.DataFrame:
    """Return the probabilities as a square matrix; absorbing and unseen states stay where they are."""
    matrix = wide(table)
    stays = pd.DataFrame(np.eye(len(matrix)), matrix.index, matrix.columns)
    return matrix.where(matrix.notna(), stays)


def by_period(found: pd.DataFrame, states: Sequence[str] = TIERS) -> pd.DataFrame:
    """Return how many customers moved in each period: `period`, `n` (moves with a known end), `up`, `down`.

    A default is a move down; a move to any other absorbing state is neither up nor down.
    """
    names = list(found["to"].cat.categories)
    rank = [names.index(name) if name in states or name == "default" else np.nan for name in names]
    change = np.array(rank)[found["to"].cat.codes] - found["from"].cat.codes.to_numpy()
    moved = {"n": found["to"] != WITHDRAWN, "up": change < 0, "down": change > 0}
    return pd.DataFrame(moved).groupby(found["period"]).sum().reset_index()


def spells(tiers: pd.DataFrame, states: Sequence[str] = TIERS, absorbing: Sequence[str] = ()) -> pd.DataFrame:
    """Return the time every customer spent in each state between two observations that follow each other.

    The change is placed half-way between the observation that still shows the old state and the one that shows the new.

    Returns:
        `from`, `to` (the state after the spell, NaN where the spell is cut off by the end of the data or a withdrawal)
        and `duration` in periods. One row per month and customer, except that a move makes two.
    """
    found = moves(tiers, states, absorbing)
    found = found[found["to"] != WITHDRAWN]
    start, end = found["from"].astype(object), found["to"].astype(object)
    moved = start != end
    before = pd.DataFrame({"from": start, "to": end.where(moved), "duration": np.where(moved, 0.5, 1.0)})
    after = pd.DataFrame({"from": end, "to": np.nan, "duration": 0.5})[moved & end.isin(states)]
    return pd.concat([before, after.astype({"to": object})], ignore_index=True)


def generator(
    table: pd.DataFrame, states: Sequence[str] = TIERS, absorbing: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the generator of a time-homogeneous chain by the duration method: q_ij = moves i → j / time in i.

    This is the maximum likelihood estimate from continuous observation (Lando and Skødeberg 2002,
    doi:10.1016/S0378-4266(01)00228-X). Absorbing states and states never seen have a row of zeros.

    Args:
        table: spells: `from`, `to` (NaN = cut off), `duration`; see `spells`.
    """
    every = [*states, *absorbing]
    time = table.groupby("from")["duration"].sum().reindex(every).fillna(0.0)
    jumps = pd.crosstab(table["from"], table["to"]).reindex(index=every, columns=every, fill_value=0)
    rate = jumps.div(time.where(time > 0), axis=0).fillna(0.0).to_numpy(copy=True)
    rate[len(states) :] = 0.0
    np.fill_diagonal(rate, 0.0)
    np.fill_diagonal(rate, 0.0 - rate.sum(axis=1))
    return pd.DataFrame(rate, every, every).rename_axis(index="from", columns="to")


def after(rates: pd.DataFrame, time: float) -> pd.DataFrame:
    """Return the transition matrix exp(time · Q) of a generator."""
    return pd.DataFrame(expm(time * rates.to_numpy(float)), rates.index, rates.columns)
