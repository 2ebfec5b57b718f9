"""The re-tiering trigger, potential-premium quality, and the review calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.manage import potential, retiering, reviews

CALM = {"psi": 0.02, "downgrade_ratio": 1.0, "calibration_ratio": 1.0}


def months(**paths: list[float]) -> pd.DataFrame:
    size = len(next(iter(paths.values())))
    table = pd.DataFrame({name: np.full(size, value) for name, value in CALM.items()}).assign(**paths)
    return table.assign(period=range(size))


def fired(table: pd.DataFrame) -> list[int]:
    found = retiering.trigger(table)
    return list(found.loc[found["fired"], "period"])


def test_one_red_month_is_chance_two_are_a_reason():
    assert fired(months(psi=[0.02, 0.4, 0.02, 0.02])) == []
    assert fired(months(psi=[0.02, 0.4, 0.4, 0.02])) == [2]
    assert fired(months(psi=[0.12, 0.12, 0.12, 0.12])) == []
    assert fired(months(psi=[0.12] * 7)) == [5]


def test_two_amber_measures_fire_after_three_months():
    table = months(psi=[0.12] * 5, downgrade_ratio=[1.0, 1.6, 1.6, 1.6, 1.6])
    assert fired(table) == [3]
    found = retiering.trigger(table)
    assert list(found["state"]) == ["raised", "raised", "raised", "fired", "open"]


def test_it_stays_silent_until_the_measures_are_clearly_back():
    """After firing in month 1 the value hovers below the bound (0.095 is above 0.9 · 0.10), then clears for three."""
    hover = [0.3, 0.3, 0.095, 0.3, 0.3, 0.095, 0.095, 0.095, 0.05, 0.05, 0.05, 0.3, 0.3]
    assert fired(months(psi=hover)) == [1, 12]
    short = [0.3, 0.3, 0.05, 0.05, 0.3, 0.3]
    assert fired(months(psi=short)) == [1]


def test_an_unknown_value_neither_fires_nor_clears():
    unknown = months(psi=[0.3, np.nan, 0.3, np.nan], calibration_ratio=[np.nan] * 4)
    assert fired(unknown) == []
    found = retiering.trigger(unknown)
    assert list(found["calibration_ratio_signal"]) == ["not known"] * 4


def test_delay_after_a_known_shock():
    found = retiering.trigger(months(psi=[0.02, 0.02, 0.02, 0.12, 0.3, 0.3, 0.3]))
    row = retiering.delay(found, shock=3).iloc[0]
    assert (row["delay"], row["before"], row["months_watched_before"]) == (2, 0, 3)
    assert np.isnan(retiering.delay(found, shock=6).iloc[0]["delay"])
    assert retiering.delay(found, shock=6).iloc[0]["before"] == 1


def test_downgrade_ratio_by_hand():
    """Reference 10 of 1,000 a month; months 2 and 3 pooled: (10 + 30) / 2,000 against 0.01 → 2."""
    moved = pd.DataFrame({"period": [0, 1, 2, 3], "down": [10, 10, 10, 30], "n": [1000] * 4})
    table = retiering.downgrade_ratio(moved, [0, 1], window=2)
    assert list(table["estimate"]) == [1, 1, 1, 2]
    assert table["ci_low"].iloc[3] < 2 < table["ci_high"].iloc[3]


def test_calibration_ratio_allows_for_a_shift_between_tiers():
    """The book moves into the risky tier at unchanged rates: nothing is miscalibrated. Then the rates double."""
    rows = [
        (0, "low", 1, 100),
        (0, "high", 10, 100),
        (1, "low", 0.5, 50),
        (1, "high", 15, 150),
        (2, "low", 2, 100),
        (2, "high", 20, 100),
    ]
    cells = pd.DataFrame(rows, columns=["period", "tier", "events", "n"])
    table = retiering.calibration_ratio(cells, [0], window=1)
    np.testing.assert_allclose(table["estimate"], [1, 1, 2])
    new = pd.concat([cells, pd.DataFrame([(2, "new", 9, 70)], columns=cells.columns)])
    found = retiering.calibration_ratio(new, [0], window=1)
    assert found["estimate"].iloc[2] == 2


def test_the_poisson_interval():
    """Garwood: 10 events expected 10 → 4.795 to 18.390 (chi-square quantiles 9.591 / 2 and 36.781 / 2)."""
    moved = pd.DataFrame({"period": [0], "down": [10], "n": [100]})
    row = retiering.downgrade_ratio(moved, [0]).iloc[0]
    assert row["ci_low"] == pytest.approx(0.4795, abs=1e-4)
    assert row["ci_high"] == pytest.approx(1.8390, abs=1e-4)


def test_evidence_puts_measures_side_by_side():
    one = pd.DataFrame({"period": [0, 1], "measure": "psi", "estimate": [0.1, 0.2]})
    two = pd.DataFrame({"period": [1], "measure": "downgrade_ratio", "estimate": [2.0]})
    table = retiering.evidence(one, two)
    assert list(table.columns) == ["period", "downgrade_ratio", "psi"]
    assert np.isnan(table.loc[0, "downgrade_ratio"])


def test_the_review_calendar():
    items = reviews.review_items()
    assert items.notna().all().all()
    assert items["requirement"].isin([f"P{k}" for k in range(6, 12)]).all()
    assert {"P6", "P7", "P8", "P9", "P10", "P11"} == set(items["requirement"])
    assert (items["cadence_months"] >= 1).all()


def test_lift_and_its_log_interval():
    """30 of 100 against 10 of 100: exp(ln 3 ± 1.96 √(1/30 − 1/100 + 1/10 − 1/100)) = 1.55 to 5.80."""
    flagged = np.repeat([True, False], 100)
    arrived = np.r_[np.arange(100) < 30, np.arange(100) < 10]
    row = potential.lift(flagged, arrived)
    error = 1.959964 * np.sqrt(1 / 30 - 1 / 100 + 1 / 10 - 1 / 100)
    assert [row[name] for name in ("flagged", "arrived", "rest", "arrived_rest")] == [100, 30, 100, 10]
    assert row["estimate"] == pytest.approx(3)
    assert [row["ci_low"], row["ci_high"]] == pytest.approx([3 * np.exp(-error), 3 * np.exp(error)], rel=1e-6)
    assert np.isnan(potential.lift(flagged, flagged)["estimate"]), "nobody else arrived"


def test_flags_by_lot_are_all_draws():
    row = potential.by_lot(200, 40, 100)
    rng = np.random.default_rng(0)
    hits = rng.hypergeometric(40, 160, 100, 100_000)
    assert row["estimate"] == 1
    drawn = np.quantile((hits / 100) / ((40 - hits) / 100), [0.025, 0.975])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(drawn, rel=0.11)  # a hit more or less


@pytest.mark.parametrize(
    ("mine", "other", "result"), [(30, 10, "better"), (10, 30, "worse"), (20, 20, "open")]
)
def test_only_customers_that_one_rule_alone_flags_tell_two_rules_apart(mine, other, result):
    """Fifty that both flag, a hundred each that only one flags."""
    rule, value = (
        np.arange(300) < 150,
        (np.arange(300) < 50) | ((np.arange(300) >= 150) & (np.arange(300) < 250)),
    )
    arrived = np.zeros(300, dtype=bool)
    arrived[50 : 50 + mine], arrived[150 : 150 + other], arrived[:50] = True, True, True
    row = potential.against(rule, value, arrived)
    assert (row["gap"], row["result"]) == (pytest.approx((mine - other) / 100), result)
    assert potential.against(rule, rule, arrived)["result"] == "open"
    table = potential.flags(rule, value, arrived).set_index("flag")
    assert table["flagged"].tolist() == [150, 150, 150]
    assert table.loc["value", "arrived"] == 50 + other


def test_the_highest_are_as_many_as_asked():
    assert potential.highest(np.array([2.0, np.nan, 3.0, 3.0]), 2).tolist() == [False, False, True, True]


def test_every_false_alarm_before_the_shock_is_counted():
    table = pd.DataFrame({"period": range(6), "fired": [True, False, True, False, True, False]})
    row = retiering.delay(table, shock=3).iloc[0]
    assert (row["before"], row["delay"]) == (2, 1)


def test_a_value_at_the_edge_of_the_margin_does_not_clear():
    """Cleared below 0.9 · 0.10 only: 0.095 keeps the alarm open, 0.085 closes it after three months."""
    near = retiering.trigger(months(psi=[0.3, 0.3, 0.095, 0.095, 0.095, 0.02]))["state"]
    assert near.tolist()[2:5] == ["open"] * 3
    far = retiering.trigger(months(psi=[0.3, 0.3, 0.085, 0.085, 0.085, 0.02]))["state"]
    assert far.tolist()[2:] == ["open", "open", "calm", "calm"]
