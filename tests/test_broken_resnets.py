"""Twelve ways of building ResNet34 wrong, and where the tools point for each.

At the end the five broken networks of lesson 6: what the tools say, and what counts as an answer.
"""

import copy
import re

import pytest
import torch
from torch import nn
from torchvision import models

from resnet_helpers import layers, solutions
from resnet_helpers.broken import broken_resnet34, check_diagnoses, check_diagnosis
from resnet_helpers.debugging import find_first_nan, first_divergence
from resnet_helpers.errors import CourseError
from resnet_helpers.param_count import print_param_count
from resnet_helpers.tests.failure import StubNotFilled


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    """torchvision's, with random weights and random batchnorm statistics, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.resnet34()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                for vector in (module.weight, module.running_var):
                    nn.init.uniform_(vector, 0.5, 1.5)
                for vector in (module.bias, module.running_mean):
                    nn.init.uniform_(vector, -0.3, 0.3)
    return model.eval()


@pytest.fixture(scope="module")
def right(reference) -> nn.Module:
    return solutions.copy_weights(solutions.ResNet34(), reference).eval()


@pytest.fixture
def mine(right) -> nn.Module:
    """A right one, for a test to break."""
    return copy.deepcopy(right)


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


# --- Wrong in what there is: the table says so ----------------------------------------------


@pytest.fixture
def sentence(monkeypatch, capsys):
    """What print_param_count says last of a ResNet34 in which a class is replaced."""

    def sentence(**replaced: type) -> str:
        for name, cls in replaced.items():
            monkeypatch.setattr(solutions, name, cls)
        with torch.device("meta"):
            print_param_count(solutions.ResNet34(), models.resnet34(), display_df=False)
        sentence = re.search(r"^(row \d+:|All rows match).*", capsys.readouterr().out, re.M | re.S)
        return " ".join(sentence[0].split())

    return sentence


def test_order(sentence):
    class RightFirst(solutions.ResidualBlock):
        def __init__(self, *args):
            super().__init__(*args)
            left = self.left
            del self.left
            self.left = left

    assert sentence(ResidualBlock=RightFirst) == (
        "row 42: yours is `residual_layers.1.blocks.0.right.0.weight` (128, 64, 1, 1), "
        "torchvision's is `layer2.0.conv1.weight` (128, 64, 3, 3): "
        "your `right` is declared before your `left`"
    )


def test_missing_batchnorm(sentence):
    class NoBatchNormAtRight(solutions.ResidualBlock):
        def __init__(self, *args):
            super().__init__(*args)
            if not isinstance(self.right, nn.Identity):
                self.right = self.right[0]

    assert sentence(ResidualBlock=NoBatchNormAtRight) == (
        "row 55: yours has nothing for torchvision's `layer2.0.downsample.1` (5 rows)"
    )


def test_bias(sentence):
    def conv_with_bias(*args, **kwargs):
        return nn.Conv2d(*args, **kwargs)

    assert sentence(Conv2d=conv_with_bias) == (
        "row 1: torchvision's has nothing for your `in_layers.0.bias` (64,)"
    )


# --- Wrong in what it computes: first_divergence says so ------------------------------------


def test_a_right_one_does_not_diverge(right, reference, x):
    found = first_divergence(right, reference, x)
    assert found.name is None
    assert len(found.table) == 108 + 1  # the calls of leaf modules, and the whole
    assert not found.only_in_mine
    assert not found.only_in_reference


def test_stride(reference, x):
    mine = solutions.ResNet34(first_strides_per_group=(1, 1, 2, 2))
    found = first_divergence(solutions.copy_weights(mine, reference).eval(), reference, x)
    assert found.name == "residual_layers.1.blocks.0.left.0"
    assert found.reference_name == "layer2.0.conv1"
    assert "has shape (2, 128, 16, 16) in yours, (2, 128, 8, 8) in the ref" in found.explanation
    assert "Cause: stride is 1 in yours, 2 in the reference." in found.explanation


def test_missing_relu(mine, reference, x):
    block = mine.residual_layers[2].blocks[3]
    block.left = layers.Sequential(*(m for m in block.left if not isinstance(m, layers.ReLU)))
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "layer3.3.conv2"
    assert "look at what happens after `residual_layers.2.blocks.3.left.1`" in found.explanation
    assert found.only_in_reference == ["`layer3.3.relu` (ReLU)"]


def test_missing_relu_after_the_addition(mine, reference, x):
    mine.residual_layers[0].blocks[1].relu = nn.Identity()
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "layer1.2.conv1"
    assert "look at what happens after `residual_layers.0.blocks.1.left.4`" in found.explanation
    assert found.only_in_reference == ["`layer1.1.relu #2` (ReLU)"]


def test_wrong_maxpool(mine, reference, x):
    mine.in_layers[3] = layers.MaxPool2d(kernel_size=3, stride=2)
    found = first_divergence(mine, reference, x)
    assert (found.name, found.reference_name) == ("in_layers.3", "maxpool")
    assert "Cause: padding is 0 in yours, 1 in the reference." in found.explanation


def test_eps(mine, reference, x):
    mine.residual_layers[3].blocks[1].left[1].eps = 1e-3
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "layer4.1.bn1"
    assert "Cause: eps is 0.001 in yours, 1e-05 in the reference." in found.explanation


def test_momentum(mine, reference, x):
    mine.residual_layers[1].blocks[2].left[4].momentum = 0.9
    found = first_divergence(mine.train(), copy.deepcopy(reference).train(), x)
    assert found.reference_name == "layer2.2.bn2"
    assert "The running_mean differs" in found.explanation
    assert "Cause: momentum is 0.9 in yours, 0.1 in the reference." in found.explanation


def test_train_mode_left_on(mine, reference, x):
    found = first_divergence(mine.train(), reference, x)
    assert found.reference_name == "bn1"
    assert "Cause: they are in different modes." in found.explanation
    assert "train in yours, eval in the reference. Call .eval() on both" in found.explanation


def test_train_mode_left_on_in_one_group(mine, reference, x):
    mine.residual_layers[2].train()
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "layer3.0.bn1"
    assert "38 of 109 pairs are in different modes, from `residual_layers.2" in found.explanation


def test_one_layers_weights_not_copied(mine, reference, x):
    fresh = layers.Conv2d(256, 256, kernel_size=3, padding=1)
    mine.residual_layers[2].blocks[4].left[3] = fresh
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "layer3.4.conv2"
    assert "Cause: `weight` differs by up to " in found.explanation


def test_running_stats_not_copied(mine, reference, x):
    # as when only parameters() are copied
    mine = solutions.ResNet34().eval()
    pairs = zip(mine.parameters(), reference.parameters(), strict=True)
    for my_parameter, parameter in pairs:
        my_parameter.data.copy_(parameter.data)
    found = first_divergence(mine, reference, x)
    assert found.reference_name == "bn1"
    assert "Cause: `running_mean` differs by up to 3.0e-01" in found.explanation
    assert "`running_var` differs by up to 5.0e-01" in found.explanation


class Normalise(nn.Module):
    """Subtracts the mean of ImageNet's pictures and divides by their std."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        return (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)


