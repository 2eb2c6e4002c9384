"""Lesson 7's six broken runs from their first step to their last: each shows what it is to show."""

import math

import pytest

from resnet_helpers import training
from resnet_helpers.figures.learning import final_loss
from resnet_helpers.training.broken_runs import Run, healthy_run


def in_eval(run: Run) -> float:
    return run.curves.in_eval[80]


def in_train(run: Run) -> float:
    return run.curves.in_train[80]


def most_dead(run: Run) -> float:
    dead = [stats.dead for stats in run.recording.steps[-1].values()]
    return max(share for share in dead if not math.isnan(share))


SYMPTOMS = {
    1: lambda run: final_loss(run.curves.losses) > 3,
    2: lambda run: final_loss(run.curves.losses) > 2.2 and most_dead(run) < 0.1,
    3: lambda run: final_loss(run.curves.losses) > 1.2 and in_eval(run) > 0.2,
    4: lambda run: final_loss(run.curves.losses) > 2.2 and most_dead(run) > 0.8,
    5: lambda run: 1.5 * final_loss(healthy_run().curves.losses) < final_loss(run.curves.losses),
    6: lambda run: in_eval(run) < 0.35 and in_train(run) > 0.6,
}


def test_the_healthy_run_learns():
    run = healthy_run()
    assert final_loss(run.curves.losses) < 0.75
    assert in_eval(run) > 0.5
    assert most_dead(run) < 0.1


@pytest.mark.parametrize("number", SYMPTOMS)
def test_a_broken_run_shows_its_symptom(number):
    assert SYMPTOMS[number](training.broken_run(number))
