"""The events that count: strictly before their reference date, with the windows and balances they belong to."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir

from research.collect.events.roles import tie_break, whole
from research.collect.events.windows import Window, month_lengths

Reference = datetime.date | ir.Table
WHOLE = Window()


@dataclass(frozen=True)
class Rows:
    """Events `ago` days before their reference date (at least 1), or the sums of a day with the number of `events`."""

    table: ir.Table
    lengths: Mapping[str, int]  # of months_k in days, for one reference date; else they are columns
    as_of: datetime.date | None = None  # the one reference date; else it is a column

    def before(self, table: ir.Table, day: ir.Value) -> ir.IntegerValue:
        """Return how many days a day of a table of these events lies before the reference date."""
        as_of = table.as_of if self.as_of is None else ibis.literal(self.as_of)
        return as_of.delta(day, unit="day").cast("int64")

    def nearest(self) -> ir.IntegerValue:
        """Return how many days ago the last event was."""
        return self.table.ago.min() if self.as_of is None else self.before(self.table, self.table.day.max())

    def farthest(self) -> ir.IntegerValue:
        """Return how many days ago the first event was."""
        return self.table.ago.max() if self.as_of is None else self.before(self.table, self.table.day.min())

    def length(self, window: Window) -> ir.Value | int:
        """Return the length of a window in days; the whole history has none."""
        name = f"months_{window.months}"
        if window.days:
            return window.days
        return self.lengths[name] if self.lengths else self.table[name]

    def clipped(self, days: ir.Value, window: Window) -> ir.Value:
        """Return days before the reference, at most the length of the window."""
        return days if window == WHOLE else ibis.least(days, self.length(window))

    def inside(self, window: Window) -> ir.BooleanValue | None:
        """Return whether an event is in the window; None when all are."""
        return None if window == WHOLE else self.table.ago <= self.length(window)

    def month(self, longest: int) -> ir.Value:
        """Return in which month before the reference an event is, 1 the last; those further back are `longest`."""
        later = [(self.table.ago > self.length(Window(k))).cast("int64") for k in range(1, longest)]
        return sum(later, ibis.literal(1, "int64"))

    def count(self, window: Window) -> ir.Value:
        """Return the number of events in a window."""
        if self.by_days:
            return self.sum(self.table.events, window)
        return self.table.count(where=self.inside(window))

    def days(self, window: Window) -> ir.Value:
        """Return the number of days with an event in a window."""
        if self.by_days:
            return self.table.count(where=self.inside(window))
        return self.sum(self.table.new_day, window)

    def sum(self, values: ir.Value, window: Window) -> ir.Value:
        """Return the sum over the events of a window."""
        return whole(values.sum(where=self.inside(window)))

    @property
    def by_days(self) -> bool:
        """Whether a row is a day of a customer instead of an event."""
        return "events" in self.table.columns


def dated(events: ir.Table, reference: Reference, months: Collection[int]) -> Rows:
    """Return the events strictly before their reference date; those without customer, day or amount do not count.

    `reference` is one date for all, or a table with customer_id, as_of and the lengths `months_k`.
    """
    usable = events.filter(events.usable)
    if isinstance(reference, datetime.date):
        lengths = month_lengths([reference], sorted(months)).iloc[0].to_dict()
        rows = Rows(usable.filter(usable.day < ibis.literal(reference)), lengths, reference)
    else:
        usable = usable.join(reference, "customer_id")
        rows = Rows(usable.filter(usable.day < usable.as_of), {})
    return replace(rows, table=rows.table.mutate(ago=rows.before(rows.table, rows.table.day)))


def standing(rows: Rows, keys: Sequence[str], *, running: bool) -> Rows:
    """Add how long each balance stood: until `next_ago`, the day of the customer's next event.

    Within a day only the last event has a length, so the lengths weigh end-of-day balances. `running` makes the
    balance the sum of the amounts so far. Columns added: next_ago, newest (the last event), new_day (0 or 1).
    """
    table = rows.table
    order = [table.ago.desc(), *tie_break(table)]
    if running:
        so_far = ibis.window(group_by=keys, order_by=order, preceding=None, following=0)
        table = table.mutate(balance=whole(table.amount.sum().over(so_far)))
    later = table.ago.lead().over(group_by=keys, order_by=order)
    table = table.mutate(next_ago=later.fill_null(0), newest=later.isnull())
    return replace(rows, table=table.mutate(new_day=(table.next_ago < table.ago).cast("int64")))


def by_day(rows: Rows, keys: Sequence[str]) -> Rows:
    """Sum the events of a day into one row."""
    summed = [name for name in ("amount", "inflow") if name in rows.table.columns]
    lengths = [name for name in rows.table.columns if name.startswith("months_")]
    days = rows.table.group_by([*keys, "day"]).aggregate(
        events=rows.table.count(),
        **{name: whole(rows.table[name].sum()) for name in summed},
        **{name: rows.table[name].max() for name in lengths},
    )
    return replace(rows, table=days.mutate(ago=rows.before(days, days.day)))


def late_runs(rows: Rows, keys: Sequence[str], windows: Collection[Window]) -> ir.Table:
    """Return the runs of consecutive late months, one row per run and customer.

    Columns: keys, latest (the run reaches the last month with an event) and for each window `late_<label>`, its
    months in the window. Gaps and islands: within a customer the number of a late month minus its rank is the same
    along a run.
    """
    longest = max(window.months or 0 for window in windows)
    table = rows.table.mutate(month=rows.month(longest)).filter(rows.inside(Window(longest)))
    months = table.group_by([*keys, "month"]).aggregate(late=table.late.fill_null(False).any())
    months = months.mutate(newest=months.month.min().over(group_by=keys))
    late = months.filter(months.late)
    run = late.month - ibis.row_number().over(group_by=keys, order_by=late.month)  # ranks start at 0
    late = late.mutate(run=run, latest=run == late.newest)
    return late.group_by([*keys, "run", "latest"]).aggregate(
        **{f"late_{window.label}": whole((late.month <= window.months).sum()) for window in windows}
    )
