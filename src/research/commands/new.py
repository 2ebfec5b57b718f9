"""`research new`: a study of one's own, outside the project."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer
import yaml

from research.collect import draft
from research.collect.datasets import EXPECTED, is_path
from research.collect.tables import read_table
from research.errors import UserError
from research.files.inert import write_csv
from research.files.targets import FILLS, READS, Force, guarded
from research.parameters import validate
from research.paths import ROOT
from research.runs.plan import OWN_NOTEBOOKS, OWN_REPORTS

PRIVATE = f"# Customers, and reports of them, stay out of Git.\n/data/\n/{OWN_REPORTS}/\n/.cache/\n"
HEAD = """\
# A study of your own. A path is relative to the folder in which you type the commands, which is meant to be this one.
# Every parameter with its default and meaning: {parameters}
"""
FIELDWORK = """\
# The survey and interviews of your own; empty: none. The project's examples are invented and are left out here.
"""
README = """\
# {name}

A study of loan customers in tiers. Type the commands in this folder, with the environment of the project switched
on: `. {project}/.venv/bin/activate`.

1. {loans}
2. Look at every row of `crosswalk.csv` that says `check`, as {guide} tells, then
   `research datasets check {file} --crosswalk crosswalk.csv`.
3. Before you look at results: `research register study.yml registration.json`, and name that file in `study.yml` as
   `registration`.
4. `research run study.yml`, then read `reports/index.html`. Other commands take `study.yml` in the same way, such as
   `research contacts study.yml contacts.xlsx`.

| here | what |
|---|---|
| `study.yml` | what this study is: data, tier shares, folds, costs, fieldwork |
| `crosswalk.csv` | which column of the loan book is which construct |
| `data/` | the loan book; Git ignores it |
| `notebooks/` | notebooks of your own; each becomes a page of the same report, after those of the study |
| `reports/` | pages, values and tables of the last run; Git ignores them |
"""
HERE = "The loan book is in `data/`, and `study.yml` names it."
TO_COME = """\
Put the loan book into `data/`, draft its crosswalk with `research datasets draft-crosswalk data/FILE --out
   crosswalk.csv`, and name both in `study.yml` as `dataset` and `crosswalk`. Until then the loans are public ones."""
OWN = """\
Put notebooks here, with names of their own such as `20_branches.ipynb`. A cell tagged `parameters` takes `study`,
`dataset` and `changes`, as in the notebooks of the project; `load(study, dataset=dataset, changes=changes)` gives the
study, and `show` an exhibit, as {guide} tells. They run with `research run study.yml`, alone with `--only 20_branches`.
"""


@guarded
def new(
    out: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="where the study is to be; the folder is made"), FILLS
    ],
    loans: Annotated[
        Path | None, typer.Option(help="your loan book: copied into data/, and its crosswalk drafted"), READS
    ] = None,
    force: Force = False,
) -> None:
    """Begin a study of your own: study file, drafted crosswalk, private data folder, room for notebooks."""
    name = out.absolute().name
    given = {"name": name, "title": f"Loan customer tiers: {name}", "dataset": "credit_data"}
    if loans is not None:
        if not is_path(str(loans)) or not loans.is_file():
            raise UserError(f"--loans {loans}: expected {EXPECTED}")
        proposal = draft.draft_crosswalk(read_table(loans))
        given |= {"dataset": f"data/{loans.name}", "crosswalk": "crosswalk.csv"}
    validate(given, where=str(out))
    fieldwork = dict.fromkeys(("survey", "vignettes", "ahp", "interviews", "declarations"), "")
    for made in (out / "data", out / OWN_NOTEBOOKS):
        made.mkdir(parents=True, exist_ok=True)
    file, told = (shlex.quote(given["dataset"]), HERE) if loans else ("data/FILE", TO_COME)
    head = HEAD.format(parameters=ROOT / "docs" / "reference" / "parameters.md")
    guide, exhibits = ROOT / "docs" / "own-loan-book.md", ROOT / "docs" / "exhibits.md"
    loan_data = dump(given | {"compare_datasets": [given["dataset"]]})
    texts = {
        "study.yml": head + loan_data + FIELDWORK + dump({"fieldwork": fieldwork}),
        ".gitignore": PRIVATE,
        "README.md": README.format(name=name, project=ROOT, guide=guide, file=file, loans=told),
        f"{OWN_NOTEBOOKS}/README.md": OWN.format(guide=exhibits),
    }
    for place, text in texts.items():
        (out / place).write_text(text, encoding="utf-8")
    if loans is not None:
        shutil.copyfile(loans, out / "data" / loans.name)
        write_csv(proposal, out / "crosswalk.csv")
    typer.echo(f"{out}: a study of your own; begin with README.md there.")


def dump(values: dict) -> str:
    """Return values as YAML."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
