"""ABC: standardised indicators, weights and the 27 cells, on tables small enough to do by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from research.collect.constructs import constructs
from research.errors import UserError
from research.paths import DEFINITIONS
from research.segment.abc_model import ABC
from research.segment.base import informative
from research.segment.index import Index, indicator_definitions, value_index
from research.tiers import TIERS

pytestmark = pytest.mark.every_python

Z = (np.arange(1.0, 9) - 4.5) / np.sqrt(5.25)  # 1 … 8 standardised: mean 4.5, variance (64 − 1) / 12


@pytest.fixture
def eight() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "income": np.arange(1.0, 9),
            "loan_amount": np.arange(8.0, 0, -1),
            "debt_to_income": np.arange(1.0, 9),
            "credit_score": np.arange(8.0, 0, -1),
            "need_intensity": np.array([1.0, 2, 3, 4, 5, 6, 7, 8]) / 10,
        },
        index=pd.Index(list("abcdefgh"), name="customer_id"),
    )


def unclipped(monkeypatch) -> None:
    monkeypatch.setattr("research.segment.index.CLIP", (0.0, 1.0))


def test_scores_by_hand(eight, monkeypatch):
    unclipped(monkeypatch)
    scores = ABC().fit(eight).assess(eight)
    # A: income up, loan amount down, equal weights: they cancel. B: debt up and score down, both say riskier
    assert scores["a_score"].to_numpy() == pytest.approx(np.zeros(8), abs=1e-12)
    assert scores["b_score"].to_numpy() == pytest.approx(Z)
    assert scores["c_score"].to_numpy() == pytest.approx(Z)
    assert scores["abc_score"].to_numpy() == pytest.approx((0 - Z + Z) / 3, abs=1e-12)
    assert scores["risk_score"].to_numpy() == pytest.approx(Z)
    assert scores["value_score"].to_numpy() == pytest.approx(Z / 2)


def test_weights_of_experts(eight, monkeypatch):
    unclipped(monkeypatch)
    one = eight.drop(columns="loan_amount")
    scores = ABC(weights={"A": 0.5, "B": 0.3, "C": 0.2}).fit(one).assess(one)
    assert scores["a_score"].to_numpy() == pytest.approx(Z)
    assert scores["abc_score"].to_numpy() == pytest.approx(0.5 * Z - 0.3 * Z + 0.2 * Z)
    assert scores["value_score"].to_numpy() == pytest.approx((0.5 * Z + 0.2 * Z) / 0.7)


def test_an_extreme_income_does_not_rule_the_scale():
    income = np.append(np.arange(1.0, 200), 1e6)
    index = Index({"income": 1}).fit({"income": income})
    assert index.table_["upper"][0] < 1e5
    z = index.score({"income": income}, 200)
    assert z[-1] < 15
    assert z[198] > 0


def test_frozen_on_training_customers(eight):
    model = ABC().fit(eight)
    before = model.transform(eight)
    shifted = eight.assign(debt_to_income=eight["debt_to_income"] + 3)
    assert (model.transform(shifted)[:, 1] >= before[:, 1]).all()
    np.testing.assert_array_equal(model.transform(eight), before)
    np.testing.assert_array_equal(model.transform(eight.iloc[[3]]), before[[3]])


def test_missing_is_neutral_and_counted(eight, monkeypatch):
    unclipped(monkeypatch)
    model = ABC().fit(eight)
    holes = eight.copy()
    holes.loc["a", ["debt_to_income", "need_intensity"]] = np.nan
    scores = model.assess(holes)
    assert scores.loc["a", "b_score"] == pytest.approx(Z[0] / 2)  # the credit score alone, the other counts 0
    assert scores.loc["a", "c_score"] == 0
    assert scores["missing_count"].tolist() == [2] + [0] * 7


def test_none_on_record_is_the_longest_time(eight, monkeypatch):
    unclipped(monkeypatch)
    eight["months_since_delinquency"] = [np.nan, 10, 20, 30, 40, 50, 60, 70]
    model = ABC().fit(eight)
    row = model.indicators().set_index("indicator").loc["months_since_delinquency"]
    assert (row["missing"], row["upper"], row["missing_share"]) == ("highest", 70, 0.125)
    like_the_longest = eight.assign(months_since_delinquency=eight["months_since_delinquency"].fillna(70))
    np.testing.assert_array_equal(model.transform(eight), model.transform(like_the_longest))
    assert model.assess(eight)["missing_count"].sum() == 0


def test_cells_cover_every_combination_and_keep_their_logic():
    cells = pd.read_csv(DEFINITIONS / "abc_cells.csv")
    assert sorted(map(tuple, cells[["a_level", "b_level", "c_level"]].to_numpy())) == sorted(
        product(("low", "mid", "high"), repeat=3)
    )
    rank = cells["tier"].map({name: i for i, name in enumerate(TIERS)})
    worse = cells.assign(rank=rank).pivot_table(
        index=["a_level", "c_level"], columns="b_level", values="rank"
    )
    assert (worse["low"] <= worse["mid"]).all()
    assert (worse["mid"] <= worse["high"]).all()
    assert set(cells.query("tier == 'premium'")["b_level"]) == {"low"}
    assert set(cells.query("tier == 'premium'")["a_level"]) == {"high"}
    assert set(cells.query("b_level == 'high'")["tier"]) == {"high"}


def test_native_tiers_follow_the_cells(eight):
    model = ABC().fit(eight)
    found = model.rules().iloc[model.cells(eight)]
    # quartile levels of 1 … 8: two low, four mid, two high; A is constant up to clipping, B and C rise together
    assert found["b_level"].tolist() == ["low"] * 2 + ["mid"] * 4 + ["high"] * 2
    assert found["c_level"].tolist() == found["b_level"].tolist()
    cells = pd.read_csv(DEFINITIONS / "abc_cells.csv").set_index(["a_level", "b_level", "c_level"])["tier"]
    by_hand = [cells[tuple(row)] for row in found[["a_level", "b_level", "c_level"]].to_numpy()]
    assert list(model.native_tiers(eight)) == by_hand == found["tier"].tolist()
    assert model.rules()["n"].sum() == 8


def test_absent_blocks_are_neutral_and_told(eight):
    model = ABC().fit(eight[["income", "debt_to_income"]])
    assert model.absent_blocks_ == ["C"]
    assert "need_intensity" in model.absent_
    assert set(model.rules()["c_level"].iloc[model.cells(eight)]) == {"mid"}
    with pytest.raises(UserError, match="not testable here"):
        ABC().fit(pd.DataFrame({"age": [30.0, 40.0]}))


def test_equal_information_learns_signs_in_b_only(eight):
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(300, 3)), columns=["income", "credit_score", "need_intensity"])
    table["loan_purpose"] = pd.Categorical(np.where(rng.random(300) < 0.5, "housing", "other"))
    # in this invented book a high credit score is bad and so is "other": the definition would be wrong
    odds = 2 * table["credit_score"] + 2 * (table["loan_purpose"] == "other")
    bad = (odds > odds.median()).astype(float)
    practised = ABC().fit(table, bad).indices_["B"].table_.set_index("indicator")["sign"]
    learned = ABC(inputs="predictors").fit(table, bad)
    signs = learned.indices_["B"].table_.set_index("indicator")["sign"]
    assert practised.to_dict() == {"credit_score": -1}
    assert signs["credit_score"] == 1
    assert signs["loan_purpose"] == 1  # as log-odds of its levels
    assert set(signs.index) == {"income", "credit_score", "need_intensity", "loan_purpose"}
    assert learned.indices_["A"].table_["sign"].tolist() == [1]
    assert learned.risk_score(table)[bad == 1].mean() > learned.risk_score(table)[bad == 0].mean()


def test_the_shared_value_is_what_the_definition_names(eight):
    assert value_index(eight, by_position=False).names_ == ["loan_amount", "income"]


def test_definitions_name_known_numeric_predictors():
    known = constructs()
    definitions = indicator_definitions()
    assert definitions["construct"].is_unique
    assert set(definitions["block"]) == {"A", "B", "C"}
    assert set(definitions["sign"]) <= {-1, 1}
    assert set(definitions["missing"]) <= {"neutral", "lowest", "highest"}
    for name in definitions["construct"]:
        assert known.at[name, "role"] == "predictor", name
        assert known.at[name, "dtype"] == "float", name


def test_defaults_are_those_of_the_protocol():
    """Equal weights, each score cut at its quartiles, nothing chosen by the outcome."""
    assert ABC().get_params() == {"inputs": None, "weights": None, "shares": None}


def test_the_sign_of_an_input_is_that_of_its_correlation_where_both_are_known():
    values, bad = np.array([1.0, 2, 3, np.nan, 9]), np.array([1.0, 1, 0, 0, np.nan])
    for turned in (1, -1):
        table = pd.DataFrame({"income": turned * values})
        risk = ABC(inputs=["income"]).fit(table, bad).assess(table)["b_score"].to_numpy()
        assert np.sign(risk[4] - risk[0]) == -1


def test_tables_say_what_they_show(eight):
    model = ABC().fit(eight, np.zeros(8))
    rules = model.rules()
    assert (rules["length"] == 3).all()
    assert rules["known"].sum() == rules["n"].sum() == 8  # customers without a default are known all the same
    assert rules["bads"].sum() == 0
    assert list(model.indicators().columns)[:4] == ["block", "indicator", "label", "sign"]


def test_without_an_outcome_there_is_no_probability(eight):
    bad = np.array([0, 0, 0, 1, 0, 1, 1, 1.0])
    model = ABC().fit(eight, bad)
    chance = model.place(eight)["probability"]
    placed = model.place(eight)
    np.testing.assert_array_equal(placed["tier"], model.predict(eight))
    assert set(ABC().fit(eight).place(eight)) == {"risk", "value", "tier"}
    assert ((chance > 0) & (chance < 1)).all() and (np.diff(chance) > 0).all()


def test_a_model_needs_two_customers_and_one_column(eight):
    with pytest.raises(ValueError, match="minimum of 2"):
        ABC().fit(eight.to_numpy()[:1])
    with pytest.raises(UserError, match=r"1 sample.*minimum of 2"):
        ABC().fit(eight.iloc[:1])
    with pytest.raises(UserError, match=r"0 feature.*minimum of 1"):
        ABC().fit(eight[[]])
    assert len(ABC().fit(eight).predict(eight.iloc[:1])) == 1


def test_tags_tell_scikit_learn_what_a_model_takes(eight):
    tags = ABC().__sklearn_tags__()
    assert tags.input_tags.allow_nan and tags.input_tags.categorical
    assert not tags.target_tags.required and ABC(inputs="all").__sklearn_tags__().target_tags.required
    assert not tags.classifier_tags.multi_class


def test_what_varies_informs():
    table = pd.DataFrame({"same": [1.0, 1], "gap": [1.0, np.nan], "both": [1.0, 2]})
    assert informative(table, ["same", "gap", "both"]) == ["gap", "both"]


@pytest.mark.parametrize("seed", range(8))
def test_a_customer_on_a_cut_belongs_to_the_level_below(seed: int) -> None:
    # By hand: of nine different scores the third and the seventh are the quartiles (type 7), and (lower, upper] puts
    # them into the level below. pandas' cut on the scores themselves says the same.
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"need_intensity": rng.random(9), "income": rng.lognormal(10, 1, 9)})
    model = ABC().fit(table)
    place = table.rank().astype(int)
    level = {
        rank: name
        for name, ranks in {"low": (1, 2, 3), "mid": (4, 5, 6, 7), "high": (8, 9)}.items()
        for rank in ranks
    }
    cells = model.rules().iloc[model.cells(table)]
    scores = pd.DataFrame(model.transform(table), columns=model.component_names_)
    assert cells["c_level"].tolist() == place["need_intensity"].map(level).tolist()
    assert cells["a_level"].tolist() == place["income"].map(level).tolist()
    edges = [-np.inf, *scores["c_score"].quantile([0.25, 0.75]), np.inf]
    assert (
        cells["c_level"].tolist() == pd.cut(scores["c_score"], edges, labels=["low", "mid", "high"]).tolist()
    )


def test_customers_with_a_score_made_of_the_same_parts_share_a_level() -> None:
    # 0.1 + 0.2 and 0.3 differ in the last bit; a weighted mean of equal parts in another order must not.
    table = pd.DataFrame(
        {
            "need_intensity": [0.1, 0.2, 0.3] * 4,
            "accounts_opened": [3.0, 2, 1] * 4,
            "inquiries": [1.0, 1, 1] * 4,
        }
    )
    model = ABC().fit(table)
    levels = model.rules()["c_level"].iloc[model.cells(table)].reset_index(drop=True)
    assert levels.groupby(levels.index % 3).nunique().max() == 1
