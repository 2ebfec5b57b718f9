"""Counts that are withheld stay uncertain for somebody who solves all published counts of all tables together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, milp

from research.suppression import WITHHELD, Counts, protect, withheld_cells

SMALLEST = 5
OUTCOMES = ("bad", "good")


# An independent attacker: whole numbers by integer programming, from equations that each test writes down itself.
def interval(equations: list[tuple[list[int], float]], cell: int, size: int) -> tuple[float, float]:
    """Return the least and the largest value of a count, given sums of counts; none is below nought."""
    matrix = np.zeros((len(equations), size))
    for row, (cells, _) in enumerate(equations):
        matrix[row, cells] = 1
    right = np.array([total for _, total in equations])
    goal = np.zeros(size)
    goal[cell] = 1
    ends = []
    for sign in (1, -1):
        solved = milp(
            sign * goal, constraints=LinearConstraint(matrix, right, right), integrality=np.ones(size)
        )
        assert solved.status == 0
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


def crowd(sizes: dict[tuple[str, ...], int], names: list[str]) -> pd.DataFrame:
    """Return one row per person of groups of given sizes."""
    return pd.DataFrame([group for group, size in sizes.items() for _ in range(size)], columns=names)


def counted(people: pd.DataFrame, *names: str) -> pd.DataFrame:
    return people.groupby(list(names), sort=False).size().rename("n").reset_index()


def total(people: pd.DataFrame) -> Counts:
    return Counts(pd.DataFrame({"n": [len(people)]}), fixed=True)


def one_way(sizes: list[int]) -> list[bool]:
    people = crowd({(str(place),): size for place, size in enumerate(sizes)}, ["group"])
    table = pd.DataFrame({"group": [str(place) for place in range(len(sizes))], "n": sizes})
    safe = protect({"table": Counts(table, {"group": "group"}), "total": total(people)}, people, SMALLEST)
    assert safe["total"]["n"].notna().all()
    return safe["table"]["n"].isna().tolist()


def test_one_small_count_takes_the_smallest_other_along() -> None:
    # 390 + 7 + 3 = 400: with 3 alone withheld, 400 − 390 − 7 gives it; with 7 the two are known to be 10 together
    assert one_way([390, 7, 3]) == [False, True, True]


def test_two_small_counts_that_add_up_to_little_need_a_third() -> None:
    assert one_way([200, 1, 1, 9]) == [False, True, True, True]


def test_nothing_is_withheld_without_small_counts() -> None:
    assert one_way([5, 0, 9]) == [False, False, False]


def test_where_everything_is_small_everything_is_withheld() -> None:
    assert one_way([1, 2, 1]) == [True, True, True]


@pytest.mark.parametrize("seed", range(20))
def test_no_withheld_count_of_a_two_way_table_is_known_to_less_than_the_smallest_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = (int(size) for size in rng.integers(2, 6, 2))
    sizes = rng.choice([0, 1, 2, 3, 4, 6, 9, 15, 40, 200], rows * columns)
    groups = [(f"r{cell // columns}", f"c{cell % columns}") for cell in range(rows * columns)]
    people = crowd(dict(zip(groups, sizes.tolist(), strict=True)), ["row", "column"])
    table = pd.DataFrame(groups, columns=["row", "column"]).assign(n=sizes)
    tables = {"both": Counts(table, {"row": "row", "column": "column"}), "total": total(people)}
    for name in ("row", "column"):
        tables[name] = Counts(counted(people, name), {name: name}, fixed=True)
    hidden = protect(tables, people, SMALLEST)["both"]["n"].isna().to_numpy()
    cells = np.arange(rows * columns).reshape(rows, columns)
    lines = [(line.tolist(), float(sizes[line].sum())) for line in (*cells, *cells.T)]
    shown = [([cell], float(sizes[cell])) for cell in np.flatnonzero(~hidden)]
    assert hidden[(sizes > 0) & (sizes < SMALLEST)].all()
    for cell in np.flatnonzero(hidden):
        low, high = interval([*lines, *shown], cell, len(sizes))
        least, most = interval(
            lines, cell, len(sizes)
        )  # what the totals alone say, which nothing can withhold
        assert high - low >= min(SMALLEST, most - least)


def test_complement_is_no_more_than_needed() -> None:
    # two rows by two columns are enough for one small count
    sizes = dict(zip([(f"r{row}", f"c{column}") for row in range(3) for column in range(3)],
                     [3, 20, 30, 12, 9, 40, 25, 60, 80], strict=True))  # fmt: skip
    people = crowd(sizes, ["row", "column"])
    tables = {"both": Counts(counted(people, "row", "column"), {"row": "row", "column": "column"})}
    tables |= {name: Counts(counted(people, name), {name: name}, fixed=True) for name in ("row", "column")}
    assert protect(tables, people, SMALLEST)["both"]["n"].isna().sum() == 4


def test_rates_and_shares_go_with_the_count_they_tell() -> None:
    sizes = {("premium", "bad"): 1, ("premium", "good"): 39, ("low", "bad"): 6, ("low", "good"): 194,
             ("medium", "bad"): 5, ("medium", "good"): 115, ("high", "bad"): 17, ("high", "good"): 23}  # fmt: skip
    people = crowd(sizes, ["tier", "outcome"])
    frame = (
        people.groupby("tier", sort=False)["outcome"]
        .agg(n="size", bad=lambda x: (x == "bad").sum())
        .reset_index()
    )
    frame = frame.assign(share=frame["n"] / 400, rate=frame["bad"] / frame["n"], median=1.0)
    table = Counts(
        frame, {"tier": "tier"}, {"n": {}, "bad": {"outcome": ("bad",)}},
        tells={"n": ("share",), "bad": ("rate",)}, describes={"n": ("median",)},
    )  # fmt: skip
    book = Counts(pd.DataFrame({"n": [400], "bad": [29]}), counts=dict(table.counts), fixed=True)
    safe = protect({"tiers": table, "book": book}, people, SMALLEST)["tiers"]
    assert safe[["n", "share", "median"]].notna().all(axis=None)
    assert safe["bad"].isna().tolist() == safe["rate"].isna().tolist() == [True, False, True, False]
    assert safe.attrs[WITHHELD] == {"bad": [0, 2], "rate": [0, 2]}


def test_few_good_outcomes_are_as_telling_as_few_bad_ones() -> None:
    people = crowd(
        {("a", "bad"): 48, ("a", "good"): 2, ("b", "bad"): 20, ("b", "good"): 40}, ["tier", "outcome"]
    )
    frame = pd.DataFrame({"tier": ["a", "b"], "n": [50, 60], "bad": [48, 20]})
    table = Counts(frame, {"tier": "tier"}, {"n": {}, "bad": {"outcome": ("bad",)}})
    assert np.isnan(protect({"": table}, people, SMALLEST)[""].loc[0, "bad"])


def test_categories_of_a_tier_do_not_give_a_small_one_away_beside_the_size_of_the_tier() -> None:
    # 118 + 1 + 1 with the tier's 120 in another table: the two are known to be 2 together
    sizes = {("low", "normal"): 190, ("low", "mention"): 10, ("high", "normal"): 118, ("high", "mention"): 1,
             ("high", "loss"): 1}  # fmt: skip
    people = crowd(sizes, ["tier", "category"])
    both, tiers = counted(people, "tier", "category"), counted(people, "tier")
    safe = protect(
        {"crosswalk": Counts(both, {"tier": "tier", "category": "category"}), "tiers": Counts(tiers, {"tier": "tier"})},
        people, SMALLEST,
    )  # fmt: skip
    shown = {tuple(row[:2]): row[2] for row in safe["crosswalk"].itertuples(index=False)}
    equations = [([0, 1, 2], 120.0)] if safe["tiers"]["n"].notna().all() else []
    high = [("high", "normal"), ("high", "mention"), ("high", "loss")]
    equations += [([place], shown[group]) for place, group in enumerate(high) if shown[group] == shown[group]]
    assert np.isnan(shown["high", "mention"])
    if equations:
        low, most = interval(equations, 1, 3)
        assert most - low >= SMALLEST


def test_levels_of_a_status_do_not_give_away_its_categories_within_tiers() -> None:
    # the category "late" is made of two levels, whose counts are in a table without tiers
    sizes = {
             ("low", "current", "normal"): 190, ("low", "grace", "late"): 6, ("low", "default", "late"): 5,
             ("high", "current", "normal"): 80, ("high", "grace", "late"): 2, ("high", "default", "late"): 1,
    }  # fmt: skip
    people = crowd(sizes, ["tier", "status", "category"])
    both, levels = counted(people, "tier", "category"), counted(people, "status")
    tables = {
        "crosswalk": Counts(both, {"tier": "tier", "category": "category"}),
        "levels": Counts(levels, {"status": "status"}),
        "total": total(people),
    }
    safe = protect(tables, people, SMALLEST)
    # unknown: the six groups; a status belongs to one category
    place = {group: at for at, group in enumerate(sizes)}
    equations = [(list(range(6)), 284.0)]
    for row in safe["crosswalk"].dropna().itertuples():
        equations.append(
            ([at for (tier, _, kind), at in place.items() if (tier, kind) == (row.tier, row.category)], row.n)
        )
    for row in safe["levels"].dropna().itertuples():
        equations.append(([at for (_, status, _), at in place.items() if status == row.status], row.n))
    assert np.isnan(safe["crosswalk"].set_index(["tier", "category"])["n"]["high", "late"])
    both_late = np.zeros(6)
    both_late[[place["high", "grace", "late"], place["high", "default", "late"]]] = 1
    assert spread(equations, both_late) >= SMALLEST


def spread(equations: list[tuple[list[int], float]], goal: np.ndarray) -> float:
    """Return how far apart the ends of a sum of counts lie."""
    matrix = np.zeros((len(equations), len(goal)))
    for row, (cells, _) in enumerate(equations):
        matrix[row, cells] = 1
    right = np.array([known for _, known in equations])
    ends = [
        milp(
            sign * goal, constraints=LinearConstraint(matrix, right, right), integrality=np.ones(len(goal))
        ).fun
        for sign in (1, -1)
    ]
    return -ends[1] - ends[0]


def test_known_incomes_of_tiers_do_not_tell_of_the_two_without_one() -> None:
    sizes = {
        ("premium", "known"): 998,
        ("premium", "missing"): 2,
        ("low", "known"): 3985,
        ("low", "missing"): 15,
    }
    people = crowd(sizes, ["tier", "income"])
    profile = pd.DataFrame({"tier": ["premium", "low"], "n": [998, 3985], "median": [1.0, 2]})
    missing = pd.DataFrame({"construct": ["income"], "n": [17]})
    tables = {
        "profile": Counts(
            profile, {"tier": "tier"}, {"n": {"income": ("known",)}}, describes={"n": ("median",)}
        ),
        "tiers": Counts(counted(people, "tier"), {"tier": "tier"}),
        "missing": Counts(missing, counts={"n": {"income": ("missing",)}}),
        "total": total(people),
    }
    safe = protect(tables, people, SMALLEST)
    place = {group: at for at, group in enumerate(sizes)}
    by = {
        "profile": [[0], [2]], "tiers": [[0, 1], [2, 3]], "missing": [[1, 3]], "total": [[0, 1, 2, 3]]
    }  # fmt: skip
    equations = [
        (cells, value)
        for name, rows in by.items()
        for cells, value in zip(rows, safe[name]["n"], strict=True)
        if value == value
    ]
    low, high = interval(equations, place["premium", "missing"], 4)
    assert high - low >= SMALLEST
    assert safe["profile"]["median"].notna().all()


def test_complete_cases_do_not_tell_of_three_incomplete_ones() -> None:
    sizes = {("yes", "bad"): 178, ("yes", "good"): 9002, ("no", "good"): 3, ("yes", "unknown"): 817}
    people = crowd(sizes, ["complete", "outcome"])
    fit = pd.DataFrame({"model": ["logit"], "n": [9180]})
    known = {"outcome": OUTCOMES}
    tables = {
        "fit": Counts(fit, counts={"n": known}, within={"complete": ("yes",)}),
        "book": Counts(
            pd.DataFrame({"n": [10_000], "known": [9183]}), counts={"n": {}, "known": known}, fixed=True
        ),
    }
    assert protect(tables, people, SMALLEST)["fit"]["n"].isna().all()


def test_a_table_that_shares_its_groups_under_another_name_loses_the_same_counts() -> None:
    kinds = {"none": 300, "mortgage": 80, "guarantor": 17, "pledge": 3}
    people = crowd({(kind, "unsecured" if kind == "none" else "secured", kind): n for kind, n in kinds.items()},
                   ["guarantee", "K3", "K13"])  # fmt: skip
    tables = {name: Counts(counted(people, name), {name: name}) for name in people} | {"total": total(people)}
    safe = protect(tables, people, SMALLEST)
    assert safe["K3"]["n"].notna().all()
    # 100 secured − 80 − 17 would give the pledges, so that the complement has to come from the secured ones
    for name in ("guarantee", "K13"):
        assert safe[name].loc[safe[name]["n"].isna(), name].tolist() == ["guarantor", "pledge"]


def test_rules_do_not_give_away_the_tier_they_make() -> None:
    sizes = {
             ("1", "premium", "bad"): 3, ("1", "premium", "good"): 77, ("2", "low", "bad"): 6, ("2", "low", "good"): 84,
             ("3", "low", "bad"): 7, ("3", "low", "good"): 93, ("4", "high", "bad"): 16, ("4", "high", "good"): 114,
    }  # fmt: skip
    people = crowd(sizes, ["rule", "tier", "outcome"])
    bad = {"n": {}, "bad": {"outcome": ("bad",)}}
    frames = {
        name: people.groupby(name)["outcome"].agg(n="size", bad=lambda x: (x == "bad").sum()).reset_index()
        for name in ("rule", "tier")
    }
    book = Counts(pd.DataFrame({"n": [400], "bad": [32]}), counts=bad, fixed=True)
    safe = protect(
        {name: Counts(frame, {name: name}, bad) for name, frame in frames.items()} | {"book": book},
        people,
        SMALLEST,
    )
    place = {rule: at for at, rule in enumerate("1234")}
    made = {"premium": "1", "low": "23", "high": "4"}
    equations = [([0, 1, 2, 3], 32.0)]
    equations += [([place[row.rule]], row.bad) for row in safe["rule"].dropna().itertuples()]
    equations += [
        ([place[rule] for rule in made[row.tier]], row.bad) for row in safe["tier"].dropna().itertuples()
    ]
    low, high = interval(equations, 0, 4)
    assert high - low >= SMALLEST


def test_a_description_that_does_not_fit_the_people_is_refused() -> None:
    people = crowd({("a",): 30, ("b",): 70}, ["group"])
    frame = pd.DataFrame({"group": ["a", "b"], "n": [31, 69]})
    with pytest.raises(ValueError, match=r"table 'sizes', row 1, column 'n' counts 31, but 30 people"):
        protect({"sizes": Counts(frame, {"group": "group"})}, people, SMALLEST)


def test_people_with_a_weight_are_counted_by_it() -> None:
    people = pd.DataFrame({"group": ["a", "b", "c"]})
    frame = pd.DataFrame({"group": ["a", "b", "c"], "n": [3, 8, 400]})
    tables = {"": Counts(frame, {"group": "group"}), "all": Counts(pd.DataFrame({"n": [411]}), fixed=True)}
    found = withheld_cells(tables, people, SMALLEST, weight=np.array([3.0, 8, 400]))
    assert sorted(found[""]) == [(0, "n"), (1, "n")]
