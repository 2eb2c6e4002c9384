"""Lesson 8: the check of fold_batchnorm, with its known mistakes."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from resnet_helpers import layers, solutions
from resnet_helpers.tests.engine import Catalogue, Exercise
from resnet_helpers.tests.trials import Trial
from resnet_helpers.tests.values import fill

# ---- What is tried --------------------------------------------------------------------------

KERNELS = torch.tensor([[[[1.0]], [[2.0]]], [[[3.0]], [[-4.0]]]])  # 2 in, 2 out, 1x1
MEAN, VAR = torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.25])
WEIGHT, BIAS = torch.tensor([3.0, -0.5]), torch.tensor([0.25, 1.5])
CONV_BIAS = torch.tensor([10.0, -20.0])

SETTINGS = ["in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups"]


def seeded(fold_batchnorm: Callable, conv: nn.Module, norm: nn.Module) -> Any:
    """What fold_batchnorm gives. What it leaves as drawn at random is the same each time."""
    torch.default_generator.manual_seed(0)  # torch.manual_seed takes a hundred times as long
    return fold_batchnorm(conv, norm)


def kind(folded: Any) -> str:
    """What was returned."""
    if isinstance(folded, nn.Conv2d):
        return "nn.Conv2d" if folded.bias is not None else "nn.Conv2d without a bias"
    if isinstance(folded, layers.Conv2d):
        return "the course's Conv2d, in which a bias has no effect"
    if isinstance(folded, (tuple, list)):
        return f"{type(folded).__name__} of {len(folded)}"
    return type(folded).__name__


def settings(folded: Any) -> dict[str, Any]:
    """How the convolution is set."""
    return {name: getattr(folded, name) for name in SETTINGS}


def parameters(folded: nn.Module) -> dict[str, str]:
    """What weight and bias are, for whoever saves the module, moves it or trains it."""
    own = dict(folded.named_parameters())
    return {
        name: "a parameter of its own"
        if name in own and own[name].is_leaf
        else f"a plain {type(getattr(folded, name)).__name__}, no parameter"
        for name in ("weight", "bias")
    }


def left_alone(fold_batchnorm: Callable, conv: nn.Module, norm: nn.Module) -> dict[str, str]:
    """What is the same afterwards, also when the result has been set to 0."""
    before = copy.deepcopy((conv.state_dict(), norm.state_dict()))
    modes = conv.training, norm.training
    folded = fold_batchnorm(conv, norm)
    found = {"the result": "conv itself" if folded is conv else "a new one"}
    for when in ("afterwards", "when the result is set to 0"):
        for name, module, entries in zip(("conv", "norm"), (conv, norm), before, strict=True):
            now = module.state_dict()
            changed = [entry for entry, old in entries.items() if not torch.equal(old, now[entry])]
            found[f"{name} {when}"] = f"other {', '.join(changed)}" if changed else "unchanged"
        for entry in folded.state_dict().values():
            entry.zero_()
    same_modes = (conv.training, norm.training) == modes
    return {**found, "their modes": "unchanged" if same_modes else "changed"}


def of_course() -> tuple[nn.Module, nn.Module]:
    """The course's convolution and batchnorm, from 2 to 3 channels."""
    conv = layers.Conv2d(2, 3, kernel_size=3, stride=2, padding=1)
    return fill(conv), fill(solutions.BatchNorm2d(3, eps=0.5)).eval()


def of_pytorch(*arguments: Any, **settings: Any) -> tuple[nn.Module, nn.Module]:
    """PyTorch's convolution and batchnorm."""
    conv = nn.Conv2d(*arguments, **settings)
    return fill(conv), fill(nn.BatchNorm2d(conv.out_channels)).eval()


def new(conv="", norm="eps=1e-12", mode="eval") -> str:
    """Code that makes conv and norm, of two channels, with all their values."""
    has_bias = "bias=False" not in conv
    lines = [
        f"conv = torch.nn.Conv2d(2, 2, 1{conv})",
        f"norm = torch.nn.BatchNorm2d(2, {norm}).{mode}()",
        "conv.weight.data = KERNELS.clone()",
        "norm.running_mean = MEAN.clone()",
        "norm.running_var = VAR.clone()",
    ]
    if has_bias:
        lines.append("conv.bias.data = CONV_BIAS.clone()")
    if "affine=False" not in norm:
        lines += ["norm.weight.data = WEIGHT.clone()", "norm.bias.data = BIAS.clone()"]
    return "; ".join(lines)


