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
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "research", *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, spent, after.ru_maxrss / 1024


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()


if __name__ == "__main__":
    main()
