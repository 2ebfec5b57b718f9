"""What authors say of a language model that coded interviews, out of their forms."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from research.errors import UserError, nearest
from research.fieldwork.instruments.disclosure_form import DISCLOSED, items
from research.fieldwork.intake.cells import Reading, read_number, tidy
from research.fieldwork.intake.faults import (
    Fault,
    check_kind,
    form_tables,
    labelled_value,
    stop_on_errors,
)
from research.fieldwork.intake.sheets import WORKBOOKS, Returned, expand, open_returned
from research.files.textfiles import is_file, read_bytes

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_EXPECTED = {
    "date": "a day such as 2026-05-31",
    "whole": "a whole number from 1 up",
    "number": "a number from 0 up",
    "file": "the name of a file in the folder of this form",
    "sha256": "64 digits 0-9 a-f, those of the prompt given here",
}


def read_disclosures(paths: Sequence[str | Path]) -> dict[str, dict[str, str]]:
    """Return the name of each model in the codings → item → answer, of the items that are answered.

    The SHA-256 of the prompt, or of its file, is computed where the form has none.

    Raises:
        UserError: a file cannot be read, has faults, or a model has two forms.
    """
    found: dict[str, dict[str, str]] = {}
    for path in expand(list(paths), WORKBOOKS) if paths else []:
        coder, answers, faults = examine_disclosure(open_returned(path))
        stop_on_errors(faults, path.name)
        if coder in found:
            raise UserError(f"{path.name}: model '{coder}' has another form; expected one for each")
        found[coder] = answers
    return found


def examine_disclosure(returned: Returned) -> tuple[str, dict[str, str], list[Fault]]:
    """Return whose form it is, item → answer, and the faults."""
    check_kind(returned, "disclosure")
    table = form_tables(returned, DISCLOSED, 2, ("item", "answer"))[0]
    value, cell = labelled_value(table.sheet, "coder")
    coder, faults = tidy(value), []
    if not coder:
        faults.append(Fault(table.sheet.name, cell, "no name", "the model's name in the codings"))
    kinds = items().set_index("item")["kind"]
    answers: dict[str, str] = {}
    cells: dict[str, str] = {}
    for row in table.data_rows():
        item = tidy(table.value(row, "item"))
        if item not in kinds or item in cells:
            odd = "a second time" if item in cells else f"no item{nearest(item, kinds.index)}"
            faults.append(table.fault(row, "item", f"'{item}', {odd}", "the items as they were written"))
            continue
        cells[item] = table.cell(row, "answer")
        read = _read(table.value(row, "answer"), kinds[item], returned.path.parent)
        if read.lost:
            faults.append(table.fault(row, "answer", read.found, _EXPECTED[kinds[item]]))
        elif read.value:
            answers[item] = read.value
    for item, told in _contradictions(answers, returned):
        faults.append(Fault(table.sheet.name, cells[item], *told))
    return coder, answers, faults


def _read(value: object, kind: str, folder: Path) -> Reading:
    """An answer as text; empty where there is none."""
    text = str(value).strip() if value is not None else ""
    if not text:
        return Reading("")
    if kind == "date":
        match = _DAY.fullmatch(tidy(text))
        try:
            day = value if isinstance(value, dt.date) else dt.date(*map(int, match.groups() if match else ()))
        except (TypeError, ValueError):
            return Reading(None, f"'{tidy(text)[:60]}'", lost=True)
        return Reading(f"{day:%Y-%m-%d}")
    if kind in {"whole", "number"}:
        whole = kind == "whole"
        read = read_number(value, 1 if whole else 0, whole=whole)
        return read if read.value is None else Reading(f"{read.value:g}")
    odd = (kind == "file" and not (Path(text).name == text and is_file(folder / text))) or (
        kind == "sha256" and not re.fullmatch("[0-9a-fA-F]{64}", text)
    )
    return Reading(None, f"'{tidy(text)[:60]}'", lost=True) if odd else Reading(text)


def _contradictions(answers: dict[str, str], returned: Returned) -> list[tuple[str, tuple[str, str]]]:
    """Item and fault of answers that exclude each other; and add the SHA-256 of the prompt."""
    found = []
    if answers.get("last_day", "9") < answers.get("first_day", ""):
        found.append(("last_day", (answers["last_day"], f"no day before the first, {answers['first_day']}")))
    prompt = answers.get("prompt", "").encode()
    if name := answers.get("prompt_file"):
        prompt = read_bytes(returned.path.parent / name)
    if prompt:
        own = hashlib.sha256(prompt).hexdigest()
        if answers.setdefault("prompt_sha256", own).lower() != own:
            found.append(("prompt_sha256", ("another SHA-256", f"that of the prompt given here, {own}")))
        answers.setdefault("prompt", "In the file named below.")  # either of the two is enough
        answers.setdefault("prompt_file", "The prompt stands above.")
    return found
