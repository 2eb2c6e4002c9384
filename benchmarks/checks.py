"""How long the checks take: on the reference answers, and on wrong ones that nobody has named."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from timing import Row, seconds

from resnet_helpers.tests import EXERCISES
from resnet_helpers.tests.engine import Exercise
from resnet_helpers.tests.failure import CheckFailure


def run_all_checks(exercise: Exercise, implementation: object) -> None:
    """Every check of the exercise, whatever comes of it."""
    for check in exercise.checks:
        with contextlib.suppress(CheckFailure), contextlib.redirect_stdout(io.StringIO()):
            exercise.check(check, implementation)


def first_run(exercise: Exercise, implementation: object) -> None:
    """As the first check in a notebook: what the known mistakes come to is not known yet."""
    run_all_checks(replace(exercise), implementation)


def with_three_mistakes(exercise: Exercise) -> object:
    """An answer with mistakes in three different steps, which no pair of mistakes explains."""
    three = list(exercise.mistakes[:1])
    for mistake in exercise.mistakes:
        if all(mistake.overrides.keys().isdisjoint(other.overrides) for other in three):
            three.append(mistake)
    return exercise.made_with(*three[:3])


def rows(rounds: int = 3) -> Iterator[Row]:
    """All checks of each exercise, on the right answer and on one with three mistakes at once."""
    for exercise in EXERCISES:
        wrong = with_three_mistakes(exercise)
        a_check = 4 if exercise.name == "ResNet34" else 2
        for what, answer, wanted in (
            ("the right answer", exercise.reference, 1.5),
            ("three mistakes", wrong, a_check * len(exercise.checks)),
        ):
            taken = [seconds(partial(first_run, exercise, answer)) for _ in range(rounds)]
            yield Row(f"checks of {exercise.name}, {what}", taken, "", wanted)
