"""The study's table of contents, monitoring: what happens to the tiers after they were cut (P4 to P9, P11, H5).

A model is fitted once, at the start, and then only applied: its cut points stay frozen. Real customers come
first: those of a data set with monthly records that is here, or what the project has recorded of it. When a shock came,
and who was in distress, only the simulated bank can tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.collect import constructs as canon
from research.collect import datasets, monthly, panel, recorded
from research.compare import tier_trend
from research.manage import drift, early_warning, migration, rates, retiering, roll_rates, vintages
from research.manage import loan_quality as quality_rules
from research.parameters import Study
from research.segment import profile
from research.segment.tiers import as_tiers
from research.steps import step
from research.study.flags import flags
from research.study.panel import SIMULATED, followed, frozen_model, monthly_tiers, months, size

PAGE = "07_monitoring"
ABSORBING = ("default", "churned")
SEASONS = (3, 6, 12)  # months on book at which the hazard of default changes most
BY_CHANCE = "random"


def real_panel(study: Study) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return what happened to the tiers of real customers, by exhibit, and whose they are.

    Returns:
        Frames by name, none where nothing is here and nothing was recorded; and `title` and `origin` (`real`,
        `recorded` or `missing`).
    """
    name, here = followed(study)
    found = {
        exhibit: find(study, name) if here else recorded.frame(f"{PAGE}/{exhibit}")
        for exhibit, find in REAL.items()
    }
    frames = {exhibit: frame for exhibit, frame in found.items() if frame is not None}
    origin = "real" if here else "recorded" if frames else "missing"
    return frames, {"title": datasets.title(name), "origin": origin}


@step(monthly_tiers, "models")
def migrations(study: Study, source: str) -> pd.DataFrame:
    """Return who moves between tiers in a month and over all months of a panel, for each model.

    Returns:
        `model, months, from, to, count, n, estimate, ci_low, ci_high`. Over all months each customer counts once; the
        intervals of one month take the months of a customer as independent and are too narrow.
    """
    whole = len(months(study, source)) - 1
    parts = [
        migration.probabilities(migration.counts(_moves(study, source, name, length))).assign(
            model=name, months=length
        )
        for name in study.models
        for length in (whole, 1)
    ]
    columns = ["model", "months", "from", "to", "count", "n", "estimate", "ci_low", "ci_high"]
    return pd.concat(parts, ignore_index=True)[columns]


@step(monthly_tiers, "models")
def ahead(study: Study, source: str) -> pd.DataFrame:
    """Return whether moves of single months, repeated, say how many are still in their tier after all months.

    Returns:
        `model, tier, months, n`, `seen` with its interval (each customer once), `cohort` (the matrix of a month to the
        power of the months), `duration` (the exponential of the generator), and `result`: `more` stayed than either
        says, `fewer`, or `alike`.
    """
    whole, rows = len(months(study, source)) - 1, []
    for name in study.models:
        far = migration.probabilities(migration.counts(_moves(study, source, name, whole)))
        month = migration.square(migration.probabilities(migration.counts(_moves(study, source, name, 1))))
        cohort = np.linalg.matrix_power(month.to_numpy(float), whole)
        rate = migration.generator(migration.spells(_states(study, source, name)))
        duration = migration.after(rate, whole).to_numpy()
        for place, row in enumerate(far[far["from"].astype(str) == far["to"].astype(str)].itertuples()):
            said = cohort[place, place], duration[place, place]
            result = "more" if row.ci_low > max(said) else "fewer" if row.ci_high < min(said) else "alike"
            rows.append(
                (name, str(row.to), whole, row.n, row.estimate, row.ci_low, row.ci_high, *said, result)
            )
    columns = ["model", "tier", "months", "n", "seen", "ci_low", "ci_high", "cohort", "duration", "result"]
    return pd.DataFrame(rows, columns=columns)


@step(monthly_tiers, "models", "tier_shares")
def frozen_rates(study: Study, source: str) -> pd.DataFrame:
    """Return the outcome after the last month by tier, under models that were frozen at the first, and by lot.

    Returns:
        `ranking, tier, n, known, bad, rate, ci_low, ci_high, overall`, the result of `tier_trend.separation` in each
        row of a ranking, `rate_word` of the outcome, `first` and `last` month.
    """
    labels, parts = months(study, source)["label"], []
    for name, placed in monthly_tiers(study, source).items():
        last = placed[placed["period"] == placed["period"].max()]
        found = profile.rates(last["tier"], last["default"])
        test = tier_trend.separation(found).iloc[0].to_dict()
        parts.append(found.assign(ranking=name, overall=last["default"].mean(), **test))
    known, bad = (int(parts[0][name].sum()) for name in ("known", "bad"))
    drawn = tier_trend.by_chance(known, bad, study.tier_shares.model_dump())
    parts.append(drawn.assign(ranking=BY_CHANCE, overall=bad / known))
    ends = {"rate_word": datasets.outcome(source).rate, "first": labels.iloc[0], "last": labels.iloc[-1]}
    tested = ["result", "p_value", "premium", "high", "gap", "gap_low", "gap_high"]
    columns = ["ranking", "tier", "n", "known", "bad", "rate", "ci_low", "ci_high", "overall", *tested]
    return pd.concat(parts, ignore_index=True)[columns].assign(**ends)


