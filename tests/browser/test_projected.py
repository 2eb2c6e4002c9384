"""On a projector: an exercise's stub and its check take at most 599 CSS pixels together.

That much of a notebook JupyterLab shows at 1280 x 720 CSS pixels: on a screen of 1920 x 1080 at a
zoom of 150 %. The page here is narrower still, as wide as one of 1280 x 720 at that zoom.
"""

import shutil

import pytest
from jupyterlab_page import ROOT, Notebook

PAGE = {"width": 853, "height": 480}  # CSS pixels
MOST_HEIGHT = 599  # CSS pixels, the budget of a stub with its check
LEARNERS = sorted((ROOT / "notebooks").glob("0[1-5]_*.ipynb"))

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
