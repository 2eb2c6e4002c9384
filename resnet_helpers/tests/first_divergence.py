"""Lesson 6: the check of first_divergence, with its known mistakes."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.small_models import (  # noqa: F401 (trials use what their text names)
    Broken,
    Calls,
    Formula,
    Runs,
    chain,
    model,
)
from resnet_helpers.tests.trials import trials_of
from resnet_helpers.tests.values import made_up

# ---- What is tried --------------------------------------------------------------------------

X = torch.tensor([[1.0, 2.0]])
TINY_X = torch.tensor([[1e-4, 2e-4]])
PICTURE = made_up(2, 3, 4, 4)
MINE, EQUAL, UNLIKE = (
    "a: 2x, b: x + 1, c: 3x",
    "p: 2x, q: x + 1, r: 3x",
    "p: 2x, q: x + 1.5, r: 3x",
)
IN_WORDS = {
    "X": "x = [[1, 2]]",
    "TINY_X": "x = [[1e-4, 2e-4]]",
    "PICTURE": "x of shape (2, 3, 4, 4)",
}


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


def error_of_model(first_divergence):
    """Whether an error that a model raises reaches the caller."""
    try:
        first_divergence(chain(a=Formula("2x"), b=Broken()), model(EQUAL), X.clone())
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


def reported(first_divergence):
    """What is returned where there is a difference, and whether something is printed instead."""
    with redirect_stdout(io.StringIO()) as printed:
        result = first_divergence(model(MINE), model(UNLIKE), X.clone())
    if result is None and printed.getvalue():
        return "None, and something printed"
    return named(result)


def hooks_after(first_divergence, mine, reference):
    """How many hooks first_divergence leaves on each model, or takes away from it."""
    models = {"mine": mine, "reference": reference}
    for each in models.values():
        each.apply(lambda module: module.register_forward_hook(lambda *_: None))
    before = {name: n_hooks(each) for name, each in models.items()}
    with suppress(ArithmeticError):  # Broken's
        first_divergence(mine, reference, X.clone())
    return {name: in_words(n_hooks(each) - before[name]) for name, each in models.items()}


def in_words(n_more: int) -> str:
    """How many hooks there are more than before."""
    if not n_more:
        return "as before"
    return f"{n_more} left behind" if n_more > 0 else f"{-n_more} of somebody else's gone"


def n_hooks(each: nn.Module) -> int:
    """How many forward hooks and pre-hooks there are on a model and its submodules."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in each.modules())


def modes_after(first_divergence, mine, reference):
    """Which modes the modules of the models are in afterwards."""
    first_divergence(mine, reference, X.clone())
    models = {"mine.training": mine, "reference.training": reference}
    return {name: [module.training for module in each.modules()] for name, each in models.items()}


def returned(tried: str, arguments: str) -> tuple[str, str, str]:
    """A trial of what first_divergence returns for these arguments."""
    return f"mine {tried}", f"named(first_divergence({arguments}))", "returned"


def between(mine: str, reference: str, x: str = "X", tolerance: str = "") -> tuple[str, str, str]:
    """A trial of what it returns for the models that model() makes of two texts."""
    keyword = f", tolerance={tolerance}" if tolerance else ""
    return returned(
        f"({mine}), reference ({reference}){keyword}, {IN_WORDS[x]}",
        f"model('{mine}'), model('{reference}'), {x}.clone(){keyword}",
    )


