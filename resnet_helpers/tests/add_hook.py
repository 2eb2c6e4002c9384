"""Lesson 6: the check of add_hook, with its known mistakes."""

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from types import MethodType
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

from resnet_helpers import solutions
from resnet_helpers.solutions import hook_check_for_nan_output
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.nan_hook import CLEAN, NAN, Culprit, caught  # noqa: F401
from resnet_helpers.tests.pasting import Renamed
from resnet_helpers.tests.trials import Trial

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
        backward = len(module._backward_hooks) + len(module._backward_pre_hooks)
        return {"pre": len(module._forward_pre_hooks), "backward": backward}


def beside_others(add_hook):
    """Which hooks are on a module afterwards that had somebody else's before."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        other = module.register_forward_hook(lambda *_: None)
        add_hook(module)
        others = other.id in module._forward_hooks
        return {"somebody else's": int(others), "yours": len(module._forward_hooks) - others}


def raised_for(add_hook, output):
    """What happens in the forward pass of a module with the hook."""
    with handles_restored(add_hook):
        module = Culprit(output)
        add_hook(module)
        return caught(module, CLEAN.clone())


def kept(add_hook):
    """Whether the handle is where remove_hooks will look for it."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        add_hook(module)
        handles = handles_of(add_hook)
        if not module._forward_hooks:
            return "no hook, so no handle of one"
        if module not in handles:
            return "nothing"
        is_handle = isinstance(handles[module], RemovableHandle)
        return "a handle" if is_handle else "something else than a handle"


def kept_of_two(add_hook):
    """Of which of two modules a handle is kept, when both have been hooked."""
    with handles_restored(add_hook):
        modules = {"the first": nn.ReLU(), "the second": nn.ReLU()}
        for module in modules.values():
            add_hook(module)
        handles = handles_of(add_hook)
        return {
            name: "kept" if module in handles else "not kept" for name, module in modules.items()
        }


class NotesRegistering(nn.Module):
    """A module that notes whether a forward hook was put on it, be it taken off again or not."""

    registered = False

    def register_forward_hook(self, *args, **kwargs):
        self.registered = True
        return super().register_forward_hook(*args, **kwargs)


def registers(add_hook, has_one_already=False):
    """Whether a forward hook is registered on a module: one that is in `handles`, or is not."""
    with handles_restored(add_hook):
        module = NotesRegistering()
        if has_one_already:
            handles_of(add_hook)[module] = nn.Module.register_forward_hook(module, print)
        add_hook(module)
        return module.registered


def adding(tried: str, adds: str, subject: str, look: str, model: str = "") -> Trial:
    """A trial of what is on a model when something has been added."""
    layers = "torch.nn.ReLU(), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Identity())"
    made = f"model = {model or f'torch.nn.Sequential({layers})'}"
    shown = f"{adds}, [len(module._forward_hooks) for module in model.modules()]"
    return Trial("test_add_hook", tried, f"{made}\n{shown}", subject, look=look)


def answering(tried: str, value: str) -> Trial:
    """A trial of what a module with the hook does when it returns this value."""
    code = f"module = torch.nn.Identity()\nadd_hook(module), module({value})"
    return Trial(
        "test_add_hook", tried, code, "raised", look=f"raised_for(add_hook, {value}.clone())"
    )


