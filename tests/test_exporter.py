"""A notebook that was executed without a run becomes the same page: `jupyter nbconvert --to research`."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import papermill
import pytest
from lxml import html
from nbconvert.exporters import get_exporter
from nbconvert.utils.exceptions import ConversionException

import command
import demo


@pytest.fixture(scope="module")
def executed(no_commit, tmp_path_factory) -> Path:
    """The first demonstration notebook, executed by papermill alone."""
    folder = tmp_path_factory.mktemp("plain")
    demo.write_demo(folder / "books")
    given, made = folder / "books" / "06_first.ipynb", folder / "06_first.ipynb"
    chosen = {"window": 9, "changes": {"seed": 7}}
    papermill.execute_notebook(given, made, chosen, progress_bar=False, start_timeout=command.PATIENCE)
    return made


def test_nbconvert_makes_the_page_that_a_run_makes(executed, tmp_path_factory):
    page, resources = get_exporter("research")().from_filename(str(executed))
    assert resources["output_extension"] == ".html"
    made = demo.shared_run(tmp_path_factory) / "out" / "06_first.html"
    tree, own = html.fromstring(page), html.fromstring(made.read_text(encoding="utf-8"))
    for exhibit in ("rates", "bars", "wide"):
        here, there = (root.get_element_by_id(exhibit) for root in (tree, own))
        for files in there.xpath(".//noscript"):  # there are files beside the page of a run
            files.getparent().remove(files)
        assert html.tostring(here) == html.tostring(there)
    assert "over 9 months" in tree.text_content()  # the parameter that papermill was given
    assert "seed 7" in re.sub(r"\s+", " ", tree.text_content())  # the study says it where results come from
    assert not [
        link for link in tree.xpath("//a/@href") if not link.startswith("#")
    ]  # no page stands beside it


def test_a_notebook_without_a_study_is_refused_in_one_sentence(tmp_path):
    path = demo.write(tmp_path, "own", [("text", "# Mine"), ("code", "1 + 1")])
    with pytest.raises(ConversionException, match="own: no cell tagged 'parameters' names a study; expected"):
        get_exporter("research")().from_filename(str(path))


def test_a_page_that_not_everybody_can_read_is_refused(tmp_path):
    path = demo.write(tmp_path, "own", [("text", "# Mine"), ("parameters", demo.PARAMETERS), ("code", "1")])
    notebook = nbformat.read(path, as_version=4)
    picture = nbformat.v4.new_output("display_data", {"image/png": "AAAA", "text/plain": "a figure"})
    notebook.cells[2].outputs = [picture]
    nbformat.write(notebook, path)
    with pytest.raises(ConversionException, match="own: cell 3: a picture without alternative text"):
        get_exporter("research")().from_filename(str(path))