class Classifier(nn.Module):
    """Takes pictures as they are, with values from 0 to 1, so it has to prepare them itself."""

    def __init__(self, prepare: nn.Module, resnet: nn.Module):
        super().__init__()
        self.prepare = prepare
        self.resnet = resnet

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.resnet(self.prepare(x))


def test_input_not_normalised(right, reference, x):
    # Both get the same pictures: that one of them forgets to prepare them must show by itself.
    reference = Classifier(Normalise(), reference)
    found = first_divergence(Classifier(Normalise(), right), reference, x)
    assert found.name is None
    found = first_divergence(Classifier(nn.Identity(), right), reference, x)
    assert (found.name, found.reference_name) == ("resnet.in_layers.0", "resnet.conv1")
    assert "differs already: look at what happens after the input." in found.explanation
    assert found.only_in_reference == ["`prepare` (Normalise)"]


# --- Lesson 6's five --------------------------------------------------------------------------

# what first_divergence says of each, and a diagnosis in a learner's words
FIVE = {
    1: ("layer3.3.conv2", "Cause: `weight` differs by up to", "weights not copied"),
    2: ("layer4.0.conv1", "Cause: stride is 1 in yours, 2 in the reference.", "wrong Strides"),
    3: ("layer2.2.conv2", "in the reference: `layer2.2.relu` (ReLU).", "there is no ReLU"),
    4: ("layer3.0.downsample.1", "forward itself computes something", "uses batch's statistics"),
    5: ("layer2.3.bn1", "The output holds infinity in yours", "divides by 0"),
}


