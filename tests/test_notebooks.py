"""Notebooks are papers: a question, parameters, short cells, no code of their own, outputs stripped."""

from __future__ import annotations

import re

import nbformat
import papermill
import pytest

from research.paths import NOTEBOOKS

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]
EXPECTED = [
    "01_data", "02_classification", "03_drivers", "04_models", "05_comparison", "06_strategies",
    "07_monitoring", "08_trial", "09_survey", "10_interviews", "11_synthesis",
]  # fmt: skip


def test_the_notebooks_are_the_eleven_of_the_protocol() -> None:
    assert NAMES == EXPECTED


@pytest.fixture(scope="module", params=PATHS, ids=NAMES)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_it_opens_with_a_question(notebook: nbformat.NotebookNode) -> None:
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    assert first["source"].startswith("# ")
    assert "?" in first["source"]


def test_outputs_are_stripped(notebook: nbformat.NotebookNode) -> None:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells if cell["outputs"]] == []
    assert {cell["execution_count"] for cell in cells} == {None}


def test_it_defines_nothing_and_cells_are_short(notebook: nbformat.NotebookNode) -> None:
    for source in code(notebook):
        assert not re.search(r"^\s*(def|class) ", source, flags=re.MULTILINE)
        assert not re.search(r"[\"'](/|[A-Z]:\\)", source), "an absolute path"


def test_it_shows_an_answer_limits_and_where_to_go(notebook: nbformat.NotebookNode) -> None:
    text = "\n".join(code(notebook))
    for exhibit in ("banner(", "answer(", "limits(", "further(", "versions("):
        assert exhibit in text, exhibit


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_papermill_sees_the_parameters_with_help(path) -> None:
    found = papermill.inspect_notebook(str(path))
    assert {"study", "dataset", "changes"} <= set(found)
    assert [name for name, info in found.items() if not info["help"]] == []
    assert found["study"]["inferred_type_name"] == "str"


LONGEST, USUAL = 10, 4


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_cell_gets_a_frame_or_shows_one(path) -> None:
    cells = [cell for cell in code(nbformat.read(path, 4)) if "# a name in studies/" not in cell]
    lengths = sorted(len([line for line in cell.splitlines() if line.strip()]) for cell in cells)
    assert lengths[-1] <= LONGEST
    assert lengths[len(lengths) // 2] <= USUAL
    formatting = re.compile(r":[,.+]?[.\d]*[%fd]\}|\.format\(|round\(|caption=|formats=")
    assert [cell for cell in cells if formatting.search(cell)] == []
