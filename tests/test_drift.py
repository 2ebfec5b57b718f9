"""PSI, CSI, verdict bands; default, loss and churn rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.manage import drift, rates

# Seven credit grades of a base and a later sample; example of the Python package psi-inference 0.1.0 (its project
# page): PSI 0.0677, critical value 0.0252, p 7.2e-06. riskvalidation 1.0.1 gives the same with more digits.
BASE = [253, 302, 204, 134, 72, 26, 8]
LATER = [177, 262, 285, 158, 88, 25, 6]


def test_psi_of_the_published_seven_grades():
    row = drift.stability(BASE, LATER)
    assert row["estimate"] == pytest.approx(0.06769298845159136, abs=1e-14)
    assert row["benchmark"] == pytest.approx(0.025183199670687623, abs=1e-14)
    assert row["p_value"] == pytest.approx(7.202560326710907e-06, rel=1e-9)
    assert (row["verdict"], row["n"]) == ("stable", 1001)


def test_contributions_of_the_published_seven_grades():
    """riskvalidation 1.0.1, stability_psi, extras."""
    expected = [0.027456722070502048, 0.005844568953840714, 0.026759402273945864, 0.003858604908566692]
    expected += [0.0031469469525074235, 4.332301354777914e-05, 0.0005834202786808329]
    np.testing.assert_allclose(drift.contributions(BASE, LATER), expected, atol=1e-15)


def test_psi_by_hand():
    """Two bins, half and half against a quarter and three quarters: ¼ ln 2 + ¼ ln 1.5 = ¼ ln 3."""
    assert drift.psi([50, 50], [25, 75]) == pytest.approx(0.25 * np.log(3))
    assert drift.psi([1, 2, 7], [10, 20, 70]) == 0
    assert drift.psi(BASE, LATER) == pytest.approx(drift.psi(LATER, BASE), abs=1e-15)


def test_an_empty_cell_adds_half_a_customer_to_every_cell():
    """9, 0 become 9.5, 0.5 of 10 and 4, 4 become 4.5, 4.5 of 9: 0.45 · ln(0.95 / 0.05)."""
    assert drift.psi([9, 0], [4, 4]) == pytest.approx(0.45 * np.log(19))


def test_the_test_keeps_its_level():
    rng = np.random.default_rng(3)
    base, later = (rng.multinomial(n, np.full(10, 0.1), size=2000) for n in (2000, 3000))
    bound = drift.stability(base[0], later[0])["benchmark"]
    share = np.mean([drift.psi(a, b) > bound for a, b in zip(base, later, strict=True)])
    assert share == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("value", "verdict", "signal"),
    [(0.0, "stable", "green"), (0.0999, "stable", "green"), (0.10, "shifted", "amber"), (0.25, "unstable", "red"),
     (9.0, "unstable", "red"), (np.nan, "not known", "not known")],
)  # fmt: skip
def test_verdicts(value, verdict, signal):
    row = drift.judge([value], "psi").iloc[0]
    assert (row["verdict"], row["signal"]) == (verdict, signal)


def test_bands_are_ordered_without_gaps_and_name_their_source():
    table = drift.bands()
    assert table[["signal", "action", "source"]].notna().all().all()
    for measure, part in table.groupby("measure"):
        assert list(part["signal"]) == ["green", "amber", "red"], measure
        np.testing.assert_array_equal(part["upper"].to_numpy()[:-1], part["lower"].to_numpy()[1:])
    with pytest.raises(UserError, match="psi"):
        drift.bands("psy")


def test_bins_are_deciles_of_the_reference_and_missing_is_its_own():
    reference = pd.Series(np.arange(1.0, 101))
    current = pd.Series([0.0, 10.9, 10.9, 55.0, 1e9, np.nan])
    table = drift.bin_counts(reference, current, bins=10)
    assert list(table["expected"]) == [10] * 10 + [0]
    assert list(table["actual"]) == [3, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1]
    assert table["bin"].iloc[-1] == "missing"
    ties = drift.bin_counts(pd.Series([0.0] * 95 + [1, 2, 3, 4, 5]), pd.Series([0.0, 5.0]), bins=10)
    assert ties["expected"].sum() == 100
    assert ties["actual"].iloc[0] == 1


def test_a_category_the_reference_does_not_know_is_new():
    reference = pd.Series(["a", "a", "b"], dtype="category")
    table = drift.bin_counts(reference, pd.Series(["a", "c", None]))
    assert dict(zip(table["bin"], table["actual"], strict=True)) == {"a": 1, "b": 0, "new": 1, "missing": 1}


def test_csi_ranks_the_construct_that_moved_first():
    rng = np.random.default_rng(0)
    old = pd.DataFrame(
        {"still": rng.normal(size=4000), "moved": rng.normal(size=4000), "kind": ["x", "y"] * 2000}
    )
    new = pd.DataFrame(
        {"still": rng.normal(size=4000), "moved": rng.normal(0.7, 1, 4000), "kind": ["x", "y"] * 2000}
    )
    table = drift.construct_stability(old, new, list(old))
    assert table["construct"].iloc[0] == "moved"
    assert table.set_index("construct").loc["moved", "signal"] == "red"
    assert table.set_index("construct").loc["kind", "estimate"] == 0


def test_over_time_compares_each_period_with_the_reference():
    rng = np.random.default_rng(1)
    values = pd.DataFrame({"period": np.repeat([0, 1, 2, 3], 3000)})
    values["score"] = rng.normal(size=12000) + np.where(values["period"] == 3, 0.8, 0)
    table = drift.over_time(values, "score", [0, 1])
    assert list(table["signal"]) == ["green", "green", "green", "red"]


def test_bins_by_hand():
    """Quartiles of 1 to 4 are 1.75, 2.5 and 3.25; a missing value makes no edge and no class of its own name."""
    numbers = pd.Series([1.0, 2, 3, 4, np.nan])
    np.testing.assert_allclose(drift.bin_edges(numbers, 4), [1.75, 2.5, 3.25])
    whole = drift.bin_counts(numbers, pd.Series([9.0, np.nan]), bins=1)
    assert whole.to_numpy().tolist() == [["all", 4, 1], ["missing", 1, 1]]
    words = drift.bin_counts(pd.Series(["b", "a", None, "a"]), pd.Series(["a", "c", None, None]))
    assert words.to_numpy().tolist() == [["a", 2, 1], ["b", 1, 0], ["new", 0, 1], ["missing", 1, 2]]


def test_loss_rates_and_their_interval():
    rng = np.random.default_rng(5)
    n = 3000
    table = pd.DataFrame(
        {"tier": np.where(np.arange(n) < n // 2, "low", "high"), "amount": rng.uniform(50, 150, n)}
    )
    table["loss"] = np.where(rng.random(n) < 0.05, 0.4 * table["amount"], 0.0)
    found = rates.loss_rates(table, "tier", "loss", "amount", seed=1, resamples=400).set_index("tier")
    part = table[table["tier"] == "low"]
    assert found.loc["low", "estimate"] == pytest.approx(part["loss"].sum() / part["amount"].sum())
    plain = [
        (draw := part.sample(len(part), replace=True, random_state=k))["loss"].sum() / draw["amount"].sum()
        for k in range(400)
    ]
    np.testing.assert_allclose(
        found.loc["low", ["ci_low", "ci_high"]].astype(float), np.quantile(plain, [0.025, 0.975]), rtol=0.12
    )
    again = rates.loss_rates(table, "tier", "loss", "amount", seed=1, resamples=400)
    pd.testing.assert_frame_equal(again.set_index("tier"), found)


@pytest.mark.parametrize("calm", [90, 150])
def test_loss_interval_of_few_losses_is_that_of_resampled_customers(calm):
    """Below and above the hundred customers without a loss from which on they are drawn as one cell."""
    rng = np.random.default_rng(calm)
    lent = rng.lognormal(0, 1, calm + 25)
    lost = np.where(np.arange(calm + 25) < 25, 0.6 * lent, 0.0)
    table = pd.DataFrame({"tier": "low", "lent": lent, "lost": lost})
    found = rates.loss_rates(table, "tier", "lost", "lent", seed=1, resamples=4000).iloc[0]
    rows = rng.integers(0, len(lent), (4000, len(lent)))
    plain = lost[rows].sum(axis=1) / lent[rows].sum(axis=1)
    np.testing.assert_allclose(
        [found["ci_low"], found["ci_high"]], np.quantile(plain, [0.025, 0.975]), rtol=0.04
    )


def test_loss_interval_allows_for_what_the_others_were_lent():
    """300 lost a tenth each, so that their number hardly matters; 150 others were lent very unequal amounts."""
    lent = np.r_[np.full(300, 10.0), np.full(20, 7.5), np.full(130, 0.1)]
    lost = np.where(np.arange(450) < 300, 1.0, 0.0)
    table = pd.DataFrame({"tier": "low", "lent": lent, "lost": lost})
    found = rates.loss_rates(table, "tier", "lost", "lent", seed=1, resamples=4000).iloc[0]
    rows = np.random.default_rng(2).integers(0, 450, (4000, 450))
    low, high = np.quantile(lost[rows].sum(axis=1) / lent[rows].sum(axis=1), [0.025, 0.975])
    assert found["ci_high"] - found["ci_low"] == pytest.approx(high - low, rel=0.08)


def test_loss_rates_say_what_is_not_known():
    table = pd.DataFrame(
        {"tier": ["a", "a", "b", "b", "c"], "lost": [0, 0, np.nan, 1, 2], "lent": [5, 5, 9, 4, 8.0]}
    )
    found = rates.loss_rates(table, "tier", "lost", "lent", seed=1).set_index("tier")
    assert found["n"].to_dict() == {"a": 2, "b": 1, "c": 1}
    assert found["estimate"].to_dict() == {"a": 0, "b": 0.25, "c": 0.25}
    cents = rates.loss_rates(
        table.assign(lost=table["lost"] / 100, lent=table["lent"] / 100), "tier", "lost", "lent", 1
    )
    np.testing.assert_allclose(cents["estimate"], found["estimate"])  # a rate has no unit
    # Nobody lost anything: 0 is a limit, the other end cannot be resampled; of one customer nothing can.
    assert found.loc["a", "ci_low"] == 0 and np.isnan(found.loc["a", "ci_high"])
    assert found.loc["b", ["ci_low", "ci_high"]].isna().all()
