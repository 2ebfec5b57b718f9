"""Exhibits are data: sentences with fields, frames, drawings by name; words and pictures come with the page."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from babel import Locale
from lxml import html as parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from research.exhibits import N_, Exhibit, Said, Words
from research.exhibits.exhibit import drawn_by
from research.exhibits.style import panels_of_tiers, small_multiples
from research.numerals import number
from research.pages import markup, show, values
from research.pages.payload import MIME
from research.pages.render import render
from research.pages.worded import from_json, numbers_in, to_json, worded
from research.pages.worded import shown as html_of
from research.tiers import TIERS

RECORD = {
    "study": {"name": "demo", "title": "Demo", "sha256": "0" * 64},
    "seed": 1,
    "data": {"name": "x", "source": "x", "sha256": "0" * 64},
    "code": {"commit": "0" * 40, "dirty": False, "sha256": "0" * 64},
    "environment": {"python": "3.11", "lock": "0" * 64},
}
RATES = pd.DataFrame(
    {
        "ranking": ["tree"] * 4,
        "judged": ["unseen"] * 4,
        "tier": ["premium", "low", "medium", "high"],
        "n": [1000, 4000, 3000, 2000],
        "rate": [0.01, 0.015, 0.02, 0.0375],
        "ci_low": [0.005, 0.012, 0.016, 0.03],
        "ci_high": [0.018, 0.019, 0.025, 0.0461],
        "overall": [0.0178] * 4,
        "outcome": ["late"] * 4,
        "reference": ["credit_grade"] * 4,
    }
)


class Chinese(gettext.NullTranslations):
    """Three entries of a catalogue."""

    def gettext(self, message: str) -> str:
        return {
            "High risk {high:.2%}, premium {premium:.2%}.": "高风险层 {high:.2%}，优质层 {premium:.2%}。",
            "High risk": "高风险层",
            "Bad rate": "不良率",
        }.get(message, message)


ZH = Words(Locale("zh"), Chinese())


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (0.0178, ".2%", "1.78%"),
        (-1234.5, ",.1f", "−1,234.5"),
        (-0.0001, ".2f", "0.00"),
        (2.675, ".2f", "2.67"),  # rounded as Python rounds: the binary number is below the tie
        (0.0004, "p", "< 0.001"),
        (0.04, "p", "0.040"),
        (10_000, "", "10,000"),
        (12.345, "", "12.35"),
        (0.00042, "", "0.00042"),
        (float("inf"), ".1f", "∞"),
        (0.5, "{:.1f} pp", "0.5 pp"),
        (0.05, "+.1%", "+5.0%"),
        (123456.0, ",.3g", "123,000"),
    ],
)
def test_numbers_are_written_as_python_rounds_them(value: float, spec: str, text: str) -> None:
    assert number(value, spec) == text


def test_marks_of_numbers_are_those_of_the_language() -> None:
    assert number(1234.5, ",.1f", Locale("de")) == "1.234,5"
    assert number(0.125, ".1%", Locale("fr")).replace("\xa0", " ").replace("\u202f", " ") == "12,5 %"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\.2q' is no format of a number"):
        number(1.0, ".2q")


@pytest.mark.parametrize(
    ("template", "fields", "wrong"),
    [
        ("{a} and {b}", {"a": 1}, r"names '\{b\}' but no such value"),
        ("{a}", {"a": 1, "b": 2}, "not in the template: b"),
        ("11 of {n}", {"n": 141}, "'11' is typed into the prose"),
        ("The AUC is 0.71.", {}, "typed into the prose"),
        ("In 2018 {n}", {"n": 1}, "typed into the prose"),
        ("about 5 %{n}", {"n": 1}, "typed into the prose"),
    ],
)
def test_a_sentence_has_just_the_fields_of_its_template(template: str, fields: dict, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Said(template, fields)


def test_names_with_digits_are_not_numbers() -> None:
    said = Said("H1, R2, K13 and [[table_2]] with a 95 % interval {x}", {"x": 1})
    assert 'href="#table_2"' in markup.said_html(said, Words())


def test_a_sentence_in_english_and_in_chinese_from_one_record() -> None:
    said = Said("High risk {high:.2%}, premium {premium:.2%}.", {"high": 0.0375, "premium": 0.01})
    again = from_json(json.loads(json.dumps(to_json(said))))
    assert str(again) == "High risk 3.75%, premium 1.00%."
    assert ZH.said(again) == "高风险层 3.75%，优质层 1.00%。"


def test_fields_may_be_sentences_lists_and_missing() -> None:
    said = Said(
        "{who} of {models}; {n:,}.",
        {"who": Said("the tiers"), "models": ["RFM", "ABC", Said("the tree")], "n": None},
    )
    assert str(said) == "the tiers of RFM, ABC and the tree; withheld."
    assert ZH.listed(["甲", "乙", "丙"]) == "甲、乙和丙"
    assert numbers_in(to_json(Said("{a} {b}", {"a": 0.5, "b": Said("{c:.1f}", {"c": 2.0})}))) == {
        "a": 0.5,
        "b.c": 2.0,
    }


def exhibit(**changes) -> Exhibit:
    given = {"name": "rates", "frame": RATES, "caption": Said("Bad rates rise.")}
    return Exhibit(**given | changes)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": "Rates!"}, "small letters"),
        ({"caption": Said(" ")}, "needs a caption"),
        ({"caption": Said("word " * 31)}, "31 words, at most 30"),
        ({"formats": {"rats": ".1%"}}, "no such column: rats"),
        ({"headings": {"worth": "Worth"}}, "no such column: worth"),
        ({"origin": "dreamt"}, "expected one of real, recorded"),
        ({"draw": lambda frame, words: None, "alt": Said("x")}, "with @drawing"),
        ({"draw": drawn_by("models:tier_rates_drawn")}, "alternative text"),
        (
            {
                "frame": pd.DataFrame({c: [1] for c in "abcdefghi"}),
                "headings": {c: c for c in "abcdefghi"},
            },
            "9 columns, at most 8",
        ),
    ],
)
def test_an_exhibit_that_would_not_read_is_refused(changes: dict, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        exhibit(**changes)


@pytest.mark.parametrize(
    "name",
    ["os:system", "exhibit:drawn_by", "models:Exhibit", "research.exhibits.models:tier_rates_drawn", ""],
)
def test_only_marked_functions_of_the_package_draw(name: str) -> None:
    with pytest.raises(ValueError, match="no function of research"):
        drawn_by(name)


def test_an_answer_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="found 61 and 0"):
        show.answer(Said("word " * 61))
    with pytest.raises(ValueError, match="found 5 and 5"):
        show.answer(Said("{a} {b} {c} {d} {e}", dict(zip("abcde", range(5), strict=True))))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What a notebook would display, in order; as in a run, where pages are made later."""
    bundles: list[dict] = []
    monkeypatch.setattr(show, "emit", bundles.append)
    monkeypatch.setenv(show.LATER, "later")
    return bundles


