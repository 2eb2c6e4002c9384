"""The site that `make site` built, read in Chromium: on a phone and a laptop, light and dark."""

import functools
import http.server
import threading

import pytest

from build_notebooks import ROOT, lesson_files

SITE = ROOT / "build" / "site" / "html"
PAGES = ["index.html", "credits.html", *(f"lessons/{file.stem}.html" for file in lesson_files())]
WIDTHS = {"phone": (390, 844), "laptop": (1280, 800)}

pytestmark = pytest.mark.skipif(not SITE.exists(), reason="the site is not built: make site")


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    handler = functools.partial(Handler, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def tab(request, browser, address):
    """An empty page of the width and colours that a test's parameters name, else a laptop's."""
    asked = getattr(request.node, "callspec", None)
    width, scheme = (asked.params[k] for k in ("width", "scheme")) if asked else ("laptop", "light")
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    with browser.new_context(viewport=size, color_scheme=scheme, base_url=address) as context:
        page = context.new_page()
        page.missing = []
        page.on("response", lambda r: r.status >= 400 and page.missing.append(r.url))
        yield page


def test_every_lesson_has_its_page():
    built = {str(file.relative_to(SITE)) for file in SITE.rglob("*.html")}
    assert set(PAGES) <= built


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_the_screen_and_lack_no_picture(tab, width, scheme):
    for name in PAGES:
        tab.goto(name)
        tab.wait_for_function("[...document.images].every(image => image.complete)")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        blank = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
        elsewhere = ("https://", "http://colab")  # badges of a published copy
        assert [src for src in tab.evaluate(blank) if not src.startswith(elsewhere)] == [], name
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(part) for part in background.strip("rgb()").split(",")) > 3 * 128
        assert light == (scheme == "light"), f"{name}: {background}"
    assert [url for url in tab.missing if not url.endswith("favicon.ico")] == []


def test_answers_are_collapsed_and_stubs_are_not(tab):
    tab.goto("lessons/02_pooling.html")
    assert tab.locator("text=raise NotImplementedError").first.is_visible()
    assert tab.locator("text=All tests in").first.is_visible()
    solution = tab.locator("details", has_text="Solution").first
    answer = solution.locator("pre")
    assert not answer.is_visible()
    solution.locator("summary").click()
    assert answer.is_visible()


def test_formulas_are_drawn_without_a_network(tab):
    tab.goto("lessons/01_batchnorm.html")
    tab.wait_for_selector("mjx-container")
    assert tab.locator("mjx-merror").count() == 0


def test_the_search_finds_a_word_of_a_lesson(tab):
    tab.goto("search.html?q=degradation")
    tab.wait_for_selector("#search-results li")
    assert "Batch normalisation" in tab.locator("#search-results").inner_text()


def test_a_reader_can_choose_the_theme(tab):
    tab.goto("index.html")
    seen = set()
    for _ in range(3):  # light, dark, the system's
        tab.locator(".theme-switch-button:visible").first.click()
        seen.add(tab.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}
