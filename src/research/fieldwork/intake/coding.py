"""Codings of interviews out of the coders' workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from research.errors import UserError, about, nearest
from research.fieldwork.instruments import codebook as codes
from research.fieldwork.instruments.columns import keys
from research.fieldwork.instruments.layout import CODING, SLOTS, UNIT
from research.fieldwork.instruments.stamp import form_version
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    check_kind,
    form_tables,
    labelled_value,
    sheet_features,
    stop_on_errors,
    version_faults,
)
from research.fieldwork.intake.sheets import WORKBOOKS, Returned, expand, open_returned


class Coding(NamedTuple):
    """What coders returned: codings, the units that they saw, their memos, and who saw which document."""

    codings: pd.DataFrame
    units: pd.DataFrame
    memos: pd.DataFrame
    assignments: pd.DataFrame


def read_coding(
    paths: str | Path | Sequence[str | Path],
    *,
    codebook: pd.DataFrame | None = None,
) -> Coding:
    """Return the codings of one or more coders.

    Args:
        paths: coding workbooks, or a folder of them; see `coding_workbooks`.
        codebook: see `codebook.read_codebook`; the starting codebook when not given.

    Returns:
        codings: coder, document, segment, code (each once); units: document, segment, text, participant, group (the
        union over coders, in the order met); memos: coder, document, segment, memo; assignments: coder, document.

    Raises:
        UserError: a file cannot be read, coders saw different texts under one segment id, a coder is there twice, or
            there are faults.
    """
    codebook = codes.read_codebook() if codebook is None else codebook
    parts: list[Coding] = []
    opened = coding_workbooks(paths)
    for returned in opened:
        part, faults = examine_coding(returned, codebook)
        stop_on_errors(faults, returned.path.name)
        parts.append(part)
    with about(*(returned.path for returned in opened)):
        return _joined(parts)


def coding_workbooks(paths: str | Path | Sequence[str | Path]) -> list[Returned]:
    """Open the coders' workbooks; in a folder, other forms (a consensus, decisions, a disclosure) are passed over.

    Raises:
        UserError: a file cannot be read, or a consensus is named beside coders: it is made of their codings.
    """
    named = {Path(paths)} if isinstance(paths, (str, Path)) else set(map(Path, paths))
    opened = [open_returned(path) for path in expand(paths, WORKBOOKS)]
    opened = [one for one in opened if one.path in named or one.stamp.get("form", "coding") == "coding"]
    for one in opened:
        if one.stamp.get("form") == "consensus" and len(opened) > 1:
            raise UserError(
                f"{one.path.name}: the consensus of coders, and no coder of its own; name it alone, or the coders' own "
                "workbooks"
            )
    if not opened:
        raise UserError(f"{', '.join(map(str, named))}: no coding workbook")
    return opened


def _joined(parts: list[Coding]) -> Coding:
    codings, units, memos, assignments = (
        pd.concat(same, ignore_index=True) for same in zip(*parts, strict=True)
    )
    again = assignments[assignments.duplicated(["coder", "document"])]
    if len(again):
        raise UserError(
            f"coder {again['coder'].iloc[0]} coded document {again['document'].iloc[0]} in two workbooks; "
            "expected one workbook per coder"
        )
    units = units.drop_duplicates(ignore_index=True)
    differ = units[units.duplicated(["document", "segment"])]
    if len(differ):
        raise UserError(
            f"document {differ['document'].iloc[0]}, segment {differ['segment'].iloc[0]}: the coders' "
            "workbooks differ in text, participant or group; expected the same segments"
        )
    return Coding(codings, units, memos, assignments)


def examine_coding(returned: Returned, codebook: pd.DataFrame) -> tuple[Coding, list[Fault]]:
    """Return the coding of one file and its faults."""
    check_kind(returned, "coding", "consensus")
    table = form_tables(returned, CODING, 4, ("document", "segment", "code_1"))[0]
    faults = version_faults(returned, form_version(codebook), "codebook") + sheet_features(table)
    value, cell = labelled_value(table.sheet, "coder")
    coder = tidy(value) or returned.path.stem
    if not tidy(value):
        found = f"no coder's code; the file's name '{coder}' was taken"
        faults.append(Fault(table.sheet.name, cell, found, "the coder's code"))
    coding, found = _read(table, coder, codebook)
    return coding, faults + found


def _read(table: Table, coder: str, codebook: pd.DataFrame) -> tuple[Coding, list[Fault]]:
    allowed, known = _allowed(codebook)
    given, units, memos, faults = [], [], [], []
    seen: set[tuple[str, str]] = set()
    for row in table.data_rows():
        unit = {name: tidy(table.value(row, name)) for name in keys(UNIT)}
        unit["text"] = str(table.value(row, "text") or "").strip()
        place = (unit["document"], unit["segment"])
        if not all(place) or place in seen:
            found = f"segment {' '.join(place)} a second time" if all(place) else "no document or segment"
            faults.append(table.fault(row, "segment", found, "each segment of the form once"))
            continue
        seen.add(place)
        units.append(unit)
        applied, odd = _codes(table, row, allowed, known)
        faults += odd
        given += [(coder, *place, code) for code in applied]
        if memo := tidy(table.value(row, "memo")):
            memos.append((coder, *place, memo))
    if not given:
        found = "no code in the whole workbook"
        faults.append(table.fault(table.header_row, "code_1", found, "at least one coded segment"))
    documents = list(dict.fromkeys(unit["document"] for unit in units))
    coding = Coding(
        pd.DataFrame.from_records(given, columns=["coder", "document", "segment", "code"]),
        pd.DataFrame.from_records(units, columns=["document", "segment", "text", "participant", "group"]),
        pd.DataFrame.from_records(memos, columns=["coder", "document", "segment", "memo"]),
        pd.DataFrame({"coder": coder, "document": documents}),
    )
    return coding, faults


def _allowed(codebook: pd.DataFrame) -> tuple[set[str], dict[str, str]]:
    """The codes that may be given, and what may be typed for each code, in lower case."""
    every = list(codebook["code"])
    known = {code.lower(): code for code in every}
    if "label_zh" in codebook.columns:
        known |= {
            label.lower(): code for label, code in zip(codebook["label_zh"], every, strict=True) if label
        }
    return set(codes.assignable(codebook)), known


def _codes(table: Table, row: int, allowed: set[str], known: dict[str, str]) -> tuple[list[str], list[Fault]]:
    """The codes of a segment, each once, and the faults of its cells."""
    applied, faults = [], []
    for slot in keys(SLOTS):
        raw = table.value(row, slot) if slot in table.columns else None
        text = tidy(raw)
        if not text:
            continue
        code = known.get(text.lower())
        if code is None or code not in allowed:
            close = nearest(text, allowed)
            hint = "a code below a theme" if code else "a code of the codebook"
            hint += close if close.startswith("; did") and not code else ""
            faults.append(table.fault(row, slot, f"'{text}', a theme" if code else f"'{text}'", hint))
            continue
        if raw != code:
            faults.append(table.fault(row, slot, f"'{raw}', read as {code}", "a code of the list", NOTE))
        if code in applied:
            faults.append(table.fault(row, slot, f"{code} a second time in the segment", "once", NOTE))
            continue
        applied.append(code)
    return applied, faults
