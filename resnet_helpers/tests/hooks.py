"""Lesson 6: the checks of NanModule, the NaN hook, add_hook, remove_hooks and first_divergence."""

import copy
import inspect
import io
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise, made_up, trials_of
from resnet_helpers.tests.outcomes import Described, shown

# ---- NanModule ------------------------------------------------------------------------------


class NanModuleInSteps(nn.Module):
    """NanModule cut into the steps that can each go wrong."""

    def nans(self, x):
        return torch.full_like(x, torch.nan)

    def forward(self, x):
        return self.nans(x)


PAIR = torch.tensor([[1.0, -2.0], [0.0, 3.0]])


def nan_output(x: Tensor) -> Callable:
    """What the module makes of x."""

    def run(cls):
        output = cls()(x.clone())
        return None if output is None else output.detach()

    return run


def input_of_nan_module(cls):
    """The input after forward."""
    x = PAIR.clone()
    cls()(x)
    return x


NAN_MODULE_MISTAKES = mistake = Catalogue()
mistake(
    "a single NaN",
    "You return a single NaN. Return a tensor of the input's shape, NaN everywhere.",
    nans=lambda self, x: torch.tensor(torch.nan),
)
mistake(
    "a Python float",
    "You return a Python float. Return a tensor of the input's shape: torch.full_like.",
    nans=lambda self, x: torch.nan,
)
mistake(
    "nothing returned",
    "Your forward returns nothing (None). Return a tensor of the input's shape, NaN everywhere.",
    nans=lambda self, x: None,
)


@mistake(
    "first value only",
    "Only the first value is NaN. Make all of them NaN.",
)
class _:
    def nans(self, x):
        x = x.clone()
        x.view(-1)[0] = torch.nan
        return x


mistake(
    "0 / 0",
    "You divide x by itself or by 0, which is NaN only where x is 0. Fill a tensor of x's "
    "shape with NaN: torch.full_like.",
    nans=lambda self, x: x / x,
)
mistake(
    "divided by 0",
    "You divide by 0, which gives infinity, and NaN only for 0 / 0. Fill a tensor of x's shape "
    "with NaN: torch.full_like.",
    nans=lambda self, x: x / 0,
)
mistake(
    "infinity",
    "You return infinity. NaN is another value: torch.nan.",
    nans=lambda self, x: torch.full_like(x, torch.inf),
)
mistake(
    "dtype not the input's",
    "Your tensor is float32 whatever the input is. torch.full_like(x, …) has x's dtype.",
    nans=lambda self, x: torch.full(x.shape, torch.nan),
)


@mistake(
    "input changed in place",
    "You fill the input itself with NaN. Make a new tensor: torch.full_like.",
)
class _:
    def nans(self, x):
        return x.fill_(torch.nan)


mistake(
    "input returned",
    "You return the input as it came. Return NaN everywhere.",
    nans=lambda self, x: x,
)

NAN_MODULE = Exercise(
    name="NanModule",
    reference=solutions.NanModule,
    names={},
    in_steps=NanModuleInSteps,
    trials=trials_of(
        "test_nan_module",
        ("x = [[1, -2], [0, 3]]", nan_output(PAIR)),
        ("x of shape (2, 3, 4, 5)", nan_output(made_up(2, 3, 4, 5))),
        ("x = [[1, -2], [0, 3]] in float64", nan_output(PAIR.double())),
        ("x = [[1, -2], [0, 3]]", input_of_nan_module, "x afterwards"),
    ),
    mistakes=NAN_MODULE_MISTAKES,
)


def test_nan_module(NanModule: type[nn.Module]) -> None:
    """Check that NanModule returns NaN in the input's shape and dtype."""
    NAN_MODULE.check("test_nan_module", NanModule)


# ---- hook_check_for_nan_output --------------------------------------------------------------


class Culprit(nn.Module):
    """A module whose output is whatever it was made with; the check looks for its name."""

    def __init__(self, output: Any = None):
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output


class NanHookInSteps:
    """hook_check_for_nan_output cut into the steps that can each go wrong."""

    def looked_at(self, inputs, output):
        return output

    def parts(self, output):
        return output if isinstance(output, (tuple, list)) else (output,)

    def is_bad(self, tensor):
        return isinstance(tensor, Tensor) and tensor.isnan().any()

    def complain(self, module):
        raise ValueError(f"NaN in the output of {module}")

    def result(self, output):
        return None

    def hook(self, module, inputs, output):
        for part in self.parts(self.looked_at(inputs, output)):
            if self.is_bad(part):
                self.complain(module)
        return self.result(output)


@dataclass(frozen=True)
class Raised(Described):
    """What a call raised on purpose, and whether its message names the Culprit."""

    kind: str
    names_module: bool = False
    message: str = field(default="", compare=False)

    def shown(self, subject: str) -> str:
        if not self.message:
            return self.kind
        return f"{self.kind}: {self.message}" + ("" if self.names_module else " (which module?)")

    def difference(self, subject: str, got: Any) -> tuple[str, str, str]:
        return self.shown(subject), shown(subject, got), ""


def caught(call: Callable[[], Any], notices_prints=False) -> Raised:
    """What the call raises. An error that looks like no deliberate one goes through."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            result = call()
    except Exception as error:
        message = " ".join(str(error).split())
        if "Culprit" in message or isinstance(error, (ValueError, AssertionError)):
            return Raised(type(error).__name__, "Culprit" in message, message)
        raise
    if isinstance(result, Exception):
        return Raised(f"nothing raised, but a {type(result).__name__} returned")
    if notices_prints and printed.getvalue():
        return Raised("nothing raised, but something printed")
    return Raised("nothing raised")


NAN = torch.tensor([1.0, torch.nan, 3.0])
CLEAN = torch.tensor([1.0, -2.0, 3.0])
FIRST_NAN = torch.tensor([torch.nan, 1.0])
MOSTLY_NAN = torch.tensor([torch.nan, torch.nan, 1.0])
ALL_NAN = torch.full((2,), torch.nan)
LAST_NAN = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, torch.nan]])
INF = torch.tensor([torch.inf, 1.0])
INFS = torch.tensor([torch.inf, -torch.inf])


def judged(output: Any, inputs: tuple = (CLEAN,), **settings: bool) -> Callable:
    """What the hook raises for a Culprit's output."""
    return lambda hook: caught(lambda: hook(Culprit(), inputs, output), **settings)


