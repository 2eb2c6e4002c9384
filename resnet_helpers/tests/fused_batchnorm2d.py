"""Lesson 8: the check of what makes FusedBatchNorm2d a line, with its known mistakes.

That it does all that lesson 1's BatchNorm2d does, in both modes, is for lesson 1's five checks.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.outcomes import Described
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

SMALL = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], [[[3.0, 8.0]], [[-2.0, 6.0]]]])  # 2, 2, 1, 2
MEAN, VAR = torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.0001])
WEIGHT, BIAS = torch.tensor([3.0, -0.5]), torch.tensor([0.25, 1.5])
MOST_PASSES = 2  # one for x * scale, one for + shift


class Passes(TorchFunctionMode):
    """Within it, the operations are noted that compute as many values as x has."""

    def __init__(self, n_values: int):
        super().__init__()
        self.n_values = n_values
        self.found: list[str] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.numel() == self.n_values:
            name = func.__name__
            in_place = name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))
            if in_place or not any(is_memory_of(result, given) for given in args):
                self.found.append(name.strip("_"))
        return result


def is_memory_of(result: Tensor, given: Any) -> bool:
    """Whether the result is only another look at what was given, as that of view is."""
    return isinstance(given, Tensor) and given.data_ptr() == result.data_ptr()


@dataclass(frozen=True, eq=False)
class Line(Described):
    """The operations of a forward that go through all of x. Few enough are as good as fewer."""

    operations: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self._comparable() == other._comparable()

    __hash__ = None

    def _comparable(self) -> int:
        return max(len(self.operations), MOST_PASSES)

    def shown(self, subject: str) -> str:
        return f"{subject} {len(self.operations)}: {', '.join(self.operations)}"

    def difference(self, subject: str, got: "Line") -> tuple[str, str, str]:
        remark = (
            "A line needs two: x * scale, and + shift. What concerns the channels alone can be "
            "computed before, on vectors of num_features."
        )
        return f"{subject} at most {MOST_PASSES}", got.shown(subject), remark


def line(FusedBatchNorm2d: type[nn.Module]) -> Any:
    """What of forward in eval mode goes through all of x."""
    x, bn = torch.ones(2, 3, 5, 7), FusedBatchNorm2d(3).eval()
    with Passes(x.numel()) as passes:
        bn(x)
    return Line(tuple(passes.found))


def new(settings="eps=1e-12", mode="eval") -> str:
    """Code that makes one of two channels, with all its values."""
    return (
        f"bn = FusedBatchNorm2d(2, {settings}).{mode}(); "
        "bn.weight.data = WEIGHT.clone(); bn.bias.data = BIAS.clone(); "
        "bn.running_mean = MEAN.clone(); bn.running_var = VAR.clone()"
    )


SMALL_X = "x = [[[[1, 2]], [[0, 4]]], [[[3, 8]], [[-2, 6]]]]"
VALUES = "running_mean = [1, -2], running_var = [4, 0.0001], weight = [3, -0.5], bias = [0.25, 1.5]"


def output(settings: str, mode: str) -> Trial:
    """A trial of what comes out for the small x."""
    tried = f"{mode} mode, {settings}, {VALUES}, {SMALL_X}"
    code = f"{new(settings, mode)}\nbn(SMALL.clone())"
    return Trial("test_fused_batchnorm2d", tried, code, look="bn(SMALL.clone()).detach()")


TRIALS = (
    output("eps=1e-12", "eval"),
    output("eps=0.5", "eval"),
    output("eps=1e-12", "train"),
    output("eps=0.5", "train"),
    Trial(
        "test_fused_batchnorm2d",
        "FusedBatchNorm2d(3) in eval mode, x of shape (2, 3, 5, 7)",
        "print(torch.fx.symbolic_trace(FusedBatchNorm2d(3).eval()).code)",
        "operations on all of x:",
        look="line(FusedBatchNorm2d)",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------

AXES = (0, 2, 3)


class FusedBatchNorm2dInSteps(solutions.BatchNorm2d):
    """FusedBatchNorm2d cut into the steps that can each go wrong; it leaves the buffers alone."""

    def batch_statistics(self, x):
        return x.mean(AXES), x.var(AXES, unbiased=False)

    def running_statistics(self, x):
        return self.running_mean, self.running_var

    def train_statistics(self, x):
        return self.batch_statistics(x)

    def eval_statistics(self, x):
        return self.running_statistics(x)

    def root(self, var):
        return (var + self.eps).sqrt()

    def scale(self, var):
        return self.weight / self.root(var)

    def shift(self, mean, var, scale):
        return self.bias - mean * scale

    def along(self, vector):
        return vector.view(1, -1, 1, 1)

    def line(self, x, scale, shift):
        return x * scale + shift

    def computed(self, x, mean, var):
        scale = self.scale(var)
        shift = self.shift(mean, var, scale)
        return self.line(x, self.along(scale), self.along(shift))

    def forward(self, x):
        statistics = self.train_statistics if self.training else self.eval_statistics
        return self.computed(x, *statistics(x))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()


@mistake(
    "weight and bias swapped",
    "You swapped weight and bias: the weight is in scale, the bias is in shift.",
)
class _:
    def scale(self, var):
        return self.bias / self.root(var)

    def shift(self, mean, var, scale):
        return self.weight - mean * scale


@mistake(
    "textbook formula",
    "You go through all of x four times, as often as lesson 1's formula. Compute two vectors "
    "first, scale and shift, from what concerns the channels alone; then x * scale + shift.",
)
class _:
    def computed(self, x, mean, var):
        x_hat = (x - self.along(mean)) / self.along(self.root(var))
        return x_hat * self.along(self.weight) + self.along(self.bias)


@mistake(
    "mean subtracted from x",
    "You go through all of x three times. Compute two vectors first, scale and shift, with all "
    "that concerns the channels alone, the mean too; then x * scale + shift.",
)
class _:
    def computed(self, x, mean, var):
        return (x - self.along(mean)) * self.along(self.scale(var)) + self.along(self.bias)


mistake(
    "mean not scaled",
    "Your shift has the mean in it as it is. x is multiplied by scale, and so must the mean be: "
    "shift = bias - mean * scale.",
    shift=lambda self, mean, var, scale: self.bias - mean,
)
mistake(
    "mean added",
    "You add mean * scale. Batchnorm subtracts the mean: shift = bias - mean * scale.",
    shift=lambda self, mean, var, scale: self.bias + mean * scale,
)
mistake(
    "mean forgotten",
    "The mean is not in your shift: bias - mean * scale.",
    shift=lambda self, mean, var, scale: self.bias,
)
mistake(
    "bias forgotten",
    "The bias is not in your shift: bias - mean * scale.",
    shift=lambda self, mean, var, scale: -mean * scale,
)
mistake(
    "bias scaled",
    "You multiply the bias by scale. Batchnorm adds it last: shift = bias - mean * scale.",
    shift=lambda self, mean, var, scale: (self.bias - mean) * scale,
)
mistake(
    "shift with the wrong sign",
    "All of your shift has the wrong sign. What is added to x * scale is bias - mean * scale.",
    shift=lambda self, mean, var, scale: mean * scale - self.bias,
)
mistake(
    "weight forgotten in shift",
    "You divide the mean by the standard deviation, and leave out the weight. The mean is "
    "multiplied by the same scale as x: shift = bias - mean * scale.",
    shift=lambda self, mean, var, scale: self.bias - mean / self.root(var),
)
mistake(
    "weight forgotten",
    "The weight is not in your scale: weight / sqrt(var + eps).",
    scale=lambda self, var: 1 / self.root(var),
)
mistake(
    "weight forgotten in scale",
    "The weight is in your shift but not in your scale: weight / sqrt(var + eps).",
    scale=lambda self, var: 1 / self.root(var),
    shift=lambda self, mean, var, scale: self.bias - mean * self.weight * scale,
)
mistake(
    "eps forgotten",
    "You leave out eps: scale = weight / sqrt(var + eps).",
    root=lambda self, var: var.sqrt(),
)
mistake(
    "eps outside the root",
    "You add eps after taking the root. It belongs inside: sqrt(var + eps).",
    root=lambda self, var: var.sqrt() + self.eps,
)
mistake(
    "eps hard-coded",
    "You use a fixed 1e-5 whatever eps is. Use self.eps.",
    root=lambda self, var: (var + 1e-5).sqrt(),
)
mistake(
    "divided by the variance",
    "You divide by the variance. Divide by its root: scale = weight / sqrt(var + eps).",
    root=lambda self, var: var + self.eps,
)
mistake(
    "multiplied by the standard deviation",
    "You multiply by the standard deviation. Divide by it: scale = weight / sqrt(var + eps), or "
    "weight * rsqrt(var + eps).",
    root=lambda self, var: (var + self.eps).rsqrt(),
)
mistake(
    "scale and shift swapped",
    "You swap the two: scale multiplies x, and shift is added.",
    line=lambda self, x, scale, shift: x * shift + scale,
)
mistake(
    "addcmul's arguments in another order",
    "You compute x + scale * shift. torch.addcmul(a, b, c) is a + b * c, so shift comes first: "
    "torch.addcmul(shift, x, scale).",
    line=lambda self, x, scale, shift: x + scale * shift,
)
mistake(
    "shift forgotten",
    "You multiply x by scale and add nothing. Add shift = bias - mean * scale.",
    line=lambda self, x, scale, shift: x * scale,
)
mistake(
    "scale forgotten",
    "You add shift to x and do not multiply x by scale.",
    line=lambda self, x, scale, shift: x + shift,
)
mistake(
    "brackets around x + shift",
    "You add shift before you multiply by scale. Multiply first: x * scale + shift.",
    line=lambda self, x, scale, shift: (x + shift) * scale,
)
mistake(
    "scale and shift along the width",
    "Your scale and shift line up with the last axis, the width: broadcasting starts from the "
    "right. Reshape them to (1, num_features, 1, 1).",
    along=lambda self, vector: vector,
)
mistake(
    "scale and shift along the batch",
    "Your scale and shift line up with the first axis, the batch. The channels are the second: "
    "reshape to (1, num_features, 1, 1).",
    along=lambda self, vector: vector.view(-1, 1, 1, 1),
)
mistake(
    "unbiased variance",
    "You normalise with the unbiased variance (torch.var's and torch.var_mean's default). "
    "Batchnorm normalises with the biased one: pass unbiased=False.",
    batch_statistics=lambda self, x: (x.mean(AXES), x.var(AXES)),
)
mistake(
    "var_mean the other way round",
    "Your mean and variance are swapped in train mode: torch.var_mean gives the variance first.",
    train_statistics=lambda self, x: self.batch_statistics(x)[::-1],
)
mistake(
    "batch statistics in eval mode",
    "In eval mode you use the batch's mean and variance. Use running_mean and running_var there.",
    eval_statistics=lambda self, x: self.batch_statistics(x),
)
mistake(
    "running statistics in train mode",
    "In train mode you use running_mean and running_var. Use the batch's own mean and variance "
    "there.",
    train_statistics=lambda self, x: self.running_statistics(x),
)

# ---- The check ------------------------------------------------------------------------------

FUSED_BATCHNORM2D = Exercise(
    name="FusedBatchNorm2d",
    reference=solutions.FusedBatchNorm2d,
    trials=TRIALS,
    names=globals(),
    in_steps=FusedBatchNorm2dInSteps,
    mistakes=mistake,
)


def test_fused_batchnorm2d(FusedBatchNorm2d: type[nn.Module]) -> None:
    """Check that FusedBatchNorm2d goes through x as a line does: a multiplication, an addition."""
    FUSED_BATCHNORM2D.check("test_fused_batchnorm2d", FusedBatchNorm2d)
