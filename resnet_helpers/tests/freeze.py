"""Lesson 7: the check of freeze, with its known mistakes."""

import copy
import inspect
from collections.abc import Callable
from contextlib import suppress
from types import MethodType

import torch
from torch import nn

from resnet_helpers import solutions
from resnet_helpers.tests import freeze_trials
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.recalibrate_trials import batchnorms_of
from resnet_helpers.tests.structure import few
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

TRIALS = freeze_trials.TRIALS  # in a module of their own: both would be too long for one

# ---- A right answer in steps ----------------------------------------------------------------


def nothing(module: nn.Module, mode=True) -> nn.Module:
    """A train() that changes nothing."""
    return module


class FreezeInSteps:
    """freeze cut into the steps that can each go wrong."""

    def model(self, model):
        return model

    def parameters(self, model):
        return list(model.parameters())

    def freeze_parameter(self, parameter):
        parameter.requires_grad_(False)

    def batchnorms(self, model):
        return list(batchnorms_of(model).values())

    def stop(self, batchnorm):
        batchnorm.eval()

    def hold(self, batchnorm):
        batchnorm.train = MethodType(nothing, batchnorm)

    def finish(self, model, batchnorms):
        pass

    def freeze(self, model):
        model = self.model(model)
        for parameter in self.parameters(model):
            self.freeze_parameter(parameter)
        batchnorms = self.batchnorms(model)
        for batchnorm in batchnorms:
            self.stop(batchnorm)
            self.hold(batchnorm)
        self.finish(model, batchnorms)


def skip(self, *_):
    """A step left out."""


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

# ---- Batchnorm's statistics

mistake(
    "requires_grad only",
    "requires_grad reaches the parameters only. Batchnorm's running statistics are buffers, and "
    "drift whenever the model runs in train mode: put each batchnorm in eval mode, and see that "
    "model.train() leaves it there.",
    stop=skip,
    hold=skip,
    only_if="not calls_train(freeze) and not left_out(freeze)",
)
mistake(
    "eval mode once only",
    "Your batchnorms are in eval mode until somebody calls model.train(), which every training "
    "loop does, and then their statistics drift. Replace the train method of each batchnorm by one "
    "that leaves it in eval mode.",
    hold=skip,
)
mistake(
    "never put in eval mode",
    "The train method of your batchnorms no longer changes their mode, and that is train mode "
    "still: call eval() on each before you replace it.",
    stop=skip,
)
mistake(
    "train mode after all",
    "You call model.train() at the end, or train() of the batchnorms, so they are in train mode. "
    "Put them in eval mode, and keep them there.",
    hold=skip,
    stop=lambda self, batchnorm: batchnorm.train(),
    only_if="calls_train(freeze)",
)
IN_TRAIN_MODE = (
    "Your batchnorms' statistics stay, but after model.train() they still normalise with the "
    "batch's mean and variance, so the frozen layers give other outputs than before. Keep them in "
    "eval mode."
)
mistake(
    "momentum 0",
    IN_TRAIN_MODE,
    stop=lambda self, batchnorm: setattr(batchnorm, "momentum", 0.0),
    hold=skip,
)
mistake(
    "momentum 0, and eval mode once",
    IN_TRAIN_MODE,
    stop=lambda self, batchnorm: setattr(batchnorm.eval(), "momentum", 0.0),
    hold=skip,
)
mistake(
    "track_running_stats off",
    "track_running_stats = False keeps the statistics of PyTorch's batchnorms, which still "
    "normalise with the batch's after model.train(), and says nothing to your own. Keep them in "
    "eval mode.",
    stop=lambda self, batchnorm: setattr(batchnorm, "track_running_stats", False),
    hold=skip,
    only_if="not tracks(freeze)",
)

# ---- The train method


RECURSION = (
    "Your train method calls itself over and over, also by eval(), which calls train(False). Call "
    "eval() once, in freeze, and let your train method do nothing."
)
mistake(
    "train calls eval",
    RECURSION,
    hold=lambda self, batchnorm: setattr(batchnorm, "train", lambda mode=True: batchnorm.eval()),
)
mistake(
    "eval as train",
    "You put eval in the place of train. train is called with the mode, model.train() calls "
    "train(True), and eval takes no argument: use a function that takes the mode and does nothing.",
    hold=lambda self, batchnorm: setattr(batchnorm, "train", batchnorm.eval),
)
MODEL_HELD = (
    "You replace the train method of the model itself, or of the containers in it, so what is put "
    "in afterwards no longer hears of model.eval() and model.train(). Replace that of the "
    "batchnorms only."
)


