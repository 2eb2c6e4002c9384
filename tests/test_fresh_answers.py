"""What the checks say of answers by people who had seen neither them nor their catalogue."""

from collections import Counter

import pytest
from fresh import fresh_answers

import resnet_helpers.tests as checks
from resnet_helpers.tests.failure import CheckFailure

EXERCISES = {exercise.name: exercise for exercise in checks.EXERCISES}
ANSWERS = fresh_answers()
RIGHT = [answer for answer in ANSWERS if answer.is_right]
WRONG = [answer for answer in ANSWERS if not answer.is_right]


def named(answer):
    return f"{answer.exercise}-{answer.meant}"


def verdict(answer) -> str:
    """What the first check that fails says, in the words of the answers' headings."""
    exercise, implementation = EXERCISES[answer.exercise], answer.implementation()
    for check in exercise.checks:
        try:
            exercise.check(check, implementation)
        except CheckFailure as failure:
            if failure.blamed:
                return f"blamed: {failure.blamed}"
            if failure.mistakes:
                return f"named: {'; '.join(failure.mistakes)}"
            return f"hint: {' '.join(failure.hints)}" if failure.hints else "generic"
    return "passed"


@pytest.mark.parametrize("answer", RIGHT, ids=named)
def test_no_right_answer_is_refused(answer):
    assert verdict(answer) == "passed"


@pytest.mark.parametrize("answer", WRONG, ids=named)
def test_of_each_wrong_answer_the_check_says_what_it_was_judged_by(answer):
    assert verdict(answer) == answer.verdict


def test_nine_of_ten_are_named_and_all_exercises_have_ten():
    counts = Counter(answer.verdict.partition(":")[0] for answer in WRONG)
    assert counts["generic"] <= 0.1 * len(WRONG)
    per_exercise = Counter(answer.exercise for answer in WRONG)
    assert len(WRONG) >= 140
    assert per_exercise.keys() == EXERCISES.keys()
    assert min(per_exercise.values()) >= 10
