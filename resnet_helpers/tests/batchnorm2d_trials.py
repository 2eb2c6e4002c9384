"""Lesson 1: what the checks of BatchNorm2d try, and what of it they look at.

Many an outcome says more of itself than its numbers: which mean, variance, weight and bias the
learner's code comes down to, which can be looked for in the code.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers.tests.outcomes import Described, difference, numbers, same, short, shown
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import made_up

# ---- Inputs and modules ---------------------------------------------------------------------

SMALL = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], [[[3.0, 8.0]], [[-2.0, 6.0]]]])  # 2, 2, 1, 2
NEXT = torch.tensor([[[[5.0, -1.0]], [[2.0, 2.5]]], [[[0.0, 4.0]], [[7.0, -3.0]]]])
TALL = torch.tensor([[[[1.0], [3.0]], [[0.0], [-4.0]]], [[[2.0], [8.0]], [[5.0], [1.0]]]])
THREE = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]], [[-3.0, 5.0]]]])  # 1, 3, 1, 2
TINY = 0.001 * SMALL
ONE = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 8.0]]]])  # 2, 1, 1, 2
ONE_VALUE = torch.tensor([[[[1.0]], [[-2.0]]]])  # 1, 2, 1, 1
UNEQUAL = made_up(2, 3, 4, 5)

# Large inputs as code, which can be pasted.
UNEQUAL_CODE = "torch.arange(120.).mul(1.7).sin().mul(2).reshape(2, 3, 4, 5)"
LARGE_CODE = (
    "(torch.arange(120.).mul(1.7).sin().mul(2).reshape(4, 2, 3, 5) "
    "+ torch.tensor([[[1.]], [[-3.]]]))"
)


def new(channels: int, *settings: str, affine=False, running=False, mode: str = "train") -> str:
    """The code of a new module `bn` in that mode, with vectors of its own if asked for."""
    vectors = {"weight": (2.0, -0.5, 3.0), "bias": (0.25, 1.5, -1.0)} if affine else {}
    if running:  # unlike those of the inputs
        vectors |= {"running_mean": (1.0, -2.0, 0.5), "running_var": (4.0, 0.25, 2.0)}
    lines = [f"bn = BatchNorm2d({', '.join([str(channels), *settings])}).{mode}()"]
    lines += [
        f"bn.{name}.data.copy_(torch.tensor({list(values[:channels])}))"
        for name, values in vectors.items()
    ]
    return "; ".join(lines)


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


def whether_refused(module: nn.Module, x: Tensor) -> str:
    """Whether the module raises a ValueError for x."""
    try:
        module(x.clone())
    except ValueError:
        return "a ValueError"
    return "no error"


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


def moved(module: nn.Module, buffer: str, old: Tensor | None = None) -> Moved:
    """A buffer of the module after one batch, looked at as a step from what it was."""
    started_at = {"running_mean": torch.zeros, "running_var": torch.ones}
    value = getattr(module, buffer).detach().clone()
    return Moved(value, started_at[buffer](value.shape) if old is None else old)


def attachments(module: nn.Module, x: Tensor) -> dict[str, str]:
    """Which running statistics, after the batch x, hang on to the graph or are no buffers.

    Another attribute may keep the graph of the last batch, to be looked at, but not of x once
    there has been another batch.
    """
    buffers = dict(module.named_buffers())
    states = {
        name: "a buffer without graph" if name in buffers else "not a buffer"
        for name in ("running_mean", "running_var")
    }
    for name in states:
        value = getattr(module, name, None)
        if isinstance(value, nn.Parameter):
            states[name] = "a Parameter"
        elif isinstance(value, Tensor) and value.requires_grad:
            states[name] = "attached to the graph"
    module(NEXT.clone().requires_grad_())
    for name, value in {**vars(module), **buffers}.items():
        if name not in states and isinstance(value, Tensor) and hangs_on_to(value, x):
            states[name] = "attached to the graph of every batch"
    return states


def loadable(module: nn.Module) -> dict[str, str]:
    """Whether load_state_dict can change the running statistics in place."""
    return {
        name: "made in inference mode" if getattr(module, name).is_inference() else "loaded"
        for name in ("running_mean", "running_var")
    }


def hangs_on_to(value: Tensor, x: Tensor) -> bool:
    """Whether x is in the graph of the value."""
    to_visit, seen = [value.grad_fn], set()
    while to_visit:
        node = to_visit.pop()
        if node is not None and node not in seen:
            seen.add(node)
            to_visit += [following for following, _ in node.next_functions]
            if getattr(node, "variable", None) is x:
                return True
    return False


# ---- The module itself ----------------------------------------------------------------------


def entries(named: Iterable[tuple[str, Tensor]]) -> dict[str, str]:
    """Parameters or buffers as a module lists them: names, values and dtypes."""
    return {name: f"{numbers(entry.tolist())} ({entry.dtype})" for name, entry in named}


SETTINGS_SHOWN = {"num_features": 71.0, "eps": 0.25, "momentum": 0.625}
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


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
        shown = self.settings_shown()
        if len(shown) == len(SETTINGS_SHOWN):
            return shown  # and whatever else
        others = len(self.numbers()) - len(shown)
        return shown, others, "{" in self.returned, bool(self.returned)

    def numbers(self) -> list[float]:
        """The numbers in the text."""
        return [float(number) for number in NUMBER.findall(self.returned)]

    def settings_shown(self) -> list[str]:
        """The settings whose values are among these numbers."""
        shown = self.numbers()
        return [name for name, value in SETTINGS_SHOWN.items() if value in shown]

    def shown(self, subject: str) -> str:
        return short(f"{subject} {self.returned!r}", 150)

    def difference(self, subject: str, got: "ExtraRepr") -> tuple[str, str, str]:
        expected = f"{subject} a string with 71, 0.25 and 0.625 in it"
        if not isinstance(got.returned, str):
            return expected, got.shown(subject), "It must return a string."
        shown = got.settings_shown()
        missing = [f"{v:g} ({name})" for name, v in SETTINGS_SHOWN.items() if name not in shown]
        return expected, got.shown(subject), f"Not in it: {', '.join(missing)}."


# ---- A closer look at the axes --------------------------------------------------------------

AXES = {2: "batch", 3: "channels", 4: "height", 5: "width"}  # of UNEQUAL, by size


REDUCTIONS = ("mean", "sum", "var", "std", "var_mean", "std_mean")


@dataclass(frozen=True)
class Reduction:
    """A mean, sum, variance or standard deviation that was taken: of what, and the result."""

    name: str
    given: Tensor
    result: Tensor

    def is_of(self, other: Tensor) -> bool:
        """Whether it is of that tensor, or of a view of all its values."""
        return self.given.data_ptr() == other.data_ptr() and self.given.numel() == other.numel()


class Reductions(TorchFunctionMode):
    """Within it, reductions are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Reduction] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in REDUCTIONS and args:
            results = [result] if isinstance(result, Tensor) else result
            for part, value in zip(name.split("_"), results, strict=True):
                self.found.append(Reduction(part, args[0], value))
        return result


