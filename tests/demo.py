"""Small notebooks for the tests of the reports, and one finished run of them that all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from research.pages import notebooks
from research.runs import pipeline
from research.runs import plan as plans

PARAMETERS = """study: str = "default"  # a name or a path
dataset: str = ""  # a data set
changes: dict = {}  # other parameters"""

SHOWN = (
    "import pandas as pd\nfrom research.exhibits import Exhibit, Said\n"
    "from research.pages.show import answer, banner, further, limits, say, show, versions"
)
FIRST = [
    ("text", "# How does the first model 模型 order?\n\nIs $R_i + F_i \\le 10$ useful?"),
    ("parameters", PARAMETERS + "\nwindow: int = 12  # months"),
    ("code", f"{SHOWN}\nfrom research.exhibits import models"),
    ("code", 'banner("invented")'),
    (
        "code",
        'said = "The AUC is {auc:.3f} over {window} months; see [[rates]]."\n'
        'answer(Said(said, {"auc": 0.5631, "window": window}))',
    ),
    (
        "text",
        "## The rule\n\n$$ s_i = \\sum_k w_k q_k(x_{ik}) $$\n\nTable: Segments\n\n"
        "| segment | rule |\n|---|---|\n| best | R ≥ 4 |",
    ),
    (
        "code",
        'frame = pd.DataFrame({"tier": ["premium", "high"], "rate": [0.004921, 0.051], "n": [1000, 9000]})\n'
        'show(Exhibit("rates", frame, Said("Rates by tier; see [[bars]]"), formats={"rate": ".1%"}))',
    ),
    (
        "code",
        'drawn = frame.assign(ranking="tree", judged="unseen", ci_low=frame["rate"] / 2, ci_high=frame["rate"] * 2,\n'
        '    overall=0.04, outcome="late", reference="grade")\n'
        'show(Exhibit("bars", drawn, Said("Rates rise."), Said("Two dots, the second on the right"),\n'
        "    models.tier_rates_drawn))",
    ),
    (
        "code",
        "quote = '<script>document.title = \"broken\"</script>'\n"
        'say("quote", Said("He said {quote} to {n:,} of us.", {"quote": quote, "n": 12345}))',
    ),
    ("text", "## A long table"),
    (
        "code",
        'wide = pd.DataFrame({"purpose": [f"purpose {i}" for i in range(40)], '
        '**{f"measure_{k}": [10.0**k] * 40 for k in range(9)}})\n'
        'show(Exhibit("wide", wide, Said("Many rows and columns")))',
    ),
    ("code", 'print("<b>plain</b>")'),
    ("code", 'limits(Said("One data set."))\nfurther(**{"09_second": "more"})\nversions("pandas")'),
]
SECOND = [
    ("text", "# Which model is best?\n\nSee [the rates](06_first.ipynb#rates) and [[06_first#bars]]."),
    ("parameters", PARAMETERS),
    (
        "code",
        f"{SHOWN}\nfrom research import parameters\n"
        "plan = parameters.load(study, dataset=dataset, changes=changes)",
    ),
    ("code", 'answer(Said("The {model} wins at seed {seed:d}.", {"model": "tree", "seed": plan.seed}))'),
    (
        "code",
        'rows = pd.DataFrame({"model": ["rfm", "=1+1"], "auc": [0.56, 0.61]})\n'
        'show(Exhibit("ranking", rows, Said("AUC by model")))',
    ),
]


def write(
    folder: Path, stem: str, cells: list[tuple[str, str]], needs: tuple[str, ...] = (), begins: str = ""
) -> Path:
    """Write a notebook of (kind, source) cells with fixed cell ids."""
    made = []
    for number, (kind, source) in enumerate(cells):
        cell = new_markdown_cell(source) if kind == "text" else new_code_cell(source)
        cell["id"] = f"cell-{number}"
        if kind == "parameters":
            cell.metadata["tags"] = ["parameters"]
        made.append(cell)
    notebook = new_notebook(cells=made)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if needs or begins:
        notebook.metadata["research"] = {"needs": list(needs), "begins": begins}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.ipynb"
    nbformat.write(notebook, path)
    return path


def write_demo(folder: Path) -> Path:
    """Write the two demonstration notebooks."""
    write(folder, "06_first", FIRST)
    write(folder, "09_second", SECOND, needs=("06_first",))
    return folder


def run(folder: Path, out: Path, *, reference: Path | None = None, **options) -> pipeline.Result:
    """Run the notebooks of a folder quietly; without a reference unless one is given."""
    plan = plans.plan("default", out=out, notebooks=notebooks.find(folder), **options)
    return pipeline.run(plan, quiet=True, reference=reference or folder / "no-reference.json")


def shared_run(tmp_path_factory) -> Path:
    """Return the folder of a finished run, made once and copied by each test process.

    Tests run it again and must not meet.
    """
    base = tmp_path_factory.getbasetemp()
    home, made = base / "demo-run", (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo"
    if home.exists():
        return home
    with FileLock(f"{made}.lock"):
        if not (made / "done").exists():
            result = run(write_demo(made / "notebooks"), made / "out", jobs=2)
            assert result.exit_code == 0, [*result.failed, *result.faults]
            (made / "done").touch()
    return Path(shutil.copytree(made, home))