def returned_by_hook(output: Any) -> Callable:
    """What the hook itself returns."""

    def run(hook):
        result = hook(Culprit(), (CLEAN,), output)
        if result is None:
            return "nothing"
        return "the output" if result is output else f"something of type {type(result).__name__}"

    return run


NAN_HOOK_TRIALS = trials_of(
    "test_nan_hook",
    (
        "hook(module, inputs, output), output = [1, nan, 3]",
        judged(NAN, notices_prints=True),
        "raised",
    ),
    ("hook(module, inputs, output), output = [1, -2, 3]", judged(CLEAN), "raised"),
    ("output = [nan, nan]", judged(ALL_NAN), "raised"),
    ("output = [nan, 1]", judged(FIRST_NAN), "raised"),
    ("output = [nan, nan, 1]", judged(MOSTLY_NAN), "raised"),
    ("output of shape (2, 3), with a NaN at [1, 2] only", judged(LAST_NAN), "raised"),
    ("output = [inf, 1]", judged(INF), "raised"),
    ("output = [inf, -inf]", judged(INFS), "raised"),
    ("input = [1, nan, 3], output = [1, -2, 3]", judged(CLEAN, (NAN,)), "raised"),
    ("output = ([1, -2, 3], [1, nan, 3])", judged((CLEAN, NAN)), "raised"),
    ("output = ([1, nan, 3], [1, -2, 3])", judged((NAN, CLEAN)), "raised"),
    ("output = [[1, -2, 3], [1, nan, 3]], a list of two tensors", judged([CLEAN, NAN]), "raised"),
    ("output = ([1, -2, 3], [1, -2, 3])", judged((CLEAN, CLEAN)), "raised"),
    ("output = (None, [1, nan, 3])", judged((None, NAN)), "raised"),
    ("output = (None, [1, -2, 3])", judged((None, CLEAN)), "raised"),
    ("output = None", judged(None), "raised"),
    (
        "hook(module, inputs, output), output = [1, -2, 3]",
        returned_by_hook(CLEAN),
        "returned by the hook",
    ),
    (
        "hook(module, inputs, output), output = ([1, -2, 3], [1, -2, 3])",
        returned_by_hook((CLEAN, CLEAN)),
        "returned by the hook",
    ),
)


def is_tensor_and(condition: Callable[[Tensor], Any]) -> dict[str, Callable]:
    """Another condition for a tensor to be complained of."""
    return {"is_bad": lambda self, tensor: isinstance(tensor, Tensor) and condition(tensor)}


NAN_HOOK_MISTAKES = mistake = Catalogue()
mistake(
    "returns something",
    "Your hook returns something, and that replaces the module's output. Return nothing.",
    result=lambda self, output: False,
)
mistake(
    "returns the output",
    "Your hook returns the output. Return nothing: whatever a hook returns takes the place of "
    "the module's output.",
    result=lambda self, output: output,
)
mistake(
    "raises on every output",
    "Your hook raises on every output. Raise only if output.isnan().any().",
    **is_tensor_and(lambda tensor: True),
)
mistake(
    "raises where there is no NaN",
    "Your condition is the wrong way round: you raise where there is no NaN.",
    **is_tensor_and(lambda tensor: not tensor.isnan().any()),
)
mistake(
    "never raises",
    "Your hook never raises. NaN equals nothing, not even itself, so x == nan finds none: if "
    "output.isnan().any(), raise a ValueError.",
    **is_tensor_and(lambda tensor: False),
)
mistake(
    "printed instead of raised",
    "You print, and the network runs on. Raise instead: raise ValueError(...), with the module "
    "in the message.",
    complain=lambda self, module: print(f"NaN in the output of {module}"),
)


@mistake(
    "returned instead of raised",
    "You return the ValueError, which makes it the module's output. Raise it.",
)
class _:
    def hook(self, module, inputs, output):
        bad = any(self.is_bad(part) for part in self.parts(output))
        return ValueError(f"NaN in the output of {module}") if bad else None


mistake(
    "all instead of any",
    "You raise only if all values are NaN. One is enough: isnan().any().",
    **is_tensor_and(lambda tensor: tensor.isnan().all()),
)
mistake(
    "first value only",
    "You look at the first value only. Look at all of them: isnan().any().",
    **is_tensor_and(lambda tensor: tensor.flatten()[0].isnan()),
)
mistake(
    "any forgotten",
    "isnan() gives a truth value for each number, and `if` wants a single one: add .any().",
    **is_tensor_and(lambda tensor: tensor.isnan()),
)
mistake(
    "infinity counted as NaN",
    "You raise on infinity too (isfinite does). Only NaN is asked for: isnan.",
    **is_tensor_and(lambda tensor: not tensor.isfinite().all()),
)
mistake(
    "NaN of the sum",
    "You look at the sum (or mean), which is NaN for inf - inf as well. Look at the values: "
    "isnan().any().",
    **is_tensor_and(lambda tensor: tensor.sum().isnan()),
)
mistake(
    "inputs checked",
    "You check the inputs, the hook's second argument. Check the output, the third.",
    looked_at=lambda self, inputs, output: inputs,
)
mistake(
    "inputs checked as well",
    "You check the inputs too, and so blame a module for a NaN that came from another. Check "
    "the output only.",
    looked_at=lambda self, inputs, output: (*inputs, *self.parts(output)),
)
mistake(
    "first of a tuple only",
    "Of a tuple you check the first entry only. Check every entry.",
    parts=lambda self, output: NanHookInSteps.parts(self, output)[:1],
)
mistake(
    "last of a tuple only",
    "Of a tuple you check the last entry only: look at where your loop raises. Check every entry.",
    parts=lambda self, output: NanHookInSteps.parts(self, output)[-1:],
)
mistake(
    "tuples not handled",
    "A tuple has no isnan(), and some modules return one. If output is a tuple or list, go "
    "through its entries.",
    parts=lambda self, output: (output,),
    is_bad=lambda self, tensor: tensor is not None and tensor.isnan().any(),
)
mistake(
    "torch.isnan of a tuple",
    "torch.isnan takes a tensor, and some modules return a tuple. If output is a tuple or "
    "list, go through its entries.",
    parts=lambda self, output: (output,),
    is_bad=lambda self, tensor: tensor is not None and torch.isnan(tensor).any(),
)
mistake(
    "tuples ignored",
    "You check the output only if it is a tensor. Go through the entries of a tuple or list.",
    parts=lambda self, output: (output,),
)
mistake(
    "lists ignored",
    "You go through tuples, but not through lists: isinstance(output, (tuple, list)).",
    parts=lambda self, output: output if isinstance(output, tuple) else (output,),
)
mistake(
    "other things than tensors",
    "Not every entry of a tuple is a tensor: None, say, has no isnan(). Check only what "
    "isinstance(entry, torch.Tensor).",
    is_bad=lambda self, tensor: tensor.isnan().any(),
)


