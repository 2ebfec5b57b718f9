"""The monitoring steps of a study on a small simulated bank: they fit together and their numbers agree."""

from __future__ import annotations

import numpy as np
import pytest

from research.parameters import load
from research.study import contents as steps

MODEL = "abc"
SIMULATED = "simulated"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("RESEARCH_DATA", raising=False)
        yield load("default", changes={"simulated_customers": 3000})


def test_the_simulated_bank_is_always_followed_and_comes_last(plan):
    assert steps.sources(plan)[-1] == SIMULATED
    assert steps.shock_period(plan) == 18


def test_movement_counts_every_customer_month_once(plan):
    tiers = steps.monthly_tiers(plan, SIMULATED, MODEL)
    found = steps.movement(plan, SIMULATED, MODEL)
    starts = (tiers["period"] < 35).sum()
    assert found["matrix"]["count"].sum() == starts
    assert found["by_period"]["n"].sum() == starts
    assert found["matrix"]["withdrawn"].sum() == 0, "every path ends in default, in leaving, or with the data"
    np.testing.assert_allclose(found["generator_year"].sum(axis=1), 1)
    shares = tiers[tiers["period"] == 0]["tier"].value_counts(normalize=True)
    assert shares["low"] == pytest.approx(0.5, abs=0.08)


def test_cut_points_stay_frozen(plan):
    """The tiers of month 20 are those the model gives to month 20 alone."""
    from research.collect import monthly

    model = steps.frozen_model(plan, SIMULATED, MODEL)
    now = monthly.customers(SIMULATED, 20, 3000)
    tiers = steps.monthly_tiers(plan, SIMULATED, MODEL).query("period == 20").set_index("customer_id")["tier"]
    part = now.iloc[: len(now) // 3]
    np.testing.assert_array_equal(model.predict(part), tiers[part.index].to_numpy())


def test_quality_charts_and_vintages_count_the_same_defaults(plan):
    quality = steps.tier_quality(plan, SIMULATED, MODEL)
    in_year = quality.query("tier == 'all' and measure == 'default'")["events"].iloc[0]
    chart = steps.default_chart(plan, MODEL)
    vintages = steps.default_vintages(plan)
    assert chart["events"].sum() >= in_year
    assert vintages.query("months_on_book <= 12")["defaults"].sum() == in_year
    funnel = steps.portfolio_funnel(plan, MODEL)["groups"]
    assert funnel["events"].sum() == in_year
    assert funnel["expected"].sum() == pytest.approx(in_year)


def test_the_trigger_fires_after_the_shock_and_the_flag_is_judged(plan):
    found = steps.review_trigger(plan, MODEL)
    months = found["months"]
    assert list(months["period"]) == list(range(36))
    before = months[months["period"].between(6, 17)]
    assert before["calibration_ratio"].mean() == pytest.approx(1, abs=0.25)
    after = months[months["period"].between(22, 30)]
    assert after["calibration_ratio"].mean() > 1.2
    quality = steps.premium_potential(plan, MODEL)["quality"].set_index("measure")["estimate"]
    assert 0 <= quality["precision"] <= 1
    rolled = steps.rolls(plan, SIMULATED)["summary"]
    assert rolled["worse"].is_monotonic_increasing


def test_early_warning_steps(plan):
    found = steps.warnings(plan)
    assert set(found) == {"rules", "worth", "lead", "detection"}
    assert set(found["worth"]["rule"]) == set(found["rules"]["rule"])
