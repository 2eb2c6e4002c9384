"""The course in a real JupyterLab, by what its reader sees of it.

Screenshots go to the folder that the environment variable SCREENSHOTS names: look at them.

All that needs JupyterLab is in this file, since pytest-xdist gives a file to one process: it is
started once.
"""

import shutil

import pytest
from jupyterlab_page import ROOT, Notebook

from resnet_helpers.practice import LETTERS, answer_up_to, exercise_called, puzzles

LEARNERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))


# --- Lessons --------------------------------------------------------------------------------------

# Every solution notebook runs, what can be moved moves the picture, and a projected page shows
# each figure whole. Those that train or time, and have nothing that could be moved, are looked at
# as they are stored: nbval runs them.

FIGURE_HEIGHT = 500  # CSS pixels, of a figure with its controls


def too_high(notebook: Notebook) -> list[str]:
    """The figures that a page of 720 CSS pixels does not show whole, on a projector or a laptop."""
    found = []
    for width in (853, 1280):  # CSS pixels; the first is 1280 at 150 %
        notebook.resize(width, 720)
        heights = notebook.heights()
        assert heights
        found += [f"{height} at {width}" for height in heights if height > FIGURE_HEIGHT]
    return found


@pytest.mark.parametrize("file", SOLUTIONS, ids=lambda file: file.stem)
def test_solution_notebook(file, page, notebooks, screenshots):
    shutil.copy(file, notebooks)
    notebook = Notebook(page, file.name)
    if '"long"' not in file.read_text(encoding="utf-8"):
        notebook.run()
    notebook.photograph(screenshots, file.stem)
    assert notebook.problems() == []
    assert too_high(notebook) == []
    assert notebook.dead_controls() == []
    assert notebook.problems() == []  # none of the callbacks failed


NOT_RUN_ABOVE = """
import torch
from torch import nn
from resnet_helpers import layers, solutions
from resnet_helpers.figures import degradation, speed
from resnet_helpers.figures.architecture import architecture
from resnet_helpers.measuring import Roof, layers_of

model = nn.Sequential(layers.Conv2d(3, 8, 7, stride=16), layers.ReLU())
measured = layers_of(model, torch.zeros(1, 3, 64, 64))
"""
SHOWN = [
    "architecture()",
    "architecture(solutions.ResNet34((3, 4, 6, 2), first_strides_per_group=(1, 2, 1, 2)))",
    "degradation.run(n_steps=1);",
    "speed.roofline(Roof(1e11, 3e10, 1e11), measured)",
    "speed.time_by_kind({'before': measured, 'after': measured})",
]


def test_figures_of_what_is_not_run_above_are_no_higher(run, screenshots):
    notebook = run(NOT_RUN_ABOVE, *SHOWN)
    assert notebook.problems() == []
    assert len(notebook.heights()) == len(SHOWN)
    assert too_high(notebook) == []
    notebook.photograph(screenshots, "figures")


# --- On a projector -------------------------------------------------------------------------------

# An exercise's stub and its check take at most 599 CSS pixels together. That much of a notebook
# JupyterLab shows on a page of 1280 x 720 CSS pixels: of a screen of 1920 x 1080 at a zoom of
# 150 %. The page here is as narrow as one of 1280 x 720 at that zoom.

PAGE = {"width": 853, "height": 480}  # CSS pixels
STUB_HEIGHT = 599  # CSS pixels, the budget of a stub with its check
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
    assert max(heights.values()) <= STUB_HEIGHT, heights


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


# --- In front of a class --------------------------------------------------------------------------

# What an instructor does: reveal an answer, and find the mistake together.

SETUP = """
import torch
from jaxtyping import Float
from torch import Tensor, nn
import resnet_helpers.tests as tests
from resnet_helpers import my_work
from resnet_helpers.practice import practice, reveal
"""

# The texts of those elements that are wider than what is shown of them.
CUT_OFF = """area => [...area.querySelectorAll("*")]
    .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
    .map(element => element.className + ": " + element.textContent)"""