def takes_pieces(module: nn.Module) -> bool:
    """Whether means or variances are taken of x cut into one piece for each channel."""
    x = UNEQUAL.clone()
    with Reductions() as reductions, suppress(Exception):
        module.train()(x)
    pieces = (x.shape[1], x.numel() // x.shape[1])
    return any(r.is_of(x) and r.given.shape == pieces for r in reductions.found)


def fault_of_axes(module: nn.Module) -> str:
    """What to say of a mean or variance that is not one number for each channel; "" if all are.

    Looked at are those of all values at once, for a learner may go channel by channel, and none
    of which a further one is taken, as in x.mean(0).mean((1, 2)).
    """
    x = UNEQUAL.clone()
    with Reductions() as reductions, suppress(Exception):  # such code may well fail further on
        module.train()(x)
    final = [r for r in reductions.found if not any(o.is_of(r.result) for o in reductions.found)]
    shapes: dict[str, list[tuple[int, ...]]] = {"mean": [], "variance": []}
    for reduction in final:
        if reduction.given.numel() == x.numel():
            is_mean = reduction.name in ("mean", "sum") and reduction.is_of(x)
            shapes["mean" if is_mean else "variance"].append(tuple(reduction.result.shape))
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
ONE_X = "x = [[[[1, 2]]], [[[3, 8]]]]"
THREE_X = "x = [[[[1, 2]], [[0, 4]], [[-3, 5]]]]"
AFFINE = "weight = [2, -0.5], bias = [0.25, 1.5]"
RUNNING = "running_mean = [1, -2], running_var = [4, 0.25]"
AFFINE_OF_3 = "weight = [2, -0.5, 3], bias = [0.25, 1.5, -1]"
RUNNING_OF_3 = "running_mean = [1, -2, 0.5], running_var = [4, 0.25, 2]"
BACKWARD = f"backward of (c * output).sum(), {SMALL_X}, c = {NEXT_X}"


def trial(check: str, tried: str, code: str, look: str, subject: str = "output") -> Trial:
    """One whose last line of code shows a learner the same as the look shows the check."""
    return Trial(check, tried, code, subject, look=look)


def running_trials(check: str, buffer: str) -> tuple[Trial, ...]:
    """The trials that both running statistics go through."""
    shown = f"bn.{buffer}"
    value = f"{shown}.detach().clone()"
    made = new(2)

    def tracked(tried: str, code: str, look: str = value) -> Trial:
        return trial(check, tried, f"{code}\n{shown}", look, buffer)

    return (
        tracked(f"train mode, {SMALL_X}", f"{made}; bn(SMALL.clone())", f"moved(bn, '{buffer}')"),
        tracked(f"train mode, {TALL_X}", f"{made}; bn(TALL.clone())", f"moved(bn, '{buffer}')"),
        tracked(
            f"train mode, {SMALL_X}, then {NEXT_X}",
            f"{made}; bn(SMALL.clone()); bn(NEXT.clone())",
        ),
        tracked(
            f"train mode, momentum=0.75, {SMALL_X}, then {NEXT_X}",
            f"{new(2, 'momentum=0.75')}; bn(SMALL.clone()); bn(NEXT.clone())",
        ),
        tracked(
            f"train mode, {RUNNING}, {SMALL_X}",
            f"{new(2, running=True)}; bn(SMALL.clone())",
            f"moved(bn, '{buffer}', RUNNING_BEFORE['{buffer}'])",
        ),
        tracked(
            f"train mode, then eval mode, {SMALL_X}",
            f"{made}; bn(SMALL.clone()); bn.eval()(SMALL.clone())",
        ),
        tracked(
            "train mode, x of shape (2, 3, 4, 5)",
            f"{new(3, affine=True)}; bn({UNEQUAL_CODE})",
        ),
        tracked(f"train mode, one channel, {ONE_X}", f"{new(1)}; bn(ONE.clone())"),
        tracked(
            f"train mode after module.double(), {SMALL_X} in float64",
            f"{made}; bn.double()(SMALL.double())",
        ),
    )


RUNNING_BEFORE = {
    "running_mean": torch.tensor([1.0, -2.0]),
    "running_var": torch.tensor([4.0, 0.25]),
}
OF_MEAN_AND_VAR = "mean_and_var(bn({0}.clone()), {0})"
OF_WEIGHT_AND_BIAS = "weight_and_bias(bn(SMALL.clone()), SMALL, bn)"


def forward_trial(tried: str, made: str, x: str, look: str = "") -> Trial:
    """What comes out for x."""
    x_code = x if "torch" in x else f"{x}.clone()"
    return Trial("test_batchnorm2d_forward", tried, f"{made}\nbn({x_code})", look=look.format(x))


def gradient_trial(tried: str, mode: str, name: str) -> Trial:
    """The gradient of x, or of a parameter."""
    made = new(2, affine=True, mode=mode)
    if name == "x":
        made += "; x = SMALL.clone().requires_grad_()"
        code = f"{made}\ntorch.autograd.grad((NEXT * bn(x)).sum(), x)[0]"
    else:
        code = f"{made}\ntorch.autograd.grad((NEXT * bn(SMALL.clone())).sum(), bn.{name})[0]"
    return trial("test_batchnorm2d_forward", tried, code, f"gradient(bn, '{name}')", f"{name}.grad")


MODULE_TRIALS = (
    trial(
        "test_batchnorm2d_module",
        "the parameters of a new BatchNorm2d(3)",
        "list(BatchNorm2d(3).named_parameters())",
        "entries(BatchNorm2d(3).named_parameters())",
        "parameters",
    ),
    trial(
        "test_batchnorm2d_module",
        "the buffers of a new BatchNorm2d(3)",
        "list(BatchNorm2d(3).named_buffers())",
        "entries(BatchNorm2d(3).named_buffers())",
        "buffers",
    ),
    Trial(
        "test_batchnorm2d_module",
        "the order of BatchNorm2d(3).state_dict()",
        "list(BatchNorm2d(3).state_dict())",
        "keys",
    ),
    trial(
        "test_batchnorm2d_module",
        "BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr(), which print shows",
        "BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr()",
        "ExtraRepr(BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr())",
        "it returns",
    ),
)

FORWARD_TRIALS = (
    forward_trial(f"train mode, {SMALL_X}", new(2), "SMALL", OF_MEAN_AND_VAR),
    forward_trial(f"train mode, eps=0.5, {SMALL_X}", new(2, "eps=0.5"), "SMALL", OF_MEAN_AND_VAR),
    forward_trial(f"train mode, {TALL_X}", new(2), "TALL", OF_MEAN_AND_VAR),
    forward_trial(f"train mode, {THREE_X}", new(3), "THREE"),
    forward_trial(
        f"train mode, {AFFINE}, {SMALL_X}", new(2, affine=True), "SMALL", OF_WEIGHT_AND_BIAS
    ),
    forward_trial(
        f"train mode, {AFFINE}, x of shape (4, 2, 3, 5)", new(2, affine=True), LARGE_CODE
    ),
    forward_trial(
        f"train mode, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)", new(3, affine=True), UNEQUAL_CODE
    ),
    forward_trial(f"train mode, 0.001 * the small {SMALL_X}", new(2), "TINY", OF_MEAN_AND_VAR),
    forward_trial(
        f"eval mode, {RUNNING}, {SMALL_X}",
        new(2, running=True, mode="eval"),
        "SMALL",
        OF_MEAN_AND_VAR,
    ),
    forward_trial(
        f"eval mode, {RUNNING}, eps=0.5, {SMALL_X}",
        new(2, "eps=0.5", running=True, mode="eval"),
        "SMALL",
        OF_MEAN_AND_VAR,
    ),
    forward_trial(
        f"eval mode, {RUNNING}, {AFFINE}, {SMALL_X}",
        new(2, affine=True, running=True, mode="eval"),
        "SMALL",
        OF_WEIGHT_AND_BIAS,
    ),
    forward_trial(
        f"eval mode, {RUNNING_OF_3}, {THREE_X}",
        new(3, running=True, mode="eval"),
        "THREE",
        OF_MEAN_AND_VAR,
    ),
    forward_trial(
        f"eval mode, {RUNNING_OF_3}, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)",
        new(3, affine=True, running=True, mode="eval"),
        UNEQUAL_CODE,
    ),
    forward_trial(
        f"eval mode, {RUNNING}, one picture, x = [[[[1, 2]], [[0, 4]]]]",
        new(2, running=True, mode="eval"),
        "SMALL[:1]",
        OF_MEAN_AND_VAR,
    ),
    trial(
        "test_batchnorm2d_forward",
        f"forward in both modes, {SMALL_X}: x afterwards",
        f"{new(2)}; x = SMALL.clone(); bn(x); bn.eval()(x)\nx",
        "'unchanged' if torch.equal(x, SMALL) else 'changed'",
        "x",
    ),
    *(gradient_trial(BACKWARD, "train", name) for name in ("x", "weight", "bias")),
    gradient_trial(f"eval mode, {BACKWARD}", "eval", "x"),
    forward_trial(
        "train mode after module.double(), x of shape (4, 2, 3, 5) in float64",
        f"{new(2, affine=True)}; bn.double()",
        f"{LARGE_CODE}.double()",
    ),
    trial(
        "test_batchnorm2d_forward",
        "train mode, one value per channel, x = [[[[1]], [[-2]]]]",
        f"{new(2)}\nbn(ONE_VALUE)",
        "whether_refused(bn, ONE_VALUE)",
        "there is",
    ),
    trial(
        "test_batchnorm2d_forward",
        "train mode, one picture, x = [[[[1, 2]], [[0, 4]]]]",
        f"{new(2)}\nbn(SMALL[:1])",
        "whether_refused(bn, SMALL[:1])",
        "there is",
    ),
    trial(
        "test_batchnorm2d_forward",
        "eval mode, one value per channel, x = [[[[1]], [[-2]]]]",
        f"{new(2, mode='eval')}\nbn(ONE_VALUE)",
        "whether_refused(bn, ONE_VALUE)",
        "there is",
    ),
)

TRIALS = (
    *MODULE_TRIALS,
    *FORWARD_TRIALS,
    *running_trials("test_batchnorm2d_running_mean", "running_mean"),
    Trial(
        "test_batchnorm2d_running_mean",
        "two batches in train mode, then one in eval mode",
        f"{new(2)}; bn(SMALL.clone()); bn(NEXT.clone()); bn.eval()(SMALL.clone())\n"
        "bn.num_batches_tracked",
        "num_batches_tracked",
    ),
    *running_trials("test_batchnorm2d_running_var", "running_var"),
    trial(
        "test_batchnorm2d_running_var",
        f"train mode, 0.001 * the small {SMALL_X}, momentum=1",
        f"{new(2, 'momentum=1.0')}; bn(TINY.clone())\nbn.running_var",
        "bn.running_var.detach().clone()",
        "running_var",
    ),
    trial(
        "test_batchnorm2d_running_var",
        f"train mode, eps=0.5, {SMALL_X}",
        f"{new(2, 'eps=0.5')}; bn(SMALL.clone())\nbn.running_var",
        "moved(bn, 'running_var')",
        "running_var",
    ),
    trial(
        "test_batchnorm2d_running_stats_detached",
        f"train mode, {SMALL_X} with requires_grad",
        f"{new(2)}; x = SMALL.clone().requires_grad_(); bn(x)\ndict(bn.named_buffers())",
        "attachments(bn, x)",
        "statistics",
    ),
    trial(
        "test_batchnorm2d_running_stats_detached",
        f"train mode, {SMALL_X}, then load_state_dict of a new BatchNorm2d(2)",
        f"{new(2)}; bn(SMALL.clone())\nbn.load_state_dict(BatchNorm2d(2).state_dict())",
        "loadable(bn)",
        "statistics",
    ),
)

CLOSER_LOOK = Trial(
    "test_batchnorm2d_forward", "the axes of mean and variance", "fault_of_axes(BatchNorm2d(3))"
)
