"""The contact plan as an Excel workbook with an interaction log to fill in."""

from __future__ import annotations

import datetime
import zipfile
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.writer.excel import ExcelWriter

from research.files.inert import inert, plain
from research.files.wholefiles import whole
from research.manage.contacts import CHANNELS
from research.manage.strategies import strategies
from research.tiers import TIERS

MARK = "INTERNAL 内部资料 — personal data of customers; do not pass on outside the bank"
PLAN, LOG, LISTS, GUIDE = "Contact plan", "Interaction log", "Lists", "Read me"
PLAN_HEADERS = {
    "customer_id": ("Customer 客户编号", 16), "tier_label": ("Tier 层级", 20),
    "next_contact": ("Next contact 下次联系", 14),
    "channel": ("Channel 方式", 10), "days_between": ("Every … days 间隔天数", 10), "alert": ("Alert 警示", 44),
    "reasons": ("Why this tier: indicators 分层依据", 70), "rule": ("Why this tier: rule 规则", 44),
    "actions": ("Actions 措施", 60), "purpose": ("Purpose of the contact 联系目的", 40),
    "potential_premium": ("Potential premium 潜在优质", 12), "potential_reason": ("Why potential 潜力依据", 44),
}  # fmt: skip
OUTCOMES = ("reached", "not reached", "call back", "refused", "wrong contact data")
FITS = ("fits", "too strict", "too lenient", "cannot tell")
LOG_COLUMNS: dict[str, tuple[str, int]] = {
    "contact_date": ("Date 日期", 12),
    "customer_id": ("Customer 客户编号", 16),
    "officer": ("Officer 客户经理", 14),
    "channel": ("Channel 方式", 12),
    "outcome": ("Outcome 结果", 16),
    "satisfaction": ("Satisfaction 1–5 满意度", 12),
    "tier_fit": ("Does the tier fit? 分层是否合适", 16),
    "suggested_tier": ("Better tier 建议层级", 14),
    "action": ("Action taken 已采取措施", 34),
    "note": ("Note 备注", 50),
}
LOG_ROWS = 20_000
MOST_ROWS = 1_000_000  # of a sheet; Excel has 1,048,576, with the two above
LONGEST_TEXT = 32_000
EPOCH = (1980, 1, 1, 0, 0, 0)


@lru_cache(maxsize=1000)  # of a million customers many have the same rule and actions
def safe_text(value: str) -> str:
    """Return text that no spreadsheet reads as a formula, without control characters and no longer than a cell."""
    return str(inert(ILLEGAL_CHARACTERS_RE.sub("", str(value))[:LONGEST_TEXT]))


