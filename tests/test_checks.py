"""The checks accept every right answer, and name the mistake of every wrong one."""

import random
import statistics
import subprocess
import sys
import time
from collections import Counter

import pytest
import torch
from corpus import RIGHT, WRONG

import resnet_helpers.tests as checks
from resnet_helpers.tests.outcomes import Crash

EXERCISES = {exercise.name: exercise for exercise in checks.EXERCISES}
CATALOGUE = [(exercise, mistake) for exercise in checks.EXERCISES for mistake in exercise.mistakes]
CHECKS = [(exercise, check) for exercise in checks.EXERCISES for check in exercise.checks]


def named(values):
    """How pytest calls the parameters."""
    if isinstance(getattr(values, "style", None), str):
        return "-".join([values.exercise, values.mistake or values.style]).replace(" ", "-")
    return getattr(values, "name", None) or getattr(values, "__name__", None)


def height_of_frame(failure):
    """The lines of its panel, without those to paste below it."""
    lines = failure._render_traceback_()
    return 1 + next(number for number, line in enumerate(lines) if line.startswith("╰"))


def wrong_answer(exercise, mistake):
    """An implementation that makes the mistake."""
    named_so = [a for a in WRONG if (a.exercise, a.mistake) == (exercise.name, mistake.name)]
    return named_so[0].implementation


def random_state():
    """All that a check could disturb."""
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.empty(0).device,
        torch.get_num_threads(),
    )


@pytest.fixture(autouse=True)
def undisturbed():
    """No test of this file, so no check, may change the global state."""
    before = random_state()
    yield
    assert random_state() == before


# ---- Right answers --------------------------------------------------------------------------


@pytest.mark.parametrize(("exercise", "check"), CHECKS, ids=named)
def test_the_reference_passes(exercise, check, capsys):
    getattr(checks, check)(exercise.reference)
    assert capsys.readouterr().out == f"All tests in `{check}` passed!\n"


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=named)
def test_no_trial_raises_with_the_reference(exercise):
    # a trial whose text names something unknown raises with every answer, so proves nothing
    outcomes = exercise.outcomes(exercise.reference)
    assert [t.code for t in exercise.trials if isinstance(outcomes[t], Crash)] == []


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=named)
def test_the_steps_of_the_catalogue_pass_where_no_mistake_replaces_one(exercise):
    assert exercise.failures(exercise.made_with()) == {}


@pytest.mark.parametrize("answer", RIGHT, ids=named)
def test_right_answers_of_any_style_pass(answer, capfd):
    for check in EXERCISES[answer.exercise].checks:
        getattr(checks, check)(answer.implementation)
    passed = [f"All tests in `{check}` passed!\n" for check in EXERCISES[answer.exercise].checks]
    assert capfd.readouterr() == ("".join(passed), "")


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=named)
def test_every_exercise_has_right_answers_in_several_styles(exercise):
    assert len([answer for answer in RIGHT if answer.exercise == exercise.name]) >= 2


# ---- Wrong answers --------------------------------------------------------------------------


@pytest.mark.parametrize("answer", WRONG, ids=named)
def test_every_mistake_is_named(answer):
    exercise = EXERCISES[answer.exercise]
    failures = exercise.failures(answer.implementation)
    assert failures, "no check noticed it"
    [mistake] = [m for m in exercise.mistakes if m.name == answer.mistake]
    expected = {check: [mistake.hint] for check in failures}
    assert {check: failure.hints for check, failure in failures.items()} == expected
    for failure in failures.values():
        assert len(failure.mistakes) == 1
        assert mistake.runnable or failure.mistakes == [mistake.name]  # others have its words too
        assert height_of_frame(failure) <= 15


def test_a_ratio_with_a_median_of_several_calls_in_each_round_is_told_how_many_it_makes():
    def ratio(job, baseline, rounds=9, clock=time.perf_counter):
        def seconds(function):
            start = clock()
            function()
            return clock() - start

        def of_four(function):
            return statistics.median(seconds(function) for _ in range(4))

        job(), baseline()
        return statistics.median(of_four(job) / of_four(baseline) for _ in range(rounds))

    [failure] = EXERCISES["ratio"].failures(ratio).values()
    [hint] = failure.hints
    assert hint.startswith("Two rounds more make 8 calls more of job, and as many of baseline")


def test_the_catalogue_and_the_wrong_answers_are_of_the_same_mistakes():
    proven = {(answer.exercise, answer.mistake) for answer in WRONG}
    assert proven == {(exercise.name, mistake.name) for exercise, mistake in CATALOGUE}


def test_the_catalogue_has_each_name_once():
    for exercise in checks.EXERCISES:
        assert max(Counter(mistake.name for mistake in exercise.mistakes).values()) == 1


def test_the_catalogue_overrides_existing_steps_only():
    for exercise, mistake in CATALOGUE:
        for step in mistake.overrides:
            assert hasattr(exercise.in_steps, step), f"{mistake.name}: {step}"


def test_hints_are_one_to_three_short_sentences():
    for _, mistake in CATALOGUE:
        assert mistake.hint.endswith((".", "]")), mistake.name
        assert len(mistake.hint) <= 240, mistake.name


# ---- Good manners ---------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", checks.EXERCISES, ids=named)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_check_depends_on_the_global_state(exercise, seed):
    mistake = exercise.mistakes[0]
    with (
        torch.random.fork_rng(),
        torch.inference_mode(),
        torch.device("meta"),
        torch.autocast("cpu", torch.bfloat16),
    ):
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float64)
        try:
            assert exercise.failures(exercise.reference) == {}
            failures = exercise.failures(wrong_answer(exercise, mistake))
        finally:
            torch.set_default_dtype(torch.float32)
    assert {hint for failure in failures.values() for hint in failure.hints} == {mistake.hint}


def test_maintainers_can_list_the_catalogue():
    done = subprocess.run(
        [sys.executable, "-m", "resnet_helpers.tests"], capture_output=True, text=True, check=True
    )
    for exercise, mistake in CATALOGUE:
        assert f"  {mistake.name}\n" in done.stdout, exercise.name
    assert f"{len(CATALOGUE):4} in {len(checks.EXERCISES)} exercises" in done.stdout
