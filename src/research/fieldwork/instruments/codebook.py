"""The codebook: codes in themes, what each means, when to use it and when not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.files import limits
from research.files.textfiles import read_csv
from research.paths import DEFINITIONS

COLUMNS = ("code", "parent", "definition", "when_to_use", "when_not", "example")
EXTRA_COLUMNS = ("label_en", "label_zh", "relates_to", "stance")
STANCES = ("supports", "challenges", "neutral")


def read_codebook(path: str | Path | None = None) -> pd.DataFrame:
    """Return a codebook from a CSV file, or the starting codebook of the study.

    Returns:
        Columns code, parent ("" at the top), definition, when_to_use, when_not, example and, where the file has them,
        label_en, label_zh, relates_to (ids joined by ";") and stance (supports, challenges or neutral).

    Raises:
        UserError: see `validate_codebook`; or the file is missing.
    """
    source = Path(path) if path is not None else DEFINITIONS / "codebook.csv"
    if not source.is_file():
        raise UserError(f"{source}: no such codebook")
    return validate_codebook(read_csv(source), source.name)


def validate_codebook(frame: pd.DataFrame, where: str = "codebook") -> pd.DataFrame:
    """Return the codebook with its columns in order, after checking it.

    Raises:
        UserError: `code` or `parent` is missing, a code is empty or repeated, a parent is unknown, or parents form a
            circle.
    """
    if missing := [name for name in ("code", "parent") if name not in frame.columns]:
        raise UserError(f"{where}: missing columns {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    limits.within("codes", len(frame), where)
    frame = frame.reset_index(drop=True).copy()
    for column in COLUMNS:
        frame[column] = frame[column].fillna("") if column in frame.columns else ""
    if (frame["code"] == "").any():
        raise UserError(f"{where}: row {int((frame['code'] == '').idxmax()) + 2} has no code")
    repeated = sorted(set(frame.loc[frame["code"].duplicated(), "code"]))
    if repeated:
        raise UserError(f"{where}: codes repeated: {', '.join(repeated)}; expected unique codes")
    parents = dict(zip(frame["code"], frame["parent"], strict=True))
    for code, parent in parents.items():
        if parent and parent not in parents:
            raise UserError(f"{where}: parent '{parent}' of code '{code}' is not a code of the codebook")
    for code, parent in parents.items():
        seen = {code}
        while parent:
            if parent in seen:
                raise UserError(f"{where}: code '{code}' is its own ancestor; expected a tree")
            seen.add(parent)
            parent = parents[parent]
    if "stance" in frame.columns:
        wrong = sorted(set(frame["stance"]) - {*STANCES, ""})
        if wrong:
            raise UserError(f"{where}: stance '{wrong[0]}', expected one of {', '.join(STANCES)}")
    known = [name for name in (*COLUMNS, *EXTRA_COLUMNS) if name in frame.columns]
    return frame[[*known, *(name for name in frame.columns if name not in known)]]


def assignable(codebook: pd.DataFrame) -> list[str]:
    """Return the codes that may be given to a segment: those without children, in codebook order."""
    parents = set(codebook["parent"])
    return [code for code in codebook["code"] if code not in parents]


def ancestors(codebook: pd.DataFrame) -> dict[str, list[str]]:
    """Return for each code its parent, the parent's parent and so on; the last is its theme."""
    parents, found = dict(zip(codebook["code"], codebook["parent"], strict=True)), {}
    for code in parents:
        chain = [code]
        while parents[chain[-1]]:
            chain.append(parents[chain[-1]])
        found[code] = chain[1:]
    return found
