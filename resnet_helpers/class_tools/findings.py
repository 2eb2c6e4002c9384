"""What became of each exercise of each learner, read from what a class has handed in.

It is read from nbgrader's autograded notebooks, from learners' own notebooks (a failed check's cell
holds its message), or found out from files my_resnet.py, whose code runs in limited processes.
"""

import ast
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from resnet_helpers.class_tools import box, limits
from resnet_helpers.class_tools.cells import CLAIMS, calls_of
from resnet_helpers.errors import CourseError
from resnet_helpers.my_work.proof import CHECKED_AS

PASSED, FAILED, UNWRITTEN, NOT_RUN = "passed", "failed", "not written", "not run"
BEST_FIRST = (PASSED, FAILED, UNWRITTEN, NOT_RUN)
AT_FAULT = re.compile(r"Your(\w+)isatfault:withthecourse")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Finding:
    """What became of one exercise of one learner.

    `mistakes` are those that the check named, by the catalogue's words; where it failed and named
    none, `unnamed` is what it said instead.
    """

    learner: str
    exercise: str
    state: str
    mistakes: tuple[str, ...] = ()
    unnamed: str = ""


# ---- The catalogue's words in a message ---------------------------------------------------------


def squeezed(text: str) -> str:
    """The text without the white space and the frame that wrapping puts into it."""
    return re.sub(r"[\s│•]+", "", ANSI.sub("", text))


@cache
def hints_of(check: str) -> dict[str, str]:
    """The catalogue's words for the mistakes that a check knows, by their squeezed form."""
    from resnet_helpers.tests import EXERCISES

    of_check = [exercise for exercise in EXERCISES if check in exercise.checks]
    return {squeezed(m.hint): m.hint for exercise in of_check for m in exercise.mistakes}


@cache
def exercise_of(check: str, piece: str) -> str:
    """The exercise that a call checks: by its check, whatever the learner has called the piece."""
    from resnet_helpers import solutions
    from resnet_helpers.tests import EXERCISES

    if hasattr(solutions, piece):
        return piece  # which may be checked as another one is: NamedResidualBlock, say
    return next((e.name for e in EXERCISES if check in e.checks), piece)


def mistakes_in(check: str, text: str) -> tuple[str, ...]:
    """The mistakes that a check's message names, by the catalogue's words."""
    message = squeezed(text)
    found = [short for short in hints_of(check) if short in message]
    whole = [short for short in found if not any(short in other != short for other in found)]
    names = [hints_of(check)[short] for short in whole]
    if not names and (blamed := AT_FAULT.search(message)):
        names = [f"An earlier piece is at fault: {blamed[1]}."]
    return tuple(names)


# ---- Notebooks ----------------------------------------------------------------------------------


