"""Policy simulation: ten loans by hand, a loan-by-loan recomputation, and two intervals that answer two questions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from research.errors import UserError
from research.manage import policy, portfolio, tier_sums
from research.manage.strategies import strategies
from ten_loans import ECONOMICS, LOANS, STRATEGIES, ten


def both(
    frame: pd.DataFrame, table: pd.DataFrame, economics: portfolio.Economics
) -> dict[str, dict[str, float]]:
    found = policy.both(tier_sums.sums(frame, economics), policy.levers(table), economics)
    return {
        name: {key: float(np.ravel(part)[0]) for key, part in parts.items()} for name, parts in found.items()
    }


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    found = policy.compare(ten(), STRATEGIES, ECONOMICS, gives_pd=True, seed=1, draws=4000)
    return found.set_index("measure")


def test_one_policy_for_all_by_hand():
    # Volume      20+30 + 3·10 + 8+8+4 + 5+5 = 110 thousand
    # Interest    premium 50 000·0.06·0.99              = 2970
    #             low     800·(0.98 + 0.98 + 0.97)      = 2344
    #             medium  800·0.95 + 800·0.95 + 400·0.94 = 1896
    #             high    750·0.80·2                     = 1200      sum 8410
    # Outcomes    0.01·2 + 0.02·2 + 0.03 + 0.05·2 + 0.06 + 0.20·2   = 0.65
    # LGD of loan j: half covered, 0.5·0.20 + 0.5·0.50 = 0.35
    # Loss        500·0.5 + 700·0.5 + 1040·0.5 + 1000·0.5 + 1000·0.35
    #             = 250 + 350 + 520 + 500 + 350          = 1970
    # Capital     0.10·110 000 = 11 000, its cost        = 1100
    # Funding     0.02·(110 000 − 11 000)                = 1980
    # Hours       10·2 = 20, their cost                  = 1000
    # Margin      8900 (all interest) − 1980 − 1000 − 1100 = 4820
    # Profit      8410 − 1970 − 1980 − 1000 − 1100       = 2360
    # RAROC       (2360 + 1100)/11 000                   = 0.314545…
    expected = {
        "volume": 110_000, "interest income": 8410, "cross-sell income": 0, "expected loss": 1970, "capital": 11_000,
        "capital cost": 1100, "officer hours": 20, "operating cost": 1000, "margin": 4820, "profit": 2360,
        "outcomes": 0.65, "RAROC": 3460 / 11_000,
    }  # fmt: skip
    found = both(ten(), STRATEGIES, ECONOMICS)["uniform"]
    for measure, amount in expected.items():
        assert found[measure] == pytest.approx(amount), measure


def test_tiered_policy_by_hand():
    # Monitoring cuts the PD of the high tier from 0.20 to 0.18: interest 750·0.82·2 = 1230, loss 0.9·850 = 765,
    # hours 2·(2 + 3) = 10. The simple process halves the base hours of the low tier: 3·1 = 3. Cross-sell in the
    # premium tier: 0.05·0.01·50 000 = 25. Medium as before: 6 hours; premium 4 hours.
    # Interest 2970 + 2344 + 1896 + 1230 = 8440; loss 250 + 350 + 520 + 765 = 1885; hours 4 + 3 + 6 + 10 = 23 → 1150
    # Profit   8440 + 25 − 1885 − 1980 − 1150 − 1100 = 2350
    found = both(ten(), STRATEGIES, ECONOMICS)
    for measure, amount in {
        "volume": 110_000, "interest income": 8440, "cross-sell income": 25, "expected loss": 1885,
        "officer hours": 23, "operating cost": 1150, "profit": 2350, "RAROC": 3450 / 11_000,
    }.items():  # fmt: skip
        assert found["tiered"][measure] == pytest.approx(amount), measure
    # 0.04 outcomes fewer for 3 hours and a margin of 25 − 150 = −125: 75 hours and 3125 for one.
    change = found["change"]
    assert (change["profit"], change["outcomes"]) == pytest.approx((-10, -0.04))
    assert (change["hours for one"], change["cost of one"]) == pytest.approx((75, 3125))


def test_where_nothing_is_prevented_one_takes_without_limit():
    idle = STRATEGIES.assign(base=0.0)
    change = both(ten(), idle, ECONOMICS)["change"]
    assert change["hours for one"] == change["cost of one"] == np.inf


def test_equal_volume_is_equal_volume():
    found = both(ten(), strategies(), ECONOMICS)
    assert found["tiered"]["volume"] != pytest.approx(110_000)
    assert found["change"]["volume"] == pytest.approx(0, abs=1e-6)


def test_income_work_and_capital_are_those_of_the_time_of_the_outcome():
    year, two = (both(ten(), STRATEGIES, ECONOMICS.changed(years=years))["uniform"] for years in (1.0, 2.0))
    for measure in ("interest income", "officer hours", "capital cost", "margin"):
        assert two[measure] == pytest.approx(2 * year[measure]), measure
    for measure in ("outcomes", "expected loss", "volume"):
        assert two[measure] == pytest.approx(year[measure]), measure
    assert two["RAROC"] == pytest.approx((2 * (8410 - 1980 - 1000) - 1970) / 11_000 / 2)


def by_loan(frame: pd.DataFrame, table: pd.DataFrame, economics: portfolio.Economics) -> dict[str, float]:
    """Recompute the tiered policy loan by loan, without the sums by tier."""
    found = dict.fromkeys(("volume", "profit", "expected loss", "officer hours"), 0.0)
    secured = portfolio.covered(frame["cover"], economics)
    lgd = secured * economics.lgd_secured + (1 - secured) * economics.lgd_unsecured
    for loan in frame.assign(lgd=lgd).itertuples():
        mine = table[table["tier"] == loan.tier]
        keep = dict.fromkeys(("pd", "lgd", "churn", "decline", "growth"), 1.0)
        add = dict.fromkeys(("rate", "cross_sell", "hours"), 0.0)
        for action in mine.itertuples():
            if action.lever in add:
                add[action.lever] += action.base
            elif action.lever == "growth":
                keep["growth"] *= 1 + action.base
            else:
                keep[action.lever] *= 1 - action.base
        probability = loan.pd * keep["pd"]
        volume = loan.ead * keep["decline"] * keep["growth"] * (1 - economics.churn_rate * keep["churn"])
        loss = volume * probability * loan.lgd * keep["lgd"]
        interest = volume * (loan.rate + add["rate"]) * (1 - probability)
        capital = volume * economics.capital_ratio * economics.risk_weight
        hours = keep["decline"] * (economics.base_hours * (1 + add["hours"]) + mine["hours"].sum())
        found["volume"] += volume
        found["expected loss"] += loss
        found["officer hours"] += hours
        found["profit"] += (
            interest + volume * add["cross_sell"] * economics.product_margin - loss
            - economics.funding_rate * (volume - capital) - hours * economics.officer_hour
            - economics.cost_of_capital * capital
        )  # fmt: skip
    return found


def test_all_levers_agree_with_a_loan_by_loan_computation():
    economics, table = portfolio.economics(), strategies()
    frame = portfolio.book(LOANS, LOANS["pd"], LOANS["tier"])
    found = both(frame, table, economics)["tiered"]
    for measure, amount in by_loan(frame, table, economics).items():
        assert found[measure] == pytest.approx(amount), measure


def test_draws_have_the_mean_of_the_distribution():
    table = strategies()
    ends = table[["low", "high"]]
    least, most = ends.min(axis=1), ends.max(axis=1)
    drawn = policy.draw_effects(table, 40_000, seed=5)
    assert np.allclose(drawn.mean(axis=0), (least + 4 * table["base"] + most) / 6, atol=0.002)
    assert (drawn >= least.to_numpy() - 1e-12).all()
    assert (drawn <= most.to_numpy() + 1e-12).all()


def test_what_a_study_sets_outside_the_range_is_known_and_not_drawn():
    money = policy.draw_economics(portfolio.economics({"officer_hour": 200}), 500, seed=1)
    assert money.officer_hour == 200
    assert 0.015 <= money.funding_rate.min() < 0.02 and 0.035 < money.funding_rate.max() <= 0.04
    assert money.whole_loan().lgd_unsecured == 1
    known = policy.draw_economics(portfolio.economics().whole_loan(), 10, seed=1)
    assert (known.lgd_unsecured, known.lgd_secured) == (1, 1)


def test_the_interval_of_the_assumptions_knows_no_sampling_and_that_of_sampling_no_assumptions(compared):
    """At fixed assumptions only customers vary; of many customers nearly nothing but the assumptions varies."""
    fixed = STRATEGIES.assign(low=STRATEGIES["base"], high=STRATEGIES["base"])
    row = compared.loc["outcomes"]
    alone = (
        policy.compare(ten(), fixed, ECONOMICS, gives_pd=True, seed=1, draws=4000)
        .set_index("measure")
        .loc["outcomes"]
    )
    assert alone["assumed_low"] == pytest.approx(alone["assumed_high"])
    assert alone[["sampling_low", "sampling_high"]].tolist() == pytest.approx(
        row[["sampling_low", "sampling_high"]].tolist()
    )
    many = pd.concat([ten()] * 500, ignore_index=True)
    crowd = policy.compare(many, STRATEGIES, ECONOMICS, gives_pd=True, seed=1, draws=4000).set_index(
        "measure"
    )
    assert crowd.at["outcomes", "assumed_low"] / 500 == pytest.approx(row["assumed_low"])
    width = crowd.at["outcomes", "sampling_high"] - crowd.at["outcomes", "sampling_low"]
    assert width / 500 < 0.1 * (row["sampling_high"] - row["sampling_low"])


def invented(size: int) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    risk = rng.beta(1, 12, size)
    loans = pd.DataFrame({"loan_amount": rng.lognormal(9.5, 0.5, size), "interest_rate": 0.05 + risk})
    rank = pd.Series(risk).rank(pct=True)
    tiers = pd.Series(np.select([rank > 0.9, rank > 0.6, rank < 0.1], ["high", "medium", "premium"], "low"))
    return portfolio.book(loans, pd.Series((rng.random(size) < risk).astype(float)), tiers)


def test_sampling_error_agrees_with_resampling_the_customers():
    frame, money, table = invented(800), portfolio.economics(), strategies()
    drawn = policy.compare(frame, table, money, gives_pd=True, seed=2, draws=4000).set_index("measure")
    rng, again = np.random.default_rng(5), []
    for _ in range(250):
        other = frame.iloc[rng.integers(0, len(frame), len(frame))].reset_index(drop=True)
        change = both(other, table, money)["change"]
        again.append([change["profit"], change["outcomes"]])
    for place, name in enumerate(("profit", "outcomes")):
        low, high = drawn.loc[name, ["sampling_low", "sampling_high"]]
        assert (high - low) / (2 * 1.96) == pytest.approx(np.std(again, axis=0)[place], rel=0.15), name


def test_same_seed_same_numbers(compared):
    again = policy.compare(ten(), STRATEGIES, ECONOMICS, gives_pd=True, seed=1, draws=4000)
    pd.testing.assert_frame_equal(again.set_index("measure"), compared)


def test_a_book_shows_no_more_than_its_outcome_and_its_amounts_allow():
    named = set(policy.shown(ten(), True))
    assert {"expected loss", "profit", "RAROC", "cost of one"} <= named
    assert named - set(policy.shown(ten(), False)) == {"interest income", "expected loss", "profit", "RAROC"}
    bare = portfolio.book(LOANS.drop(columns=["loan_amount", "interest_rate"]), LOANS["pd"], LOANS["tier"])
    assert policy.shown(bare, True) == ["outcomes", "officer hours", "hours for one"]
    unpriced = portfolio.book(LOANS.drop(columns="interest_rate"), LOANS["pd"], LOANS["tier"])
    assert "profit" not in policy.shown(unpriced, True) and "expected loss" in policy.shown(unpriced, True)
    found = policy.compare(bare, STRATEGIES, ECONOMICS, gives_pd=True, seed=1, draws=20).set_index("measure")
    assert found.at["hours for one", "estimate"] == pytest.approx(75)


def test_assumptions_that_nothing_rests_on_are_not_listed():
    listed = set(portfolio.assumed(ten(), ECONOMICS)["assumption"])
    assert {"officer_hour", "lgd_secured", "churn_rate"} <= listed and "credit_conversion" not in listed
    assert not {"lgd_secured", "cover_required"} & set(
        portfolio.assumed(ten().assign(churn=0.0), ECONOMICS.whole_loan())["assumption"]
    )
    assert "churn_rate" not in set(portfolio.assumed(ten().assign(churn=0.0), ECONOMICS)["assumption"])
    bare = portfolio.book(LOANS[["tier"]], LOANS["pd"], LOANS["tier"])
    assert set(portfolio.assumed(bare, ECONOMICS)["assumption"]) == {"base_hours", "churn_rate"}
    assert portfolio.money("not stated by the publisher") == "units of money"


def test_cover_follows_the_published_rule():
    # Basel Committee (2006), paragraph 295, other collateral: secured once covered 1.4 times, unsecured below a cover
    # of 0.3, in proportion between.
    found = portfolio.covered(np.array([np.nan, 0.29, 0.30, 0.70, 1.40, 3.0]), portfolio.economics())
    assert found == pytest.approx([0, 0, 0.3 / 1.4, 0.5, 1, 1])


def test_hours_by_tier_by_hand():
    rows = policy.officer_hours(STRATEGIES, ECONOMICS, seed=1, draws=200).set_index("tier")
    assert rows["tiered"].to_dict() == pytest.approx({"premium": 2, "low": 1, "medium": 2, "high": 5})
    assert (rows["uniform"] == 2).all()
    assert (rows["assumed_low"] <= rows["tiered"]).all() and (rows["tiered"] <= rows["assumed_high"]).all()


def test_tornado_by_hand():
    # Monitoring alone moves profit by 1150·e (300 interest + 850 loss), cross-sell by 500·e, the simple process by
    # −300·e: from low to high 1150·0.2 = 230, 500·0.1 = 50, 300·0.4 = 120.
    rows = policy.tornado(ten(), STRATEGIES, ECONOMICS, "profit").set_index("assumption")
    for name, swing in (("M pd", 230), ("S hours", 120), ("X cross_sell", 50)):
        assert rows.at[name, "swing"] == pytest.approx(swing), name
    assert (rows["at_base"].unique() == pytest.approx([-10])) and rows["swing"].is_monotonic_decreasing
    hours = policy.tornado(ten(), STRATEGIES, ECONOMICS, "hours for one").set_index("assumption")
    assert "officer_hour" not in hours.index and hours.at["S hours", "at_low"] == pytest.approx(
        (6 - 1.8) / 0.04
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loan_amount": {"c": np.nan}}, "1 of 10 customers have no exposure"),
        ({"interest_rate": {"c": np.nan}}, "1 of 10 customers have no interest_rate"),
        ({"pd": {"c": 1.2}}, r"customer c: pd is 1.2, expected 0 to 1"),
        ({"tier": {"c": "gold"}}, "1 of 10 customers have no tier"),
    ],
)
def test_a_book_with_holes_is_refused(change, message):
    loans = LOANS.copy()
    for column, cells in change.items():
        for customer, cell in cells.items():
            loans.loc[customer, column] = cell
    with pytest.raises(UserError, match=message):
        portfolio.book(loans, loans["pd"], loans["tier"])


def test_only_customers_who_can_be_priced_are_usable():
    loans = LOANS.assign(default=1.0)
    for column, customer in (("loan_amount", "c"), ("interest_rate", "d"), ("default", "e")):
        loans.loc[customer, column] = np.nan
    assert list(portfolio.usable(loans)) == [name for name in LOANS.index if name not in {"c", "d", "e"}]
    assert len(portfolio.usable(LOANS[["tier"]])) == 10


def test_of_a_limit_the_assumed_share_is_drawn():
    cards = LOANS.rename(columns={"loan_amount": "credit_limit"})
    frame = portfolio.book(cards, cards["pd"], cards["tier"])
    assert both(frame, STRATEGIES, ECONOMICS)["uniform"]["volume"] == pytest.approx(0.75 * 110_000)
    assert both(frame, STRATEGIES, ECONOMICS)["uniform"]["officer hours"] == 20


def test_costs_of_a_study_change_the_assumptions():
    economics = portfolio.economics({"officer_hour": 10, "emp_roi": 0.26})
    assert economics.officer_hour == 10
    assert economics.lgd_unsecured == 0.45
    with pytest.raises(UserError, match="unknown cost 'oficer_hour'; did you mean 'officer_hour'"):
        portfolio.economics({"oficer_hour": 10})
    with pytest.raises(UserError, match="cost 'officer_hour': found -1"):
        portfolio.economics({"officer_hour": -1})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.pop("churn_rate"), "missing: 'churn_rate'"),
        (lambda given: given.update(luck=given["churn_rate"]), "unknown: 'luck'"),
        (lambda given: given["churn_rate"].update(value=9.0), "churn_rate: value 9 is not within"),
    ],
)
def test_an_assumption_that_was_edited_wrongly_is_named(monkeypatch, tmp_path, change, message):
    content = yaml.safe_load(portfolio.ASSUMPTIONS_FILE.read_text(encoding="utf-8"))
    change(content["assumptions"])
    edited = tmp_path / "policy_assumptions.yml"
    edited.write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setattr(portfolio, "ASSUMPTIONS_FILE", edited)
    with pytest.raises(UserError, match=message):
        portfolio.assumptions()
