"""Time the whole study: cold, unchanged, one notebook edited; and what notebooks cost besides their statistics.

`python bench/study.py [STUDY]`. Works in a copy of the project, so that the edit touches nothing. The alternatives run
the same notebooks with all steps computed before; they make no HTML and collect no values, ours does.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbconvert import PythonExporter
from record import record, yardstick

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("src", "notebooks", "data", "studies", "reports/reference", "pyproject.toml", "requirements.lock")
EDITED = "04_models.ipynb"
EDITS = 5
SETTLED = 8.0  # seconds that a writer thinks between two edits; imports begin meanwhile


def main() -> None:
    """Measure and print."""
    study = sys.argv[1] if len(sys.argv) > 1 else "default"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "copy"
        for name in COPIED:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, home / name)
        os.environ |= {"PYTHONPATH": str(home / "src"), "RESEARCH_CACHE": str(home / ".cache")}
        measured = [*ours(home, study), *others(home, study)]
    record("study", measured)


def ours(home: Path, study: str) -> list[dict]:
    """Return the times of `research run`."""
    run = [sys.executable, "-m", "research.cli", "run", study, "--jobs", "2", "--out", str(home / "out")]
    paces = [yardstick()]
    cold = timed(run, home)
    paces.append(yardstick())
    unchanged = timed(run, home)
    path = home / "notebooks" / EDITED
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += "\n# an edit"
    nbformat.write(notebook, path)
    edited = timed(run, home)
    kept_warm = watched([*run, "--watch"], path, notebook)
    paces.append(yardstick())
    note = "20 million additions took {:.1f} s before and {:.1f} s after"
    return [
        {
            "claim": claim,
            "ours": "`research run --jobs 2`",
            "ours_seconds": seconds,
            "target": target,
            "n": study,
            "note": note.format(*pace),
        }
        for claim, seconds, target, pace in (
            ("twelve notebooks, nothing computed before", cold, "at most 60 s", paces[:2]),
            ("the same, unchanged", unchanged, "at most 1 s", paces[1:]),
            ("one notebook edited, by a new command", edited, "at most 5 s", paces[1:]),
            (
                f"one notebook edited, while `--watch` waits (median of {EDITS})",
                kept_warm,
                "at most 5 s",
                paces[1:],
            ),
        )
    ]


def watched(run: list[str], path: Path, notebook: nbformat.NotebookNode) -> float:
    """Return the median seconds from an edit to the finished pages while `research run --watch` waits."""
    said = path.parents[1] / "said.txt"
    with said.open("w", encoding="utf-8") as printed:
        process = subprocess.Popen(run, cwd=path.parents[1], stdout=printed, stderr=printed)
    waits, found = 0, []
    try:
        for edit in range(EDITS + 1):
            if edit:
                notebook.cells[-1].source += f"\n# edit {edit}"
                nbformat.write(notebook, path)
            began = time.perf_counter()
            while (now := said.read_text(encoding="utf-8").count("Waiting for changes")) <= waits:
                if process.poll() is not None:
                    raise SystemExit(said.read_text(encoding="utf-8"))
                time.sleep(0.01)
            found.append(time.perf_counter() - began)
            waits = now
            time.sleep(SETTLED)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
    return statistics.median(found[1:])


def others(home: Path, study: str) -> list[dict]:
    """Return what twelve notebooks cost when every step has been computed."""
    books = sorted((home / "notebooks").glob("*.ipynb"))
    scripts = home / "scripts"
    scripts.mkdir()
    for book in books:
        code = PythonExporter().from_filename(book)[0]
        (scripts / f"{book.stem}.py").write_text(
            code.replace('study = "default"', f'study = "{study}"'), encoding="utf-8"
        )
    base = [sys.executable, "-m"]
    run = [*base, "research.cli", "run", study]
    commands = {
        "nbconvert --execute": [
            [*base, "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(home / "nb"), str(book)]
            for book in books
        ],
        "papermill": [
            [*base, "papermill", str(book), str(home / f"{book.stem}.out.ipynb"), "-p", "study", study]
            for book in books
        ],
        "plain scripts": [[sys.executable, str(script)] for script in sorted(scripts.glob("*.py"))],
    }
    rows = []
    for workers in (1, 2):
        for number, (name, calls) in enumerate(commands.items()):
            # ours directly before each alternative: the speed of a shared machine changes within minutes
            fresh = str(home / f"warm-{workers}-{number}")
            ours_seconds = timed([*run, "--out", fresh, "--jobs", str(workers)], home)
            began = time.perf_counter()
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda call: timed(call, home), calls))
            seconds = time.perf_counter() - began
            print(f"{name}, {workers} at a time: {seconds:.1f} s; ours {ours_seconds:.1f} s")
            rows.append(
                {
                    "claim": f"twelve notebooks, all steps computed, {workers} at a time",
                    "ours": "`research run`, with HTML and values",
                    "ours_seconds": ours_seconds,
                    "alternative": name,
                    "alternative_seconds": seconds,
                    "ratio": seconds / ours_seconds,
                    "target": "at least 1 against plain scripts" if name == "plain scripts" else "",
                    "n": study,
                }
            )
    return rows


def timed(command: list[str], folder: Path) -> float:
    """Return the seconds a command takes. Raises CalledProcessError with its output when it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "agg"}
    )
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
        done.check_returncode()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
