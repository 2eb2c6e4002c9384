"""Lesson 6: the check of remove_hooks, with its known mistakes."""

from collections.abc import Callable
from types import FunctionType

from torch import nn
from torch.utils.hooks import RemovableHandle

from resnet_helpers import solutions
from resnet_helpers.tests.add_hook import (
    MODEL,
    AddHookInSteps,
    beside,
    counts,
    handles_of,
    handles_restored,
)
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.pasting import Renamed
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------


def add_hook_beside(remove_hooks):
    """The learner's add_hook; the course's, where that stands beside remove_hooks, with their dict.

    Raises:
        LookupError: there is none.
    """
    found = beside(remove_hooks, "add_hook")
    if found is not solutions.add_hook:
        return found
    return FunctionType(
        found.__code__, {**found.__globals__, "handles": handles_of(remove_hooks)}, "add_hook"
    )


def hooks_left(remove_hooks, model, steps):
    """The numbers of hooks after steps(model, add_hook), with the add_hook beside remove_hooks."""
    with handles_restored(remove_hooks):
        steps(model, add_hook_beside(remove_hooks))
        return counts(model)


def hooks_of_others(remove_hooks):
    """How many hooks of other people are left on a module that had ours too."""
    with handles_restored(remove_hooks):
        module = nn.ReLU()
        first = module.register_forward_hook(lambda *_: None)
        add_hook_beside(remove_hooks)(module)
        last = module.register_forward_hook(lambda *_: None)
        module.register_forward_pre_hook(lambda *_: None)
        module.register_full_backward_hook(lambda *_: None)
        remove_hooks(module)
        return {
            "forward hooks": sum(other.id in module._forward_hooks for other in (first, last)),
            "forward pre-hooks": len(module._forward_pre_hooks),
            "backward hooks": len(module._backward_hooks),
        }


def key_left(remove_hooks):
    """Whether `handles` still has the module."""
    with handles_restored(remove_hooks):
        module = nn.ReLU()
        add_hook_beside(remove_hooks)(module)
        remove_hooks(module)
        handles = handles_of(remove_hooks)
        if module not in handles:
            return "not in handles"
        return "still in handles" + (", with None" if handles[module] is None else "")


def leaving(tried: str, steps: str) -> Trial:
    """A trial of which hooks are left after these steps."""
    layers = "torch.nn.ReLU(), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Identity())"
    return Trial(
        "test_remove_hooks",
        f"{MODEL}, {tried}",
        f"model = torch.nn.Sequential({layers})\n"
        f"{steps}, [len(module._forward_hooks) for module in model.modules()]",
        "forward hooks",
        look=f"hooks_left(remove_hooks, model, lambda model, add_hook: ({steps}))",
    )


