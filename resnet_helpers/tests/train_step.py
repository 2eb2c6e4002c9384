"""Lesson 7: the check of train_step, with its known mistakes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests import learning, train_step_trials
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.learning import LABELS, TWO, eye, not_a_number
from resnet_helpers.tests.train_step_trials import modes_seen, sgd
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

TRIALS = train_step_trials.TRIALS  # in a module of their own: both would be too long for one

# ---- A right answer in steps ----------------------------------------------------------------


class TrainStepInSteps:
    """train_step cut into the steps that can each go wrong."""

    def prepare(self, model):
        model.train()

    def zero(self, optimizer):
        optimizer.zero_grad()

    def outputs(self, model, images):
        return model(images)

    def target(self, labels, logits):
        return labels

    def loss(self, logits, labels):
        return F.cross_entropy(logits, labels)

    def update(self, optimizer, loss):
        loss.backward()
        optimizer.step()

    def result(self, loss, model, images, labels):
        return loss.item()

    def train_step(self, model, optimizer, images, labels):
        self.prepare(model)
        self.zero(optimizer)
        logits = self.outputs(model, images)
        loss = self.loss(logits, self.target(labels, logits))
        self.update(optimizer, loss)
        return self.result(loss, model, images, labels)


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

OTHER_MODEL = Mistake(
    "another model than the argument",
    "You never call `model`, the argument. Call it, whatever it is called outside of the function.",
    runnable=False,
)
mistake.append(OTHER_MODEL)
mistake(
    "mode left as it is",
    "The model runs in whatever mode it is in. Call model.train() first, with its brackets: "
    "accuracy, say, may have left it in eval mode.",
    prepare=lambda self, model: None,
)
MODE_LEFT = mistake[-1]
mistake(
    "eval mode",
    "You put the model into eval mode, and it runs in it: batchnorm uses its running statistics "
    "and never changes them. Call model.train() instead.",
    prepare=lambda self, model: model.eval(),
)
mistake(
    "only the outermost module in train mode",
    "Only the outermost module is put into train mode, as model.training = True does it. "
    "model.train() goes through all of its submodules.",
    prepare=lambda self, model: setattr(model, "training", True),
)
mistake(
    "train mode only if the model is not in it",
    "You look at model.training, which is that of the outermost module alone: its submodules may "
    "be in eval mode. Call model.train() in any case.",
    prepare=lambda self, model: None if model.training else model.train(),
)


@mistake(
    "training set by hand",
    "You set training in each module by hand, past model.train(), so a frozen batchnorm, which "
    "stays in eval mode when model.train() is called, is no longer frozen. Call model.train().",
)
class _:
    def prepare(self, model):
        for module in model.modules():
            module.training = True


mistake(
    "gradients never zeroed",
    "Older gradients are still there, and backward() adds this batch's to them. Call "
    "optimizer.zero_grad(), with its brackets, before loss.backward().",
    zero=lambda self, optimizer: None,
)
ZEROED_TOO_LATE = (
    "You zero the gradients after backward() and before step(), so the step is taken without any. "
    "The order is: zero_grad, backward, step."
)


@mistake("gradients zeroed between backward and step", ZEROED_TOO_LATE)
class _:
    def update(self, optimizer, loss):
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()


@mistake(
    "gradients zeroed at the end only",
    "You zero the gradients after the step only. Those left from before your first step, say from "
    "a loss.backward() in another cell, still count in it: zero them before backward().",
)
class _:
    def zero(self, optimizer):
        pass

    def update(self, optimizer, loss):
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


STEP_TOO_EARLY = (
    "You call step() before backward(), so it is taken without this batch's gradient. The order "
    "is: zero_grad, backward, step."
)


@mistake("step before backward", STEP_TOO_EARLY)
class _:
    def update(self, optimizer, loss):
        optimizer.step()
        loss.backward()


@mistake("step before backward, gradients never zeroed", STEP_TOO_EARLY)
class _:
    def zero(self, optimizer):
        pass

    def update(self, optimizer, loss):
        optimizer.step()
        loss.backward()


@mistake("step before zeroing and backward", STEP_TOO_EARLY)
class _:
    def zero(self, optimizer):
        pass

    def update(self, optimizer, loss):
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()


NO_STEP = (
    "optimizer.step() is never called, so no weight moves. Call it, with its brackets, after "
    "loss.backward()."
)
mistake("no step", NO_STEP, update=lambda self, optimizer, loss: loss.backward())


@mistake("neither zeroed nor stepped", NO_STEP)
class _:
    def zero(self, optimizer):
        pass

    def update(self, optimizer, loss):
        loss.backward()


mistake(
    "no step, gradients zeroed at the end",
    NO_STEP,
    zero=lambda self, optimizer: None,
    update=lambda self, optimizer, loss: (loss.backward(), optimizer.zero_grad()),
)
NO_BACKWARD = (
    "loss.backward() is never called, so there is no gradient of this batch. Call it, with its "
    "brackets, before optimizer.step()."
)
NEVER_CALLED = "not n_calls(train_step, 'backward')"
mistake(
    "no backward",
    NO_BACKWARD,
    only_if=NEVER_CALLED,
    update=lambda self, optimizer, loss: optimizer.step(),
)


@mistake("no backward, gradients never zeroed", NO_BACKWARD, only_if=NEVER_CALLED)
class _:
    def zero(self, optimizer):
        pass

    def update(self, optimizer, loss):
        optimizer.step()


mistake(
    "neither backward nor step",
    "The loss is computed, and nothing follows from it: loss.backward() gives the gradients, and "
    "optimizer.step() moves the weights.",
    only_if=NEVER_CALLED,
    update=lambda self, optimizer, loss: None,
)


@mistake(
    "two steps",
    "The optimizer's step() is called twice for one batch. Once is enough.",
)
class _:
    def update(self, optimizer, loss):
        loss.backward()
        optimizer.step()
        optimizer.step()


SOFTMAX = (
    "You apply {} to the model's outputs before cross_entropy, which expects logits, and takes "
    "log_softmax itself. Give it the outputs as they are."
)
mistake(
    "softmax before the loss",
    SOFTMAX.format("softmax"),
    loss=lambda self, logits, labels: F.cross_entropy(logits.softmax(1), labels),
)
mistake(
    "softmax over the batch before the loss",
    SOFTMAX.format("softmax (over the batch, even)"),
    loss=lambda self, logits, labels: F.cross_entropy(logits.softmax(0), labels),
)
mistake(
    "sigmoid before the loss",
    SOFTMAX.format("a sigmoid"),
    loss=lambda self, logits, labels: F.cross_entropy(logits.sigmoid(), labels),
)
mistake(
    "ReLU before the loss",
    SOFTMAX.format("ReLU"),
    loss=lambda self, logits, labels: F.cross_entropy(logits.relu(), labels),
)
mistake(
    "nll_loss of logits",
    "Your loss is minus the logit of the right class, as nll_loss gives it, which takes the "
    "logarithm for done. Use cross_entropy, which computes log_softmax of the logits first.",
    loss=lambda self, logits, labels: F.nll_loss(logits, labels),
)
mistake(
    "nll_loss of probabilities",
    "Your loss is minus the probability of the right class, as nll_loss gives it, which expects "
    "log-probabilities. Use cross_entropy, of the logits.",
    loss=lambda self, logits, labels: F.nll_loss(logits.softmax(1), labels),
)
mistake(
    "logarithm of probabilities",
    "For a large logit the probability of another class is 0, and its logarithm infinite. Use "
    "cross_entropy, of the logits: it computes both in one, without overflow.",
    loss=lambda self, logits, labels: F.nll_loss(logits.softmax(1).log(), labels),
)
mistake(
    "loss summed",
    "You sum the loss over the batch. Average it, cross_entropy's default: else the step grows "
    "with the batch.",
    loss=lambda self, logits, labels: F.cross_entropy(logits, labels, reduction="sum"),
)


@mistake(
    "loss summed, and its average returned",
    "You return the average loss, but take the gradients of the sum over the batch, so the step "
    "grows with the batch. Call backward() on the average, cross_entropy's default.",
)
class _:
    def loss(self, logits, labels):
        return F.cross_entropy(logits, labels, reduction="sum")

    def result(self, loss, model, images, labels):
        return loss.item() / len(labels)


mistake(
    "loss divided by the batch again",
    "You divide the loss by the size of the batch. cross_entropy has averaged it already.",
    loss=lambda self, logits, labels: F.cross_entropy(logits, labels) / len(labels),
)
mistake(
    "loss not reduced",
    "Your loss is one number for each picture, and backward() wants a single one. Average: "
    "cross_entropy's default does.",
    loss=lambda self, logits, labels: F.cross_entropy(logits, labels, reduction="none"),
)
mistake(
    "loss class given the data",
    "nn.CrossEntropyLoss is a class, and you make one of outputs and labels. Make it first, and "
    "then call it: nn.CrossEntropyLoss()(outputs, labels). F.cross_entropy does both.",
    loss=lambda self, logits, labels: nn.CrossEntropyLoss(logits, labels),
)
mistake(
    "loss with the sign changed",
    "You change the sign of the loss, so each step makes it larger. optimizer.step() goes downhill "
    "by itself.",
    loss=lambda self, logits, labels: -F.cross_entropy(logits, labels),
)
mistake(
    "binary cross-entropy",
    "You treat each class by itself, as binary cross-entropy does. Each picture has one class: use "
    "cross_entropy.",
    loss=lambda self, logits, labels: F.binary_cross_entropy_with_logits(
        logits, one_hot(labels, logits)
    ),
)
mistake(
    "squared error",
    "Your loss is the squared error of the logits. Use cross_entropy.",
    loss=lambda self, logits, labels: F.mse_loss(logits, one_hot(labels, logits)),
)
mistake(
    "squared error of probabilities",
    "Your loss is the squared error of the probabilities. Use cross_entropy, of the logits.",
    loss=lambda self, logits, labels: F.mse_loss(logits.softmax(1), one_hot(labels, logits)),
)
for amount in (0.05, 0.1, 0.2):
    mistake(
        f"labels smoothed by {amount}",
        "You smooth the labels, which is another loss. Leave label_smoothing out.",
        loss=lambda self, logits, labels, amount=amount: F.cross_entropy(
            logits, labels, label_smoothing=amount
        ),
    )
mistake(
    "outputs and labels swapped",
    "You give cross_entropy the labels first. The model's outputs come first, then the labels.",
    loss=lambda self, logits, labels: F.cross_entropy(labels, logits),
)
mistake(
    "labels as floats",
    "Your labels are floats. cross_entropy expects class indices, as they are: leave out float().",
    target=lambda self, labels, logits: labels.float(),
)
mistake(
    "labels one-hot, as integers",
    "You turn the labels into one-hot vectors of integers. cross_entropy expects class indices: "
    "give it the labels as they are.",
    only_if="ndim_given(train_step) == 2",
    target=lambda self, labels, logits: F.one_hot(labels, logits.shape[1]),
)
mistake(
    "labels with another axis",
    "You give the labels another axis. cross_entropy expects shape (batch,): give it the labels "
    "as they are.",
    target=lambda self, labels, logits: labels[:, None],
)
mistake(
    "guesses instead of logits",
    "You give cross_entropy the guessed classes, and no gradient gets through argmax. Give it the "
    "model's outputs as they are.",
    only_if="ndim_given(train_step) == 1",
    loss=lambda self, logits, labels: F.cross_entropy(logits.argmax(1), labels),
)
mistake(
    "guesses as floats instead of logits",
    "You give cross_entropy the guessed classes, and no gradient gets through argmax. Give it the "
    "model's outputs as they are.",
    only_if="ndim_given(train_step) == 1",
    loss=lambda self, logits, labels: F.cross_entropy(logits.argmax(1).float(), labels),
)


NO_GRADIENTS = (
    "No gradients are recorded while the model runs, so backward() has nowhere to go. Leave out "
    "no_grad and inference_mode: they are for eval mode."
)
for guard in (torch.no_grad, torch.inference_mode):

    @mistake(
        f"gradients off: {guard.__name__}",
        NO_GRADIENTS,
        only_if="recorded_in_forward(train_step) is False",
    )
    class _:
        def outputs(self, model, images, guard=guard):
            with guard():
                return model(images)


CUT_OFF = (
    "The model records gradients, but the loss is cut off from them, as detach(), .data, "
    "torch.tensor, argmax and comparisons do it. Give cross_entropy the outputs as they are."
)
mistake(
    "logits detached",
    CUT_OFF,
    only_if="recorded_in_forward(train_step) is True",
    outputs=lambda self, model, images: model(images).detach(),
)
mistake(
    "made a leaf of its own",
    "You make the loss, or the logits, a new leaf with requires_grad, so backward() ends there and "
    "no weight gets a gradient. Call backward() on the loss as it is.",
    only_if="n_calls(train_step, 'backward') == 1",
    outputs=lambda self, model, images: model(images).detach().requires_grad_(),
)
mistake(
    "outputs squeezed",
    "squeeze() takes the batch's axis away where there is one picture only. Give cross_entropy the "
    "outputs as they are.",
    outputs=lambda self, model, images: model(images).squeeze(),
)
mistake(
    "item before backward",
    "You take item() before backward(), and a number has no graph. Call backward() on the tensor, "
    "and item() when you return it.",
    update=lambda self, optimizer, loss: loss.item().backward(),
)
mistake(
    "backward called twice",
    "You call backward() twice on one loss, and the graph is gone after the first. Once is enough.",
    update=lambda self, optimizer, loss: (loss.backward(), loss.backward(), optimizer.step()),
)
mistake(
    "item forgotten",
    "You return the loss with its whole graph, and whoever keeps it, in a list for a plot, keeps "
    "the graph of every batch in memory. Return loss.item().",
    result=lambda self, loss, model, images, labels: loss,
)
mistake(
    "tensor returned",
    "You return a tensor. Return a Python number: loss.item().",
    result=lambda self, loss, model, images, labels: loss.detach(),
)
mistake(
    "nothing returned",
    "You return nothing. Return the loss as a number: loss.item().",
    result=lambda self, loss, model, images, labels: None,
)
mistake(
    "item without brackets",
    "You return the method, not what it returns: item() needs its brackets.",
    result=lambda self, loss, model, images, labels: loss.item,
)
mistake(
    "sum of losses returned",
    "You return the loss times the number of pictures. Return the average, which cross_entropy "
    "gives.",
    result=lambda self, loss, model, images, labels: loss.item() * len(images),
)
mistake(
    "loss returned divided by the batch",
    "You return the loss divided by the number of pictures. cross_entropy has averaged it already.",
    result=lambda self, loss, model, images, labels: loss.item() / len(images),
)
mistake(
    "loss rounded",
    "You return the loss rounded to whole numbers. Return loss.item().",
    result=lambda self, loss, model, images, labels: int(loss),
)
mistake(
    "accuracy returned",
    "You return the share of right guesses. Return the loss.",
    result=lambda self, loss, model, images, labels: (
        (model(images).argmax(1) == labels).float().mean().item()
    ),
)
mistake(
    "loss after the step",
    "The loss that you return is that after the step, for which the model runs a second time. "
    "Return the one whose gradients you took.",
    result=lambda self, loss, model, images, labels: F.cross_entropy(model(images), labels).item(),
)
SECOND_RUN = (
    "The model runs twice on the batch, and in train mode batchnorm's running statistics move each "
    "time. Keep its outputs in a variable."
)
mistake(
    "a second run before the step",
    SECOND_RUN,
    outputs=lambda self, model, images: (model(images), model(images))[1],
)
mistake(
    "a second run after the step",
    SECOND_RUN,
    result=lambda self, loss, model, images, labels: (model(images), loss.item())[1],
)
mistake(
    "loss and something else returned",
    "You return several things. Return the loss alone, as a number.",
    result=lambda self, loss, model, images, labels: (loss.item(), 0.0),
)


@mistake(
    "parameters frozen afterwards",
    "The model's parameters don't require gradients afterwards, so it can't be trained further. "
    "Leave requires_grad alone.",
)
class _:
    def result(self, loss, model, images, labels):
        model.requires_grad_(False)
        return loss.item()


@mistake(
    "gradients left off",
    "Gradients are off when train_step has returned, so the next step could not train. Leave "
    "torch.set_grad_enabled alone.",
)
class _:
    def result(self, loss, model, images, labels):
        torch.set_grad_enabled(False)
        return loss.item()


OTHER_OPTIMIZER = Mistake(
    "another optimizer than the argument",
    "The step() of `optimizer`, the argument, is never called, although the weights move. Use it: "
    "it keeps what it has learned, such as momentum, from step to step.",
    runnable=False,
)
mistake.append(OTHER_OPTIMIZER)


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    return F.one_hot(labels, logits.shape[1]).float()


# ---- What else is looked at -----------------------------------------------------------------


def look_closer(train_step: Callable) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen."""
    runs, steps = [], []
    model = eye(lambda _: runs.append(1))
    optimizer = sgd(model)
    optimizer.register_step_post_hook(lambda *_: steps.append(1))
    returned = train_step(model, optimizer, TWO.clone(), LABELS.clone())
    if not runs:
        return OTHER_MODEL
    if not steps and not torch.equal(model[1].weight, torch.eye(3)):
        return OTHER_OPTIMIZER
    if len(runs) > 1 or len(steps) > 1:
        return (
            f"In one call the model runs {times(runs)}, and the optimizer steps {times(steps)}. "
            "One step on the whole batch is wanted: call each of them once."
        )
    return MODE_LEFT if leaves_the_mode(train_step) else not_a_number(returned)


def leaves_the_mode(train_step: Callable) -> bool:
    """Whether the model runs in the mode that it was in, be that train or eval mode."""
    in_train, in_eval = (
        modes_seen(train_step, set_mode) for set_mode in (nn.Module.train, nn.Module.eval)
    )
    return all(in_train.values()) and not any(in_eval.values())


def times(events: list) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(len(events), f"{len(events)} times")


# ---- The check ------------------------------------------------------------------------------

TRAIN_STEP = Exercise(
    name="train_step",
    reference=solutions.train_step,
    trials=TRIALS,
    names={**vars(learning), **vars(train_step_trials), **globals()},
    in_steps=TrainStepInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().train_step,
    evidence=Trial("test_train_step", "whether the model is called", "is_called(train_step)"),
    closer_look=Trial("test_train_step", "the optimizer", "look_closer(train_step)"),
)


def test_train_step(train_step: Callable) -> None:
    """Check that train_step(model, optimizer, images, labels) takes one step of training."""
    TRAIN_STEP.check("test_train_step", train_step)
