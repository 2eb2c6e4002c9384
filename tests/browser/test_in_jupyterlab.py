"""Every solution notebook in a real JupyterLab: it runs, what can be moved moves the picture, and
no figure is higher than a projected page shows.

Those that train or time, and have nothing that could be moved, are looked at as they are stored:
nbval runs them.

Screenshots of all pictures, in the light and the dark theme, go to the folder that the
environment variable SCREENSHOTS names: look at them.
"""

import shutil
from pathlib import Path

import pytest
from jupyterlab_page import Notebook

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
MOST_HEIGHT = 500  # CSS pixels, of a figure with its controls


def too_high(notebook: Notebook) -> list[str]:
    """The figures that a page of 720 CSS pixels does not show whole, on a projector or a laptop."""
    found = []
    for width in (853, 1280):  # CSS pixels; the first is 1280 at 150 %
        notebook.resize(width, 720)
        heights = notebook.heights()
        assert heights
        found += [f"{height} at {width}" for height in heights if height > MOST_HEIGHT]
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


# --- The suite itself sees what is wrong --------------------------------------------------------


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
