"""What an instructor does in front of a class: reveal an answer, and find the mistake together."""

from resnet_helpers.practice import LETTERS, answer_up_to, exercise_called, puzzles

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
