"""Exhibits: what a notebook shows carries its numbers, and nothing a customer wrote becomes markup."""

from __future__ import annotations

import base64
import datetime as dt
import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from lxml import html as parser
from matplotlib.figure import Figure

from research.exhibits import Exhibit, Said
from research.report import exhibit, markup, svg
from research.report.index import banners_of, split_banners
from research.report.payload import (
    MIME,
    exhibit_numbers,
    exhibits,
    frame_to_payload,
    payload_to_frame,
    plain,
    tidy,
)
from research.report.show import exhibit_bundle

ATTACK = '"><script>alert(1)</script>'


def tree(bundle):
    return parser.fragment_fromstring(bundle["text/html"].removeprefix(markup.NOTEBOOK_STYLE))


def figure():
    fig = Figure(figsize=(4, 3))
    fig.subplots().plot([0, 1], [0, 1])
    return fig


def test_table_is_captioned_scoped_and_aligned():
    frame = pd.DataFrame(
        {"tier": ["premium", "high"], "default_rate": [0.0123456789, np.nan], "n": [1000, 20]}
    )
    table = tree(
        exhibit.table_bundle(frame, name="rates", caption="Rates & tiers", formats={"default_rate": ".1%"})
    )
    assert table.get("id") == "rates"
    assert table.xpath("string(.//caption)") == "Rates & tiers"
    assert table.xpath(".//thead//th/text()") == ["Tier", "Default rate", "n"]
    assert table.xpath(".//th/@scope") == ["col", "col", "col", "row", "row"]
    assert table.xpath(".//tbody//td/text()") == ["1.2%", "1,000", "–", "20"]
    assert set(table.xpath(".//tbody//td/@class")) == {"num"}
    region = table.xpath(".//div[@role='region']")[0]
    assert (region.get("tabindex"), region.get("aria-label")) == ("0", "Rates & tiers")


def test_a_row_of_unlike_numbers_may_have_its_own_format():
    frame = pd.DataFrame({"measure": ["customers", "p", "AIC"], "value": [1234567.0, 1.2e-19, 1689.0088]})
    bundle = exhibit.table_bundle(
        frame, name="fit", caption="Fit", formats={"value": {"p": "p", "customers": ",.0f"}}
    )
    assert tree(bundle).xpath(".//tbody//td/text()") == ["1,234,567", "< 0.001", "1,689"]
    assert bundle[exhibit.MIME]["rows"][1][1] == 1.2e-19


def test_table_payload_keeps_full_precision_and_types():
    frame = pd.DataFrame(
        {
            "x": [0.1 + 0.2, np.nan, np.inf],
            "n": np.array([1, 2, 3], dtype="int32"),
            "ok": [True, False, True],
            "day": pd.to_datetime(["2018-01-31", None, "2018-03-01"]),
            "tier": pd.Categorical(["low", None, "high"], categories=["low", "high"]),
        }
    )
    payload = exhibit.table_bundle(frame, name="types", caption="Types", origin="simulated")[MIME]
    text = json.dumps(payload, allow_nan=False)
    back = payload_to_frame(json.loads(text))
    assert [column["dtype"] for column in payload["columns"]] == [
        "number",
        "integer",
        "boolean",
        "date",
        "text",
    ]
    assert back["x"].tolist()[0] == 0.1 + 0.2
    assert np.isnan(back["x"][1])
    assert np.isinf(back["x"][2])
    assert back["n"].tolist() == [1, 2, 3]
    assert back["ok"].dtype == bool
    assert back["day"][0] == dt.datetime(2018, 1, 31)
    assert back["day"].isna().tolist() == [False, True, False]
    assert back["tier"].isna().tolist() == [False, True, False]


def test_integers_with_gaps_survive():
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64")})
    back = payload_to_frame(frame_to_payload(frame))
    assert back["n"][0] == 1
    assert np.isnan(back["n"][1])


def test_meaningful_index_becomes_columns():
    frame = pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
    )
    assert list(tidy(frame).columns) == ["k", "row_2", "v"]
    assert list(tidy(pd.Series([1], index=["x"], name="v")).columns) == ["row", "v"]
    assert list(tidy(pd.DataFrame({("a", "b"): [1]})).columns) == ["a · b"]
    with pytest.raises(ValueError, match="more than one column named"):
        tidy(pd.DataFrame({"k": [1]}, index=pd.Index([1], name="k")))


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


