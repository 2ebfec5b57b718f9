"""Time the simulated bank and its monitoring: `python bench/simulate.py [customers]`."""

from __future__ import annotations

import resource
import sys
import time

from record import record

from research.collect.simulate import simulate, snapshot
from research.manage import early_warning, roll_rates, vintages


def main(customers: int) -> None:
    measured = []
    for panel in (False, True):
        start = time.perf_counter()
        bank = simulate(customers, seed=1, panel=panel)
        seconds = time.perf_counter() - start
        rows = len(bank.panel) if bank.panel is not None else 0
        measured.append(
            {
                "claim": "simulated bank, 36 months" + (", with the monthly panel" if panel else ""),
                "ours": "vectorised over customers",
                "ours_seconds": seconds,
                "target": "under 60 s",
                "n": f"{customers:,}",
                "peak_mib": memory() * 1024,
            }
        )
        print(
            f"{customers:,} customers, 36 months, panel rows {rows:,}: {seconds:.1f} s, {memory():.1f} GB at most"
        )
    for name, task in (
        ("snapshot of one month", lambda: snapshot(bank, 20)),
        ("early-warning rules", lambda: early_warning.evaluate(bank.panel)),
        ("roll rates", lambda: roll_rates.roll_rates(bank.panel)),
        ("vintage curves", lambda: vintages.vintage_curves(vintages.loan_histories(bank.panel))),
    ):
        start = time.perf_counter()
        task()
        seconds = time.perf_counter() - start
        print(f"{name}: {seconds:.1f} s, {memory():.1f} GB at most")
        measured.append(
            {
                "claim": f"{name} of the panel",
                "ours": "pandas",
                "ours_seconds": seconds,
                "n": f"{rows:,} rows",
                "peak_mib": memory() * 1024,
            }
        )
    record("simulate", measured)


def memory() -> float:
    """Largest memory of this process so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
