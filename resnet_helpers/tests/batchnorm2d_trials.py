"""Lesson 1: what the checks of BatchNorm2d try, and what of it they look at.

Many an outcome says more of itself than its numbers: which mean, variance, weight and bias the
learner's code comes down to, which can be looked for in the code.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers.tests.outcomes import Described, difference, numbers, same, short, shown
from resnet_helpers.tests.trials import Trial, trials_of
from resnet_helpers.tests.values import made_up

# ---- Inputs and modules ---------------------------------------------------------------------

SMALL = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], [[[3.0, 8.0]], [[-2.0, 6.0]]]])  # 2, 2, 1, 2
NEXT = torch.tensor([[[[5.0, -1.0]], [[2.0, 2.5]]], [[[0.0, 4.0]], [[7.0, -3.0]]]])
TALL = torch.tensor([[[[1.0], [3.0]], [[0.0], [-4.0]]], [[[2.0], [8.0]], [[5.0], [1.0]]]])
THREE = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]], [[-3.0, 5.0]]]])  # 1, 3, 1, 2
TINY = 0.001 * SMALL
UNEQUAL = made_up(2, 3, 4, 5)
LARGE = made_up(4, 2, 3, 5) + torch.tensor([1.0, -3.0]).view(1, 2, 1, 1)


def with_affine(module: nn.Module) -> nn.Module:
    """The new module in train mode, with a weight and a bias of its own."""
    with torch.no_grad():
        module.weight.copy_(torch.tensor([2.0, -0.5, 3.0])[: module.weight.numel()])
        module.bias.copy_(torch.tensor([0.25, 1.5, -1.0])[: module.bias.numel()])
    return module.train()


def with_running(module: nn.Module) -> nn.Module:
    """The module in eval mode, with running statistics unlike those of the inputs."""
    with torch.no_grad():
        module.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5])[: module.running_mean.numel()])
        module.running_var.copy_(torch.tensor([4.0, 0.25, 2.0])[: module.running_var.numel()])
    return module.eval()


# ---- Outputs --------------------------------------------------------------------------------

MEAN_AND_VAR = ("m", "v")  # of (x - m) / sqrt(v)
WEIGHT_AND_BIAS = ("w", "b")  # of x_hat * w + b


@dataclass(frozen=True, eq=False)
class Lines(Described):
    """An output in which each channel should be a straight line of its input.

    Two are equal if the outputs are. The lines say where two unequal ones part: the learner sees
    which mean, variance, weight and bias the code comes down to.
    """

    output: Tensor
    input: Tensor
    names: tuple[str, str]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lines) and same(self.output, other.output)

    __hash__ = None

    def shown(self, subject: str) -> str:
        return shown(subject, self.output)

    def difference(self, subject: str, got: "Lines") -> tuple[str, str, str]:
        texts = difference(subject, self.output, got.output)
        if not comparable(self.output, got.output):
            return texts
        formula = "(x - m) / sqrt(v)" if self.names == MEAN_AND_VAR else "x_hat * w + b"
        mine, right = got.coefficients(), self.coefficients()
        if mine is None:
            remark = f"Yours is not {formula} with one pair of numbers for each channel."
        else:
            remark = f"Yours is {formula} with {mine}, channel by channel; right is {right}."
        return texts[0], texts[1], remark

    def coefficients(self) -> str | None:
        """The two numbers of each channel; None if a channel is no (rising) line."""
        found = []
        for x, y in zip(self.input.unbind(1), self.output.detach().unbind(1), strict=True):
            slope = (x - x.mean()).mul(y).sum() / (x - x.mean()).square().sum()
            intercept = y.mean() - slope * x.mean()
            if not same(slope * x + intercept, y):
                return None
            if self.names == WEIGHT_AND_BIAS:
                found.append((slope, intercept))
            elif slope > 0:
                found.append((-intercept / slope, slope**-2))
            else:
                return None
        first, second = (
            numbers([number.item() for number in pair]) for pair in zip(*found, strict=True)
        )
        return f"{self.names[0]} = {first}, {self.names[1]} = {second}"


def mean_and_var(output: Any, x: Tensor) -> Any:
    """The output for x of a module with weight 1 and bias 0."""
    return Lines(output, x, MEAN_AND_VAR) if isinstance(output, Tensor) else output


def weight_and_bias(output: Any, x: Tensor, module: nn.Module) -> Any:
    """The output of the module for x, looked at as what became of x_hat."""
    if not isinstance(output, Tensor):
        return output
    running = (None, None) if module.training else (module.running_mean, module.running_var)
    x_hat = F.batch_norm(x, *running, training=module.training, eps=module.eps)
    return Lines(output, x_hat, WEIGHT_AND_BIAS)


def input_afterwards(module: nn.Module) -> str:
    """What became of the input in a forward pass of each mode."""
    x = SMALL.clone()
    module.train()(x)
    module.eval()(x)
    return "unchanged" if torch.equal(x, SMALL) else "changed"


def gradient(module: nn.Module, name: str) -> Tensor | str:
    """The gradient of (NEXT * output).sum() with respect to x, or to a parameter."""
    x = SMALL.clone().requires_grad_()
    output = module(x)
    if not output.requires_grad:
        return "none: the output is cut off from the graph"
    (NEXT * output).sum().backward()
    leaf = x if name == "x" else getattr(module, name)
    return "none: it takes no part" if leaf.grad is None else leaf.grad


# ---- Running statistics ---------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moved(Described):
    """A running statistic that has moved from `old` a step of 0.1 towards that of one batch.

    Two are equal if the values are. The learner is told which batch statistic the step comes from.
    """

    value: Tensor
    old: Tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Moved) and same(self.value, other.value)

    __hash__ = None

    def shown(self, subject: str) -> str:
        return shown(subject, self.value)

    def difference(self, subject: str, got: "Moved") -> tuple[str, str, str]:
        texts = difference(subject, self.value, got.value)
        if not comparable(self.value, got.value):
            return texts
        mine, right = (numbers(((m.value - 0.9 * m.old) / 0.1).tolist()) for m in (got, self))
        remark = f"With 0.9 * old + 0.1 * batch, yours means batch = {mine}; right is {right}."
        return texts[0], texts[1], remark


def comparable(a: Tensor, b: Tensor) -> bool:
    """Whether the values are what two tensors differ in, and are numbers."""
    alike = (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
    return alike and bool(a.isfinite().all() and b.isfinite().all())


def tracked(module: nn.Module, buffer: str, *batches: Tensor) -> Tensor:
    """A buffer of the module, after these batches."""
    for batch in batches:
        module(batch.clone())
    return getattr(module, buffer).detach().clone()


def moved(module: nn.Module, buffer: str, batch: Tensor) -> Moved:
    """A buffer of the module after one batch, looked at as a step from what it was."""
    old = tracked(module, buffer)
    return Moved(tracked(module, buffer, batch), old)


def attachments(module: nn.Module) -> dict[str, str]:
    """Which running statistics, after a batch, hang on to the graph or are no longer buffers."""
    module(SMALL.clone().requires_grad_())
    buffers = dict(module.named_buffers())
    states = {
        name: "a buffer without graph" if name in buffers else "not a buffer"
        for name in ("running_mean", "running_var")
    }
    for name, value in {**vars(module), **buffers}.items():
        if isinstance(value, Tensor) and value.requires_grad:
            states[name] = "attached to the graph"
    return states


# ---- The module itself ----------------------------------------------------------------------


def entries(named: Iterable[tuple[str, Tensor]]) -> dict[str, str]:
    """Parameters or buffers as a module lists them: names, values and dtypes."""
    return {name: f"{numbers(entry.tolist())} ({entry.dtype})" for name, entry in named}


SETTINGS_SHOWN = {"num_features": "71", "eps": "0.25", "momentum": "0.625"}


@dataclass(frozen=True, eq=False)
class ExtraRepr(Described):
    """What extra_repr returned. Two are equal if both show the same settings, in any form."""

    returned: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExtraRepr) and self._comparable() == other._comparable()

    __hash__ = None

    def _comparable(self) -> Any:
        if not isinstance(self.returned, str):
            return type(self.returned)
        shown = [name for name, value in SETTINGS_SHOWN.items() if value in self.returned]
        return shown or ("{" in self.returned, bool(self.returned))

    def shown(self, subject: str) -> str:
        return short(f"{subject} {self.returned!r}", 150)

    def difference(self, subject: str, got: "ExtraRepr") -> tuple[str, str, str]:
        expected = f"{subject} a string with 71, 0.25 and 0.625 in it"
        remark = "" if isinstance(got.returned, str) else "It must return a string."
        return expected, got.shown(subject), remark


# ---- A closer look at the axes --------------------------------------------------------------

AXES = {2: "batch", 3: "channels", 4: "height", 5: "width"}  # of UNEQUAL, by size


class Reductions(TorchFunctionMode):
    """Within it, means and variances are recorded: what they are of, and the result."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Tensor, Tensor]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ("mean", "sum", "var", "std") and args and isinstance(result, Tensor):
            self.calls.append((name, args[0], result))
        if name in ("var_mean", "std_mean") and args:
            self.calls += zip(name.split("_"), args[:1] * 2, result, strict=True)
        return result


