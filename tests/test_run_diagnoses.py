"""What counts as having found out lesson 7's broken runs: words that say it, and no others."""

from itertools import permutations

import pytest

from resnet_helpers import solutions
from resnet_helpers.errors import CourseError
from resnet_helpers.tests.failure import StubNotFilled
from resnet_helpers.training import check_run_diagnoses, check_run_diagnosis

ENOUGH = {
    1: [
        "the gradients are never zeroed",
        "no zero_grad",
        "optimizer.zero_grad() is missing",
        "optimizer.zero_grad() never called",
        "forgot to call zero_grad",
        "there is no optimizer.zero_grad()",
        "gradients accumulate",
        "the gradients add up from step to step",
        "gradients pile up",
        "gradients aren't reset",
        "the gradients should be zeroed before backward",
        "zero_grad is not called, so the gradients accumulate",
        "it does not clear the old gradients",
        "missing zero grad",
        "the gradients of earlier batches remain",
        "the grads are not set to None",
        "it never zeroes the gradients",
        "doesn't zero the gradients",
        "gradients are kept from batch to batch",
        "without optimizer.zero_grad()",
        "gradients of all batches are summed",
        "never clears .grad",
        "gradients accumulate, so the updates get larger and larger",
    ],
    2: [
        "the labels are those of the previous batch",
        "labels do not match the pictures",
        "labels are shuffled",
        "wrong labels",
        "the labels are wrong",
        "images and labels don't match",
        "labels belong to other pictures",
        "labels are out of step with the crops",
        "the labels lag one batch behind",
        "mismatch between images and labels",
        "the pictures are mislabelled",
        "the labels are shifted by one batch",
        "the labels don't belong to the images",
        "targets are off by one batch",
        "crops come with random labels",
        "labels are not aligned with the images",
        "labels not in sync",
        "each batch has the labels of another batch",
        "labels are mixed up",
        "the data does not match the labels",
        "the labels are not the right ones",
        "labels are random",
        "the labels are those of the batch before",
    ],
    3: [
        "it trains in eval mode",
        "the loop is in eval mode",
        "eval mode is left on",
        "model.train() is missing in the loop",
        "model.train() is not called again after share_right",
        "after share_right the model stays in eval mode",
        "not in train mode",
        "it is never in training mode",
        "the network is in evaluation mode",
        "share_right calls model.eval() and nobody calls model.train()",
        "eval is not switched off",
        "batchnorm uses running statistics instead of batch statistics",
        "the running statistics are never updated",
        "batchnorm does not use the batch's statistics",
        "train mode is not switched on again",
        "it does not put the mode back",
        "the mode isn't restored after measuring",
        "share_right leaves it in eval",
        "model.eval() is never undone",
        "evaluating switches the model to eval and it is never switched back",
        "eval() not followed by train()",
        "model.train() is called before the loop only",
        "train is only called once",
        "model.train() is called just once",
        "model.train() is called outside of the loop",
        "the model is put into eval mode and not back",
        "num_batches_tracked is 0",
        "num_batches_tracked never grows",
        "it is always in eval mode, so the running statistics stay at 0 and 1",
        "should be in train mode",
    ],
    4: [
        "the learning rate is too high",
        "learning rate too large",
        "lr=3",
        "lr is 3 instead of 0.05",
        "lr too big",
        "the learning rate kills the ReLUs",
        "too high a learning rate",
        "huge learning rate",
        "the steps are far too large",
        "learning rate should be smaller",
        "the learning rate is not small enough",
        "a learning rate of 3.0 makes dead ReLUs",
        "the updates are too large",
        "learning-rate much too great",
        "ReLUs die because the lr is too high",
        "the step size is too big",
        "the lr needs to be lower",
    ],
    5: [
        "the skip connections are detached",
        "detach() on the right branch",
        "right(x).detach()",
        "self.right(x) is detached",
        "no gradient through the skip connection",
        "gradients do not flow through the right branch",
        "the right branch gets no gradient",
        "the skip connection is cut off from the gradient",
        "the shortcut is not trained",
        "the right branch doesn't learn",
        "no gradient goes back over the shortcut",
        "the gradient is stopped at the skip connection",
        "the right layers never get a gradient",
        "the residual connection blocks the gradient",
        "the layers of the right branch are not updated",
        "gradients never reach the right convolutions",
        "the skip should not be detached",
        "downsample layers get no gradient",
        "no gradient to the 1x1 convolutions",
        "only left branch trains",
        "only the left branch learns",
    ],
    6: [
        "the momentum of the batchnorms is too small",
        "batchnorm momentum is 0.001",
        "momentum 0.001 instead of 0.1",
        "the running statistics have not caught up",
        "running statistics lag behind",
        "batchnorm's momentum is too low",
        "low momentum",
        "running mean hardly moves",
        "the running averages are too slow",
        "momentum should be larger",
        "the momentum is not large enough",
        "the running statistics never catch up",
        "tiny batchnorm momentum",
        "running_mean and running_var are updated too slowly",
        "momentum=0.001",
        "the statistics are not updated fast enough",
        "the running statistics are still close to their initial values",
        "batchnorm momentum",
        "momentum 0.001, so the running statistics stay as they were in eval mode",
        "the momentum of BatchNorm",
        "running statistics do not follow",
        "running mean and var stay at 0 and 1",
        "eval mode uses stale running statistics",
        "in eval mode the running statistics lag behind",
    ],
}
TOO_LITTLE = {
    1: ["gradients", "the gradients are wrong", "explodes", "the loss is wrong", "backward"],
    2: ["labels", "the pictures are wrong", "it guesses", "the batches"],
    3: ["the mode", "batchnorm", "share_right", "it learns slowly", "eval", "eval mode"],
    4: ["learning rate", "lr", "dead ReLUs", "the optimizer", "explodes"],
    5: ["skip connection", "gradients vanish", "the right branch", "the forward is wrong"],
    6: ["momentum", "batchnorm", "eval is worse than train", "running statistics"],
}
CONTRARY = {
    1: [
        "the gradients are zeroed",
        "zero_grad is called",
        "gradients do not accumulate",
        "zero_grad is not missing",
        "the gradients never add up",
        "it calls zero_grad after the step",
        "nothing is wrong with zero_grad",
        "it zeroes the gradients",
        "the gradients are zero",
        "not zero grad but lr",
        "zero_grad is fine",
    ],
    2: [
        "the labels match the pictures",
        "labels are not shuffled",
        "the labels are right",
        "labels are in step",
        "the labels are not wrong",
        "no label is wrong",
        "the labels belong to their pictures",
        "nothing is wrong with the labels",
        "the right labels",
        "zero_grad comes before the labels",
        "the labels come before the loss",
    ],
    3: [
        "not in eval mode",
        "it is in train mode",
        "the model is always in training mode",
        "model.train() is called",
        "it uses batch statistics instead of running statistics",
        "eval mode is not left on",
        "the running statistics are updated",
        "it should be in eval mode",
        "never in eval mode",
        "the model is in eval mode only when measuring",
        "eval mode is used for measuring, fine; the ReLUs are dead",
    ],
    4: [
        "the learning rate is too low",
        "learning rate not too high",
        "the learning rate is small",
        "the learning rate should be higher",
        "lr is not 3",
        "the steps are too small",
        "no problem with the high learning rate",
    ],
    5: [
        "the skip connections are not detached",
        "the gradient flows through the skip connection",
        "nothing is detached",
        "the right branch gets a gradient",
        "the right branch learns",
        "no skip connection is detached",
        "the skip connection is missing",
        "right branch frozen",
        "the right branch is not frozen",
        "the gradient never vanishes in the shortcut",
    ],
    6: [
        "the momentum is too large",
        "momentum is not too small",
        "the optimizer's momentum is too small",
        "the running statistics have caught up",
        "the running statistics do not lag behind",
        "momentum is 0.1",
        "the momentum should be smaller",
        "the running statistics are updated fast enough",
        "SGD momentum is too low",
        "the batchnorm momentum is fine",
        "the running statistics follow",
    ],
}


