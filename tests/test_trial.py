"""The trial of an action: its size against published values and statsmodels, its list, its analysis, its departures."""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import replace

import docx
import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm
from openpyxl import load_workbook
from statsmodels.stats.power import NormalIndPower, TTestIndPower, normal_power_het

from research.commands.trial import allocate_trial, analyse_trial, plan_trial
from research.errors import UserError
from research.exhibits.words import Words
from research.trial import allocation, analysis, difference, documents, power, returned
from research.trial.design import curve, customers_needed, read_plan, sized, sizes, write_plan

DAY = datetime.date(2026, 1, 5)
MADE = {
    "trial": "t-T1a", "study": "t", "dataset": "book.csv", "model": "tree", "action": "T1a",
    "what": "Closer monitoring", "tier": "high", "claim": "H1b", "lever": "pd",
    "wrong_if": "they default as often", "question": "superiority",
    "unit": "officer", "design": "parallel", "waves": 0, "step_months": 0, "outcome": "default", "column": "outcome",
    "kind": "yes or no", "wished": "lower", "horizon_months": 12, "level": 0.2, "level_low": 0.18, "level_high": 0.22,
    "level_from": "the book", "smallest": 0.4, "smallest_from": "break-even", "difference": -0.08, "margin": 0.0,
    "spread": None, "counted": 1.0, "alpha": 0.05, "power": 0.8, "attrition": 0.1, "icc": (0.0, 0.01, 0.05),
    "icc_from": "given", "autocorrelation": 0.8, "cluster_size": 20.0, "cluster_cv": 0.3, "few_clusters": 40,
    "block": 4, "harm_p": 0.001, "book_has": 2000, "strata": [], "subgroups": [], "seed": 7, "registered": DAY,
    "protocol": {"protocol": "a", "claims": "b", "code": "c"},
}  # fmt: skip
WEDGE = {"design": "stepped wedge", "waves": 3, "step_months": 12, "unit": "branch"}


def plan(**changes):
    return sized({**MADE, **changes})


# --------------------------------------------------------------------------------------------------------------- power
def test_the_stepped_wedge_has_the_power_that_its_authors_software_tells():
    """README of the R package swCRTdesign (J. P. Hughes): 24 clusters in four waves, five periods of 120 people,
    5 % against 3.5 %, standard deviation of clusters 0.01: 0.7861896. The design is that of Hussey and Hughes 2007."""
    treated = power.treated_in(power.waves(24, 4), 5)
    mean = (0.05 + 0.035) / 2
    variance = power.wedge(treated, np.full(treated.shape, 120.0), 0.01**2, 0.0, mean * (1 - mean))[1]
    told = normal_power_het(0.015, 1, 0.05, variance**0.5, variance**0.5, "two-sided")
    assert told == pytest.approx(0.7861896, abs=5e-8)
    icc = 0.01**2 / (0.01**2 + mean * (1 - mean))
    setting = power.Setting(0.05, -0.015, 24 * 120, size=120, icc=icc, waves=4)
    assert power.power(setting) == pytest.approx(0.7861896, abs=0.002)  # one total variance instead of a sum


def test_the_wedge_has_the_variance_of_hussey_and_hughes_closed_form():
    treated, tau, sigma = power.treated_in(power.waves(10, 5), 6), 0.02, 0.25 / 30
    u, w, v = treated.sum(), (treated.sum(0) ** 2).sum(), (treated.sum(1) ** 2).sum()
    i, t = treated.shape
    closed = i * sigma * (sigma + t * tau) / ((i * u - w) * sigma + (u**2 + i * t * u - t * w - i * v) * tau)
    assert power.wedge(treated, np.full((10, 6), 30.0), tau, 0.0, 0.25)[1] == pytest.approx(closed)


