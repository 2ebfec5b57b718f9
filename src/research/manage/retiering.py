"""When to cut the tiers anew: a stated rule over drift, migration and calibration, with hysteresis.

The rule is data (data/definitions/retiering_rule.yml), the bands are those of `drift.bands`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from research.files.textfiles import own_yaml
from research.manage.drift import bands, judge
from research.paths import DEFINITIONS


def rule() -> dict[str, Any]:
    """Return the rule: measures, fire, clear, why."""
    return own_yaml(DEFINITIONS / "retiering_rule.yml")


def downgrade_ratio(moved: pd.DataFrame, reference: Sequence[int], window: int = 3) -> pd.DataFrame:
    """Return the share of customers moving down against that of the reference months.

    Args:
        moved: one row per period with `period`, `down`, `n` (as `migration.by_period` makes it).
        reference: the periods that say what is usual.
        window: months pooled up to and including the period.

    Returns:
        `period`, `measure`, `estimate`, `ci_low`, `ci_high` (Poisson, the reference taken as known).
    """
    base = moved[moved["period"].isin(list(reference))]
    usual = base["down"].sum() / base["n"].sum()
    table = moved.sort_values("period").reset_index(drop=True)
    pooled = table[["down", "n"]].rolling(window, min_periods=1).sum()
    return _ratio(table["period"], "downgrade_ratio", pooled["down"], pooled["n"] * usual)


def calibration_ratio(
    cells: pd.DataFrame, reference: Sequence[int], by: Sequence[str] = ("tier",), window: int = 3
) -> pd.DataFrame:
    """Return observed against expected defaults, where expected is what the reference months' rates predict.

    Expected = Σ over cells of n · (events / n of the cell in the reference months), so that a book that has become
    riskier by shifting between the cells is not taken for a miscalibrated one. Give months on book as a cell too where
    the hazard depends on it. A cell the reference lacks is left out of both sides.

    Args:
        cells: one row per period and cell: `period`, the columns `by`, `events`, `n` of the month.
        reference: the periods whose rates are expected to go on.
        window: months pooled up to and including the period.

    Returns:
        As `downgrade_ratio`.
    """
    names = list(by)
    base = cells[cells["period"].isin(list(reference))].groupby(names, observed=True)[["events", "n"]].sum()
    rate = (base["events"] / base["n"].where(base["n"] > 0)).rename("rate")
    joined = cells.join(rate, on=names)
    joined["expected"] = joined["n"] * joined["rate"].fillna(0.0)
    joined["events"] = joined["events"].where(joined["rate"].notna(), 0)
    table = joined.groupby("period")[["events", "expected"]].sum()
    pooled = table.rolling(window, min_periods=1).sum().reset_index()
    return _ratio(pooled["period"], "calibration_ratio", pooled["events"], pooled["expected"])


def _ratio(period: pd.Series, measure: str, events: pd.Series, expected: pd.Series) -> pd.DataFrame:
    """Observed over expected with the exact Poisson interval of the observed count (Garwood 1936)."""
    divisor = expected.where(expected > 0)
    low = chi2.ppf(0.025, 2 * events) / 2
    high = chi2.ppf(0.975, 2 * (events + 1)) / 2
    found = {"estimate": events / divisor, "ci_low": np.where(events > 0, low, 0.0) / divisor}
    return pd.DataFrame({"period": period, "measure": measure, **found, "ci_high": high / divisor})


def evidence(*measures: pd.DataFrame) -> pd.DataFrame:
    """Return frames with `period`, `measure`, `estimate` side by side: `period` and a column per measure, NaN where one
    is not known.
    """
    long = pd.concat(measures, ignore_index=True)
    wide = long.pivot(index="period", columns="measure", values="estimate")
    return wide.rename_axis(columns=None).reset_index()


def trigger(measures: pd.DataFrame) -> pd.DataFrame:
    """Apply the rule period by period.

    Args:
        measures: `period` and a column for each measure of the rule (`evidence`); an unknown value neither raises the
            alarm nor clears it.

    Returns:
        `period`, for each measure its value and `<measure>_signal`, `state` (calm, raised, fired, open: fired before
        and not cleared yet) and `fired`.
    """
    given = rule()
    names = list(given["measures"])
    table = measures[["period", *names]].sort_values("period", ignore_index=True)
    for name in names:
        table[f"{name}_signal"] = judge(table[name], name)["signal"]
    signals = table[[f"{name}_signal" for name in names]]
    reds = (signals == "red").sum(axis=1).to_numpy()
    alarmed = signals.isin(["amber", "red"]).sum(axis=1).to_numpy()
    bound = np.array([bands(name)["upper"].iloc[0] for name in names]) * given["clear"]["margin"]
    values = table[names].to_numpy(float)
    clear = (np.isnan(values) | (values < bound)).all(axis=1) & ~np.isnan(values).all(axis=1)

    fire = given["fire"]
    red, raised = _run(reds >= fire["red_measures"]), _run(alarmed >= fire["raised_measures"])
    lasting, quiet = _run(alarmed >= 1), _run(clear)
    states, waiting = [], False
    for row in range(len(table)):
        waiting = waiting and quiet[row] < given["clear"]["months"]
        by_red = red[row] >= fire["red_months"]
        by_raised = raised[row] >= fire["raised_months"] or lasting[row] >= fire["lasting_months"]
        fired = not waiting and (by_red or by_raised)
        states.append("fired" if fired else "open" if waiting else "raised" if alarmed[row] else "calm")
        waiting = waiting or fired
    return table.assign(state=states, fired=[state == "fired" for state in states])


def _run(held: np.ndarray) -> np.ndarray:
    """For how many periods in a row, up to this one, a condition has held."""
    count, result = 0, np.zeros(len(held), dtype=int)
    for row, value in enumerate(held):
        count = count + 1 if value else 0
        result[row] = count
    return result


def delay(fired: pd.DataFrame, shock: int) -> pd.DataFrame:
    """Return when the trigger fired relative to a known shock (only where the truth is known).

    Returns:
        One row: `delay` (months from the shock to the first time at or after it, NaN = never), `before` (times it fired
        before the shock: false alarms), `months_watched_before`.
    """
    when = fired.loc[fired["fired"], "period"]
    delay = when[when >= shock].min() - shock
    found = delay, int((when < shock).sum()), int((fired["period"] < shock).sum())
    return pd.DataFrame([found], columns=["delay", "before", "months_watched_before"])