@step(monthly_tiers, "models")
def shifts(study: Study, source: str) -> pd.DataFrame:
    """Return how far scores, tier shares and inputs moved from the first month to the last.

    The same customers are in both, so there is no test of no change, only the index and its band.

    Returns:
        `what` (score, tiers, input), `name` (model or construct), `label`, `estimate`, `verdict`, `signal`, `n`,
        `first` and `last` month, and the bounds of the bands, `shifted_from` and `unstable_from`.
    """
    dates, rows = months(study, source), []
    ends = [dates["period"].iloc[end] for end in (0, -1)]
    placed = monthly_tiers(study, source)
    for name in study.models:
        before, after = (placed[name][placed[name]["period"] == end] for end in ends)
        for what, column in (("score", "score"), ("tiers", "tier")):
            table = drift.bin_counts(before[column], after[column])
            rows.append({"what": what, "name": name, **drift.stability(table["expected"], table["actual"])})
    before, after = (monthly.customers(source, int(end)) for end in ends)
    inputs = drift.construct_stability(before, after, canon.predictors(before)).assign(what="input")
    table = pd.concat([pd.DataFrame(rows), inputs.rename(columns={"construct": "name"})], ignore_index=True)
    labels = canon.constructs()["label"]
    bounds = drift.bands("psi")["lower"].iloc[1:]
    columns = ["what", "name", "label", "estimate", "verdict", "signal", "n"]
    return table.assign(label=table["name"].map(labels))[columns].assign(
        first=dates["label"].iloc[0], last=dates["label"].iloc[-1],
        shifted_from=bounds.iloc[0], unstable_from=bounds.iloc[1],
    )  # fmt: skip


@step(months)
def rolls(study: Study, source: str) -> pd.DataFrame:
    """Return what becomes of each bucket of arrears in a month: `roll_rates.summary`."""
    table = panel.panel(source)
    numbered = table.assign(period=pd.PeriodIndex(table["period"], freq="M").astype("int64"))
    return roll_rates.summary(roll_rates.roll_rates(numbered))


REAL = {
    "migration": migrations, "ahead": ahead, "frozen_rates": frozen_rates, "shifts": shifts, "rolls": rolls,
    "flags": flags,
}  # fmt: skip


@step(monthly_tiers, "models")
def triggers(study: Study) -> dict[str, pd.DataFrame]:
    """Return the re-tiering rule month by month for every model on the simulated bank, and when it fired.

    Returns:
        `months`: `model, period, measure, value, signal, fired, shock` and the bounds of the bands; `delay`: a row per
        model, see `retiering.delay`.
    """
    bank = datasets.simulation(size(study, SIMULATED))
    fired = {name: _trigger(study, name) for name in study.models}
    keys, long = ["period", "fired"], []
    for name, table in fired.items():
        for measure in retiering.rule()["measures"]:
            part = table[[*keys, measure, f"{measure}_signal"]].set_axis([*keys, "value", "signal"], axis=1)
            amber, red = drift.bands(measure)["lower"].iloc[1:]
            long.append(part.assign(model=name, measure=measure, amber=amber, red=red))
    delays = [retiering.delay(table, bank.shock_period).assign(model=name) for name, table in fired.items()]
    return {
        "months": pd.concat(long, ignore_index=True).assign(shock=bank.shock_period),
        "delay": pd.concat(delays, ignore_index=True),
    }


def _trigger(study: Study, name: str) -> pd.DataFrame:
    bank, dates = datasets.simulation(size(study, SIMULATED)), months(study, SIMULATED)
    usual = dates.loc[dates["reference"], "period"].tolist()
    score = frozen_model(study, SIMULATED, name).risk_score(bank.customers)
    intake = pd.DataFrame({"period": bank.truth["origin"].to_numpy(), "score": score})
    moved = _moves(study, SIMULATED, name, 1)
    down = retiering.downgrade_ratio(migration.by_period(moved), usual)
    calibration = retiering.calibration_ratio(
        _cells(moved, bank.truth["origin"]), usual, by=("tier", "season")
    )
    return retiering.trigger(retiering.evidence(drift.over_time(intake, "score", usual), down, calibration))


