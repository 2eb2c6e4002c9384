"""Each learner's notebook, solved exercise by exercise: an answer frees the cells that need it."""

import pytest
from learners import (
    check_what_an_answer_frees,
    code_cells,
    errors_as_it_is_solved,
    is_ours,
    learners,
    names_in,
    tagged,
)

from build_notebooks import STOPPED, lesson_files


@pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)
def test_stubs_stop_the_cells_that_are_tagged_so_and_each_answer_frees_its_own(lesson, tmp_path):
    notebook = learners(lesson)
    exercises = names_in(notebook)
    assert all(cell.outputs == [] for cell in code_cells(notebook))
    runs = errors_as_it_is_solved(lesson, tmp_path, len(exercises))
    before = next(runs)
    assert set(before) == {cell.id for cell in tagged(notebook, STOPPED)}, "make notebooks"
    assert {cell.id for cell in tagged(notebook, "check")} <= set(before)
    assert not list(tmp_path.glob("*")), "a stub was saved as a learner's work"
    solved = 0
    for solved, after in enumerate(runs, start=1):
        assert [error for error in (before | after).values() if not is_ours(error)] == []
        check_what_an_answer_frees(before, after, solved - 1, exercises)
        before = after
    assert solved == len(exercises)
    assert before == {}