def test_the_wedge_is_generalised_least_squares():
    """Unequal sizes, autocorrelation below one: `statsmodels.GLS` with the covariance written out."""
    rng = np.random.default_rng(3)
    treated, sizes_ = power.treated_in(power.waves(6, 3), 4), rng.integers(5, 40, (6, 4)).astype(float)
    means = rng.normal(size=(6, 4))
    weights, variance, added = power.wedge(treated, sizes_, 0.3, 0.1, 0.9)
    design = np.column_stack([np.tile(np.eye(4), (6, 1)), treated.ravel()])
    block = np.kron(np.eye(6), np.full((4, 4), 0.3)) + np.diag(0.1 + 0.9 / sizes_.ravel())
    fitted = sm.GLS(means.ravel(), design, sigma=block).fit()
    assert (weights * means).sum() == pytest.approx(fitted.params[-1])
    assert variance == pytest.approx(fitted.normalized_cov_params[-1, -1])
    assert added(means).sum() == pytest.approx(0, abs=1e-12)


def test_one_by_one_power_is_that_of_statsmodels():
    setting = power.Setting(0.031, -0.0062, 5000)
    deviation = sum(setting.variances) ** 0.5
    assert power.power(setting) == pytest.approx(
        normal_power_het(0.0062, 5000, 0.05, deviation, deviation, "two-sided")
    )
    amounts = power.Setting(10, 1.0, 200, spread=4.0)
    assert power.power(amounts) == pytest.approx(NormalIndPower().power(0.25, 200, 0.05))


def test_power_of_clusters_is_students_t_on_clusters():
    """With one level of everything within a cluster, clusters are the observations: `TTestIndPower`."""
    setting = power.Setting(0, 1.0, 12 * 20, spread=2.0, size=20, icc=1.0)
    assert power.power(setting) == pytest.approx(TTestIndPower().power(0.5, 12, 0.05))


@pytest.mark.parametrize("wanted", [0.8, 0.9])
@pytest.mark.parametrize(
    "setting",
    [
        power.Setting(0.031, -0.0062, 1),
        power.Setting(0.2, -0.08, 1, size=20, cv=0.4, icc=0.02),
        power.Setting(0.2, -0.08, 1, size=20, icc=0.02, waves=4, autocorrelation=0.8),
        power.Setting(0.05, 0.0, 1, margin=0.02),
    ],
)
def test_the_size_is_the_least_that_reaches_the_power(setting, wanted):
    found = power.needed(setting, wanted)
    unit = max(setting.size, 1) * max(setting.waves, 1)
    assert power.power(replace(setting, per_arm=found)) >= wanted
    assert power.power(replace(setting, per_arm=found - unit)) < wanted
    shown = power.detectable(replace(setting, per_arm=found), wanted)
    assert abs(shown) <= abs(setting.difference or setting.margin)


def test_a_fifth_fewer_of_three_per_cent_takes_eleven_thousand_an_arm():
    """Protocol, section 5."""
    assert power.needed(power.Setting(0.031, -0.0062, 1), 0.8) == 11072


def test_many_clusters_make_formula_and_simulation_agree_and_few_do_not():
    for setting in (
        power.Setting(0.08, -0.03, 60 * 30, size=30, cv=0.3, icc=0.02),
        power.Setting(0.08, -0.02, 60 * 30, size=30, icc=0.02, waves=4, autocorrelation=0.8),
        power.Setting(0.05, 0.0, 120 * 30, size=30, icc=0.01, margin=0.02),
        power.Setting(0.08, -0.03, 900),
    ):
        found, error = power.simulate(setting, seed=5, few=40)
        assert abs(found - power.power(setting)) < 3.3 * error
    few = power.Setting(0.08, -0.05, 5 * 30, size=30, icc=0.001)
    found, error = power.simulate(few, seed=5, few=40)
    assert abs(found - power.power(few)) > 4 * error


