"""Lesson 6: the check of first_divergence, with its known mistakes."""

from collections.abc import Callable
from contextlib import suppress
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests import first_divergence_trials
from resnet_helpers.tests.engine import Catalogue, Exercise

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

    def attach(self, model, modules, outputs):
        return [
            self.watch(module, self.name_noted(name, modules), outputs)
            for name, module in modules
            if self.is_watched(module)
        ]

    def outputs(self, model, x):
        self.prepare(model)
        outputs, modules = [], self.modules(model)
        self.run(model, x, self.attach(model, modules, outputs))
        return self.in_order(outputs, modules)

    def both(self, mine, reference, x):
        return self.outputs(mine, x), self.outputs(reference, x)

    def pairs(self, mine, theirs):
        return zip(mine, theirs, strict=False)

    def shapes_differ(self, mine, theirs):
        return mine.shape != theirs.shape

    def tolerance_used(self, tolerance):
        return tolerance

    def measured(self, mine, theirs):
        return (mine - theirs).abs().max()

    def exceeds(self, difference, tolerance):
        return not difference <= tolerance  # a NaN is not

    def values_differ(self, mine, theirs, tolerance):
        return self.exceeds(self.measured(mine, theirs), tolerance)

    def differ(self, mine, theirs, tolerance):
        return self.shapes_differ(mine, theirs) or self.values_differ(mine, theirs, tolerance)

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
            if self.differ(a.output, b.output, self.tolerance_used(tolerance))
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


@mistake(
    "mine's hooks left on",
    "Your hooks stay on mine. Call remove() on the handles of both models, in a finally.",
)
class _:
    def both(self, mine, reference, x):
        leaving = type("Leaving", (type(self),), {"clean_up": lambda *_: None})()
        return leaving.outputs(mine, x), self.outputs(reference, x)


def both_attached_first(self, mine, reference, x, run_both):
    """The outputs of both models, with hooks on both before either runs."""
    outputs, handles = [], []
    for model in (mine, reference):
        self.prepare(model)
        outputs.append([])
        handles.append(self.attach(model, self.modules(model), outputs[-1]))
    run_both(*handles)
    return outputs


@mistake(
    "hooks left on both if a model raises",
    "If a model raises, your hooks stay on both. Run both inside one try, and remove the hooks of "
    "both in its finally.",
)
class _:
    def both(self, mine, reference, x):
        def run_both(my_handles, handles):
            mine(x)
            reference(x)
            self.clean_up(mine, my_handles)
            self.clean_up(reference, handles)

        return both_attached_first(self, mine, reference, x, run_both)


REFERENCES_LEFT = (
    "If mine raises, your hooks stay on reference, where you have put them before. Run both "
    "models inside one try, and remove the hooks of both in its finally."
)


@mistake("reference's hooks left on if mine raises", REFERENCES_LEFT)
class _:
    def both(self, mine, reference, x):
        def run_both(my_handles, handles):
            self.run(mine, x, my_handles)
            self.run(reference, x, handles)

        return both_attached_first(self, mine, reference, x, run_both)


@mistake("reference's hooks left on if a model raises", REFERENCES_LEFT)
class _:
    def both(self, mine, reference, x):
        def run_both(my_handles, handles):
            self.run(mine, x, my_handles)
            reference(x)
            self.clean_up(reference, handles)

        return both_attached_first(self, mine, reference, x, run_both)


mistake(
    "_forward_hooks cleared",
    "You take other people's hooks off as well, as clearing _forward_hooks does. Keep your handles "
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
    "You compare the first picture only. Run the models on all of x, and compare whole outputs.",
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
    "Sequentials left out only",
    "You leave out Sequentials, and compare the outputs of other containers. Leave out whatever "
    "has children.",
    is_watched=lambda self, module: not isinstance(module, (nn.Sequential, nn.Identity)),
)
mistake(
    "containers only",
    "You compare the outputs of those modules that have children, and of no others. Take those "
    "that have none.",
    is_watched=lambda self, module: bool(list(module.children())),
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
    "Outputs of different sizes can't be compared value by value. Compare their sizes first: a "
    "difference in size is a divergence.",
    shapes_differ=lambda self, mine, theirs: False,
)


