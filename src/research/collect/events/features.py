"""The features, written once for every engine: what each sums, and by what the sum is divided in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import ibis.expr.types as ir
import pandas as pd

from research.collect.events.roles import CENTS, Roles, whole
from research.collect.events.rows import WHOLE, Rows
from research.collect.events.windows import Window
from research.errors import UserError, nearest
from research.files.textfiles import own_csv
from research.paths import DEFINITIONS


@dataclass(frozen=True)
class Column:
    """One column of the result: a feature in one window."""

    feature: str
    window: Window
    windowed: bool

    @property
    def name(self) -> str:
        """Return the name of the column, such as amount_12m."""
        return f"{self.feature}_{self.window.label}" if self.windowed else self.feature

    @property
    def months(self) -> int:
        """Return the months of the window, 0 when it is not one of months."""
        return self.window.months or 0


@cache
def definitions() -> pd.DataFrame:
    """Return `event_features.csv`, one row per feature."""
    return own_csv(DEFINITIONS / "event_features.csv").set_index("feature", drop=False)


def choose(wanted: Sequence[str], windows: Sequence[Window], roles: Roles) -> tuple[Column, ...]:
    """Return the columns of the result, in the order of the definitions.

    `wanted` holds features and groups; empty means all that the roles and windows allow. A trend needs a window of
    two months or more. Raises UserError for an unknown name and for one that the roles or windows do not allow.
    """
    table = definitions()
    known = {*table["feature"], *table["group"]}
    for name in wanted:
        if name not in known:
            raise UserError(f"unknown feature '{name}'{nearest(name, known)}")
    given = {*roles.columns(), *(["balance"] if roles.running_balance else [])}
    columns: list[Column] = []
    for row in table.itertuples():
        asked = bool({row.feature, row.group} & set(wanted))
        if wanted and not asked:
            continue
        shortest = int(row.months_needed)
        fitting = [window for window in windows if (window.months or 0) >= shortest]
        if asked and row.needs and row.needs not in given:
            raise UserError(f"feature '{row.feature}' needs a column for the {row.needs}, none was named")
        if asked and not fitting:
            raise UserError(
                f"feature '{row.feature}' needs a window of {shortest} months or more, such as 12"
            )
        if row.needs and row.needs not in given:
            continue
        windowed = row.windowed == "yes"
        columns += [Column(row.feature, window, windowed) for window in (fitting if windowed else [WHOLE])]
    return tuple(columns)


def months_needed(columns: Sequence[Column]) -> set[int]:
    """Return for which numbers of months before the reference the length in days is needed."""
    by_month = [column.months for column in columns if definitions().months_needed[column.feature] != "0"]
    return {column.months for column in columns if column.months} | {*range(1, max(by_month, default=0) + 1)}


def _trend(rows: Rows, window: Window) -> ir.Value:
    """Slope Σ c·y / Σ c², c the distance of a month from the middle: linear in y, so a sum over single events."""
    months = window.months or 0
    return rows.sum(rows.table.amount * ((months + 1) - 2 * rows.month(months)), window) * 6


def _stood(rows: Rows, window: Window) -> ir.Value:
    """Days of the window that ended with the balance after this event."""
    return rows.clipped(rows.table.ago, window) - rows.clipped(rows.table.next_ago, window)


def _balance_days(rows: Rows, window: Window) -> ir.Value:
    return whole(_stood(rows, window).sum(where=rows.table.balance.notnull()))


# Whole numbers: counts, or sums of cents
NUMERATORS: dict[str, Callable[[Rows, Window], ir.Value]] = {
    "recency_months": lambda rows, window: rows.nearest() * 48,
    "frequency": lambda rows, window: rows.count(window),
    "amount": lambda rows, window: rows.sum(rows.table.amount, window),
    "days_since_first": lambda rows, window: rows.farthest(),
    "days_since_last": lambda rows, window: rows.nearest(),
    "inflow": lambda rows, window: rows.sum(rows.table.inflow, window),
    "outflow": lambda rows, window: rows.sum(rows.table.inflow - rows.table.amount, window),
    "amount_mean": lambda rows, window: rows.sum(rows.table.amount, window),
    "active_days": lambda rows, window: rows.days(window),
    "trend": _trend,
    "balance_last": lambda rows, window: rows.table.balance.max(where=rows.table.newest),
    "balance_mean": lambda rows, window: whole((rows.table.balance * _stood(rows, window)).sum()),
    "balance_min": lambda rows, window: rows.table.balance.min(where=_stood(rows, window) > 0),
}

# A numerator without a denominator is the feature itself, or cents when the feature is in currency
FIXED: dict[str, Callable[[int], int]] = {
    "recency_months": lambda months: 1461,  # 48 / 1461 = 12 / 365.25
    "trend": lambda months: months * (months**2 - 1) * CENTS,
}
DENOMINATORS: dict[str, Callable[[Rows, Window], ir.Value]] = {
    "amount_mean": lambda rows, window: rows.count(window) * CENTS,
    "balance_mean": lambda rows, window: _balance_days(rows, window) * CENTS,
}

# Of the runs of late months: how many months, the longest run, the run that reaches the last month with an event
RUNS: dict[str, Callable[[ir.Table, ir.Value], ir.Value]] = {
    "late_months": lambda runs, months: months.sum(),
    "late_streak": lambda runs, months: months.max(),
    "late_streak_now": lambda runs, months: months.sum(where=runs.latest),
}
