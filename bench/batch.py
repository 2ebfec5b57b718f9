"""Time of a batch of 100 runs of one notebook against a plain papermill loop over the same runs.

The loop is measured over 10 runs and scaled. The steps of the study are computed once before either is timed, so that
both measure what a run costs besides its statistics. Run: python bench/batch.py [RUNS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "02_classification"
LOOP = 10


def main() -> None:
    """Print the three times."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        grid = {"study": "quick", "only": [NOTEBOOK], "product": {"seed": list(range(runs))}}
        (home / "grid.yml").write_text(yaml.safe_dump(grid), encoding="utf-8")
        command = [sys.executable, "-m", "research.cli"]
        subprocess.run(
            [*command, "run", "quick", "--only", NOTEBOOK, "--out", str(home / "warm")],
            check=True,
            capture_output=True,
        )
        batch = [*command, "batch", str(home / "grid.yml"), "--jobs", str(jobs), "--out", str(home / "batch")]
        print(f"batch of {runs} runs, {jobs} jobs: {timed(batch):.0f} s")
        print(f"the same batch again: {timed(batch):.1f} s")
        began = time.perf_counter()
        for seed in range(LOOP):
            loop = [sys.executable, "-m", "papermill", str(ROOT / "notebooks" / f"{NOTEBOOK}.ipynb")]
            changes = yaml.safe_dump({"changes": {"seed": seed}})
            subprocess.run(
                [*loop, str(home / f"{seed}.ipynb"), "-p", "study", "quick", "-y", changes],
                check=True,
                capture_output=True,
            )
        per_run = (time.perf_counter() - began) / LOOP
        print(f"papermill loop, without HTML: {per_run:.1f} s a run, {per_run * runs:.0f} s for {runs}")


def timed(command: list[str]) -> float:
    """Return the seconds a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
