"""A deck of slides in a browser that may ask for files of this machine, and for nothing else."""

import re
import shutil
import subprocess

import pytest

from build_slides import LIBRARIES, ROOT, SOLUTIONS, deck

PACKAGES = re.findall(r"\S+@\d\S+", (ROOT / "Makefile").read_text(encoding="utf-8"))  # name@version

DRAWN = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The folder of reveal.js and MathJax."""
    if LIBRARIES.is_dir():
        return LIBRARIES
    if not shutil.which("npm"):
        pytest.skip("npm, which gets reveal.js and MathJax, is not installed")
    folder = tmp_path_factory.mktemp("npm")
    options = ["--silent", "--prefix", folder, "--no-save", "--no-package-lock"]
    if subprocess.run(["npm", "install", *options, *PACKAGES]).returncode != 0:
        pytest.skip("npm could not get reveal.js and MathJax: run make slides once")
    return folder / "node_modules"


@pytest.fixture
def offline_page(browser):
    """A page that loads files only, and remembers what else it was asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, asked_for = context.new_page(), []

    def handle(route):
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            asked_for.append(route.request.url)
            route.abort()

    page.route("**/*", handle)
    page.asked_for, page.errors = asked_for, []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()


def test_a_deck_turns_its_pages_and_sets_its_formulas_without_a_network(
    offline_page, libraries, tmp_path, screenshots
):
    (tmp_path / "node_modules").symlink_to(libraries)
    file = tmp_path / "deck.html"
    file.write_text(deck(SOLUTIONS / "01_batchnorm.ipynb"), encoding="utf-8")
    offline_page.goto(file.as_uri())
    offline_page.wait_for_function("window.Reveal?.isReady()")
    offline_page.wait_for_selector("mjx-container", state="attached")
    titles = set()
    for number in range(offline_page.evaluate("Reveal.getTotalSlides()")):
        titles.add(
            offline_page.evaluate("Reveal.getCurrentSlide().querySelector('h2')?.textContent")
        )
        offline_page.evaluate(DRAWN)
        if screenshots:
            offline_page.wait_for_timeout(100)
            offline_page.screenshot(path=screenshots / f"slide-{number:02}.png")
        offline_page.keyboard.press("Space")
    assert any(title and title.startswith("Exercise") for title in titles)
    assert offline_page.evaluate("Reveal.isLastSlide()")
    assert (offline_page.asked_for, offline_page.errors) == ([], [])
