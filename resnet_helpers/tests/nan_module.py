"""Lesson 6: the check of NanModule, with its known mistakes."""

import torch
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------

PAIR = torch.tensor([[1.0, -2.0], [0.0, 3.0]])


def detached(output):
    """The output's values."""
    return None if output is None else output.detach()


TRIALS = trials_of(
    "test_nan_module",
    ("x = [[1, -2], [0, 3]]", "detached(NanModule()(PAIR.clone()))"),
    ("x of shape (2, 3, 4, 5)", "detached(NanModule()(made_up(2, 3, 4, 5)))"),
    ("x = [[1, -2], [0, 3]] in float64", "detached(NanModule()(PAIR.double()))"),
    ("x = [[1, -2], [0, 3]]", "x = PAIR.clone(); NanModule()(x); x", "x afterwards"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class NanModuleInSteps(nn.Module):
    """NanModule cut into the steps that can each go wrong."""

    def nans(self, x):
        return torch.full_like(x, torch.nan)

    def forward(self, x):
        return self.nans(x)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "a single NaN",
    "You return a single NaN. Return a tensor of the input's shape, NaN everywhere.",
    nans=lambda self, x: torch.tensor(torch.nan),
)
mistake(
    "a Python float",
    "You return a Python float. Return a tensor of the input's shape: torch.full_like.",
    nans=lambda self, x: torch.nan,
)
mistake(
    "nothing returned",
    "Your forward returns nothing (None). Return a tensor of the input's shape, NaN everywhere.",
    nans=lambda self, x: None,
)
mistake(
    "first value only",
    "Only the first value is NaN. Make all of them NaN.",
    nans=lambda self, x: x.flatten().index_fill(0, torch.tensor(0), torch.nan).view_as(x),
)
mistake(
    "0 / 0",
    "You divide x by itself or by 0, which is NaN only where x is 0. Fill a tensor of x's "
    "shape with NaN: torch.full_like.",
    nans=lambda self, x: x / x,
)
mistake(
    "divided by 0",
    "You divide by 0, which gives infinity, and NaN only for 0 / 0. Fill a tensor of x's shape "
    "with NaN: torch.full_like.",
    nans=lambda self, x: x / 0,
)
mistake(
    "infinity",
    "You return infinity. NaN is another value: torch.nan.",
    nans=lambda self, x: torch.full_like(x, torch.inf),
)
mistake(
    "dtype not the input's",
    "Your tensor is float32 whatever the input is. torch.full_like(x, …) has x's dtype.",
    nans=lambda self, x: torch.full(x.shape, torch.nan),
)
mistake(
    "input changed in place",
    "You fill the input itself with NaN. Make a new tensor: torch.full_like.",
    nans=lambda self, x: x.fill_(torch.nan),
)
mistake(
    "input returned",
    "You return the input as it came. Return NaN everywhere.",
    nans=lambda self, x: x,
)

# ---- The check ------------------------------------------------------------------------------

NAN_MODULE = Exercise(
    name="NanModule",
    reference=solutions.NanModule,
    trials=TRIALS,
    names=globals(),
    in_steps=NanModuleInSteps,
    mistakes=mistake,
)


def test_nan_module(NanModule: type[nn.Module]) -> None:
    """Check that NanModule returns NaN in the input's shape and dtype."""
    NAN_MODULE.check("test_nan_module", NanModule)
