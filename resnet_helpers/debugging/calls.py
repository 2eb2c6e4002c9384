"""Running a model under observation: every call of every module is seen, and no trace remains.

The tools beside this module say what to look at; hooks, modes, buffers and random state are here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resnet_helpers.debugging.values import tensors_in


@dataclass(eq=False)
class Call:
    """One call of a module, and what a tool keeps of it."""

    name: str
    module: nn.Module
    number: int  # 2 for the second call of the same module
    parent: "Call | None"  # the call during which it happened
    is_leaf: bool = True
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    worst_input: int = 0  # an index into WORST

    @property
    def label(self) -> str:
        """For a table: layer1.0.relu, and layer1.0.relu #2 for the second call."""
        again = f" #{self.number}" if self.number > 1 else ""
        return (self.name or "the model itself") + again

    def __str__(self) -> str:
        return f"`{self.label}` ({type(self.module).__name__})"


Observer = Callable[[Call, list[Tensor]], None]


@contextmanager
def hooked(
    modules: Iterable[nn.Module], after: Callable, before: Callable | None = None
) -> Iterator[None]:
    """In the block, hooks see each call of each module; at its end they are gone.

    Args:
        modules: whose calls are seen.
        after: called as after(module, args, kwargs, output), when forward is done.
        before: called as before(module, args, kwargs), if given, when it begins.
    """
    handles = []
    try:
        for module in modules:
            if before:
                handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.register_forward_hook(after, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def run(model: nn.Module, x: Any, enter: Observer, leave: Observer) -> Any:
    """Return model(x); `enter` sees each call with its input tensors, `leave` with its outputs.

    Raises:
        RuntimeError: forward raised something; names the innermost module, chains the original.
        ValueError: a module is lazy and has no weights yet.
    """
    names = {module: name for name, module in model.named_modules()}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):  # the first call would make it, and so change the model for good
            raise ValueError(f"`{name}` is uninitialized: call the model once on some data first")
    n_calls: Counter[nn.Module] = Counter()
    running: list[Call] = []

    def before(module: nn.Module, args: tuple, kwargs: dict) -> None:
        parent = running[-1] if running else None
        if parent:
            parent.is_leaf = False
        n_calls[module] += 1
        running.append(Call(names[module], module, n_calls[module], parent))
        enter(running[-1], tensors_in((args, kwargs)))

    def after(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
        while (call := running.pop()).module is not module:
            pass  # a call whose exception the model has caught never got here
        leave(call, tensors_in(output))

    with hooked(names, after, before):
        try:
            return model(x)
        except Exception as error:
            where = f"{running[-1]} of {type(model).__name__}" if running else type(model).__name__
            raise RuntimeError(f"forward failed in {where}: {error}") from error


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards each module is in train or eval mode, as it was before."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into eval mode in the block; then each of its modules is as it was before."""
    with modes_kept(model):
        model.eval()
        yield


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Afterwards training flags, buffers and torch's random state are as they were before."""
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=gpus), modes_kept(model):
        try:
            yield
        finally:
            for module, name, buffer, value in buffers:
                setattr(module, name, buffer)  # forward may have put a new tensor in its place
                if not torch.equal(buffer, value):
                    buffer.detach().copy_(value)
