"""The simulated bank: every construct, the accounts add up, and the parameters can be found again in the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from recovery import recovery
from research.collect import constructs
from research.collect.simulate import Simulation, simulate, snapshot
from research.collect.simulate.assumptions import assumptions, markdown
from research.collect.simulate.loans import annuity
from research.collect.simulate.risk import Chances, outcome_probabilities
from research.errors import UserError
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS, DOCS

BIG = 35_000


@pytest.fixture(scope="module")
def bank() -> Simulation:
    return simulate(20_000, seed=11)


@pytest.fixture(scope="module")
def big() -> Simulation:
    return simulate(BIG, seed=5)


def test_every_construct_is_measured_and_valid(bank):
    known = constructs.constructs()
    wanted = set(known.index) - {"customer_id"}
    assert set(bank.customers.columns) == wanted
    constructs.validate(bank.customers, "simulated")
    assert bank.customers.index.name == "customer_id"
    assert bank.customers.index.is_unique
    varies = bank.customers.nunique()
    assert varies.min() >= 2, varies[varies < 2]


def test_missing_only_where_a_construct_does_not_apply(bank):
    customers = bank.customers
    missing = customers.isna()
    firm = customers["borrower_type"] != "individual"
    for construct in ("age", "sex", "marital_status", "dependants"):
        assert (missing[construct] == firm).all()
    assert (missing["firm_size"] == ~firm).all()
    unsecured = customers["guarantee_type"].isin(["none", "guarantor"])
    assert (missing["collateral_value"] == unsecured).all()
    may = {"age", "sex", "marital_status", "dependants", "firm_size", "collateral_value", "loan_to_value"}
    may |= {"months_since_delinquency", "months_since_serious_delinquency"}
    assert set(missing.columns[missing.any()]) == may


def test_marginals_are_sane(bank):
    customers = bank.customers
    assert 0.03 < customers["default"].mean() < 0.08
    assert 0.08 < customers["churned"].mean() < 0.20
    assert not ((customers["default"] == 1) & (customers["churned"] == 1)).any()
    assert customers["debt_to_income"].median() == pytest.approx(0.27, abs=0.05)
    spread = np.round(customers["interest_rate"] - customers["benchmark_rate"], 4)
    assert min((spread == 0).mean(), (spread > 0).mean(), (spread < 0).mean()) > 0.01
    assert set(customers["customer_type"].unique()) == {
        "state-owned", "private", "foreign-funded", "individual", "other",
    }  # fmt: skip
    loans = customers.loc[customers["guarantee_type"] == "mortgage"]
    np.testing.assert_allclose(
        loans["loan_to_value"], loans["loan_amount"] / loans["collateral_value"], atol=1e-4
    )


def test_the_same_seed_gives_the_same_bank_with_and_without_the_panel():
    full, slim = simulate(3_000, seed=12), simulate(3_000, seed=12, panel=False)
    pd.testing.assert_frame_equal(slim.customers, full.customers)
    pd.testing.assert_frame_equal(slim.truth, full.truth)
    pd.testing.assert_frame_equal(simulate(3_000, seed=12).panel, full.panel)
    assert slim.panel is None
    assert slim.distress is None
    assert not simulate(3_000, seed=13, panel=False).customers["income"].equals(full.customers["income"])


def test_the_panel_is_one_row_a_month_until_default_or_leaving(bank):
    panel = bank.panel
    assert list(panel["customer_id"].cat.categories) == list(bank.customers.index)
    assert not panel.duplicated(["customer_id", "period"]).any()
    assert panel["period"].is_monotonic_increasing
    codes = panel["customer_id"].cat.codes.to_numpy()
    np.testing.assert_array_equal(
        panel["period"] - panel["months_on_book"], bank.truth["origin"].to_numpy()[codes]
    )
    ended = (panel["churned"] == 1) | (panel["defaulted"] == 1)
    last = ~panel[::-1].duplicated("customer_id")[::-1]
    assert (ended <= last).all()
    assert (panel.loc[last & ~ended, "period"] == 35).all()
    assert not ((panel["churned"] == 1) & (panel["defaulted"] == 1)).any()


def test_every_months_account_adds_up(bank):
    """B(t) = B(t−1)(1 + r/12) − payment + drawn, in yuan; single precision in the panel."""
    panel = bank.panel.sort_values(["customer_id", "period"], kind="stable")
    codes = panel["customer_id"].cat.codes.to_numpy()
    rate = bank.customers["interest_rate"].to_numpy()[codes] / 12
    same = np.r_[False, codes[1:] == codes[:-1]]
    balance = panel["balance"].to_numpy().astype(float)
    before = np.r_[0.0, balance[:-1]]
    expected = before * (1 + rate) - panel["payment"].to_numpy() + panel["drawn"].to_numpy()
    gap = np.abs(balance - expected)[same] / np.maximum(before[same], 100)
    assert gap.max() < 1e-4
    first = ~same
    np.testing.assert_allclose(
        balance[first], bank.customers["loan_amount"].to_numpy()[codes[first]], rtol=1e-6
    )


def test_arrears_are_the_instalments_that_were_not_paid(bank):
    """Before maturity: months past due = instalments due − instalments paid."""
    panel = bank.panel[bank.panel["months_on_book"] < 12]
    panel = panel[panel["churned"] == 0]
    codes = panel["customer_id"].cat.codes.to_numpy()
    instalment = bank.customers["instalment"].to_numpy()[codes]
    owed = (panel["months_on_book"] > 0).astype(float) - panel["payment"] / instalment
    arrears = owed.groupby(panel["customer_id"], observed=True).cumsum()
    np.testing.assert_allclose(arrears, panel["status"], atol=1e-3)
    assert (panel["days_past_due"] == 30 * panel["status"]).all()
    assert ((panel["status"] == 3) == (panel["defaulted"] == 1)).all()


def test_a_customer_never_skips_a_bucket(bank):
    panel = bank.panel.sort_values(["customer_id", "period"], kind="stable")
    step = panel.groupby("customer_id", observed=True)["status"].diff().dropna()
    assert step.max() == 1
    moves = pd.crosstab(panel["status"].shift(), panel["status"])
    assert moves.loc[2.0, 1] <= (panel["customer_id"] != panel["customer_id"].shift()).sum()


def test_snapshot_outcomes_of_customers_follow_the_panel(bank):
    panel, customers = bank.panel, bank.customers
    inside = panel[panel["months_on_book"].between(1, 12)]
    default = inside.groupby("customer_id", observed=False)["defaulted"].max()
    np.testing.assert_array_equal(default.to_numpy(), customers["default"].to_numpy())
    loss = inside.groupby("customer_id", observed=False)["loss"].sum()
    np.testing.assert_allclose(loss, customers["loss_amount"], rtol=1e-5, atol=0.01)
    paid = inside.groupby("customer_id", observed=False)["payment"].sum()
    np.testing.assert_allclose(paid, customers["paid_total"], rtol=1e-4)
    assert (customers["loan_status"] == "default").sum() == default.sum()


def test_the_parameters_are_recovered(big):
    """A logit of the onset of distress finds the intercept and every weight of the index within three errors."""
    found = recovery(big).set_index("parameter")
    assert set(found.index) == {"intercept", "shock", "frailty", *assumptions()["risk"]["index"]}
    assert found["z"].abs().max() < 3, found
    assert found["inside"].mean() > 0.75
    assert found["inside"].equals(found["true"].between(found["ci_low"], found["ci_high"]).rename("inside"))
    width = found.loc["shock", "ci_high"] - found.loc["shock", "ci_low"]
    assert width / (2 * 1.96) < 0.1 * found.loc["shock", "true"]


def test_the_roll_rates_are_recovered(big):
    given = assumptions()["risk"]
    panel = big.panel
    order = np.lexsort((panel["period"], panel["customer_id"].cat.codes))
    status = panel["status"].to_numpy()[order]
    codes = panel["customer_id"].cat.codes.to_numpy()[order]
    distress = big.distress[order]
    same = codes[1:] == codes[:-1]
    for hidden, name in ((False, "calm"), (True, "distress")):
        for bucket in (0, 1, 2):
            rows = same & (distress[1:] == hidden) & (status[:-1] == bucket)
            n, p = rows.sum(), given["worsen"][name][bucket]
            rate = (status[1:] > status[:-1])[rows].mean()
            assert abs(rate - p) < 4 * np.sqrt(p * (1 - p) / n), (name, bucket)


def test_the_true_pd_is_the_probability_of_default(big):
    """Defaults regressed on the log-odds of the exact PD: intercept 0, slope 1; by decile within four errors."""
    p = big.truth["true_pd_realised"].to_numpy()
    y = big.customers["default"].to_numpy()
    fit = sm.GLM(y, sm.add_constant(np.log(p / (1 - p))), family=sm.families.Binomial()).fit()
    z = (fit.params - [0.0, 1.0]) / fit.bse
    assert np.abs(z).max() < 3
    decile = pd.qcut(p, 10, labels=False)
    seen = pd.DataFrame({"decile": decile, "y": y, "p": p, "v": p * (1 - p)}).groupby("decile")
    error = (seen["y"].sum() - seen["p"].sum()) / np.sqrt(seen["v"].sum())
    assert error.abs().max() < 4
    fifth = pd.Series(y).groupby(decile // 2).mean()
    assert fifth.is_monotonic_increasing
    left = big.customers["churned"].mean() - big.truth["true_churn_realised"].mean()
    assert abs(left) < 4 * np.sqrt(0.14 * 0.86 / BIG)


def test_the_exact_pd_by_hand():
    """One customer who is always in distress, three months: 0.2 · 0.5 · 0.5; four months add one month of waiting."""
    given = Chances(
        onset=np.array([50.0]), sensitivity=np.ones(1), recovery=0.0,
        worsen=np.array([[0, 0, 0], [0.2, 0.5, 0.5]]), cure=np.zeros((2, 3)),
        complaint=np.array([-50.0]), complaint_distress=0.0, complaint_arrears=0.0,
        churn=np.array([-50.0]), churn_complaint=0.0, renewal=1.0, term=np.array([60.0]),
    )  # fmt: skip
    calm = np.zeros((4, 1))
    assert outcome_probabilities(given, calm, 3)[0][0] == pytest.approx(0.05, abs=1e-12)
    assert outcome_probabilities(given, calm, 4)[0][0] == pytest.approx(
        0.05 * (1 + 0.8 + 0.5 + 0.5), abs=1e-12
    )


def test_the_shock_is_visible_and_can_be_left_out():
    shocked = simulate(40_000, seed=2)
    quiet = simulate(40_000, seed=2, shock=0)
    assert shocked.shock_period == 18
    assert quiet.stress.max() == 0

    def rate(bank: Simulation, first: int, last: int) -> float:
        rows = bank.panel[bank.panel["period"].between(first, last)]
        return rows["defaulted"].mean()

    assert rate(shocked, 21, 28) > 1.5 * rate(shocked, 10, 17)
    assert rate(quiet, 21, 28) == pytest.approx(rate(quiet, 10, 17), rel=0.25)
    early = shocked.customers["loan_date"] < "2024-07-01"
    use = shocked.customers["credit_utilisation"]
    assert use[~early].mean() - use[early].mean() > 0.05


def test_true_value_is_what_a_customer_who_stays_and_pays_brings_in(big):
    """Realised income of undisturbed customers against the formula: ratio of totals within two per cent."""
    quiet = simulate(30_000, seed=8, shock=0)
    panel = quiet.panel[quiet.panel["months_on_book"].between(1, 12)]
    gone = quiet.customers["default"] + quiet.customers["churned"]
    troubled = (quiet.truth["first_distress"] >= 0) | (gone > 0)
    revenue = panel.groupby("customer_id", observed=False)["revenue"].sum()
    keep = ~troubled & (quiet.truth["true_value"] < 50_000)
    ratio = revenue[keep.to_numpy()].sum() / quiet.truth.loc[keep, "true_value"].sum()
    assert ratio == pytest.approx(1, abs=0.02)


def test_annuity_by_hand():
    """1,000 at 12 % a year over two months: 1000 · 0.01 / (1 − 1.01⁻²) = 507.51."""
    assert annuity(np.array([1000.0]), np.array([0.12]), np.array([2.0]))[0] == pytest.approx(
        507.5124, abs=1e-4
    )


def test_snapshots_are_customer_tables_of_the_month(bank):
    for period in (0, 14, 35):
        now = snapshot(bank, period)
        constructs.validate(now, f"period {period}")
        assert list(now.columns) == list(bank.customers.columns)
    now = snapshot(bank, 14)
    panel = bank.panel
    month = panel[(panel["period"] == 14) & (panel["churned"] + panel["defaulted"] == 0)].set_index(
        "customer_id"
    )
    assert list(now.index) == list(month.index)
    np.testing.assert_allclose(now["deposit_balance"], month["deposit_balance"], rtol=1e-6)
    np.testing.assert_array_equal(now["days_past_due"], month["days_past_due"])
    ahead = panel[panel["period"].between(15, 26)].groupby("customer_id", observed=False)["defaulted"].sum()
    np.testing.assert_array_equal(now["default"], ahead[now.index])
    assert snapshot(bank, 24)["default"].isna().all()
    assert snapshot(bank, 23)["default"].notna().all()


def test_a_snapshot_at_the_start_is_the_application(bank):
    start = snapshot(bank, 0)
    known = ["credit_score", "complaints", "frequency_count", "past_delinquencies", "repayment_delay"]
    applied = bank.customers.loc[start.index, known]
    for construct in ("credit_score", "complaints", "past_delinquencies", "repayment_delay"):
        np.testing.assert_allclose(start[construct], applied[construct])


def test_every_parameter_has_a_unit_a_basis_and_a_reason():
    sections = own_yaml(DEFINITIONS / "simulation.yml").values()
    parameters = [entry for block in sections for entry in block.values()]
    assert len(parameters) > 80
    assert {entry["basis"] for entry in parameters} <= {"definition", "source", "assumption"}
    assert all(str(entry[name]).strip() for entry in parameters for name in ("unit", "why"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0}, "n = 0"),
        ({"n": 10, "periods": 13}, "periods = 13"),
        ({"n": 10, "changes": {"risk.intercpt": -5}}, "risk.intercept"),
    ],
)
def test_mistakes_are_named(arguments, words):
    with pytest.raises(UserError, match=words):
        simulate(**arguments)


def test_snapshot_mistakes_are_named(bank):
    with pytest.raises(UserError, match="period = 36"):
        snapshot(bank, 36)
    with pytest.raises(UserError, match="panel=True"):
        snapshot(simulate(100, panel=False), 3)


def test_changes_of_parameters_reach_the_bank():
    risky = simulate(5_000, seed=1, panel=False, changes={"risk.intercept": -3.5})
    usual = simulate(5_000, seed=1, panel=False)
    assert risky.customers["default"].mean() > 2 * usual.customers["default"].mean()


def test_the_documentation_lists_the_parameters_as_they_are():
    """When it fails: replace the tables at the end of the page by the output of `assumptions.markdown()`."""
    page = (DOCS / "simulated-bank.md").read_text(encoding="utf-8")
    assert page.endswith(markdown())
