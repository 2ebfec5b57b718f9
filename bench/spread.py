"""The steps of one study on 1, 2 and 4 workers of a Dask cluster on this machine, nothing computed before.

They are those that page 05 shows. Workers have imported the libraries before the clock starts, because a cluster stands
ready; what they took of the processors is counted, too. Run: python bench/spread.py [STUDY]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from batch import RESEARCH, timed
from record import record, yardstick

from research.runs.cluster import connected

PAGE = "05_comparison"


def main() -> None:
    """Measure and record."""
    study = sys.argv[1] if len(sys.argv) > 1 else "default"
    with tempfile.TemporaryDirectory() as folder:
        rows = steps(Path(folder), study)
    for row in rows:
        print(f"{row['claim']}: {row['ours_seconds']:.1f} s, × {row['ratio']:.2f} ({row['note']})")
    record("spread", rows)


def steps(home: Path, study: str) -> list[dict]:
    """Return what the steps of one study take with 1, 2 and 4 workers, each with a cache of its own."""
    found = {}
    for workers in (1, 2, 4):
        os.environ["RESEARCH_CACHE"] = str(home / f"cache-{workers}")
        with connected(f"local:{workers}") as client:
            client.run(imported)
            spent = sum(client.run(time.process_time).values())
            words = [*RESEARCH, "run", study, "--only", PAGE, "--out", str(home / f"out-{workers}")]
            seconds = timed([*words, "--cluster", client.scheduler_info()["address"]])
            spent = sum(client.run(time.process_time).values()) - spent
        found[workers] = seconds, spent, yardstick()
    alone = found[1][0]
    return [
        {
            "claim": f"page 05 of one study, nothing computed before, {workers} workers on {os.cpu_count()} processors",
            "ours": f"research run --cluster, {workers} workers",
            "ours_seconds": seconds,
            "alternative": "1 worker",
            "alternative_seconds": alone,
            "ratio": alone / seconds,
            "n": study,
            "note": f"workers took {spent:.0f} s of the processors; 20 million additions {pace:.1f} s",
        }
        for workers, (seconds, spent, pace) in found.items()
    ]


def imported() -> None:
    """Import what steps need."""
    import optbinning  # noqa: F401
    import sklearn.ensemble  # noqa: F401

    import research.study.purposes  # noqa: F401


if __name__ == "__main__":
    main()