TRIALS = trials_of(
    "test_first_divergence",
    between(MINE, EQUAL),
    between("a: 2x, b: x + 1.5, c: 3x", "p: 2x, q: x + 1, r: 3x"),
    between("a: 2x, b: x + 1, c: 3x", "a: 2x, b: x + 1.5, c: 3x"),
    between(MINE, UNLIKE),
    between("a: 5x, b: x + 1", "p: 2x, q: x + 1"),
    returned(
        "(a: 2x, b: x + 1), reference (p: 2x, q: x + 1, in the second picture x), "
        "x = [[1, 2], [1, 2]]",
        "model('a: 2x, b: x + 1'), model('p: 2x, q: x + [[1], [0]]'), torch.cat([X, X])",
    ),
    between("a: 2x, b: x + [2, -2], c: 3x", "p: 2x, q: x + [0, 0], r: 3x"),
    between("a: 2x, b: x + [0, 1.3e-4]", "p: 2x, q: x"),
    between("a: 2x, b: x + [0, 1]", "p: 2x, q: x"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", "PICTURE"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", tolerance="1e-6"),
    between("a: 2x, b: x + 0.3", "p: 2x, q: x", tolerance="0.5"),
    between("a: 2x, b: x + 1000.01", "p: 2x, q: x + 1000"),
    between("a: 2x, b: x + 5e-5", "p: 2x, q: x", "TINY_X"),
    between("a: 2x, b: x + nan, c: 3x", "p: 2x, q: x + 1, r: 3x"),
    returned(
        "runs first, second, third, declared the other way round, second is wrong, x = [[1, 2]]",
        "Runs('first second third', third=Formula('3x'), second=Formula('x + 1.5'), "
        "first=Formula('2x')), model('p: 2x, q: x + 1, r: 3x'), X.clone()",
    ),
    returned(
        "runs twice (2x), between (x + 1), twice (2x), reference (p: 2x, q: x + 1, r: 3x), "
        "x = [[1, 2]]",
        "Runs('twice between twice', twice=Formula('2x'), between=Formula('x + 1')), "
        "model('p: 2x, q: x + 1, r: 3x'), X.clone()",
    ),
    returned(
        "(stem: (0: 2x, 1: x + 1), head: (0: 3x)), reference (p: 2x, q: x + 1, r: 4x), "
        "x = [[1, 2]]",
        "chain(stem=model('0: 2x, 1: x + 1'), head=model('0: 3x')), "
        "model('p: 2x, q: x + 1, r: 4x'), X.clone()",
    ),
    between("a: 2x, i: Identity, b: x + 1.5", "p: 2x, q: x + 1"),
    returned(
        "with ReLU(), reference the same with ReLU(inplace=True), x = [[1, 2]]",
        "model('a: -2x, b: ReLU, c: x + 1'), "
        "chain(p=Formula('-2x'), q=nn.ReLU(inplace=True), r=Formula('x + 1')), X.clone()",
    ),
    returned(
        "pools to shape (2, 3), reference to (2, 3, 1, 1) with the same values",
        "chain(a=Formula('2x'), b=solutions.AveragePool()), "
        "chain(p=Formula('2x'), q=nn.AdaptiveAvgPool2d(1)), PICTURE.clone()",
    ),
    returned(
        "pools to shape (2, 3), reference to (2, 3, 2, 2)",
        "chain(a=Formula('2x'), b=solutions.AveragePool()), "
        "chain(p=Formula('2x'), q=nn.AdaptiveAvgPool2d(2)), PICTURE.clone()",
    ),
    returned(
        "pools to shape (2, 3, 2, 2), reference to (2, 3)",
        "chain(a=Formula('2x'), b=nn.AdaptiveAvgPool2d(2)), "
        "chain(p=Formula('2x'), q=solutions.AveragePool()), PICTURE.clone()",
    ),
    between("a: 2x, b: x + 1", "p: 2x, q: x + 1, r: 3x"),
    between("a: 2x, b: x + 1", "p: 2x, q: ReLU, r: x + 1"),
    between("a: 2x, b: x + 1, c: 3x", "p: 2x, q: x + nan, r: 3x"),
    (
        "two models without a difference",
        "hooks_after(first_divergence, model(MINE), model(EQUAL))",
        "hooks on it",
    ),
    (
        "two models with a difference",
        "hooks_after(first_divergence, model(MINE), model(UNLIKE))",
        "hooks on it",
    ),
    (
        "mine raises",
        "hooks_after(first_divergence, chain(a=Formula('2x'), b=Broken()), model(EQUAL))",
        "hooks on it",
    ),
    (
        "the reference raises",
        "hooks_after(first_divergence, model(MINE), chain(p=Formula('2x'), q=Broken()))",
        "hooks on it",
    ),
    (
        "mine in train mode, the reference in eval mode",
        "modes_after(first_divergence, model(MINE).train(), model(EQUAL).eval())",
        "modes afterwards",
    ),
    ("mine raises", "error_of_model(first_divergence)", "raised"),
    (
        "two models of one module each, x = [[1, 2]]",
        "seen_by(looking_for_x, first_divergence)",
        "inputs of the modules",
    ),
    (
        "two models of two modules each",
        "seen_by(looking_for_the_first_output, first_divergence)",
        "given to the second",
    ),
    (f"mine ({MINE}), reference ({UNLIKE})", "reported(first_divergence)", "returned"),
)

# ---- A right answer in steps ----------------------------------------------------------------


