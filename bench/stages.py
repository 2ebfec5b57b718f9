"""Where the time of a cold study goes: processor seconds by stage, in one process.

`python bench/stages.py [STUDY]`. The notebooks' code runs here, cell by cell; what a step costs is counted for its
stage without the steps it calls. Figures and tables are what cells cost besides steps; kernels and HTML are measured
apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import nbformat
from record import record

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    study = sys.argv[1] if len(sys.argv) > 1 else "default"
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "RESEARCH_CACHE": folder,
            "RESEARCH_JOBS": "1",
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
        }
        spent = Counter(imports=imported())
        spent += cells(study)
        spent += pages(study, Path(folder))
    whole = sum(spent.values())
    rows = [
        {
            "claim": f"stage: {stage}",
            "ours": f"{seconds / whole:.0%} of the processor time",
            "ours_seconds": seconds,
            "n": study,
        }
        for stage, seconds in spent.most_common()
    ]
    for row in rows:
        print(f"{row['claim']}: {row['ours_seconds']:.1f} s, {row['ours']}")
    record("stages", rows)


def imported() -> float:
    """Return the processor seconds of importing what notebooks import."""
    began = time.process_time()
    import optbinning  # noqa: F401
    import pingouin  # noqa: F401

    import research.exhibits.style
    import research.pages.show
    import research.study.contents  # noqa: F401

    return time.process_time() - began


def cells(study: str) -> Counter[str]:
    """Run all code cells; return seconds per stage of the study, and of figures and tables."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from research.steps import Step

    spent: Counter[str] = Counter()
    inner = [0.0]
    call = Step.__call__

    def counted(step: Step, *args: object) -> object:
        began = time.process_time()
        inner.append(0.0)
        try:
            return call(step, *args)
        finally:
            seconds = time.process_time() - began
            spent[f"study/{step.__module__.split('.')[-1]}"] += seconds - inner.pop()
            inner[-1] += seconds

    Step.__call__ = counted  # type: ignore[method-assign]
    shell = InteractiveShell.instance()
    began = time.process_time()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            source = cell.source
            if "parameters" in cell.metadata.get("tags", []):
                source = source.replace('study: str = "default"', f'study: str = "{study}"')
            with capture_output():
                done = shell.run_cell(source, silent=True)
            done.raise_error()
    spent["figures and tables"] = time.process_time() - began - inner[0]
    Step.__call__ = call  # type: ignore[method-assign]
    return spent


def pages(study: str, folder: Path) -> Counter[str]:
    """Return seconds of kernels with papermill (all steps computed) and of HTML, as wall time of one job."""
    import io
    import json

    from rich.console import Console

    from research.pages.render import render
    from research.runs import pipeline
    from research.runs import plan as plans

    plan = plans.plan(study, out=folder / "out")
    began = time.perf_counter()
    pipeline.run(plan, console=Console(file=io.StringIO()), quiet=True)
    ran = time.perf_counter() - began
    record_of_run = json.loads((plan.out / "provenance.json").read_text(encoding="utf-8"))
    began = time.perf_counter()
    for stem, _ in plan.pages:
        render(plan.executed(stem), plan.pages, record_of_run)
    html = time.perf_counter() - began
    return Counter({"kernels, papermill, figures again, values, index": ran - html, "HTML": html})


if __name__ == "__main__":
    main()