def notebook_of(bundles: list[dict], folder: Path) -> Path:
    cells = [new_markdown_cell("# Here?")]
    cells += [new_code_cell("show(x)", outputs=[new_output("display_data", data=b)]) for b in bundles]
    path = folder / "04_here.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def page_of(bundles: list[dict], folder: Path, words: Words | None = None) -> str:
    return render(notebook_of(bundles, folder), [("04_here", "Here?")], RECORD, words)


def figure(**changes) -> Exhibit:
    caption = Said("High risk {high:.2%}, premium {premium:.2%}.", {"high": 0.0375, "premium": 0.01})
    given = {"alt": Said("Four dots."), "draw": drawn_by("models:tier_rates_drawn")}
    return exhibit(caption=caption, headings={"tier": N_("Tier"), "rate": N_("Bad rate")}, **given | changes)


def test_an_executed_notebook_holds_no_picture_and_no_finished_words(shown: list[dict]) -> None:
    show.show(figure())
    payload = shown[0][MIME]
    assert set(shown[0]) == {MIME, "text/plain"}
    assert payload["draw"] == "models:tier_rates_drawn"
    assert payload["said"]["caption"]["template"] == "High risk {high:.2%}, premium {premium:.2%}."
    assert "svg" not in json.dumps(payload)