@mistake("the model's train switched off", MODEL_HELD)
class _:
    def hold(self, batchnorm):
        pass

    def finish(self, model, batchnorms):
        model.eval()
        model.train = lambda mode=True: model


@mistake("every train switched off", MODEL_HELD)
class _:
    def finish(self, model, batchnorms):
        for module in model.modules():
            module.training = False
            module.train = MethodType(nothing, module)


@mistake("the containers' train switched off", MODEL_HELD)
class _:
    def finish(self, model, batchnorms):
        for module in list(model.modules())[1:]:
            module.training = False
            module.train = MethodType(nothing, module)


LOST_ON_COPY = (
    "The train method that you give the model speaks of this model, and a deepcopy keeps it: "
    "copy.train() changes the original. Replace that of each batchnorm by one that does nothing, "
    "or that is bound: MethodType(function, module)."
)


@mistake("bound to the original", LOST_ON_COPY)
class _:
    def hold(self, batchnorm):
        pass

    def finish(self, model, batchnorms):
        def train(mode=True):
            nn.Module.train(model, mode)
            for batchnorm in batchnorms:
                batchnorm.eval()
            return model

        model.train = train


@mistake("bound to the original, its batchnorms looked up", LOST_ON_COPY)
class _:
    def hold(self, batchnorm):
        pass

    def finish(self, model, batchnorms):
        def train(mode=True):
            nn.Module.train(model, mode)
            for batchnorm in batchnorms_of(model).values():
                batchnorm.eval()
            return model

        model.train = train


@mistake(
    "the original's batchnorms held",
    "In a deepcopy you still put the original's batchnorms in eval mode, and the copy's own run in "
    "train mode. Replace the train method of each batchnorm by one that does nothing.",
)
class _:
    def hold(self, batchnorm):
        pass

    def finish(self, model, batchnorms):
        def train(self, mode=True):
            nn.Module.train(self, mode)
            for batchnorm in batchnorms:
                batchnorm.eval()
            return self

        model.train = MethodType(train, model)


@mistake(
    "later batchnorms held as well",
    "You also hold the batchnorms that are put into the model afterwards, as the model's own train "
    "method does that looks for them each time. Hold those that it has in freeze.",
)
class _:
    def hold(self, batchnorm):
        pass

    def finish(self, model, batchnorms):
        def train(self, mode=True):
            nn.Module.train(self, mode)
            for batchnorm in batchnorms_of(self).values():
                batchnorm.eval()
            return self

        model.train = MethodType(train, model)


# ---- Which batchnorms

mistake(
    "PyTorch's BatchNorm2d only",
    "You look for nn.BatchNorm2d only, and leave out your own, and BatchNorm1d. A batchnorm is "
    "any module with a running_mean: hasattr(module, 'running_mean').",
    only_if='kinds_held(freeze) == ["BatchNorm2d"]',
    batchnorms=lambda self, model: [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)],
)
mistake(
    "PyTorch's batchnorms only",
    "You leave out the BatchNorm2d of lesson 1, which is none of PyTorch's classes. A batchnorm is "
    "any module with a running_mean: hasattr(module, 'running_mean').",
    only_if='kinds_held(freeze) == ["BatchNorm2d", "BatchNorm1d"]',
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    ],
)
mistake(
    "one's own BatchNorm2d only",
    "You leave out PyTorch's batchnorms, which are not of your class. A batchnorm is any module "
    "with a running_mean: hasattr(module, 'running_mean').",
    only_if='kinds_held(freeze) == ["lesson 1"]',
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, solutions.BatchNorm2d)
    ],
)
mistake(
    "no BatchNorm1d",
    "You leave out PyTorch's BatchNorm1d. A batchnorm is any module with a running_mean: "
    "hasattr(module, 'running_mean').",
    only_if='kinds_held(freeze) == ["BatchNorm2d", "lesson 1"]',
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, (nn.BatchNorm2d, solutions.BatchNorm2d))
    ],
)
mistake(
    "children only",
    "Only the batchnorms right inside the model are frozen, as where you go through "
    "model.children(). A batchnorm may be deeper: model.modules().",
    batchnorms=lambda self, model: [m for m in model.children() if hasattr(m, "running_mean")],
)

