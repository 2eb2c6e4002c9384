"""Answers to fold_batchnorm."""

import copy

import torch
from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.layers import Conv2d

fold_batchnorm = Answers("fold_batchnorm", globals())
right, wrong = fold_batchnorm.right, fold_batchnorm.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
def new_parameters(conv, norm):
    gamma = 1 if norm.weight is None else norm.weight
    beta = 0 if norm.bias is None else norm.bias
    conv_bias = 0 if conv.bias is None else conv.bias
    scale = gamma / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale[:, None, None, None])
    folded.bias = nn.Parameter(beta + (conv_bias - norm.running_mean) * scale)
    return folded


@right
@torch.no_grad()
def copied_in(conv, norm):
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size
    settings = conv.stride, conv.padding, conv.dilation, conv.groups
    folded = nn.Conv2d(*sizes, *settings).to(conv.weight)
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = norm.weight * scale
    folded.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias.copy_(-norm.running_mean * scale)
    if norm.bias is not None:
        folded.bias += norm.bias
    if conv.bias is not None:
        folded.bias += scale * conv.bias
    return folded


@right
def channel_by_channel(conv, norm):
    names = ["in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation"]
    settings = {name: getattr(conv, name) for name in [*names, "groups"]}
    folded = nn.Conv2d(**settings, dtype=conv.weight.dtype, device=conv.weight.device)
    weight, bias = conv.weight.detach().clone(), torch.zeros_like(norm.running_mean)
    for i in range(conv.out_channels):
        std = (norm.running_var[i] + norm.eps) ** 0.5
        factor = norm.weight[i].item() / std if norm.weight is not None else 1 / std
        weight[i] *= factor
        bias[i] = -norm.running_mean[i] * factor
        if norm.bias is not None:
            bias[i] += norm.bias[i].item()
        if conv.bias is not None:
            bias[i] += conv.bias[i].item() * factor
    folded.weight.data = weight
    folded.bias.data = bias
    return folded


@right
def by_trying_it_out(conv, norm):
    was_training = norm.training
    norm.eval()
    with torch.no_grad():
        zeros = torch.zeros(2, conv.out_channels, 1, 1).to(conv.weight)
        shift = norm(zeros)[0].flatten()
        scale = norm(zeros + 1)[0].flatten() - shift
        norm.train(was_training)
        weight = torch.einsum("oihw,o->oihw", conv.weight, scale)
        bias = shift if conv.bias is None else shift + conv.bias * scale
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size
    settings = conv.stride, conv.padding, conv.dilation, conv.groups
    folded = nn.Conv2d(*sizes, *settings, device="meta")
    folded.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return folded


@right
def as_a_matrix(conv, norm):
    with torch.no_grad():
        scale = torch.ones_like(norm.running_var) if norm.weight is None else norm.weight.clone()
        scale /= torch.sqrt(norm.running_var + norm.eps)
        weight = torch.diag(scale) @ conv.weight.flatten(1)
        bias = -torch.diag(scale) @ norm.running_mean
        for other, factor in ((norm.bias, 1), (conv.bias, scale)):
            if other is not None:
                bias = bias + factor * other
    folded = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)
    folded.stride, folded.padding, folded.dilation = (
        (value, value) if isinstance(value, int) else value
        for value in (conv.stride, conv.padding, conv.dilation)
    )
    folded.groups = conv.groups
    folded.weight = nn.Parameter(weight.view_as(conv.weight), requires_grad=False)
    folded.bias = nn.Parameter(bias, requires_grad=False)
    return folded


@right
def copy_of_pytorchs(conv, norm):
    if isinstance(conv, Conv2d):  # the course's
        sizes = conv.in_channels, conv.out_channels, conv.kernel_size
        folded = nn.Conv2d(*sizes, conv.stride, conv.padding)
    else:
        folded = copy.deepcopy(conv)
    std = (norm.running_var + norm.eps).sqrt().detach()
    with torch.no_grad():
        w = torch.ones_like(std) if norm.weight is None else norm.weight
        b = torch.zeros_like(std) if norm.bias is None else norm.bias
        shift = b - w * norm.running_mean / std
        if conv.bias is not None:
            shift = shift + w * conv.bias / std
        folded.weight = nn.Parameter(conv.weight * (w / std).reshape(-1, 1, 1, 1))
        folded.bias = nn.Parameter(shift)
    return folded


