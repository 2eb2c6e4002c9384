"""Each learner's notebook, solved exercise by exercise: an answer frees the cells that need it."""

import pytest
from learners import errors_as_it_is_solved

from build_notebooks import build, is_tagged, lesson_files


@pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)
def test_each_answer_frees_the_cells_that_waited_for_it_and_no_other_raises(lesson, tmp_path):
    cells = build(lesson, solved=True).cells
    n_exercises = sum(is_tagged(cell, "exercise") for cell in cells)
    runs = list(errors_as_it_is_solved(lesson, tmp_path, n_exercises))
    assert [set(errors) for _, errors in runs] == [expected for expected, _ in runs]
    assert runs[-1][0] == set()
    assert len(runs) == n_exercises + 1
