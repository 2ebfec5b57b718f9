"""Keep what a benchmark measured: one JSON file per script in bench/results, the source of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SHOWN = (
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "duckdb",
    "ibis-framework",
    "papermill",
    "distributed",
    "pyspark",
)


def record(name: str, rows: list[dict[str, Any]]) -> None:
    """Write the rows of one script, with machine, versions and date.

    Args:
        name: of the script.
        rows: one dictionary per claim: `claim` and `ours` in words and, where they apply, `ours_seconds`,
            `alternative`, `alternative_seconds`, `ratio` (alternative over ours, unless the claim says otherwise),
            `target` in words, `n`, `peak_mib`, `note`.
    """
    RESULTS.mkdir(exist_ok=True)
    made = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "yardstick": yardstick(),
        "versions": versions(),
        "rows": rows,
    }
    target = RESULTS / f"{name}.json"
    scratch = target.with_suffix(".tmp")
    scratch.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    scratch.replace(target)


def yardstick() -> float:
    """Return the seconds of twenty million additions: how fast the machine, shared with others, is just now."""
    began, total = time.perf_counter(), 0
    for number in range(20_000_000):
        total += number
    return time.perf_counter() - began


def machine() -> str:
    """Return processors, memory and system in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} processors ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"


def versions() -> dict[str, str]:
    """Return Python's version and those of the packages that the times depend on most."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in SHOWN:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
