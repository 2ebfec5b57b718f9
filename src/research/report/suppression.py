"""Which cells of a table of counts must be left out so that no small count can be computed from the rest.

Primary cells are the small counts themselves. A cell is protected when somebody who knows every published cell and
every total still has to think that the count may be as large as the threshold. That is asked by linear programming,
the "attacker's problem" of statistical disclosure control (Hundepool et al. 2012, Statistical Disclosure Control,
chapter 4); while the answer is no, the smallest further cell that helps is left out as well: complementary suppression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

Cell = tuple[int, str]  # row of the table, quantity
Terms = list[tuple[float, Cell]]
PERSONS = "persons"
UNBOUNDED = 3  # status of scipy's linprog
ROUNDING = 1e-6


@dataclass(frozen=True)
class Counts:
    """Counts of persons and of parts of them, row by row.

    Attributes:
        values: quantity → counts per row; "persons" is always there, every other quantity is a part of another one. A
            row whose table does not tell a quantity has NaN.
        part_of: part → the quantity it is a part of, "persons" unless named.
        both_sides: parts whose rest is as telling as the part itself, such as bad outcomes among known ones.
        sums: groups of rows whose sums a reader knows, for every quantity.
        equal: pairs (row, rows): the row counts what the rows count together.
    """

    values: dict[str, np.ndarray]
    part_of: dict[str, str] = field(default_factory=dict)
    both_sides: frozenset[str] = frozenset()
    sums: Sequence[Sequence[int]] = ()
    equal: Sequence[tuple[int, Sequence[int]]] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values[PERSONS])

    def whole(self, quantity: str) -> str:
        """Return the quantity that a part is a part of."""
        return self.part_of.get(quantity, PERSONS)

    def at(self, cell: Cell) -> float:
        """Return the count in a cell."""
        row, quantity = cell
        return float(self.values[quantity][row])


@dataclass(frozen=True)
class Form:
    """A count that must stay unknown: a cell, or what its whole has beside it."""

    cell: Cell
    rest: bool = False


def suppress(counts: Counts, threshold: int) -> set[Cell]:
    """Return the cells to leave out, primary and complementary.

    Leaving out the persons of a row leaves out all its parts; leaving out a part leaves out the parts of that part.

    Args:
        counts: the table.
        threshold: counts from 1 to `threshold` − 1 are small.
    """
    forms = small_counts(counts, threshold)
    out = {cell for form in forms for cell in closure(counts, form.cell)}
    safe, chosen = [], []
    while forms:
        known = exposed(counts, out, forms, threshold)
        safe += [form for form in forms if form not in known]
        forms = known
        for form in list(forms):
            more = complement(counts, form, out)
            if more is not None:
                chosen.append(more)
                out |= closure(counts, more)
                break
            forms.remove(form)  # the total itself is small, and nothing is left to leave out
    return without_spare(counts, out, safe, chosen, threshold)


def exposed(counts: Counts, out: set[Cell], forms: Sequence[Form], threshold: int) -> list[Form]:
    """Return the counts that are still known to be small when cells are left out."""
    attack = Attack(counts, out)
    return [form for form in forms if attack.largest(form) < threshold - ROUNDING]


def without_spare(
    counts: Counts, out: set[Cell], safe: Sequence[Form], chosen: Sequence[Cell], threshold: int
) -> set[Cell]:
    """Return the cells to leave out without the complementary ones that turned out not to be needed."""
    primary = {cell for form in small_counts(counts, threshold) for cell in closure(counts, form.cell)}
    for cell in sorted(chosen, key=lambda cell: -counts.at(cell)):
        kept = primary.union(*(closure(counts, other) for other in chosen if other != cell))
        if not exposed(counts, kept, safe, threshold):
            chosen = [other for other in chosen if other != cell]
            out = kept
    return out


def small_counts(counts: Counts, threshold: int) -> list[Form]:
    """Return the small counts: of persons, of parts, and of the rest beside a part."""
    found = []
    for quantity, values in counts.values.items():
        found += [
            Form((row, quantity)) for row in np.flatnonzero((values > 0) & (values < threshold)).tolist()
        ]
        if quantity in counts.both_sides:
            rest = counts.values[counts.whole(quantity)] - values
            rows = np.flatnonzero((rest > 0) & (rest < threshold)).tolist()
            found += [Form((row, quantity), rest=True) for row in rows]
    return found


def closure(counts: Counts, cell: Cell) -> set[Cell]:
    """Return a cell and all parts of it in its row."""
    row, quantity = cell
    found = {cell}
    for part in counts.values:
        if part not in (PERSONS, quantity) and counts.whole(part) == quantity:
            found |= closure(counts, (row, part))
    return found


def complement(counts: Counts, form: Form, out: set[Cell]) -> Cell | None:
    """Return the next cell to leave out for a count that is still known too well: the smallest one that helps."""
    row, quantity = form.cell
    values = counts.values[quantity]
    if form.rest:
        values = counts.values[counts.whole(quantity)] - values
    related = {other for group in counts.sums if row in group for other in group}
    for parent, children in counts.equal:
        if row == parent or row in children:
            related |= {parent, *children}
    for candidates in (related, range(counts.rows)):
        free = [
            other
            for other in sorted(candidates)
            if (other, quantity) not in out and not np.isnan(values[other])
        ]
        if free:
            return min(free, key=lambda other: (values[other] <= 0, values[other], other)), quantity
    return None


class Attack:
    """What somebody can compute who knows every published cell and every total."""

    def __init__(self, counts: Counts, out: Iterable[Cell]) -> None:
        self.counts = counts
        self.place = {cell: at for at, cell in enumerate(sorted(out))}
        equations: list[Terms] = []
        parts: list[Terms] = []
        for quantity in counts.values:
            equations += [[(1.0, (row, quantity)) for row in group] for group in counts.sums]
            equations += [
                [(1.0, (row, quantity)) for row in children] + [(-1.0, (parent, quantity))]
                for parent, children in counts.equal
            ]
            if quantity != PERSONS:
                parts += [
                    [(1.0, (row, quantity)), (-1.0, (row, counts.whole(quantity)))]
                    for row in range(counts.rows)
                ]
        # Every equation holds for the true counts, so its right side is what the hidden ones add up to.
        self.equal, self.equal_to = self._system(equations, exact=True)
        self.below, self.below_of = self._system(parts, exact=False)

    def largest(self, form: Form) -> float:
        """Return the largest value a count can have for all that is published; infinity without a bound."""
        row, quantity = form.cell
        terms: Terms = [(1.0, form.cell)]
        if form.rest:
            terms = [(-1.0, form.cell), (1.0, (row, self.counts.whole(quantity)))]
        goal, known = np.zeros(len(self.place)), 0.0
        for weight, cell in terms:
            if cell in self.place:
                goal[self.place[cell]] += weight
            else:
                known += weight * self.counts.at(cell)
        from scipy.optimize import linprog  # slow to import; most tables have no small counts

        solved = linprog(
            -goal, A_ub=self.below, b_ub=self.below_of, A_eq=self.equal, b_eq=self.equal_to, bounds=(0, None)
        )
        if solved.status == UNBOUNDED:
            return float("inf")
        return known - float(solved.fun)

    def _system(self, lines: list[Terms], *, exact: bool) -> tuple[csr_array | None, np.ndarray | None]:
        entries, right = [], []
        for terms in lines:
            if any(np.isnan(self.counts.at(cell)) for _, cell in terms):
                continue  # one of the tables does not tell this quantity
            hidden = [(weight, cell) for weight, cell in terms if cell in self.place]
            if hidden:
                entries += [(len(right), self.place[cell], weight) for weight, cell in hidden]
                shown = [weight * self.counts.at(cell) for weight, cell in terms if cell not in self.place]
                solution = sum(weight * self.counts.at(cell) for weight, cell in hidden)
                right.append(solution if exact else -sum(shown))
        if not right:
            return None, None
        at_line, at_cell, weights = zip(*entries, strict=True)
        matrix = csr_array((weights, (at_line, at_cell)), shape=(len(right), len(self.place)))
        return matrix, np.array(right)