NO_BIAS = ", bias=False"
CONV = "conv of weight [[1, 2], [3, -4]], 1x1"
RUNNING = "running_mean = [1, -2], running_var = [4, 0.25]"
AFFINE = "weight = [3, -0.5], bias = [0.25, 1.5]"
NORM = f"norm with {RUNNING}, {AFFINE}, eps=1e-12"


def trial(tried: str, code: str, subject: str, look: str = "") -> Trial:
    return Trial("test_fold_batchnorm", tried, code, subject, look=look)


def both(tried: str, made: str) -> tuple[Trial, Trial]:
    """A trial of the result's weight and one of its bias."""
    return (
        trial(
            tried,
            f"{made}\nfold_batchnorm(conv, norm).weight",
            "weight",
            "seeded(fold_batchnorm, conv, norm).weight.detach()",
        ),
        trial(
            tried,
            f"{made}\nfold_batchnorm(conv, norm).bias",
            "bias",
            "seeded(fold_batchnorm, conv, norm).bias.detach()",
        ),
    )


def result(tried: str, made: str, shape: tuple[int, ...]) -> Trial:
    """A trial of what the result gives for x of this shape."""
    code = f"seeded(fold_batchnorm, *{made})(made_up{shape})"
    return trial(f"{tried}; x of shape {shape}", code, "output")


ALL_SETTINGS = "4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(2, 1), groups=2"

TRIALS = (
    trial(
        f"{CONV}, bias=False; {NORM}",
        f"{new(NO_BIAS)}\nfold_batchnorm(conv, norm)",
        "returned",
        "kind(fold_batchnorm(conv, norm))",
    ),
    *both(f"{CONV}, bias=False; {NORM}", new(NO_BIAS)),
    *both(f"{CONV}, bias=[10, -20]; {NORM}", new()),
    *both(f"{CONV}, bias=False; the same norm with eps=0.5", new(NO_BIAS, "eps=0.5")),
    *both(
        f"{CONV}, bias=False; norm with affine=False, {RUNNING}, eps=1e-12",
        new(NO_BIAS, "eps=1e-12, affine=False"),
    ),
    *both(f"{CONV}, bias=False; {NORM}, in train mode", new(NO_BIAS, mode="train")),
    *both(
        f"{CONV}, bias=False; {NORM}; both in float64",
        f"{new(NO_BIAS)}; conv.double(); norm.double()",
    ),
    trial(
        "the course's Conv2d(2, 3, kernel_size=3, stride=2, padding=1) and BatchNorm2d(3)",
        "kind(fold_batchnorm(*of_course()))",
        "returned",
    ),
    result("the course's Conv2d(2, 3, 3, stride=2, padding=1)", "of_course()", (2, 2, 5, 5)),
    result("nn.Conv2d(2, 3, 3, bias=False)", "of_pytorch(2, 3, 3, bias=False)", (2, 2, 5, 5)),
    result("nn.Conv2d(3, 3, 3)", "of_pytorch(3, 3, 3)", (2, 3, 5, 5)),
    trial(
        f"nn.Conv2d({ALL_SETTINGS})",
        f"settings(fold_batchnorm(*of_pytorch({ALL_SETTINGS})))",
        "settings",
    ),
    result(f"nn.Conv2d({ALL_SETTINGS})", f"of_pytorch({ALL_SETTINGS})", (2, 4, 7, 6)),
    trial(
        f"{CONV}, bias=[10, -20]; {NORM}, in train mode",
        f"{new(mode='train')}\n"
        "(fold_batchnorm(conv, norm), conv.state_dict(), norm.state_dict(), norm.training)",
        "things to leave alone",
        "left_alone(fold_batchnorm, conv, norm)",
    ),
    trial(
        f"{CONV}, bias=False; {NORM}",
        f"{new(NO_BIAS)}\nlist(fold_batchnorm(conv, norm).named_parameters())",
        "the result's",
        "parameters(fold_batchnorm(conv, norm))",
    ),
)

