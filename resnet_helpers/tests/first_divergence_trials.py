"""What first_divergence is tried on, and what of it is looked at."""

import io
import re
from contextlib import redirect_stdout, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as nn_module

from resnet_helpers.tests.small_models import (  # noqa: F401 (trials use what their text names)
    BUILDING,
    Broken,
    Calls,
    Runs,
    in_torch,
)
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

X = torch.tensor([[1.0, 2.0]])
TINY_X = torch.tensor([[1e-4, 2e-4]])
PICTURE = "torch.linspace(-2, 2, 96).view(2, 3, 4, 4)"
MINE, EQUAL, UNLIKE = (
    "a: 2x, b: x + 1, c: 3x, d: 0.5x",
    "p: 2x, q: x + 1, r: 3x, s: 0.5x",
    "p: 2x, q: x + 1.5, r: 3x, s: 0.5x",
)


def looking_for_x(seen: list[str]) -> nn.Module:
    """A model that notes whether its module gets x."""

    def look(x):
        seen.append("x" if torch.equal(x, X) else "other numbers than x")
        return x * 2

    return nn.Sequential(Calls(look))


def looking_for_the_first_output(seen: list[str]) -> nn.Module:
    """A model that notes whether the second module gets just what the first returned."""
    emitted = []

    def emit(x):
        emitted.append(x + 1)
        return emitted[-1]

    def receive(x):
        untouched, changed = "what the module before returned", "something else, from a hook"
        seen.append(untouched if x is emitted[-1] else changed)
        return x * 2

    return nn.Sequential(Calls(emit), Calls(receive))


def seen_by(looking, first_divergence):
    """What two such models see while they are compared, each thing once."""
    seen = {"mine": [], "reference": []}
    first_divergence(*map(looking, seen.values()), X.clone())
    return {
        name: " and ".join(dict.fromkeys(each)) or "nothing: it never ran"
        for name, each in seen.items()
    }


def hooked(first_divergence) -> bool:
    """Whether any hook is on any module when the models run."""
    found = []

    def look(x):
        hooks = [*map(hooks_of, model.modules()), nn_module._global_forward_hooks]
        found.append(any(hooks) or bool(nn_module._global_forward_pre_hooks))
        return x

    model = nn.Sequential(Calls(look), nn.Sequential(nn.ReLU()))
    first_divergence(model, nn.Sequential(nn.ReLU()), X.clone())
    return any(found)


def error_of_model(first_divergence, mine, reference):
    """Whether an error that a model raises reaches the caller."""
    try:
        first_divergence(mine, reference, X.clone())
    except NotImplementedError:  # a stub
        raise
    except Exception:
        return "an error"
    return "no error"


def named(result: Any) -> str:
    """What first_divergence returned, in which modules and tensors go by their classes only."""
    if isinstance(result, (list, tuple)):
        return f"({', '.join(map(named, result))})"
    return f"a {type(result).__name__}" if isinstance(result, (Tensor, nn.Module)) else repr(result)


def printed_names(first_divergence, mine, reference) -> str:
    """What is returned where b and q differ, and whether their names are printed instead."""
    with redirect_stdout(io.StringIO()) as printed:
        result = first_divergence(mine, reference, X.clone())
    words = re.findall(r"\w+", printed.getvalue())
    if result is None and {"b", "q"} <= set(words):
        return "None, and the names are printed"
    return named(result)


def hooks_after(first_divergence, mine, reference):
    """How many hooks first_divergence leaves on each model, and whether others' are still there."""
    models = {"mine": mine, "reference": reference}
    for each in models.values():
        each.apply(lambda module: module.register_forward_hook(lambda *_: None))
    before = {name: all_hooks(each) for name, each in models.items()}
    with suppress(ArithmeticError):  # Broken's
        first_divergence(mine, reference, X.clone())
    return {name: in_words(all_hooks(each), before[name]) for name, each in models.items()}