@pytest.mark.parametrize(
    ("few", "clusters", "waves"),
    [(40, 10, 0), (40, 24, 0), (40, 12, 3), (2, 10, 0), (2, 12, 3), (2, 80, 0), (2, 60, 3)],
)
def test_an_error_of_the_first_kind_is_made_in_five_per_cent(few, clusters, waves):
    """By allocation whatever the number of clusters; by robust errors only where clusters are many."""
    setting = power.Setting(
        0.1,
        -0.03,
        clusters * 20 / (1 if waves else 2),
        size=20,
        cv=0.5,
        icc=0.03,
        waves=waves,
        autocorrelation=0.8,
    )
    found, _ = power.simulate(setting, seed=11, trials=4000, few=few, difference=0.0)
    most = 0.05 + 3.5 * (0.05 * 0.95 / 4000) ** 0.5
    if few == 2 and clusters < 40 and not waves:
        assert found > 0.05
    else:
        assert found <= most


def test_non_inferiority_is_claimed_at_the_margin_in_at_most_two_and_a_half_per_cent():
    setting = power.Setting(0.05, 0.0, 2000, margin=0.02)
    found, _ = power.simulate(setting, seed=3, trials=8000, few=40, difference=0.02)
    assert found < 0.025 + 3.5 * (0.025 * 0.975 / 8000) ** 0.5


def test_the_correlation_is_that_of_pingouin_where_clusters_are_equal():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(150), 20)
    outcome = rng.binomial(1, rng.beta(5, 95, 150)[cluster]).astype(float)
    table = pd.DataFrame({"t": cluster, "r": np.tile(np.arange(20), 150), "y": outcome})
    told = pingouin.intraclass_corr(table, "t", "r", "y").set_index("Type").loc["ICC(1,1)"]
    low, value, high = power.intracluster(outcome, cluster)
    assert value == pytest.approx(told["ICC"])
    assert [low, high] == pytest.approx(np.maximum(told["CI95"], 0), abs=0.0051)  # told to two digits


# ---------------------------------------------------------------------------------------------------------------- plan
def test_a_plan_is_read_as_it_was_written_and_a_change_is_seen(tmp_path):
    path = write_plan(plan(), tmp_path / "plan.yml")
    assert read_plan(path) == (plan(), True)
    path.write_text(path.read_text().replace("horizon_months: 12", "horizon_months: 6"))
    assert read_plan(path)[1] is False
    path.write_text("trial: x\n")
    with pytest.raises(UserError, match=r"plan.yml: study: Field required"):
        read_plan(path)


def test_a_size_that_no_book_holds_is_told_with_what_would_be_feasible():
    small = plan(unit="customer", level=0.031, difference=-0.0062, smallest=0.2, book_has=1000)
    text = " ".join(map(str, documents.size_sentences(small)))
    assert text == (
        "24,606 customers are needed, more than the 1,000 that the tier has in the book: this trial cannot be done "
        "here alone. Several lenders, several years of new loans, or a larger effect would be needed. With all "
        "customers of the tier in the book, a difference of 2.50% could be found."
    )
    assert not small.feasible
    table = sizes(small)
    assert list(table["attrition"]) == [0.0, 0.1]
    assert (table["customers"].to_numpy() == [22_144, 24_606]).all()
    assert (table["power_in_book"] < 0.2).all()


def test_the_simulation_governs_where_clusters_are_few():
    found = curve(plan(cluster_size=100.0), trials=200)
    assert set(found.loc[found["clusters"] < 40, "governs"]) == {"simulation"}
    assert set(found.loc[found["clusters"] >= 40, "governs"]) <= {"formula"}


def test_a_size_of_few_clusters_is_one_that_simulated_trials_reach():
    registered = plan(cluster_size=100.0, difference=-0.15)
    setting = registered.setting(per_arm=customers_needed(registered, registered.icc[1], 0.0), attrition=0.0)
    formula = power.needed(setting, registered.power)
    assert setting.clusters < registered.few_clusters
    assert power.simulate(setting, seed=registered.seed, few=registered.few_clusters)[0] >= registered.power
    less = replace(setting, per_arm=setting.per_arm - setting.size)
    assert setting.per_arm == pytest.approx(formula) or (
        power.simulate(less, seed=registered.seed, few=registered.few_clusters)[0] < registered.power
    )