@pytest.mark.parametrize("number", ENOUGH)
def test_the_words_must_say_what_is_wrong(number, capsys):
    for mistakes, accepted in ((ENOUGH, True), (TOO_LITTLE, False), (CONTRARY, False)):
        for words in mistakes[number]:
            check_run_diagnosis(number, words)
            assert ("right!" in capsys.readouterr().out) == accepted, words


@pytest.mark.parametrize("number", ENOUGH)
def test_the_words_for_one_run_are_not_right_for_another(number, capsys):
    for other in ENOUGH.keys() - {number}:
        for words in ENOUGH[other]:
            check_run_diagnosis(number, words)
            assert "right!" not in capsys.readouterr().out, (other, words)


SIX = (
    "zero_grad is missing",
    "the labels are shuffled",
    "it trains in eval mode",
    "the learning rate is too high",
    "the skip connection is detached",
    "the batchnorm momentum is too small",
)


@pytest.mark.parametrize("between", [", ", " and ", " or ", "; ", ". ", " / ", "\n", " but also "])
def test_who_names_several_mistakes_is_right_for_no_run(between, capsys):
    for number, other in (*permutations(ENOUGH, 2), *((number, None) for number in ENOUGH)):
        words = SIX if other is None else (SIX[number - 1], SIX[other - 1])
        check_run_diagnosis(number, between.join(words))
        assert "may name several mistakes: name one." in capsys.readouterr().out, words