# ---- A right answer in steps ----------------------------------------------------------------


class FoldBatchnormInSteps:
    """fold_batchnorm cut into the steps that can each go wrong."""

    settings = ("stride", "padding", "dilation", "groups")

    def statistics(self, conv, norm):
        return norm.running_mean, norm.running_var

    def root(self, var, norm):
        return (var + norm.eps).sqrt()

    def norms_weight(self, norm):
        return torch.ones_like(norm.running_var) if norm.weight is None else norm.weight

    def norms_bias(self, norm):
        return torch.zeros_like(norm.running_var) if norm.bias is None else norm.bias

    def convs_bias(self, conv):
        return torch.zeros_like(conv.weight[:, 0, 0, 0]) if conv.bias is None else conv.bias

    def scale(self, weight, root):
        return weight / root

    def along(self, scale):
        return scale.view(-1, 1, 1, 1)

    def weight(self, conv, scale):
        return conv.weight * self.along(scale)

    def shift(self, mean, scale, bias):
        return bias - mean * scale

    def scaled(self, convs_bias, scale):
        return convs_bias * scale

    def bias(self, conv, norm, mean, scale):
        return self.shift(mean, scale, self.norms_bias(norm)) + self.scaled(
            self.convs_bias(conv), scale
        )

    def made(self, conv, norm, weight, bias):
        settings = {name: getattr(conv, name) for name in self.settings}
        sizes = conv.in_channels, conv.out_channels, conv.kernel_size
        folded = nn.Conv2d(*sizes, **settings, device="meta")
        folded.weight, folded.bias = self.parameter(weight), self.parameter(bias)
        return folded

    def parameter(self, tensor):
        return nn.Parameter(tensor)

    def finish(self, conv, norm, scale):
        pass

    def computed(self, conv, norm):
        """The new weight and bias, and the scale."""
        mean, var = self.statistics(conv, norm)
        scale = self.scale(self.norms_weight(norm), self.root(var, norm))
        return self.weight(conv, scale), self.bias(conv, norm, mean, scale), scale

    def fold_batchnorm(self, conv, norm):
        with torch.no_grad():
            weight, bias, scale = self.computed(conv, norm)
            folded = self.made(conv, norm, weight, bias)
            self.finish(conv, norm, scale)
        return folded


# ---- The mistakes ---------------------------------------------------------------------------

mistake = Catalogue()

mistake(
    "eps forgotten",
    "You leave out eps. Batchnorm divides by the root of running_var + eps.",
    root=lambda self, var, norm: var.sqrt(),
)
mistake(
    "eps outside the root",
    "You add eps after taking the root. It belongs inside: sqrt(running_var + eps).",
    root=lambda self, var, norm: var.sqrt() + norm.eps,
)
mistake(
    "eps hard-coded",
    "You use a fixed 1e-5 whatever eps is. Use norm.eps.",
    root=lambda self, var, norm: (var + 1e-5).sqrt(),
)
mistake(
    "running_var not rooted",
    "You divide by the variance. Divide by its root, the standard deviation: sqrt(running_var + "
    "eps).",
    root=lambda self, var, norm: var + norm.eps,
)
mistake(
    "multiplied by the standard deviation",
    "You multiply by the standard deviation. Batchnorm divides by it, and so must the scale.",
    root=lambda self, var, norm: 1 / (var + norm.eps).sqrt(),
)
mistake(
    "norm's weight forgotten",
    "Norm's weight is not in your scale, which is norm.weight / sqrt(running_var + eps).",
    norms_weight=lambda self, norm: torch.ones_like(norm.running_var),
)
mistake(
    "norm's weight forgotten in the bias",
    "Norm's weight is in your new weight, but not in your new bias. running_mean is multiplied by "
    "the same scale, norm.weight / sqrt(running_var + eps).",
    bias=lambda self, conv, norm, mean, scale: (
        self.norms_bias(norm) + (self.convs_bias(conv) - mean) / self.root(norm.running_var, norm)
    ),
)
mistake(
    "weight not scaled",
    "Your new weight is conv's own. Multiply the kernels of each output channel by its scale.",
    weight=lambda self, conv, scale: conv.weight.clone(),
)
mistake(
    "weight scaled along the input channels",
    "You scale the weight along its second axis, the input channels. Batchnorm scales what comes "
    "out, and the output channels are the first axis: scale.view(-1, 1, 1, 1).",
    along=lambda self, scale: scale.view(1, -1, 1, 1),
)
mistake(
    "weight scaled along the kernel's width",
    "Your scale lines up with the weight's last axis, the kernel's width: broadcasting starts from "
    "the right. The output channels are the first axis: scale.view(-1, 1, 1, 1).",
    along=lambda self, scale: scale,
)
mistake(
    "weight scaled along the kernel's height",
    "Your scale lines up with the weight's third axis, the kernel's height. The output channels "
    "are the first axis: scale.view(-1, 1, 1, 1).",
    along=lambda self, scale: scale.view(-1, 1),
)


