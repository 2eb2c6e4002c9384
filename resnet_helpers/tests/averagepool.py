"""Lesson 2: the check of AveragePool, with its known mistakes."""

import math
from contextlib import suppress

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.trials import Trial, trials_of

# ---- What is tried --------------------------------------------------------------------------

SMALL = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], [[[3.0, 8.0]], [[-2.0, 6.0]]]])  # 2, 2, 1, 2
TALL = torch.tensor([[[[1.0], [2.0]], [[0.0], [4.0]]]])  # 1, 2, 2, 1
SQUARE = torch.tensor([[[[1.0, 2.0], [5.0, -4.0]], [[0.0, 4.0], [9.0, 7.0]]]])  # 1, 2, 2, 2


COEFFICIENTS = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


def gradient(AveragePool):
    """The gradient of the weighted sum of the outputs with respect to the input."""
    x = SMALL.clone().requires_grad_()
    output = AveragePool()(1 * x)  # not x itself, since changing a leaf in place would be an error
    if not output.requires_grad:
        return "none: the output is cut off from the graph"
    (output * COEFFICIENTS).sum().backward()
    return "none: x takes no part in the output" if x.grad is None else x.grad


SMALL_X = "x = [[[[1, 2]], [[0, 4]]], [[[3, 8]], [[-2, 6]]]]"


def of_shape(*shape: int) -> str:
    """The code of an irregular x of this shape."""
    return f"torch.arange({torch.Size(shape).numel()}.).mul(1.7).sin().reshape{shape}"