@mistake(
    "module not named",
    "Your error doesn't say which module it was. Put the module, the hook's first argument, "
    "into the message.",
)
class _:
    def complain(self, module):
        raise ValueError("NaN found")


@mistake(
    "RuntimeError",
    "You raise a RuntimeError. Raise a ValueError, as the docstring says.",
)
class _:
    def complain(self, module):
        raise RuntimeError(f"NaN in the output of {module}")


@mistake(
    "assert",
    "assert raises an AssertionError. Raise a ValueError with your message.",
)
class _:
    def complain(self, module):
        raise AssertionError(f"NaN in the output of {module}")


@mistake(
    "assert without a message",
    "assert raises an AssertionError, which here doesn't say which module it was. Raise a "
    "ValueError with the module, the hook's first argument, in its message.",
)
class _:
    def complain(self, module):
        raise AssertionError()


NAN_HOOK = Exercise(
    name="hook_check_for_nan_output",
    reference=solutions.hook_check_for_nan_output,
    names={},
    in_steps=NanHookInSteps,
    trials=NAN_HOOK_TRIALS,
    mistakes=NAN_HOOK_MISTAKES,
    finished=lambda steps: steps().hook,
)


def test_nan_hook(hook_check_for_nan_output: Callable) -> None:
    """Check that the hook raises a ValueError that names the module, for a NaN and nothing else."""
    NAN_HOOK.check("test_nan_hook", hook_check_for_nan_output)


# ---- add_hook and remove_hooks --------------------------------------------------------------


class HooksInSteps:
    """add_hook and remove_hooks cut into the steps that can each go wrong."""

    def __init__(self):
        self.handles = {}

    def key(self, module):
        return module

    def to_be_hooked(self, module):
        return [module]

    def has_none(self, module):
        return self.key(module) not in self.handles

    def register(self, module):
        return module.register_forward_hook(solutions.hook_check_for_nan_output)

    def keep(self, module, handle):
        self.handles[self.key(module)] = handle

    def add_hook(self, module):
        for each in self.to_be_hooked(module):
            if self.has_none(each):
                self.keep(each, self.register(each))

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