def in_notebook(notebook: NotebookNode, learner: str) -> list[Finding]:
    """What the notebook's outputs say of each exercise that it checks.

    Where it checks one several times, the best counts.
    """
    found: dict[str, list[Finding]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for finding in in_cell(cell, learner):
                found.setdefault(finding.exercise, []).append(finding)
    return [min(each, key=lambda f: BEST_FIRST.index(f.state)) for each in found.values()]


def in_cell(cell: NotebookNode, learner: str) -> list[Finding]:
    """What a cell's outputs say of the exercises that it checks."""
    try:
        calls = [(c, p) for c, p in calls_of(cell.source) if hints_of(c) or c in CLAIMS]
    except SyntaxError:
        return []
    found: dict[str, Finding] = {}
    ended = False
    for check, piece in calls:
        name = exercise_of(check, piece)
        if ended:  # the check before it failed, and the cell went no further
            finding = Finding(learner, name, NOT_RUN)
        else:
            finding = in_outputs(cell.outputs, check, learner, name)
        ended = ended or finding.state != PASSED
        if name not in found or found[name].state == PASSED:
            found[name] = finding
    return list(found.values())


def in_outputs(outputs: list[NotebookNode], check: str, learner: str, name: str) -> Finding:
    """What a cell's outputs say of a check in it, before which none has failed."""
    printed = "".join(o.get("text", "") for o in outputs if o.output_type == "stream")
    if f"All tests in `{check}` passed!" in printed:
        return Finding(learner, name, PASSED)
    said = re.findall(r"^\w+ \d+: (right!)?", printed, re.MULTILINE)
    if check in CLAIMS and said:
        if (right := said.count("right!")) == len(said):
            return Finding(learner, name, PASSED)
        return Finding(learner, name, FAILED, (f"{right} of {len(said)} found.",))
    errors = [output for output in outputs if output.output_type == "error"]
    if not errors or errors[-1].ename == "NotReachedError":
        return Finding(learner, name, NOT_RUN)
    if errors[-1].ename == "StubNotFilled":
        return Finding(learner, name, UNWRITTEN)
    mistakes = mistakes_in(check, errors[-1].evalue + "\n".join(errors[-1].traceback))
    return Finding(learner, name, FAILED, mistakes, "" if mistakes else in_short(errors[-1]))


def in_short(error: NotebookNode) -> str:
    """What a failed check said that names no mistake."""
    lines = ANSI.sub("", error.evalue).partition("\nTo see it:")[0].splitlines()
    kept = [line for line in lines if not line.startswith(("Your line:", "Printed:"))]
    known = error.ename in ("CheckFailure", "NoPointsError")
    return "\n".join(kept[:8])[:600] if known else error.ename


def in_notebooks(files: Iterable[tuple[Path, str]]) -> Iterator[Finding]:
    """The findings in the notebooks, each with its learner; what is no notebook is left out."""
    for file, learner in files:
        try:
            notebook = nbformat.read(file, as_version=4)
        except Exception:
            continue
        yield from in_notebook(notebook, learner)


# ---- Files my_resnet.py -------------------------------------------------------------------------


def in_file(file: Path, learner: str, bounds: limits.Limits) -> list[Finding]:
    """What the checks say of what a my_resnet.py defines; it runs in a limited process."""
    from resnet_helpers.tests import EXERCISES

    try:
        text = file.read_bytes().decode(errors="replace")
        defined = {getattr(node, "name", "") for node in ast.parse(text).body}
    except (OSError, SyntaxError, ValueError):
        return []
    cells = {}
    for name in [exercise.name for exercise in EXERCISES] + list(CHECKED_AS):
        checked_as = CHECKED_AS.get(name, (name,))
        checks = [
            c for exercise in EXERCISES if exercise.name in checked_as for c in exercise.checks
        ]
        if name in defined:
            source = "\n".join(f"tests.{check}({name})" for check in checks)
            cells[name] = {"source": source, "text": text, "points": 1}
    verdicts, _ = box.judge(cells, bounds) if cells else ({}, None)
    findings = []
    for name, cell in cells.items():
        outputs = verdicts.get(name, {"outputs": [box.says(box.NOT_JUDGED)]})["outputs"]
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(
                    cell["source"], outputs=[nbformat.from_dict(output) for output in outputs]
                )
            ]
        )
        findings += in_notebook(notebook, learner)
    return findings


# ---- Folders ------------------------------------------------------------------------------------


def in_folder(folder: Path) -> tuple[list[Finding], str]:
    """All findings, and what they were read from.

    Raises:
        CourseError: there is nothing in the folder that could be read.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is no folder: give one that holds what a class handed in.")
    if graded := sorted(folder.glob("autograded/*/*/*.ipynb")):
        files = [(file, file.relative_to(folder).parts[1]) for file in graded]
        return list(in_notebooks(files)), f"{len({who for _, who in files})} graded learners"
    if (folder / "release").is_dir() and (folder / "source").is_dir():
        raise CourseError(
            f"{folder} is an nbgrader course in which nothing has been graded yet: grade first, or "
            f"give its folder {folder / 'submitted'}, to read the notebooks as learners saved them."
        )
    found = [
        file for file in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in file.parts
    ]
    if found:
        files = [(file, learner_of(file, folder)) for file in found]
        return list(in_notebooks(files)), f"{len(files)} notebooks"
    if files := sorted(folder.rglob("*.py")):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            each = pool.map(lambda f: in_file(f, learner_of(f, folder), limits.Limits()), files)
            return [finding for found in each for finding in found], f"{len(files)} files"
    raise CourseError(
        f"In {folder} is neither nbgrader's folder autograded, nor a notebook, nor a my_resnet.py."
    )


def learner_of(file: Path, folder: Path) -> str:
    """Whose file it is: that of the folder it lies in, or else the file's own name."""
    parts = file.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else file.stem
