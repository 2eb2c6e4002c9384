"""The lessons as an nbgrader course, the limits on what is run, and three submissions graded."""

import sys
from dataclasses import replace
from functools import cache

import nbformat
import pandas as pd
import psutil
import pytest
from torch import nn

pytest.importorskip("nbgrader")

import dask
from nbgrader_course import make_course, nbgrader

import build_nbgrader
from build_notebooks import LESSONS, lesson_files
from resnet_helpers import solutions
from resnet_helpers.answers import answers_to
from resnet_helpers.class_tools import carry, limits
from resnet_helpers.class_tools.cells import calls_of, is_graded, not_needed
from resnet_helpers.class_tools.grading import connected
from resnet_helpers.class_tools.judge import calls_an_answer
from resnet_helpers.errors import CourseError
from resnet_helpers.practice import exercise_called

# ---- The source tree ----------------------------------------------------------------------------

ASSIGNMENTS = pytest.mark.parametrize("assignment", [lesson.stem for lesson in lesson_files()])


@cache
def source_of(assignment: str) -> nbformat.NotebookNode:
    return build_nbgrader.build_assignment(LESSONS / f"{assignment}.md")


def code_cells_of(assignment: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in source_of(assignment).cells if cell.cell_type == "code"]


@ASSIGNMENTS
def test_there_is_a_point_for_each_red_dot_of_an_exercise(assignment):
    cells = source_of(assignment).cells
    points = sum(cell.metadata.nbgrader.points for cell in cells if is_graded(cell))
    text = (LESSONS / f"{assignment}.md").read_text(encoding="utf-8")
    dots = [line.count("🔴") for line in text.splitlines() if line.startswith("> Difficulty")]
    assert points == pytest.approx(sum(dots))


@ASSIGNMENTS
def test_every_exercise_is_a_solution_cell_and_every_check_a_locked_test(assignment):
    cells = source_of(assignment).cells
    marked = [cell for cell in cells if "nbgrader" in cell.metadata]
    names = [cell.metadata.nbgrader.grade_id for cell in marked]
    assert len(set(names)) == len(names)
    for cell in marked:
        if is_graded(cell):
            assert cell.metadata.nbgrader.locked
            assert calls_of(cell.source)
            assert "my_work" not in cell.source  # what cannot be saved may be right
        else:
            assert "### BEGIN SOLUTION" in cell.source
    nbformat.validate(source_of(assignment))


@ASSIGNMENTS
def test_no_cell_shows_a_solution_outside_of_nbgraders_markers(assignment):
    for cell in source_of(assignment).cells:
        assert "<summary>Solution</summary>" not in cell.source
        assert "solutions/" not in cell.source  # as in the badge of an instructor's notebook


def test_the_courses_own_cells_are_run_only_where_something_is_used_from_them():
    cells = code_cells_of("02_pooling")
    run = [
        cell.source.partition("\n")[0] for i, cell in enumerate(cells) if i not in not_needed(cells)
    ]
    assert run == [
        "import einops",
        "class AveragePool(nn.Module):",
        "tests.test_averagepool(AveragePool)",
    ]
    cells.append(nbformat.v4.new_code_cell("print(pretrained_resnet)"))  # a learner's
    assert len(cells) - len(not_needed(cells)) == 5


@pytest.mark.parametrize("learners", ["%%time\nx = 1", "print(eval('one_in_the_corner'))"])
def test_where_it_cannot_be_told_what_a_cell_uses_all_before_it_are_run(learners):
    cells = code_cells_of("02_pooling")
    cells.append(nbformat.v4.new_code_cell(learners))
    skipped = [cells[i].source for i in not_needed(cells)]
    assert skipped == ["my_work.save(AveragePool)"]


# ---- Whose answer it is -------------------------------------------------------------------------

BORROWED = {
    "in forward": "from resnet_helpers import solutions\n        return solutions.AveragePool()(x)",
    "by name": "import importlib\n        "
    "return importlib.import_module('resnet_helpers.solutions').AveragePool()(x)",
    "through a module of the notebook": "return ref.AveragePool()(x)",
    "through an object of the notebook": "return made(x)",
}
OWN = {
    "a docstring": '"As in resnet_helpers.solutions, but mine."\n        return x.mean((2, 3))',
    "another exercise's": "solutions.BatchNorm2d\n        return x.mean((2, 3))",
}


@pytest.mark.parametrize("how", [*BORROWED, *OWN])
def test_a_piece_that_uses_the_courses_own_answer_is_told_from_one_that_does_not(
    how, tmp_path, monkeypatch
):
    monkeypatch.setattr(carry, "FOLDER", str(tmp_path))  # where this notebook is
    body = {**BORROWED, **OWN}[how]
    source = f"class AveragePool(nn.Module):\n    def forward(self, x):\n        {body}"
    names = {"__name__": "__main__", "nn": nn, "ref": solutions, "solutions": solutions}
    names["made"] = solutions.AveragePool()
    exec(source, names)
    pieces, answers_used = carry.load(carry.dump(names, ["AveragePool"]))
    borrowed = calls_an_answer("AveragePool", pieces["AveragePool"]) or bool(answers_used)
    assert borrowed == (how in BORROWED)