@pytest.mark.parametrize("number", FIVE)
def test_the_tools_find_each_and_the_answer_is_accepted(number, reference, x, capsys):
    reference_name, line, mistake = FIVE[number]
    broken = broken_resnet34(number, weights_from=reference)
    found = first_divergence(broken, reference, x)
    assert found.reference_name == reference_name
    assert line in found.explanation
    assert find_first_nan(broken, x).name == (found.name if number == 5 else None)
    for module in (found.name, found.reference_name, f"`broken.{found.name}` (Conv2d)"):
        check_diagnosis(number, module, mistake)
        assert capsys.readouterr().out.startswith(f"Network {number}: right! ")


def test_the_relu_that_is_missing_may_be_named_by_its_place(capsys):
    for module in ("layer2.2.relu", "residual_layers[1].blocks[2].left", "layer2.2"):
        check_diagnosis(3, module, "missing relu")
        assert "right!" in capsys.readouterr().out


@pytest.mark.parametrize("number", FIVE)
def test_a_wrong_answer_gets_a_hint_that_gives_nothing_away(number, capsys):
    reference_name, _, mistake = FIVE[number]
    block = reference_name[: len("layer1.0")]
    hints = []
    for module, words in (("fc", mistake), (f"{block}.bn2", mistake), (reference_name, "magic")):
        check_diagnosis(number, module, words)
        hints.append(capsys.readouterr().out)
    assert ["it is not there" in hints[0], "right block" in hints[1]] == [True, True]
    assert "the right module, but" in hints[2]
    for hint in hints:
        assert hint.count("\n") == 1
        assert "right!" not in hint
        assert reference_name not in hint


