"""Lesson 1: the checks of BatchNorm2d, with its known mistakes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_helpers.tests.engine import Catalogue, Exercise, Trial, made_up, trials_of
from resnet_helpers.tests.outcomes import Described, difference, numbers, same, short, shown

# ---- BatchNorm2d: a right one, in steps -----------------------------------------------------


class BatchNorm2dInSteps(nn.Module):
    """BatchNorm2d cut into the steps that can each go wrong."""

    default_eps = 1e-5
    default_momentum = 0.1

    def __init__(self, num_features: int, eps=None, momentum=None):
        super().__init__()
        self.num_features = num_features
        self.eps = self.default_eps if eps is None else eps
        self.momentum = self.default_momentum if momentum is None else momentum
        self.make_affine()
        self.make_running_mean()
        self.make_running_var()
        self.make_counter()

    def make_affine(self):
        self.weight = nn.Parameter(torch.ones(self.num_features))
        self.bias = nn.Parameter(torch.zeros(self.num_features))

    def make_running_mean(self):
        self.register_buffer("running_mean", torch.zeros(self.num_features))

    def make_running_var(self):
        self.register_buffer("running_var", torch.ones(self.num_features))

    def make_counter(self):
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def show_num_features(self):
        return f"{self.num_features}"

    def show_eps(self):
        return f"eps={self.eps}"

    def show_momentum(self):
        return f"momentum={self.momentum}"

    def extra_repr(self):
        shown = (self.show_num_features(), self.show_eps(), self.show_momentum())
        return ", ".join(filter(None, shown))

    def received(self, x):
        return x

    def batch_mean(self, x):
        return x.mean((0, 2, 3), keepdim=True)

    def batch_var(self, x):
        return x.var((0, 2, 3), unbiased=False, keepdim=True)

    def tracked_mean(self, x):
        return x.mean((0, 2, 3))

    def tracked_var(self, x):
        return x.var((0, 2, 3))

    def moved(self, running, batch):
        return (1 - self.momentum) * running + self.momentum * batch

    def kept(self, running):
        return running.detach()

    def track(self, x):
        self.running_mean = self.kept(self.moved(self.running_mean, self.tracked_mean(x)))
        self.running_var = self.kept(self.moved(self.running_var, self.tracked_var(x)))

    def count(self):
        self.num_batches_tracked = self.num_batches_tracked + 1

    def running_statistics(self):
        return self.along_channels(self.running_mean), self.along_channels(self.running_var)

    def train_statistics(self, x):
        mean, var = self.batch_mean(x), self.batch_var(x)
        self.track(x)
        self.count()
        return mean, var

    def eval_statistics(self, x):
        return self.running_statistics()

    def centred(self, x, mean):
        return x - mean

    def denominator(self, var):
        return (var + self.eps).sqrt()

    def along_channels(self, vector):
        return vector.view(1, -1, 1, 1)

    def affine(self, x_hat):
        return x_hat * self.along_channels(self.weight) + self.along_channels(self.bias)

    def normalised(self, x, mean, var):
        return self.centred(x, mean) / self.denominator(var)

    def forward(self, x):
        x = self.received(x)
        mean, var = self.train_statistics(x) if self.training else self.eval_statistics(x)
        return self.affine(self.normalised(x, mean, var))


# ---- What the checks try --------------------------------------------------------------------

SMALL = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]], [[[3.0, 8.0]], [[-2.0, 6.0]]]])  # 2, 2, 1, 2
SMALL_TEXT = "x = [[[[1, 2]], [[0, 4]]], [[[3, 8]], [[-2, 6]]]]"
NEXT = torch.tensor([[[[5.0, -1.0]], [[2.0, 2.5]]], [[[0.0, 4.0]], [[7.0, -3.0]]]])
NEXT_TEXT = "[[[[5, -1]], [[2, 2.5]]], [[[0, 4]], [[7, -3]]]]"
TALL = torch.tensor(
    [[[[1.0], [3.0]], [[0.0], [-4.0]]], [[[2.0], [8.0]], [[5.0], [1.0]]]]
)  # 2, 2, 2, 1
TALL_TEXT = "x = [[[[1], [3]], [[0], [-4]]], [[[2], [8]], [[5], [1]]]]"
THREE = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]], [[-3.0, 5.0]]]])  # 1, 3, 1, 2
THREE_TEXT = "x = [[[[1, 2]], [[0, 4]], [[-3, 5]]]]"
TINY = 0.001 * SMALL
LARGE = made_up(4, 2, 3, 5) + torch.tensor([1.0, -3.0]).view(1, 2, 1, 1)
UNEQUAL = made_up(2, 3, 4, 5)


def in_train_mode(BatchNorm2d: type, x: Tensor, affine=True, **settings) -> nn.Module:
    """A new module, with a weight and a bias of its own if `affine`, for x's channels."""
    module = BatchNorm2d(x.shape[1], **settings)
    if affine:
        with torch.no_grad():
            module.weight.copy_(torch.tensor([2.0, -0.5, 3.0])[: x.shape[1]])
            module.bias.copy_(torch.tensor([0.25, 1.5, -1.0])[: x.shape[1]])
    return module.train()


