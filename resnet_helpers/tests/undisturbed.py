"""Whatever a trial does, and whatever mode the notebook is in, neither disturbs the other.

A trial always meets the same random state, dtype, device and modes. A learner's code that changes
something outside itself has changed it back when the trial is over. Our own code always meets
PyTorch's own functions, whatever a cell has put in their place.
"""

import builtins
import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as nn_module

from resnet_helpers import layers, solutions

Replacements = Sequence[tuple[Any, str, Any]]  # owner, name, what stands there
Attributes = Sequence[tuple[Any, dict[str, Any]]]  # owner, what it holds by its names
Surroundings = tuple[Attributes, Sequence[tuple["State", Any]]]  # and what each state is


@contextmanager
def undisturbed() -> Iterator[None]:
    """A fixed random state, float32 on the CPU, gradients on; afterwards all is as it was."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    default = torch.empty(0).device.type
    with (
        without_hooks(),
        torch.autograd.set_detect_anomaly(False),
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        contextlib.nullcontext() if default == "cpu" else torch.device("cpu"),  # which takes time
        torch.autocast("cpu", enabled=False),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.default_generator.manual_seed(0)
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)  # more of them take ten times as long on tensors this small
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_num_threads(threads)


@contextmanager
def without_hooks() -> Iterator[None]:
    """Without the hooks on all modules at once, as register_module_forward_hook makes them."""
    before = [dict(hooks) for hooks in GLOBAL_HOOKS]
    for hooks in GLOBAL_HOOKS:
        hooks.clear()
    try:
        yield
    finally:
        for hooks, old in zip(GLOBAL_HOOKS, before, strict=True):
            hooks.clear()
            hooks.update(old)


class Printed(io.StringIO):
    """What was printed; code that closes its standard output does not close this."""

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def silent() -> Iterator[Printed]:
    """Around code of ours: undisturbed, and what it prints is caught."""
    printed = Printed()
    with undisturbed(), redirect_stdout(printed):
        yield printed


def surroundings() -> Surroundings:
    """What a learner's code is to leave as it is: what those owners hold, and the state of all."""
    attributes = [(owner, vars(owner).copy()) for owner in WITHOUT_CHANGES]
    return attributes, [(state, state.get()) for state in STATES]


@contextmanager
def contained(before: Surroundings, replaced: Replacements = ()) -> Iterator[Printed]:
    """Around a learner's code: what it prints is caught, and what it changes is changed back.

    Back to these surroundings, which are taken once for many trials: there are thousands of names.
    It meets the replacements that the learner has made in place of PyTorch's own functions.
    """
    attributes, states = before
    printed = Printed()
    try:
        with undisturbed(), redirect_stdout(printed), redirect_stderr(printed):
            for owner, name, value in replaced:
                setattr(owner, name, value)
            yield printed
    finally:
        for owner, old in attributes:
            if vars(owner) != old:
                put_back(owner, old)
        for state, value in states:
            if state.get() != value:
                state.set(value)


# ---- What a learner may have put in place of PyTorch's own ----------------------------------


def put_back(owner: Any, old: dict[str, Any]) -> None:
    """Give the owner back those of its old attributes that were replaced or removed."""
    names = vars(owner)
    for name, value in old.items():
        if names.get(name) is not value:
            setattr(owner, name, value)
    for name in names.keys() - old.keys():
        if not isinstance(names[name], ModuleType):  # one that has been imported meanwhile
            delattr(owner, name)


def original(owner: Any, name: str) -> Any:
    """What the owner had under that name of its own, or inherits; None if nothing."""
    bases = getattr(owner, "__mro__", [owner])[1:]
    return next((has[name] for has in (OWN[owner], *map(vars, bases)) if name in has), None)


def replacements() -> Replacements:
    """What now stands in place of a function or class of PyTorch's or the course's own."""
    return [
        (owner, name, value)
        for owner, own in OWN.items()
        if vars(owner) != own
        for name, value in vars(owner).items()
        if not (name in own and own[name] is value)
        and name != "__annotate_func__"  # Python 3.14 drops it once it has made the annotations
        and callable(original(owner, name))
        and value is not original(owner, name)
        and not is_pytorchs(value)
    ]


def is_pytorchs(value: Any) -> bool:
    """Whether PyTorch put it there itself, as torch.compile does with Module.__init__."""
    return (getattr(value, "__module__", None) or "").startswith("torch.")


@contextmanager
def with_pytorchs_own(replaced: Replacements) -> Iterator[None]:
    """Within it, the own functions are back in place of these."""
    for owner, name, _ in replaced:
        if name in OWN[owner]:
            setattr(owner, name, OWN[owner][name])
        else:
            delattr(owner, name)  # the inherited one is back
    try:
        yield
    finally:
        for owner, name, value in replaced:
            setattr(owner, name, value)


# ---- The state of the process ---------------------------------------------------------------


class State:
    """Something of the whole process that can be looked at and set."""

    def __init__(self, get: Callable[[], Any], set_to: Callable[[Any], Any]):
        self.get = get
        self.set = set_to


def working_directory() -> str:
    """Where we are, or "" where that folder is gone."""
    with contextlib.suppress(OSError):
        return os.getcwd()
    return ""


def default_device(make: Callable[..., torch.Tensor] = torch.empty) -> torch.device:
    """Where new tensors go; PyTorch 2.6's own function fails once a default was taken back."""
    return make(0).device


def numpy_state() -> tuple | None:
    """NumPy's random state, of parts that compare; None where nobody has imported NumPy."""
    if "numpy" not in sys.modules:
        return None
    kind, keys, *rest = sys.modules["numpy"].random.get_state()
    return kind, keys.tobytes(), *rest


def set_numpy_state(state: tuple | None) -> None:
    """Back to a state that numpy_state gave."""
    if state is not None:
        numpy = sys.modules["numpy"]
        kind, keys, *rest = state
        numpy.random.set_state((kind, numpy.frombuffer(keys, numpy.uint32), *rest))


STATES = (
    State(random.getstate, random.setstate),
    State(numpy_state, set_numpy_state),
    State(working_directory, os.chdir),
    State(sys.getrecursionlimit, sys.setrecursionlimit),
    State(lambda: dict(os.environ), lambda old: (os.environ.clear(), os.environ.update(old))),
    State(
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda old: torch.use_deterministic_algorithms(old[0], warn_only=old[1]),
    ),
    State(
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda old: torch.autograd.set_detect_anomaly(*old),
    ),
    State(default_device, torch.set_default_device),
)

MODULES = [
    base
    for names in (nn, layers, solutions)
    for value in vars(names).values()
    if isinstance(value, type) and issubclass(value, nn.Module)
    for base in value.__mro__
    if issubclass(base, nn.Module)
]
# Whose functions a learner may replace, as in torch.Tensor.mean = …
WITHOUT_CHANGES = (
    torch,
    torch.Tensor,
    nn,
    nn.functional,
    nn.init,
    builtins,
    *dict.fromkeys(MODULES),
)
# Those of PyTorch and the course as they were when this module was imported. (builtins are not
# among them: IPython replaces some of those itself.)
OWN = {owner: dict(vars(owner)) for owner in WITHOUT_CHANGES if owner is not builtins}
GLOBAL_HOOKS = tuple(
    hooks
    for name, hooks in vars(nn_module).items()
    if name.startswith("_global_") and isinstance(hooks, dict)
)
