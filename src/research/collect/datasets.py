"""The data sets of the study: read them raw, bring them to the canonical table, describe what they measure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.collect import origins
from research.collect.book_checks import BOOK_CHECKS_FILE
from research.collect.constructs import CONSTRUCTS_FILE, constructs, validate
from research.collect.crosswalk import (
    COLUMNS,
    Crosswalked,
    apply,
    complete,
    crosswalk_file,
    read_crosswalk,
)
from research.collect.identifiers import identifiers, refuse
from research.collect.outcome import Outcome, of_crosswalk, of_definition, placed
from research.collect.simulate import Simulation
from research.collect.tables import SUFFIXES, TOTAL_WORDS_FILE, find, read_table, stem, suffix
from research.collect.transforms import MAPS_FILE
from research.errors import UserError, nearest
from research.files import limits
from research.files.textfiles import exists, is_file, own_csv, own_yaml, read_bytes, reading
from research.paths import DEFINITIONS

DATASETS_FILE = DEFINITIONS / "datasets.yml"
LEAKAGE_FILE = DEFINITIONS / "leakage.csv"
SIMULATED = "simulated"
EXPECTED = f"a name from 'research datasets' or a file of loans ({', '.join(SUFFIXES)})"


@cache
def _definitions() -> dict[str, dict[str, Any]]:
    return own_yaml(DATASETS_FILE)


def names(available: bool = False) -> list[str]:
    """Return the names of the data sets, the default first; with `available` only those that can be read now."""
    known = list(_definitions())
    return [name for name in known if origins.is_here(definition(name))] if available else known


def require(wanted: Iterable[str]) -> None:
    """Raise UserError that lists every data set that is not here, with the way to get it."""
    ways = {"fetched": "research datasets fetch {name}", "empulse": "install the extra 'profit'"}
    absent = [entry for entry in map(definition, wanted) if not origins.is_here(entry)]
    if absent:
        listed = "; ".join(f"{entry['name']} ({ways[entry['kind']].format(**entry)})" for entry in absent)
        raise UserError(
            f"data sets that are not here: {listed}. Get them, set RESEARCH_DATA to a folder of local copies, or leave "
            "them out of the study's dataset and compare_datasets"
        )


def definition(name: str) -> dict[str, Any]:
    """Return what is known about a data set: title, real, licence, citation, period, outcome, limits …"""
    known = _definitions()
    if name not in known:
        raise UserError(f"unknown data set '{name}'{nearest(name, known)}")
    return {"name": name, **known[name]}


def is_path(name: str | Path) -> bool:
    """Return True when a data set is given as a file rather than by a known name."""
    return isinstance(name, Path) or bool(suffix(name))


def shown(name: str | Path) -> str:
    """Return the name to show of a data set: a file is shown without its folder."""
    return Path(name).name


def lender(name: str | Path) -> str:
    """Return the lender behind a data set; two data sets of one lender are not two lenders."""
    return "own book" if is_path(name) else str(definition(str(name))["lender"])


def title(name: str | Path) -> str:
    """Return the title of a data set."""
    return f"Own loan book ({shown(name)})" if is_path(name) else str(definition(str(name))["title"])


def load_raw(name: str | Path) -> pd.DataFrame:
    """Read the source columns of a data set (by name or path), one row per customer or loan."""
    return read_table(name) if is_path(name) else origins.read(definition(str(name)))


def _simulated_crosswalk() -> pd.DataFrame:
    """The simulated bank writes canonical tables itself: every construct it has is direct."""
    table = constructs()[["construct", "unit"]].reindex(columns=list(COLUMNS), fill_value="")
    told = {"transform": "identity", "fit": "direct", "reason": "simulated"}
    return table.assign(source=table["construct"], **told).reset_index(drop=True)


def crosswalk_beside(name: str | Path) -> Path:
    """Return the crosswalk that lies beside a file of loans, `<name>_crosswalk.csv`, as it is drafted.

    Raises UserError when the file or its crosswalk is not there.
    """
    path = find(name)
    if not is_file(path):
        raise UserError(f"{name}: {'a folder, expected a file' if exists(path) else 'no such file'}")
    beside = path.with_name(f"{stem(path)}_crosswalk.csv")
    if not is_file(beside):
        raise UserError(
            f"{name}: a file needs a crosswalk: '{beside.name}' beside it, or, for the study's own data set, one named "
            f"in the parameter crosswalk; draft it with 'research datasets draft-crosswalk {name}'"
        )
    return beside


def _crosswalk_file(name: str | Path, crosswalk: str | Path | None) -> Path:
    """Return the file that tells how a data set becomes the canonical table: named, beside a file, or shipped."""
    if crosswalk is not None:
        return crosswalk_file(crosswalk)
    if is_path(name):
        return crosswalk_beside(name)
    simulated = definition(str(name))["kind"] == SIMULATED
    return CONSTRUCTS_FILE if simulated else crosswalk_file(str(name))


def crosswalk_of(name: str | Path, crosswalk: str | Path | None = None) -> pd.DataFrame:
    """Return the crosswalk of a data set; that of a file is named, or lies beside it."""
    path = _crosswalk_file(name, crosswalk)
    return _simulated_crosswalk() if path == CONSTRUCTS_FILE else read_crosswalk(path)


def harmonise(
    name: str | Path, crosswalk: str | Path | None = None, raw: pd.DataFrame | None = None
) -> Crosswalked:
    """Return the canonical table of a data set together with what was lost of the source.

    Args:
        name, crosswalk: as in `load`.
        raw: the source columns where they were read, and checked, before.
    """
    if not is_path(name) and definition(str(name))["kind"] == SIMULATED:
        return Crosswalked(validate(simulation().customers, SIMULATED))
    table, new = crosswalk_of(name, crosswalk), raw is None
    raw = load_raw(name) if raw is None else raw
    if new and is_path(name):
        refuse(identifiers(raw), table, str(name))
    made = apply(raw, table, label=str(name), check=new)
    return replace(made, customers=placed(made.customers, outcome(name, crosswalk)))


def outcome(name: str | Path, crosswalk: str | Path | None = None) -> Outcome:
    """Return what the outcome of a data set is, in its own words; a file's is named in its crosswalk."""
    if is_path(name) or crosswalk is not None:
        return of_crosswalk(_crosswalk_file(name, crosswalk))
    return of_definition(definition(str(name)))


