"""The study's table of contents, monitoring: what happens to the tiers after they were cut (P6 to P9, H5).

Every step takes a `source` with a monthly panel: `simulated`, or `taiwan` where its file is here. The model is fitted
once, at the start, and then only applied: its cut points stay frozen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.collect import constructs as canon
from research.collect import monthly, panel
from research.collect import worth as worths
from research.manage import drift, early_warning, migration, potential, rates, retiering, roll_rates, vintages
from research.manage.contacts import potential_premium
from research.parameters import Study
from research.segment.tiers import as_tiers
from research.steps import step
from research.study.panel import SIMULATED, frozen_model, monthly_tiers, months, size

ABSORBING = ("default", "churned")
SEASONS = (3, 6, 12)  # months on book at which the hazard of default changes most
YEAR = 12
GROWTH = ("cross_sell_potential", "need_intensity")  # signs that a low-risk customer may become premium


@step(monthly_tiers)
def moves(study: Study, source: str, name: str) -> pd.DataFrame:
    """Return every move between tiers from one month to the next, with the ends of the simulated loans."""
    return _moves(study, source, name, 1)


@step(moves)
def movement(study: Study, source: str, name: str) -> dict[str, Any]:
    """Return the migration of tiers: matrices of one month and of the longest common step, generator, mobility."""
    found = moves(study, source, name)
    absorbing = ABSORBING if source == SIMULATED else ()
    matrix = migration.probabilities(migration.counts(found))
    square = migration.square(matrix, absorbing)
    step_months = YEAR if source == SIMULATED else len(months(study, source)) - 1
    far = _moves(study, source, name, step_months)
    spells = migration.spells(_states(study, source, name), absorbing=absorbing)
    rate = migration.generator(spells, absorbing=absorbing)
    cohort, distance = migration.generator_of(square)
    live = migration.counts(found).loc[list(migration.TIERS), list(migration.TIERS)]
    return {
        "matrix": matrix,
        "far": migration.probabilities(migration.counts(far)),
        "far_months": step_months,
        "generator": rate,
        "generator_year": migration.after(rate, YEAR),
        "cohort_year": migration.after(cohort, YEAR),
        "cohort_distance": distance,
        "mobility": pd.concat([migration.mobility(square), migration.bandwidth(live)], ignore_index=True),
        "by_period": migration.by_period(found),
        "homogeneity": migration.homogeneity(found),
    }


@step(monthly_tiers)
def stability(study: Study, source: str, name: str) -> dict[str, pd.DataFrame]:
    """Return the drift of the score (whole book and, for `simulated`, new loans) and of the constructs."""
    dates = months(study, source)
    usual = dates.loc[dates["reference"], "period"].tolist()
    book = drift.over_time(monthly_tiers(study, source, name), "score", usual).assign(series="whole book")
    found = {"book": book}
    if source == SIMULATED:
        bank = monthly.bank(size(study, source))
        origin = bank.truth["origin"].to_numpy()
        score = frozen_model(study, source, name).risk_score(bank.customers)
        intake = pd.DataFrame({"period": origin, "score": score})
        found["intake"] = drift.over_time(intake, "score", usual).assign(series="new loans")
        before, after = bank.customers[np.isin(origin, usual)], bank.customers[origin >= bank.shock_period]
    else:
        before, after = (monthly.customers(source, int(dates["period"].iloc[end])) for end in (0, -1))
    labels = canon.constructs()["label"]
    table = drift.construct_stability(before, after, canon.predictors(before))
    found["constructs"] = table.assign(label=table["construct"].map(labels))
    return found


@step(monthly_tiers)
def tier_quality(study: Study, source: str, name: str) -> pd.DataFrame:
    """Return default, loss and churn rates by tier over the year after the loan, or Taiwan's October outcome."""
    if source != SIMULATED:
        last = monthly_tiers(study, source, name)
        last = last[last["period"] == last["period"].max()]
        return rates.event_rates(last.assign(tier=as_tiers(last["tier"])), "tier", "default")
    bank = monthly.bank(size(study, source))
    table = bank.customers[["default", "churned", "loss_amount", "loan_amount"]].copy()
    table["tier"] = as_tiers(frozen_model(study, source, name).predict(bank.customers))
    return pd.concat(
        [
            rates.event_rates(table, "tier", "default"),
            rates.loss_rates(table, "tier", "loss_amount", "loan_amount", study.seed),
            rates.event_rates(table, "tier", "churned"),
        ],
        ignore_index=True,
    )


