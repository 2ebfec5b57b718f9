"""The instruments of the fieldwork, read from `data/definitions`: survey items, background questions, guides, pairs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.files.textfiles import read_csv
from research.paths import DEFINITIONS
from research.tiers import LABELS_ZH, TIERS

GROUPS = ("practitioner", "customer")
GROUP_LABELS = {"practitioner": "practitioners 从业人员", "customer": "customers 客户"}
TIER_CHOICES = {tier: f"{tier} {LABELS_ZH[tier]}" for tier in TIERS}
_ITEM_COLUMNS = ("item", "construct", "criterion", "group", "scale_min", "scale_max", "reverse", "wording_en",
                 "wording_zh")  # fmt: skip


def survey_items(path: str | Path | None = None, group: str | None = None) -> pd.DataFrame:
    """Return the survey instrument, one row per item.

    Args:
        path: a CSV file with the columns of `data/definitions/survey_items.csv`, which is the default.
        group: keep the items that this group is asked ("practitioner" or "customer"); all when not given.

    Returns:
        Columns item, construct, criterion (an id such as C1, T2 or H3), group ("both", "practitioner" or
        "customer"), scale_min, scale_max, reverse (0 or 1), wording_en, wording_zh.

    Raises:
        UserError: a column is missing, an item is repeated, or a value does not fit.
    """
    source = Path(path) if path is not None else DEFINITIONS / "survey_items.csv"
    frame = _read_csv(source, _ITEM_COLUMNS)
    faults: list[str] = []
    for line, row in enumerate(frame.itertuples(index=False), start=2):
        where = f"{source.name} line {line}"
        if not row.item or not row.construct:
            faults.append(f"{where}: item or construct is empty")
        if row.group not in (*GROUPS, "both"):
            faults.append(f"{where}: group is '{row.group}', expected practitioner, customer or both")
        if row.reverse not in {"0", "1"}:
            faults.append(f"{where}: reverse is '{row.reverse}', expected 0 or 1")
        ends = [
            int(text) if text.isdecimal() and len(text) < 4 else -1 for text in (row.scale_min, row.scale_max)
        ]
        if not 0 <= ends[0] < ends[1]:
            faults.append(
                f"{where}: scale {row.scale_min} to {row.scale_max}, expected two rising whole numbers"
            )
        if not row.wording_en or not row.wording_zh:
            faults.append(f"{where}: item {row.item} needs wording_en and wording_zh")
    repeated = sorted(set(frame.loc[frame["item"].duplicated(), "item"]))
    if repeated:
        faults.append(f"{source.name}: items repeated: {', '.join(repeated)}; expected unique ids")
    if faults:
        raise UserError("\n".join(faults))
    return _of_group(frame.astype({"scale_min": int, "scale_max": int, "reverse": int}), group)


def background_questions(group: str | None = None) -> pd.DataFrame:
    """Return the background questions: columns field, group, wording_en, wording_zh, choices_en, choices_zh (lists)."""
    source = DEFINITIONS / "survey_background.csv"
    frame = _read_csv(source, ("field", "group", "wording_en", "wording_zh", "choices_en", "choices_zh"))
    for column in ("choices_en", "choices_zh"):
        frame[column] = [[choice.strip() for choice in text.split(";")] for text in frame[column]]
    uneven = [r.field for r in frame.itertuples() if len(r.choices_en) != len(r.choices_zh)]
    if uneven:
        raise UserError(
            f"{source.name}: {', '.join(uneven)} has unequal numbers of English and Chinese choices"
        )
    return _of_group(frame, group)


def _read_csv(source: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not source.is_file():
        raise UserError(f"{source}: no such file")
    return _cached_csv(source, source.stat().st_mtime_ns, columns).copy()


@lru_cache(maxsize=16)
def _cached_csv(source: Path, changed: int, columns: tuple[str, ...]) -> pd.DataFrame:
    return read_csv(source, columns)


def _of_group(frame: pd.DataFrame, group: str | None) -> pd.DataFrame:
    """What a group is asked, everything for None."""
    if group is None:
        return frame
    if group not in GROUPS:
        raise UserError(f"group '{group}' is not known; expected practitioner or customer")
    return frame[frame["group"].isin([group, "both"])].reset_index(drop=True)
