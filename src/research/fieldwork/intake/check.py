"""Check a returned file of any kind, and mark its faults in a copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils.cell import coordinate_from_string
from openpyxl.worksheet.worksheet import Worksheet

from research.errors import UserError
from research.fieldwork.instruments.codebook import read_codebook
from research.fieldwork.instruments.items import survey_items
from research.fieldwork.instruments.workbook import page, save, set_widths
from research.fieldwork.intake.coding import examine_coding
from research.fieldwork.intake.comparisons import examine_ahp
from research.fieldwork.intake.decisions import examine_decisions
from research.fieldwork.intake.disclosure import examine_disclosure
from research.fieldwork.intake.faults import ERROR, Fault, find_table
from research.fieldwork.intake.judgements import examine_vignettes
from research.fieldwork.intake.sheets import Returned, open_returned
from research.fieldwork.intake.survey import examine_survey
from research.files.archive import parsing
from research.files.inert import inert

_FILLS = {ERROR: PatternFill("solid", fgColor="F4A6A0"), "note": PatternFill("solid", fgColor="FBE08A")}
_LIST = "faults 问题清单"
EXAMINED: dict[str, Callable[[Returned], tuple]] = {  # kind of form → what reads it; faults come last
    "survey": lambda returned: examine_survey(returned, survey_items()),
    "coding": lambda returned: examine_coding(returned, read_codebook()),
    "consensus": lambda returned: examine_coding(returned, read_codebook()),
    "disclosure": examine_disclosure,
    "resolution": examine_decisions,
    "vignettes": examine_vignettes,
    "ahp": examine_ahp,
}


def kind_of(returned: Returned) -> str:
    """Return survey, coding, vignettes, ahp or what else the stamp says; without one, what the columns say."""
    stated = returned.stamp.get("form", "")
    if stated:
        return "survey" if stated == "questionnaire" else stated
    for kind, keys in (
        ("coding", ["document", "segment", "code_1"]),
        ("vignettes", ["vignette", "tier"]),
        ("ahp", ["left", "right", "degree"]),
    ):
        if any(find_table(sheet, keys, len(keys)) for sheet in returned.sheets):
            return kind
    return "survey"


def check(path: str | Path) -> list[Fault]:
    """Return all faults of a returned file, in the order of its sheets and cells; none when it is clean.

    Raises:
        UserError: the file cannot be read as any form at all.
    """
    returned = open_returned(path)
    kind = kind_of(returned)
    examine = EXAMINED.get(kind)
    if examine is None:
        raise UserError(f"{returned.path.name}: a form of the unknown kind '{kind}'")
    faults = examine(returned)[-1]
    order = {sheet.name: n for n, sheet in enumerate(returned.sheets)}
    return sorted(faults, key=lambda fault: (order.get(fault.sheet, -1), _place(fault.cell)))


def annotate(path: str | Path, out: str | Path, faults: list[Fault] | None = None) -> Path:
    """Write a copy of a returned file with each fault filled and commented, and a list of all faults; return its path.

    Errors are red, notes yellow. The copy is an .xlsx without macros and links to other files, its formulas are text:
    what somebody returned must not run when the copy is opened. The original is only read.

    Raises:
        UserError: `out` is the original, or has the wrong ending.
    """
    path, out = Path(path), Path(out)
    if out.exists() and path.samefile(out):
        raise UserError(f"{out}: the copy would replace the original; give another name")
    faults = check(path) if faults is None else faults
    if out.suffix.lower() != ".xlsx":
        raise UserError(f"{out.name}: the annotated copy of {path.name} must end in .xlsx")
    with parsing(path):
        return _marked(_copy(path), faults, out)


def _marked(book: Workbook, faults: list[Fault], out: Path) -> Path:
    by_cell: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in faults:
        by_cell[fault.sheet, fault.cell.split(":")[0]].append(fault)
    for (name, cell), found in by_cell.items():
        if name in book.sheetnames:
            _mark(book[name], cell, found)
    if _LIST in book.sheetnames:
        del book[_LIST]
    _add_list(book.create_sheet(_LIST, 0), faults)
    book.active = 0
    return save(book, out)


def _add_list(sheet: Worksheet, faults: list[Fault]) -> None:
    sheet.append(["sheet", "cell", "level", "found 发现", "expected 应为"])
    for fault in faults:
        sheet.append([fault.sheet, fault.cell, fault.level, inert(fault.found), inert(fault.expected)])
        sheet.cell(sheet.max_row, 3).fill = _FILLS[fault.level]
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    set_widths(sheet, [24, 10, 9, 60, 60])
    sheet.freeze_panes = "A2"
    page(sheet, landscape=True, titles="1:1")


def _copy(path: Path) -> Workbook:
    returned = open_returned(path)  # refuses what is unsafe or unreadable
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        book = load_workbook(path, keep_links=False)
        for sheet in book.worksheets:
            for cell in (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"):
                cell.value = inert(str(getattr(cell.value, "text", cell.value)))
        return book
    book = Workbook()
    book.active.title = returned.sheets[0].name[:31]
    for row in returned.sheets[0].rows:
        book.active.append([inert(value) for value in row])
    return book


def _mark(sheet: Worksheet, cell: str, faults: list[Fault]) -> None:
    target = sheet[cell]
    target = next(
        (sheet.cell(area.min_row, area.min_col) for area in sheet.merged_cells.ranges if cell in area), target
    )
    target.fill = _FILLS[ERROR if any(f.level == ERROR for f in faults) else "note"]
    text = "\n".join(f"{f.found} — expected 应为: {f.expected}" for f in faults)
    target.comment = Comment(
        text, "check", width=320, height=40 + 22 * len(text.splitlines()) + len(text) // 3
    )


def _place(cell: str) -> tuple[int, str]:
    column, row = coordinate_from_string(cell.split(":")[0])
    return row, column.rjust(3)