@step(frozen_model)
def default_chart(study: Study, name: str) -> pd.DataFrame:
    """Return the control chart of the monthly default rate of the simulated bank by the tier at the application."""
    bank = monthly.bank(size(study, SIMULATED))
    tier = as_tiers(frozen_model(study, SIMULATED, name).predict(bank.customers))
    followed = bank.panel[bank.panel["months_on_book"] > 0]
    cells = pd.DataFrame({"period": followed["period"], "events": followed["defaulted"]})
    cells["tier"] = tier[followed["customer_id"].cat.codes]
    cells = (
        cells.groupby(["tier", "period"], observed=True)["events"].agg(events="sum", n="size").reset_index()
    )
    parts = [
        rates.control_chart(part, _usual(study, SIMULATED)).assign(tier=tier)
        for tier, part in cells.groupby("tier", observed=True)
    ]
    return pd.concat(parts, ignore_index=True)


@step(frozen_model)
def portfolio_funnel(study: Study, name: str) -> dict[str, pd.DataFrame]:
    """Return defaults of each industry and region against those that the tiers of its customers would bring."""
    bank = monthly.bank(size(study, SIMULATED))
    table = bank.customers[["default", "industry", "region"]].copy()
    tier = as_tiers(frozen_model(study, SIMULATED, name).predict(bank.customers))
    table["expected"] = table.groupby(tier, observed=True)["default"].transform("mean")
    table["group"] = table["industry"].astype(object) + ", " + table["region"].astype(object)
    counted = table.groupby("group", as_index=False).agg(
        events=("default", "sum"), expected=("expected", "sum")
    )
    made = rates.ratio_funnel(counted, "group")
    grid = np.geomspace(made["expected"].min(), 1.05 * made["expected"].max(), 200)
    return {"groups": made, "limits": rates.ratio_limits(grid)}


@step(months)
def default_vintages(study: Study) -> pd.DataFrame:
    """Return the vintage curves of the simulated bank by half-year of the loan."""
    loans = vintages.loan_histories(monthly.bank(size(study, SIMULATED)).panel)
    loans["cohort"] = vintages.grouped(loans["start"], 6)
    return vintages.vintage_curves(loans, "cohort")


@step(months)
def rolls(study: Study, source: str) -> dict[str, pd.DataFrame]:
    """Return the roll rates of arrears: the matrix and what becomes of each bucket."""
    table, ends = (
        panel.panel(source) if source != SIMULATED else monthly.bank(size(study, source)).panel,
        None,
    )
    if source == SIMULATED:
        gone = table[table["churned"] == 1]
        ends = pd.DataFrame({"customer_id": gone["customer_id"], "period": gone["period"], "state": "left"})
    else:
        table = table.assign(period=pd.PeriodIndex(table["period"], freq="M").astype("int64"))
    matrix = roll_rates.roll_rates(table, ends=ends)
    return {"matrix": matrix, "summary": roll_rates.summary(matrix)}


@step(months)
def warnings(study: Study) -> dict[str, pd.DataFrame]:
    """Return the early-warning rules, their worth, lead times, and how soon they notice hidden distress."""
    bank = monthly.bank(size(study, SIMULATED))
    return {
        "rules": early_warning.rule_table(),
        "worth": early_warning.evaluate(bank.panel),
        "lead": early_warning.lead_times(bank.panel),
        "detection": early_warning.detection(bank.panel, bank.distress),
    }