def test_an_effect_that_leaves_the_range_is_refused():
    with pytest.raises(UserError, match="expected a share from 0 to 1"):
        plan(difference=-0.3)


# ---------------------------------------------------------------------------------------------------------- allocation
def people(clusters=12, size=10, tier="high"):
    rows = [
        (f"{c:02d}-{n:02d}", f"=O{c}", f"B{c}", tier, "NS"[n % 2], "big" if c % 2 else "small")
        for c in range(clusters)
        for n in range(size)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "officer", "branch", "tier", "region", "kind"])


def listed(tmp_path, registered, table=None):
    path = tmp_path / "list.csv"
    (people() if table is None else table).to_csv(path, index=False)
    return allocation.listed(registered, path)


def test_the_draw_is_that_of_its_seed_whatever_the_order_of_the_list(tmp_path):
    registered = plan()
    one = allocation.allocate(registered, listed(tmp_path, registered), 1, DAY)
    other = allocation.allocate(registered, listed(tmp_path, registered, people()[::-1]), 1, DAY)
    again = allocation.allocate(registered, listed(tmp_path, registered), 2, DAY)
    arms = one.set_index("customer_id")["arm"]
    assert arms.to_dict() == other.set_index("customer_id")["arm"].to_dict()
    assert arms.to_dict() != again.set_index("customer_id")["arm"].to_dict()


@pytest.mark.parametrize("unit", ["customer", "officer"])
def test_blocks_hold_every_arm_as_often_within_strata(tmp_path, unit):
    registered = plan(unit=unit, strata=["kind"])
    drawn = allocation.allocate(registered, listed(tmp_path, registered), 1, DAY).drop_duplicates("unit")
    counts = drawn.groupby(["block", "arm"]).size().unstack(fill_value=0)
    whole = counts[counts.sum(axis=1) == 4]
    assert len(whole) >= len(counts) - 2
    assert (whole["control"] == whole["treatment"]).all()
    assert drawn.groupby("block")["kind"].nunique().max() == 1