def copied_in(self, conv, norm, weight, bias):
    """In place of the step `made`: into the parameters that a new nn.Conv2d has."""
    settings = {name: getattr(conv, name) for name in self.settings}
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size
    folded = nn.Conv2d(*sizes, **settings, dtype=self.parameter(weight).dtype)
    folded.weight.copy_(weight)
    folded.bias.copy_(bias)
    return folded


for axis, along in {
    "width": lambda self, scale: scale,
    "height": lambda self, scale: scale.view(-1, 1),
}.items():
    mistake(
        f"weight scaled along the kernel's {axis}, copied in",
        f"Your scale lines up with the weight's {axis}: broadcasting starts from the right, and "
        "what comes out does not fit. Reshape it to (out_channels, 1, 1, 1) first.",
        along=along,
        made=copied_in,
    )
mistake(
    "weight transposed",
    "You swap the first two axes of the weight. In nn.Conv2d's weight too the output channels come "
    "first: multiply by scale.view(-1, 1, 1, 1), and leave the axes as they are.",
    weight=lambda self, conv, scale: (conv.weight * self.along(scale)).transpose(0, 1),
)
mistake(
    "running_var not rooted in the bias",
    "In the bias you divide by the variance. There too it is its root, so the same scale as in the "
    "weight: norm.bias + (conv.bias - running_mean) * scale.",
    bias=lambda self, conv, norm, mean, scale: (
        self.norms_bias(norm)
        + (self.convs_bias(conv) - mean) * self.norms_weight(norm) / (norm.running_var + norm.eps)
    ),
)
mistake(
    "running_mean not scaled",
    "You subtract running_mean as it is. The scale multiplies what comes after the subtraction, so "
    "the new bias has running_mean * scale in it.",
    shift=lambda self, mean, scale, bias: bias - mean,
)
mistake(
    "conv's bias not scaled",
    "You add conv's bias as it is. Batchnorm scales all that the convolution gives, so its bias is "
    "multiplied by the scale too.",
    scaled=lambda self, convs_bias, scale: convs_bias,
)
mistake(
    "bias not scaled",
    "You scale neither conv's bias nor running_mean. Batchnorm scales their difference: (conv.bias "
    "- running_mean) * scale.",
    shift=lambda self, mean, scale, bias: bias - mean,
    scaled=lambda self, convs_bias, scale: convs_bias,
)
mistake(
    "conv's bias forgotten",
    "You leave conv's own bias out of the new one. Where it is not None, it is scaled like the "
    "rest: (conv.bias - running_mean) * scale.",
    convs_bias=lambda self, conv: torch.zeros_like(conv.weight[:, 0, 0, 0]),
)
mistake(
    "running_mean added",
    "You add running_mean * scale. Batchnorm subtracts the mean, so it has a minus in the bias.",
    shift=lambda self, mean, scale, bias: bias + mean * scale,
)
mistake(
    "running_mean added as it is",
    "You add running_mean as it is. Batchnorm subtracts it before it scales: the bias has "
    "-running_mean * scale in it.",
    shift=lambda self, mean, scale, bias: bias + mean,
)
mistake(
    "all of the shift scaled once more",
    "You multiply norm's shift, bias - running_mean * scale, by the scale once more. Only conv's "
    "bias is still to be scaled: conv.bias * scale + shift.",
    bias=lambda self, conv, norm, mean, scale: (
        (self.convs_bias(conv) + self.shift(mean, scale, self.norms_bias(norm))) * scale
    ),
)
mistake(
    "running_mean forgotten",
    "running_mean is not in your bias. Batchnorm subtracts it before it scales: the bias has "
    "-running_mean * scale in it.",
    shift=lambda self, mean, scale, bias: bias.clone(),
)
mistake(
    "norm's bias forgotten",
    "Norm's bias is not in yours. Batchnorm adds it last, so it is added as it is.",
    norms_bias=lambda self, norm: torch.zeros_like(norm.running_var),
)
mistake(
    "norm's bias scaled",
    "You scale norm's bias with the rest. Batchnorm adds it after scaling, so it stays as it is.",
    shift=lambda self, mean, scale, bias: (bias - mean) * scale,
)
mistake(
    "norm's bias subtracted",
    "You subtract norm's bias. Batchnorm adds it.",
    norms_bias=lambda self, norm: (
        torch.zeros_like(norm.running_var) if norm.bias is None else -norm.bias
    ),
)
mistake(
    "statistics of the weight",
    "Your mean and variance are those of conv's weight. Take norm's running_mean and running_var.",
    statistics=lambda self, conv, norm: (
        conv.weight.mean((1, 2, 3)),
        conv.weight.var((1, 2, 3), unbiased=False),
    ),
)


