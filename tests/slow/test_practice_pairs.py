"""Of all hints that practice can show beside a wrong answer, only the right one is true of it."""

import pytest

import resnet_helpers.tests as checks
from resnet_helpers import answers
from resnet_helpers.practice import refuted_by
from resnet_helpers.tests.outcomes import same


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=lambda e: e.name)
def test_no_hint_but_the_right_one_is_true_of_the_code(exercise):
    """By other people's code with that mistake: it fails where the code shown comes out right."""
    expected = exercise.outcomes(exercise.reference)
    trials = [trial for trial in exercise.trials if not trial.slow]

    def passed(answer):
        outcomes = exercise.outcomes(answer.implementation, learners=True)
        return {trial for trial in trials if same(outcomes[trial], expected[trial])}

    wrong = answers.answers_to(exercise.name).wrong_ones
    runnable = {mistake.name for mistake in exercise.mistakes if mistake.runnable}
    passes = [(answer, passed(answer)) for answer in wrong]
    for answer, right in passes:
        shown = {mistake.name for mistake in refuted_by(exercise, answer)}
        assert answer.mistake not in shown
        for other, other_right in passes:
            if other.mistake in shown & runnable:
                assert right - other_right, f"{other.mistake} may be true of {answer.mistake}"
