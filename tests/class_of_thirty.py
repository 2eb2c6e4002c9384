"""Thirty simulated submissions of lesson 1, with the points that each deserves.

The table below was written before anything was graded. `hand_in` puts them into an nbgrader course;
what they are graded is for the tests to compare. The first three, and then ten, are of every kind.
"""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from resnet_helpers.answers import answers_to, batchnorm2d, sequential

ASSIGNMENT = "01_batchnorm"
FULL = {"check-BatchNorm2d": 3.0, "check-NamedSequential": 2.0}
NONE = dict.fromkeys(FULL, 0.0)
ONLY_SECOND = FULL | {"check-BatchNorm2d": 0.0}
ONLY_FIRST = FULL | {"check-NamedSequential": 0.0}

SECONDS = 160  # so a cell may take 40


@dataclass(frozen=True)
class Submission:
    """What one student hands in, and what it deserves.

    `norm` and `sequential` are the answers' sources, "" where the stub is left; `first` and `last`
    are cells of the student's before the exercises and after the first; `instead` is the whole
    file, where it is no notebook. `remark` must be among the teacher's, `feedback` in the page that
    the student gets.
    """

    points: dict[str, float]
    norm: str = ""
    sequential: str = ""
    first: str = ""
    last: str = ""
    instead: str = ""
    check: str = ""  # what has been made of the check cell
    remark: str = ""
    feedback: str = ""


def source(exercise: str, *, style: str = "", mistake: str = "") -> str:
    """A ready-made answer with the imports that it needs."""
    found = answers_to(exercise)
    if style:
        answer = found.right_ones[style]
    else:
        [answer] = [wrong for wrong in found.wrong_ones if wrong.mistake == mistake][:1]
    module = batchnorm2d if exercise == "BatchNorm2d" else sequential
    head = re.findall(
        r"^(?:from|import) (?!resnet_helpers\.answers).*$", inspect.getsource(module), re.M
    )
    if exercise == "BatchNorm2d":
        head.append(inspect.getsource(batchnorm2d.Given))
    return "\n".join([*head, "", "", answer.source])


def norm(style: str) -> str:
    return source("BatchNorm2d", style=style)


def seq(style: str) -> str:
    return source("NamedSequential", style=style)


def norm_with(mistake: str) -> str:
    return source("BatchNorm2d", mistake=mistake)


def hint(exercise: str, mistake: str) -> str:
    """The catalogue's words for a mistake."""
    from resnet_helpers.practice import exercise_called

    [words] = [m.hint for m in exercise_called(exercise).mistakes if m.name == mistake]
    return words


UNBIASED = "unbiased variance when normalising"
RIGHT, SEQ = norm("InFull"), seq("ByHand")
PATCHES_THE_ENGINE = RIGHT.replace(
    "        if self.training:\n",
    "        import resnet_helpers.tests.engine as engine\n"
    "        engine.same = lambda a, b: True\n"
    "        if self.training:\n",
    1,
).replace("unbiased=False", "unbiased=True")

