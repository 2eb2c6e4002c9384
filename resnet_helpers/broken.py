"""Five ResNet34s with one mistake each, to be found with the tools of resnet_helpers.debugging.

Reading on gives the answers away: try `first_divergence` and `find_first_nan` first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.layers import Conv2d, ReLU, Sequential


def broken_resnet34(number: int, weights_from: nn.Module) -> nn.Module:
    """A ResNet34 in eval mode with the weights of another one, and something wrong with it.

    Args:
        number: which of the broken networks, from 1 on.
        weights_from: torchvision's resnet34, or a model whose state dict has the same order; it
            stays as it is.

    Raises:
        ValueError: there is no broken network of that number.
    """
    case = _case(number)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        model = solutions.copy_weights(solutions.ResNet34(), weights_from)
        case.break_it(model)
    return model.eval()


def check_diagnosis(number: int, module: str, mistake: str) -> None:
    """Print whether a diagnosis is right, or else in one sentence how to look further.

    Args:
        number: which of the broken networks, from 1 on.
        module: the name of the module that is wrong, as the tools give it, in the broken network
            or in the reference.
        mistake: what is wrong with it, in a few words.

    Raises:
        ValueError: there is no broken network of that number.
    """
    case = _case(number)
    dotted = re.sub(r"\[(\d+)\]", r".\1", module)  # layers[2] and layers.2 are the same
    name = "." + dotted.partition("(")[0].strip(" `'\".").removesuffix(".weight")
    right_mistake = re.search(case.mistake, mistake.lower())
    right_place = any(name.endswith(f".{place}") for place in case.places)
    in_the_block = any(f".{block}." in f"{name}." for block in (case.block, case.reference_block))
    if right_place and right_mistake:
        answer = f"right! {case.answer}"
    elif right_place:
        answer = f"the right module, but that is not what is wrong with it. {case.what_to_look_at}"
    elif in_the_block:
        answer = "you are in the right block: which module in it is the first to go wrong?"
    else:
        answer = f"it is not there. {case.where_to_look}"
    print(f"Network {number}: {answer}")


@dataclass(frozen=True)
class _Case:
    """A mistake: how to make it, what counts as having found it, and how to help."""

    break_it: Callable[[nn.Module], None]
    block: str  # where it is
    modules: tuple[str, ...]  # which of the block's modules may be blamed; "" is the block itself
    reference_block: str  # the same by torchvision's names
    reference_modules: tuple[str, ...]
    mistake: str  # a pattern: the words that a learner may use for it
    answer: str
    where_to_look: str
    what_to_look_at: str

    @property
    def places(self) -> list[str]:
        mine = [f"{self.block}.{module}" for module in self.modules]
        theirs = [f"{self.reference_block}.{module}" for module in self.reference_modules]
        return [place.removesuffix(".") for place in (*mine, *theirs)]


def _first(model: nn.Module) -> None:
    model.residual_layers[2].blocks[3].left[3] = Conv2d(256, 256, kernel_size=3, padding=1)


def _second(model: nn.Module) -> None:
    left = model.residual_layers[3].blocks[0].left
    left[0].stride, left[3].stride = left[3].stride, left[0].stride


def _third(model: nn.Module) -> None:
    block = model.residual_layers[1].blocks[2]
    block.left = Sequential(*(module for module in block.left if not isinstance(module, ReLU)))


class BatchNorm2d(solutions.BatchNorm2d):
    """Like the course's, but for one thing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


def _fourth(model: nn.Module) -> None:
    right = model.residual_layers[2].blocks[0].right
    right_one = right[1]
    right[1] = BatchNorm2d(right_one.num_features)
    right[1].load_state_dict(right_one.state_dict())


def _fifth(model: nn.Module) -> None:
    batchnorm = model.residual_layers[1].blocks[3].left[1]
    batchnorm.eps = 0.0
    batchnorm.running_var[5] = 0.0  # a channel that has been the same everywhere


_FOLLOW_THE_ERROR = (
    "Let first_divergence(broken, reference, images) name the first module that differs."
)
_CASES = {
    1: _Case(
        _first,
        block="residual_layers.2.blocks.3",
        modules=("left.3",),
        reference_block="layer3.3",
        reference_modules=("conv2",),
        mistake=r"weight|copi|copy|initiali|random",
        answer="This convolution still has random weights: they were never copied.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Its input is right and its output is wrong: what has it of its own?",
    ),
    2: _Case(
        _second,
        block="residual_layers.3.blocks.0",
        modules=("left.0", "left.3"),
        reference_block="layer4.0",
        reference_modules=("conv1", "conv2"),
        mistake=r"strid",
        answer="The strides of the block's two convolutions are swapped, so that all shapes after "
        "the block are right.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Compare the shapes of its output in both networks.",
    ),
    3: _Case(
        _third,
        block="residual_layers.1.blocks.2",
        modules=("", "left", "left.1", "left.2"),
        reference_block="layer2.2",
        reference_modules=("", "bn1", "relu", "conv2"),
        mistake=r"relu|activation|non-?linear",
        answer="The ReLU between the two halves of the left branch is missing.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="What goes into this convolution is wrong already: which module of the "
        "reference has no partner?",
    ),
    4: _Case(
        _fourth,
        block="residual_layers.2.blocks.0",
        modules=("right.1",),
        reference_block="layer3.0",
        reference_modules=("downsample.1",),
        mistake=r"train|eval|mode|batch'?s? (stat|mean|own|var)|running",
        answer="This batchnorm normalises with the batch's own mean and variance in eval mode too.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Weights and settings agree: give it one picture alone and the same one "
        "among others.",
    ),
    5: _Case(
        _fifth,
        block="residual_layers.1.blocks.3",
        modules=("left.1",),
        reference_block="layer2.3",
        reference_modules=("bn1",),
        mistake=r"\beps|zero|\b0\b|divi|\bvar|_var|dead",
        answer="With eps 0 a channel whose variance is 0 is divided by zero.",
        where_to_look="Not every bad number is a NaN at first: ask find_first_nan(broken, images).",
        what_to_look_at="When does a batchnorm return infinity? Print the module, then the "
        "smallest value of each of its buffers.",
    ),
}


def _case(number: int) -> _Case:
    if number not in _CASES:
        raise ValueError(f"there is no broken network {number!r}: take one of {sorted(_CASES)}")
    return _CASES[number]