def in_words(hooks: set, before: set) -> str:
    """How the hooks differ from those before."""
    if before - hooks:
        return "somebody else's are gone"
    return f"{len(hooks - before)} left behind" if hooks - before else "as before"


def all_hooks(model: nn.Module) -> set:
    """The forward hooks and pre-hooks on a model and its submodules."""
    return {(name, hook) for name, m in model.named_modules() for hook in hooks_of(m)}


def hooks_of(module: nn.Module) -> list[int]:
    """The numbers that PyTorch gave the forward hooks and pre-hooks on a module."""
    return [*module._forward_hooks, *module._forward_pre_hooks]


def modes_after(first_divergence, mine, reference):
    """Which modes the modules of the models are in afterwards."""
    first_divergence(mine, reference, X.clone())
    models = {"mine.training": mine, "reference.training": reference}
    return {name: [module.training for module in each.modules()] for name, each in models.items()}


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    """A trial of models that are made by `layer` and `net`."""
    return Trial("test_first_divergence", tried, f"{BUILDING}\n{code}", subject, look=look)


def returned(tried: str, arguments: str) -> Trial:
    """A trial of what first_divergence returns for these arguments."""
    call = f"first_divergence({arguments})"
    return trial(f"mine {tried}", call, "returned", f"named({call})")


def between(mine: str, reference: str, x: str = "X.clone()", tolerance: str = "") -> Trial:
    """A trial of what it returns for the models of two texts."""
    keyword = f", tolerance={tolerance}" if tolerance else ""
    x_in_words = {"X.clone()": "x = [[1, 2]]", "TINY_X.clone()": "x = [[1e-4, 2e-4]]"}
    return returned(
        f"({mine}), reference ({reference}){keyword}, "
        f"{x_in_words.get(x, 'x of shape (2, 3, 4, 4)')}",
        f"{in_torch(mine)}, {in_torch(reference)}, {x}{keyword}",
    )


def left_on(tried: str, mine: str, reference: str) -> Trial:
    """A trial of the hooks that are left."""
    others = "module.register_forward_hook(lambda *_: None)"
    return trial(
        tried,
        f"mine = {mine}.apply(lambda module: {others}); first_divergence(mine, {reference}, "
        "X.clone())\n[len(module._forward_hooks) for module in mine.modules()]",
        "hooks on it",
        f"hooks_after(first_divergence, {mine}, {reference})",
    )


WITH_POOL = {
    "(2, 3)": "net(a=layer(lambda x: 2 * x), b=layer(lambda x: x.mean((2, 3))))",
    "(2, 3, 1, 1)": "net(p=layer(lambda x: 2 * x), q=torch.nn.AdaptiveAvgPool2d(1))",
    "(2, 3, 2, 2)": "net(p=layer(lambda x: 2 * x), q=torch.nn.AdaptiveAvgPool2d(2))",
}
WITH_DROPOUT = "net(a=layer(lambda x: 2 * x), b=torch.nn.Dropout(1.0))"


def what_is_wrong_in_any_case(first_divergence) -> str:
    """What can be said whatever the mistake may be: of the inputs, and of what is returned."""
    seen = seen_by(looking_for_x, first_divergence)
    for name, what in seen.items():
        if what != "x":
            never = what.startswith("nothing")
            return f"You never run {name}." if never else f"You run {name} on {what}."
    same = first_divergence(nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU()), X.clone())
    if same is not None:
        return "Return None where no pair differs."
    unlike = nn.Sequential(nn.ReLU()), nn.Sequential(nn.Sigmoid())
    found = first_divergence(*unlike, X.clone())
    if found is None:
        return ""
    if not isinstance(found, (list, tuple)) or [type(each) for each in found] != [str, str]:
        return "Return two names and nothing else: (name in mine, name in reference)."
    if first_divergence(*unlike, X.clone(), tolerance=100) is not None:
        return "With tolerance=100 you still report a difference of 1. Compare with the argument."
    if not hooked(first_divergence):
        return (
            "No hook of yours is on the models when they run. Put one on every module that has no "
            "children, and note the output that it is given."
        )
    return ""


