"""RFM: the published segment counts of the R package rfm, and tables small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.paths import DEFINITIONS
from research.segment.rfm import RFM, Bands

pytestmark = pytest.mark.every_python

# Segment counts of the R package rfm, vignette on order data (4,906 orders, 995 customers, analysis of 2006-12-31)
PUBLISHED = {
    "About To Sleep": 102, "At Risk": 28, "Can't Lose Them": 47, "Champions": 35, "Lost": 148,
    "Loyal Customers": 170, "Need Attention": 10, "New Customers": 104, "Potential Loyalist": 342,
    "Promising": 9,
}  # fmt: skip


@pytest.fixture
def ten() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recency_months": [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            "frequency_count": [10.0, 9, 8, 7, 6, 5, 4, 3, 2, 1],
            "monetary_amount": [100.0, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
        },
        index=pd.Index(list("abcdefghij"), name="customer_id"),
    )


def test_segments_of_the_r_package(verification_data):
    orders = pd.read_csv(verification_data("oracles") / "rfm_orders.csv", parse_dates=["order_date"])
    grouped = orders.groupby("customer_id")
    customers = pd.DataFrame(
        {
            "days": (pd.Timestamp("2006-12-31") - grouped["order_date"].max()).dt.days.astype(float),
            "orders": grouped.size().astype(float),
            "revenue": grouped["revenue"].sum().astype(float),
        }
    )
    model = RFM("days", "orders", "revenue", recipe="plus one").fit(customers)
    counts = pd.Series(model.segments(customers)).value_counts()
    assert {name: int(counts[name]) for name in PUBLISHED} == PUBLISHED
    assert counts.sum() == 995


def test_scores_by_hand(ten):
    scores = RFM().fit(ten).assess(ten)
    # type-7 quintile cut points of 1 … 10 are 2.8, 4.6, 6.4, 8.2: two customers per band
    assert scores["r_score"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scores["f_score"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert scores["m_score"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores["rfm_total"].to_numpy() == pytest.approx(
        [11 / 3, 11 / 3, 10 / 3, 10 / 3, 3, 3, 8 / 3, 8 / 3, 7 / 3, 7 / 3]
    )
    assert list(scores["risk_score"]) == list(-scores["rfm_total"])
    assert list(scores["value_score"]) == list(ten["monetary_amount"])


def test_cut_points_are_a_readable_table(ten):
    cuts = RFM().fit(ten).cut_points().query("input == 'recency_months'")
    assert cuts["score"].tolist() == [1, 2, 3, 4, 5]
    assert cuts["lower"].tolist() == pytest.approx([8.2, 6.4, 4.6, 2.8, -np.inf])
    assert cuts["upper"].tolist() == pytest.approx([np.inf, 8.2, 6.4, 4.6, 2.8])


def test_matched_tiers_by_hand(ten):
    shares = {"premium": 0.2, "low": 0.3, "medium": 0.3, "high": 0.2}
    tiers = RFM(shares=shares).fit(ten).predict(ten)
    # lowest totals: i, j high; then g, h, and of e and f with equal totals the one with the lower amount
    assert dict(zip("abcdefghij", tiers, strict=True)) == {
        **dict.fromkeys("ij", "high"),
        **dict.fromkeys("egh", "medium"),
        **dict.fromkeys("ab", "low"),
        **dict.fromkeys("c", "low"),
        **dict.fromkeys("df", "premium"),  # the two largest amounts that are left
    }


def test_native_tiers_by_hand(ten, monkeypatch):
    monkeypatch.setattr("research.segment.rfm.NATIVE_CUTS", (3.5, 3.0, 2.5))
    model = RFM().fit(ten)
    assert list(model.native_tiers(ten)) == ["premium"] * 2 + ["low"] * 4 + ["medium"] * 2 + ["high"] * 2
    assert model.rules()["n"].tolist() == [2, 4, 2, 2]


def test_ties_do_not_overlap_and_nobody_is_unassigned():
    values = np.array([0.0] * 60 + [1.0] * 20 + list(range(2, 22)))
    bands = Bands().fit(values)
    score = bands.score(values)
    assert pd.Series(values).groupby(score).nunique().sum() == len(np.unique(values))  # a value has one band
    assert set(score) <= {1, 2, 3, 4, 5}
    assert set(score[:60]) == {1}
    table = bands.table()
    assert table["upper"].tolist()[:-1] == table["lower"].tolist()[1:]
    assert bands.score(np.array([-100.0, 1e9])).tolist() == [1, 5]


def test_cut_points_stay_when_customers_change(ten):
    model = RFM().fit(ten)
    richer = ten.assign(monetary_amount=ten["monetary_amount"] * 100)
    assert set(model.transform(richer)[:, 2]) == {5}


def test_missing_scores_one(ten):
    ten.loc["a", "recency_months"] = np.nan
    ten.loc["j", "monetary_amount"] = np.nan
    scores = RFM().fit(ten).assess(ten)
    assert scores.loc["a", "r_score"] == 1
    assert scores.loc["j", "m_score"] == 1
    assert scores.loc["j", "value_score"] == 100
    assert scores["tier"].notna().all()


def test_weights_are_shares(ten):
    scores = RFM(weights={"R": 2, "F": 1, "M": 1}).fit(ten).assess(ten)
    assert scores.loc["a", "rfm_total"] == pytest.approx((2 * 5 + 5 + 1) / 4)
    with pytest.raises(UserError, match="no weight"):
        RFM(weights={"R": 1, "F": 0, "M": 0}).fit(ten.drop(columns="recency_months"))


def test_an_absent_component_is_told_and_left_out(ten):
    model = RFM().fit(ten.drop(columns="monetary_amount"))
    assert model.absent_ == ["monetary_amount"]
    assert model.inputs_ == ["recency_months", "frequency_count"]
    assert model.weights_ == {"R": 0.5, "F": 0.5}
    assert model.transform(ten)[:, -1].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert model.segments(ten)[0] == "Potential Loyalist"  # 5, 5 and the neutral 3
    with pytest.raises(UserError, match="not testable here"):
        RFM().fit(pd.DataFrame({"income": [1.0, 2.0]}))


def test_first_segment_that_fits_wins(ten):
    model = RFM().fit(ten)
    # 5 5 1 misses Potential Loyalist (m ≥ 2) and New Customers (f ≤ 3)
    assert model.segments(ten)[0] == "Others"
    assert (
        model.segments(ten)[2] == "Potential Loyalist"
    )  # 4 4 2 also fits Loyal Customers, which comes later
    table = model.segment_table()
    assert table["n"].sum() == 10
    assert table["segment"].tolist() == [*pd.read_csv(DEFINITIONS / "rfm_segments.csv")["segment"], "Others"]


def test_equal_information_learns_direction_from_the_outcome():
    n = 400
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "credit_grade": rng.permutation(n).astype(float),  # high is bad
            "income": rng.permutation(n).astype(float),  # high is good
            "loan_purpose": pd.Categorical(np.where(np.arange(n) % 4 == 0, "other", "housing")),
            "months_since_delinquency": np.where(rng.random(n) < 0.5, np.nan, rng.permutation(n)),
        }
    )
    odds = table["credit_grade"] - table["income"] + 200 * (table["loan_purpose"] == "other")
    bad = (odds > odds.quantile(0.8)).astype(float)
    model = RFM(inputs="predictors").fit(table, bad)
    assert model.bands_["credit_grade"].reverse
    assert not model.bands_["income"].reverse
    scores = model.assess(table)
    assert scores["score_loan_purpose"][table["loan_purpose"] == "housing"].min() > 3
    assert (
        scores["score_loan_purpose"][table["loan_purpose"] == "other"] == 2
    ).all()  # cut points 1 to 3 are equal
    assert scores["rfm_total"][bad == 0].mean() > scores["rfm_total"][bad == 1].mean()
    by_hand = scores[[f"score_{name}" for name in model.inputs_]].mean(axis=1)
    np.testing.assert_allclose(scores["rfm_total"], by_hand)
    with pytest.raises(UserError, match="requires y"):
        RFM(inputs="predictors").fit(table)
    with pytest.raises(UserError, match="R, F and M only"):
        model.segments(table)


def test_equal_information_scores_missing_like_the_nearest_band():
    # bad rates of the bands of income: 5 % to 45 %; customers without income: 35 % like the second band from the bottom
    income = np.repeat([1.0, 2, 3, 4, 5, np.nan], 100)
    rate = np.repeat([0.45, 0.35, 0.25, 0.15, 0.05, 0.35], 100)
    bad = (np.tile(np.arange(100), 6) < 100 * rate).astype(float)
    model = RFM(inputs=["income"]).fit(pd.DataFrame({"income": income}), bad)
    assert model.transform(pd.DataFrame({"income": [1.0, 2, 5, np.nan]}))[:, 0].tolist() == [1, 2, 5, 2]


def test_shares_of_a_study_reach_the_cuts(ten):
    shares = {"premium": 0.1, "low": 0.1, "medium": 0.4, "high": 0.4}
    assert pd.Series(RFM(shares=shares).fit(ten).predict(ten)).value_counts().to_dict() == {
        "premium": 1, "low": 1, "medium": 4, "high": 4,
    }  # fmt: skip


def test_defaults_are_those_of_the_protocol():
    assert RFM().get_params() == {
        "recency": "recency_months", "frequency": "frequency_count", "monetary": "monetary_amount", "inputs": None,
        "weights": None, "recipe": "quantile", "shares": None,
    }  # fmt: skip
    assert Bands().fit(np.arange(10.0)).score(np.array([np.nan])).tolist() == [1]


def test_a_mean_on_a_native_cut_belongs_to_the_better_tier(ten, monkeypatch):
    model = RFM().fit(ten)
    for cut, tier in ((0, "premium"), (1, "low"), (2, "medium")):
        cuts = [9.0, 9.0, 9.0]
        cuts[cut:] = [3.0] * (3 - cut)  # customers e and f have scores 3, 3 and 3
        monkeypatch.setattr("research.segment.rfm.NATIVE_CUTS", tuple(cuts))
        assert model.native_tiers(ten.loc[["e"]]).tolist() == [tier]
        assert model.native_tiers(ten.loc[["j"]]).tolist() == ["high"]


def test_the_score_of_missing_is_the_middle_where_nothing_is_known():
    table = pd.DataFrame({"income": [1.0, 2, 3, 4, 5, np.nan]})

    def score(bad: list[float]) -> int:
        return RFM(inputs=["income"]).fit(table, bad).bands_["income"].missing_score

    assert score([1.0, 0, 0, 0, 0, np.nan]) == 3  # the outcome of the missing is not known
    # Four bands have the rate of the missing, (0 + 20/6) / 21: the one nearest to the middle is taken.
    assert score([1.0, 0, 0, 0, 0, 0]) == 3
    assert score([1.0, 0, 1, 0, 0, 0]) in (2, 4)


def test_an_input_known_of_two_customers_counts_and_one_known_of_one_does_not():
    table = pd.DataFrame({"income": [1.0, 2, np.nan, np.nan], "loan_amount": [1.0, np.nan, np.nan, np.nan]})
    table["debt_to_income"] = [4.0, 3, 2, 1]
    model = RFM(inputs=["income", "loan_amount", "debt_to_income"]).fit(table, [0, 1, 0, 1])
    assert model.inputs_ == ["income", "debt_to_income"]