MODEL = "model = Sequential(ReLU, Sequential(ReLU, Identity))"
TRIALS = (
    adding(
        "add_hook(nn.ReLU())",
        "add_hook(model)",
        "forward hooks",
        "hooks_after(add_hook, model, add_hook)",
        model="torch.nn.ReLU()",
    ),
    adding(
        f"{MODEL}, add_hook(model)",
        "add_hook(model)",
        "forward hooks",
        "hooks_after(add_hook, model, add_hook)",
    ),
    adding(
        f"{MODEL}, model.apply(add_hook)",
        "model.apply(add_hook)",
        "forward hooks",
        "hooks_after(add_hook, model, lambda model: model.apply(add_hook))",
    ),
    adding(
        f"{MODEL}, model.apply(add_hook) twice",
        "model.apply(add_hook).apply(add_hook)",
        "forward hooks",
        "hooks_after(add_hook, model, lambda model: model.apply(add_hook).apply(add_hook))",
    ),
    Trial(
        "test_add_hook",
        "add_hook(nn.ReLU())",
        "module = torch.nn.ReLU()\n"
        "add_hook(module), module._forward_pre_hooks, module._backward_hooks",
        "hooks of other kinds",
        look="other_hooks(add_hook)",
    ),
    Trial(
        "test_add_hook",
        "add_hook(module), where somebody else's hook is already",
        "module = torch.nn.ReLU(); module.register_forward_hook(lambda *_: None)\n"
        "add_hook(module), len(module._forward_hooks)",
        "forward hooks",
        look="beside_others(add_hook)",
    ),
    answering("a module with the hook returns NaN", "NAN"),
    answering("a module with the hook returns numbers", "CLEAN"),
    Trial(
        "test_add_hook",
        "add_hook(module)",
        "module = torch.nn.ReLU()\nadd_hook(module), handles.get(module)",
        "handles[module]",
        look="kept(add_hook)",
    ),
    Trial(
        "test_add_hook",
        "add_hook(first), add_hook(second)",
        "first, second = torch.nn.ReLU(), torch.nn.ReLU()\n"
        "add_hook(first), add_hook(second), [module in handles for module in (first, second)]",
        "handles",
        look="kept_of_two(add_hook)",
    ),
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
    "A module that has the hook already gets a second one. Look first whether it is among the keys "
    "of handles: if module not in handles.",
    has_none=lambda self, module: True,
)
mistake(
    "somebody else's hook taken for yours",
    "You put no hook on a module that has somebody else's. Whether it has yours is what handles "
    "is for: if module not in handles.",
    has_none=lambda self, module: not module._forward_hooks,
)
mistake(
    "condition the wrong way round",
    "Your condition is the wrong way round: you register the hook only on modules that are in "
    "handles already. It should be: if module not in handles.",
    has_none=lambda self, module: module in self.handles,
    only_if="registers(add_hook, has_one_already=True) > registers(add_hook)",
)
mistake(
    "removed at once",
    "You register the hook and take it off again before add_hook ends, as `with` does at the end "
    "of its block. It stays on the module until remove_hooks.",
    register=lambda self, module: module.register_forward_hook(print).remove(),
    only_if="registers(add_hook)",
)
mistake(
    "not registered",
    "You put no forward hook on the module: it takes "
    "module.register_forward_hook(hook_check_for_nan_output).",
    register=lambda self, module: None,
)
mistake(
    "one hook for each class",
    "You keep the handles by the modules' class (or its name), so of two ReLUs one gets none. "
    "The module itself can be the key.",
    key=lambda self, module: type(module),
)
mistake(
    "handles kept by str(module)",
    "You keep the handles by str(module), which two ReLUs share, so one of them gets no hook. "
    "The module itself can be the key.",
    key=lambda self, module: str(module),
)
mistake(
    "handles not empty",
    "Once there is anything in handles, no other module gets a hook. Ask for the module: if module "
    "not in handles.",
    has_none=lambda self, module: not self.handles,
)
mistake(
    "handle kept elsewhere",
    "There is nothing in handles[module], without which remove_hooks can't find the handle. The "
    "module itself can be the key: handles[module] = what register_forward_hook returns.",
    key=lambda self, module: id(module),
)
mistake(
    "module.name",
    "A module doesn't know what it is called in the model: it has no name. The module itself can "
    "be the key: handles[module].",
    key=lambda self, module: module.name,
)
mistake(
    "handle not kept",
    "Afterwards there is nothing for the module in the notebook's handles, without which the hook "
    "can't be removed: handles[module] = what register_forward_hook returns.",
    keep=lambda self, module, handle: None,
)
mistake(
    "handles replaced",
    "Of several modules only the last is in handles: each time you drop what was there before. Add "
    "to it: handles[module] = handle.",
    keep=lambda self, module, handle: setattr(self, "handles", {self.key(module): handle}),
)
mistake(
    "looked up before it is kept",
    "You look up handles[module] before anything is kept there, which is a KeyError. Ask whether "
    "it is there: if module not in handles.",
    has_none=lambda self, module: self.handles[module] is None,
)
mistake(
    "no handle in handles",
    "What you keep in handles[module] is no handle. Keep what register_forward_hook returns: "
    "handles[module] = module.register_forward_hook(...).",
    keep=lambda self, module, handle: self.handles.update({self.key(module): True}),
)
mistake(
    "handle appended",
    "handles is a dictionary, which has no append(). Keep the handle under its module: "
    "handles[module] = handle.",
    keep=lambda self, module, handle: self.handles.append(handle),
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
mistake(
    "hook called with the module",
    "You call the hook, as hook_check_for_nan_output(module). Pass the function itself, without "
    "brackets after its name: PyTorch calls it later.",
    register=lambda self, module: module.register_forward_hook(hook_check_for_nan_output(module)),
)


def what_is_not_there(add_hook: Callable) -> str:
    """What to say of an add_hook that asks for something that is not there."""
    try:
        with handles_restored(add_hook):
            add_hook(nn.ReLU())
    except AttributeError as error:
        if isinstance(error.obj, nn.Module):
            return (
                f"Modules have no {error.name}. It takes "
                "module.register_forward_hook(hook_check_for_nan_output), which returns the handle."
            )
    return ""


# ---- The check ------------------------------------------------------------------------------

ADD_HOOK = Exercise(
    name="add_hook",
    reference=solutions.add_hook,
    trials=TRIALS,
    names={**globals(), "handles": Renamed("handles")},  # which stands beside add_hook
    in_steps=AddHookInSteps,
    pieces={"hook_check_for_nan_output": hook_check_for_nan_output},
    finished=lambda steps: steps().add_hook,
    mistakes=mistake,
    closer_look=Trial("test_add_hook", "what is not there", "what_is_not_there(add_hook)"),
)


def test_add_hook(add_hook: Callable) -> None:
    """Check that add_hook puts one hook on one module, and its handle into `handles`."""
    ADD_HOOK.check("test_add_hook", add_hook)
