"""Lesson 1: a right BatchNorm2d cut into steps, which a mistake replaces.

The catalogue in the module beside this one says of each mistake which steps come out differently.
"""

import torch
from torch import Tensor, nn

AXES = (0, 2, 3)  # batch, height and width


class BatchNorm2dInSteps(nn.Module):
    """BatchNorm2d cut into the steps that can each go wrong."""

    default_eps = 1e-5
    default_momentum = 0.1

    def __init__(self, num_features: int, eps=None, momentum=None):
        super().__init__()
        self.num_features = num_features
        self.eps = self.default_eps if eps is None else eps
        self.momentum = self.default_momentum if momentum is None else momentum
        self.make_affine()
        self.make_running_mean()
        self.make_running_var()
        self.make_counter()

    def make_affine(self):
        self.weight = nn.Parameter(torch.ones(self.num_features))
        self.bias = nn.Parameter(torch.zeros(self.num_features))

    def make_running_mean(self):
        self.register_buffer("running_mean", torch.zeros(self.num_features))

    def make_running_var(self):
        self.register_buffer("running_var", torch.ones(self.num_features))

    def make_counter(self):
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def show_num_features(self):
        return f"{self.num_features}"

    def show_eps(self):
        return f"eps={self.eps}"

    def show_momentum(self):
        return f"momentum={self.momentum}"

    def extra_repr(self):
        shown = (self.show_num_features(), self.show_eps(), self.show_momentum())
        return ", ".join(filter(None, shown))

    def received(self, x):
        return x

    def batch_mean(self, x):
        return x.mean(AXES, keepdim=True)

    def batch_var(self, x):
        return x.var(AXES, unbiased=False, keepdim=True)

    def tracked_mean(self, x):
        return x.mean(AXES)

    def tracked_var(self, x):
        return x.var(AXES)

    def moved(self, running, batch):
        return (1 - self.momentum) * running + self.momentum * batch

    def kept(self, running):
        return running.detach()

    def track_mean(self, x):
        self.running_mean = self.kept(self.moved(self.running_mean, self.tracked_mean(x)))

    def track_var(self, x):
        self.running_var = self.kept(self.moved(self.running_var, self.tracked_var(x)))

    def track(self, x):
        self.track_mean(x)
        self.track_var(x)

    def count(self):
        self.num_batches_tracked = self.num_batches_tracked + 1

    def running_statistics(self):
        return self.along_channels(self.running_mean), self.along_channels(self.running_var)

    def refuse(self, x):
        if self.training and x.numel() == self.num_features:
            raise ValueError("there is only 1 value per channel")

    def train_statistics(self, x):
        mean, var = self.batch_mean(x), self.batch_var(x)
        self.track(x)
        self.count()
        return mean, var

    def eval_statistics(self, x):
        return self.running_statistics()

    def centred(self, x, mean):
        return x - mean

    def denominator(self, var):
        return (var + self.eps).sqrt()

    def normalised(self, x, mean, var):
        return self.centred(x, mean) / self.denominator(var)

    def along_channels(self, vector):
        return vector.view(1, -1, 1, 1)

    def affine(self, x_hat, weight, bias):
        return x_hat * weight + bias

    def forward(self, x):
        self.refuse(x)
        x = self.received(x)
        mean, var = self.train_statistics(x) if self.training else self.eval_statistics(x)
        x_hat = self.normalised(x, mean, var)
        return self.affine(x_hat, self.along_channels(self.weight), self.along_channels(self.bias))


# ---- What mistakes put in the place of steps ---------------------------------------------------


def refuse_in_both_modes(self, x):
    """Raise a ValueError for one value per channel, whatever the mode."""
    if x.numel() == self.num_features:
        raise ValueError("there is only 1 value per channel")


def first(*results):
    """What came of the first of several things done in order."""
    return results[0]


def last(*results):
    """What came of the last of several things done in order."""
    return results[-1]


def in_inference_mode(running: Tensor) -> Tensor:
    """The same, as it would be if it had been computed in inference mode."""
    with torch.inference_mode():
        return running.clone()


def tracked_mean_with_graph(self, x):
    """track_mean where nothing detaches the new value."""
    self.running_mean = self.moved(self.running_mean, self.tracked_mean(x))


def tracked_var_with_graph(self, x):
    """track_var where nothing detaches the new value."""
    self.running_var = self.moved(self.running_var, self.tracked_var(x))