# ---- Wrong ----------------------------------------------------------------------------------

ROOT = "torch.sqrt(norm.running_var + norm.eps)"
WEIGHT = "conv.weight * scale[:, None, None, None]"
BIAS = "beta + (conv_bias - norm.running_mean) * scale"

wrong("eps forgotten", new_parameters, {ROOT: "torch.sqrt(norm.running_var)"})
wrong(
    "eps forgotten", channel_by_channel, {"(norm.running_var[i] + norm.eps)": "norm.running_var[i]"}
)
wrong("eps outside the root", new_parameters, {ROOT: "(torch.sqrt(norm.running_var) + norm.eps)"})
wrong("eps hard-coded", copied_in, {"norm.eps": "1e-5"})
wrong("running_var not rooted", new_parameters, {ROOT: "(norm.running_var + norm.eps)"})
wrong("running_var not rooted", channel_by_channel, {" ** 0.5": ""})
wrong("multiplied by the standard deviation", copied_in, {"rsqrt": "sqrt"})
wrong(
    "norm's weight forgotten",
    copied_in,
    {"if norm.weight is not None:\n    scale = norm.weight * scale\n": ""},
)
wrong("norm's weight forgotten", new_parameters, {"1 if norm.weight is None else norm.weight": "1"})
wrong(
    "norm's weight forgotten in the bias",
    new_parameters,
    {f"({BIAS})": f"(beta + (conv_bias - norm.running_mean) / {ROOT})"},
)
wrong("weight not scaled", new_parameters, {WEIGHT: "conv.weight.clone()"})
wrong(
    "weight scaled along the input channels",
    new_parameters,
    {"[:, None, None, None]": "[None, :, None, None]"},
)
wrong(
    "weight scaled along the input channels", copied_in, {"view(-1, 1, 1, 1)": "view(1, -1, 1, 1)"}
)
wrong("weight scaled along the kernel's width", new_parameters, {"[:, None, None, None]": ""})
wrong(
    "weight scaled along the kernel's height",
    new_parameters,
    {"[:, None, None, None]": "[:, None]"},
)
wrong(
    "running_var not rooted in the bias",
    new_parameters,
    {BIAS: "beta + (conv_bias - norm.running_mean) * gamma / (norm.running_var + norm.eps)"},
)
wrong("weight scaled along the kernel's width, copied in", copied_in, {".view(-1, 1, 1, 1)": ""})
wrong(
    "weight scaled along the kernel's height, copied in",
    copied_in,
    {"view(-1, 1, 1, 1)": "view(-1, 1)"},
)
wrong("weight transposed", new_parameters, {WEIGHT: f"({WEIGHT}).transpose(0, 1)"})
wrong("running_mean not scaled", copied_in, {"-norm.running_mean * scale": "-norm.running_mean"})
wrong("conv's bias not scaled", copied_in, {"scale * conv.bias": "conv.bias"})
wrong("bias not scaled", new_parameters, {BIAS: "beta + conv_bias - norm.running_mean"})
wrong(
    "conv's bias forgotten",
    copied_in,
    {"if conv.bias is not None:\n    folded.bias += scale * conv.bias\n": ""},
)
wrong(
    "conv's bias forgotten", new_parameters, {"conv_bias - norm.running_mean": "-norm.running_mean"}
)
wrong("running_mean added", copied_in, {"-norm.running_mean": "norm.running_mean"})
wrong("running_mean added as it is", copied_in, {"-norm.running_mean * scale": "norm.running_mean"})
wrong(
    "all of the shift scaled once more",
    new_parameters,
    {BIAS: "(conv_bias + beta - norm.running_mean * scale) * scale"},
)
wrong("running_mean forgotten", new_parameters, {"conv_bias - norm.running_mean": "conv_bias"})
wrong("norm's bias forgotten", new_parameters, {"beta + ": ""})
wrong(
    "norm's bias scaled", new_parameters, {BIAS: "(beta + conv_bias - norm.running_mean) * scale"}
)
wrong("norm's bias subtracted", copied_in, {"+= norm.bias": "-= norm.bias"})
wrong(
    "statistics of the weight",
    new_parameters,
    {
        "norm.running_var": "conv.weight.var((1, 2, 3), correction=0)",
        "norm.running_mean": "conv.weight.mean((1, 2, 3))",
    },
)
wrong("norm tried out in train mode", by_trying_it_out, {"norm.eval()\n": ""})
wrong(
    "norm tried out in train mode on a single value",
    by_trying_it_out,
    {"norm.eval()\n": "", "torch.zeros(2,": "torch.zeros(1,"},
)
wrong("norm put into eval mode", by_trying_it_out, {"norm.train(was_training)\n": ""})
wrong(
    "conv's weight changed",
    new_parameters,
    {
        f"folded.weight = nn.Parameter({WEIGHT})": (
            "conv.weight.data *= scale[:, None, None, None]\n"
            "folded.weight = nn.Parameter(conv.weight.data.clone())"
        )
    },
)
wrong(
    "conv's weight changed",
    channel_by_channel,
    {"conv.weight.detach().clone()": "conv.weight.detach()"},
)
wrong(
    "conv's weight and bias changed",
    new_parameters,
    {
        "return folded": (
            "conv.weight.data = folded.weight.data.clone()\n"
            "if conv.bias is not None:\n"
            "    conv.bias.data = folded.bias.data.clone()\n"
            "return folded"
        )
    },
)
wrong(
    "conv returned",
    new_parameters,
    {
        "folded.weight = nn": "conv.weight = nn",
        "folded.bias = nn": "conv.bias = nn",
        "return folded": "return conv",
    },
)
wrong(
    "norm's weight changed",
    copied_in,
    {"scale = norm.weight * scale": "scale = norm.weight.mul_(scale)"},
)
wrong(
    "norm's bias changed",
    copied_in,
    {
        "folded.bias += norm.bias": (
            "norm.bias -= norm.running_mean * scale\nfolded.bias.copy_(norm.bias)"
        )
    },
)
wrong(
    "copy of conv returned",
    copied_in,
    {
        "sizes = conv.in_channels, conv.out_channels, conv.kernel_size\n"
        "settings = conv.stride, conv.padding, conv.dilation, conv.groups\n"
        "folded = nn.Conv2d(*sizes, *settings).to(conv.weight)": (
            "folded = copy.deepcopy(conv)\n"
            "folded.bias = nn.Parameter(torch.zeros_like(norm.running_mean))"
        )
    },
)
wrong(
    "no bias",
    new_parameters,
    {
        "groups=conv.groups,": "groups=conv.groups,\nbias=False,",
        f"\nfolded.bias = nn.Parameter({BIAS})": "",
    },
)
wrong(
    "the course's Conv2d made",
    copied_in,
    {
        "settings = conv.stride, conv.padding, conv.dilation, conv.groups\n": "",
        "nn.Conv2d(*sizes, *settings)": "Conv2d(*sizes, conv.stride, conv.padding)",
        "folded.bias.copy_(-norm.running_mean * scale)": (
            "folded.bias = nn.Parameter(-norm.running_mean * scale)"
        ),
    },
)
wrong("no bias to copy into", copied_in, {"*sizes, *settings": "*sizes, *settings, bias=False"})
wrong("bias never set", new_parameters, {f"folded.bias = nn.Parameter({BIAS})\n": ""})
wrong("weight never set", new_parameters, {f"folded.weight = nn.Parameter({WEIGHT})\n": ""})
wrong(
    "Sequential of the new convolution",
    new_parameters,
    {"return folded": "return nn.Sequential(folded)"},
)
wrong("Sequential of both", copied_in, {"return folded": "return nn.Sequential(conv, norm)"})
wrong("function returned", copied_in, {"return folded": "return lambda x: norm(conv(x))"})
wrong(
    "weight and bias returned",
    new_parameters,
    {"return folded": "return folded.weight, folded.bias"},
)
wrong("nothing returned", new_parameters, {"return folded": "print(folded)"})
wrong("stride lost", new_parameters, {"stride=conv.stride,\n": ""})
wrong("padding lost", new_parameters, {"padding=conv.padding,\n": ""})
wrong("dilation lost", new_parameters, {"dilation=conv.dilation,\n": ""})
wrong("groups lost", new_parameters, {"groups=conv.groups,\n": ""})
wrong("groups lost, copied in", copied_in, {"conv.dilation, conv.groups": "conv.dilation"})
wrong(
    "dilation and groups lost",
    new_parameters,
    {"dilation=conv.dilation,\n": "", "groups=conv.groups,\n": ""},
)
wrong(
    "padding and dilation and groups lost",
    new_parameters,
    {"padding=conv.padding,\n": "", "dilation=conv.dilation,\n": "", "groups=conv.groups,\n": ""},
)
wrong(
    "stride and dilation and groups lost",
    new_parameters,
    {"stride=conv.stride,\n": "", "dilation=conv.dilation,\n": "", "groups=conv.groups,\n": ""},
)
wrong(
    "stride and padding and dilation and groups lost",
    by_trying_it_out,
    {"*sizes, *settings, ": "*sizes, "},
)
wrong("dtype lost", copied_in, {".to(conv.weight)": ""})
wrong("tensor assigned to a parameter", new_parameters, {f"nn.Parameter({WEIGHT})": WEIGHT})
wrong(
    "plain tensors in place of parameters",
    new_parameters,
    {
        f"folded.weight = nn.Parameter({WEIGHT})": (
            f"del folded.weight, folded.bias\nfolded.weight = {WEIGHT}"
        ),
        f"nn.Parameter({BIAS})": BIAS,
    },
)
wrong("copied into a parameter with gradients on", copied_in, {"@torch.no_grad()\n": ""})
AFFINE = {
    "1 if norm.weight is None else norm.weight": "norm.weight",
    "0 if norm.bias is None else norm.bias": "norm.bias",
}
wrong("norm without affine, divided", new_parameters, AFFINE)
wrong(
    "norm without affine, multiplied",
    copied_in,
    {
        "if norm.weight is not None:\n    scale": "scale",
        "if norm.bias is not None:\n    folded.bias += norm": "folded.bias += norm",
    },
)
wrong(
    "norm without affine, as a factor",
    new_parameters,
    {**AFFINE, f"gamma / {ROOT}": f"1 / {ROOT} * gamma"},
)
BETA = {"0 if norm.bias is None else norm.bias": "norm.bias"}
wrong("norm without bias, first", new_parameters, BETA)
wrong(
    "norm without bias, last",
    new_parameters,
    {**BETA, BIAS: "(conv_bias - norm.running_mean) * scale + beta"},
)
wrong(
    "norm without bias, subtracted from",
    new_parameters,
    {**BETA, BIAS: "beta - norm.running_mean * scale + conv_bias * scale"},
)
wrong("conv without bias, multiplied", by_trying_it_out, {"shift if conv.bias is None else ": ""})
CONV_BIAS = {"0 if conv.bias is None else conv.bias": "conv.bias"}
wrong("conv without bias, subtracted from", new_parameters, CONV_BIAS)
wrong(
    "conv without bias, subtracted",
    new_parameters,
    {**CONV_BIAS, BIAS: "beta - (norm.running_mean - conv_bias) * scale"},
)
wrong(
    "conv without bias, as a factor",
    copied_in,
    {"if conv.bias is not None:\n    folded": "folded"},
)