CLOSER_LOOK = Trial(
    "test_first_divergence",
    "what can be said in any case",
    "what_is_wrong_in_any_case(first_divergence)",
)

TRIALS = (
    between(MINE, EQUAL),
    between("a: 4x, b: x + 1, c: 3x, d: 0x", "p: 2x, q: x + 1, r: 3x, s: 0x"),
    between(MINE, "p: 4x, q: x + 1, r: 3x, s: 0.5x"),
    between(MINE, UNLIKE),
    returned(
        "(a: 2x, b: x + 1), reference (p: 2x, q: x + 1 for the first picture, x + 2 for the "
        "second, x for the third), x = [[1, 2], [1, 2], [1, 2]]",
        f"{in_torch('a: 2x, b: x + 1')}, net(p=layer(lambda x: 2 * x), "
        "q=layer(lambda x: x + torch.tensor([[1], [2], [0]])[:len(x)])), "
        "torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])",
    ),
    between("a: 2x, b: x + [2, -2], c: 3x", "p: 2x, q: x + [0, 0], r: 3x"),
    between("a: 2x, b: x + [0, 1.3e-4]", "p: 2x, q: x"),
    returned(
        "(a: 2x, b: x, but 0.004 more in the last of 96 values), reference (p: 2x, q: x)",
        "net(a=layer(lambda x: 2 * x), "
        "b=layer(lambda x: x + 0.004 * (torch.arange(96) == 95).view(x.shape))), "
        f"{in_torch('p: 2x, q: x')}, {PICTURE}",
    ),
    between("a: 2x, b: x + 0.6", "p: 2x, q: x", tolerance="0.5"),
    between("a: 2x, b: x + [0, 1]", "p: 2x, q: x"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x"),
    between("a: 2x, b: x + 1e-6", "p: 2x, q: x"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", PICTURE),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", tolerance="1e-6"),
    between("a: 2x, b: x + 0.3", "p: 2x, q: x", tolerance="0.5"),
    between("a: 2x, b: x + 1", "p: 2x, q: x + 1", tolerance="0"),
    between("a: 2x, b: x + 1000.01", "p: 2x, q: x + 1000"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", "TINY_X.clone()"),
    between("a: 2x, b: x + nan, c: 3x", "p: 2x, q: x + 1, r: 3x"),
    between("a: 2x, b: x + nan, c: 3x", "p: 2x, q: 0x, r: 3x"),
    returned(
        "runs first, second, third, declared the other way round, second is wrong, x = [[1, 2]]",
        "Runs('first second third', third=layer(lambda x: 3 * x), "
        "second=layer(lambda x: x + 1.5), first=layer(lambda x: 2 * x)), "
        f"{in_torch('p: 2x, q: x + 1, r: 3x')}, X.clone()",
    ),
    returned(
        "runs twice (2x), between (x + 1), twice (2x), reference (p: 2x, q: x + 1, r: 3x), "
        "x = [[1, 2]]",
        "Runs('twice between twice', twice=layer(lambda x: 2 * x), "
        f"between=layer(lambda x: x + 1)), {in_torch('p: 2x, q: x + 1, r: 3x')}, X.clone()",
    ),
    returned(
        "(stem: (a: 2x, b: x + 1), head: (a: 3x)), reference (p: 2x, q: x + 1, r: 4x), "
        "x = [[1, 2]]",
        f"net(stem={in_torch('a: 2x, b: x + 1')}, head={in_torch('a: 3x')}), "
        f"{in_torch('p: 2x, q: x + 1, r: 4x')}, X.clone()",
    ),
    returned(
        "(block: runs a (2x), then b (x + 1), c: 3x), reference (p: 2x, q: x + 1, r: 4x), "
        "x = [[1, 2]]",
        "net(block=Runs('a b', a=layer(lambda x: 2 * x), b=layer(lambda x: x + 1)), "
        f"c=layer(lambda x: 3 * x)), {in_torch('p: 2x, q: x + 1, r: 4x')}, X.clone()",
    ),
    between("a: 2x, b: x + 1", "a: 2x, b: x + 1.5"),
    between("a: 2x, i: Identity, b: x + 1.5", "p: 2x, q: x + 1"),
    returned(
        "with ReLU(), reference the same with ReLU(inplace=True), x = [[1, 2]]",
        f"{in_torch('a: -2x, b: ReLU, c: x + 1')}, net(p=layer(lambda x: -2 * x), "
        "q=torch.nn.ReLU(inplace=True), r=layer(lambda x: x + 1)), X.clone()",
    ),
    returned(
        "pools to shape (2, 3), reference to (2, 3, 1, 1) with the same values",
        f"{WITH_POOL['(2, 3)']}, {WITH_POOL['(2, 3, 1, 1)']}, {PICTURE}",
    ),
    returned(
        "pools to shape (2, 3), reference to (2, 3, 2, 2)",
        f"{WITH_POOL['(2, 3)']}, {WITH_POOL['(2, 3, 2, 2)']}, {PICTURE}",
    ),
    returned(
        "pools to shape (2, 3, 2, 2), reference to (2, 3)",
        f"{WITH_POOL['(2, 3, 2, 2)']}, {WITH_POOL['(2, 3)']}, {PICTURE}",
    ),
    between("a: 2x, b: x + 1", "p: 2x, q: x + 1, r: 3x"),
    between("a: 2x, b: x + 1", "p: 2x, q: ReLU, r: x + 1"),
    between("a: 2x, b: x + 1, c: 3x", "p: 2x, q: x + nan, r: 3x"),
    between("a: PReLU, b: x + 1.5", "p: PReLU, q: x + 1"),
    returned(
        "in train mode, the reference in eval mode, both (a: 2x, b: Dropout(1.0)), x = [[1, 2]]",
        f"{WITH_DROPOUT}.train(), {WITH_DROPOUT}.eval(), X.clone()",
    ),
    left_on("two models without a difference", in_torch(MINE), in_torch(EQUAL)),
    left_on("two models with a difference", in_torch(MINE), in_torch(UNLIKE)),
    trial(
        "mine raises",
        "hooks_after(first_divergence, net(a=layer(lambda x: 2 * x), b=Broken()), "
        f"{in_torch(EQUAL)})",
        "hooks on it",
    ),
    trial(
        "the reference raises",
        f"hooks_after(first_divergence, {in_torch(MINE)}, "
        "net(p=layer(lambda x: 2 * x), q=Broken()))",
        "hooks on it",
    ),
    trial(
        "mine in train mode, the reference in eval mode",
        f"mine = {in_torch(MINE)}.train(); reference = {in_torch(EQUAL)}.eval(); "
        "first_divergence(mine, reference, X.clone())\nmine.training, reference.training",
        "modes afterwards",
        "modes_after(first_divergence, mine.train(), reference.eval())",
    ),
    trial(
        "mine raises",
        f"error_of_model(first_divergence, net(a=Broken()), {in_torch(EQUAL)})",
        "raised",
    ),
    trial(
        "two models of one module each, x = [[1, 2]]",
        "seen_by(looking_for_x, first_divergence)",
        "inputs of the modules",
    ),
    trial(
        "two models of two modules each",
        "seen_by(looking_for_the_first_output, first_divergence)",
        "given to the second",
    ),
    trial(
        f"mine ({MINE}), reference ({UNLIKE})",
        f"first_divergence({in_torch(MINE)}, {in_torch(UNLIKE)}, X.clone())",
        "returned",
        f"printed_names(first_divergence, {in_torch(MINE)}, {in_torch(UNLIKE)})",
    ),
)
