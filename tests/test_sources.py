"""Where each number of a page comes from: named as in values.json, with its table, cell and old value."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from lxml import html as parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import demo
from research.exhibits import Exhibit, Said
from research.pages import sources, values
from research.pages.render import render
from research.pages.show import exhibit_bundle, prose_bundle

FRAME = pd.DataFrame(
    {
        "measure": ["AUC", "customers"],
        "rate": [1 / 3, 2 / 3],
        "low": [0.25, float("nan")],
        "high": [0.5, float("inf")],
        "unseen": [4.5, 7.25],
        "size": [0.1, 1234.0],
    }
)
PAIR = "{rate:.2f} [{low:.2f}, {high:.2f}]"


def cells() -> list:
    said = [
        Said("At first {n:,}.", {"n": 5}),
        Said(
            "Then {n:,}, of {inner} and {several}.",
            {
                "n": 7,
                "inner": Said("{n} parts", {"n": 3}),
                "several": [1.5, Said("{n:.1f} more", {"n": 2.5})],
            },
        ),
    ]
    caption = Said(
        "Of {rate_AUC:.0%}, {unseen:.1f}, {other:.1f} and {parts}",
        {"rate_AUC": 1 / 3, "unseen": 4.5, "other": 7.25, "parts": 2},
    )
    table = Exhibit(
        "rates", FRAME, caption, headings={"measure": "Measure", "rate": "Rate", "size": "Size"},
        formats={"rate": PAIR, "size": {"AUC": ".3f", "customers": "{size:,.0f} of {unseen:.1f}"}},
    )  # fmt: skip
    shown = [
        prose_bundle("banner", "banner-real-1", [Said("Of {year:d}.", {"year": 2018})], banner="real"),
        prose_bundle("finding", "text", said),
        exhibit_bundle(table),
    ]
    return [new_code_cell("show()", outputs=[new_output("display_data", data=bundle)]) for bundle in shown]


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    return json.loads((demo.shared_run(tmp_path_factory) / "out/provenance.json").read_text(encoding="utf-8"))


def written(folder: Path, record: dict) -> tuple[Path, dict]:
    """Write the page of a notebook with numbers of every kind, compared with a reference that differs in three.

    Returns the page and its values.json.
    """
    path, page, reference = (folder / name for name in ("03_here.ipynb", "03_here.html", "values.json"))
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Title"), *cells()]), path)
    found = values.values_record(values.collect([path]), record["study"])
    then = json.loads(values.values_text(found))
    then["prose"]["03_here/text"]["values"]["n"] = 6
    then["tables"]["03_here/rates"]["rows"][0][2] = 0.125
    del then["prose"]["03_here/text"]["values"]["several.1"]
    reference.write_text(values.values_text(then), encoding="utf-8")
    page.write_text(render(path, [("03_here", "Here?")], record, reference=reference), encoding="utf-8")
    return page, found


@pytest.fixture(scope="module")
def made(tmp_path_factory, record):
    return written(tmp_path_factory.mktemp("sources"), record)


NAMES = {
    "03_here/banner-real-1.year": 2018,
    "03_here/text.sentence.1.n": 5,  # a later sentence has another number under this name
    "03_here/text.n": 7,
    "03_here/text.inner.n": 3,
    "03_here/text.several.1": 1.5,
    "03_here/text.several.2.n": 2.5,
    "03_here/rates[1].rate": 1 / 3,
    "03_here/rates[1].unseen": 4.5,
    "03_here/rates[2].unseen": 7.25,
    "03_here/rates.caption.parts": 2,
}


def test_numbers_of_sentences_have_the_names_of_values_json_or_of_a_cell(made):
    tree = parser.document_fromstring(made[0].read_text(encoding="utf-8"))
    said = tree.xpath("//data[@data-name]")
    assert {f"03_here/{one.get('data-name')}": float(one.get("value")) for one in said} == NAMES
    known = dict(values.flatten(made[1]))
    alone = [name for name in NAMES if name not in known]
    assert alone == ["03_here/banner-real-1.year"]
    assert all(known[name] == number for name, number in NAMES.items() if name in known)


def test_two_numbers_under_one_name_stop_the_page(tmp_path, record, monkeypatch):
    monkeypatch.setenv("RESEARCH_PAGES", "1")  # as in a run: the page is written later
    clashing = prose_bundle("finding", "text", [Said("{a} and {a.1}", {"a": [0.5], "a.1": 0.25})])
    cell = new_code_cell(outputs=[new_output("display_data", data=clashing)])
    path = tmp_path / "03_here.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Title"), cell]), path)
    with pytest.raises(ValueError, match=r"'a\.1' would be both 0\.5 and 0\.25"):
        render(path, [("03_here", "Here?")], record)


def test_the_record_of_a_page_has_the_whole_table_and_what_moved(made):
    tree = parser.document_fromstring(made[0].read_text(encoding="utf-8"))
    told = json.loads(tree.xpath("string(//script[@id='numbers-record'])"))["exhibits"]
    assert told["03_here/rates"]["moved"] == {"[1].low": 0.125}
    assert told["03_here/text"]["moved"] == {".n": 6, ".several.1": None}
    assert told["03_here/rates"]["csv"].startswith("measure,rate,low,high,unseen,size\nAUC,0.333333")
    assert told["03_here/rates"]["columns"] == ["measure", ["rate", "low", "high"], ["size"]]
    assert told["03_here/rates"]["rows"] == {"2": ["measure", ["rate", "low", "high"], ["size", "unseen"]]}


def test_the_table_on_a_page_is_the_file_in_the_results(tmp_path_factory):
    out = demo.shared_run(tmp_path_factory) / "out"
    for page in ("06_first", "09_second"):
        tree = parser.document_fromstring((out / f"{page}.html").read_text(encoding="utf-8"))
        told = json.loads(tree.xpath("string(//script[@id='numbers-record'])"))["exhibits"]
        files = {
            key: (out / f"results/{key}.csv").read_text(encoding="utf-8")
            for key in told
            if "csv" in told[key]
        }
        assert {f"{page}/{path.stem}" for path in out.glob(f"results/{page}/*.csv")} == set(files)
        assert files == {key: told[key]["csv"] for key in files}


def test_without_scripts_the_fold_of_an_exhibit_says_the_same(made):
    tree = parser.document_fromstring(made[0].read_text(encoding="utf-8"))
    fold = tree.xpath("//div[@id='rates']/noscript/details")[0]
    assert fold.xpath("string(summary)") == "Data and code of Table 3.1"
    assert fold.xpath(".//a/@href") == ["results/03_here/rates.csv", "#cell-4", "#provenance-of-this-page"]
    assert "Moved against the reference or new: 1 of its values." in fold.text_content()
    assert tree.get_element_by_id("cell-4").get("class") == "code"


def test_why_values_were_not_compared_is_said(tmp_path, record):
    path = tmp_path / "03_here.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Title"), *cells()]), path)
    page = render(path, [("03_here", "Here?")], record)
    assert '"uncompared":"Not compared: there are no reference values yet."' in page


def test_a_text_of_a_table_cannot_end_the_record():
    frame = pd.DataFrame({"text": ["</script><script>alert(1)</script>"]})
    payload = next(iter(exhibit_bundle(Exhibit("rates", frame, Said("Rates"))).values()))
    told = sources.record([("03_here/rates", 1, payload)], {}, sources.Words())
    assert "<" not in told
    assert re.search("alert", json.loads(told)["exhibits"]["03_here/rates"]["csv"])
