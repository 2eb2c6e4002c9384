"""record_training: what becomes of each layer's outputs, gradients and weights in training.

In the style of fast.ai's ActivationStats. PyTorch's global hooks see all of it, and nothing is put
on the model or the optimizer, so that copies and files of them stay clean.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from resnet_helpers.debugging.calls import check_model
from resnet_helpers.debugging.values import tensors_in

if TYPE_CHECKING:
    import pandas as pd

    from resnet_helpers.figures.style import Picture


class LayerStats(NamedTuple):
    """One layer at one step; NaN where there is nothing to measure."""

    mean: float = math.nan  # of its output,
    std: float = math.nan  # ... and its standard deviation
    dead: float = math.nan  # the share of its channels that are 0 everywhere in the batch
    gradient: float = math.nan  # the norm of the gradient of its own parameters
    update: float = math.nan  # the norm of their change in this step, by the norm of themselves


class Recording:
    """What record_training has measured so far: a LayerStats for each layer and step.

    A layer is a module without children, or one that has parameters of its own; they are listed in
    the order in which they first ran.

    Attributes:
        steps: a dictionary for each step of the optimizer, from a layer's name to its LayerStats.
        kinds: the class of each layer, by its name.
    """

    def __init__(self):
        self.steps: list[dict[str, LayerStats]] = []
        self.kinds: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"a recording of {len(self.steps)} steps of {len(self.kinds)} layers"

    @property
    def table(self) -> "pd.DataFrame":
        """One row a step and layer: step (from 1 on), layer, kind, and the five statistics."""
        import pandas as pd

        rows = [
            (number, name, self.kinds[name], *step[name])
            for number, step in enumerate(self.steps, start=1)
            for name in self.kinds
        ]
        return pd.DataFrame(rows, columns=["step", "layer", "kind", *LayerStats._fields])

    def trained(self) -> list[str]:
        """The layers with parameters that an optimizer trains, in order."""
        return [
            name
            for name in self.kinds
            if any(not math.isnan(step[name].gradient) for step in self.steps)
        ]

    def without_gradient(self) -> list[str]:
        """Those of them whose gradient was missing, or 0, at every step."""
        return [
            name for name in self.trained() if all(step[name].gradient == 0 for step in self.steps)
        ]

    def plot(self) -> "Picture":
        """All five over the steps, a line a layer, from the first (dark) to the last (light)."""
        from resnet_helpers.figures.learning import draw_recording

        return draw_recording(self)

    def plot_gradients(self) -> "Picture":
        """The gradient's norm layer by layer, from the input to the output: at first and later."""
        from resnet_helpers.figures.learning import draw_gradients

        return draw_gradients(self)


@contextmanager
def record_training(model: nn.Module) -> Iterator[Recording]:
    """In the block, record each step that an optimizer of torch.optim makes with this model.

    Outputs are those of the last forward pass before the step in which gradients were enabled, so
    that measuring an accuracy in between does not count; gradients are those that the optimizer
    meets. The model, its training and the random state are as they would be without it, and at the
    end of the block, however it is left, no hook remains.

    Args:
        model: wherever it is, and in any mode.

    Yields:
        The Recording, which grows.

    Raises:
        InvalidArgumentError: a ValueError: it is no model, or one that cannot be observed.
    """
    check_model(model, None)
    recorder = _Recorder(model)
    handles = (
        register_module_forward_hook(recorder.see_output),
        register_optimizer_step_pre_hook(recorder.before_step),
        register_optimizer_step_post_hook(recorder.after_step),
    )
    try:
        yield recorder.recording
    finally:
        for handle in handles:
            handle.remove()


class _Recorder:
    """The hooks, and what they have to keep from one to the next."""

    def __init__(self, model: nn.Module):
        self.layers = {
            module: name or type(model).__name__
            for name, module in model.named_modules()
            if not list(module.children()) or list(module.parameters(recurse=False))
        }
        self.own = {
            name: list(module.parameters(recurse=False)) for module, name in self.layers.items()
        }
        self.recording = Recording()
        self.outputs: dict[str, tuple[float, float, float]] = {}
        self.before: dict[nn.Parameter, Tensor] = {}  # the weights before the step

    def see_output(self, module: nn.Module, args: tuple, output: Any) -> None:
        name = self.layers.get(module)  # every module's output comes here, of any model
        if name is not None and torch.is_grad_enabled():
            self.recording.kinds.setdefault(name, type(module).__name__)
            tensor = next((t for t in tensors_in(output) if t.is_floating_point()), None)
            if tensor is not None and tensor.numel():
                self.outputs[name] = _of_output(tensor.detach())

    def before_step(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        steps_with = {p for group in optimizer.param_groups for p in group["params"]}
        mine = [p for parameters in self.own.values() for p in parameters]
        self.before = {p: p.detach().clone() for p in mine if p in steps_with}

    def after_step(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        if not self.before:  # another model's
            return
        step = {}
        for name, parameters in self.own.items():
            output = self.outputs.get(name, (math.nan,) * 3)
            trained = [p for p in parameters if p in self.before and p.requires_grad]
            gradients = [p.grad.detach() for p in trained if p.grad is not None]
            weights = [self.before[p] for p in trained]
            changes = [p.detach() - before for p, before in zip(trained, weights, strict=True)]
            gradient, update = math.nan, math.nan
            if trained:
                gradient = _norm(gradients)
                update = _norm(changes) / size if (size := _norm(weights)) else math.nan
            step[name] = LayerStats(*output, gradient, update)
        self.recording.steps.append(step)
        self.outputs, self.before = {}, {}


def _of_output(tensor: Tensor) -> tuple[float, float, float]:
    """Mean, standard deviation and the share of dead channels, which are axis 1."""
    wide = tensor.float()
    mean, std = wide.mean().item(), wide.std(correction=0).item()
    if tensor.ndim < 2:
        return mean, std, math.nan
    channels = wide.transpose(0, 1).flatten(1)
    return mean, std, (channels == 0).all(dim=1).float().mean().item()


def _norm(tensors: list[Tensor]) -> float:
    """The norm of all their values together."""
    return math.hypot(*(tensor.float().norm().item() for tensor in tensors))