def load(name_or_path: str | Path, crosswalk: str | Path | None = None) -> pd.DataFrame:
    """Return the canonical customer table of a data set.

    Args:
        name_or_path: a name of `names()` or a csv, .csv.gz, Parquet or xlsx file.
        crosswalk: a crosswalk file; without one, that which lies beside a file (`crosswalk_beside`) or is shipped.

    Returns: index `customer_id` (unique text); one column per construct that is not absent, see `constructs()`.
    Raises UserError for unknown names, data that is not here, faulty crosswalks and impossible values.
    """
    return harmonise(name_or_path, crosswalk).customers


def simulation(customers: int | None = None, seed: int | None = None) -> Simulation:
    """Return the simulated bank behind `load("simulated")`, or one of another size or seed."""
    entry = definition(SIMULATED)
    return origins.simulation(customers or entry["rows"], entry["seed"] if seed is None else seed)


def outcome_variants(name: str) -> pd.DataFrame:
    """Return other readings of the outcome: index customer_id, one 0/1 column per variant (missing = left out).

    The first column equals `default`. Empty for a data set without variants.
    """
    variants, customers = definition(name).get("outcome_variants", {}), load(name)
    return pd.DataFrame(
        {
            key: customers["loan_status"].astype(object).map(by).astype("float64")
            for key, by in variants.items()
        },
        index=customers.index,
    )


def classification_parameters(name: str | Path) -> dict[str, float]:
    """Return the cut-offs of K8 that belong to a data set's money; empty for a file."""
    cuts = [] if is_path(name) else definition(str(name)).get("size_cuts", [])
    return dict(zip(("size_small_at_most", "size_medium_at_most"), map(float, cuts), strict=False))


