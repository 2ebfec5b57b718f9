"""Time of a batch of 100 runs of one notebook against a plain papermill loop over the same runs.

The loop is measured over 10 runs and scaled. The steps of the study are computed once before either is timed, so that
both measure what a run costs besides its statistics. Takes about five minutes. Run: python bench/batch.py [RUNS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from record import record

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "02_classification"
LOOP = 10
RESEARCH = [sys.executable, "-m", "research.cli"]


def main() -> None:
    """Measure batch and loop, and record them."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        batch = [
            *RESEARCH,
            "batch",
            str(prepared(home, runs)),
            "--jobs",
            str(jobs),
            "--out",
            str(home / "batch"),
        ]
        first, again = timed(batch), timed(batch)
        looped = sum(timed(papermill(home, seed)) for seed in range(LOOP)) / LOOP * runs
    loop = f"papermill in a loop of the shell, without HTML, {LOOP} runs scaled to {runs}"
    rows = [
        {
            "claim": f"a batch of {runs} runs of one notebook, with pages and comparison",
            "ours": f"research batch, {jobs} jobs",
            "ours_seconds": first,
            "alternative": loop,
            "alternative_seconds": looped,
            "ratio": looped / first,
            "n": runs,
        },
        {
            "claim": f"the same batch of {runs} runs again, nothing changed",
            "ours": f"research batch, {jobs} jobs",
            "ours_seconds": again,
            "alternative": loop,
            "alternative_seconds": looped,
            "ratio": looped / again,
            "n": runs,
        },
    ]
    for row in rows:
        print(
            f"{row['claim']}: {row['ours_seconds']:.1f} s, papermill loop {looped:.0f} s: × {row['ratio']:.1f}"
        )
    record("batch", rows)


def prepared(home: Path, runs: int) -> Path:
    """Compute the steps once and return the file of a batch that varies the seed."""
    warm = [*RESEARCH, "run", "quick", "--only", NOTEBOOK, "--out", str(home / "warm")]
    subprocess.run(warm, check=True, capture_output=True)
    grid = {"study": "quick", "only": [NOTEBOOK], "product": {"seed": list(range(runs))}}
    path = home / "grid.yml"
    path.write_text(yaml.safe_dump(grid), encoding="utf-8")
    return path


def papermill(home: Path, seed: int) -> list[str]:
    """Return the command that runs the notebook with a seed by itself."""
    changes = yaml.safe_dump({"changes": {"seed": seed}})
    notebook = str(ROOT / "notebooks" / f"{NOTEBOOK}.ipynb")
    made = str(home / f"{seed}.ipynb")
    return [sys.executable, "-m", "papermill", notebook, made, "-p", "study", "quick", "-y", changes]


def timed(command: list[str]) -> float:
    """Return the seconds a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
