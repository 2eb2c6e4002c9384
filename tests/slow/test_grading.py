"""A class is graded as its table says, whatever its submissions do: ten here, or CLASS_OF=30."""

import hashlib
import html
import os
import re
from pathlib import Path

import pandas as pd
import psutil
import pytest

pytest.importorskip("nbgrader")

from class_of_thirty import ASSIGNMENT, FULL, SECONDS, THIRTY, hand_in
from nbgrader_course import make_course, nbgrader

from resnet_helpers.class_tools import grade_all

STUDENTS = list(THIRTY)[: int(os.environ.get("CLASS_OF", 10))]


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    folder = make_course(tmp_path_factory.mktemp("course"), ASSIGNMENT)
    hand_in(folder, STUDENTS)
    return folder


@pytest.fixture(scope="module")
def before(course) -> dict[str, str]:
    return hashes(course)


@pytest.fixture(scope="module")
def grades(course, before) -> pd.DataFrame:
    return grade_all(course, ASSIGNMENT, seconds=SECONDS).set_index("student")


def hashes(course: Path) -> dict[str, str]:
    """Of every file that grading must leave as it is."""
    kept = [
        path for name in ("source", "release", "submitted") for path in (course / name).rglob("*")
    ]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept if p.is_file()}


@pytest.mark.parametrize("student", STUDENTS)
def test_points_and_remarks_are_those_of_the_table(grades, student):
    row, expected = grades.loc[student], THIRTY[student]
    assert {cell: row[cell] for cell in FULL} == expected.points, row.remarks
    assert expected.remark in row.remarks
    if not expected.remark:
        assert row.remarks == ""


def test_nbgrader_exports_the_same_points(course, grades):
    nbgrader(course, "export")
    exported = pd.read_csv(course / "grades.csv").set_index("student_id").score
    assert {s: exported[s] for s in STUDENTS} == {
        s: sum(THIRTY[s].points.values()) for s in STUDENTS
    }


def test_the_feedback_that_a_student_gets_names_the_mistake(course, grades):
    nbgrader(course, "generate_feedback", ASSIGNMENT)
    for student in STUDENTS:
        page = (course / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text(
            encoding="utf-8"
        )
        text = html.unescape(re.sub(r"<[^>]+>", "", page))
        assert squeezed(THIRTY[student].feedback) in squeezed(text), student


def squeezed(text: str) -> str:
    """The text without white space and the panel's frame, which wrapping puts in."""
    return re.sub(r"[\s│•]+", "", text)


def test_no_submission_has_touched_anothers_or_the_course(course, before, grades):
    assert hashes(course) == before


def test_nothing_that_a_submission_started_is_left(grades):
    for process in psutil.process_iter(["cmdline"]):
        assert process.info["cmdline"] != ["sleep", "86399"]


def test_grading_again_runs_nothing_and_says_the_same(course, grades, monkeypatch):
    monkeypatch.setattr("resnet_helpers.class_tools.grading.connected", None)
    again = grade_all(course, ASSIGNMENT, seconds=SECONDS).set_index("student")
    pd.testing.assert_frame_equal(again, grades)