def leakage(name: str) -> pd.DataFrame:
    """Return the source columns that are known only after the loan was made: dataset, column, reason."""
    table = own_csv(LEAKAGE_FILE)
    return table[table["dataset"] == name].reset_index(drop=True)


def coverage(datasets: Iterable[str] | None = None) -> pd.DataFrame:
    """Return construct × data set: how well each construct is measured and why; columns as in `coverage_by`."""
    return coverage_by({name: crosswalk_of(name) for name in (names() if datasets is None else datasets)})


def coverage_by(crosswalks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return construct × data set of crosswalks by the name of their data set.

    Columns: construct, label, label_zh, criterion, block, role, dataset, fit (direct, proxy, absent), source,
    transform, unit, reason. Rows: every construct but the identifier, for every data set (also those not here).
    """
    parts = []
    for name, walk in crosswalks.items():
        parts.append(coverage_of(walk))
        parts[-1].insert(6, "dataset", name)
    return pd.concat(parts, ignore_index=True)


def coverage_of(crosswalk: pd.DataFrame) -> pd.DataFrame:
    """Return the coverage of one crosswalk, without the column dataset."""
    about = constructs()[["construct", "label", "label_zh", "criterion", "block", "role"]]
    table = complete(crosswalk)[["construct", "fit", "source", "transform", "unit", "reason"]]
    merged = about.merge(table, on="construct", how="left", validate="one_to_one")
    return merged[merged["role"] != "identity"].reset_index(drop=True)


def fits(covered: pd.DataFrame) -> dict[str, int]:
    """Return how many of the constructs that the criteria ask for are direct, proxy and absent, of one data set."""
    counts = covered.loc[covered["role"] == "predictor", "fit"].value_counts()
    return {fit: int(counts.get(fit, 0)) for fit in ("direct", "proxy", "absent")}


def describe(
    datasets: Iterable[str] | None = None, table: Callable[[str], pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Return one row per data set.

    Args:
        datasets: names, all when not given.
        table: returns the canonical table of a name where it was made before; `load` makes it anew.

    Columns: dataset, title, real, available, rows, known (rows whose outcome is known), bad, outcome_rate, direct,
    proxy, absent (see `fits`), outcome, censoring, licence, period, currency, partial. A data set that is not here has
    its published number of rows and no outcome rate.
    """
    rows = []
    for name in names() if datasets is None else datasets:
        entry = definition(name)
        counts = entry["rows"], pd.NA, pd.NA, float("nan")
        if here := origins.is_here(entry):
            outcome = (table or load)(name)["default"]
            counts = len(outcome), int(outcome.notna().sum()), int(outcome.sum()), float(outcome.mean())
        rows.append({
            "dataset": name, "title": entry["title"], "real": entry["real"], "available": here,
            **dict(zip(("rows", "known", "bad", "outcome_rate"), counts, strict=True)),
            **fits(coverage_of(crosswalk_of(name))),
            **{key: entry[key] for key in ("outcome", "censoring", "licence", "period", "currency")},
            "partial": origins.partial(entry),
        })  # fmt: skip
    return pd.DataFrame(rows)


def data_fingerprint(name: str | Path, crosswalk: str | Path | None = None) -> str:
    """Return the sha256 of everything a canonical table is made from: source file, crosswalk, maps, constructs."""
    if is_path(name):
        with reading(find(name)) as path:
            rows = _hashed(path, path.stat().st_size, path.stat().st_mtime_ns)
    else:
        rows = origins.fingerprint(definition(str(name)))
    digest, walk = hashlib.sha256(rows.encode()), _crosswalk_file(name, crosswalk)
    for path in (walk, MAPS_FILE, CONSTRUCTS_FILE, BOOK_CHECKS_FILE, TOTAL_WORDS_FILE):
        digest.update(hashlib.sha256(read_bytes(path)).digest())
    return digest.hexdigest()


@cache
def _hashed(path: Path, size: int, changed: int) -> str:
    """Return the sha256 of a file as it was when it was changed last; every step asks, and a book may be large."""
    limits.within("table_bytes", size, path.name)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
