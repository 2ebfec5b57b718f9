"""Strategies of the tiers (T1-T4): actions, the lever each one pulls, its assumed effect and where that comes from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from research.errors import UserError, nearest
from research.paths import DEFINITIONS
from research.tiers import LABELS, LABELS_ZH, TIERS

TIER_LABELS = {tier: (LABELS[tier], LABELS_ZH[tier]) for tier in TIERS}
FAMILIES = ("risk management", "value uplift", "need satisfaction")
KINDS = ("effect", "decision")
STATUSES = ("size verified", "direction verified", "no source")

# Lever of the simulation and the range an effect on it can have.
LEVERS: dict[str, tuple[float, float]] = {
    "pd": (-1.0, 1.0),
    "lgd": (-1.0, 1.0),
    "decline": (0.0, 1.0),
    "growth": (-1.0, 1.0),
    "rate": (-1.0, 1.0),
    "cross_sell": (0.0, 5.0),
    "churn": (-1.0, 1.0),
    "hours": (-1.0, 2.0),
}
COLUMNS = (
    "id", "tier", "family", "claim", "action", "action_zh", "lever", "low", "base", "high", "unit", "kind", "hours",
    "source", "source_status", "source_url", "source_says", "falsified_by",
)  # fmt: skip
NUMBERS = ("low", "base", "high", "hours")
CHOICES = {
    "tier": TIERS,
    "family": FAMILIES,
    "lever": tuple(LEVERS),
    "kind": KINDS,
    "source_status": STATUSES,
}


def strategies(path: Path = DEFINITIONS / "strategies.csv") -> pd.DataFrame:
    """Read and check the table of strategies.

    Returns:
        One row per action and lever. `low` is the pessimistic end, `high` the optimistic one; `hours` are officer
        hours per customer and year; `kind` is `effect` (how customers respond, unknown) or `decision` (what the
        bank gives or refuses, chosen); `source_status` says whether the size, only the direction or nothing of
        the effect was found in a source.

    Raises:
        UserError: a column is missing or a value does not fit; the message names file, row and column.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise UserError(f"{path.name}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    table = table.loc[:, list(COLUMNS)]
    for column in NUMBERS:
        values = pd.to_numeric(table[column], errors="coerce").replace([np.inf, -np.inf], np.nan)
        table[column] = values.astype(object).where(values.notna(), table[column])
    for (row, entry), twice in zip(table.iterrows(), table.duplicated(["id", "lever"]), strict=True):
        if fault := _fault(entry) or (twice and f": action {entry['id']} pulls lever {entry['lever']} twice"):
            raise UserError(f"{path.name}, row {row + 2}{fault}")
    for action, rows in table.groupby("id", sort=False):
        for column in ("tier", "family", "claim", "action", "action_zh"):
            if rows[column].nunique() > 1:
                raise UserError(f"{path.name}: action {action} has more than one {column}")
    return table.astype(dict.fromkeys(NUMBERS, float))


def _fault(entry: pd.Series) -> str:
    """Return what does not fit in a row of the table, empty when all does."""
    for column, options in CHOICES.items():
        if entry[column] not in options:
            return f", column {column}: found '{entry[column]}'{nearest(entry[column], options)}"
    for column in ("id", "claim", "action", "action_zh", "unit", "source", "falsified_by"):
        if not entry[column].strip():
            return f", column {column}: found nothing, expected text"
    for column in NUMBERS:
        if isinstance(entry[column], str):
            return f", column {column}: found '{entry[column]}', expected a number"
    low, base, high, hours = entry[list(NUMBERS)]
    if not (low <= base <= high or low >= base >= high):
        return f": base {base:g} is not between low {low:g} and high {high:g}"
    least, most = LEVERS[entry["lever"]]
    if min(low, high) < least or max(low, high) > most:
        return f": {low:g} to {high:g} leaves the range of lever {entry['lever']}, {least:g} to {most:g}"
    if hours < 0:
        return f", column hours: found {hours:g}, expected zero or more"
    if (entry["source_status"] == "no source") != (entry["source_url"] == ""):
        return f": source_status '{entry['source_status']}' does not fit source_url"
    return ""


def actions(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per action: `id`, `tier`, `family`, `action`, `action_zh`, `hours` (added over its levers)."""
    first = ["tier", "family", "action", "action_zh"]
    grouped = table.groupby("id", sort=False)
    return grouped[first].first().assign(hours=grouped["hours"].sum()).reset_index()