def tried_out(name: str, n_pictures: int) -> None:
    """Add the mistake of calling norm on zeros and ones, whatever its mode."""

    def computed(self, conv, norm):
        zeros = torch.zeros(n_pictures, conv.out_channels, 1, 1).to(conv.weight)
        shift = norm(zeros)[0].flatten()
        scale = norm(zeros + 1)[0].flatten() - shift
        return self.weight(conv, scale), shift + self.convs_bias(conv) * scale, scale

    mistake(
        name,
        "You see what norm does by calling it, and in train mode it then uses the statistics of "
        "what you pass. Compute from running_mean and running_var, whatever the mode.",
        computed=computed,
    )


tried_out("norm tried out in train mode", n_pictures=2)
tried_out("norm tried out in train mode on a single value", n_pictures=1)


@mistake(
    "norm put into eval mode",
    "norm is in eval mode afterwards, though it was in train mode. It is to stay as it is, and "
    "running_mean and running_var can be read in either mode.",
)
class _:
    def finish(self, conv, norm, scale):
        norm.eval()


@mistake(
    "conv's weight changed",
    "You change conv's own weight. Make a new tensor, conv.weight * scale, and leave conv alone.",
)
class _:
    def finish(self, conv, norm, scale):
        conv.weight.mul_(self.along(scale))


@mistake(
    "conv's weight and bias changed",
    "You change conv's own weight and bias. Make new tensors, and leave conv as it is.",
)
class _:
    def finish(self, conv, norm, scale):
        bias = self.bias(conv, norm, norm.running_mean, scale)
        conv.weight.mul_(self.along(scale))
        if conv.bias is not None:
            conv.bias.copy_(bias)


@mistake(
    "conv returned",
    "You change conv and return it. Make a new nn.Conv2d for the new weight and bias, and leave "
    "conv as it is.",
)
class _:
    def made(self, conv, norm, weight, bias):
        conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
        return conv


@mistake(
    "norm's weight changed",
    "You change norm's own weight. Make a new tensor, and leave norm as it is.",
)
class _:
    def finish(self, conv, norm, scale):
        if norm.weight is not None:
            norm.weight.copy_(scale)


@mistake(
    "norm's bias changed",
    "You change norm's own bias. Make a new tensor, and leave norm as it is.",
)
class _:
    def finish(self, conv, norm, scale):
        if norm.bias is not None:
            norm.bias.sub_(norm.running_mean * scale)


