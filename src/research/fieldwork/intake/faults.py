"""Faults of a returned workbook, and the first look at a sheet: where its header is and which form it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter, range_boundaries

from research.errors import UserError
from research.fieldwork.instruments.columns import Column, keys
from research.fieldwork.intake.cells import Reading, key, read_choice, read_duration, read_number, tidy
from research.fieldwork.intake.sheets import Returned, Sheet, address

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


def form_tables(
    returned: Returned, columns: Sequence[Column], enough: int, needed: Sequence[str]
) -> list[Table]:
    """Return the tables of a form in a file, see `form_table`. Raises UserError when there is none."""
    tables = [form_table(sheet, columns, enough, needed) for sheet in returned.sheets]
    found = [table for table in tables if table is not None]
    if not found:
        raise UserError(
            f"{returned.path.name}: no sheet with the columns {', '.join(needed[:-1])} and {needed[-1]}; sheets: "
            f"{', '.join(sheet.name for sheet in returned.sheets)}"
        )
    return found


def check_kind(returned: Returned, *kinds: str) -> None:
    """Raise UserError for a form of another kind than these; a file without a stamp may be any."""
    stated = returned.stamp.get("form", kinds[0])
    if key(stated) not in kinds:
        raise UserError(f"{returned.path.name}: a form of the kind '{stated}', expected '{kinds[0]}'")


def version_faults(returned: Returned, current: str, what: str = "form") -> list[Fault]:
    """Return a note when a form was made from another definition than the current one."""
    version = returned.stamp.get("version")
    if version in {None, current}:
        return []
    return [Fault("_form", "B2", f"{what} version {version}", f"{what} version {current}", NOTE)]


def labelled_value(sheet: Sheet, name: str) -> tuple[object, str]:
    """Return the value right of the cell that begins with `name ·`, and its address ("A1" when there is none)."""
    for number, values in enumerate(sheet.rows[:_HEADER_ROWS], start=1):
        for column, value in enumerate(values, start=1):
            if isinstance(value, str) and tidy(value).lower().split("·")[0].strip() == name:
                return (values[column] if column < len(values) else None), address(number, column + 1)
    return None, "A1"


def sheet_features(table: Table) -> list[Fault]:
    """Return faults of merged, hidden and formula cells inside the table's data."""
    sheet, faults = table.sheet, []
    for area in sheet.merged:
        left, _, right, last = range_boundaries(area)
        if last >= table.first_row and not set(range(left, right + 1)).isdisjoint(table.columns.values()):
            faults.append(Fault(sheet.name, area, "merged cells", "one answer in each cell; undo the merge"))
    for row in sorted(sheet.hidden_rows & set(table.data_rows())):
        faults.append(Fault(sheet.name, f"A{row}", "a hidden row with answers (read)", "a visible row", NOTE))
    letters = {get_column_letter(column): name for name, column in table.columns.items()}
    for letter in sorted(sheet.hidden_columns & set(letters)):
        place, found = f"{letter}{table.header_row}", f"hidden column '{letters[letter]}' (read)"
        faults.append(Fault(sheet.name, place, found, "a visible column", NOTE))
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
