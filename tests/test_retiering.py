"""The re-tiering trigger, potential-premium quality, and the review calendar."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
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
    assert found["reason"].iloc[3] == "PSI 0.12 (amber); downgrade ratio 1.60 (amber)"


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
    assert (row["first_fired"], row["delay"], row["before"], row["months_watched_before"]) == (5, 2, 0, 3)
    assert np.isnan(retiering.delay(found, shock=6).iloc[0]["delay"])
    assert retiering.delay(found, shock=6).iloc[0]["before"] == 1
    assert retiering.delay_in_words(retiering.delay(found, shock=3)) == (
        "The review rule called for new tiers 2 months after the shock, without a false alarm in the 3 months before."
    )
    assert "did not call" in retiering.delay_in_words(retiering.delay(found, shock=6))


def test_downgrade_ratio_by_hand():
    """Reference 10 of 1,000 a month; months 2 and 3 pooled: (10 + 30) / 2,000 against 0.01 → 2."""
    moved = pd.DataFrame({"period": [0, 1, 2, 3], "down": [10, 10, 10, 30], "n": [1000] * 4})
    table = retiering.downgrade_ratio(moved, [0, 1], window=2)
    assert list(table["estimate"]) == [1, 1, 1, 2]
    assert table["ci_low"].iloc[3] < 2 < table["ci_high"].iloc[3]
    with pytest.raises(UserError, match="moved down"):
        retiering.downgrade_ratio(moved.assign(down=0), [0])


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
    assert (found["estimate"].iloc[2], found["outside"].iloc[2]) == (2, 70)
    with pytest.raises(UserError, match="reference periods"):
        retiering.calibration_ratio(cells, [9])


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
    with pytest.raises(UserError, match="calibration_ratio"):
        retiering.trigger(table)


def test_the_rule_is_stated_in_words():
    words = retiering.rule_in_words()
    given = retiering.rule()
    assert str(given["fire"]["red_months"]) in words
    assert all(name in words for name in given["names"].values())


def test_potential_premium_by_hand():
    now = pd.Series({"a": "low", "b": "low", "c": "medium", "d": "premium", "e": "low", "f": "low"})
    later = pd.Series({"a": "premium", "b": "low", "c": "premium", "d": "premium", "e": "low"})
    flagged = pd.Series({"a": True, "b": True, "c": False, "d": True, "e": False, "f": True})
    found = potential.outcomes(flagged, now, later)
    assert "d" not in found.index
    assert found.loc["f", "left"]
    table = potential.flag_quality(found).set_index("measure")
    assert table.loc["precision", ["estimate", "n"]].tolist() == [1 / 3, 3]
    assert table.loc["rate_unflagged", "estimate"] == 0.5
    assert table.loc["recall", "estimate"] == 0.5
    assert table.loc["lift", "estimate"] == pytest.approx(2 / 3)
    assert table.loc["left_flagged", "estimate"] == 1 / 3
    nobody = potential.flag_quality(found.assign(flagged=False)).set_index("measure")
    assert np.isnan(nobody.loc["precision", "estimate"])
    assert np.isnan(nobody.loc["lift", "estimate"])
    with pytest.raises(UserError, match="already"):
        potential.outcomes(flagged, now.where(now == "premium", "premium"), later)


def test_the_lift_interval_is_the_log_one():
    """30 of 100 against 10 of 100: exp(ln 3 ± 1.96 √(1/30 − 1/100 + 1/10 − 1/100)) = 1.55 to 5.80."""
    found = pd.DataFrame({"flagged": [True] * 100 + [False] * 100, "left": False})
    found["arrived"] = [True] * 30 + [False] * 70 + [True] * 10 + [False] * 90
    row = potential.flag_quality(found).set_index("measure").loc["lift"]
    error = 1.959964 * np.sqrt(1 / 30 - 1 / 100 + 1 / 10 - 1 / 100)
    assert row["ci_low"] == pytest.approx(3 * np.exp(-error), rel=1e-6)
    assert row["ci_high"] == pytest.approx(3 * np.exp(error), rel=1e-6)


def test_the_review_calendar():
    items = reviews.review_items()
    assert items.notna().all().all()
    assert items["requirement"].isin([f"P{k}" for k in range(6, 12)]).all()
    assert {"P6", "P7", "P8", "P9", "P10", "P11"} == set(items["requirement"])
    table = reviews.calendar("2024-01-15", 12)
    assert table["due"].is_monotonic_increasing
    assert len(table) == sum(12 // cadence for cadence in items["cadence_months"])
    first = table[table["item"] == "migration"].iloc[0]
    assert str(first["due"].date()) == "2024-03-31"
    with pytest.raises(UserError, match="at least one month"):
        reviews.calendar("2024-01-01", 0)
    with pytest.raises(UserError, match="'arrears'"):
        reviews.calendar("2024-01-01", 3, items.assign(cadence_months=0))


def test_every_false_alarm_before_the_shock_is_counted():
    table = pd.DataFrame({"period": range(6), "fired": [True, False, True, False, True, False]})
    row = retiering.delay(table, shock=3).iloc[0]
    assert (row["before"], row["times"], row["first_fired"], row["delay"]) == (2, 3, 4, 1)


def test_a_value_at_the_edge_of_the_margin_does_not_clear():
    """Cleared below 0.9 · 0.10 only: 0.095 keeps the alarm open, 0.085 closes it after three months."""
    near = retiering.trigger(months(psi=[0.3, 0.3, 0.095, 0.095, 0.095, 0.02]))["state"]
    assert near.tolist()[2:5] == ["open"] * 3
    far = retiering.trigger(months(psi=[0.3, 0.3, 0.085, 0.085, 0.085, 0.02]))["state"]
    assert far.tolist()[2:] == ["open", "open", "calm", "calm"]
