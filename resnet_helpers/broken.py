"""Five ResNet34s with one mistake each, to be found with the tools of resnet_helpers.debugging.

Reading on gives the answers away: try `first_divergence` and `find_first_nan` first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.arguments import said
from resnet_helpers.debugging.calls import check_is_module
from resnet_helpers.errors import InvalidArgumentError
from resnet_helpers.layers import Conv2d, ReLU, Sequential
from resnet_helpers.statements import Claim, diagnoses_of


def broken_resnet34(number: int, weights_from: nn.Module) -> nn.Module:
    """A ResNet34 in eval mode with the weights of another one, and something wrong with it.

    It is on the device where the other one is, and of its dtype.

    Args:
        number: which of the broken networks, from 1 on.
        weights_from: torchvision's resnet34, or a model whose state dict has the same order; it
            stays as it is.

    Raises:
        InvalidArgumentError: a ValueError: there is no broken network of that number, or
            weights_from is no ResNet34.
    """
    case = _case(number)
    check_is_module(weights_from, "weights_from")
    # made on the CPU, so that its random weights are the same everywhere
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        model = solutions.ResNet34()
        try:
            solutions.copy_weights(model, weights_from)
        except (AssertionError, RuntimeError) as error:
            raise InvalidArgumentError(
                f"weights_from, a {type(weights_from).__name__}, has no weights for a ResNet34: "
                f"{str(error).strip().splitlines()[-1].strip()}"
            ) from error
        case.break_it(model)
    weight = next(weights_from.parameters())
    return model.to(weight.device, weight.dtype).eval()


def check_diagnosis(number: int, module: str, mistake: str) -> None:
    """Print whether a diagnosis is right, or else in one sentence how to look further.

    Words that are not recognised may be right all the same: no list knows all of them.

    Args:
        number: which of the broken networks, from 1 on.
        module: the name of the module that is wrong, as the tools give it, in the broken network
            or in the reference.
        mistake: what is wrong with it, in a few words.

    Raises:
        InvalidArgumentError: a ValueError: there is no broken network of that number.
    """
    case = _case(number)
    module, mistake = str(module), str(mistake)
    dotted = re.sub(r"\[(\d+)\]", r".\1", module)  # layers[2] and layers.2 are the same
    name = "." + dotted.partition("(")[0].strip(" `'\".").removesuffix(".weight")
    right_place = any(name.endswith(f".{place}") for place in case.places)
    right_mistake = case.claim_of(name).is_made_in(mistake)
    in_the_block = any(f".{block}." in f"{name}." for block in (case.block, case.reference_block))
    if right_place and right_mistake:
        answer = f"right! {case.answer}"
    elif right_place:
        answer = (
            "the right module, but your words for the mistake are not recognised. "
            f"{case.what_to_look_at}"
        )
    elif in_the_block:
        answer = "you are in the right block: which module in it is the first to go wrong?"
    else:
        answer = f"it is not there. {case.where_to_look}"
    print(f"Network {number}: {answer}")


def check_diagnoses(diagnoses: Callable[[], dict[int, tuple[str, str]]]) -> None:
    """Print a line for each of the five networks: whether its diagnosis is right, or a hint.

    Args:
        diagnoses: takes nothing, and returns {number: (module, mistake)} for those that are found.

    Raises:
        StubNotFilled: `diagnoses` is still a stub.
        CourseError: it returns something else.
    """
    found = diagnoses_of(
        diagnoses, "diagnoses", '{1: ("layers.0.conv", "the stride is 2 instead of 1"), 2: …}'
    )
    for number in sorted(_CASES):
        match found.get(number):
            case None:
                print(f"Network {number}: no diagnosis yet.")
            case (module, mistake):
                check_diagnosis(number, module, mistake)
            case _:
                print(f"Network {number}: give two strings, (module, mistake).")
    for number in found.keys() - _CASES.keys():
        print(f"Network {said(number)}: there is none. They are numbered from 1 to {len(_CASES)}.")


@dataclass(frozen=True)
class _Case:
    """A mistake: how to make it, what counts as having found it, and how to help."""

    break_it: Callable[[nn.Module], None]
    block: str  # where it is
    modules: tuple[str, ...]  # which of the block's modules may be blamed; "" is the block itself
    reference_block: str  # the same by torchvision's names
    reference_modules: tuple[str, ...]
    claim: Claim  # what a learner may say of it
    answer: str
    where_to_look: str
    what_to_look_at: str
    claims_elsewhere: dict[str, Claim] = field(default_factory=dict)  # by the end of the name

    def claim_of(self, name: str) -> Claim:
        """What a learner may say of the module of this name."""
        elsewhere = (c for end, c in self.claims_elsewhere.items() if name.endswith(f".{end}"))
        return next(elsewhere, self.claim)

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


_ZERO = r"((?<![\d.])0(\.0*)?(?![\d.e])|zero)"
_SMALLER = r"(downsampl|subsampl|halv|shrink|reduc)\w*\b.*"


def _stride(has: int, wants: int) -> Claim:
    """The claim that a convolution has this stride, or that it lacks that one."""
    return Claim(
        affirms=rf"swap|exchang|interchang|strid(?!.*\b{wants}\b)|\b{has}\b"
        rf"|{_SMALLER}\b(second|2nd|conv2|left\.3)",
        denies=rf"\b{wants}\b|{_SMALLER}\b(first|1st|conv1|left\.0)",
    )


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
        claim=Claim(
            affirms=r"random|untrained|uninitiali|re-?initiali|fresh|re-?set"
            r"|weights?\b.*(differ|other|unlike)|(differ|other)\w* weight",
            denies=r"cop[iy]|load|transfer|\bset\b|taken over|\binitiali\w+ (with|from|by)"
            r"|\b(equal|same|match|identical)|(not|no|lacks?|without|missing)\b.*pre-?trained",
        ),
        answer="The weights of this convolution are not the reference's: they were never copied.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Its input is right and its output is wrong. Compare what it has of its "
        "own with the reference's: how can the two have come to differ?",
    ),
    2: _Case(
        _second,
        block="residual_layers.3.blocks.0",
        modules=("left.0", "left.3"),
        reference_block="layer4.0",
        reference_modules=("conv1", "conv2"),
        claim=_stride(has=1, wants=2),
        claims_elsewhere={"left.3": _stride(2, 1), "conv2": _stride(2, 1)},
        answer="The strides of the block's two convolutions are swapped, so that all shapes after "
        "the block are right.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Compare the shapes of its output in both networks, then print both.",
    ),
    3: _Case(
        _third,
        block="residual_layers.1.blocks.2",
        modules=("", "left", "left.1", "left.2"),
        reference_block="layer2.2",
        reference_modules=("", "bn1", "relu", "conv2"),
        claim=Claim(affirms=r"(?!)", denies=r"relu|activation|non-?linear"),
        answer="The ReLU between the two halves of the left branch is missing.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="What goes into its second convolution is wrong already. Which module of "
        "the reference has no partner, and what is wrong with that?",
    ),
    4: _Case(
        _fourth,
        block="residual_layers.2.blocks.0",
        modules=("right.1",),
        reference_block="layer3.0",
        reference_modules=("downsample.1",),
        claim=Claim(
            affirms=r"batch('?s|s')?( own)?[ -](stat|mean|var)|\bown (stat|mean|var)"
            r"|(of|from|over|by|with|on) (the|this|each|a|its)( \w+)? ?batch\b"
            r"|train(ing)?[ -]mode|\.train\(|training *(=+|is) *true"
            r"|(as|like)( (in|when|during|if))? train|train\w*\b.*\beval|despite eval",
            denies=r"(?=.*\b(us\w+|ignor\w+|tak\w+|appl\w+|read\w*|instead|rather|without)\b).*running"
            r"|(^not|\bis not|are not|were not|was not|ignor\w+)( in)?( the)? eval",
        ),
        answer="This batchnorm normalises with the batch's own mean and variance in eval mode too.",
        where_to_look=_FOLLOW_THE_ERROR,
        what_to_look_at="Weights and settings agree, so its forward is to blame. Compare "
        "broken(batch[:1]) with broken(batch[:4])[:1]: what does a picture's output depend on, and "
        "what should the batchnorm use in eval mode?",
    ),
    5: _Case(
        _fifth,
        block="residual_layers.1.blocks.3",
        modules=("left.1",),
        reference_block="layer2.3",
        reference_modules=("bn1",),
        claim=Claim(
            affirms=rf"\beps\w*\b.*({_ZERO}|none|small)|{_ZERO}.*\beps|divi\w* .*{_ZERO}"
            rf"|var\w*\b.*{_ZERO}|{_ZERO} (running[ _]?)?var",
            denies=rf"^(?!.*({_ZERO}|none|small)).*\beps",
        ),
        answer="With eps 0 a channel whose variance is 0 is divided by zero.",
        where_to_look="Not every bad number is a NaN at first: ask find_first_nan(broken, images).",
        what_to_look_at="When does a batchnorm return infinity? Print the module, then the "
        "smallest value of each of its buffers.",
    ),
}


def _case(number: int) -> _Case:
    if type(number) is not int or number not in _CASES:  # not True either
        raise InvalidArgumentError(
            f"there is no broken network {said(number)}: take one of {sorted(_CASES)}"
        )
    return _CASES[number]
