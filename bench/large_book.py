"""An own loan book of a million customers × 57 columns: `python bench/large_book.py [--customers N] [--jobs N]`.

Writes the book, checks it and drafts its crosswalk, runs pages 01 to 07 on it, and plans its contacts.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
from record import record

from research.collect import datasets

LEFT_OUT = (
    "churned", "loss_amount", "paid_total", "paid_principal", "paid_interest", "outstanding_balance", "cards_held",
    "card_limit", "mortgage_accounts", "borrower_type", "never_delinquent_share", "accounts_past_due", "collections",
    "collection_amount", "standing_orders", "investment_preference", "service_preference", "accounts_opened",
    "joint_application", "payment_ratio",
)  # fmt: skip
PROTOCOL = "folds: 10\nrepeats: 1\nbootstrap: 500\nstability_refits: 10\n"  # that of the default study
PAGES = ("01", "02", "03", "04", "05", "06", "07")


def write_book(folder: Path, customers: int) -> Path:
    """Write a book of the simulated bank, `loan_book.csv` with 57 columns, and its crosswalk beside it."""
    table = datasets.simulation(customers, seed=1).customers.drop(columns=list(LEFT_OUT))
    table.index = pd.Index([f"L-{number}" for number in range(len(table))], name="customer_id")
    path = folder / "loan_book.csv"
    table.to_csv(path, date_format="%Y-%m-%d")
    columns = ["customer_id", *table.columns]
    walk = {"construct": columns, "source": columns, "transform": "identity", "argument": "", "missing": "",
            "unit": "", "fit": "direct", "reason": ""}  # fmt: skip
    pd.DataFrame(walk).to_csv(folder / "loan_book_crosswalk.csv", index=False)
    return path


def timed(*command: str) -> tuple[float, float, float]:
    """Run a command and return seconds, processor seconds, and the peak memory of all its processes in MiB."""
    began, before, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN), 0.0
    started = subprocess.Popen([sys.executable, "-m", "research", *command], stdout=subprocess.DEVNULL)
    while started.poll() is None:
        peak = max(peak, sum(map(resident, family(started.pid))))
        time.sleep(0.5)
    if started.returncode:
        sys.exit(f"research {command[0]} failed")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, spent, peak


def family(first: int) -> list[int]:
    """Return a process and all that descend from it (Linux)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(
                int(stat.parent.name)
            )
    found = [first]
    for process in found:
        found += children.get(process, [])
    return found


def resident(process: int) -> float:
    """Return the memory of a process in MiB, its part alone of what it shares with others (Linux)."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["RESEARCH_CACHE"] = f"{name}/cache"
        book, study = str(write_book(Path(name), given.customers)), f"{name}/large.yml"
        walk, draft, jobs = f"{name}/loan_book_crosswalk.csv", f"{name}/draft.csv", str(given.jobs)
        text = f"name: large\ndataset: {book}\ncrosswalk: {walk}\ncompare_datasets: [{book}]\n{PROTOCOL}"
        Path(study).write_text(text, encoding="utf-8")
        pages = [part for page in PAGES for part in ("--only", page)]
        commands = {
            "draft of a crosswalk": ["datasets", "draft-crosswalk", book, "--out", draft],
            "check of the book": ["datasets", "check", book, "--crosswalk", walk],
            "pages 01 to 07, default folds": [
                "run",
                study,
                *pages,
                "--jobs",
                jobs,
                "--out",
                f"{name}/report",
            ],
            "contact plan": ["contacts", study, f"{name}/plan.xlsx"],
        }
        rows = []
        for claim, command in commands.items():
            seconds, spent, peak = timed(*command)
            print(f"{claim}: {seconds:.0f} s, {spent:.0f} processor seconds, {peak:,.0f} MiB", flush=True)
            row = {"claim": claim, "n": f"{given.customers:,} × 57", "ours": f"{jobs} jobs", "spent": spent}
            row |= {"ours_seconds": seconds, "peak_mib": peak}
            if command[0] == "datasets":  # a run's kernels are nobody's children, and are not counted
                row["note"] = f"{spent:.0f} processor seconds"
            rows.append(row)
    both = sum(row["spent"] for row in rows[:2])
    rows.append({"claim": "draft and check, processor seconds", "n": rows[0]["n"], "ours_seconds": both})
    record("large_book", rows)


if __name__ == "__main__":
    main()
