"""nbgrader's course folder and gradebook, as grade_all reads and writes them.

All that is kept is nbgrader's: cleaning a submission, saving points, writing the autograded
notebook go through its own classes. Only this process writes.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config, PyFileConfigLoader

from resnet_helpers.arguments import said
from resnet_helpers.class_tools import box
from resnet_helpers.class_tools.isolated import PREPROCESSORS, RECORD, Isolated, files_beside
from resnet_helpers.errors import CourseError, InvalidArgumentError, one_line

# A name that is neither a pattern nor a path; nbgrader itself allows no +.
ASSIGNMENT = re.compile(r"(?![.\s])[^/\\*?\[\]+\x00-\x1f]+(?<!\s)")


def folder_at(course: object) -> Path:
    """The course's folder.

    Raises:
        InvalidArgumentError: there is none.
    """
    if not isinstance(course, str | os.PathLike):
        raise InvalidArgumentError(
            f"course is {said(course)}: it has to be the path of nbgrader's course folder."
        )
    try:
        folder = Path(course).expanduser().resolve()
        is_there = bool(str(course)) and folder.is_dir()
    except (OSError, RuntimeError, TypeError, ValueError):  # a path that no folder can have
        is_there = False
    if not is_there:
        raise InvalidArgumentError(
            f"There is no folder {str(course)!r}: course is the path of nbgrader's course folder."
        )
    return folder


def check_database(database: object) -> None:
    """Refuse what is no address of a database that can be reached from here.

    Raises:
        InvalidArgumentError: it is so.
    """
    try:
        make_url(database).get_dialect()
    except (SQLAlchemyError, ImportError) as error:  # the address may hold a password
        raise InvalidArgumentError(
            'database is no address of one, such as "sqlite:///gradebook.db" or '
            f'"postgresql+psycopg2://…": {one_line(error)}.'
        ) from error


class Unreadable(Exception):  # noqa: N818 - what was handed in is so
    """What a learner has handed in is no notebook; the message says what is wrong with it."""


@dataclass(frozen=True)
class Course:
    """A course's folder, one of its assignments, and nbgrader's configuration for it."""

    folder: Path
    assignment: str
    config: Config = field(default_factory=Config)

    @classmethod
    def at(cls, course: str | os.PathLike, assignment: str, database: str | None) -> "Course":
        """The course in this folder.

        Raises:
            CourseError: there is no such folder, its nbgrader_config.py cannot be read, or the
                assignment or the database is no name of one.
        """
        folder = folder_at(course)
        if not isinstance(assignment, str) or not ASSIGNMENT.fullmatch(assignment):
            raise InvalidArgumentError(
                f"assignment is {said(assignment)}: it has to be the name of its folder, such as "
                '"02_pooling".'
            )
        config = Config()
        if (folder / "nbgrader_config.py").exists():
            try:
                config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
            except Exception as error:  # it is a program, and may raise anything
                raise CourseError(
                    f"{folder / 'nbgrader_config.py'} raised {one_line(error)}."
                ) from error
        config.CourseDirectory.root = str(folder)
        if database is not None:
            check_database(database)
            config.CourseDirectory.db_url = database
        return cls(folder, assignment, config)

    @property
    def directory(self) -> CourseDirectory:
        """Nbgrader's own view of the folder."""
        return CourseDirectory(config=self.config, assignment_id=self.assignment)

    @property
    def database(self) -> str:
        """The gradebook's address."""
        return self.directory.db_url

    def gradebook(self) -> Gradebook:
        """The gradebook, opened.

        Raises:
            CourseError: it cannot be.
        """
        try:
            return Gradebook(self.database)
        except (SQLAlchemyError, ImportError, OSError) as error:  # the address may hold a password
            raise CourseError(f"The gradebook cannot be opened: {one_line(error)}.") from error

    def submitted(self, student: str) -> Path:
        """Where a learner's submission is."""
        return self.folder / "submitted" / student / self.assignment

    def autograded(self, student: str) -> Path:
        """Where what came of it is kept."""
        return self.folder / "autograded" / student / self.assignment

    def students(self) -> list[str]:
        """Who has handed something in.

        Raises:
            CourseError: nobody has.
        """
        found = sorted(self.folder.glob(f"submitted/*/{self.assignment}"))
        if not found:
            raise CourseError(
                f"Nobody has handed in {self.assignment}: its submissions belong in "
                f"{self.submitted('STUDENT')}."
            )
        return [path.parent.name for path in found]

    @cached_property
    def notebooks(self) -> dict[str, dict[str, float]]:
        """The assignment's notebooks: the points of each check cell.

        Raises:
            CourseError: the gradebook cannot be opened, or knows no such assignment, or no notebook
                of it.
        """
        with self.gradebook() as gradebook:
            try:
                found = gradebook.find_assignment(self.assignment).notebooks
            except MissingEntry:
                found = []
            if not found:
                raise CourseError(
                    f"The gradebook knows no assignment {self.assignment}: run `nbgrader "
                    f"generate_assignment {self.assignment}` in {self.folder} first."
                )
            return {n.name: {c.name: c.max_score for c in n.grade_cells} for n in found}

    # ---- Reading a submission -------------------------------------------------------------------

    def cleaned(self, student: str, name: str) -> NotebookNode:
        """A submitted notebook as nbgrader cleans it: its own check cells are back in it.

        Raises:
            Unreadable: it is no notebook.
        """
        file = self.submitted(student) / f"{name}.ipynb"
        try:
            notebook = nbformat.read(file, as_version=4)
            nbformat.validate(notebook)
            return self._cleaned(notebook, student, name)
        except FileNotFoundError:
            there = ", ".join(sorted(path.name for path in file.parent.iterdir())) or "nothing"
            raise Unreadable(f"{file.name} was not handed in, but {there}") from None
        except Exception as error:
            first, *_ = str(error).splitlines() or [""]
            raise Unreadable(
                f"{file.name} is no notebook ({type(error).__name__}: {first[:100]})"
            ) from None

    def _cleaned(self, notebook: NotebookNode, student: str, name: str) -> NotebookNode:
        resources = {
            "unique_key": name,
            "metadata": {"path": str(self.submitted(student))},
            "nbgrader": {
                "student": student,
                "assignment": self.assignment,
                "notebook": name,
                "db_url": self.database,
            },
        }
        for preprocessor in Autograde(coursedir=self.directory).sanitize_preprocessors:
            notebook, resources = preprocessor(config=self.config)(notebook, resources)
        return notebook

    def files(self, student: str) -> dict[str, bytes]:
        """What was handed in beside the notebooks."""
        return files_beside(self.submitted(student))

    def digest(self, student: str) -> str:
        """A hash of what was handed in and of the course that judges it."""
        found = hashlib.sha256(box.digest().encode())
        for file in sorted(self.submitted(student).rglob("*")):
            if file.is_file():
                found.update(str(file.relative_to(self.folder)).encode() + file.read_bytes())
        return found.hexdigest()

    # ---- Writing what came of it ---------------------------------------------------------------

    def save(self, student: str, outcome: Mapping[str, box.Verdict] | Exception) -> None:
        """Have nbgrader write what came of a submission; doing it twice changes nothing.

        Raises:
            Exception: that is what came of it, or nbgrader cannot write it.
        """
        if isinstance(outcome, Unreadable):
            self._save_unreadable(student, str(outcome))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            self._save_verdicts(student, outcome)

    def _save_verdicts(self, student: str, verdicts: Mapping[str, box.Verdict]) -> None:
        known = {(student, name): verdict for name, verdict in verdicts.items()}
        giving = type("Giving", (Isolated,), {"known": known})
        config = Config(self.config)
        config.Autograde.autograde_preprocessors = [giving, *PREPROCESSORS[1:]]
        config.CourseDirectory.update(assignment_id=self.assignment, student_id=student)
        directory = CourseDirectory(config=config)
        Autograde(coursedir=directory, config=config, force=True).start()
        self._record(student, *verdicts.values())

    def _save_unreadable(self, student: str, why: str) -> None:
        """No points for a submission without a notebook; the feedback says why."""
        with self.gradebook() as gradebook:
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(self.assignment, student)
            for grade in [grade for n in submission.notebooks for grade in n.grades]:
                grade.auto_score, grade.needs_manual_grade = 0, False
            gradebook.db.commit()
        target = self.autograded(student)
        target.mkdir(parents=True, exist_ok=True)
        for name in self.notebooks:
            notebook = nbformat.read(
                self.folder / "release" / self.assignment / f"{name}.ipynb", as_version=4
            )
            box.refused(notebook, f"{why}: no points.").put_into(notebook)
            (target / f"{name}.ipynb").unlink(missing_ok=True)
            nbformat.write(notebook, target / f"{name}.ipynb")
        self._record(student, box.Verdict(remarks=(why,)))

    def _record(self, student: str, *verdicts: box.Verdict) -> None:
        record = {
            "of": self.digest(student),
            "remarks": [remark for verdict in verdicts for remark in verdict.remarks],
            "seconds": sum(verdict.seconds for verdict in verdicts),
            "processor": sum(verdict.processor for verdict in verdicts),
            "memory": max((verdict.memory for verdict in verdicts), default=0),
        }
        file = self.autograded(student) / RECORD
        file.unlink(missing_ok=True)
        file.write_text(json.dumps(record, indent=1), encoding="utf-8")

    # ---- What is known of a submission ----------------------------------------------------------

    def record(self, student: str) -> dict[str, Any]:
        """What was written when it was graded; empty if it has not been."""
        try:
            return json.loads((self.autograded(student) / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def points(self, student: str) -> dict[str, float | None]:
        """The points of each check cell, None where there are none yet."""
        points = {cell: None for cells in self.notebooks.values() for cell in cells}
        with self.gradebook() as gradebook:
            try:
                submission = gradebook.find_submission(self.assignment, student)
            except MissingEntry:
                return points
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            return points | {
                g.name: g.auto_score if g.manual_score is None else g.manual_score for g in grades
            }

    def is_graded(self, student: str) -> bool:
        """Whether this very submission has been graded by this very course."""
        is_same = self.record(student).get("of") == self.digest(student)
        return is_same and None not in self.points(student).values()

    def row(self, student: str, failed: str) -> dict[str, Any]:
        """What grade_all says of a submission; `failed` is why it was not graded, if it was not."""
        points, record = self.points(student), self.record(student)
        known = {} if failed else {cell: points[cell] for cell in points}
        total = None if failed else sum(value or 0 for value in points.values())
        of = sum(value for cells in self.notebooks.values() for value in cells.values())
        remarks = failed or "; ".join(record.get("remarks", []))
        return {
            "student": student,
            **dict.fromkeys(points),
            **known,
            "points": total,
            "of": of,
            "remarks": remarks,
            "seconds": None if failed else record.get("seconds"),
        }
