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


def test_what_is_revealed_is_the_next_cell_ready_to_run(open_cells, screenshots):
    check = "tests.test_averagepool(AveragePool)\nmy_work.save(AveragePool)"
    notebook = open_cells(SETUP, 'reveal("AveragePool")', check, 'my_work.use("AveragePool");')
    notebook.run_cell(0)
    notebook.run_cell(1)
    assert notebook.sources()[2] == answer_up_to("AveragePool")
    notebook.run_cell(2)
    assert "passed" in notebook.run_cell(3)
    assert "the reference answer, as it was revealed" in notebook.run_cell(4)
    notebook.page.screenshot(path=screenshots / "reveal.png")


def test_where_no_cell_appears_the_source_can_be_unfolded(open_cells):
    notebook = open_cells(SETUP, 'reveal("AveragePool")')
    notebook.run_cell(0)
    notebook.run_cell(1)
    output = notebook.cells.nth(1).locator(".jp-Cell-outputArea")
    assert "class AveragePool" not in output.inner_text()
    output.locator("summary").click()
    output.locator("pre").click()  # which selects all of it
    selected = notebook.page.evaluate("getSelection().toString()")
    assert selected.strip() == answer_up_to("AveragePool")


def test_a_round_of_practice(open_cells, screenshots):
    notebook = open_cells(SETUP, 'practice("AveragePool", seed=1)')
    notebook.run_cell(0)
    notebook.run_cell(1)
    puzzle = next(puzzles(exercise_called("AveragePool"), seed=1))
    output = notebook.cells.nth(1).locator(".jp-Cell-outputArea")
    for number, says in [((puzzle.right + 1) % 4, "No:"), (puzzle.right, "Yes.")]:
        output.get_by_role("button", name=LETTERS[number], exact=True).click()
        output.get_by_text(says).wait_for()
    assert "test_averagepool failed" in output.inner_text()
    assert "0 of 1 right so far" in output.inner_text()
    notebook.page.screenshot(path=screenshots / "practice.png")
    output.get_by_role("button", name="Next").click()
    output.get_by_text("Yes.").wait_for(state="hidden")
