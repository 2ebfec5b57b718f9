"""Time and memory of tiering one million simulated customers by each model, and whether a sample suffices to fit.

`python bench/tiering.py [--customers 1000000] [--samples 100000,300000] [--models rfm,tree]`. Each fit is a process
of its own, so that its peak memory is its own; linear algebra has one thread, as in a study. A model fitted on a
sample gives every customer a tier all the same; how it differs from the model fitted on all is measured on a second
simulated bank that neither has seen: customers in the same tier, quadratic-weighted κ of the tiers, AUC of the risk
score.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from record import record
from threadpoolctl import threadpool_limits

MODELS = ("rfm", "abc", "tree", "grade", "scorecard", "boosting")
SEED = 7
UNSEEN = 200_000


def generate(customers: int, seed: int, out: Path) -> None:
    """Write the customers of a simulated bank whose outcome is known."""
    from research.collect.simulate import simulate

    table = simulate(customers, seed=seed, panel=False).customers
    table[table["default"].notna()].to_parquet(out)


def fit(name: str, sample: int, folder: Path) -> dict[str, float]:
    """Fit a model on a sample (0: on all), give everybody a tier, and keep tiers and scores of the unseen bank."""
    from research.segment.registry import make

    table, unseen = (pd.read_parquet(folder / f"{part}.parquet") for part in ("seen", "unseen"))
    before = peak()
    given = table
    if sample:
        given = table.iloc[np.sort(np.random.default_rng(SEED).choice(len(table), sample, replace=False))]
    threadpool_limits(1, user_api="blas")
    start = time.perf_counter()
    model = make(name, seed=SEED).fit(given, given["default"])
    fitted = time.perf_counter()
    model.predict(table)
    done = time.perf_counter()
    most = peak()
    np.savez(
        folder / f"{name}-{sample}.npz", tier=model.predict(unseen).astype(str), risk=model.risk_score(unseen)
    )
    return {
        "fit": fitted - start,
        "predict": done - fitted,
        "mib": most,
        "table_mib": before,
        "n": len(given),
    }


def peak() -> float:
    """Largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process(*arguments: str) -> dict[str, float]:
    """Run this script in a process of its own and return what it prints, with its CPU seconds."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, __file__, *arguments], stdout=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed")
        said.seek(0)
        return json.loads(said.read().splitlines()[-1]) | {"cpu": usage.ru_utime + usage.ru_stime}


def agreement(name: str, sample: int, folder: Path) -> dict[str, float]:
    """Compare the model fitted on a sample with the one fitted on all, on the unseen bank."""
    from sklearn.metrics import cohen_kappa_score, roc_auc_score

    from research.tiers import TIERS

    outcome = pd.read_parquet(folder / "unseen.parquet", columns=["default"])["default"]
    whole, part = (np.load(folder / f"{name}-{size}.npz") for size in (0, sample))
    aucs = [roc_auc_score(outcome, each["risk"]) for each in (whole, part)]
    kappa = cohen_kappa_score(whole["tier"], part["tier"], labels=list(TIERS), weights="quadratic")
    return {
        "same": float((whole["tier"] == part["tier"]).mean()),
        "kappa": kappa,
        "auc": aucs[0],
        "auc_sample": aucs[1],
    }


def row_of(name: str, run: dict[str, float], customers: int) -> dict[str, Any]:
    """Return what a fit on all customers took."""
    return {
        "claim": f"{name}: fit and tier {customers:,} simulated customers",
        "ours": "fit on all",
        "ours_seconds": run["fit"] + run["predict"],
        "n": int(run["n"]),
        "peak_mib": run["mib"],
        "note": f"fit {run['fit']:.1f} s, predict {run['predict']:.1f} s, CPU with imports {run['cpu']:.0f} s; "
        f"the table alone takes {run['table_mib']:,.0f} MiB",
    }  # fmt: skip


def sample_row(
    name: str, part: dict[str, float], whole: dict[str, float], found: dict[str, float]
) -> dict[str, Any]:
    """Return what a fit on a sample took, and how its tiers differ."""
    return {
        "claim": f"{name}: fitted on a sample of {int(part['n']):,}",
        "ours": f"fit on {int(part['n']):,}",
        "ours_seconds": part["fit"],
        "alternative": "fit on all",
        "alternative_seconds": whole["fit"],
        "ratio": whole["fit"] / part["fit"],
        "n": int(part["n"]),
        "peak_mib": part["mib"],
        "target": "AUC within 0.005",
        "note": f"unseen bank: same tier {found['same']:.1%}, weighted κ {found['kappa']:.3f}, "
        f"AUC {found['auc_sample']:.4f} against {found['auc']:.4f}",
    }  # fmt: skip


def show(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Keep a row and print it."""
    rows.append(row)
    print(
        f"{row['claim']}: {row['ours_seconds']:.1f} s, {row['peak_mib']:,.0f} MiB; {row['note']}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--samples", default="100000,300000")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--folder", help="where the simulated customers go, and are removed")
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        name, sample, folder = given.task
        print(json.dumps(fit(name, int(sample), Path(folder))))
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="tiering-", dir=given.folder) as made:
        folder = Path(made)
        start = time.perf_counter()
        generate(given.customers, SEED, folder / "seen.parquet")
        print(f"simulated in {time.perf_counter() - start:.1f} s", flush=True)
        generate(UNSEEN, SEED + 1, folder / "unseen.parquet")
        for name in given.models.split(","):
            whole = in_process("--task", name, "0", str(folder))
            show(rows, row_of(name, whole, given.customers))
            for sample in map(int, given.samples.split(",")):
                part = in_process("--task", name, str(sample), str(folder))
                show(rows, sample_row(name, part, whole, agreement(name, sample, folder)))
    record("tiering", rows)


if __name__ == "__main__":
    main()