@mistake(
    "copy of conv returned",
    "You put a bias into a copy of conv. The course's Conv2d can have none, and neither can its "
    "copy: make a new nn.Conv2d.",
)
class _:
    def made(self, conv, norm, weight, bias):
        folded = copy.deepcopy(conv)
        folded.weight, folded.bias = nn.Parameter(weight), nn.Parameter(bias)
        return folded


@mistake(
    "no bias",
    "Your nn.Conv2d has no bias, so what batchnorm adds is lost. Leave bias=False out, and set it.",
)
class _:
    def made(self, conv, norm, weight, bias):
        folded = FoldBatchnormInSteps.made(self, conv, norm, weight, bias)
        folded.bias = None
        return folded


@mistake(
    "no bias to copy into",
    "Your nn.Conv2d has no bias, so there is nothing to copy into: its bias is None. Leave "
    "bias=False out.",
)
class _:
    def made(self, conv, norm, weight, bias):
        folded = FoldBatchnormInSteps.made(self, conv, norm, weight, bias)
        folded.bias = None
        folded.bias.copy_(bias)


@mistake(
    "the course's Conv2d made",
    "You make the course's Conv2d, which has no bias, and takes one number as kernel_size. Make "
    "PyTorch's: nn.Conv2d(…).",
)
class _:
    def made(self, conv, norm, weight, bias):
        sizes = conv.in_channels, conv.out_channels, conv.kernel_size
        folded = layers.Conv2d(*sizes, conv.stride, conv.padding)
        folded.weight, folded.bias = nn.Parameter(weight), nn.Parameter(bias)
        return folded


def left_at_random(name: str) -> None:
    """Add the mistake of leaving this parameter of a new nn.Conv2d as it is drawn."""

    def made(self, conv, norm, weight, bias):
        settings = {name: getattr(conv, name) for name in self.settings}
        folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, **settings)
        other, value = ("bias", bias) if name == "weight" else ("weight", weight)
        setattr(folded, other, nn.Parameter(value))
        return folded

    mistake(
        f"{name} never set",
        f"The {name} of your nn.Conv2d is as it was drawn at random. Give it the new one: "
        f"folded.{name} = nn.Parameter(…).",
        made=made,
    )


left_at_random("weight")
left_at_random("bias")
A_SEQUENTIAL = "You return a Sequential. Return one nn.Conv2d, which does what conv and norm do."
mistake(
    "Sequential of both",
    A_SEQUENTIAL,
    made=lambda self, conv, norm, weight, bias: nn.Sequential(conv, norm),
)
mistake(
    "Sequential of the new convolution",
    A_SEQUENTIAL,
    made=lambda self, conv, norm, weight, bias: nn.Sequential(
        FoldBatchnormInSteps.made(self, conv, norm, weight, bias)
    ),
)
mistake(
    "function returned",
    "You return a function. Return an nn.Conv2d, which does what conv and norm do.",
    made=lambda self, conv, norm, weight, bias: lambda x: norm(conv(x)),
)
mistake(
    "weight and bias returned",
    "You return the two tensors. Return an nn.Conv2d that has them as its weight and bias.",
    made=lambda self, conv, norm, weight, bias: (weight, bias),
)
mistake(
    "nothing returned",
    "You return nothing. Return the new nn.Conv2d.",
    made=lambda self, conv, norm, weight, bias: None,
)


def setting_lost(*lost: str, how="", **steps: Callable) -> None:
    """Add the mistake of leaving these settings of conv's at nn.Conv2d's default."""
    kept = tuple(name for name in FoldBatchnormInSteps.settings if name not in lost)
    names = " and ".join(lost)
    mistake(
        f"{names} lost{how}",
        f"Your nn.Conv2d does not have conv's {names}. Pass stride, padding, dilation and groups "
        "on: both kinds of Conv2d have all four.",
        settings=kept,
        **steps,
    )


setting_lost("stride")
setting_lost("padding")
setting_lost("dilation")
setting_lost("groups")
setting_lost("groups", how=", copied in", made=copied_in)  # which raises: the shapes do not fit
setting_lost("dilation", "groups")
setting_lost("padding", "dilation", "groups")
setting_lost("stride", "dilation", "groups")
setting_lost("stride", "padding", "dilation", "groups")


