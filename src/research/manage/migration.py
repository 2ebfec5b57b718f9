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
    every = [*states, *absorbing]
    long = tiers[["customer_id", "period", "tier"]]
    code = _codes(long["tier"], every)
    strange = long.loc[code < 0, "tier"]
    if len(strange):
        raise UserError(
            f"tier '{strange.iloc[0]}' in period {long.loc[strange.index[0], 'period']}; expected {every}"
        )
    customer, names = pd.factorize(long["customer_id"])
    period = long["period"].to_numpy()
    first, last = int(period.min()), int(period.max())
    if last - first < step:
        raise UserError(f"a move of {step} periods needs more than the periods {first} to {last}")
    grid = np.full((len(names), last - first + 1), -1, dtype=np.int8)
    cell = customer * grid.shape[1] + (period - first)
    if np.bincount(cell).max() > 1:
        row = long[long.duplicated(["customer_id", "period"])].iloc[0]
        raise UserError(f"customer {row['customer_id']} has two tiers in period {row['period']}")
    grid.ravel()[cell] = code
    for state in range(len(states), len(every)):
        reached = np.maximum.accumulate(grid == state, axis=1)
        grid[reached] = state
    start, end = grid[:, :-step], grid[:, step:]
    who, when = np.nonzero((start >= 0) & (start < len(states)))
    target = end[who, when]
    return pd.DataFrame(
        {
            "customer_id": names[who],
            "period": when + first,
            "from": pd.Categorical.from_codes(start[who, when], every, ordered=True),
            "to": pd.Categorical.from_codes(
                np.where(target < 0, len(every), target), [*every, WITHDRAWN], ordered=True
            ),
        }
    )


def _codes(tier: pd.Series, states: Sequence[str]) -> np.ndarray:
    """Place of each tier in the states, −1 when it is none of them; a category is looked up once per level."""
    if isinstance(tier.dtype, pd.CategoricalDtype):
        place = pd.Index(states).get_indexer(tier.cat.categories).astype(np.int8)
        return np.r_[place, np.int8(-1)][tier.cat.codes]
    return pd.Index(states).get_indexer(tier).astype(np.int8)


def counts(found: pd.DataFrame) -> pd.DataFrame:
    """Return the count matrix of moves: index `from`, one column per state and `withdrawn`."""
    start, end = found["from"], found["to"]
    size = len(start.cat.categories), len(end.cat.categories)
    flat = np.bincount(
        start.cat.codes.to_numpy(int) * size[1] + end.cat.codes.to_numpy(int), minlength=size[0] * size[1]
    )
    table = pd.DataFrame(flat.reshape(size), start.cat.categories, end.cat.categories)
    return table.rename_axis(index="from", columns="to")


def probabilities(table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Return the cohort migration matrix of a count matrix in long form.

    Probabilities are moves from i to j over moves from i, pooled over all periods (Anderson and Goodman 1957, eq. 2.8);
    intervals are Jeffreys and treat moves as independent, which overlapping steps are not. Withdrawn customers are left
    out of the denominators.

    Returns:
        One row per pair of states: `from`, `to`, `count`, `n` (moves from the row's state), `withdrawn` (moves from
        the row's state whose end is not known), `estimate`, `ci_low`, `ci_high`.
    """
    gone = table.get(WITHDRAWN, pd.Series(0, index=table.index))
    kept = table.drop(columns=WITHDRAWN, errors="ignore")
    total = kept.sum(axis=1)
    long = kept.stack().rename("count").reset_index()
    long["n"] = total[long["from"]].to_numpy()
    long["withdrawn"] = gone[long["from"]].to_numpy()
    long["estimate"] = long["count"] / long["n"].where(long["n"] > 0)
    long["ci_low"], long["ci_high"] = jeffreys(long["count"], long["n"], level)
    return long


def wide(table: pd.DataFrame, value: str = "estimate") -> pd.DataFrame:
    """Return a long matrix as a square: rows `from`, columns `to`, in the order of their appearance."""
    order = list(dict.fromkeys(table["to"]))
    rows = list(dict.fromkeys(table["from"]))
    return table.pivot(index="from", columns="to", values=value).reindex(index=rows, columns=order)


def square(table: pd.DataFrame, absorbing: Sequence[str] = ()) -> pd.DataFrame:
    """Return the probabilities as a square matrix; absorbing states stay where they are, unseen states too."""
    matrix = wide(table)
    matrix = matrix.reindex(index=matrix.columns)
    for state in matrix.index:
        if state in set(absorbing) or matrix.loc[state].isna().all():
            matrix.loc[state] = np.where(matrix.columns == state, 1.0, 0.0)
    return matrix


def by_period(
    found: pd.DataFrame, states: Sequence[str] = TIERS, bad: Sequence[str] = ("default",)
) -> pd.DataFrame:
    """Return how many customers moved up, down and out in each period.

    A move to an absorbing state of `bad` is a move down; one to any other absorbing state is out.

    Returns:
        `period`, `n` (moves with a known end), `up`, `down`, `stay`, `out` (counts), `down_rate` with its Jeffreys
        interval `ci_low`, `ci_high`, and `net_down`: (down − up) / n.
    """
    names = list(found["to"].cat.categories)
    rank = np.array([names.index(state) if state in states else np.nan for state in names], dtype=float)
    rank[[names.index(state) for state in bad if state in names]] = len(states)
    target = rank[found["to"].cat.codes]
    change = target - found["from"].cat.codes.to_numpy()
    table = pd.DataFrame(
        {
            "period": found["period"],
            "n": (found["to"] != WITHDRAWN).astype(int),
            "up": (change < 0).astype(int),
            "down": (change > 0).astype(int),
            "stay": (change == 0).astype(int),
        }
    )
    table = table.groupby("period", as_index=False).sum()
    table["out"] = table["n"] - table["up"] - table["down"] - table["stay"]
    table["down_rate"] = table["down"] / table["n"]
    table["ci_low"], table["ci_high"] = jeffreys(table["down"], table["n"])
    table["net_down"] = (table["down"] - table["up"]) / table["n"]
    return table


def spells(tiers: pd.DataFrame, states: Sequence[str] = TIERS, absorbing: Sequence[str] = ()) -> pd.DataFrame:
    """Return the time every customer spent in each state between two observations that follow each other.

    The change is placed half-way between the observation that still shows the old state and the one that shows the new.

    Returns:
        `from`, `to` (the state after the spell, NaN where the spell is cut off by the end of the data or a withdrawal)
        and `duration` in periods. One row per month and customer, except that a move makes two.
    """
    found = moves(tiers, states, absorbing)
    moved = (found["to"] != found["from"].astype(object)) & (found["to"] != WITHDRAWN)
    known = found["to"] != WITHDRAWN
    start = found["from"].astype(object)
    end = found["to"].astype(object)
    before = pd.DataFrame({"from": start, "to": end.where(moved), "duration": np.where(moved, 0.5, 1.0)})[
        known
    ]
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
