"""Migration matrices, generators and roll rates."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

from research.errors import UserError
from research.intervals import jeffreys
from research.manage import migration as mig
from research.manage.roll_rates import bucket_names, buckets, roll_rates, summary

STATES = ("A", "B")


def long(rows: dict[str, str]) -> pd.DataFrame:
    """Each value is a string of one letter a period; a dot is not seen."""
    cells = [(who, when, tier) for who, path in rows.items() for when, tier in enumerate(path) if tier != "."]
    return pd.DataFrame(cells, columns=["customer_id", "period", "tier"])


def cohort(tiers: pd.DataFrame, *args, **kwargs) -> pd.DataFrame:
    return mig.probabilities(mig.counts(mig.moves(tiers, *args, **kwargs)))


def test_cohort_matrix_by_hand():
    """c1 A→A→B→default, c2 A→B, then gone, c3 B→B→A→A. Moves from A: AA AB AB AA = 2, 2; from B: Bd BB BA = 1, 1, 1."""
    tiers = long({"c1": "AABd", "c2": "AB..", "c3": "BBAA"}).replace({"d": "default"})
    table = cohort(tiers, STATES, ["default"])
    assert list(mig.wide(table, "count").loc["A"]) == [2, 2, 0]
    assert list(mig.wide(table, "count").loc["B"]) == [1, 1, 1]
    row = table[(table["from"] == "B") & (table["to"] == "default")].iloc[0]
    assert (row["n"], row["estimate"]) == (3, pytest.approx(1 / 3))
    assert list(mig.square(table).loc["default"]) == [0, 0, 1]


def test_a_default_within_a_longer_step_counts_once():
    tiers = long({"c1": "Ad..", "c2": "AABB", "c3": "ABd."}).replace({"d": "default"})
    table = mig.wide(cohort(tiers, STATES, ["default"], step=3), "count")
    assert list(table.loc["A"]) == [0, 1, 2]
    assert table.loc["B"].sum() == 0


def test_mistakes_are_named():
    with pytest.raises(UserError, match="tier 'C'"):
        mig.moves(long({"c1": "AC"}), STATES)
    twice = pd.concat([long({"c1": "AB"}), long({"c1": "B"})])
    with pytest.raises(UserError, match="customer c1 has two tiers in period 0"):
        mig.moves(twice, STATES)
    with pytest.raises(UserError, match="periods 0 to 1"):
        mig.moves(long({"c1": "AB"}), STATES, step=5)


def test_the_default_order_of_tiers():
    tiers = pd.DataFrame({"customer_id": ["x", "x"], "period": [0, 1], "tier": ["premium", "high"]})
    assert list(mig.wide(cohort(tiers)).columns) == ["premium", "low", "medium", "high"]


def test_moves_by_period():
    tiers = long({"c1": "AAB", "c2": "BAd", "c3": "ABc", "c4": "BB."}).replace(
        {"d": "default", "c": "churned"}
    )
    found = mig.moves(tiers, STATES, ["default", "churned"])
    table = mig.by_period(found, STATES).set_index("period")
    assert list(table.loc[0, ["n", "up", "down"]]) == [4, 1, 1]
    assert list(table.loc[1, ["n", "up", "down"]]) == [3, 0, 2]


def test_generator_from_durations_by_hand():
    """The kind of example in Lando and Skødeberg (2002): 20 firms followed for a year, ten start in A, ten in B.

    One A goes to B after one month, one B to A after two, one B defaults after six. Time in A is 9 + 1/12 + 10/12
    years, in B 8 + 11/12 + 2/12 + 6/12.
    """
    rows = [("A", np.nan, 1.0)] * 9 + [("A", "B", 1 / 12), ("B", np.nan, 11 / 12)]
    rows += [("B", np.nan, 1.0)] * 8 + [("B", "A", 2 / 12), ("A", np.nan, 10 / 12), ("B", "D", 6 / 12)]
    spells = pd.DataFrame(rows, columns=["from", "to", "duration"])
    rate = mig.generator(spells, STATES, ["D"])
    assert rate.loc["A", "B"] == pytest.approx(1 / (9 + 11 / 12))
    assert rate.loc["B", "A"] == rate.loc["B", "D"] == pytest.approx(1 / (8 + 19 / 12))
    np.testing.assert_allclose(rate.sum(axis=1), 0, atol=1e-15)
    year = mig.after(rate, 1.0)
    assert year.loc["A", "D"] == pytest.approx(0.00475384, abs=1e-8), "positive although no A defaulted"
    assert year.loc["B", "D"] == pytest.approx(0.09433986, abs=1e-8)
    np.testing.assert_allclose(year.to_numpy(), expm(rate.to_numpy()))


def test_spells_of_a_panel():
    """A stays a month, then moves: 1 + ½ month in A; ½ + 1 month in B."""
    found = mig.spells(long({"c1": "AABB"}), STATES)
    time = found.groupby("from")["duration"].sum()
    assert (time["A"], time["B"]) == (1.5, 1.5)
    assert mig.generator(found, STATES).loc["A", "B"] == pytest.approx(1 / 1.5)


def test_the_generator_of_a_simulated_chain_is_found_again():
    """Monthly observation hides moves there and back, so the duration method comes close but not exactly."""
    rng = np.random.default_rng(4)
    true = np.array([[-0.05, 0.05, 0.0], [0.04, -0.08, 0.04], [0.0, 0.0, 0.0]])
    step = expm(true).cumsum(axis=1)[:, :2]
    who, state, rows = np.arange(6000), np.arange(6000) % 2, []
    for period in range(13):
        rows.append(
            pd.DataFrame({"customer_id": who, "period": period, "tier": np.array(list("ABD"))[state]})
        )
        who, state = who[state < 2], state[state < 2]
        state = (rng.random(len(who))[:, None] > step[state]).sum(axis=1)
    tiers = pd.concat(rows)
    rate = mig.generator(mig.spells(tiers, STATES, ["D"]), STATES, ["D"])
    np.testing.assert_allclose(rate.to_numpy(), true, atol=0.006)
    month = mig.square(cohort(tiers, STATES, ["D"]))
    np.testing.assert_allclose(mig.after(rate, 1).to_numpy(), month.to_numpy(), atol=0.004)


def test_buckets():
    assert bucket_names(3) == ["current", "1 month", "2 months", "3+ months"]
    found = buckets(pd.Series([-2, -1, 0, 1, 2, 3, 8, np.nan]))
    assert list(found.astype(object).fillna("?")) == ["current"] * 3 + [
        "1 month", "2 months", "3+ months", "3+ months", "?",
    ]  # fmt: skip


def test_roll_rates_by_hand():
    panel = pd.DataFrame(
        {"customer_id": list("aaaabbbb"), "period": [0, 1, 2, 3] * 2, "status": [0, 1, 2, 0, 0, 0, 1, 1]}
    )
    table = roll_rates(panel, largest=2)
    assert list(mig.wide(table, "count").loc["current"]) == [1, 2, 0]
    assert list(mig.wide(table, "count").loc["1 month"]) == [0, 1, 1]
    found = summary(table).set_index("from")
    assert found.loc["2+ months", "cured"] == 1
    assert found.loc["1 month", "worse"] == 0.5


def test_roll_rates_of_taiwan(verification_data):
    """Five moves a customer from April to September 2005, against a cross-tabulation of the raw columns."""
    raw = pd.read_csv(verification_data("taiwan_default") / "UCI_Credit_Card.csv")
    columns = ["PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0"]
    panel = raw.melt("ID", columns, "month", "status").rename(columns={"ID": "customer_id"})
    panel["period"] = panel["month"].map({name: rank for rank, name in enumerate(columns)})
    table = roll_rates(panel)
    matrix = mig.wide(table, "count")
    assert matrix.to_numpy().sum() == 5 * len(raw)
    capped = raw[columns].clip(0, 3)
    expected = np.zeros((4, 4))
    for old, new in pairwise(columns):
        np.add.at(expected, (capped[old], capped[new]), 1)
    np.testing.assert_array_equal(matrix.to_numpy(), expected)
    assert summary(table).set_index("from").loc["2 months", "cured"] < 0.5


def test_intervals_are_those_of_the_counts_and_a_state_never_seen_stays():
    tiers = long({"c1": "AAB", "c2": "AAB", "c3": "ABB"})
    table = cohort(tiers, ("A", "B", "C"))
    np.testing.assert_allclose(table[["ci_low", "ci_high"]].T, jeffreys(table["count"], table["n"], 0.95))
    matrix = mig.square(table)
    assert matrix.loc["C"].tolist() == [0, 0, 1]
    assert matrix.loc["A"].tolist() == [pytest.approx(0.4), pytest.approx(0.6), 0]
    periods = mig.by_period(mig.moves(tiers, STATES), STATES).set_index("period")
    assert periods["down"].tolist() == [1, 2]


def test_nobody_spends_time_in_an_absorbing_state():
    tiers = long({"c1": "Ad", "c2": "AA"}).replace({"d": "default"})
    found = mig.spells(tiers, STATES, ["default"])
    assert found["from"].tolist() == ["A", "A"] and sorted(found["duration"]) == [0.5, 1.0]
    rates = mig.generator(found, STATES, ["default"])
    assert rates.loc["A"].tolist() == pytest.approx([-1 / 1.5, 0, 1 / 1.5])
    assert (rates.loc[["B", "default"]] == 0).all().all()