def test_waves_begin_a_step_apart(tmp_path):
    registered = plan(**WEDGE)
    drawn = allocation.allocate(registered, listed(tmp_path, registered), 1, DAY)
    starts = drawn.groupby("arm")["start"].unique()
    assert {arm: list(days) for arm, days in starts.items()} == {
        "wave 1": ["2026-01-05"], "wave 2": ["2027-01-05"], "wave 3": ["2028-01-05"],
    }  # fmt: skip
    assert drawn.drop_duplicates("unit")["arm"].value_counts().tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(tier="low"), r"row 2, column tier: found 'low'; this trial is of the 'high' tier"),
        (lambda t: pd.concat([t, t[:1]]), r"list.csv, row 122: customer 00-00 is there twice"),
        (lambda t: t.drop(columns="officer"), r"no column 'officer'"),
        (lambda t: t.assign(officer=""), r"row 2, column officer: found nothing"),
        (lambda t: t[:30], r"3 units \(officer\), expected at least 4"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_fit_is_told_by_row(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        listed(tmp_path, plan(), change(people()))


# ------------------------------------------------------------------------------------------------------------ analysis
def outcomes(drawn, seed=1, effect=0.5, level=0.3, periods=0):
    rng, parts = np.random.default_rng(seed), []
    units = drawn["unit"].drop_duplicates()
    base = dict(zip(units, rng.beta(level * 30, (1 - level) * 30, len(units)), strict=True))
    for period in range(periods + 1):
        wave = drawn["arm"].str.extract(r"(\d)", expand=False)
        treated = (drawn["arm"] == "treatment") if not periods else wave.astype(int) <= period
        chance = drawn["unit"].map(base) * np.where(treated, 1 - effect, 1)
        parts.append(
            pd.DataFrame({"customer_id": drawn["customer_id"], "period": period, "outcome": rng.binomial(1, chance),
                          "observed": f"{2027 + period}-02-01"})
        )  # fmt: skip
    made = pd.concat(parts, ignore_index=True)
    return made if periods else made.drop(columns="period")


def joined(tmp_path, registered, drawn, table):
    path = tmp_path / "outcomes.csv"
    table.to_csv(path, index=False)
    return returned.read_outcomes(registered, path, drawn)


@pytest.fixture
def trial(tmp_path):
    """A plan with 50 officers and a subgroup, its allocation and its joined outcomes."""
    registered = plan(subgroups=["region"])
    drawn = allocation.allocate(registered, listed(tmp_path, registered, people(50, 12)), 1, DAY)
    return registered, drawn, joined(tmp_path, registered, drawn, outcomes(drawn))[0]


def test_the_difference_is_that_of_statsmodels_with_clusters_less_two(trial):
    registered, _, seen = trial
    found = analysis.analyse(registered, seen).effects.set_index("quantity")
    model = sm.OLS(seen["value"], sm.add_constant(seen["treated"])).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(seen["unit"])[0]}
    )
    from scipy.stats import t

    reach = t.ppf(0.975, 48) * model.bse["treated"]
    row = found.loc["difference"]
    assert row["estimate"] == pytest.approx(model.params["treated"])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(
        [row["estimate"] - reach, row["estimate"] + reach]
    )
    rates = seen.groupby("treated")["value"].mean()
    assert found.at["ratio", "estimate"] == pytest.approx(rates[1] / rates[0])
    assert found.at["difference, mixed model", "estimate"] == pytest.approx(row["estimate"], abs=0.01)
    sums, sizes_ = (seen.groupby("unit")["value"].agg(how).to_numpy(float) for how in ("sum", "size"))
    arm = seen.groupby("unit")["treated"].first().to_numpy()
    difference, error = power.robust(sums[None], sizes_[None], arm)
    assert [difference[0], error[0]] == pytest.approx([row["estimate"], model.bse["treated"]])


def test_few_clusters_are_judged_by_every_other_allocation(tmp_path):
    """Six officers, blocks of all: of the 20 allocations, those at least as far apart; counted by hand here."""
    from itertools import combinations

    registered = plan(block=6)
    drawn = allocation.allocate(registered, listed(tmp_path, registered, people(6, 10)), 1, DAY)
    seen = joined(tmp_path, registered, drawn, outcomes(drawn, effect=0.9, level=0.5))[0]
    found = difference.difference(registered, seen, draws=20_000)
    means = seen.groupby("unit")["value"].mean()
    all_ = [means[list(some)].mean() - means.drop(list(some)).mean() for some in combinations(means.index, 3)]
    exact = np.mean(np.abs(all_) >= abs(found["estimate"]) - 1e-9)
    assert found["p_value"] == pytest.approx(exact, abs=0.01)
    assert "other allocations" in found["method"]


def test_the_interval_by_allocation_covers_the_effect(tmp_path):
    """150 trials of twelve officers with a true difference: at most as often missed as 95 % allows."""
    registered = plan(kind="amount", spread=1.0, level=1.0, difference=-0.5)
    drawn = allocation.allocate(registered, listed(tmp_path, registered, people(12, 5)), 1, DAY)
    frame = drawn.assign(period=0, treated=(drawn["arm"] == "treatment").astype(int))
    rng, inside = np.random.default_rng(0), 0
    for _ in range(150):
        level = frame["unit"].map(dict(zip(frame["unit"].unique(), rng.normal(size=12), strict=True)))
        seen = frame.assign(value=level + rng.normal(size=60) - 0.5 * frame["treated"])
        found = difference.difference(registered, seen, draws=199)
        inside += found["ci_low"] <= -0.5 <= found["ci_high"]
    assert inside / 150 >= 0.95 - 3 * (0.05 * 0.95 / 150) ** 0.5


