"""Lesson 6: the check of add_hook, with its known mistakes."""

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from types import MethodType
from typing import Any

from torch import nn

from resnet_helpers import solutions
from resnet_helpers.solutions import hook_check_for_nan_output
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.nan_hook import CLEAN, NAN, Culprit, caught  # noqa: F401
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------


def beside(function: Callable, name: str) -> Any:
    """What `name` means where the learner's function is: a global of its, or a method's sibling.

    Raises:
        LookupError: there is nothing of that name.
    """
    if isinstance(function, MethodType):
        return getattr(function.__self__, name)
    names = getattr(inspect.unwrap(function), "__globals__", {})  # not a decorator's
    if name not in names:
        raise LookupError(
            f"there is nothing called {name} where your function is: keep the exercise's names, "
            "and run the cell that defines it"
        )
    return names[name]


def handles_of(function: Callable) -> MutableMapping:
    """The learner's `handles`, as they are now: the function may put another dictionary there.

    Raises:
        LookupError: there is no dictionary of that name.
    """
    handles = beside(function, "handles")
    if not isinstance(handles, MutableMapping):
        raise LookupError(f"handles should be a dictionary, and is a {type(handles).__name__}")
    return handles


@contextmanager
def handles_restored(function: Callable) -> Iterator[None]:
    """What is put into the learner's `handles` meanwhile is taken out again."""
    before = dict(handles_of(function))
    try:
        yield
    finally:
        handles = handles_of(function)
        handles.clear()
        handles.update(before)


def nested() -> nn.Sequential:
    """A small model: two leaves of one class, and a container in a container."""
    return nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU(), nn.Identity()))


def counts(model: nn.Module) -> dict[str, int]:
    """How many forward hooks there are on each module."""
    return {name or "model": len(m._forward_hooks) for name, m in model.named_modules()}


def hooks_after(add_hook, model, add):
    """The numbers of hooks after add(model)."""
    with handles_restored(add_hook):
        add(model)
        return counts(model)


def other_hooks(add_hook):
    """The numbers of hooks of other kinds after adding one."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        add_hook(module)
        return {"pre": len(module._forward_pre_hooks), "backward": len(module._backward_hooks)}


def raised_for(add_hook, output):
    """What happens in the forward pass of a module with the hook."""
    with handles_restored(add_hook):
        module = Culprit(output)
        add_hook(module)
        return caught(module, CLEAN)


def key_of_handle(add_hook):
    """Whether the handle is where remove_hooks will look for it."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        add_hook(module)
        return "handles[module]" if module in handles_of(add_hook) else "not in handles[module]"