@dataclass(frozen=True, eq=False)
class Lines(Described):
    """An output in which each channel should be a straight line of its input.

    Two are equal if the outputs are. The lines say where two unequal ones part: the learner sees
    which mean, variance, weight and bias the code comes down to.
    """

    output: Tensor
    input: Tensor
    names: tuple[str, str]  # m, v for (x - m) / sqrt(v); w, b for x_hat * w + b

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
            if self.names == MEAN_AND_VAR:
                if slope <= 0:
                    return None
                found.append((-intercept / slope, slope**-2))
            else:
                found.append((slope, intercept))
        first, second = (
            numbers([number.item() for number in pair]) for pair in zip(*found, strict=True)
        )
        return f"{self.names[0]} = {first}, {self.names[1]} = {second}"


MEAN_AND_VAR = ("m", "v")
WEIGHT_AND_BIAS = ("w", "b")


def outcome(module: nn.Module, x: Tensor, affine: bool, lines: bool) -> Any:
    """The output of the module, which has a weight and a bias if `affine`."""
    output = module(x.clone())
    if not lines or not isinstance(output, Tensor):
        return output
    if not affine:
        return Lines(output, x, MEAN_AND_VAR)
    if module.training:
        x_hat = F.batch_norm(x, None, None, training=True, eps=module.eps)
    else:
        x_hat = F.batch_norm(x, module.running_mean, module.running_var, eps=module.eps)
    return Lines(output, x_hat, WEIGHT_AND_BIAS)


def train_output(x: Tensor, affine=True, lines=True, **settings) -> Callable:
    """The output for x in train mode."""
    return lambda cls: outcome(in_train_mode(cls, x, affine, **settings), x, affine, lines)


def eval_output(x: Tensor, affine=True, lines=True, **settings) -> Callable:
    """The output for x in eval mode, with running statistics unlike those of x."""

    def run(cls):
        module = in_train_mode(cls, x, affine, **settings).eval()
        with torch.no_grad():
            module.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5])[: x.shape[1]])
            module.running_var.copy_(torch.tensor([4.0, 0.25, 2.0])[: x.shape[1]])
        return outcome(module, x, affine, lines)

    return run


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


def tracked(
    buffer: str, *batches: Tensor, then_eval=False, of_one_batch=False, **settings
) -> Callable:
    """A buffer after some batches in train mode, and perhaps one in eval mode."""

    def run(cls):
        module = in_train_mode(cls, batches[0], **settings)
        old = getattr(module, buffer).detach().clone()
        for batch in batches:
            module(batch.clone())
        if then_eval:
            module.eval()(batches[0].clone())
        value = getattr(module, buffer).detach().clone()
        return Moved(value, old) if of_one_batch else value

    return run


def gradient(x: Tensor, of: Callable, training=True) -> Callable:
    """The gradient of (NEXT * output).sum() with respect to something of the module and x."""

    def run(cls):
        leaf = x.clone().requires_grad_()
        module = in_train_mode(cls, leaf).train(training)
        output = module(leaf)
        if not output.requires_grad:
            return "none: the output is cut off from the graph"
        (NEXT * output).sum().backward()
        return "none: it takes no part" if of(module, leaf).grad is None else of(module, leaf).grad

    return run


def input_afterwards(cls):
    """What became of the input in a forward pass of each mode."""
    x = SMALL.clone()
    module = in_train_mode(cls, x)
    module(x)
    module.eval()(x)
    return "unchanged" if torch.equal(x, SMALL) else "changed"


def entries(kind: str) -> Callable:
    """What a new module lists as its parameters or buffers: names, values and dtypes."""

    def run(cls):
        found = dict(getattr(cls(3), f"named_{kind}")())
        return {name: f"{numbers(e.tolist())} ({e.dtype})" for name, e in found.items()}

    return run


def attachments(cls):
    """Which running statistics, after a batch, hang on to the graph or are no longer buffers."""
    module = in_train_mode(cls, SMALL)
    module(SMALL.clone().requires_grad_())
    states = {}
    for name in ("running_mean", "running_var"):
        is_buffer = name in dict(module.named_buffers())
        states[name] = "a buffer without graph" if is_buffer else "not a buffer"
    kept = {**vars(module), **dict(module.named_buffers())}
    for name, value in kept.items():
        if isinstance(value, Tensor) and value.requires_grad:
            states[name] = "attached to the graph"
    return states


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


SETTINGS_SHOWN = {"num_features": "71", "eps": "0.25", "momentum": "0.625"}


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


AXES = {2: "batch", 3: "channels", 4: "height", 5: "width"}  # of UNEQUAL, by size


def look_at_axes(cls):
    """What to say of a mean or variance that is not one number for each channel; "" if all are."""
    x = UNEQUAL.clone()
    with Reductions() as reductions, suppress(Exception):  # such code may well fail further on
        in_train_mode(cls, x, affine=False)(x)
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


