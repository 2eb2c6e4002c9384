"""Grade one submission in a box: a fresh copy of the course that holds only that submission.

The notebook runs in the box, within limits. What it has defined is then judged in a second process,
which has run none of its cells. Between the two nothing passes but bytes.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from resnet_helpers.class_tools.cells import asks_for_answers, is_graded, not_needed
from resnet_helpers.class_tools.limits import Ended, Limits, run
from resnet_helpers.errors import CourseError

PACKAGE = Path(__file__).parents[1]
DATA = PACKAGE if (PACKAGE / "imagenet_labels.json").exists() else PACKAGE.parent
NOT_JUDGED = "The checks were stopped before they came to this cell."
CELLS_IN_ALL = 4  # one cell may take this part of the seconds
KEPT = ("PATH", "LANG", "PYTHONPATH", "LD_LIBRARY_PATH", "RESNET_HELPERS_WEIGHTS")
STOPPED = {
    "time": "ran for longer than {seconds:.0f} seconds",
    "memory": "took more than {gigabytes:.3g} GB of memory",
    "output": "printed too much",
    "processes": "started too many processes",
}


@dataclass(frozen=True)
class Verdict:
    """What came of a submission: the outputs of its cells, and remarks for the teacher."""

    outputs: dict[str, list[dict]] = field(default_factory=dict)  # by the cell's index
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0

    def put_into(self, notebook: NotebookNode) -> None:
        """Give the notebook's cells these outputs."""
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                outputs = self.outputs.get(str(index), [])
                cell.outputs = [nbformat.from_dict(output) for output in outputs]


def grade(notebook: NotebookNode, files: dict[str, bytes], limits: Limits) -> Verdict:
    """Run a sanitised notebook beside these files, and judge what it defines.

    Raises:
        CourseError: the course's own files changed while it ran.
        RuntimeError: no kernel could be started, or what guards a submission was killed.
    """
    if sys.platform != "linux":
        raise CourseError("Submissions are run within limits that only Linux has: grade there.")
    before = digest()
    with tempfile.TemporaryDirectory(prefix="box-", ignore_cleanup_errors=True) as folder:
        ran, ended = run_notebook(Path(folder), notebook, files, limits)
    if digest() != before:
        raise CourseError(f"The course's files in {PACKAGE} have changed while a submission ran.")
    outputs = {str(line["cell"]): line["outputs"] for line in ran if "cell" in line}
    why, remarks = stopped(notebook, ran, ended, limits)
    remarks += ["imports the course's answers"] * any(map(asks_for_answers, notebook.cells))
    carried = {line["grade_id"]: line for line in ran if "grade_id" in line}
    verdicts, judged = judge(to_judge(notebook, carried, why), limits)
    for index, cell in enumerate(notebook.cells):
        if is_graded(cell):
            nothing = {"outputs": [says(NOT_JUDGED)], "remarks": [NOT_JUDGED]}
            verdict = verdicts.get(cell.metadata.nbgrader.grade_id, nothing)
            outputs[str(index)] = verdict["outputs"]
            remarks += verdict["remarks"]
    return Verdict(
        outputs,
        tuple(dict.fromkeys(remarks)),
        ended.seconds + judged.seconds,
        ended.processor + judged.processor,
        max(ended.memory, judged.memory),
    )


def refused(notebook: NotebookNode, words: str) -> Verdict:
    """The same words for each check cell, and no points."""
    return Verdict(
        {str(i): [says(words)] for i, cell in enumerate(notebook.cells) if is_graded(cell)}
    )


def says(words: str) -> dict[str, Any]:
    """An output that gives no points, and says why."""
    return {
        "output_type": "error",
        "ename": "NotReachedError",
        "evalue": words,
        "traceback": [words],
    }