def test_jupyterlab_shows_the_same_exhibit_in_english(
    shown: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(show.LATER)
    show.show(figure())
    assert "data:image/svg+xml" in shown[0]["text/html"]
    assert "High risk <data" in shown[0]["text/html"]


def test_one_run_serves_two_languages(shown: list[dict], tmp_path: Path) -> None:
    show.show(figure())
    english, chinese = page_of(shown, tmp_path), page_of(shown, tmp_path, ZH)
    assert re.search(r"High risk <data [^>]*>3\.75%</data>", english)
    assert re.search(r"高风险层 <data [^>]*>3\.75%</data>", chinese)
    assert ">高风险层<" in chinese
    assert ">不良率<" in chinese
    pictures = [re.findall(r'src="(data:image[^"]+)"', page) for page in (english, chinese)]
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(("width", "lowest"), [(7.6, [2, 3, 4]), (3.6, [4])])
def test_the_lowest_panel_of_every_column_tells_its_axis(width: float, lowest: list[int]) -> None:
    _, panels = small_multiples(Words(width=width), count=5, columns=3, row_height=1.2)
    told = [axes.xaxis.get_tick_params()["labelbottom"] for axes in panels]
    assert [place for place, shown in enumerate(told) if shown] == lowest


def test_a_wide_figure_has_a_drawing_for_phones(shown: list[dict], tmp_path: Path) -> None:
    show.show(figure())
    tree = parser.document_fromstring(page_of(shown, tmp_path))
    (source,) = tree.xpath("//figure//source")
    (wide,) = tree.xpath("//figure//img")
    assert int(source.get("width")) <= 400 < int(wide.get("width"))
    assert source.get("media") == "(max-width: 40rem)"


def test_a_demonstration_says_so_inside_the_picture(shown: list[dict], tmp_path: Path) -> None:
    show.show(figure(name="real"), figure(name="shown", origin="demonstration"))
    tree = parser.document_fromstring(page_of(shown, tmp_path))
    real, demonstration = tree.xpath("//figure//img/@src")
    assert len(demonstration) > len(real)
    assert tree.xpath("//div[@id='shown']//span[@class='tag demonstration']/text()") == [
        "method demonstration"
    ]
    assert not tree.xpath("//div[@id='real']//span[contains(@class, 'tag')]")


def test_estimate_and_interval_share_a_cell_and_values_keep_all_columns(
    shown: list[dict], tmp_path: Path
) -> None:
    show.show(
        exhibit(
            headings={"tier": N_("Tier"), "n": N_("Customers"), "rate": N_("Bad rate, 95 % CI")},
            formats={"rate": "{rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]"},
        )
    )
    path = notebook_of(shown, tmp_path)
    tree = parser.document_fromstring(render(path, [("04_here", "Here?")], RECORD))
    last = [cell.text_content() for cell in tree.xpath("//div[@id='rates']//tr")[-1]]
    assert last == ["High risk", "2,000", "3.75% [3.00%,\xa04.61%]"]
    flat = dict(values.flatten(values.values_record(values.collect([path]), RECORD["study"])))
    assert flat["04_here/rates[4].ci_high"] == 0.0461


def test_the_supplement_is_a_fold_with_numbers_of_its_own(shown: list[dict], tmp_path: Path) -> None:
    show.show(exhibit(name="extra", supplement=True), exhibit(name="kept"))
    show.say("text", Said("See [[extra]] and [[kept]]."))
    tree = parser.document_fromstring(page_of(shown, tmp_path))
    assert [link.text for link in tree.xpath("//p[@id]/a")] == ["Table 4.S1", "Table 4.1"]
    assert tree.xpath("//details[@id='supplement']//div[@id='extra']")
    assert not tree.xpath("//details[@id='supplement']//div[@id='kept']")


def test_small_counts_take_the_sentence_that_tells_them_along(shown: list[dict]) -> None:
    few = RATES[["tier", "n"]].assign(n=[1000, 4000, 3000, 2])
    show.show(exhibit(frame=few, caption=Said("The high tier has {n} customers.", {"n": 2})))
    assert worded(shown[0][MIME])["caption"].startswith("Part of these numbers is withheld: fewer than 5")
    assert shown[0][MIME]["rows"][3] == ["high", None]


def test_sentences_keep_their_values_by_name(shown: list[dict], tmp_path: Path) -> None:
    show.answer(Said("High risk {high:.2%}.", {"high": 0.0375}), Said("No more."))
    show.limits(Said("One lender."), Said("{n:,} loans.", {"n": 12_000}))
    show.banner("real", Said("Real data: {title}.", {"title": "loans <x>"}))
    show.further(**{"05_there": N_("which model")})
    path = notebook_of(shown, tmp_path)
    found = values.collect([path])
    assert found.prose["04_here/answer"]["values"] == {"high": 0.0375}
    assert found.prose["04_here/limits"]["values"] == {"n": 12_000}
    page = render(path, [("04_here", "Here?"), ("05_there", "There?")], RECORD)
    tree = parser.document_fromstring(page)
    assert tree.xpath("//div[@id='limits']//li[2]")[0].text_content() == "12,000 loans."
    assert "loans &lt;x&gt;" in page
    assert tree.xpath("//div[@id='further']//a/@href") == ["05_there.html"]
    assert tree.xpath("//div[@id='further']//a")[0].text_content() == "There?"


def tree(shown: list[dict]) -> list:
    """What the exhibits are on a page, in order."""
    return [parser.fragment_fromstring(html_of(bundle[MIME], Words())) for bundle in shown]


def test_a_table_is_captioned_scoped_and_aligned(shown: list[dict]) -> None:
    frame = pd.DataFrame(
        {"tier": ["premium", "high"], "default_rate": [0.0123456789, np.nan], "n": [1000, 20]}
    )
    show.show(exhibit(frame=frame, caption=Said("Rates & tiers"), formats={"default_rate": ".1%"}))
    (table,) = tree(shown)
    assert table.get("id") == "rates"
    assert table.xpath("string(.//caption)") == "Rates & tiers"
    assert table.xpath(".//thead//th/text()") == ["Tier", "Default rate", "n"]
    assert table.xpath(".//th/@scope") == ["col", "col", "col", "row", "row"]
    assert [cell.text_content() for cell in table.xpath(".//tbody//td")] == ["1.2%", "1,000", "–", "20"]
    assert set(table.xpath(".//tbody//td/@class")) == {"num"}
    region = table.xpath(".//div[@role='region']")[0]
    assert (region.get("tabindex"), region.get("aria-label")) == ("0", "Rates & tiers")


def test_a_row_of_unlike_numbers_may_have_its_own_format(shown: list[dict]) -> None:
    frame = pd.DataFrame({"measure": ["customers", "p", "AIC"], "value": [1234567.0, 1.2e-19, 1689.0088]})
    show.show(exhibit(frame=frame, formats={"value": {"p": "p", "customers": ",.0f"}}))
    assert tree(shown)[0].xpath(".//tbody//td/data/text()") == ["1,234,567", "< 0.001", "1,689"]
    assert shown[0][MIME]["rows"][1][1] == 1.2e-19


ATTACK = '"><script>alert(1)</script>'


def test_customer_text_stays_text_everywhere(shown: list[dict]) -> None:
    quoted = {"quote": f"{ATTACK} **x** [y](#z)"}
    show.show(exhibit(frame=pd.DataFrame({ATTACK: [ATTACK]}), caption=Said("{quote}", quoted)))
    show.show(figure(frame=RATES.assign(outcome=ATTACK), alt=Said("{quote}", {"quote": ATTACK})))
    show.say("p", Said("He said {quote}.", quoted), Said("<script>x</script>"))
    show.banner("real", Said("{quote}", quoted))
    show.further(**{"05_comparison": ATTACK})
    pages = tree(shown)
    assert not [page for page in pages if page.xpath(".//script | .//*[@onclick]")]
    assert pages[0].xpath("string(.//td | .//tbody//th)") == ATTACK
    assert pages[1].xpath("string(.//img/@alt)") == ATTACK
    assert pages[2].xpath("string(.//span[@data-name='quote'])") == quoted["quote"]
    assert not pages[2].xpath(".//a")


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (None, ".3f", "withheld"),
        (np.nan, ".3f", "withheld"),
        (np.float64(-0.5), ".2f", "−0.50"),
        (178.0, "", "178"),
        (2.0, "", "2.000"),
        (3.0, "d", "3"),
        (True, "", "yes"),
        ("inf", ".2f", "∞"),
        ("2018-01-01", "", "2018-01-01"),
    ],
)
def test_fields_as_text(value: object, spec: str, text: str) -> None:
    assert Words().value(value, spec) == text


