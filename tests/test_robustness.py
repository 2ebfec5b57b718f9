"""Differences under other choices, other readings of the outcome, later loans and the truth."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from research.collect import datasets, windows
from research.collect.berka import conduct
from research.compare.resampling import out_of_fold
from research.errors import UserError
from research.parameters import Study, load
from research.segment import registry
from research.segment.recut import FitOnce, Recut
from research.study import contents as steps
from research.study import specification

SMALL = {
    "folds": 2,
    "bootstrap": 100,
    "stability_refits": 2,
    "simulated_customers": 2000,
    "references": ["random"],
}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def plan() -> Study:
    return load("quick", changes=SMALL)


@pytest.fixture(scope="module")
def found(plan: Study) -> dict:
    return steps.specification_curve(plan)


def test_a_recut_model_is_the_model_fitted_with_those_shares() -> None:
    """Oracle: every model fitted anew with the shares."""
    table = datasets.load("credit_data").head(1200)
    shares = {"premium": 0.2, "low": 0.3, "medium": 0.3, "high": 0.2}
    for name in ("abc", "tree"):
        once = FitOnce(partial(registry.make, name, seed=1))
        anew = {(name, "a"): partial(registry.make, name, seed=1, shares=shares)}
        recut = {
            (name, "other"): partial(Recut, once, {"premium": 0.1, "low": 0.5, "medium": 0.3, "high": 0.1}),
            (name, "a"): partial(Recut, once, shares),
        }
        one, two = (out_of_fold(made, table, table["default"], 2, 1, 0) for made in (anew, recut))
        for field in ("score", "probability", "tier", "tier_rate"):
            np.testing.assert_array_equal(getattr(one, field)[0], getattr(two, field)[1])
        assert (two.tier[0] != two.tier[1]).any()


def test_a_model_is_fitted_once_per_training_table() -> None:
    made = []

    class Counted:
        def fit_place(self, X, y):
            made.append(len(X))
            return self.place(X)

        def place(self, X):
            return dict.fromkeys(("risk", "value", "probability"), X["risk"].to_numpy())

    table = pd.DataFrame({"risk": np.arange(10.0)})
    once = FitOnce(Counted)
    equal = dict.fromkeys(("premium", "low", "medium", "high"), 0.25)
    for shares in (equal, equal | {"premium": 0.5, "low": 0.0}):
        tiers = Recut(once, shares).fit_place(table, None)["tier"]
        assert len(set(tiers)) == len([s for s in shares.values() if s])
    assert made == [10]
    Recut(once, equal).fit_place(table.copy(), None)
    assert made == [10, 10]


def test_the_studys_own_choices_give_the_differences_of_the_comparison(plan: Study, found: dict) -> None:
    """Oracle: the paired differences of the comparison itself, which has one repeat here."""
    own = found["curve"].query("own and purpose == 'risk'").set_index(["model_a", "model_b"])["difference"]
    folds = steps.fold_measures(plan)
    for (a, b), difference in own.items():
        auc = folds.query("measure == 'auc' and arm == 'as practised'").pivot(
            index="fold", columns="model", values="estimate"
        )
        assert difference == pytest.approx((auc[a] - auc[b]).mean())
    assert len(own) == 1  # RFM cannot be used on these data


def test_only_choices_that_can_change_a_difference_are_varied(found: dict) -> None:
    curve = found["curve"]
    varied = ["inputs", "outcome", "weights", "tier_shares", "window"]
    assert not curve.duplicated(["purpose", "model_a", "model_b", *varied]).any()
    assert set(curve["inputs"]) == set(registry.ARMS)
    assert set(curve.loc[curve["purpose"] == "risk", "tier_shares"]) == {""}
    assert curve.query("purpose == 'risk'")["weights"].nunique() == 4
    assert len(found["not_testable"]) == 1 and found["not_testable"][0].startswith("Window")


def test_the_measures_of_protocol_version_one_stand_beside_the_primary_ones(plan: Study, found: dict) -> None:
    """Oracle: the mean difference of the folds; a lower Brier score is the better one."""
    rows = found["measures"].set_index(["measure", "model_a", "model_b"])["difference"]
    folds = steps.fold_measures(plan).query("arm == 'as practised'")
    mean = folds.groupby(["measure", "model"])["estimate"].mean()
    assert {"trend_effect", "brier", "eta_squared"} <= set(found["measures"]["measure"])
    assert rows["brier", "tree", "abc"] == pytest.approx(mean["brier", "abc"] - mean["brier", "tree"])
    assert rows["trend_effect", "tree", "abc"] == pytest.approx(
        mean["trend_effect", "tree"] - mean["trend_effect", "abc"]
    )
    assert set(found["measures"]["result"]) <= {"better", "worse", "undecided", "not tested"}


def test_invented_experts_are_named_and_their_absence_is_a_reason(plan: Study) -> None:
    made, _ = specification.options(plan)
    assert list(made["weights"]) == ["equal", "survey (invented)", "value first", "risk first"]
    none = plan.model_copy(update={"fieldwork": plan.fieldwork.model_copy(update={"ahp": ""})})
    made, reasons = specification.options(none)
    assert "survey (invented)" not in made["weights"] and reasons[0].startswith("Weights of the experts")


def test_other_readings_of_the_outcome_only_where_there_are_any(plan: Study) -> None:
    assert steps.outcome_sensitivity(plan).empty


def test_a_window_counts_what_lies_in_it() -> None:
    history = pd.DataFrame(
        {
            "account_id": [1, 1, 1],
            "days_before": [170, 100, 20],
            "signed_h": [50_00, -30_00, -5_00],
            "made_by_bank": [np.nan] * 3,
        }
    )
    long, short = (conduct(history, days).loc[1] for days in (180, 90))
    assert long[["transactions", "debits", "recency_days"]].tolist() == [3, 35, 20]
    assert short[["transactions", "debits", "recency_days"]].tolist() == [1, 5, 20]


def test_a_window_the_data_set_does_not_offer_is_refused() -> None:
    assert windows.windows("credit_data") == {} == windows.windows("my_book.csv")
    assert windows.windows("berka") == {"180 days": 180, "90 days": 90}
    with pytest.raises(UserError, match=r"window of 30, expected one of .*180"):
        windows.customers("berka", 30)


@pytest.mark.parametrize(("name", "folder"), [("berka", "berka_pkdd99"), ("taiwan", "taiwan_default")])
def test_windows_of_real_data(name: str, folder: str, verification_data, monkeypatch) -> None:
    monkeypatch.setenv("RESEARCH_DATA", str(verification_data(folder)))
    usual = datasets.load(name)
    own, other = (windows.customers(name, length) for length in windows.windows(name).values())
    pd.testing.assert_frame_equal(own, usual)
    assert other.index.equals(usual.index)
    pd.testing.assert_series_equal(other["default"], usual["default"])
    shorter = other["frequency_count"].dropna() <= usual["frequency_count"].reindex(other.index).dropna()
    assert shorter.all() and (other["frequency_count"] < usual["frequency_count"]).any()


def test_berka_outcomes(verification_data, monkeypatch) -> None:
    monkeypatch.setenv("RESEARCH_DATA", str(verification_data("berka_pkdd99")))
    made = steps.outcome_sensitivity(load("quick", dataset="berka", changes=SMALL))
    counts = made.drop_duplicates("outcome").set_index("outcome")[["known", "bad"]]
    assert counts["known"].to_dict() == {"running_censored": 279, "good_so_far": 682, "ended_only": 234}
    assert counts["bad"].to_dict() == {"running_censored": 76, "good_so_far": 76, "ended_only": 31}
    assert (made["n"] == made["known"]).all() and made["estimate"].between(0, 1).all()
