"""Faults of a returned workbook, and the first look at a sheet: where its header is and which form it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl.utils import column_index_from_string

from research.errors import UserError
from research.fieldwork.instruments.columns import Column, keys
from research.fieldwork.intake.cells import Reading, key, read_choice, read_duration, read_number, tidy
from research.fieldwork.intake.sheets import Sheet, address

ERROR, NOTE = "error", "note"
_HEADER_ROWS = 15


@dataclass(frozen=True)
class Fault:
    """One fault. An `error` loses an answer or a sheet; a `note` was understood, but should be looked at."""

    sheet: str
    cell: str
    found: str
    expected: str
    level: str = ERROR

    def __str__(self) -> str:
        return f"{self.sheet}!{self.cell} — {self.found} — {self.expected}"


@dataclass
class Table:
    """The table of a sheet: columns by key (1-based) and the first row of data."""

    sheet: Sheet
    header_row: int
    columns: dict[str, int]
    first_row: int

    def value(self, row: int, name: str) -> object:
        """Return the value in a 1-based row under a key; None where there is no such column or cell."""
        column = self.columns.get(name)
        values = self.sheet.rows[row - 1]
        return values[column - 1] if column is not None and column <= len(values) else None

    def cell(self, row: int, name: str) -> str:
        """Return the address of a cell under a key."""
        return address(row, self.columns[name])

    def fault(self, row: int, name: str, found: str, expected: str, level: str = ERROR) -> Fault:
        """Return a fault of the cell under a key."""
        return Fault(self.sheet.name, self.cell(row, name), found, expected, level)

    def data_rows(self) -> Iterable[int]:
        """Yield the 1-based rows of data that hold anything in the table's columns."""
        for row in range(self.first_row, len(self.sheet.rows) + 1):
            values = self.sheet.rows[row - 1]
            if any(c <= len(values) and tidy(values[c - 1]) for c in self.columns.values()):
                yield row


def find_table(sheet: Sheet, keys: Sequence[str], enough: int) -> Table | None:
    """Return the table whose header, in one of the first rows, has at least `enough` of the keys; None if none has."""
    wanted = {key(name): name for name in keys}
    best: tuple[int, dict[str, int]] = (0, {})
    for number, values in enumerate(sheet.rows[:_HEADER_ROWS], start=1):
        found: dict[str, int] = {}
        for column, value in enumerate(values, start=1):
            name = wanted.get(key(value)) if isinstance(value, str) else None
            if name is not None:
                found.setdefault(name, column)
        if len(found) > len(best[1]):
            best = (number, found)
    row, columns = best
    if len(columns) < max(enough, 1):
        return None
    return Table(sheet, row, columns, row + 1)


def form_table(
    sheet: Sheet, columns: Sequence[Column], enough: int, needed: Iterable[str] = ()
) -> Table | None:
    """Return the table of a form, its first row below the headings; None where a needed column or most are missing."""
    table = find_table(sheet, keys(columns), enough)
    if table is None or not set(needed) <= set(table.columns):
        return None
    labels: dict[str, set[str]] = {}
    for column in columns:
        labels.setdefault(column.key, set()).update((tidy(column.english), tidy(column.chinese)))
    for row in range(table.header_row + 1, min(table.header_row + 4, len(sheet.rows)) + 1):
        filled = [name for name in table.columns if tidy(table.value(row, name))]
        same = [name for name in filled if tidy(table.value(row, name)) in labels[name]]
        if filled and 2 * len(same) >= len(filled):
            table.first_row = row + 1
    return table


def labelled_value(sheet: Sheet, name: str, before: int = _HEADER_ROWS) -> tuple[object, str]:
    """Return the value right of the cell that begins with `name ·`, and its address ("" when there is none)."""
    for number, values in enumerate(sheet.rows[:before], start=1):
        for column, value in enumerate(values, start=1):
            if isinstance(value, str) and tidy(value).lower().split("·")[0].strip() == name:
                return (values[column] if column < len(values) else None), address(number, column + 1)
    return None, ""


def sheet_features(table: Table) -> list[Fault]:
    """Return faults of merged, hidden and formula cells inside the table's data."""
    sheet, faults = table.sheet, []
    used = set(table.columns.values())
    rows = set(table.data_rows())
    for area in sheet.merged:
        first, _, last = area.partition(":")
        if (_row(last or first) >= table.first_row) and _columns(first, last) & used:
            faults.append(Fault(sheet.name, area, "merged cells", "one answer in each cell; undo the merge"))
    for row in sorted(sheet.hidden_rows & rows):
        faults.append(Fault(sheet.name, f"A{row}", "a hidden row with answers (read)", "a visible row", NOTE))
    for letter in sorted(sheet.hidden_columns):
        names = [name for name, column in table.columns.items() if address(1, column)[:-1] == letter]
        if names:
            faults.append(
                Fault(
                    sheet.name,
                    f"{letter}{table.header_row}",
                    f"hidden column '{names[0]}' (read)",
                    "a visible column",
                    NOTE,
                )
            )
    return faults


def read_cell(table: Table, row: int, column: Column) -> tuple[object, list[Fault]]:
    """Return what a cell says under a column of a form, and the fault when it was unusual, lost, or a formula."""
    return judge(table, row, column, reading(column, table.value(row, column.key)))


def reading(column: Column, value: object) -> Reading:
    """Read a value as a column of a form asks for it."""
    if column.kind == "choice":
        return read_choice(value, column.options)
    if column.kind == "duration":
        return read_duration(value)
    if column.kind == "text":
        return Reading(tidy(int(value) if isinstance(value, float) and value.is_integer() else value))
    return read_number(value, column.low, column.high, whole=column.kind == "whole", labels=column.labels)


def judge(table: Table, row: int, column: Column, read: Reading) -> tuple[object, list[Fault]]:
    """Return the value that a reading gives and the fault of its cell, see `read_cell`."""
    cell, expected = table.cell(row, column.key), column.expected
    formula = cell in table.sheet.formulas
    if read.lost or (formula and read.value is None):
        found = read.found if read.lost else "a formula without a stored value"
        return None, [Fault(table.sheet.name, cell, found, expected)]
    if formula:
        found = f"a formula; its stored value {read.value} was read"
        return read.value, [Fault(table.sheet.name, cell, found, f"{expected}, typed", NOTE)]
    if read.found:
        taken = "read as empty" if read.value is None else f"read as {_plain(read.value)}"
        return read.value, [Fault(table.sheet.name, cell, f"{read.found}, {taken}", expected, NOTE)]
    return read.value, []


def stop_on_errors(faults: list[Fault], where: str, *, marked: bool = True) -> None:
    """Raise UserError when there are errors, listing the first ten; `marked`: a form that `check` knows."""
    errors = [fault for fault in faults if fault.level == ERROR]
    if errors:
        lines = [str(fault) for fault in errors[:10]]
        more = f"\n… and {len(errors) - 10} more" if len(errors) > 10 else ""
        hint = "; `research fieldwork check` marks them in a copy" if marked else ""
        count = "1 fault" if len(errors) == 1 else f"{len(errors)} faults"
        raise UserError(f"{where}: {count}{hint}\n" + "\n".join(lines) + more)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(cell: str) -> int:
    return int("".join(c for c in cell if c.isdigit()) or 0)


def _columns(first: str, last: str) -> set[int]:
    letters = ["".join(c for c in cell if c.isalpha()) for cell in (first, last or first)]
    return set(range(column_index_from_string(letters[0]), column_index_from_string(letters[1]) + 1))