class Noted(NamedTuple):
    """What a hook notes."""

    name: str
    output: Tensor


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

    def name_noted(self, name, modules):
        return name

    def looked_at(self, inputs, output):
        return output

    def copied(self, output):
        return output.clone()

    def shaped(self, output):
        return output.flatten()

    def returned_by_hook(self, inputs, copy):
        return None

    def watch(self, module, name, outputs):
        def hook(module, inputs, output):
            copy = self.copied(self.looked_at(inputs, output).detach())
            outputs.append(Noted(name, self.shaped(copy)))
            return self.returned_by_hook(inputs, copy)

        return module.register_forward_hook(hook)

    def input_of(self, x):
        return x

    def run(self, model, x, handles):
        try:
            model(self.input_of(x))
        finally:
            self.clean_up(model, handles)

    def clean_up(self, model, handles):
        for handle in handles:
            handle.remove()

    def in_order(self, outputs, modules):
        return outputs

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

    def chosen(self, divergences):
        return next(divergences, None)

    def result(self, mine, theirs):
        return mine.name, theirs.name

    def nothing(self):
        return None

    def first_divergence(self, mine, reference, x, tolerance=1e-4):
        divergences = (
            (a, b)
            for a, b in self.pairs(*self.both(mine, reference, x))
            if self.shapes_differ(a.output, b.output)
            or self.values_differ(a.output, b.output, tolerance)
        )
        chosen = self.chosen(divergences)
        return self.result(*chosen) if chosen else self.nothing()


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "hooks left on",
    "Your hooks stay on the models. Keep the handles and call remove() on each, in a finally.",
    clean_up=lambda self, model, handles: None,
)
mistake(
    "hooks left on if a model raises",
    "If a model raises, your hooks stay on it. Run it inside try, and remove the hooks in finally.",
    run=lambda self, model, x, handles: (model(x), self.clean_up(model, handles)),
)
mistake(
    "only the first hook removed",
    "You remove one hook only. Call remove() on every handle, in a loop.",
    clean_up=lambda self, model, handles: handles[0].remove(),
)
mistake(
    "_forward_hooks cleared",
    "You clear _forward_hooks, which takes other people's hooks off as well. Keep your handles "
    "and call remove() on each.",
    clean_up=lambda self, model, handles: [m._forward_hooks.clear() for m in model.modules()],
)


@mistake(
    "error swallowed",
    "You swallow the error that a model raises. Remove the hooks in a finally, without except: "
    "then the error goes on to the caller.",
)
class _:
    def run(self, model, x, handles):
        with suppress(Exception):
            model(x)
        self.clean_up(model, handles)


mistake(
    "run on other numbers",
    "You run the models on something else than x. Both get x, as it is.",
    input_of=lambda self, x: torch.randn_like(x),
)
mistake(
    "both run on the same noise",
    "You run the models on something else than x. Both get x, as it is.",
    both=lambda self, mine, reference, x: FirstDivergenceInSteps.both(
        self, mine, reference, torch.randn_like(x)
    ),
)
mistake(
    "hook returns the input",
    "Your hook returns something, and that takes the place of the module's output. Return nothing.",
    returned_by_hook=lambda self, inputs, copy: inputs[0],
)
mistake(
    "hook returns its copy",
    "Your hook returns the copy that it keeps, so that the network goes on with it, and may "
    "change it in place. Return nothing.",
    returned_by_hook=lambda self, inputs, copy: copy,
)
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


def size(divergence: tuple[Noted, Noted]) -> float:
    """How much the two outputs differ."""
    mine, theirs = (noted.output for noted in divergence)
    return (mine - theirs).abs().max().item() if mine.shape == theirs.shape else torch.inf


