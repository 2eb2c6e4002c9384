"""On a projector: an exercise's stub and its check take at most 599 CSS pixels together.

That much of a notebook JupyterLab shows on a page of 1280 x 720 CSS pixels: of a screen of 1920 x
1080 at a zoom of 150 %. The page here is as narrow as one of 1280 x 720 at that zoom.
"""

import shutil

import pytest
from jupyterlab_page import ROOT, Notebook

PAGE = {"width": 853, "height": 480}  # CSS pixels
MOST_HEIGHT = 599  # CSS pixels, the budget of a stub with its check
LEARNERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# What JupyterLab shows of a notebook, as it comes and after View, Appearance: Simple Interface on,
# Show Header and Show Status Bar off. By the page's width and height, all in CSS pixels.
SEEN = {(1280, 720): (599, 659), (853, 480): (359, 419)}
LESS_CHROME = ("application:toggle-mode", "application:toggle-header", "statusbar:toggle")

# The height of each exercise's cell and the check below it, by the name in the stub's first line.
HEIGHTS = r"""() => {
    const cells = [...jupyterapp.shell.currentWidget.content.widgets];
    const isExercise = cell => (cell.model.getMetadata("tags") ?? []).includes("exercise");
    const name = cell => cell.model.sharedModel.source.match(/(?:class|def) (\w+)/)[1];
    const height = (from, to) =>
        to.node.getBoundingClientRect().bottom - from.node.getBoundingClientRect().top;
    return Object.fromEntries(cells.flatMap((cell, i) =>
        isExercise(cell) ? [[name(cell), height(cell, cells[i + 1])]] : []));
}"""


@pytest.mark.parametrize("file", LEARNERS, ids=lambda file: file.stem)
def test_stub_and_check_are_no_higher_than_a_projected_page(file, page, notebooks):
    page.set_viewport_size(PAGE)
    shutil.copy(file, notebooks)
    Notebook(page, file.name)
    page.wait_for_selector(".jp-CodeCell .cm-content >> nth=-1")
    heights = page.evaluate(HEIGHTS)
    assert heights, "the lesson has no exercise"
    assert max(heights.values()) <= MOST_HEIGHT, heights


def test_the_readme_says_how_much_of_a_notebook_jupyterlab_shows(page, open_cells):
    notebook = open_cells("1")

    def seen() -> list[int]:
        heights = []
        for width, height in SEEN:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)  # JupyterLab lays itself out anew
            heights.append(page.locator(".jp-WindowedPanel-outer").bounding_box()["height"])
        return heights

    as_it_comes = seen()
    for command in LESS_CHROME:
        notebook.command(command)
    with_less = seen()
    for command in LESS_CHROME:  # JupyterLab remembers them
        notebook.command(command)
    assert list(zip(as_it_comes, with_less, strict=True)) == list(SEEN.values())