def run_notebook(
    box: Path, notebook: NotebookNode, files: dict[str, bytes], limits: Limits
) -> tuple[list[dict[str, Any]], Ended]:
    """What the notebook's run says of itself, line by line, and how it ended."""
    for name in ("home", "tmp", "work"):
        (box / name).mkdir()
    copy_of_the_course(box / "course")
    for name, data in files.items():
        file = box / "work" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    nbformat.write(notebook, box / "work" / "notebook.ipynb")
    env = environment(box) | {"COURSE_COPY": str(box / "course")}
    seconds = limits.seconds / CELLS_IN_ALL
    command = [*python("running"), str(box / "work" / "notebook.ipynb"), str(seconds)]
    ended = run(command, box, limits, env)
    if ended.status and not ended.output and not ended.passed:
        raise RuntimeError(f"the notebook could not be run at all: {ended.errors[-300:]}")
    return parsed(ended.output), ended


def to_judge(notebook: NotebookNode, carried: dict[str, dict], why: str) -> dict[str, dict]:
    """The notebook's check cells by their ids, each with what was carried away for it."""
    nothing = {"carried": "", "trouble": why}
    return {
        cell.metadata.nbgrader.grade_id: {
            **nothing,
            **carried.get(cell.metadata.nbgrader.grade_id, {}),
            "source": cell.source,
            "points": cell.metadata.nbgrader.points,
        }
        for cell in filter(is_graded, notebook.cells)
    }


def judge(cells: dict[str, dict], limits: Limits) -> tuple[dict[str, dict], Ended]:
    """The judge's verdict on each check cell, and how it ended."""
    with tempfile.TemporaryDirectory(prefix="judge-", ignore_cleanup_errors=True) as folder:
        for name in ("home", "tmp"):
            Path(folder, name).mkdir()
        file = Path(folder, "cells.json")
        file.write_text(json.dumps(cells), encoding="utf-8")
        command = [*python("judge"), str(file), str(limits.seconds / CELLS_IN_ALL)]
        ended = run(command, Path(folder), limits, environment(Path(folder)))
    return {line["grade_id"]: line for line in parsed(ended.output) if "grade_id" in line}, ended


def stopped(
    notebook: NotebookNode, ran: list[dict], ended: Ended, limits: Limits
) -> tuple[str, list[str]]:
    """What to tell the learner of cells that were not reached, and the teacher; "" if none."""
    done = {line["cell"] for line in ran if "cell" in line}
    died = any("died" in line for line in ran)
    if not (ended.passed or died or ended.status):
        return "", []
    how = STOPPED.get(ended.passed, "ended its kernel" if died else "could not be run further")
    how = how.format(seconds=limits.seconds, gigabytes=limits.memory / 1e9)
    why = "" if ended.passed or died else f" ({ended.errors.strip().rpartition(chr(10))[2][:200]})"
    done |= not_needed(notebook.cells)
    left = [
        cell.source.partition("\n")[0]
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and not is_graded(cell) and index not in done
    ]
    where = f", in the cell that begins with {left[0]!r}" if left else ""
    return f"The notebook {how}{where}, so this cell was not reached.", [how + why]


def parsed(output: bytes) -> list[dict[str, Any]]:
    """The lines of JSON; one that was cut off, or is something else, is left out."""
    lines = []
    for line in output.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def python(module: str) -> list[str]:
    """The command that runs a module of this folder; -P: no file in the box is imported."""
    return [sys.executable, "-P", "-m", f"{__package__}.{module}"]


def environment(box: Path) -> dict[str, str]:
    """What a process in the box finds in its environment: nothing that is secret."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    own = {"HOME": str(box / "home"), "TMPDIR": str(box / "tmp")}
    return kept | own | {"RESNET_HELPERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def copy_of_the_course(target: Path) -> None:
    """Copy the package with its pictures and labels, compiled files included."""
    shutil.copytree(PACKAGE, target / PACKAGE.name)
    if DATA != PACKAGE:
        shutil.copytree(DATA / "resnet_inputs", target / "resnet_inputs")
        shutil.copy2(DATA / "imagenet_labels.json", target)


def digest() -> str:
    """A hash of the course's own files, as they are now."""
    found = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()
