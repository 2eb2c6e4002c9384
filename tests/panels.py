"""Record what the checks print for every answer in the suite, wrong or right: panels.txt.

    python tests/panels.py                  all exercises
    python tests/panels.py BatchNorm2d      one, as text

A change of the checks shows in this file's diff as what it changes for learners.
"""

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

from corpus import RIGHT, WRONG

import resnet_helpers.tests as checks
from resnet_helpers.tests.engine import Exercise
from resnet_helpers.tests.failure import CheckFailure

FILE = Path(__file__).with_suffix(".txt")
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


def record(exercises: tuple[Exercise, ...] = checks.EXERCISES) -> str:
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
    if chosen:
        print(record(chosen))
    else:
        FILE.write_text(record(), encoding="utf-8")
