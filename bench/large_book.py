"""An own loan book of a million customers × 57 columns: `python bench/large_book.py [--customers N] [--jobs N]`.

Writes the book, checks it and drafts its crosswalk, runs pages 01 to 07 on it, and plans its contacts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
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
    """Run a command and return seconds, processor seconds, and the peak memory of its largest process in MiB."""
    began = time.perf_counter()
    started = subprocess.Popen([sys.executable, "-m", "research", *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(started.pid, 0)
    if status:
        sys.exit(f"research {command[0]} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["RESEARCH_CACHE"] = f"{name}/cache"
        book, study = str(write_book(Path(name), given.customers)), f"{name}/large.yml"
        Path(study).write_text(
            f"name: large\ndataset: {book}\ncompare_datasets: [{book}]\n", encoding="utf-8"
        )
        walk, draft, jobs = f"{name}/loan_book_crosswalk.csv", f"{name}/draft.csv", str(given.jobs)
        pages = [part for page in PAGES for part in ("--only", page)]
        draft_and_check = "60 s for draft and check"
        claims = [
            ("draft of a crosswalk", draft_and_check, ["datasets", "draft-crosswalk", book, "--out", draft]),
            ("check of the book", draft_and_check, ["datasets", "check", book, "--crosswalk", walk]),
            ("pages 01 to 07, default folds", "30 minutes, 16 GiB",
             ["run", study, *pages, "--jobs", jobs, "--out", f"{name}/report"]),
            ("contact plan", "bounded memory", ["contacts", study, f"{name}/plan.xlsx"]),
        ]  # fmt: skip
        rows = []
        for claim, target, command in claims:
            seconds, spent, peak = timed(*command)
            print(f"{claim}: {seconds:.0f} s, {spent:.0f} processor seconds, {peak:,.0f} MiB", flush=True)
            rows.append({"claim": claim, "ours": f"{jobs} jobs", "ours_seconds": seconds, "target": target,
                         "n": f"{given.customers:,} × 57", "peak_mib": peak,
                         "note": f"{spent:.0f} processor seconds; the largest process"})  # fmt: skip
    record("large_book", rows)


if __name__ == "__main__":
    main()