def test_what_is_revealed_is_the_next_cell_ready_to_run(open_cells, screenshots):
    check = "tests.test_averagepool(AveragePool)\nmy_work.save(AveragePool)"
    notebook = open_cells(SETUP, 'reveal("AveragePool")', check, 'my_work.use("AveragePool");')
    notebook.run_cell(0)
    notebook.run_cell(1)
    assert notebook.sources()[2] == answer_up_to("AveragePool")
    notebook.run_cell(2)
    assert "passed" in notebook.run_cell(3)
    assert "the reference answer, as it was revealed" in notebook.run_cell(4)
    if screenshots:
        notebook.page.screenshot(path=screenshots / "reveal.png")

    # for editors that make no new cell it is below, folded away
    output = notebook.cells.nth(1).locator(".jp-Cell-outputArea")
    assert "class AveragePool" not in output.inner_text()
    output.locator("summary").click()
    output.locator("pre").click()  # which selects all of it
    selected = notebook.page.evaluate("getSelection().toString()")
    assert selected.strip() == answer_up_to("AveragePool")


def test_a_round_of_practice(open_cells, screenshots):
    notebook = open_cells(SETUP, 'practice("BatchNorm2d", seed=1)')
    notebook.run_cell(0)
    notebook.run_cell(1)
    puzzle = next(puzzles(exercise_called("BatchNorm2d"), seed=1))
    output = notebook.cells.nth(1).locator(".jp-Cell-outputArea")
    for number, says in [((puzzle.right + 1) % 4, "No:"), (puzzle.right, "Yes.")]:
        output.get_by_role("button", name=LETTERS[number], exact=True).click()
        output.get_by_text(says).wait_for()
    assert "test_batchnorm2d_forward failed" in output.inner_text()
    assert "0 of 1 right so far" in output.inner_text()
    if screenshots:
        notebook.page.screenshot(path=screenshots / "practice.png")
    assert output.evaluate(CUT_OFF) == []
    output.get_by_role("button", name="Next").click()
    output.get_by_text("Yes.").wait_for(state="hidden")


# --- The suite itself sees what is wrong ----------------------------------------------------------


WIDGETS = """
from ipywidgets import Dropdown, FloatSlider, HTML, Output, VBox

slider, dropdown, out, text = FloatSlider(value=2, max=2), Dropdown(options="ab"), Output(), HTML()
slider.observe(lambda change: setattr(text, "value", str(slider.value)), "value")
VBox([slider, dropdown, text, out])
"""


def test_an_error_is_a_problem(run):
    assert run("2", "1 / 0").problems() == ["cell 1: ZeroDivisionError: division by zero"]


def test_a_cell_that_was_not_run_is_a_problem(open_cells):
    assert open_cells("1", "2").problems() == ["cell 0 was not run", "cell 1 was not run"]


def test_an_expected_error_is_no_problem(run):
    assert run("1 / 0", "2", tags=("raises-exception",)).problems() == []


def test_a_control_that_changes_nothing_is_dead(run):
    (dead,) = run(WIDGETS).dead_controls(seconds=3)
    assert dead == "'ab' changes nothing"  # the dropdown with options a and b, not the slider


def test_a_figure_that_only_a_wide_page_makes_too_high_is_found(run):
    drawing = """HTML("<svg viewBox='0 0 2 1' style='width: 100%'></svg>")"""
    (found,) = too_high(run(f"from IPython.display import HTML\n{drawing}"))
    assert found.endswith("at 1280")


FAILING = """
@out.capture()
def fail(change):
    1 / 0

dropdown.observe(fail, "value")
"""


def test_an_error_in_a_callback_is_a_problem(run):
    notebook = run(WIDGETS, FAILING)
    notebook.dead_controls()
    (problem,) = notebook.problems()
    assert problem.startswith("error in a widget")
    assert problem.endswith("ZeroDivisionError: division by zero")