ENOUGH = {
    1: [
        "random weights",
        "its weights differ from the reference's",
        "other weights than layer3.3.conv2",
        "never copied",
        "not initialised with the pretrained weights",
        "weight was not loaded",
        "weights were not set",
        "weights weren't copied",
        "the weights haven't been copied from the reference",
        "weights are randomly initialised",
        "fresh weights",
        "somebody forgot to copy the weights",
        "uncopied weights",
        "the weights are different",
        "different weight values",
        "weights do not match",
        "the weight is not the same as in the reference",
        "has its own random weights instead of the pretrained ones",
        "weights were reset",
        "weights not equal to those in the reference",
        "does not have the pretrained weights",
        "its weights should have been copied",
        "untrained",
        "copy_weights skipped it",
        "the weights are not copied, they are random",
        "weight differs by up to 0.3",
    ],
    2: [
        "stride 1 instead of 2",
        "the strides of both convolutions are swapped",
        "wrong Strides",
        "stride",
        "downsampling happens in the second convolution",
        "downsamples in conv2 instead of conv1",
        "stride should be 2",
        "stride is not 2",
        "stride=1",
        "stride is 1 in yours, 2 in the reference",
        "the stride is 1, not 2",
        "the stride is 1 but should be 2",
        "stride (1, 1) instead of (2, 2)",
        "stride is on the wrong convolution",
        "it halves the picture in the second convolution rather than the first",
        "strides were exchanged",
        "doesn't downsample in the first convolution",
        "has stride 1",
    ],
    3: [
        "missing relu",
        "The ReLU is missing",
        "no activation between the convolutions",
        "nonlinearity forgotten",
        "there isn't a relu",
        "it lacks the ReLU",
        "relu only in the reference",
        "relu deleted",
        "without relu",
        "there is no ReLU in it",
        "relu left out",
        "the relu has been removed",
        "relu isn’t there",
        "relu is not applied",
        "needs a relu",
        "a relu is there in the reference, but not here",
        "The ReLU between the batchnorm and conv2 is not there",
        "no non-linearity",
        "it does not have an activation function",
        "the relu after bn1 is skipped",
        "Missing activation (ReLU)",
        "should have a relu",
    ],
    4: [
        "uses the batch's own mean and variance",
        "it uses batch statistics in eval mode",
        "normalises with the statistics of the batch",
        "does not use running_mean",
        "running statistics are ignored",
        "behaves as in training mode",
        "training=True although in eval mode",
        "batch-statistics instead of running ones",
        "it computes the mean over the batch",
        "training=True",
        "normalises by the current batch",
        "always uses the batch's statistics",
        "ignores the running statistics",
        "uses batch statistics instead of running statistics",
        "running mean and variance are not used",
        "does not use the running statistics but those of the batch",
        "uses batch statistics where it should use running statistics",
        "still in train mode",
        "acts as if in train mode",
        "it ignores eval mode",
        "not in eval mode",
        "it should use the running mean",
        "normalises over the batch even in eval",
        "F.batch_norm is called with training=True",
        "running_mean isn't used",
    ],
    5: [
        "eps is 0",
        "eps=0.0",
        "no eps",
        "eps missing",
        "division by zero",
        "divides by a std of 0",
        "a running_var is 0",
        "zero variance in channel 5",
        "running_var[5] == 0",
        "eps is 0 instead of 1e-5",
        "eps should not be 0",
        "without eps",
        "eps is 0, and so is one running variance",
        "the variance of a channel is zero and eps is zero",
        "eps was forgotten",
        "eps is too small",
        "no eps so it divides by zero",
        "it divides by zero since eps is missing",
        "eps is 0 in yours, 1e-05 in the reference",
        "eps does not prevent division by zero",
        "divides by sqrt(0)",
    ],
}
TOO_LITTLE = {
    1: ["the weights are wrong", "weight", "weights"],
    2: ["wrong shape", "the convolution", "2"],
    3: ["relu", "the activation is wrong"],
    4: ["mode", "train", "eval mode", "running_mean", "batchnorm", "the variance is wrong"],
    5: ["variance", "eps", "infinity", "nan"],
}
CONTRARY = {
    1: [
        "weights were copied",
        "weights are not random",
        "weights do not differ",
        "copied correctly",
        "the weights are equal",
        "the weights are the same",
        "copied weights instead of random ones",
        "nothing wrong with the copied weights",
        "not uncopied",
        "the weights were not reset",
        "no weights are different",
    ],
    2: [
        "stride 2 instead of 1",
        "stride is not wrong",
        "strides are not swapped",
        "the stride is right",
        "stride is correct",
        "nothing is wrong with the stride",
        "no problem with the strides",
        "stride is 2",
        "stride=2",
        "the stride is not 1",
        "downsampling happens in the first convolution instead of the second",
        "it does not downsample in the second convolution",
        "stride is 2 in yours, 1 in the reference",
        "stride should be 1",
    ],
    3: [
        "relu is not missing",
        "the relu isn't missing",
        "relu was not forgotten",
        "no relu is missing",
        "there is a relu",
        "does not lack a relu",
        "nothing is wrong with the relu",
        "relu is there",
        "two relus",
        "doesn't need a relu",
        "relu not removed",
        "one relu too many",
        "the relu has never been left out",
        "relu is not absent",
    ],
    4: [
        "uses running statistics instead of batch statistics",
        "does not use batch statistics",
        "uses the running mean, not the batch's mean",
        "not in training mode",
        "uses the running statistics",
        "is not training=True",
        "eval mode instead of train mode",
        "batch statistics are ignored",
        "it should use batch statistics",
        "running statistics are not updated",
        "never normalises with the batch's own mean",
        "the running mean is used",
        "uses running ones rather than those of the batch",
    ],
    5: [
        "eps is not 0",
        "eps is not missing",
        "no division by zero",
        "does not divide by zero",
        "the variance is not 0",
        "eps 1e-5 instead of 0",
        "eps should be 0",
        "eps is 1e-05",
        "eps is not too small",
        "running_var is never 0",
        "nothing is wrong with eps = 0",
        "eps was not forgotten",
        "eps is 0.001",
    ],
}
HONEST = {
    1: ["wrong weights", "the weights are wrong", "it has bad weights"],
    2: ["the picture is halved too late", "stride 1 then 2 instead of 2 then 1"],
    3: ["left is linear", "only one of the two is there"],
    4: ["a picture's output depends on its neighbours", "normalises with other pictures"],
    5: ["the root of nothing is a divisor", "blows up in channel 5"],
}


