"""Build a course for nbgrader from the lessons: an assignment a lesson, a point a red dot.

    python build_nbgrader.py FOLDER        all lessons
    python build_nbgrader.py FOLDER 02     only those whose names start so

An exercise cell gets its solution between nbgrader's markers. The cell that checks it becomes an
autograder test, and what it saves a cell of its own after it, so that points depend on checks only.
"""

import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from build_notebooks import (
    COLAB_BADGE,
    METADATA,
    build,
    exercise_names,
    is_tagged,
    lesson_files,
    marked_definitions,
    set_ids,
)

CONFIG = """\
# Written by `make nbgrader`, and yours to edit.
from resnet_helpers.class_tools.isolated import PREPROCESSORS

c = get_config()
c.CourseDirectory.course_id = "resnets"
# Each submission runs in a box of its own, and is judged by the course's own checks.
c.Autograde.autograde_preprocessors = PREPROCESSORS
c.OverwriteCells.add_missing_cells = True
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
"""


def build_assignment(lesson: Path) -> NotebookNode:
    """The lesson's notebook as nbgrader's source: solved and not run, its cells marked."""
    written = jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="md").cells
    names = [exercise_names(cell) for cell in written if is_tagged(cell, "exercise")]
    solved = build(lesson, solved=True).cells
    solved[0].source = solved[0].source.partition(COLAB_BADGE.partition("]")[0])[0].rstrip()
    points = points_of(solved)
    cells = []
    for cell in solved:
        if is_tagged(cell, "exercise"):
            pieces = names.pop(0)
            cell.source = "\n\n\n".join(marked_definitions(pieces))
            mark(cell, pieces[0], solution=True)
            cells.append(cell)
        elif is_tagged(cell, "check"):
            checks, save = split(cell.source)
            cell.source = checks
            pieces = re.findall(r"\((\w+)\)", checks)
            mark(cell, f"check-{pieces[0]}", grade=True, locked=True, points=points.pop(0))
            cells += [cell, new_code_cell(save, metadata={"tags": ["save"]})]
        else:
            cells.append(cell)
    set_ids(cells)
    return new_notebook(cells=cells, metadata=METADATA)


def mark(cell: NotebookNode, grade_id: str, **settings) -> None:
    """Give the cell nbgrader's metadata."""
    kind = {"grade": False, "locked": False, "solution": False, "task": False, **settings}
    cell.metadata["nbgrader"] = {"grade_id": grade_id, "schema_version": 3, **kind}


def split(source: str) -> tuple[str, str]:
    """The checks in a check cell, and the line that saves what has passed them."""
    checks, save = source.rsplit("\n", 1)
    if not save.startswith("my_work.save("):
        raise ValueError(f"a check cell must end in my_work.save(…): {source!r}")
    return checks, save


def points_of(cells: list[NotebookNode]) -> list[float]:
    """The points of each check cell, in order: an exercise's red dots, shared by its checks."""
    shares: list[list[int]] = []  # of each exercise: its dots, and its check cells
    for cell in cells:
        for dots in re.findall("Difficulty: (🔴+)", cell.source):
            shares.append([len(dots), 0])
        if is_tagged(cell, "check"):
            shares[-1][1] += 1
    return [dots / n_checks for dots, n_checks in shares for _ in range(n_checks)]


def main() -> None:
    """Write the source tree into the folder that is named first, and a configuration if none is."""
    folder, *prefixes = sys.argv[1:] or sys.exit(__doc__)
    root = Path(folder)
    for lesson in lesson_files():
        if lesson.name.startswith(tuple(prefixes) or ""):
            target = root / "source" / lesson.stem / f"{lesson.stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(build_assignment(lesson), target)
            print(f"built {target}")
    config = root / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")


if __name__ == "__main__":
    main()