def fault_of_axes(module: nn.Module) -> str:
    """What to say of a mean or variance that is not one number for each channel; "" if all are."""
    x = UNEQUAL.clone()
    with Reductions() as reductions, suppress(Exception):  # such code may well fail further on
        module.train()(x)
    shapes: dict[str, list[tuple[int, ...]]] = {"mean": [], "variance": []}
    for name, given, result in reductions.calls:
        is_mean = name in ("mean", "sum") and given.data_ptr() == x.data_ptr()
        shapes["mean" if is_mean else "variance"].append(tuple(result.shape))
    wrong = {}
    for subject, found in shapes.items():
        kept = [[AXES[size] for size in shape if size in AXES] for shape in found]
        if found and ["channels"] not in kept:
            wrong[subject] = found[0], kept[0]
    if not wrong:
        return ""
    shape, kept = next(iter(wrong.values()))
    surplus = [axis for axis in kept if axis != "channels"]
    faults = [f"keeps the {', '.join(surplus)}"] * bool(surplus)
    faults += ["loses the channels"] * ("channels" not in kept)
    subject = " and ".join(wrong) + (" have" if len(wrong) > 1 else " has")
    return (
        f"Your {subject} shape {shape} for x of shape {tuple(x.shape)}, which "
        f"{' and '.join(faults)}. Average over batch, height and width, so that each channel has "
        "its own."
    )


