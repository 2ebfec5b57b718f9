"""Workers of a Dask cluster on this machine: the steps of one study by 1, 2 and 4, and a batch by 2 against processes.

Workers have imported the libraries before the clock starts, because a cluster stands ready. The steps are those that
page 05 shows, with an empty cache each time; what the workers took of the processors is counted, too. A batch finds its
steps computed; the one process pays its start, which `--jobs 1` always does, and which the number of runs makes small.
Run: python bench/cluster.py [STUDY [RUNS]]; no batch where RUNS is 0.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from batch import RESEARCH, prepared, timed
from record import record, yardstick

from research.runs.cluster import connected

WORKERS = 2
PAGE = "05_comparison"


def main() -> None:
    """Measure and record."""
    study = sys.argv[1] if len(sys.argv) > 1 else "default"
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with tempfile.TemporaryDirectory() as folder:
        rows = [*steps(Path(folder) / "steps", study), *(batch(Path(folder), runs) if runs else [])]
    for row in rows:
        print(f"{row['claim']}: {row['ours_seconds']:.1f} s; {row['alternative']}: "
              f"{row['alternative_seconds']:.1f} s: × {row['ratio']:.2f} ({row['note']})")  # fmt: skip
    record("cluster", rows)


def steps(home: Path, study: str) -> list[dict]:
    """Return what the steps of one study take with 1, 2 and 4 workers, each with a cache of its own."""
    found = {}
    for workers in (1, WORKERS, 2 * WORKERS):
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


def batch(home: Path, runs: int) -> list[dict]:
    """Return what a batch takes on two workers against one process and two."""
    words = [*RESEARCH, "batch", str(prepared(home, runs))]
    with connected(f"local:{WORKERS}") as client:
        address = client.scheduler_info()["address"]
        (home / "few").mkdir()
        few = str(prepared(home / "few", 2 * WORKERS))
        timed([*RESEARCH, "batch", few, "--out", str(home / "few/out"), "--cluster", address])
        there = timed([*words, "--out", str(home / "there"), "--cluster", address])
    alone = timed([*words, "--out", str(home / "alone"), "--jobs", "1"])
    side_by_side = timed([*words, "--out", str(home / "both"), "--jobs", str(WORKERS)])
    return [
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


if __name__ == "__main__":
    main()
