"""Whatever a learner's code does during a check, it ends with its panel, and the next one works.

And whatever a learner has done before it, a check says what is true.
"""

import asyncio
import builtins
import os
import random
import sys
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as nn_module

import resnet_helpers.tests as checks
from resnet_helpers import solutions
from resnet_helpers.tests.failure import CheckFailure


def pool(forward):
    """A learner's AveragePool that does this."""
    return type("AveragePool", (nn.Module,), {"forward": lambda self, x: forward(x)})


def failure_of(implementation, check=checks.test_averagepool):
    """The failure that the check raises; it has left all as it was, and can be shown."""
    before = state()
    with pytest.raises(CheckFailure) as caught:
        check(implementation)
    assert state() == before
    panel = "\n".join(caught.value._render_traceback_())
    panel.encode()  # what cannot be encoded cannot be printed
    assert panel.count("│ ") <= 15
    return caught.value


def message_of(implementation, check=checks.test_averagepool):
    """The words of the check that fails."""
    return str(failure_of(implementation, check))


def state():
    """What a learner's code can leave changed, apart from the replaced functions below."""
    return {
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),
        "torch": torch.get_rng_state().tolist(),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "recursion limit": sys.getrecursionlimit(),
        "warnings": list(warnings.filters),
        "output": (sys.stdout, sys.stderr, sys.stdout.closed, sys.stderr.closed),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomaly": (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_default_dtype(),
        "device": torch.empty(0).device,
        "threads": torch.get_num_threads(),
        "hooks": [dict(getattr(nn_module, name)) for name in GLOBAL_HOOKS],
        "sum": torch.ones(2, requires_grad=True).sum().item(),
    }


GLOBAL_HOOKS = ["_global_forward_hooks", "_global_module_registration_hooks"]


@pytest.fixture(autouse=True)
def the_next_check_works(capsys):
    """After each test of this file."""
    yield
    capsys.readouterr()
    checks.test_averagepool(solutions.AveragePool)
    assert capsys.readouterr().out == "All tests in `test_averagepool` passed!\n"


# ---- What it raises -------------------------------------------------------------------------


class OwnBaseException(BaseException):
    pass


class HasNoTextError(Exception):
    def __str__(self):
        raise ValueError("the text itself raises")

    __repr__ = __str__


class ExitsForTextError(Exception):
    def __str__(self):
        sys.exit()

    __repr__ = __str__


def nested_list(depth=100_000):
    found = []
    for _ in range(depth):
        found = [found]
    return found


