"""A learner's notebook, run as it is, and again after each answer that is put in.

In one kernel, as a learner works: an answer's cell, then the cells that an error had stopped.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from build_notebooks import (
    NOTEBOOKS,
    build,
    client,
    environment,
    is_tagged,
    raises,
    shortened,
)
from resnet_helpers.errors import CourseError


def learners(lesson: Path) -> NotebookNode:
    """The committed notebook that learners open."""
    return nbformat.read(NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    return [cell for cell in code_cells(notebook) if is_tagged(cell, tag)]


def names_in(notebook: NotebookNode) -> list[set[str]]:
    """What each exercise of the notebook defines."""
    definitions = (ast.ClassDef, ast.FunctionDef)
    return [
        {node.name for node in ast.parse(cell.source).body if isinstance(node, definitions)}
        for cell in tagged(notebook, "exercise")
    ]


def named_by(error: NotebookNode, exercises: list[set[str]]) -> set[int]:
    """The exercises, by their numbers, that an error's sentence names."""
    words = set(re.findall(r"\w+", error.evalue))
    return {number for number, names in enumerate(exercises) if words & names}


def is_ours(error: NotebookNode) -> bool:
    """Whether it is an error of the course's, which shows as a sentence."""

    def kinds(kind: type) -> set[str]:
        return {kind.__name__}.union(*map(kinds, kind.__subclasses__()))

    return error.ename in {"StubNotFilled"} | kinds(CourseError) and len(error.evalue) > 20


Errors = dict[str, NotebookNode]  # by the ids of the cells


def errors_as_it_is_solved(lesson: Path, folder: Path, n_solved: int) -> Iterator[Errors]:
    """Run the notebook in this folder, then solve its first exercises one after another.

    Yields:
        First, and after each answer, the errors of the cells that raise. After an answer only
        those that raised at first are run again.
    """
    notebook, answers = shortened(learners(lesson)), tagged(build(lesson, solved=True), "exercise")
    runner = client(notebook, folder, allow_errors=True)

    def run(cells: list[NotebookNode]) -> Errors:
        for cell in cells:
            runner.execute_cell(cell, notebook.cells.index(cell))
        return {
            cell.id: next(out for out in cell.outputs if out.output_type == "error")
            for cell in cells
            if raises(cell)
        }

    with runner.setup_kernel(env=environment(folder)):
        errors = run(code_cells(notebook))
        yield errors
        waiting = [cell for cell in code_cells(notebook) if cell.id in errors]
        for cell, answer in zip(tagged(notebook, "exercise")[:n_solved], answers, strict=False):
            cell.source = answer.source
            yield run([cell, *waiting])


def check_what_an_answer_frees(
    before: Errors, after: Errors, solved: int, exercises: list[set[str]]
) -> None:
    """Assert that the cells which waited for it alone raise no longer, and that others do."""
    assert after.keys() <= before.keys()
    for cell, error in before.items():
        waited_for = named_by(error, exercises)
        if solved in waited_for:  # another may come next, and only one that is not solved
            assert cell not in after or min(named_by(after[cell], exercises)) > solved
        elif waited_for:
            assert after[cell].evalue == error.evalue
