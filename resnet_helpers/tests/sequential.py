"""Lesson 1's bonus: the check of a Sequential that accepts names, with its known mistakes."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.structure import plain_lists
from resnet_helpers.tests.trials import trials_of

# ---- What is tried --------------------------------------------------------------------------

TWO = torch.tensor(2.0)


class Apply(nn.Module):
    """A module that applies a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


FUNCTIONS = {"a": lambda x: x + 1, "b": lambda x: 2 * x, "c": lambda x: x**2, "d": lambda x: 10 * x}
# Each is of a class of that name, so that an error message calls it as the check does.
A, B, C, D = (type(name, (Apply,), {})(function) for name, function in FUNCTIONS.items())
NAMED = OrderedDict(stem=A, body=B, head=C)  # not in alphabetical order


def letter(module: nn.Module) -> str:
    """Which of the modules it is: a, b, c or d."""
    return next((type(known).__name__ for known in (A, B, C, D) if known is module), "another")


def children(sequential: nn.Module) -> dict[str, str]:
    """The names of the children, and which module each is."""
    return {name: letter(child) for name, child in sequential.named_children()}


def new_children(sequential: nn.Module) -> dict[str, str] | str:
    """The children, or where else the modules are."""
    return "all in a plain list" if plain_lists(sequential) else children(sequential)


def found_at(sequential: nn.Module, *indices: int) -> dict[int, str]:
    """Which of the modules each index gives; "IndexError" where it raises that."""
    found = {}
    for index in indices:
        try:
            found[index] = letter(sequential[index])
        except IndexError:
            found[index] = "IndexError"
    return found


def after_replacing(sequential: nn.Module, index: int) -> dict[str, str] | str:
    """The children after `sequential[index] = d`; "IndexError" where it raises that."""
    try:
        sequential[index] = D
    except IndexError:
        return "IndexError"
    return children(sequential)


ABC = "where a adds 1, b doubles and c squares"
WITH_NAMES = "NamedSequential(OrderedDict(stem=a, body=b, head=c))"
PLAIN_CODE, NAMED_CODE = "NamedSequential(A, B, C)", "NamedSequential(NAMED.copy())"

