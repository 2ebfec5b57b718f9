"""The monitoring steps of a study on a small simulated bank: they fit together and their numbers agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect import monthly, panel
from research.errors import UserError
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


def test_cut_points_stay_frozen(plan):
    """The tiers of month 20 are those the model gives to month 20 alone."""
    model = steps.frozen_model(plan, SIMULATED, MODEL)
    now = monthly.customers(SIMULATED, 20, 3000)
    tiers = steps.monthly_tiers(plan, SIMULATED)[MODEL].query("period == 20").set_index("customer_id")["tier"]
    part = now.iloc[: len(now) // 3]
    np.testing.assert_array_equal(model.predict(part), tiers[part.index].to_numpy())


def test_quality_categories_and_vintages_count_the_same_defaults(plan):
    quality = steps.tier_quality(plan, MODEL)
    in_year = quality.query("measure == 'default'")["events"].sum()
    classed = steps.tier_categories(plan, MODEL)
    assert classed["crosswalk"].query("five_category.str.startswith('Substandard')")["n"].sum() == in_year
    assert classed["crosswalk"]["n"].sum() == quality.query("measure == 'default'")["n"].sum()
    assert steps.default_vintages(plan).query("months_on_book <= 12")["defaults"].sum() == in_year


def test_the_rule_is_judged_on_months_with_a_known_shock(plan):
    plan = plan.model_copy(update={"models": [MODEL]})
    found = steps.triggers(plan)
    months = found["months"].query("measure == 'calibration_ratio'").set_index("period")["value"]
    assert list(months.index) == list(range(36))
    assert months.loc[6:17].mean() == pytest.approx(1, abs=0.25)
    assert months.loc[22:30].mean() > 1.2
    assert found["delay"]["months_watched_before"].tolist() == [18]


def test_early_warning_has_a_row_per_rule(plan):
    found = steps.warnings(plan).set_index("rule")
    assert found["arrears"].to_dict() == {
        "deposit_drop": False, "utilisation_jump": False, "utilisation_high": False, "fewer_transactions": False,
        "complaints": False, "first_arrears": True, "repeated_arrears": True, "two_signs": False,
        "any_sign_or_arrears": True,
    }  # fmt: skip
    assert (found["hit_rate_ci_low"] <= found["hit_rate"]).all()


def test_without_a_panel_the_recorded_one_is_shown_or_nothing(plan, monkeypatch):
    kept = {"07_monitoring/rolls": pd.DataFrame({"from": ["current"], "n": [3]})}
    monkeypatch.setattr("research.collect.recorded.frame", kept.get)
    frames, whose = steps.real_panel(plan)
    assert (list(frames), whose["origin"]) == (["rolls"], "recorded")
    assert steps.own_flags(plan) is None
    kept.clear()
    assert steps.real_panel(plan)[1]["origin"] == "missing"


@pytest.fixture
def cards(plan, verification_data, monkeypatch):
    """A study of the card clients of Taiwan, by one model."""
    monkeypatch.setenv("RESEARCH_DATA", str(verification_data("taiwan_default")))
    return load("default", changes={"dataset": "taiwan", "models": [MODEL], "references": [], "folds": 3})


def test_the_tiers_of_real_customers(cards):
    frames, whose = steps.real_panel(cards)
    assert whose == {"title": "Credit card clients, Taiwan, April to October 2005", "origin": "real"}
    moved = frames["migration"].groupby("months")["count"].sum()
    assert moved.to_dict() == {1: 90_000, 3: 30_000}
    rates = frames["frozen_rates"].groupby("ranking")[["n", "bad"]].sum()
    assert rates.loc[[MODEL, "scorecard"], "bad"].tolist() == [6636, 6636]
    assert (rates["n"] == 30_000).all()
    assert set(frames["shifts"]["what"]) == {"score", "tiers", "input"}
    ahead = frames["ahead"].set_index("tier")
    assert (ahead[["seen", "cohort", "duration"]] > 0.25).all(axis=None)
    flags = frames["flags"].set_index("flag")
    assert flags["flagged"].nunique() == 1, "as many flags each way"
    assert (flags["flagged"] + flags["rest"]).nunique() == 1


def test_months_to_learn_flag_and_judge_share_none(cards):
    paid = panel.panel("taiwan").pivot(index="customer_id", columns="period", values="payment")
    for place, part in enumerate(monthly.apart("taiwan")):
        pair = paid.iloc[:, 2 * place : 2 * place + 2].sum(axis=1)
        np.testing.assert_allclose(part["monetary_amount"], pair.reindex(part.index))
    with pytest.raises(UserError, match="no months of real customers"):
        monthly.apart(SIMULATED)


@pytest.mark.slow
def test_the_claim_on_future_premium_customers_is_measured_where_a_panel_is(cards):
    row = steps.evidence(cards).set_index("claim").loc["H5a"]
    rule = steps.own_flags(cards).set_index("flag").loc["rule"]
    assert (row["estimate"], row["ci_low"]) == (rule["estimate"], rule["ci_low"])
    assert row["n"] == rule["flagged"] + rule["rest"]
    assert (row["grade"], row["verdict"]) == ("measured", "supported")