def test_a_page_may_have_two_banners_of_a_kind():
    names = [exhibit.banner_bundle("real", text)[MIME]["name"] for text in ("loans", "answers", "loans")]
    assert names[0] == names[2] != names[1]


def test_customer_text_stays_text_everywhere():
    frame = pd.DataFrame({ATTACK: [ATTACK]})
    bundles = [
        exhibit.table_bundle(frame, name="t", caption=ATTACK),
        exhibit.figure_bundle(figure(), name="f", caption=ATTACK, alt=ATTACK, data=frame),
        exhibit.prose_bundle("finding", "p", "He said {quote}.", {"quote": f"{ATTACK} **x** [y](#z)"}),
        exhibit.banner_bundle("real", ATTACK.replace("1", "")),
    ]
    for bundle in bundles:
        fragment = tree(bundle)
        assert not fragment.xpath(".//script")
    assert tree(bundles[2]).xpath("string(.//span[@data-name='quote'])") == f"{ATTACK} **x** [y](#z)"
    assert tree(bundles[1]).xpath("string(.//img/@alt)") == ATTACK


@pytest.mark.parametrize(
    ("value", "spec", "shown"),
    [
        (None, ".3f", "–"),
        (np.nan, ".3f", "–"),
        (-0.5, ".2f", "−0.50"),
        (0.0004, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        (12345, "", "12,345"),
        (0.123456, "", "0.123"),
        (12.3456, "", "12.35"),
        (1234.5, "", "1,234"),
        (178.0, "", "178"),
        (2.0, "", "2.000"),
        (0.00012, "", "0.00012"),
        (1.5, "{:.1f} pp", "1.5 pp"),
        (3.0, "d", "3"),
        (True, "", "yes"),
        (np.inf, ".2f", "∞"),
        ("2018-01-01", "", "2018-01-01"),
    ],
)
def test_show(value, spec, shown):
    assert markup.show(value, spec) == shown


def test_columns_have_one_number_of_decimals():
    assert markup.column_spec(pd.Series([0.5, 0.25]), None) == ",.3f"
    assert markup.column_spec(pd.Series([0.5, 250.0]), None) == ",.1f"
    assert markup.column_spec(pd.Series([0.5, 25000.0, 0.0]), None) == ""
    assert markup.column_spec(pd.Series([0.0, 0.0]), None) == ",.3f"
    assert markup.column_spec(pd.Series([2.0, 3.0]), None) == ",.0f"
    assert markup.column_spec(pd.Series([0.5]), None, "p_value") == "p"
    assert markup.column_spec(pd.Series([np.nan]), None) == ".3f"
    assert markup.column_spec(pd.Series(["a"]), None) == ""


def test_finding_marks_every_number_with_its_full_value():
    bundle = exhibit.prose_bundle(
        "finding", "auc", "AUC {auc:.3f} (n = {n:,}, H1, 95 % CI)", {"auc": 2 / 3, "n": 10_000}
    )
    numbers = tree(bundle).xpath(".//data")
    assert [(n.text, float(n.get("value")), n.get("data-name")) for n in numbers] == [
        ("0.667", 2 / 3, "auc"),
        ("10,000", 10_000, "n"),
    ]
    assert bundle["text/plain"] == "AUC 0.667 (n = 10,000, H1, 95 % CI)"
    assert bundle[MIME]["values"] == {"auc": 2 / 3, "n": 10_000}


@pytest.mark.parametrize("template", ["The AUC is 0.71.", "In 2018 {x}", "about 5 %{x}"])
def test_typed_numbers_are_refused(template):
    with pytest.raises(ValueError, match="typed into the prose"):
        exhibit.prose_bundle("finding", "x", template, {"x": 1})


def test_names_with_digits_are_not_numbers():
    body, _ = markup.fill("H1, R2, K13 and [[table_2]] with a 95 % interval {x}", {"x": 1})
    assert 'href="#table_2"' in body


def test_missing_and_unused_values_are_refused():
    with pytest.raises(ValueError, match=r"'\{b\}'"):
        markup.fill("{b}", {"a": 1})
    with pytest.raises(ValueError, match="not in the template: a"):
        markup.fill("text", {"a": 1})


def test_inline_markup():
    body = markup.prose_markup("**bold** *soft* `code` [there](09_x.ipynb#a) 2*3*4 [no](javascript:x)")
    assert "<strong>bold</strong> <em>soft</em> <code>code</code>" in body
    assert '<a href="09_x.ipynb#a">there</a> 2*3*4 [no](javascript:x)' in body


def test_figure_is_described_deterministic_and_closed():
    first = exhibit.figure_bundle(figure(), name="line", caption="It rises", alt="A rising line")
    second = exhibit.figure_bundle(figure(), name="line", caption="It rises", alt="A rising line")
    assert first == second
    picture = tree(first).xpath(".//figure//img")[0]
    assert picture.get("alt") == "A rising line"
    assert picture.get("src").startswith("data:image/svg+xml;base64,")
    assert 300 < int(picture.get("width")) <= 4 * 96 + 20
    svg = base64.b64decode(picture.get("src").partition(",")[2])
    assert b"<dc:date>" not in svg
    assert b"<text" not in svg


def test_a_figure_is_slimmed_without_moving_anything():
    raw = (
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="72pt">\n <metadata>x</metadata>\n'
        ' <defs>\n  <path id="DejaVuSans-14" d="M 794 531 \nL 1825.123456 531 \nz\n" transform="scale(0.015625)"/>\n'
        ' </defs>\n <g id="text_1">\n  <!-- secret -->\n'
        '  <g transform="translate(93.610078 -0.001) scale(0.085 -0.085)">'
        '<use xlink:href="#DejaVuSans-14" transform="translate(63.623047 0)"/></g></g>'
        '<g clip-path="url(#p953bc9f88b)"/><clipPath id="p953bc9f88b"/></svg>'
    )
    thin = svg.slim(raw)
    assert thin == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="72pt"><defs>'
        '<path id="a0" d="M794 531L1825.12 531z" transform="scale(0.015625)"/></defs><g>'
        '<g transform="translate(93.61 0) scale(0.085 -0.085)"><use xlink:href="#a0" x="63.62"/></g></g>'
        '<g clip-path="url(#a1)"/><clipPath id="a1"/></svg>'
    )


