"""Lesson 1's bonus: the check of a Sequential that accepts names, with its known mistakes."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.outcomes import Described, short
from resnet_helpers.tests.structure import plain_lists
from resnet_helpers.tests.trials import Trial, trials_of

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


@dataclass(frozen=True)
class Children(Described):
    """The names of the children in their order, and which module each is."""

    of: tuple[tuple[str, str], ...]

    def shown(self, subject: str) -> str:
        return short(f"{subject}: {', '.join(map(': '.join, self.of)) or 'none'}", 250)

    def difference(self, subject: str, got: "Children") -> tuple[str, str, str]:
        (names, letters), (own_names, own_letters) = (
            list(map(list, zip(*children.of, strict=True))) or ([], []) for children in (self, got)
        )
        remark = ""
        if own_letters == letters:
            wanted, had = ", ".join(names), ", ".join(own_names)
            remark = f"The modules are right; their names are {had} and should be {wanted}."
        elif sorted(own_letters) == sorted(letters):
            remark = "All modules are there, and in another order."
        elif missing := [letter for letter in letters if letter not in own_letters]:
            remark = f"No child is {' or '.join(missing)}."
        elif len(own_letters) > len(letters):
            remark = "There are more children than modules were given."
        return self.shown(subject), got.shown(subject), remark


def children(sequential: nn.Module) -> Children:
    """The names of the children, and which module each is."""
    return Children(tuple((name, letter(child)) for name, child in sequential.named_children()))


def new_children(sequential: nn.Module) -> Children | str:
    """The children, or where else the modules are."""
    found = children(sequential)
    return "all in a plain list or dict" if plain_lists(sequential) and not found.of else found


def found_at(sequential: nn.Module, *indices: int) -> dict[int, str]:
    """Which of the modules each index gives; "IndexError" where it raises that."""
    found = {}
    for index in indices:
        try:
            found[index] = letter(sequential[index])
        except IndexError:
            found[index] = "IndexError"
    return found


def after_replacing(sequential: nn.Module, index: int) -> Children | str:
    """The children after `sequential[index] = d`; "IndexError" where it raises that."""
    try:
        sequential[index] = D
    except IndexError:
        return "IndexError"
    return children(sequential)


def names_in_the_dictionary(NamedSequential: type[nn.Module]) -> str:
    """What the OrderedDict holds when the Sequential made of it has got another first module."""
    modules = NAMED.copy()
    NamedSequential(modules)[0] = D
    return ", ".join(f"{name}={letter(module)}" for name, module in modules.items())


ABC = "where a adds 1, b doubles and c squares"
WITH_NAMES = "NamedSequential(OrderedDict(stem=a, body=b, head=c))"
PLAIN_CODE, NAMED_CODE = "NamedSequential(A, B, C)", "NamedSequential(NAMED.copy())"

# What a learner can paste: the same with modules of PyTorch's.
PLAIN_LINE = "NamedSequential(torch.nn.ReLU(), torch.nn.Tanh(), torch.nn.Sigmoid())"
DICTIONARY = "OrderedDict(stem=torch.nn.ReLU(), body=torch.nn.Tanh(), head=torch.nn.Sigmoid())"
NAMED_LINES = f"from collections import OrderedDict\nNamedSequential({DICTIONARY})"


def trial(tried: str, lines: str, look: str, subject: str) -> Trial:
    """One that a learner can see with these lines; the look tries the same with a, b, c and d."""
    return Trial("test_sequential", tried, lines, subject, look=look)


TRIALS = (
    trial(
        "NamedSequential(a, b, c): its children",
        PLAIN_LINE,
        f"new_children({PLAIN_CODE})",
        "children",
    ),
    *trials_of(
        "test_sequential",
        (f"NamedSequential(a, b, c)(2), {ABC}", f"{PLAIN_CODE}(TWO.clone())"),
        (
            "NamedSequential(a): its children",
            "[name for name, _ in NamedSequential(torch.nn.Linear(2, 2)).named_children()]",
            "names",
        ),
        ("NamedSequential(): its children", "len(list(NamedSequential().children()))", "number"),
    ),
    *(
        trial(
            f"NamedSequential(a, b, c)[i], i {which}",
            f"s = {PLAIN_LINE}\n[s[i] for i in {indices}]",
            f"found_at({PLAIN_CODE}, *{indices})",
            "modules",
        )
        for which, indices in (("from 0", (0, 1, 2)), ("negative", (-1, -2, -3)))
    ),
    *(
        trial(
            f"NamedSequential(a, b, c)[{index}], which is out of range",
            f"{PLAIN_LINE}[{index}]",
            f"found_at({PLAIN_CODE}, {index})",
            "module",
        )
        for index in (10, 3, -4)
    ),
    *(
        trial(
            f"NamedSequential(a, b, c)[{i}] = d: the children then",
            f"s = {PLAIN_LINE}; s[{i}] = torch.nn.Softplus()\ns",
            f"after_replacing({PLAIN_CODE}, {i})",
            "children",
        )
        for i in (1, -1)
    ),
    *trials_of(
        "test_sequential",
        (
            "NamedSequential(a, b, c)[3] = d: the children then",
            f"after_replacing({PLAIN_CODE}, 3)",
            "children",
        ),
        (
            f"NamedSequential(a, b, c)[1] = d, and its output for 2, {ABC}, and d multiplies by 10",
            f"model = {PLAIN_CODE}; model[1] = D; model(TWO.clone())",
        ),
    ),
    trial(f"{WITH_NAMES}: its children", NAMED_LINES, f"new_children({NAMED_CODE})", "children"),
    *trials_of(
        "test_sequential",
        (f"{WITH_NAMES}(2), {ABC}", f"{NAMED_CODE}(TWO.clone())"),
        (f"{WITH_NAMES}[i], i from 0", f"found_at({NAMED_CODE}, 0, 1, 2)", "modules"),
        (f"{WITH_NAMES}[i], i negative", f"found_at({NAMED_CODE}, -1, -2, -3)", "modules"),
        (
            f"{WITH_NAMES}[0] = d: the children then",
            f"after_replacing({NAMED_CODE}, 0)",
            "children",
        ),
        (
            f"{WITH_NAMES}[0] = d: the OrderedDict then",
            "names_in_the_dictionary(NamedSequential)",
            "OrderedDict",
        ),
        (
            "NamedSequential(NamedSequential(a, b), c) of three Linear layers: its parameters",
            "inner = NamedSequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))\n"
            "nested = NamedSequential(inner, torch.nn.Linear(2, 2))\n"
            "[name for name, _ in nested.named_parameters()]",
            "names",
        ),
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

NOT_REGISTERED = (
    "Your modules are in a plain list or dict, where nn.Module does not see them: no parameters, "
    "and nothing to print. Register them with self.add_module(name, module)."
)
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
    NOT_REGISTERED,
    **IN_A_LIST,
    __getitem__=lambda self, index: self.list[index],
    __setitem__=lambda self, index, module: self.list.__setitem__(index, module),
    forward=lambda self, x: self.list[2](self.list[1](self.list[0](x))),
)
mistake(
    "modules in a plain list, the rest inherited",
    "Your modules are in a plain list or dict. Sequential's methods (forward, indices) look for "
    "them in self._modules: register each with self.add_module(name, module).",
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
    "unnamed modules dropped",
    "You register the modules of an OrderedDict only. Modules given one by one, as in "
    'NamedSequential(a, b), are numbered from 0: self.add_module("0", a) and so on.',
    add_numbered=lambda self, modules: None,
)
mistake(
    "numbered from 1",
    "Your numbers begin with 1. They begin with 0, as indices do.",
    add_numbered=lambda self, modules: SequentialInSteps.add_named(
        self, {str(number): module for number, module in enumerate(modules, start=1)}
    ),
)
mistake(
    "add_module with its arguments swapped",
    "add_module gets a string where the module belongs. The name comes first: "
    "self.add_module(name, module).",
    add_numbered=lambda self, modules: [
        self.add_module(module, str(index)) for index, module in enumerate(modules)
    ],
    add_named=lambda self, modules: [self.add_module(modules[name], name) for name in modules],
)
mistake(
    "keys of the OrderedDict taken for its items",
    "A loop over an OrderedDict gives its keys alone. Loop over its items() for names and modules.",
    add_named=lambda self, modules: [self.add_module(name, module) for name, module in modules],
)
mistake(
    "the caller's OrderedDict kept",
    "You keep the OrderedDict you were given: replace a module, and it changes for whoever else "
    "uses it. Add its items one by one: self.add_module(name, module).",
    add_named=lambda self, modules: setattr(self, "_modules", modules),
)


@mistake(
    "the first of no modules looked at",
    "NamedSequential() has no first module to look at. Ask for the number first: "
    "len(modules) == 1 and isinstance(modules[0], OrderedDict).",
)
class _:
    def __init__(self, *modules):
        nn.Module.__init__(self)
        if isinstance(modules[0], OrderedDict):
            self.add_named(modules[0])
        else:
            self.add_numbered(modules)


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


mistake(
    "modules added under name and number",
    "You add the modules of an OrderedDict twice, under the name and under a number. Their "
    "names are enough.",
    add_named=lambda self, modules: (
        SequentialInSteps.add_named(self, modules),
        self.add_numbered(modules.values()),
    ),
)


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
    "Your output is what the last module makes of the first input. Each module takes what the one "
    "before returned: x = module(x).",
    forward=lambda self, x: [module(x) for module in self._modules.values()][-1],
)
mistake(
    "returned after the first module",
    "Your output is that of the first module alone. Is the `return` inside the loop? It comes "
    "after it.",
    forward=lambda self, x: next(iter(self._modules.values()))(x),
)
mistake(
    "all modules under one name",
    "All modules of an OrderedDict get one and the same name, so only the last is left. Give each "
    "its own: self.add_module(name, module), where name is the variable, with no quotes.",
    runnable=False,
)
ALL_UNDER_ONE_NAME = mistake[-1]
mistake(
    "modules inside another module",
    "Your modules are inside another module of yours, a Sequential or ModuleList say, where "
    "neither names nor indices find them. Register each itself: self.add_module(name, module).",
    runnable=False,
)
INSIDE_ANOTHER_MODULE = mistake[-1]

# ---- What else is looked at -----------------------------------------------------------------


def look_closer(NamedSequential: type[nn.Module]) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen."""
    numbered = NamedSequential(A, B, C)
    if plain_lists(numbered) and not children(numbered).of:
        return NOT_REGISTERED
    if any(A in child.children() for child in numbered.children()):
        return INSIDE_ANOTHER_MODULE
    names = [name for name, _ in numbered.named_children()]
    if list(numbered.children()) == [A, B, C] and names != ["0", "1", "2"]:
        return (
            f"Your names of modules that have none are {short(', '.join(names), 60)}. Number them "
            "from 0, as text: str(index)."
        )
    found = children(NamedSequential(NAMED.copy())).of
    if len(found) == 1 and found[0][1] == "c" and found[0][0] != "head":
        return ALL_UNDER_ONE_NAME
    return ""


CLOSER_LOOK = Trial("test_sequential", "modules and names", "look_closer(NamedSequential)")

# ---- The check ------------------------------------------------------------------------------

SEQUENTIAL = Exercise(
    name="NamedSequential",
    reference=solutions.NamedSequential,
    trials=TRIALS,
    names=globals(),
    in_steps=SequentialInSteps,
    mistakes=mistake,
    closer_look=CLOSER_LOOK,
)


def test_sequential(NamedSequential: type[nn.Module]) -> None:
    """Check a Sequential: order, indices, assignment, names from an OrderedDict."""
    SEQUENTIAL.check("test_sequential", NamedSequential)
