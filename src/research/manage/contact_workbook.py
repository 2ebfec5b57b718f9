"""The contact plan as an Excel workbook with an interaction log to fill in."""

from __future__ import annotations

import datetime
import tempfile
import zipfile
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

from research.errors import UserError
from research.inert import inert, plain
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


def safe_text(value: object) -> str:
    """Return text that no spreadsheet reads as a formula: an apostrophe goes before a leading = + - @, tab or return.

    Control characters that a workbook cannot hold are dropped, overlong text is cut.
    """
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
        out: the `.xlsx` to write; an existing file is replaced once the new one is complete.
        start_date: date of the plan; also the workbook's creation date.
        banner: what to say about the data, for example that they are simulated.

    Raises:
        UserError: the name does not end in .xlsx, or the folder cannot be written to.
    """
    out = Path(out)
    if out.suffix.lower() != ".xlsx":
        raise UserError(f"{out}: found '{out.suffix}', expected a file name ending in .xlsx")
    book = Workbook(write_only=True)
    book.properties.creator = "Loan customer stratification study"
    book.properties.title = "Contact plan"
    book.properties.category = book.properties.contentStatus = "INTERNAL"
    book.properties.keywords = "INTERNAL 内部资料; personal data"
    book.properties.description = MARK
    book.properties.created = book.properties.modified = datetime.datetime.combine(
        start_date, datetime.time()
    )
    _guide(book, len(plan), start_date, banner)
    for place in range(0, max(len(plan), 1), MOST_ROWS):
        name = PLAN if place == 0 else f"{PLAN} {place // MOST_ROWS + 1}"
        _plan_sheet(book, name, plan.iloc[place : place + MOST_ROWS], banner)
    _log_sheet(book)
    _lists(book)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".", suffix=".xlsx", delete=False) as target:
            temporary = Path(target.name)
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror})") from None
    try:
        with _Archive(temporary, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            ExcelWriter(book, archive).write_data()
        temporary.chmod(0o600)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


def _styled(
    sheet: Any, text: object, *, bold: bool = False, fill: str = "", wrap: bool = False
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
    frame = plan.reset_index()
    names = list(PLAN_HEADERS)
    date_place, flag_place, number_place = (
        names.index(n) for n in ("next_contact", "potential_premium", "days_between")
    )
    dates = frame["next_contact"].dt.to_pydatetime() if len(frame) else []
    date_cell = WriteOnlyCell(
        sheet
    )  # each row is written before the next is built, so one styled cell serves all
    date_cell.number_format = "yyyy-mm-dd"
    texts: dict[object, str] = {}
    for day, row in zip(dates, frame[names].itertuples(index=False, name=None), strict=True):
        cells: list[Any] = []
        for place, value in enumerate(row):
            if place == date_place:
                date_cell.value = day
                cells.append(date_cell)
            elif place == number_place:
                cells.append(int(value))
            elif place == flag_place:
                cells.append("yes 是" if value else None)
            else:
                text = texts.get(value)
                if text is None:
                    text = safe_text(value)
                    if len(texts) < 1000:
                        texts[value] = text
                cells.append(text or None)
        sheet.append(cells)


def _log_sheet(book: Workbook) -> None:
    sheet = book.create_sheet(LOG)
    _marked(sheet)
    for place, (_, width) in enumerate(LOG_COLUMNS.values(), 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "A2"
    keys = list(LOG_COLUMNS)
    for place, (name, options) in enumerate(choices().items(), 1):
        letter = get_column_letter(place)
        rule = DataValidation(
            type="list", formula1=f"{LISTS}!${letter}$2:${letter}${len(options) + 1}", allow_blank=True
        )
        rule.error, rule.errorTitle = f"Choose from the list: {', '.join(options)[:200]}", "Not in the list"
        rule.showErrorMessage = True
        column = get_column_letter(keys.index(name) + 1)
        rule.add(f"{column}2:{column}{LOG_ROWS + 1}")
        sheet.data_validations.append(rule)
    dates = DataValidation(type="date", operator="greaterThan", formula1="36526", allow_blank=True)
    dates.error, dates.errorTitle, dates.showErrorMessage = "A date after 2000-01-01", "Not a date", True
    dates.add(f"A2:A{LOG_ROWS + 1}")
    scale = DataValidation(type="whole", operator="between", formula1="1", formula2="5", allow_blank=True)
    scale.error, scale.errorTitle, scale.showErrorMessage = (
        "A whole number from 1 to 5",
        "Not on the scale",
        True,
    )
    column = get_column_letter(keys.index("satisfaction") + 1)
    scale.add(f"{column}2:{column}{LOG_ROWS + 1}")
    sheet.data_validations.append(dates)
    sheet.data_validations.append(scale)
    sheet.append([
        _styled(sheet, label, bold=True, fill="DCEBFA" if key in choices() else "E9ECEF")
        for key, (label, _) in LOG_COLUMNS.items()
    ])  # fmt: skip


def choices() -> dict[str, tuple[str, ...]]:
    """Return the columns of the log that have a drop-down, with what may be chosen."""
    return {
        "channel": CHANNELS,
        "outcome": OUTCOMES,
        "tier_fit": FITS,
        "suggested_tier": TIERS,
        "action": tuple(dict.fromkeys(strategies()["action"])),
    }


def _lists(book: Workbook) -> None:
    sheet = book.create_sheet(LISTS)
    _marked(sheet)
    options = choices()
    sheet.append(list(options))
    for place in range(max(map(len, options.values()))):
        sheet.append([values[place] if place < len(values) else None for values in options.values()])
