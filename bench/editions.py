"""Whole studies by this code and by the first edition, one after the other: seconds and processor seconds.

`python bench/editions.py [STUDY …]`, by default all three that people wait for. Linux only, and in a Git repository:
the other code is checked out beside. `all_data` needs the data sets that are fetched (RESEARCH_DATA).
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import record, yardstick

ROOT = Path(__file__).resolve().parents[1]
FIRST_EDITION = "71bf5d2"
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux: processes whose parent has ended become ours
COLD = "nothing computed before"
CASES = {
    COLD: ("cache", "out"),
    "all steps computed": ("out",),
    "nothing changed": (),
}  # what is removed before


def main() -> None:
    """Measure, print and record."""
    studies = sys.argv[1:] or ["default", "full", "all_data"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = folder / "first"
        subprocess.run(["git", "worktree", "add", "--detach", other, FIRST_EDITION], cwd=ROOT, check=True)
        try:
            rows = [row for study in studies for row in compared(study, folder, other)]
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", other], cwd=ROOT, check=True)
    for row in rows:
        print(f"{row['claim']}: {row['ours_seconds']:.2f} s, {row['note']}")
    record("editions", rows)


def compared(study: str, folder: Path, other: Path) -> list[dict]:
    """Return a row per case of a study, and one for its first page."""
    rows = []
    for case, removed in CASES.items() if study == "default" else [(COLD, CASES[COLD])]:
        ours, theirs = (
            timed(home, study, folder / mark, removed) for mark, home in (("a", ROOT), ("b", other))
        )
        if ours[3] or not (ours[2] or case != COLD):
            sys.exit(f"{study}, {case}: our run failed")
        rows.append(row_of(f"{study}, {case}", ours[:2], theirs[:2], theirs[3]))
        if case == COLD:
            rows.append(row_of(f"{study}, its first page", (ours[2], ours[2]), (ours[0], ours[1])))
            rows[-1] |= {"alternative": "the whole of that run", "note": ""}
    return rows


def row_of(claim: str, ours: tuple[float, float], theirs: tuple[float, float], failed: bool = False) -> dict:
    """Return a row of seconds; processor seconds stand in its note."""
    said = (
        f"{ours[1]:.0f} processor seconds against {theirs[1]:.0f}; 20 million additions {yardstick():.1f} s"
    )
    return {
        "claim": claim, "ours": "`research run --jobs 2`", "ours_seconds": ours[0],
        "alternative": FIRST_EDITION, "alternative_seconds": theirs[0], "ratio": theirs[0] / ours[0],
        "note": said + ("; the first edition fails on a notebook" if failed else ""),
    }  # fmt: skip


def timed(home: Path, study: str, folder: Path, removed: tuple[str, ...]) -> tuple[float, float, float, bool]:
    """Run a study; return seconds, processor seconds, seconds until a page was there, and whether it failed."""
    for name in removed:
        shutil.rmtree(folder / name, ignore_errors=True)
    given = os.environ | {"PYTHONPATH": str(home / "src"), "RESEARCH_CACHE": str(folder / "cache")}
    run = ["-m", "research.cli", "run", study, "--jobs", "2", "--out", str(folder / "out")]
    command = [sys.executable, __file__, "count", sys.executable, *run]
    began, first = time.perf_counter(), 0.0
    with subprocess.Popen(command, cwd=home, env=given, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            if not first and any(folder.glob("out/0*.html")):
                first = time.perf_counter() - began
            time.sleep(0.1)
        spent, seconds, code = map(float, process.stdout.read().split()[-3:])
    return seconds, spent, first, bool(code)


def count(command: list[str]) -> None:
    """Run a command; print the processor seconds of it and of all that it started, its seconds and its exit code."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    began = time.perf_counter()
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    clock = time.perf_counter() - began
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, clock, code)


if __name__ == "__main__":
    count(sys.argv[2:]) if sys.argv[1:2] == ["count"] else main()