def test_columns_have_one_number_of_decimals() -> None:
    assert markup.column_spec(pd.Series([0.5, 0.25]), None) == ",.3f"
    assert markup.column_spec(pd.Series([0.5, 250.0]), None) == ",.1f"
    assert markup.column_spec(pd.Series([0.5, 25000.0, 0.0]), None) == ""
    assert markup.column_spec(pd.Series([0.0, 0.0]), None) == ",.3f"
    assert markup.column_spec(pd.Series([2.0, 3.0]), None) == ",.0f"
    assert markup.column_spec(pd.Series([0.5]), None, "p_value") == "p"
    assert markup.column_spec(pd.Series([np.nan]), None) == ".3f"
    assert markup.column_spec(pd.Series(["a"]), None) == ""


def test_a_paragraph_marks_every_number_with_its_full_value(shown: list[dict]) -> None:
    show.say("auc", Said("AUC {auc:.3f} (n = {n:,}, H1, 95 % CI)", {"auc": 2 / 3, "n": 10_000}))
    numbers = tree(shown)[0].xpath(".//data")
    assert [(n.text, float(n.get("value")), n.get("data-name")) for n in numbers] == [
        ("0.667", 2 / 3, "auc.auc"),
        ("10,000", 10_000, "auc.n"),
    ]
    assert shown[0]["text/plain"] == "AUC 0.667 (n = 10,000, H1, 95 % CI)"
    assert worded(shown[0][MIME])["values"] == {"auc": 2 / 3, "n": 10_000}


