"""Experts' judgements: the tiers they gave to vignettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.layout import REASON, TIER, VIGNETTE
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.experts import Examined, accepted, check_kind, expert_of, expert_tables, names
from research.fieldwork.intake.faults import NOTE, Fault, Table, read_cell, sheet_features
from research.fieldwork.intake.sheets import Returned, expand
from research.textfiles import read_csv
from research.tiers import TIERS


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
    frames = [_with_customers(accepted(path, examine_vignettes, accept_faults), path) for path in files]
    judged = pd.concat(frames, ignore_index=True)
    again = judged.duplicated(["expert", "vignette", "dataset"])
    if again.any():
        raise UserError(
            f"{names(files)}: expert {judged.loc[again, 'expert'].iloc[0]} judged vignette "
            f"{judged.loc[again, 'vignette'].iloc[0]} twice; expected one workbook per expert"
        )
    judged["tier"] = pd.Categorical(judged["tier"], categories=TIERS, ordered=True)
    return judged[["expert", "vignette", "customer_id", "dataset", "tier", "reason"]]


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
    check_kind(returned, "vignettes")
    tables = expert_tables(returned, [VIGNETTE, TIER, REASON], ("vignette", "tier"))
    parts = [_judged_vignettes(table) for table in tables]
    records = [record for found, _ in parts for record in found]
    frame = pd.DataFrame.from_records(records, columns=["expert", "vignette", "tier", "reason"])
    return frame, [fault for _, faults in parts for fault in faults]


def _judged_vignettes(table: Table) -> tuple[list[dict[str, object]], list[Fault]]:
    expert, faults = expert_of(table.sheet)
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
