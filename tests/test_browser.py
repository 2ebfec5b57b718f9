"""Pages in a real browser: no request, no accessibility violation, no overflow, toggles by keyboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import demo
import test_sources
from research.desk.compare import compare
from research.desk.comparison_page import comparison_page
from research.desk.finished import finished
from research.pages import values
from test_compare import changed_run

sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync.expect

PAGES = ("index.html", "06_first.html", "09_second.html", "checklists.html")
NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return demo.shared_run(tmp_path_factory) / "out"


@pytest.fixture(scope="module")
def browser():
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    # the browser makes a socket in its folder for temporary files, whose path must be short
    with sync.sync_playwright() as playwright, tempfile.TemporaryDirectory(dir="/tmp") as short:
        made = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env={**os.environ, "TMPDIR": short}
        )
        yield made
        made.close()


@pytest.fixture(scope="module")
def compared(out, tmp_path_factory) -> str:
    """The page of the run compared with one that shows other numbers."""
    other = changed_run(out, tmp_path_factory.mktemp("compared") / "other")
    page = other.parent / "moved.html"
    page.write_text(comparison_page(compare(finished(out), finished(other))), encoding="utf-8")
    return str(page)


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_two_runs_compared_violate_nothing_and_scroll_in_one_direction(visit, compared, viewport, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(compared, viewport=viewport, scheme=scheme)
    assert [url for url in page.asked[1:] if not url.startswith("data:")] == []
    assert page.said == []
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert width_beyond(page) == 0


@pytest.fixture
def visit(browser, out):
    """Open a page of the run; what it requests and complains about is kept on it."""
    contexts = []

    def go(name: str, *, viewport=DESK, scheme="light", scripts=True):
        context = browser.new_context(viewport=viewport, color_scheme=scheme, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto((out / name).as_uri())
        return page

    yield go
    for context in contexts:
        context.close()


def becomes(page, script: str, value) -> None:
    """Wait until a script gives this value: what follows a key or a click may be done a moment later."""
    try:
        page.wait_for_function(f"value => ({script}) === value", arg=value, timeout=10_000)
    except sync.TimeoutError:
        assert page.evaluate(script) == value


def width_beyond(page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_requested_and_nothing_violated(visit, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, scheme=scheme)
    assert [url for url in page.asked[1:] if not url.startswith("data:")] == []
    assert page.said == []
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert len(result.response["passes"]) > 15


def test_axe_would_notice(browser):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'><p style='color:#ccc'>pale</p></body></html>")
    found = {one["id"] for one in Axe().run(page).response["violations"]}
    page.close()
    assert {"image-alt", "html-has-lang", "color-contrast"} <= found


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_scrolls_in_one_direction(visit, name):
    page = visit(name, viewport=PHONE)
    assert width_beyond(page) == 0
    assert page.locator("main h1").bounding_box()["width"] <= PHONE["width"]


def test_the_policy_stops_what_is_not_ours(visit):
    page = visit("06_first.html")
    with page.expect_event("requestfailed") as picture:
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = "document.title = 'taken over'";
                document.body.append(script);
                const picture = document.createElement('img');
                picture.src = 'https://example.org/x.png';
                document.body.append(picture);
            }"""
        )
    assert (picture.value.url, picture.value.failure) == ("https://example.org/x.png", "csp")
    assert page.title() == "How does the first model 模型 order?"
    assert sum("Content Security Policy" in message for message in page.said) == 2


def test_what_a_customer_wrote_stays_text(visit):
    page = visit("06_first.html")
    assert "broken" not in page.title()
    assert "<script>document.title" in page.locator("#quote").inner_text()


def test_code_is_not_there_until_a_reader_asks_for_it(visit):
    page = visit("06_first.html")
    cells = page.locator("details.code")
    expect(page.locator("details.code:visible")).to_have_count(0)
    page.locator("#show-code").focus()
    page.keyboard.press("Space")
    expect(page.locator("details.code[open]")).to_have_count(cells.count())
    expect(cells.nth(3)).to_be_visible()
    cells.nth(3).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.code[open]")).to_have_count(cells.count() - 1)
    page.locator("#show-code").focus()
    page.keyboard.press("Space")
    expect(page.locator("details.code:visible")).to_have_count(0)


def test_code_opens_without_scripts(visit):
    page = visit("06_first.html", scripts=False)
    code = page.locator("details.code pre").nth(3)
    expect(code).to_be_hidden()
    page.locator("#show-code").check()
    expect(code).to_be_visible()
    expect(page.locator("#theme")).to_be_hidden()
    expect(page.locator(".contents .pages")).to_be_visible()


