"""Lesson 8: what makes a network faster, and shows where its time goes.

`fold` does to a whole model what the exercise `fold_batchnorm` does to one pair of layers.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from resnet_helpers import layers, solutions
from resnet_helpers.debugging.calls import Call, check_model, copy_of, full_float32, run
from resnet_helpers.debugging.values import tensors_in
from resnet_helpers.errors import InvalidArgumentError, ModelFailedError

# ---- Folding a whole model --------------------------------------------------------------------

TOLERANCE = 1e-4  # by how much values may differ; where some are above 1, as a part of the largest


def fold(
    model: nn.Module,
    x: Tensor | None = None,
    fold_batchnorm: Callable[[nn.Module, nn.Module], nn.Conv2d] = solutions.fold_batchnorm,
) -> nn.Module:
    """A copy of the model, in eval mode, with each batchnorm folded into the convolution before it.

    The pairs are found by running the copy once: a batchnorm is folded if its input is the output
    of a convolution, and is used nowhere else. nn.Identity takes its place. A batchnorm that is
    left is printed, with the reason. Then the copy is run again, and must give the same.

    Args:
        model: in eval mode. It stays as it is.
        x: what the copy is run on; by default two small pictures of noise.
        fold_batchnorm: makes one convolution of a pair; by default the course's answer.

    Raises:
        InvalidArgumentError: a ValueError: it is no model, or one that cannot be observed; or a
            part of it is in train mode, or in a dtype that rounds by more than TOLERANCE.
        ModelFailedError: a RuntimeError: the model cannot be copied or run; or the folded copy
            gives something else, by more than TOLERANCE.
    """
    check_model(model, x)
    _require_eval_mode(model)
    _require_precision(model)
    with torch.inference_mode(False), torch.no_grad(), full_float32():
        folded = copy_of(model)
        observed = _Observed()
        with observed:
            expected = _outputs(folded, x, observed.enter, observed.leave)
        observed.use(expected)
        _require_finite(expected)
        new_convs = _fold_pairs(folded, observed, fold_batchnorm)
        reached = set()
        got = _outputs(folded, x, lambda call, _: reached.add(call.module), lambda *_: None)
    _require_in_use(new_convs, reached)
    _require_same(expected, got)
    return folded


def _fold_pairs(
    model: nn.Module, observed: "_Observed", fold_batchnorm: Callable
) -> dict[str, nn.Module]:
    """Replace what can be folded, print what cannot; the new convolutions, by name."""
    new_convs = {}
    for name, norm in list(model.named_modules()):
        if not _is_norm(norm):
            continue
        if reason := observed.reason_to_leave(norm):
            print(f"Left as it is: {name}, because {reason}.")
            continue
        conv = observed.conv_of[norm]
        new_convs[conv.name] = fold_batchnorm(conv.module, norm)
        _replace(model, conv.module, new_convs[conv.name])
        _replace(model, norm, nn.Identity())
    model.eval()  # new modules are in train mode
    return new_convs


class _Observed(TorchFunctionMode):
    """What one run shows of convolutions and batchnorms.

    As a mode it sees every operation that is done with a convolution's output.
    """

    def __init__(self) -> None:
        super().__init__()
        self.n_calls: Counter[nn.Module] = Counter()
        self.made: dict[int, tuple[Tensor, Call]] = {}  # outputs, kept, by id; and who made each
        self.conv_of: dict[nn.Module, Call | None] = {}  # by batchnorm: whose output it was given
        self.used_elsewhere: set[nn.Module] = set()  # convolutions
        self.unlike_formula: set[nn.Module] = set()
        self.norm: Call | None = None  # the one that is running
        self.expected: Tensor | None = None  # of the module that is running

    def enter(self, call: Call, arguments: Any) -> None:
        """A call begins."""
        module = call.module
        if not (_is_conv(module) or _is_norm(module)):
            return
        self.n_calls[module] += 1
        x = tensors_in(arguments)[0]
        if _is_norm(module):
            self.norm = call
            self.conv_of[module] = self._maker(x)
        self.expected = _by_formula(module, x)

    def leave(self, call: Call, output: Any) -> None:
        """A call is done."""
        if not (_is_conv(call.module) or _is_norm(call.module)):
            return
        if _difference([self.expected], tensors_in(output)) > TOLERANCE:
            self.unlike_formula.add(call.module)
        if _is_conv(call.module):
            self.made[id(output)] = output, call
        self.norm = None

    def _maker(self, tensor: Tensor) -> Call | None:
        """The convolution whose output this very tensor is."""
        output, conv = self.made.get(id(tensor), (None, None))
        return conv if output is tensor else None

    def use(self, tensors: list[Tensor]) -> None:
        """These are used, by a batchnorm or elsewhere."""
        if self.norm is None:
            makers = (self._maker(tensor) for tensor in tensors)
            self.used_elsewhere |= {conv.module for conv in makers if conv}

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs=None) -> Any:
        result = func(*args, **(kwargs or {}))
        if result is None or tensors_in(result):  # others only read, as .shape does
            self.use(tensors_in((args, kwargs)))
        return result

    def reason_to_leave(self, norm: nn.Module) -> str:
        """Why the batchnorm cannot be folded; "" if it can."""
        if norm.running_mean is None:
            return "it keeps no running statistics"
        if self.n_calls[norm] != 1:
            return f"it ran {self.n_calls[norm]} times" if self.n_calls[norm] else "it did not run"
        if norm in self.unlike_formula:
            return "in eval mode it gives something else than its running statistics say"
        conv = self.conv_of[norm]
        if not conv:
            return "its input is not the output of an nn.Conv2d or Conv2d"
        if self.n_calls[conv.module] != 1:
            return f"{conv.name}, whose output is its input, ran {self.n_calls[conv.module]} times"
        others = [other for other in self.conv_of.values() if other is conv]
        if conv.module in self.used_elsewhere or len(others) > 1:
            return f"the output of {conv.name}, its input, is used elsewhere too"
        if conv.module in self.unlike_formula:
            return f"{conv.name} gives something else than a convolution with its weight does"
        return ""


def _is_conv(module: nn.Module) -> bool:
    return isinstance(module, (nn.Conv2d, layers.Conv2d))


def _is_norm(module: nn.Module) -> bool:
    """Whether it is a batchnorm: PyTorch's, or one that keeps the same under the same names."""
    names = ("running_mean", "running_var", "weight", "bias", "eps")
    has_all = all(hasattr(module, name) for name in names)
    return isinstance(module, _BatchNorm) or (has_all and module.running_mean is not None)


