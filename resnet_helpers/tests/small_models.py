"""Small models that first_divergence is tried on: what they do can be worked out in the head.

Most are written as they are shown to the learner, "a: 2x, b: x + 1, c: 3x", and made by code that
a learner can paste. The classes below are for what such code cannot do.
"""

import re
from collections.abc import Callable

from torch import nn

# One line that defines `layer`, which makes a module of a function, and `net`, which puts modules
# one after another under their names.
BUILDING = (
    "from collections import OrderedDict; "
    'layer = lambda f: type("Layer", (torch.nn.Module,), {"forward": lambda self, x: f(x)})(); '
    "net = lambda **layers: torch.nn.Sequential(OrderedDict(layers))"
)


def in_torch(text: str) -> str:
    """The code of a model such as "a: 2x, b: ReLU, c: x + [1, -1]": modules one after another."""
    parts = re.findall(r"(\w+): (.+?)(?=, \w+: |$)", text)
    return f"net({', '.join(f'{name}={layer(what)}' for name, what in parts)})"


def layer(text: str) -> str:
    """The code of a module that computes a formula such as "2x", or of one of torch.nn."""
    if "x" not in text:
        return f"torch.nn.{text}()"
    formula = re.sub(r"(\d)x", r"\1 * x", text).replace("nan", "torch.nan")
    formula = re.sub(r"(\[.+\])", r"torch.tensor(\1)", formula)
    return f"layer(lambda x: {formula})"


class Runs(nn.Module):
    """Modules that run in an order of their own, such as "first second first"."""

    def __init__(self, order: str, **modules: nn.Module):
        super().__init__()
        self.order = order.split()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x


class Broken(nn.Module):
    """A module that raises."""

    def forward(self, x):
        raise ArithmeticError("this module is broken")


class Calls(nn.Module):
    """Returns what a function makes of x. A copy of the module calls the very same function."""

    def __init__(self, function: Callable):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