@step(frozen_model)
def tier_quality(study: Study, name: str) -> pd.DataFrame:
    """Return default, loss and churn in the year after the loan by the tier at the application, simulated bank.

    Returns:
        `tier, measure, events, n, estimate, ci_low, ci_high`, and for events `result`, see `tier_trend.separation`.
    """
    table = _placed(study, name)
    parts = [rates.loss_rates(table, "tier", "loss_amount", "loan_amount", study.seed)]
    for event in ABSORBING:
        found = profile.rates(table["tier"], table[event])
        result = tier_trend.separation(found)["result"].iloc[0]
        named = found.assign(measure=event, n=found["known"], result=result)
        parts.append(named.rename(columns={"bad": "events", "rate": "estimate"}))
    columns = ["tier", "measure", "events", "n", "estimate", "ci_low", "ci_high", "result"]
    return pd.concat(parts, ignore_index=True)[columns]


@step(frozen_model)
def tier_categories(study: Study, name: str) -> dict[str, Any]:
    """Return five categories and IFRS 9 stages a year after the loan by the tier at the application, simulated bank.

    Returns:
        `crosswalk` (`tier, five_category, ifrs9_stage, n, share_of_tier`), `contradictions` (`severity, tier, …,
        customers`), and the `version` of the policy file.
    """
    table, rules = _placed(study, name), quality_rules.policy()
    table = table.assign(credit_impaired=table["default"])
    classed = quality_rules.classify(table, rules)
    return {
        "crosswalk": quality_rules.labelled(quality_rules.crosswalk(classed, table["tier"]), rules),
        "contradictions": quality_rules.contradiction_summary(
            quality_rules.contradictions(classed, table["tier"], rules)
        ),
        "version": rules.version,
    }


@step(months)
def default_vintages(study: Study) -> pd.DataFrame:
    """Return the vintage curves of the simulated bank by half-year of the loan."""
    loans = vintages.loan_histories(datasets.simulation(size(study, SIMULATED)).panel)
    loans["cohort"] = vintages.grouped(loans["start"], 6)
    return vintages.vintage_curves(loans, "cohort")


@step(months)
def warnings(study: Study) -> pd.DataFrame:
    """Return what each early-warning rule is worth on the simulated bank, and how soon it notices hidden distress.

    Returns:
        A row per rule: `rule, label, condition, why, arrears`, hit rate and precision with intervals, `base_rate`,
        `lift`, `alarms_per_1000`, months of lead (median, quartiles), `noticed` (hidden distress seen in six months).
    """
    bank = datasets.simulation(size(study, SIMULATED))
    worth = early_warning.evaluate(bank.panel)
    wide = worth.pivot(index="rule", columns="measure", values="estimate")
    for end in ("ci_low", "ci_high"):
        bounds = worth.pivot(index="rule", columns="measure", values=end)[["hit_rate", "precision"]]
        wide = wide.join(bounds.rename(columns=lambda name, end=end: f"{name}_{end}"))
    noticed = early_warning.detection(bank.panel, bank.distress)
    table = early_warning.rule_table().join(wide, on="rule")
    return table.assign(noticed=table["rule"].map(noticed))


def _placed(study: Study, name: str) -> pd.DataFrame:
    """Return the applications of the simulated bank with their outcomes and the `tier` of a frozen model."""
    table = datasets.simulation(size(study, SIMULATED)).customers
    return table.assign(tier=as_tiers(frozen_model(study, SIMULATED, name).predict(table)))


def _states(study: Study, source: str, name: str) -> pd.DataFrame:
    """Tiers by month, with one row more for a simulated customer who defaulted or left."""
    tiers = monthly_tiers(study, source)[name][["customer_id", "period", "tier"]]
    if source != SIMULATED:
        return tiers
    ends = datasets.simulation(size(study, source)).panel.query("defaulted == 1 or churned == 1")
    state = np.where(ends["defaulted"] == 1, "default", "churned")
    last = pd.DataFrame(
        {"customer_id": ends["customer_id"].astype(object), "period": ends["period"], "tier": state}
    )
    return pd.concat([tiers, last.astype({"period": int})], ignore_index=True)


def _moves(study: Study, source: str, name: str, step_months: int) -> pd.DataFrame:
    absorbing = ABSORBING if source == SIMULATED else ()
    return migration.moves(_states(study, source, name), absorbing=absorbing, step=step_months)


def _cells(moved: pd.DataFrame, origin: pd.Series) -> pd.DataFrame:
    """Defaults of a month by the tier at the end of the month before and by months on book: events, n."""
    found = moved[moved["to"] != migration.WITHDRAWN]
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
