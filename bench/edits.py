"""What an edit computes again: steps whose keys it moves, and their processor seconds, here and in the first edition.

`python bench/edits.py [COMMIT]`. Linux only, and in a Git repository: both editions are checked out beside, and run at
the same time. In each, all notebooks run once in one process, which counts what every step costs without the steps it
calls; then each edit is made, and every step is asked for its key again.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from record import record

ROOT = Path(__file__).resolve().parents[1]
FIRST_EDITION = "71bf5d2"
SOURCE = "src/research"
# what is edited → the file here, and in the first edition where that is another
EDITS: dict[str, tuple[str, ...]] = {
    "a caption's word": (f"{SOURCE}/exhibits/comparison.py", f"{SOURCE}/captions/comparison.py"),
    "an exhibit's drawing": (f"{SOURCE}/exhibits/monitoring.py", f"{SOURCE}/figures/monitoring.py"),
    "a notebook's cell": ("notebooks/05_comparison.ipynb", "notebooks/09_comparison.ipynb"),
    "a threshold in definitions (classification)": ("data/definitions/classification.yml",),
    "a function in segment/rfm": (f"{SOURCE}/segment/rfm.py",),
    "a function in compare/criteria": (f"{SOURCE}/compare/criteria.py",),
    "a function in manage/strategies": (f"{SOURCE}/manage/strategies.py",),
    "a data file (the survey's workbook)": ("data/examples/survey_returned.xlsx",),
    "the seed": (),
    "the version of scikit-learn": (),
}
DEAREST = 3


def main() -> None:
    """Measure and print."""
    commit = (sys.argv[1:] or [FIRST_EDITION])[0]
    with tempfile.TemporaryDirectory() as folder:
        homes = {name: Path(folder) / name for name in ("HEAD", commit)}
        try:
            for name, home in homes.items():
                subprocess.run(["git", "worktree", "add", "--detach", home, name], cwd=ROOT, check=True)
            started = [started_in(home) for home in homes.values()]
            ours, before = (json.loads(run.communicate()[0].splitlines()[-1]) for run in started)
        finally:
            for home in homes.values():
                subprocess.run(["git", "worktree", "remove", "--force", home], cwd=ROOT, check=False)
    rows = [row(what, commit, ours, before) for what in EDITS]
    for made in rows:
        print(f"{made['claim']}: {made['ours_seconds']:.1f} s, {made['alternative_seconds']:.1f} s there")
    record("edits", rows)


def row(what: str, commit: str, ours: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what one edit computes again in both editions."""
    costs = {}
    for step, seconds in ours["edits"][what]:
        costs[step] = costs.get(step, 0.0) + seconds
    dearest = sorted(costs.items(), key=lambda item: -item[1])[:DEAREST]
    (again, seconds), (again_before, seconds_before) = (
        (len(found["edits"][what]), sum(cost for _, cost in found["edits"][what])) for found in (ours, before)
    )
    return {
        "claim": f"computed again after an edit of {what}", "n": "default",
        "ours": f"{again} of {ours['calls']} results", "ours_seconds": seconds,
        "alternative": f"{commit}: {again_before} of {before['calls']} results", "alternative_seconds": seconds_before,
        "note": "mostly " + ", ".join(f"{step} {cost:.1f} s" for step, cost in dearest) if seconds else "",
    }  # fmt: skip


def started_in(home: Path) -> subprocess.Popen[str]:
    """Start the measuring in a checkout."""
    given = {"PYTHONPATH": f"{home / 'src'}", "RESEARCH_CACHE": f"{home / '.cache'}", "RESEARCH_JOBS": "1",
             "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # fmt: skip
    command = [sys.executable, __file__, "--measure"]
    return subprocess.Popen(command, cwd=home, env=os.environ | given, stdout=subprocess.PIPE, text=True)


def measure() -> None:
    """Print, for the project in the current folder, what every edit computes again, as JSON."""
    calls = results()
    keys = keys_now(calls)
    found = {what: again(what, calls, keys) for what in EDITS}
    print(json.dumps({"calls": len(calls), "edits": found}))


def results() -> list[tuple[Any, tuple[Any, ...], dict[str, Any], float]]:
    """Run all notebooks; return each result once: step, its study and arguments, processor seconds of its own."""
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from research.steps import Step

    made: dict[str, list[Any]] = {}
    inner = [0.0]
    call = Step.__call__

    def counted(step: Any, *args: Any, **more: Any) -> Any:
        one = made.setdefault(step.key(*args, **more), [step, args, more, 0.0])
        began = time.process_time()
        inner.append(0.0)
        try:
            return call(step, *args, **more)
        finally:
            seconds = time.process_time() - began
            one[3] += seconds - inner.pop()
            inner[-1] += seconds

    Step.__call__ = counted  # type: ignore[method-assign]
    shell = InteractiveShell.instance()
    for path in sorted(Path("notebooks").resolve().glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            with capture_output():
                done = shell.run_cell(cell.source if cell.cell_type == "code" else "", silent=True)
            done.raise_error()
    Step.__call__ = call  # type: ignore[method-assign]
    return [(step, args, more, seconds) for step, args, more, seconds in made.values()]


def again(what: str, calls: list[Any], keys: list[str]) -> list[tuple[str, float]]:
    """Return name and cost of the results whose keys an edit moves."""
    files = [Path(name) for name in EDITS[what] if Path(name).exists()][:1]
    before = {path: path.read_bytes() for path in files}
    try:
        for path, content in before.items():
            path.write_bytes(content + b"\n")
        now = keys_now(calls, what)
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    moved = [one for one, old, new in zip(calls, keys, now, strict=True) if old != new]
    return [(step.__name__, seconds) for step, _, _, seconds in moved]


def keys_now(calls: list[Any], what: str = "") -> list[str]:
    """Return the key of every result, found in a process of its own that remembers nothing."""
    reading, writing = os.pipe()
    if not os.fork():
        os.close(reading)
        with os.fdopen(writing, "w") as told:
            json.dump(keys_of(calls, what), told)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        found = json.load(told)
    os.wait()
    return found


def keys_of(calls: list[Any], what: str) -> list[str]:
    """Return the keys under an edit, after forgetting everything that was cached in memory."""
    remembered = type(functools.cache(keys_of))
    for one in gc.get_objects():
        if isinstance(one, remembered):
            one.cache_clear()
    for step, *_ in calls:
        with contextlib.suppress(AttributeError):  # of the first edition: a property that is kept
            del step.code
    installed = metadata.version
    if what == "the version of scikit-learn":
        metadata.version = lambda name: "0" if name == "scikit-learn" else installed(name)
    other = {"seed": 7} if what == "the seed" else {}
    return [step.key(changed(args[0], other), *args[1:], **more) for step, args, more, _ in calls]


def changed(study: Any, other: dict[str, Any]) -> Any:
    """Return the study itself, not what a step sees of it, with other parameters."""
    from research.steps import plain

    return plain(study).model_copy(update=other)


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["--measure"] else main()
