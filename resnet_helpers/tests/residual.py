"""TEMPORARY: structure.py's functions as closures, until the trials of ResNet34 are text."""

from collections.abc import Callable

from torch import Tensor

from resnet_helpers.tests import structure
from resnet_helpers.tests.structure import Rows, filled

__all__ = [
    "eval_output",
    "filled",
    "gradients",
    "rows",
    "statistics_after_training",
    "train_output",
]


def rows(*arguments) -> Callable:
    return lambda cls: Rows.of(cls(*arguments))


def eval_output(x: Tensor, *arguments) -> Callable:
    return lambda cls: structure.eval_output(cls(*arguments), x.clone())


def train_output(x: Tensor, *arguments) -> Callable:
    return lambda cls: structure.train_output(cls(*arguments), x.clone())


def statistics_after_training(x: Tensor, *arguments) -> Callable:
    return lambda cls: structure.statistics_after_training(cls(*arguments), x.clone())


def gradients(x: Tensor, *arguments) -> Callable:
    return lambda cls: structure.gradients(cls(*arguments), x.clone())