def other_hooks_added(add_hook):
    """The numbers of hooks of other kinds after adding one."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        add_hook(module)
        return {"pre": len(module._forward_pre_hooks), "backward": len(module._backward_hooks)}


def hooks_added(model: Callable[[], nn.Module], *, times=1, apply=False) -> Callable:
    """The numbers of hooks after adding some."""

    def run(add_hook):
        with handles_restored(add_hook):
            hooked = model()
            for _ in range(times):
                hooked.apply(add_hook) if apply else add_hook(hooked)
            return counts(hooked)

    return run


def output_after_adding(output: Tensor) -> Callable:
    """What happens in the forward pass of a model with the hooks."""

    def run(add_hook):
        with handles_restored(add_hook):
            module = Culprit(output)
            add_hook(module)
            return caught(lambda: module(CLEAN))

    return run


def key_of_handle(add_hook):
    """Whether the handle is where remove_hooks will look for it."""
    with handles_restored(add_hook):
        module = nn.ReLU()
        add_hook(module)
        return "handles[module]" if module in handles_of(add_hook) else "not in handles[module]"


def hooks_left(steps: Callable) -> Callable:
    """The numbers of hooks after steps(model, add_hook, remove_hooks)."""

    def run(remove_hooks):
        with handles_restored(remove_hooks):
            model = nested()
            steps(model, beside(remove_hooks, "add_hook"), remove_hooks)
            return counts(model)

    return run


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


MODEL = "model = Sequential(ReLU, Sequential(ReLU, Identity))"

ADD_HOOK_MISTAKES = mistake = Catalogue()
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


@mistake(
    "pre-hook",
    "You register the hook to run before forward, when there is no output yet. Use "
    "register_forward_hook.",
)
class _:
    def register(self, module):
        return module.register_forward_pre_hook(solutions.hook_check_for_nan_output)


@mistake(
    "backward hook",
    "You register the hook for the backward pass. Use register_forward_hook.",
)
class _:
    def register(self, module):
        return module.register_full_backward_hook(solutions.hook_check_for_nan_output)


@mistake(
    "another hook",
    "The hook that you register doesn't raise for a NaN. Register hook_check_for_nan_output.",
)
class _:
    def register(self, module):
        return module.register_forward_hook(lambda module, inputs, output: None)


@mistake(
    "hook called instead of passed",
    "You call the hook and register what it returns. Pass the function itself, without "
    "brackets after its name.",
)
class _:
    def register(self, module):
        return module.register_forward_hook(solutions.hook_check_for_nan_output(module, (), None))


@mistake(
    "hook called with nothing",
    "You call the hook, as hook_check_for_nan_output(). Pass the function itself, without "
    "brackets after its name: PyTorch calls it later.",
)
class _:
    def register(self, module):
        return module.register_forward_hook(solutions.hook_check_for_nan_output())


ADD_HOOK = Exercise(
    name="add_hook",
    reference=solutions.add_hook,
    names={},
    in_steps=HooksInSteps,
    trials=trials_of(
        "test_add_hook",
        ("add_hook(nn.ReLU())", hooks_added(nn.ReLU), "forward hooks"),
        (f"{MODEL}, add_hook(model)", hooks_added(nested), "forward hooks"),
        (f"{MODEL}, model.apply(add_hook)", hooks_added(nested, apply=True), "forward hooks"),
        (
            f"{MODEL}, model.apply(add_hook) twice",
            hooks_added(nested, apply=True, times=2),
            "forward hooks",
        ),
        ("add_hook(nn.ReLU())", other_hooks_added, "hooks of other kinds"),
        ("a module with the hook returns NaN", output_after_adding(NAN), "raised"),
        ("a module with the hook returns numbers", output_after_adding(CLEAN), "raised"),
        ("add_hook(module)", key_of_handle, "where the handle is"),
    ),
    mistakes=ADD_HOOK_MISTAKES,
    finished=lambda steps: steps().add_hook,
)


def test_add_hook(add_hook: Callable) -> None:
    """Check that add_hook puts one hook on one module, and its handle into `handles`."""
    ADD_HOOK.check("test_add_hook", add_hook)


REMOVE_HOOKS_MISTAKES = mistake = Catalogue()
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

REMOVE_HOOKS = Exercise(
    name="remove_hooks",
    reference=solutions.remove_hooks,
    names={},
    in_steps=HooksInSteps,
    trials=trials_of(
        "test_remove_hooks",
        (
            f"{MODEL}, model.apply(add_hook), model.apply(remove_hooks)",
            hooks_left(lambda model, add, remove: model.apply(add).apply(remove)),
            "forward hooks",
        ),
        (
            f"{MODEL}, model.apply(add_hook), remove_hooks(model)",
            hooks_left(lambda model, add, remove: remove(model.apply(add))),
            "forward hooks",
        ),
        (
            f"{MODEL}, model.apply(add_hook), remove_hooks(model[0])",
            hooks_left(lambda model, add, remove: remove(model.apply(add)[0])),
            "forward hooks",
        ),
        (
            f"{MODEL}, add_hook(model[0]), model.apply(remove_hooks) twice",
            hooks_left(
                lambda model, add, remove: (add(model[0]), model.apply(remove).apply(remove))
            ),
            "forward hooks",
        ),
        (
            f"{MODEL}, model.apply(add_hook), then remove_hooks, then add_hook again",
            hooks_left(lambda model, add, remove: model.apply(add).apply(remove).apply(add)),
            "forward hooks",
        ),
        (
            "a module with ours, two other forward hooks, a pre-hook and a backward hook",
            hooks_of_others,
            "hooks left",
        ),
        ("add_hook(module), remove_hooks(module)", key_left, "module"),
    ),
    mistakes=REMOVE_HOOKS_MISTAKES,
    finished=lambda steps: steps().remove_hooks,
)


def test_remove_hooks(remove_hooks: Callable) -> None:
    """Check that remove_hooks undoes what the add_hook beside it did, and nothing else."""
    REMOVE_HOOKS.check("test_remove_hooks", remove_hooks)


# ---- first_divergence -----------------------------------------------------------------------


class FirstDivergenceInSteps:
    """first_divergence cut into the steps that can each go wrong."""

    only_leaves = True
    skips_identity = True

    def prepare(self, model):
        pass

    def modules(self, model):
        return list(model.named_modules())

    def is_watched(self, module):
        if self.only_leaves and list(module.children()):
            return False
        return not (self.skips_identity and isinstance(module, nn.Identity))

    def shaped(self, output):
        return output.flatten()

    def kept(self, output):
        return output.clone()

    def watched(self, inputs, output):
        return output

    def name_noted(self, name, modules):
        return name

    def watch(self, module, name, outputs):
        def hook(module, inputs, output):
            outputs.append((name, self.kept(self.shaped(self.watched(inputs, output).detach()))))

        return module.register_forward_hook(hook)

    def in_order(self, outputs, modules):
        return outputs

    def run(self, model, x, handles):
        try:
            model(x)
        finally:
            self.clean_up(handles)

    def clean_up(self, handles):
        for handle in handles:
            handle.remove()

    def outputs(self, model, x):
        self.prepare(model)
        outputs, modules = [], self.modules(model)
        handles = [
            self.watch(module, self.name_noted(name, modules), outputs)
            for name, module in modules
            if self.is_watched(module)
        ]
        self.run(model, x, handles)
        return self.in_order(outputs, modules)

    def both(self, mine, reference, x):
        return self.outputs(mine, x), self.outputs(reference, x)

    def pairs(self, mine, theirs):
        return zip(mine, theirs, strict=False)

    def shapes_differ(self, mine, theirs):
        return mine.shape != theirs.shape

    def values_differ(self, mine, theirs, tolerance):
        return not (mine - theirs).abs().max() <= tolerance

    def divergences(self, mine, reference, x, tolerance):
        for (my_name, my_output), (name, output) in self.pairs(*self.both(mine, reference, x)):
            if self.shapes_differ(my_output, output):
                yield my_name, name, torch.inf
            elif self.values_differ(my_output, output, tolerance):
                yield my_name, name, float((my_output - output).abs().max())

    def chosen(self, divergences):
        return next(divergences, None)

    def result(self, my_name, name):
        return my_name, name

    def nothing(self):
        return None

    def first_divergence(self, mine, reference, x, tolerance=1e-4):
        chosen = self.chosen(self.divergences(mine, reference, x, tolerance))
        return self.result(*chosen[:2]) if chosen else self.nothing()


class Add(nn.Module):
    """x + amounts: one amount for each feature, or one for all; or lists of them, one a picture."""

    def __init__(self, *amounts: float | list[float]):
        super().__init__()
        self.amounts = torch.tensor(amounts)

    def forward(self, x):
        return x + self.amounts


class Times(nn.Module):
    """x * factor."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class Backwards(nn.Module):
    """Three modules that run in the opposite order of their declaration."""

    def __init__(self, third: nn.Module, second: nn.Module, first: nn.Module):
        super().__init__()
        self.third = third
        self.second = second
        self.first = first

    def forward(self, x):
        return self.third(self.second(self.first(x)))


class Twice(nn.Module):
    """One module that runs before another and again after it."""

    def __init__(self, twice: nn.Module, between: nn.Module):
        super().__init__()
        self.twice = twice
        self.between = between

    def forward(self, x):
        return self.twice(self.between(self.twice(x)))


class Broken(nn.Module):
    """A module that raises."""

    def forward(self, x):
        raise ArithmeticError("this module is broken")


def chain(names: str, *modules: nn.Module) -> nn.Sequential:
    """The modules one after another, under these names."""
    return nn.Sequential(OrderedDict(zip(names.split(), modules, strict=True)))


