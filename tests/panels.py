"""Print what the checks say of every answer in the suite, wrong or right.

    python tests/panels.py                  all exercises: some minutes, and a megabyte
    python tests/panels.py BatchNorm2d      one

The diff of what it prints before a change of the checks and after it is what changes for learners.
"""

import contextlib
import io
import re
import sys
from typing import Any

from corpus import RIGHT, WRONG

import resnet_helpers.tests as checks
from resnet_helpers.tests.engine import Exercise
from resnet_helpers.tests.failure import CheckFailure

BOLD = re.compile(r"\x1b\[\d+m")


def panels(exercise: Exercise, implementation: Any) -> str:
    """What each check of the exercise prints, as text without styles."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for check in exercise.checks:
            try:
                getattr(checks, check)(implementation)
            except CheckFailure as failure:
                print(BOLD.sub("", "\n".join(failure._render_traceback_())))
    return printed.getvalue()


def record(exercises: tuple[Exercise, ...]) -> str:
    """All panels, those of wrong answers under the name of the mistake."""
    sections = []
    for exercise in exercises:
        wrong = [answer for answer in WRONG if answer.exercise == exercise.name]
        right = [answer for answer in RIGHT if answer.exercise == exercise.name]
        answers = [(f"wrong: {a.mistake}", a) for a in sorted(wrong, key=lambda a: a.mistake)]
        answers += [(f"right: {a.style}", a) for a in right]
        for title, answer in answers:
            text = panels(exercise, answer.implementation)
            sections.append(f"# {exercise.name}, {title}\n{text}")
    return "\n".join(sections)


if __name__ == "__main__":
    chosen = tuple(exercise for exercise in checks.EXERCISES if exercise.name in sys.argv[1:])
    print(record(chosen or checks.EXERCISES))
