"""Experts' judgements: tiers of vignettes, and pairwise comparisons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.items import comparison_pairs, form_version
from research.fieldwork.instruments.layout import (
    COMPARISON,
    DEGREE,
    EQUAL,
    REASON,
    TIER,
    VIGNETTE,
    Column,
    choice,
)
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.cells import Reading, key, tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    form_table,
    judge,
    labelled_value,
    read_cell,
    reading,
    sheet_features,
    stop_on_errors,
)
from research.fieldwork.intake.sheets import Returned, Sheet, open_returned
from research.fieldwork.intake.survey import expand
from research.textfiles import read_csv
from research.tiers import TIERS

Examined = tuple[pd.DataFrame, list[Fault]]


def read_vignettes(paths: str | Path | Sequence[str | Path], *, accept_faults: bool = False) -> pd.DataFrame:
    """Return the experts' tiers.

    Args:
        paths: vignette workbooks, each with its key beside it (`NAME.key.csv`), or a folder of them.
        accept_faults: leave a faulty judgement out instead of stopping.

    Returns:
        One row per judgement: expert, vignette, customer_id, dataset, tier (ordered categorical premium, low,
        medium, high), reason. Cells left empty have no row.

    Raises:
        UserError: a file or key cannot be read, an expert appears twice, or there are faults (unless accepted).
    """
    files = expand(paths, (".xlsx", ".xlsm"))
    frames = [_with_customers(_accepted(path, examine_vignettes, accept_faults), path) for path in files]
    judged = pd.concat(frames, ignore_index=True)
    again = judged.duplicated(["expert", "vignette", "dataset"])
    if again.any():
        raise UserError(
            f"{_names(files)}: expert {judged.loc[again, 'expert'].iloc[0]} judged vignette "
            f"{judged.loc[again, 'vignette'].iloc[0]} twice; expected one workbook per expert"
        )
    judged["tier"] = pd.Categorical(judged["tier"], categories=TIERS, ordered=True)
    return judged[["expert", "vignette", "customer_id", "dataset", "tier", "reason"]]


def read_ahp(paths: str | Path | Sequence[str | Path], *, accept_faults: bool = False) -> pd.DataFrame:
    """Return the experts' comparisons: expert, set, left, right, value (1/9 to 9, left over right).

    Raises:
        UserError: a file cannot be read, an expert appears twice, or there are faults (unless accepted).
    """
    files = expand(paths, (".xlsx", ".xlsm"))
    frames = [_accepted(path, examine_ahp, accept_faults) for path in files]
    judged = pd.concat(frames, ignore_index=True)
    again = judged.duplicated(["expert", "set", "left", "right"])
    if again.any():
        raise UserError(
            f"{_names(files)}: expert {judged.loc[again, 'expert'].iloc[0]} is there twice; expected one sheet per "
            "expert"
        )
    return judged


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)


def _accepted(path: Path, examine: Callable[[Returned], Examined], accept_faults: bool) -> pd.DataFrame:
    frame, faults = examine(open_returned(path))
    if not accept_faults:
        stop_on_errors(faults, path.name)
    if frame.empty:
        raise UserError(f"{path.name}: no judgement in it")
    return frame


def _with_customers(judged: pd.DataFrame, path: Path) -> pd.DataFrame:
    source = key_of(path)
    if not source.is_file():
        raise UserError(
            f"{path.name}: its key {source.name} is not beside it; the key says which customer each "
            "vignette is"
        )
    codes = read_csv(source, ("vignette", "customer_id", "dataset"))
    if codes["vignette"].duplicated().any():
        twice = codes.loc[codes["vignette"].duplicated(), "vignette"].iloc[0]
        raise UserError(f"{source.name}: vignette {twice} is there twice; expected one line each")
    codes = codes.set_index("vignette")
    unknown = sorted(set(judged["vignette"]) - set(codes.index))
    if unknown:
        raise UserError(f"{source.name}: no line for vignette {unknown[0]} of {path.name}")
    return judged.join(codes[["customer_id", "dataset"]], on="vignette")


def examine_vignettes(returned: Returned) -> Examined:
    """Return expert, vignette, tier, reason of one file, and its faults."""
    _check_kind(returned, "vignettes")
    tables = _expert_tables(returned, [VIGNETTE, TIER, REASON], ("vignette", "tier"))
    parts = [_judged_vignettes(table) for table in tables]
    records = [record for found, _ in parts for record in found]
    frame = pd.DataFrame.from_records(records, columns=["expert", "vignette", "tier", "reason"])
    return frame, [fault for _, faults in parts for fault in faults]


def _judged_vignettes(table: Table) -> tuple[list[dict[str, object]], list[Fault]]:
    expert, faults = _expert(table.sheet)
    faults = sheet_features(table) + faults
    records, seen, empty = [], set(), []
    for row in table.data_rows():
        vignette = tidy(table.value(row, "vignette"))
        if not vignette or vignette in seen:
            found, expected = (
                ("no vignette code", "a code such as V01"),
                (f"{vignette} a second time", "once"),
            )
            faults.append(table.fault(row, "vignette", *(expected if vignette else found)))
            continue
        seen.add(vignette)
        tier, odd = read_cell(table, row, TIER)
        faults += odd
        if tier is None:
            empty += [] if odd else [row]
            continue
        reason = tidy(table.value(row, "reason")) if "reason" in table.columns else ""
        records.append({"expert": expert, "vignette": vignette, "tier": tier, "reason": reason})
    if empty:
        found = f"{len(empty)} vignettes without a tier"
        faults.append(table.fault(empty[0], "tier", found, "a tier for each", NOTE))
    return records, faults


def examine_ahp(returned: Returned) -> Examined:
    """Return expert, set, left, right, value of one file, and its faults."""
    _check_kind(returned, "ahp")
    pairs = comparison_pairs()
    version, current = returned.stamp.get("version"), form_version(pairs)
    faults = []
    if version not in {None, current}:
        faults = [Fault("_form", "B2", f"form version {version}", f"form version {current}", NOTE)]
    known = {(p.set, p.left, p.right) for p in pairs.itertuples()}
    needed = ("set", "left", "right", "more_important", "degree")
    tables = _expert_tables(returned, [c for c in COMPARISON if c.key in needed], needed)
    parts = [_judged_pairs(table, known) for table in tables]
    records = [record for found, _ in parts for record in found]
    frame = pd.DataFrame.from_records(records, columns=["expert", "set", "left", "right", "value"])
    return frame, faults + [fault for _, found in parts for fault in found]


def _judged_pairs(
    table: Table, known: set[tuple[str, str, str]]
) -> tuple[list[tuple[str, str, str, str, float]], list[Fault]]:
    expert, faults = _expert(table.sheet)
    faults = sheet_features(table) + faults
    records, judged = [], set()
    for row in table.data_rows():
        pair = tuple(tidy(table.value(row, name)) for name in ("set", "left", "right"))
        if pair not in known:
            faults.append(table.fault(row, "set", f"pair {' '.join(pair)}", "a pair of the form"))
            continue
        value, odd = _comparison(table, row, pair)
        faults += odd
        if value is not None:
            judged.add(pair)
            records.append((expert, *pair, value))
    if judged and len(judged) < len(known):
        found = f"{len(known) - len(judged)} of {len(known)} pairs not judged"
        faults.append(table.fault(table.header_row, "degree", found, "every pair", NOTE))
    return records, faults


def _comparison(table: Table, row: int, pair: tuple[str, ...]) -> tuple[float | None, list[Fault]]:
    """How much the left side counts against the right; None where that is not said, with the faults."""
    _, left, right = pair
    options = {left: left, right: right, "equal": EQUAL}
    sides = choice("more_important", "", "", options, f"{left}, {right} or equal")
    side, faults = read_cell(table, row, sides)
    raw = table.value(row, "degree")
    read = reading(DEGREE, raw)
    if isinstance(raw, (dt.date, dt.datetime)):
        read = Reading(None, f"a date ({raw:%d %b}): a fraction was typed", lost=True)
    degree, odd = judge(table, row, DEGREE, read)
    faults = faults + odd
    if any(fault.level != NOTE for fault in faults) or (side is None and degree is None):
        return None, faults
    if side == "equal":
        if degree in {None, 1.0}:
            return 1.0, faults
        return None, [*faults, table.fault(row, "degree", f"equal, but degree {degree:g}", "1 or empty")]
    if side is None and degree == 1.0:
        return 1.0, faults
    if side is None or degree is None:
        empty = sides if side is None else DEGREE
        found = "empty, though the pair was begun"
        return None, [*faults, table.fault(row, empty.key, found, empty.expected)]
    return (degree if side == left else 1 / degree), faults


def _expert_tables(returned: Returned, columns: Sequence[Column], needed: Sequence[str]) -> list[Table]:
    tables = [form_table(sheet, columns, len(needed), needed) for sheet in returned.sheets]
    found = [table for table in tables if table is not None]
    if not found:
        raise UserError(
            f"{returned.path.name}: no sheet with the columns {', '.join(sorted(needed))}; sheets: "
            f"{', '.join(sheet.name for sheet in returned.sheets)}"
        )
    return found


def _expert(sheet: Sheet) -> tuple[str, list[Fault]]:
    value, cell = labelled_value(sheet, "expert")
    if tidy(value):
        return tidy(value), []
    found = f"no expert's code; the sheet's name '{sheet.name}' was taken"
    return tidy(sheet.name), [Fault(sheet.name, cell or "A1", found, "the expert's code", NOTE)]


def _check_kind(returned: Returned, kind: str) -> None:
    stated = returned.stamp.get("form", kind)
    if key(stated) != kind:
        raise UserError(f"{returned.path.name}: a form of the kind '{stated}', expected '{kind}'")
