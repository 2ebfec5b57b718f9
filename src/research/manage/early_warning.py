"""Early-warning rules and what they are worth: hits, lead time, false alarms.

The rules are data (data/definitions/early_warning_rules.yml). A rule that is on for several months in a row, or again
within the quiet time, is one alarm. An alarm is right when the event comes within the horizon after it, false when the
customer was followed for the whole horizon without the event, and not counted when the data end before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from research.errors import UserError
from research.files.textfiles import own_yaml
from research.intervals import jeffreys
from research.paths import DEFINITIONS

ARREARS = ("status", "late")  # columns that say how late a customer is


def rules() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rules: block (single, combined) → name → definition."""
    return own_yaml(DEFINITIONS / "early_warning_rules.yml")


def rule_table() -> pd.DataFrame:
    """Return one row per rule: `rule`, `label`, `label_zh`, `condition` (in words), `why`, `arrears` (reads them)."""
    rows, late = [], set()
    for name, rule in _all(rules()).items():
        if "of" in rule:
            words = f"at least {rule['at_least']} of: {', '.join(rule['of'])}"
            arrears = bool(late & set(rule["of"]))
        else:
            comparison, threshold = next(iter(rule["when"].items()))
            months = f" over {rule['months']} months" if "months" in rule else ""
            words = f"{rule['signal']} of {rule['column']}{months} {comparison} {threshold:g}"
            arrears = rule["column"] in ARREARS
        late |= {name} if arrears else set()
        rows.append((name, rule["label"], rule["label_zh"], words.replace("_", " "), rule["why"], arrears))
    return pd.DataFrame(rows, columns=["rule", "label", "label_zh", "condition", "why", "arrears"])


def _all(definitions: Mapping[str, Mapping]) -> dict[str, Any]:
    """Return the rules of both blocks; a combination comes after the rules that it may combine."""
    return {**definitions["single"], **definitions["combined"]}


class Grid:
    """A panel as arrays of customer × period; NaN where a customer is not on the book."""

    def __init__(self, panel: pd.DataFrame) -> None:
        self.codes, self.customers = pd.factorize(panel["customer_id"])
        self.first = int(panel["period"].min())
        self.when = panel["period"].to_numpy(int) - self.first
        self.shape = (len(self.customers), int(self.when.max()) + 1)
        self.panel = panel
        self.present = np.zeros(self.shape, dtype=bool)
        self.present[self.codes, self.when] = True

    def column(self, name: str) -> np.ndarray:
        """Return a column as a grid; `late` is 1 in months past due."""
        values = self.panel["status" if name == "late" else name].to_numpy(np.float32)
        grid = np.full(self.shape, np.nan, dtype=np.float32)
        grid[self.codes, self.when] = (values > 0) if name == "late" else values
        return grid


def shifted(grid: np.ndarray, months: int) -> np.ndarray:
    """Return the value `months` earlier; NaN where there is none."""
    moved = np.full(grid.shape, np.nan, dtype=np.float32)
    if months < grid.shape[1]:
        moved[:, months:] = grid[:, : grid.shape[1] - months]
    return moved


def rolling_sum(grid: np.ndarray, months: int) -> np.ndarray:
    """Return the sum over the last `months` months; NaN unless all of them were observed."""
    return sum(shifted(grid, back) for back in range(months))


