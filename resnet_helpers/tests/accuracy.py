"""Lesson 7: the check of accuracy, with its known mistakes."""

from collections.abc import Callable
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests import learning
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.learning import (
    THREE,
    Noting,
    modes,
    modes_of_two,
    not_a_number,
    number,
    with_batchnorm,
)
from resnet_helpers.tests.structure import Entries
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import made_up

# ---- What is tried --------------------------------------------------------------------------

SQUARES = made_up(4, 3, 2, 2)
FOUR_LABELS = torch.tensor([2, 0, 1, 0])
THREE_LABELS = torch.tensor([1, 2, 0])
THREE_TEXT = "logits [[1, 3, 0], [2, -1, 2.5], [0.5, 1, 4]], labels [1, 2, 0]"

# So many pictures that the last batch is a small one, whatever the size of the others: a prime
# number. Those of the first 1400 and of the last one are guessed right.
MANY = made_up(2053, 3, 1, 1)
MANY_LABELS = (MANY.flatten(1).argmax(1) + (torch.arange(2053) >= 1400)) % 3
MANY_LABELS[-1] = MANY[-1].flatten().argmax()


def pixels(note=lambda model: None) -> nn.Module:
    """A model of two modules whose logits are the pixel."""
    return Noting(note, nn.Flatten())


def modes_seen(accuracy, set_modes):
    """In which mode the model and its submodule are when they run."""
    seen: list[dict] = []
    model = set_modes(pixels(lambda model: seen.append(modes_of_two(model))))
    accuracy(model, THREE.clone(), THREE_LABELS.clone())
    return seen[0] if seen else "forward never called"


def recorded(accuracy):
    """Whether gradients are recorded while the model runs."""
    seen: list[bool] = []
    model = pixels(lambda _: seen.append(torch.is_grad_enabled()))
    accuracy(model, THREE.clone(), THREE_LABELS.clone())
    return any(seen)


def modes_afterwards(accuracy, model):
    """The mode of each module when accuracy has run."""
    accuracy(model, SQUARES.clone(), FOUR_LABELS.clone())
    return Entries(modes(model))


def changed(accuracy):
    """Which parameters and buffers accuracy has changed, of a model in train mode."""
    model = with_batchnorm().train()
    before = {name: entry.clone() for name, entry in model.state_dict().items()}
    accuracy(model, SQUARES.clone(), FOUR_LABELS.clone())
    return Entries(
        {
            name: "as before" if torch.equal(entry, before[name]) else "changed"
            for name, entry in model.state_dict().items()
        }
    )


def left_behind(accuracy):
    """What else could be different after accuracy."""
    images, labels = THREE.clone(), THREE_LABELS.clone()
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 3))
    accuracy(model, images, labels)
    return {
        "gradients are on": torch.is_grad_enabled(),
        "the model's parameters require them": model[1].weight.requires_grad,
        "images unchanged": torch.equal(images, THREE),
        "labels unchanged": torch.equal(labels, THREE_LABELS),
    }


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    """A trial whose model, in the lines to paste, is a Flatten: its logits are the pixel."""
    return Trial("test_accuracy", tried, code, subject, look=look)


def watched(set_mode: str, shown: str) -> str:
    """Code that calls accuracy, and prints what a hook sees when a layer's forward has run."""
    return (
        f"model = torch.nn.Sequential(torch.nn.Flatten()); {set_mode}; "
        f"model[0].register_forward_hook(lambda layer, *_: print({shown}))\n"
        "accuracy(model, THREE.clone(), torch.tensor([1, 2, 0]))"
    )


def share(text: str, images: str, labels: str) -> Trial:
    """A trial of the share that is returned for these pictures of one pixel."""
    call = f"accuracy(torch.nn.Flatten(), {images}.clone(), torch.tensor({labels}))"
    return trial(f"logits {text}, labels {labels}", call, "accuracy", f"number({call})")


