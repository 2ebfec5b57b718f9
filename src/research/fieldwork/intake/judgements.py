"""Experts' judgements: the tiers they gave to vignettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork.instruments.items import TIER_CHOICES
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.cells import read_choice, tidy
from research.fieldwork.intake.experts import Examined, accepted, check_kind, expert_of, expert_sheets, names
from research.fieldwork.intake.faults import NOTE, Fault, judge, sheet_features, skip_labels
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
    records: list[dict] = []
    faults: list[Fault] = []
    for sheet, table in expert_sheets(returned, ["vignette", "tier", "reason"], {"vignette", "tier"}):
        skip_labels(
            table,
            {
                "vignette": {"Vignette", "编号"},
                "tier": {"Your tier", "您的判断"},
                "reason": {"Reason (optional)", tidy("理由（可空）")},
            },
        )
        faults += sheet_features(table)
        expert, seen, empty = expert_of(sheet, faults), set(), []
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
