"""`pytest --nbval notebooks`, typed by a learner who has solved a lesson, or solved and run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from learners import learners, tagged

from build_notebooks import ROOT, build, client, environment, lesson_files

LESSONS = [lesson for lesson in lesson_files() if lesson.stem[:2] in ("02", "04")]  # short ones
POOL = '''from torch import nn


class AveragePool(nn.Module):
    """Mine."""

    def forward(self, x):
        return x.mean((2, 3))
'''


@pytest.fixture
def course(tmp_path) -> Path:
    """A folder with the repository's conftest.py, and in it that of a learner's notebooks."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def solved(lesson: Path) -> nbformat.NotebookNode:
    """The learner's notebook with an answer in place of each stub."""
    notebook = learners(lesson)
    answers = tagged(build(lesson, solved=True), "exercise")
    for cell, answer in zip(tagged(notebook, "exercise"), answers, strict=True):
        cell.source = answer.source
    return notebook


def nbval(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "notebooks"],
        cwd=folder.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_notebook_that_is_solved_passes(lesson, course):
    nbformat.write(solved(lesson), course / f"{lesson.stem}.ipynb")
    done = nbval(course)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_one_that_has_been_run_too_passes_and_its_outputs_are_compared(lesson, course):
    (course / "my_resnet.py").write_text(POOL, encoding="utf-8")
    notebook = solved(lesson)
    client(notebook, course).execute(env=environment(course))
    before = (course / "my_resnet.py").read_text(encoding="utf-8")
    path = course / f"{lesson.stem}.ipynb"
    nbformat.write(notebook, path)
    done = nbval(course)
    assert done.returncode == 0, done.stdout
    assert (course / "my_resnet.py").read_text(
        encoding="utf-8"
    ) == before  # tests leave a learner's work alone
    text = path.read_text(encoding="utf-8")
    assert "All tests in" in text
    path.write_text(text.replace("All tests in", "No tests in"), encoding="utf-8")
    assert nbval(course).returncode == 1