MODEL = "model = Sequential(ReLU, Sequential(ReLU, Identity))"
TRIALS = trials_of(
    "test_add_hook",
    ("add_hook(nn.ReLU())", "hooks_after(add_hook, nn.ReLU(), add_hook)", "forward hooks"),
    (f"{MODEL}, add_hook(model)", "hooks_after(add_hook, nested(), add_hook)", "forward hooks"),
    (
        f"{MODEL}, model.apply(add_hook)",
        "hooks_after(add_hook, nested(), lambda model: model.apply(add_hook))",
        "forward hooks",
    ),
    (
        f"{MODEL}, model.apply(add_hook) twice",
        "hooks_after(add_hook, nested(), lambda model: model.apply(add_hook).apply(add_hook))",
        "forward hooks",
    ),
    ("add_hook(nn.ReLU())", "other_hooks(add_hook)", "hooks of other kinds"),
    ("a module with the hook returns NaN", "raised_for(add_hook, NAN)", "raised"),
    ("a module with the hook returns numbers", "raised_for(add_hook, CLEAN)", "raised"),
    ("add_hook(module)", "key_of_handle(add_hook)", "where the handle is"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class AddHookInSteps:
    """add_hook cut into the steps that can each go wrong."""

    def __init__(self):
        self.handles = {}

    def key(self, module):
        return module

    def to_be_hooked(self, module):
        return [module]

    def has_none(self, module):
        return self.key(module) not in self.handles

    def register(self, module):
        return module.register_forward_hook(hook_check_for_nan_output)

    def keep(self, module, handle):
        self.handles[self.key(module)] = handle

    def add_hook(self, module):
        for each in self.to_be_hooked(module):
            if self.has_none(each):
                self.keep(each, self.register(each))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "containers only",
    "You register the hook only on modules that contain others. Register it on the module "
    "that add_hook is given, whatever it is.",
    to_be_hooked=lambda self, module: [module] if list(module.children()) else [],
)
mistake(
    "leaves only",
    "You leave out modules that contain others. Register the hook on the module that add_hook "
    "is given, whatever it is.",
    to_be_hooked=lambda self, module: [] if list(module.children()) else [module],
)
mistake(
    "submodules as well",
    "You also register the hook on the module's submodules. Leave that to model.apply, which "
    "calls add_hook on each.",
    to_be_hooked=lambda self, module: list(module.modules()),
)
mistake(
    "children only",
    "You register the hook on the module's children. Register it on the module itself.",
    to_be_hooked=lambda self, module: list(module.children()),
)
mistake(
    "registered twice",
    "A module that has the hook already gets a second one, and only one handle is kept. Look "
    "first whether it is in handles.",
    has_none=lambda self, module: True,
)
mistake(
    "condition the wrong way round",
    "You register nothing on a module that has no hook yet. Is your condition the wrong way "
    "round? It is: if module not in handles.",
    has_none=lambda self, module: module in self.handles,
)
mistake(
    "one hook for each class",
    "You keep the handles by the modules' class (or name), so of two ReLUs one gets none. The "
    "module itself can be the key.",
    key=lambda self, module: type(module),
)
mistake(
    "handles kept by str(module)",
    "You keep the handles by str(module), which is the same for all modules of one kind, so of "
    "two ReLUs one gets no hook. The module itself can be the key.",
    key=lambda self, module: str(module),
)
mistake(
    "handle not kept",
    "You don't keep the handle under its module, without which the hook can't be removed: "
    "handles[module] = what register_forward_hook returns.",
    keep=lambda self, module, handle: None,
)
mistake(
    "not registered",
    "You never register the hook: module.register_forward_hook(hook_check_for_nan_output).",
    register=lambda self, module: None,
)
mistake(
    "pre-hook",
    "You register the hook to run before forward, when there is no output yet. Use "
    "register_forward_hook.",
    register=lambda self, module: module.register_forward_pre_hook(hook_check_for_nan_output),
)
mistake(
    "backward hook",
    "You register the hook for the backward pass. Use register_forward_hook.",
    register=lambda self, module: module.register_full_backward_hook(hook_check_for_nan_output),
)
mistake(
    "another hook",
    "The hook that you register doesn't raise for a NaN. Register hook_check_for_nan_output.",
    register=lambda self, module: module.register_forward_hook(lambda *_: None),
)
mistake(
    "hook called instead of passed",
    "You call the hook and register what it returns. Pass the function itself, without "
    "brackets after its name.",
    register=lambda self, module: module.register_forward_hook(
        hook_check_for_nan_output(module, (), None)
    ),
)
mistake(
    "hook called with nothing",
    "You call the hook, as hook_check_for_nan_output(). Pass the function itself, without "
    "brackets after its name: PyTorch calls it later.",
    register=lambda self, module: module.register_forward_hook(hook_check_for_nan_output()),
)

# ---- The check ------------------------------------------------------------------------------

ADD_HOOK = Exercise(
    name="add_hook",
    reference=solutions.add_hook,
    trials=TRIALS,
    names=globals(),
    in_steps=AddHookInSteps,
    finished=lambda steps: steps().add_hook,
    mistakes=mistake,
)


def test_add_hook(add_hook: Callable) -> None:
    """Check that add_hook puts one hook on one module, and its handle into `handles`."""
    ADD_HOOK.check("test_add_hook", add_hook)
