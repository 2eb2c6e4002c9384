"""Small models that first_divergence is tried on: what they do can be worked out in the head.

Most are written as they are shown to the learner: "a: 2x, b: x + 1, c: 3x".
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn


class Formula(nn.Module):
    """Computes what its text says: a multiple of x, plus a number or nested lists of them."""

    def __init__(self, text: str):
        super().__init__()
        factor, summand = re.fullmatch(r"(-?\d*)x(?: \+ (.+))?", text).groups()
        self.factor = float(factor or 1)
        self.summand = torch.tensor(json.loads((summand or "0").replace("nan", "NaN")))

    def forward(self, x):
        return self.factor * x + self.summand


def chain(**modules: nn.Module) -> nn.Sequential:
    """The modules one after another, under these names."""
    return nn.Sequential(OrderedDict(modules))


def model(text: str) -> nn.Sequential:
    """A model such as "a: 2x, b: ReLU, c: x + [1, -1]": modules one after another."""
    parts = re.findall(r"(\w+): (.+?)(?=, \w+: |$)", text)
    modules = {name: Formula(what) if "x" in what else getattr(nn, what)() for name, what in parts}
    return chain(**modules)


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
