"""What the checks of lesson 7 have in common: a model that is seen learning, and its modes.

The model is so small that its logits are the values of a picture's one pixel.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers.tests.predict import (  # noqa: F401 (what the trials' code names)
    LARGE,
    ONE,
    THREE,
    TWO,
)
from resnet_helpers.tests.values import fill

LABELS = torch.tensor([1, 0])  # of the two pictures, of which the first is guessed right

# One line that makes a model whose logits are the pixel, until it learns.
EYE = (
    "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 3, bias=False)); "
    "torch.nn.init.eye_(model[1].weight)"
)


class Noting(nn.Sequential):
    """Modules in a row; `note(self)` is called each time that they run, or a copy of them.

    That is in forward and not in a hook, which model.forward(x) would pass by.
    """

    def __init__(self, note: Callable[[nn.Module], object], *modules: nn.Module):
        super().__init__(*modules)
        self.note = note

    def forward(self, x):
        self.note(self)
        return super().forward(x)


def eye(note=lambda model: None) -> nn.Sequential:
    """The model that the line makes."""
    model = Noting(note, nn.Flatten(), nn.Linear(3, 3, bias=False))
    nn.init.eye_(model[1].weight)
    return model


def modes_of_two(model: nn.Sequential) -> dict[str, bool]:
    """Whether the model and its first submodule are in train mode."""
    return {"model": model.training, "its submodules": model[0].training}


def with_batchnorm() -> nn.Sequential:
    """A model with a batchnorm, for three classes and pictures of 2 x 2 pixels."""
    return fill(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 3)))


def kind(result: Any) -> str:
    """What is returned where a number of Python's is wanted."""
    if isinstance(result, Tensor):
        graph = " that keeps the whole graph" if result.requires_grad else ""
        return f"a tensor{graph}"
    if isinstance(result, tuple):
        return f"({', '.join(type(part).__name__ for part in result)})"
    if result is None:
        return "None"
    return "a Python number" if isinstance(result, Real) else type(result).__name__


def not_a_number(result: Any) -> str:
    """What to say of a result that is no number; "" of a number, of None and of a tensor."""
    if result is None or isinstance(result, (Real, Tensor)):
        return ""
    return f"You return a value of type {type(result).__name__}. Return one Python number."


def number(result: Any) -> Any:
    """The number that is returned, whether as a tensor or not; its kind if it is none."""
    is_one = isinstance(result, Tensor) and result.numel() == 1
    if is_one or isinstance(result, Real):
        return torch.tensor(float(result))
    return None if result is None else kind(result)


def mixed(model: nn.Module, mode: str) -> nn.Module:
    """The model in this mode, and its first submodule in the other."""
    model.train(mode == "train")
    next(model.children()).train(mode != "train")
    return model


def modes(model: nn.Module) -> dict[str, str]:
    """The mode of the model and of each of its submodules."""
    return {
        name or "model": "train" if module.training else "eval"
        for name, module in model.named_modules()
    }