def test_missing_outcomes_are_bounded_and_counted(tmp_path):
    registered = plan()
    drawn = allocation.allocate(registered, listed(tmp_path, registered, people(50, 12)), 1, DAY)
    table = outcomes(drawn).astype({"outcome": object})
    gone = drawn["customer_id"][drawn["arm"] == "treatment"].iloc[:30]
    table.loc[table["customer_id"].isin(gone), "outcome"] = ""
    seen, told = joined(tmp_path, registered, drawn, table)
    found = analysis.analyse(registered, seen)
    bounds = found.effects.set_index("quantity").loc[analysis.BOUND]
    treated = seen[seen["treated"] == 1]
    assert bounds["ci_high"] - bounds["ci_low"] == pytest.approx(30 / len(treated))
    flow = found.flow.set_index("stage")
    assert flow.at["outcome not known", "treatment"] == 30
    assert flow.at["outcome known", "control"] + flow.at["outcome known", "treatment"] == 570
    assert told == []


def test_a_wedge_finds_the_effect_and_shows_it_by_time_treated(tmp_path):
    registered = plan(**WEDGE)
    drawn = allocation.allocate(registered, listed(tmp_path, registered, people(60, 20)), 1, DAY)
    seen, told = joined(tmp_path, registered, drawn, outcomes(drawn, periods=3))
    found = analysis.analyse(registered, seen)
    row = found.effects.set_index("quantity").loc["difference"]
    assert told == []
    assert row["ci_low"] < -0.15 < row["ci_high"] < 0
    assert row["clusters"] == 60
    assert list(found.exposure["periods_treated"]) == [1, 2, 3]
    assert (found.exposure["ci_high"] < 0).all()


@pytest.mark.parametrize(
    ("low", "high", "changes", "code"),
    [
        (-0.2, -0.09, {}, "pays"), (-0.2, -0.01, {}, "works"), (-0.2, 0.01, {}, "open"), (0.01, 0.1, {}, "harms"),
        (0.01, 0.2, {"difference": 0.1}, "works"), (-0.2, -0.01, {"difference": 0.1}, "harms"),
        (-0.1, 0.01, {"difference": 0.0, "margin": 0.02}, "no worse"),
        (0.0, 0.03, {"difference": 0.0, "margin": 0.02}, "open"),
        (0.021, 0.03, {"difference": 0.0, "margin": 0.02}, "worse"),
    ],
)  # fmt: skip
def test_the_result_is_read_off_the_interval(low, high, changes, code):
    assert analysis.result(plan(**changes), {"ci_low": low, "ci_high": high}) == code
    assert str(Words().said(documents.Said(documents.CONCLUSION[code]))).endswith(".")


DEPARTURES = {
    "arm": (lambda t, d: t.assign(arm=np.where(t.index < 2, "nobody", d["arm"])), r"arm: 2 customers have another"),
    "units": (lambda t, d: pd.concat([t, t[:1].assign(customer_id="X")]), r"units: 1 customers of outcomes.csv"),
    "date": (lambda t, d: t.assign(observed="2026-12-31"), r"date: 600 outcomes were observed before the"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEPARTURES)
def test_a_departure_is_named(tmp_path, trial, kind):
    registered, drawn, _ = trial
    change, message = DEPARTURES[kind]
    _, told = joined(tmp_path, registered, drawn, change(outcomes(drawn), drawn))
    assert len(told) == 1
    assert re.match(message, told[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(outcome=2), r"row 2, column outcome: found '2', expected 0 or 1 or nothing"),
        (lambda t: t.assign(observed="soon"), r"row 2, column observed: found 'soon', expected YYYY-MM-DD"),
        (lambda t: pd.concat([t, t[:1]]), r"row 602: \S+ is there twice"),
        (lambda t: t.drop(columns="outcome"), r"no column 'outcome'"),
    ],
)
def test_outcomes_that_cannot_be_read_are_told_by_cell(tmp_path, trial, change, message):
    registered, drawn, _ = trial
    with pytest.raises(UserError, match=message):
        joined(tmp_path, registered, drawn, change(outcomes(drawn)))