# ---- The parameters

mistake(
    "no parameter frozen",
    "requires_grad is still True for all parameters. Set it on each of them (on the model it is "
    "only a new attribute): model.requires_grad_(False), or a loop over model.parameters().",
    freeze_parameter=skip,
)


@mistake(
    "neither parameters nor batchnorms frozen",
    "The model is as it was before. Change the one that freeze is given, not a copy: no parameter "
    "requires a gradient, and the batchnorms stay in eval mode.",
)
class _:
    def model(self, model):
        return copy.deepcopy(model)


mistake(
    "in eval mode, with gradients",
    "model.eval() stops no gradients, and model.train() undoes it. Set requires_grad to False for "
    "every parameter, and replace the train method of each batchnorm.",
    freeze_parameter=skip,
    hold=skip,
)
mistake(
    "batchnorm's weight and bias left",
    "You leave batchnorm's weight and bias to be trained. They belong to what is kept: freeze all "
    "of model.parameters().",
    parameters=lambda self, model: [
        p
        for module in model.modules()
        if not hasattr(module, "running_mean")
        for p in module.parameters(recurse=False)
    ],
)
mistake(
    "batchnorm's weight and bias only",
    "You freeze only batchnorm's weight and bias. Freeze all of model.parameters().",
    parameters=lambda self, model: [
        p for batchnorm in batchnorms_of(model).values() for p in batchnorm.parameters()
    ],
)
mistake(
    "vectors left",
    "You freeze the parameters with several axes only. Biases, and batchnorm's weights, are to be "
    "kept as well: freeze all of model.parameters().",
    parameters=lambda self, model: [p for p in model.parameters() if p.ndim > 1],
)
mistake(
    "biases left",
    "You freeze the parameters called weight only. Freeze all of model.parameters().",
    parameters=lambda self, model: [p for n, p in model.named_parameters() if "weight" in n],
)
LAST_LEFT = (
    "You leave the last layer as it is. freeze freezes all that the model has: the new last layer "
    "is put in afterwards."
)
mistake(
    "last layer left",
    LAST_LEFT,
    parameters=lambda self, model: [p for n, p in model.named_parameters() if "fc" not in n],
)
mistake(
    "last two parameters left",
    LAST_LEFT,
    parameters=lambda self, model: list(model.parameters())[:-2],
)
# ---- What it must not do


@mistake(
    "outputs detached",
    "No gradient gets through your frozen layers to one before them, as detach() and no_grad in "
    "their forward prevent it. requires_grad = False is enough.",
)
class _:
    def finish(self, model, batchnorms):
        for module in model.modules():
            if not list(module.children()):
                module.register_forward_hook(lambda module, inputs, output: output.detach())


@mistake(
    "statistics reset",
    "You reset the running statistics. They belong to what the model has learned: leave them.",
)
class _:
    def stop(self, batchnorm):
        batchnorm.eval()
        with torch.no_grad():
            batchnorm.running_mean.zero_()
            batchnorm.running_var.fill_(1)


mistake(
    "gradients left off",
    "Gradients are off when freeze has returned, so nothing could be trained any more. Leave "
    "torch.set_grad_enabled alone.",
    finish=lambda self, model, batchnorms: torch.set_grad_enabled(False),
)

# ---- What only a closer look recognises -----------------------------------------------------


def known(name: str, hint: str) -> Mistake:
    """A mistake that is not made to be tried."""
    mistake.append(Mistake(name, hint, runnable=False))
    return mistake[-1]


OF_THE_CLASS = known(
    "the class changed",
    "You change a class, and with it every module of that class in every model. Set train on each "
    "of this model's batchnorms: batchnorm.train = ..., each by itself.",
)
WITHOUT_ARGUMENT = known(
    "train without an argument",
    "Your train method can't be called as train() and as train(True), which is what model.train() "
    "does with each module in it. Set on a module itself, a function gets no self, unless it is "
    "bound: MethodType(function, module).",
)
OTHER_NAMES = known(
    "batchnorms wrapped",
    "The names in the state dict are other than before, so no saved weights fit, as happens where "
    "a module is put around another, or in its place. Leave the modules where they are.",
)


