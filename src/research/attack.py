"""What somebody can compute who knows every published count that is not withheld, see `research.suppression`.

Unknown to the attacker are the cells of the widest tables, after those that follow from a wider one are left
out; tables are tied by equal margins over what they have in common (the finest groups that both decide). Tables
that meet in this way in a tree, as tables by different variables with the same outcome do, leave the attacker no
more than this (bounds of decomposable tables: Dobra and Fienberg 2000, PNAS 97, 11885-11892).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

Conditions = frozenset[tuple[str, frozenset[str]]]
ROUNDING = 1e-6


@dataclass(frozen=True)
class Scheme:
    """A table of unknown cells: the combinations of its variables that occur.

    Attributes:
        variables: what the table is by.
        place: (n,) the cell of each person.
        first: (cells,) a person in each cell.
        sizes: (cells,) people in each.
    """

    variables: frozenset[str]
    place: np.ndarray
    first: np.ndarray
    sizes: np.ndarray

    def decides(self, group: np.ndarray) -> bool:
        """Return whether a person's cell says which group (n,) the person is in."""
        return bool((group[self.first][self.place] == group).all())


def coarsening(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the finest groups (n,) that two ways of sorting people both decide, numbered as they occur.

    The tiers of two tables by tier; the classes that levels make; everybody where any cell of one meets any of the
    other by way of others.
    """
    from scipy.sparse.csgraph import connected_components

    size, more = int(one.max()) + 1, int(other.max()) + 1
    left, right = np.divmod(pd.unique(one.astype(np.int64) * more + other), more)
    joined = csr_array((np.ones(len(left)), (left, size + right)), shape=(size + more,) * 2)
    return pd.factorize(connected_components(joined, directed=False)[1][one])[0].astype(np.int32)


class System:
    """The equations of an attacker: unknown cells, what ties them, and the counts that are published of them.

    Attributes:
        counts: the conditions of every published count.
        values: (counts,) the numbers of people who meet them.
        cells: (counts, unknown) which unknown cells a count adds up.
        ties: (ties, unknown) sums of unknown cells that are nought: equal margins.
        sizes: (unknown,) the true sizes of the unknown cells.
    """

    def __init__(
        self,
        counts: list[Conditions],
        fixed: set[int],
        people: Mapping[str, tuple[np.ndarray, list[str]]],
        weight: np.ndarray,
    ) -> None:
        self.counts, self.fixed = counts, frozenset(fixed)
        self._weight, self._people = np.asarray(weight, dtype=float), people
        self._schemes, start = [], 0
        wanted = {frozenset(variable for variable, _ in conditions) for conditions in counts}
        for scheme in sorted(
            map(self._scheme, wanted), key=lambda each: (-len(each.sizes), sorted(each.variables))
        ):
            if not any(other.decides(scheme.place) for other, _ in self._schemes):
                self._schemes.append((scheme, start))
                start += len(scheme.sizes)
        self.sizes = np.concatenate([scheme.sizes for scheme, _ in self._schemes])
        self.cells = self._matrix([self._adds_up(conditions) for conditions in counts])
        self.values = self.cells @ self.sizes
        self.ties = self._matrix(self._margins())

    def withheld(self, smallest: int) -> set[int]:
        """Return which counts to withhold: the small ones, and as many more as leave every one of them uncertain."""
        small = (self.values > 0) & (self.values < smallest)
        out = {int(count) for count in np.flatnonzero(small)} - self.fixed
        few = np.flatnonzero((self.sizes > 0) & (self.sizes < smallest))
        attack = Attack(self, out)
        # A small cell that no table shows, such as the two whose outcome is not known, is as telling as one
        # that is shown.
        waiting = [self._one(cell) for cell in few] + [self.cells[[count]] for count in sorted(out)]
        while waiting:
            target = waiting.pop()
            while (more := attack.helpful(target, smallest)) is not None:
                attack.out.add(more)
                waiting.append(self.cells[[more]])
        return attack.out

    def _one(self, cell: int) -> csr_array:
        return csr_array(([1.0], ([0], [cell])), shape=(1, len(self.sizes)))

    def _scheme(self, variables: frozenset[str]) -> Scheme:
        key = np.zeros(len(self._weight), dtype=np.int64)
        for name in sorted(variables):
            codes, levels = self._people[name]
            if key.max() > np.iinfo(np.int32).max:
                key = np.unique(key, return_inverse=True)[1]
            key = key * len(levels) + codes
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        return Scheme(variables, place.astype(np.int32), first, np.bincount(place, weights=self._weight))

    def _adds_up(self, conditions: Conditions) -> dict[int, float]:
        """Return which unknown cells a count adds up."""
        inside = np.ones(len(self._weight), dtype=bool)
        for variable, wanted in conditions:
            codes, levels = self._people[variable]
            inside &= np.isin(levels, list(wanted))[codes]
        scheme, start = next(pair for pair in self._schemes if pair[0].decides(inside))
        return dict.fromkeys((start + np.flatnonzero(inside[scheme.first])).tolist(), 1.0)

    def _margins(self) -> list[dict[int, float]]:
        """Return the equations by which tables agree on what they have in common."""
        common = {}
        for (one, _), (other, _) in combinations(self._schemes, 2):
            group = coarsening(one.place, other.place)
            common.setdefault(hashlib.sha256(group).digest(), group)
        lines = []
        for group in common.values():
            (lead, at), *others = (pair for pair in self._schemes if pair[0].decides(group))
            for scheme, start in others:
                for label in range(int(group.max()) + 1):
                    line = dict.fromkeys((at + np.flatnonzero(group[lead.first] == label)).tolist(), 1.0)
                    mine = np.flatnonzero(group[scheme.first] == label)
                    lines.append(line | dict.fromkeys((start + mine).tolist(), -1.0))
        return lines

    def _matrix(self, lines: list[dict[int, float]]) -> csr_array:
        entries = [(row, cell, value) for row, line in enumerate(lines) for cell, value in line.items()]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        return csr_array((values, (rows, columns)), shape=(len(lines), len(self.sizes)), dtype=float)


class Attack:
    """What can be computed by somebody who knows every count that is not withheld.

    Withholding more never narrows a bound, so every whole-numbered solution that was found stays one: it is
    kept, and most counts are shown to be uncertain by solutions that were found for others.
    """

    def __init__(self, system: System, out: set[int]) -> None:
        self.system, self.out = system, set(out)
        self._seen = [system.sizes]
        self._most = 10 * system.sizes.sum() + 100  # no bound of a count that nothing else bounds

    def helpful(self, target: csr_array, smallest: int) -> int | None:
        """Return the next count to withhold for a sum of cells that is known too well; None if none helps."""
        seen = [float((target @ solution)[0]) for solution in self._seen]
        if max(seen) - min(seen) >= smallest:
            return None
        ends = {sign: self.bound(target, sign) for sign in (1, -1)}
        if self.width(target, ends[1][0], ends[-1][0], smallest) >= smallest - ROUNDING:
            return None
        values = self.system.values
        every = ((count, sign) for sign, (_, found) in ends.items() for count in found)
        leans = sorted((values[count] <= 0, values[count], count, sign) for count, sign in every)
        for *_, count, sign in leans:
            further = Attack(self.system, self.out | {count})
            if sign * (ends[sign][0] - further.bound(target, sign)[0]) > ROUNDING:
                return count
        return leans[0][2] if leans else None

    def width(self, target: csr_array, low: float, high: float, enough: float) -> float:
        """Return how far apart whole numbers let the ends of a sum lie, given those that any numbers let."""
        if high - low >= enough - ROUNDING and not (self._whole(target, low) and self._whole(target, high)):
            low, high = self.whole_bound(target, 1), self.whole_bound(target, -1)
        return high - low

    def bound(self, target: csr_array, sign: int) -> tuple[float, set[int]]:
        """Return the least (sign 1) or largest (−1) value of a sum of cells, and the counts that have a dual price."""
        from scipy.optimize import linprog  # slow to import; most tables have no small counts

        matrix, right, shown = self._equations()
        solved = linprog(
            sign * target.toarray()[0], A_eq=matrix, b_eq=right, bounds=(0, self._most), method="highs"
        )
        self._keep(solved)
        prices = np.abs(solved.eqlin.marginals[-len(shown) :]) if shown else np.array([])
        leans = {count for count, price in zip(shown, prices, strict=True) if price > ROUNDING}
        return sign * float(solved.fun), leans - self.system.fixed

    def whole_bound(self, target: csr_array, sign: int) -> float:
        """Return the least (sign 1) or largest (−1) value that a sum of cells has in whole numbers."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, right, _ = self._equations()
        solved = milp(
            sign * target.toarray()[0],
            constraints=LinearConstraint(matrix, right, right),
            bounds=Bounds(0, self._most),
            integrality=np.ones(matrix.shape[1]),
        )
        self._keep(solved)
        return sign * float(solved.fun)

    def _equations(self) -> tuple[csr_array, np.ndarray, list[int]]:
        system = self.system
        shown = [count for count in range(len(system.counts)) if count not in self.out]
        matrix = vstack([system.ties, system.cells[shown]]).tocsr()
        return matrix, np.concatenate([np.zeros(system.ties.shape[0]), system.values[shown]]), shown

    def _keep(self, solved: OptimizeResult) -> None:
        if solved.status:
            raise RuntimeError(f"bounds of a withheld count: {solved.message}")
        whole = np.round(solved.x)
        if np.abs(whole - solved.x).max() < ROUNDING:
            self._seen.append(whole)

    def _whole(self, target: csr_array, value: float) -> bool:
        return any(abs(float((target @ solution)[0]) - value) < ROUNDING for solution in self._seen)
