"""Lesson 1's bonus: the check of a Sequential that accepts names, with its known mistakes."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.layers import Linear
from resnet_helpers.tests.engine import Catalogue, Exercise, trials_of
from resnet_helpers.tests.structure import plain_lists


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


class Apply(nn.Module):
    """A module that applies a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def three() -> list[nn.Module]:
    """Modules a, b and c, of which every order gives another output."""
    functions = {"a": lambda x: x + 1, "b": lambda x: 2 * x, "c": lambda x: x**2}
    # classes of these names, so that an error message calls them as the check does
    return [type(name, (Apply,), {})(function) for name, function in functions.items()]


def named(modules: list[nn.Module]) -> OrderedDict[str, nn.Module]:
    """The modules with names that are not in alphabetical order."""
    return OrderedDict(zip(("stem", "body", "head"), modules, strict=True))


def letter(module: nn.Module, modules: list[nn.Module]) -> str:
    """Which of the modules it is: a, b, c and so on."""
    return next((chr(97 + i) for i, other in enumerate(modules) if other is module), "another")


def children(*, with_names: bool):
    """The names of the children, and which module each is; or where else the modules are."""

    def run(cls):
        modules = three()
        sequential = cls(named(modules)) if with_names else cls(*modules)
        if plain_lists(sequential):
            return "all in a plain list"
        return {name: letter(child, modules) for name, child in sequential.named_children()}

    return run


def output(*, with_names: bool, replaced: int | None = None):
    """The output, perhaps with a module replaced beforehand."""

    def run(cls):
        sequential = cls(named(three())) if with_names else cls(*three())
        if replaced is not None:
            sequential[replaced] = Apply(lambda x: 10 * x)
        return sequential(torch.tensor(2.0))

    return run


def found_at(*indices: int, with_names=False):
    """Which of the three modules each index gives; "IndexError" where it raises that."""

    def run(cls):
        modules = three()
        sequential = cls(named(modules)) if with_names else cls(*modules)
        found = {}
        for index in indices:
            try:
                found[index] = letter(sequential[index], modules)
            except IndexError:
                found[index] = "IndexError"
        return found

    return run


def after_replacing(index: int, *, with_names=False):
    """The children after `sequential[index] = d`."""

    def run(cls):
        modules = [*three(), nn.Identity()]
        sequential = cls(named(modules[:3])) if with_names else cls(*modules[:3])
        try:
            sequential[index] = modules[3]
        except IndexError:
            return "IndexError"
        return {name: letter(child, modules) for name, child in sequential.named_children()}

    return run


def parameters_of_nested(cls):
    """The names of the parameters of a Sequential in a Sequential."""
    nested = cls(cls(Linear(2, 2), Linear(2, 2)), Linear(2, 2))
    return [name for name, _ in nested.named_parameters()]


MISTAKES = mistake = Catalogue()
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
    add_numbered=lambda self, modules: setattr(self, "list", list(modules)),
    add_named=lambda self, modules: setattr(self, "list", list(modules.values())),
    __getitem__=lambda self, index: self.list[index],
    __setitem__=lambda self, index, module: self.list.__setitem__(index, module),
    forward=lambda self, x: self.list[2](self.list[1](self.list[0](x))),
)
mistake(
    "modules in a plain list, the rest inherited",
    "Your modules are in a plain list. What you inherit (forward, indices, parameters) looks "
    "for them in self._modules: register each with self.add_module(name, module).",
    add_numbered=lambda self, modules: setattr(self, "list", list(modules)),
    add_named=lambda self, modules: setattr(self, "list", list(modules.values())),
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
    add_named=lambda self, modules: [
        self.add_module(name, modules[name]) for name in sorted(modules)
    ],
)
mistake(
    "OrderedDict not accepted",
    "You treat an OrderedDict as if it were a module. If the only argument is one, add each "
    "of its items under its own name.",
    add_named=lambda self, modules: self.add_module("0", modules),
)
mistake(
    "a single module taken for an OrderedDict",
    "You take any single argument for an OrderedDict. Look at its type first: "
    "isinstance(modules[0], OrderedDict).",
    __init__=lambda self, *modules: (
        nn.Module.__init__(self),
        self.add_named(modules[0]) if len(modules) == 1 else self.add_numbered(modules),
    )[0],
)
mistake(
    "modules added under number and name",
    "You add the modules of an OrderedDict twice, under a number and under the name. Their "
    "names are enough.",
    add_named=lambda self, modules: (
        self.add_numbered(modules.values()),
        SequentialInSteps.add_named(self, modules),
    ),
)
mistake(
    "replacing moves to the end",
    "Replacing a module moves it to the end of the order. Assign to the name it has already.",
    __setitem__=lambda self, index, module: (
        self._modules.pop(name := self.key(index)),
        self._modules.__setitem__(name, module),
    ),
)


@mistake(
    "modules applied in reverse",
    "You apply the modules from last to first. The first declared comes first.",
)
class _:
    def forward(self, x):
        """The last module first."""
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

ABC = "where a adds 1, b doubles and c squares"
NAMED = "NamedSequential(OrderedDict(stem=a, body=b, head=c))"

SEQUENTIAL = Exercise(
    name="NamedSequential",
    reference=solutions.NamedSequential,
    names={},
    in_steps=SequentialInSteps,
    trials=trials_of(
        "test_sequential",
        ("NamedSequential(a, b, c): its children", children(with_names=False), "children"),
        (f"NamedSequential(a, b, c)(2), {ABC}", output(with_names=False)),
        (
            "Sequential(a): its children",
            lambda cls: [name for name, _ in cls(Linear(2, 2)).named_children()],
            "names",
        ),
        ("NamedSequential(): its children", lambda cls: len(list(cls().children())), "number"),
        ("NamedSequential(a, b, c)[i], i from 0", found_at(0, 1, 2), "modules"),
        ("NamedSequential(a, b, c)[i], i negative", found_at(-1, -2, -3), "modules"),
        ("NamedSequential(a, b, c)[i], i out of range", found_at(3, -4, 10), "modules"),
        ("NamedSequential(a, b, c)[1] = d: the children then", after_replacing(1), "children"),
        ("NamedSequential(a, b, c)[-1] = d: the children then", after_replacing(-1), "children"),
        ("NamedSequential(a, b, c)[3] = d: the children then", after_replacing(3), "children"),
        (
            f"NamedSequential(a, b, c)[1] = d, and its output for 2, {ABC}, and d multiplies by 10",
            output(with_names=False, replaced=1),
        ),
        (f"{NAMED}: its children", children(with_names=True), "children"),
        (f"{NAMED}(2), {ABC}", output(with_names=True)),
        (f"{NAMED}[i], i from 0", found_at(0, 1, 2, with_names=True), "modules"),
        (f"{NAMED}[i], i negative", found_at(-1, -2, -3, with_names=True), "modules"),
        (f"{NAMED}[0] = d: the children then", after_replacing(0, with_names=True), "children"),
        (
            "NamedSequential(NamedSequential(a, b), c) of three Linear layers: its parameters",
            parameters_of_nested,
            "names",
        ),
    ),
    mistakes=MISTAKES,
)


def test_sequential(NamedSequential: type[nn.Module]) -> None:
    """Check a Sequential: order, indices, assignment, names from an OrderedDict."""
    SEQUENTIAL.check("test_sequential", NamedSequential)