# ---- The cluster ---------------------------------------------------------------------------------


def test_where_no_scheduler_answers_is_said_in_one_sentence():
    soon = dask.config.set({"distributed.comm.timeouts.connect": "0.1s"})
    expected = pytest.raises(CourseError, match="No Dask scheduler answers at tcp://127")
    with soon, expected, connected("tcp://127.0.0.1:1"):
        pass


# ---- Limits -------------------------------------------------------------------------------------

SMALL = limits.Limits(seconds=60, memory=200_000_000, output=10_000, processes=8)


def run(code: str, folder, **changes) -> limits.Ended:
    bounds = replace(SMALL, **changes)
    return limits.run([sys.executable, "-c", code], folder, bounds, {"PATH": "/usr/bin:/bin"})


def test_what_keeps_to_the_limits_is_left_alone(tmp_path):
    ended = run("import sys; print('hello'); sys.exit(3)", tmp_path)
    assert (ended.output, ended.passed, ended.status) == (b"hello\n", "", 3)


@pytest.mark.parametrize(
    ("passed", "code", "changes"),
    [
        ("time", "while True: pass", {"seconds": 1}),
        ("memory", "import time; kept = bytearray(400_000_000); time.sleep(99)", {}),
        ("output", "while True: print('x' * 1000)", {}),
        (
            "processes",
            "import subprocess\nwhile True: subprocess.Popen(['sleep', '86398'])",
            {"memory": 2_000_000_000},  # for a moment each is a copy of this Python
        ),
    ],
)
def test_who_passes_a_limit_is_stopped(passed, code, changes, tmp_path):
    assert run(code, tmp_path, **changes).passed == passed
    assert not running("86398")


def test_a_file_cannot_be_larger_than_the_limit(tmp_path):
    code = "open('big', 'wb').write(bytes(2_000_000))"
    assert "File too large" in run(code, tmp_path, file_size=1_000_000).errors


def test_a_process_that_leaves_the_group_is_stopped_with_the_rest(tmp_path):
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.execvp('sleep', ['sleep', '86397'])\n"
        "    os._exit(0)\n"
        "os.wait(); time.sleep(1); print('done')"
    )
    assert run(code, tmp_path).output == b"done\n"
    assert not running("86397")


def running(seconds: str) -> bool:
    return ["sleep", seconds] in [p.info["cmdline"] for p in psutil.process_iter(["cmdline"])]


# ---- Three submissions --------------------------------------------------------------------------

POOL = answers_to("AveragePool")
HEAD = "from einops import reduce\n\n\n"
[SUM] = [answer for answer in POOL.wrong_ones if answer.mistake == "sum"]
[HINT] = [m.hint for m in exercise_called("AveragePool").mistakes if m.name == "sum"]
HANDED_IN = {  # the answer, and a cell before it
    "right": (POOL.right_ones["Einops"].source, ""),
    "mistake": (SUM.source, ""),
    "cheat": (SUM.source, "tests.test_averagepool = lambda piece: print('passed')"),
}
EXPECTED = {"right": 1.0, "mistake": 0.0, "cheat": 0.0}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = make_course(tmp_path_factory.mktemp("course"), "02_pooling")
    for student, (answer, before) in HANDED_IN.items():
        notebook = nbformat.read(folder / "release/02_pooling/02_pooling.ipynb", as_version=4)
        [index] = [
            i
            for i, cell in enumerate(notebook.cells)
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "AveragePool"
        ]
        assert "raise NotImplementedError()" in notebook.cells[index].source
        notebook.cells[index].source = HEAD + answer
        notebook.cells.insert(index, nbformat.v4.new_code_cell(before))
        target = folder / "submitted" / student / "02_pooling" / "02_pooling.ipynb"
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    nbgrader(folder, "autograde", "02_pooling")
    return folder


def test_nbgrader_itself_grades_in_the_box(course):
    nbgrader(course, "export")
    exported = pd.read_csv(course / "grades.csv").set_index("student_id").score
    assert dict(exported) == EXPECTED


@pytest.mark.parametrize("student", HANDED_IN)
def test_the_check_cell_shows_what_the_courses_own_check_says(course, student):
    file = course / "autograded" / student / "02_pooling" / "02_pooling.ipynb"
    [check] = [cell for cell in nbformat.read(file, as_version=4).cells if is_graded(cell)]
    said = str(check.outputs)
    assert ("All tests in `test_averagepool` passed!" in said) == bool(EXPECTED[student])
    assert (HINT[:40] in said) == (not EXPECTED[student])
