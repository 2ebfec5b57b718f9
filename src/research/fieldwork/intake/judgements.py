"""Experts' judgements: the tiers they gave to vignettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.layout import REASON, TIER, VIGNETTE
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.cells import tidy
from research.fieldwork.intake.experts import Examined, expert_of, judgements_in
from research.fieldwork.intake.faults import (
    NOTE,
    Fault,
    Table,
    check_kind,
    form_tables,
    read_cell,
    sheet_features,
)
from research.fieldwork.intake.sheets import Returned
from research.files.textfiles import read_csv
from research.tiers import TIERS


def read_vignettes(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Return the experts' tiers.

    Args:
        paths: vignette workbooks, each with its key beside it (`NAME.key.csv`), or a folder of them.

    Returns:
        One row per judgement: expert, vignette, customer_id, dataset, tier (ordered categorical premium, low,
        medium, high), reason. Cells left empty have no row.

    Raises:
        UserError: a file or key cannot be read, an expert appears twice, or there are faults.
    """
    found = judgements_in(paths, examine_vignettes)
    judged = pd.concat([_with_customers(part, path) for path, part in found.items()], ignore_index=True)
    again = judged.duplicated(["expert", "vignette", "dataset"])
    if again.any():
        raise UserError(
            f"{', '.join(path.name for path in found)}: expert {judged.loc[again, 'expert'].iloc[0]} judged vignette "
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
    tables = form_tables(returned, [VIGNETTE, TIER, REASON], 2, ("vignette", "tier"))
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
            again, none = (f"{vignette} a second time", "once"), ("no vignette code", "a code such as V01")
            faults.append(table.fault(row, "vignette", *(again if vignette else none)))
            continue
        seen.add(vignette)
        tier, odd = read_cell(table, row, TIER)
        faults += odd
        if tier is None:
            empty += [] if odd else [row]
            continue
        reason = tidy(table.value(row, "reason"))
        records.append({"expert": expert, "vignette": vignette, "tier": tier, "reason": reason})
    if empty:
        found = f"{len(empty)} vignettes without a tier"
        faults.append(table.fault(empty[0], "tier", found, "a tier for each", NOTE))
    return records, faults
