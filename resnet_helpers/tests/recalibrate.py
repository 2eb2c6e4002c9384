"""Lesson 7: the check of recalibrate, with its known mistakes."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from resnet_helpers import solutions
from resnet_helpers.tests import learning, recalibrate_trials
from resnet_helpers.tests.engine import Catalogue, Exercise, Mistake
from resnet_helpers.tests.recalibrate_trials import (
    batchnorms_of,
    outermost_mode,
    parameters_afterwards,
    runs_a_copy,
)
from resnet_helpers.tests.trials import Trial

# ---- What is tried --------------------------------------------------------------------------

TRIALS = recalibrate_trials.TRIALS  # in a module of their own: both would be too long for one

# ---- A right answer in steps ----------------------------------------------------------------


def axes_of(x: Tensor) -> list[int]:
    return [axis for axis in range(x.ndim) if axis != 1]


class RecalibrateInSteps:
    """recalibrate cut into the steps that can each go wrong.

    It collects what each batchnorm sees, and writes the averages when all batches have run.
    """

    def batchnorms(self, model):
        return list(batchnorms_of(model).values())

    def enter(self, model):
        model.train()

    def guard(self):
        return torch.no_grad()

    def passes(self, batches):
        return batches

    def taken(self, inputs, output):
        return inputs[0]

    def mean_of(self, x):
        return x.mean(axes_of(x))

    def variance_of(self, x):
        return x.var(axes_of(x))

    def combined(self, values, old, batchnorm, n_tracked):
        return torch.stack(values).mean(0)

    def combined_means(self, *args):
        return self.combined(*args)

    def combined_variances(self, *args):
        return self.combined(*args)

    def write(self, batchnorm, mean, var):
        if isinstance(batchnorm, solutions.BatchNorm2d):  # it assigns, PyTorch's write in place
            batchnorm.running_mean, batchnorm.running_var = mean, var
        else:
            batchnorm.running_mean.copy_(mean)
            batchnorm.running_var.copy_(var)

    def finish(self, batchnorms, n_batches):
        pass

    def restore(self, model, before):
        for module, mode in before.items():
            module.training = mode

    def recalibrate(self, model, batches):
        before = {module: module.training for module in model.modules()}
        batchnorms = self.batchnorms(model)
        old = {
            bn: (bn.running_mean.clone(), bn.running_var.clone(), int(bn.num_batches_tracked))
            for bn in batchnorms
        }
        seen = {bn: [] for bn in batchnorms}
        self.enter(model)
        handles = [
            bn.register_forward_hook(lambda bn, *data: seen[bn].append(self.taken(*data).clone()))
            for bn in batchnorms
        ]
        with self.guard():
            for images in self.passes(batches):
                model(images)
            for bn in batchnorms:
                if bn.training and seen[bn]:
                    self.write_averages(bn, seen[bn], *old[bn])
        for handle in handles:
            handle.remove()
        self.finish(batchnorms, max([len(inputs) for inputs in seen.values()], default=0))
        self.restore(model, before)

    def write_averages(self, bn, inputs, old_mean, old_var, n_tracked):
        means = [self.mean_of(x) for x in inputs]
        variances = [self.variance_of(x) for x in inputs]
        self.write(
            bn,
            self.combined_means(means, old_mean, bn, n_tracked),
            self.combined_variances(variances, old_var, bn, n_tracked),
        )


def moving(values: Sequence[Tensor], start: Tensor, momenta: Iterable[float]) -> Tensor:
    """Where running statistics end that move towards each of these values in turn."""
    for value, momentum in zip(values, momenta, strict=False):
        start = (1 - momentum) * start + momentum * value
    return start


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

IN_EVAL_MODE = (
    "The model runs in eval mode, in which batchnorm uses its running statistics and never moves "
    "them. Call model.train() before the batches run."
)
mistake("eval mode", IN_EVAL_MODE, enter=lambda self, model: model.eval())


@mistake(
    "collected in eval mode",
    "The model runs in eval mode, so the later batchnorms see what the old statistics of the "
    "earlier ones make of the batches. Call model.train() before they run.",
)
class _:
    def enter(self, model):
        model.eval()

    def passes(self, batches):
        return batches

    def write_averages(self, *args):
        RecalibrateInSteps.write_averages(self, *args)

    def recalibrate(self, model, batches):
        before = {module: module.training for module in model.modules()}
        model.eval()
        seen = {bn: [] for bn in batchnorms_of(model).values()}
        handles = [
            bn.register_forward_pre_hook(lambda bn, inputs: seen[bn].append(inputs[0].clone()))
            for bn in seen
        ]
        with torch.no_grad():
            for images in batches:
                model(images)
            for bn, inputs in seen.items():
                self.write_averages(bn, inputs, None, None, 0)
        for handle in handles:
            handle.remove()
        self.restore(model, before)


mistake(
    "mode left as it is",
    "The batches run in whatever mode the model is in. In eval mode batchnorm never moves its "
    "statistics: call model.train() first, with its brackets.",
    enter=lambda self, model: None,
    only_if="outermost_mode(recalibrate) == 'eval'",
)
mistake(
    "only the outermost module in train mode",
    "Only the outermost module is put into train mode, as model.training = True does it. "
    "model.train() goes through all of its submodules, the batchnorms too.",
    enter=lambda self, model: setattr(model, "training", True),
    only_if="outermost_mode(recalibrate) == 'train'",
)

# ---- Which average


mistake(
    "the momentum that was there",
    "You leave the batchnorms' momentum as it is, so the old statistics still count, and of the "
    "batches the last counts most. A plain average: momentum 1 for the first batch, 1/2 for the "
    "second, 1/3, and so on.",
    combined=lambda self, values, old, bn, n_tracked: moving(
        values, old, [bn.momentum] * len(values)
    ),
)


@mistake(
    "reset, and the momentum that was there",
    "You set the statistics back to mean 0 and variance 1, and these still count, as the momentum "
    "is as it was. A plain average: momentum 1 for the first batch, 1/2 for the second, and so on.",
)
class _:
    def combined_means(self, values, old, bn, n_tracked):
        return moving(values, torch.zeros_like(old), [bn.momentum] * len(values))

    def combined_variances(self, values, old, bn, n_tracked):
        return moving(values, torch.ones_like(old), [bn.momentum] * len(values))


LAST_ONLY = (
    "Only the last batch counts, as with momentum 1 for every batch. Average over all of them: "
    "momentum 1 for the first batch, 1/2 for the second, and so on."
)
mistake("last batch only", LAST_ONLY, combined=lambda self, values, old, bn, n_tracked: values[-1])
mistake(
    "first batch only",
    "Only the first batch counts. Average over all of them.",
    combined=lambda self, values, old, bn, n_tracked: values[0],
)
mistake(
    "old statistics averaged in",
    "You count the old statistics like one more batch. Forget them: the first batch has momentum "
    "1, the second 1/2, and so on.",
    combined=lambda self, values, old, bn, n_tracked: torch.stack([old, *values]).mean(0),
)


@mistake(
    "reset statistics averaged in",
    "You count the mean 0 and the variance 1 of a fresh batchnorm like one more batch. Leave them "
    "out: the first batch has momentum 1, the second 1/2, and so on.",
)
class _:
    def combined_means(self, values, old, bn, n_tracked):
        return torch.stack([torch.zeros_like(old), *values]).mean(0)

    def combined_variances(self, values, old, bn, n_tracked):
        return torch.stack([torch.ones_like(old), *values]).mean(0)


ONE_OVER_ALL = (
    "Your momentum is 1 over the number of all batches, each time, so what was there before them "
    "still counts, and the last batch most. It is 1 for the first batch, 1/2 for the second, and "
    "so on."
)
mistake(
    "one over the number of batches each time",
    ONE_OVER_ALL,
    combined=lambda self, values, old, bn, n_tracked: moving(
        values, old, [1 / len(values)] * len(values)
    ),
)
for start_of_var, reset_to in ((torch.ones_like, "0 and 1"), (torch.zeros_like, "0 and 0")):

    @mistake(f"one over the number of batches each time, from {reset_to}", ONE_OVER_ALL)
    class _:
        def combined_means(self, values, old, bn, n_tracked):
            return moving(values, torch.zeros_like(old), [1 / len(values)] * len(values))

        def combined_variances(self, values, old, bn, n_tracked, start=start_of_var):
            return moving(values, start(old), [1 / len(values)] * len(values))


mistake(
    "counted from 0",
    "You divide by 0: the number of the first batch is 1. Use enumerate(batches, start=1).",
    passes=lambda self, batches: 1 / 0,
)
mistake(
    "sum",
    "You add up the batches' statistics, and never divide by their number.",
    combined=lambda self, values, old, bn, n_tracked: torch.stack(values).sum(0),
)


def cumulative(start_again: bool) -> Callable:
    """What momentum = None does: to PyTorch's batchnorms, and to the course's."""

    def combined(self, values, old, bn, n_tracked):
        if isinstance(bn, solutions.BatchNorm2d):
            1 - None  # noqa: B018 - that is the error
        first = 1 if start_again else n_tracked + 1
        return moving(values, old, [1 / (first + i) for i in range(len(values))])

    return combined


def none_left(self, batchnorms, n_batches):
    for batchnorm in batchnorms:
        batchnorm.momentum = None


LEFT_TO_NONE = "momentum_in_forward(recalibrate) is None"
mistake(
    "momentum None",
    "momentum = None stands for a plain average in PyTorch's own batchnorms only, and yours "
    "multiplies by it. Set 1 for the first batch, 1/2 for the second, 1/3 …, which both know.",
    only_if=LEFT_TO_NONE,
    combined=cumulative(start_again=True),
)
mistake(
    "momentum None, and left so",
    "momentum = None stands for a plain average in PyTorch's own batchnorms only, and yours "
    "multiplies by it. Set 1 for the first batch, 1/2 for the second, 1/3 …, and put the old one "
    "back at the end.",
    only_if=LEFT_TO_NONE,
    combined=cumulative(start_again=True),
    finish=none_left,
)
NOT_RESET = (
    "With momentum = None PyTorch's batchnorm averages from num_batches_tracked on, so the old "
    "statistics still count. And yours knows no None: set momentum 1, 1/2, 1/3 … instead."
)
mistake(
    "momentum None, not reset",
    NOT_RESET,
    only_if=LEFT_TO_NONE,
    combined=cumulative(start_again=False),
)
mistake(
    "momentum None, not reset, and left so",
    NOT_RESET,
    only_if=LEFT_TO_NONE,
    combined=cumulative(start_again=False),
    finish=none_left,
)

mistake(
    "reset_running_stats of one's own batchnorm",
    "PyTorch's batchnorms have reset_running_stats(), and the one of lesson 1 has not. Nothing has "
    "to be reset where the first batch's momentum is 1: it forgets what was there.",
    enter=lambda self, model: (
        model.train(),
        [batchnorm.reset_running_stats() for batchnorm in batchnorms_of(model).values()],
    ),
)

# ---- Of what

mistake(
    "biased variance",
    "You average the batches' biased variances. running_var holds the unbiased one, which divides "
    "by n - 1: torch.var's default.",
    variance_of=lambda self, x: x.var(axes_of(x), unbiased=False),
)
mistake(
    "standard deviation",
    "You write the standard deviation into running_var. It holds the variance.",
    variance_of=lambda self, x: x.std(axes_of(x)),
)
mistake(
    "average of standard deviations, squared",
    "You average the standard deviations and square the average. Average the variances.",
    variance_of=lambda self, x: x.std(axes_of(x)),
    combined_variances=lambda self, values, *_: torch.stack(values).mean(0) ** 2,
)
mistake(
    "mean of squares",
    "Your running_var is the mean of the squares. Subtract the square of the mean.",
    variance_of=lambda self, x: (x**2).mean(axes_of(x)),
)
mistake(
    "running_var forgotten",
    "You don't set running_var. It is averaged like running_mean.",
    write=lambda self, bn, mean, var: setattr(bn, "running_mean", mean),
)
mistake(
    "running_mean forgotten",
    "You don't set running_mean. It is averaged like running_var.",
    write=lambda self, bn, mean, var: setattr(bn, "running_var", var),
)
mistake(
    "mean and variance swapped",
    "You write the mean into running_var, and the variance into running_mean.",
    write=lambda self, bn, mean, var: RecalibrateInSteps.write(self, bn, var, mean),
)

OF_THE_OUTPUT = (
    "You average what the batchnorms return, which is normalised already. Average their input."
)
mistake("statistics of the output", OF_THE_OUTPUT, taken=lambda self, inputs, output: output)


@mistake("statistics of the output, pooled", OF_THE_OUTPUT)
class _:
    def taken(self, inputs, output):
        return output

    def write_averages(self, bn, inputs, *old):
        RecalibrateInSteps.write_averages(self, bn, [torch.cat(inputs)], *old)


# ---- Which batchnorms

mistake(
    "PyTorch's BatchNorm2d only",
    "You look for nn.BatchNorm2d only, and leave out your own, and BatchNorm1d. A batchnorm is "
    "any module with a running_mean: hasattr(module, 'running_mean').",
    batchnorms=lambda self, model: [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)],
)
mistake(
    "PyTorch's batchnorms only",
    "You leave out the BatchNorm2d of lesson 1, which is none of PyTorch's classes. A batchnorm is "
    "any module with a running_mean: hasattr(module, 'running_mean').",
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    ],
)
mistake(
    "one's own BatchNorm2d only",
    "You leave out PyTorch's batchnorms, which are not of your class. A batchnorm is any module "
    "with a running_mean: hasattr(module, 'running_mean').",
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, solutions.BatchNorm2d)
    ],
)
mistake(
    "no BatchNorm1d",
    "You leave out PyTorch's BatchNorm1d. A batchnorm is any module with a running_mean: "
    "hasattr(module, 'running_mean').",
    batchnorms=lambda self, model: [
        m for m in model.modules() if isinstance(m, (nn.BatchNorm2d, solutions.BatchNorm2d))
    ],
)
mistake(
    "update_bn",
    "torch.optim.swa_utils.update_bn knows PyTorch's batchnorms only, and leaves yours as they "
    "are; and it puts one mode on the whole model. Write the loop yourself.",
    only_if="runs_in_update_bn(recalibrate)",
    recalibrate=lambda self, model, batches: torch.optim.swa_utils.update_bn(batches, model),
)
mistake(
    "children only",
    "Only the batchnorms right inside the model have new statistics, as where you go through "
    "model.children(). A batchnorm may be deeper: model.modules().",
    batchnorms=lambda self, model: [m for m in model.children() if hasattr(m, "running_mean")],
)
mistake(
    "first batchnorm only",
    "Only the first batchnorm has new statistics. Go through all of model.modules().",
    batchnorms=lambda self, model: list(batchnorms_of(model).values())[:1],
)
mistake(
    "last batchnorm only",
    "Only the last batchnorm has new statistics. Go through all of model.modules().",
    batchnorms=lambda self, model: list(batchnorms_of(model).values())[-1:],
)

# ---- Reading the batches


@mistake(
    "batches read twice",
    "You read the batches twice, and an iterator is empty the second time. Read them once: count "
    "while you go, with enumerate.",
)
class _:
    def passes(self, batches):
        for _ in batches:
            pass
        return batches


@mistake(
    "len of the batches",
    "You ask for the length of the batches, which an iterator does not have. Count while you go: "
    "for n_batches, images in enumerate(batches, start=1).",
)
class _:
    def passes(self, batches):
        len(batches)
        return batches


mistake(
    "first batch left out",
    "The first batch does not count, as happens where it is read before the loop, or where the "
    "momentum is set only when the model has run. Average over all of them.",
    passes=lambda self, batches: list(batches)[1:],
)

mistake(
    "all batches at once",
    "The model runs once, on all batches together, so each batchnorm normalises with the "
    "statistics of all. Run it on each batch by itself, as in training.",
    passes=lambda self, batches: [torch.cat(list(batches))],
    only_if="n_runs(recalibrate) == 1",
)
mistake(
    "batches taken for pairs",
    "You unpack each batch, as if labels came with it. A batch is one tensor of pictures: for "
    "images in batches.",
    passes=lambda self, batches: (images for images, _ in batches),
)

# ---- What is left afterwards

for name, value in (
    ("the last 1 / n", lambda n: 1 / max(n, 1)),
    ("None", lambda n: None),
    ("1", lambda n: 1),
    ("1.0", lambda n: 1.0),
    ("0", lambda n: 0.0),
):
    mistake(
        f"momentum left at {name}",
        "You leave the batchnorms with another momentum. Keep each one's before you change it, and "
        "put it back at the end, or further training uses yours.",
        finish=lambda self, batchnorms, n, value=value: [
            setattr(batchnorm, "momentum", value(n)) for batchnorm in batchnorms
        ],
    )
mistake(
    "momentum 0.1 afterwards",
    "You set every momentum to 0.1, the default. Put back what each batchnorm had.",
    finish=lambda self, batchnorms, n: [setattr(bn, "momentum", 0.1) for bn in batchnorms],
)


@mistake(
    "one momentum for all afterwards",
    "You give all batchnorms the momentum of one. Keep that of each, and put it back.",
)
class _:
    def finish(self, batchnorms, n_batches):
        for batchnorm in batchnorms:
            batchnorm.momentum = batchnorms[0].momentum


@mistake(
    "last momentum for all afterwards",
    "You give all batchnorms the momentum of one. Keep that of each, and put it back.",
)
class _:
    def finish(self, batchnorms, n_batches):
        for batchnorm in batchnorms:
            batchnorm.momentum = batchnorms[-1].momentum


mistake(
    "left in train mode",
    "You leave the model in train mode, whatever it was in. Keep the mode of each module before "
    "model.train(), and put it back.",
    restore=lambda self, model, before: None,
)
mistake(
    "always eval mode afterwards",
    "You call model.eval() at the end, whatever the mode was before. Keep the mode of each module "
    "before model.train(), and put that back.",
    restore=lambda self, model, before: model.eval(),
)
mistake(
    "the outermost module's mode for all afterwards",
    "You put one mode on the whole model. Its modules may be in different ones, as with frozen "
    "batchnorms: keep the mode of each of model.modules(), and put it back.",
    restore=lambda self, model, before: model.train(before[model]),
)
mistake(
    "only the outermost mode put back",
    "You put the mode of the outermost module back, and its submodules stay in train mode: keep "
    "the mode of each of model.modules().",
    restore=lambda self, model, before: setattr(model, "training", before[model]),
)


@mistake(
    "weights reset",
    "You reset the batchnorms' weight and bias as well, as reset_parameters() does. They have been "
    "learned: leave them, or use reset_running_stats().",
)
class _:
    def enter(self, model):
        model.train()
        for batchnorm in batchnorms_of(model).values():
            nn.init.ones_(batchnorm.weight)
            nn.init.zeros_(batchnorm.bias)


mistake(
    "statistics keep the graph",
    "The new statistics keep the graph of all batches. Run the batches under torch.no_grad(), or "
    "detach what you write.",
    guard=torch.enable_grad,
)
mistake(
    "inference mode",
    "Under inference_mode a batchnorm that assigns its statistics, as lesson 1's does, is left "
    "with inference tensors, into which load_state_dict can't write. Use torch.no_grad().",
    guard=torch.inference_mode,
)


@mistake(
    "gradients left off",
    "Gradients are still off afterwards, so nothing could be trained any more. Use `with "
    "torch.no_grad():`, which switches them on again at its end.",
)
class _:
    def finish(self, batchnorms, n_batches):
        torch.set_grad_enabled(False)


@mistake(
    "hooks left",
    "Your hooks are still on the model afterwards. Keep the handles, and call remove() on each.",
)
class _:
    def finish(self, batchnorms, n_batches):
        for batchnorm in batchnorms:
            batchnorm.register_forward_hook(lambda *_: None)


OTHER_MODEL = Mistake(
    "model never called",
    "You never call `model`, the argument. Batchnorm sees a batch only when the model runs on it: "
    "for images in batches: model(images).",
    runnable=False,
)
A_COPY = Mistake(
    "a copy recalibrated",
    "You run a copy of the model, and the one that recalibrate is given stays as it was. Work on "
    "that one.",
    runnable=False,
)
mistake += [OTHER_MODEL, A_COPY]

# ---- What else is looked at -----------------------------------------------------------------


def look_closer(recalibrate: Callable) -> Mistake | str:
    """What to say of what no known mistake explains; "" if nothing is seen, or it raises."""
    if outermost_mode(recalibrate) == "never called":
        return OTHER_MODEL
    if runs_a_copy(recalibrate):
        return A_COPY
    if "changed" in parameters_afterwards(recalibrate).of.values():
        return "The parameters are other than before. recalibrate changes running statistics only."
    return ""


# ---- The check ------------------------------------------------------------------------------

RECALIBRATE = Exercise(
    name="recalibrate",
    reference=solutions.recalibrate,
    trials=TRIALS,
    names={**vars(learning), **vars(recalibrate_trials), **globals()},
    in_steps=RecalibrateInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().recalibrate,
    evidence=Trial("test_recalibrate", "the mode it runs in", "mode_in_forward(recalibrate)"),
    closer_look=Trial("test_recalibrate", "whether the model runs", "look_closer(recalibrate)"),
)


def test_recalibrate(recalibrate: Callable) -> None:
    """Check that recalibrate(model, batches) gives every batchnorm new running statistics."""
    RECALIBRATE.check("test_recalibrate", recalibrate)
