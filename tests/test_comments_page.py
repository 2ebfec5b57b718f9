"""Comments in a real browser: marked, saved, edited, downloaded and loaded again; by keyboard; nothing is sent."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from openpyxl import load_workbook

from test_browser import DESK, PHONE, becomes, browser, expect, out, visit, width_beyond  # noqa: F401

NO_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } });"
# what keys do with a caret in the text: put it at a place and stretch it by words
SELECT = """([selector, from, words]) => {
  const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
  let node = walker.nextNode();
  while (!node.data.includes(from)) { node = walker.nextNode(); }
  getSelection().collapse(node, node.data.indexOf(from));
  for (let i = 0; i < words; i++) { getSelection().modify('extend', 'forward', 'word'); }
}"""


def select(page, selector: str, start: str, words: int) -> None:
    page.evaluate(SELECT, [selector, start, words])
    page.locator("#comment-mark").wait_for()


@contextmanager
def closed(page):
    """The dialog closes in this block; the browser tells the page a moment later, and that is waited for."""
    page.evaluate(
        """() => { window.told = new Promise((done) => {
            document.querySelector("#comment").addEventListener("close", () => done(true), { once: true }); }) }"""
    )
    yield
    assert page.evaluate("window.told")


def write(page, text: str, name: str = "Reviewer 1") -> None:
    page.get_by_label("Comment", exact=True).and_(page.locator("textarea")).fill(text)
    page.get_by_label("Your name").fill(name)
    with closed(page):
        page.get_by_role("button", name="Save").click()


def listed(page):
    return page.locator("#comments li .said")


def highlighted(page) -> list[str]:
    return page.evaluate("[...(CSS.highlights.get('comment') || [])].map(String)")


def downloaded(page, path: Path) -> Path:
    if page.locator("#comments").is_hidden():
        page.locator("#comments-open").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(path)
    return path


def said(page):
    return page.locator("#comments-said")


def test_a_passage_is_marked_saved_and_there_when_the_page_is_opened_again(visit, tmp_path):  # noqa: F811
    page = visit("06_first.html")
    select(page, "#answer", "AUC", 3)
    page.locator("#comment-mark").click()
    quoted = page.get_by_role("dialog", name="Comment on a passage").locator("blockquote")
    expect(quoted).to_have_text("AUC is 0.563")
    write(page, "Of what?")
    expect(said(page)).to_have_text("Comment saved. On this page: 1")
    page.reload()
    assert highlighted(page) == ["AUC is 0.563"]
    expect(page.locator("#comments-open")).to_have_text("Comments 1")
    other = page.context.new_page()
    other.goto(page.url.replace("06_first", "09_second"))
    other.locator("#comments-open").click()
    expect(listed(other)).to_have_text([])
    expect(other.locator("#comments-elsewhere")).to_have_text("On other pages: 1")
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == page.said == []


def test_the_file_is_one_of_web_annotations_that_names_place_run_and_reader(visit, out, tmp_path):  # noqa: F811
    page = visit("06_first.html")
    select(page, "#answer", "AUC", 1)
    page.keyboard.press("Alt+Shift+C")
    write(page, "Of what?", "Ana 王")
    page.locator("#comments-open").click()
    page.get_by_role("button", name="Comment on Table 6.1").click()
    write(page, "Since when?", "Ana 王")
    made = json.loads(downloaded(page, tmp_path / "c.json").read_text(encoding="utf-8"))
    assert (made["@context"], made["type"]) == ("http://www.w3.org/ns/anno.jsonld", "AnnotationPage")
    passage, exhibit = made["items"]
    assert (passage["type"], passage["motivation"]) == ("Annotation", "commenting")
    assert passage["body"] == {
        "type": "TextualBody",
        "value": "Of what?",
        "format": "text/plain",
        "purpose": "commenting",
    }
    assert passage["creator"] == {"type": "Person", "name": "Ana 王"}
    assert passage["created"].endswith("Z")
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    target = passage["target"]
    assert (target["source"], target["dcterms:isPartOf"]) == ("06_first.html", f"urn:sha256:{record['run']}")
    assert [one["type"] for one in target["selector"]] == ["FragmentSelector", "TextQuoteSelector"]
    assert target["selector"][0]["value"] == "06_first-answer"
    quote = target["selector"][1]
    assert (quote["exact"], quote["prefix"][-3:], quote["suffix"][:8]) == ("AUC", "The", "is 0.563")
    assert exhibit["target"]["selector"][1]["exact"].split("\n")[1:] == [
        "Tier\tRate\tn", "Premium\t0.5%\t1,000", "High risk\t5.1%\t9,000"
    ]  # fmt: skip
    assert "file:" not in json.dumps(made)  # no path of the reader's machine


def test_by_keyboard_alone_from_an_exhibit_to_the_file_and_back(visit):  # noqa: F811
    page = visit("06_first.html")
    page.locator("#rates .scroll").focus()
    page.keyboard.press("Alt+Shift+C")
    expect(page.get_by_role("dialog", name="Comment on Table 6.1")).to_be_visible()
    page.keyboard.type("Why two tiers?")
    page.keyboard.press("Tab")
    page.keyboard.type("Reviewer 1")
    with closed(page):
        page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Comment saved. On this page: 1")
    becomes(page, "document.activeElement === document.querySelector('#rates .scroll')", True)
    page.locator("#comments-open").focus()
    page.keyboard.press("Enter")
    becomes(page, "document.activeElement.textContent", "Comments")
    for name in ("Download", "Close"):
        page.keyboard.press("Tab")
        becomes(page, "document.activeElement.textContent", name)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    becomes(page, "document.activeElement.textContent", "Table 6.1")
    page.keyboard.press("Enter")
    becomes(page, "document.activeElement.id", "rates")
    page.locator("#comments-close").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#comments")).to_be_hidden()
    becomes(page, "document.activeElement.id", "comments-open")


def test_a_passage_by_keyboard_keeps_the_place_of_the_caret(visit):  # noqa: F811
    page = visit("06_first.html")
    select(page, "#answer", "months", 1)
    page.keyboard.press("Alt+Shift+C")
    with closed(page):
        page.keyboard.press("Escape")
    assert page.evaluate("String(getSelection())").strip() == "months"
    page.keyboard.press("Alt+Shift+C")
    write(page, "Which?")
    assert page.evaluate(
        "getSelection().isCollapsed && getSelection().anchorNode.parentElement.closest('#answer') !== null"
    )


def test_what_was_written_is_not_thrown_away_by_one_key(visit):  # noqa: F811
    page = visit("06_first.html")
    page.locator("#rates .scroll").focus()
    page.keyboard.press("Alt+Shift+C")
    page.keyboard.type("A long thought")
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.keyboard.press("Escape")
    assert asked.value.message == "Throw away what you wrote?"
    expect(page.locator("#comment textarea")).to_have_value("A long thought")


def test_a_passage_over_hidden_code_and_one_within_code_are_found_again(visit):  # noqa: F811
    page = visit("06_first.html")
    page.evaluate(
        """() => getSelection().setBaseAndExtent(document.querySelector('#rates caption').lastChild, 1,
            document.querySelector('#bars figcaption').lastChild, 7)"""
    )
    page.keyboard.press("Alt+Shift+C")
    write(page, "Both")
    page.locator("#show-code").check()
    select(page, ".cell:has(#quote) .code", "12345", 1)
    page.keyboard.press("Alt+Shift+C")
    expect(page.locator("#comment blockquote")).to_have_text("12345")
    write(page, "Typed in?")
    page.reload()
    page.locator("#comments-open").click()
    expect(page.locator("#comments li .go:disabled")).to_have_count(0)
    expect(listed(page)).to_have_count(2)
    assert len(highlighted(page)) == 2


def test_comments_are_edited_and_deleted(visit):  # noqa: F811
    page = visit("06_first.html")
    page.locator("#comments-open").click()
    for text in ("one", "two"):
        page.get_by_role("button", name="Comment on Table 6.1", exact=True).first.click()
        write(page, text)
    page.get_by_role("button", name="Edit the comment on Table 6.1").first.click()
    write(page, "changed", "Somebody else")
    assert sorted(listed(page).all_text_contents()) == ["changed", "two"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("li", has_text="two").get_by_role("button", name="Delete the comment").click()
    expect(listed(page)).to_have_text(["changed"])
    expect(said(page)).to_have_text("Comment deleted. On this page: 1")
    expect(page.locator("#rates.commented")).to_have_count(1)


def test_without_storage_comments_stay_while_the_page_is_open_and_go_by_file(visit, tmp_path):  # noqa: F811
    page = visit("06_first.html")
    page.add_init_script(NO_STORAGE)
    page.reload()
    select(page, "#answer", "AUC", 1)
    page.keyboard.press("Alt+Shift+C")
    write(page, "Of what?")
    path = downloaded(page, tmp_path / "c.json")
    expect(page.locator("#comments-unkept")).to_be_visible()
    page.reload()
    page.locator("#comments-open").click()
    expect(listed(page)).to_have_text([])
    page.get_by_label("Load a file of comments").set_input_files(path)
    page.locator("#comments li").wait_for()
    expect(listed(page)).to_have_text(["Of what?"])
    assert highlighted(page) == ["AUC"]
    expect(said(page)).to_have_text("Loaded from c.json: 1")


def test_a_file_shows_each_page_its_own_and_hostile_text_stays_text(visit, tmp_path):  # noqa: F811
    page = visit("06_first.html")
    page.locator("#comments-open").click()
    page.get_by_role("button", name="Comment on Table 6.1").click()
    write(page, "<img src=x onerror=\"document.title = 'taken'\">")
    path = downloaded(page, tmp_path / "c.json")
    made = json.loads(path.read_text())
    second = json.loads(
        json.dumps(made["items"][0]).replace("06_first", "09_second").replace('"rates"', '"gone"')
    )
    made["items"].append(second | {"id": "urn:uuid:2"})
    path.write_text(json.dumps(made))
    other = visit("09_second.html")
    other.locator("#comments-open").click()
    other.get_by_label("Load a file of comments").set_input_files(path)
    other.locator("#comments li").wait_for()
    expect(listed(other)).to_have_text(["<img src=x onerror=\"document.title = 'taken'\">"])
    expect(other.locator("#comments li .go")).to_have_text("No longer on this page: gone")
    expect(other.locator("#comments-elsewhere")).to_have_text("On other pages: 1")
    (tmp_path / "notes.json").write_text('{"items": [{"id": 1}]}')
    other.get_by_label("Load a file of comments").set_input_files(tmp_path / "notes.json")
    other.locator("#comments-said", has_text="notes.json").wait_for(state="attached")
    expect(said(other)).to_have_text("notes.json is not a file of comments")
    expect(listed(other)).to_have_count(1)
    assert (page.title(), other.said) == ("How does the first model 模型 order?", [])


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_panel_and_dialog_are_free_of_violations_and_fit(visit, viewport, scheme):  # noqa: F811
    page = visit("06_first.html", viewport=viewport, scheme=scheme)
    page.locator("#comments-open").click()
    page.get_by_role("button", name="Comment on Table 6.1").click()
    assert Axe().run(page).violations_count == 0
    write(page, "Why?")
    select(page, "#answer", "AUC", 2)
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert width_beyond(page) == 0


def test_paper_shows_no_comments_and_pages_without_scripts_no_button(visit):  # noqa: F811
    page = visit("06_first.html")
    page.locator("#comments-open").click()
    page.get_by_role("button", name="Comment on Table 6.1").click()
    write(page, "Why?")
    page.emulate_media(media="print")
    for gone in ("#comments", ".comment-on", "#comments-open"):
        expect(page.locator(gone).first, gone).to_be_hidden()
    expect(page.locator("#rates")).to_have_css("outline-style", "none")
    expect(page.locator("body")).to_have_css("padding-right", "0px")
    silent = visit("06_first.html", scripts=False)
    expect(silent.locator("#comments-open")).to_be_hidden()
    expect(silent.locator("#comments")).to_be_hidden()


def test_two_readers_comments_reach_the_authors_workbook(visit, out, tmp_path, research):  # noqa: F811
    files = []
    for name, start, words in (("Ana", "AUC", 3), ("Bo", "months", 1)):
        page = visit("06_first.html")
        select(page, "#answer", start, words)
        page.keyboard.press("Alt+Shift+C")
        write(page, f"{name} asks", name)
        page.locator("#comments-open").click()
        page.get_by_role("button", name="Comment on Figure 6.1").click()
        write(page, f"{name} sees", name)
        files.append(downloaded(page, tmp_path / f"{name}.json"))
    now = tmp_path / "now"
    shutil.copytree(out, now)
    text = (now / "06_first.html").read_text(encoding="utf-8")
    (now / "06_first.html").write_text(text.replace(">0.563<", ">0.612<"), encoding="utf-8")
    book = tmp_path / "comments.xlsx"
    assert research("comments", *files, "--against", now, book)[0] == 0
    rows = [
        [row[0], row[2], *row[4:6]]
        for row in load_workbook(book).active.iter_rows(min_row=2, values_only=True)
    ]
    assert rows == [
        ["Ana", "Answer", "Ana asks", "Now reads: The AUC is 0.612 over 12 months; see Table 6.1."],
        ["Bo", "Answer", "Bo asks", "Unchanged."],
        ["Ana", "Figure 6.1", "Ana sees", "Unchanged."],
        ["Bo", "Figure 6.1", "Bo sees", "Unchanged."],
    ]
