"""What a check is, the published values and tables, and where data for checks lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from research.collect import fetch
from research.files.textfiles import own_yaml
from research.paths import DEFINITIONS, ROOT

# name of a data set in the checks → its folder and file among verification copies, where that differs
FOLDERS = {"south_german": "south_german_credit", "taiwan": "taiwan_default"}
COPIES = {"south_german": "SouthGermanCredit.asc", "taiwan": "UCI_Credit_Card.csv"}

Computation = Callable[..., dict[str, float]]
COMPUTATIONS: dict[str, tuple[str, Computation]] = {}


class DataNotHere(Exception):
    """The data a check needs are not on this machine."""


def computes(group: str, needs: str = "") -> Callable[[Computation], Computation]:
    """Register a function that returns the values of one group of checks by id.

    Args:
        group: name of the group in `published_values.csv`.
        needs: data set whose folder or file the function takes; empty where it needs none.
    """

    def register(function: Computation) -> Computation:
        COMPUTATIONS[group] = (needs, function)
        return function

    return register


def published_values() -> pd.DataFrame:
    """Return `id, group, description, printed, published, tolerance, needs, source, note`, one row per value.

    `printed` is the value with the digits of its source, `published` the same as a number.
    """
    table = pd.read_csv(DEFINITIONS / "published_values.csv", keep_default_na=False, dtype={"published": str})
    return table.rename(columns={"published": "printed"}).assign(published=table["published"].astype(float))


@cache
def _tables() -> dict[str, dict]:
    return own_yaml(DEFINITIONS / "published_tables.yml")


def published_table(name: str) -> pd.DataFrame:
    """Return a small published table by its name in `published_tables.yml`."""
    table = _tables()[name]
    return pd.DataFrame(table["rows"], columns=table["columns"])


def place(name: str) -> Path:
    """Return the folder, or for fetched data the file, of a data set.

    Looks into the folder that RESEARCH_VERIFICATION_DATA names (else `shared/data` beside the project), then, for data
    sets that `research datasets fetch` gets, where that keeps them.
    """
    home = Path(os.environ.get("RESEARCH_VERIFICATION_DATA", ROOT.parent / "shared" / "data"))
    found = home / FOLDERS.get(name, name)
    if name in COPIES:
        found = found / COPIES[name]
    if found.exists():
        return found
    if name in COPIES and fetch.is_here(name):
        return next(iter(fetch.locate(name).values())).path
    raise DataNotHere(name)
