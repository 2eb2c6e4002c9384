"""Record what the checks print for every answer in the suite, wrong or right: panels.txt.

    python tests/panels.py

A change of the checks shows in this file's diff as what it changes for learners.
"""

import contextlib
import importlib
import io
import pkgutil
import re
from pathlib import Path
from typing import Any

import wrong

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


def record() -> str:
    """All panels, those of wrong answers under the name of the mistake."""
    for module in pkgutil.iter_modules(wrong.__path__):
        importlib.import_module(f"wrong.{module.name}")
    sections = []
    for exercise in checks.EXERCISES:
        mistakes = [mistake for name, mistake in wrong.WRONG if name == exercise.name]
        answers = [
            (f"wrong: {name}", wrong.WRONG[exercise.name, name]) for name in sorted(mistakes)
        ]
        right = [answer for name, answer in wrong.RIGHT if name == exercise.name]
        answers += [(f"right: {answer.__name__}", answer) for answer in right]
        for title, answer in answers:
            sections.append(f"# {exercise.name}, {title}\n{panels(exercise, answer)}")
    return "\n".join(sections)


if __name__ == "__main__":
    FILE.write_text(record(), encoding="utf-8")
