"""Where the survey's answers stand in a returned sheet: its header, its group, its version."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.forms import background_choices, respondent_columns
from research.fieldwork.instruments.items import GROUP_LABELS, GROUPS
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.intake.cells import key, tidy
from research.fieldwork.intake.faults import (
    ERROR,
    NOTE,
    Fault,
    Table,
    find_table,
    sheet_features,
    skip_labels,
)
from research.fieldwork.intake.sheets import Returned, Sheet, address

_KIND = {"practitioner": ("practitioner", "从业", "员工"), "customer": ("customer", "client", "客户", "顾客")}


def version_faults(returned: Returned, instrument: pd.DataFrame) -> list[Fault]:
    current = form_version(instrument)
    kind, version = returned.stamp.get("form"), returned.stamp.get("version")
    if kind not in {None, "survey", "questionnaire"}:
        raise UserError(f"{returned.path.name}: a form of the kind '{kind}', expected a survey")
    if version not in {None, current}:
        return [Fault("_form", "B2", f"form version {version}", f"form version {current}", NOTE)]
    return []


def survey_table(sheet: Sheet, instrument: pd.DataFrame) -> Table | None:
    items = list(instrument["item"])
    fixed = {name for group in GROUPS for name, _ in respondent_columns(group)}
    table = find_table(sheet, [*items, *fixed, "group"], 4)
    if table is None or not set(items) & set(table.columns):
        return None
    labels: dict[str, set[str]] = {}
    for item in instrument.itertuples():
        labels[item.item] = {tidy(item.wording_en), tidy(item.wording_zh)}
    for group in GROUPS:
        for name, texts in respondent_columns(group):
            labels.setdefault(name, set()).update(map(tidy, texts))
    skip_labels(table, labels)
    return table


def explain_missing_table(sheet: Sheet, faults: list[Fault]) -> None:
    if any(key(sheet.name) == key(label) for label in GROUP_LABELS.values()):
        faults.append(Fault(sheet.name, "A1", "no header row with item ids", "the header rows of the form"))


def group_of(table: Table, instrument: pd.DataFrame) -> str | None:
    if "group" in table.columns:
        return None  # stated row by row
    name = tidy(table.sheet.name).lower()
    named = [group for group, words in _KIND.items() if any(word in name for word in words)]
    if len(named) == 1:
        return named[0]
    for group in GROUPS:
        own = set(instrument.loc[instrument["group"] == group, "item"]) | set(background_choices(group))
        if own & set(table.columns):
            return group
    raise UserError(
        f"{table.sheet.name}: cannot tell whether the respondents are practitioners or customers; name the "
        f"sheet '{GROUP_LABELS['practitioner']}' or add a column 'group'"
    )


def header_faults(table: Table, group: str | None) -> list[Fault]:
    """Return faults of the sheet's name, of repeated columns, and of merged, hidden and formula cells."""
    sheet, row, faults = table.sheet, table.header_row, []
    if group and not any(key(sheet.name) == key(label) for label in GROUP_LABELS.values()):
        faults.append(
            Fault(sheet.name, "A1", f"a renamed sheet (read as {group}s)", GROUP_LABELS[group], NOTE)
        )
    known = {key(name) for name in table.columns}
    names = pd.Series([key(value) for value in sheet.rows[row - 1]])
    for column in np.flatnonzero(names.duplicated() & names.isin(known)):
        found = f"a second column '{names[column]}'"
        faults.append(Fault(sheet.name, address(row, int(column) + 1), found, "each item once"))
    if "respondent_id" not in table.columns:
        faults.append(Fault(sheet.name, f"A{row}", "no column respondent_id", "a code for each respondent"))
    return faults + sheet_features(table)


def missing_items(table: Table, groups: set[str], instrument: pd.DataFrame, old: bool) -> list[Fault]:
    """Return a fault for each item without a column that one of the groups should have been asked."""
    asked = instrument[instrument["group"].isin([*groups, "both"])]
    return [
        Fault(
            table.sheet.name,
            f"A{table.header_row}",
            f"no column {item}" + (" (older form)" if old else ""),
            "all items of the form",
            NOTE if old else ERROR,
        )
        for item in asked["item"]
        if item not in table.columns
    ]