def adding(names: str, *amounts: float | list[float]) -> nn.Sequential:
    """Three modules, the second of which adds the amounts."""
    return chain(names, Times(2.0), Add(*amounts), Times(3.0))


def ending(names: str, *amounts: float) -> nn.Sequential:
    """Two modules, the last of which adds the amounts."""
    return chain(names, Times(2.0), Add(*amounts))


class Notes:
    """What modules note while they run. A copy of the modules writes into the same notes."""

    def __init__(self):
        self.lines: list[str] = []

    def __deepcopy__(self, memo: dict) -> "Notes":
        return self


class Emits(nn.Module):
    """x + 1, which the next module looks for."""

    def __init__(self, notes: Notes):
        super().__init__()
        self.notes = notes

    def forward(self, x):
        self.notes.emitted = x + 1
        return self.notes.emitted


class Receives(nn.Module):
    """Notes whether it gets just what the module before it returned."""

    def __init__(self, notes: Notes):
        super().__init__()
        self.notes = notes

    def forward(self, x):
        as_it_was = x is self.notes.emitted
        self.notes.lines.append(
            "what the module before returned" if as_it_was else "something else, from a hook"
        )
        return x * 2


class Looks(nn.Module):
    """Notes whether its input is x."""

    def __init__(self, notes: Notes):
        super().__init__()
        self.notes = notes

    def forward(self, x):
        self.notes.lines.append("x" if torch.equal(x, X) else "other numbers than x")
        return x * 2


def noted(*kinds: type[nn.Module]) -> Callable:
    """What the modules of two equal models note while they are compared, each thing once."""

    def run(first_divergence):
        notes = {"mine": Notes(), "reference": Notes()}
        models = [nn.Sequential(*(kind(each) for kind in kinds)) for each in notes.values()]
        first_divergence(*models, X.clone())
        return {
            name: " and ".join(dict.fromkeys(each.lines)) or "nothing: it never ran"
            for name, each in notes.items()
        }

    return run


def error_of_model(first_divergence):
    """Whether an error that a model raises reaches the caller."""
    try:
        first_divergence(chain("a b", Times(2.0), Broken()), adding("p q r", 1.0), X.clone())
    except NotImplementedError:  # a stub
        raise
    except Exception:
        return "an error"
    return "no error"


def reported(first_divergence):
    """What is returned where there is a difference, and whether something is printed instead."""
    with redirect_stdout(io.StringIO()) as printed:
        result = first_divergence(adding("a b c", 1.0), adding("p q r", 1.5), X.clone())
    if result is None and printed.getvalue():
        return "None, and something printed"
    return named(result)


def named(result: Any) -> str:
    """What first_divergence returned, in which modules and tensors go by their classes only."""
    if isinstance(result, (list, tuple)):
        return f"({', '.join(map(named, result))})"
    return f"a {type(result).__name__}" if isinstance(result, (Tensor, nn.Module)) else repr(result)


def hooks_after(mine: nn.Module, reference: nn.Module) -> Callable:
    """How many hooks first_divergence leaves on each model, or takes away from it."""

    def run(first_divergence):
        models = {"mine": copy.deepcopy(mine), "reference": copy.deepcopy(reference)}
        for model in models.values():
            model.apply(lambda module: module.register_forward_hook(lambda *_: None))
        before = {name: n_hooks(model) for name, model in models.items()}
        with suppress(ArithmeticError):  # Broken's
            first_divergence(*models.values(), X.clone())
        return {name: in_words(n_hooks(model) - before[name]) for name, model in models.items()}

    return run


def in_words(n_more: int) -> str:
    """How many hooks there are more than before."""
    if not n_more:
        return "as before"
    return f"{n_more} left behind" if n_more > 0 else f"{-n_more} of somebody else's gone"