TRIALS = (
    leaving(
        "model.apply(add_hook), model.apply(remove_hooks)",
        "model.apply(add_hook).apply(remove_hooks)",
    ),
    leaving(
        "model.apply(add_hook), remove_hooks(model)",
        "remove_hooks(model.apply(add_hook))",
    ),
    leaving(
        "model.apply(add_hook), remove_hooks(model[0])",
        "remove_hooks(model.apply(add_hook)[0])",
    ),
    leaving(
        "add_hook(model[0]), model.apply(remove_hooks) twice",
        "add_hook(model[0]), model.apply(remove_hooks).apply(remove_hooks)",
    ),
    leaving(
        "model.apply(add_hook), then remove_hooks, then add_hook again",
        "model.apply(add_hook).apply(remove_hooks).apply(add_hook)",
    ),
    Trial(
        "test_remove_hooks",
        "a module with ours, two other forward hooks, a pre-hook and a backward hook",
        "hooks_of_others(remove_hooks)",
        "hooks left",
    ),
    Trial(
        "test_remove_hooks",
        "add_hook(module), remove_hooks(module)",
        "module = torch.nn.ReLU()\nadd_hook(module), remove_hooks(module), module in handles",
        "module",
        look="key_left(remove_hooks)",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class RemoveHooksInSteps(AddHookInSteps):
    """remove_hooks cut into the steps that can each go wrong, beside a right add_hook."""

    def to_be_freed(self, module):
        return [module]

    def has_one(self, module):
        return module in self.handles

    def take_off(self, module):
        self.handles.pop(module).remove()

    def remove_hooks(self, module):
        for each in self.to_be_freed(module):
            if self.has_one(each):
                self.take_off(each)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "never removed",
    "The hook is still there. Call remove() on its handle: handles.pop(module).remove().",
    take_off=lambda self, module: None,
)
mistake(
    "handle dropped, hook left",
    "You take the handle out of handles, but the hook stays on the module. Call the handle's "
    "remove().",
    take_off=lambda self, module: self.handles.pop(module),
)
mistake(
    "handle left in the dictionary",
    "You remove the hook but leave its handle in handles, which then says that the module still "
    "has one. Pop it.",
    take_off=lambda self, module: self.handles[module].remove(),
)


OTHERS_TOO = (
    "You take all forward hooks off the module, other people's as well, as clearing its "
    "_forward_hooks does. Remove yours by its handle: handles.pop(module).remove()."
)
ALL_KINDS = (
    "You take every hook off the module, of whatever kind and whosever, as clearing its private "
    "dictionaries does. Remove yours by its handle: handles.pop(module).remove()."
)


def clear(*which: str) -> Callable:
    """A step that clears these private dictionaries of a module."""
    return lambda self, module: [getattr(module, hooks).clear() for hooks in which]


def clear_and_pop(*which: str) -> Callable:
    """A step that clears them, and takes the handle out of handles."""
    return lambda self, module: (clear(*which)(self, module), self.handles.pop(module))


ALL = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")

mistake("private dictionary cleared", OTHERS_TOO, take_off=clear_and_pop("_forward_hooks"))
mistake(
    "private dictionary cleared, handle left",
    OTHERS_TOO,
    take_off=clear("_forward_hooks"),
)
mistake("all private dictionaries cleared", ALL_KINDS, take_off=clear_and_pop(*ALL))
mistake("all private dictionaries cleared, handle left", ALL_KINDS, take_off=clear(*ALL))


@mistake(
    "all hooks removed",
    "You remove the hooks of all modules in handles. Remove that of the given module only.",
)
class _:
    def take_off(self, module):
        while self.handles:
            self.handles.popitem()[1].remove()


@mistake(
    "all hooks removed, handles left",
    "You remove the hooks of all modules in handles, and leave the handles in it. Remove that of "
    "the given module only: handles.pop(module).remove().",
)
class _:
    def has_one(self, module):
        return True  # whichever is asked for

    def take_off(self, module):
        for handle in self.handles.values():
            handle.remove()


mistake(
    "last hook removed",
    "You remove the hook that was added last, whichever module was asked for. Pop the handle "
    "of the given module: handles.pop(module).",
    take_off=lambda self, module: self.handles.popitem()[1].remove(),
)
mistake(
    "fails without a hook",
    "You look up the handle of a module that has none. Leave such a module as it is: if module "
    "in handles.",
    has_one=lambda self, module: True,
)
mistake(
    "None asked to remove, handle left",
    "Of a module that has no hook you get None for a handle, and None has no remove(): ask first, "
    "if module in handles. And take the handle out of handles: handles.pop(module).remove().",
    has_one=lambda self, module: True,
    take_off=lambda self, module: self.handles.get(module).remove(),
)
mistake(
    "None kept for the handle",
    "You put None in the place of the handle, and the module stays in handles, as if it still had "
    "the hook. Take it out: handles.pop(module).remove().",
    take_off=lambda self, module: (
        self.handles[module].remove(),
        self.handles.update({module: None}),
    ),
)
mistake(
    "hook of the same class",
    "You remove the hook of another module of the same class. Remove that of the given module: "
    "if module in handles: handles.pop(module).remove().",
    to_be_freed=lambda self, module: [m for m in self.handles if type(m) is type(module)][:1],
)
mistake(
    "None asked to remove",
    "Of a module that has no hook you get None for a handle, and None has no remove(). Leave such "
    "a module as it is: if module in handles.",
    has_one=lambda self, module: True,
    take_off=lambda self, module: self.handles.pop(module, None).remove(),
)
mistake(
    "removal condition the wrong way round",
    "The hook of a module that is in handles stays on it, and of one that is not you look the "
    "handle up. It should be: if module in handles: handles.pop(module).remove().",
    has_one=lambda self, module: module not in self.handles,
)
mistake(
    "submodules' as well",
    "You also remove the hooks of the module's submodules. Leave that to model.apply, which "
    "calls remove_hooks on each.",
    to_be_freed=lambda self, module: list(module.modules()),
)
mistake(
    "children's only",
    "You remove the hooks of the module's children. Remove that of the module itself.",
    to_be_freed=lambda self, module: list(module.children()),
)
mistake(
    "containers' left",
    "You leave the hooks on modules that contain others. Remove that of the given module, "
    "whatever it is.",
    to_be_freed=lambda self, module: [] if list(module.children()) else [module],
)


def what_is_not_there(remove_hooks: Callable) -> str:
    """What to say of a remove_hooks that asks for something that is not there."""
    try:
        with handles_restored(remove_hooks):
            module = nn.ReLU()
            add_hook_beside(remove_hooks)(module)
            remove_hooks(module)
    except AttributeError as error:
        kind = type(error.obj).__name__
        if isinstance(error.obj, (nn.Module, dict, RemovableHandle)):
            return (
                f"A value of type {kind} has no {error.name}. A hook is removed by its handle: "
                "handles.pop(module).remove()."
            )
    return ""


# ---- The check ------------------------------------------------------------------------------

REMOVE_HOOKS = Exercise(
    name="remove_hooks",
    reference=solutions.remove_hooks,
    trials=TRIALS,
    # ... and what stands beside remove_hooks in a notebook
    names={**globals(), "handles": Renamed("handles"), "add_hook": Renamed("add_hook")},
    pieces={"add_hook": solutions.add_hook},
    in_steps=RemoveHooksInSteps,
    finished=lambda steps: steps().remove_hooks,
    mistakes=mistake,
    closer_look=Trial("test_remove_hooks", "what is not there", "what_is_not_there(remove_hooks)"),
)


def test_remove_hooks(remove_hooks: Callable) -> None:
    """Check that remove_hooks undoes what the add_hook beside it did, and nothing else."""
    REMOVE_HOOKS.check("test_remove_hooks", remove_hooks)
