"""How customers move between tiers: cohort matrices, generators, mobility, and whether the movement is constant.

States come in order, best first; absorbing ones (default, churned) last. A customer who is seen in one period and not
in the next, without having reached an absorbing state, was withdrawn: by default such rows leave the denominators (they
are counted), or they make a state of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.linalg import expm, logm
from scipy.stats import chi2

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


def migration(
    tiers: pd.DataFrame,
    states: Sequence[str] = TIERS,
    absorbing: Sequence[str] = (),
    step: int = 1,
    withdrawn: str = "exclude",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the cohort migration matrix in long form (arguments as in `moves`).

    Probabilities are moves from i to j over moves from i, pooled over all periods (Anderson and Goodman 1957, eq. 2.8);
    intervals are Jeffreys and treat moves as independent, which overlapping steps are not.

    Args:
        withdrawn: `exclude` leaves withdrawn customers out of the denominators, `state` makes them a column.

    Returns:
        One row per pair of states: `from`, `to`, `count`, `n` (moves from the row's state), `withdrawn` (moves from
        the row's state whose end is not known), `estimate`, `ci_low`, `ci_high`.
    """
    if withdrawn not in ("exclude", "state"):
        raise UserError(f"withdrawn is 'exclude' or 'state', found '{withdrawn}'")
    table = counts(moves(tiers, states, absorbing, step))
    return probabilities(table, withdrawn, level)


def counts(found: pd.DataFrame) -> pd.DataFrame:
    """Return the count matrix of moves: index `from`, one column per state and `withdrawn`."""
    start, end = found["from"], found["to"]
    size = len(start.cat.categories), len(end.cat.categories)
    flat = np.bincount(
        start.cat.codes.to_numpy(int) * size[1] + end.cat.codes.to_numpy(int), minlength=size[0] * size[1]
    )
    table = pd.DataFrame(flat.reshape(size), start.cat.categories, end.cat.categories)
    return table.rename_axis(index="from", columns="to")


def probabilities(table: pd.DataFrame, withdrawn: str = "exclude", level: float = 0.95) -> pd.DataFrame:
    """Return the long migration matrix of a count matrix (see `migration`)."""
    gone = table.get(WITHDRAWN, pd.Series(0, index=table.index))
    kept = table if withdrawn == "state" else table.drop(columns=WITHDRAWN, errors="ignore")
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