def n_hooks(model: nn.Module) -> int:
    """How many forward hooks and pre-hooks there are on a model and its submodules."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def modes_after(first_divergence):
    """Which modes the models are in afterwards: the first was in train mode, the second in eval."""
    mine, reference = adding("a b c", 1.0).train(), adding("p q r", 1.0).eval()
    first_divergence(mine, reference, X.clone())
    modes = {"mine.training": mine, "reference.training": reference}
    return {name: [module.training for module in model.modules()] for name, model in modes.items()}


X = torch.tensor([[1.0, 2.0]])
PICTURE = made_up(2, 3, 4, 4)


def parting(
    tried: str, mine: nn.Module, reference: nn.Module, x: Tensor = X, **settings: float
) -> tuple:
    """A trial of what first_divergence returns for copies of the two models."""

    def run(first_divergence):
        models = copy.deepcopy(mine), copy.deepcopy(reference)
        return named(first_divergence(*models, x.clone(), **settings))

    return f"mine {tried}{', x = [[1, 2]]' if x is X else ''}", run, "returned"


FIRST_DIVERGENCE_TRIALS = trials_of(
    "test_first_divergence",
    parting(
        "(a: 2x, b: x + 1, c: 3x), reference (p: 2x, q: x + 1, r: 3x)",
        adding("a b c", 1.0),
        adding("p q r", 1.0),
    ),
    parting(
        "(a: 2x, b: x + 1.5, c: 3x), reference (p: 2x, q: x + 1, r: 3x)",
        adding("a b c", 1.5),
        adding("p q r", 1.0),
    ),
    parting(
        "(a: 2x, b: x + 1, c: 3x), reference (a: 2x, b: x + 1.5, c: 3x)",
        adding("a b c", 1.0),
        adding("a b c", 1.5),
    ),
    parting(
        "(a: 2x, b: x + 1, c: 3x), reference (p: 2x, q: x + 1.5, r: 3x)",
        adding("a b c", 1.0),
        adding("p q r", 1.5),
    ),
    parting(
        "(a: 5x, b: x + 1), reference (p: 2x, q: x + 1)",
        chain("a b", Times(5.0), Add(1.0)),
        ending("p q", 1.0),
    ),
    parting(
        "(a: 2x, b: x + 1), reference (p: 2x, q: x + 1, in the second picture x), "
        "x = [[1, 2], [1, 2]]",
        ending("a b", [1.0], [1.0]),
        ending("p q", [1.0], [0.0]),
        X.expand(2, 2),
    ),
    parting(
        "(a: 2x, b: x + [2, -2], c: 3x), reference (p: 2x, q: x + [0, 0], r: 3x)",
        adding("a b c", 2.0, -2.0),
        adding("p q r", 0.0, 0.0),
    ),
    parting(
        "(a: 2x, b: x + [0, 1.3e-4]), reference (p: 2x, q: x)",
        ending("a b", 0.0, 1.3e-4),
        ending("p q", 0.0, 0.0),
    ),
    parting(
        "(a: 2x, b: x + [0, 1]), reference (p: 2x, q: x)",
        ending("a b", 0.0, 1.0),
        ending("p q", 0.0, 0.0),
    ),
    parting(
        "(a: 2x, b: x + 5e-5), reference (p: 2x, q: x)",
        ending("a b", 5e-5),
        ending("p q", 0.0),
    ),
    parting(
        "(a: 2x, b: x + 5e-5), reference (p: 2x, q: x), x of shape (2, 3, 4, 4)",
        ending("a b", 5e-5),
        ending("p q", 0.0),
        PICTURE,
    ),
    parting(
        "(a: 2x, b: x + 5e-5), reference (p: 2x, q: x), tolerance=1e-6",
        ending("a b", 5e-5),
        ending("p q", 0.0),
        tolerance=1e-6,
    ),
    parting(
        "(a: 2x, b: x + 0.3), reference (p: 2x, q: x), tolerance=0.5",
        ending("a b", 0.3),
        ending("p q", 0.0),
        tolerance=0.5,
    ),
    parting(
        "(a: 2x, b: x + 1000.01), reference (p: 2x, q: x + 1000)",
        ending("a b", 1000.01),
        ending("p q", 1000.0),
    ),
    parting(
        "(a: 2x, b: x + 5e-5), reference (p: 2x, q: x), x = [[1e-4, 2e-4]]",
        ending("a b", 5e-5),
        ending("p q", 0.0),
        1e-4 * X,
    ),
    parting(
        "(a: 2x, b: x + nan, c: 3x), reference (p: 2x, q: x + 1, r: 3x)",
        adding("a b c", torch.nan),
        adding("p q r", 1.0),
    ),
    parting(
        "runs first, second, third, declared the other way round, second is wrong",
        Backwards(Times(3.0), Add(1.5), Times(2.0)),
        adding("p q r", 1.0),
    ),
    parting(
        "runs twice (2x), between (x + 1), twice (2x), reference (p: 2x, q: x + 1, r: 3x)",
        Twice(Times(2.0), Add(1.0)),
        adding("p q r", 1.0),
    ),
    parting(
        "(stem: (0: 2x, 1: x + 1), head: (0: 3x)), reference (p: 2x, q: x + 1, r: 4x)",
        chain("stem head", nn.Sequential(Times(2.0), Add(1.0)), nn.Sequential(Times(3.0))),
        chain("p q r", Times(2.0), Add(1.0), Times(4.0)),
    ),
    parting(
        "(a: 2x, i: Identity, b: x + 1.5), reference (p: 2x, q: x + 1)",
        chain("a i b", Times(2.0), nn.Identity(), Add(1.5)),
        ending("p q", 1.0),
    ),
    parting(
        "with ReLU(), reference the same with ReLU(inplace=True)",
        chain("a b c", Times(-2.0), nn.ReLU(), Add(1.0)),
        chain("p q r", Times(-2.0), nn.ReLU(inplace=True), Add(1.0)),
    ),
    parting(
        "pools to shape (2, 3), reference to (2, 3, 1, 1) with the same values",
        chain("a b", Times(2.0), solutions.AveragePool()),
        chain("p q", Times(2.0), nn.AdaptiveAvgPool2d(1)),
        PICTURE,
    ),
    parting(
        "pools to shape (2, 3), reference to (2, 3, 2, 2)",
        chain("a b", Times(2.0), solutions.AveragePool()),
        chain("p q", Times(2.0), nn.AdaptiveAvgPool2d(2)),
        PICTURE,
    ),
    parting(
        "pools to shape (2, 3, 2, 2), reference to (2, 3)",
        chain("a b", Times(2.0), nn.AdaptiveAvgPool2d(2)),
        chain("p q", Times(2.0), solutions.AveragePool()),
        PICTURE,
    ),
    parting(
        "(a: 2x, b: x + 1), reference (p: 2x, q: x + 1, r: 3x)",
        ending("a b", 1.0),
        adding("p q r", 1.0),
    ),
    parting(
        "(a: 2x, b: x + 1), reference (p: 2x, q: ReLU, r: x + 1)",
        ending("a b", 1.0),
        chain("p q r", Times(2.0), nn.ReLU(), Add(1.0)),
    ),
    parting(
        "(a: 2x, b: x + 1, c: 3x), reference (p: 2x, q: x + nan, r: 3x)",
        adding("a b c", 1.0),
        adding("p q r", torch.nan),
    ),
    (
        "two models without a difference",
        hooks_after(adding("a b c", 1.0), adding("p q r", 1.0)),
        "hooks on it",
    ),
    (
        "two models with a difference",
        hooks_after(adding("a b c", 1.0), adding("p q r", 2.0)),
        "hooks on it",
    ),
    (
        "mine raises",
        hooks_after(chain("a b", Times(2.0), Broken()), adding("p q r", 1.0)),
        "hooks on it",
    ),
    (
        "the reference raises",
        hooks_after(adding("a b c", 1.0), chain("p q", Times(2.0), Broken())),
        "hooks on it",
    ),
    ("mine in train mode, the reference in eval mode", modes_after, "modes afterwards"),
    ("mine raises", error_of_model, "raised"),
    (
        "two models of one module each, x = [[1, 2]]",
        noted(Looks),
        "inputs of the modules",
    ),
    ("two models of two modules each", noted(Emits, Receives), "given to the second"),
    (
        "mine (a: 2x, b: x + 1, c: 3x), reference (p: 2x, q: x + 1.5, r: 3x)",
        reported,
        "returned",
    ),
)


def watch_and_return(returned: Callable) -> dict[str, Callable]:
    """A hook that also returns something, made of the module's input and its output."""

    def watch(self, module, name, outputs):
        def hook(module, inputs, output):
            kept = returned(inputs[0], output)
            outputs.append((name, self.kept(self.shaped(output.detach()))))
            return kept

        return module.register_forward_hook(hook)

    return {"watch": watch}


