"""Experts' judgements: tiers of vignettes, and pairwise comparisons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.comparison_form import EQUAL
from research.fieldwork.instruments.items import TIER_CHOICES, comparison_pairs, form_version
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.cells import Reading, key, read_choice, read_number, tidy
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    find_table,
    judge,
    labelled_value,
    sheet_features,
    skip_labels,
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
    records: list[dict] = []
    faults: list[Fault] = []
    for sheet, table in _expert_sheets(returned, ["vignette", "tier", "reason"], {"vignette", "tier"}):
        skip_labels(
            table,
            {
                "vignette": {"Vignette", "编号"},
                "tier": {"Your tier", "您的判断"},
                "reason": {"Reason (optional)", tidy("理由（可空）")},
            },
        )
        faults += sheet_features(table)
        expert, seen, empty = _expert(sheet, faults), set(), []
        for row in table.data_rows():
            vignette = tidy(table.value(row, "vignette"))
            if not vignette:
                faults.append(
                    Fault(sheet.name, table.cell(row, "vignette"), "no vignette code", "a code such as V01")
                )
                continue
            if vignette in seen:
                faults.append(
                    Fault(sheet.name, table.cell(row, "vignette"), f"{vignette} a second time", "once")
                )
                continue
            seen.add(vignette)
            reading = read_choice(table.value(row, "tier"), TIER_CHOICES)
            tier, fault = judge(table, row, "tier", reading, "premium, low, medium or high")
            faults += [fault] if fault else []
            if tier is None:
                empty += [] if fault else [table.cell(row, "tier")]
                continue
            reason = tidy(table.value(row, "reason")) if "reason" in table.columns else ""
            records.append({"expert": expert, "vignette": vignette, "tier": tier, "reason": reason})
        if empty:
            faults.append(
                Fault(sheet.name, empty[0], f"{len(empty)} vignettes without a tier", "a tier for each", NOTE)
            )
    return pd.DataFrame.from_records(records, columns=["expert", "vignette", "tier", "reason"]), faults


def examine_ahp(returned: Returned) -> Examined:
    """Return expert, set, left, right, value of one file, and its faults."""
    _check_kind(returned, "ahp")
    pairs = comparison_pairs()
    faults = []
    version = returned.stamp.get("version")
    if version not in {None, form_version(pairs)}:
        faults.append(
            Fault("_form", "B2", f"form version {version}", f"form version {form_version(pairs)}", NOTE)
        )
    known = {(p.set, p.left, p.right) for p in pairs.itertuples()}
    records = []
    needed = {"set", "left", "right", "more_important", "degree"}
    for sheet, table in _expert_sheets(returned, sorted(needed), needed):
        skip_labels(table, {"set": {"Set", "组"}, "left": {"Left", "左"}, "right": {"Right", "右"}})
        faults += sheet_features(table)
        expert, judged = _expert(sheet, faults), set()
        for row in table.data_rows():
            pair = tuple(tidy(table.value(row, name)) for name in ("set", "left", "right"))
            if pair not in known:
                faults.append(
                    Fault(sheet.name, table.cell(row, "set"), f"pair {' '.join(pair)}", "a pair of the form")
                )
                continue
            value = _comparison(table, row, pair, faults)
            if value is not None:
                judged.add(pair)
                records.append(
                    dict(
                        zip(("expert", "set", "left", "right", "value"), (expert, *pair, value), strict=True)
                    )
                )
        if judged and len(judged) < len(known):
            faults.append(
                Fault(
                    sheet.name,
                    table.cell(table.header_row, "degree"),
                    f"{len(known) - len(judged)} of {len(known)} pairs not judged",
                    "every pair",
                    NOTE,
                )
            )
    return pd.DataFrame.from_records(records, columns=["expert", "set", "left", "right", "value"]), faults


def _comparison(table: Table, row: int, pair: tuple[str, ...], faults: list[Fault]) -> float | None:
    _, left, right = pair
    side, fault = judge(
        table,
        row,
        "more_important",
        read_choice(table.value(row, "more_important"), {left: left, right: right, "equal": EQUAL}),
        f"{left}, {right} or equal",
    )
    raw = table.value(row, "degree")
    reading = read_number(raw, 1, 9)
    if isinstance(raw, (dt.date, dt.datetime)):
        reading = Reading(None, f"a date ({raw:%d %b}): a fraction was typed", lost=True)
    degree, odd = judge(table, row, "degree", reading, "a whole number from 1 to 9")
    faults += [f for f in (fault, odd) if f]
    lost = [f for f in (fault, odd) if f and f.level != NOTE]
    if lost or (side is None and degree is None):
        return None
    if side == "equal":
        if degree not in {None, 1.0}:
            faults.append(
                Fault(
                    table.sheet.name, table.cell(row, "degree"), f"equal, but degree {degree:g}", "1 or empty"
                )
            )
            return None
        return 1.0
    if side is None and degree == 1.0:
        return 1.0
    if side is None or degree is None:
        name = "more_important" if side is None else "degree"
        expected = f"{left}, {right} or equal" if side is None else "a whole number from 1 to 9"
        faults.append(
            Fault(table.sheet.name, table.cell(row, name), "empty, though the pair was begun", expected)
        )
        return None
    return degree if side == left else 1 / degree


def _expert_sheets(returned: Returned, keys: list[str], needed: set[str]) -> list[tuple[Sheet, Table]]:
    found = []
    for sheet in returned.sheets:
        table = find_table(sheet, keys, len(needed))
        if table is not None and needed <= set(table.columns):
            found.append((sheet, table))
    if not found:
        raise UserError(
            f"{returned.path.name}: no sheet with the columns {', '.join(sorted(needed))}; sheets: "
            f"{', '.join(sheet.name for sheet in returned.sheets)}"
        )
    return found


def _expert(sheet: Sheet, faults: list[Fault]) -> str:
    value, cell = labelled_value(sheet, "expert")
    if tidy(value):
        return tidy(value)
    faults.append(
        Fault(
            sheet.name,
            cell or "A1",
            f"no expert's code; the sheet's name '{sheet.name}' was taken",
            "the expert's code",
            NOTE,
        )
    )
    return tidy(sheet.name)


def _check_kind(returned: Returned, kind: str) -> None:
    stated = returned.stamp.get("form", kind)
    if key(stated) != kind:
        raise UserError(f"{returned.path.name}: a form of the kind '{stated}', expected '{kind}'")