def plain_text(value: object) -> str:
    """Return what a cell says, without the apostrophe that `safe_text` may have added."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return plain(str(value).strip())


class _Archive(zipfile.ZipFile):
    """A zip file whose members carry no time of writing, so that equal content gives equal bytes."""

    def writestr(self, name: Any, data: Any, *args: Any, **kwargs: Any) -> None:
        member = zipfile.ZipInfo(str(name), EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        super().writestr(member, data, compresslevel=6)

    def write(self, filename: Any, arcname: Any = None, *args: Any, **kwargs: Any) -> None:
        member = zipfile.ZipInfo(str(arcname or filename), EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        with Path(filename).open("rb") as source, self.open(member, "w", force_zip64=True) as target:
            while block := source.read(2**20):
                target.write(block)


def write_contact_plan(plan: pd.DataFrame, out: Path, *, start_date: datetime.date, banner: str = "") -> Path:
    """Write the plan and an empty interaction log to a workbook, row by row, so that memory does not grow with it.

    Args:
        plan: from `contacts.contact_plan`; of more than a million customers, each further million has its own sheet.
        out: the `.xlsx` to write.
        start_date: date of the plan; also the workbook's creation date.
        banner: what to say about the data, for example that they are simulated.
    """
    book = Workbook(write_only=True)
    book.properties.creator = "Loan customer stratification study"
    book.properties.title = "Contact plan"
    book.properties.category = book.properties.contentStatus = "INTERNAL"
    book.properties.keywords = "INTERNAL 内部资料; personal data"
    book.properties.description = MARK
    made = datetime.datetime.combine(start_date, datetime.time())
    book.properties.created = book.properties.modified = made
    _guide(book, len(plan), start_date, banner)
    for place in range(0, max(len(plan), 1), MOST_ROWS):
        name = PLAN if place == 0 else f"{PLAN} {place // MOST_ROWS + 1}"
        _plan_sheet(book, name, plan.iloc[place : place + MOST_ROWS], banner)
    _log_sheet(book)
    _lists(book)
    with whole(out) as new:
        new.touch(0o600)
        with _Archive(new, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            ExcelWriter(book, archive).write_data()
    return out


def _styled(
    sheet: Any, text: str, *, bold: bool = False, fill: str = "", wrap: bool = False
) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=text)
    cell.font = Font(bold=bold)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _marked(sheet: Any) -> None:
    sheet.oddHeader.center.text = "INTERNAL 内部资料"
    sheet.oddFooter.left.text = "INTERNAL 内部资料: do not pass on"
    sheet.oddFooter.center.text = "&P / &N"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _guide(book: Workbook, size: int, start: datetime.date, banner: str) -> None:
    sheet = book.create_sheet(GUIDE)
    _marked(sheet)
    sheet.column_dimensions["A"].width = 110
    lines = [
        (MARK, True),
        (banner, True),
        (f"Contact plan of {size:,} customers, from {start.isoformat()}. 客户联系计划", True),
        ("", False),
        (f"'{PLAN}': one row per customer. Filter by date, tier or alert. An alert means that the tier and the "
         "payment record contradict each other: call first.", False),
        (f"'{LOG}': one row per contact. The marked columns have drop-downs. Send this workbook back; the log is read "
         "and shown in the monitoring report.", False),
        ("The reasons say by which indicators a customer stands out among all customers; they are no judgement of a "
         "person and not for the customer's eyes.", False),
        ("Effects and cadence are assumptions; the study's report on strategies lists them with their sources.", False),
    ]  # fmt: skip
    for text, bold in lines:
        if text or not bold:
            sheet.append([_styled(sheet, text, bold=bold, wrap=True)])


def _plan_sheet(book: Workbook, name: str, plan: pd.DataFrame, banner: str) -> None:
    sheet = book.create_sheet(name)
    _marked(sheet)
    for place, (_, width) in enumerate(PLAN_HEADERS.values(), 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "B3"
    sheet.auto_filter.ref = f"A2:{get_column_letter(len(PLAN_HEADERS))}{len(plan) + 2}"
    sheet.append([_styled(sheet, f"{MARK} {banner}".strip(), bold=True, fill="FFF2CC")])
    sheet.append([_styled(sheet, label, bold=True, fill="E9ECEF") for label, _ in PLAN_HEADERS.values()])
    date_cell = WriteOnlyCell(sheet)  # each row is written before the next is built, so that one serves all
    date_cell.number_format = "yyyy-mm-dd"
    names = list(PLAN_HEADERS)
    for row in plan.reset_index()[names].itertuples(index=False, name=None):
        cells: list[Any] = []
        for name, value in zip(names, row, strict=True):
            if name == "next_contact":
                date_cell.value = value
                cells.append(date_cell)
            elif name == "days_between":
                cells.append(int(value))
            elif name == "potential_premium":
                cells.append("yes 是" if value else None)
            else:
                cells.append(safe_text(value) or None)
        sheet.append(cells)


def _log_sheet(book: Workbook) -> None:
    sheet = book.create_sheet(LOG)
    _marked(sheet)
    for place, (_, width) in enumerate(LOG_COLUMNS.values(), 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "A2"
    options = choices()
    for letter, (name, given) in zip("ABCDEFGH", options.items(), strict=False):
        place = f"{LISTS}!${letter}$2:${letter}${len(given) + 1}"
        told = f"Choose from the list: {', '.join(given)[:200]}"
        _only(sheet, name, told, "Not in the list", type="list", formula1=place)
    _only(
        sheet, "contact_date", "A date after 2000-01-01", "Not a date", type="date", operator="greaterThan",
        formula1="36526",
    )  # fmt: skip
    _only(
        sheet, "satisfaction", "A whole number from 1 to 5", "Not on the scale", type="whole", operator="between",
        formula1="1", formula2="5",
    )  # fmt: skip
    sheet.append([
        _styled(sheet, label, bold=True, fill="DCEBFA" if key in options else "E9ECEF")
        for key, (label, _) in LOG_COLUMNS.items()
    ])  # fmt: skip


def _only(sheet: Any, key: str, told: str, title: str, **allowed: str) -> None:
    """Let a column of the log take some values only, and say which."""
    letter = get_column_letter(list(LOG_COLUMNS).index(key) + 1)
    rule = DataValidation(**allowed, allow_blank=True, showErrorMessage=True, error=told, errorTitle=title)
    rule.add(f"{letter}2:{letter}{LOG_ROWS + 1}")
    sheet.data_validations.append(rule)


def choices() -> dict[str, tuple[str, ...]]:
    """Return the columns of the log that have a drop-down, with what may be chosen."""
    actions = tuple(dict.fromkeys(strategies()["action"]))
    return {
        "channel": CHANNELS,
        "outcome": OUTCOMES,
        "tier_fit": FITS,
        "suggested_tier": TIERS,
        "action": actions,
    }


def _lists(book: Workbook) -> None:
    sheet = book.create_sheet(LISTS)
    _marked(sheet)
    sheet.append(list(choices()))
    for row in zip_longest(*choices().values()):
        sheet.append(row)