def size(divergence: tuple[str, str, float]) -> float:
    return divergence[2]


def values_differ(difference: Callable) -> dict[str, Callable]:
    """Another measure of how much two outputs differ, to be larger than the tolerance."""
    return {"values_differ": lambda self, mine, theirs, tol: difference(mine, theirs) > tol}


FIRST_DIVERGENCE_MISTAKES = mistake = Catalogue()
mistake(
    "hooks left on",
    "Your hooks stay on the models. Keep the handles and call remove() on each, in a finally.",
    clean_up=lambda self, handles: None,
)


@mistake(
    "hooks left on if a model raises",
    "If a model raises, your hooks stay on it. Run it inside try, and remove the hooks in finally.",
)
class _:
    def run(self, model, x, handles):
        model(x)
        self.clean_up(handles)


mistake(
    "only the first hook removed",
    "You remove one hook only. Call remove() on every handle, in a loop.",
    clean_up=lambda self, handles: handles[0].remove(),
)


@mistake(
    "_forward_hooks cleared",
    "You clear _forward_hooks, which takes other people's hooks off as well. Keep your handles "
    "and call remove() on each.",
)
class _:
    def run(self, model, x, handles):
        try:
            model(x)
        finally:
            for module in model.modules():
                module._forward_hooks.clear()


@mistake(
    "error swallowed",
    "You swallow the error that a model raises. Remove the hooks in a finally, without except: "
    "then the error goes on to the caller.",
)
class _:
    def run(self, model, x, handles):
        with suppress(Exception):
            model(x)
        self.clean_up(handles)


@mistake(
    "run on other numbers",
    "You run the models on something else than x. Both get x, as it is.",
)
class _:
    def run(self, model, x, handles):
        try:
            model(torch.randn_like(x))
        finally:
            self.clean_up(handles)


@mistake(
    "both run on the same noise",
    "You run the models on something else than x. Both get x, as it is.",
)
class _:
    def both(self, mine, reference, x):
        x = torch.randn_like(x)
        return self.outputs(mine, x), self.outputs(reference, x)


mistake(
    "hook returns the input",
    "Your hook returns something, and that takes the place of the module's output. Return nothing.",
    **watch_and_return(lambda x, output: x),
)


@mistake(
    "hook returns its copy",
    "Your hook returns the copy that it keeps, so that the network goes on with it, and may "
    "change it in place. Return nothing.",
)
class _:
    def watch(self, module, name, outputs):
        def hook(module, inputs, output):
            copied = output.detach().clone()
            outputs.append((name, self.shaped(copied)))
            return copied

        return module.register_forward_hook(hook)


mistake(
    "first picture only",
    "You compare the outputs for the first picture only (output[0]). Compare the whole batch.",
    shaped=lambda self, output: output[0].flatten(),
)
mistake(
    "last instead of first",
    "You return the last pair that differs. The first is where the error arises: return as "
    "soon as you find it.",
    chosen=lambda self, divergences: [None, *divergences][-1],
)
mistake(
    "largest instead of first",
    "You return the pair that differs most. Errors grow on their way through a network: return "
    "the first pair that differs.",
    chosen=lambda self, divergences: max(divergences, key=size, default=None),
)


@mistake(
    "order of definition",
    "You compare the modules in the order in which they are declared. Take the order in which "
    "they run: note each output in a list when the hook is called.",
)
class _:
    def in_order(self, outputs, modules):
        last = dict(outputs)
        return [(name, last[name]) for name, _ in modules if name in last]


mistake(
    "one output for each module",
    "You keep one output for each module, but a module may run more than once. Note every call "
    "in a list, instead of a dictionary by names.",
    in_order=lambda self, outputs, modules: list(dict(outputs).items()),
)
mistake(
    "containers included",
    "You compare the outputs of containers too, and the two models may be nested differently. "
    "Leave out modules that have children.",
    only_leaves=False,
)
mistake(
    "outermost modules only",
    "You look at the outermost modules only. named_modules() goes all the way down, "
    "named_children() doesn't.",
    modules=lambda self, model: list(model.named_children()),
    only_leaves=False,
)
mistake(
    "outermost modules without children only",
    "You look at the outermost modules only. named_modules() goes all the way down, children() "
    "doesn't.",
    modules=lambda self, model: list(model.named_children()),
)
mistake(
    "nn.Identity included",
    "You count nn.Identity as a module, and the pairs get out of step where only one model has "
    "one. Leave it out.",
    skips_identity=False,
)
mistake(
    "output not copied",
    "You keep the output itself, and an in-place ReLU after it changes it. Keep a copy: "
    "output.clone().",
    kept=lambda self, output: output,
)
mistake(
    "axes of size 1",
    "You take (2, 3, 1, 1) and (2, 3) for a difference, though the values are the same. "
    "Flatten the outputs before you compare them.",
    shaped=lambda self, output: output,
)
mistake(
    "sizes not compared",
    "Outputs of different sizes can't be subtracted. Compare their sizes first: a difference "
    "in size is a divergence.",
    shapes_differ=lambda self, mine, theirs: False,
)
mistake(
    "signed difference",
    "You find a difference only where mine is larger. Take the absolute value: "
    "(mine - theirs).abs().max().",
    **values_differ(lambda mine, theirs: (mine - theirs).max()),
)
mistake(
    "signed difference the other way",
    "You find a difference only where mine is smaller. Take the absolute value: "
    "(mine - theirs).abs().max().",
    **values_differ(lambda mine, theirs: (theirs - mine).max()),
)
mistake(
    "signed difference, NaN found",
    "You find a difference only where mine is larger. Take the absolute value: "
    "(mine - theirs).abs().max().",
    values_differ=lambda self, mine, theirs, tol: not (mine - theirs).max() <= tol,
)
mistake(
    "means compared",
    "You compare the outputs' means, where differences cancel. Compare value by value, and "
    "take the largest difference.",
    **values_differ(lambda mine, theirs: (mine.mean() - theirs.mean()).abs()),
)
mistake(
    "sums compared",
    "You compare the outputs' sums, where differences cancel. Compare value by value, and take "
    "the largest difference.",
    **values_differ(lambda mine, theirs: (mine.sum() - theirs.sum()).abs()),
)
mistake(
    "mean difference",
    "You take the mean of the differences, where a single wrong value hardly shows. Take the "
    "largest: .abs().max().",
    **values_differ(lambda mine, theirs: (mine - theirs).abs().mean()),
)
mistake(
    "summed difference",
    "You add the differences up, so that many tiny ones count as one. Take the largest: "
    ".abs().max().",
    **values_differ(lambda mine, theirs: (mine - theirs).abs().sum()),
)
mistake(
    "norm of the difference",
    "You take the norm of the difference, which adds up many tiny ones. Take the largest: "
    ".abs().max().",
    **values_differ(lambda mine, theirs: (mine - theirs).norm()),
)
mistake(
    "smallest difference",
    "You take the smallest of the differences. Take the largest: .abs().max().",
    **values_differ(lambda mine, theirs: (mine - theirs).abs().min()),
)


