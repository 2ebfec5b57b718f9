"""Pages in a real browser: no request, no accessibility violation, no overflow, toggles by keyboard."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import demo
from research.desk.compare import compare
from research.desk.comparison_page import comparison_page
from research.desk.finished import finished
from test_compare import changed_run

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
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
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
    page.wait_for_timeout(100)
    assert page.title() == "How does the first model 模型 order?"
    assert any("Content Security Policy" in message for message in page.said)
    assert not [url for url in page.asked if url.startswith("https://example.org") and "x.png" not in url]


def test_what_a_customer_wrote_stays_text(visit):
    page = visit("06_first.html")
    assert "broken" not in page.title()
    assert "<script>document.title" in page.locator("#quote").inner_text()


def test_code_is_not_there_until_a_reader_asks_for_it(visit):
    page = visit("06_first.html")
    cells = page.locator("details.code")
    assert {cells.nth(place).is_visible() for place in range(cells.count())} == {False}
    page.locator("#show-code").focus()
    page.keyboard.press("Space")
    assert page.locator("details.code[open]").count() == cells.count()
    assert cells.nth(3).is_visible()
    cells.nth(3).locator("summary").focus()
    page.keyboard.press("Enter")
    assert cells.nth(3).get_attribute("open") is None
    page.locator("#show-code").focus()
    page.keyboard.press("Space")
    assert {cells.nth(place).is_visible() for place in range(cells.count())} == {False}


def test_code_opens_without_scripts(visit):
    page = visit("06_first.html", scripts=False)
    code = page.locator("details.code pre").nth(3)
    assert not code.is_visible()
    page.locator("#show-code").check()
    assert code.is_visible()
    assert page.locator("#theme").is_hidden()
    assert page.locator(".contents .pages").is_visible()


def test_dark_and_light_by_keyboard_and_remembered(visit):
    page = visit("06_first.html")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(background) != light
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Enter")
    assert page.evaluate(background) == light


def test_dark_follows_the_reader(visit):
    dark = visit("06_first.html", scheme="dark")
    assert dark.locator("#theme").get_attribute("aria-pressed") == "true"
    assert dark.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_keyboard_reaches_the_text_first(visit):
    page = visit("06_first.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_contents_fold_on_a_phone_and_stay_on_a_desk(visit):
    assert visit("06_first.html").locator(".contents .pages").is_visible()
    page = visit("06_first.html", viewport=PHONE)
    assert not page.locator(".contents .pages").is_visible()
    page.locator(".contents summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(".contents .pages").is_visible()
    page.locator(".sections a").first.click()
    assert page.url.endswith("#the-rule")
    assert not page.locator(".contents .pages").is_visible()


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
    gap = region.evaluate(
        "element => element.querySelector('thead th').getBoundingClientRect().y - element.getBoundingClientRect().y"
    )
    assert abs(gap) < 3


def test_links_between_pages_work(visit):
    page = visit("09_second.html")
    page.get_by_text("the rates").click()
    page.wait_for_url("**/06_first.html#rates")
    assert page.locator("#rates").is_visible()


def test_paper_shows_whole_figures_and_no_tools(visit):
    page = visit("06_first.html")
    page.emulate_media(media="print")
    assert page.locator(".bar").is_hidden()
    assert page.locator("details.code").first.is_hidden()
    assert page.locator("#wide .scroll").evaluate("e => getComputedStyle(e).overflow") == "visible"
    assert page.locator("figure").first.evaluate("e => getComputedStyle(e).breakInside") == "avoid"
    assert page.pdf().startswith(b"%PDF")
