"""A study of one's own lives outside the project, and every command works from its folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

import demo
from research.collect import draft
from research.collect.tables import read_table
from research.commands.new import new
from research.errors import UserError
from research.paths import EXAMPLES
from research.runs import pipeline
from research.runs.plan import plan

BOOK = EXAMPLES / "loan_book_example.csv"
MINE = [
    ("text", "# Do branches differ?"),
    ("parameters", demo.PARAMETERS),
    ("code", demo.SHOWN),
    ("code", "from research.parameters import load\nplan = load(study, dataset=dataset, changes=changes)"),
    ("code", 'answer(Said("The book is {name}.", {"name": plan.dataset}))'),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study of the example of a loan book, and the working folder."""
    new(tmp_path / "branches", loans=BOOK)
    monkeypatch.chdir(tmp_path / "branches")
    return tmp_path / "branches"


def test_the_study_is_of_the_own_book_and_its_draft(folder):
    made = plan("study.yml")
    assert (made.study.name, made.study.dataset) == ("branches", f"data/{BOOK.name}")
    assert (folder / "data" / BOOK.name).read_bytes() == BOOK.read_bytes()
    proposed = pd.read_csv(folder / "crosswalk.csv", dtype=str, keep_default_na=False)
    assert proposed["construct"].tolist() == draft.draft_crosswalk(read_table(BOOK))["construct"].tolist()
    assert not made.study.fieldwork.survey  # nothing invented comes along


def test_git_sees_the_study_and_no_customer(folder):
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    (folder / "reports").mkdir()
    (folder / "reports" / "values.json").touch()
    listed = ["git", "ls-files", "--others", "--exclude-standard"]
    seen = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    assert set(seen) == {".gitignore", "README.md", "crosswalk.csv", "notebooks/README.md", "study.yml"}


def test_own_notebooks_become_pages_of_the_report(folder):
    demo.write(folder / "notebooks", "20_branches", MINE)
    made = plan("study.yml", only=["20_branches"])
    assert {"05_comparison", "20_branches"} <= {notebook.stem for notebook in made.notebooks}
    result = pipeline.run(made, quiet=True)
    assert result.exit_code == 0, result.failed
    page = html.fromstring((folder / "reports" / "20_branches.html").read_text(encoding="utf-8"))
    assert f"The book is data/{BOOK.name}." in page.text_content()


def test_a_notebook_with_the_name_of_another_is_refused(folder):
    demo.write(folder / "notebooks", "05_comparison", MINE)
    with pytest.raises(
        UserError, match=r"05_comparison.ipynb: the study has a notebook of this name; expected"
    ):
        plan("study.yml")


def test_a_study_that_somebody_has_worked_on_is_not_replaced(folder):
    (folder / "study.yml").write_text("name: mine", encoding="utf-8")
    with pytest.raises(UserError, match="is there and is not as this command left it"):
        new(folder)
    assert (folder / "study.yml").read_text(encoding="utf-8") == "name: mine"


@pytest.mark.parametrize(("name", "loans", "expected"), [
    ("x", "gone.csv", "--loans gone.csv: expected"),
    ("x", "loans.pdf", "--loans loans.pdf: expected"),
    ("a:b", None, "name — found 'a:b'|name: found|name"),
])  # fmt: skip
def test_a_mistake_is_told_and_nothing_is_made(tmp_path, name, loans, expected):
    with pytest.raises(UserError, match=expected):
        new(tmp_path / name, loans=Path(loans) if loans else None)
    assert not (tmp_path / name).exists()