@step(moves, stability, movement)
def review_trigger(study: Study, name: str) -> dict[str, pd.DataFrame]:
    """Return the re-tiering rule month by month for the simulated bank, and when it fired after the shock."""
    usual = _usual(study, SIMULATED)
    found = stability(study, SIMULATED, name)["intake"]
    down = retiering.downgrade_ratio(movement(study, SIMULATED, name)["by_period"], usual)
    calibration = retiering.calibration_ratio(_cells(study, name), usual, by=("tier", "season"))
    fired = retiering.trigger(retiering.evidence(found, down, calibration))
    shock = monthly.bank(size(study, SIMULATED)).shock_period
    return {
        "months": fired,
        "delay": retiering.delay(fired, shock),
        "calibration": calibration,
        "downgrades": down,
    }


@step(monthly_tiers)
def premium_potential(study: Study, name: str) -> dict[str, Any]:
    """Return whether customers flagged as potential premium were premium a year later (H5).

    Flagged a year before the last month of the reference, so that the shock comes after both dates.
    """
    dates = months(study, SIMULATED)
    end = int(dates.loc[dates["reference"], "period"].max())
    start = end - YEAR
    long = monthly_tiers(study, SIMULATED, name).set_index("customer_id")
    now = long.loc[long["period"] == start, "tier"]
    later = long.loc[long["period"] == end, "tier"]
    customers = monthly.customers(SIMULATED, start, size(study, SIMULATED))
    growth = {sign: customers[sign] for sign in GROWTH}
    flagged = potential_premium(now.reindex(customers.index), worths.worth(customers)[0], growth)["potential"]
    found = potential.outcomes(flagged, now, later)
    truth = monthly.bank(size(study, SIMULATED)).truth["true_potential"].reindex(found.index)
    return {
        "quality": potential.flag_quality(found),
        "start": start,
        "months": YEAR,
        "true_potential": truth.groupby(found["flagged"]).agg(["mean", "size"]).reset_index(),
    }


def shock_period(study: Study) -> int:
    """Return the month in which the simulated shock begins."""
    return monthly.bank(size(study, SIMULATED)).shock_period


def _usual(study: Study, source: str) -> list[int]:
    dates = months(study, source)
    return dates.loc[dates["reference"], "period"].tolist()


def _states(study: Study, source: str, name: str) -> pd.DataFrame:
    """Tiers by month, with one row more for a simulated customer who defaulted or left."""
    tiers = monthly_tiers(study, source, name)[["customer_id", "period", "tier"]]
    if source != SIMULATED:
        return tiers
    ends = monthly.bank(size(study, source)).panel.query("defaulted == 1 or churned == 1")
    state = np.where(ends["defaulted"] == 1, "default", "churned")
    last = pd.DataFrame(
        {"customer_id": ends["customer_id"].astype(object), "period": ends["period"], "tier": state}
    )
    return pd.concat([tiers, last.astype({"period": int})], ignore_index=True)


def _moves(study: Study, source: str, name: str, step_months: int) -> pd.DataFrame:
    absorbing = ABSORBING if source == SIMULATED else ()
    return migration.moves(_states(study, source, name), absorbing=absorbing, step=step_months)


def _cells(study: Study, name: str) -> pd.DataFrame:
    """Defaults of a month by the tier at the end of the month before and by months on book: events, n."""
    found = moves(study, SIMULATED, name)
    found = found[found["to"] != migration.WITHDRAWN]
    origin = monthly.bank(size(study, SIMULATED)).truth["origin"]
    age = found["period"].to_numpy() + 1 - origin.loc[found["customer_id"]].to_numpy()
    table = pd.DataFrame(
        {
            "period": found["period"].to_numpy() + 1,
            "tier": found["from"].astype(object).to_numpy(),
            "season": np.searchsorted(SEASONS, age, side="right"),
            "default": (found["to"] == "default").to_numpy().astype(int),
        }
    )
    table["tier"] = as_tiers(table["tier"])
    grouped = table.groupby(["period", "tier", "season"], observed=True)["default"]
    return grouped.agg(events="sum", n="size").reset_index()