def test_a_table_of_sentences_names_its_columns_in_every_cell():
    words = "a sentence that is longer than a few words"
    frame = pd.DataFrame({"claim": [words], "why": [words], "n": [10]})
    stacked = tree(exhibit.table_bundle(frame, name="claims", caption="Claims"))
    assert "stack" in stacked.xpath(".//div/@class")[0].split()
    assert stacked.xpath(".//tbody//*/@data-label") == ["Claim", "Why", "n"]
    plain_table = tree(exhibit.table_bundle(frame[["claim", "n"]], name="claims", caption="Claims"))
    assert not plain_table.xpath(".//@data-label")


@pytest.mark.parametrize(
    ("columns", "rows", "classes"),
    [
        (3, 13, ["scroll"]),  # a sentence and two numbers stand side by side on a phone
        (4, 13, ["scroll", "stack"]),
        (4, 20, ["scroll", "tall", "stack"]),  # whole on a page, in a box of its own on a phone
        (4, 26, ["scroll", "long", "stack"]),
        (7, 13, ["scroll", "dense", "stack"]),
    ],
)
def test_a_table_is_set_by_its_size(columns, rows, classes):
    frame = pd.DataFrame({f"n{number}": range(rows) for number in range(columns - 1)})
    frame.insert(0, "claim", "a sentence that is longer than a few words")
    shown = Exhibit("claims", frame, Said("Claims."), headings={name: name for name in frame})
    assert tree(exhibit_bundle(shown)).xpath(".//div[@role='region']/@class")[0].split() == classes


def test_a_very_long_table_says_what_paper_leaves_out():
    long = tree(exhibit.table_bundle(pd.DataFrame({"x": range(61)}), name="long", caption="Long"))
    assert long.xpath(".//p[contains(@class, 'paper')]/text()") == ["On paper the first 60 of 61 rows."]


def test_heavy_figure_becomes_a_sharp_bitmap():
    fig = Figure(figsize=(4, 3))
    points = np.random.default_rng(1).normal(size=(2, 20_000))
    fig.subplots().scatter(*points)
    picture = tree(exhibit.figure_bundle(fig, name="cloud", caption="A cloud", alt="A cloud")).xpath(
        ".//img"
    )[0]
    png = base64.b64decode(picture.get("src").removeprefix("data:image/png;base64,"))
    assert int.from_bytes(png[16:20], "big") // 2 == int(picture.get("width"))
    assert b"matplotlib" not in png[:400]


