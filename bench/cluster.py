"""Throughput of a batch on a Dask cluster of two workers of this machine against one process, in the same run.

The steps of the study are computed once before. The workers are started and have made one run each before the clock
starts, because a cluster stands ready; the one process pays its start, which `--jobs 1` always does, and which the
number of runs makes small. Takes about two minutes. Run: python bench/cluster.py [RUNS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from batch import RESEARCH, prepared, timed
from record import record

from research.runs.cluster import connected

WORKERS = 2


def main() -> None:
    """Measure both and record them."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        batch = [*RESEARCH, "batch", str(prepared(home, runs))]
        with connected(f"local:{WORKERS}") as client:
            address = client.scheduler_info()["address"]
            (home / "few").mkdir()
            few = str(prepared(home / "few", 2 * WORKERS))
            timed([*RESEARCH, "batch", few, "--out", str(home / "few/out"), "--cluster", address])
            there = timed([*batch, "--out", str(home / "there"), "--cluster", address])
        alone = timed([*batch, "--out", str(home / "alone"), "--jobs", "1"])
        side_by_side = timed([*batch, "--out", str(home / "both"), "--jobs", str(WORKERS)])
    rows = [
        {
            "claim": f"a batch of {runs} runs on a cluster of {WORKERS} workers on this machine",
            "ours": f"research batch --cluster, {WORKERS} workers",
            "ours_seconds": there,
            "alternative": f"research batch --jobs {jobs}",
            "alternative_seconds": seconds,
            "ratio": seconds / there,
            "n": runs,
            "note": f"{runs / there * 60:.0f} runs a minute against {runs / seconds * 60:.0f}",
        }
        for jobs, seconds in ((1, alone), (WORKERS, side_by_side))
    ]
    for row in rows:
        print(f"{row['claim']}: {there:.1f} s; {row['alternative']}: {row['alternative_seconds']:.1f} s: "
              f"× {row['ratio']:.2f} ({row['note']})")  # fmt: skip
    record("cluster", rows)


if __name__ == "__main__":
    main()
