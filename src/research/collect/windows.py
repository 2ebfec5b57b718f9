"""The customers of a data set read over another window of their history, where its source allows it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.collect import berka, datasets, fetch, monthly
from research.collect.crosswalk import apply
from research.errors import UserError
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS


@cache
def _windows() -> dict[str, list[dict[str, Any]]]:
    return own_yaml(DEFINITIONS / "sensitivity.yml")["windows"]


def windows(name: str | Path) -> dict[str, int]:
    """Return label → length of the windows a data set can be read over, its own first; empty where there is one."""
    return {entry["label"]: entry["length"] for entry in _windows().get(str(name), [])}


def customers(name: str, length: int) -> pd.DataFrame:
    """Return the canonical customer table read over a window: months for taiwan, days before the loan for berka.

    The rows are those of `datasets.load(name)`, in its order. Every construct that rests on the window changes with
    it, not recency, frequency and amount alone. Raises UserError for a window the data set does not offer.
    """
    known = windows(name)
    if length not in known.values():
        raise UserError(f"data set '{name}': found a window of {length}, expected one of {known or 'none'}")
    if length == next(iter(known.values())):
        return datasets.load(name)
    if name == "taiwan":
        last = int(monthly.periods(name)["period"].max())
        return monthly.customers(name, last).loc[datasets.load(name).index]
    parts = {part: found.path for part, found in fetch.locate(name).items()}
    return apply(berka.loans(parts, length), datasets.crosswalk_of(name), label=name).customers
