"""What the checks of lessons 1 and 2 say is true of code that is like a known mistake, and is not.

Each learner's code here was once told something false, or was accepted, or refused though right.
"""

import pytest
import torch
from failing import failure_of
from torch import nn

import resnet_helpers.tests as checks
from resnet_helpers import solutions
from resnet_helpers.answers.batchnorm2d import (
    ChannelByChannel,
    InFull,
    InMethods,
    KeepDim,
    Lerp,
    RunningFirst,
)
from resnet_helpers.layers import Sequential

DIMS = (0, 2, 3)


def names_said(check, implementation):
    """The names of the mistakes that the check speaks of."""
    return failure_of(check, implementation).mistakes


def passes(implementation, *some_checks):
    """Whether these checks pass, or all of BatchNorm2d."""
    for check in some_checks or checks.BATCHNORM2D.checks:
        getattr(checks, check)(implementation)
    return True


# ---- BatchNorm2d: the axes ------------------------------------------------------------------


class DetachedChannelByChannel(ChannelByChannel):
    """Its mean of one channel has shape (), which is right there."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        super().forward(x)
        channels = []
        for c in range(self.num_features):
            mean, var = x[:, c].mean().detach(), x[:, c].var(unbiased=False)
            x_hat = (x[:, c] - mean) / torch.sqrt(var + self.eps)
            channels.append(x_hat * self.weight[c] + self.bias[c])
        return torch.stack(channels, 1)


def test_a_mean_of_one_channel_has_lost_no_axis():
    assert names_said(checks.test_batchnorm2d_forward, DetachedChannelByChannel) == [
        "mean detached from the graph"
    ]


class MeanOfMeans(InFull):
    """Goes axis by axis, and is wrong in something else."""

    def forward(self, x):
        mean = x.mean(0).mean(1).mean(1)
        return super().forward(x) + 0 * mean.view(1, -1, 1, 1) + 1e-2


def test_a_mean_of_means_is_not_said_to_keep_axes():
    assert failure_of(checks.test_batchnorm2d_forward, MeanOfMeans).hints == []


class StatisticsOfPictures(InFull):
    """Its statistics, as many as there are channels, come out as those of x.view would."""

    def forward(self, x):
        if not self.training or x.shape[0] != x.shape[1]:
            return super().forward(x)
        mean, var = x.mean((1, 2, 3)), x.var((1, 2, 3), unbiased=False)
        return (x - mean.view(1, -1, 1, 1)) / (var.view(1, -1, 1, 1) + self.eps).sqrt()


def test_pieces_are_spoken_of_only_where_x_is_cut_into_pieces():
    said = failure_of(checks.test_batchnorm2d_forward, StatisticsOfPictures)
    assert "x.view" not in str(said)


# ---- BatchNorm2d: running statistics --------------------------------------------------------


class OfTheNormalised(Lerp):
    def forward(self, x):
        before = self.running_mean.clone()
        y = super().forward(x)
        if self.training:
            x_hat = (y - self.bias.view(-1, 1, 1)) / self.weight.view(-1, 1, 1)
            self.running_mean = before.lerp(x_hat.detach().mean(DIMS), self.momentum)
        return y


def test_a_running_mean_of_the_normalised_x_is_not_said_to_stand_still():
    [hint] = failure_of(checks.test_batchnorm2d_running_mean, OfTheNormalised).hints
    assert hint.startswith("Your running_mean moves towards 0 whatever the batch is")
    assert passes(OfTheNormalised, "test_batchnorm2d_running_var")


def frozen(buffer):
    """A class that never changes this buffer."""

    class Frozen(InMethods):
        def update(self, x):
            before = getattr(self, buffer).clone()
            super().update(x)
            setattr(self, buffer, before)

    return Frozen


@pytest.mark.parametrize("buffer", ["running_mean", "running_var"])
def test_one_running_value_that_stands_still_is_not_taken_for_both(buffer):
    check = getattr(checks, f"test_batchnorm2d_{buffer}")
    assert names_said(check, frozen(buffer)) == [f"{buffer} never updated"]


class WithEps(InMethods):
    def update(self, x):
        super().update(x)
        self.running_var = self.running_var + self.momentum * self.eps


class InInferenceMode(InMethods):
    update = torch.inference_mode()(InMethods.update.__wrapped__)


class Squeezed(RunningFirst):
    def forward(self, x):
        y = super().forward(x)
        self.running_mean = self.running_mean.squeeze()
        return y


class AsParameters(InMethods):
    def update(self, x):
        super().update(x)
        self.running_mean = nn.Parameter(self.running_mean)
        self.running_var = nn.Parameter(self.running_var)


@pytest.mark.parametrize(
    ("implementation", "check", "word"),
    [
        (WithEps, checks.test_batchnorm2d_running_var, "running_var"),
        (InInferenceMode, checks.test_batchnorm2d_running_stats_detached, "inference mode"),
        (Squeezed, checks.test_batchnorm2d_running_mean, "one channel"),
        (AsParameters, checks.test_batchnorm2d_running_stats_detached, "Parameter"),
    ],
)
def test_what_was_accepted_or_called_otherwise_is_told(implementation, check, word):
    failure = failure_of(check, implementation)
    assert word in str(failure)
    assert "plain attributes" not in str(failure)


class KeepsTheLastOutput(Lerp):
    def forward(self, x):
        self.out = super().forward(x)
        return self.out


class AddsUpItsOutputs(Lerp):
    total = 0

    def forward(self, x):
        y = super().forward(x)
        self.total = self.total + y.sum()
        return y


def test_an_intermediate_may_be_kept_to_look_at_unless_all_batches_hang_on_it():
    assert passes(KeepsTheLastOutput)
    failure = failure_of(checks.test_batchnorm2d_running_stats_detached, AddsUpItsOutputs)
    assert failure.rows["Got"] == "statistics: total: attached to the graph of every batch"


# ---- BatchNorm2d: one value per channel -----------------------------------------------------


def test_one_value_per_channel_is_refused_in_train_mode_alone():
    one_value = torch.ones(1, 3, 1, 1)
    for batchnorm in (solutions.BatchNorm2d(3), nn.BatchNorm2d(3)):
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            batchnorm.train()(one_value)
        assert batchnorm.eval()(one_value).shape == one_value.shape


# ---- BatchNorm2d: extra_repr ----------------------------------------------------------------


def shows(text):
    """A class whose extra_repr returns this text, filled in."""
    return type("BatchNorm2d", (InFull,), {"extra_repr": lambda self: text.format(self=self)})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{self.num_features}", ["without eps", "without momentum"]),
        (
            "{self.num_features}, eps=1e-05, momentum=0.1",
            ["with another number for eps", "with another number for momentum"],
        ),
        ("num_features, eps, momentum", ["with names only"]),
    ],
)
def test_what_extra_repr_leaves_out_is_told_from_what_it_shows_otherwise(text, names):
    said = names_said(checks.test_batchnorm2d_module, shows(text))
    assert said == [f"extra_repr {name}" for name in names]


def test_an_extra_repr_of_other_values_is_not_said_to_show_none():
    failure = failure_of(
        checks.test_batchnorm2d_module, shows("{self.weight[0]}, {self.num_batches_tracked}")
    )
    assert "no numbers" not in str(failure)
    assert "71" in str(failure)


def test_settings_may_be_shown_in_any_format():
    assert passes(shows("{self.num_features:d} {self.eps:.2e} {self.momentum:.4f}"))


# ---- NamedSequential ------------------------------------------------------------------------


class LastOnly(solutions.NamedSequential):
    def forward(self, x):
        return list(self)[-1](x)


class FirstOnly(solutions.NamedSequential):
    def forward(self, x):
        return next(iter(self))(x)


def test_no_loop_is_spoken_of_where_there_is_none():
    [hint] = failure_of(checks.test_sequential, LastOnly).hints
    assert hint.startswith("Your output is what the last module makes of the first input.")
    [hint] = failure_of(checks.test_sequential, FirstOnly).hints
    assert hint.startswith("Your output is that of the first module alone.")


class Prefixed(Sequential):
    def __init__(self, *modules):
        super().__init__()
        for index, module in enumerate(modules):
            self.add_module(f"layer{index}", module)


def test_other_names_than_numbers_are_shown():
    [hint] = failure_of(checks.test_sequential, Prefixed).hints
    assert hint == (
        "Your names of modules that have none are layer0, layer1, layer2. Number them from 0, as "
        "text: str(index)."
    )


# ---- AveragePool ----------------------------------------------------------------------------


class Shifted(nn.Module):
    """Its output depends on a parameter, and on x by its values alone."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x.detach().mean((2, 3)) + self.shift