THIRTY = {
    # one of each of the three kinds that matter most: right, a known mistake, a cheat
    "ada": Submission(FULL, RIGHT, SEQ, feedback="All tests in `test_batchnorm2d_module` passed!"),
    "ben": Submission(
        ONLY_SECOND, norm_with(UNBIASED), SEQ, feedback=hint("BatchNorm2d", UNBIASED)
    ),
    "cheat-checks": Submission(
        ONLY_SECOND,
        norm_with(UNBIASED),
        SEQ,
        first="for name in tests.__all__[1:]:\n"
        "    setattr(tests, name, lambda piece: print('All tests passed!'))",
        feedback=hint("BatchNorm2d", UNBIASED),
    ),
    # ten, with these
    "cheat-solution": Submission(
        ONLY_SECOND,
        "from resnet_helpers.solutions import BatchNorm2d",
        SEQ,
        remark="BatchNorm2d uses the course's own answer",
        feedback="no points",
    ),
    "stub": Submission(NONE, feedback="still raises NotImplementedError"),
    "loop": Submission(
        FULL, RIGHT, SEQ, first="while True:\n    pass", feedback="was stopped after"
    ),
    "memory": Submission(
        NONE,
        RIGHT,
        SEQ,
        first="kept = []\nwhile True:\n    kept.append(torch.ones(10_000_000))",
        remark="of memory",
        feedback="took more than 2 GB of memory",
    ),
    "deletes": Submission(
        FULL,
        RIGHT,
        SEQ,
        first="import shutil, pathlib, resnet_helpers\n"
        "shutil.rmtree(pathlib.Path(resnet_helpers.__file__).parent)\n"
        "shutil.rmtree(pathlib.Path.cwd().parent)",
    ),
    "prints": Submission(
        FULL,
        RIGHT,
        SEQ,
        first="for _ in range(100):\n    print('x' * 1_000_000)",
        feedback="was left out",
    ),
    "no-notebook": Submission(NONE, instead="PK\x03\x04 a photo", remark="is no notebook"),
    # the other twenty
    "style-1": Submission(FULL, norm("Lerp"), seq("AddModule")),
    "style-2": Submission(FULL, norm("Einops"), seq("Attributes")),
    "style-3": Submission(FULL, norm("Functional"), seq("RegisterModule")),
    "style-4": Submission(FULL, norm("OwnCopy"), seq("InheritedNumbers")),
    "only-first": Submission(ONLY_FIRST, norm("KeepDim")),
    "only-second": Submission(ONLY_SECOND, "", seq("Inherited")),
    **{
        f"mistake-{number}": Submission(
            ONLY_SECOND, norm_with(mistake), SEQ, feedback=hint("BatchNorm2d", mistake)
        )
        for number, mistake in enumerate(
            (
                "biased variance in running_var",
                "momentum the wrong way round",
                "eps outside the root",
                "affine forgotten",
                "statistics over space only",
                "input changed in place",
            ),
            start=1,
        )
    },
    "exits": Submission(
        NONE, RIGHT, SEQ, first="import os\nos._exit(0)", remark="ended its kernel"
    ),
    "memory-later": Submission(
        ONLY_FIRST,
        RIGHT,
        SEQ,
        last="kept = []\nwhile True:\n    kept.append(torch.ones(10_000_000))",
        remark="of memory",
    ),
    "leaves-a-process": Submission(
        FULL,
        RIGHT,
        SEQ,
        first="import subprocess\nsubprocess.Popen(['sleep', '86399'], start_new_session=True)",
    ),
    "many-processes": Submission(
        NONE,
        RIGHT,
        SEQ,
        first="import subprocess\n"
        "while True:\n    subprocess.Popen(['sleep', '86399'], start_new_session=True)",
        remark="started too many processes",
    ),
    "fills-the-disk": Submission(
        FULL, RIGHT, SEQ, first="with open('big', 'wb') as file:\n    file.write(bytes(10**9))"
    ),
    "cheat-engine": Submission(
        ONLY_SECOND, PATCHES_THE_ENGINE, SEQ, remark="changes the course's checks"
    ),
    "cheat-cell": Submission(
        ONLY_SECOND, norm_with(UNBIASED), SEQ, check="pass", feedback=hint("BatchNorm2d", UNBIASED)
    ),
    "cheat-subclass": Submission(
        ONLY_SECOND,
        "from resnet_helpers import solutions\n\n\n"
        "class BatchNorm2d(solutions.BatchNorm2d):\n    pass",
        SEQ,
        remark="BatchNorm2d uses the course's own answer",
    ),
}
assert len(THIRTY) == 30


def hand_in(course: Path, students: list[str]) -> None:
    """Put their submissions where nbgrader collects them to."""
    for student in students:
        submission = THIRTY[student]
        target = course / "submitted" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        target.parent.mkdir(parents=True)
        if submission.instead:
            target.write_text(submission.instead, encoding="utf-8")
        else:
            released = course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
            notebook = nbformat.read(released, as_version=4)
            fill_in(notebook, submission)
            nbformat.write(notebook, target)


def fill_in(notebook: NotebookNode, submission: Submission) -> None:
    """Do with the released notebook what the student does."""
    cells = notebook.cells
    places = {
        cell.metadata.nbgrader.grade_id: index
        for index, cell in enumerate(cells)
        if "nbgrader" in cell.metadata
    }
    for grade_id, answer in (
        ("BatchNorm2d", submission.norm),
        ("NamedSequential", submission.sequential),
        ("check-BatchNorm2d", submission.check),
    ):
        if answer:
            cells[places[grade_id]].source = answer
    if submission.last:
        cells.insert(places["check-BatchNorm2d"] + 1, new_code_cell(submission.last))
    if submission.first:
        cells.insert(places["BatchNorm2d"], new_code_cell(submission.first))
