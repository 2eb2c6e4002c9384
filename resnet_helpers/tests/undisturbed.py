"""Whatever a trial does, and whatever mode the notebook is in, neither disturbs the other.

A trial always meets the same random state, dtype, device and modes. A learner's code that changes
something outside itself has changed it back when the trial is over.
"""

import builtins
import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as nn_module


@contextmanager
def undisturbed() -> Iterator[None]:
    """A fixed random state, float32 on the CPU, gradients on; afterwards all is as it was."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    with (
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
        torch.enable_grad(),
        on_the_cpu(),
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


def on_the_cpu() -> AbstractContextManager:
    """Makes new tensors on the CPU; nothing where they are, since it slows each call of PyTorch."""
    cpu = torch.device("cpu")
    return contextlib.nullcontext() if torch.get_default_device() == cpu else cpu


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


@contextmanager
def contained() -> Iterator[Printed]:
    """Around a learner's code: what it prints is caught, and what it changes is changed back."""
    before = [(state, state.get()) for state in STATES]
    contents = [(names, dict(names)) for names in map(vars, WITHOUT_CHANGES)]
    hooks = [(hooks, dict(hooks)) for hooks in GLOBAL_HOOKS]
    printed = Printed()
    try:
        with undisturbed(), redirect_stdout(printed), redirect_stderr(printed):
            yield printed
    finally:
        for owner, (names, old) in zip(WITHOUT_CHANGES, contents, strict=True):
            if names != old:
                put_back(owner, names, old)
        for hooks_now, old in hooks:
            if hooks_now != old:
                hooks_now.clear()
                hooks_now.update(old)
        for state, value in before:
            if state.get() != value:
                state.set(value)


def put_back(owner: Any, names: dict[str, Any], old: dict[str, Any]) -> None:
    """Give the owner, whose attributes are `names`, back those that were replaced or removed."""
    for name, value in old.items():
        if names.get(name) is not value:
            setattr(owner, name, value)
    for name in names.keys() - old.keys():
        delattr(owner, name)


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
    State(torch.get_default_device, torch.set_default_device),
)

# Whose functions a learner may have replaced, as in torch.Tensor.mean = …
WITHOUT_CHANGES = (torch, torch.Tensor, nn, nn.functional, nn.Module, nn.init, builtins)
GLOBAL_HOOKS = tuple(
    hooks
    for name, hooks in vars(nn_module).items()
    if name.startswith("_global_") and isinstance(hooks, dict)
)
