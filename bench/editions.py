"""A cold study by this code and by the first edition, both at the same time: processor seconds of all their processes.

`python bench/editions.py [STUDY] [COMMIT]`. Linux only, and in a Git repository: the other code is checked out beside.
Side by side both are slowed alike, so that the ratio of processor seconds holds on a busy machine. The seconds on the
clock say nothing there: they depend on how many other processes want the processors.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import record

ROOT = Path(__file__).resolve().parents[1]
FIRST_EDITION = "71bf5d2"
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux: processes whose parent has ended become ours


def main() -> None:
    """Measure and print."""
    study, commit = (*sys.argv[1:3], *("default", FIRST_EDITION)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        subprocess.run(["git", "worktree", "add", "--detach", other, commit], cwd=ROOT, check=True)
        try:
            started = [
                counted(home, study, Path(folder) / name) for name, home in (("a", ROOT), ("b", other))
            ]
            (seconds, clock), (before, clock_before) = (
                map(float, run.communicate()[0].split()) for run in started
            )
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", other], cwd=ROOT, check=True)
    row = {
        "claim": "a cold study, processor seconds of all processes", "n": study, "ours": "`research run --jobs 2`",
        "ours_seconds": seconds, "alternative": f"the same by {commit}, at the same time",
        "alternative_seconds": before, "ratio": before / seconds,
        "target": "ratio 1.18 or more",
        "note": f"{clock:.0f} s and {clock_before:.0f} s on the clock, sharing 2 processors with other work",
    }  # fmt: skip
    print(f"{seconds:.0f} s of processor time against {before:.0f} s, {row['note']}")
    record("editions", [row])


def counted(home: Path, study: str, folder: Path) -> subprocess.Popen[str]:
    """Start a cold run in a process that counts, and prints processor seconds and seconds."""
    given = os.environ | {"PYTHONPATH": str(home / "src"), "RESEARCH_CACHE": str(folder / "cache")}
    run = ["-m", "research.cli", "run", study, "--jobs", "2", "--out", str(folder / "out")]
    command = [sys.executable, __file__, "count", sys.executable, *run]
    return subprocess.Popen(command, cwd=home, env=given, stdout=subprocess.PIPE, text=True)


def count(command: list[str]) -> None:
    """Run a command and print the processor seconds of it and of all that it started, and the seconds it took."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=sys.stderr)
    clock = time.perf_counter() - began
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(used.ru_utime + used.ru_stime, clock)


if __name__ == "__main__":
    count(sys.argv[2:]) if sys.argv[1:2] == ["count"] else main()