def test_inline_markup() -> None:
    body = markup.prose_markup("**bold** *soft* `code` [there](09_x.ipynb#a) 2*3*4 [no](javascript:x)")
    assert "<strong>bold</strong> <em>soft</em> <code>code</code>" in body
    assert '<a href="09_x.ipynb#a">there</a> 2*3*4 [no](javascript:x)' in body


def test_a_table_of_sentences_names_its_columns_in_every_cell(shown: list[dict]) -> None:
    words = "a sentence that is longer than a few words"
    frame = pd.DataFrame({"claim": [words], "why": [words], "n": [10]})
    show.show(exhibit(frame=frame), exhibit(frame=frame[["claim", "n"]]))
    stacked, beside = tree(shown)
    assert "stack" in stacked.xpath(".//div/@class")[0].split()
    assert stacked.xpath(".//tbody//*/@data-label") == ["Claim", "Why", "n"]
    assert not beside.xpath(".//@data-label")


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
def test_a_table_is_set_by_its_size(shown: list[dict], columns: int, rows: int, classes: list[str]) -> None:
    frame = pd.DataFrame({f"n{number}": range(rows) for number in range(columns - 1)})
    frame.insert(0, "claim", "a sentence that is longer than a few words")
    show.show(exhibit(frame=frame))
    assert tree(shown)[0].xpath(".//div[@role='region']/@class")[0].split() == classes


def test_a_long_table_scrolls_and_says_what_it_leaves_out(shown: list[dict]) -> None:
    show.show(*[exhibit(frame=pd.DataFrame({"x": range(rows)})) for rows in (61, 500)])
    paper, long = tree(shown)
    assert paper.xpath(".//p[contains(@class, 'paper')]/text()") == ["On paper the first 60 of 61 rows."]
    assert long.xpath("count(.//tbody/tr)") == 400
    assert "long" in long.xpath(".//div[@role='region']/@class")[0]
    assert "first 400 of 500 rows" in long.text_content()


def test_a_page_may_have_two_banners_of_a_kind(shown: list[dict]) -> None:
    for text in ("loans", "answers", "loans"):
        show.banner("real", Said(text))
    names = [bundle[MIME]["name"] for bundle in shown]
    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        (lambda: show.say("No good", Said("x")), "cannot name a paragraph"),
        (lambda: show.say("x"), "at least one sentence"),
        (lambda: show.limits(), "at least one sentence"),
        (lambda: show.banner("fake"), "'fake' is unknown; expected one of simulated"),
    ],
)
def test_incomplete_prose_is_refused(call: Callable[[], None], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        call()


def test_an_exhibit_without_rows_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="exhibit 'rates' has no rows"):
        show.show(Exhibit("rates", pd.DataFrame({"tier": []}), Said("Rates by tier.")))


def test_numbers_of_a_large_book_have_room_beside_the_next_panel() -> None:
    rows = {"tier": list(TIERS), "rate": 0.1, "ci_low": 0.05, "ci_high": 0.2}
    gaps = []
    for n in (9_000, 333_038):
        part = pd.DataFrame(rows | {"n": n})
        drawn = panels_of_tiers([("A", part), ("B", part)], Words(), 2, 1.5, "Rate")
        gaps.append(drawn.get_layout_engine().get()["wspace"])
    assert gaps[0] < gaps[1]


def test_versions_are_a_fold_and_name_what_is_missing(shown: list[dict], tmp_path: Path) -> None:
    show.versions("pandas", "no-such-package")
    page = parser.document_fromstring(page_of(shown, tmp_path))
    (fold,) = page.xpath("//div[@id='versions']/details")
    assert fold.xpath("string(summary)") == "Versions"
    assert fold.xpath("string(.//caption)") == "Versions of the software that made this page"
    assert [row.xpath("string(td)") for row in fold.xpath(".//tbody/tr")][1:] == [
        pd.__version__,
        "not installed",
    ]
    assert not values.collect([tmp_path / "04_here.ipynb"]).tables


def test_showing_displays_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, raw: seen.append((bundle[MIME]["kind"], raw))
    )
    show.show(exhibit(), figure())
    show.say("p", Said("{x}", {"x": 1}))
    show.answer(Said("{x}", {"x": 1}))
    show.limits(Said("nothing"))
    show.banner("invented")
    show.further(**{"05_comparison": N_("more")})
    show.versions("pandas")
    kinds = ["table", "figure", "finding", "answer", "limits", "banner", "further", "versions"]
    assert seen == [(kind, True) for kind in kinds]