mistake(
    "sizes skipped",
    "You pass over outputs of different sizes. That is a difference too: return the pair.",
    differ=lambda self, mine, theirs, tol: (
        mine.shape == theirs.shape and self.values_differ(mine, theirs, tol)
    ),
)
mistake(
    "condition the wrong way round",
    "You return the first pair that agrees. Return the first that differs: turn the condition "
    "round.",
    differ=lambda self, *outputs: not FirstDivergenceInSteps.differ(self, *outputs),
)
mistake(
    "signed difference",
    "You find a difference only where mine is larger. Take the absolute value: "
    "(mine - theirs).abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).max(),
)
mistake(
    "signed difference the other way",
    "You find a difference only where mine is smaller. Take the absolute value: "
    "(mine - theirs).abs().max().",
    measured=lambda self, mine, theirs: (theirs - mine).max(),
)
mistake(
    "means compared",
    "You compare means, or take the mean of the differences: those of both signs cancel. Compare "
    "value by value, and take the largest difference.",
    measured=lambda self, mine, theirs: (mine.mean() - theirs.mean()).abs(),
)
mistake(
    "sums compared",
    "You compare sums, or add the differences up: those of both signs cancel. Compare value by "
    "value, and take the largest difference.",
    measured=lambda self, mine, theirs: (mine.sum() - theirs.sum()).abs(),
)
mistake(
    "mean difference",
    "You take the mean of the differences, where a single wrong value hardly shows. Take the "
    "largest: .abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).abs().mean(),
)
mistake(
    "summed difference",
    "You add the differences up, so that many tiny ones count as one. Take the largest: "
    ".abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).abs().sum(),
)
mistake(
    "norm of the difference",
    "You take the norm of the difference, which adds up many tiny ones. Take the largest: "
    ".abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).norm(),
)
mistake(
    "mean squared difference",
    "You square the differences, as mse_loss does, and the square of something small is tiny. "
    "Take the largest difference as it is: .abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).square().mean(),
)
mistake(
    "smallest difference",
    "You report a pair only if all of its values differ. One is enough: take the largest of the "
    "differences, .abs().max().",
    measured=lambda self, mine, theirs: (mine - theirs).abs().min(),
)

RELATIVE = (
    "You allow for larger differences where the values are larger, and for smaller ones where "
    "they are smaller. The tolerance is absolute here: (mine - theirs).abs().max()."
)

mistake(
    "relative difference",
    RELATIVE,
    measured=lambda self, mine, theirs: ((mine - theirs).abs() / theirs.abs()).max(),
)
mistake(
    "tolerance as rtol",
    RELATIVE,
    values_differ=lambda self, mine, theirs, tol: (
        not torch.allclose(mine, theirs, rtol=tol, atol=0)
    ),
)
mistake(
    "allclose's rtol",
    "You allow for more than the tolerance, the more the larger the values are. torch.allclose "
    "does so by its rtol=1e-05: set rtol=0.",
    values_differ=lambda self, mine, theirs, tol: not torch.allclose(mine, theirs, atol=tol),
)
mistake(
    "allclose without the tolerance",
    "You compare with the tolerances that torch.allclose has by itself, whatever tolerance is. "
    "Pass rtol=0, atol=tolerance.",
    values_differ=lambda self, mine, theirs, tol: not torch.allclose(mine, theirs),
)

FIXED = "You compare with a fixed number, whatever tolerance is. Use the argument."

mistake(
    "tolerance hard-coded",
    FIXED,
    tolerance_used=lambda self, tolerance: 1e-4,
)
mistake(
    "smaller tolerance hard-coded",
    FIXED,
    tolerance_used=lambda self, tolerance: 1e-5,
)
mistake(
    "larger tolerance hard-coded",
    FIXED,
    tolerance_used=lambda self, tolerance: 1e-3,
)
mistake(
    "at least the tolerance",
    "You report differences of exactly the tolerance, so with tolerance=0 equal outputs too. "
    "It is to be exceeded: > tolerance.",
    exceeds=lambda self, difference, tolerance: not difference < tolerance,
)
mistake(
    "exactly equal",
    "You report the smallest difference, whatever tolerance is. Rounding differs between two "
    "models: allow for differences of up to tolerance.",
    values_differ=lambda self, mine, theirs, tol: not torch.equal(mine, theirs),
)
mistake(
    "NaN missed",
    "A NaN passes unnoticed: nan > tolerance is False. Ask whether all differences are at most "
    "tolerance instead, or look for NaN.",
    exceeds=lambda self, difference, tolerance: difference > tolerance,
)
mistake(
    "NaN as a number",
    "A NaN passes for 0, as nan_to_num makes it. A NaN in one of two outputs is a difference, "
    "whatever the other has there.",
    measured=lambda self, mine, theirs: (mine.nan_to_num() - theirs.nan_to_num()).abs().max(),
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
    "the modules' classes",
    "You return the names of the modules' classes. Return what named_modules() calls the modules.",
    name_noted=lambda self, name, modules: type(dict(modules)[name]).__name__,
)
mistake(
    "modules instead of names",
    "You return the two modules. Return their names, as named_modules() gives them.",
    name_noted=lambda self, name, modules: dict(modules)[name],
)