@mistake(
    "relative difference",
    "You divide the difference by the value. The tolerance is absolute here.",
)
class _:
    def values_differ(self, mine, theirs, tolerance):
        return ((mine - theirs).abs() / theirs.abs()).max() > tolerance


mistake(
    "allclose's rtol",
    "torch.allclose also allows for a relative error, rtol=1e-05, unless you set rtol=0.",
    values_differ=lambda self, mine, theirs, tolerance: (
        not torch.allclose(mine, theirs, atol=tolerance)
    ),
)
mistake(
    "allclose without the tolerance",
    "You call torch.allclose with its own tolerances. Pass rtol=0, atol=tolerance.",
    values_differ=lambda self, mine, theirs, tolerance: not torch.allclose(mine, theirs),
)
mistake(
    "tolerance hard-coded",
    "You compare with a fixed 1e-4, whatever tolerance is. Use the argument.",
    values_differ=lambda self, mine, theirs, tol: not (mine - theirs).abs().max() <= 1e-4,
)
mistake(
    "exactly equal",
    "You look for exact equality. Rounding differs between two models: allow for differences "
    "of up to tolerance.",
    values_differ=lambda self, mine, theirs, tolerance: not torch.equal(mine, theirs),
)
mistake(
    "NaN missed",
    "A NaN passes unnoticed: nan > tolerance is False. Ask whether all differences are at most "
    "tolerance instead, or look for NaN.",
    **values_differ(lambda mine, theirs: (mine - theirs).abs().max()),
)
mistake(
    "names swapped",
    "You return reference's name first. Return (name in mine, name in reference).",
    result=lambda self, my_name, name: (name, my_name),
)
mistake(
    "one name only",
    "You return the name in mine only. Return both: (name in mine, name in reference).",
    result=lambda self, my_name, name: my_name,
)
mistake(
    "the same name twice",
    "You return mine's name twice. The second is the module's name in reference.",
    result=lambda self, my_name, name: (my_name, my_name),
)
mistake(
    "never returned",
    "You never report a difference. Where you find the first one, return (name in mine, name "
    "in reference).",
    result=lambda self, my_name, name: None,
)


@mistake(
    "printed instead of returned",
    "You print the names. Return them: (name in mine, name in reference).",
)
class _:
    def result(self, my_name, name):
        print(my_name, name)


mistake(
    "None returned in the loop",
    "You compare the first pair only: your `return None` is inside the loop. It comes after "
    "it, when no pair has differed.",
    pairs=lambda self, mine, theirs: list(zip(mine, theirs, strict=False))[:1],
)


@mistake(
    "outputs instead of names",
    "You return the two outputs. Return the names of the two modules: (name in mine, name in "
    "reference).",
)
class _:
    def divergences(self, mine, reference, x, tolerance):
        for (_, my_output), (_, output) in self.pairs(*self.both(mine, reference, x)):
            if self.shapes_differ(my_output, output) or self.values_differ(
                my_output, output, tolerance
            ):
                yield my_output, output, torch.inf


mistake(
    "False instead of None",
    "You return False where nothing differs. Return None.",
    nothing=lambda self: False,
)
mistake(
    "mine compared with itself",
    "You run mine twice, and reference never, so no difference is found. Run both.",
    both=lambda self, mine, reference, x: (self.outputs(mine, x), self.outputs(mine, x)),
)


@mistake(
    "looked up by name",
    "You look up mine's names in reference, which has other names. Pair the modules by the "
    "order in which they run.",
)
class _:
    def pairs(self, mine, theirs):
        theirs = dict(theirs)
        return [((name, output), (name, theirs[name])) for name, output in mine]


@mistake(
    "equal names only",
    "You compare only modules of equal names. Names are free: pair the modules by the order in "
    "which they run.",
)
class _:
    def pairs(self, mine, theirs):
        theirs = dict(theirs)
        return [((name, output), (name, theirs[name])) for name, output in mine if name in theirs]


mistake(
    "strict zip",
    "zip with strict=True raises where one model runs more modules than the other. Leave it "
    "out: what is left over at the end has no partner.",
    pairs=lambda self, mine, theirs: zip(mine, theirs, strict=True),
)
mistake(
    "last name in all hooks",
    "All your hooks note the same name: a function made in a loop sees the variable's last "
    "value. Give it the name as a default argument, or look the name up by the module.",
    name_noted=lambda self, name, modules: modules[-1][0],
)
mistake(
    "inputs compared",
    "You compare the modules' inputs, and so find the error one module late. Compare their "
    "outputs.",
    watched=lambda self, inputs, output: inputs[0],
)
mistake(
    "modes changed",
    "You put the models into eval mode. Leave each in the mode it is in.",
    prepare=lambda self, model: model.eval(),
)

FIRST_DIVERGENCE = Exercise(
    name="first_divergence",
    reference=solutions.first_divergence,
    names={},
    in_steps=FirstDivergenceInSteps,
    trials=FIRST_DIVERGENCE_TRIALS,
    mistakes=FIRST_DIVERGENCE_MISTAKES,
    finished=lambda steps: steps().first_divergence,
)


def test_first_divergence(first_divergence: Callable) -> None:
    """Check that first_divergence names the first pair of modules with unlike outputs."""
    FIRST_DIVERGENCE.check("test_first_divergence", first_divergence)
