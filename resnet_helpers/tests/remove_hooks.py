"""Lesson 6: the check of remove_hooks, with its known mistakes."""

from collections.abc import Callable

from torch import nn

from resnet_helpers import solutions
from resnet_helpers.tests.add_hook import (
    MODEL,
    AddHookInSteps,
    beside,
    counts,
    handles_of,
    handles_restored,
    nested,
)
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------


def hooks_left(remove_hooks, steps):
    """The numbers of hooks after steps(model, add_hook), with the add_hook beside remove_hooks."""
    with handles_restored(remove_hooks):
        model = nested()
        steps(model, beside(remove_hooks, "add_hook"))
        return counts(model)


def hooks_of_others(remove_hooks):
    """How many hooks of other people are left on a module that had ours too."""
    with handles_restored(remove_hooks):
        module = nn.ReLU()
        first = module.register_forward_hook(lambda *_: None)
        beside(remove_hooks, "add_hook")(module)
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
        beside(remove_hooks, "add_hook")(module)
        remove_hooks(module)
        return "still in handles" if module in handles_of(remove_hooks) else "not in handles"


def leaving(tried: str, steps: str) -> tuple[str, str, str]:
    """A trial of which hooks are left after these steps."""
    code = f"hooks_left(remove_hooks, lambda model, add_hook: {steps})"
    return f"{MODEL}, {tried}", code, "forward hooks"


TRIALS = trials_of(
    "test_remove_hooks",
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
        "(add_hook(model[0]), model.apply(remove_hooks).apply(remove_hooks))",
    ),
    leaving(
        "model.apply(add_hook), then remove_hooks, then add_hook again",
        "model.apply(add_hook).apply(remove_hooks).apply(add_hook)",
    ),
    (
        "a module with ours, two other forward hooks, a pre-hook and a backward hook",
        "hooks_of_others(remove_hooks)",
        "hooks left",
    ),
    ("add_hook(module), remove_hooks(module)", "key_left(remove_hooks)", "module"),
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
    "You remove the hook but leave its handle in handles, so add_hook believes that the module "
    "still has one. Pop it.",
    take_off=lambda self, module: self.handles[module].remove(),
)


@mistake(
    "private dictionary cleared",
    "You clear the module's _forward_hooks, which takes other people's hooks off as well. "
    "Remove yours by its handle.",
)
class _:
    def take_off(self, module):
        module._forward_hooks.clear()
        self.handles.pop(module)


@mistake(
    "all private dictionaries cleared",
    "You clear the module's private dictionaries, which takes every hook off it, of whatever "
    "kind and whosever. Remove yours by its handle.",
)
class _:
    def take_off(self, module):
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
            hooks.clear()
        self.handles.pop(module)


@mistake(
    "all hooks removed",
    "You remove the hooks of all modules in handles. Remove that of the given module only.",
)
class _:
    def take_off(self, module):
        while self.handles:
            self.handles.popitem()[1].remove()


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
    "removal condition the wrong way round",
    "You remove the hook only if the module isn't in handles. Turn the condition round.",
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

# ---- The check ------------------------------------------------------------------------------

REMOVE_HOOKS = Exercise(
    name="remove_hooks",
    reference=solutions.remove_hooks,
    trials=TRIALS,
    names=globals(),
    in_steps=RemoveHooksInSteps,
    finished=lambda steps: steps().remove_hooks,
    mistakes=mistake,
)


def test_remove_hooks(remove_hooks: Callable) -> None:
    """Check that remove_hooks undoes what the add_hook beside it did, and nothing else."""
    REMOVE_HOOKS.check("test_remove_hooks", remove_hooks)