NAMELESS = (
    "A module doesn't know what it is called in the model: it has no name and no __name__. Look "
    "its name up in a dictionary that you make from named_modules()."
)

mistake(
    "module.name",
    NAMELESS,
    name_noted=lambda self, name, modules: dict(modules)[name].name,
)
mistake(
    "module.__name__",
    NAMELESS,
    name_noted=lambda self, name, modules: dict(modules)[name].__name__,
)
mistake(
    "no hooks",
    "No hook of yours is on the models when they run, so there is nothing to compare. (A generator "
    "such as module.children() is always true; list(module.children()) may be empty.) Put one on "
    "every module that has no children.",
    result=lambda self, mine, theirs: None,
    only_if="not hooked(first_divergence)",
)
mistake(
    "never returned",
    "You report no difference where there is one. Where you find the first, return (name in mine, "
    "name in reference).",
    result=lambda self, mine, theirs: None,
)
mistake(
    "printed instead of returned",
    "You print the names. Return them: (name in mine, name in reference).",
    result=lambda self, mine, theirs: print(mine.name, theirs.name),
)
mistake(
    "None returned in the loop",
    "You compare the first pair only. Go on to the next where two outputs agree; `return None` "
    "comes after the loop, when no pair has differed.",
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
    "two Nones",
    "You return (None, None) where nothing differs. Return a single None.",
    nothing=lambda self: (None, None),
)
mistake(
    "mine compared with itself",
    "You never run reference, so no difference is found. Run both.",
    both=lambda self, mine, reference, x: (self.outputs(mine, x), self.outputs(mine, x)),
)
mistake(
    "mine's outputs twice",
    "You compare mine's outputs with themselves, though you run reference too. Compare them with "
    "reference's.",
    pairs=lambda self, mine, theirs: zip(mine, mine, strict=True),
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
    "left over counted",
    "A module that is left over at the end, for want of a partner, is no difference. Stop where "
    "the shorter list ends, as zip does.",
    pairs=lambda self, mine, theirs: zip_longest(
        mine, theirs, fillvalue=Noted(None, torch.empty(0))
    ),
)
mistake(
    "last name in all hooks",
    "All your hooks note the same name: a function made in a loop sees the variable's last "
    "value. Give it the name as a default argument, or look the name up by the module.",
    name_noted=lambda self, name, modules: modules[-1][0],
    only_if="hooked(first_divergence)",
)


@mistake(
    "one list for both models",
    "The outputs of both models land in one list, which is compared with itself. Make a new list "
    "for each model, inside the function: a default, as in outputs=[], is made only once.",
)
class _:
    def both(self, mine, reference, x):
        outputs = [*self.outputs(mine, x), *self.outputs(reference, x)]
        return outputs, outputs


mistake(
    "outputs of the whole models",
    "You compare only what the models return in the end. Note the output of every module that has "
    "no children: put a hook on each.",
    in_order=lambda self, outputs, modules: [Noted(modules[-1][0], outputs[-1].output)],
    only_if="not hooked(first_divergence)",
)

INPUTS = (
    "You compare the modules' inputs, and so find the error one module late. Compare their outputs."
)

mistake(
    "inputs compared",
    INPUTS,
    looked_at=lambda self, inputs, output: inputs[0],
)
mistake(
    "inputs compared, by a pre-hook",
    INPUTS,
    watch=lambda self, module, name, outputs: module.register_forward_pre_hook(
        lambda module, inputs: outputs.append(Noted(name, inputs[0].detach().flatten().clone()))
    ),
)
mistake(
    "modes changed",
    "You put the models into eval mode. Leave each in the mode it is in.",
    prepare=lambda self, model: model.eval(),
)


@mistake(
    "run in eval mode",
    "You run the models in another mode than they are in. Leave each in its own.",
)
class _:
    def run(self, model, x, handles):
        was_training = model.training
        model.eval()
        try:
            FirstDivergenceInSteps.run(self, model, x, handles)
        finally:
            model.train(was_training)


# ---- The check ------------------------------------------------------------------------------

FIRST_DIVERGENCE = Exercise(
    name="first_divergence",
    reference=solutions.first_divergence,
    trials=first_divergence_trials.TRIALS,
    names=vars(first_divergence_trials),
    in_steps=FirstDivergenceInSteps,
    finished=lambda steps: steps().first_divergence,
    mistakes=mistake,
    closer_look=first_divergence_trials.CLOSER_LOOK,
)


def test_first_divergence(first_divergence: Callable) -> None:
    """Check that first_divergence names the first pair of modules with unlike outputs."""
    FIRST_DIVERGENCE.check("test_first_divergence", first_divergence)
