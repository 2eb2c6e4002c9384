"""Lesson 1: the checks of BatchNorm2d, with its known mistakes."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_helpers.tests import batchnorm2d_trials
from resnet_helpers.tests.batchnorm2d_in_steps import (
    AXES,
    BatchNorm2dInSteps,
    first,
    in_inference_mode,
    last,
    refuse_in_both_modes,
    tracked_mean_with_graph,
    tracked_var_with_graph,
)
from resnet_helpers.tests.engine import Catalogue, Exercise

# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "unbiased variance when normalising",
    "You normalise with the unbiased variance (torch.var's default). Batchnorm normalises "
    "with the biased one: pass unbiased=False.",
    batch_var=lambda self, x: x.var(AXES, keepdim=True),
)
mistake(
    "biased variance in running_var",
    "You store the biased variance in running_var. PyTorch stores the unbiased one there "
    "(divided by n - 1), and normalises with the biased one.",
    tracked_var=lambda self, x: x.var(AXES, unbiased=False),
)
mistake(
    "momentum the wrong way round",
    "Your momentum is the wrong way round. In PyTorch it is the share of the new batch: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: self.momentum * old + (1 - self.momentum) * new,
)
mistake(
    "momentum applied to both values",
    "You multiply both the old value and the batch's by momentum. The shares must add up to 1: "
    "(1 - momentum) for the old, momentum for the batch.",
    moved=lambda self, old, new: self.momentum * old + self.momentum * new,
)
mistake(
    "one minus momentum applied to both values",
    "You multiply both the old value and the batch's by (1 - momentum). The shares must add up "
    "to 1: (1 - momentum) for the old, momentum for the batch.",
    moved=lambda self, old, new: (1 - self.momentum) * (old + new),
)
mistake(
    "momentum applied to the running value twice",
    "You shrink the old running value by (1 - momentum) twice. Once is enough: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: (1 - self.momentum) ** 2 * old + self.momentum * new,
)
mistake(
    "running statistics updated twice",
    "You take the step towards the batch twice for each batch. Look for a second update, or a "
    "second call of the code that does it.",
    moved=lambda self, old, new: old + (1 - (1 - self.momentum) ** 2) * (new - old),
)
mistake(
    "plain average of all batches",
    "You take the plain average over all batches so far. The running value is an exponential "
    "one: new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: old + (new - old) / (self.num_batches_tracked + 1),
)
mistake(
    "batch added without momentum",
    "You add the whole batch statistic to the running one. Scale it by momentum first: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: (1 - self.momentum) * old + new,
)
mistake(
    "running value not decayed",
    "You keep the whole of the old running value and add to it. It must shrink by "
    "(1 - momentum) at each step.",
    moved=lambda self, old, new: old + self.momentum * new,
)
mistake(
    "running value replaced by the batch's",
    "Your running value is simply the last batch's. Move it only a step towards that: "
    "new = (1 - momentum) * old + momentum * batch.",
    moved=lambda self, old, new: new.clone(),
)
mistake(
    "new value added to the old one",
    "You add the new running value to the old one, as += does. Assign it: "
    "running = (1 - momentum) * running + momentum * batch.",
    moved=lambda self, old, new: old + (1 - self.momentum) * old + self.momentum * new,
)
mistake(
    "momentum hard-coded",
    "You update with a fixed 0.1 whatever momentum is. Use self.momentum.",
    moved=lambda self, old, new: 0.9 * old + 0.1 * new,
)
mistake(
    "eps outside the root",
    "You add eps after taking the root. It belongs inside: sqrt(var + eps).",
    denominator=lambda self, var: var.sqrt() + self.eps,
)
mistake(
    "eps added after dividing",
    "You add eps to the quotient. It belongs inside the root below the line: "
    "(x - mean) / sqrt(var + eps).",
    normalised=lambda self, x, mean, var: self.centred(x, mean) / var.sqrt() + self.eps,
)
mistake(
    "eps in running_var",
    "You add eps to what you store in running_var. Store the variance alone, and add eps only "
    "where you take the root.",
    tracked_var=lambda self, x: x.var(AXES) + self.eps,
)
mistake(
    "eps missing",
    "You leave out eps. Without it a channel of equal values divides by zero: sqrt(var + eps).",
    denominator=lambda self, var: var.sqrt(),
)
mistake(
    "eps squared",
    "You add eps squared. Add eps itself to the variance, inside the root.",
    denominator=lambda self, var: (var + self.eps**2).sqrt(),
)
mistake(
    "eps hard-coded",
    "You use a fixed 1e-5 whatever eps is. Use self.eps.",
    denominator=lambda self, var: (var + 1e-5).sqrt(),
)
mistake(
    "divided by the variance",
    "You divide by the variance. Divide by its root, the standard deviation: sqrt(var + eps).",
    denominator=lambda self, var: var + self.eps,
)
mistake(
    "standard deviation under the root",
    "You take the root of a standard deviation. x.std() is a root already: take x.var() "
    "under the root.",
    batch_var=lambda self, x: x.std(AXES, unbiased=False, keepdim=True),
)
mistake(
    "standard deviation in running_var",
    "You store the standard deviation in running_var. Store the variance.",
    tracked_var=lambda self, x: x.std(AXES),
)
mistake(
    "multiplied by the standard deviation",
    "You multiply by the standard deviation. Divide by it, so that the variance becomes 1.",
    denominator=lambda self, var: 1 / (var + self.eps).sqrt(),
)
mistake(
    "not centred",
    "You do not subtract the mean before you divide by the standard deviation.",
    centred=lambda self, x, mean: x,
)
mistake(
    "no brackets around x - mean",
    "Without brackets, x - mean / std divides the mean alone: division comes first. Write "
    "(x - mean) / std.",
    normalised=lambda self, x, mean, var: x - mean / self.denominator(var),
)
mistake(
    "mean added",
    "You add the mean. Subtract it, so that the channel's mean becomes 0.",
    centred=lambda self, x, mean: x + mean,
)


def normalised_over(axes: tuple[int, ...]) -> dict[str, Callable]:
    return {
        "batch_mean": lambda self, x: x.mean(axes, keepdim=True),
        "batch_var": lambda self, x: x.var(axes, unbiased=False, keepdim=True),
    }


def wrong_axes(axes: tuple[int, ...], name: str, hint: str) -> None:
    """Add wrong axes of all statistics, and of those only that the batch is normalised with."""
    mistake(
        f"statistics over {name}",
        hint,
        **normalised_over(axes),
        tracked_mean=lambda self, x: x.mean(axes).squeeze(),
        tracked_var=lambda self, x: x.var(axes).squeeze(),
    )
    mistake(f"batch statistics over {name}, running ones right", hint, **normalised_over(axes))


wrong_axes(
    (0,),
    "the batch only",
    "You average over the batch only (axis 0). A channel's statistics are taken over batch, "
    "height and width.",
)
wrong_axes(
    (2, 3),
    "space only",
    "You average over height and width only (axes 2 and 3), for each picture by itself: that "
    "is instance normalisation. Include the batch.",
)
wrong_axes(
    (1, 2, 3),
    "channels and space",
    "You average over channels, height and width (axes 1, 2, 3): that is layer normalisation. "
    "Keep the channels apart and include the batch.",
)
wrong_axes((0, 2), "batch and height", "You average over batch and height only. Include the width.")
wrong_axes((0, 3), "batch and width", "You average over batch and width only. Include the height.")


def wrong_n(name: str, words: str, n: Callable[[Tensor], int]) -> None:
    """Add a wrong n in the correction n / (n - 1) of running_var."""
    mistake(
        f"unbiased correction with {name}",
        f"The n of your correction n / (n - 1) is {words}. It is the number of values in a "
        "channel: batch times height times width.",
        tracked_var=lambda self, x: x.var(AXES, unbiased=False) * n(x) / (n(x) - 1),
    )


wrong_n("the batch size", "the batch size", lambda x: x.shape[0])
wrong_n("one picture's size", "height times width", lambda x: x.shape[2] * x.shape[3])
wrong_n("the size of everything", "the size of the whole tensor", lambda x: x.numel())
wrong_n("the number of channels", "the number of channels", lambda x: x.shape[1])
mistake(
    "unbiased correction upside down",
    "Your correction of the variance is upside down, (n - 1) / n. The unbiased variance is the "
    "larger one: the biased one times n / (n - 1).",
    tracked_var=lambda self, x: x.var(AXES, unbiased=False) * (1 - x.shape[1] / x.numel()),
)
mistake(
    "mean of squares as variance",
    "Your variance is the mean of x squared. Subtract the mean first, then square.",
    batch_var=lambda self, x: x.square().mean(AXES, keepdim=True),
    tracked_var=lambda self, x: x.square().mean(AXES),
)
mistake(
    "deviations summed before squaring",
    "Your variance is 0 for every batch: a channel's deviations from its own mean add up to 0. "
    "Square them first, then take their mean: (x - mean) ** 2.",
    batch_var=lambda self, x: 0 * x.var(AXES, unbiased=False, keepdim=True),
    tracked_var=lambda self, x: 0 * x.var(AXES),
)
mistake(
    "deviations summed before squaring, running_var right",
    "Your variance is 0 for every batch: a channel's deviations from its own mean add up to 0. "
    "Square them first, then take their mean: (x - mean) ** 2.",
    batch_var=lambda self, x: 0 * x.var(AXES, unbiased=False, keepdim=True),
)
IN_CHUNKS = {
    "batch_mean": lambda self, x: x.reshape(self.num_features, -1).mean(1).view(1, -1, 1, 1),
    "batch_var": lambda self, x: (
        x.reshape(self.num_features, -1).var(1, unbiased=False).view(1, -1, 1, 1)
    ),
    "tracked_mean": lambda self, x: x.reshape(self.num_features, -1).mean(1),
    "tracked_var": lambda self, x: x.reshape(self.num_features, -1).var(1),
}
mistake(
    "batch cut into num_features pieces",
    "x.view(num_features, -1) cuts the batch into consecutive pieces, which mix the channels. "
    "Bring the channels to the front first: x.transpose(0, 1).flatten(1).",
    only_if="takes_pieces(BatchNorm2d(3))",
    **IN_CHUNKS,
)
mistake(
    "statistics over everything",
    "You take one mean and one variance over the whole tensor. Each channel has its own, over "
    "batch, height and width.",
    batch_mean=lambda self, x: x.mean(),
    batch_var=lambda self, x: x.var(unbiased=False),
    tracked_mean=lambda self, x: x.mean().expand(self.num_features).clone(),
    tracked_var=lambda self, x: x.var().expand(self.num_features).clone(),
)

STATISTICS_AS_VECTORS = {
    "batch_mean": lambda self, x: x.mean(AXES),
    "batch_var": lambda self, x: x.var(AXES, unbiased=False),
}

mistake(
    "vectors broadcast along the width",
    "Your vectors of length num_features line up with the last axis, the width: broadcasting "
    "starts from the right. Reshape them to (1, num_features, 1, 1).",
    **STATISTICS_AS_VECTORS,
    along_channels=lambda self, vector: vector,
)
mistake(
    "mean and variance broadcast along the width",
    "Your mean and variance line up with the last axis, the width: broadcasting starts from "
    "the right. Reshape them to (1, num_features, 1, 1), or take them with keepdim=True.",
    **STATISTICS_AS_VECTORS,
    running_statistics=lambda self: (self.running_mean, self.running_var),
)
mistake(
    "running statistics broadcast along the width",
    "In eval mode your running_mean and running_var line up with the last axis, the width: "
    "broadcasting starts from the right. Reshape them to (1, num_features, 1, 1).",
    running_statistics=lambda self: (self.running_mean, self.running_var),
)
mistake(
    "weight and bias broadcast along the width",
    "Your weight and bias line up with the last axis, the width: broadcasting starts from the "
    "right. Reshape them to (1, num_features, 1, 1).",
    affine=lambda self, x_hat, *_: x_hat * self.weight + self.bias,
)
mistake(
    "vectors broadcast along the batch",
    "Your vectors line up with the first axis, the batch. The channels are the second: "
    "reshape to (1, num_features, 1, 1).",
    batch_mean=lambda self, x: x.mean(AXES).view(-1, 1, 1, 1),
    batch_var=lambda self, x: x.var(AXES, unbiased=False).view(-1, 1, 1, 1),
    along_channels=lambda self, vector: vector.view(-1, 1, 1, 1),
)
mistake(
    "affine forgotten",
    "You normalise, but do not apply the affine step: multiply by weight, then add bias.",
    affine=lambda self, x_hat, weight, bias: x_hat,
)
mistake(
    "weight forgotten",
    "You add the bias but do not multiply by the weight.",
    affine=lambda self, x_hat, weight, bias: x_hat + bias,
)
mistake(
    "bias forgotten",
    "You multiply by the weight but do not add the bias.",
    affine=lambda self, x_hat, weight, bias: x_hat * weight,
)
mistake(
    "bias before weight",
    "You add the bias, then multiply by the weight. Multiply first: x_hat * weight + bias.",
    affine=lambda self, x_hat, weight, bias: (x_hat + bias) * weight,
)
mistake(
    "weight and bias swapped",
    "You swapped weight and bias: the weight multiplies, the bias is added.",
    affine=lambda self, x_hat, weight, bias: x_hat * bias + weight,
)
mistake(
    "affine before normalising",
    "You apply weight and bias before normalising, which takes them out again. Normalise "
    "first, then multiply by weight and add bias.",
    received=lambda self, x: x * self.along_channels(self.weight) + self.along_channels(self.bias),
    affine=lambda self, x_hat, weight, bias: x_hat,
)
mistake(
    "batch statistics in eval mode",
    "In eval mode you still normalise with the batch's statistics. Use running_mean and "
    "running_var there: look at self.training.",
    eval_statistics=lambda self, x: (self.batch_mean(x), self.batch_var(x)),
)


mistake(
    "running statistics in train mode",
    "In train mode you normalise with the running statistics. Use the batch's own mean and "
    "variance there; the running ones are for eval mode.",
    train_statistics=lambda self, x: first(self.running_statistics(), self.track(x), self.count()),
)
mistake(
    "normalised with the updated running statistics",
    "In train mode you update the running statistics and then normalise with them. Normalise "
    "with the batch's own mean and variance; the update is for later.",
    train_statistics=lambda self, x: last(self.track(x), self.count(), self.running_statistics()),
)
mistake(
    "train and eval swapped",
    "Train and eval mode are swapped: self.training is True in train mode, where the batch's "
    "statistics are used and the running ones updated.",
    train_statistics=lambda self, x: self.running_statistics(),
    eval_statistics=BatchNorm2dInSteps.train_statistics,
)
mistake(
    "train mode ignored",
    "Your forward does the same in both modes, what train mode should. Ask self.training (a bool; "
    "self.train is a method): in eval mode use the running statistics, and leave them as they are.",
    eval_statistics=BatchNorm2dInSteps.train_statistics,
    refuse=refuse_in_both_modes,
)
mistake(
    "train mode ignored, one value refused in it alone",
    "Your forward does the same in both modes, what train mode should. Ask self.training (a bool; "
    "self.train is a method): in eval mode use the running statistics, and leave them as they are.",
    eval_statistics=BatchNorm2dInSteps.train_statistics,
)
mistake(
    "eval mode always",
    "Your forward does the same in both modes, what eval mode should. Ask self.training (a bool; "
    "self.eval is a method): train mode uses the batch's statistics, and updates the running ones.",
    refuse=lambda self, x: None,
    train_statistics=lambda self, x: self.running_statistics(),
)
mistake(
    "statistics updated in eval mode",
    "Running statistics change in eval mode too. Update them in train mode only.",
    eval_statistics=lambda self, x: last(self.track(x), self.running_statistics()),
)
mistake(
    "running statistics never updated",
    "Your running statistics never change. In train mode, move each a step towards the "
    "batch's: new = (1 - momentum) * old + momentum * batch.",
    train_statistics=lambda self, x: last(self.count(), (self.batch_mean(x), self.batch_var(x))),
)
for which in ("mean", "var"):
    mistake(
        f"running_{which} never updated",
        f"Your running_{which} never changes. In train mode, move it a step towards the "
        "batch's: new = (1 - momentum) * old + momentum * batch.",
        **{f"track_{which}": lambda self, x: None},
    )
mistake(
    "running_mean of the normalised batch",
    "Your running_mean moves towards 0 whatever the batch is, as the mean of a normalised x is 0. "
    "Update it from x itself, before you normalise.",
    tracked_mean=lambda self, x: 0 * x.mean(AXES),
)
mistake(
    "running statistics of the normalised batch",
    "Your running_mean moves towards 0 and your running_var towards 1, whatever the batch is: that "
    "is what a normalised x has. Update them from x itself, before you normalise.",
    tracked_mean=lambda self, x: 0 * x.mean(AXES),
    tracked_var=lambda self, x: (
        x / (x.var(AXES, unbiased=False, keepdim=True) + self.eps).sqrt()
    ).var(AXES),
)
mistake(
    "num_batches_tracked never incremented",
    "You never increment num_batches_tracked. Add 1 for every batch in train mode.",
    count=lambda self: None,
)
mistake(
    "num_batches_tracked replaced by a number",
    "num_batches_tracked is a buffer, and only a tensor can take its place. Add 1 to the tensor "
    "itself: self.num_batches_tracked += 1.",
    count=lambda self: setattr(self, "num_batches_tracked", int(self.num_batches_tracked) + 1),
)
mistake(
    "num_batches_tracked incremented in eval mode",
    "You increment num_batches_tracked in eval mode too. Count train mode's batches only.",
    eval_statistics=lambda self, x: last(self.count(), self.running_statistics()),
)
mistake(
    "num_batches_tracked counts pictures",
    "You add the number of pictures to num_batches_tracked. It counts batches: add 1.",
    received=lambda self, x: last(setattr(self, "batch_size", len(x)), x),
    count=lambda self: self.num_batches_tracked.add_(self.batch_size),
)


@mistake(
    "running statistics are Parameters",
    "Your running statistics are Parameters, so an optimizer would train them. Make them "
    "buffers: self.register_buffer(name, tensor).",
)
class _:
    def make_running_mean(self):
        self.running_mean = nn.Parameter(torch.zeros(self.num_features))

    def make_running_var(self):
        self.running_var = nn.Parameter(torch.ones(self.num_features))

    def track(self, x):
        with torch.no_grad():
            self.running_mean.copy_(self.moved(self.running_mean, self.tracked_mean(x)))
            self.running_var.copy_(self.moved(self.running_var, self.tracked_var(x)))


mistake(
    "running statistics become Parameters",
    "Your update makes Parameters of the running statistics, which an optimizer would train. "
    "Assign the new tensor itself, self.running_mean = ..., without nn.Parameter.",
    kept=lambda self, running: nn.Parameter(running.detach()),
)
mistake(
    "running statistics are plain attributes",
    "Your running statistics are plain attributes, so state_dict() leaves them out and .to() "
    "does not move them. Make them buffers: self.register_buffer(name, tensor).",
    make_running_mean=lambda self: setattr(self, "running_mean", torch.zeros(self.num_features)),
    make_running_var=lambda self: setattr(self, "running_var", torch.ones(self.num_features)),
)
mistake(
    "running statistics keep the graph",
    "Your running statistics hang on to the autograd graph, so memory grows with every batch. "
    "Update them under torch.no_grad(), or from detached values.",
    kept=lambda self, running: running,
)
for which, with_graph in (("mean", tracked_mean_with_graph), ("var", tracked_var_with_graph)):
    mistake(
        f"running_{which} keeps the graph",
        f"Your running_{which} hangs on to the autograd graph, so memory grows with every "
        "batch. Update it under torch.no_grad(), or from detached values.",
        **{f"track_{which}": with_graph},
    )
mistake(
    "running statistics made of Python numbers",
    "Your running statistics become float32 whatever x is, as torch.tensor makes them of Python "
    "numbers. Compute them with tensors, which keep their dtype and device.",
    kept=lambda self, running: torch.tensor(running.tolist()),
)
mistake(
    "running statistics made in inference mode",
    "Your running statistics are made in inference mode, and what is made there cannot be changed "
    "in place outside it: load_state_dict fails. Update them under torch.no_grad().",
    kept=lambda self, running: in_inference_mode(running),
)
mistake(
    "mean detached from the graph",
    "The mean that you subtract is cut off from the graph, as by no_grad or detach. Only the "
    "running statistics stay out of it: gradients must flow through the batch's mean too.",
    batch_mean=lambda self, x: x.detach().mean(AXES, keepdim=True),
)
mistake(
    "variance detached from the graph",
    "The variance that you divide by is cut off from the graph, as by no_grad or detach. Only the "
    "running statistics stay out of it: gradients must flow through the batch's variance too.",
    batch_var=lambda self, x: x.detach().var(AXES, unbiased=False, keepdim=True),
)
mistake(
    "mean and variance detached from the graph",
    "The mean and variance that you normalise with are cut off from the graph, as by no_grad or "
    "detach. Only the running statistics stay out of it: gradients must flow through the batch's.",
    batch_mean=lambda self, x: x.detach().mean(AXES, keepdim=True),
    batch_var=lambda self, x: x.detach().var(AXES, unbiased=False, keepdim=True),
)
mistake(
    "forward under no_grad",
    "Your output is cut off from the graph, so nothing before or in this layer can learn. Keep "
    "torch.no_grad() and detach() to the update of the running statistics.",
    affine=lambda self, x_hat, weight, bias: (x_hat * weight + bias).detach(),
)
mistake(
    "input detached",
    "No gradient reaches x, so the layers before this one cannot learn. Normalise x itself, with "
    "gradients on: only the running statistics stay out of the graph.",
    received=lambda self, x: x.detach(),
)
mistake(
    "running statistics keep four axes",
    "Your running statistics have shape (1, num_features, 1, 1). Store vectors of length "
    "num_features, and reshape them only where you normalise.",
    make_running_mean=lambda self: self.register_buffer(
        "running_mean", torch.zeros(1, self.num_features, 1, 1)
    ),
    make_running_var=lambda self: self.register_buffer(
        "running_var", torch.ones(1, self.num_features, 1, 1)
    ),
    tracked_mean=lambda self, x: x.mean(AXES, keepdim=True),
    tracked_var=lambda self, x: x.var(AXES, keepdim=True),
)
mistake(
    "running statistics get four axes",
    "Your running statistics have shape (1, num_features, 1, 1) after a batch. Store vectors of "
    "length num_features: flatten what keepdim=True left, and reshape where you normalise.",
    kept=lambda self, running: running.detach().view(1, -1, 1, 1),
    moved=lambda self, old, new: (1 - self.momentum) * old.flatten() + self.momentum * new,
)
mistake(
    "batch statistics with keepdim in the update",
    "Your update adds (num_features,) and (1, num_features, 1, 1), which broadcasts to a "
    "square. Flatten the batch's statistics first, or leave out keepdim.",
    tracked_mean=lambda self, x: x.mean(AXES, keepdim=True),
    tracked_var=lambda self, x: x.var(AXES, keepdim=True),
)
mistake(
    "running statistics squeezed",
    "With one channel your running statistics lose their only axis: squeeze() drops every axis of "
    "size 1. Use flatten(), or view(-1), or take them without keepdim.",
    kept=lambda self, running: running.detach().squeeze(),
)
mistake(
    "running_mean starts at 1",
    "running_mean starts at ones. It starts at zeros, and running_var at ones.",
    make_running_mean=lambda self: self.register_buffer(
        "running_mean", torch.ones(self.num_features)
    ),
)
mistake(
    "running_var starts at 0",
    "running_var starts at zeros. It starts at ones: with no batch seen, eval mode should "
    "leave its input nearly alone.",
    make_running_var=lambda self: self.register_buffer(
        "running_var", torch.zeros(self.num_features)
    ),
)


def starting_at(weight: float, bias: float) -> Callable:
    def make_affine(self):
        self.weight = nn.Parameter(torch.full((self.num_features,), weight))
        self.bias = nn.Parameter(torch.full((self.num_features,), bias))

    return make_affine


mistake(
    "weight starts at 0",
    "The weight starts at zeros, so every output is 0. Start it at ones, the bias at zeros.",
    make_affine=starting_at(0.0, 0.0),
)
mistake(
    "bias starts at 1",
    "The bias starts at ones. It starts at zeros, and the weight at ones.",
    make_affine=starting_at(1.0, 1.0),
)


@mistake(
    "bias declared before weight",
    "You declare the bias before the weight. PyTorch's order is weight, bias; copying a "
    "pretrained network's weights later relies on it.",
)
class _:
    def make_affine(self):
        self.bias = nn.Parameter(torch.zeros(self.num_features))
        self.weight = nn.Parameter(torch.ones(self.num_features))


@mistake(
    "weight and bias are buffers",
    "Your weight and bias are buffers, so an optimizer would not train them. Make them "
    "nn.Parameters.",
)
class _:
    def make_affine(self):
        self.register_buffer("weight", torch.ones(self.num_features))
        self.register_buffer("bias", torch.zeros(self.num_features))


mistake(
    "num_batches_tracked is a float",
    "num_batches_tracked is a float. It counts, so make it an integer: torch.tensor(0).",
    make_counter=lambda self: self.register_buffer("num_batches_tracked", torch.tensor(0.0)),
)
mistake("default eps is not 1e-5", "Your default eps is not PyTorch's, 1e-05.", default_eps=1e-3)
mistake(
    "default momentum is not 0.1",
    "Your default momentum is 0.9. PyTorch's is 0.1: the share of the new batch, not of the "
    "old value.",
    default_momentum=0.9,
)
mistake(
    "input changed in place",
    "You change the input in place (as x -= mean does), and whoever else uses it gets your "
    "numbers. Make a new tensor: x - mean.",
    centred=lambda self, x, mean: x.sub_(mean),
)
mistake(
    "output in float32",
    "Your output is float32 even where x and the module are float64. Look for float(), a dtype or "
    "a tensor made of numbers, and compute in the dtype of x.",
    affine=lambda self, x_hat, weight, bias: (x_hat * weight + bias).float(),
)
mistake(
    "extra_repr empty",
    "Your extra_repr returns an empty string. Put num_features, eps and momentum into it.",
    extra_repr=lambda self: "",
)
mistake(
    "extra_repr without its f",
    "Your extra_repr shows the braces themselves. Put an f before the string, as in "
    'f"eps={self.eps}", so that Python fills them in.',
    extra_repr=lambda self: "{self.num_features}, {self.eps}, {self.momentum}",
)
mistake(
    "extra_repr with names only",
    "Your extra_repr shows words and no numbers. Use an f-string with the values in braces, as "
    'in f"eps={self.eps}".',
    extra_repr=lambda self: "num_features, eps, momentum",
)
mistake(
    "extra_repr returns a tuple",
    "Your extra_repr returns a tuple. It must return one string: put everything into a single "
    "f-string.",
    extra_repr=lambda self: (self.num_features, self.eps, self.momentum),
)
mistake(
    "extra_repr returns None",
    "Your extra_repr returns None. It must return the string: a print is no `return`.",
    extra_repr=lambda self: None,
)
for setting in ("num_features", "eps", "momentum"):
    mistake(
        f"extra_repr without {setting}",
        f"Your extra_repr leaves out {setting}.",
        **{f"show_{setting}": lambda self: ""},
    )
    mistake(
        f"extra_repr with another number for {setting}",
        f"Your extra_repr does not show self.{setting}, and shows a number that is no setting of "
        f"this layer. If you wrote the number out, put {{self.{setting}}} in its place.",
        **{f"show_{setting}": lambda self: "987"},
    )

mistake(
    "one value per channel accepted",
    "In train mode one value per channel cannot be normalised: minus its own mean it is 0, and its "
    "unbiased variance is 0 / 0. Raise a ValueError there, as PyTorch does.",
    refuse=lambda self, x: None,
)
mistake(
    "single pictures refused",
    "Your ValueError comes for every batch of one picture. One picture of several pixels has "
    "several values per channel: count those, x.numel() // num_features.",
    refuse=lambda self, x: refuse_in_both_modes(self, x[:, :, :1, :1]) if self.training else None,
)
mistake(
    "one value per channel refused in eval mode",
    "Your ValueError for one value per channel is raised in eval mode too. There the running "
    "statistics are used, so one value is enough: raise it in train mode only.",
    refuse=refuse_in_both_modes,
)

# ---- The check ------------------------------------------------------------------------------

BATCHNORM2D = Exercise(
    name="BatchNorm2d",
    reference=nn.BatchNorm2d,
    trials=batchnorm2d_trials.TRIALS,
    names=vars(batchnorm2d_trials),
    in_steps=BatchNorm2dInSteps,
    mistakes=mistake,
    closer_look=batchnorm2d_trials.CLOSER_LOOK,
    most_runs=5000,
)


def test_batchnorm2d_module(BatchNorm2d: type[nn.Module]) -> None:
    """Check BatchNorm2d's parameters, buffers, state dict and extra_repr."""
    BATCHNORM2D.check("test_batchnorm2d_module", BatchNorm2d)


def test_batchnorm2d_forward(BatchNorm2d: type[nn.Module]) -> None:
    """Check BatchNorm2d's outputs and gradients in train and eval mode."""
    BATCHNORM2D.check("test_batchnorm2d_forward", BatchNorm2d)


def test_batchnorm2d_running_mean(BatchNorm2d: type[nn.Module]) -> None:
    """Check how running_mean and num_batches_tracked change in train mode, and not in eval."""
    BATCHNORM2D.check("test_batchnorm2d_running_mean", BatchNorm2d)


def test_batchnorm2d_running_var(BatchNorm2d: type[nn.Module]) -> None:
    """Check how running_var changes in train mode, and not in eval mode."""
    BATCHNORM2D.check("test_batchnorm2d_running_var", BatchNorm2d)


def test_batchnorm2d_running_stats_detached(BatchNorm2d: type[nn.Module]) -> None:
    """Check that the running statistics stay buffers and keep no autograd graph alive."""
    BATCHNORM2D.check("test_batchnorm2d_running_stats_detached", BatchNorm2d)
