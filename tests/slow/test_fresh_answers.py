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


def what_is_said(answer) -> str:
    """What the first check that fails says, in the words of the answers' headings."""
    exercise, implementation = EXERCISES[answer.exercise], answer.implementation()
    for check in exercise.checks:
        try:
            exercise.check(check, implementation)
        except CheckFailure as failure:
            if failure.blamed:
                return f"blamed {failure.blamed}"
            return ", ".join(failure.mistakes) or ("hint" if failure.hints else "remark")
    return "passed"


@pytest.mark.parametrize("answer", RIGHT, ids=named)
def test_no_right_answer_is_refused(answer):
    assert what_is_said(answer) == "passed"


@pytest.mark.filterwarnings("ignore:assertion is always true")  # one of the mistakes
@pytest.mark.parametrize("answer", WRONG, ids=named)
def test_of_each_wrong_answer_the_check_says_what_was_judged(answer):
    _, _, said = answer.verdict.partition("; ")
    assert what_is_said(answer) == said


def test_nine_of_ten_are_named_and_each_exercise_has_ten():
    verdicts = Counter(answer.verdict.partition(";")[0] for answer in WRONG)
    assert verdicts.keys() <= {"named", "generic", "accepted"}
    assert verdicts["named"] >= 0.9 * len(WRONG) >= 0.9 * 140
    per_exercise = Counter(answer.exercise for answer in WRONG)
    assert per_exercise.keys() == EXERCISES.keys()
    assert min(per_exercise.values()) >= 10
