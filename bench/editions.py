"""Whole studies by this code and by the first edition, one after the other: seconds and processor seconds.

`python bench/editions.py [STUDY …]`, by default all three that people wait for; `--alone` leaves the first edition out.
Other studies keep what was measured of them. Linux only, and in a Git repository:
the other code is checked out beside. `all_data` needs the data sets that are fetched (RESEARCH_DATA).
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import RESULTS, record, yardstick

Timed = tuple[float, float, float, bool]
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
    studies = [word for word in sys.argv[1:] if word != "--alone"] or ["default", "full", "all_data"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = None if "--alone" in sys.argv else folder / "first"
        if other:
            subprocess.run(["git", "worktree", "add", "--detach", other, FIRST_EDITION], cwd=ROOT, check=True)
        try:
            rows = [row for study in studies for row in compared(study, folder, other)]
        finally:
            if other:
                subprocess.run(["git", "worktree", "remove", "--force", other], cwd=ROOT, check=True)
    for row in rows:
        print(f"{row['claim']}: {row['ours_seconds']:.2f} s, {row.get('note', '')}")
    kept = RESULTS / "editions.json"
    before = json.loads(kept.read_text(encoding="utf-8"))["rows"] if kept.exists() else []
    record("editions", [*(row for row in before if row["claim"].partition(",")[0] not in studies), *rows])


def compared(study: str, folder: Path, other: Path | None) -> list[dict]:
    """Return a row per case of a study, and one for its first page."""
    rows = []
    for case, removed in CASES.items() if study == "default" else [(COLD, CASES[COLD])]:
        ours = timed(ROOT, study, folder / "a", removed)
        theirs = timed(other, study, folder / "b", removed) if other else None
        if ours[3] or not (ours[2] or case != COLD):
            sys.exit(f"{study}, {case}: our run failed")
        rows.append(row_of(f"{study}, {case}", ours, theirs))
        if case == COLD:
            page = {"claim": f"{study}, its first page", "ours": rows[-1]["ours"], "ours_seconds": ours[2]}
            page |= {"alternative": "the whole of that run", "alternative_seconds": ours[0]}
            rows.append(page | {"ratio": ours[0] / ours[2]})
    return rows


def row_of(claim: str, ours: Timed, theirs: Timed | None) -> dict:
    """Return a row of seconds; processor seconds stand in its note."""
    row = {"claim": claim, "ours": "`research run --jobs 2`", "ours_seconds": ours[0]}
    said = f"{ours[1]:.0f} processor seconds"
    if theirs:
        row |= {"alternative": FIRST_EDITION, "alternative_seconds": theirs[0], "ratio": theirs[0] / ours[0]}
        said += f" against {theirs[1]:.0f}" + ("; the first edition fails on a notebook" if theirs[3] else "")
    return row | {"note": f"{said}; 20 million additions {yardstick():.1f} s"}


def timed(home: Path, study: str, folder: Path, removed: tuple[str, ...]) -> Timed:
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