# ---- The trials -----------------------------------------------------------------------------

SMALL_X = "x = [[[[1, 2]], [[0, 4]]], [[[3, 8]], [[-2, 6]]]]"
NEXT_X = "[[[[5, -1]], [[2, 2.5]]], [[[0, 4]], [[7, -3]]]]"
TALL_X = "x = [[[[1], [3]], [[0], [-4]]], [[[2], [8]], [[5], [1]]]]"
THREE_X = "x = [[[[1, 2]], [[0, 4]], [[-3, 5]]]]"
AFFINE = "weight = [2, -0.5], bias = [0.25, 1.5]"
RUNNING = "running_mean = [1, -2], running_var = [4, 0.25]"
AFFINE_OF_3 = "weight = [2, -0.5, 3], bias = [0.25, 1.5, -1]"
RUNNING_OF_3 = "running_mean = [1, -2, 0.5], running_var = [4, 0.25, 2]"
BACKWARD = f"backward of (c * output).sum(), {SMALL_X}, c = {NEXT_X}"


def running_trials(buffer: str) -> tuple[tuple[str, str, str], ...]:
    """The trials that both running statistics go through."""
    new = "with_affine(BatchNorm2d(2))"
    return (
        (f"train mode, {SMALL_X}", f"moved({new}, '{buffer}', SMALL)", buffer),
        (f"train mode, {TALL_X}", f"moved({new}, '{buffer}', TALL)", buffer),
        (
            f"train mode, {SMALL_X}, then {NEXT_X}",
            f"tracked({new}, '{buffer}', SMALL, NEXT)",
            buffer,
        ),
        (
            f"train mode, momentum=0.75, {SMALL_X}, then {NEXT_X}",
            f"tracked(with_affine(BatchNorm2d(2, momentum=0.75)), '{buffer}', SMALL, NEXT)",
            buffer,
        ),
        (
            f"train mode, then eval mode, {SMALL_X}",
            f"module = {new}; module(SMALL.clone()); tracked(module.eval(), '{buffer}', SMALL)",
            buffer,
        ),
        (
            "train mode, x of shape (2, 3, 4, 5)",
            f"tracked(with_affine(BatchNorm2d(3)), '{buffer}', UNEQUAL)",
            buffer,
        ),
    )