TRIALS = trials_of(
    "test_averagepool",
    (SMALL_X, "AveragePool()(SMALL.clone())"),
    ("x = [[[[1], [2]], [[0], [4]]]]", "AveragePool()(TALL.clone())"),
    ("x = [[[[1, 2], [5, -4]], [[0, 4], [9, 7]]]]", "AveragePool()(SQUARE.clone())"),
    ("x of shape (2, 3, 7, 7)", f"AveragePool()({of_shape(2, 3, 7, 7)})"),
    ("x of shape (2, 3, 4, 5)", f"AveragePool()({of_shape(2, 3, 4, 5)})"),
    ("x of shape (2, 3, 4, 5) in float64", f"AveragePool()({of_shape(2, 3, 4, 5)}.double())"),
    (
        SMALL_X,
        "x = SMALL.clone()\nAveragePool()(x)\nx",
        "the input",
        False,
        "'unchanged' if torch.equal(x, SMALL) else 'changed'",
    ),
    (
        f"backward of (c * output).sum(), {SMALL_X}, c = [[1, 2], [3, 4]]",
        "x = SMALL.clone().requires_grad_()\n"
        "torch.autograd.grad((COEFFICIENTS * AveragePool()(1 * x)).sum(), x)[0]",
        "x.grad",
        False,
        "gradient(AveragePool)",
    ),
    ("AveragePool().parameters()", "len(list(AveragePool().parameters()))", "number"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class AveragePoolInSteps(nn.Module):
    """AveragePool cut into the steps that can each go wrong."""

    axes = (2, 3)  # height and width

    def received(self, x):
        return x

    def pooled(self, x):
        return x.mean(self.axes, keepdim=True)

    def without_axes(self, pooled):
        return pooled.flatten(1) if self.axes == (2, 3) else pooled.squeeze(self.axes)

    def forward(self, x):
        return self.without_axes(self.pooled(self.received(x)))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "keepdim",
    "You keep the two averaged axes with size 1. The Linear layer that follows wants (batch, "
    "channels): leave out keepdim, or flatten.",
    without_axes=lambda self, pooled: pooled,
)
mistake(
    "mean of the whole tensor",
    "You make one number of the whole tensor. Average over height and width only, so that each "
    "channel of each picture has its own.",
    pooled=lambda self, x: x.mean(),
    without_axes=lambda self, pooled: pooled,
)
mistake(
    "sum",
    "You sum over height and width. Divide by their size: the mean does not grow with the picture.",
    pooled=lambda self, x: x.sum(self.axes, keepdim=True),
)
mistake(
    "max",
    "You take the maximum over height and width. This layer averages: every position has an "
    "equal vote.",
    pooled=lambda self, x: x.amax(self.axes, keepdim=True),
)
mistake(
    "median",
    "You take the median over height and width. This layer takes the mean.",
    pooled=lambda self, x: x.flatten(2).median(2).values[:, :, None, None],
)
mistake(
    "batch axis averaged",
    "You go over the batch too, which mixes the pictures. Average over height and width only.",
    axes=(0, 2, 3),
)
mistake(
    "channels averaged",
    "You go over the channels as well. Average over height and width only: the channels are the "
    "features.",
    axes=(1, 2, 3),
)
mistake(
    "channel and height averaged",
    "You go over axes 1 and 2, channels and height: axis 0 is the batch. Average over height and "
    "width.",
    axes=(1, 2),
)
mistake(
    "height only",
    "You go over the height only. Average over the width as well.",
    axes=(2,),
)
mistake(
    "width only",
    "You go over the width only. Average over the height as well.",
    axes=(3,),
)
mistake(
    "corner taken",
    "You take one position instead of the mean over all of them.",
    pooled=lambda self, x: x[:, :, :1, :1],
)
WRONG_NUMBER = (
    "You divide by the wrong number of positions. There are height * width of them, and they "
    "need not be equal: x.mean takes care of it."
)
for side, axis in (("height", 2), ("width", 3)):
    mistake(
        f"divided by the {side} twice",
        WRONG_NUMBER,
        pooled=lambda self, x, axis=axis: x.sum((2, 3), keepdim=True) / x.shape[axis] ** 2,
    )
    mistake(
        f"a square window of the {side}",
        f"Your window is a square with the {side} as its side. Height and width need not be "
        "equal: average over whatever there is of both.",
        pooled=lambda self, x, axis=axis: nn.functional.avg_pool2d(x, x.shape[axis]),
    )
    mistake(
        f"divided by the {side} alone",
        f"Your output is the sum over height and width divided by the {side} alone. Divide by "
        "height * width, as x.mean((2, 3)) does.",
        pooled=lambda self, x, axis=axis: x.sum((2, 3), keepdim=True) / x.shape[axis],
    )
for name, axes in (
    ("channels and height", (1, 2)),
    ("channels and width", (1, 3)),
    ("batch and channels", (0, 1)),
    ("batch, height and width", (0, 2, 3)),
    ("channels, height and width", (1, 2, 3)),
    ("the whole tensor's size", (0, 1, 2, 3)),
):
    mistake(
        f"divided by {name}",
        WRONG_NUMBER,
        pooled=lambda self, x, axes=axes: (
            x.sum((2, 3), keepdim=True) / math.prod(x.shape[axis] for axis in axes)
        ),
    )
mistake(
    "flattened",
    "You flatten height and width without averaging. The Linear layer that follows wants one "
    "number for each channel: take the mean.",
    pooled=lambda self, x: x,
)
mistake(
    "channels cut across by reshape",
    "You reshape to (batch, positions, channels). reshape and view move no value, so what lies "
    "along the last axis then are no channels. These are axis 1: x.flatten(2).mean(2).",
    pooled=lambda self, x: x.reshape(len(x), -1, x.shape[1]).mean(1)[:, :, None, None],
)
mistake(
    "axes of size 1 squeezed away",
    "With one picture your output has lost the batch's axis too. squeeze() drops every axis of "
    "size 1 unless you name some: leave out keepdim, or flatten.",
    without_axes=lambda self, pooled: pooled.squeeze(),
)
mistake(
    "batch and channels swapped",
    "You return (channels, batch). The batch comes first.",
    without_axes=lambda self, pooled: pooled.flatten(1).T,
)


@mistake(
    "input changed in place",
    "You change the input in place. Return a new tensor.",
)
class _:
    def pooled(self, x):
        """The mean, which is then in x as well."""
        x.copy_(x.mean((2, 3), keepdim=True).expand_as(x))
        return x[:, :, :1, :1].clone()


mistake(
    "fixed number of positions",
    "You divide by a fixed 49, which fits pictures of 7 by 7 only. Divide by the height times "
    "width of the x at hand.",
    pooled=lambda self, x: x.sum((2, 3), keepdim=True) / 49,
)
mistake(
    "batch and channels averaged",
    "You go over axes 0 and 1, batch and channels, which leaves a picture. Average over height and "
    "width, the last two.",
    axes=(0, 1),
)
mistake(
    "cut off from the graph",
    "Your output is cut off from the graph, so nothing before this layer would learn. no_grad, "
    "detach, .data, numpy and torch.tensor do that: compute it from x itself, with gradients on.",
    received=lambda self, x: x.detach(),
)
mistake(
    "a fixed window",
    "You average a window of fixed size (7 by 7, say), which fits one size of picture only. "
    "Average over whatever height and width there are.",
    pooled=lambda self, x: nn.functional.avg_pool2d(x, 7),
)
A_FIXED_WINDOW = mistake[-1]

# ---- What else is looked at -------------------------------------------------------------------


class Windows(TorchFunctionMode):
    """Within it, the kernel sizes of average pooling are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, int]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is nn.functional.avg_pool2d:
            size = (kwargs or {}).get("kernel_size", args[1] if len(args) > 1 else None)
            self.found.append((size, size) if isinstance(size, int) else tuple(size))
        return func(*args, **(kwargs or {}))


def has_fixed_window(AveragePool: type[nn.Module]) -> bool:
    """Whether an average is taken over windows of one size, whatever the picture's."""
    windows = []
    for shape in ((1, 2, 7, 7), (3, 4, 14, 21)):  # nothing in common
        with Windows() as of_this_shape, suppress(Exception):
            AveragePool()(torch.ones(shape))
        windows.append(of_this_shape.found[:1])
    return bool(windows[0]) and windows[0] == windows[1]


def look_closer(AveragePool: type[nn.Module]) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen."""
    if has_fixed_window(AveragePool):
        return A_FIXED_WINDOW
    x = torch.ones(2, 3, 4, 5)
    output = AveragePool()(x)
    shape = tuple(output.shape)
    missing = [axis for axis, size in (("batch", 2), ("channels", 3)) if size not in shape]
    if not missing or not set(shape) <= {1, *x.shape}:
        return ""
    return (
        f"For x of shape {tuple(x.shape)} your output has shape {shape}, without the "
        f"{' and the '.join(missing)}. Average over height and width only: that leaves one number "
        "for each channel of each picture."
    )


CLOSER_LOOK = Trial(
    "test_averagepool", "windows and shapes", "look_closer(AveragePool)", "what is seen"
)

# ---- The check ------------------------------------------------------------------------------

AVERAGEPOOL = Exercise(
    name="AveragePool",
    reference=solutions.AveragePool,
    trials=TRIALS,
    names=globals(),
    in_steps=AveragePoolInSteps,
    mistakes=mistake,
    closer_look=CLOSER_LOOK,
)


def test_averagepool(AveragePool: type[nn.Module]) -> None:
    """Check that AveragePool averages over height and width, for any size."""
    AVERAGEPOOL.check("test_averagepool", AveragePool)