ERRORS = {
    "exit": SystemExit(1),
    "generator exit": GeneratorExit(),
    "own": OwnBaseException("own"),
    "cancelled": asyncio.CancelledError(),
    "a word of a megabyte": ValueError("a" * 1_000_000),
    "words of a megabyte": ValueError("a b " * 250_000),
    "no text": HasNoTextError(),
    "exits for a text": ExitsForTextError(),
    "a nested list": ValueError(nested_list()),
    "half a character": ValueError("\ud800"),
    "cursor": ValueError("\x1b[2J\x1b[31m"),
    "stop": StopIteration(),
    "group": ExceptionGroup("two", [ValueError("one"), OSError("two")]),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_an_error_of_any_kind_is_shown(error):
    def forward(x):
        raise error

    assert f"{type(error).__name__}:" in message_of(pool(forward))


def test_exit_as_a_learner_would_write_it():
    assert "SystemExit: " in message_of(pool(lambda x: exit()))


def test_endless_recursion_is_shown():
    def forward(x):
        return forward(x)

    assert "RecursionError: " in message_of(pool(forward))


def test_the_interrupt_key_ends_the_check():
    def forward(x):
        random.seed(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checks.test_averagepool(pool(forward))


# ---- What it returns ------------------------------------------------------------------------


class BrokenText:
    def __repr__(self):
        raise RuntimeError("no text")

    def __eq__(self, other):
        raise RuntimeError("not comparable")

    __hash__ = None


class ExitsAsText:
    def __repr__(self):
        sys.exit()


class OwnTensor(torch.Tensor):
    pass


class BrokenTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *args, **kwargs):
        raise RuntimeError("no function works")


def list_in_itself(x):
    found = []
    found.append(found)
    return found


def rows(x):
    yield from x


NO_TENSOR = {
    "nested list": lambda x: nested_list(),
    "tuple with a nested list": lambda x: (nested_list(), 1),
    "list in itself": list_in_itself,
    "broken text": lambda x: BrokenText(),
    "exits as text": lambda x: ExitsAsText(),
    "generator": rows,
    "class": lambda x: nn.Linear,
    "list of a million": lambda x: [1] * 1_000_000,
    "array": lambda x: x.numpy().mean((2, 3)),
}
TENSORS = {
    "sparse": (lambda x: x.mean((2, 3)).to_sparse(), "a sparse tensor"),
    "compressed": (lambda x: x.mean((2, 3)).to_sparse_csr(), "a sparse tensor"),
    "nested": (lambda x: torch.nested.nested_tensor(list(x.mean((2, 3)))), "a nested tensor"),
    "quantised": (
        lambda x: torch.quantize_per_tensor(x.mean((2, 3)), 0.1, 0, torch.qint8),
        "a quantised tensor",
    ),
    "of an own class": (
        lambda x: x.mean((2, 3)).as_subclass(OwnTensor),
        "a tensor of class OwnTensor",
    ),
    "broken": (
        lambda x: x.mean((2, 3)).as_subclass(BrokenTensor),
        "a tensor of class BrokenTensor",
    ),
    "without a shape": (
        lambda x: nn.UninitializedParameter(),
        "a tensor of class UninitializedParameter",
    ),
    "meta": (lambda x: x.mean((2, 3)).to("meta"), "device meta"),
    "complex": (lambda x: x.mean((2, 3)) + 1j, "dtype torch.complex64"),
    "enormous": (lambda x: x.mean((2, 3), keepdim=True).expand(-1, -1, 10**6, 10**6), "shape"),
}
KINDS = NO_TENSOR | {name: forward for name, (forward, _) in TENSORS.items()}


@pytest.mark.parametrize("forward", NO_TENSOR.values(), ids=NO_TENSOR)
def test_a_result_of_any_kind_is_shown(forward):
    kind = type(forward(torch.ones(1, 1, 1, 1))).__name__
    assert f"something of type {kind}, and no" in message_of(pool(forward))


def test_a_text_of_megabytes_is_cut():
    assert len(message_of(pool(lambda x: "a" * 10_000_000))) < 2000


@pytest.mark.parametrize(("forward", "words"), TENSORS.values(), ids=TENSORS)
def test_a_tensor_of_any_kind_is_shown(forward, words):
    assert words in message_of(pool(forward))


# ---- What it changes ------------------------------------------------------------------------


def raising_hook(*args):
    raise RuntimeError("a hook on all modules")


CHANGES = {
    "random": lambda: random.seed(1),
    "numpy": lambda: np.random.seed(1),
    "torch": lambda: torch.manual_seed(1),
    "folder": lambda: os.chdir("/"),
    "environment": lambda: os.environ.clear(),
    "recursion limit": lambda: sys.setrecursionlimit(5000),
    "warnings are errors": lambda: warnings.simplefilter("error"),
    "output closed": lambda: sys.stdout.close(),
    "errors closed": lambda: sys.stderr.close(),
    "no output": lambda: setattr(sys, "stdout", None),
    "prints a megabyte": lambda: print("a" * 1_000_000),
    "prints a million lines": lambda: print("a\n" * 1_000_000),
    "moves the cursor": lambda: print("\x1b[2J\x1b[31m\ud800\a"),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "no_grad entered": lambda: torch.no_grad().__enter__(),
    "inference mode entered": lambda: torch.inference_mode().__enter__(),
    "autocast entered": lambda: torch.autocast("cpu").__enter__(),
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(3),
    "hook on all": lambda: nn_module.register_module_forward_hook(raising_hook),
    "registration": lambda: nn_module.register_module_module_registration_hook(raising_hook),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_it_changes_is_changed_back_and_the_mistake_named_all_the_same(change):
    def forward(x):
        change()
        return x.sum((2, 3))

    assert "You sum over height and width" in message_of(pool(forward))


def test_a_default_device_that_was_set_and_taken_back_before_does_not_matter():
    """PyTorch 2.6 does not know then what the default device is."""
    torch.set_default_device("cpu")
    torch.set_default_device(None)
    assert "You sum over height and width" in message_of(pool(lambda x: x.sum((2, 3))))


REPLACED = [
    (torch.Tensor, "mean"),  # which Tensor inherits
    (torch.Tensor, "__repr__"),
    (torch, "allclose"),
    (nn.Module, "__call__"),
    (nn.Linear, "forward"),
    (solutions.AveragePool, "forward"),
    (nn, "Parameter"),
    (F, "batch_norm"),
    (builtins, "print"),
    (builtins, "str"),
]


def names_of(values):
    return getattr(values, "__name__", values)


@pytest.mark.parametrize(("owner", "name"), REPLACED, ids=names_of)
@pytest.mark.parametrize("ends", ["returns", "raises"])
def test_functions_that_it_replaces_are_put_back(owner, name, ends):
    before = getattr(owner, name), name in vars(owner)

    def forward(x):
        setattr(owner, name, None)
        if ends == "raises":
            raise ValueError("after that")
        return x.sum((2, 3))

    message = message_of(pool(forward))
    assert ("ValueError: after that" if ends == "raises" else "You sum over") in message
    assert (getattr(owner, name), name in vars(owner)) == before


def test_what_it_adds_to_a_class_of_pytorchs_is_taken_off():
    def forward(x):
        torch.Tensor.my_mean = lambda self: self.mean((2, 3))
        return x.my_mean() * 2

    assert "output = [[3, 4], [11, 4]]" in message_of(pool(forward))
    assert not hasattr(torch.Tensor, "my_mean")


# ---- What was done before the check ---------------------------------------------------------


def divided_by_zero(*args, **kwargs):
    return 1 / 0


@pytest.mark.parametrize(
    ("owner", "name", "shown"),
    [
        (torch.Tensor, "mean", "Tensor.mean"),
        (torch.Tensor, "view", "Tensor.view"),
        (torch, "no_grad", "torch.no_grad"),
        (torch, "sqrt", "torch.sqrt"),
        (nn.Module, "__call__", "Module.__call__"),
        (nn, "Parameter", "torch.nn.Parameter"),
    ],
)
@pytest.mark.parametrize("value", [divided_by_zero, None, lambda *args, **kwargs: args[0]])
def test_a_function_of_pytorchs_that_was_replaced_is_told(owner, name, shown, value, monkeypatch):
    monkeypatch.setattr(owner, name, value, raising=False)
    failure = failure_of(solutions.BatchNorm2d, checks.test_batchnorm2d_forward)
    assert "Error" not in failure.rows["Expected"]
    [hint] = failure.hints
    assert hint.startswith(f"Something stands in the place of {shown}, and with PyTorch's own")


@pytest.mark.parametrize("owner", [torch.Tensor, torch, nn.Module, F])
def test_one_that_makes_no_difference_is_not_mentioned(owner, monkeypatch):
    name = {torch.Tensor: "amax", torch: "allclose", nn.Module: "half", F: "relu"}[owner]
    monkeypatch.setattr(owner, name, divided_by_zero, raising=False)
    checks.test_averagepool(solutions.AveragePool)
    assert "You sum over height and width" in message_of(pool(lambda x: x.sum((2, 3))))


@pytest.mark.parametrize("forward", KINDS.values(), ids=KINDS)
def test_nor_is_it_where_what_comes_out_cannot_be_compared(forward, monkeypatch):
    monkeypatch.setattr(nn.Conv2d, "extra_repr", lambda self: "")
    assert "Something stands" not in message_of(pool(forward))


def test_a_method_that_was_added_to_tensors_does_no_harm(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "my_mean", lambda self: self.mean((2, 3)), raising=False)
    checks.test_averagepool(pool(lambda x: x.my_mean()))


def test_the_courses_own_answer_may_have_been_replaced(monkeypatch):
    monkeypatch.setattr(solutions.AveragePool, "forward", lambda self, x: x.sum((2, 3)))
    checks.test_averagepool(pool(lambda x: x.mean((2, 3))))
    assert "You sum over" in message_of(pool(lambda x: x.sum((2, 3))))


def test_a_hook_on_all_modules_does_no_harm():
    handle = nn_module.register_module_forward_hook(raising_hook)
    try:
        checks.test_averagepool(pool(lambda x: x.mean((2, 3))))
    finally:
        handle.remove()


def test_anomaly_mode_does_no_harm():
    def forward(x):  # its gradient is NaN where it is thrown away, which is right all the same
        return torch.where(x < 100, x, (x - 1000).sqrt()).mean((2, 3)) + 0 * x.mean((2, 3))

    with torch.autograd.set_detect_anomaly(True):
        checks.test_averagepool(pool(lambda x: x.mean((2, 3))))
        with pytest.raises(CheckFailure, match=r"x\.grad"):
            checks.test_averagepool(pool(forward))


# ---- What a check is given ------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [BrokenText(), ExitsAsText(), nested_list(), "a" * 10_000_000, nn.Linear(2, 2)]
)
def test_a_check_may_be_given_anything(given):
    assert "Pass the class itself" in message_of(given)
    assert "Pass the function itself" in message_of(given, checks.test_predict) or callable(given)


def test_what_pytorch_itself_puts_in_a_functions_place_is_not_told():
    original = nn.Module.__init__

    def patched(self, *args, **kwargs):
        original(self, *args, **kwargs)

    patched.__module__ = "torch._dynamo.mutation_guard"  # as torch.compile leaves it
    nn.Module.__init__ = patched
    try:
        assert "stands in the place" not in message_of(pool(lambda x: x))
    finally:
        nn.Module.__init__ = original