by_name = {known.name: known for known in mistake}


def calls_train(freeze: Callable) -> bool:
    """Whether freeze itself puts a batchnorm that was in eval mode in train mode."""
    model = nn.Sequential(nn.BatchNorm2d(1)).eval()
    freeze(model)
    return model[0].training


def left_out(freeze: Callable) -> list[str]:
    """The batchnorms of a frozen network that model.train() puts in train mode, if not all."""
    model = freeze_trials.network()
    freeze(model)
    model.train()
    batchnorms = batchnorms_of(model)
    free = [name for name, batchnorm in batchnorms.items() if batchnorm.training]
    return free if len(free) < len(batchnorms) else []


def tracks(freeze: Callable) -> bool:
    """Whether a frozen batchnorm of PyTorch's is still said to track running statistics."""
    model = nn.Sequential(nn.BatchNorm2d(1))
    freeze(model)
    return model[0].track_running_stats


KINDS = {
    "BatchNorm2d": nn.BatchNorm2d,
    "BatchNorm1d": nn.BatchNorm1d,
    "lesson 1": solutions.BatchNorm2d,
}


def kinds_held(freeze: Callable) -> list[str]:
    """Which kinds of batchnorm keep their statistics in a frozen model in train mode."""
    held = []
    for name, kind in KINDS.items():
        model = nn.Sequential(kind(1))
        x = freeze_trials.A.flatten(1) if kind is nn.BatchNorm1d else freeze_trials.A
        with suppress(Exception):
            freeze(model)
            model.train()
            model(x.clone())
            held += [name] * (not model[0].running_mean.any())
    return held


def train_methods() -> list[object]:
    """That of each class whose instances a frozen network holds."""
    classes = (nn.Module, nn.Sequential, nn.BatchNorm1d, nn.BatchNorm2d, solutions.BatchNorm2d)
    return [cls.train for cls in classes]


def takes_a_mode(module: nn.Module) -> bool:
    """Whether its train method can be called without a mode, and with one."""
    signature = inspect.signature(module.train)
    try:
        signature.bind()
        signature.bind(True)
    except TypeError:
        return False
    return True


def normalises_with_the_batch(model: nn.Module) -> bool:
    """Whether it gives other outputs in train mode, by batchnorms whose statistics stay."""
    before = freeze_trials.values_of(model)
    x = freeze_trials.IMAGES.clone()
    in_train_mode, in_eval_mode = model.train()(x), model.eval()(x)
    stays = set(freeze_trials.moved(before, model).of.values()) == {"as before"}
    return stays and not torch.allclose(in_train_mode, in_eval_mode)


def look_closer(freeze: Callable) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen."""
    model, before = freeze_trials.network(), train_methods()
    names = list(model.state_dict())
    freeze(model)
    if train_methods() != before:
        return OF_THE_CLASS
    if list(model.state_dict()) != names:
        return OTHER_NAMES
    if left := [name for name, p in model.named_parameters() if p.requires_grad]:
        return (
            f"Of a network's parameters, {few(left)} still require gradients. Freeze all of "
            "model.parameters()."
        )
    if not all(map(takes_a_mode, model.modules())):
        return WITHOUT_ARGUMENT
    batchnorms = batchnorms_of(model)
    if free := left_out(freeze):
        return (
            f"Of the batchnorms {few(batchnorms)} of a network, {few(free)} is in train mode when "
            "model.train() has been called. A batchnorm is any module with a running_mean, "
            "whatever its name: hasattr(module, 'running_mean')."
        )
    were_held = not any(batchnorm.training for batchnorm in batchnorms.values())
    model.train()
    if were_held and all(bn.training for bn in batchnorms.values()) and not kinds_held(freeze):
        return by_name["eval mode once only"]
    return by_name["momentum 0"] if normalises_with_the_batch(model) else ""


# ---- The check ------------------------------------------------------------------------------

FREEZE = Exercise(
    name="freeze",
    reference=solutions.freeze,
    trials=TRIALS,
    names={**vars(freeze_trials), **globals()},
    in_steps=FreezeInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().freeze,
    closer_look=Trial("test_freeze", "the classes", "look_closer(freeze)"),
)


def test_freeze(freeze: Callable) -> None:
    """Check that freeze(model) keeps weights and statistics, whatever training follows."""
    FREEZE.check("test_freeze", freeze)
