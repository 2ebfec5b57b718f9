"""Policy simulation: ten loans by hand, Basel's published risk weights, and a loan-by-loan recomputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.errors import UserError
from research.manage import policy, portfolio, sensitivity, tier_sums
from research.manage.strategies import strategies
from research.tiers import TIERS
from ten_loans import ECONOMICS, LOANS, STRATEGIES, ten


def value(frame: pd.DataFrame, policy_name: str, basis: str, measure: str, column: str = "estimate") -> float:
    chosen = frame[
        (frame["policy"] == policy_name) & (frame["basis"] == basis) & (frame["measure"] == measure)
    ]
    assert len(chosen) == 1
    return float(chosen[column].iloc[0])


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    return policy.compare(ten(), STRATEGIES, ECONOMICS, seed=1, draws=4000, sampling=False)


def test_uniform_policy_by_hand(compared):
    # Volume      20+30 + 3·10 + 8+8+4 + 5+5 = 110 thousand
    # Interest    premium 50 000·0.06·0.99              = 2970
    #             low     800·(0.98 + 0.98 + 0.97)      = 2344
    #             medium  800·0.95 + 800·0.95 + 400·0.94 = 1896
    #             high    750·0.80·2                     = 1200      sum 8410
    # LGD of loan j: half covered, 0.5·0.20 + 0.5·0.50 = 0.35
    # Loss        500·0.5 + 700·0.5 + 1040·0.5 + 1000·0.5 + 1000·0.35
    #             = 250 + 350 + 520 + 500 + 350          = 1970
    # Capital     0.10·110 000 = 11 000, its cost        = 1100
    # Funding     0.02·(110 000 − 11 000)                = 1980
    # Hours       10·2 = 20, their cost                  = 1000
    # Profit      8410 − 1970 − 1980 − 1000 − 1100       = 2360
    # RAROC       (2360 + 1100)/11 000                   = 0.314545…
    expected = {
        "volume": 110_000, "interest income": 8410, "cross-sell income": 0, "expected loss": 1970, "capital": 11_000,
        "capital cost": 1100, "funding cost": 1980, "officer hours": 20, "operating cost": 1000, "profit": 2360,
        "RAROC": 3460 / 11_000,
    }  # fmt: skip
    for measure, amount in expected.items():
        assert value(compared, "uniform", "as lent", measure) == pytest.approx(amount), measure


def test_tiered_policy_by_hand(compared):
    # Monitoring cuts the PD of the high tier from 0.20 to 0.18: interest 750·0.82·2 = 1230, loss 0.9·850 = 765,
    # hours 2·(2 + 3) = 10. The simple process halves the base hours of the low tier: 3·1 = 3. Cross-sell in the
    # premium tier: 0.05·0.01·50 000 = 25. Medium as before: 6 hours; premium 4 hours.
    # Interest 2970 + 2344 + 1896 + 1230 = 8440; loss 250 + 350 + 520 + 765 = 1885; hours 4 + 3 + 6 + 10 = 23 → 1150
    # Profit   8440 + 25 − 1885 − 1980 − 1150 − 1100 = 2350
    for measure, amount in {
        "volume": 110_000, "interest income": 8440, "cross-sell income": 25, "expected loss": 1885,
        "officer hours": 23, "operating cost": 1150, "profit": 2350, "RAROC": 3450 / 11_000,
    }.items():  # fmt: skip
        assert value(compared, "tiered", "as lent", measure) == pytest.approx(amount), measure
    assert value(compared, "tiered − uniform", "equal volume", "profit") == pytest.approx(-10)
    assert value(compared, "tiered ÷ uniform", "equal volume", "officer hours") == pytest.approx(23 / 20)


def test_equal_expected_loss_by_hand(compared):
    # The uniform policy may lose no more than 1885, so it lends 1885/1970 of its book.
    share = 1885 / 1970
    assert value(compared, "uniform", "equal expected loss", "expected loss") == pytest.approx(1885)
    assert value(compared, "uniform", "equal expected loss", "volume") == pytest.approx(110_000 * share)
    assert value(compared, "tiered − uniform", "equal expected loss", "profit") == pytest.approx(
        2350 - 2360 * share
    )
    assert value(compared, "uniform", "equal expected loss", "RAROC") == pytest.approx(3460 / 11_000)


def test_untargeted_policy_by_hand(compared):
    # The same actions dealt at random: shares 0.2 premium, 0.3 low, 0.3 medium, 0.2 high.
    # Interest 8900 − 490·(1 − 0.2·0.1) = 8419.8; loss 1970·0.98 = 1930.6; cross-sell 0.2·110 000·0.0005 = 11; hours 23
    # Profit   8419.8 + 11 − 1930.6 − 1980 − 1150 − 1100 = 2270.2; targeting is worth 2350 − 2270.2 = 79.8
    assert value(compared, "untargeted", "as lent", "profit") == pytest.approx(2270.2)
    assert value(compared, "tiered − untargeted", "equal volume", "profit") == pytest.approx(79.8)


def test_equal_volume_is_equal_volume(compared):
    for other in ("uniform", "untargeted"):
        assert value(compared, f"tiered − {other}", "equal volume", "volume") == pytest.approx(0, abs=1e-6)


def by_loan(frame: pd.DataFrame, table: pd.DataFrame, economics: portfolio.Economics) -> dict[str, float]:
    """Recompute the tiered policy loan by loan, without the sums by tier."""
    found = dict.fromkeys(("volume", "profit", "expected loss", "officer hours"), 0.0)
    for loan in portfolio.valued(frame, economics).itertuples():
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
        capital = volume * loan.capital / loan.ead
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


@pytest.mark.parametrize("capital_rule", portfolio.CAPITAL_RULES)
def test_all_levers_agree_with_a_loan_by_loan_computation(capital_rule):
    economics = portfolio.economics(capital_rule=capital_rule)
    frame = portfolio.book(LOANS, LOANS["pd"], LOANS["tier"], economics)
    table = strategies()
    expected = by_loan(frame, table, economics)
    result = policy.compare(frame, table, economics, seed=3, draws=10)
    for measure, amount in expected.items():
        assert value(result, "tiered", "as lent", measure) == pytest.approx(amount), measure


def test_a_single_tier_of_everybody_is_untargeted():
    frame = ten().assign(tier="high")
    result = policy.compare(frame, strategies(), ECONOMICS, seed=1, draws=50, sampling=False)
    gain = result[result["policy"] == "tiered − untargeted"]
    assert np.allclose(gain[["estimate", "ci_low", "ci_high"]], 0, atol=1e-6)


def test_draws_have_the_mean_of_the_distribution():
    table = strategies()
    ends = table[["low", "high"]]
    least, most = ends.min(axis=1), ends.max(axis=1)
    pert = policy.draw_effects(table, 40_000, seed=5)
    triangular = policy.draw_effects(table, 40_000, seed=5, distribution="triangular")
    assert np.allclose(pert.mean(axis=0), (least + 4 * table["base"] + most) / 6, atol=0.002)
    assert np.allclose(triangular.mean(axis=0), (least + table["base"] + most) / 3, atol=0.003)
    for drawn in (pert, triangular):
        assert (drawn >= least.to_numpy() - 1e-12).all()
        assert (drawn <= most.to_numpy() + 1e-12).all()


def test_monte_carlo_mean_is_the_outcome_at_the_mean_effects(compared):
    # Each lever of the ten loans' table is pulled once per tier, so profit is linear in every independent effect.
    means = (STRATEGIES[["low", "high"]].sum(axis=1) + 4 * STRATEGIES["base"]) / 6
    at_mean = policy.compare(ten(), STRATEGIES.assign(base=means), ECONOMICS, seed=1, draws=1)
    profit = value(at_mean, "tiered", "as lent", "profit")
    assert value(compared, "tiered", "as lent", "profit", "mean") == pytest.approx(profit, abs=1.5)
    low, high = (value(compared, "tiered", "as lent", "profit", end) for end in ("ci_low", "ci_high"))
    assert low < profit < high


def invented(size: int, informative: bool) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(8)
    risk = rng.beta(1, 12, size)
    loans = pd.DataFrame({"loan_amount": rng.lognormal(9.5, 0.5, size), "interest_rate": 0.05 + risk})
    rank = pd.Series(risk if informative else rng.random(size)).rank(pct=True)
    tiers = pd.Series(np.select([rank > 0.9, rank > 0.6, rank < 0.1], ["high", "medium", "premium"], "low"))
    return portfolio.book(loans, pd.Series(risk), tiers, portfolio.economics()), tiers


def test_sampling_error_agrees_with_resampling_the_customers():
    frame = invented(800, informative=True)[0].drop(
        columns=["ead_from", "rate_from", "lgd_from", "churn_from"]
    )
    fixed = strategies().assign(low=lambda t: t["base"], high=lambda t: t["base"])
    drawn = policy.compare(
        invented(800, informative=True)[0], fixed, portfolio.economics(), seed=2, draws=4000
    )
    rng, money, pulled = np.random.default_rng(5), portfolio.economics(), policy.levers(fixed)
    again: dict[str, list[float]] = {"tiered": [], "tiered − untargeted": []}
    for _ in range(250):
        other = frame.iloc[rng.integers(0, len(frame), len(frame))].reset_index(drop=True)
        made = policy.policies(tier_sums.sums(other, money), pulled, money)
        tiered, untargeted = (made[name]["profit"].sum() for name in ("tiered", "untargeted"))
        again["tiered"].append(tiered)
        again["tiered − untargeted"].append(tiered - untargeted)
    for name, found in again.items():
        low, high = (value(drawn, name, "as lent", "profit", end) for end in ("ci_low", "ci_high"))
        assert (high - low) / (2 * 1.96) == pytest.approx(np.std(found), rel=0.15), name


def test_tiers_that_know_nothing_gain_nothing_beyond_chance():
    for informative, expected in ((False, False), (True, True)):
        frame, _ = invented(3000, informative)
        rows = policy.compare(frame, strategies(), portfolio.economics(), seed=4, draws=2000)
        low, high = (
            value(rows, "tiered − untargeted", "equal volume", "expected loss", end)
            for end in ("ci_low", "ci_high")
        )
        assert (high < 0) == expected
        assert (low < 0 < high) == (not expected)


def test_same_seed_same_numbers_and_models_share_their_draws(compared):
    again = policy.compare(ten(), STRATEGIES, ECONOMICS, seed=1, draws=4000, sampling=False)
    pd.testing.assert_frame_equal(again, compared)
    both = policy.compare_models({"one": ten(), "other": ten()}, STRATEGIES, ECONOMICS, seed=1, draws=100)
    one, other = (
        both[both["model"] == name].drop(columns="model").reset_index(drop=True) for name in ("one", "other")
    )
    pd.testing.assert_frame_equal(one, other)


def test_assumptions_are_told_from_data(compared):
    rows = compared.set_index(["policy", "basis", "measure"])
    assert (
        rows.loc[("uniform", "as lent", "expected loss"), "assumes"]
        == "lgd_unsecured, lgd_secured, churn_rate"
    )
    assert rows.loc[("tiered", "as lent", "profit"), "assumes"].startswith("effects of the actions")
    measured = policy.compare(ten().assign(churn=0.0), STRATEGIES, ECONOMICS, seed=1, draws=5)
    volume = measured.set_index(["policy", "basis", "measure"]).loc[("uniform", "as lent", "volume")]
    assert (volume["depends_on"], volume["assumes"]) == ("data", "")
    listed = portfolio.inputs(ten(), ECONOMICS).set_index("input")
    assert listed.loc["rate", "depends_on"] == "data"
    assert listed.loc["officer_hour", "depends_on"] == "assumption"
    assert listed.loc["officer_hour", "rule"] == "set by the study instead of 60 (assumption, no source)"
    assert "credit_conversion" not in listed.index  # not used: the amount lent is known
    assert set(listed.loc["cover", "depends_on"]) == {"assumption", "data and assumption"}


def test_without_a_rate_income_is_not_testable():
    frame = portfolio.book(LOANS.drop(columns="interest_rate"), LOANS["pd"], LOANS["tier"], ECONOMICS)
    rows = policy.compare(frame, STRATEGIES, ECONOMICS, seed=1, draws=20).set_index(
        ["policy", "basis", "measure"]
    )
    assert np.isnan(rows.loc[("tiered", "as lent", "profit"), "estimate"])
    assert rows.loc[("tiered", "as lent", "profit"), "note"].startswith("not testable here")
    assert rows.loc[("tiered", "as lent", "expected loss"), "estimate"] == pytest.approx(1885)
    assumed = portfolio.book(
        LOANS.drop(columns="interest_rate"), LOANS["pd"], LOANS["tier"], ECONOMICS, rate=0.1
    )
    assert (assumed["rate_from"] == "assumption: one rate for all").all()


def test_capital_agrees_with_the_published_risk_weights():
    # Basel Committee (2006), Annex 5, other retail exposures: risk weight in % = 12.5·K.
    published = {
        (0.0003, 0.45): 4.45, (0.0010, 0.45): 11.16, (0.0050, 0.45): 32.36, (0.0100, 0.45): 45.77,
        (0.0200, 0.45): 57.99, (0.0250, 0.45): 60.90, (0.0100, 0.85): 86.46, (0.0200, 0.85): 109.53,
    }  # fmt: skip
    for (probability, lgd), weight in published.items():
        capital = portfolio.ratings_capital(np.array([probability]), np.array([lgd]))[0]
        assert 1250 * capital == pytest.approx(weight, abs=0.005)


def test_lgd_follows_the_cover():
    economics = portfolio.economics()
    # Basel Committee (2006), paragraph 295, other collateral: 45 % unsecured, 40 % once covered 1.4 times,
    # unsecured below a cover of 0.3, in proportion between.
    lgd = portfolio.loss_given_default(np.array([np.nan, 0.29, 0.30, 0.70, 1.40, 3.0]), economics)
    assert lgd == pytest.approx([0.45, 0.45, 0.45 - 0.05 * 0.3 / 1.4, 0.425, 0.40, 0.40])


def test_by_tier_adds_up_to_the_whole(compared):
    parts = sensitivity.by_tier(ten(), STRATEGIES, ECONOMICS, seed=1, draws=200, sampling=False)
    gain = parts[(parts["policy"] == "tiered − uniform") & (parts["measure"] == "profit")]
    assert gain["estimate"].sum() == pytest.approx(-10)
    for name in ("tiered", "uniform"):
        profit = parts[(parts["policy"] == name) & (parts["measure"] == "profit")]
        assert list(profit["tier"]) == list(TIERS)
        assert profit["n"].sum() == 10
        basis = "as lent" if name == "tiered" else "equal volume"
        assert profit["estimate"].sum() == pytest.approx(value(compared, name, basis, "profit"))


def test_tornado_by_hand():
    # Monitoring alone moves profit by 1150·e (300 interest + 850 loss), cross-sell by 500·e, the simple process by
    # −300·e: from low to high 1150·0.2 = 230, 500·0.1 = 50, 300·0.4 = 120.
    rows = sensitivity.tornado(ten(), STRATEGIES, ECONOMICS).set_index("assumption")
    assert rows.loc["M pd", "swing"] == pytest.approx(230)
    assert rows.loc["X cross_sell", "swing"] == pytest.approx(50)
    assert rows.loc["S hours", "swing"] == pytest.approx(120)
    assert (rows["at_base"] == rows["at_base"].iloc[0]).all()
    assert rows["at_base"].iloc[0] == pytest.approx(-10)
    assert rows["swing"].is_monotonic_decreasing
    assert rows.loc["cost_of_capital", "swing"] == 0


def test_assumptions_are_labelled_in_words_with_their_unit():
    rows = sensitivity.tornado(ten(), STRATEGIES, ECONOMICS).set_index("assumption")
    assert rows.loc["officer_hour", "label"] == "Cost of an officer hour (currency per hour)"
    assert portfolio.assumptions()["label"].notna().all()
    told = portfolio.in_money(rows, "US dollar", "unit", "label")
    assert told.loc["officer_hour", "label"] == "Cost of an officer hour (US dollar per hour)"
    assert told.loc["officer_hour", "unit"] == "US dollar per hour"
    assert portfolio.money("not stated by the publisher") == "currency"


def test_measured_churn_is_no_yearly_share():
    listed = portfolio.inputs(ten().assign(churn=0.5, churn_from="data: churn of the tier"), ECONOMICS)
    assert listed.set_index("input").loc["churn", "unit"] == "share within the window of the outcome"
    assumed = portfolio.inputs(ten().assign(churn=np.nan, churn_from="assumption: one churn rate"), ECONOMICS)
    assert assumed.set_index("input").loc["churn", "unit"] == "share per year"


def test_truth_shows_what_believing_the_model_costs():
    frame = ten()
    # In truth the loans called high are as safe as the premium ones, and a and b default with 20 %.
    true_pd = LOANS["pd"].copy()
    true_pd[["i", "j"]], true_pd[["a", "b"]] = 0.01, 0.20
    true_tiers = LOANS["tier"].copy()
    true_tiers[["i", "j"]], true_tiers[["a", "b"]] = "premium", "high"
    row = sensitivity.profit_by_truth({"m": frame}, true_pd, true_tiers, STRATEGIES, ECONOMICS).iloc[0]
    # Under the truth monitoring saves 0.1·0.01·(2·750 + 2500 + 1750) = 5.75 instead of 115.
    assert row["promised"] == pytest.approx(-10)
    assert row["kept"] == pytest.approx(-10 - 115 + 5.75)
    assert row["shortfall"] == pytest.approx(115 - 5.75)
    # Best: monitor a and b, 0.1·0.2·50 000·(0.06 + 0.5) = 560 for 300; cross-sell to i and j, 0.0005·10 000 = 5;
    # the simple process saves 150.
    assert row["best"] == pytest.approx(560 - 300 + 5 + 150)
    assert row["regret"] == pytest.approx(row["best"] - row["kept"])


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
        portfolio.book(loans, loans["pd"], loans["tier"], ECONOMICS)


def test_profile_by_hand_and_in_words():
    default = pd.Series({"a": 1.0, "b": 0.0, "c": np.nan, "d": 1.0, "e": 0.0})
    table = portfolio.profile(ten(), default)
    assert table.loc["premium", "mean exposure"] == 25_000
    assert table.loc["low", "default rate"] == 0.5
    assert np.isnan(table.loc["high", "default rate"])
    words = portfolio.profile_in_words(table)
    assert words["premium"] == "2 customers; mean loan 25,000; mean rate 6.0%; outcome rate 50.0%"
    assert words["high"] == "2 customers; mean loan 5,000; mean rate 15.0%"


def test_only_customers_who_can_be_priced_are_usable():
    loans = LOANS.copy()
    loans.loc["c", "loan_amount"], loans.loc["d", "interest_rate"] = np.nan, np.nan
    assert list(portfolio.usable(loans)) == [name for name in LOANS.index if name not in {"c", "d"}]
    assert len(portfolio.usable(LOANS[["tier"]])) == 10


def test_a_limit_stands_in_for_a_loan_amount():
    cards = LOANS.rename(columns={"loan_amount": "credit_limit"})
    frame = portfolio.book(cards, cards["pd"], cards["tier"], ECONOMICS)
    assert frame.loc["a", "ead"] == 15_000
    assert frame["ead_from"].str.startswith("assumption").all()
    with pytest.raises(UserError, match="needs loan_amount or credit_limit"):
        portfolio.book(LOANS.drop(columns="loan_amount"), LOANS["pd"], LOANS["tier"], ECONOMICS)


def test_costs_of_a_study_change_the_assumptions():
    economics = portfolio.economics({"officer_hour": 10, "emp_roi": 0.26})
    assert economics.officer_hour == 10
    assert economics.lgd_unsecured == 0.45
    with pytest.raises(UserError, match="unknown cost 'oficer_hour'; did you mean 'officer_hour'"):
        portfolio.economics({"oficer_hour": 10})
    with pytest.raises(UserError, match="cost 'officer_hour': found -1"):
        portfolio.economics({"officer_hour": -1})
    with pytest.raises(UserError, match="capital rule 'ratings'"):
        portfolio.economics(capital_rule="ratings")


def test_unknown_distribution_and_measure_are_named():
    with pytest.raises(UserError, match="distribution 'normal'"):
        policy.draw_effects(STRATEGIES, 5, 1, "normal")
    with pytest.raises(UserError, match="measure 'profits'; did you mean 'profit'"):
        sensitivity.tornado(ten(), STRATEGIES, ECONOMICS, measure="profits")


def test_intervals_are_quantiles_of_the_draws_and_units_are_told():
    found = policy.compare(ten(), STRATEGIES, ECONOMICS, seed=1, draws=300, sampling=False, level=0.8)
    effects = policy.levers(STRATEGIES, policy.draw_effects(STRATEGIES, 300, 1))
    book = tier_sums.sums(ten(), ECONOMICS)
    drawn = policy.totals(policy.outcome(book, effects, ECONOMICS))
    for measure in ("profit", "expected loss", "officer hours"):
        ends = [value(found, "tiered", "as lent", measure, column) for column in ("ci_low", "ci_high")]
        assert ends == pytest.approx(np.quantile(drawn[measure], [0.1, 0.9]).tolist()), measure
    units = found.set_index(["policy", "measure"])["unit"]
    assert set(units.xs("tiered ÷ uniform")) == {"ratio"}
    assert set(units.loc[[("tiered", "profit")]]) == {"currency per year"}
    assert set(units.loc[[("tiered − uniform", "volume")]]) == {"currency"}
    models = policy.compare_models({"x": ten(), "y": ten()}, STRATEGIES, ECONOMICS, seed=1, draws=20)
    assert list(models.columns)[:4] == ["model", "policy", "basis", "measure"]
    assert models.groupby("model").size().tolist() == [len(models) / 2] * 2