@pytest.mark.parametrize("number", FIVE)
def test_the_words_must_name_what_is_wrong(number, capsys):
    for mistakes, accepted in ((ENOUGH, True), (TOO_LITTLE, False), (CONTRARY, False)):
        for words in mistakes[number]:
            check_diagnosis(number, FIVE[number][0], words)
            assert ("right!" in capsys.readouterr().out) == accepted, words


@pytest.mark.parametrize("number", FIVE)
def test_an_honest_answer_in_other_words_is_not_called_wrong(number, capsys):
    for words in HONEST[number]:
        check_diagnosis(number, FIVE[number][0], words)
        said = capsys.readouterr().out
        assert "right module" in said
        assert "not recognised" in said
        assert "not what is wrong" not in said


def test_a_stride_is_right_or_wrong_for_the_convolution_that_is_named(capsys):
    for module, words, accepted in (
        ("layer4.0.conv1", "stride 1 instead of 2", True),
        ("layer4.0.conv1", "stride 2 instead of 1", False),
        ("layer4.0.conv2", "stride 2 instead of 1", True),
        ("layer4.0.conv2", "stride 1 instead of 2", False),
        ("residual_layers.3.blocks.0.left.3", "has stride 2, should be 1", True),
        ("residual_layers[3].blocks[0].left[3]", "has stride 1, should be 2", False),
        ("layer4.0.conv2", "swapped", True),
    ):
        check_diagnosis(2, module, words)
        assert ("right!" in capsys.readouterr().out) == accepted, (module, words)


@pytest.mark.parametrize("number", FIVE)
def test_the_learners_own_first_divergence_finds_each(number, reference, x, capsys):
    broken = broken_resnet34(number, weights_from=reference)
    for name in solutions.first_divergence(broken, reference, x, tolerance=0.01):
        check_diagnosis(number, name, FIVE[number][2])
        assert "right!" in capsys.readouterr().out


def test_all_diagnoses_at_once(capsys):
    check_diagnoses(solutions.diagnoses)
    lines = capsys.readouterr().out.splitlines()
    assert [line[: len("Network 1: right!")] for line in lines] == [
        f"Network {number}: right!" for number in FIVE
    ]


def test_diagnoses_may_be_incomplete(capsys):
    check_diagnoses(lambda: {2: ("layer4.0.conv1", "stride"), 4: "downsample", 6: ("fc", "?")})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Network 1: no diagnosis yet."
    assert lines[1].startswith("Network 2: right!")
    assert lines[3] == "Network 4: give two strings, (module, mistake)."
    assert lines[5] == "Network 6: there is none. They are numbered from 1 to 5."


def test_a_stub_is_told_apart_from_an_error():
    def diagnoses():
        raise NotImplementedError()

    with pytest.raises(StubNotFilled) as raised:
        check_diagnoses(diagnoses)
    assert "check_diagnoses: not written yet" in raised.value._render_traceback_()[0]
    for wrong in ({1: ("fc", "bias")}, lambda: None):
        with pytest.raises(CourseError):
            check_diagnoses(wrong)


def test_there_are_five(reference):
    for number in (0, 6, "1"):
        with pytest.raises(
            ValueError, match=r"no broken network .*: take one of \[1, 2, 3, 4, 5\]"
        ):
            broken_resnet34(number, weights_from=reference)
        with pytest.raises(ValueError, match="no broken network"):
            check_diagnosis(number, "fc", "weights")


def test_breaking_leaves_the_reference_and_the_random_state_alone(reference, x):
    before = torch.get_rng_state()
    weights = [t.clone() for t in reference.state_dict().values()]
    first, again = (broken_resnet34(1, weights_from=reference) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, weights, reference.state_dict().values()))
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
