"""Early-warning rules: signals, alarms, hits, lead times and false alarms on tables one can count by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect.simulate import simulate
from research.errors import UserError
from research.manage import early_warning as ew

WARM = {
    "label": "Warm",
    "label_zh": "热",
    "column": "heat",
    "signal": "level",
    "when": {"at_least": 1},
    "why": "–",
}
ONE = {"single": {"warm": WARM}, "combined": {}}


def panel(paths: dict[str, tuple[list[float], int | None]]) -> pd.DataFrame:
    """Each customer: the values of `heat` by month and the month of default."""
    rows = [
        (who, month, value, int(month == end))
        for who, (heat, end) in paths.items()
        for month, value in enumerate(heat)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "period", "heat", "defaulted"])


def values(table: pd.DataFrame, rule: str) -> pd.Series:
    return table[table["rule"] == rule].set_index("measure")["estimate"]


# Horizon 3, six months. a: warm in month 1, default in 3. b: warm in 0, never. c: default in 4, never warm.
# d: warm in month 4, too late to be judged. e: nothing.
FIVE = panel(
    {
        "a": ([0, 1, 0, 0], 3),
        "b": ([1, 1, 0, 0, 0, 0], None),
        "c": ([0, 0, 0, 0, 0], 4),
        "d": ([0, 0, 0, 0, 1, 0], None),
        "e": ([0, 0, 0, 0, 0, 0], None),
    }
)


def test_hits_false_alarms_and_lead_by_hand():
    table = ew.evaluate(FIVE, horizon=3, quiet=6, definitions=ONE)
    found = values(table, "warm")
    assert found["hit_rate"] == 1 / 2  # a, not c
    assert found["precision"] == 1 / 2  # a right, b false, d not judged
    assert found["false_alarm_rate"] == 1 / 2
    assert found["lead_median"] == 2
    # Judged months: those with the event ahead (a 0–2, c 1–3) and those with three months of data after them
    # (0–2 of b, d, e; month 0 of c, which sees no event in months 1 to 3): 3 + 3 + 9 + 1 = 16, six before an event.
    assert found["base_rate"] == pytest.approx(6 / 16)
    assert found["lift"] == pytest.approx((1 / 2) / (6 / 16))
    # Months at risk: a 3, b 6, c 4, d 6, e 6 = 25; alarms a, b, d.
    assert found["alarms_per_1000"] == pytest.approx(1000 * 3 / 25)
    row = table[(table["measure"] == "precision")].iloc[0]
    assert row["n"] == 2
    assert row["ci_low"] < 0.5 < row["ci_high"]


def test_an_alarm_is_quiet_for_a_while():
    signal = np.array([[0, 1, 1, 0, 1, 0, 0, 0, 1]], dtype=bool)
    assert list(np.flatnonzero(ew.alarms(signal, quiet=2)[0])) == [1, 8]
    assert list(np.flatnonzero(ew.alarms(signal, quiet=1)[0])) == [1, 4, 8]


@pytest.mark.parametrize(
    ("signal", "months", "expected"),
    [
        ("level", 0, [1, 2, 4, 4, 1]),
        ("change", 2, [np.nan, np.nan, 3, 2, -3]),
        ("ratio", 1, [np.nan, 2, 2, 1, 0.25]),
        ("sum", 2, [np.nan, 3, 6, 8, 5]),
        ("sum_ratio", 2, [np.nan, np.nan, np.nan, 8 / 3, 5 / 6]),
    ],
)
def test_signals_by_hand(signal, months, expected):
    """Each is at least its value, and not at least a little more."""
    expected, book = np.array(expected), panel({"a": ([1, 2, 4, 4, 1], None)})
    for bar in expected[~np.isnan(expected)]:
        for least in (bar - 1e-6, bar + 1e-6):
            rule = {**WARM, "signal": signal, "months": months, "when": {"at_least": least}}
            found = ew.signals(book, {"single": {"warm": rule}, "combined": {}})["warm"][0]
            assert found.tolist() == (expected >= least).tolist()


def test_a_history_with_a_gap_gives_no_signal():
    gap = panel({"a": ([5, 5, 5, 5], None), "b": ([5], None)})
    gap = gap[~((gap["customer_id"] == "a") & (gap["period"] == 1))]
    rule = {**WARM, "signal": "sum", "months": 2}
    found = ew.signals(gap, {"single": {"warm": rule}, "combined": {}})["warm"]
    assert found.tolist() == [[False, False, False, True], [False] * 4]


def test_detection_counts_from_the_first_hidden_month():
    table = panel(
        {"a": ([0, 0, 1, 0, 0, 0], None), "b": ([0, 0, 0, 0, 0, 0], None), "c": ([0, 1, 0, 0, 0, 0], None)}
    )
    hidden = np.zeros(len(table), dtype=bool)
    who, when = table["customer_id"], table["period"]
    hidden[(who == "a") & when.between(1, 3)] = True  # noticed after one month
    hidden[(who == "b") & when.between(2, 3)] = True  # not noticed
    hidden[(who == "c") & (when == 4)] = True  # begins too late to be followed
    assert ew.detection(table, hidden, within=3, definitions=ONE)["warm"] == 0.5


def test_the_shipped_rules_are_complete_and_work_on_the_simulated_bank():
    given = ew.rules()
    words = ew.rule_table()
    assert len(words) == len(given["single"]) + len(given["combined"])
    assert words.notna().all().all()
    bank = simulate(6_000, seed=3)
    table = ew.evaluate(bank.panel)
    for measure in ("hit_rate", "precision", "false_alarm_rate"):
        assert table.loc[table["measure"] == measure, "estimate"].between(0, 1).all()
    first = values(table, "first_arrears")
    assert first["hit_rate"] == 1, "nobody defaults without having been one month late"
    assert values(table, "two_signs")["lift"] > 2
    assert values(table, "repeated_arrears")["precision"] > values(table, "first_arrears")["precision"]
    assert values(table, "deposit_drop")["lead_median"] > values(table, "repeated_arrears")["lead_median"]
    noticed = ew.detection(bank.panel, bank.distress)
    assert noticed["any_sign_or_arrears"] > noticed["first_arrears"]


def test_no_rule_beats_chance_when_there_is_nothing_to_see():
    """Signals and events drawn independently: lift 1 within the interval of the precision."""
    rng = np.random.default_rng(8)
    rows = pd.DataFrame(
        {"customer_id": np.repeat(np.arange(4000), 30), "period": np.tile(np.arange(30), 4000)}
    )
    rows["heat"] = (rng.random(len(rows)) < 0.03).astype(float)
    end = rng.geometric(0.01, 4000)
    rows["defaulted"] = (rows["period"] == end[rows["customer_id"]]).astype(int)
    rows = rows[rows["period"] <= end[rows["customer_id"]]]
    table = ew.evaluate(rows, definitions=ONE)
    precision = table[table["measure"] == "precision"].iloc[0]
    base = values(table, "warm")["base_rate"]
    assert precision["ci_low"] < base < precision["ci_high"]


def test_the_first_period_may_be_any_number():
    later = FIVE.assign(period=FIVE["period"] + 7)
    pd.testing.assert_frame_equal(
        ew.evaluate(later, horizon=3, quiet=6, definitions=ONE),
        ew.evaluate(FIVE, horizon=3, quiet=6, definitions=ONE),
    )
    grid = ew.Grid(panel({"a": ([1, 2], None)}).assign(status=[0.0, 2.0]))
    assert grid.column("late").tolist() == [[0.0, 1.0]]


def test_without_events_nothing_can_be_missed_and_a_first_month_cannot_be_foreseen():
    calm = ew.evaluate(panel({"a": ([1, 0, 0, 0, 0, 0], None)}), horizon=3, quiet=6, definitions=ONE)
    found = calm.set_index("measure")
    assert np.isnan(found.loc["hit_rate", "estimate"]) and np.isnan(found.loc["lift", "estimate"])
    assert found.loc["precision", ["estimate", "n"]].tolist() == [0, 1]
    first = panel({"a": ([1], 0), "b": ([1, 1, 0], 2), "c": ([0, 0, 0], None)})
    row = ew.evaluate(first, horizon=3, quiet=6, definitions=ONE).set_index("measure").loc["hit_rate"]
    assert (row["estimate"], row["n"]) == (1, 1)


def test_a_signal_that_does_not_exist_is_named():
    rules = {
        "single": {"r": {"column": "balance", "signal": "sums", "months": 2, "when": {"at_least": 1}}},
        "combined": {},
    }
    panel = pd.DataFrame({"customer_id": ["a"] * 3, "period": [0, 1, 2], "balance": [1.0, 2.0, 3.0]})
    with pytest.raises(UserError, match=r"signal 'sums', expected level, change, ratio, sum or sum_ratio"):
        ew.signals(panel, rules)