def test_closed_pyplot_figures():
    mpl.use("agg")
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    fig, _ = plt.subplots()
    exhibit.figure_bundle(fig, name="p", caption="c", alt="a")
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    "call",
    [
        lambda: exhibit.table_bundle(pd.DataFrame({"a": [1]}), name="t", caption=" "),
        lambda: exhibit.figure_bundle(figure(), name="f", caption="c", alt=""),
        lambda: exhibit.figure_bundle(figure(), name="f", caption="", alt="a"),
        lambda: exhibit.table_bundle(pd.DataFrame({"a": [1]}), name="No good", caption="c"),
        lambda: exhibit.table_bundle(pd.DataFrame({"a": [1]}), name="t", caption="c", formats={"b": ".1f"}),
        lambda: exhibit.banner_bundle("fake", ""),
        lambda: exhibit.limits_bundle((), {}),
    ],
)
def test_incomplete_exhibits_are_refused(call):
    with pytest.raises(
        ValueError, match=r"caption|alternative text|name an exhibit|columns are|unknown|at least one"
    ):
        call()


def test_limits_answer_further_and_versions():
    limits = exhibit.limits_bundle(("Only {n:,} loans.", "No deposits."), {"n": 5000})
    assert tree(limits).xpath(".//li") is not None
    assert [item.text_content() for item in tree(limits).xpath(".//li")] == [
        "Only 5,000 loans.",
        "No deposits.",
    ]
    answer = exhibit.prose_bundle("answer", "answer", "Yes: {x:.1f}.", {"x": 2.25})
    assert answer[MIME]["html"] == 'Yes: <data value="2.25" data-name="x">2.2</data>.'
    further = exhibit.further_bundle({"05_comparison": "the same by value"})
    assert tree(further).xpath(".//a/@href") == ["05_comparison.ipynb"]
    versions = exhibit.versions_bundle(("pandas", "no-such-package"))[MIME]["rows"]
    assert versions[1] == ["pandas", pd.__version__]
    assert versions[2] == ["no-such-package", "not installed"]


def test_long_table_scrolls_and_says_what_it_leaves_out():
    frame = pd.DataFrame({"x": range(500)})
    fragment = tree(exhibit.table_bundle(frame, name="long", caption="Long"))
    assert fragment.xpath("count(.//tbody/tr)") == 400
    assert "long" in fragment.xpath(".//div[@role='region']/@class")[0]
    assert "first 400 of 500 rows" in fragment.text_content()


def test_exhibits_are_found_and_numbered_by_kind():
    def output(kind, name):
        return {"data": {MIME: {"kind": kind, "name": name}}}

    notebook = {
        "cells": [
            {"outputs": [output("table", "a"), output("figure", "b")]},
            {"source": "text"},
            {"outputs": [output("finding", "c"), output("table", "d"), {"name": "stdout"}]},
        ]
    }
    assert [(cell, payload["name"]) for cell, payload in exhibits(notebook)] == [
        (1, "a"),
        (1, "b"),
        (3, "c"),
        (3, "d"),
    ]
    assert exhibit_numbers(notebook, "03_x") == {
        "a": "Table 3.1",
        "b": "Figure 3.1",
        "c": "finding",
        "d": "Table 3.2",
    }
    assert exhibit_numbers(notebook, "extra")["d"] == "Table 2"


def test_plain_makes_json_of_anything():
    value = {
        "a": np.int64(1),
        2: [np.float32(0.5), pd.NA, {"z", "y"}],
        "s": pd.Series([1.0, np.nan]),
        "o": object,
    }
    result = plain(value)
    assert result["a"] == 1
    assert result["2"] == [0.5, None, ["y", "z"]]
    assert result["s"] == [1.0, None]
    json.dumps(result, allow_nan=False)


def test_showing_displays_the_bundle(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: shown.append((bundle[MIME]["kind"], raw))
    )
    exhibit.table(pd.DataFrame({"a": [1]}), name="t", caption="c")
    exhibit.figure(figure(), name="f", caption="c", alt="a")
    exhibit.finding("p", "{x}", x=1)
    exhibit.answer("{x}", x=1)
    exhibit.limits("nothing")
    exhibit.banner("invented")
    exhibit.further(**{"05_comparison": "more"})
    exhibit.versions("pandas")
    kinds = ["table", "figure", "finding", "answer", "limits", "banner", "further", "versions"]
    assert shown == [(kind, True) for kind in kinds]
