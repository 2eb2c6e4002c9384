"""Lesson 6: the check of NanModule, with its known mistakes."""

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

PAIR = torch.tensor([[1.0, -2.0], [0.0, 3.0]])


def values(output):
    """The output's values: a tensor cut off from its graph, or what else it is, in words."""
    if output is None or isinstance(output, Tensor):
        return None if output is None else output.detach()
    return f"{output!r}, which is no tensor but a {type(output).__name__}"


def returning(tried: str, call: str) -> Trial:
    """A trial of what NanModule returns."""
    return Trial("test_nan_module", tried, call, look=f"values({call})")


TRIALS = (
    returning("x = [[1, -2], [0, 3]]", "NanModule()(PAIR.clone())"),
    returning("x of shape (2, 3, 4, 5)", "NanModule()(torch.arange(120.0).view(2, 3, 4, 5))"),
    returning("x = [[1, -2], [0, 3]] in float64", "NanModule()(PAIR.double())"),
    Trial(
        "test_nan_module",
        "x = [[1, -2], [0, 3]]",
        "x = PAIR.clone(); NanModule()(x); x",
        "x afterwards",
    ),
    returning("x = [[1, -2], [0, 3]], eval mode", "NanModule().eval()(PAIR.clone())"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class NanModuleInSteps(nn.Module):
    """NanModule cut into the steps that can each go wrong."""

    def new(self, x):
        return x.clone()

    def filled(self, y):
        return y.fill_(torch.nan)

    def forward(self, x):
        return self.filled(self.new(x))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "a single NaN",
    "You return a single NaN. Return a tensor of the input's shape, NaN everywhere.",
    filled=lambda self, y: torch.tensor(torch.nan),
)
mistake(
    "a Python float",
    "You return a Python float. Return a tensor of the input's shape: torch.full_like.",
    filled=lambda self, y: torch.nan,
)
mistake(
    "nothing returned",
    "Your forward returns nothing (None). Return a tensor of the input's shape, NaN everywhere.",
    filled=lambda self, y: None,
)


@mistake("first value only", "Only the first value is NaN. Make all of them NaN.")
class _:
    def filled(self, y):
        y.view(-1)[0] = torch.nan
        return y


mistake(
    "0 / 0",
    "Yours is NaN only where x is 0, as x / x is. Fill a tensor of x's shape with NaN: "
    "torch.full_like.",
    filled=lambda self, y: y / y,
)
mistake(
    "divided by 0",
    "Yours is NaN only where x is 0, and infinite elsewhere, as x / 0 is. Fill a tensor of x's "
    "shape with NaN: torch.full_like.",
    filled=lambda self, y: y / 0,
)
mistake(
    "infinity",
    "You return infinity. NaN is another value: torch.nan.",
    filled=lambda self, y: torch.full_like(y, torch.inf),
)
mistake(
    "dtype not the input's",
    "Your tensor is float32 whatever the input is. torch.full_like(x, …) has x's dtype.",
    filled=lambda self, y: torch.full(y.shape, torch.nan),
)
mistake(
    "input changed in place",
    "You change the input itself. Leave it as it is and make a new tensor: torch.full_like.",
    new=lambda self, x: x,
)


@mistake(
    "train mode only",
    "In eval mode yours returns something else than NaN. Return NaN in both modes: leave "
    "self.training out.",
)
class _:
    def filled(self, y):
        return y.fill_(torch.nan) if self.training else y


mistake(
    "input returned",
    "You return the numbers of the input. Return NaN everywhere.",
    filled=lambda self, y: y,
)


def what_it_is(NanModule: type[nn.Module]) -> str:
    """What can be said of any output: its type, whether there is NaN in it, and in which shape."""
    try:
        output = NanModule()(PAIR.clone())
    except (ValueError, IndexError, RuntimeError):
        return FOR_IMAGES if is_right_for(NanModule, IMAGE) else ""
    if not isinstance(output, Tensor):
        kind = type(output).__name__
        return f"You return a value of type {kind}, and no tensor: torch.full_like(x, torch.nan)."
    if output.dtype == torch.bool:
        return "You return True or False, as isnan does. Return NaN: torch.full_like(x, torch.nan)."
    if not output.isnan().any():
        return ""
    if not output.isnan().all():
        return (
            "Only some of the values are NaN. Make all of them NaN, whatever is in x: "
            "torch.full_like(x, torch.nan)."
        )
    if output.shape != PAIR.shape:
        return "All is NaN, but not in the shape of the input: torch.full_like(x, torch.nan) is."
    if output.dtype != PAIR.dtype:
        dtypes = f"{output.dtype}, and the input {PAIR.dtype}"
        return (
            f"All is NaN, but the output is {dtypes}: torch.full_like(x, torch.nan) has x's dtype."
        )
    if not is_right_for(NanModule, IMAGE):
        return (
            "For an x of two axes the output has x's shape, for one of four it has not. "
            "torch.full_like(x, torch.nan) has it for any number of axes."
        )
    return ""


IMAGE = torch.arange(120.0).view(2, 3, 4, 5)
FOR_IMAGES = (
    "Yours works where x has four axes, and not where it has two. torch.full_like(x, torch.nan) "
    "has x's shape for any number of axes."
)


def is_right_for(NanModule: type[nn.Module], x: Tensor) -> bool:
    """Whether the output is NaN, in the shape of x."""
    output = NanModule()(x.clone())
    return isinstance(output, Tensor) and output.shape == x.shape and bool(output.isnan().all())


# ---- The check ------------------------------------------------------------------------------

NAN_MODULE = Exercise(
    name="NanModule",
    reference=solutions.NanModule,
    trials=TRIALS,
    names=globals(),
    in_steps=NanModuleInSteps,
    mistakes=mistake,
    closer_look=Trial("test_nan_module", "what the output is", "what_it_is(NanModule)"),
)


def test_nan_module(NanModule: type[nn.Module]) -> None:
    """Check that NanModule returns NaN in the input's shape and dtype."""
    NAN_MODULE.check("test_nan_module", NanModule)