AFFINE = "weight = [2, -0.5], bias = [0.25, 1.5]"
RUNNING = "running_mean = [1, -2], running_var = [4, 0.25]"
AFFINE_OF_3 = "weight = [2, -0.5, 3], bias = [0.25, 1.5, -1]"
RUNNING_OF_3 = "running_mean = [1, -2, 0.5], running_var = [4, 0.25, 2]"

BATCHNORM2D_TRIALS = (
    *trials_of(
        "test_batchnorm2d_module",
        ("the parameters of a new BatchNorm2d(3)", entries("parameters"), "parameters"),
        ("the buffers of a new BatchNorm2d(3)", entries("buffers"), "buffers"),
        (
            "the order of BatchNorm2d(3).state_dict()",
            lambda cls: list(cls(3).state_dict()),
            "keys",
        ),
        (
            "BatchNorm2d(71, eps=0.25, momentum=0.625).extra_repr(), which print shows",
            lambda cls: ExtraRepr(cls(71, eps=0.25, momentum=0.625).extra_repr()),
            "it returns",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_forward",
        (f"train mode, {SMALL_TEXT}", train_output(SMALL, affine=False)),
        (f"train mode, eps=0.5, {SMALL_TEXT}", train_output(SMALL, affine=False, eps=0.5)),
        (f"train mode, {TALL_TEXT}", train_output(TALL, affine=False)),
        (f"train mode, {THREE_TEXT}", train_output(THREE, affine=False, lines=False)),
        (f"train mode, {AFFINE}, {SMALL_TEXT}", train_output(SMALL)),
        (f"train mode, {AFFINE}, x of shape (4, 2, 3, 5)", train_output(LARGE, lines=False)),
        (f"train mode, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)", train_output(UNEQUAL, lines=False)),
        (f"train mode, 0.001 * the small {SMALL_TEXT}", train_output(TINY, affine=False)),
        (f"eval mode, {RUNNING}, {SMALL_TEXT}", eval_output(SMALL, affine=False)),
        (f"eval mode, {RUNNING}, eps=0.5, {SMALL_TEXT}", eval_output(SMALL, affine=False, eps=0.5)),
        (f"eval mode, {RUNNING}, {AFFINE}, {SMALL_TEXT}", eval_output(SMALL)),
        (f"eval mode, {RUNNING_OF_3}, {THREE_TEXT}", eval_output(THREE, affine=False)),
        (
            f"eval mode, {RUNNING_OF_3}, {AFFINE_OF_3}, x of shape (2, 3, 4, 5)",
            eval_output(UNEQUAL, lines=False),
        ),
        (
            f"eval mode, {RUNNING}, one picture, x = [[[[1, 2]], [[0, 4]]]]",
            eval_output(SMALL[:1], affine=False),
        ),
        (f"forward in both modes, {SMALL_TEXT}: x afterwards", input_afterwards, "x"),
        (
            f"backward of (c * output).sum(), {SMALL_TEXT}, c = {NEXT_TEXT}",
            gradient(SMALL, of=lambda module, x: x),
            "x.grad",
        ),
        (
            f"backward of (c * output).sum(), {SMALL_TEXT}, c = {NEXT_TEXT}",
            gradient(SMALL, of=lambda module, x: module.weight),
            "weight.grad",
        ),
        (
            f"backward of (c * output).sum(), {SMALL_TEXT}, c = {NEXT_TEXT}",
            gradient(SMALL, of=lambda module, x: module.bias),
            "bias.grad",
        ),
        (
            f"eval mode, backward of (c * output).sum(), {SMALL_TEXT}, c = {NEXT_TEXT}",
            gradient(SMALL, of=lambda module, x: x, training=False),
            "x.grad",
        ),
        (
            "train mode after module.double(), x of shape (4, 2, 3, 5) in float64",
            lambda cls: in_train_mode(cls, LARGE).double()(LARGE.double()),
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_mean",
        (
            f"train mode, {SMALL_TEXT}",
            tracked("running_mean", SMALL, of_one_batch=True),
            "running_mean",
        ),
        (
            f"train mode, {TALL_TEXT}",
            tracked("running_mean", TALL, of_one_batch=True),
            "running_mean",
        ),
        (
            f"train mode, {SMALL_TEXT}, then {NEXT_TEXT}",
            tracked("running_mean", SMALL, NEXT),
            "running_mean",
        ),
        (
            f"train mode, momentum=0.75, {SMALL_TEXT}, then {NEXT_TEXT}",
            tracked("running_mean", SMALL, NEXT, momentum=0.75),
            "running_mean",
        ),
        (
            f"train mode, then eval mode, {SMALL_TEXT}",
            tracked("running_mean", SMALL, then_eval=True),
            "running_mean",
        ),
        (
            "train mode, x of shape (2, 3, 4, 5)",
            tracked("running_mean", UNEQUAL),
            "running_mean",
        ),
        (
            "two batches in train mode, then one in eval mode",
            tracked("num_batches_tracked", SMALL, NEXT, then_eval=True),
            "num_batches_tracked",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_var",
        (
            f"train mode, {SMALL_TEXT}",
            tracked("running_var", SMALL, of_one_batch=True),
            "running_var",
        ),
        (
            f"train mode, {TALL_TEXT}",
            tracked("running_var", TALL, of_one_batch=True),
            "running_var",
        ),
        (
            f"train mode, {SMALL_TEXT}, then {NEXT_TEXT}",
            tracked("running_var", SMALL, NEXT),
            "running_var",
        ),
        (
            f"train mode, momentum=0.75, {SMALL_TEXT}, then {NEXT_TEXT}",
            tracked("running_var", SMALL, NEXT, momentum=0.75),
            "running_var",
        ),
        (
            f"train mode, then eval mode, {SMALL_TEXT}",
            tracked("running_var", SMALL, then_eval=True),
            "running_var",
        ),
        ("train mode, x of shape (2, 3, 4, 5)", tracked("running_var", UNEQUAL), "running_var"),
        (
            f"train mode, 0.001 * the small {SMALL_TEXT}, momentum=1",
            tracked("running_var", TINY, momentum=1.0),
            "running_var",
        ),
    ),
    *trials_of(
        "test_batchnorm2d_running_stats_detached",
        (f"train mode, {SMALL_TEXT} with requires_grad", attachments, "statistics"),
    ),
)

# ---- What can go wrong ----------------------------------------------------------------------


def make_affine_with(weight: float, bias: float) -> Callable:
    def make_affine(self):
        self.weight = nn.Parameter(torch.full((self.num_features,), weight))
        self.bias = nn.Parameter(torch.full((self.num_features,), bias))

    return make_affine


def values_per_channel(x):
    return x.numel() // x.shape[1]


def biased_var(x):
    return x.var((0, 2, 3), unbiased=False)


def corrected_with(n: Callable[[Tensor], int]) -> Callable:
    """A running_var of the biased variance times n / (n - 1)."""
    return lambda self, x: biased_var(x) * n(x) / (n(x) - 1)


def normalised_over(*axes: int) -> dict[str, Callable]:
    """Normalising with statistics over other axes than (0, 2, 3)."""
    return {
        "batch_mean": lambda self, x: x.mean(axes, keepdim=True),
        "batch_var": lambda self, x: x.var(axes, unbiased=False, keepdim=True),
    }


def tracked_over(*axes: int) -> dict[str, Callable]:
    """Running statistics of batch statistics over other axes than (0, 2, 3)."""
    return {
        "tracked_mean": lambda self, x: x.mean(axes).squeeze(),
        "tracked_var": lambda self, x: x.var(axes).squeeze(),
    }


def wrong_axes(name: str, hint: str, *axes: int) -> None:
    """Add wrong axes where the batch is normalised; and in the running statistics as well."""
    mistake(f"statistics over {name}", hint, **normalised_over(*axes), **tracked_over(*axes))
    mistake(f"batch statistics over {name}, running ones right", hint, **normalised_over(*axes))


BATCHNORM2D_MISTAKES = mistake = Catalogue()
mistake(
    "unbiased variance when normalising",
    "You normalise with the unbiased variance (torch.var's default). Batchnorm normalises "
    "with the biased one: pass unbiased=False.",
    batch_var=lambda self, x: x.var((0, 2, 3), keepdim=True),
)
mistake(
    "biased variance in running_var",
    "You store the biased variance in running_var. PyTorch stores the unbiased one there "
    "(divided by n - 1), and normalises with the biased one.",
    tracked_var=lambda self, x: x.var((0, 2, 3), unbiased=False),
)
mistake(
    "momentum the wrong way round",
    "Your momentum is the wrong way round. In PyTorch it is the share of the new batch: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: self.momentum * old + (1 - self.momentum) * new,
)
mistake(
    "momentum applied to both values",
    "You multiply both the old value and the batch's by momentum. The shares must add up to 1: "
    "(1 - momentum) for the old, momentum for the batch.",
    moved=lambda self, old, new: self.momentum * old + self.momentum * new,
)
mistake(
    "one minus momentum applied to both values",
    "You multiply both the old value and the batch's by (1 - momentum). The shares must add up "
    "to 1: (1 - momentum) for the old, momentum for the batch.",
    moved=lambda self, old, new: (1 - self.momentum) * (old + new),
)
mistake(
    "momentum applied to the running value twice",
    "You shrink the old running value by (1 - momentum) twice. Once is enough: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: (1 - self.momentum) ** 2 * old + self.momentum * new,
)


@mistake(
    "running statistics updated twice",
    "You update the running statistics twice for each batch. Look for a second update, or a "
    "second call of the code that does it.",
)
class _:
    def moved(self, old, new):
        once = BatchNorm2dInSteps.moved(self, old, new)
        return BatchNorm2dInSteps.moved(self, once, new)


mistake(
    "plain average of all batches",
    "You take the plain average over all batches so far. The running value is an exponential "
    "one: new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: old + (new - old) / (self.num_batches_tracked + 1),
)
mistake(
    "batch added without momentum",
    "You add the whole batch statistic to the running one. Scale it by momentum first: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: (1 - self.momentum) * old + new,
)
mistake(
    "running value not decayed",
    "You keep the whole of the old running value and add to it. It must shrink by "
    "(1 - momentum) at each step.",
    moved=lambda self, old, new: old + self.momentum * new,
)
mistake(
    "running value replaced by the batch's",
    "Your running statistics are simply the last batch's. Move them only a step towards it: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: new.clone(),
)
mistake(
    "momentum hard-coded",
    "You update with a fixed 0.1 whatever momentum is. Use self.momentum.",
    moved=lambda self, old, new: 0.9 * old + 0.1 * new,
)
mistake(
    "eps outside the root",
    "You add eps after taking the root. It belongs inside: sqrt(var + eps).",
    denominator=lambda self, var: var.sqrt() + self.eps,
)
mistake(
    "eps missing",
    "You leave out eps. Without it a channel of equal values divides by zero: sqrt(var + eps).",
    denominator=lambda self, var: var.sqrt(),
)
mistake(
    "eps squared",
    "You add eps squared. Add eps itself to the variance, inside the root.",
    denominator=lambda self, var: (var + self.eps**2).sqrt(),
)
mistake(
    "eps hard-coded",
    "You use a fixed 1e-5 whatever eps is. Use self.eps.",
    denominator=lambda self, var: (var + 1e-5).sqrt(),
)
mistake(
    "divided by the variance",
    "You divide by the variance. Divide by its root, the standard deviation: sqrt(var + eps).",
    denominator=lambda self, var: var + self.eps,
)
mistake(
    "standard deviation under the root",
    "You take the root of a standard deviation. x.std() is a root already: take x.var() "
    "under the root.",
    batch_var=lambda self, x: x.std((0, 2, 3), unbiased=False, keepdim=True),
)
mistake(
    "standard deviation in running_var",
    "You store the standard deviation in running_var. Store the variance.",
    tracked_var=lambda self, x: x.std((0, 2, 3)),
)
mistake(
    "multiplied by the standard deviation",
    "You multiply by the standard deviation. Divide by it, so that the variance becomes 1.",
    denominator=lambda self, var: 1 / (var + self.eps).sqrt(),
)
mistake(
    "not centred",
    "You do not subtract the mean before you divide by the standard deviation.",
    centred=lambda self, x, mean: x,
)
mistake(
    "no brackets around x - mean",
    "Without brackets, x - mean / std divides the mean alone: division comes first. Write "
    "(x - mean) / std.",
    normalised=lambda self, x, mean, var: x - mean / self.denominator(var),
)
mistake(
    "mean added",
    "You add the mean. Subtract it, so that the channel's mean becomes 0.",
    centred=lambda self, x, mean: x + mean,
)
wrong_axes(
    "the batch only",
    "You average over the batch only (axis 0). A channel's statistics are taken over batch, "
    "height and width.",
    0,
)
wrong_axes(
    "space only",
    "You average over height and width only (axes 2 and 3), for each picture by itself: that "
    "is instance normalisation. Include the batch.",
    2,
    3,
)
wrong_axes(
    "channels and space",
    "You average over channels, height and width (axes 1, 2, 3): that is layer normalisation. "
    "Keep the channels apart and include the batch.",
    1,
    2,
    3,
)
wrong_axes(
    "batch and height",
    "You average over batch and height only. Include the width.",
    0,
    2,
)
wrong_axes(
    "batch and width",
    "You average over batch and width only. Include the height.",
    0,
    3,
)
mistake(
    "unbiased correction with the batch size",
    "The n of your correction n / (n - 1) is the batch size. It is the number of values in a "
    "channel: batch times height times width.",
    tracked_var=corrected_with(lambda x: x.shape[0]),
)
mistake(
    "unbiased correction with one picture's size",
    "The n of your correction n / (n - 1) is height times width. It is the number of values in "
    "a channel: batch times height times width.",
    tracked_var=corrected_with(lambda x: x.shape[2] * x.shape[3]),
)
mistake(
    "unbiased correction with the size of everything",
    "The n of your correction n / (n - 1) is the size of the whole tensor. It is the number of "
    "values in a channel: batch times height times width.",
    tracked_var=corrected_with(lambda x: x.numel()),
)
mistake(
    "unbiased correction with the number of channels",
    "The n of your correction n / (n - 1) is the number of channels. It is the number of "
    "values in a channel: batch times height times width.",
    tracked_var=corrected_with(lambda x: x.shape[1]),
)
mistake(
    "unbiased correction upside down",
    "Your correction of the variance is upside down, (n - 1) / n. The unbiased variance is the "
    "larger one: the biased one times n / (n - 1).",
    tracked_var=lambda self, x: biased_var(x) * (1 - 1 / values_per_channel(x)),
)
mistake(
    "mean of squares as variance",
    "Your variance is the mean of x squared. Subtract the mean first, then square.",
    batch_var=lambda self, x: x.square().mean((0, 2, 3), keepdim=True),
    tracked_var=lambda self, x: x.square().mean((0, 2, 3)),
)
mistake(
    "statistics over everything",
    "You take one mean and one variance over the whole tensor. Each channel has its own, over "
    "batch, height and width.",
    batch_mean=lambda self, x: x.mean(),
    batch_var=lambda self, x: x.var(unbiased=False),
    tracked_mean=lambda self, x: x.mean().expand(self.num_features).clone(),
    tracked_var=lambda self, x: x.var().expand(self.num_features).clone(),
)
mistake(
    "vectors broadcast along the width",
    "Your vectors of length num_features line up with the last axis, the width: broadcasting "
    "starts from the right. Reshape them to (1, num_features, 1, 1).",
    batch_mean=lambda self, x: x.mean((0, 2, 3)),
    batch_var=lambda self, x: x.var((0, 2, 3), unbiased=False),
    along_channels=lambda self, vector: vector,
)
mistake(
    "mean and variance broadcast along the width",
    "Your mean and variance line up with the last axis, the width: broadcasting starts from "
    "the right. Reshape them to (1, num_features, 1, 1), or take them with keepdim=True.",
    batch_mean=lambda self, x: x.mean((0, 2, 3)),
    batch_var=lambda self, x: x.var((0, 2, 3), unbiased=False),
    running_statistics=lambda self: (self.running_mean, self.running_var),
)
mistake(
    "running statistics broadcast along the width",
    "In eval mode your running_mean and running_var line up with the last axis, the width: "
    "broadcasting starts from the right. Reshape them to (1, num_features, 1, 1).",
    running_statistics=lambda self: (self.running_mean, self.running_var),
)
mistake(
    "weight and bias broadcast along the width",
    "Your weight and bias line up with the last axis, the width: broadcasting starts from the "
    "right. Reshape them to (1, num_features, 1, 1).",
    affine=lambda self, x_hat: x_hat * self.weight + self.bias,
)
mistake(
    "vectors broadcast along the batch",
    "Your vectors line up with the first axis, the batch. The channels are the second: "
    "reshape to (1, num_features, 1, 1).",
    batch_mean=lambda self, x: x.mean((0, 2, 3)).view(-1, 1, 1, 1),
    batch_var=lambda self, x: x.var((0, 2, 3), unbiased=False).view(-1, 1, 1, 1),
    along_channels=lambda self, vector: vector.view(-1, 1, 1, 1),
)
mistake(
    "affine forgotten",
    "You normalise, but do not apply the affine step: multiply by weight, then add bias.",
    affine=lambda self, x_hat: x_hat,
)
mistake(
    "weight forgotten",
    "You add the bias but do not multiply by the weight.",
    affine=lambda self, x_hat: x_hat + self.along_channels(self.bias),
)
mistake(
    "bias forgotten",
    "You multiply by the weight but do not add the bias.",
    affine=lambda self, x_hat: x_hat * self.along_channels(self.weight),
)
mistake(
    "bias before weight",
    "You add the bias, then multiply by the weight. Multiply first: x_hat * weight + bias.",
    affine=lambda self, x_hat: (
        (x_hat + self.along_channels(self.bias)) * self.along_channels(self.weight)
    ),
)
mistake(
    "weight and bias swapped",
    "You swapped weight and bias: the weight multiplies, the bias is added.",
    affine=lambda self, x_hat: (
        x_hat * self.along_channels(self.bias) + self.along_channels(self.weight)
    ),
)
mistake(
    "affine before normalising",
    "You apply weight and bias before normalising, which takes them out again. Normalise "
    "first, then multiply by weight and add bias.",
    received=lambda self, x: x * self.along_channels(self.weight) + self.along_channels(self.bias),
    affine=lambda self, x_hat: x_hat,
)
mistake(
    "batch statistics in eval mode",
    "In eval mode you still normalise with the batch's statistics. Use running_mean and "
    "running_var there: look at self.training.",
    eval_statistics=lambda self, x: (self.batch_mean(x), self.batch_var(x)),
)


@mistake(
    "running statistics in train mode",
    "In train mode you normalise with the running statistics. Use the batch's own mean and "
    "variance there; the running ones are for eval mode.",
)
class _:
    def train_statistics(self, x):
        statistics = self.running_statistics()
        self.track(x)
        self.count()
        return statistics


@mistake(
    "normalised with the updated running statistics",
    "In train mode you update the running statistics and then normalise with them. Normalise "
    "with the batch's own mean and variance; the update is for later.",
)
class _:
    def train_statistics(self, x):
        self.track(x)
        self.count()
        return self.running_statistics()


mistake(
    "train and eval swapped",
    "Train and eval mode are swapped: self.training is True in train mode, where the batch's "
    "statistics are used and the running ones updated.",
    train_statistics=lambda self, x: self.running_statistics(),
    eval_statistics=BatchNorm2dInSteps.train_statistics,
)
mistake(
    "train mode ignored",
    "Your forward does the same in both modes, what train mode should. In eval mode "
    "(self.training is False), use the running statistics and leave them as they are.",
    eval_statistics=BatchNorm2dInSteps.train_statistics,
)


@mistake(
    "statistics updated in eval mode",
    "You update the running statistics in eval mode too. Update them in train mode only.",
)
class _:
    def eval_statistics(self, x):
        self.track(x)
        return self.running_statistics()


@mistake(
    "running statistics never updated",
    "Your running statistics never change. In train mode, move each a step towards the "
    "batch's: new = (1 - momentum) * old + momentum * batch.",
)
class _:
    def train_statistics(self, x):
        self.count()
        return self.batch_mean(x), self.batch_var(x)


mistake(
    "num_batches_tracked never incremented",
    "You never increment num_batches_tracked. Add 1 for every batch in train mode.",
    count=lambda self: None,
)


@mistake(
    "num_batches_tracked incremented in eval mode",
    "You increment num_batches_tracked in eval mode too. Count train mode's batches only.",
)
class _:
    def eval_statistics(self, x):
        self.count()
        return self.running_statistics()


mistake(
    "num_batches_tracked counts pictures",
    "You add the number of pictures to num_batches_tracked. It counts batches: add 1.",
    received=lambda self, x: setattr(self, "batch_size", len(x)) or x,
    count=lambda self: self.num_batches_tracked.add_(self.batch_size),
)


@mistake(
    "running statistics are Parameters",
    "Your running statistics are Parameters, so an optimizer would train them. Make them "
    "buffers: self.register_buffer(name, tensor).",
)
class _:
    def make_running_mean(self):
        self.running_mean = nn.Parameter(torch.zeros(self.num_features))

    def make_running_var(self):
        self.running_var = nn.Parameter(torch.ones(self.num_features))

    def track(self, x):
        with torch.no_grad():
            self.running_mean.copy_(self.moved(self.running_mean, self.tracked_mean(x)))
            self.running_var.copy_(self.moved(self.running_var, self.tracked_var(x)))


@mistake(
    "running statistics are plain attributes",
    "Your running statistics are plain attributes, so state_dict() leaves them out and .to() "
    "does not move them. Make them buffers: self.register_buffer(name, tensor).",
)
class _:
    def make_running_mean(self):
        self.running_mean = torch.zeros(self.num_features)

    def make_running_var(self):
        self.running_var = torch.ones(self.num_features)


mistake(
    "running statistics keep the graph",
    "Your running statistics hang on to the autograd graph, so memory grows with every batch. "
    "Update them under torch.no_grad(), or from detached values.",
    kept=lambda self, running: running,
)
mistake(
    "mean and variance detached from the graph",
    "You detach the mean and variance that you normalise with. Only the running statistics "
    "stay out of the graph: the gradient must flow through the batch's mean and variance.",
    batch_mean=lambda self, x: x.detach().mean((0, 2, 3), keepdim=True),
    batch_var=lambda self, x: x.detach().var((0, 2, 3), unbiased=False, keepdim=True),
)
mistake(
    "forward under no_grad",
    "Your whole forward runs without gradients, so nothing before or in this layer can learn. "
    "Keep torch.no_grad() to the update of the running statistics.",
    affine=lambda self, x_hat: BatchNorm2dInSteps.affine(self, x_hat).detach(),
)
mistake(
    "input detached",
    "You detach x, so no gradient reaches the layers before this one. Only the running "
    "statistics stay out of the graph.",
    received=lambda self, x: x.detach(),
)
mistake(
    "running statistics keep four axes",
    "Your running statistics have shape (1, num_features, 1, 1). Store vectors of length "
    "num_features, and reshape them only where you normalise.",
    make_running_mean=lambda self: self.register_buffer(
        "running_mean", torch.zeros(1, self.num_features, 1, 1)
    ),
    make_running_var=lambda self: self.register_buffer(
        "running_var", torch.ones(1, self.num_features, 1, 1)
    ),
    tracked_mean=lambda self, x: x.mean((0, 2, 3), keepdim=True),
    tracked_var=lambda self, x: x.var((0, 2, 3), keepdim=True),
)
mistake(
    "batch statistics with keepdim in the update",
    "Your update adds (num_features,) and (1, num_features, 1, 1), which broadcasts to a "
    "square. Flatten the batch's statistics first, or leave out keepdim.",
    tracked_mean=lambda self, x: x.mean((0, 2, 3), keepdim=True),
    tracked_var=lambda self, x: x.var((0, 2, 3), keepdim=True),
)
mistake(
    "running_mean starts at 1",
    "running_mean starts at ones. It starts at zeros, and running_var at ones.",
    make_running_mean=lambda self: self.register_buffer(
        "running_mean", torch.ones(self.num_features)
    ),
)
mistake(
    "running_var starts at 0",
    "running_var starts at zeros. It starts at ones: with no batch seen, eval mode should "
    "leave its input nearly alone.",
    make_running_var=lambda self: self.register_buffer(
        "running_var", torch.zeros(self.num_features)
    ),
)
mistake(
    "weight starts at 0",
    "The weight starts at zeros, so every output is 0. Start it at ones, the bias at zeros.",
    make_affine=make_affine_with(0.0, 0.0),
)
mistake(
    "bias starts at 1",
    "The bias starts at ones. It starts at zeros, and the weight at ones.",
    make_affine=make_affine_with(1.0, 1.0),
)


@mistake(
    "bias declared before weight",
    "You declare the bias before the weight. PyTorch's order is weight, bias; copying a "
    "pretrained network's weights later relies on it.",
)
class _:
    def make_affine(self):
        self.bias = nn.Parameter(torch.zeros(self.num_features))
        self.weight = nn.Parameter(torch.ones(self.num_features))


@mistake(
    "weight and bias are buffers",
    "Your weight and bias are buffers, so an optimizer would not train them. Make them "
    "nn.Parameters.",
)
class _:
    def make_affine(self):
        self.register_buffer("weight", torch.ones(self.num_features))
        self.register_buffer("bias", torch.zeros(self.num_features))


mistake(
    "num_batches_tracked is a float",
    "num_batches_tracked is a float. It counts, so make it an integer: torch.tensor(0).",
    make_counter=lambda self: self.register_buffer("num_batches_tracked", torch.tensor(0.0)),
)
mistake(
    "default eps is not 1e-5",
    "Your default eps is not PyTorch's, 1e-05.",
    default_eps=1e-3,
)
mistake(
    "default momentum is not 0.1",
    "Your default momentum is 0.9. PyTorch's is 0.1: the share of the new batch, not of the "
    "old value.",
    default_momentum=0.9,
)


@mistake(
    "input changed in place",
    "You change the input in place (as x -= mean does), and whoever else uses it gets your "
    "numbers. Make a new tensor: x - mean.",
)
class _:
    def centred(self, x, mean):
        x -= mean
        return x


mistake(
    "extra_repr empty",
    "Your extra_repr returns an empty string. Put num_features, eps and momentum into it.",
    extra_repr=lambda self: "",
)
mistake(
    "extra_repr without its f",
    "Your extra_repr shows the braces themselves. Put an f before the string, as in "
    'f"eps={self.eps}", so that Python fills them in.',
    extra_repr=lambda self: "{self.num_features}, {self.eps}, {self.momentum}",
)
mistake(
    "extra_repr with names only",
    "Your extra_repr shows words and no values. Use an f-string with the values in braces, as "
    'in f"eps={self.eps}".',
    extra_repr=lambda self: "num_features, eps, momentum",
)
mistake(
    "extra_repr returns a tuple",
    "Your extra_repr returns a tuple. It must return one string: put everything into a single "
    "f-string.",
    extra_repr=lambda self: (self.num_features, self.eps, self.momentum),
)
mistake(
    "extra_repr returns None",
    "Your extra_repr returns None. It must return the string: a print is no `return`.",
    extra_repr=lambda self: None,
)
mistake(
    "extra_repr without num_features",
    "Your extra_repr leaves out num_features.",
    show_num_features=lambda self: "",
)
mistake(
    "extra_repr without eps",
    "Your extra_repr leaves out eps.",
    show_eps=lambda self: "",
)
mistake(
    "extra_repr without momentum",
    "Your extra_repr leaves out momentum.",
    show_momentum=lambda self: "",
)

BATCHNORM2D = Exercise(
    name="BatchNorm2d",
    reference=nn.BatchNorm2d,
    names={},
    in_steps=BatchNorm2dInSteps,
    trials=BATCHNORM2D_TRIALS,
    mistakes=BATCHNORM2D_MISTAKES,
    closer_look=Trial("test_batchnorm2d_forward", "the axes of mean and variance", look_at_axes),
)


def test_batchnorm2d_module(BatchNorm2d: type[nn.Module]) -> None:
    """Check BatchNorm2d's parameters, buffers, state dict and extra_repr."""
    BATCHNORM2D.check("test_batchnorm2d_module", BatchNorm2d)


def test_batchnorm2d_forward(BatchNorm2d: type[nn.Module]) -> None:
    """Check BatchNorm2d's outputs and gradients in train and eval mode."""
    BATCHNORM2D.check("test_batchnorm2d_forward", BatchNorm2d)


def test_batchnorm2d_running_mean(BatchNorm2d: type[nn.Module]) -> None:
    """Check how running_mean and num_batches_tracked change in train mode, and not in eval."""
    BATCHNORM2D.check("test_batchnorm2d_running_mean", BatchNorm2d)


def test_batchnorm2d_running_var(BatchNorm2d: type[nn.Module]) -> None:
    """Check how running_var changes in train mode, and not in eval mode."""
    BATCHNORM2D.check("test_batchnorm2d_running_var", BatchNorm2d)


def test_batchnorm2d_running_stats_detached(BatchNorm2d: type[nn.Module]) -> None:
    """Check that the running statistics stay buffers and keep no autograd graph alive."""
    BATCHNORM2D.check("test_batchnorm2d_running_stats_detached", BatchNorm2d)
