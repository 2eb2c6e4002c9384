"""A learner's notebook, run as it is, and again after each answer that is put in.

In one kernel, as a learner works: an answer's cell, then the cells that an error had stopped.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from build_notebooks import (
    NOTEBOOKS,
    STOPPED,
    build,
    client,
    environment,
    is_tagged,
    raises,
    shortened,
)


def learners(lesson: Path) -> NotebookNode:
    """The committed notebook that learners open."""
    return nbformat.read(NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    return [cell for cell in code_cells(notebook) if is_tagged(cell, tag)]


class Names(ast.NodeVisitor):
    """The names that a cell makes, and those that it is sure to use: not in an `if`'s branches."""

    def __init__(self, cell: NotebookNode):
        self.made: set[str] = set()
        self.used: set[str] = set()
        self.visit(ast.parse(cell.source))

    def visit_Name(self, node: ast.Name) -> None:
        names = self.used if isinstance(node.ctx, ast.Load) else self.made
        names.add(node.id)

    def visit_definition(self, node: ast.ClassDef | ast.FunctionDef) -> None:
        self.made.add(node.name)
        self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef = visit_definition  # noqa: N815

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)


def awaited(notebook: NotebookNode) -> dict[str, set[int]]:
    """Which exercises, by their numbers, each cell needs: those whose stubs it names.

    A name that a cell makes anew, as by my_work.use, is no stub from then on.
    """
    exercise_of: dict[str, int] = {}
    awaited_by = {}
    n_exercises = 0
    for cell in code_cells(notebook):
        names = Names(cell)
        if is_tagged(cell, "exercise"):
            if "NotImplementedError" in cell.source:
                exercise_of |= dict.fromkeys(names.made, n_exercises)
            n_exercises += 1
            continue
        exercise_of = {name: e for name, e in exercise_of.items() if name not in names.made}
        awaited_by[cell.id] = {exercise_of[n] for n in names.used & exercise_of.keys()}
    return {cell: exercises for cell, exercises in awaited_by.items() if exercises}


def errors_as_it_is_solved(
    lesson: Path, folder: Path, n_solved: int
) -> Iterator[tuple[set[str], dict[str, NotebookNode]]]:
    """Run the notebook in this folder, then solve its first exercises one after another.

    Yields:
        First, and after each answer: the ids of the cells that should raise, as they need an
        exercise that is not solved, and the errors of those that do. After an answer only those
        are run that raised before.
    """
    notebook, answers = shortened(learners(lesson)), tagged(build(lesson, solved=True), "exercise")
    needs = awaited(notebook)
    runner = client(notebook, folder, allow_errors=True)

    def run(cells: list[NotebookNode]) -> dict[str, NotebookNode]:
        for cell in cells:
            runner.execute_cell(cell, notebook.cells.index(cell))
        stopped = [cell for cell in cells if raises(cell)]
        return {
            cell.id: next(out for out in cell.outputs if out.output_type == "error")
            for cell in stopped
        }

    with runner.setup_kernel(env=environment(folder)):
        yield set(needs), run(code_cells(notebook))
        for number, answer in enumerate(answers[:n_solved]):
            cell = tagged(notebook, "exercise")[number]
            cell.source = answer.source
            waiting = tagged(notebook, STOPPED)
            yield (
                {cell for cell, needed in needs.items() if max(needed) > number},
                run([cell, *waiting]),
            )