def test_who_speaks_of_everything_says_nothing(capsys):
    check_run_diagnosis(5, "zero_grad labels eval lr detach momentum")
    assert "right!" not in capsys.readouterr().out


def test_several_ways_to_say_one_mistake_are_one(capsys):
    for number, mistakes in ENOUGH.items():
        check_run_diagnosis(number, "; ".join(mistakes))
        assert "several" not in capsys.readouterr().out


@pytest.mark.parametrize("number", ENOUGH)
def test_a_wrong_answer_gets_a_hint_in_one_line_and_is_not_called_wrong(number, capsys):
    check_run_diagnosis(number, "magic")
    said = capsys.readouterr().out
    assert said.startswith(f"Run {number}: these words are not recognised. ")
    assert said.count("\n") == 1


def test_the_reference_answers_are_right(capsys):
    check_run_diagnoses(solutions.run_diagnoses)
    lines = capsys.readouterr().out.splitlines()
    assert [line[: len("Run 1: right!")] for line in lines] == [
        f"Run {number}: right!" for number in ENOUGH
    ]


def test_diagnoses_may_be_incomplete(capsys):
    check_run_diagnoses(lambda: {2: "wrong labels", 4: ("lr", "too high"), 7: "?"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Run 1: no diagnosis yet."
    assert lines[1].startswith("Run 2: right!")
    assert lines[3] == "Run 4: give one string, the mistake in a few words."
    assert lines[6] == "Run 7: there is none. They are numbered from 1 to 6."


def test_a_stub_is_told_apart_from_an_error():
    def run_diagnoses():
        raise NotImplementedError()

    with pytest.raises(StubNotFilled) as raised:
        check_run_diagnoses(run_diagnoses)
    assert "check_run_diagnoses: not written yet" in raised.value._render_traceback_()[0]
    for wrong in ({1: "wrong labels"}, lambda: None):
        with pytest.raises(CourseError):
            check_run_diagnoses(wrong)


@pytest.mark.parametrize("number", [0, 7, "1", True])
def test_there_are_six(number):
    with pytest.raises(ValueError, match=r"no broken run .*: take one of \[1, 2, 3, 4, 5, 6\]"):
        check_run_diagnosis(number, "?")