def _by_formula(module: nn.Module, x: Tensor) -> Tensor:
    """What a convolution, or a batchnorm in eval mode, has to give for x."""
    m = module
    if _is_conv(m):
        return F.conv2d(x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)
    batchs_own = m.running_mean is None
    return F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, batchs_own, eps=m.eps)


def _difference(expected: list[Tensor], got: list[Tensor]) -> float:
    """The largest difference of two values; of values above 1, as a part of the largest one."""
    if [tensor.shape for tensor in expected] != [tensor.shape for tensor in got]:
        return math.inf
    largest = 0.0
    for a, b in zip(expected, got, strict=True):
        if not torch.allclose(a, b, rtol=0, atol=0, equal_nan=True):
            gap = (a - b).abs().max() / a.abs().max().clamp(min=1)
            largest = max(largest, float(gap.nan_to_num(math.inf)))
    return largest


def _require_eval_mode(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module.training:
            where = f"{name} is" if name else "The model is"
            raise InvalidArgumentError(
                f"{where} in train mode, in which batchnorm uses each batch's own statistics, and "
                "there is nothing fixed to fold: call model.eval() first."
            )


def _require_precision(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and torch.finfo(parameter.dtype).eps > TOLERANCE:
            raise InvalidArgumentError(
                f"{name} is in {parameter.dtype}, whose rounding alone is more than {TOLERANCE}: "
                "fold the model in float32, then convert the result."
            )


def _outputs(model: nn.Module, x: Tensor | None, enter: Callable, leave: Callable) -> list[Tensor]:
    """All tensors that the model gives for x, while it is observed."""
    if x is not None:
        return tensors_in(run(model, x, enter, leave))
    noise = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0), device="cpu")
    parameter = next(model.parameters(), noise)
    try:
        return tensors_in(run(model, noise.to(parameter), enter, leave))
    except ModelFailedError as error:
        raise ModelFailedError(
            f"{error} (It was run on two pictures of noise, of shape {tuple(noise.shape)}. If it "
            "takes something else, pass that: fold(model, x).)"
        ) from error


def _replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` wherever `old` is a part of the model."""
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):  # one may be there under two names
            if child is old:
                setattr(parent, name, new)


def _require_finite(expected: list[Tensor]) -> None:
    if not all(tensor.isfinite().all() for tensor in expected):
        raise ModelFailedError(
            "The model gives a NaN or an infinity for x, with which no other model can be "
            "compared: pass an x for which it gives numbers, fold(model, x)."
        )


def _require_in_use(new_convs: dict[str, nn.Module], reached: set[nn.Module]) -> None:
    for name, conv in new_convs.items():
        if conv not in reached:
            raise ModelFailedError(
                f"{name} cannot be replaced: the model reaches it in another way than by this "
                "name, through a plain list, say. Keep layers in an nn.ModuleList."
            )


def _require_same(expected: list[Tensor], got: list[Tensor]) -> None:
    difference = _difference(expected, got)
    if difference > TOLERANCE:
        raise ModelFailedError(
            f"The folded copy gives something else than the model: a difference of {difference:.2g}"
            f" where {TOLERANCE} is allowed."
        )
