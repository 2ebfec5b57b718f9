"""Behaviour features of customers from their transactions: recency, frequency, amount, trend, balance, late months.

The features are written once, as Ibis expressions, and run on DuckDB within a memory limit or on Spark. Both give the
same bytes: money is counted in whole cents, every ordering has a tie-break, days are those of UTC, and one place
divides and writes. An event counts when its day is strictly before the customer's reference date.
"""

from research.collect.events.roles import Roles, read_roles
from research.collect.events.windows import Window, parse_windows
from research.collect.events.write import ENGINES, Limits, check_out, write_features

__all__ = [
    "ENGINES",
    "Limits",
    "Roles",
    "Window",
    "check_out",
    "parse_windows",
    "read_roles",
    "write_features",
]