@mistake(
    "dtype lost",
    "Your result is in float32 whatever conv is in: a new nn.Conv2d is, and stays so if values are "
    "copied into it. Give it new parameters, nn.Parameter(…), or conv's dtype and device.",
)
class _:
    def parameter(self, tensor):
        return nn.Parameter(tensor.float())


@mistake(
    "tensor assigned to a parameter",
    "A tensor cannot take the place of a parameter: make a parameter of it first, folded.weight = "
    "nn.Parameter(…).",
)
class _:
    def parameter(self, tensor):
        return tensor


@mistake(
    "plain tensors in place of parameters",
    "Weight and bias of your result are plain tensors: they are in no state dict, and .to() does "
    "not move them. Make parameters of them, nn.Parameter(…).",
)
class _:
    def made(self, conv, norm, weight, bias):
        folded = FoldBatchnormInSteps.made(self, conv, norm, weight, bias)
        del folded.weight, folded.bias
        folded.weight, folded.bias = weight, bias
        return folded


@mistake(
    "copied into a parameter with gradients on",
    "You copy into a parameter while gradients are recorded. Do it inside `with torch.no_grad():`, "
    "or give the layer a new one, nn.Parameter(…).",
)
class _:
    def made(self, conv, norm, weight, bias):
        folded = FoldBatchnormInSteps.made(self, conv, norm, weight, bias)
        with torch.enable_grad():
            folded.weight.copy_(weight)
        return folded


# Which error None raises depends on the operation and on the side on which it stands.
NO_AFFINE = (
    "norm.weight and norm.bias are None in a batchnorm with affine=False. Take 1 and 0 in their "
    "place."
)
for how, scale in {
    "divided": lambda weight, root: weight / root,
    "multiplied": lambda weight, root: weight * (1 / root),
    "as a factor": lambda weight, root: (1 / root) * weight,
}.items():
    mistake(
        f"norm without affine, {how}",
        NO_AFFINE,
        norms_weight=lambda self, norm: norm.weight,
        norms_bias=lambda self, norm: norm.bias,
        scale=lambda self, weight, root, scale=scale: scale(weight, root),
    )
for how, shift in {
    "first": lambda mean, scale, bias: bias + -mean * scale,
    "last": lambda mean, scale, bias: -mean * scale + bias,
    "subtracted from": lambda mean, scale, bias: bias - mean * scale,
}.items():
    mistake(
        f"norm without bias, {how}",
        "norm.bias is None in a batchnorm with affine=False, as norm.weight is. Take 0 in its "
        "place.",
        norms_bias=lambda self, norm: norm.bias,
        shift=lambda self, mean, scale, bias, shift=shift: shift(mean, scale, bias),
    )
CONV_WITHOUT_BIAS = (
    "conv.bias is None in a convolution without bias, as all of the course's are. Take 0 in its "
    "place."
)
for how, summand in {
    "multiplied": lambda bias, mean, scale: bias * scale - mean * scale,
    "as a factor": lambda bias, mean, scale: scale * bias - mean * scale,
    "subtracted from": lambda bias, mean, scale: (bias - mean) * scale,
    "subtracted": lambda bias, mean, scale: -(mean - bias) * scale,
}.items():
    mistake(
        f"conv without bias, {how}",
        CONV_WITHOUT_BIAS,
        bias=lambda self, conv, norm, mean, scale, summand=summand: (
            self.norms_bias(norm) + summand(conv.bias, mean, scale)
        ),
    )

# ---- The check ------------------------------------------------------------------------------

FOLD_BATCHNORM = Exercise(
    name="fold_batchnorm",
    reference=solutions.fold_batchnorm,
    trials=TRIALS,
    names=globals(),
    in_steps=FoldBatchnormInSteps,
    mistakes=mistake,
    finished=lambda steps: steps().fold_batchnorm,
)


def test_fold_batchnorm(fold_batchnorm: Callable) -> None:
    """Check that fold_batchnorm(conv, norm) does in one convolution what both do."""
    FOLD_BATCHNORM.check("test_fold_batchnorm", fold_batchnorm)