mistake(
    "largest instead of first",
    "You return the pair that differs most. Errors grow on their way through a network: return "
    "the first pair that differs.",
    chosen=lambda self, divergences: max(divergences, key=size, default=None),
)
mistake(
    "order of definition",
    "You compare the modules in the order in which they are declared. Take the order in which "
    "they run: note each output in a list when the hook is called.",
    in_order=lambda self, outputs, modules: [
        Noted(name, dict(outputs)[name]) for name, _ in modules if name in dict(outputs)
    ],
)
mistake(
    "one output for each module",
    "You keep one output for each module, but a module may run more than once. Note every call "
    "in a list, instead of a dictionary by names.",
    in_order=lambda self, outputs, modules: [Noted(*item) for item in dict(outputs).items()],
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
    copied=lambda self, output: output,
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


def exceeds(difference: Callable) -> dict[str, Callable]:
    """Another measure of how much two outputs differ, to be larger than the tolerance."""
    return {"values_differ": lambda self, mine, theirs, tol: difference(mine, theirs) > tol}


mistake(
    "signed difference",
    "You find a difference only where mine is larger. Take the absolute value: "
    "(mine - theirs).abs().max().",
    **exceeds(lambda mine, theirs: (mine - theirs).max()),
)
mistake(
    "signed difference the other way",
    "You find a difference only where mine is smaller. Take the absolute value: "
    "(mine - theirs).abs().max().",
    **exceeds(lambda mine, theirs: (theirs - mine).max()),
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
    **exceeds(lambda mine, theirs: (mine.mean() - theirs.mean()).abs()),
)
mistake(
    "sums compared",
    "You compare the outputs' sums, where differences cancel. Compare value by value, and take "
    "the largest difference.",
    **exceeds(lambda mine, theirs: (mine.sum() - theirs.sum()).abs()),
)
mistake(
    "mean difference",
    "You take the mean of the differences, where a single wrong value hardly shows. Take the "
    "largest: .abs().max().",
    **exceeds(lambda mine, theirs: (mine - theirs).abs().mean()),
)
mistake(
    "summed difference",
    "You add the differences up, so that many tiny ones count as one. Take the largest: "
    ".abs().max().",
    **exceeds(lambda mine, theirs: (mine - theirs).abs().sum()),
)
mistake(
    "norm of the difference",
    "You take the norm of the difference, which adds up many tiny ones. Take the largest: "
    ".abs().max().",
    **exceeds(lambda mine, theirs: (mine - theirs).norm()),
)
mistake(
    "smallest difference",
    "You take the smallest of the differences. Take the largest: .abs().max().",
    **exceeds(lambda mine, theirs: (mine - theirs).abs().min()),
)
mistake(
    "relative difference",
    "You divide the difference by the value. The tolerance is absolute here.",
    **exceeds(lambda mine, theirs: ((mine - theirs).abs() / theirs.abs()).max()),
)
mistake(
    "allclose's rtol",
    "torch.allclose also allows for a relative error, rtol=1e-05, unless you set rtol=0.",
    values_differ=lambda self, mine, theirs, tol: not torch.allclose(mine, theirs, atol=tol),
)
mistake(
    "allclose without the tolerance",
    "You call torch.allclose with its own tolerances. Pass rtol=0, atol=tolerance.",
    values_differ=lambda self, mine, theirs, tol: not torch.allclose(mine, theirs),
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
    values_differ=lambda self, mine, theirs, tol: not torch.equal(mine, theirs),
)
mistake(
    "NaN missed",
    "A NaN passes unnoticed: nan > tolerance is False. Ask whether all differences are at most "
    "tolerance instead, or look for NaN.",
    **exceeds(lambda mine, theirs: (mine - theirs).abs().max()),
)
mistake(
    "names swapped",
    "You return reference's name first. Return (name in mine, name in reference).",
    result=lambda self, mine, theirs: (theirs.name, mine.name),
)
mistake(
    "one name only",
    "You return the name in mine only. Return both: (name in mine, name in reference).",
    result=lambda self, mine, theirs: mine.name,
)
mistake(
    "the same name twice",
    "You return mine's name twice. The second is the module's name in reference.",
    result=lambda self, mine, theirs: (mine.name, mine.name),
)
mistake(
    "never returned",
    "You never report a difference. Where you find the first one, return (name in mine, name "
    "in reference).",
    result=lambda self, mine, theirs: None,
)
mistake(
    "printed instead of returned",
    "You print the names. Return them: (name in mine, name in reference).",
    result=lambda self, mine, theirs: print(mine.name, theirs.name),
)
mistake(
    "None returned in the loop",
    "You compare the first pair only: your `return None` is inside the loop. It comes after "
    "it, when no pair has differed.",
    pairs=lambda self, mine, theirs: list(zip(mine, theirs, strict=False))[:1],
)
mistake(
    "outputs instead of names",
    "You return the two outputs. Return the names of the two modules: (name in mine, name in "
    "reference).",
    result=lambda self, mine, theirs: (mine.output, theirs.output),
)
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
mistake(
    "looked up by name",
    "You look up mine's names in reference, which has other names. Pair the modules by the "
    "order in which they run.",
    pairs=lambda self, mine, theirs: [(a, Noted(a.name, dict(theirs)[a.name])) for a in mine],
)
mistake(
    "equal names only",
    "You compare only modules of equal names. Names are free: pair the modules by the order in "
    "which they run.",
    pairs=lambda self, mine, theirs: [
        (a, Noted(a.name, dict(theirs)[a.name])) for a in mine if a.name in dict(theirs)
    ],
)
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
    looked_at=lambda self, inputs, output: inputs[0],
)
mistake(
    "modes changed",
    "You put the models into eval mode. Leave each in the mode it is in.",
    prepare=lambda self, model: model.eval(),
)


# ---- The check ------------------------------------------------------------------------------

FIRST_DIVERGENCE = Exercise(
    name="first_divergence",
    reference=solutions.first_divergence,
    trials=TRIALS,
    names=globals(),
    in_steps=FirstDivergenceInSteps,
    finished=lambda steps: steps().first_divergence,
    mistakes=mistake,
)


def test_first_divergence(first_divergence: Callable) -> None:
    """Check that first_divergence names the first pair of modules with unlike outputs."""
    FIRST_DIVERGENCE.check("test_first_divergence", first_divergence)