def test_dark_and_light_by_keyboard_and_remembered(visit):
    page = visit("06_first.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    becomes(page, f"{background} !== '{light}'", True)
    expect(page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    becomes(page, background, light)


def test_dark_follows_the_reader(visit):
    dark = visit("06_first.html", scheme="dark")
    expect(dark.locator("#theme")).to_have_attribute("aria-pressed", "true")
    becomes(dark, "getComputedStyle(document.documentElement).colorScheme", "dark")


def test_keyboard_reaches_the_text_first(visit):
    page = visit("06_first.html")
    page.keyboard.press("Tab")
    becomes(page, "document.activeElement.textContent", "Skip to the text")
    page.keyboard.press("Enter")
    page.wait_for_url("**/*#main")


def test_contents_fold_on_a_phone_and_stay_on_a_desk(visit):
    expect(visit("06_first.html").locator(".contents .pages")).to_be_visible()
    page = visit("06_first.html", viewport=PHONE)
    expect(page.locator(".contents .pages")).to_be_hidden()
    page.locator(".contents summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".contents .pages")).to_be_visible()
    page.locator(".sections a").first.click()
    page.wait_for_url("**/*#the-rule")
    expect(page.locator(".contents .pages")).to_be_hidden()


def test_formulas_have_a_size(visit):
    page = visit("06_first.html")
    for formula in page.locator("math").all():
        box = formula.bounding_box()
        assert box["width"] > 10
        assert box["height"] > 5


def test_long_tables_keep_their_head(visit):
    page = visit("06_first.html")
    region = page.locator("#wide .scroll")
    region.focus()
    region.evaluate("element => { element.scrollTop = 400 }")
    top = "document.querySelector('#wide {}').getBoundingClientRect().y"
    scrolled = "document.querySelector('#wide .scroll').scrollTop === 400"
    becomes(page, f"{scrolled} && Math.abs({top.format('thead th')} - {top.format('.scroll')}) < 3", True)


def test_links_between_pages_work(visit):
    page = visit("09_second.html")
    page.get_by_text("the rates").click()
    page.wait_for_url("**/06_first.html#rates")
    expect(page.locator("#rates")).to_be_visible()


def test_paper_shows_whole_figures_and_no_tools(visit):
    page = visit("06_first.html")
    page.emulate_media(media="print")
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator("details.code").first).to_be_hidden()
    expect(page.locator("#wide .scroll")).to_have_css("overflow", "visible")
    expect(page.locator("figure").first).to_have_css("break-inside", "avoid")
    assert page.pdf().startswith(b"%PDF")


ALL_NUMBERS = """() => [...document.querySelectorAll("main data[value]:not([value=''])")].map(number => {
    number.click();
    const panel = document.querySelector("dialog[open]");
    const said = Object.fromEntries([...panel.querySelectorAll("div")].map(
        row => [row.querySelector("dt").textContent, row.querySelector("dd").textContent]));
    const link = [...panel.querySelectorAll("a")].find(one => one.hash.startsWith("#cell-"));
    panel.close();
    return {...said, shown: panel.querySelector("h2").textContent, cell: link.getAttribute("href")};
})"""


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory, out):
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    return test_sources.written(tmp_path_factory.mktemp("numbers"), record)


def told(page, row: str):
    """What the open panel of a number says in a row."""
    rows = page.locator("#about-number[open] dl > div")
    return rows.filter(has=page.locator("dt", has_text=re.compile(f"^{row}$"))).locator("dd")


@pytest.mark.parametrize("name", [*PAGES[:3], "every kind"])
def test_every_number_says_its_name_in_values_json(visit, out, every_kind, name):
    page = visit(every_kind[0] if name == "every kind" else name)
    record = json.loads((out / "values.json").read_text(encoding="utf-8"))
    known = dict(values.flatten(every_kind[1] if name == "every kind" else record))
    told = page.evaluate(ALL_NUMBERS)
    assert len(told) == page.locator("main data").count() - page.locator("main data[value='']").count() > 0
    alone = [one for one in told if "Not compared: this number" in one["Reference"]]
    assert len(alone) == (1 if name == "every kind" else 0)
    for one in told:
        if one not in alone:
            assert float(one["In full"]) == float(known[one["Name"]])
        assert one["Code of this run"].startswith("commit ")
        assert one["Data of this run"].startswith("lendingclub2018")
    assert page.said == []
    assert len(page.asked) == 1


def test_a_number_says_whether_it_moved(visit, every_kind):
    page = visit(every_kind[0])
    told = {one["Name"]: one["Reference"] for one in page.evaluate(ALL_NUMBERS)}
    assert told["03_here/text.n"] == "Moved: the reference has 6."
    assert told["03_here/text.several.1"] == "The reference does not have it."
    assert told["03_here/rates[1].low"] == "Moved: the reference has 0.125."
    assert told["03_here/rates[1].high"] == "The reference has the same number."


def test_a_number_by_mouse_shows_its_source_and_saves_its_table(visit, out):
    page = visit("06_first.html")
    page.locator("#rates td data").first.click()
    expect(told(page, "In full")).to_have_text("0.004921")
    expect(told(page, "Name")).to_have_text("06_first/rates[1].rate")
    expect(told(page, "Stands in")).to_have_text("Table 6.1, row 1, rate")
    expect(told(page, "Reference")).to_have_text("Not compared: there are no reference values yet.")
    with page.expect_download() as saved:
        page.get_by_text("Save rates.csv").click()
    assert Path(saved.value.path()).read_bytes() == (out / "results/06_first/rates.csv").read_bytes()
    other = page.locator("#answer data").first.bounding_box()
    page.mouse.click(other["x"] + 5, other["y"] + 5)  # a click beside the panel, on another number
    expect(told(page, "Name")).to_have_text("06_first/answer.auc")
    page.mouse.click(5, 500)
    expect(page.locator("#about-number")).to_be_hidden()
    assert len(page.asked) == 1


def test_the_code_of_a_number_opens_at_its_place(visit):
    page = visit("index.html")
    page.locator("#notebooks ~ ol data").first.click()
    page.get_by_text("show the code").click()
    page.wait_for_url("**/06_first.html#cell-6")
    code = page.locator("#cell-6 pre")
    expect(code).to_be_visible()
    expect(code).to_contain_text("The AUC is")
    expect(page.locator("details.code:visible")).to_have_count(1)
    page.locator("#quote data").click()
    page.get_by_text("show the code").click()
    page.wait_for_url("**/06_first.html#cell-10")
    becomes(page, "document.activeElement.parentNode.id", "cell-10")


def test_numbers_by_keyboard_are_one_stop_per_table(visit):
    page = visit("06_first.html")

    def focused(number: str) -> None:
        becomes(
            page, "document.activeElement.getAttribute('aria-label')", f"{number}, show where it comes from"
        )

    expect(page.locator("data[tabindex]")).to_have_count(0)
    page.locator("#link-numbers").focus()
    page.keyboard.press("Space")
    expect(page.locator("#wide data[role=button]")).to_have_count(360)
    expect(page.locator("main data[tabindex='0']")).to_have_count(6)  # three in sentences, three tables
    page.locator("#answer data").first.focus()
    focused("0.563")
    page.keyboard.press("Enter")
    becomes(page, "document.activeElement.textContent", "0.563")
    expect(page.get_by_role("dialog", name="0.563")).to_be_visible()
    page.keyboard.press("Escape")
    focused("0.563")
    page.locator("#wide data[tabindex='0']").focus()
    for key, text in (
        ("ArrowRight", "10"),
        ("ArrowDown", "10"),
        ("End", "100,000,000"),
        ("ArrowUp", "100,000,000"),
    ):
        page.keyboard.press(key)
        focused(text)
    page.keyboard.press(" ")
    expect(told(page, "Name")).to_have_text("06_first/wide[1].measure_8")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    becomes(page, "document.activeElement.closest('#wide table')", None)
    page.reload()
    expect(page.locator("#link-numbers")).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE])
def test_linked_numbers_and_their_panel_are_for_everybody(visit, every_kind, scheme, viewport):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(every_kind[0], scheme=scheme, viewport=viewport)
    page.locator("#link-numbers").check()
    page.locator("#rates td data").last.click()
    expect(page.locator("#about-number")).to_be_visible()
    box = page.locator("#about-number").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= viewport["width"]
    assert box["y"] + box["height"] <= viewport["height"]
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    page.keyboard.press("Escape")
    expect(page.locator("#about-number")).to_be_hidden()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()
    assert width_beyond(page) == 0


def test_without_scripts_sources_are_in_the_fold(visit, every_kind):
    page = visit(every_kind[0], scripts=False)
    expect(page.locator("#link-numbers")).to_be_hidden()
    fold = page.locator("#rates .source")  # by its text Playwright finds nothing in a <noscript>
    fold.locator("summary").click()
    expect(fold.locator("a[href='results/03_here/rates.csv']")).to_be_visible()
    fold.locator("a[href='#cell-4']").click()
    expect(page.locator("#cell-4 pre")).to_be_visible()
    expect(visit(every_kind[0]).locator("#rates .source")).to_have_count(0)