def test_a_gradient_that_is_not_there_is_not_called_a_missing_return():
    assert failure_of(checks.test_averagepool, Shifted).rows["Got"] == (
        "x.grad: none: x takes no part in the output"
    )


def lost_batch_axis(x):
    y = x.mean((2, 3))
    return y[0] if len(y) == 1 else y


def test_a_lost_batch_axis_is_told_as_seen():
    AveragePool = type(  # noqa: N806
        "AveragePool", (nn.Module,), {"forward": lambda self, x: lost_batch_axis(x)}
    )
    assert str(failure_of(checks.test_averagepool, AveragePool)).count("Your squeeze") == 0


# ---- Lines to paste -------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", [checks.BATCHNORM2D, checks.AVERAGEPOOL, checks.SEQUENTIAL])
def test_most_trials_can_be_pasted_and_run(exercise):
    answer = {"BatchNorm2d": KeepDim}.get(exercise.name) or getattr(solutions, exercise.name)
    pasted = [exercise.to_try(trial, answer) for trial in exercise.trials]
    assert len([lines for lines in pasted if lines]) >= 0.5 * len(pasted)
    refused = 0
    for lines in filter(None, pasted):
        *statements, last = lines.splitlines()
        names = {"torch": torch, answer.__name__: answer}
        exec("\n".join(statements), names)
        try:
            eval(last, names)
        except (ValueError, IndexError):  # which some trials are about
            refused += 1
    assert refused in (0, 1, 3)