# ------------------------------------------------------------------------------------------------------------ commands
@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    study = folder / "s.yml"
    study.write_text(
        "name: s\ndataset: credit_data\ncompare_datasets: [credit_data]\nfolds: 2\nrepeats: 1\nmodels: [tree]\n"
        "references: []\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(folder / "cache"))
        plan_trial(str(study), folder / "plan", action="T1a", unit="officer", icc="0,0.01,0.02", smallest=0.4)
        yield folder
        for kind, words in {
            "T9": {"action": "T9"}, "wedge": {"action": "T1a", "unit": "branch", "waves": 3, "step_months": 6},
            "lever": {"action": "T1a", "lever": "churn"}, "icc": {"action": "T1a", "icc": "2"},
        }.items():  # fmt: skip
            with pytest.raises(UserError):
                plan_trial(str(study), folder / kind, **words)
            assert not (folder / kind).exists()


def test_from_plan_to_analysis(planned, capsys):
    """One action end to end, a second list only with a reason, a departure only when allowed and told first."""
    file = planned / "plan" / "plan.yml"
    registered, same = read_plan(file)
    assert same
    text = "\n".join(line.text for line in docx.Document(planned / "plan" / "plan.docx").paragraphs)
    assert registered.sha256 in text
    assert f"within {registered.horizon_months} months" in text
    people(44, 12).to_csv(planned / "list.csv", index=False)
    allocate_trial(file, planned / "list.csv", planned / "lists", start="2026-01-05")
    sealed = planned / "lists" / "sealed_list.csv"
    digest = hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert allocation.read_log(file)["sealed_sha256"].tolist() == [digest]
    books = sorted((planned / "lists").glob("*.xlsx"))
    assert len(books) == 44
    sheet = load_workbook(books[0]).active
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}  # officers are called =O0
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert len(rows) == 12
    assert len({row[1] for row in rows}) == 1
    with pytest.raises(UserError, match="--again REASON"):
        allocate_trial(file, planned / "list.csv", planned / "lists2")
    assert not (planned / "lists2").exists()

    drawn, _ = returned.sealed_list(sealed, digest)
    outcomes(drawn).to_csv(planned / "outcomes.csv", index=False)
    analyse_trial(file, planned / "outcomes.csv", planned / "found")
    found = pd.read_csv(planned / "found" / "effects.csv").set_index("quantity")
    assert found.at["difference", "clusters"] == 44
    assert "None." in [line.text for line in docx.Document(planned / "found" / "analysis.docx").paragraphs]

    outcomes(drawn).rename(columns={"outcome": "late"}).to_csv(planned / "other.csv", index=False)
    told = "outcome: registered 'outcome', given 'late'"
    with pytest.raises(UserError, match=told):
        analyse_trial(file, planned / "other.csv", planned / "found2", outcome="late")
    assert not (planned / "found2").exists()
    sealed.write_text(sealed.read_text(encoding="utf-8-sig").replace("treatment", "control", 12))
    capsys.readouterr()
    analyse_trial(file, planned / "other.csv", planned / "found2", outcome="late", departures=True)
    said = capsys.readouterr().err
    assert said.index("departure: list: sealed_list.csv is not as it was sealed") < said.index("found2")
    assert said.index(f"departure: {told}") < said.index("found2")
    allocate_trial(
        file, planned / "list.csv", planned / "lists2", again="the first named people who had left"
    )
    assert allocation.read_log(file)["reason"].tolist() == ["", "the first named people who had left"]
    with pytest.raises(UserError, match="holds the log of a trial"):
        plan_trial(str(planned / "s.yml"), planned / "plan", action="T1a", force=True)