def afterwards(tried: str, set_mode: str, model: str) -> Trial:
    """A trial of the modes afterwards."""
    code = (
        "model = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Flatten()); "
        f"{set_mode}; accuracy(model, THREE.clone(), torch.tensor([1, 2, 0]))\n"
        "[module.training for module in model.modules()]"
    )
    return trial(tried, code, "mode afterwards", f"modes_afterwards(accuracy, {model})")


TRIALS = (
    trial(
        "a model that was in train mode",
        watched("model.train()", "model.training, layer.training"),
        "training seen in forward",
        "modes_seen(accuracy, nn.Module.train)",
    ),
    trial(
        "a model in eval mode whose submodule was in train mode",
        watched("model.eval(); model[0].train()", "model.training, layer.training"),
        "training seen in forward",
        "modes_seen(accuracy, lambda model: mixed(model, 'eval'))",
    ),
    trial(
        THREE_TEXT,
        "accuracy(torch.nn.Flatten(), THREE.clone(), torch.tensor([1, 2, 0]))",
        "returned",
        "kind(accuracy(pixels(), THREE.clone(), THREE_LABELS.clone()))",
    ),
    share("[[1, 3, 0], [2, -1, 2.5], [0.5, 1, 4]]", "THREE", "[1, 2, 0]"),
    share("[[1, 3, 0], [2, -1, 2.5]]", "TWO", "[1, 0]"),
    share("[[1, 3, 0], [2, -1, 2.5]]", "TWO", "[1, 2]"),
    share("[[1, 3, 0], [2, -1, 2.5]]", "TWO", "[2, 1]"),
    share("[[1, 3, 0]]", "ONE", "[1]"),
    trial(
        "2053 pictures, of which the model guesses the first 1400 and the last one right",
        "number(accuracy(torch.nn.Flatten(), MANY.clone(), MANY_LABELS.clone()))",
        "accuracy",
    ),
    trial(
        "4 pictures, a model with batchnorm that was in train mode",
        "number(accuracy(with_batchnorm().train(), SQUARES.clone(), FOUR_LABELS.clone()))",
        "accuracy",
    ),
    trial(
        "a model with batchnorm that was in train mode",
        "model = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Flatten()); "
        "accuracy(model, THREE.clone(), torch.tensor([1, 2, 0]))\nmodel[0].running_mean",
        "afterwards",
        "changed(accuracy)",
    ),
    afterwards("a model that was in train mode", "model.train()", "with_batchnorm().train()"),
    afterwards("a model that was in eval mode", "model.eval()", "with_batchnorm().eval()"),
    afterwards(
        "a model in train mode, but for its batchnorm, which was in eval mode",
        "model.train(); model[0].eval()",
        "mixed(with_batchnorm(), 'train')",
    ),
    afterwards(
        "a model in eval mode, but for its batchnorm, which was in train mode",
        "model.eval(); model[0].train()",
        "mixed(with_batchnorm(), 'eval')",
    ),
    trial(
        THREE_TEXT,
        watched("model.eval()", "torch.is_grad_enabled()"),
        "gradients recorded while the model runs",
        "recorded(accuracy)",
    ),
    trial(
        THREE_TEXT,
        "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 3)); "
        "accuracy(model, THREE.clone(), torch.tensor([1, 2, 0]))\n"
        "(torch.is_grad_enabled(), model[1].weight.requires_grad)",
        "afterwards",
        "left_behind(accuracy)",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class AccuracyInSteps:
    """accuracy cut into the steps that can each go wrong."""

    def prepare(self, model):
        model.eval()

    def guard(self):
        return torch.no_grad()

    def guesses(self, logits):
        return logits.argmax(1)

    def right(self, guesses, labels):
        return guesses == labels

    def share(self, right):
        return right.float().mean()

    def result(self, share):
        return share.item()

    def restore(self, model, before):
        for module, mode in before.items():
            module.training = mode

    def accuracy(self, model, images, labels):
        before = {module: module.training for module in model.modules()}
        self.prepare(model)
        with self.guard():
            logits = model(images)
        self.restore(model, before)
        return self.result(self.of_logits(logits, labels))

    def of_logits(self, logits, labels):
        return self.share(self.right(self.guesses(logits), labels))


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "eval mode forgotten",
    "The model runs in whatever mode it is in. In train mode batchnorm uses the batch's "
    "statistics, and changes its running ones: before the call comes model.eval(), with its "
    "brackets.",
    prepare=lambda self, model: None,
)
mistake(
    "train mode",
    "You put the model into train mode. Call model.eval(), not model.train().",
    prepare=lambda self, model: model.train(),
)
mistake(
    "only the outermost module in eval mode",
    "Only the outermost module is put into eval mode, as model.training = False does it. "
    "model.eval() goes through all of its submodules.",
    prepare=lambda self, model: setattr(model, "training", False),
)
mistake(
    "eval mode only if the model is in train mode",
    "You look at model.training, which is that of the outermost module alone: its submodules may "
    "be in train mode. Call model.eval() in any case.",
    prepare=lambda self, model: model.eval() if model.training else None,
)
mistake(
    "left in eval mode",
    "You leave the model in eval mode, so training would go on in it. Keep the mode of each module "
    "before model.eval(), and put it back.",
    restore=lambda self, model, before: None,
)
mistake(
    "always train mode afterwards",
    "You call model.train() at the end, whatever the mode was before. Keep the mode of each module "
    "before model.eval(), and put that back.",
    restore=lambda self, model, before: model.train(),
)
mistake(
    "train mode afterwards if the model was in it, else left",
    "You put one mode on the whole model. Its modules may be in different ones, as with frozen "
    "batchnorms: keep the mode of each of model.modules(), and put it back.",
    restore=lambda self, model, before: model.train(before[model]),
)
mistake(
    "only the outermost mode put back",
    "You put the mode of the outermost module back, and its submodules stay in eval mode: keep "
    "the mode of each of model.modules().",
    restore=lambda self, model, before: setattr(model, "training", before[model]),
)
mistake(
    "modes of the children only",
    "You put back the modes of the model's submodules, and not that of the model itself: "
    "model.modules() has both.",
    restore=lambda self, model, before: [
        setattr(module, "training", mode) for module, mode in before.items() if module is not model
    ],
)
mistake(
    "gradients recorded",
    "Gradients are recorded while the model runs, so all activations are kept for a backward() "
    "that never comes. Run it inside `with torch.inference_mode():`.",
    guard=torch.enable_grad,
)
mistake(
    "neither eval mode nor gradients off",
    "The model runs in whatever mode it is in, and records gradients. Call model.eval() first, and "
    "run it inside `with torch.inference_mode():`.",
    prepare=lambda self, model: None,
    restore=lambda self, model, before: None,
    guard=torch.enable_grad,
)


@mistake(
    "gradients left off",
    "Gradients are still off when accuracy has returned, so nothing could be trained any more. Use "
    "`with torch.inference_mode():`, which switches them on again at its end.",
)
class _:
    def guard(self):
        torch.set_grad_enabled(False)
        return torch.no_grad()


@mistake(
    "parameters frozen",
    "The model's parameters don't require gradients afterwards, so it can't be trained further. "
    "Leave requires_grad alone: `with torch.inference_mode():` is enough.",
)
class _:
    def prepare(self, model):
        model.eval().requires_grad_(False)


mistake(
    "inference_mode without brackets",
    "What follows `with` is a class without brackets. Call it: with torch.inference_mode().",
    guard=lambda self: torch.inference_mode,
)
mistake(
    "argmax over the batch",
    "You take the highest logit over the pictures (dim=0). Take it over the classes, dim=1: one "
    "guess for each picture.",
    guesses=lambda self, logits: logits.argmax(0),
)
mistake(
    "argmax over everything",
    "Your argmax has no dim, so it is one number for the whole batch. Give it dim=1: one guess for "
    "each picture.",
    guesses=lambda self, logits: logits.argmax(),
)
mistake(
    "argmin",
    "You take the class with the lowest logit. Take the highest.",
    guesses=lambda self, logits: logits.argmin(1),
)
mistake(
    "highest logits for classes",
    "You compare the highest logits with the labels. Compare their classes: argmax(dim=1).",
    guesses=lambda self, logits: logits.amax(1),
)
mistake(
    "both of max",
    "What you compare with the labels is no tensor, so == gives a single False. It may be the pair "
    "that max(dim=1) gives: take its .indices, or argmax(dim=1).",
    guesses=lambda self, logits: logits.max(1),
)
EACH_WITH_EACH = (
    "Each guess is compared with every label, as happens where one of both has shape (batch, 1). "
    "Both should have shape (batch,): argmax(dim=1) without keepdim, and the labels as they are."
)
mistake(
    "keepdim",
    EACH_WITH_EACH,
    guesses=lambda self, logits: logits.argmax(1, keepdim=True),
)
mistake(
    "labels with another axis",
    EACH_WITH_EACH,
    right=lambda self, guesses, labels: guesses == labels[:, None],
)
for k in (2, 3):
    mistake(
        f"among the best {k}",
        "You count a picture as right if its label is among several of the highest logits. "
        "Only the highest one counts.",
        guesses=lambda self, logits, k=k: logits.topk(min(k, logits.shape[1]), 1).indices,
        right=lambda self, guesses, labels: (guesses == labels[:, None]).any(1),
    )
mistake(
    "loss returned",
    "You return the loss, the cross-entropy. Return the share of the guesses that are right.",
    of_logits=lambda self, logits, labels: F.cross_entropy(logits, labels),
)
mistake(
    "probability of the label",
    "You average the probability of the right class. A guess counts as right or wrong: compare "
    "argmax(dim=1) with the labels.",
    of_logits=lambda self, logits, labels: logits.softmax(1).gather(1, labels[:, None]).mean(),
)
mistake(
    "probability above a half",
    "You count a picture as right only if its label's probability is above a half. It is right if "
    "no other class has a higher one: argmax(dim=1).",
    of_logits=lambda self, logits, labels: (
        (logits.softmax(1).gather(1, labels[:, None]) > 0.5).float().mean()
    ),
)
mistake(
    "classes counted from 1",
    "You count the classes from 1. Both the labels and argmax start at 0.",
    guesses=lambda self, logits: logits.argmax(1) + 1,
)
mistake(
    "share of errors",
    "You return the share of wrong guesses. Return that of the right ones.",
    share=lambda self, right: (~right).float().mean(),
)
mistake(
    "percent",
    "You return percent. Return a share from 0 to 1; show it as you like later.",
    share=lambda self, right: 100 * right.float().mean(),
)
mistake(
    "number instead of share",
    "You return how many guesses are right. Divide by the number of pictures.",
    only_if="float(accuracy(torch.nn.Flatten(), MANY.clone(), MANY_LABELS.clone())) == 1401",
    share=lambda self, right: right.sum(),
)
mistake(
    "divided by the number of classes",
    "You divide the number of right guesses by that of the classes. Divide by the number of "
    "pictures.",
    share=lambda self, right: right.sum() / 3,
)
ALL_OR_NOTHING = (
    "You return 1 if all guesses are right, and else 0: as all() does, or // or int() with the "
    "share. Return the share itself."
)
mistake(
    "all or nothing",
    ALL_OR_NOTHING,
    share=lambda self, right: right.all().float(),
)
mistake(
    "rounded down",
    ALL_OR_NOTHING,
    share=lambda self, right: right.sum() // len(right),
)
mistake(
    "rounded",
    "You round the share. Return it as it is, and show it as you like later.",
    share=lambda self, right: right.float().mean().round(decimals=2),
)
mistake(
    "mean of booleans",
    "PyTorch takes no mean of booleans. Turn them into numbers first: (guesses == labels).float().",
    share=lambda self, right: right.mean(),
)
mistake(
    "first picture only",
    "Only the first picture counts in what you return. Take the share over all of them.",
    share=lambda self, right: right[0].float(),
)
mistake(
    "tensor returned",
    "You return a tensor. Return a Python number: .item().",
    result=lambda self, share: share,
)
mistake(
    "nothing returned",
    "You return nothing. Return the share as a number.",
    result=lambda self, share: None,
)
mistake(
    "item without brackets",
    "You return the method, not what it returns: item() needs its brackets.",
    result=lambda self, share: share.item,
)
mistake(
    "guesses returned",
    "You return which guesses are right, one for each picture. Return their share, as one number.",
    share=lambda self, right: right,
    result=lambda self, share: share,
)


def known(name: str, hint: str) -> Mistake:
    """A mistake that only a closer look recognises."""
    mistake.append(Mistake(name, hint, runnable=False))
    return mistake[-1]


OTHER_MODEL = known(
    "another model than the argument",
    "You never call `model`, the argument. Call it, whatever it is called outside of the function.",
)
MEAN_OF_MEANS = known(
    "mean of the batches' means",
    "You average the batches' shares, and the last batch is smaller than the others, so each of "
    "its pictures counts for more. Add up the right guesses, and divide by all pictures.",
)
LEFT_OUT = known(
    "pictures left out",
    "The model never sees some of the pictures. The last batch may be smaller than the others, and "
    "counts as well.",
)
DIVIDED_BY_BATCHES = known(
    "divided by the number of batches",
    "You divide the number of right guesses by that of the batches. Divide by the number of "
    "pictures.",
)
LAST_BATCH = known(
    "last batch only",
    "What you return is the share of your last batch. Add up the right guesses of all batches.",
)

# ---- What else is looked at -----------------------------------------------------------------


def is_called(accuracy: Callable) -> bool:
    """Whether the model, or a copy of it, runs at all, whatever is raised later."""
    found: list[bool] = []
    model = pixels(lambda _: found.append(True))
    with suppress(Exception):
        accuracy(model, THREE.clone(), THREE_LABELS.clone())
    return bool(found)


def look_closer(accuracy: Callable) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen."""
    sizes: list[int] = []
    model = pixels()
    model[0].register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    returned = accuracy(model, MANY.clone(), MANY_LABELS.clone())
    result = number(returned)
    if not sizes:
        return OTHER_MODEL
    if not isinstance(result, Tensor) or sum(sizes) > len(MANY):
        return not_a_number(returned)
    right = MANY.flatten(1).argmax(1) == MANY_LABELS
    of_batches = [part.float() for part in right[: sum(sizes)].split(sizes)]
    explanations = (
        (LEFT_OUT, sum(sizes) < len(MANY)),
        (MEAN_OF_MEANS, result.isclose(torch.stack([b.mean() for b in of_batches]).mean())),
        (LAST_BATCH, result.isclose(of_batches[-1].mean())),
        (DIVIDED_BY_BATCHES, result.isclose(right.sum() / len(sizes))),
    )
    seen = [known for known, explains in explanations if explains and len(sizes) > 1]
    return seen[0] if seen else ""


# ---- The check ------------------------------------------------------------------------------

ACCURACY = Exercise(
    name="accuracy",
    reference=solutions.accuracy,
    trials=TRIALS,
    names={**vars(learning), **globals()},
    in_steps=AccuracyInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().accuracy,
    closer_look=Trial("test_accuracy", "the batches", "look_closer(accuracy)"),
    evidence=Trial("test_accuracy", "whether the model is called", "is_called(accuracy)"),
)


def test_accuracy(accuracy: Callable) -> None:
    """Check that accuracy(model, images, labels) is the share of right guesses, in eval mode."""
    ACCURACY.check("test_accuracy", accuracy)
