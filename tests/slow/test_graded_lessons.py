"""Every lesson can be graded: the course's own answers get all points, and the stubs none.

With -s it prints what each lesson takes: pytest -s tests/slow/test_graded_lessons.py
"""

import copy

import nbformat
import pytest

pytest.importorskip("nbgrader")

from nbgrader.utils import determine_grade

import build_nbgrader
from build_notebooks import cut_solution, lesson_files, show_solution
from resnet_helpers.class_tools import box
from resnet_helpers.class_tools.cells import is_graded
from resnet_helpers.class_tools.limits import Limits


@pytest.mark.parametrize("lesson", lesson_files(), ids=lambda lesson: lesson.stem)
@pytest.mark.parametrize("solved", [True, False], ids=["solved", "stubs"])
def test_a_lesson_is_graded(lesson, solved):
    notebook = copy.deepcopy(build_nbgrader.build_assignment(lesson))
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata and not is_graded(cell):
            cell.source = (show_solution if solved else cut_solution)(cell.source)
    verdict = box.grade(nbformat.from_dict(notebook), {}, Limits())
    verdict.put_into(notebook)
    grades = {
        cell.metadata.nbgrader.grade_id: determine_grade(cell)
        for cell in notebook.cells
        if is_graded(cell)
    }
    print(
        f"\n{lesson.stem}, {'solved' if solved else 'stubs'}: {verdict.seconds:.1f} s, "
        f"{verdict.processor:.1f} s of processor time, {verdict.memory / 1e6:.0f} MB"
    )
    wanted = {name: (most if solved else 0, most) for name, (_, most) in grades.items()}
    assert grades == wanted
    assert verdict.remarks == ()
