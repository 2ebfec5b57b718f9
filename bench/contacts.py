"""Time and memory of the contact plan for a million customers."""

from __future__ import annotations

import argparse
import datetime
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from record import record

from research.manage.contact_workbook import write_contact_plan
from research.manage.contacts import contact_plan, potential_premium, reasons_in_words
from research.manage.strategies import strategies

INDICATORS = (
    "debt_to_income",
    "credit_utilisation",
    "income",
    "loan_amount",
    "inquiries",
    "past_delinquencies",
)


def invented(size: int, seed: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    """Return invented customers and tiers; only their number matters here."""
    rng = np.random.default_rng(seed)
    customers = pd.DataFrame(
        {
            "debt_to_income": rng.beta(2, 5, size),
            "credit_utilisation": rng.beta(2, 3, size),
            "income": rng.lognormal(11, 0.5, size),
            "loan_amount": rng.lognormal(9.5, 0.6, size),
            "inquiries": rng.poisson(2, size).astype(float),
            "past_delinquencies": rng.poisson(0.3, size).astype(float),
        },
        index=pd.Index([f"C{place:07d}" for place in range(size)], name="customer_id"),
    )
    tiers = pd.Series(
        rng.choice(["premium", "low", "medium", "high"], size, p=[0.1, 0.5, 0.3, 0.1]), customers.index
    )
    return customers, tiers


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    size = parser.parse_args().customers
    customers, tiers = invented(size)
    start = time.perf_counter()
    reasons = reasons_in_words(customers, INDICATORS)
    potential = potential_premium(tiers, customers["income"])
    rule = pd.Series(
        "debt to income above 0.35 and more than two inquiries: high risk", index=customers.index
    )
    plan = contact_plan(
        customers, tiers, reasons, strategies(), datetime.date(2026, 1, 5), rule=rule, potential=potential
    )
    planned = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        out = write_contact_plan(plan, Path(folder) / "plan.xlsx", start_date=datetime.date(2026, 1, 5))
        written = time.perf_counter()
        megabytes = out.stat().st_size / 2**20
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{size:,} customers: plan {planned - start:.1f} s, workbook {written - planned:.1f} s, {megabytes:.1f} MB"
    )
    print(f"peak memory {after / 1024:.0f} MB, of which writing added {(after - before) / 1024:.0f} MB")
    record(
        "contacts",
        [
            {
                "claim": "contact plan as a workbook",
                "ours": "rows streamed to the file",
                "ours_seconds": written - start,
                "target": "at most 2,048 MiB",
                "n": f"{size:,} customers",
                "peak_mib": after / 1024,
                "note": f"{time.process_time():.0f} processor seconds; writing added {(after - before) / 1024:.0f} MiB",
            }
        ],
    )


if __name__ == "__main__":
    main()