TRIALS = (
    *trials_of(
        "test_batchnorm2d_module",
        (
            "the parameters of a new BatchNorm2d(3)",
            "entries(BatchNorm2d(3).named_parameters())",
            "parameters",
        ),
        (
            "the buffers of a new BatchNorm2d(3)",
            "entries(BatchNorm2d(3).named_buffers())",
            "buffers",
        ),
        ("the order of BatchNorm2d(3).state_dict()", "list(BatchNorm2d(3).state_dict())", "keys"),
        (
            "BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr(), which print shows",
            "ExtraRepr(BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr())",
            "it returns",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_forward",
        (f"train mode, {SMALL_X}", "mean_and_var(BatchNorm2d(2).train()(SMALL.clone()), SMALL)"),
        (
            f"train mode, eps=0.5, {SMALL_X}",
            "mean_and_var(BatchNorm2d(2, eps=0.5).train()(SMALL.clone()), SMALL)",
        ),
        (f"train mode, {TALL_X}", "mean_and_var(BatchNorm2d(2).train()(TALL.clone()), TALL)"),
        (f"train mode, {THREE_X}", "BatchNorm2d(3).train()(THREE.clone())"),
        (
            f"train mode, {AFFINE}, {SMALL_X}",
            "module = with_affine(BatchNorm2d(2))\n"
            "weight_and_bias(module(SMALL.clone()), SMALL, module)",
        ),
        (
            f"train mode, {AFFINE}, x of shape (4, 2, 3, 5)",
            "with_affine(BatchNorm2d(2))(LARGE.clone())",
        ),
        (
            f"train mode, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)",
            "with_affine(BatchNorm2d(3))(UNEQUAL.clone())",
        ),
        (
            f"train mode, 0.001 * the small {SMALL_X}",
            "mean_and_var(BatchNorm2d(2).train()(TINY.clone()), TINY)",
        ),
        (
            f"eval mode, {RUNNING}, {SMALL_X}",
            "mean_and_var(with_running(BatchNorm2d(2))(SMALL.clone()), SMALL)",
        ),
        (
            f"eval mode, {RUNNING}, eps=0.5, {SMALL_X}",
            "mean_and_var(with_running(BatchNorm2d(2, eps=0.5))(SMALL.clone()), SMALL)",
        ),
        (
            f"eval mode, {RUNNING}, {AFFINE}, {SMALL_X}",
            "module = with_running(with_affine(BatchNorm2d(2)))\n"
            "weight_and_bias(module(SMALL.clone()), SMALL, module)",
        ),
        (
            f"eval mode, {RUNNING_OF_3}, {THREE_X}",
            "mean_and_var(with_running(BatchNorm2d(3))(THREE.clone()), THREE)",
        ),
        (
            f"eval mode, {RUNNING_OF_3}, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)",
            "with_running(with_affine(BatchNorm2d(3)))(UNEQUAL.clone())",
        ),
        (
            f"eval mode, {RUNNING}, one picture, x = [[[[1, 2]], [[0, 4]]]]",
            "mean_and_var(with_running(BatchNorm2d(2))(SMALL[:1].clone()), SMALL[:1])",
        ),
        (
            f"forward in both modes, {SMALL_X}: x afterwards",
            "input_afterwards(with_affine(BatchNorm2d(2)))",
            "x",
        ),
        *(
            (BACKWARD, f"gradient(with_affine(BatchNorm2d(2)), '{name}')", f"{name}.grad")
            for name in ("x", "weight", "bias")
        ),
        (f"eval mode, {BACKWARD}", "gradient(with_affine(BatchNorm2d(2)).eval(), 'x')", "x.grad"),
        (
            "train mode after module.double(), x of shape (4, 2, 3, 5) in float64",
            "with_affine(BatchNorm2d(2)).double()(LARGE.double())",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_mean",
        *running_trials("running_mean"),
        (
            "two batches in train mode, then one in eval mode",
            "module = with_affine(BatchNorm2d(2)); module(SMALL.clone()); module(NEXT.clone())\n"
            "tracked(module.eval(), 'num_batches_tracked', SMALL)",
            "num_batches_tracked",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_var",
        *running_trials("running_var"),
        (
            f"train mode, 0.001 * the small {SMALL_X}, momentum=1",
            "tracked(with_affine(BatchNorm2d(2, momentum=1.0)), 'running_var', TINY)",
            "running_var",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_stats_detached",
        (
            f"train mode, {SMALL_X} with requires_grad",
            "attachments(with_affine(BatchNorm2d(2)))",
            "statistics",
        ),
    ),
)

CLOSER_LOOK = Trial(
    "test_batchnorm2d_forward", "the axes of mean and variance", "fault_of_axes(BatchNorm2d(3))"
)
