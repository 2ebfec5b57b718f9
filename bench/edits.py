"""What an edit computes again: steps whose keys it moves, and their processor seconds, here and in the first edition.

`python bench/edits.py [COMMIT]`. Linux only, and in a Git repository: both editions are checked out beside, and run at
the same time. In each, all notebooks run once in one process, which counts what every step costs without the steps it
calls; then each edit is made, and every step is asked for what its keys are made of.
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
from collections import Counter
from collections.abc import Iterable
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
    "a data file (the survey's workbook)": ("data/examples/survey_clean.xlsx",),
    "the seed": (),
    "the version of scikit-learn": (),
}
DEAREST = 3
STALE = {
    "the version of scikit-learn": "; the first edition did not look at versions, and its results went stale"
}


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
    """Return what one edit computes again in both editions; each has `costs` by step, and `moved` by edit."""
    again, again_before = (
        {step: found["costs"][step] for step in found["moved"][what]} for found in (ours, before)
    )
    seconds, dearest = sum(again.values()), sorted(again, key=again.__getitem__, reverse=True)[:DEAREST]
    some = f"{len(again)} of {len(ours['costs'])} steps"
    mostly = ", ".join([some, *(f"{step} {again[step]:.1f} s" for step in dearest)])
    return {
        "claim": f"computed again after an edit of {what}", "n": "default",
        "ours": some, "ours_seconds": seconds,
        "alternative": f"{commit}: {len(again_before)} of {len(before['costs'])} steps",
        "alternative_seconds": sum(again_before.values()),
        "note": f"{mostly}{STALE.get(what, '')}",
    }  # fmt: skip


def started_in(home: Path) -> subprocess.Popen[str]:
    """Start the measuring in a checkout."""
    given = {"PYTHONPATH": f"{home / 'src'}", "RESEARCH_CACHE": f"{home / '.cache'}", "RESEARCH_JOBS": "1",
             "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # fmt: skip
    command = [sys.executable, __file__, "--measure"]
    return subprocess.Popen(command, cwd=home, env=os.environ | given, stdout=subprocess.PIPE, text=True)


def measure() -> None:
    """Print, for the project in the current folder, what every step costs and every edit moves, as JSON."""
    steps = costs()
    before = told(steps)
    print(json.dumps({"costs": {step.__name__: seconds for step, seconds in steps.items()},
                      "moved": {what: moved(what, list(steps), before) for what in EDITS}}))  # fmt: skip


def costs() -> dict[Any, float]:
    """Run all notebooks; return the processor seconds of every step, without those of the steps it calls."""
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from research.steps import Step

    spent: Counter[Any] = Counter()
    inner = [0.0]
    call = Step.__call__

    def counted(step: Any, *args: Any, **more: Any) -> Any:
        began = time.process_time()
        inner.append(0.0)
        try:
            return call(step, *args, **more)
        finally:
            seconds = time.process_time() - began
            spent[step] += seconds - inner.pop()
            inner[-1] += seconds

    Step.__call__ = counted  # type: ignore[method-assign]
    shell = InteractiveShell.instance()
    for path in sorted(Path("notebooks").resolve().glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            with capture_output():
                done = shell.run_cell(cell.source if cell.cell_type == "code" else "", silent=True)
            done.raise_error()
    Step.__call__ = call  # type: ignore[method-assign]
    return dict(spent)


def moved(what: str, steps: list[Any], before: list[str]) -> list[str]:
    """Return the steps whose keys an edit moves: every edit of a file is made, and taken back."""
    files = [Path(name) for name in EDITS[what] if Path(name).exists()][:1]
    contents = {path: path.read_bytes() for path in files}
    try:
        for path, content in contents.items():
            path.write_bytes(content + b"\n")
        now = told(steps, what)
    finally:
        for path, content in contents.items():
            path.write_bytes(content)
    return [step.__name__ for step, old, new in zip(steps, before, now, strict=True) if old != new]


def told(steps: Iterable[Any], what: str = "") -> list[str]:
    """Return what the key of each step is made of, found in a process of its own that remembers nothing."""
    reading, writing = os.pipe()
    if not os.fork():
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            json.dump(made_of(list(steps), what), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = json.load(pipe)
    os.wait()
    return found


def made_of(steps: list[Any], what: str) -> list[str]:
    """Return code, data and parameters of each step under an edit, after forgetting what was cached in memory."""
    remembered = type(functools.cache(made_of))
    for one in gc.get_objects():
        if isinstance(one, remembered):
            one.cache_clear()
    for step in steps:
        with contextlib.suppress(AttributeError):  # of the first edition: a property that is kept
            del step.code
    installed = metadata.version
    if what == "the version of scikit-learn":
        metadata.version = lambda name: "0" if name == "scikit-learn" else installed(name)
    from research.parameters import load

    study = load(changes={"seed": 7} if what == "the seed" else {})
    return [
        f"{step.code} {[source(study) for source in step.data_keys()]} "
        f"{[getattr(study, name) for name in sorted(step.parameters)]}"
        for step in steps
    ]


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["--measure"] else main()