def _measure(values: np.ndarray, rule: Mapping[str, Any]) -> np.ndarray:
    kind, months = rule["signal"], rule.get("months", 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        match kind:
            case "level":
                return values
            case "change":
                return values - shifted(values, months)
            case "ratio":
                return values / shifted(values, months)
            case "sum":
                return rolling_sum(values, months)
            case "sum_ratio":
                total = rolling_sum(values, months)
                return total / shifted(total, months)
    raise UserError(
        f"early_warning_rules.yml: signal '{kind}', expected level, change, ratio, sum or sum_ratio"
    )


def signals(panel: pd.DataFrame, definitions: Mapping[str, Mapping] | None = None) -> dict[str, np.ndarray]:
    """Return each rule's signal as a boolean grid of customer × period (rows and columns as in `Grid(panel)`).

    The panel is long, with `customer_id`, `period` and the columns the rules name.
    """
    given = definitions or rules()
    grid = Grid(panel)
    found: dict[str, np.ndarray] = {}
    for name, rule in given["single"].items():
        value = _measure(grid.column(rule["column"]), rule)
        comparison, threshold = next(iter(rule["when"].items()))
        found[name] = value >= threshold if comparison == "at_least" else value <= threshold
    for name, rule in given["combined"].items():
        found[name] = sum(found[part].astype(np.int8) for part in rule["of"]) >= rule["at_least"]
    return found


def alarms(signal: np.ndarray, quiet: int = 6) -> np.ndarray:
    """Return where an alarm starts: the rule is on and was not on in the `quiet` months before."""
    recent = np.zeros(signal.shape, dtype=bool)
    for back in range(1, quiet + 1):
        recent[:, back:] |= signal[:, :-back]
    return signal & ~recent


def evaluate(
    panel: pd.DataFrame,
    event: str = "defaulted",
    horizon: int = 12,
    quiet: int = 6,
    definitions: Mapping[str, Mapping] | None = None,
) -> pd.DataFrame:
    """Return what each rule is worth, one row per rule and measure.

    Measures:
        `hit_rate`: events that had an alarm running in the `horizon` months before (n: events with at least one earlier
        month); `precision`: alarms followed by the event (n: alarms that can be judged); `false_alarm_rate`: judged
        alarms not followed by it; `base_rate`: the same for a month picked blindly (n: customer-months that can be
        judged); `lift`: precision over base rate; `alarms_per_1000`: alarms per 1,000 customer-months;
        `lead_median`, `lead_q25`, `lead_q75`: months from the first signal within the horizon to the event.

    Returns:
        `rule`, `measure`, `estimate`, `ci_low`, `ci_high` (Jeffreys for shares, else NaN), `n`.
    """
    grid = Grid(panel)
    hit_month = _event_month(grid, event)
    judged = _judged(grid, hit_month, horizon)
    soon = _soon(grid, hit_month, horizon)
    at_risk = np.arange(grid.shape[1]) < hit_month[:, None]
    months, base, all_months = (int(part.sum()) for part in (grid.present & at_risk, soon, judged))
    rows: list[tuple[Any, ...]] = []
    for name, signal in signals(panel, definitions).items():
        alarm = alarms(signal & at_risk, quiet)
        lead = _lead(grid, signal & at_risk, hit_month, horizon)
        known = lead[np.isfinite(lead)]
        right, count = int((alarm & soon).sum()), int((alarm & judged).sum())
        for measure, hits, n in (
            ("hit_rate", len(known), len(lead)),
            ("precision", right, count),
            ("false_alarm_rate", count - right, count),
            ("base_rate", base, all_months),
        ):
            rows.append((name, measure, hits / n if n else np.nan, *map(float, jeffreys(hits, n)), n))
        lift = (right / count) / (base / all_months) if count and base else np.nan
        rows.append((name, "lift", lift, np.nan, np.nan, count))
        rows.append((name, "alarms_per_1000", 1000 * alarm.sum() / months, np.nan, np.nan, months))
        for measure, q in (("lead_q25", 0.25), ("lead_median", 0.5), ("lead_q75", 0.75)):
            value = np.quantile(known, q) if len(known) else np.nan
            rows.append((name, measure, value, np.nan, np.nan, len(known)))
    return pd.DataFrame(rows, columns=["rule", "measure", "estimate", "ci_low", "ci_high", "n"])


def detection(
    panel: pd.DataFrame, truth: np.ndarray, within: int = 6, definitions: Mapping[str, Mapping] | None = None
) -> pd.Series:
    """Return by rule the share of the beginnings of a hidden trouble that it noticed while the trouble lasted.

    Args:
        truth: boolean, aligned with the rows of `panel`: the customer is in trouble in this month.
        within: months in which noticing counts, the first month of trouble included; beginnings that cannot be followed
            so long do not count.
    """
    grid = Grid(panel)
    hidden = np.zeros(grid.shape, dtype=bool)
    hidden[grid.codes, grid.when] = truth
    before = np.zeros(grid.shape, dtype=bool)
    before[:, 1:] = hidden[:, :-1]
    who, when = np.nonzero(hidden & ~before & grid.present)
    follow = when + within <= grid.shape[1]
    who, when = who[follow], when[follow]
    noticed = {}
    for name, signal in signals(panel, definitions).items():
        seen, lasts = np.zeros(len(who), dtype=bool), np.ones(len(who), dtype=bool)
        for step in range(within):
            lasts &= hidden[who, when + step]
            seen |= lasts & signal[who, when + step]
        noticed[name] = seen.sum() / max(len(who), 1)
    return pd.Series(noticed)


def _event_month(grid: Grid, event: str) -> np.ndarray:
    """Column of each customer's event; one past the last column where there is none."""
    rows = np.flatnonzero(grid.panel[event].to_numpy() > 0)
    month = np.full(grid.shape[0], grid.shape[1])
    np.minimum.at(month, grid.codes[rows], grid.when[rows])
    return month


def _soon(grid: Grid, hit_month: np.ndarray, horizon: int) -> np.ndarray:
    """Months before the event from which it comes within the horizon."""
    ahead = hit_month[:, None] - np.arange(grid.shape[1])
    comes = (hit_month < grid.shape[1])[:, None]
    return grid.present & comes & (ahead >= 1) & (ahead <= horizon)


def _judged(grid: Grid, hit_month: np.ndarray, horizon: int) -> np.ndarray:
    """Months that can be judged: the event comes within the horizon, or the whole horizon lies in the data.

    A customer who left is known not to have had the event, so leaving does not censor.
    """
    column = np.arange(grid.shape[1])
    whole = (column + horizon < grid.shape[1])[None, :] & (column < hit_month[:, None])
    return (grid.present & whole) | _soon(grid, hit_month, horizon)


def _lead(grid: Grid, signal: np.ndarray, hit_month: np.ndarray, horizon: int) -> np.ndarray:
    """Months from the first signal within the horizon to the event, for events with an earlier month; NaN = missed."""
    who = np.flatnonzero(hit_month < grid.shape[1])
    earlier = grid.present[who] & (np.arange(grid.shape[1]) < hit_month[who, None])
    who = who[earlier.any(axis=1)]
    ahead = hit_month[who, None] - np.arange(grid.shape[1])
    inside = signal[who] & (ahead >= 1) & (ahead <= horizon)
    return np.where(inside.any(axis=1), hit_month[who] - inside.argmax(axis=1), np.nan)