def generator_of(matrix: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return a generator whose exponential comes close to a transition matrix, and the distance Σ |P − exp Q|.

    The matrix logarithm; negative rates off the diagonal are set to zero and their sum is taken from the other rates of
    the row in proportion to their size (Israel, Rosenthal and Wei 2001, doi:10.1111/1467-9965.00114, eq. 2'). The
    distance is 0 when the matrix is the exponential of a generator.
    """
    p = matrix.to_numpy(float)
    rate = np.real(logm(p))
    off = ~np.eye(len(p), dtype=bool)
    good = np.abs(np.diag(rate)) + np.where(off & (rate > 0), rate, 0).sum(axis=1)
    bad = np.where(off & (rate < 0), -rate, 0).sum(axis=1)
    share = np.divide(bad, good, out=np.zeros(len(p)), where=good > 0)
    rate = np.where(off & (rate < 0), 0.0, rate - share[:, None] * np.abs(rate))
    np.fill_diagonal(rate, 0.0)
    np.fill_diagonal(rate, 0.0 - rate.sum(axis=1))
    made = pd.DataFrame(rate, matrix.index, matrix.columns)
    return made, float(np.abs(p - expm(rate)).sum())


def after(rates: pd.DataFrame, time: float) -> pd.DataFrame:
    """Return the transition matrix exp(time · Q) of a generator."""
    return pd.DataFrame(expm(time * rates.to_numpy(float)), rates.index, rates.columns)


def mobility(matrix: pd.DataFrame, weights: Sequence[float] | None = None) -> pd.DataFrame:
    """Return how much moves in a square transition matrix, one row per measure.

    `trace`: (n − tr P) / (n − 1) (Shorrocks 1978). `singular`: the mean singular value of P − I (Jafry and Schuermann
    2004, doi:10.1016/j.jbankfin.2004.06.004), about the average probability of moving. `down`, `up`: probability of
    moving to a later or earlier state, averaged over states with the weights (equal when not given).
    """
    p = matrix.to_numpy(float)
    n = len(p)
    share = np.full(n, 1 / n) if weights is None else np.asarray(weights, float) / np.sum(weights)
    values = {
        "trace": (n - np.trace(p)) / (n - 1),
        "singular": np.linalg.svd(p - np.eye(n), compute_uv=False).mean(),
        "down": share @ np.triu(p, 1).sum(axis=1),
        "up": share @ np.tril(p, -1).sum(axis=1),
    }
    return pd.DataFrame({"measure": list(values), "estimate": list(values.values()), "n": n})


def bandwidth(table: pd.DataFrame) -> pd.DataFrame:
    """Return the upper and lower matrix weighted bandwidth of a square count matrix without absorbing states.

    Σ |i − j| moves above (below) the diagonal over their largest possible distance; 0 nobody moves, 1 everybody who
    moves goes as far as the scale allows (European Central Bank 2019, Instructions for reporting the validation results
    of internal models, section 2.5.5.1).
    """
    m = table.to_numpy(float)
    grade = np.arange(len(m))
    distance = np.abs(grade[:, None] - grade)
    span = np.maximum(grade, len(m) - 1 - grade)[:, None]
    rows = []
    for measure, side in (("upper", np.triu(m, 1)), ("lower", np.tril(m, -1))):
        most = (side * span).sum()
        rows.append(
            {
                "measure": measure,
                "estimate": (side * distance).sum() / most if most else 0.0,
                "n": int(m.sum()),
            }
        )
    return pd.DataFrame(rows)


def homogeneity(found: pd.DataFrame, periods: pd.Series | None = None) -> pd.DataFrame:
    """Test whether the matrix is the same in all periods (Anderson and Goodman 1957, eq. 3.8).

    χ² = Σ over periods t and states i, j of n_i(t) (p_ij(t) − p_ij)² / p_ij; cells nobody ever moved to and rows that
    are empty in a period take their degrees of freedom with them. Withdrawn customers are left out.

    Args:
        found: moves, with non-overlapping steps.
        periods: a label for each row, when periods are to be grouped; the period itself when not given.

    Returns:
        One row: `measure`, `statistic`, `dof`, `p_value`, `n`, `periods`.
    """
    label = found["period"] if periods is None else periods
    known = (found["to"] != WITHDRAWN).to_numpy()
    tables = [
        counts(part).drop(columns=WITHDRAWN).to_numpy(float) for _, part in found[known].groupby(label[known])
    ]
    cube = np.stack(tables)
    total = cube.sum(axis=0)
    row = cube.sum(axis=2, keepdims=True)
    p = np.divide(
        total,
        total.sum(axis=1, keepdims=True),
        out=np.zeros_like(total),
        where=total.sum(axis=1, keepdims=True) > 0,
    )
    expected = row * p
    statistic = np.divide((cube - expected) ** 2, expected, out=np.zeros_like(cube), where=expected > 0).sum()
    seen = (total > 0).sum(axis=1)
    active = (row[:, :, 0] > 0).sum(axis=0)
    dof = int(sum((active - 1) * (seen - 1) * (active > 0) * (seen > 0)))
    return pd.DataFrame(
        [
            {
                "measure": "homogeneity",
                "statistic": statistic,
                "dof": dof,
                "p_value": chi2.sf(statistic, dof) if dof else np.nan,
                "n": int(cube.sum()),
                "periods": len(tables),
            }
        ]
    )
