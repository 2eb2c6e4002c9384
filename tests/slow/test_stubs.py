"""Each learner's notebook, solved exercise by exercise: an answer frees the cells that need it."""

from itertools import pairwise

import pytest
from learners import check_what_an_answer_frees, errors_as_it_is_solved, learners, names_in

from build_notebooks import lesson_files


@pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)
def test_each_answer_frees_the_cells_that_waited_for_it_and_no_other_raises(lesson, tmp_path):
    exercises = names_in(learners(lesson))
    runs = list(errors_as_it_is_solved(lesson, tmp_path, len(exercises)))
    assert len(runs) == len(exercises) + 1
    for solved, (before, after) in enumerate(pairwise(runs)):
        check_what_an_answer_frees(before, after, solved, exercises)
    assert runs[-1] == {}