TRIALS = trials_of(
    "test_sequential",
    ("NamedSequential(a, b, c): its children", f"new_children({PLAIN_CODE})", "children"),
    (f"NamedSequential(a, b, c)(2), {ABC}", f"{PLAIN_CODE}(TWO.clone())"),
    (
        "Sequential(a): its children",
        "[name for name, _ in NamedSequential(nn.Linear(2, 2)).named_children()]",
        "names",
    ),
    ("NamedSequential(): its children", "len(list(NamedSequential().children()))", "number"),
    ("NamedSequential(a, b, c)[i], i from 0", f"found_at({PLAIN_CODE}, 0, 1, 2)", "modules"),
    ("NamedSequential(a, b, c)[i], i negative", f"found_at({PLAIN_CODE}, -1, -2, -3)", "modules"),
    (
        "NamedSequential(a, b, c)[i], i out of range",
        f"found_at({PLAIN_CODE}, 3, -4, 10)",
        "modules",
    ),
    *(
        (
            f"NamedSequential(a, b, c)[{i}] = d: the children then",
            f"after_replacing({PLAIN_CODE}, {i})",
            "children",
        )
        for i in (1, -1, 3)
    ),
    (
        f"NamedSequential(a, b, c)[1] = d, and its output for 2, {ABC}, and d multiplies by 10",
        f"model = {PLAIN_CODE}; model[1] = D; model(TWO.clone())",
    ),
    (f"{WITH_NAMES}: its children", f"new_children({NAMED_CODE})", "children"),
    (f"{WITH_NAMES}(2), {ABC}", f"{NAMED_CODE}(TWO.clone())"),
    (f"{WITH_NAMES}[i], i from 0", f"found_at({NAMED_CODE}, 0, 1, 2)", "modules"),
    (f"{WITH_NAMES}[i], i negative", f"found_at({NAMED_CODE}, -1, -2, -3)", "modules"),
    (f"{WITH_NAMES}[0] = d: the children then", f"after_replacing({NAMED_CODE}, 0)", "children"),
    (
        "NamedSequential(NamedSequential(a, b), c) of three Linear layers: its parameters",
        "inner = NamedSequential(nn.Linear(2, 2), nn.Linear(2, 2))\n"
        "nested = NamedSequential(inner, nn.Linear(2, 2))\n"
        "[name for name, _ in nested.named_parameters()]",
        "names",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class SequentialInSteps(nn.Module):
    """Sequential cut into the steps that can each go wrong."""

    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            self.add_named(modules[0])
        else:
            self.add_numbered(modules)

    def add_named(self, modules):
        for name, module in modules.items():
            self.add_module(name, module)

    def add_numbered(self, modules):
        for index, module in enumerate(modules):
            self.add_module(str(index), module)

    def key(self, index):
        if not -len(self._modules) <= index < len(self._modules):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def __getitem__(self, index):
        return self._modules[self.key(index)]

    def __setitem__(self, index, module):
        self._modules[self.key(index)] = module

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

IN_A_LIST = {
    "add_numbered": lambda self, modules: setattr(self, "list", list(modules)),
    "add_named": lambda self, modules: setattr(self, "list", list(modules.values())),
}

mistake(
    "index modulo length",
    "Your index wraps around: the 10th of three modules should be an IndexError, not the "
    "second. Raise an IndexError outside -len to len - 1.",
    key=lambda self, index: list(self._modules)[index % len(self._modules)],
)
mistake(
    "no negative indices",
    "Negative indices fail. Let -1 be the last module, as in a list.",
    key=lambda self, index: list(self._modules)[index if index >= 0 else len(self._modules)],
)
mistake(
    "names compared with the index as text",
    "You look up str(index) in _modules, which finds no negative index and no module with a "
    "name of its own. Turn the index into a name first: list(self._modules)[index].",
    key=lambda self, index: str(index),
)
mistake(
    "modules in a plain list",
    "Your modules are in a plain list, where nn.Module does not see them: no parameters, and "
    "nothing to print. Register them with self.add_module(name, module).",
    **IN_A_LIST,
    __getitem__=lambda self, index: self.list[index],
    __setitem__=lambda self, index, module: self.list.__setitem__(index, module),
    forward=lambda self, x: self.list[2](self.list[1](self.list[0](x))),
)
mistake(
    "modules in a plain list, the rest inherited",
    "Your modules are in a plain list. What you inherit (forward, indices, parameters) looks "
    "for them in self._modules: register each with self.add_module(name, module).",
    **IN_A_LIST,
)
mistake(
    "no modules registered",
    "Your __init__ registers no modules. Go through them, and register each under its name: "
    "self.add_module(name, module).",
    add_numbered=lambda self, modules: None,
    add_named=lambda self, modules: None,
)
mistake(
    "names ignored",
    "You number the modules of an OrderedDict. Its keys are their names.",
    add_named=lambda self, modules: self.add_numbered(modules.values()),
)
mistake(
    "names in sorted order",
    "You sort the OrderedDict's names. Keep its own order.",
    add_named=lambda self, modules: SequentialInSteps.add_named(
        self, dict(sorted(modules.items()))
    ),
)
mistake(
    "OrderedDict not accepted",
    "You treat an OrderedDict as if it were a module. If the only argument is one, add each "
    "of its items under its own name.",
    add_named=lambda self, modules: self.add_module("0", modules),
)


@mistake(
    "a single module taken for an OrderedDict",
    "You take any single argument for an OrderedDict. Look at its type first: "
    "isinstance(modules[0], OrderedDict).",
)
class _:
    def __init__(self, *modules):
        nn.Module.__init__(self)
        self.add_named(modules[0]) if len(modules) == 1 else self.add_numbered(modules)


@mistake(
    "modules added under number and name",
    "You add the modules of an OrderedDict twice, under a number and under the name. Their "
    "names are enough.",
)
class _:
    def add_named(self, modules):
        self.add_numbered(modules.values())
        SequentialInSteps.add_named(self, modules)


@mistake(
    "replacing moves to the end",
    "Replacing a module moves it to the end of the order. Assign to the name it has already.",
)
class _:
    def __setitem__(self, index, module):
        name = self.key(index)
        del self._modules[name]
        self._modules[name] = module


@mistake(
    "modules applied in reverse",
    "You apply the modules from last to first. The first declared comes first.",
)
class _:
    def forward(self, x):
        for module in reversed(self._modules.values()):
            x = module(x)
        return x


mistake(
    "each module applied to the first input",
    "You apply every module to the first input, and return the last result. Each takes what "
    "the one before returned: x = module(x).",
    forward=lambda self, x: [module(x) for module in self._modules.values()][-1],
)
mistake(
    "returned after the first module",
    "You return from within the loop, after the first module. Return after the loop.",
    forward=lambda self, x: next(iter(self._modules.values()))(x),
)

# ---- The check ------------------------------------------------------------------------------

SEQUENTIAL = Exercise(
    name="NamedSequential",
    reference=solutions.NamedSequential,
    trials=TRIALS,
    names=globals(),
    in_steps=SequentialInSteps,
    mistakes=mistake,
)


def test_sequential(NamedSequential: type[nn.Module]) -> None:
    """Check a Sequential: order, indices, assignment, names from an OrderedDict."""
    SEQUENTIAL.check("test_sequential", NamedSequential)
