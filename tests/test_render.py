"""A page: complete, offline, numbered, and refused when a reader would miss something."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from lxml import html as parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import demo
from research import closure
from research.exhibits import Exhibit, Said
from research.exhibits.models import tier_rates_drawn
from research.exhibits.words import Words
from research.pages import drawings, markdown, pagecheck
from research.pages.index import banners_of, split_banners
from research.pages.payload import MIME
from research.pages.render import RenderFailed, digest, failed_page, render
from research.pages.show import exhibit_bundle

PAGES = [("03_here", "Here?"), ("04_there", "There & back")]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    return (demo.shared_run(tmp_path_factory) / "out/06_first.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> dict:
    return json.loads((demo.shared_run(tmp_path_factory) / "out/provenance.json").read_text(encoding="utf-8"))


@pytest.fixture
def rendered(tmp_path, record):
    def make(*cells) -> str:
        notebook = new_notebook(cells=[new_markdown_cell("# Title"), *cells])
        path = tmp_path / "03_here.ipynb"
        nbformat.write(notebook, path)
        return render(path, PAGES, record)

    return make


def shows(bundle) -> nbformat.NotebookNode:
    return new_code_cell("show()", outputs=[new_output("display_data", data=bundle)])


def table(name="rates", caption="Rates"):
    return exhibit_bundle(Exhibit(name, pd.DataFrame({"a": [1]}), Said(caption)))


def test_page_allows_itself_and_nothing_else(page):
    tree = parser.document_fromstring(page)
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    style, script = tree.xpath("//style")[0].text, tree.xpath("//script")[0].text
    assert digest(style) in policy
    assert digest(script) in policy
    assert len(tree.xpath("//style | //script[not(@type)] | //link | //iframe")) == 2
    assert [data.get("type") for data in tree.xpath("//script[@type]")] == ["application/json"]


def test_page_is_numbered_and_linked(page):
    tree = parser.document_fromstring(page)
    assert tree.xpath("string(//div[@id='rates']//caption)") == "Table 6.1 Rates by tier; see Figure 6.1"
    assert tree.xpath("//div[@id='rates']//caption/a/@href") == ["#rates", "#bars"]
    assert tree.xpath("string(//div[@id='bars']//figcaption)") == "Figure 6.1 Rates rise."
    assert tree.xpath("//div[@id='answer']//a/text()") == ["Table 6.1"]
    assert tree.xpath("//nav[@class='contents']//ol[@class='sections']//a/@href") == [
        "#the-rule",
        "#a-long-table",
    ]
    assert tree.xpath("//a[@rel='next']/@href") == ["09_second.html"]
    assert tree.xpath("//div[contains(@class,'further')]//a/text()") == ["Which model is best?"]


def test_captions_paragraphs_and_points_have_anchors_that_the_index_repeats(page, tmp_path_factory):
    tree = parser.document_fromstring(page)
    said = tree.xpath(
        "//div[contains(@class,'exhibit') and not(contains(@class,'versions'))]"
        "//*[self::p[not(@class)] or self::li or self::figcaption or self::caption][not(ancestor::details)]"
    )
    assert [element.get("id", "none") for element in said if "banner" not in element.get("id", "")] == [
        "06_first-answer", "06_first-caption-rates", "06_first-caption-bars", "06_first-finding-quote",
        "06_first-caption-wide", "06_first-limits-1", "06_first-further-1",
    ]  # fmt: skip
    index = (demo.shared_run(tmp_path_factory) / "out/index.html").read_text(encoding="utf-8")
    assert (
        parser.document_fromstring(index).xpath("string(//p[@id='06_first-answer']/data/@value)") == "0.5631"
    )


@pytest.fixture
def figure(tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    frame = pd.DataFrame({"tier": ["premium", "high_risk"], "rate": [0.01, 0.1], "n": [10, 20]})
    frame = frame.assign(
        ci_low=0.0, ci_high=0.2, overall=0.05, ranking="tree", judged="unseen", reference="", outcome="x"
    )
    drawings.DRAWN.kept.clear()
    return Exhibit("rates", frame, Said("Rates"), Said("Dots."), tier_rates_drawn)


def forget(tmp_path):
    drawings.DRAWN.kept.clear()
    shutil.rmtree(tmp_path / "cache")


def test_figures_that_others_draw_are_the_same(tmp_path, record, figure):
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), shows(exhibit_bundle(figure))])
    nbformat.write(notebook, tmp_path / "03_here.ipynb")
    here = render(tmp_path / "03_here.ipynb", PAGES, record)
    forget(tmp_path)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert render(tmp_path / "03_here.ipynb", PAGES, record, pool=pool) == here
        forget(tmp_path)
        assert isinstance(pool.submit(os._exit, 1).exception(), BrokenExecutor)
        assert render(tmp_path / "03_here.ipynb", PAGES, record, pool=pool) == here


def test_a_figure_is_drawn_again_when_what_is_drawn_changes_and_not_when_its_caption_does(
    figure, monkeypatch
):
    drawn = []
    monkeypatch.setenv("RESEARCH_PAGES", "later")
    monkeypatch.setattr(drawings, "_wide_and_narrow", lambda payload, words: drawn.append(payload["name"]))

    def shown(**changes):
        drawings.DRAWN.kept.clear()
        payload = exhibit_bundle(replace(figure, **changes))[MIME]
        drawings.pictures(payload, Words())
        return len(drawn)

    assert shown() == 1
    assert shown() == shown(caption=Said("Rates fall")) == 1
    assert shown(frame=figure.frame.assign(rate=0.02)) == 2
    assert shown(origin="assumed") == 3
    monkeypatch.setattr("research.exhibits.style.fonts", lambda: ["another font"])
    assert shown() == 4
    monkeypatch.setattr(closure.Project, "code", lambda self, *names: "other code")
    assert shown() == 5


def test_formulas_are_mathml(page):
    tree = parser.document_fromstring(page)
    assert len(tree.xpath("//math")) == 2
    assert "∑" in tree.xpath("string(//math[@display='block'])")
    assert "$" not in tree.xpath("string(//main)").replace("$5", "")


def test_code_is_there_but_closed(page):
    tree = parser.document_fromstring(page)
    cells = tree.xpath("//details[contains(@class,'code')]")
    assert len(cells) > 5
    assert not [cell for cell in cells if "open" in cell.attrib]
    assert [cell.xpath("string(summary)") for cell in cells[:3]] == ["Parameters", "Parameters", "Code"]


def test_what_a_cell_prints_stays_text(page):
    tree = parser.document_fromstring(page)
    assert tree.xpath("string(//pre[@class='printed'])").strip() == "<b>plain</b>"
    assert "document.title" in tree.xpath("string(//div[@id='quote'])")
    assert not tree.xpath("//div[@id='quote']//script")


def test_page_says_where_it_comes_from(page, record):
    footer = parser.document_fromstring(page).xpath("string(//footer)")
    for part in (record["study"]["sha256"], record["data"]["sha256"], record["code"]["commit"]):
        assert part[:12] in footer


def prints(kind: str, **content) -> nbformat.NotebookNode:
    return new_code_cell("x", outputs=[new_output(kind, **content)])


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (prints("execute_result", data={"text/html": "<table></table>"}), "without caption"),
        (prints("display_data", data={"image/png": "AAAA"}), "without alternative text"),
        (prints("error", ename="KeyError", evalue="x", traceback=[]), "KeyError"),
        (new_markdown_cell("![](data:image/png;base64,AAAA)"), "no alternative text"),
        (new_markdown_cell("| a |\n|---|\n| 1 |"), "no caption"),
        (new_markdown_cell("See [[nothing]]."), "names no exhibit"),
        (new_markdown_cell("See [it](#nowhere)."), "not on the page"),
        (new_markdown_cell("![x](https://example.org/x.png)"), "must not need the network"),
        (new_markdown_cell("$\\frac{1}{$"), "cannot be read"),
    ],
)
def test_incomplete_pages_are_refused(rendered, cell, problem):
    with pytest.raises(RenderFailed, match=problem):
        rendered(cell)


def test_names_are_unique_in_a_notebook(rendered):
    with pytest.raises(RenderFailed, match="a second exhibit named 'rates'"):
        rendered(shows(table()), shows(table()))


def test_links_to_notebooks_become_links_to_pages(rendered):
    page = rendered(
        shows(table()),
        new_markdown_cell(
            "[a](04_there.ipynb) [b](04_there.ipynb#x) [c](05_gone.ipynb) [[04_there#part]] [[05_gone#part]] [[rates]]"
            " [web](https://doi.org/10.1/x)"
        ),
    )
    links = parser.document_fromstring(page).xpath("//section[@class='text'][2]//a")
    assert [(link.get("href"), link.text) for link in links] == [
        ("04_there.html", "a"),
        ("04_there.html#x", "b"),
        ("04_there.html#part", "part in There & back"),
        ("#rates", "Table 3.1"),
        ("https://doi.org/10.1/x", "web"),
    ]


def test_markup_in_markdown_stays_text(rendered):
    page = rendered(
        new_markdown_cell('<script>alert(1)</script> <b onclick="x()">bold</b> [x](javascript:alert(1))')
    )
    tree = parser.document_fromstring(page)
    assert len(tree.xpath("//script[not(@type)]")) == 1
    assert not tree.xpath("//*[@onclick]")
    assert not [link for link in tree.xpath("//a/@href") if link.startswith("javascript")]


def test_headings_never_share_an_anchor(rendered):
    page = rendered(
        shows(table(name="limits")), new_markdown_cell("## Limits\n\n## Limits\n\n## 限制 *here*")
    )
    found = sorted(a for a in pagecheck.ids(page) if a.startswith("limits"))
    assert found == ["limits", "limits-2", "limits-3"]
    assert "限制-here" in pagecheck.ids(page)


def test_captions_of_markdown_tables():
    before = markdown.with_captions(
        "<p>Table: A &amp; b</p>\n<table><thead><tr><th>x</th></tr></thead></table>"
    )
    after = markdown.with_captions(
        "<table><thead><tr><th>x</th></tr></thead></table>\n<p>Table: A &amp; b</p>\n"
    )
    assert before == after
    assert 'aria-label="A &amp; b"' in before
    assert '<th scope="col">' in before


def test_links_between_pages_are_checked():
    here = '<html><body><a href="b.html#there">x</a><a href="b.html#gone">x</a><a href="c.html">x</a></body></html>'
    there = '<html><body><p id="there">x</p><a href="https://a.org/x.html">x</a></body></html>'
    assert pagecheck.broken_links({"a.html": here, "b.html": there}) == [
        "a.html links to b.html#gone, and there is no such anchor",
        "a.html links to c.html, which does not exist",
    ]
    assert len(pagecheck.broken_links({"a.html": here, "b.html": there}, failed=["b"])) == 1


def test_page_of_a_failed_notebook_is_a_page(record):
    page = failed_page("04_there", PAGES, record, "In [3] `x`: ValueError: <b>")
    assert pagecheck.faults(page) == []
    assert "In [3] `x`: ValueError: &lt;b&gt;" in page
    assert "There &amp; back" in page


@pytest.mark.parametrize(
    ("provenance", "order"), [("invented", ["11_synthesis", "10_interviews"]), ("real", None)]
)
def test_invented_interviews_stand_apart_in_the_menu(record, provenance, order):
    pages = [("10_interviews", "Interviews"), ("11_synthesis", "Synthesis")]
    given = {**record, "study": {**record["study"], "parameters": {"fieldwork": {"provenance": provenance}}}}
    tree = parser.document_fromstring(failed_page("11_synthesis", pages, given, "no"))
    links = [link.removesuffix(".html") for link in tree.xpath("//nav[@class='contents']//a/@href")]
    assert links[1:-1] == (order or [stem for stem, _ in pages])
    assert bool(tree.xpath("//li[text()='Method demonstration']")) == (provenance == "invented")


def test_simulated_trials_stand_apart_whatever_the_fieldwork_is(record):
    pages = [("08_trial", "Trial"), ("11_synthesis", "Synthesis")]
    given = {**record, "study": {**record["study"], "parameters": {"fieldwork": {"provenance": "real"}}}}
    tree = parser.document_fromstring(failed_page("11_synthesis", pages, given, "no"))
    links = [link.removesuffix(".html") for link in tree.xpath("//nav[@class='contents']//a/@href")]
    assert links[1:-1] == ["11_synthesis", "08_trial"]


def test_the_index_shows_what_is_real_and_what_most_pages_say_of_the_rest():
    said = [("real", "loans"), ("invented", "one"), ("real", "answers"), *[("invented", "two")] * 2]
    entries = [{"banner": kind, "text": text} for kind, text in said]
    assert banners_of(entries) == [("real", "loans"), ("real", "answers"), ("invented", "two")]


def test_what_is_made_up_does_not_stand_above_the_findings():
    real, invented, simulated = ({"banner": kind, "text": kind} for kind in ("real", "invented", "simulated"))
    pages = {"05_comparison": [real], "07_monitoring": [real, simulated], "10_interviews": [invented]}
    assert split_banners(pages, {"10_interviews"}) == (
        [("real", "real")],
        [("simulated", "simulated"), ("invented", "invented")],
    )
    assert split_banners({"05_comparison": [simulated]}, ()) == ([("simulated", "simulated")], [])


def test_index_leads_to_everything(tmp_path_factory):
    out = demo.shared_run(tmp_path_factory) / "out"
    tree = parser.document_fromstring((out / "index.html").read_text(encoding="utf-8"))
    assert [a for a in tree.xpath("//main//h2/@id") if a != "provenance-of-this-page"] == [
        "notebooks", "reproduced", "cite", "checklists", "parameters", "downloads",
    ]  # fmt: skip
    assert "The AUC is 0.563 over 12 months; see Table 6.1." in tree.xpath(
        "string(//ol[@class='questions']/li[1])"
    )
    assert tree.xpath("//ol[@class='questions']//a[text()='Table 6.1']/@href") == ["06_first.html#rates"]
    for link in tree.xpath("//a/@href"):
        target = link.partition("#")[0]
        assert not target or "://" in target or (out / target).exists(), link
    assert re.search(r"tier_shares\.premium\s*0\.1", tree.xpath("string(//main)"))


def test_models_and_tiers_are_called_on_pages_what_readers_call_them(rendered):
    frame = pd.DataFrame({"ranking": ["rfm", "grade", "own"], "tier": ["high", "premium", "low"]})
    page = parser.document_fromstring(rendered(shows(exhibit_bundle(Exhibit("rates", frame, Said("Rates"))))))
    rows = [[cell.text_content() for cell in row] for row in page.xpath("//table//tbody/tr")]
    assert rows == [["RFM", "High risk"], ["Lender's grade", "Premium"], ["own", "Low risk"]]
