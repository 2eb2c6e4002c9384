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
    """The reference answers, all checks together; three mistakes at once, exercise by exercise."""

    def all_right() -> None:
        for exercise in EXERCISES:
            run_all_checks(exercise, exercise.reference)

    yield Row("all checks on the reference", [seconds(all_right) for _ in range(rounds)], "", 1.5)
    for exercise in EXERCISES:
        wrong = with_three_mistakes(exercise)
        taken = [seconds(partial(first_run, exercise, wrong)) for _ in range(rounds)]
        wanted = 4 if exercise.name == "ResNet34" else 2
        yield Row(f"three mistakes in {exercise.name}", taken, "", wanted * len(exercise.checks))
